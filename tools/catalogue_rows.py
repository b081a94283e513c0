"""Reads what the C++ catalogue says beyond its fields: named chains and casts, and its comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

CATALOGUE = Path(__file__).resolve().parent.parent / "include" / "qsim" / "profile" / "catalogue"
# Braces without field names, by their length.
POSITIONAL = {
    "step": ("fan_in", "stride", "bits", "overflow"),
    "convert": ("nan", "too_high", "too_low", "ties"),
}
TOKEN = re.compile(r"[{},=]|[\w.:]+")
ROW = re.compile(
    r"((?:^///.*\n)+)^inline constexpr (Arith|Cast) (\w+)\s*(\{(?:[^;]|\n)*?\});", re.MULTILINE
)
Fields = dict[str, Any]


class Row(NamedTuple):
    """A named chain (`Arith`) or cast of the catalogue."""

    kind: str
    name: str
    words: str
    fields: Fields  # only those that the row sets, nested


class Citation(NamedTuple):
    """A comment of a catalogue file and the thing it stands at."""

    place: str
    words: str


def value_of(word: str) -> Any:
    """A literal or enumerator as `Profile.fields` spells it."""
    if word in ("true", "false"):
        return word == "true"
    return int(word) if re.fullmatch(r"-?\d+", word) else word.rpartition("::")[2]


class Braces:
    """A recursive reader of designated and positional initializers."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)

    def read(self) -> Any:
        """The value at the front."""
        word = self.tokens.pop(0)
        if self.tokens and self.tokens[0] == "{" and word != "{":  # Step{...}
            word = self.tokens.pop(0)
        if word != "{":
            return word if word.count(".") else value_of(word)
        items: list[Any] = []
        named: Fields = {}
        while self.tokens[0] != "}":
            if self.tokens[0].startswith("."):
                name = self.tokens.pop(0)[1:]
                assert self.tokens.pop(0) == "=", name
                named[name] = self.read()
            else:
                items.append(self.read())
            if self.tokens[0] == ",":
                self.tokens.pop(0)
        self.tokens.pop(0)
        return named or items


def named_positions(fields: Fields, known: Mapping[str, Row]) -> Fields:
    """Fields with positional braces spelled out and references to other rows resolved."""
    out: Fields = {}
    for name, value in fields.items():
        if name == "step":
            for i, step in enumerate(value):
                out[f"step{i}"] = dict(zip(POSITIONAL["step"], step, strict=False))
        elif isinstance(value, list):
            out[name] = dict(zip(POSITIONAL[name], value, strict=True))
        elif isinstance(value, dict):
            out[name] = named_positions(value, known)
        elif isinstance(value, str) and "." in value:
            row, _, part = value.partition(".")
            out[name] = known[row].fields[part]
        else:
            out[name] = value
    return out


def flat(fields: Fields, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of nested fields."""
    for name, value in fields.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, dict):
            yield from flat(value, path)
        else:
            yield path, value


def named_rows() -> dict[str, Row]:
    """The rows of arith.hpp and cast.hpp by name."""
    rows: dict[str, Row] = {}
    for file in ("arith.hpp", "cast.hpp"):
        for words, kind, name, body in ROW.findall((CATALOGUE / file).read_text("utf-8")):
            fields = Braces(body).read()
            rows[name] = Row(
                kind,
                name,
                " ".join(line.removeprefix("///").strip() for line in words.splitlines()),
                named_positions(fields, rows) if isinstance(fields, dict) else {},
            )
    return rows


def citations(file: str) -> list[Citation]:
    """The comments of a catalogue file below its head, in order.

    `///` blocks belong to the definition that follows, `//` to the field or statement they end.
    """
    found: list[Citation] = []
    block: list[str] = []
    inside, field = "", ""
    for line in (CATALOGUE / file).read_text("utf-8").splitlines():
        text = line.strip()
        if text.startswith("///"):
            block.append(text[3:].strip())
            continue
        name = re.search(r"^(?:inline )?constexpr \w+ (\w+)[({]", text)
        if name:
            inside, field = name[1], ""
            if block:
                found.append(Citation(inside, " ".join(block)))
        block = []
        code, mark, comment = text.partition("//")
        if not inside or (mark and not code and not field and "namespace" in comment):
            continue
        start = code.partition("{")[2] if name else code
        assigned = re.match(r"p?\.([\w.]+) ?=", start)
        field = assigned[1] if assigned else field
        if mark and "namespace" not in comment:
            place = f"{inside}.{field}" if code else inside
            found.append(Citation(place, comment.strip()))
    return found
