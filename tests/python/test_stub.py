"""The stub of the extension says what the extension has: the same names, the same parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import qsim
from qsim import _core

PACKAGE = Path(qsim.__file__).parent
FROM_PYBIND11 = {"name", "value"}  # members that every bound enumeration has
Definition = ast.FunctionDef | ast.ClassDef


def stub_files() -> dict[str, Path]:
    """Module name below qsim -> its stub; _core.pyi, or a folder _core/ with one per submodule."""
    single = PACKAGE / "_core.pyi"
    if single.exists():
        return {"_core": single}
    files = sorted((PACKAGE / "_core").glob("*.pyi"))
    return {("_core" if f.stem == "__init__" else f"_core.{f.stem}"): f for f in files}


def defined(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Public name -> its statements (several for an overload)."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in body:
        if isinstance(statement, Definition):
            names = [statement.name]
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names = [statement.target.id]
        elif isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        else:
            continue
        for name in names:
            found.setdefault(name, []).append(statement)
    return found


def members(item: ast.ClassDef, scope: dict[str, list[ast.stmt]]) -> dict[str, list[ast.stmt]]:
    """Members of a stub class, with those of the private bases that exist in the stub alone."""
    found: dict[str, list[ast.stmt]] = {}
    for base in item.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        for statement in scope.get(name, []) if name.startswith("_") else []:
            if isinstance(statement, ast.ClassDef):
                found.update(members(statement, scope))
    return found | defined(item.body)


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def parameters_of_stub(function: ast.FunctionDef) -> list[str]:
    listed = function.args
    names = [item.arg for item in [*listed.posonlyargs, *listed.args]]
    names += [f"*{listed.vararg.arg}"] if listed.vararg else []
    names += [item.arg for item in listed.kwonlyargs]
    names += [f"**{listed.kwarg.arg}"] if listed.kwarg else []
    return names


def parameters_of_runtime(function: Any) -> list[str] | None:
    """Parameter names from the signature that pybind11 writes; None for overloads."""
    first = (function.__doc__ or "").split("\n")[0]
    match = re.match(r"^\w+\((.*)\)( -> .*)?$", first)
    if not match or "Overloaded function" in function.__doc__:
        return None
    depth, parts = 0, [""]
    for character in match[1]:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    names = [re.split(r"[:=]", part, maxsplit=1)[0].strip() for part in parts]
    return [name for name in names if name not in {"", "*", "/"}]


def disagreements(
    where: str, scope: dict[str, list[ast.stmt]], inside: dict[str, list[ast.stmt]], thing: Any
) -> Iterator[str]:
    """What stub and runtime say differently about one module or class."""
    own = dir(thing) if isinstance(thing, ModuleType) else vars(thing)
    runtime = public(own)
    if hasattr(thing, "__members__"):
        runtime -= FROM_PYBIND11
    submodules = {n for n in runtime if isinstance(getattr(thing, n), ModuleType)}
    yield from (f"{where}.{n}: not in the stub" for n in runtime - public(inside) - submodules)
    yield from (f"{where}.{n}: only in the stub" for n in public(inside) - runtime - FROM_PYBIND11)
    for name in sorted(runtime & set(inside)):
        (statement, *more) = inside[name]
        value = getattr(thing, name)
        if isinstance(statement, ast.ClassDef):
            inner = members(statement, scope)
            yield from disagreements(f"{where}.{name}", scope, inner, value)
        elif isinstance(statement, ast.FunctionDef) and not more and callable(value):
            expected, given = parameters_of_runtime(value), parameters_of_stub(statement)
            if expected is not None and [n for n in expected if n != "self"] != [
                n for n in given if n != "self"
            ]:
                yield f"{where}.{name}: takes {expected}, the stub says {given}"


def test_the_extension_has_a_stub() -> None:
    assert stub_files(), f"no _core.pyi beside {PACKAGE}/__init__.py"


@pytest.mark.parametrize("module", stub_files())
def test_the_stub_agrees_with_the_extension(module: str) -> None:
    tree = ast.parse(stub_files()[module].read_text(encoding="utf-8"))
    thing: Any = _core
    for part in module.split(".")[1:]:
        thing = getattr(thing, part)
    scope = defined(tree.body)
    assert sorted(disagreements(module, scope, scope, thing)) == []


def test_every_submodule_has_a_stub() -> None:
    scope = defined(ast.parse(stub_files()["_core"].read_text(encoding="utf-8")).body)
    named = public(vars(_core))
    submodules = {n for n in named if isinstance(getattr(_core, n), ModuleType)}
    assert {n for n in submodules if f"_core.{n}" not in stub_files() and n not in scope} == set()
