// A draft that survives a lost connection: kept on this device until the server has it, sent again by itself, one
// request at a time. The stamp says which state of the sheet the page was read in, so that no window overwrites another.
const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60000;

const nameOf = (sheet) => `semilla-sheet-${sheet}`;

export function forget(sheet) {
  try { localStorage.removeItem(nameOf(sheet)); } catch { /* a browser that keeps nothing */ }
}

function recall(sheet) {
  try { return JSON.parse(localStorage.getItem(nameOf(sheet))); } catch { return null; }
}

function readStamp(text) {
  const [version, saves, turn, ...rest] = text.split(".");
  return { version, saves, turn: Number(turn), from: rest.join(".") };
}

function entered(form) {
  const values = Object.fromEntries(new FormData(form));
  delete values.csrf_token;
  delete values.stamp;
  return values;
}

const same = (one, other) => {
  const tidy = ([name, value]) => [name, value.replaceAll("\r\n", "\n").trim()];
  const clean = (values) => JSON.stringify(Object.entries(values).map(tidy).filter(([, value]) => value).sort());
  return clean(one) === clean(other);
};

function fill(form, values) {
  for (const field of form.elements) {
    if (field.type === "radio") field.checked = values[field.name] === field.value;
    else if (field.tagName === "TEXTAREA") field.value = values[field.name] ?? "";
  }
}

export function keepDrafts(form, { say, refresh }) {
  const { sheet } = form.dataset;
  const words = form.dataset;
  const box = form.querySelector("[data-changed]");
  let changes = 0;
  let handled = 0; // changes the server has, or has refused
  let wait = FIRST_WAIT;
  let timer;
  let running = null;
  let paused = "paused" in words;
  let state = ""; // "asking" while a submission waits for the last save, "released" once it is on its way

  // Where both versions are shown, nothing was chosen yet: what is kept still belongs to the state read before.
  const before = paused ? recall(sheet)?.stamp : undefined;

  function keep() {
    const kept = { stamp: before ?? form.elements.stamp.value, values: entered(form) };
    try { localStorage.setItem(nameOf(sheet), JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ }
  }

  function later(time) {
    clearTimeout(timer);
    timer = setTimeout(save, time);
  }

  function stamp(changed) {
    const now = { ...readStamp(form.elements.stamp.value), ...changed };
    form.elements.stamp.value = `${now.version}.${now.saves}.${now.turn}.${now.from}`;
  }

  function disagree(sentence) {
    paused = true;
    box.querySelector("p").textContent = sentence;
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  }

  function succeed({ message, version, saves }, sent) {
    wait = FIRST_WAIT;
    handled = sent;
    stamp({ version, saves });
    say(message);
    if (sent === changes) {
      forget(sheet);
      form.dispatchEvent(new Event("saved"));
    } else later(FIRST_WAIT);
  }

  function tryAgain() {
    say(words.unsaved);
    later(wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
    return "offline";
  }

  // "saved", "offline" (it will be tried again) or "refused" (it will not, until something changes).
  async function send() {
    const sent = changes;
    stamp({ turn: readStamp(form.elements.stamp.value).turn + 1 });
    let answer;
    let body = {};
    try {
      const signal = AbortSignal.timeout(20000);
      answer = await fetch(words.autosave, { method: "POST", body: new FormData(form), signal });
      if (answer.headers.get("content-type")?.includes("json")) body = await answer.json();
    } catch {
      return tryAgain();
    }
    if (answer.status >= 500 || answer.status === 429) return tryAgain();
    if (answer.ok && body.saves !== undefined) {
      succeed(body, sent);
      return "saved";
    }
    handled = sent;
    say(body.message ?? (answer.redirected ? words.signedOut : words.refused));
    if (body.changed) disagree(body.message);
    return "refused";
  }

  async function save() {
    clearTimeout(timer);
    if (running) return running;
    if (paused || handled === changes) return "saved";
    running = send();
    const found = await running;
    running = null;
    return found;
  }

  form.addEventListener("input", () => {
    changes += 1;
    keep();
    if (!paused) later(FIRST_WAIT);
  });
  window.addEventListener("online", () => { wait = FIRST_WAIT; save(); });

  // Before the page is left for the server's answer, what is written must be able to get there.
  form.addEventListener("submit", async (event) => {
    if (state === "released" || paused) return;
    event.preventDefault();
    if (state === "asking") return;
    state = "asking";
    if (running) await running;
    const found = navigator.onLine ? await send() : "offline";
    state = "";
    if (found === "offline") {
      say(words.unsent);
      return;
    }
    state = "released";
    form.requestSubmit(event.submitter);
  });
  window.addEventListener("pageshow", () => { state = ""; });

  for (const drop of form.querySelectorAll("[data-drop]")) drop.addEventListener("click", () => {
    forget(sheet);
    form.dispatchEvent(new Event("saved"));
  });

  function bringBack() {
    const kept = recall(sheet);
    if (!kept || same(kept.values, entered(form))) return forget(sheet);
    const was = readStamp(kept.stamp);
    const is = readStamp(form.elements.stamp.value);
    fill(form, kept.values);
    changes += 1;
    refresh();
    if (was.version === is.version && (was.saves === is.saves || was.from === words.savedFrom)) {
      say(words.restored);
      keep();
      return save();
    }
    form.elements.stamp.value = kept.stamp;
    return disagree(words.older);
  }

  if ("asSent" in words) keep();
  else bringBack();
}
