"""Charts: from rows to Vega-Lite, and from there to a drawing in the page and a live chart on demand."""
