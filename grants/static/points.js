// The same points as the server's, exactly: sums of fractions in whole numbers, rounded once, half up.
// `scored` holds, for each criterion with a level: weight in hundredths of a percent, level, bottom and top.
export function hundredths(scored) {
  let above = 0n;
  let below = 1n;
  for (const { weight, level, bottom, top } of scored) {
    const span = BigInt(top - bottom);
    above = above * span + BigInt(weight) * BigInt(level - bottom) * below;
    below *= span;
  }
  return Number((2n * above + below) / (2n * below));
}

// 6667 → "66,67", with the reader's decimal sign.
export function twoDecimals(value, sign) {
  return `${Math.floor(value / 100)}${sign}${String(value % 100).padStart(2, "0")}`;
}
