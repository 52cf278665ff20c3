"""The tidy table of scores, and the statistics computed from it."""
