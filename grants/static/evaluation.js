// The score sheet: a running total, what is still missing, drafts that save themselves, keys. The page works without it.
import { forget, keepDrafts } from "./drafts.js";
import { listen } from "./keys.js";
import { hundredths, twoDecimals } from "./points.js";

const form = document.querySelector("form[data-autosave]");
const handedIn = document.querySelector("[data-handed-in]");
if (handedIn) forget(handedIn.dataset.handedIn);
if (form) start();

function start() {
  const boxes = [...form.querySelectorAll("[data-criterion]")];
  const [progress, total, saved, next] = ["progress", "total", "saved", "next"].map((name) =>
    document.querySelector(`.jump-bar [data-${name}]`));

  function showTotal() {
    const scored = [];
    let open = null;
    for (const box of boxes) {
      const chosen = box.querySelector("input[type=radio]:checked");
      box.querySelector("[data-missing]").hidden = Boolean(chosen);
      const [weight, bottom, top] = ["weight", "bottom", "top"].map((name) => Number(box.dataset[name]));
      if (chosen) scored.push({ weight, level: Number(chosen.value), bottom, top });
      else open ??= box;
    }
    const points = twoDecimals(hundredths(scored), total.dataset.decimal);
    const possible = twoDecimals(scored.reduce((sum, { weight }) => sum + weight, 0), total.dataset.decimal);
    const sentence = open ? total.dataset.partial : total.dataset.whole;
    total.textContent = sentence.replace("{points}", points).replace("{possible}", possible);
    total.hidden = !scored.length;
    progress.textContent = progress.dataset.progress.replace("{scored}", scored.length).replace("{all}", boxes.length);
    next.href = `#${open?.id ?? "sheet-heading"}`;
  }

  form.addEventListener("input", showTotal);
  keepDrafts(form, { say: (sentence) => { saved.textContent = sentence; }, refresh: showTotal });
  listen(form, boxes);
  showTotal();
}
