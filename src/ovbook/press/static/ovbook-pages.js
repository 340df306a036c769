/* The Scoreboard's filter: two lists over rows that are all there already. Without a script every row stays visible. */
(function () {
  "use strict";
  const rows = [];
  document.querySelectorAll("table.ovbook-scoreboard, table.ovbook-waiting").forEach(function (table) {
    for (const row of table.tBodies[0].rows) {
      const word = row.querySelector("[data-verdict]");
      if (word) rows.push({ row: row, table: table, part: partOf(table), verdict: word.dataset.verdict });
    }
  });
  if (!rows.length) return;

  /* The part that a table belongs to: the section with a heading of the second level around it. */
  function partSection(table) {
    let section = table.closest("section");
    while (!section.querySelector(":scope > h2")) section = section.parentElement.closest("section");
    return section;
  }
  function partOf(table) { return partSection(table).querySelector("h2").firstChild.textContent.trim(); }

  function list(name, words) {
    const label = document.createElement("label");
    label.append(name);
    const select = document.createElement("select");
    for (const word of ["all", ...new Set(words)]) select.add(new Option(word, word));
    label.append(select);
    return { label: label, select: select };
  }

  const part = list("Part", rows.map(function (r) { return r.part; }));
  const verdict = list("Verdict", rows.map(function (r) { return r.verdict; }));
  const said = document.createElement("output");
  const again = document.createElement("button");
  again.type = "button";
  again.textContent = "Show all";
  const form = document.createElement("form");
  form.className = "ovbook-filter";
  form.setAttribute("aria-label", "Filter the claims");
  form.append(part.label, verdict.label, again, said);

  function fits(choice, value) { return choice.select.value === "all" || choice.select.value === value; }

  function apply() {
    let shown = 0;
    for (const r of rows) {
      r.row.hidden = !(fits(part, r.part) && fits(verdict, r.verdict));
      if (!r.row.hidden) shown += 1;
    }
    for (const table of new Set(rows.map(function (r) { return r.table; }))) {
      const empty = [...table.tBodies[0].rows].every(function (row) { return row.hidden; });
      fold(table, empty);
    }
    document.querySelectorAll("article section > section").forEach(function (section) {
      const tables = [...section.querySelectorAll("table.ovbook-scoreboard, table.ovbook-waiting")];
      if (tables.length) section.hidden = tables.every(function (table) { return table.hidden; });
    });
    said.textContent = shown + " of " + rows.length + " rows shown";
  }

  /* The table goes with the box around it and the line that introduces it. */
  function fold(table, hidden) {
    table.hidden = hidden;
    const box = table.closest(".pst-scrollable-table-container") || table;
    box.hidden = hidden;
    const before = box.previousElementSibling;
    if (before && before.tagName === "P") before.hidden = hidden;
  }

  part.select.addEventListener("change", apply);
  verdict.select.addEventListener("change", apply);
  again.addEventListener("click", function () {
    part.select.value = verdict.select.value = "all";
    apply();
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  partSection(rows[0].table).before(form);
  apply();
})();
