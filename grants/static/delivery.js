// The officer's pages on a phone. Each works without this file.

const READS_FOR = 30_000; // the camera, before it gives up
const WAITS_FOR = 30_000; // an answer, before the connection counts as broken

// Digits in groups while they are typed or pasted: data-groups="3 3 4". The server takes them with or without spaces.
function groupDigits(input) {
  const sizes = input.dataset.groups.split(" ").map(Number);
  input.addEventListener("input", () => {
    if (input.selectionEnd !== input.value.length) return;
    let rest = input.value.replace(/[^0-9]/g, "");
    const groups = [];
    for (const size of sizes) {
      if (!rest) break;
      groups.push(rest.slice(0, size));
      rest = rest.slice(size);
    }
    input.value = groups.join(" ");
  });
}

// Sent in the background, so that a lost connection leaves what was typed on the page and says what is known.
function sendSafely(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (form.dataset.sending) return;
    for (const note of form.querySelectorAll("[data-lost]")) note.hidden = true;
    if (!navigator.onLine) return giveBack(form, "before");
    form.dataset.sending = "yes";
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(WAITS_FOR) });
      if (answer.redirected) window.location.assign(answer.url);
      else show(await answer.text());
    } catch {
      giveBack(form, "during");
    }
  });
}

function giveBack(form, what) {
  delete form.dataset.sending;
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[type=submit]")) button.removeAttribute("aria-disabled");
  const note = form.querySelector(`[data-lost=${what}]`);
  note.hidden = false;
  note.focus();
}

function show(page) {
  const read = new DOMParser().parseFromString(page, "text/html");
  document.title = read.title;
  document.querySelector("main").replaceWith(document.adoptNode(read.querySelector("main")));
  setUp();
  window.scrollTo(0, 0);
  (document.querySelector("[data-focus]") ?? document.querySelector("main [role=status]"))?.focus();
}

// The camera reads a code into a field: only where the browser can, only after a tap, and it stops by itself.
function offerCamera(input) {
  const words = document.querySelector("[data-scan-words]")?.dataset;
  if (!words || !("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-outline-primary scan";
  button.textContent = words.open;
  const picture = document.createElement("video");
  picture.muted = picture.playsInline = true;
  picture.hidden = true;
  picture.className = "scan-picture";
  input.after(button, picture);
  let stream = null;
  let asked = false;

  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = picture.srcObject = null;
    picture.hidden = true;
    button.textContent = words.open;
  };

  button.addEventListener("click", async () => {
    if (stream) return stop();
    if (asked) return;
    asked = true;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      picture.srcObject = stream;
      picture.hidden = false;
      button.textContent = words.stop;
      await picture.play();
      const found = await read(picture, () => stream !== null && !document.hidden);
      if (found) fill(input, found);
      stop();
    } catch {
      stop();
      button.textContent = words.refused;
    } finally {
      asked = false;
    }
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
  window.addEventListener("pagehide", stop);
}

async function read(picture, goesOn) {
  const detector = new window.BarcodeDetector();
  const until = Date.now() + READS_FOR;
  while (goesOn() && Date.now() < until) {
    const [found] = await detector.detect(picture);
    if (found) return found.rawValue;
    await new Promise((next) => { setTimeout(next, 150); });
  }
  return "";
}

function fill(input, text) {
  input.value = text.trim().slice(0, 40);
  input.setSelectionRange(input.value.length, input.value.length);
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
}

function setUp() {
  for (const input of document.querySelectorAll("input[data-groups]")) groupDigits(input);
  for (const form of document.querySelectorAll("form[data-send]")) sendSafely(form);
  for (const input of document.querySelectorAll("input[data-scan], input[name=card]")) offerCamera(input);
}

setUp();
