"""mylos-report: exit status 0, 1 where the baseline was missed, 2 where an input or an option is no good."""
from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console

from mylos_report import export, page, regression, terminal
from mylos_report.load import ReportError, load_all
from mylos_report.tables import all_tables

DESCRIPTION = "Writes one HTML page, and tables, from the files of mylos-bench."
EPILOG = (
    "With --baseline the exit status is 1 when a case is slower than before by more than the threshold and the samples "
    "say so (Mann-Whitney U, Holm's correction over all cases), or when a case that was valid is invalid or gone. "
    "2: a file or an option is no good."
)


def share(text):
    """5% or 0.05."""
    try:
        value = float(text.rstrip("% ")) / 100 if text.strip().endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 5% nor 0.05") from None
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share of a time: write 5% or 0.05")
    return value


def level(text):
    value = share(text)
    if value == 0:
        raise argparse.ArgumentTypeError("nothing is significant at 0")
    return value


def parse(arguments):
    parser = argparse.ArgumentParser("mylos-report", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON files of mylos-bench, of one machine or several")
    parser.add_argument("--out", metavar="FILE", default="report.html", help="the page (default: %(default)s)")
    parser.add_argument("--csv", metavar="FILE", help="every case as CSV; for all.csv the other tables are all-<table>.csv")
    parser.add_argument("--markdown", metavar="FILE", help="all tables as Markdown")
    parser.add_argument("--baseline", metavar="FILE", action="append", default=[],
                        help="an older file of the same machine; may be given several times")  # fmt: skip
    parser.add_argument("--threshold", metavar="SHARE", type=share, default=0.05, help="how much slower fails (5%% by default)")
    parser.add_argument("--alpha", metavar="LEVEL", type=level, default=0.01,
                        help="chance of a false alarm over all cases (default: %(default)s)")  # fmt: skip
    return parser.parse_args(arguments)


def write(path, text):
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def report(options, console):
    runs = load_all(options.files)
    changes = None
    if options.baseline:
        changes = regression.compare(runs, load_all(options.baseline), options.threshold, options.alpha)
    tables = all_tables(runs, changes)
    names = [os.path.basename(path) for path in options.baseline]
    written = [options.out]
    write(options.out, page.render(runs, tables, changes, options.threshold, options.alpha, names))
    if options.csv:
        write(options.csv, "")
        written += export.write_csv(tables, options.csv)
    if options.markdown:
        write(options.markdown, export.markdown(tables))
        written.append(options.markdown)

    console.print(terminal.summary(tables["machines"]))
    for line in terminal.invalid(runs):
        console.print(line, highlight=False)
    if changes is not None:
        for line in terminal.regression(changes, options.threshold, options.alpha):
            console.print(line, highlight=False)
    for name in written:
        console.print(f"wrote {name}", highlight=False, markup=False, soft_wrap=True)
    return 1 if changes and any(change.fails for change in changes) else 0


def main(arguments=None):
    options = parse(arguments)
    try:
        return report(options, Console())
    except ReportError as error:
        print(f"mylos-report: {error}", file=sys.stderr)
    except OSError as error:
        print(f"mylos-report: {error.filename}: {error.strerror}", file=sys.stderr)
    return 2
