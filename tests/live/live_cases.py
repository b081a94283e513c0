"""Cases for the engines of this machine: one operator, its operands, and the file they are kept in.

A set is a folder with the layout of the recorded golden vectors, so one checker reads both:

    manifest.json      {"engine", "version", "targets", "families", "cases": [...]}
    <family>.npz       operands `<id>/<name>` and, once collated, outputs `<id>/<target>/<name>`
    models/<id>.<ext>  the serialised model a runner feeds to the engine

Runners write `outputs.npz` (`<id>/<output>`) and `run.json` (versions, refusals) per target;
`collate` folds them into a new set. Only numpy is needed, also on an emulated machine.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
T = TypeVar("T")

#: Names of the vectors' element types; 4-bit values are kept one per byte.
NUMPY: dict[str, type[np.generic]] = {
    "u8": np.uint8, "s8": np.int8, "u16": np.uint16, "s16": np.int16, "i32": np.int32,
    "i64": np.int64, "f16": np.float16, "f32": np.float32, "u4": np.uint8, "s4": np.int8,
}  # fmt: skip
RANGE: dict[str, tuple[int, int]] = {
    "u8": (0, 255), "s8": (-128, 127), "u16": (0, 65535), "s16": (-32768, 32767),
    "u4": (0, 15), "s4": (-8, 7), "i32": (-(2**31), 2**31 - 1),
}  # fmt: skip


@dataclass(frozen=True)
class Quant:
    """Quantisation of a tensor that carries it as metadata; `axis` only if per channel."""

    scale: Sequence[np.float32 | float] | Array
    zero_point: Sequence[int] = (0,)
    axis: int = 0


@dataclass(frozen=True)
class Operand:
    """An input: part of the model (`constant`) or fed at run time."""

    name: str
    dtype: str
    array: Array
    constant: bool = True
    quant: Quant | None = None

    def __post_init__(self) -> None:
        if self.array.dtype != NUMPY[self.dtype]:
            raise TypeError(f"{self.name}: expected {self.dtype}, got {self.array.dtype}")


@dataclass(frozen=True)
class Result:
    """An output: its element type, and what the engine must be told about it."""

    dtype: str
    shape: Sequence[int] | None = None
    quant: Quant | None = None


@dataclass(frozen=True)
class Case:
    """A model of one operator."""

    id: str
    family: str
    op: str
    inputs: Sequence[Operand | None]
    outputs: dict[str, Result]
    domain: str = "ai.onnx"
    opset: int = 21
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, Any] = field(default_factory=dict)


class Draw:
    """A random source that depends on its key only: case 7 is the same in every count of cases."""

    def __init__(self, *key: str | int) -> None:
        self.rng = np.random.default_rng([zlib.crc32(str(k).encode()) for k in key])

    def pick(self, *options: T) -> T:
        return options[int(self.rng.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def integer(self, low: int, high: int) -> int:
        """Uniform in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def values(self, dtype: str, shape: Sequence[int], kind: str = "full") -> Array:
        """Integers of a type: full, reduced (a quarter), extreme, minrich or small."""
        low, high = RANGE[dtype]
        if kind == "extreme":
            drawn = self.rng.choice([low, high], shape)
        elif kind == "reduced":
            middle, reach = (low + high + 1) // 2, (high - low + 1) // 4
            drawn = self.rng.integers(middle - reach, middle + reach + 1, shape)
        elif kind == "small":
            drawn = np.clip(self.rng.integers(-8, 8, shape) + max(low, -8) + 8, low, high)
        else:
            drawn = self.rng.integers(low, high + 1, shape)
            if kind == "minrich":
                drawn = np.where(self.rng.random(shape) < 0.7, low, drawn)
        return np.asarray(drawn, NUMPY[dtype])

    def kind(self) -> str:
        return self.pick("full", "full", "full", "extreme", "minrich", "reduced", "small")

    def zero_point(self, dtype: str, centred: float = 0.3) -> int:
        """Any of the type; in a share of the cases the middle, so that sums do not saturate."""
        low, high = RANGE[dtype]
        if self.chance(centred):
            return (low + high + 1) // 2
        return self.pick(0, low, high, *(self.integer(low, high) for _ in range(4)))

    def scale(self, low: int = -8, high: int = 1) -> np.float32:
        """A positive scale between powers of two; one in three is a power of two (ties)."""
        if self.chance(1 / 3):
            return np.float32(2.0 ** self.integer(low, high))
        return np.float32(2.0 ** self.rng.uniform(low, high))

    def scales(self, count: int, low: int = -8, high: int = 1) -> Array:
        return np.array([self.scale(low, high) for _ in range(count)], np.float32)


# --- files ----------------------------------------------------------------------------------------


def entry_of(operand: Operand | None) -> dict[str, Any] | None:
    """The manifest's line about an input."""
    if operand is None:
        return None
    line = {"name": operand.name, "dtype": operand.dtype, "constant": operand.constant}
    return line | ({"quant": quant_of(operand.quant)} if operand.quant else {})


def quant_of(quant: Quant) -> dict[str, Any]:
    """Scales are binary32 values written as exact decimal fractions."""
    return {
        "scale": [float(np.float32(s)) for s in quant.scale],
        "zero_point": [int(z) for z in quant.zero_point],
        "axis": quant.axis,
    }


def line_of(case: Case) -> dict[str, Any]:
    """The manifest's line about a case."""
    outputs = {
        name: {"dtype": r.dtype} | ({"quant": quant_of(r.quant)} if r.quant else {})
        for name, r in case.outputs.items()
    }
    return {
        "id": case.id, "family": case.family, "op": case.op, "domain": case.domain,
        "opset": case.opset, "attributes": case.attributes,
        "inputs": [entry_of(i) for i in case.inputs], "outputs": outputs, "tags": case.tags,
    }  # fmt: skip


def write_manifest(folder: Path, header: dict[str, Any], cases: Iterable[dict[str, Any]]) -> None:
    """One case per line, so that a difference of two sets can be read."""
    lines = ",\n".join(json.dumps(c) for c in cases)
    head = json.dumps(header)[1:-1]
    (folder / "manifest.json").write_text(f'{{{head},\n"cases": [\n{lines}\n]}}\n')


def write_set(
    folder: Path, engine: str, models: Iterable[tuple[Case, bytes | None]], ext: str
) -> int:
    """Writes cases with their models, if there are any; returns how many."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = []
    arrays: dict[str, dict[str, Array]] = {}
    for case, model in models:
        lines.append(line_of(case))
        if model is not None:
            (folder / "models" / f"{case.id}.{ext}").write_bytes(model)
        mine = arrays.setdefault(case.family, {})
        mine.update({f"{case.id}/{i.name}": i.array for i in case.inputs if i})
    for family, mine in arrays.items():
        np.savez_compressed(folder / f"{family}.npz", **mine)  # type: ignore[arg-type]
    write_manifest(folder, {"engine": engine, "targets": [], "families": sorted(arrays)}, lines)
    return len(lines)


def fed(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Array]]]:
    """Every case of a set with the arrays that are fed at run time."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stores = {f: np.load(folder / f"{f}.npz", allow_pickle=False) for f in manifest["families"]}
    for case in manifest["cases"]:
        store = stores[case["family"]]
        names = [i["name"] for i in case["inputs"] if i and not i["constant"]]
        yield case, {name: store[f"{case['id']}/{name}"] for name in names}


def read_cases(folder: Path) -> Iterator[Case]:
    """The single-operator cases of a set, live or recorded."""
    manifest = json.loads((folder / "manifest.json").read_text())
    stores = {f: np.load(folder / f"{f}.npz", allow_pickle=False) for f in manifest["families"]}
    for case in manifest["cases"]:
        if "domain" not in case:
            continue
        store = stores[case["family"]]
        inputs = [i and operand_of(i, store[i.get("array") or f"{case['id']}/{i['name']}"])
                  for i in case["inputs"]]  # fmt: skip
        outputs = {n: Result(o["dtype"], quant=quant_from(o)) for n, o in case["outputs"].items()}
        yield Case(
            case["id"], case["family"], case["op"], inputs, outputs, case["domain"],
            case["opset"], case["attributes"], case["tags"],
        )  # fmt: skip


def quant_from(entry: dict[str, Any]) -> Quant | None:
    return Quant(**entry["quant"]) if "quant" in entry else None


def operand_of(entry: dict[str, Any], array: Array) -> Operand:
    return Operand(entry["name"], entry["dtype"], array, entry["constant"], quant_from(entry))


def write_run(folder: Path, about: dict[str, Any], outputs: dict[str, Array]) -> None:
    """What a runner leaves behind for one target."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "outputs.npz", **outputs)  # type: ignore[arg-type]
    (folder / "run.json").write_text(json.dumps(about, indent=1) + "\n")


def collate(folder: Path, runs: dict[str, Path], out: Path) -> int:
    """Folds the runs of several targets into a set that holds their outputs; returns the cases.

    A case that some target refused keeps the others' outputs; one that all refused is dropped.
    """
    manifest = json.loads((folder / "manifest.json").read_text())
    about = {t: json.loads((path / "run.json").read_text()) for t, path in runs.items()}
    ran = {t: np.load(path / "outputs.npz", allow_pickle=False) for t, path in runs.items()}
    out.mkdir(parents=True, exist_ok=True)
    kept: list[dict[str, Any]] = []
    arrays: dict[str, dict[str, Array]] = {}
    for case in manifest["cases"]:
        mine = arrays.setdefault(case["family"], {})
        written = [
            fold(case["id"], name, entry, ran, mine) for name, entry in case["outputs"].items()
        ]
        if all(written):
            kept.append(case)
    for family, mine in arrays.items():
        with np.load(folder / f"{family}.npz", allow_pickle=False) as operands:
            np.savez_compressed(out / f"{family}.npz", **operands, **mine)  # type: ignore[arg-type]
    manifest["version"] = ", ".join(sorted({a["version"] for a in about.values()}))
    header = {k: v for k, v in manifest.items() if k != "cases"} | {
        "targets": list(runs),
        "runs": {t: {k: v for k, v in a.items() if k != "refused"} for t, a in about.items()},
    }
    write_manifest(out, header, kept)
    return len(kept)


def fold(
    id: str, name: str, entry: dict[str, Any], ran: dict[str, Any], mine: dict[str, Array]
) -> bool:
    """Adds one output of all targets to `mine`; equal bytes are kept once."""
    first: dict[tuple[Any, ...], str] = {}
    names: dict[str, str] = {}
    for target, store in ran.items():
        if f"{id}/{name}" not in store:
            continue
        array = store[f"{id}/{name}"]
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in first:
            first[key] = f"{id}/{target}/{name}"
            mine[first[key]] = array
        names[target] = first[key]
    if len(first) == 1 and len(names) == len(ran):
        mine[f"{id}/all/{name}"] = mine.pop(next(iter(first.values())))
        entry["array"] = f"{id}/all/{name}"
    else:
        entry["arrays"] = names
    return bool(names)
