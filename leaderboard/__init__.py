"""Records to statistics to pages."""
