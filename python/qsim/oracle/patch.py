"""The depth vector that each output pixel's dot product reads. Equations (A.5) and (A.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .geometry import Geometry
from .words import ceil_div

PASS_BYTES = 2048  # a pass packs as many pixels as this holds, at least one tile

Word = tuple[int, int, int, int]


@dataclass(frozen=True)
class Depth:
    """Depth codes of one pixel in K order; `stale` marks those that were never written."""

    codes: list[int]
    stale: list[bool]


@dataclass(frozen=True)
class Source:
    """Input codes with what fills the gaps."""

    codes: Sequence[int]
    pad_code: int
    lane_code: int

    def word(self, g: Geometry, n: int, word: int, row: int, column: int) -> Word:
        """Channels 4*word .. 4*word+3 of one input pixel."""
        first = 4 * word
        lanes = [
            self.codes[g.index(n, c, row, column)] if c < g.channels else self.lane_code
            for c in range(first, first + 4)
        ]
        return (lanes[0], lanes[1], lanes[2], lanes[3])


def depths(patch: Mapping[str, Any], g: Geometry, source: Source) -> list[Depth]:
    """Depth of every output pixel, in flat order, as the row's walk packs it."""
    if patch["walk"] == "dense":
        return [_dense(g, source, p) for p in range(g.pixels)]
    if patch["walk"] != "word_stride":
        raise ValueError(f"walk: unknown rule {patch['walk']!r}")
    return _Walk(g.lying(), source, patch["block"] // 4, patch["pixels"]).run()


def depth_words(patch: Mapping[str, Any], g: Geometry) -> int:
    """Words of depth per pixel, whole slots for the walk."""
    words = g.words * g.taps
    if patch["walk"] == "dense":
        return words
    per_slot = int(patch["block"]) // 4
    return ceil_div(words, per_slot) * per_slot


def _dense(g: Geometry, source: Source, flat: int) -> Depth:
    n, y, x = g.pixel(flat)
    codes: list[int] = []
    for ky in range(g.kernel[0]):
        for kx in range(g.kernel[1]):
            at = g.source(y, x, ky, kx)
            for word in range(g.words):
                codes += [source.pad_code] * 4 if at is None else source.word(g, n, word, *at)
    return Depth(codes, [False] * len(codes))


@dataclass(frozen=True)
class _Entry:
    """One tap of a run of pixels: where it reads and where it starts to write."""

    count: int  # pixels
    first: int  # first pixel inside the pass
    tap: int
    image: int
    row: int
    column: int  # of the first pixel; the next is one stride further


class _Walk:
    """The packing routine that advances by words written instead of by slots (A.12).

    Addresses are in words. Slot s of a tile's block holds `per_slot` words of one pixel.
    """

    def __init__(self, g: Geometry, source: Source, per_slot: int, tile: int) -> None:
        self.g, self.source, self.per_slot, self.tile = g, source, per_slot, tile
        self.blocks = ceil_div(g.words * g.taps, per_slot)
        self.unit = self.blocks * tile * per_slot  # words of one tile
        room = min(ceil_div(PASS_BYTES, self.blocks * per_slot * 4), g.pixels)
        self.tiles = ceil_div(room, tile)
        self.memory: dict[int, Word] = {}

    def run(self) -> list[Depth]:
        span = self.tile * self.tiles
        result = []
        for start in range(0, self.g.pixels, span):
            count = min(span, self.g.pixels - start)
            entries, outside = self._entries(start, count)
            if outside:
                fill = (self.source.pad_code,) * 4
                self.memory = dict.fromkeys(range(self.unit * self.tiles), fill)
            for entry in entries:
                self._write(entry)
            result += [self._read(i) for i in range(count)]
        return result

    def _entries(self, start: int, count: int) -> tuple[list[_Entry], bool]:
        """Taps of pixels start.. in writing order, and whether any tap lies outside the image."""
        entries, outside, done = [], False, 0
        while done < count:
            n, y, x = self.g.pixel(start + done)
            run = min(count - done, self.g.out[1] - x)
            for ky in range(self.g.kernel[0]):
                for kx in range(self.g.kernel[1]):
                    hits = [self.g.source(y, x + i, ky, kx) for i in range(run)]
                    good = [i for i, at in enumerate(hits) if at is not None]
                    outside |= len(good) < run
                    if good:
                        row, column = hits[good[0]] or (0, 0)
                        tap = ky * self.g.kernel[1] + kx
                        entries.append(_Entry(len(good), done + good[0], tap, n, row, column))
            done += run
        return entries, outside

    def _write(self, e: _Entry) -> None:
        """Puts the words of one tap; a tap that starts inside a slot strays from then on."""
        block, inside = divmod(e.tap * self.g.words, self.per_slot)
        tile, slot = divmod(e.first, self.tile)
        block_words = self.tile * self.per_slot
        at = tile * self.unit + block * block_words + slot * self.per_slot + inside
        begun = 4 * inside // self.per_slot  # bytes over words: right only for 4-word slots
        word = 0
        if begun > 0:
            step = min(max(self.per_slot - begun, 0), self.g.words)
            self._put(e, range(step), at)
            word, at = step, at + step
        while word < self.g.words:
            step = min(self.g.words - word, self.per_slot)
            self._put(e, range(word, word + step), at)
            word, at = word + step, at + block_words

    def _put(self, e: _Entry, words: range, at: int) -> None:
        slot = e.first % self.tile
        for i in range(e.count):
            tile, rest = divmod(slot + i, self.tile)
            target = at + tile * self.unit + (rest - slot) * self.per_slot
            column = e.column + i * self.g.stride[1]
            for k, word in enumerate(words):
                self.memory[target + k] = self.source.word(self.g, e.image, word, e.row, column)

    def _read(self, pixel: int) -> Depth:
        tile, slot = divmod(pixel, self.tile)
        codes: list[int] = []
        stale: list[bool] = []
        for block in range(self.blocks):
            at = tile * self.unit + (block * self.tile + slot) * self.per_slot
            for k in range(self.per_slot):
                word = self.memory.get(at + k)
                codes += word if word is not None else (0, 0, 0, 0)
                stale += [word is None] * 4
        return Depth(codes, stale)
