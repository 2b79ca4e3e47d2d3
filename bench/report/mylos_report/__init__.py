"""Reads the JSON of mylos-bench and writes what a reader needs: a page, tables, a verdict against a baseline."""
