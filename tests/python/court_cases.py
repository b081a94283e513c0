"""The court's cases, made a second time: the same bytes as tests/conformance/cases*.hpp.

Every family draws from SplitMix64 seeded with FNV-1a of its name. A case is a byte string; both
sides run the bytes, never the generator's variables.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

MASK = (1 << 64) - 1

Codes = list[int]
Words = list[int]

# fmt: off
SPECIALS = [
    0x00000000, 0x80000000, 0x00000001, 0x00400000, 0x807FFFFF, 0x00800000, 0x7F7FFFFF,
    0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x3EFFFFFF, 0xBEFFFFFF, 0x3F000000,
    0xBF000000, 0x4EFFFFFF, 0x4F000000, 0xCF000000, 0x49742400, 0x358637BD,
]
# fmt: on
ONE, INFINITY, NAN = 0x3F800000, 0x7F800000, 0x7FC00000
RAILS = (-128, 127, -127, 0, 1, -1)


def fnv(data: bytes, state: int = 0xCBF29CE484222325) -> int:
    """FNV-1a, 64 bits, continued from `state`."""
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def small(h: int, shift: int = 0) -> int:
    """h / 2^shift as a binary32 pattern."""
    return int(struct.unpack("<I", struct.pack("<f", h / (1 << shift)))[0])


HALF = small(1, 1)


class Maker:
    """Draws of one family."""

    def __init__(self, family: str) -> None:
        self.state = fnv(family.encode())

    def below(self, n: int) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (((z ^ (z >> 31)) >> 32) * n) >> 32

    def code(self) -> int:
        return RAILS[self.below(6)] if self.below(4) == 0 else self.below(256) - 128

    def codes(self, kind: int, n: int) -> Codes:
        """n codes of one of eight kinds: rails, alternating, one-hot, random, small, eighths."""
        hot = self.below(n) if kind == 4 and n > 0 else -1
        makers: list[Callable[[int], int]] = [
            lambda _: -128,
            lambda _: 127,
            lambda i: 127 if i % 2 == 0 else -128,
            lambda i: 127 if i % 4 < 2 else -128,
            lambda i: -128 if i == hot else 0,
            lambda _: self.code(),
            lambda _: self.below(15) - 7,
            lambda i: -128 if i % 8 == 0 else 3,
        ]
        return [makers[kind](i) for i in range(n)]

    def real(self, low: int, span: int) -> int:
        """A pattern of either sign with exponent low .. low + span - 1."""
        sign = self.below(2) << 31
        exponent = (127 + low + self.below(span)) << 23
        return sign | exponent | self.below(1 << 23)

    def scale(self) -> int:
        """A positive scale, often a power of two."""
        exponent = (127 - self.below(10)) << 23
        return exponent if self.below(3) == 0 else exponent | self.below(1 << 23)

    def special(self) -> int:
        return SPECIALS[self.below(20)]

    def info(self) -> Info:
        scale = self.scale()
        if self.below(4) == 0:
            zero = small(self.below(500) - 250, 2)
        else:
            zero = small(self.below(256) - 128)
        if self.below(4) != 0:
            return Info(scale, zero)
        low = small(self.below(100) - 128)
        return Info(scale, zero, low, small(self.below(100) + 28))


@dataclass(frozen=True)
class Info:
    """A tensor's scale, zero, low and high as patterns."""

    scale: int = ONE
    zero: int = 0
    low: int = small(-127)
    high: int = small(127)

    def __bytes__(self) -> bytes:
        return words([self.scale, self.zero, self.low, self.high])


def words(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def int_words(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def codes(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}b", *values)


# --- dot and fuse ---------------------------------------------------------------------------------


def dot_case(fast: int, initial: int, lhs: Codes, rhs: Codes) -> bytes:
    return struct.pack("<BIi", fast, len(lhs), initial) + codes(lhs) + codes(rhs)


def dot_cases() -> list[bytes]:
    m = Maker("dot")
    pairs = [(0, 0), (1, 1), (1, 0), (0, 1), (2, 2), (3, 3), (5, 5)]
    low, high = -(1 << 31), (1 << 31) - 1
    out = []
    for fast in range(2):
        for k in (0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 64, 65):
            out += [dot_case(fast, 0, m.codes(a, k), m.codes(b, k)) for a, b in pairs]
        for _ in range(60):
            k = m.below(130)
            lhs = m.codes(m.below(8), k)
            rhs = m.codes(m.below(8), k)
            start = m.below(4)
            any_initial = m.below(1 << 30) * 4 + low
            out.append(dot_case(fast, [0, high, low, any_initial][start], lhs, rhs))
        out += [dot_case(fast, 0, m.codes(a, 1500), m.codes(b, 1500)) for a, b in pairs]
        out += [dot_case(fast, 0, m.codes(a, 70000), m.codes(a, 70000)) for a in (0, 1)]
    return out


def fuse_case(q_in: Info, q_out: Info, alpha: Words, bias: Words, sums: Sequence[int]) -> bytes:
    head = bytes([len(alpha)]) + bytes(q_in) + bytes(q_out)
    return head + words(alpha) + words(bias) + int_words(sums)


def fuse_cases() -> list[bytes]:
    m = Maker("fuse")
    out = []
    for n in range(1, 10):
        q_in, q_out = Info(small(1, 4), small(3)), Info(small(1, 5), small(4 * n))
        bias = [small(3 * k + 1, 2) for k in range(n)]
        out.append(fuse_case(q_in, q_out, [HALF] * n, bias, [10 * k for k in range(n)]))
    alphas = [HALF, NAN, 0, 0x358637BD, NAN]
    biases = [ONE, small(-1), small(7, 1), 0x49742400, NAN]
    sums = [1, -300, 0, 132105, 5]
    q_in, q_out = Info(ONE, small(7, 1)), Info(ONE, small(-9, 1))
    for s in SPECIALS:
        out += [
            fuse_case(replace(q_in, scale=s), q_out, alphas, biases, sums),
            fuse_case(q_in, replace(q_out, scale=s), alphas, biases, sums),
            fuse_case(replace(q_in, zero=s), q_out, alphas, biases, sums),
            fuse_case(q_in, replace(q_out, zero=s), alphas, biases, sums),
            fuse_case(q_in, q_out, [s] * 5, biases, sums),
            fuse_case(q_in, q_out, [HALF] * 5, [s] * 5, sums),
        ]
    out += [
        fuse_case(Info(ONE, 0), Info(ONE, 0xCF6E6B28), [ONE], [0x4F6E6B28], [0]),
        fuse_case(Info(ONE, small(127)), Info(ONE, 0), [ONE], [ONE], [132105]),
        fuse_case(Info(0x00FFF800, 0), Info(ONE, 0), [0x3F000400], [0], [1]),
    ]
    for _ in range(80):
        n = 1 + m.below(9)
        q_in, q_out = m.info(), m.info()
        alpha, bias, total = [], [], []
        for _ in range(n):
            alpha.append(m.special() if m.below(8) == 0 else m.real(-10, 16))
            bias.append(m.special() if m.below(8) == 0 else m.real(-12, 36))
            total.append(m.below(400001) - 200000)
        out.append(fuse_case(q_in, q_out, alpha, bias, total))
    return out


# --- convolutions ---------------------------------------------------------------------------------


@dataclass
class Shape:
    """Extents in the order of the bytes."""

    batch: int = 1
    inputs: int = 1
    h: int = 1
    w: int = 1
    out: int = 1
    kh: int = 1
    kw: int = 1
    stride_h: int = 1
    stride_w: int = 1
    pad_h: int = 0
    pad_w: int = 0
    dilation_h: int = 1
    dilation_w: int = 1


@dataclass
class ConvCase:
    """One convolution."""

    s: Shape
    relu: int = 0
    fast: int = 0
    q_in: Info = Info(small(1, 4), small(-3))
    q_out: Info = Info(small(1, 3), small(5))
    alpha: Words = field(default_factory=list)
    bias: Words = field(default_factory=list)
    input: Codes = field(default_factory=list)
    weights: Codes = field(default_factory=list)

    def draw(self, m: Maker, input_kind: int, weight_kind: int, depthwise: bool = False) -> None:
        s = self.s
        self.input = m.codes(input_kind, s.batch * s.inputs * s.h * s.w)
        depth = (1 if depthwise else s.inputs) * s.kh * s.kw
        self.weights = m.codes(weight_kind, s.out * depth)

    def plain_channels(self, depth_bits: int) -> None:
        self.alpha = [small(1, 4 + depth_bits + k % 3) for k in range(self.s.out)]
        self.bias = [small(5 * k - 4, 3) for k in range(self.s.out)]

    def random_channels(self, m: Maker) -> None:
        for _ in range(self.s.out):
            self.alpha.append(m.special() if m.below(16) == 0 else m.real(-11, 7))
            self.bias.append(m.special() if m.below(16) == 0 else m.real(-6, 10))

    def __bytes__(self) -> bytes:
        extents = bytes(vars(self.s).values())
        flags = bytes([self.relu + 2 * self.fast])
        head = extents + flags + bytes(self.q_in) + bytes(self.q_out)
        return head + words(self.alpha) + words(self.bias) + codes(self.input + self.weights)


def narrowing_cases() -> list[bytes]:
    scales = [
        ONE, HALF, small(-1, 1), small(3, 1), 0x3EFFFFFF, small(1, 2), INFINITY, 0x7149F2CA, NAN,
        0x4EFFFFFF, 0x4F000000, small(1, 20),
    ]  # fmt: skip
    out = []
    for scale in scales:
        for low, high in ((-127, 127), (10, 100), (20, -5), (-128, 127)):
            for in_ratio in (False, True):
                case = ConvCase(Shape(w=8))
                case.q_in = Info(scale if in_ratio else ONE, 0)
                case.q_out = Info(ONE, 0, small(low), small(high))
                case.alpha, case.bias = [ONE if in_ratio else scale], [0]
                case.input, case.weights = [0, 1, -1, 3, -3, 127, -128, 2], [1]
                out.append(bytes(case))
    case = ConvCase(Shape(w=8), q_in=Info(ONE, 0), q_out=Info(ONE, 0), alpha=[ONE])
    case.bias = [0x4EFFFFFF]
    case.input, case.weights = [127, 126, 100, 64, 1, 0, -1, -128], [127]
    out.append(bytes(case))
    case = ConvCase(Shape(w=8), q_in=Info(ONE, small(-128)), q_out=Info(ONE, 0))
    case.alpha, case.bias = [0x3EFFFFFF], [0]
    case.input, case.weights = [-127, -126, -125, -128, 0, 1, -1, 127], [1]
    return [*out, bytes(case)]


def conv_cases() -> list[bytes]:
    m = Maker("conv")
    out = []
    for pixels in range(1, 10):
        for inputs in (4, 16, 20, 40):
            for fast in range(2):
                s = Shape(inputs=inputs, out=3)
                if inputs == 20:
                    s.batch = pixels
                else:
                    s.w = pixels
                case = ConvCase(s, pixels // 2 % 2, fast)
                case.plain_channels(4)
                case.draw(m, 5, 5)
                out.append(bytes(case))
    out += narrowing_cases()
    for _ in range(40):
        s = Shape(1 + m.below(2), 1 + m.below(48), 1 + m.below(3), 1 + m.below(4), 1 + m.below(6))
        s.stride_w = 1 + m.below(2)
        case = ConvCase(s, m.below(2), m.below(2), m.info(), m.info())
        case.random_channels(m)
        kind = m.below(8)
        case.draw(m, kind, m.below(8))
        out.append(bytes(case))
    return out


def taps_case(m: Maker, s: Shape, weight_kind: int) -> bytes:
    case = ConvCase(s)
    case.plain_channels(5)
    case.draw(m, 5, weight_kind)
    return bytes(case)


def taps_cases() -> list[bytes]:
    m = Maker("taps")
    out = []
    for inputs in (1, 4, 8, 9, 12, 13, 16, 17, 20, 24, 28, 36):
        for kh, kw, ph, pw in ((1, 2, 0, 0), (1, 3, 0, 1), (3, 3, 1, 1), (2, 2, 0, 0)):
            for kind in (5, 4):
                s = Shape(inputs=inputs, h=3, w=4, out=2, kh=kh, kw=kw, pad_h=ph, pad_w=pw)
                out.append(taps_case(m, s, kind))
    shapes = [
        Shape(inputs=20, h=5, w=6, out=2, kh=3, kw=3, pad_h=1, pad_w=1),
        Shape(inputs=20, h=5, w=8, out=2, kh=3, kw=3),
        Shape(inputs=12, w=45, out=2, kw=3, pad_w=1),
        Shape(inputs=12, w=45, out=2, kw=3),
        Shape(inputs=12, h=9, out=2, kh=3, pad_h=1),
        Shape(inputs=12, h=9, out=2, kh=3, stride_h=2),
        Shape(2, 9, 4, 5, 2, 2, 3, stride_h=2, pad_w=2, dilation_w=2),
    ]
    out += [taps_case(m, s, kind) for kind in (5, 4, 4) for s in shapes]
    for _ in range(24):
        s = Shape(1 + m.below(2), 1 + m.below(22), 3 + m.below(3), 3 + m.below(4), 1 + m.below(3))
        s.kh, s.kw = 1 + m.below(3), 2 + m.below(2)
        s.stride_h, s.stride_w = 1 + m.below(2), 1 + m.below(2)
        s.pad_h, s.pad_w = m.below(s.kh), m.below(s.kw)
        case = ConvCase(s, m.below(2), int(m.below(3) == 0), m.info(), m.info())
        case.random_channels(m)
        case.draw(m, 5, 5 if m.below(2) == 0 else 6)
        out.append(bytes(case))
    return out


def depthwise_cases() -> list[bytes]:
    m = Maker("depthwise")
    out = narrowing_cases()
    for _ in range(50):
        batch, channels = 1 + m.below(2), 1 + m.below(6)
        s = Shape(batch, channels, 3 + m.below(2), 3 + m.below(3), channels)
        s.kh, s.kw, s.stride_h = 1 + m.below(3), 1 + m.below(3), 1 + m.below(2)
        s.pad_h, s.pad_w = m.below(s.kh), m.below(s.kw)
        s.dilation_w = 1 + m.below(2) if s.kw < 3 else 1
        case = ConvCase(s, m.below(2), 0, m.info(), m.info())
        case.random_channels(m)
        kind = m.below(8)
        case.draw(m, kind, m.below(8), depthwise=True)
        out.append(bytes(case))
    return out
