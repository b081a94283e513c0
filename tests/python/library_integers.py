"""The library as a court of integer kernels: sums, rescaling and pools by one profile."""

from __future__ import annotations

import numpy as np

import qsim
from integer_court import Codes, OracleCourt, Window, Words

__all__ = ["LibraryCourt"]


class LibraryCourt(OracleCourt):
    """Public functions; softmax and tables with raw multipliers stay the oracle's."""

    def __init__(self, profile: str) -> None:
        super().__init__(profile)
        self.profile = profile

    def accumulate(
        self,
        lhs: Codes,
        rhs: Codes,
        lhs_zero: int = 0,
        rhs_zero: int = 0,
        initial: Words | None = None,
        *,
        wide: bool = False,
    ) -> Words:
        start = None if initial is None else np.ascontiguousarray(initial)
        sums = qsim.gemm(
            np.ascontiguousarray(lhs), np.ascontiguousarray(rhs), profile=self.profile,
            lhs_zero=lhs_zero, rhs_zero=rhs_zero, initial=start,
        )  # fmt: skip
        return sums.astype(np.int64 if wide else np.int32)

    def rescale(
        self, acc: Words, multiplier: int | Words, shift: int | Words, wide: bool = False
    ) -> Words:
        if acc.ndim == 0 or acc.size == 0 or acc.dtype not in (np.int32, np.int64):
            return super().rescale(acc, multiplier, shift, wide)
        sums = acc.astype(np.int64) if wide else acc.astype(np.int32)
        return qsim.requantize(
            sums, profile=self.profile, multiplier=np.asarray(multiplier),
            shift=np.asarray(shift), out_dtype="int32", kind="wide" if wide else "convolution",
        )  # fmt: skip

    def _pool(self, kind: str, image: Codes, window: Window) -> Codes:
        extents = zip(image.shape[1:3], window.size, window.stride, window.pad, window.output,
                      strict=True)  # fmt: skip
        after = [max(0, (o - 1) * s + k - n - p) for n, k, s, p, o in extents]
        pooled = qsim.pool(
            np.ascontiguousarray(image), kind=kind, profile=self.profile, kernel=window.size,
            stride=window.stride, pads=(*window.pad, *after), channels_last=True,
        )  # fmt: skip
        return pooled[:, : window.output[0], : window.output[1]]

    def max_pool(self, image: Codes, window: Window) -> Codes:
        return self._pool("max", image, window)

    def average_pool(self, image: Codes, window: Window) -> Codes:
        return self._pool("average", image, window)
