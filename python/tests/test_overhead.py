"""mylos.bench.overhead."""

import json

import pytest

torch = pytest.importorskip("torch", reason="PyTorch cannot be imported here")

from mylos.bench import overhead  # noqa: E402


def test_every_call_is_the_operator_it_is_compared_with():
    torch.manual_seed(1)
    with torch.no_grad():
        for name, reference, call in overhead.operators("cpu"):
            torch.testing.assert_close(call(), reference(), msg=lambda text, name=name: f"{name}: {text}")


def test_table_and_file(tmp_path, capsys):
    file = tmp_path / "overhead.json"
    assert overhead.main(["--device", "cpu", "--repeats", "2", "--depth", "2", "--no-inductor", "--output", str(file)]) == 0
    written = json.loads(file.read_text())
    assert set(written["compiled"]) == {"eager", "mylos"}
    printed = capsys.readouterr().out
    for name, times in written["calls"].items():
        assert times["torch"] > 0 and times["mylos"] > 0
        assert name in printed
