"use strict";
// What all pages share: tables that sort, and colours that are legible on a light and on a dark page.

const report = {};

report.isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

// An element with attributes, properties and children; text stays text, whatever it holds.
report.make = function (tag, given = {}, ...children) {
  const element = Object.assign(document.createElement(tag), given);
  element.append(...children);
  return element;
};

// A colour of the figures, which are white, as it is on this page: what is nearly black becomes nearly white.
report.colour = function (hex) {
  const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return report.isDark() && Math.max(...parts) < 60 ? "#e8e8e8" : hex;
};

// What a strategy is called where it is shown: its label, and in brackets what it is, unless it competes.
report.titleOf = (label) => DATA.looks[label]?.[2] ?? label;

report.valueOf = function (cell) {
  const text = cell.dataset.value ?? cell.textContent;
  if (text === "") return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
};

// Sort the rows of a table by a column; rows without a value stay last.
report.sort = function (table, column, descending) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [report.valueOf(row.cells[column]), row]);
  const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? order(b, a) : order(a, b);
  });
  body.append(...rows.map(([, row]) => row));
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (place === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  });
};

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const first = head.classList.contains("number") || head.classList.contains("bar"); // the best on top
    head.querySelector("button").addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      report.sort(table, column, now === null ? first : now === "ascending");
    });
  });
  if (table.dataset.sort) report.sort(table, Number(table.dataset.sort), true);
}
