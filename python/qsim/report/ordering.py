"""The order of items within the rows of a drawing, and their horizontal places."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field

GAP = 12.0
SLACK = 1.12  # width of a column over the width of its fullest row
SWEEPS = 10
PLACING = 14
INFINITE = float("inf")
WIDE = 80  # rows longer than this are not polished by swaps


@dataclass
class Rows:
    """Items in rows with links between neighbouring rows. A firm item wants a straight line."""

    rows: list[list[int]] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    firm: list[bool] = field(default_factory=list)
    up: list[list[int]] = field(default_factory=list)
    down: list[list[int]] = field(default_factory=list)

    def add(self, row: int, width: float, firm: bool) -> int:
        """A new item at the right end of a row."""
        item = len(self.width)
        self.rows[row].append(item)
        self.width.append(width)
        self.firm.append(firm)
        self.up.append([])
        self.down.append([])
        return item

    def link(self, above: int, below: int) -> None:
        """Connect an item with one in the next row."""
        if below not in self.down[above]:
            self.down[above].append(below)
            self.up[below].append(above)


def order(rows: Rows) -> None:
    """Sort each row so that few links cross: barycentres down and up, then swaps."""
    place = [0.0] * len(rows.width)
    for row in rows.rows:
        _number(row, place)
    best = [row[:] for row in rows.rows]
    fewest = crossings(rows, place)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        downward = sweep % 2 == 0
        near = rows.up if downward else rows.down
        for row in rows.rows if downward else reversed(rows.rows):
            key = {
                item: sum(place[n] for n in near[item]) / len(near[item])
                if near[item]
                else place[item]
                for item in row
            }
            row.sort(key=key.__getitem__)
            _number(row, place)
        _swap(rows, place)
        count = crossings(rows, place)
        if count < fewest:
            fewest, best = count, [row[:] for row in rows.rows]
    rows.rows = best


def _number(row: Sequence[int], place: list[float]) -> None:
    middle = (len(row) - 1) / 2
    for position, item in enumerate(row):
        place[item] = position - middle


def crossings(rows: Rows, place: Sequence[float]) -> int:
    """How many pairs of links cross."""
    total = 0
    for row in rows.rows:
        seen: list[float] = []
        for item in row:
            ends = [place[below] for below in rows.down[item]]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _swap(rows: Rows, place: list[float]) -> None:
    """Exchange neighbours where that removes crossings."""
    for row in rows.rows:
        if len(row) > WIDE:
            continue
        for i in range(len(row) - 1):
            left, right = row[i], row[i + 1]
            gain = 0
            for near in (rows.up, rows.down):
                for a in near[left]:
                    for b in near[right]:
                        gain += (place[a] > place[b]) - (place[a] < place[b])
            if gain > 0:
                row[i], row[i + 1] = right, left
                place[left], place[right] = place[right], place[left]


def place(rows: Rows) -> list[float]:
    """Centres of all items: no overlap, order kept, links as straight as that allows."""
    x = [0.0] * len(rows.width)
    natural = [sum(rows.width[i] + GAP for i in row) for row in rows.rows]
    half = SLACK * max(natural, default=0.0) / 2
    for row in rows.rows:
        _settle(rows, row, [0.0] * len(row), [1.0] * len(row), half, x)
    for sweep in range(PLACING):
        last = sweep >= PLACING - 4
        for row in rows.rows if sweep % 2 == 0 else reversed(rows.rows):
            wishes, weights = [], []
            for item in row:
                near = rows.up[item] if sweep % 2 == 0 else rows.down[item]
                if last:
                    near = rows.up[item] + rows.down[item]
                pull = [4.0 if rows.firm[n] and rows.firm[item] else 1.0 for n in near]
                total = sum(pull)
                wish = sum(p * x[n] for p, n in zip(pull, near, strict=True))
                wishes.append(wish / total if total else x[item])
                weights.append(total or 0.2)
            _settle(rows, row, wishes, weights, half, x)
    _straighten(rows, half, x)
    return x


def _straighten(rows: Rows, half: float, x: list[float]) -> None:
    """Put chains of items upright as far as their neighbours in the rows leave room."""
    room: dict[int, tuple[int | None, int | None]] = {}
    for row in rows.rows:
        for position, item in enumerate(row):
            left = row[position - 1] if position else None
            right = row[position + 1] if position + 1 < len(row) else None
            room[item] = (left, right)
    for _ in range(2):
        seen: set[int] = set()
        for row in rows.rows:
            for item in row:
                chain = []
                following: int | None = item
                while following is not None and following not in seen:
                    seen.add(following)
                    chain.append(following)
                    following = _next(rows, following)
                _upright(rows, chain, room, half, x)


def _next(rows: Rows, item: int) -> int | None:
    """The item below that continues a line: the trunk's, or the only one if it has no other."""
    below = rows.down[item]
    if rows.firm[item]:
        return next((b for b in below if rows.firm[b]), None)
    alone = len(below) == 1 and len(rows.up[below[0]]) == 1
    return below[0] if alone and not rows.firm[below[0]] else None


def _upright(
    rows: Rows,
    chain: Sequence[int],
    room: dict[int, tuple[int | None, int | None]],
    half: float,
    x: list[float],
) -> None:
    """Give the longest stretches of a chain that fit under each other one place."""
    stretch: list[int] = []
    low, high = -INFINITE, INFINITE
    for item in [*chain, None]:
        if item is not None:
            left, right = room[item]
            own = rows.width[item] / 2
            a = own - half if left is None else x[left] + rows.width[left] / 2 + GAP + own
            b = half - own if right is None else x[right] - rows.width[right] / 2 - GAP - own
            if max(low, a) <= min(high, b):
                low, high = max(low, a), min(high, b)
                stretch.append(item)
                continue
        if len(stretch) > 1:
            middle = sorted(x[i] for i in stretch)[len(stretch) // 2]
            for i in stretch:
                x[i] = min(high, max(low, middle))
        if item is not None:
            stretch, low, high = [item], a, b


def _settle(
    rows: Rows,
    row: Sequence[int],
    wishes: list[float],
    weights: list[float],
    half: float,
    x: list[float],
) -> None:
    """Least-squares places near `wishes` at legal distances (pool adjacent violators).

    Nothing goes beyond `half` to either side of the middle.
    """
    if not row:
        return
    offset, offsets = 0.0, []
    for position, item in enumerate(row):
        if position:
            offset += (rows.width[row[position - 1]] + rows.width[item]) / 2 + GAP
        offsets.append(offset)
    middle = offset / 2
    pools: list[tuple[float, float, int]] = []  # weighted sum, weight, how many
    for wish, weight, o in zip(wishes, weights, offsets, strict=True):
        total, mass, size = (wish - (o - middle)) * weight, weight, 1
        while pools and pools[-1][0] * mass >= total * pools[-1][1]:
            before = pools.pop()
            total, mass, size = total + before[0], mass + before[1], size + before[2]
        pools.append((total, mass, size))
    position = 0
    low = middle - half + rows.width[row[0]] / 2
    high = half - middle - rows.width[row[-1]] / 2
    for total, mass, size in pools:
        for _ in range(size):
            x[row[position]] = min(high, max(low, total / mass)) + offsets[position] - middle
            position += 1
