"""Rules: which rows are the same. Every dropped row names the row that survives in its place."""
