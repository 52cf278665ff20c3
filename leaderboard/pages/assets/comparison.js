"use strict";
// The page that compares two to six models. All numbers and verdicts come from the page's data.
{
  const MOST = 6;
  const SVG = "http://www.w3.org/2000/svg";
  const MINUS = "\u2212";
  const WORDS = {
    "+": "better", "-": "worse", ">": "better on these rows", "<": "worse on these rows", "=": "tied", "?": "undecided",
  };
  const main = document.getElementById("comparison");
  const sections = [...main.querySelectorAll(".payload")].map((script) => JSON.parse(script.textContent));

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const draw = (name, attributes, ...children) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const cell = (text, attributes) => make("td", attributes, text);
  const head = (text, attributes) => make("th", { scope: "col", ...attributes }, text);
  const isolated = (text) => make("bdi", {}, text);
  const dot = (place) => make("span", { class: `swatch h${place}`, "aria-hidden": "true" });
  const named = (data, row, place) => make("span", {}, dot(place), isolated(data.rows[row].variant));

  const scroll = (label, ...children) =>
    make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, ...children);
  const table = (heads, rows) =>
    make("table", { class: "ranking" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows));

  // State: a section, and rows in the order in which they were chosen.
  const read = () => {
    const found = new URLSearchParams(location.hash.slice(1));
    const names = (found.get("models") ?? "").split(",").filter(Boolean);
    const data = sections.find((section) => section.id === found.get("section")) ??
      sections.find((section) => names.every((name) => rowOf(section, name) >= 0)) ?? sections[0];
    const rows = [...new Set(names.map((name) => rowOf(data, name)).filter((row) => row >= 0))].slice(0, MOST);
    for (let row = 0; rows.length < 2 && row < data.rows.length; row++) if (!rows.includes(row)) rows.push(row);
    return { data, rows };
  };
  const rowOf = (data, name) => {
    const exact = data.rows.findIndex((row) => row.variant === name);
    return exact >= 0 ? exact : data.rows.findIndex((row) => row.model === name);
  };
  const write = ({ data, rows }) => {
    const names = rows.map((row) => encodeURIComponent(data.rows[row].variant)).join(",");
    history.replaceState(null, "", `#models=${names}` + (data === sections[0] ? "" : `&section=${data.id}`));
  };

  const score = (column, value) => (column.scale * value).toFixed(column.decimals);
  const signed = (column, value) => {
    const text = Math.abs(column.scale * value).toFixed(column.decimals);
    return (Number(text) === 0 ? "±" : value > 0 ? "+" : MINUS) + text;
  };
  const PREFIXES = { 1000: ["", "k", "M", "G", "T", "P"], 1024: ["B", "KiB", "MiB", "GiB", "TiB"] };
  const quantity = (value, unit) => {
    const base = unit === "B" ? 1024 : 1000;
    let step = 0;
    while (Math.abs(value) >= base && step < PREFIXES[base].length - 1) [value, step] = [value / base, step + 1];
    return `${Number(value.toPrecision(3))} ${PREFIXES[base][step]}${unit === "B" ? "" : unit}`.trim();
  };

  const verdict = (data, column, row, reference) => data.verdicts[column][reference][row];

  const picker = (state) => {
    const boxes = state.data.rows.map((row, index) => {
      const place = state.rows.indexOf(index);
      const box = make("input", { type: "checkbox", value: index });
      box.checked = place >= 0;
      box.disabled = place < 0 ? state.rows.length >= MOST : state.rows.length <= 2;
      box.addEventListener("change", () => {
        const rows = box.checked ? [...state.rows, index] : state.rows.filter((own) => own !== index);
        show({ data: state.data, rows }, index);
      });
      const parts = place < 0 ? [] : [dot(place)];
      return make("label", { class: place < 0 ? "choice-of" : "choice-of chosen" }, box, ...parts, isolated(row.variant));
    });
    const parts = [make("fieldset", { class: "pickers" }, make("legend", { class: "unseen" }, "Models"), ...boxes)];
    if (sections.length > 1) {
      const select = make("select", {}, ...sections.map((section) => make("option", { value: section.id }, section.title)));
      select.value = state.data.id;
      select.addEventListener("change", () => {
        const data = sections.find((section) => section.id === select.value);
        const names = state.rows.map((row) => state.data.rows[row].variant);
        const rows = names.map((name) => rowOf(data, name)).filter((row) => row >= 0);
        for (let row = 0; rows.length < 2 && row < data.rows.length; row++) if (!rows.includes(row)) rows.push(row);
        show({ data, rows });
      });
      parts.unshift(make("label", { class: "with" }, "Table ", select));
    }
    return make("form", { class: "picking", autocomplete: "off" }, ...parts);
  };

  const summary = ({ data, rows }) => {
    const reference = rows[0];
    return make("ul", { class: "findings" }, ...rows.slice(1).map((row, index) => {
      const counts = { "+": 0, "-": 0, "=": 0, "?": 0, ">": 0, "<": 0 };
      data.columns.forEach((column, number) => {
        if (column.page && data.cells[number][row] && data.cells[number][reference])
          counts[verdict(data, number, reference, row)]++;
      });
      const open = counts["?"] + counts[">"] + counts["<"];
      const total = counts["+"] + counts["-"] + counts["="] + open;
      const unknown = open ? `, ${open} undecided,` : "";
      const text = data.compares && total
        ? ` wins ${counts["+"]}, ties ${counts["="]} and loses ${counts["-"]} of ${total} columns${unknown} against `
        : " has no verdicts against ";
      return make("li", {}, named(data, reference, 0), text, named(data, row, index + 1), ".");
    }));
  };

  const WIDTH = 320, PAD = 8, HEIGHT = 26;
  const plot = ({ data, rows }, number) => {
    const column = data.columns[number];
    const values = rows.map((row) => data.cells[number][row]);
    const ends = values.flatMap((value) => (value ? [value[0] - (value[1] ?? 0), value[0] + (value[1] ?? 0)] : []));
    const up = column.direction === "higher" ? 1 : -1;
    const inside = values.flatMap((value) => (value ? [value[0]] : []));
    let low = Math.min(...[column.low, ...inside].filter((value) => value !== null).map((value) => up * value));
    let high = Math.max(...[column.high, ...inside].filter((value) => value !== null).map((value) => up * value));
    if (!(high > low)) [low, high] = [Math.min(...ends.map((v) => up * v)) - 1e-6, Math.max(...ends.map((v) => up * v)) + 1e-6];
    const across = (value) =>
      (PAD + (WIDTH - 2 * PAD) * Math.min(1, Math.max(0, (up * value - low) / (high - low)))).toFixed(1);
    const svg = draw("svg", { class: "dots", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
    svg.append(draw("path", { class: "track", d: `M${PAD} ${HEIGHT / 2}H${WIDTH - PAD}` }));
    rows.forEach((row, place) => {
      const value = data.cells[number][row];
      if (!value) return;
      const y = HEIGHT / 2 + (place - (rows.length - 1) / 2) * Math.min(5, 18 / rows.length);
      const half = value[1] ?? 0;
      svg.append(draw("g", { class: `h${place}` },
        draw("path", { class: "range", d: `M${across(value[0] - half)} ${y}H${across(value[0] + half)}` }),
        draw("circle", { class: "mean", cx: across(value[0]), cy: y, r: 4 })));
    });
    return svg;
  };

  const scores = (state) => {
    const { data, rows } = state;
    const heads = [head("column", { class: "name" }), head("worse to better", { class: "plot" }),
      ...rows.map((row, place) => make("th", { scope: "col" }, named(data, row, place)))];
    const lines = data.columns.flatMap((column, number) => {
      if (rows.every((row) => !data.cells[number][row])) return [];
      const name = column.page ? make("a", { href: column.page }, isolated(column.name)) : isolated(column.name);
      const tds = rows.map((row, place) => {
        const value = data.cells[number][row];
        if (!value) return cell("–", { class: "absent" });
        const td = cell(score(column, value[0]), { class: "nowrap" });
        const first = data.cells[number][rows[0]];
        if (place && first) {
          const word = data.compares ? verdict(data, number, row, rows[0]) : "?";
          td.dataset.verdict = { "+": "better", "-": "worse" }[word] ?? "tied";
          td.append(make("small", {}, `${signed(column, value[0] - first[0])}${data.compares ? `, ${WORDS[word]}` : ""}`));
        } else if (value[1] !== null) td.append(make("small", {}, `±\u00a0${score(column, value[1])}`));
        return td;
      });
      const label = make("small", {}, `${column.metric.replaceAll("_", " ")}${column.direction === "higher" ? " ↑" : " ↓"}`);
      return [make("tr", {}, make("th", { scope: "row", class: "name" }, name, label), make("td", { class: "plot" }, plot(state, number)), ...tds)];
    });
    return part("Scores", scroll("Table of scores", table(heads, lines)));
  };

  const costs = ({ data, rows }) => {
    const lines = data.costs.names.flatMap(([name, unit], index) => {
      const values = rows.map((row) => data.costs.values[row][index]);
      if (values.every((value) => value === null)) return [];
      const tds = values.map((value, place) => {
        if (value === null) return cell("–", { class: "absent" });
        const td = cell(unit === "ms" ? quantity(value / 1000, "s").replace(/^0\.0*\d+ s$/, `${Number(value.toPrecision(3))} ms`) : quantity(value, unit), { class: "nowrap" });
        if (place && values[0]) td.append(make("small", {}, `${Number((value / values[0]).toPrecision(2))} times`));
        return td;
      });
      return [make("tr", {}, make("th", { scope: "row", class: "name" }, name), ...tds)];
    });
    const heads = [head("cost", { class: "name" }), ...rows.map((row, place) => make("th", { scope: "col" }, named(data, row, place)))];
    return part("Costs", scroll("Table of costs", table(heads, lines)));
  };

  const panel = (task, { label, lines }, rows) => {
    const points = rows.flatMap((row) => lines[row]);
    if (!points.length) return [];
    const W = 300, H = 170, L = 44, B = 24;
    const top = Math.max(...points.map((point) => point[1])), low = Math.min(...points.map((point) => point[1]));
    const last = Math.max(...points.map((point) => point[0]));
    const x = (value) => (L + ((W - L - 8) * value) / last).toFixed(1);
    const y = (value) => (8 + (H - B - 8) * (1 - (value - low) / (top - low || 1))).toFixed(1);
    const text = (value, attributes) => draw("text", attributes, String(Number(value.toPrecision(3))));
    const svg = draw("svg", { class: "lines", viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Learning curves on ${task}` },
      draw("path", { class: "grid", d: `M${L} ${y(top)}H${W - 8}M${L} ${y(low)}H${W - 8}` }),
      draw("g", { class: "ticks" },
        text(top, { x: L - 6, y: Number(y(top)) + 4, "text-anchor": "end" }),
        text(low, { x: L - 6, y: Number(y(low)) + 4, "text-anchor": "end" }),
        draw("text", { x: L, y: H - 4 }, "0"),
        draw("text", { x: W - 8, y: H - 4, "text-anchor": "end" }, `${quantity(last, "")} steps`)));
    rows.forEach((row, place) => {
      if (!lines[row].length) return;
      svg.append(draw("g", { class: `line h${place}` },
        draw("polyline", { points: lines[row].map((point) => `${x(point[0])},${y(point[1])}`).join(" ") })));
    });
    return [make("figure", { class: "curve" }, make("figcaption", {}, isolated(task), make("small", {}, ` ${label}`)), svg)];
  };

  const curves = ({ data, rows }) => {
    const panels = Object.entries(data.curves).flatMap(([task, drawn]) => panel(task, drawn, rows));
    return panels.length ? [part("Learning curves", make("div", { class: "curves" }, ...panels))] : [];
  };

  const MOST_ROWS = 5;
  const differing = ({ data, rows }) => {
    const lines = Object.entries(data.samples).flatMap(([task, found]) => {
      const differ = (index) => new Set(rows.map((row) => found.answers[row][index][1]).filter(Boolean)).size > 1;
      const chosen = found.rows.map((_, index) => index).filter(differ).slice(0, MOST_ROWS);
      return chosen.map((index) => {
        const tds = rows.map((row) => cell(found.answers[row][index][0] || "–"));
        const name = make("th", { scope: "row", class: "name" }, make("a", { href: found.page }, isolated(task)));
        return make("tr", {}, name, cell(String(found.rows[index])), cell(found.targets[index] || "–"), ...tds);
      });
    });
    if (!lines.length) return [];
    const heads = [head("task", { class: "name" }), head("test row"), head("answer"),
      ...rows.map((row, place) => make("th", { scope: "col" }, named(data, row, place)))];
    return [part("Sample rows on which they differ", scroll("Table of sample rows", table(heads, lines)))];
  };

  let parts = 0;
  const part = (title, ...children) => {
    const id = `part-${++parts}`;
    return make("section", { "aria-labelledby": id }, make("h2", { id }, title), ...children);
  };

  const show = (state, focus = null) => {
    parts = 0;
    write(state);
    main.replaceChildren(picker(state), summary(state), make("div", { class: "facing" }, scores(state), costs(state)), ...curves(state), ...differing(state));
    if (focus !== null) main.querySelector(`input[value="${focus}"]`)?.focus();
  };

  if (sections.length && sections[0].rows.length) show(read());
  addEventListener("hashchange", () => show(read()));
}
