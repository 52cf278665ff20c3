"""Built-in tasks, one file per family, and their data sources (`data`)."""
