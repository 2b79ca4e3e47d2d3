"""The tables as CSV and Markdown."""
from __future__ import annotations

import csv
import os


def write_csv(tables, path):
    """Every case in `path`, and each other table beside it in <stem>-<table>.csv; returns the names written. Values are
    as in the file, not rounded; what is missing is empty."""
    stem, extension = os.path.splitext(path)
    written = []
    for key, table in tables.items():
        name = path if key == "cases" else f"{stem}-{key.replace('_', '-')}{extension or '.csv'}"
        with open(name, "w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([column.label for column in table.columns])
            writer.writerows(["" if value is None else value for value in row] for row in table.rows)
        written.append(name)
    return written


def markdown_cell(column, text):
    text = text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
    return f"`{text}`" if column.kind in ("code", "repro") else text


def markdown(tables):
    lines = ["# Mylos benchmark report", ""]
    for table in tables.values():
        lines += [f"## {table.title}", ""]
        lines.append("| " + " | ".join(markdown_cell(Heading, column.label) for column in table.columns) + " |")
        lines.append("|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|")
        for row in table.shown():
            lines.append("| " + " | ".join(map(markdown_cell, table.columns, row)) + " |")
        lines.append("")
    return "\n".join(lines)


class Heading:
    kind = "text"
