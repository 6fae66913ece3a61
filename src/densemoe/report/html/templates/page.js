"use strict";
// Tables are whole without this: it adds sorting, filtering and the choice of lines, and opens what a link leads to.

/** The units that are sorted and filtered: the groups of lines of a numbers table, else the lines. */
function unitsOf(table) {
  return table.classList.contains("numbers") ? [...table.tBodies] : [...table.tBodies[0].rows];
}

/** Raw content of a unit in a column: data-value where there is one, else the text. */
function contentOf(unit, head, line) {
  const column = head.dataset.column;
  let cell;
  if (column) {
    cell = unit.querySelector(`tr.${line} > [data-column="${column}"]`);
  } else {
    const row = unit.rows ? unit.rows[0] : unit;
    cell = row.cells[head.cellIndex];
  }
  if (!cell) return "";
  return cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
}

/** Numbers before words, missing last whatever the direction. */
function compare(a, b, sign) {
  const [emptyA, emptyB] = [a === "", b === ""];
  if (emptyA || emptyB) return emptyA - emptyB;
  const [x, y] = [parseFloat(a), parseFloat(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) {
    if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return sign * a.localeCompare(b, "en", { numeric: true });
  }
  return sign * (x - y || a.localeCompare(b, "en", { numeric: true }));
}

function sortBy(table, head, direction, line) {
  const all = table.originalOrder;
  const parent = all[0].parentNode;
  const sign = direction === "descending" ? -1 : 1;
  const keyed = all.map((unit, i) => [contentOf(unit, head, line), i, unit]);
  if (direction) keyed.sort((a, b) => compare(a[0], b[0], sign) || a[1] - b[1]);
  parent.append(...keyed.map((k) => k[2]));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (direction) head.setAttribute("aria-sort", direction);
}

function makeSortable(table, lineChoice) {
  table.originalOrder = unitsOf(table);
  if (table.originalOrder.length < 2) return;
  for (const head of table.tHead.rows[0].cells) {
    if (head.classList.contains("unsorted") || head.textContent.trim() === "") continue;
    const button = document.createElement("button");
    button.type = "button";
    const marks = [...head.querySelectorAll("sup")];
    button.append(...[...head.childNodes].filter((n) => !marks.includes(n)));
    head.prepend(button);
    button.addEventListener("click", () => {
      const first = head.dataset.first || "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const now = head.getAttribute("aria-sort");
      const next = now === null ? first : now === first ? second : null;
      sortBy(table, head, next, lineChoice ? lineChoice.value : "ours");
    });
  }
}

function labelled(text, input) {
  const label = document.createElement("label");
  label.append(text, input);
  return label;
}

function makeTools(table) {
  const units = unitsOf(table);
  const name = table.dataset.name || "this table";
  const bar = document.createElement("div");
  bar.className = "tools";
  let lineChoice = null;
  if (units.length > 3) {
    const box = document.createElement("input");
    box.type = "search";
    box.setAttribute("aria-label", `Filter the rows of ${name}`);
    const count = document.createElement("span");
    count.setAttribute("role", "status");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let seen = 0;
      for (const unit of units) {
        const text = unit.textContent.toLowerCase();
        unit.hidden = !words.every((w) => text.includes(w));
        seen += !unit.hidden;
      }
      count.textContent = words.length ? `${seen} of ${units.length} rows` : "";
    });
    bar.append(labelled("Filter ", box), count);
  }
  if (table.querySelector("tr.printed")) {
    lineChoice = document.createElement("select");
    for (const line of ["ours", "printed", "difference"]) {
      if (table.querySelector(`tr.${line}`)) lineChoice.add(new Option(line, line));
    }
    lineChoice.addEventListener("change", () => {
      const head = table.querySelector("th[aria-sort][data-column]");
      if (head) sortBy(table, head, head.getAttribute("aria-sort"), lineChoice.value);
    });
    bar.append(labelled("Sort numbers by ", lineChoice));
    for (const line of ["printed", "difference"]) {
      if (!table.querySelector(`tr.${line}`)) continue;
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => showLine(table, line, box.checked));
      const label = document.createElement("label");
      label.append(box, ` ${line}`);
      bar.append(label);
    }
  }
  if (bar.childNodes.length) (table.closest(".scroll") || table).before(bar);
  return lineChoice;
}

/** Hide or show a line of every row; labels span as many lines as are left. */
function showLine(table, line, shown) {
  table.classList.toggle(`no-${line}`, !shown);
  for (const body of table.tBodies) {
    const left = [...body.rows].filter((r) => !table.classList.contains(`no-${r.className}`)).length;
    for (const cell of body.rows[0].cells) if (cell.hasAttribute("rowspan")) cell.rowSpan = left;
  }
}

/** Open every folded part around an element, and the element itself. */
function reveal() {
  const id = decodeURIComponent(location.hash.slice(1));
  const target = id && document.getElementById(id);
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}

for (const wrapper of document.querySelectorAll(".scroll")) {
  wrapper.tabIndex = 0;
  wrapper.setAttribute("role", "region");
  const table = wrapper.querySelector("table");
  wrapper.setAttribute("aria-label", (table && table.dataset.name) || "table");
}
for (const table of document.querySelectorAll("table.data")) makeSortable(table, makeTools(table));
const all = document.createElement("button");
all.type = "button";
all.textContent = "Open all parts";
all.addEventListener("click", () => {
  const open = all.textContent.startsWith("Open");
  for (const part of document.querySelectorAll("details")) part.open = open;
  all.textContent = open ? "Close all parts" : "Open all parts";
});
document.querySelector("nav").append(all);
addEventListener("hashchange", reveal);
reveal();
