"""The golden files: what the oracle answered to the court's cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "conformance"
SMALL = 160  # bytes of a case that may stand in the sample, where there is one so small
Verdict = tuple[str, bytes]  # digest of a family's answers, one check byte per case


class Golden:
    """One golden file: digests of rows by family, check bytes by family and digest."""

    def __init__(self, path: Path) -> None:
        self.cases: dict[str, str] = {}
        self.rows: dict[str, dict[str, str]] = {}
        self.checks: dict[tuple[str, str], bytes] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in lines:
            kind, *rest = line.split(" ")
            if kind == "cases":
                self.cases = dict(_pair(word) for word in rest)
            if kind == "row":
                self.rows[rest[0]] = dict(_pair(word) for word in rest[1:])
            if kind == "checks":
                self.checks[rest[0], rest[1]] = bytes.fromhex(rest[2])

    def groups(self, family: str) -> dict[str, list[str]]:
        """Rows by the digest of their answers to a family."""
        found: dict[str, list[str]] = {}
        for name, digests in self.rows.items():
            if family in digests:
                found.setdefault(digests[family], []).append(name)
        return found


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def sample_of(golden: Golden, family: str, sizes: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Row and number of two cases for each digest of a family: telling, and at random.

    The telling one has the check byte that the fewest other digests of the family have there.
    """
    small = [i for i, size in enumerate(sizes) if size <= max(SMALL, min(sizes))]
    groups = golden.groups(family)
    for digest, rows in groups.items():
        own = golden.checks[family, digest]
        others = [golden.checks[family, other] for other in groups if other != digest]
        start = int(digest, 16) % len(small)
        turned = small[start:] + small[:start]
        telling = max(turned, key=lambda i: sum(other[i] != own[i] for other in others))
        yield rows[0], telling
        yield rows[len(rows) // 2], next(i for i in turned if i != telling)
