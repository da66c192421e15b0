// Digits in groups while they are typed: data-groups="3 3 4". The server takes them with or without spaces.
for (const input of document.querySelectorAll("input[data-groups]")) {
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
