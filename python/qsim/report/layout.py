"""Where the nodes and edges of a graph are drawn: layers from top to bottom, folded in columns.

A long chain drawn in one piece is either thin or tiny. Like text, the drawing is folded into
columns that are read from left to right; edges between columns run around them in gutters.
Edges of one source share a trunk, which has a lane of its own in every layer that it passes, so
that no edge runs behind a node. Time grows linearly with nodes and lanes; lanes are limited.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from .layering import Edge, folds, layers
from .ordering import Rows, order, place

Point = tuple[float, float]

VIEW = (1520.0, 860.0)  # the drawing is folded to be largest in a window of this size
MARGIN = 18.0
GUTTER = 36.0
TRACK = 9.0  # between parallel edges around the columns
LANE = 6.0  # width of an edge that passes a layer
ROW_GAP = (19.0, 40.0)
LANES_PER_NODE = 6
TRY_ALL = 400  # with so many nodes or fewer, every fold is tried out


@dataclass(frozen=True)
class Box:
    """A placed node: left, top, width, height; its layer and its column."""

    x: float
    y: float
    width: float
    height: float
    layer: int
    column: int


@dataclass(frozen=True)
class Layout:
    """Boxes by node, routes by edge (points from source to target), extent of the drawing.

    A route runs straight between points with equal x or y and bends like an S between others.
    """

    boxes: tuple[Box, ...]
    routes: Mapping[Edge, tuple[Point, ...]]
    direct: frozenset[Edge]  # edges drawn straight across the picture, for want of room
    width: float
    height: float


@dataclass
class _Column:
    first: int  # first layer
    count: int  # layers
    rows: Rows = field(default_factory=Rows)
    left: float = 0.0
    width: float = 0.0
    top: list[float] = field(default_factory=list)  # by row
    bottom: list[float] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)  # sources that come in from other columns


def layout(sizes: Sequence[tuple[float, float]], edges: Iterable[Edge]) -> Layout:
    """Place nodes of the given (width, height); the same input gives the same picture."""
    if not sizes:
        return Layout((), {}, frozenset(), 2 * MARGIN, 2 * MARGIN)
    unique = list(dict.fromkeys((s, t) for s, t in edges if s != t))
    layer, forward = layers(len(sizes), unique)
    drawing = _Drawing(sizes, layer, forward)
    candidates = drawing.folds()
    if len(sizes) <= TRY_ALL:
        for starts in candidates:
            other = _Drawing(sizes, layer, forward)
            other.arrange(starts)
            if not drawing.columns or other.scale() > 1.08 * drawing.scale():
                drawing = other
    else:
        drawing.arrange(max(candidates, key=drawing.guess))
    return drawing.result([e for e in unique if e not in set(forward)])


class _Drawing:
    """The state of one call of `layout`."""

    def __init__(
        self, sizes: Sequence[tuple[float, float]], layer: list[int], edges: list[Edge]
    ) -> None:
        self.sizes, self.layer = sizes, layer
        self.targets: dict[int, list[int]] = {}
        for source, target in edges:
            self.targets.setdefault(source, []).append(target)
        self.direct = self._too_long()
        self.columns: list[_Column] = []
        self.column_of = [0] * len(sizes)
        self.item: list[int] = [0] * len(sizes)
        self.trunk: dict[tuple[int, int], dict[int, int]] = {}  # (source, column): row -> item
        self.x: list[list[float]] = []
        self.depth = 0.0

    def _too_long(self) -> set[int]:
        """Sources whose trunks would take more lanes than a readable drawing has."""
        spans = sorted(
            (max(self.layer[t] for t in targets) - self.layer[source], source)
            for source, targets in self.targets.items()
        )
        room = LANES_PER_NODE * len(self.sizes) + 200
        dropped = set()
        for span, source in spans:
            room -= span - 1
            if room < 0:
                dropped.add(source)
        return dropped

    def folds(self) -> list[list[int]]:
        """First layers of the columns, for one column and more; keeps what `guess` needs."""
        count = max(self.layer) + 1
        self.widths, self.heights = [0.0] * count, [0.0] * count
        for (width, height), at in zip(self.sizes, self.layer, strict=True):
            self.widths[at] += width + 12.0
            self.heights[at] = max(self.heights[at], height + 30.0)
        change = [0] * (count + 1)
        for source, targets in self.targets.items():
            change[self.layer[source]] += 1
            change[max(self.layer[t] for t in targets)] -= 1
        crossing = list(accumulate(change[:-1]))
        for at, bundles in enumerate(crossing):
            self.widths[at] += 12.0 * max(0, bundles - 2)
        return folds(self.heights, crossing)

    def guess(self, starts: Sequence[int]) -> float:
        """About the scale of the drawing in the window, without arranging it."""
        ends = [*starts[1:], len(self.widths)]
        spans = [slice(a, b) for a, b in zip(starts, ends, strict=True)]
        width = sum(1.3 * max(self.widths[s]) for s in spans) + GUTTER * len(spans)
        return _scale(width, max(sum(self.heights[s]) for s in spans))

    def scale(self) -> float:
        """The scale of the arranged drawing in the window."""
        return _scale(self.columns[-1].left + self.columns[-1].width, self.depth)

    def arrange(self, starts: Sequence[int]) -> None:
        """Fill the columns, order and place their items, stack the rows."""
        ends = [*starts[1:], max(self.layer) + 1]
        self.columns = [_Column(a, b - a) for a, b in zip(starts, ends, strict=True)]
        self.column_of = [bisect_right(starts, at) - 1 for at in self.layer]
        for column in self.columns:
            column.rows.rows = [[] for _ in range(column.count + 2)]  # ports above and below
        for v in sorted(range(len(self.sizes)), key=lambda v: (self.layer[v], v)):
            column = self.columns[self.column_of[v]]
            row = self.layer[v] - column.first + 1
            self.item[v] = column.rows.add(row, self.sizes[v][0], False)
        for source, targets in self.targets.items():
            if source not in self.direct:
                for c in sorted({self.column_of[source], *(self.column_of[t] for t in targets)}):
                    self._grow(source, c, targets)
        left = MARGIN
        ceiling = MARGIN + max(self._gap(c) * len(c.entries) for c in self.columns)
        for column in self.columns:
            order(column.rows)
            x = place(column.rows)
            self._stack(column, x, ceiling)
            left += self._gap(column) * len(column.entries) + (GUTTER if column.first else 0.0)
            edges = [
                (x[i] - column.rows.width[i] / 2, x[i] + column.rows.width[i] / 2)
                for row in column.rows.rows
                for i in row
            ]
            low, high = min(a for a, _ in edges), max(b for _, b in edges)
            self.x.append([value - low + left for value in x])
            column.left, column.width = left, high - low
            left += column.width
        self.depth = max(c.bottom[-1] for c in self.columns)

    @staticmethod
    def _gap(column: _Column) -> float:
        """Between the parallel edges that enter a column."""
        return min(TRACK, 24 * TRACK / max(1, len(column.entries)))

    def _grow(self, source: int, c: int, targets: list[int]) -> None:
        """The trunk of a source within one column: lanes, ports and links."""
        column, home = self.columns[c], self.column_of[source]
        rows = column.rows
        local = [t for t in targets if self.column_of[t] == c]
        last = max((self.layer[t] - column.first + 1 for t in local), default=0) - 1
        if c == home:
            first = self.layer[source] - column.first + 1
            trunk = {first: self.item[source]}
            if len(local) < len(targets):
                last = column.count + 1
        else:
            first, trunk = 0, {0: rows.add(0, LANE, True)}
            column.entries.append(source)
        for row in range(first + 1, last + 1):
            trunk[row] = rows.add(row, LANE, True)
            rows.link(trunk[row - 1], trunk[row])
        for t in local:
            rows.link(trunk[self.layer[t] - column.first], self.item[t])
        self.trunk[source, c] = trunk

    def _stack(self, column: _Column, x: list[float], top: float) -> None:
        """The top and bottom of each row; slanting links get more room."""
        rows = column.rows.rows
        tall = [0.0] * len(rows)
        for v, (_, height) in enumerate(self.sizes):
            if self.columns[self.column_of[v]] is column:
                row = self.layer[v] - column.first + 1
                tall[row] = max(tall[row], height)
        low, high = ROW_GAP
        y = top
        for number, items in enumerate(rows):
            column.top.append(y)
            column.bottom.append(y + tall[number])
            slant = max((abs(x[i] - x[j]) for i in items for j in column.rows.down[i]), default=0.0)
            y += tall[number] + (min(high, low + 0.05 * slant) if items else low / 2)

    def result(self, backward: list[Edge]) -> Layout:
        """Boxes and routes in one frame."""
        back = set(backward)
        boxes = []
        for v, (width, height) in enumerate(self.sizes):
            column = self.columns[self.column_of[v]]
            row = self.layer[v] - column.first + 1
            x = self.x[self.column_of[v]][self.item[v]] - width / 2
            y = (column.top[row] + column.bottom[row] - height) / 2
            at = (round(x, 1), round(y, 1))
            boxes.append(Box(*at, width, height, self.layer[v], self.column_of[v]))
        tracks = self._tracks()
        routes: dict[Edge, list[Point]] = {}
        for source, targets in self.targets.items():
            for target in targets:
                routes[source, target] = self._route(source, target, boxes, tracks)
        for source, target in backward:
            routes[source, target] = _straight(boxes[source], boxes[target])
        _spread(routes, boxes)
        for edge, route in routes.items():
            if edge[0] not in self.direct and edge not in back:
                self._leave_rows(edge, route)
        width = max(c.left + c.width for c in self.columns) + MARGIN
        below = max(tracks.values(), default=-1) + 1
        return Layout(
            tuple(boxes),
            {e: tuple((round(x, 1), round(y, 1)) for x, y in r) for e, r in routes.items()},
            frozenset(
                [(s, t) for s, ts in self.targets.items() for t in ts if s in self.direct]
                + backward
            ),
            round(width, 1),
            round(self.depth + TRACK * below + MARGIN, 1),
        )

    def _leave_rows(self, edge: Edge, route: list[Point]) -> None:
        """Let a route bend only between rows, also where its ends are lower than their rows."""
        rows = []
        for v in edge:
            column = self.columns[self.column_of[v]]
            row = self.layer[v] - column.first + 1
            rows.append((round(column.top[row], 1), round(column.bottom[row], 1)))
        if route[0][1] < rows[0][1]:
            route.insert(1, (route[0][0], rows[0][1]))
        if route[-1][1] > rows[1][0]:
            route.insert(-1, (route[-1][0], rows[1][0]))

    def _tracks(self) -> dict[int, int]:
        """A horizontal track below the columns for each source that crosses; tracks are shared."""
        spans = []
        for source in {s for column in self.columns for s in column.entries}:
            home = self.column_of[source]
            others = [i for i, column in enumerate(self.columns) if source in column.entries]
            spans.append((min(home, *others), max(home, *others), source))
        ends: list[int] = []
        tracks: dict[int, int] = {}
        for low, high, source in sorted(spans):
            track = next((i for i, end in enumerate(ends) if end < low), len(ends))
            if track == len(ends):
                ends.append(high)
            ends[track] = high
            tracks[source] = track
        return tracks

    def _route(
        self, source: int, target: int, boxes: list[Box], tracks: Mapping[int, int]
    ) -> list[Point]:
        start, end = boxes[source], boxes[target]
        if source in self.direct:
            return _straight(start, end)
        home, there = self.column_of[source], self.column_of[target]
        points: list[Point] = [(start.x + start.width / 2, start.y + start.height)]
        row = self.layer[target] - self.columns[there].first + 1
        first = self.layer[source] - self.columns[home].first + 2
        if home == there:
            points += self._descend(source, home, first, row)
        else:
            column = self.columns[there]
            points += self._descend(source, home, first, self.columns[home].count + 2)
            turn = self.depth + TRACK * (tracks[source] + 1)
            lane = column.entries.index(source)
            gap = self._gap(column)
            aside = column.left - GUTTER / 2 - gap * lane
            above = column.top[0] - gap * (lane + 1)
            entry = self.x[there][self.trunk[source, there][0]]
            points += [(points[-1][0], turn), (aside, turn), (aside, above), (entry, above)]
            points += self._descend(source, there, 0, row)
        points.append((end.x + end.width / 2, end.y))
        return points

    def _descend(self, source: int, c: int, first: int, end: int) -> list[Point]:
        """Top and bottom of the trunk's lane in each row from `first` up to, not with, `end`."""
        column, trunk = self.columns[c], self.trunk[source, c]
        points: list[Point] = []
        for row in range(first, end):
            x = self.x[c][trunk[row]]
            points += [(x, column.top[row]), (x, column.bottom[row])]
        return points


def _scale(width: float, height: float) -> float:
    return min(1.0, VIEW[0] / max(width, 1.0), VIEW[1] / max(height, 1.0))


def _straight(start: Box, end: Box) -> list[Point]:
    return [
        (start.x + start.width / 2, start.y + start.height),
        (end.x + end.width / 2, end.y),
    ]


def _spread(routes: dict[Edge, list[Point]], boxes: Sequence[Box]) -> None:
    """Let the edges into one node end side by side, in the order in which they arrive."""
    arriving: dict[int, list[Edge]] = {}
    for edge in routes:
        arriving.setdefault(edge[1], []).append(edge)
    for target, edges in arriving.items():
        edges.sort(key=lambda e: (routes[e][-2][0], e))
        box = boxes[target]
        step = min(22.0, 0.7 * box.width / len(edges))
        for position, edge in enumerate(edges):
            shift = (position - (len(edges) - 1) / 2) * step
            routes[edge][-1] = (box.x + box.width / 2 + shift, box.y)
