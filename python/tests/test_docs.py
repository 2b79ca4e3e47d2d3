"""The code in docs/python.md and docs/pytorch.md."""

import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def blocks(page):
    found = re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(), re.M | re.S)
    assert found, page
    return [pytest.param(code, id=f"{page}-{i}") for i, code in enumerate(found)]


@pytest.mark.parametrize("code", blocks("python.md"))
def test_python(code):
    exec(compile(code, "docs/python.md", "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("code", blocks("pytorch.md"))
def test_pytorch(code, capsys):
    pytest.importorskip("torch", reason="PyTorch cannot be imported here")
    exec(compile(code, "docs/pytorch.md", "exec"), {"__name__": "docs"})
    printed = capsys.readouterr().out
    if printed:
        page = (DOCS / "pytorch.md").read_text()
        assert all(f"    {line}" in page for line in printed.splitlines())


def test_both_pages_have_the_same_example():
    call = "y = mylos.softmax(x, before=steps.gelu())"
    assert call in (DOCS / "python.md").read_text() and call in (DOCS / "pytorch.md").read_text()
