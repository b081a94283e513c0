"""Inline SVG: the graph of a page and the small histograms. Strings only, everything escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from markupsafe import Markup

from .layout import Box, Layout, Point, layout
from .model import OpView, Page, Severity, TensorStats
from .text import LABELS, MARKS, clean, number, plural, shorten

NODE = (132.0, 36.0)
PORT = (104.0, 24.0)
NAME_WIDTH = 21  # characters of a name that fit into a node
CORNER = 6.0
SMALLEST = (1100.0, 300.0)  # smaller drawings are not blown up
HOT: tuple[Severity, ...] = ("nonfinite", "origin")

BAR_VIEW = (192.0, 40.0)


@dataclass(frozen=True)
class Graph:
    """Ops and the tensors at the border as one list of nodes; `edges` are pairs of positions."""

    ops: Sequence[OpView]
    inputs: Sequence[str]
    outputs: Sequence[str]
    edges: tuple[tuple[int, int], ...]

    def name(self, node: int) -> str:
        """The name of an op or of a tensor at the border."""
        if node < len(self.ops):
            return self.ops[node].name
        return [*self.inputs, *self.outputs][node - len(self.ops)]


def graph_of(page: Page) -> Graph:
    """The graph of a page; tensors connect the ops, and only what is used is drawn."""
    maker = {tensor: i for i, op in enumerate(page.ops) for tensor in op.outputs}
    read = {tensor for op in page.ops for tensor in op.inputs}
    inputs = tuple(t for t in page.inputs if t in read and t not in maker)
    outputs = tuple(t for t in page.outputs if t in maker)
    for position, tensor in enumerate(inputs):
        maker[tensor] = len(page.ops) + position
    edges = [(maker[t], i) for i, op in enumerate(page.ops) for t in op.inputs if t in maker]
    first_output = len(page.ops) + len(inputs)
    edges += [(maker[t], first_output + i) for i, t in enumerate(outputs)]
    return Graph(page.ops, inputs, outputs, tuple(dict.fromkeys(edges)))


def graph_svg(page: Page) -> Markup:
    """The whole graph; nodes are links to the panels `#op-<position>`."""
    graph = graph_of(page)
    ports = len(graph.inputs) + len(graph.outputs)
    placed = layout([NODE] * len(graph.ops) + [PORT] * ports, graph.edges)
    marked = _path_edges(page, graph)
    readers = {name: c.name for c in page.shared_constants for name in c.consumers}
    width, height = max(placed.width, SMALLEST[0]), max(placed.height, SMALLEST[1])
    left, top = (placed.width - width) / 2, (placed.height - height) / 2
    parts = [
        f'<svg id="graph" viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}" ',
        f'style="aspect-ratio:{width:.1f}/{height:.1f}" ',
        f'role="group" aria-label="Graph of {plural(len(graph.ops), "op")}" ',
        'preserveAspectRatio="xMidYMid meet"><g class="edges">',
        *_edges(page, graph, placed, marked),
        '</g><g class="nodes">',
    ]
    for node, box in enumerate(placed.boxes):
        if node < len(graph.ops):
            parts.append(_node(node, graph.ops[node], box, readers.get(graph.ops[node].name)))
        else:
            into = node >= len(graph.ops) + len(graph.inputs)
            parts.append(_port(page, graph, node, box, into))
    parts.append("</g></svg>")
    return Markup("".join(parts))


def _path_edges(page: Page, graph: Graph) -> dict[tuple[int, int], Severity]:
    """Edges on the marked paths with the state of what flows along them."""
    position: dict[str, int] = {}
    for i, op in enumerate(graph.ops):
        position.setdefault(op.name, i)
    ends = {t: len(graph.ops) + len(graph.inputs) + i for i, t in enumerate(graph.outputs)}
    marked: dict[tuple[int, int], Severity] = {}
    for output, steps in page.paths.items():
        on_path = [(position.get(s.node, ends.get(s.node)), s.state) for s in steps]
        on_path.append((ends.get(output), "ok"))
        for (a, state), (b, _) in pairwise(on_path):
            if a is not None and b is not None:
                marked[a, b] = state
    return marked


def _edges(
    page: Page, graph: Graph, placed: Layout, marked: Mapping[tuple[int, int], Severity]
) -> list[str]:
    """All edges, the quiet ones first so that the marked path lies on top."""
    drawn: list[tuple[int, str]] = []
    for edge, points in placed.routes.items():
        source, target = edge
        rank, kind = 0, "edge"
        if edge in placed.direct:
            kind = "edge direct"
        severity = graph.ops[source].severity if source < len(graph.ops) else "ok"
        if severity in HOT:
            rank, kind = 1, kind + " hot"
        if edge in marked:
            state = "hot" if marked[edge] in HOT else "cooled"
            rank, kind = 2 + (state == "hot"), f"edge path {state}"
        d = path(points)
        drawn.append((rank, f'<path class="{kind}" data-e="{source}-{target}" d="{d}"/>'))
    drawn.sort(key=lambda each: each[0])
    return [text for _, text in drawn]


def path(points: Sequence[Point]) -> str:
    """SVG path data: straight where x or y agree, an S otherwise; right angles are rounded."""
    points = [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
    out = [f"M{points[0][0]:g} {points[0][1]:g}"]
    for i in range(1, len(points)):
        (x0, y0), (x1, y1) = points[i - 1], points[i]
        if x0 != x1 and y0 != y1:
            middle = (y0 + y1) / 2
            out.append(f"C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {y1:g}")
            continue
        corner = i + 1 < len(points) and (x0 == x1) != (points[i + 1][0] == x1)
        corner = corner and (points[i + 1][0] == x1 or points[i + 1][1] == y1)
        if corner:
            before, here, after = points[i - 1 : i + 2]
            r = min(CORNER, _span(before, here) / 2, _span(here, after) / 2)
            ax, ay = _towards(here, before, r)
            bx, by = _towards(here, after, r)
            out.append(f"L{ax:g} {ay:g}Q{x1:g} {y1:g} {bx:g} {by:g}")
        else:
            out.append(f"L{x1:g} {y1:g}")
    return "".join(out)


def _span(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _towards(a: Point, b: Point, distance: float) -> Point:
    total = _span(a, b) or 1.0
    t = distance / total
    return round(a[0] + (b[0] - a[0]) * t, 1), round(a[1] + (b[1] - a[1]) * t, 1)


def _text(x: float, y: float, kind: str, words: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(clean(words))}</text>'


def _node(index: int, op: OpView, box: Box, constant: str | None) -> str:
    x, y, w, h = box.x, box.y, box.width, box.height
    words = f"{op.op} {op.name}: {LABELS[op.severity]}"
    tip = words + (f"; reads the shared constant {constant}" if constant is not None else "")
    parts = [
        f'<a class="node s-{op.severity}" href="#op-{index}" data-n="{index}" ',
        f'aria-label="{escape(clean(words))}"><title>{escape(clean(tip))}</title>',
    ]
    if op.severity == "origin":
        parts.append(
            f'<rect class="halo" x="{x - 5:g}" y="{y - 5:g}" width="{w + 10:g}" '
            f'height="{h + 10:g}" rx="11"/>'
        )
    parts.append(f'<rect class="box" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="7"/>')
    left = x + 9
    if op.severity != "ok":
        parts.append(_text(left, y + 14.5, "mark", MARKS[op.severity]))
        left += 14
    parts.append(_text(left, y + 14.5, "op", shorten(op.op, 12 if op.integer else 16)))
    if op.integer:
        parts.append(_text(x + w - 8, y + 14, "int", "int"))
    parts.append(_text(x + 9, y + 28, "name", shorten(op.name, NAME_WIDTH)))
    if constant is not None:
        cx, cy = x + w, y + h - 9
        parts.append(f'<path class="shared" d="M{cx - 5:g} {cy:g}l5 -5l5 5l-5 5z"/>')
    parts.append("</a>")
    return "".join(parts)


def _port(page: Page, graph: Graph, node: int, box: Box, into: bool) -> str:
    """A tensor at the border of the graph; an output takes the look of the op that made it."""
    name = graph.name(node)
    look = "ok"
    if into:
        maker = next(op for op in reversed(graph.ops) if name in op.outputs)
        look = "nonfinite" if maker.severity in HOT else "ok"
    x, y, w, h = box.x, box.y, box.width, box.height
    kind = "output" if into else "input"
    label = escape(clean(f"{kind} {name}"))
    return (
        f'<g class="port s-{look}" aria-label="{label}"><title>{label}</title>'
        f'<rect class="box" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{h / 2:g}"/>'
        + _text(x + w / 2, y + h / 2 + 3.6, "portname", shorten(name, 15))
        + "</g>"
    )


def histogram_svg(tensor: TensorStats) -> Markup:
    """Bars of a tensor's histogram; empty if there are none. End bins are marked as rails."""
    bars, top = tensor.histogram, max(tensor.histogram, default=0)
    if top <= 0:
        return Markup("")
    width, height = BAR_VIEW
    step = width / len(bars)
    gap = min(1.0, step * 0.2)
    drawn = []
    for i, count in enumerate(bars):
        if count > 0:
            tall = max(1.0, round(count / top * (height - 2), 1))
            drawn.append(f"M{i * step:.5g} {height:g}v-{tall:g}h{step - gap:.4g}v{tall:g}z")
    label = (
        f"histogram of {plural(sum(bars), 'finite element')} "
        f"from {number(tensor.min)} to {number(tensor.max)}"
    )
    rails = ""
    if tensor.rail_fraction:
        rails = f'<path class="rail" d="M0 0v{height:g}M{width:g} 0v{height:g}"/>'
    return Markup(
        f'<svg class="hist" viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none" '
        f'role="img" aria-label="{escape(clean(label))}">'
        f'<path class="bars" d="{"".join(drawn)}"/>{rails}</svg>'
    )
