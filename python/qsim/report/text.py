"""Numbers, names and severities as words and signs, the same in the page and the terminal."""

from __future__ import annotations

import math
import unicodedata
from numbers import Real

from .model import Cell, Severity, Share

MARKS: dict[Severity, str] = {
    "ok": "○",
    "note": "◇",
    "differs": "≠",
    "laundered": "◐",
    "nonfinite": "✕",
    "origin": "★",
}
ASCII_MARKS: dict[Severity, str] = {
    "ok": "o",
    "note": "i",
    "differs": "#",
    "laundered": "~",
    "nonfinite": "x",
    "origin": "*",
}
LABELS: dict[Severity, str] = {
    "ok": "as expected",
    "note": "worth a look",
    "differs": "differs",
    "laundered": "hides NaN or inf",
    "nonfinite": "carries NaN or inf",
    "origin": "origin",
}
THIN = "\u202f"
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def clean(text: str) -> str:
    """`text` with control, bidirectional and unencodable characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in UNSEEN else c
        for c in text
    )


def number(value: float | int | str | None, digits: int = 5) -> str:
    """A number in so many significant digits at most; NaN and infinities spelled out."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, int):
        return grouped(value)
    x = float(value)
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "+inf" if x > 0 else "−inf"
    text = f"{x:.{digits}g}" if x == 0 or 1e-3 <= abs(x) < 10**digits else f"{x:.{digits - 1}e}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def grouped(value: int) -> str:
    """An integer with its thousands set apart by thin spaces."""
    if abs(value) < 10_000:
        return str(value).replace("-", "−")
    return f"{value:,}".replace(",", THIN).replace("-", "−")


def percent(value: float) -> str:
    """A share from 0 to 1 as a percentage that rounds neither to 0 nor to 100 by mistake."""
    if not math.isfinite(value):
        return number(value)
    if value != 0 and abs(value) < 0.0005:
        return f"<{THIN}0.1{THIN}%"
    if 0.9995 <= value < 1:
        return f">{THIN}99.9{THIN}%"
    return f"{100 * value:.1f}".removesuffix(".0") + f"{THIN}%"


def cell(value: Cell) -> str:
    """A table's cell as text."""
    return percent(value.value) if isinstance(value, Share) else number(value)


def is_numeric(value: Cell) -> bool:
    """Whether a cell is set against the right edge."""
    return value is None or isinstance(value, Real | Share)


def shape(dims: tuple[int, ...]) -> str:
    """A shape or an index: `[1, 96]`."""
    return "[" + ", ".join(str(d) for d in dims) + "]"


def plural(count: int, noun: str) -> str:
    """`1 op`, `2 ops`."""
    return f"{grouped(count)} {noun}" if count == 1 else f"{grouped(count)} {noun}s"


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` characters; the middle gives way."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]
