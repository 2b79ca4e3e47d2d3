"""mylos.bench.kernelbench, on problem files written here."""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be imported here")
pytest.importorskip("tqdm", reason="tqdm cannot be imported here")
pytest.importorskip("matplotlib", reason="Matplotlib cannot be imported here")

from mylos.bench import kernelbench  # noqa: E402

PROBLEM = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self{parameters}):
        super().__init__()
        {init}

    def forward(self, x):
        return {forward}


def get_inputs():
    return [torch.rand(16, 32)]


def get_init_inputs():
    return [{arguments}]
"""


def write(folder, name, forward, parameters="", init="pass", arguments=""):
    text = PROBLEM.format(parameters=parameters, init=init, forward=forward, arguments=arguments)
    (folder / f"{name}.py").write_text(text)


def run(tmp_path, *arguments):
    stem = tmp_path / "results"
    status = kernelbench.main(["--files", str(tmp_path), "--device", "cpu", "--repeats", "3", "--no-inductor", "--output", str(stem), *arguments])
    return status, json.loads(stem.with_suffix(".json").read_text()), stem.with_suffix(".png")


def test_problems_are_checked_timed_and_counted(tmp_path, capsys):
    level = tmp_path / "level1"
    level.mkdir()
    write(level, "1_linear", "torch.relu(self.layer(x))", ", n", "self.layer = nn.Linear(32, n)", "8")
    write(level, "2_softmax", "torch.softmax(x, dim=1)")
    write(level, "10_sort", "torch.sort(torch.tanh(x), dim=1).values")
    status, written, picture = run(tmp_path)
    assert status == 0
    assert [r["problem"] for r in written["results"]] == ["1_linear", "2_softmax", "10_sort"]
    assert [r["wholly"] for r in written["results"]] == [True, True, False]
    assert written["results"][0]["calls"] == ["gemm(after=relu)"]
    assert written["results"][2]["left"] == [{"operator": "aten.sort.default", "reason": "no operator of Mylos"}]
    counts = written["counts"]
    assert (counts["problems"], counts["correct"], counts["wholly by Mylos"], counts["failed"]) == (3, 3, 2, 0)
    assert all(set(r["seconds"]) == {"eager", "mylos"} and r["speedup"] > 0 for r in written["results"])
    assert picture.stat().st_size > 1000
    assert "problems: 3, correct: 3" in capsys.readouterr().out


def test_a_problem_that_fails_is_counted(tmp_path):
    write(tmp_path, "1_wrong", "x @ x")
    write(tmp_path, "2_right", "x + 1")
    status, written, _ = run(tmp_path)
    assert status == 1
    assert written["counts"]["failed"] == 1 and "failed" in written["results"][0]
    assert written["results"][1]["correct"]


def test_errors_that_are_no_number_count(tmp_path):
    good = torch.ones(3)
    assert kernelbench.error_of([good], [good.double()]) == 0
    assert kernelbench.error_of([good * float("nan")], [good.double()]) == float("inf")
    assert kernelbench.error_of([good, good], [good.double()]) == float("inf")
    assert kernelbench.error_of([good + 0.5], [2 * good.double()]) == 0.25


def test_without_problem_files(tmp_path):
    with pytest.raises(SystemExit, match="no problem files"):
        run(tmp_path)
