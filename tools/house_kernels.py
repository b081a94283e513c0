"""Rules `kernels` and `objects` of house.py: kernels.def, its files, and what they export."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from house_tree import CPP, Broken, Source

ROW = re.compile(
    r"^QSIM_KERNEL\((?P<op>[a-z0-9_]+), *(?P<token>[a-z0-9_]+), *(?P<tile>[a-z0-9_]+), *"
    r"(?P<arch>x86|arm64|any), *(?P<arith>[a-z0-9_]+)\)\s*$"
)
OP = re.compile(r"^[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*_((s|u|f|bf)[0-9]+){2,3}$")
TILE = re.compile(r"^[0-9]+(x[0-9]+)*(_[a-z][a-z0-9]*)?$")
ENTRY = re.compile(r'^(?:QSIM_KERNEL_ENTRY|extern "C" \w+)\s+(\w+)\s*\(', re.MULTILINE)
SYMBOL = re.compile(r"^.*:(?P<member>[^:]+\.o):[0-9a-f ]*(?P<kind>\S) (?P<name>\S+)")
KERNEL_OBJECT = re.compile(r"[a-z0-9]+_.*_[0-9]+(x[0-9]+)*(_[a-z0-9]+)?\.cpp\.o$")
TOKEN_ROW = re.compile(r'^\s*"([a-z0-9_]+) *\|')


def check_kernels(sources: list[Source]) -> Iterator[Broken]:
    """Names follow the grammar, and kernels.def, the files and the token table agree."""
    by_path = {source.path: source for source in sources}
    listed: dict[str, int] = {}
    tokens: set[str] | None = None
    table = by_path.get("cmake/QsimKernels.cmake")
    if table:
        rows = (TOKEN_ROW.match(line) for _, line in table.lines())
        tokens = {row[1] for row in rows if row}
    where = "kernels/kernels.def"
    for number, line in by_path[where].code() if where in by_path else ():
        if not line.strip() or line.startswith("#"):
            continue
        row = ROW.match(line.strip())
        if not row:
            yield Broken(where, number, "kernels", "cannot read this row: " + line.strip())
            continue
        if not OP.match(row["op"]):
            yield Broken(where, number, "kernels", f"op {row['op']}: expected <op>_<in><in><out>")
        if not TILE.match(row["tile"]):
            yield Broken(where, number, "kernels", f"tile {row['tile']}: expected 8x12[_<core>]")
        if tokens is not None and row["token"] not in tokens:
            yield Broken(where, number, "kernels", f"token {row['token']} has no flags")
        name = f"{row['op']}_{row['token']}_{row['tile']}"
        path = f"kernels/{row['op'].split('_')[0]}/{name}.cpp"
        if path in listed:
            yield Broken(where, number, "kernels", f"{path} is already on line {listed[path]}")
        listed[path] = number
        if path not in by_path:
            yield Broken(where, number, "kernels", f"{path} does not exist")
            continue
        entries = ENTRY.findall(by_path[path].text)
        if entries != [name]:
            yield Broken(path, 1, "kernels", f"expected the one entry {name}, got {entries}")
    for path, source in by_path.items():
        if source.parts[0] == "kernels" and source.suffix in CPP and path not in listed:
            yield Broken(path, 1, "kernels", "has no row in kernels/kernels.def")


def check_objects(library: Path, nm: str) -> Iterator[Broken]:
    """A kernel's object file exports its own name and no weak symbol."""
    listing = subprocess.run([nm, "-A", "-g", str(library)], check=True, capture_output=True)
    exported: dict[str, list[str]] = {}
    for line in listing.stdout.decode().splitlines():
        match = SYMBOL.match(line)
        if not match or not KERNEL_OBJECT.match(match["member"]):
            continue
        stem = match["member"].split(".")[0]
        if match["kind"] in "VWvwu":
            complaint = (
                f"weak symbol {match['name']}: the linker may keep this copy for everybody, "
                "also on a processor without the instructions"
            )
            yield Broken(stem, 1, "objects", complaint)
        elif match["kind"] != "U":
            exported.setdefault(stem, []).append(match["name"])
    for stem, names in exported.items():
        if names != [stem]:
            yield Broken(stem, 1, "objects", f"expected the one symbol {stem}, got {names}")
