"use strict";
// Without this script all rows stand as they are: it sorts them, and hides those not asked for.
const form = document.querySelector(".filter");
const table = document.querySelector(".models");

function compare(one, other, column, sign) {
  const [a, b] = [one, other].map((row) => row.cells[column].dataset.value);
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined); // no score: last
  return sign * (column > 2 ? a - b : a.localeCompare(b));
}

function sort(head) {
  const numeric = head.cellIndex > 2, now = head.ariaSort;
  const up = now === "none" ? !numeric : now === "descending";
  for (const other of head.parentNode.cells) other.ariaSort = "none";
  head.ariaSort = up ? "ascending" : "descending";
  const rows = [...table.tBodies[0].rows];
  table.tBodies[0].append(...rows.sort((a, b) => compare(a, b, head.cellIndex, up ? 1 : -1)));
}

function filter() {
  const kinds = new FormData(form).getAll("kind"), stage = form.stage.value;
  for (const item of document.querySelectorAll("[data-kind]")) {
    const there = !stage || item.dataset.stages.split(" ").includes(stage);
    item.hidden = !(there && kinds.includes(item.dataset.kind));
  }
  for (const picture of document.querySelectorAll(".picture")) {
    picture.hidden = !picture.querySelector("li:not([hidden])");
  }
  const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
  const heads = [...table.tHead.rows[0].cells];
  for (const { cellIndex: k } of heads) { // columns that hold nothing now
    const empty = rows.length > 0 && rows.every((row) => row.cells[k].dataset.value === undefined);
    for (const row of table.rows) row.cells[k].hidden = empty;
  }
  form.querySelector("output").textContent = `${rows.length} of ${table.tBodies[0].rows.length} rows`;
}

if (form) {
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  table.tHead.addEventListener("click", ({ target }) => target.closest("button") && sort(target.closest("th")));
  for (const link of document.querySelectorAll("[data-only]")) {
    link.addEventListener("click", () => { form.stage.value = link.dataset.only; filter(); });
  }
  filter();
}
addEventListener("keydown", ({ key }) => {
  const close = document.querySelector("figure:target .close");
  if (key === "Escape" && close) close.click();
});
