"use strict";
// Comparison with one row: differences with their intervals. Intervals and verdicts come from the page's data; they are
// not computed here.
{
  const WORDS = { "+": "better", "-": "worse", ">": "better", "<": "worse", "=": "tied", "?": "unknown" };
  const MINUS = "\u2212";

  const signed = (value, digits) => {
    const text = Math.abs(value).toFixed(digits);
    return (Number(text) === 0 ? "±" : value > 0 ? "+" : MINUS) + text;
  };

  // The difference of a cell to the reference row in the same column, as text; null if one has no score.
  board.difference = (data, column, row, reference) => {
    const { scale, decimals } = data.columns[column];
    const [own, others] = [row, reference].map((index) => board.numbers(data.scores[column][index]));
    if (!own.length || !others.length) return null;
    const half = data.halves[column][Math.max(row, reference)]?.[Math.min(row, reference)] ?? null;
    const mean = board.mean(own) - board.mean(others);
    return { mean: signed(scale * mean, decimals), half: half === null ? "" : (scale * half).toFixed(decimals) };
  };

  const clear = (cell) => {
    delete cell.dataset.verdict;
    cell.querySelector(".difference")?.remove();
  };

  const show = (cell, found, verdict) => {
    cell.dataset.verdict = WORDS[verdict];
    const span = document.createElement("span");
    span.className = "difference";
    span.append(found.mean);
    if (found.half) {
      const half = document.createElement("span");
      half.className = "half";
      half.textContent = ` ±\u00a0${found.half}`;
      span.append(half);
    }
    const word = document.createElement("span");
    word.className = "unseen";
    word.textContent = { "+": " better", "-": " worse", ">": " better on these rows", "<": " worse on these rows", "=": " tied", "?": " undecided" }[
      verdict
    ];
    span.append(word);
    cell.prepend(span);
  };

  board.compare = (section, variant) => {
    const { data, rows, table } = section;
    const reference = variant ? data.rows.findIndex((row) => row.variant === variant) : -1;
    table.classList.toggle("comparing", reference >= 0);
    for (const row of rows) {
      row.tr.classList.toggle("reference", row.index === reference);
      row.cells.forEach((cell, column) => {
        clear(cell);
        if (reference < 0 || row.index === reference) return;
        const found = board.difference(data, column, row.index, reference);
        if (found) show(cell, found, data.verdicts[column][reference][row.index]);
      });
    }
  };
}
