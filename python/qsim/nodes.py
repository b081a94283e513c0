"""Attribution for one node of a graph: it runs alone, on recorded inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim import _core
from qsim._core import Profile, Trace
from qsim._core import operators as core
from qsim.attribution import Explanation, attribute
from qsim.operations import flatten
from qsim.worked import decimal, exact, sum_lines

Array = npt.NDArray[Any]


def find_node(trace: Trace, name: str) -> dict[str, Any]:
    """The node called `name`, or the one that makes the tensor `name`."""
    nodes = trace.graph.nodes
    for node in nodes:
        if node["name"] == name or name in node["outputs"]:
            return dict(node)
    raise KeyError(f"node {name!r} is not in the graph; trace.graph.nodes lists them")


def profile_of(trace: Trace, argument: str) -> Profile:
    """The profile that a trace ran under."""
    profile = trace.row
    if profile is None:
        raise ValueError(
            f"{argument}: expected a run under a profile, got the float reference; "
            "pass profile= to qsim.run"
        )
    return profile


def answer(trace: Trace, output: str) -> Array:
    """A node's output as comparable integers: codes, else bit patterns; unspecified ones as 0."""
    codes = trace.codes(output)
    flat = flatten((trace[output] if codes is None else codes,))
    return np.where(trace.unspecified(output, codes=codes is not None).reshape(-1), 0, flat)


def explain_node(a: Trace, b: Trace, name: str) -> Explanation:
    """Explains how one node differs between the profiles of two traces."""
    node = find_node(a, name)
    output = next(o for o in node["outputs"] if o)
    pair = (profile_of(a, "a"), profile_of(b, "b"))

    def run(profile: Profile) -> Array:
        return answer(_core.rerun(a, node["name"], profile), output)

    return attribute(
        run, *pair, f"{node['op']} {node['name']}",
        lambda element: worked_node(a, node, output, element, pair),
    )  # fmt: skip


def worked_node(
    trace: Trace, node: dict[str, Any], output: str, element: int, pair: tuple[Profile, Profile]
) -> str:
    """One element of a node under both profiles, as text."""
    lines: list[str] = []
    answers = []
    for label, profile in zip("AB", pair, strict=True):
        again = _core.rerun(trace, node["name"], profile)
        if node["quantized"] and again.nodes[-1]["integer"]:
            lines += convolution_lines(trace, again, node, output, element, label, profile)
        codes = again.codes(output)
        values = again[output] if codes is None else codes
        answers.append(values.reshape(-1)[element])
    shape = trace[output].shape
    place = [int(i) for i in np.unravel_index(element, shape)]
    lines.append(f"element {place}: A answers {answers[0]}, B answers {answers[1]}")
    return "\n".join(lines)


def convolution_lines(
    trace: Trace,
    again: Trace,
    node: dict[str, Any],
    output: str,
    element: int,
    label: str,
    profile: Profile,
) -> list[str]:
    """The sum of an int8 convolution at one element, its fused bias and scale."""
    source = node["inputs"][0]
    cast = next((c["codes"] for c in again.casts if c["tensor"] == source), None)
    codes = trace.codes(source) if cast is None else cast
    run = again.nodes[-1]
    if codes is None or codes.ndim != 4 or run["fused_scale"].size == 0:
        return []
    weights = trace.graph.quant(node["name"])["weights"]
    n, o, y, x = (int(i) for i in np.unravel_index(element, trace[output].shape))
    if weights.shape[1] != codes.shape[1] or weights.shape[2:] != (1, 1):
        return [f"{label} ({profile.name}): {_fused(run, o)}"]
    step = [max(1, -(-a // b)) for a, b in zip(codes.shape[2:], trace[output].shape[2:],
                                               strict=True)]  # fmt: skip
    left = np.ascontiguousarray(codes[n, :, y * step[0], x * step[1]])
    right = np.ascontiguousarray(weights[o, :, 0, 0])
    story = core.gemm_story(profile, left, right, 0, 0)
    scale = exact(run["fused_scale"][o])
    if run["fused_real_bias"].size:
        ratio = exact(run["fused_ratio"]) if run["fused_ratio"] else 1
        real = story["sum"] * scale * ratio + exact(run["fused_real_bias"][o])
        words = f"  {_fused(run, o)}: exactly {decimal(real)}"
    else:
        total = story["sum"] + int(run["fused_bias"][o])
        words = (
            f"  + fused bias {run['fused_bias'][o]} = {total}, times {run['fused_scale'][o]} is "
            f"exactly {decimal(total * scale)}"
        )
    return [*sum_lines(label, profile, story), words]


def _fused(run: Mapping[str, Any], channel: int) -> str:
    """The fused parameters of one output channel, in the order in which they join its sum."""
    scale = run["fused_scale"][channel]
    if not run["fused_real_bias"].size:
        return f"fused bias {run['fused_bias'][channel]}, scale {scale}"
    ratio = f" times {run['fused_ratio']}" if run["fused_ratio"] else ""
    return f"times {scale}{ratio}, + fused bias {run['fused_real_bias'][channel]}"
