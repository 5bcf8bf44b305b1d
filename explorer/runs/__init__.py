"""The Runs page: every run in a table, to open, rename, delete and import."""
