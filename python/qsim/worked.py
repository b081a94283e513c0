"""One element of an operator, step by step in integers, under two profiles."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from qsim._core import Profile
from qsim._core import operators as core
from qsim.operations import Operation
from qsim.operators.arguments import integers
from qsim.operators.convolution import _pads, _steps
from qsim.operators.products import rewritten

MOST_EVENTS = 4
VERBS = {"saturate": "saturates to", "wrap": "wraps to"}


def exact(value: Any) -> Fraction:
    """A float32 or integer as the rational it is."""
    return Fraction(float(value)) if np.isfinite(value) else Fraction(0)


def decimal(value: Fraction) -> str:
    """A rational with nine digits."""
    return f"{float(value):.9g}"


def event_lines(story: dict[str, Any]) -> list[str]:
    """Overflows of a sum: `k = 34,35: 255*127 + 211*71 = 47366 saturates to 32767`."""
    lines = []
    events = story["events"]
    for event in events[:MOST_EVENTS]:
        positions = event["positions"]
        kept = event["kept"]
        at_rail = kept in (32767, -32768, 2**31 - 1, -(2**31), 127, -128)
        same_side = (kept > 0) == (event["sum"] > 0)
        verb = VERBS["saturate" if at_rail and same_side else "wrap"]
        where = ",".join(str(k) for k in positions)
        if event["step"] == 3:
            lines.append(f"  accumulator at k = {where}: {event['sum']} {verb} {kept}")
            continue
        terms = " + ".join(f"{story['lhs'][k]}*{story['rhs'][k]}" for k in positions)
        lines.append(f"  k = {where}: {terms} = {event['sum']} {verb} {kept}")
    if len(events) > MOST_EVENTS:
        lines.append(f"  and {len(events) - MOST_EVENTS} more")
    return lines


def sum_lines(label: str, profile: Profile, story: dict[str, Any]) -> list[str]:
    """The sum under one profile and what its chain did."""
    plain = story["start"] + sum(story["products"])
    head = f"{label} ({profile.name}): sum of {len(story['products'])} products = {story['sum']}"
    if story["sum"] != plain:
        head += f", exactly {plain}"
    return [head, *event_lines(story)]


def product_stories(
    op: Operation, element: int, profiles: tuple[Profile, Profile]
) -> list[dict[str, Any]]:
    """The sums behind one element of a gemm or conv2d, by profile."""
    options = dict(op.options)
    qdq = bool(options.get("qdq", False))
    stories = []
    for profile in profiles:
        if op.name == "gemm":
            lhs, rhs = op.operands
            flat = lhs.reshape(-1, lhs.shape[-1])
            zeros = integers(options.get("lhs_zero", 0), "lhs_zero", np.int32).reshape(-1)
            columns = integers(options.get("rhs_zero", 0), "rhs_zero", np.int32).reshape(-1)
            i, j = divmod(element, rhs.shape[1])
            row, zero = rewritten(profile, flat[i], int(zeros[i % zeros.size]), qdq)
            stories.append(
                core.gemm_story(
                    profile,
                    row,
                    np.ascontiguousarray(rhs[:, j]),
                    zero,
                    int(columns[j % columns.size]),
                )
            )
            continue
        x, weights = op.operands
        image, zero = rewritten(profile, x, int(options.get("x_zero", 0)), qdq)
        axes = image.ndim - 2
        stories.append(
            core.window_story(
                profile,
                image,
                weights,
                zero,
                integers(options.get("weight_zero", 0), "weight_zero", np.int32).reshape(-1),
                _steps(options.get("stride", 1), axes, "stride"),
                _pads(options.get("pads", 0), axes),
                _steps(options.get("dilation", 1), axes, "dilation"),
                options.get("groups", 1),
                options.get("constant_weights", True),
                options.get("x_scale") is None,
                element,
            )
        )
    return stories


def at(value: Any, index: int) -> Any:
    """Element of a scalar or one-dimensional option."""
    flat = np.asarray(value).reshape(-1)
    return flat[index % flat.size]


def rescaled(op: Operation, element: int, shape: tuple[int, ...], total: int) -> str:
    """The exact value that a sum is rescaled to, if the operator rescales."""
    lhs, rhs = ("x_scale", "weight_scale") if op.name == "conv2d" else ("lhs_scale", "rhs_scale")
    if op.options.get(lhs) is None:
        return ""
    channel = int(np.unravel_index(element, shape)[1 if op.name == "conv2d" else -1])
    bias = op.options.get("bias")
    total += 0 if bias is None else int(at(bias, channel))
    return scaled(op, lhs, rhs, channel, total)


def scaled(op: Operation, lhs: str, rhs: str, channel: int, total: int) -> str:
    """`total` times lhs*rhs/out in exact arithmetic."""
    factors = [op.options[lhs], at(op.options[rhs], channel), op.options["out_scale"]]
    if not all(np.isfinite(f) for f in factors) or factors[2] == 0:
        return f"  {total} by scales {factors[0]}, {factors[1]} / {factors[2]}: not finite"
    value = total * exact(factors[0]) * exact(factors[1]) / exact(factors[2])
    zero = int(op.options.get("out_zero", 0))
    return f"  {total} times the scales is exactly {decimal(value)}, zero point {zero}"


def of_products(
    op: Operation, element: int, shape: tuple[int, ...], pair: tuple[Profile, Profile]
) -> list[str]:
    """A gemm or conv2d: both sums with their overflows, and what they are rescaled to."""
    stories = product_stories(op, element, pair)
    lines = []
    for label, profile, story in zip("AB", pair, stories, strict=True):
        lines += sum_lines(label, profile, story)
        line = rescaled(op, element, shape, story["sum"])
        lines += [line] if line else []
    return lines


def of_binary(op: Operation, element: int) -> list[str]:
    """An add or mul: codes and the exact real result in codes."""
    a, b = (np.broadcast_to(o, np.broadcast(*op.operands).shape) for o in op.operands)
    p, q = int(a.reshape(-1)[element]), int(b.reshape(-1)[element])
    o = op.options
    left = exact(o["a_scale"]) * (p - int(o.get("a_zero", 0)))
    right = exact(o["b_scale"]) * (q - int(o.get("b_zero", 0)))
    value = left + right if op.name == "add" else left * right
    sign = "+" if op.name == "add" else "*"
    head = f"a = {p}, b = {q}: {decimal(left)} {sign} {decimal(right)}"
    if exact(o["out_scale"]) == 0:
        return [head]
    code = value / exact(o["out_scale"]) + int(o.get("out_zero", 0))
    return [f"{head} is exactly {decimal(code)} in codes of the result"]


def of_real(op: Operation, element: int) -> list[str]:
    """A quantize: the real value in units of codes."""
    x = op.operands[0].reshape(-1)
    if element >= x.size:
        return []
    value = x[element]
    scale = np.asarray(op.operands[1] if len(op.operands) > 1 else 0, np.float32)
    if scale.size == 1 and np.isfinite(value) and np.isfinite(scale) and scale != 0:
        ratio = exact(value) / exact(scale.reshape(-1)[0])
        return [f"x = {value!r}: x / scale is exactly {decimal(ratio)}"]
    return [f"x = {value!r}"]


def of_sum(op: Operation, element: int) -> list[str]:
    """A requantize: the sum and what it is rescaled to."""
    sums = op.operands[0]
    axis = op.options.get("axis", -1)
    channel = int(np.unravel_index(element, sums.shape)[axis])
    total = int(sums.reshape(-1)[element])
    if op.options.get("lhs_scale") is not None:
        return [scaled(op, "lhs_scale", "rhs_scale", channel, total).strip()]
    m, e = int(at(op.options["multiplier"], channel)), int(at(op.options["shift"], channel))
    value = Fraction(total * m) * Fraction(2) ** (e - 31)
    return [f"{total} * {m} * 2^({e} - 31) is exactly {decimal(value)}"]


def worked(op: Operation, element: int, pair: tuple[Profile, Profile]) -> str:
    """One element of `op` under two profiles, as text."""
    results = [op.run(profile) for profile in pair]
    shape = results[0].codes.shape
    lines: list[str] = []
    if element < results[0].codes.size:
        if op.name in ("gemm", "conv2d"):
            lines = of_products(op, element, shape, pair)
        elif op.name in ("add", "mul"):
            lines = of_binary(op, element)
        elif op.name == "quantize":
            lines = of_real(op, element)
        elif op.name == "requantize":
            lines = of_sum(op, element)
    answers = [_answer(result.outputs, element) for result in results]
    place = f"element {element}"
    if element < results[0].codes.size and len(shape) > 1:
        place = f"element {[int(i) for i in np.unravel_index(element, shape)]}"
    last = f"{place}: A answers {answers[0]}, B answers {answers[1]}"
    return "\n".join([*lines, last])


def _answer(outputs: tuple[Any, ...], element: int) -> Any:
    for array in outputs:
        if element < array.size:
            return array.reshape(-1)[element]
        element -= array.size
    raise IndexError(element)
