"""Charts: Vega-Lite specifications, drawn as SVG in the page and interactive on demand."""
