"""Where a profile's words are too narrow for their sums: counted, and bounded by weights alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim import _core
from qsim._core import Graph, Profile
from qsim._core import operators as core
from qsim.catalogue import resolve
from qsim.htmltable import html_table
from qsim.operations import Operation
from qsim.operators.arguments import integer, integers
from qsim.operators.convolution import _pads, _steps
from qsim.operators.products import rewritten

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Chain:
    """The part of a row that can overflow: its steps and its accumulator."""

    path: str
    fields: Mapping[str, Any]

    @classmethod
    def of(cls, profile: Profile, path: str) -> Chain:
        """The chain at a path such as `products.u8s8`."""
        start = path + "."
        fields = profile.fields()
        return cls(
            path, {p.removeprefix(start): v for p, v in fields.items() if p.startswith(start)}
        )

    @property
    def narrow_steps(self) -> list[int]:
        """Indices of steps with fewer than 32 bits."""
        return [i for i in range(self.fields["n_steps"]) if self.fields[f"step{i}.bits"] < 32]

    def safe_magnitude(self, lhs_low: int, lhs_high: int) -> int | None:
        """Largest m such that weights in [-m, m] never overflow a step; None if nothing can."""
        limits = []
        fan_in = 1
        for i in range(self.fields["n_steps"]):
            fan_in *= self.fields[f"step{i}.fan_in"]
            if i in self.narrow_steps:
                most = max(abs(lhs_low), abs(lhs_high)) * fan_in
                limits.append((2 ** (self.fields[f"step{i}.bits"] - 1) - 1) // most)
        return min(limits) if limits else None


@dataclass(frozen=True)
class SaturationReport:
    """Overflows of one product under one profile; truthy when there is none."""

    what: str
    profile: str
    counts: Array
    """[..., 4] per output element: overflows of steps 0, 1, 2 and of the accumulator."""
    worst: Array
    """Per output channel, the largest share of its narrowest word that any input can reach; above 1
    some input overflows it."""
    safe_magnitude: int | None
    """No step can overflow iff every weight lies in [-safe_magnitude, safe_magnitude], whatever
    the input; None where no step is narrower than 32 bits."""
    largest_weight: int

    @property
    def overflows(self) -> Array:
        """Overflows per output element."""
        total: Array = self.counts.sum(axis=-1)
        return total

    @property
    def affected(self) -> int:
        """Output elements with at least one overflow."""
        return int(np.count_nonzero(self.overflows))

    @property
    def safe(self) -> bool:
        """Whether the weights alone rule out every overflow of a step, for any input."""
        return bool(np.all(self.worst <= 1))

    def __bool__(self) -> bool:
        """Whether nothing overflowed."""
        return self.affected == 0

    def rule(self) -> str:
        """The bound in words."""
        if self.safe_magnitude is None:
            return "no step of this chain can overflow"
        verdict = "safe" if self.safe else "not safe"
        return (
            f"safe iff |w| <= {self.safe_magnitude} for every input; largest |w| is "
            f"{self.largest_weight}, {int(np.count_nonzero(self.worst > 1))} of "
            f"{self.worst.size} output channels can overflow: {verdict}"
        )

    def __str__(self) -> str:
        """Counts and the bound."""
        total = self.counts.reshape(-1, 4).sum(axis=0)
        places = ", ".join(
            f"{n} in {name}"
            for n, name in zip(
                total, ("step 0", "step 1", "step 2", "the accumulator"), strict=True
            )
            if n
        )
        return (
            f"{self.what} under {self.profile}: {self.affected} of {self.overflows.size} elements "
            f"overflow ({places or 'no overflow'}); {self.rule()}"
        )

    def _repr_html_(self) -> str:
        """Counts by place and the bound."""
        total = self.counts.reshape(-1, 4).sum(axis=0)
        rows = [[str(self.affected), *map(str, total), self.rule()]]
        columns = ["elements", "step 0", "step 1", "step 2", "accumulator", "bound"]
        return html_table(f"{self.what} under {self.profile}", columns, rows)


def chain_path(profile: Profile, lhs: str, rhs: str) -> str:
    """Path of the chain for two dtypes."""
    short = {"uint8": "u8", "int8": "s8", "int16": "s16"}
    return f"products.{short[lhs]}{short[rhs]}"


def worst_share(chain: Chain, weights: Array, lhs_low: int, lhs_high: int) -> Array:
    """Per row of `weights`, [channels, K] in K order, a step's largest reach over its limit."""
    block = int(chain.fields["block"])
    offset = int(chain.fields["lhs_offset"])
    low, high = lhs_low + offset, lhs_high + offset
    w = weights.astype(np.int64) + int(chain.fields["rhs_offset"])
    short = -w.shape[1] % block
    w = np.pad(w, ((0, 0), (0, short))).reshape(len(w), -1, block)
    top, bottom = np.maximum(w * low, w * high), np.minimum(w * low, w * high)
    share = np.zeros(len(w))
    for i in range(int(chain.fields["n_steps"])):
        fan_in, stride = int(chain.fields[f"step{i}.fan_in"]), int(chain.fields[f"step{i}.stride"])
        bits = int(chain.fields[f"step{i}.bits"])
        shape = (*top.shape[:2], -1, fan_in, stride)
        top = top.reshape(shape).sum(axis=3).reshape(*top.shape[:2], -1)
        bottom = bottom.reshape(shape).sum(axis=3).reshape(*bottom.shape[:2], -1)
        most, least = float(2 ** (bits - 1) - 1), float(2 ** (bits - 1))
        if bits < 32 and top.size:
            reach = np.maximum(top / most, -bottom / least).max(axis=(1, 2))
            share = np.maximum(share, reach)
        top, bottom = np.minimum(top, int(most)), np.maximum(bottom, -int(least))
    return share


def _report(
    what: str, profile: Profile, path: str, counts: Array, weights: Array, dtype: str
) -> SaturationReport:
    chain = Chain.of(profile, path)
    info = np.iinfo(dtype)
    offset = int(chain.fields["lhs_offset"])
    share = worst_share(chain, weights, int(info.min), int(info.max))
    magnitude = chain.safe_magnitude(int(info.min) + offset, int(info.max) + offset)
    largest = int(np.abs(weights.astype(np.int64)).max()) if weights.size else 0
    return SaturationReport(what, profile.name, counts, share, magnitude, largest)


def of_gemm(op: Operation, profile: Profile) -> SaturationReport:
    """Overflows of a matrix product."""
    a, b = op.operands
    options = op.options
    zero = integers(options.get("lhs_zero", 0), "lhs_zero", np.int32).reshape(-1)
    left, shifted = rewritten(profile, a, int(zero[0]), bool(options.get("qdq", False)))
    if left is not a:
        zero = np.asarray([shifted], np.int32)
    flat = np.ascontiguousarray(left.reshape(-1, left.shape[-1]))
    initial = options.get("initial")
    start = None if initial is None else integers(initial, "initial", np.int64)
    columns = integers(options.get("rhs_zero", 0), "rhs_zero", np.int32).reshape(-1)
    _, counts = core.accumulate(profile, flat, b, zero, columns, start, True)
    assert counts is not None
    path = chain_path(profile, str(left.dtype), str(b.dtype))
    shaped = counts.reshape(*left.shape[:-1], b.shape[1], 4)
    return _report("gemm", profile, path, shaped, b.T, str(left.dtype))


def of_conv(op: Operation, profile: Profile) -> SaturationReport:
    """Overflows of a convolution."""
    x, w = op.operands
    options = op.options
    image, zero = rewritten(
        profile, x, integer(options.get("x_zero", 0), "x_zero"), bool(options.get("qdq", False))
    )
    axes = image.ndim - 2
    arguments = (
        profile, image, w, zero,
        integers(options.get("weight_zero", 0), "weight_zero", np.int32).reshape(-1),
        _steps(options.get("stride", 1), axes, "stride"), _pads(options.get("pads", 0), axes),
        _steps(options.get("dilation", 1), axes, "dilation"), options.get("groups", 1),
        options.get("constant_weights", True), options.get("x_scale") is None,
    )  # fmt: skip
    _, counts = core.convolve(*arguments, True)
    assert counts is not None
    inner = int(np.prod(counts.shape[2:-1]))
    stories = [core.window_story(*arguments, o * inner) for o in range(w.shape[0])]
    path = stories[0]["path"]
    weights = np.array([s["weights"] for s in stories], np.int64).reshape(w.shape[0], -1)
    low = -128 if stories[0]["signed"] else int(np.iinfo(image.dtype).min)
    dtype = "int8" if low == -128 else str(image.dtype)
    return _report("conv2d", profile, path, counts, weights, dtype)


def of_graph(
    graph: Graph, profile: Profile, inputs: Mapping[str, npt.ArrayLike] | None
) -> dict[str, SaturationReport]:
    """Overflows of every int8 convolution of a graph, by node."""
    trace = None if inputs is None else _core.run(graph, dict(inputs), profile)
    reports = {}
    for node in graph.nodes:
        if not node["quantized"]:
            continue
        quant = graph.quant(node["name"])
        path = "conv_fast" if quant["overflow_aware"] else "conv"
        chain = Chain.of(profile, path)
        row = profile.replace({f"products.s8s8.{k}": v for k, v in chain.fields.items()})
        weights = quant["weights"]
        depthwise = node["group"] > 1
        order = _k_order(weights)
        counts = np.zeros((0, 4), np.uint32)
        if trace is not None and not depthwise:
            codes = _input_codes(trace, node)
            if codes is not None:
                columns = _columns(codes, weights.shape, node)
                zero = np.zeros(1, np.int32)
                _, found = core.accumulate(
                    row, columns, np.ascontiguousarray(order.T), zero, zero, None, True
                )
                assert found is not None
                counts = found
        report = _report(node["name"], row, "products.s8s8", counts, order, "int8")
        reports[node["name"]] = SaturationReport(
            node["name"], profile.name, report.counts,
            np.zeros(len(weights)) if depthwise else report.worst, report.safe_magnitude,
            report.largest_weight,
        )  # fmt: skip
    return reports


def _k_order(weights: Array) -> Array:
    """[out, K]: tap after tap, channels padded to whole 4-channel words. Equation (A.5)."""
    out, channels = weights.shape[:2]
    padded = np.pad(weights, ((0, 0), (0, -channels % 4), (0, 0), (0, 0)))
    ordered: Array = np.ascontiguousarray(padded.transpose(0, 2, 3, 1)).reshape(out, -1)
    return ordered


def _input_codes(trace: _core.Trace, node: Mapping[str, Any]) -> Array | None:
    source = node["inputs"][0]
    for cast in trace.casts:
        if cast["tensor"] == source and cast["node"] == node["name"]:
            codes: Array = cast["codes"]
            return codes
    return trace.codes(source)


def _columns(codes: Array, shape: tuple[int, ...], node: Mapping[str, Any]) -> Array:
    """[pixels, K] of a 2-D convolution; pads and unused lanes read 0."""
    kernel = shape[2:]
    strides = node["strides"] or [1, 1]
    spread = node["dilations"] or [1, 1]
    pads = node["pads"] or [0, 0, 0, 0]
    channels = codes.shape[1]
    x = np.pad(codes, ((0, 0), (0, -channels % 4), (pads[0], pads[2]), (pads[1], pads[3])))
    extent = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, d, s in zip(x.shape[2:], kernel, spread, strides, strict=True)
    ]
    taps = [
        x[:, :, i * spread[0] : i * spread[0] + (extent[0] - 1) * strides[0] + 1 : strides[0],
          j * spread[1] : j * spread[1] + (extent[1] - 1) * strides[1] + 1 : strides[1]]
        for i in range(kernel[0]) for j in range(kernel[1])
    ]  # fmt: skip
    stacked = np.stack(taps, axis=1)  # [n, taps, c, h, w]
    return np.ascontiguousarray(stacked.transpose(0, 3, 4, 1, 2)).reshape(
        -1, taps[0].shape[1] * len(taps)
    )


def saturation_report(
    subject: Operation | Graph,
    profile: Profile | str,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
) -> SaturationReport | dict[str, SaturationReport]:
    """Counts sums that a profile's words cannot hold, and says whether any input could overflow.

    Parameters
    ----------
    subject
        A gemm or conv2d :func:`qsim.operation`, or a quantized graph.
    profile : Profile or its name.
    inputs
        Feeds of the graph; without them only the bounds by weights are known.

    Returns
    -------
    SaturationReport, or one per int8 convolution of a graph
        Per output element the number of overflows at each step; per output channel the worst case
        over all inputs; the magnitude of weights up to which nothing can overflow.

    Raises
    ------
    TypeError
        Neither a product nor a graph.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> op = qsim.operation("gemm", np.full((1, 2), 255, np.uint8), np.full((2, 1), 127, np.int8))
    >>> report = qsim.saturation_report(op, "ort-1.30.x64.avx2")
    >>> report.safe_magnitude, report.safe, report.affected
    (64, False, 1)
    """
    row = resolve(profile)
    if isinstance(subject, Graph):
        return of_graph(subject, row, inputs)
    if getattr(subject, "name", None) not in ("gemm", "conv2d"):
        raise TypeError(
            f"subject: expected a gemm or conv2d operation or a Graph, got {subject!r}; "
            "qsim.operation makes one"
        )
    return of_gemm(subject, row) if subject.name == "gemm" else of_conv(subject, row)
