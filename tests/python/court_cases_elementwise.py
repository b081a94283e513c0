"""The court's cases of casts, pools, binary operations and float functions; see court_cases.py."""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod

from court_cases import (
    HALF,
    ONE,
    SPECIALS,
    Codes,
    Info,
    Maker,
    Words,
    codes,
    conv_cases,
    depthwise_cases,
    dot_cases,
    fuse_cases,
    small,
    taps_cases,
    words,
)


def quantize_case(scale: int, zero: int, low: int, high: int, x: Words) -> bytes:
    return struct.pack("<IbbbB", scale, zero, low, high, len(x)) + words(x)


def quantize_cases() -> list[bytes]:
    m = Maker("quantize")
    halves = [small(h, 1) for h in range(-9, 10)]
    rails = [small(sign * h, 1) for h in range(250, 260) for sign in (1, -1)]
    out = []
    for low, high in ((-127, 127), (-128, 127), (10, 100), (20, -5)):
        for scale in (ONE, HALF, small(1, 4), 0x3E99999A):
            out += [quantize_case(scale, zero, low, high, halves) for zero in (0, 3, -11)]
        out.append(quantize_case(ONE, 0, low, high, rails))
        out += [quantize_case(ONE, zero, low, high, SPECIALS) for zero in (0, 1)]
    out += [quantize_case(scale, -7, -127, 127, SPECIALS) for scale in SPECIALS]
    out.append(quantize_case(0x3E99999A, -11, -127, 127, [0x41473333]))
    out.append(quantize_case(0x3E99999A, 5, -127, 127, [0xC0366667]))
    for _ in range(60):
        scale, zero = m.scale(), m.below(256) - 128
        low = m.below(128) - 128 if m.below(3) == 0 else -127
        high = m.below(128) if m.below(3) == 0 else 127
        out.append(quantize_case(scale, zero, low, high, [m.real(-6, 12) for _ in range(8)]))
    return out


def dequantize_cases() -> list[bytes]:
    m = Maker("dequantize")
    out = []
    for i in range(60):
        scale = SPECIALS[i] if i < 20 else m.scale()
        zero = m.code()
        q = [-128, 127, 0, 1, -1, zero, *(m.code() for _ in range(4))]
        out.append(struct.pack("<IbB", scale, zero, 10) + codes(q))
    return out


def pool_case(extents: list[int], values: Codes) -> bytes:
    return bytes(extents) + codes(values)


def pool_cases(family: str) -> list[bytes]:
    m = Maker(family)
    out = [
        pool_case([1, 1, 1, kw + 3, 1, kw, 1, 1, 0, 0, 0], m.codes(kind, kw + 3))
        for kw in range(1, 13)
        for kind in range(8)
    ]
    for kw in (3, 7):
        constant = [i // kw - 128 for i in range(255 * kw)]
        out.append(pool_case([1, 255, 1, kw, 1, kw, 1, 1, 0, 0, 0], constant))
    for _ in range(40):
        extents = [1 + m.below(2), 1 + m.below(3), 3 + m.below(4), 3 + m.below(4)]
        kh, kw = 1 + m.below(3), 1 + m.below(3)
        stride = [1 + m.below(kh), 1 + m.below(kw)]
        pad = [m.below(kh), m.below(kw)]
        ceil = m.below(2) if sum(pad) == 0 else 0
        values = m.codes(m.below(8), prod(extents))
        out.append(pool_case([*extents, kh, kw, *stride, *pad, ceil], values))
    return out


def binary_case(
    op: int, relu: int, infos: tuple[Info, Info, Info], left: Codes, right: Codes
) -> bytes:
    head = bytes([op, relu]) + b"".join(bytes(q) for q in infos) + bytes([len(left)])
    return head + codes(left) + codes(right)


def binary_cases() -> list[bytes]:
    m = Maker("binary")
    odd, eight = [-5, 5, -1, 1, 3, -3, 127, -128, 0], [1, -1, 100, -128, 0, 3, 0, 7]
    out = []
    for op in range(6):
        for relu in range(2):
            for scale in (ONE, HALF, small(3, 2)):
                infos = Info(HALF, 0), Info(scale, small(3)), Info(scale, small(-2))
                out.append(binary_case(op, relu, infos, odd, m.codes(5, 9)))
                infos = Info(scale, 0), Info(scale, 0), Info(scale, small(2))
                out.append(binary_case(op, relu, infos, odd, odd))
        for s in SPECIALS:
            infos = Info(s, small(1)), Info(ONE, 0), Info(ONE, small(4))
            out.append(binary_case(op, 0, infos, eight, [1, 1, 2, 3, 0, 0, 1, 0]))
            infos = Info(ONE, small(7, 1)), Info(HALF, 0), Info(s, small(-4))
            out.append(binary_case(op, 0, infos, eight, eight))
        for zero in (5, -5, 0):
            infos = Info(small(1000), 0), Info(small(600), 0), Info(HALF, small(zero))
            left, right = [127, -128, 100, 33, -33, 66, 70, 1], [127, 127, -128, -1, 1, -1, 0, 1]
            out.append(binary_case(op, 0, infos, left, right))
    infos = Info(0x3D75C28F, 0), Info(0x3DCCCCCD, 0), Info(0x3E0F5C29, 0)
    out.append(binary_case(2, 0, infos, [-35] * 4, [-19] * 4))
    infos = Info(0x3EE66666, 0), Info(0x3CA3D70A, 0), Info(0x3EB851EC, 0)
    out.append(binary_case(2, 0, infos, [50] * 4, [38] * 4))
    for _ in range(120):
        infos = m.info(), m.info(), m.info()
        n, op, relu = 1 + m.below(10), m.below(6), int(m.below(4) == 0)
        left = m.codes(5, n)
        out.append(binary_case(op, relu, infos, left, m.codes(5, n)))
    return out


def unary_case(x: Words) -> bytes:
    return bytes([len(x)]) + words(x)


def unary_cases(family: str) -> list[bytes]:
    m = Maker(family)
    telling = [
        0x3EB17218, 0x3F851592, 0x3FDDCE9E, 0x401B43D5, 0x4047A05B, 0x40E8E5BF, 0x41B9C371,
        small(87), small(88), 0x42ADFFFF,
    ]  # fmt: skip
    out = [
        unary_case(SPECIALS),
        unary_case(telling),
        unary_case([x ^ 0x80000000 for x in telling]),
        unary_case([x - 0x00800000 for x in telling]),
    ]
    out += [unary_case([m.real(-4, 6) for _ in range(n)]) for n in range(1, 10)]
    out += [unary_case([m.real(-8, 15) for _ in range(6)]) for _ in range(16)]
    return out


def float_dot_case(bias: int, a: Words, b: Words) -> list[bytes]:
    body = struct.pack("<IB", bias, len(a)) + words(a) + words(b)
    return [bytes([which]) + body for which in range(3)]


def float_dot_cases() -> list[bytes]:
    m = Maker("float_dot")
    out = float_dot_case(0, [], [])
    out += float_dot_case(0, [ONE] * 4, [0x4B800000, ONE, ONE, 0xCB800000])
    out += float_dot_case(0, [ONE, 0x3F800800], [small(-1), 0x3F800800])
    out += float_dot_case(0, [0x3F000400], [0x00FFF800])
    out += float_dot_case(0, [0x3F7FFFFF], [0x00800000])
    for s in SPECIALS:
        out += float_dot_case(HALF, [s], [ONE])
        out += float_dot_case(0, [ONE, s], [small(3), small(-2)])
        out += float_dot_case(s, [ONE], [ONE])
        out += float_dot_case(0, [s, s], [0x00800000, HALF])
    for _ in range(40):
        a, b = [], []
        for _ in range(1 + m.below(40)):
            a.append(m.real(-3, 6))
            b.append(m.real(-3, 6))
        out += float_dot_case(m.real(-3, 6), a, b)
    return out


MAKERS: dict[str, Callable[[], list[bytes]]] = {
    "dot": dot_cases,
    "fuse": fuse_cases,
    "conv": conv_cases,
    "taps": taps_cases,
    "depthwise": depthwise_cases,
    "quantize": quantize_cases,
    "dequantize": dequantize_cases,
    "max_pool": lambda: pool_cases("max_pool"),
    "avg_pool": lambda: pool_cases("avg_pool"),
    "binary": binary_cases,
    "exp": lambda: unary_cases("exp"),
    "sigmoid": lambda: unary_cases("sigmoid"),
    "tanh": lambda: unary_cases("tanh"),
    "float_dot": float_dot_cases,
}


def families() -> dict[str, list[bytes]]:
    """Every family's cases, made anew."""
    return {name: make() for name, make in MAKERS.items()}
