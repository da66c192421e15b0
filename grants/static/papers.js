// A file of many papers: while its page is open, ask for the next pages and move the bar. Without this, a button does it.
const form = document.querySelector("form[data-print]");
const bar = document.querySelector(".print-progress");
const said = document.getElementById("print-said");

async function goOn() {
  const answer = await fetch(form.action, {
    method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
  });
  if (!answer.ok) return;
  const { made, total, state } = await answer.json();
  const stood = bar.value === made;
  bar.value = made;
  said.textContent = form.dataset.said.replace("{made}", made).replace("{total}", total);
  if (state !== "making") window.location.reload();
  else window.setTimeout(goOn, stood ? 2000 : 100); // no page more: somebody else is making them
}

if (form) goOn();
