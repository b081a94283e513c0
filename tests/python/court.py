"""The court's second side: runs case bytes by the oracle.

    python tests/python/court.py check < lines

reads case lines (`qvec gen`, or what a failing court printed) and prints those that the oracle
answers otherwise, with its answer. Lines that begin with # are comments.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import court_lines
import court_operators
from court_cases_elementwise import families
from qsim import oracle
from qsim.oracle import f32

Row = Mapping[str, Any]

UNSPECIFIED_CODE, UNSPECIFIED_WORD = 0x5555, 0x55555555
BINARY = ("add", "sub", "mul", "sqd", "min", "max")
DOTS = ("conv", "conv_single", "matmul_row")


class Reader:
    """Little-endian fields of a case in order."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def codes(self, n: int) -> list[int]:
        return list(self.take(f"{n}b"))

    def words(self, n: int) -> list[int]:
        return list(self.take(f"{n}I"))

    def info(self) -> oracle.QInfo:
        return oracle.QInfo(*self.take("4I"))


def pack_codes(codes: list[int], unspecified: list[bool]) -> bytes:
    words = [
        UNSPECIFIED_CODE if lost else q & 0xFFFF for q, lost in zip(codes, unspecified, strict=True)
    ]
    return struct.pack(f"<{len(words)}H", *words)


def pack_words(words: list[int]) -> bytes:
    return struct.pack(f"<{len(words)}I", *(w & 0xFFFFFFFF for w in words))


def run_dot(row: Row, r: Reader) -> bytes:
    fast, k, initial = r.take("BIi")
    lhs = r.codes(k)
    return pack_words([oracle.dot(row["conv_fast" if fast else "conv"], lhs, r.codes(k), initial)])


def run_fuse(row: Row, r: Reader) -> bytes:
    (n,) = r.take("B")
    q_in, q_out = r.info(), r.info()
    alpha, bias = r.words(n), r.words(n)
    sums = list(r.take(f"{n}i"))
    words: list[int] = []
    for stage in dict.fromkeys((row["epilogue"]["bias"], row["depthwise"]["bias"])):
        fused = oracle.fuse(row, q_in, q_out, alpha, bias, sums, stage)
        columns = [fused.scale, fused.bias] + ([] if fused.real is None else [fused.real])
        if not fused.written:
            columns = [[UNSPECIFIED_WORD] * n] * len(columns)
        words += [w for channel in zip(*columns, strict=True) for w in channel]
    return pack_words(words)


def run_conv(row: Row, r: Reader, depthwise: bool) -> bytes:
    extents = r.take("13B")
    batch, channels, h, w, out, kh, kw, stride_h, stride_w, pad_h, pad_w, dil_h, dil_w = extents
    (flags,) = r.take("B")
    q_in, q_out = r.info(), r.info()
    alpha, bias = ([f32.to_float(v) for v in r.words(out)] for _ in range(2))
    x = oracle.Tensor((batch, channels, h, w), r.codes(batch * channels * h * w))
    depth = 1 if depthwise else channels
    weights = oracle.Tensor((out, depth, kh, kw), r.codes(out * depth * kh * kw))
    options = oracle.ConvOptions(
        stride=(stride_h, stride_w),
        pad=(pad_h, pad_w),
        dilation=(dil_h, dil_w),
        relu=bool(flags & 1),
        overflow_aware=bool(flags & 2),
    )
    function = oracle.depthwise if depthwise else oracle.conv2d
    result = function(row, x, weights, alpha, bias, q_in, q_out, options)
    return pack_codes(result.codes.data, result.unspecified)


def run_quantize(row: Row, r: Reader) -> bytes:
    scale, zero, low, high, n = r.take("IbbbB")
    m = oracle.cast_multiplier(row, scale)
    codes = [oracle.quantize(row, x, m, zero, low, high) for x in r.words(n)]
    return pack_words([m]) + struct.pack(f"<{n}b", *codes)


def run_dequantize(row: Row, r: Reader) -> bytes:
    scale, zero, n = r.take("IbB")
    return pack_words([oracle.dequantize(row, q, scale, zero) for q in r.codes(n)])


def run_pool(row: Row, r: Reader, average: bool) -> bytes:
    batch, channels, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, ceil = r.take("11B")
    x = oracle.Tensor((batch, channels, h, w), r.codes(batch * channels * h * w))
    options = oracle.PoolOptions((kh, kw), (stride_h, stride_w), (pad_h, pad_w), bool(ceil))
    codes = (oracle.avg_pool if average else oracle.max_pool)(row, x, options).data
    return struct.pack(f"<{len(codes)}b", *codes)


def run_binary(row: Row, r: Reader) -> bytes:
    op, relu = r.take("BB")
    infos = (r.info(), r.info(), r.info())
    (n,) = r.take("B")
    a, b = oracle.Tensor((n,), r.codes(n)), oracle.Tensor((n,), r.codes(n))
    result = oracle.binary(row, BINARY[op], a, b, infos, relu=bool(relu))
    return pack_codes(result.codes.data, [i >= result.written for i in range(n)])


def run_unary(row: Row, op: str, r: Reader) -> bytes:
    (n,) = r.take("B")
    x = r.words(n)
    if op == "exp":
        return pack_words([oracle.exp(row, v) for v in x])
    return pack_words((oracle.sigmoid if op == "sigmoid" else oracle.tanh)(row, x))


def run_float_dot(row: Row, r: Reader) -> bytes:
    which, bias, n = r.take("BIB")
    a, b = r.words(n), r.words(n)
    total = oracle.float_dot(row["float_math"][DOTS[which]], a, b, row["float_mode"])
    return pack_words([total, oracle.finish_convolution(row, total, bias)])


def run(row: Row, family: str, data: bytes) -> bytes:
    """The result bytes of one case by the oracle."""
    r = Reader(data)
    if family in ("conv", "taps", "depthwise"):
        result = run_conv(row, r, family == "depthwise")
    elif family in ("max_pool", "avg_pool"):
        result = run_pool(row, r, family == "avg_pool")
    elif family in ("exp", "sigmoid", "tanh"):
        result = run_unary(row, family, r)
    else:
        result = {
            "dot": run_dot,
            "fuse": run_fuse,
            "quantize": run_quantize,
            "dequantize": run_dequantize,
            "binary": run_binary,
            "float_dot": run_float_dot,
        }[family](row, r)
    if r.at != len(data):
        raise ValueError(f"court: bytes left over in a case of {family}")
    return result


def applies(row: Row, _: str) -> bool:
    """Whether the row states a runtime of graphs, or plain float arithmetic (no rule for codes)."""
    codes = any(chain["acc_bits"] for chain in row["products"].values())
    codes = codes or row["quantize"]["vector"]["scaling"] != "none"
    return row["placement"] == "describes" or not codes


@cache
def graph_cases() -> dict[str, list[bytes]]:
    """The cases of every family of graphs, made here as in C++."""
    return families()


def answer(row: Row, family: str, data: bytes) -> bytes:
    """The answer bytes of one case of any family."""
    return (court_operators.run if "." in family else run)(row, family, data)


def check(lines: Iterable[str]) -> int:
    """Prints every case line that the oracle answers otherwise, with its answer."""
    read = different = 0
    for line in lines:
        if line.startswith("#"):
            continue
        case = court_lines.Case.of(line)
        got = answer(_row(case.row), case.family, case.data)
        read += 1
        if got != case.answer:
            different += 1
            print(f"{case} got={got.hex()}")
    print(f"{read} cases, {different} different", file=sys.stderr)
    return int(different > 0 or read == 0)


@cache
def _row(name: str) -> Row:
    import qsim

    return oracle.nest(qsim.profiles[name].fields())


if __name__ == "__main__":
    if sys.argv[1:] != ["check"]:
        sys.exit(__doc__)
    sys.exit(check(sys.stdin))
