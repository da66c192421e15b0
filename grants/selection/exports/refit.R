# Fits the evaluators' severity again, from the sheets that counted in the run.
# Once: install.packages("lme4"). Then, in the folder of these files: Rscript refit.R
library(lme4)

sheets <- read.csv("sheets.csv", stringsAsFactors = TRUE, fileEncoding = "UTF-8")
sheets <- sheets[sheets$counts & sheets$ranked, ]

for (stage in levels(sheets$stage)) {
  one <- droplevels(sheets[sheets$stage == stage, ])
  if (nlevels(one$panel) > 1) {
    fit <- lmer(points ~ panel + (1 | application) + (1 | evaluator), data = one, REML = TRUE)
  } else {
    fit <- lmer(points ~ 1 + (1 | application) + (1 | evaluator), data = one, REML = TRUE)
  }
  cat("Stage:", stage, "\n")
  print(as.data.frame(VarCorr(fit))[, c("grp", "vcov")])
  cat("REML criterion:", format(REMLcrit(fit), digits = 10), "(Semilla's is in fits.csv)\n")
}
