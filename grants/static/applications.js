// The plan's page: saves by itself, keeps what could not be sent on this phone, counts, and adds rows.
// Without this module the page works through its buttons.

const form = document.querySelector("#plan");
const says = form?.querySelector("[data-status]");
const PAUSE = 2500;

const typed = () =>
  [...new FormData(form).entries()].filter(([name]) => name !== "csrf_token" && name !== "revision");

// localStorage may be full or closed: the page then saves through the server alone.
const keep = (sent = false) => {
  try {
    const copy = { revision: Number(form.elements.revision.value), sent, typed: typed() };
    localStorage.setItem(form.dataset.keep, JSON.stringify(copy));
  } catch { /* nothing to keep it in */ }
};
const forget = () => {
  try {
    localStorage.removeItem(form.dataset.keep);
  } catch { /* nothing was kept */ }
};
const kept = () => {
  try {
    return JSON.parse(localStorage.getItem(form.dataset.keep) ?? "null");
  } catch {
    return null;
  }
};

let timer = 0;
let sending = false;
let again = false;
let stale = false;

async function save() {
  if (sending) {
    again = true;
    return;
  }
  sending = true;
  const sent = JSON.stringify(typed());
  try {
    await send(sent);
  } catch {
    says.textContent = form.dataset.saysOffline;
  }
  sending = false;
  if (again) {
    again = false;
    save();
  }
}

async function send(sent) {
  const answer = await fetch(form.dataset.autosave, {
    method: "POST",
    body: new FormData(form),
    headers: { "X-CSRFToken": form.elements.csrf_token.value, Accept: "application/json" },
    redirect: "manual",
  });
  if (answer.type === "opaqueredirect" || answer.status === 400 || answer.status === 401) {
    says.textContent = form.dataset.saysEnded;
    return;
  }
  const told = await answer.json();
  says.textContent = told.message;
  stale = told.status === "stale";
  if (told.status !== "saved") return;
  form.elements.revision.value = told.revision;
  // What was typed while the answer travelled is still only here.
  if (JSON.stringify(typed()) === sent) {
    forget();
    form.dispatchEvent(new Event("saved"));
  }
}

function changed() {
  keep();
  count();
  if (!form.dataset.autosave || stale) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    says.textContent = form.dataset.saysWaiting;
    save();
  }, PAUSE);
}

// Money is counted in whole cents, as the server does.
const PRICE = /^\d{1,9}([.,]\d{1,2})?$/;
const cents = (text) => {
  const [whole, part = ""] = text.replace(",", ".").split(".");
  return Number(whole) * 100 + Number(part.padEnd(2, "0"));
};

function count() {
  const box = form.querySelector("[data-total]");
  let sum = 0;
  for (const row of form.querySelectorAll("[data-item]")) {
    const [, quantity, price] = [...row.querySelectorAll("input")].map((input) => input.value.trim());
    if (/^\d{1,6}$/.test(quantity) && PRICE.test(price)) sum += Number(quantity) * cents(price);
  }
  const left = cents(box.dataset.award) - sum;
  const money = new Intl.NumberFormat(form.dataset.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  box.querySelector("[data-total-sum]").textContent = `USD ${money.format(sum / 100)}`;
  box.querySelector("[data-total-left]").textContent = `USD ${money.format(left / 100)}`;
  box.querySelector("[data-total-over]").hidden = left >= 0;
}

function addRow() {
  const rows = [...form.querySelectorAll("[data-item]")];
  if (rows.length === 0 || rows.length >= 40) return null;
  const row = rows.at(-1).cloneNode(true);
  const number = Math.max(...rows.map((each) => Number(each.querySelector("input").name.split("-")[1]))) + 1;
  for (const input of row.querySelectorAll("input")) {
    const name = input.name.replace(/^items-\d+-/, `items-${number}-`);
    row.querySelector(`label[for="${input.id}"]`).htmlFor = name;
    input.name = input.id = name;
    input.value = "";
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  for (const sentence of row.querySelectorAll(".field-error")) sentence.remove();
  for (const field of row.querySelectorAll(".has-error")) field.classList.remove("has-error");
  row.querySelector("legend").textContent = form.dataset.saysItem.replace("#", String(rows.length + 1));
  rows.at(-1).after(row);
  return row;
}

function restore(pairs) {
  for (const [name] of pairs) {
    const row = /^items-(\d+)-/.exec(name);
    while (row && !form.elements[name] && addRow()) { /* as many rows as were kept */ }
  }
  for (const [name, value] of pairs) {
    const field = form.elements[name];
    if (field) field.value = value;
  }
  changed();
}

function offerToRestore() {
  const found = kept();
  const offer = document.querySelector("[data-restore]");
  const arrived = found?.sent && Number(form.elements.revision.value) === found.revision + 1;
  if (!found?.typed || arrived || JSON.stringify(found.typed) === JSON.stringify(typed())) {
    forget();
    return;
  }
  offer.hidden = false;
  offer.querySelector("[data-restore-yes]").addEventListener("click", () => {
    offer.hidden = true;
    restore(found.typed);
  });
  offer.querySelector("[data-restore-no]").addEventListener("click", () => {
    offer.hidden = true;
    forget();
  });
}

if (form) {
  offerToRestore();
  count();
  form.addEventListener("input", () => changed());
  form.querySelector("[name=add_row]").addEventListener("click", (event) => {
    const row = addRow();
    if (!row) return;
    event.preventDefault();
    row.querySelector("input").focus();
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    keep(true);
  });
  window.addEventListener("online", () => changed());
}
