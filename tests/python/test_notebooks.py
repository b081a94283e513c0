"""Notebooks run top to bottom, and are kept without outputs."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook in order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def run_cell(source: str, scope: dict[str, Any]) -> object:
    """Run a cell; the value of its last expression, which a notebook would show."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), scope)
    return eval(compile(ast.Expression(last.value), "<cell>", "eval"), scope) if last else None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_runs_top_to_bottom(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    scope: dict[str, Any] = {}
    shown = [run_cell("".join(cell["source"]), scope) for cell in code_cells(path)]
    assert shown
    for value in shown:
        render = getattr(value, "_repr_html_", None)
        assert value is not None
        assert render is None or "<table>" in render()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_keeps_no_output(path: Path) -> None:
    assert all(not cell["outputs"] for cell in code_cells(path))
    assert all(cell["execution_count"] is None for cell in code_cells(path))


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
