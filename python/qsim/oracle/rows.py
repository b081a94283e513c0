"""Rows: a profile's fields as a nested dict, the only thing the oracle knows about a machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def nest(fields: Mapping[str, Any]) -> dict[str, Any]:
    """{"conv.step0.bits": 16, ...} as {"conv": {"step0": {"bits": 16}}, ...}."""
    row: dict[str, Any] = {}
    for path, value in fields.items():
        *parents, leaf = path.split(".")
        place = row
        for name in parents:
            place = place.setdefault(name, {})
        place[leaf] = value
    return row
