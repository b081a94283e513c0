"""The court's operator families by the oracle: case bytes in, answer bytes out.

The cases are made once, in C++ (tests/conformance/operators), and come as lines of `qvec`. Layouts
are written there, beside the code that makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from court_fields import (
    INFINITY,
    KINDS,
    ONE,
    REFUSAL,
    REFUSALS,
    Fields,
    Refused,
    check_sum,
    kinds_of,
    pack,
    type_range,
)
from qsim.oracle import (
    arithmetic,
    pooling,
    product,
    quantizer,
    recode,
    rescale,
    softmax_table,
    tables,
    window,
)
from qsim.oracle.quantizer import Affine
from qsim.oracle.tensor import Tensor

Row = Mapping[str, Any]


def has_product(row: Row, family: str) -> bool:
    return bool(row["products"]["".join(kinds_of(family))]["acc_bits"])


def has_products(row: Row, _: str) -> bool:
    return any(arith["acc_bits"] for arith in row["products"].values())


def run_product(row: Row, family: str, f: Fields) -> bytes:
    left, right = kinds_of(family)
    m, n, k, starts, once = f.take("BBIHB")
    lhs_zero, rhs_zero = f.many(m, "h"), f.many(n, "h")
    initial = f.many(starts, "q")
    lhs, rhs = f.codes(left, m * k, once), f.codes(right, k * n, once)
    arith = product.chain_of(row, left, right, m, k, n)
    sums = []
    for i in range(m):
        for j in range(n):
            start = 0 if starts == 0 else initial[j if starts == n else i * n + j]
            sums.append(
                product.product(
                    arith, lhs[i * k : (i + 1) * k], rhs[j::n],
                    lhs_zero=lhs_zero[i], rhs_zero=rhs_zero[j], initial=start,
                )
            )
    return pack(sums, "Q")


def run_gate(row: Row, _: str, f: Fields) -> bytes:
    lhs, convolution, m, n, k = f.take("BBBBH")
    if convolution:
        kind = rescale.kind_of_convolution(row, KINDS[lhs], 1, (n, k), m)
    else:
        kind = rescale.kind_of_product(row, KINDS[lhs], m, k, n)
    return pack([kind == "row"], "H")


def run_window(row: Row, family: str, f: Fields) -> bytes:
    left, right = kinds_of(family)
    rank, batch, channels, out, groups, flags = f.take("6B")
    axes = [f.take("6B") for _ in range(rank)]
    image, kernel, stride, dilation, begin, end = map(list, zip(*axes, strict=True))
    x_zero, w_zeros = f.one("h"), f.many(out, "h")
    once, depth = bool(flags & 4), channels // groups
    turn, weights = f.one("I") if once else 0, depth * prod(kernel)
    x = Tensor((batch, channels, *image), f.codes(left, batch * channels * prod(image), once))
    given = f.codes(right, 2 if once else out * weights)
    filters = [given[i >= turn] for i in range(weights)] * out if once else given
    w = Tensor((out, depth, *kernel), filters)
    result = window.convolution(
        row, left, right, x, w, x_zero=x_zero, w_zeros=w_zeros, strides=stride,
        pads=begin + end, dilations=dilation, groups=groups,
        constant_filter=not flags & 1, integer=bool(flags & 2),
    )
    return pack(result.data, "Q")


# ----------------------------------------------------------------------------------- sums to codes


def has_requantize(row: Row, family: str) -> bool:
    return bool(rescale.rule_of(row, family.split(".")[1])["scheme"] != "none")


def run_requantize(row: Row, family: str, f: Fields) -> bytes:
    kind = family.split(".")[1]
    _, limits = f.limits()
    zero, flags, lhs, out, channels, inner = f.take("iBIIBB")
    rhs = f.many(channels, "I")
    biases: list[int | None] = [*f.many(channels, "I")] if flags & 2 else [None] * channels
    codes = []
    for c in range(channels):
        rule = rescale.rule_of(row, kind, c, channels)
        if rule["scheme"] == "engine":
            raise Refused("an engine's own rule")
        for acc in f.many(inner, "q"):
            check_sum(acc, rule)
            codes.append(
                rescale.requantize(
                    rule, row["float_mode"], acc, lhs, rhs[c], out, zero, limits,
                    per_channel=bool(flags & 1), bias=biases[c],
                )
            )
    return pack(codes, "I")


SUMS = (
    "requant", "requant_product", "requant_row", "requant16", "requant16_product", "grouped",
    "channelwise", "channelwise_rest",
)


def fixed_rules(row: Row) -> list[Row | None]:
    """The row's fixed-point rules by the number that a case of rescale.raw gives."""
    rules: list[Row | None] = [
        row[n]["fixed"] if row[n]["scheme"] == "fixed" else None for n in (*SUMS, "add", "mul")
    ]
    for name in ("requantize", "leaky_relu"):
        rule = row[name]
        fixed = rule["scheme"] == "fixed"
        rules += [rule["fixed"] if fixed else None]
        rules += [rule["body"] if fixed and rule["group"] > 1 else None]
    mean = row["mean"]
    fixed = mean["scheme"] == "fixed"
    return [
        *rules,
        mean["fixed"] if fixed else None,
        mean["image"] if fixed and mean["image_sums"] else None,
    ]


def run_rescale(row: Row, _: str, f: Fields) -> bytes:
    which, n = f.take("BB")
    rule = fixed_rules(row)[which]
    items = [f.take("iiq") for _ in range(n)]
    if rule is None:
        raise Refused("no such rule")
    for _, _, acc in items:
        check_sum(acc, {"scheme": "fixed", "fixed": rule})
    return pack([rescale.rescale(acc, m, e, rule) for m, e, acc in items], "I")


def run_real(row: Row, _: str, f: Fields) -> bytes:
    lhs, rhs, biased, bias, n = f.take("IIBIB")
    b = bias if biased else None
    return pack([rescale.real(row, acc, lhs, rhs, b) for acc in f.many(n, "i")], "I")


# ------------------------------------------------------------------------------------------ casts


def has_quantizer(row: Row, family: str) -> bool:
    form = "half" if family == "quantize.half" else "vector"
    return bool(row["quantize"][form]["scaling"] != "none")


@dataclass(frozen=True)
class Layout:
    """Extents and the number of scales of a tensor [outer][axis][inner]."""

    shape: tuple[int, int, int]
    block: int

    @staticmethod
    def of(f: Fields) -> Layout:
        outer, axis, inner, block = f.take("4B")
        return Layout((outer, axis, inner), block)

    @property
    def scales(self) -> int:
        outer, axis, inner = self.shape
        return axis if self.block == 0 else outer * inner * -(-axis // self.block)


def run_quantize(row: Row, family: str, f: Fields) -> bytes:
    half = family == "quantize.half"
    word = "H" if half else "I"
    kind, limits = f.limits()
    if row["quantize"]["vector"]["scaling"] == "engine" and kind != "s8":
        raise Refused("the engine casts to int8 only")
    layout = Layout.of(f)
    scale, zero = f.many(layout.scales, word), f.many(layout.scales, "i")
    x = Tensor(layout.shape, f.many(prod(layout.shape), word))
    codes = quantizer.quantize(
        row, x, scale, zero, kind, axis=1, block=layout.block, half=half, limits=limits
    )
    return pack(codes.data, "I")


def run_dequantize(row: Row, _: str, f: Fields) -> bytes:
    kind = KINDS[f.one("B")]
    layout = Layout.of(f)
    scale, zero = f.many(layout.scales, "I"), f.many(layout.scales, "i")
    codes = Tensor(layout.shape, f.codes(kind, prod(layout.shape)))
    if row["quantize"]["vector"]["scaling"] == "none":
        raise Refused("no quantizer")
    reals = quantizer.dequantize(
        row, codes, scale, zero, axis=1, block=layout.block, code_type=kind
    )
    return pack(reals.data, "I")


def run_dynamic(row: Row, _: str, f: Fields) -> bytes:
    n = f.one("B")
    result = quantizer.dynamic_quantize(row, Tensor((n,), f.many(n, "I")))
    return pack([result.scale, result.zero, *result.codes.data], "I")


# -------------------------------------------------------------------------------- pairs and windows


def affine(f: Fields) -> Affine:
    return Affine(*f.take("Ii"))


def has_binary(row: Row, family: str) -> bool:
    op, kind = family.split(".")
    scheme = row[op]["scheme"]
    if scheme == "none" or (scheme == "engine" and kind != "s8"):
        return False
    return kind != "s16" or scheme in ("fixed", "plain_f32")


def run_binary(row: Row, family: str, f: Fields) -> bytes:
    op, kind = family.split(".")
    _, limits = f.limits()
    q = affine(f), affine(f), affine(f)
    subtract, lone, n = f.take("3B")
    shapes = [(1 if lone == 1 else n,), (1 if lone == 2 else n,)]
    a, b = (Tensor(shape, f.codes(kind, shape[0])) for shape in shapes)
    if row[op]["scheme"] == "engine" and a.shape != b.shape:  # knows operands of one shape
        a, b = (Tensor((n,), t.data * (n // len(t.data))) for t in (a, b))
    if op == "mul":
        return pack(arithmetic.mul(row, a, b, q, kind, limits).data, "I")
    total = arithmetic.add(row, a, b, q, kind, limits, subtract=bool(subtract))
    return pack(total.data, "I")


def run_average(row: Row, _: str, f: Fields) -> bytes:
    kind, limits = f.limits()
    q_in, q_out = affine(f), affine(f)
    rank, batch, channels, flags = f.take("4B")
    image, kernel, stride, begin, end = zip(*(f.take("5B") for _ in range(rank)), strict=True)
    x = Tensor((batch, channels, *image), f.codes(kind, batch * channels * prod(image)))
    scheme = row["average"]["scheme"]
    if scheme == "engine" and (kind != "s8" or limits != rescale.Limits(-128, 127, -128, 127)):
        raise Refused("the engine pools int8 codes without limits")
    sides = zip(begin, end, kernel, strict=True)
    if scheme == "engine" and any(b != e or b >= k for b, e, k in sides):
        raise Refused("the engine pools with equal pads and a pixel in every window")
    if scheme == "integer" and q_in != q_out:
        raise Refused("the row pools codes of one scale")
    w = pooling.Window(kernel, stride, begin, end, bool(flags & 2), bool(flags & 1))
    return pack(pooling.average(row, x, w, q_in, q_out, kind, limits).data, "I")


# ---------------------------------------------------------------------------- tables, softmax

FUNCTIONS = ("identity", "sigmoid", "tanh", "leaky_relu")


def run_table(row: Row, _: str, f: Fields) -> bytes:
    function, slope, kind = f.take("BIB")
    q_in, q_out = affine(f), affine(f)
    entries = tables.table(row, FUNCTIONS[function], q_in, q_out, KINDS[kind], alpha=slope)
    return pack([entries[code] for code in sorted(entries)], "H")


def run_softmax(row: Row, _: str, f: Fields) -> bytes:
    kind = KINDS[f.one("B")]
    q_in, q_out = affine(f), affine(f)
    beta, rows, depth = f.take("IBB")
    scheme = row["softmax"]["scheme"]
    if not 0 < beta < INFINITY or (scheme == "f32_table" and beta != ONE):
        raise Refused("beta: expected a positive number, or 1")
    if scheme == "fixed" and q_out != Affine(ONE - (8 << 23), type_range(kind)[0]):
        raise Refused("the row has one scale and zero point of results")
    codes: list[int] = []
    for _row in range(rows):
        codes += softmax_table.softmax(row, f.codes(kind, depth), q_in, q_out, kind, beta=beta)
    return pack(codes, "I")


# --------------------------------------------------------------------------------- recode and mean


def run_recode(row: Row, family: str, f: Fields) -> bytes:
    slope, from_kind = f.take("IB")
    to_kind, limits = f.limits()
    q_in, q_out = affine(f), affine(f)
    n, kind = f.one("B"), KINDS[from_kind]
    x = Tensor((n,), f.codes(kind, n))
    if family == "recode.leaky_relu":
        return pack(recode.leaky_relu(row, x, q_in, q_out, slope, kind, limits).data, "I")
    codes = recode.requantize_codes(row, x, q_in, q_out, kind, to_kind, limits)
    return pack(codes.data, "I")


def run_mean(row: Row, _: str, f: Fields) -> bytes:
    kind, image = f.take("BB")
    q_in, q_out = affine(f), affine(f)
    results, count, channels = f.take("3B")
    codes = f.codes(KINDS[kind], results * count)
    x, axes = Tensor((results, count), codes), [1]
    if image:  # [n, h, w, c]
        planes = [codes[r * count : (r + 1) * count] for r in range(results)]
        data = [
            planes[first + c][at]
            for first in range(0, results, channels)
            for at in range(count)
            for c in range(channels)
        ]
        x, axes = Tensor((results // channels, count, 1, channels), data), [1, 2]
    return pack(recode.mean(row, x, axes, q_in, q_out, KINDS[kind], keep=bool(image)).data, "I")


# ------------------------------------------------------------------------------------------- table

Applies = Callable[[Row, str], bool]
Run = Callable[[Row, str, Fields], bytes]

FAMILIES: dict[str, tuple[Applies, Run]] = {
    **{
        f"product.{pair}": (has_product, run_product)
        for pair in ("u8u8", "u8s8", "s8u8", "s8s8", "s16s8", "s16s16")
    },
    "gate.row": (has_products, run_gate),
    **{
        f"window.{pair}": (has_product, run_window) for pair in ("u8u8", "u8s8", "s8s8", "s16s8")
    },
    **{
        f"requantize.{kind}": (has_requantize, run_requantize)
        for kind in (
            "convolution", "grouped", "depthwise", "product", "row", "wide", "wide_product"
        )
    },
    "rescale.raw": (lambda row, _: any(fixed_rules(row)), run_rescale),
    **{f"quantize.{form}": (has_quantizer, run_quantize) for form in ("vector", "single", "half")},
    "dequantize.codes": (has_quantizer, run_dequantize),
    "dynamic.tensor": (lambda row, _: row["dynamic"]["scheme"] != "none", run_dynamic),
    **{
        f"{op}.{kind}": (has_binary, run_binary)
        for op in ("add", "mul")
        for kind in ("u8", "s8", "s16")
    },
    **{
        f"average.{form}": (lambda row, _: row["average"]["scheme"] != "none", run_average)
        for form in ("window", "whole")
    },
    "table.function": (lambda row, _: row["table"]["scheme"] != "none", run_table),
    "recode.codes": (lambda row, _: row["requantize"]["scheme"] != "none", run_recode),
    "recode.leaky_relu": (lambda row, _: row["leaky_relu"]["scheme"] != "none", run_recode),
    "mean.rows": (lambda row, _: row["mean"]["scheme"] != "none", run_mean),
    "softmax.rows": (lambda row, _: row["softmax"]["scheme"] != "none", run_softmax),
    "real.sums": (has_products, run_real),
}


def applies(row: Row, family: str) -> bool:
    """Whether the row has the family's rule."""
    return FAMILIES[family][0](row, family)


def families_of(row: Row) -> Iterator[str]:
    return (family for family in FAMILIES if applies(row, family))


def run(row: Row, family: str, data: bytes) -> bytes:
    """The answer bytes of one case by the oracle, or REFUSAL."""
    fields = Fields(data)
    try:
        answer = FAMILIES[family][1](row, family, fields)
    except REFUSALS:
        return REFUSAL
    if fields.at != len(data):
        raise AssertionError(f"court: bytes left over in a case of {family}")
    return answer
