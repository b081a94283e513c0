"""Extents of a 2-D convolution and the flat order of its output pixels."""

from __future__ import annotations

from dataclasses import dataclass

from .words import ceil_div

Pair = tuple[int, int]


@dataclass(frozen=True)
class Geometry:
    """Input [batch, channels, h, w]; kernel, stride, pad (top, left), dilation, out: (h, w)."""

    batch: int
    channels: int
    size: Pair
    kernel: Pair
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: Pair = (1, 1)
    out: Pair = (1, 1)

    @property
    def pixels(self) -> int:
        """Output pixels of the whole batch."""
        return self.batch * self.out[0] * self.out[1]

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def words(self) -> int:
        """4-channel words of one tap."""
        return ceil_div(self.channels, 4)

    def pixel(self, flat: int) -> tuple[int, int, int]:
        """(image, row, column) of an output pixel; columns run fastest, images slowest."""
        n, rest = divmod(flat, self.out[0] * self.out[1])
        return (n, *divmod(rest, self.out[1]))

    def source(self, y: int, x: int, ky: int, kx: int) -> Pair | None:
        """Input position that tap (ky, kx) of output (y, x) reads, None outside the image."""
        row = y * self.stride[0] - self.pad[0] + ky * self.dilation[0]
        column = x * self.stride[1] - self.pad[1] + kx * self.dilation[1]
        inside = 0 <= row < self.size[0] and 0 <= column < self.size[1]
        return (row, column) if inside else None

    def index(self, n: int, channel: int, row: int, column: int) -> int:
        """Flat position in the input."""
        return ((n * self.channels + channel) * self.size[0] + row) * self.size[1] + column

    def lying(self) -> Geometry:
        """The same work with x and y exchanged where only the height is convolved."""
        thin = self.size[1] == 1 and self.out[1] == 1 and self.kernel[1] == 1 and self.pad[1] == 0
        if not thin or self.out[0] == 1:
            return self
        return Geometry(
            self.batch, self.channels, (1, self.size[0]), (1, self.kernel[0]),
            (1, self.stride[0]), (0, self.pad[0]), (1, self.dilation[0]), (1, self.out[0]),
        )


def output_extent(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    """Outputs along one axis with `pad` on both sides."""
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
