// A pitch session on a phone with a poor signal: the clock, small looks for news, and sheets that are kept here until
// they have arrived. Without it the pages work by "Update this page" and plain forms.
const page = document.querySelector("[data-pitch]");
const words = page.dataset;
const net = page.querySelector("[data-net]");
const LOOK_EVERY = 5000;
const LOOK_AT_MOST_EVERY = 30000;

// --- The clock, by the server's time: the clocks of phones differ.
let skew = Number(words.now) - Date.now();

function tick() {
  for (const timer of page.querySelectorAll("[data-timer]")) {
    const gone = Math.max(0, Math.floor((Date.now() + skew - Number(timer.dataset.timer)) / 1000));
    timer.querySelector("[data-clock]").textContent = `${Math.floor(gone / 60)}:${String(gone % 60).padStart(2, "0")}`;
    const over = gone >= Number(timer.dataset.minutes) * 60;
    timer.classList.toggle("timer-over", over);
    timer.querySelector("[data-over]").hidden = !over;
  }
  showStrip();
}

// The clock stays in sight while its sheet is being filled in.
function showStrip() {
  const form = shownForm();
  const strip = form?.querySelector("[data-strip]");
  if (!strip) return;
  const timer = page.querySelector(`[data-of="${slotOf(form)}"]`);
  strip.hidden = !timer;
  strip.textContent = timer ? timer.innerText.replace(/\s+/g, " ") : "";
}

// --- Sheets on this phone: what was typed, under which key it is sent, and whether it waits to be sent.
const prefix = `semilla.pitch.${words.user}.`;

const memory = new Map(); // by slot; what the store below lost, the page itself still holds

function readStore() {
  try {
    for (const [name, text] of Object.entries(localStorage)) {
      if (name.startsWith(prefix)) memory.set(name.slice(prefix.length), JSON.parse(text));
    }
  } catch {
    // A forbidden or damaged store: what is typed from now on is kept in the page.
  }
}

function keep(slot, entry) {
  if (entry) memory.set(slot, entry);
  else memory.delete(slot);
  try {
    if (entry) localStorage.setItem(prefix + slot, JSON.stringify(entry));
    else localStorage.removeItem(prefix + slot);
  } catch {
    // A full or forbidden store.
  }
}

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const shownForm = () => page.querySelector("[data-part=sheet] form[data-sheet]");
const slotOf = (form) => form.dataset.sheet;

function typed(form) {
  const fields = Object.fromEntries(new FormData(form));
  delete fields.csrf_token;
  delete fields.key;
  return fields;
}

function restore(form) {
  const entry = memory.get(slotOf(form));
  if (!entry) return;
  for (const [name, value] of Object.entries(entry.fields)) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio") field.checked = field.value === value;
      else field.value = value;
    }
  }
  showErrors(form, entry.errors ?? {}, entry.message ?? "");
  showKept(form, entry);
}

function showKept(form, entry) {
  const place = form.querySelector("[data-kept]");
  place.textContent = entry.queued ? words.unsent : words.kept;
  place.className = entry.queued ? "notice notice-warn" : "hint";
}

function showErrors(form, errors, message) {
  const above = form.querySelector("[data-above]");
  above.replaceChildren();
  if (message) above.append(paragraph(message, "notice notice-bad", "alert"));
  for (const place of form.querySelectorAll("[data-error-of]")) {
    const found = errors[place.dataset.errorOf] ?? [];
    place.replaceChildren(...found.map((sentence) => paragraph(sentence)));
    place.closest(".field").classList.toggle("has-error", found.length > 0);
  }
}

function paragraph(text, name = "", role = "") {
  const made = document.createElement("p");
  made.textContent = text;
  if (name) made.className = name;
  if (role) made.setAttribute("role", role);
  return made;
}

function showOutbox() {
  const box = page.querySelector("[data-outbox]");
  if (!box) return;
  const number = [...memory.values()].filter((entry) => entry.queued).length;
  box.hidden = number === 0;
  box.textContent = number === 1 ? words.waitingOne : words.waitingMany.replace("{number}", String(number));
}

function gapsOf(form) {
  const missing = {};
  for (const box of form.querySelectorAll("[data-criterion]")) {
    const level = box.querySelector("input[type=radio]:checked");
    const comment = box.querySelector("textarea");
    const isExtreme = level && box.dataset.extremes.split(" ").includes(level.value);
    if (!level) missing[box.querySelector("input[type=radio]").name] = [words.missing];
    else if (isExtreme && !comment.value.trim()) missing[comment.name] = [words.bare];
  }
  return missing;
}

page.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-sheet]");
  if (!form) return;
  const before = memory.get(slotOf(form));
  const entry = { key: before?.key ?? newKey(), action: form.action, fields: typed(form), queued: false };
  keep(slotOf(form), entry);
  showKept(form, entry);
  showOutbox();
});

page.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-sheet]");
  if (!form) return;
  event.preventDefault();
  const gaps = gapsOf(form);
  if (Object.keys(gaps).length > 0) {
    showErrors(form, gaps, Object.keys(gaps).some((name) => name.startsWith("level_")) ? words.gaps : words.bare);
    form.querySelector(".has-error").scrollIntoView({ block: "center", behavior: "instant" });
    return;
  }
  const before = memory.get(slotOf(form));
  const entry = { key: before?.key ?? newKey(), action: form.action, fields: typed(form), queued: true };
  keep(slotOf(form), entry);
  showErrors(form, {}, "");
  showKept(form, entry);
  showOutbox();
  send();
});

// --- Sending: one after the other, again and again, under the same key until the server has said that it is in.
let sending = false;

async function send() {
  if (sending || !words.user) return;
  sending = true;
  let news = false;
  try {
    for (const [slot, entry] of [...memory]) {
      if (entry.queued && (await deliver(slot, entry))) news = true;
    }
  } catch {
    net.textContent = words.lost; // kept: the next look or the network's return tries again
  } finally {
    sending = false;
    showOutbox();
  }
  if (news) await refresh();
}

async function deliver(slot, entry) {
  const token = document.querySelector("input[name=csrf_token]").value;
  const body = new URLSearchParams({ ...entry.fields, key: entry.key, csrf_token: token });
  const answer = await fetch(entry.action, { method: "POST", body, headers: { Accept: "application/json" } });
  if (answer.redirected || answer.status === 400) {
    net.textContent = words.signedOut;
    return false;
  }
  if (answer.status >= 500 || answer.status === 429) throw new Error("later");
  const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
  const said = isJson ? await answer.json() : { message: words.closed, errors: {} };
  if (said.is_in) {
    keep(slot, null);
    net.textContent = said.message;
    return true;
  }
  const now = memory.get(slot);
  keep(slot, { ...now, queued: false, errors: said.errors ?? {}, message: said.message });
  const form = shownForm();
  if (form && slotOf(form) === slot) {
    restore(form);
    form.querySelector(".has-error")?.scrollIntoView({ block: "center", behavior: "instant" });
  } else net.textContent = said.message;
  return false;
}

// --- Looking for news: a few bytes while nothing changes, the page's parts when something did.
let etag = words.etag;
let pause = LOOK_EVERY;

async function look() {
  try {
    const headers = etag ? { "If-None-Match": etag } : {};
    const answer = await fetch(words.state, { headers, cache: "no-store" });
    if (answer.redirected) net.textContent = words.signedOut ?? words.lost;
    else if (answer.ok || answer.status === 304) {
      if (net.textContent === words.lost) net.textContent = "";
      const date = Date.parse(answer.headers.get("date") ?? "");
      if (Math.abs(date - Date.now() - skew) > 2000) skew = date - Date.now();
      const tag = answer.headers.get("etag") ?? etag;
      if (tag !== etag) await followTheSession();
      etag = tag;
    }
    pause = LOOK_EVERY;
    await send();
  } catch {
    net.textContent = words.lost;
    pause = Math.min(pause * 2, LOOK_AT_MOST_EVERY);
  }
  setTimeout(look, document.hidden ? LOOK_AT_MOST_EVERY : pause);
}

async function refresh(address = addressOfNow()) {
  const answer = await fetch(address, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  replaceParts(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

// Somebody who is writing, or who chose a sheet, keeps it in sight; a choice ends when the next pitch starts.
let chosen = "";

function isWriting() {
  const form = shownForm();
  return Boolean(form && memory.has(slotOf(form)));
}

function addressOfNow() {
  const slot = isWriting() ? slotOf(shownForm()) : chosen;
  return slot ? `${location.pathname}?slot=${slot}` : location.pathname;
}

const pitching = () => page.querySelector("[data-part=now] [data-of]")?.dataset.of ?? "";

async function followTheSession() {
  const before = pitching();
  await refresh();
  if (!pitching() || pitching() === before) return;
  const wasChosen = chosen !== "";
  chosen = "";
  if (wasChosen && !isWriting()) await refresh();
}

function replaceParts(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part=${part.dataset.part}]`);
    if (!other || isBusy(part, other)) continue;
    part.replaceWith(document.adoptNode(other));
  }
  const form = shownForm();
  if (form) restore(form);
  tick();
  showOutbox();
}

function isBusy(part, other) {
  if (part.dataset.part === "sheet") {
    const form = shownForm();
    return Boolean(form && other.querySelector("form") && part.dataset.shown === other.dataset.shown);
  }
  return part.querySelector("details[open]") !== null || part.contains(document.activeElement);
}

page.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-slot], a[data-reload]");
  if (!link) return;
  event.preventDefault();
  link.blur();
  try {
    chosen = link.dataset.slot ?? "";
    await refresh(link.href);
    if (chosen) goToSheet();
  } catch {
    net.textContent = words.lost;
    if (link.dataset.slot) openBlank(link.dataset.slot);
  }
});

// Without a connection: a blank sheet of the same rubric for whoever was chosen from the order.
function openBlank(slot) {
  const link = page.querySelector(`a[data-slot="${slot}"][data-action]`);
  const blank = page.querySelector("template[data-blank]");
  if (!link || !blank || "in" in link.dataset || link.dataset.rubric !== blank.dataset.blank) return;
  const part = page.querySelector("[data-part=sheet]");
  const form = blank.content.firstElementChild.cloneNode(true);
  form.action = link.dataset.action;
  form.dataset.sheet = slot;
  const title = document.createElement("h2");
  title.textContent = words.sheetOf.replace("{who}", link.dataset.who);
  part.dataset.shown = slot;
  part.replaceChildren(title, form);
  restore(form);
  tick();
  goToSheet();
}

function goToSheet() {
  const part = page.querySelector("[data-part=sheet]");
  part.scrollIntoView({ behavior: "instant" });
  part.querySelector("h2")?.setAttribute("tabindex", "-1");
  part.querySelector("h2")?.focus({ preventScroll: true });
}

window.addEventListener("online", () => { send(); });
setInterval(tick, 1000);
tick();
if (words.user) readStore();
if (shownForm()) restore(shownForm());
showOutbox();
setTimeout(look, LOOK_EVERY);
send();
