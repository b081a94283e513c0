#!/usr/bin/env python3
"""Writes docs/profiles.md: every built-in profile, what sets it apart and how we know.

    PYTHONPATH=build/release/python tools/make_profiles_doc.py [--count] [--check]

--count first runs the vector tests and renews tests/data/mnn-2.9.0/conformance.json and
tests/data/operator_counts.json with what they compared; --check compares instead of writing and
exits with 1 if a file is not current.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "python")]

import qsim  # noqa: E402
from catalogue_rows import Row, citations, flat, named_rows  # noqa: E402
from mnn_vectors import PROFILES  # noqa: E402
from profiles_words import BUILD, EVIDENCE, FIXED, HEAD, LATER, UNSPECIFIED  # noqa: E402

PAGE = ROOT / "docs" / "profiles.md"
COUNTS = ROOT / "tests" / "data" / "mnn-2.9.0" / "conformance.json"
OPERATORS = ROOT / "tests" / "data" / "operator_counts.json"
PLAIN = "exact.i32"
CHAINS = (
    "conv", "conv_fast", "products.u8u8", "products.u8s8", "products.s8u8", "products.s8s8",
    "products.s16s8", "products.s16s16", "window.constant", "window.indirect", "taps.nine",
    "taps.other", "taps.rest",
)  # fmt: skip
OPERANDS = ("lhs_unsigned", "lhs_offset", "rhs_offset", "zero_points", "halves_rhs", "spill")
"""How codes enter a chain: not part of what its name says."""

def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; numbers aligned right."""
    lines = [list(map(str, head))]
    body = [list(row) for row in rows]
    numbers = [all(isinstance(row[i], int) for row in body) for i in range(len(lines[0]))]
    lines.append(["--:" if number else "---" for number in numbers])
    lines += [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in r] for r in body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n"


def shown(value: Any) -> str:
    """A field's value in code style."""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- one row --------------------------------------------------------------------------------------


class Book:
    """Everything the page is made from."""

    def __init__(self, counts: dict[str, Any]) -> None:
        self.counts = counts
        self.named: dict[str, Row] = named_rows()
        plain = self.fields("ieee.fp32")
        self.defaults = {k: v for k, v in plain.items() if k.startswith(("conv.", "cast."))}
        self.operators: dict[str, Any] = json.loads(OPERATORS.read_text(encoding="utf-8"))

    def fields(self, name: str) -> dict[str, Any]:
        """All fields but the evidence."""
        return {k: v for k, v in qsim.profiles[name].fields().items() if k != "evidence"}

    def obeyed(self, name: str, part: str) -> str | None:
        """The named chain or cast that `part` ("conv", "conv_fast", "cast") of a row equals."""
        kind = "Cast" if part == "cast" else "Arith"
        model = "cast" if part == "cast" else "conv"
        have = {
            path.removeprefix(f"{part}."): value
            for path, value in self.fields(name).items()
            if path.startswith(f"{part}.")
        }
        if part not in ("conv", "conv_fast", "cast"):
            return self.entered(have)
        for row in self.named.values():
            if row.kind != kind:
                continue
            want = {
                path.removeprefix(f"{model}."): value
                for path, value in self.defaults.items()
                if path.startswith(f"{model}.")
            } | dict(flat(row.fields))
            if want == have:
                return row.name
        return None

    def entered(self, have: dict[str, Any]) -> str | None:
        """A chain of `products`, `window` or `taps` by its name and how codes enter it."""
        if have["acc_bits"] == 0:
            return "none"
        default = {
            path.removeprefix("conv."): value
            for path, value in self.defaults.items()
            if path.startswith("conv.")
        }
        bare = {k: v for k, v in have.items() if k not in OPERANDS}
        for row in self.named.values():
            if row.kind != "Arith":
                continue
            want = default | dict(flat(row.fields))
            if {k: v for k, v in want.items() if k not in OPERANDS} == bare:
                words = [row.name]
                words += [f"left {have['lhs_offset']:+}"] if have["lhs_offset"] else []
                words += ["zero points first"] if have["zero_points"] == "subtracted" else []
                words += ["halved weights"] if have["halves_rhs"] else []
                return ", ".join(words)
        return None

    def compact(self, name: str) -> dict[str, Any]:
        """Fields the row uses, with each chain as one entry, where it has a name."""
        used = set(qsim.profiles[name].used())
        fields = {k: v for k, v in self.fields(name).items() if k in used}
        out: dict[str, Any] = {}
        for part in CHAINS:
            chain = self.obeyed(name, part)
            if chain == "none" or not any(k.startswith(f"{part}.") for k in fields):
                fields = {k: v for k, v in fields.items() if not k.startswith(f"{part}.")}
            elif chain is not None:
                out[part] = chain
                fields = {k: v for k, v in fields.items() if not k.startswith(f"{part}.")}
        return out | fields

    def sibling(self, name: str) -> str:
        """The row it is a variant of by name, else the nearest earlier one, else the plain row."""
        if name.rpartition(".")[0] in qsim.profiles:
            return name.rpartition(".")[0]
        mine, family = self.compact(name), name.partition(".")[0]
        names = list(qsim.profiles)
        earlier = [n for n in names[: names.index(name)] if n.startswith(f"{family}.")]
        if name.startswith("mnn-"):  # of any version, for the same processor
            processor = next(word for word in name.split(".") if word in ("x64", "arm64"))
            earlier = [n for n in names[: names.index(name)] if f".{processor}." in n]

        def distance(other: str) -> int:
            return sum(mine.get(k) != v for k, v in self.compact(other).items())

        return min(earlier, key=distance, default=PLAIN)

    def differences(self, name: str, other: str) -> str:
        """A table of the fields that two rows do not share."""
        a, b = self.compact(name), self.compact(other)
        rows = [
            [f"`{path}`", shown(a.get(path, "-")), shown(b.get(path, "-"))]
            for path in [*a, *(k for k in b if k not in a)]
            if a.get(path) != b.get(path)
        ]
        return table(["field", "here", f"`{other}`"], rows)

    def conformance(self, name: str) -> str:
        """What recorded results the row was held to."""
        where = next((t for t, profile in PROFILES.items() if profile == name), None)
        rows = [
            [f"{family}: {FAMILIES[family]}", by[where]["cases"], by[where]["values"]]
            for family, by in self.counts["families"].items()
            if where in by
        ]
        if not rows:
            return self.operator_results(name)
        total = sum(row[2] for row in rows)
        text = f"Recorded as `{where}`: {total:,} values compared, {self.unmatched(where)}.\n\n"
        return text + table(["family", "cases", "values"], rows)

    def operator_results(self, name: str) -> str:
        """Recorded results of single operators."""
        sources = self.operators.get(name, {})
        if not sources:
            return "No recorded results; held to the oracle by `tests/conformance`.\n\n"
        total = sum(s["values"] for s in sources.values())
        wrong = sum(s["differing"] for s in sources.values())
        text = f"{total:,} recorded values of single operators compared, {wrong} differ.\n\n"
        rows = ([source, s["cases"], s["values"]] for source, s in sources.items())
        return text + table(["recorded by", "cases", "values"], rows)

    def compared(self, name: str) -> int:
        """Recorded values the row was held to."""
        where = next((t for t, profile in PROFILES.items() if profile == name), None)
        graph = sum(
            by[where]["values"] for by in self.counts["families"].values() if where in by
        )
        single = sum(s["values"] for s in self.operators.get(name, {}).values())
        return int(graph + single)

    def beyond(self, name: str) -> int:
        """Number of used fields (chains as one) in which the row is not `exact.i32`."""
        a, b = self.compact(name), self.compact(PLAIN)
        return sum(a.get(k) != b.get(k) for k in {*a, *b})

    def main_chain(self, name: str) -> str:
        """The chain of uint8 or int8 activations by int8 weights."""
        parts = ("products.u8s8", "products.s8s8", "products.u8u8")
        found = [c for c in (self.obeyed(name, part) for part in parts) if c != "none"]
        return f"`{found[0] or 'its own'}`" if found else ""

    def unmatched(self, where: str | None = None) -> str:
        """Failures of the vector tests, of one target or of all."""
        listed = [
            u
            for u in self.counts["unmatched"]
            if where is None or where in u["test"] or f" {where} " in u["reason"]
        ]
        return f"**{len(listed)} tests fail**" if listed else "0 differ"

    def kernels(self, name: str) -> str:
        """The native kernels that obey the row's chains and cast."""
        lines = []
        for part in (*CHAINS, "cast"):
            row = self.obeyed(name, part)
            found = [f"`{k['name']}`" for k in qsim.kernels() if k["obeys"] == row]
            if found:
                lines.append(f"* `{part}`: {', '.join(found)}\n")
        return "Native kernels that obey it:\n\n" + "".join(lines) + "\n" if lines else ""

    def section(self, name: str) -> str:
        """One profile."""
        text = f"## `{name}`\n\nEvidence: **{qsim.profiles[name].evidence}**. "
        if name == PLAIN:
            text += "The plain row: every field at its default.\n\n" + self.plain()
        else:
            other = self.sibling(name)
            text += f"Differs from `{other}` in:\n\n{self.differences(name, other)}"
        return text + self.conformance(name) + self.kernels(name)

    def plain(self) -> str:
        """All fields of the plain row, one line per group."""
        groups: dict[str, list[str]] = {}
        for path, value in self.compact(PLAIN).items():
            group, _, field = path.partition(".")
            groups.setdefault(group, []).append(f"{field} {shown(value)}".strip())
        return table(["group", "fields"], ([f"`{g}`", ", ".join(f)] for g, f in groups.items()))


FAMILIES = {
    "A": "convolution",
    "B": "depthwise convolution",
    "C": "casts",
    "D": "pools, element-wise",
    "E": "whole models",
    "F": "quantizers",
}


# --- the page -------------------------------------------------------------------------------------


def overview(book: Book) -> Iterator[str]:
    """The list of rows and what evidence means."""
    yield table(
        ["profile", "evidence", "int8 products", "unlike `exact.i32`", "values", "nearest row"],
        (
            [
                f"[`{name}`](#{name.replace('.', '')})",
                row.evidence,
                book.main_chain(name),
                book.beyond(name),
                book.compared(name),
                f"`{book.sibling(name)}`" if name != PLAIN else "",
            ]
            for name, row in qsim.profiles.items()
        ),
    )
    yield table(["evidence", "means"], EVIDENCE.items())


def chains(book: Book) -> Iterator[str]:
    """The named chains and casts with their kernels."""
    yield "## Chains and casts\n\nA chain is how products become an int32 sum; rows share them.\n\n"
    yield table(
        ["row", "words", "native kernels"],
        (
            [
                f"`{row.name}`",
                row.words,
                ", ".join(f"`{k['name']}`" for k in qsim.kernels() if k["obeys"] == row.name),
            ]
            for row in book.named.values()
        ),
    )


def recorded(book: Book) -> Iterator[str]:
    """Conformance of calibration, and what could not be matched."""
    yield BUILD
    names = {"calib-x86-64": "`x64`", "calib-arm64": "`ieee`"}
    yield "Calibration (`recipe=\"mnn.ema\"`) by host:\n\n"
    yield table(
        ["host", "family", "cases", "values"],
        (
            [host, f"{family}: {FAMILIES[family]}", by[where]["cases"], by[where]["values"]]
            for where, host in names.items()
            for family, by in book.counts["families"].items()
            if where in by
        ),
    )
    yield (
        "`x86-avx512`, `x86-sse-emu` and `x86-avx2-emu` were recorded where they differ from a "
        "main target;\nelsewhere its record is theirs. The operators inside the recurrent model "
        "(E) are known for the main\ntargets only.\n\n"
    )
    failures = book.counts["unmatched"]
    yield f"Cases that qsim does not match: {len(failures) or 'none'}.\n\n"
    if failures:
        yield table(["test", "reason"], ([f"`{f['test']}`", f["reason"]] for f in failures))


def unspecified(book: Book) -> Iterator[str]:
    """What the engine leaves to stale memory."""
    yield UNSPECIFIED
    reasons: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for family, by in book.counts["unspecified"].items():
        for where, found in by.items():
            for reason, number in found.items():
                reasons.setdefault((family, reason), []).append((where, number))
    yield table(
        ["family", "reason", "results"],
        (
            [family, reason, ", ".join(f"`{where}` {n}" for where, n in found)]
            for (family, reason), found in reasons.items()
        ),
    )


def sources() -> Iterator[str]:
    """The comments of the MNN catalogue."""
    yield (
        "## Where the MNN fields were read\n\nThe comments of `catalogue/mnn.hpp`; files are MNN's "
        "at tag 2.9.0, below `source/backend/cpu/`.\n\n"
    )
    yield table(["part of the catalogue", "read"], ([f"`{p}`", w] for p, w in citations("mnn.hpp")))


def page(counts: dict[str, Any]) -> str:
    """The whole document."""
    book = Book(counts)
    recordings = [*recorded(book), FIXED, LATER, *unspecified(book)]
    parts = [HEAD, *overview(book), *recordings, *chains(book)]
    parts += [book.section(name) for name in qsim.profiles]
    parts += sources()
    return "".join(parts).rstrip("\n") + "\n"


def renew(path: Path, text: str, *, check: bool) -> int:
    """Write, or compare and complain; 1 if it is not current."""
    name = path.relative_to(ROOT)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        print(f"{name}: current")
        return 0
    if check:
        print(f"{name}: not current; run tools/make_profiles_doc.py --count")
        return 1
    path.write_text(text, encoding="utf-8")
    print(f"{name}: written")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", action="store_true", help="run the vector tests, renew counts")
    parser.add_argument("--check", action="store_true", help="compare, do not write")
    options = parser.parse_args()
    status = 0
    if options.count:
        from conformance_counts import count

        counts = count()
        status = renew(COUNTS, json.dumps(counts, indent=1) + "\n", check=options.check)
        import library_counts

        operators = library_counts.count()
        status |= renew(OPERATORS, json.dumps(operators, indent=1) + "\n", check=options.check)
    else:
        counts = json.loads(COUNTS.read_text(encoding="utf-8"))
    return status | renew(PAGE, page(counts), check=options.check)


if __name__ == "__main__":
    sys.exit(main())
