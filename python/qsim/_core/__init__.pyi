"""C++ core of qsim. Use it through the package qsim.

Arrays are accepted by exact dtype or refused with TypeError; nothing is cast in silence. Besides
NumPy arrays the core takes objects with ``__array__`` or ``__dlpack__``.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypedDict, final

import numpy as np
import numpy.typing as npt

from qsim._core import calib as calib
from qsim._core import num as num
from qsim._core import ops as ops
from qsim._core import passes as passes

__version__: str

# --- what arguments may be ------------------------------------------------------------------------

class _FloatsLike(Protocol):
    def __array__(self) -> npt.NDArray[np.float32]: ...

class _CodesLike(Protocol):
    def __array__(self) -> npt.NDArray[np.int8]: ...

# --- what dictionaries hold -----------------------------------------------------------------------

_Health = Literal["good", "zero_range", "nonfinite"]
_Taint = Literal["none", "laundered", "nonfinite"]
_Info = tuple[float, float, float, float]  # scale, zero, min, max

class _Node(TypedDict):
    name: str
    op: str
    inputs: list[str]  # "" where an optional input is omitted
    outputs: list[str]
    quantized: bool
    fused_relu: bool
    source: str
    shared_constant: str
    shared_by: int
    strides: list[int]
    pads: list[int]  # begins, then ends
    dilations: list[int]
    group: int

class _Describe(TypedDict):
    scale: float
    zero: float
    low: float
    high: float
    recipe: str
    batch: int  # -1: none
    reason: str

class _Quant(TypedDict):
    weights: npt.NDArray[np.int8]  # [out, in/group, kh, kw]
    alpha: npt.NDArray[np.float32]  # [out]
    bias: npt.NDArray[np.float32]  # [out]
    bits: int
    overflow_aware: bool
    scale_in: float
    scale_out: float

_ConvRange = TypedDict(
    "_ConvRange",
    {
        "node": str,
        "input": str,
        "output": str,
        "in": tuple[float, float] | None,
        "out": tuple[float, float] | None,
    },
)

class _Incident(TypedDict):
    batch: int
    node: str
    side: Literal["input", "output"]
    health: _Health
    guarded: bool
    running: tuple[float, float]

class _NodeRun(TypedDict):
    name: str
    op: str
    integer: bool
    fused_written: bool
    fused_scale: npt.NDArray[np.float32]  # [out]; empty unless an int8 convolution
    fused_bias: npt.NDArray[np.int32]
    fused_real_bias: npt.NDArray[np.float32]  # [out], in codes; empty: fused_bias joins the sum
    fused_ratio: float  # where sums are scaled twice, else 0.0

class _CastRun(TypedDict):
    tensor: str
    node: str
    scale: float
    zero: float
    codes: npt.NDArray[np.int8]

class _Row(TypedDict):
    tensor: str
    node: str
    op: str
    integer: bool
    elements: int
    unspecified: int
    equal: int
    exact_match: float
    max_lsb: int | None
    max_abs: float
    cosine: float
    sqnr_db: float
    nonfinite_a: int
    nonfinite_b: int
    finite_mismatch: int

class _Origin(TypedDict):
    node: str
    op: str
    tensor: str
    element: int
    count: int
    unspecified: bool
    cause: str
    parameter: str
    value: float
    batch: int
    words: list[str]

class _Laundering(TypedDict):
    node: str
    op: str
    tensor: str
    kind: Literal["cast", "op"]
    nan: int
    inf: int
    answers: list[tuple[float, int]]

class _Nonfinite(TypedDict):
    profile: str
    origins: list[_Origin]
    laundered: list[_Laundering]
    paths: dict[str, list[tuple[str, str, _Taint]]]  # node, tensor, state
    shared_constants: list[tuple[str, int]]
    fixes: list[tuple[str, str]]  # kind, words
    taint: dict[str, _Taint]

class _Kernel(TypedDict):
    name: str
    op: str
    isa: str
    instruction: str
    obeys: str  # the row of profile/catalogue
    arch: Literal["x86", "arm64"]
    runs_here: bool

class _BuildInfo(TypedDict):
    version: str
    compiler: str
    architecture: Literal["x86_64", "aarch64", "other"]
    assertions: bool
    hardware_threads: int

# --- errors ---------------------------------------------------------------------------------------

class NotSupported(NotImplementedError): ...
class BadFile(ValueError): ...

# --- profiles -------------------------------------------------------------------------------------

@final
class Profile:
    """One machine's or runtime's exact arithmetic, as data."""

    @property
    def name(self) -> str: ...
    @property
    def evidence(self) -> Literal["assumed", "documented", "emulated", "silicon"]: ...
    @property
    def digest(self) -> int:
        """64-bit digest of every field but name and evidence."""
    def fields(self) -> dict[str, bool | int | str]:
        """Every field by dotted path, in order."""
    def replace_fields(self, fields: dict[str, Any], name: str = "") -> Profile:
        """A copy with fields (dotted paths) changed; evidence becomes 'assumed'."""
    def replace(
        self, fields: dict[str, Any] | None = None, /, name: str = "", **kwargs: Any
    ) -> Profile:
        """A copy with fields changed: a dictionary of dotted paths, or keywords.

        A keyword spells a path with __ for dots, or the end of one used path with _ for dots.
        Evidence becomes 'assumed'.
        """
    def used(self) -> list[str]:
        """Paths of the fields that the row's own rules read."""
    def alternatives(self, path: str) -> list[bool | int | str]:
        """Other values of a field: enumerators, the other truth value, integers nearby."""
    def to_json(self) -> str:
        """The row as JSON with a schema version."""
    @staticmethod
    def from_json(arg0: str, /) -> Profile: ...
    def _repr_html_(self) -> str: ...
    def to_text(self) -> str: ...
    @staticmethod
    def from_text(arg0: str, /) -> Profile: ...
    def __eq__(self, arg0: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getstate__(self) -> str: ...
    def __setstate__(self, arg0: str, /) -> None: ...

def catalogue() -> list[Profile]:
    """Every built-in profile, in order."""

# --- graphs ---------------------------------------------------------------------------------------

@final
class Graph:
    """A network: named tensors, nodes of a closed list of ops."""

    def __init__(self) -> None: ...
    def add_input(self, name: str, shape: Sequence[int]) -> None:
        """Declare a float32 input; -1 is any extent."""
    def add_constant(self, name: str, value: npt.NDArray[np.float32] | _FloatsLike) -> None:
        """Add a float32 constant."""
    def add_node(
        self,
        op: str,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: dict[str, Any] = ...,
    ) -> None:
        """Add a node; op is the ONNX spelling, "" omits an optional input."""
    def declare_shape(self, name: str, shape: Sequence[int]) -> None: ...
    def mark_output(self, arg0: str, /) -> None: ...
    def validate(self) -> None: ...
    def has(self, arg0: str, /) -> bool: ...
    @property
    def inputs(self) -> list[str]: ...
    @property
    def outputs(self) -> list[str]: ...
    @property
    def input_shapes(self) -> dict[str, list[int]]: ...
    @property
    def nodes(self) -> list[_Node]:
        """Nodes in topological order, as dictionaries."""
    @property
    def constants(self) -> dict[str, npt.NDArray[np.float32]]: ...
    @property
    def describes(self) -> dict[str, _Describe]:
        """Stored quantization info by tensor, with its provenance."""
    def quant(self, node: str) -> _Quant:
        """int8 weights and scales of a convolution."""
    @property
    def notes(self) -> list[str]: ...
    def __len__(self) -> int: ...

# --- calibration ----------------------------------------------------------------------------------

@final
class Calibration:
    """Running ranges of every convolution."""

    @property
    def recipe(self) -> str: ...
    @property
    def batches(self) -> int: ...
    @property
    def ranges(self) -> list[_ConvRange]: ...
    @property
    def incidents(self) -> list[_Incident]:
        """Batches that a range could not digest."""

@final
class Calibrator:
    """Feeds batches through a fake-quantized network."""

    def __init__(self, graph: Graph, recipe: str, host: str = "x64") -> None: ...
    def update(
        self, feeds: dict[str, npt.NDArray[np.float32]]
    ) -> dict[str, npt.NDArray[np.float32]]:
        """One batch; returns the outputs of the fake-quantized network."""
    def finalize(self) -> Calibration: ...

def quantize(graph: Graph, calibration: Calibration) -> Graph: ...

# --- runs -----------------------------------------------------------------------------------------

@final
class Trace:
    """A finished run: every named intermediate, codes included."""

    @property
    def profile(self) -> str:
        """Name of the profile; empty for the float reference."""
    @property
    def row(self) -> Profile | None:
        """The profile itself; None for the float reference."""
    @property
    def nonfinite(self) -> int: ...
    @property
    def outputs(self) -> dict[str, npt.NDArray[np.float32]]:
        """Graph outputs by name, float32."""
    @property
    def names(self) -> list[str]: ...
    def __getitem__(self, name: str) -> npt.NDArray[np.float32]:
        """A tensor as float consumers read it."""
    def __contains__(self, arg0: str, /) -> bool: ...
    def codes(self, name: str) -> npt.NDArray[np.int8] | None:
        """int8 codes of a tensor, None if it is not int8."""
    def info(self, name: str) -> _Info | None:
        """(scale, zero, min, max) the codes are read by, None if not int8."""
    def unspecified(self, name: str, *, codes: bool = False) -> npt.NDArray[np.bool_]:
        """True where the engine answers with memory it never wrote.

        With codes=True, of the int8 codes: with a NaN scale such codes all read as NaN, so their
        real values are known.
        """
    @property
    def nodes(self) -> list[_NodeRun]: ...
    @property
    def casts(self) -> list[_CastRun]: ...
    @property
    def graph(self) -> Graph: ...
    def trace_nonfinite(self) -> _Nonfinite: ...

def run(graph: Graph, feeds: dict[str, Any], profile: Profile | None = None) -> Trace:
    """Feeds are float32 arrays by input name; other dtypes raise TypeError."""

def rerun(trace: Trace, node: str, profile: Profile) -> Trace:
    """One node anew on the trace's values, under another profile."""

def compare_runs(a: Trace, b: Trace) -> list[_Row]: ...

# --- native kernels -------------------------------------------------------------------------------

def kernels() -> list[_Kernel]:
    """Every native kernel, with whether it runs here."""

def build_info() -> _BuildInfo:
    """Compiler, architecture, assertions, threads."""

def kernel_gemm(
    kernel: str, lhs: npt.NDArray[np.int8] | _CodesLike, rhs: npt.NDArray[np.int8] | _CodesLike
) -> npt.NDArray[np.int32]:
    """Product of [m, k] and [k, n] by a native kernel."""

def chain_gemm(
    kernel: str, lhs: npt.NDArray[np.int8] | _CodesLike, rhs: npt.NDArray[np.int8] | _CodesLike
) -> npt.NDArray[np.int32]:
    """The same product by the definition of the chain the kernel obeys."""
