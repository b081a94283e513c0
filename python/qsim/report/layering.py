"""Which layer each node of a graph stands in, and where long drawings fold into columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

Edge = tuple[int, int]


def topological(count: int, edges: Sequence[Edge]) -> list[int]:
    """Node indices, producers first; a cycle is opened at its node of lowest index."""
    after: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        after[source].append(target)
        waiting[target] += 1
    ready = deque(v for v in range(count) if waiting[v] == 0)
    order: list[int] = []
    placed = [False] * count
    lowest = 0
    while len(order) < count:
        if not ready:
            while placed[lowest]:
                lowest += 1
            ready.append(lowest)
        v = ready.popleft()
        if placed[v]:
            continue
        placed[v] = True
        order.append(v)
        for w in after[v]:
            waiting[w] -= 1
            if waiting[w] == 0 and not placed[w]:
                ready.append(w)
    return order


def layers(count: int, edges: Sequence[Edge]) -> tuple[list[int], list[Edge]]:
    """The layer of each node and the edges that lead from a lower to a higher layer.

    Longest-path layering, then every node that does not feed fewer edges than it reads moves as
    close to its consumers as they allow: what is needed late is drawn late.
    """
    order = topological(count, edges)
    rank = [0] * count
    for position, v in enumerate(order):
        rank[v] = position
    forward = [(s, t) for s, t in edges if rank[s] < rank[t]]
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in forward:
        after[source].append(target)
        before[target].append(source)
    layer = [0] * count
    for v in order:
        layer[v] = max((layer[u] + 1 for u in before[v]), default=0)
    for v in reversed(order):
        if after[v] and len(before[v]) <= len(after[v]):
            layer[v] = min(layer[w] for w in after[v]) - 1
    used = {value: position for position, value in enumerate(sorted(set(layer)))}
    return [used[value] for value in layer], forward


def fold(
    widths: Sequence[float],
    heights: Sequence[float],
    crossing: Sequence[int],
    view: tuple[float, float],
    gutter: float,
) -> list[int]:
    """First layers of the columns in which a drawing is largest when fitted into `view`.

    `crossing[i]` counts the bundles that pass from layer i to layer i + 1; folds prefer few.
    """
    best: list[int] = [0]
    best_scale = 0.0
    for columns in range(1, min(12, max(1, len(widths) // 4)) + 1):
        starts = _cuts(heights, crossing, columns)
        ends = [*starts[1:], len(widths)]
        spans = [slice(a, b) for a, b in zip(starts, ends, strict=True)]
        width = sum(max(widths[s]) for s in spans) + gutter * (columns - 1)
        height = max(sum(heights[s]) for s in spans)
        scale = min(1.0, view[0] / max(width, 1.0), view[1] / max(height, 1.0))
        if scale > best_scale * 1.08:
            best, best_scale = starts, scale
    return best


def _cuts(heights: Sequence[float], crossing: Sequence[int], columns: int) -> list[int]:
    """Starts of `columns` parts of about equal height, each moved to a cheap place nearby."""
    total = sum(heights)
    reached, starts = 0.0, [0]
    bounds: list[int] = []
    for index, height in enumerate(heights):
        while len(bounds) < columns - 1 and reached >= total * (len(bounds) + 1) / columns:
            bounds.append(index)
        reached += height
    reach = max(1, len(heights) // columns // 4)
    for ideal in bounds:
        low = max(starts[-1] + 1, ideal - reach)
        high = min(len(heights) - 1, ideal + reach)
        if low <= high:
            window = range(low, high + 1)
            starts.append(min(window, key=lambda i: (crossing[i - 1], abs(i - ideal), i)))
    return starts
