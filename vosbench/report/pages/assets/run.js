"use strict";
// The leaderboard: differences from a chosen strategy, and columns that can be hidden. DATA is that of data.js.

const board = document.getElementById("board");
const baseline = document.getElementById("baseline");
const rows = [...board.tBodies[0].rows];

function number(value, decimals) {
  if (value === null) return "";
  const text = Math.abs(value).toFixed(decimals);
  return (Number(text) === 0 ? "" : value > 0 ? "+" : "−") + text;
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
  for (const label of Object.keys(DATA.gains)) baseline.append(new Option(report.titleOf(label), label));
  baseline.value = DATA.baseline in DATA.gains ? DATA.baseline : Object.keys(DATA.gains)[0];
  baseline.addEventListener("change", compare);
  compare();
} else {
  for (const element of document.querySelectorAll(".needs-gains")) element.hidden = true;
}

// Columns that can be hidden. Where the table is too wide, some are at first, by the turn that they have on a terminal too.

const heads = [...board.tHead.rows[0].cells].filter((head) => head.cellIndex > 0 && !head.hidden);
const boxes = new Map(heads.map((head) => [head, report.make("input", { type: "checkbox", checked: true })]));

function choose(head, shown) {
  boxes.get(head).checked = shown;
  for (const row of board.rows) row.cells[head.cellIndex].hidden = !shown;
  const hidden = [...boxes.values()].filter((box) => !box.checked).length;
  document.getElementById("hidden").textContent = hidden ? ` (${hidden} hidden)` : "";
}

for (const [head, box] of boxes) {
  box.addEventListener("change", () => choose(head, box.checked));
  document.getElementById("columns").append(report.make("label", {}, box, " ", head.textContent.trim()));
}
const turn = (head) => Number(head.dataset.leaves ?? 0);
for (const head of heads.filter((head) => turn(head) > 0).sort((a, b) => turn(a) - turn(b))) {
  if (board.parentElement.scrollWidth > board.parentElement.clientWidth) choose(head, false);
}
