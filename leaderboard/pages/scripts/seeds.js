"use strict";
// A tooltip of a cell with one dot per seed on the range of the column, shown on hover and on focus.
{
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 176;
  const PAD = 8;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;

  const make = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };

  const strip = (values, all) => {
    const low = Math.min(...all);
    const span = Math.max(...all) - low || 1;
    const across = (value) => PAD + ((WIDTH - 2 * PAD) * (value - low)) / span;
    const svg = make("svg", { viewBox: `0 0 ${WIDTH} 26`, width: WIDTH, height: 26 });
    svg.append(make("line", { x1: PAD, x2: WIDTH - PAD, y1: 13, y2: 13, class: "axis" }));
    for (const value of all) svg.append(make("circle", { cx: across(value), cy: 13, r: 2, class: "others" }));
    for (const value of values) svg.append(make("circle", { cx: across(value), cy: 13, r: 4.5, class: "own" }));
    return svg;
  };

  const describe = (section, row, column) => {
    const { data } = section;
    const { scale, decimals, name } = data.columns[column];
    const title = document.createElement("strong");
    title.textContent = `${row.variant}, ${name}`;
    const list = document.createElement("p");
    const texts = data.scores[column][row.index].map((value, index) => {
      const text = value === null ? "not run" : typeof value === "number" ? (scale * value).toFixed(decimals) : value;
      return `seed ${data.seeds[index]}: ${text}`;
    });
    list.textContent = texts.join(" · ");
    const all = data.scores[column].flatMap((values) => board.numbers(values));
    return [title, strip(board.numbers(data.scores[column][row.index]), all), list];
  };

  let shownAt = null;

  const place = () => {
    if (tip.hidden) return;
    const box = shownAt.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    const below = box.bottom + tip.offsetHeight + 8 < innerHeight;
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${(below ? box.bottom + 4 : box.top - tip.offsetHeight - 4) + scrollY}px`;
  };

  const showAt = (cell, content) => {
    shownAt = cell;
    tip.replaceChildren(...content);
    tip.hidden = false;
    place();
  };
  const hide = () => (tip.hidden = true);

  board.showSeeds = (sections) => {
    document.body.append(tip);
    for (const section of sections) {
      if (section.data.seeds.length < 2) continue;
      const rowOf = new Map(section.rows.map((row) => [row.tr, row]));
      const enter = (event) => {
        const cell = event.target.closest("td");
        if (cell === shownAt && !tip.hidden) return;
        const row = rowOf.get(cell?.parentNode);
        const column = row ? row.cells.indexOf(cell) : -1;
        if (column < 0 || !board.numbers(section.data.scores[column][row.index]).length) hide();
        else showAt(cell, describe(section, row, column));
      };
      for (const name of ["pointerover", "focusin"]) section.table.addEventListener(name, enter);
      for (const name of ["pointerleave", "focusout"]) section.table.addEventListener(name, hide);
    }
    addEventListener("scroll", place, { capture: true, passive: true });
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
  };
}
