"use strict";
// The tables of scores: their data, visible rows and columns, and order.
{
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  // The sections of the page: element, data, and rows with their cells.
  board.sections = () =>
    [...document.querySelectorAll("section.results")].map((element) => {
      const data = JSON.parse(element.querySelector(".payload").textContent);
      const table = element.querySelector("table.scores");
      const lead = Number(table.dataset.lead);
      const rows = [...table.querySelectorAll(".models > tr")].map((tr, index) => ({
        tr,
        index,
        ...data.rows[index],
        cells: [...tr.cells].slice(lead),
      }));
      const heads = [...table.tHead.rows[1].cells];
      const groups = [...table.tHead.rows[0].cells].slice(lead);
      return { element, data, table, rows, order: rows, heads, groups, lead };
    });

  board.numbers = (values) => (values ?? []).filter((value) => typeof value === "number");

  board.statuses = (section, row) => {
    const found = new Set();
    for (const column of section.data.scores) {
      const values = column[row] ?? [];
      for (const value of values) if (value !== null) found.add(typeof value === "number" ? "ok" : value);
    }
    found.delete("incomplete");
    return found;
  };

  const setHidden = (element, hidden) => {
    if (element.hidden !== hidden) element.hidden = hidden;
  };

  const showColumns = (section, state) => {
    const shown = section.data.columns.map(
      (column) => !state.hidden.suite.has(column.group) && !state.hidden.column.has(column.name),
    );
    shown.forEach((isShown, index) => {
      setHidden(section.heads[index], !isShown);
      for (const body of section.table.tBodies)
        for (const tr of body.rows) setHidden(tr.cells[section.lead + index], !isShown);
    });
    let start = 0;
    for (const group of section.groups) {
      const width = Number((group.dataset.width ??= group.colSpan));
      const count = shown.slice(start, start + width).filter(Boolean).length;
      group.hidden = !count;
      group.colSpan = Math.max(count, 1);
      start += width;
    }
    return shown;
  };

  const showRows = (section, state) =>
    section.rows.map((row) => {
      const statuses = [...board.statuses(section, row.index)];
      const isFound = row.variant.toLowerCase().includes(state.find.toLowerCase());
      const shown = isFound && !state.hidden.family.has(row.family) && statuses.some((status) => !state.hidden.status.has(status));
      setHidden(row.tr, !shown);
      return shown;
    });

  // Applies the state and returns the number of visible rows and columns.
  board.filter = (section, state) => {
    const data = section.data;
    const isShown = ["tier", "recipe", "device"].every((list) => !state.hidden[list].has(data[list]));
    section.element.hidden = !isShown;
    section.shownColumns = showColumns(section, state);
    section.shownRows = showRows(section, state);
    const published = section.table.querySelector(".published");
    if (published) {
      published.hidden = !state.published;
      for (const tr of published.rows)
        tr.hidden = [...tr.cells].slice(section.lead).every((cell) => cell.hidden || !cell.textContent.trim());
    }
    const count = (list) => (isShown ? list.filter(Boolean).length : 0);
    return { rows: count(section.shownRows), columns: count(section.shownColumns) };
  };

  const keys = {
    name: (section, row) => row.variant,
    count: (section, row) => row.cells_ok,
    ahead: (section, row) => row.ahead,
    time: (section, row) => row.seconds,
  };

  const scoreKey = (index) => (section, row) => {
    const values = board.numbers(section.data.scores[index][row.index]);
    return values.length ? mean(values) : null;
  };

  // The first sort puts the best first; rows without a number are always last.
  board.sort = (section, sort) => {
    const reversed = sort.startsWith("-");
    const name = reversed ? sort.slice(1) : sort;
    const index = section.data.columns.findIndex((column) => column.name === name);
    const key = index >= 0 ? scoreKey(index) : (keys[name] ?? ((section, row) => row.index));
    const risesFirst = index >= 0 ? section.data.columns[index].direction === "lower" : !["count", "ahead"].includes(name);
    const sign = risesFirst === reversed ? -1 : 1;
    const order = section.rows.map((row) => ({ row, value: key(section, row) }));
    order.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.row.index - b.row.index;
      const difference = typeof a.value === "string" ? a.value.localeCompare(b.value, "en") : a.value - b.value;
      return sign * difference || a.row.index - b.row.index;
    });
    const rows = order.map(({ row }) => row);
    if (rows.some((row, place) => row !== section.order[place])) rows[0].tr.parentNode.append(...rows.map((row) => row.tr));
    section.order = rows;
    for (const head of section.table.querySelectorAll("[data-sort]")) {
      const isSorted = name !== "" && board.sortName(section, head) === name;
      if (isSorted) head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
  };

  board.sortName = (section, head) => section.data.columns[head.dataset.sort]?.name ?? head.dataset.sort;
  board.mean = mean;
}
