"""What the command says itself."""
from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from mylos_report.format import plural, significant

# More lines than this belong to the page.
MOST_LINES = 25
SUMMARY = ("machine", "cases", "invalid", "skipped", "copy GB/s", "automatic", "generic")


def summary(table):
    """The summary of the machines, with the columns that fit on a terminal."""
    chosen = [i for i, column in enumerate(table.columns) if column.label in SUMMARY]
    view = Table(title="Mylos benchmark report", title_justify="left")
    for i in chosen:
        column = table.columns[i]
        view.add_column(column.label, justify="right" if column.numeric else "left", overflow="fold", no_wrap=column.numeric)
    for row in table.shown():
        view.add_row(*(escape(row[i]) for i in chosen))
    return view


def invalid(runs):
    """Lines that name every invalid case, up to a number."""
    lines = [f"{case.name}: {case.invalid_reason} ({run.label})" for run in runs for case in run.invalid_cases]
    if not lines:
        return []
    shown = [f"[bold red]{plural(len(lines), 'invalid case')}[/], in no mean and in no chart:"]
    shown += [f"  {escape(line)}" for line in lines[:MOST_LINES]]
    return shown + ([f"  and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])


def regression(changes, threshold, alpha):
    """A table of what failed, and one line with the verdict."""
    failing = [change for change in changes if change.fails]
    counts = {}
    for change in changes:
        counts[change.state] = counts.get(change.state, 0) + 1
    verdict = ", ".join(f"{count} {state}" for state, count in counts.items())
    colour = "red" if failing else "green"
    said = [f"[bold {colour}]Against the baseline ({100 * threshold:g} %, alpha {alpha:g}):[/] {verdict}"]
    powerless = sum(change.reachable is False for change in changes)
    if powerless:
        said.append(f"[yellow]{plural(powerless, 'case')} with too few samples to be significant among so many; "
                    "measure with more --samples[/]")  # fmt: skip
    if failing:
        view = Table()
        for name, justify in (("state", "left"), ("case", "left"), ("now / before", "right"), ("p adjusted", "right")):
            view.add_column(name, justify=justify, overflow="fold")
        for change in failing[:MOST_LINES]:
            interval = f" ({change.low:.3f} to {change.high:.3f})" if change.low else ""
            ratio = f"{change.ratio:.3f}{interval}" if change.ratio else "–"
            p = significant(change.adjusted, 2) if change.adjusted is not None else "–"
            name = escape(change.name) + (f"\n[dim]{escape(change.reason)}[/]" if change.reason else "")
            view.add_row(change.state, name, ratio, p)
        said.append(view)
        if len(failing) > MOST_LINES:
            said.append(f"and {len(failing) - MOST_LINES} more")
    return said
