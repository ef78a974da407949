"use strict";
// The leaderboard: differences from a chosen strategy, and columns that can be hidden. DATA is that of data.js.

const board = document.getElementById("board");
const baseline = document.getElementById("baseline");
const rows = [...board.tBodies[0].rows];

function number(value, decimals) {
  return value === null ? "" : (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(decimals);
}

function compare() {
  const gains = DATA.gains[baseline.value];
  for (const row of rows) {
    const [gain, p] = [row.querySelector(".gain"), row.querySelector(".p")];
    const found = row.classList.contains("paper") ? undefined : gains[row.dataset.label];
    const [mean, low, high, chance, mark] = found ?? [null, null, null, null, ""];
    const between = low === null ? "" : ` (${number(low, 1)} to ${number(high, 1)})`;
    row.classList.toggle("baseline", row.dataset.label === baseline.value && !row.classList.contains("paper"));
    gain.textContent = mean === null ? "" : `${number(mean, 2)}${between}`;
    gain.dataset.value = mean ?? "";
    p.textContent = chance === null ? "" : `${chance.toFixed(4)} ${mark}`;
    p.dataset.value = chance ?? "";
  }
}

for (const row of rows) {
  const look = DATA.looks[row.dataset.label];
  if (look && !row.classList.contains("paper")) row.querySelector(".swatch").style.background = report.colour(look[0]);
}

if (Object.keys(DATA.gains).length > 1) {
  for (const label of Object.keys(DATA.gains)) baseline.append(new Option(label, label));
  baseline.value = DATA.baseline in DATA.gains ? DATA.baseline : Object.keys(DATA.gains)[0];
  baseline.addEventListener("change", compare);
  compare();
} else {
  for (const element of document.querySelectorAll(".needs-gains")) element.hidden = true;
}

const columns = document.getElementById("columns");
[...board.tHead.rows[0].cells].forEach((head, column) => {
  if (column === 0 || head.hidden) return;
  const box = report.make("input", { type: "checkbox", checked: true });
  box.addEventListener("change", () => {
    for (const row of board.rows) row.cells[column].hidden = !box.checked;
  });
  columns.append(report.make("label", {}, box, " ", head.textContent.trim()));
});
