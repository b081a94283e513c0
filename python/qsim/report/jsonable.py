"""Pages as JSON with a schema version, and back.

JSON has no NaN and no infinity: they are the strings "nan", "inf" and "-inf". A `Share` in a table
is `{"share": 0.5}`.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .model import Page, Share
from .text import clean

SCHEMA = "qsim.report/1"
SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

T = TypeVar("T")


def to_jsonable(page: Page) -> dict[str, Any]:
    """The page as dicts, lists, strings and finite numbers, `schema` first."""
    return {"schema": SCHEMA, **_plain(page)}


def from_jsonable(data: Mapping[str, Any]) -> Page:
    """The page that `to_jsonable` wrote; ValueError if it is of another schema."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"schema: expected {SCHEMA!r}, got {data.get('schema')!r}")
    return _build(Page, {key: value for key, value in data.items() if key != "schema"}, "page")


def dumps(page: Page, *, indent: int | None = None) -> str:
    """The page as strict JSON text; equal pages give equal text."""
    return json.dumps(to_jsonable(page), allow_nan=False, ensure_ascii=True, indent=indent)


def loads(text: str) -> Page:
    """The page that `dumps` wrote."""
    return from_jsonable(json.loads(text))


def _plain(value: object) -> Any:
    if isinstance(value, Share):
        return {"share": _plain(value.value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        x = float(value)
        if math.isfinite(x):
            return x
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    raise TypeError(
        f"page: expected text, numbers, lists and mappings, got {type(value).__name__}; "
        "reports hold plain data"
    )


def _build(kind: type[T], data: Any, where: str) -> T:
    """A dataclass from its mapping; unknown and missing fields are refused by name."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{clean(where)}: expected an object, got {type(data).__name__}")
    hints = get_type_hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise ValueError(f"{clean(where)}: unknown field {clean(str(unknown[0]))!r}")
    built = {key: _typed(hints[key], item, f"{where}.{key}") for key, item in data.items()}
    try:
        return kind(**built)
    except TypeError as error:
        raise ValueError(f"{clean(where)}: {error}") from error


def _typed(hint: Any, value: Any, where: str) -> Any:
    """`value` as the annotation wants it."""
    origin, inside = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, where)
    if origin in (Union, types.UnionType):
        return _one_of(inside, value, where)
    if origin is Sequence:
        _expect(isinstance(value, list), "a list", value, where)
        return tuple(_typed(inside[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is tuple:
        right = isinstance(value, list) and len(value) == len(inside)
        _expect(right, f"a list of {len(inside)}", value, where)
        return tuple(_typed(h, item, where) for h, item in zip(inside, value, strict=True))
    if origin is Mapping:
        _expect(isinstance(value, dict), "an object", value, where)
        return {key: _typed(inside[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is Literal:
        _expect(value in inside, f"one of {', '.join(inside)}", value, where)
        return value
    if hint is float:
        number = SPECIAL.get(value, value) if isinstance(value, str) else value
        _expect(isinstance(number, int | float), "a number", value, where)
        return float(number)
    _expect(isinstance(value, hint), hint.__name__, value, where)
    return value


def _one_of(inside: tuple[Any, ...], value: Any, where: str) -> Any:
    """A value of a union. Strings that spell NaN or an infinity are numbers if those may be."""
    if value is None:
        _expect(type(None) in inside, "a value", value, where)
        return None
    if isinstance(value, dict) and Share in inside:
        _expect(set(value) == {"share"}, 'an object {"share": ...}', value, where)
        return Share(_typed(float, value["share"], where))
    if isinstance(value, str):
        if value in SPECIAL and float in inside:
            return SPECIAL[value]
        _expect(str in inside, "a number", value, where)
        return value
    _expect(isinstance(value, int | float), "a number or text", value, where)
    return value


def _expect(right: bool, rule: str, value: object, where: str) -> None:
    if not right:
        raise ValueError(f"{clean(where)}: expected {rule}, got {type(value).__name__}")
