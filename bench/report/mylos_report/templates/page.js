"use strict";
// Sorting of every table, the filter of the cases, the buttons that copy a command. Without it the page still reads.
(() => {
  const keyOf = (cell) => {
    if (!cell) return null;
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    const text = cell.textContent.trim();
    return text === "–" || text === "" ? null : text;
  };
  const byKey = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });

  function sort(heading) {
    const table = heading.closest("table");
    const body = table.tBodies[0];
    const column = heading.cellIndex;
    // Numbers are looked at from the largest, words from A.
    const first = heading.classList.contains("n") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = heading.getAttribute("aria-sort") === first ? other : first;
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const rows = Array.from(body.rows, (row) => ({ row, key: keyOf(row.cells[column]) }));
    rows.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null); // what is missing comes last
      return sign * byKey(a.key, b.key);
    });
    body.append(...rows.map((entry) => entry.row));
  }
  for (const button of document.querySelectorAll("table.sortable thead button"))
    button.addEventListener("click", () => sort(button.closest("th")));

  const words = document.getElementById("filter-text");
  const table = document.getElementById("table-cases");
  if (words && table) {
    const rows = Array.from(table.tBodies[0].rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
    const selects = Array.from(document.querySelectorAll("#filters select"));
    const count = document.getElementById("filter-count");
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = selects.filter((select) => select.value);
      let shown = 0;
      for (const { row, text } of rows) {
        const fits =
          wanted.every((word) => text.includes(word)) &&
          chosen.every((select) => row.cells[Number(select.dataset.column)].textContent.trim() === select.value);
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = shown === rows.length ? `${shown} cases` : `${shown} of ${rows.length} cases`;
    };
    words.addEventListener("input", filter);
    for (const select of selects) select.addEventListener("change", filter);
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea"); // no clipboard for pages from a file in some browsers
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await copy(button.nextElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
})();
