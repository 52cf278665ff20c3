"""Inputs of the leaderboard: result folders, bench reports and published values."""
