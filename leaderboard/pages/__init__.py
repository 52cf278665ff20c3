"""Pages of the site: what each page shows, its template, styles and scripts."""
