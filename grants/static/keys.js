// Scoring from the keyboard. Single keys work outside text fields, and can be switched off.
const OFF = "semilla-single-keys-off";

// A browser may keep nothing: then single keys are on at every visit.
function isOff() {
  try { return localStorage.getItem(OFF) !== null; } catch { return false; }
}

function remember(off) {
  try {
    if (off) localStorage.setItem(OFF, "yes");
    else localStorage.removeItem(OFF);
  } catch { /* as above */ }
}

const isTyping = (target) => target.closest("textarea, select, input:not([type=radio], [type=checkbox])");

function levels(box) {
  return [...box.querySelectorAll("input[type=radio]")];
}

function go(box) {
  const inputs = levels(box);
  (inputs.find((input) => input.checked) ?? inputs[0]).focus();
  box.scrollIntoView({ block: "nearest" });
}

export function listen(form, boxes) {
  const help = document.querySelector("[data-keys]");
  const single = help.querySelector("[data-single-keys]");
  help.hidden = false;
  single.checked = !isOff();
  single.addEventListener("change", () => remember(!single.checked));

  let last = null;
  form.addEventListener("focusin", (event) => { last = event.target.closest("[data-criterion]") ?? last; });
  const current = () => last ?? boxes.find((box) => !levels(box).some((input) => input.checked)) ?? boxes[0];

  function step(by) {
    const at = last ? boxes.indexOf(last) + by : boxes.indexOf(current());
    go(boxes[Math.min(Math.max(at, 0), boxes.length - 1)]);
  }

  function choose(value) {
    const input = levels(current()).find((one) => one.value === value);
    if (!input) return false;
    input.focus();
    input.click();
    return true;
  }

  function press(key) {
    if (/^[0-9]$/.test(key)) return choose(key);
    if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "c") current().querySelector("textarea").focus();
    else if (key === "?") {
      help.open = !help.open;
      if (help.open) help.querySelector("summary").focus();
    } else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-hand-in]"));
      return;
    }
    if (event.key === "Escape" && event.target.matches("#sheet textarea")) go(current());
    if (event.ctrlKey || event.altKey || event.metaKey || !single.checked || isTyping(event.target)) return;
    if (press(event.key)) event.preventDefault();
  });
}
