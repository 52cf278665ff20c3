"""Task families, one file each, and where their data comes from (`data`)."""
