"""The files of the project as the rules of house.py see them. Standard library only."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

CPP = {".hpp", ".cpp"}
PYTHON = {".py", ".pyi"}


class Broken(NamedTuple):
    """One broken rule at one place."""

    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.text}"


class Source(NamedTuple):
    """One text file of the project."""

    path: str  # relative, with forward slashes
    text: str

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix

    @property
    def parts(self) -> tuple[str, ...]:
        return PurePosixPath(self.path).parts

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.text.split("\n"), 1)

    def code(self) -> Iterator[tuple[int, str]]:
        """Lines without comments and string contents, for rules about tokens."""
        blank = blank_cpp if self.suffix in {*CPP, ".def"} else blank_hash
        return enumerate(blank(self.text).split("\n"), 1)


NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def blank_cpp(text: str) -> str:
    """C++ text with comments and literals removed, newlines kept; include lines stay whole."""

    def replace(match: re.Match[str]) -> str:
        start = text.rfind("\n", 0, match.start()) + 1
        if match[0].startswith('"') and text[start : match.start()].lstrip().startswith("#include"):
            return match[0]
        return "\n" * match[0].count("\n")

    return NOISE.sub(replace, text)


def blank_hash(text: str) -> str:
    """Text of a #-commented language without its comments."""
    return re.sub(r"#[^\n]*", "", text)


def read_tree(root: Path) -> list[Source]:
    """Every text file that git would see; without git, everything but build products."""
    if (root / ".git").exists():
        listing = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
            check=True,
            capture_output=True,
        )
        names = sorted(set(listing.stdout.decode().split("\0")) - {""})
    else:
        products, hidden = {"build", "dist"}, {".git", ".venv", "__pycache__"}
        relative = (path.relative_to(root) for path in root.rglob("*"))
        names = sorted(
            path.as_posix()
            for path in relative
            if path.parts[0] not in products and not hidden & set(path.parts)
        )
    sources = []
    for name in names:
        path = root / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        try:
            sources.append(Source(name, data.decode("utf-8")))
        except UnicodeDecodeError:
            continue
    return sources
