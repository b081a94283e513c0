"""What a report shows, as plain data: no array, no model, no engine.

Numbers may be NaN or infinite; `None` means "not known". Lists given to these classes are stored
as tuples, so a page is a value that nobody changes behind a report's back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["ok", "note", "differs", "laundered", "nonfinite", "origin"]
SEVERITIES: tuple[Severity, ...] = ("ok", "note", "differs", "laundered", "nonfinite", "origin")


class Frozen:
    """A base that turns the lists of a dataclass into tuples and NumPy's scalars into Python's."""

    def __post_init__(self) -> None:
        """Replace what is not plain, also inside lists and mappings."""
        for each in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            object.__setattr__(self, each.name, _plain(getattr(self, each.name)))


def _plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bool | int | float) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


@dataclass(frozen=True)
class Share(Frozen):
    """A part of a whole, 0 to 1: shown as a percentage with a small bar."""

    value: float


Cell: TypeAlias = str | int | float | Share | None


@dataclass(frozen=True)
class Table(Frozen):
    """Any table; `row_severity` (one per row, or empty) marks rows that need attention."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    row_severity: Sequence[Severity] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse rows of another width than the header."""
        super().__post_init__()
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"rows: expected {len(self.columns)} cells per row like `columns`, "
                    f"got {len(row)} in row {number} of table {self.title!r}"
                )
        if self.row_severity and len(self.row_severity) != len(self.rows):
            raise ValueError(
                f"row_severity: expected one per row ({len(self.rows)}) or none, "
                f"got {len(self.row_severity)} in table {self.title!r}"
            )


@dataclass(frozen=True)
class TensorStats(Frozen):
    """One tensor of one run. `min`, `max`, `mean`, `histogram` are over finite elements.

    `histogram` counts elements in equal bins from `min` to `max`; `unspecified` counts elements
    for which the profile promises no value; `rail_fraction` is the share of codes at qmin or qmax.
    """

    name: str
    shape: Sequence[int]
    dtype: str
    elements: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    nonfinite: int = 0
    nan: int = 0
    inf: int = 0
    unspecified: int = 0
    scale: float | str | None = None
    zero: float | int | str | None = None
    rail_fraction: float | None = None
    histogram: Sequence[int] = ()


@dataclass(frozen=True)
class OpView(Frozen):
    """One op: what it reads and writes (tensor names), how it fared, its output tensors.

    `metrics` compares with the profile in `Page.compared_with`.
    """

    name: str
    op: str
    integer: bool
    inputs: Sequence[str]
    outputs: Sequence[str]
    severity: Severity = "ok"
    notes: Sequence[str] = ()
    tensors: Sequence[TensorStats] = ()
    metrics: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class PathStep(Frozen):
    """One op on the way from an origin to an output, and the state of the tensor it hands on."""

    node: str
    tensor: str
    state: Severity
    words: str = ""


@dataclass(frozen=True)
class OriginView(Frozen):
    """Where non-finite values are born: the first element, how many, why, and whom to blame."""

    node: str
    tensor: str
    element: Sequence[int]
    count: int
    cause: str
    words: Sequence[str] = ()
    parameter: str = ""
    batch: str = ""


@dataclass(frozen=True)
class LaunderView(Frozen):
    """An op that read non-finite values and answered finite ones.

    `kind` says where in the op (its function, a cast before it); `answers` is (value, count).
    """

    node: str
    tensor: str
    kind: str
    count: int
    answers: Sequence[tuple[str, int]]
    words: str = ""


@dataclass(frozen=True)
class FixView(Frozen):
    """A suggested fix; `verified` says what was seen when it was tried, None if it was not."""

    words: str
    verified: str | None = None


@dataclass(frozen=True)
class SharedConstant(Frozen):
    """A constant that several ops read (or read before a pass copied it for each)."""

    name: str
    consumers: Sequence[str]


@dataclass(frozen=True)
class Page(Frozen):
    """Everything one report shows. `ops` are in execution order; `paths` goes by output name."""

    title: str
    subtitle: str = ""
    profile: str = ""
    compared_with: str = ""
    tables: Sequence[Table] = ()
    ops: Sequence[OpView] = ()
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    origins: Sequence[OriginView] = ()
    laundered: Sequence[LaunderView] = ()
    paths: Mapping[str, Sequence[PathStep]] = field(default_factory=dict)
    shared_constants: Sequence[SharedConstant] = ()
    fixes: Sequence[FixView] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
