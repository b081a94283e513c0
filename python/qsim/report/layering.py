"""Which layer each node of a graph stands in, and where long drawings fold into columns."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from itertools import accumulate

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


def folds(heights: Sequence[float], crossing: Sequence[int]) -> list[list[int]]:
    """First layers of the columns, for one column, two columns and so on.

    `crossing[i]` counts the bundles that pass from layer i to layer i + 1; folds prefer few.
    """
    most = min(12, max(1, len(heights) // 4))
    return [_cuts(heights, crossing, columns) for columns in range(1, most + 1)]


def _cuts(heights: Sequence[float], crossing: Sequence[int], columns: int) -> list[int]:
    """Starts of `columns` parts of about equal height, each moved to a cheap place nearby."""
    reached = [0.0, *accumulate(heights)]
    starts = [0]
    for left in range(columns, 1, -1):
        share = (reached[-1] - reached[starts[-1]]) / left
        ideal = bisect_left(reached, reached[starts[-1]] + share)
        reach = max(1, (ideal - starts[-1]) // 4)
        low = max(starts[-1] + 1, ideal - reach)
        high = min(len(heights) - 1, ideal + reach)
        if low <= high:
            window = range(low, high + 1)
            starts.append(min(window, key=lambda i: (crossing[i - 1], abs(i - ideal), i)))
    return starts
