import pathlib
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))
try:
    import mylos_report  # noqa: F401  an installed one is tested where there is one
except ImportError:
    sys.path.insert(0, str(FOLDER.parent))

import sample  # noqa: E402


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """{machine: file of invented results}, and "before": an older file of the H200."""
    folder = tmp_path_factory.mktemp("results")
    found = {machine: sample.write(folder, f"{machine}.json", sample.document(machine)) for machine in sample.MACHINES}
    found["before"] = sample.write(folder, "before.json", sample.document("h200", seed=1, date="2026-11-20T01:00:00Z"))
    return found


@pytest.fixture
def run_report(tmp_path, capsys):
    """Runs the command in this process: (exit status, page or None, what it said)."""
    from mylos_report.cli import main

    def run(*arguments):
        out = tmp_path / "report.html"
        try:
            status = main([*map(str, arguments), "--out", str(out)])
        except SystemExit as stop:
            status = stop.code
        said = capsys.readouterr()
        return status, out.read_text(encoding="utf-8") if out.exists() else None, said.out + said.err

    return run
