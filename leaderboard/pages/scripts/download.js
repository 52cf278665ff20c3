"use strict";
// Downloads the visible rows as CSV or JSON: one row per variant, column and seed, as in the tidy table.
{
  const FIELDS = [
    "tier", "recipe", "device", "protocol", "variant", "family", "task", "column", "metric", "direction", "seed",
    "status", "value",
  ];

  const rowsOf = (section) => {
    const { data } = section;
    const place = { tier: data.tier, recipe: data.recipe, device: data.device, protocol: data.protocol };
    return section.order
      .filter((row) => section.shownRows[row.index])
      .flatMap((row) =>
        data.columns.flatMap((column, index) => {
          if (!section.shownColumns[index]) return [];
          const values = data.scores[index][row.index] ?? data.seeds.map(() => null);
          const named = { task: column.task, column: column.name, metric: column.metric, direction: column.direction };
          return values.map((value, seed) => ({
            ...place,
            variant: row.variant,
            family: row.family,
            ...named,
            seed: data.seeds[seed],
            status: value === null ? "not run" : typeof value === "number" ? "ok" : value,
            value: typeof value === "number" ? value : null,
          }));
        }),
      );
  };

  // A spreadsheet would run text that looks like a formula.
  const csvField = (value) => {
    if (value === null) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  const writers = {
    csv: (rows) => [FIELDS, ...rows.map((row) => FIELDS.map((field) => row[field]))]
      .map((row) => row.map(csvField).join(",")).join("\n") + "\n",
    json: (rows) => JSON.stringify(rows, null, 1) + "\n",
  };

  board.download = (sections, format) => {
    const rows = sections.filter((section) => !section.element.hidden).flatMap(rowsOf);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([writers[format](rows)], { type: "text/plain" }));
    link.download = `archarena-shown.${format}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
}
