// The score sheet: a running total, what is still missing, and drafts that save themselves. The page works without it.
const form = document.querySelector("form[data-autosave]");
const criteria = [...form.querySelectorAll("[data-criterion]")];
const total = form.querySelector("[data-total]");
const saved = form.querySelector("[data-saved]");

function showTotal() {
  let hundredths = 0;
  let missing = 0;
  for (const box of criteria) {
    const chosen = box.querySelector("input[type=radio]:checked");
    box.querySelector("[data-missing]").hidden = Boolean(chosen);
    if (!chosen) {
      missing += 1;
      continue;
    }
    const { weight, bottom, top } = box.dataset;
    hundredths += (Number(weight) * 100 * (Number(chosen.value) - Number(bottom))) / (Number(top) - Number(bottom));
  }
  const points = (Math.round(hundredths) / 100).toLocaleString(document.documentElement.lang, {
    minimumFractionDigits: 2,
  });
  const sentence = missing ? total.dataset.partial : total.dataset.complete;
  total.textContent = sentence.replace("{points}", points).replace("{missing}", String(missing));
  total.hidden = false;
}

let waiting;
let changes = 0;
let queue = Promise.resolve(); // one save after the other: an older text never arrives last

async function save() {
  if (form.dataset.sent) return;
  const sent = changes;
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body: new FormData(form) });
    const { message } = await answer.json();
    saved.textContent = message;
    // Only then may the reader leave without being asked.
    if (answer.ok && sent === changes) form.dispatchEvent(new Event("saved"));
  } catch {
    saved.textContent = form.dataset.unsaved;
  }
}

form.addEventListener("input", () => {
  changes += 1;
  showTotal();
  clearTimeout(waiting);
  waiting = setTimeout(() => { queue = queue.then(save); }, 2000);
});
form.addEventListener("submit", () => clearTimeout(waiting));
window.addEventListener("online", () => { if (changes) queue = queue.then(save); });
showTotal();
