"""Leaderboard: reads result folders, compares the scores and writes a static site."""
