"""Reports: one safe, self-contained, reproducible HTML file; a legal layout; strict JSON."""

from __future__ import annotations

import io
import json
import math
import random
import re
import time
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from rich.cells import cell_len
from rich.console import Console

from qsim.report import (
    FixView,
    LaunderView,
    OpView,
    OriginView,
    Page,
    PathStep,
    Severity,
    Share,
    SharedConstant,
    Table,
    TensorStats,
    dumps,
    from_jsonable,
    loads,
    print_tables,
    print_trace,
    render,
    to_jsonable,
)
from qsim.report.layout import Layout, layout
from qsim.report.summary import stretches
from qsim.report.svg import graph_of, path
from qsim.report.text import clean, number, percent, shorten

NAN, INF = math.nan, math.inf
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onclick='x",
    "{{ 7 * 7 }}{% raw %}",
    "</style></title></svg>",
    "[bold red]markup[/]",
    "名前/слой/😀",
    "right\u202eto left",
    "escape\x1b[31m\x00\x07",
    "lone\ud800surrogate",
    *["long/" * 400, ""],
]
COUNT = 300


def op_name(i: int) -> str:
    return HOSTILE[i] if i < len(HOSTILE) else f"/step{i // 30}/op{i}"


def chain_edges(count: int, seed: int, reach: int = 20) -> list[tuple[int, int]]:
    rng = random.Random(seed)
    return [(rng.randrange(max(0, i - reach), i), i) for i in range(1, count) for _ in range(2)]


def severity_of(i: int) -> Severity:
    if i == 40:
        return "origin"
    return ("ok", "note", "differs", "laundered", "nonfinite", "ok")[i % 6]


def make_page(count: int = COUNT) -> Page:
    reads: dict[int, list[str]] = {}
    for source, target in dict.fromkeys(chain_edges(count, 5)):
        reads.setdefault(target, []).append(f"t{source}")
    ops = []
    for i in range(count):
        low_high = {"min": -1.5, "max": INF if i % 50 == 0 else 2.25}
        mean, scale = NAN if i % 7 == 0 else 0.1, INF if i == 40 else 0.01
        stats = TensorStats(
            f"t{i}", [4, i], "float32", 4 * i, **low_high, mean=mean, nonfinite=i % 3, nan=i % 3,
            scale=scale, zero=-3, rail_fraction=0.25, histogram=[0, i, 3, 1],
        )  # fmt: skip
        ops.append(
            OpView(
                name=op_name(i),
                op="Conv" if i % 2 else "<b>Add",
                integer=i % 2 == 1,
                inputs=[*reads.get(i, []), "x"] if i < 2 else reads[i],
                outputs=[f"t{i}"],
                severity=severity_of(i),
                notes=["<i>note</i> & more"],
                tensors=[stats],
                metrics={"max_abs": NAN, "<key>": "<value>", "max_lsb": 3},
            )
        )
    rows = [["<td>", Share(0.975), 3, None, NAN], [HOSTILE[0], Share(0.0), 123456, "x", -INF]]
    steps = [PathStep(op_name(i), f"t{i}", severity_of(i)) for i in range(40, 60)]
    return Page(
        title="Where <NaN> is born",
        subtitle="a & b",
        profile="engine.x64",
        compared_with="reference",
        tables=[Table("Runs <1>", ["a", "top-1", "n", "m", "z"], rows, ["ok", "nonfinite"])],
        ops=ops,
        inputs=["x", "never read"],
        outputs=[f"t{count - 1}", "never made"],
        origins=[
            OriginView(op_name(40), "t40", [0, 3], 12, "zero_range_scale", ["Because <0>."], "p")
        ],
        laundered=[
            LaunderView(op_name(i), f"t{i}", "NaN", 5, [("1", 4), ("0", 1)], "why")
            for i in range(3, COUNT, 30)
        ],
        paths={f"t{count - 1}": steps, "<output>": []},
        shared_constants=[SharedConstant("W<1>", [op_name(i) for i in range(40, 80)])],
        fixes=[FixView("Guard the range.", "finite"), FixView("Or leave it in float.")],
        versions={"qsim": "0.0.0", "<k>": "<v>"},
    )


@pytest.fixture(scope="module")
def page() -> Page:
    return make_page()


@pytest.fixture(scope="module")
def html(page: Page) -> str:
    return render(page)


class Outline(HTMLParser):
    """Elements, attributes and text of a page; complains about tags that do not match."""

    VOID = frozenset({"meta", "input", "br", "link", "img", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag} {attrs}"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"style", "script"}:
            self.words.append(data)


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


# --- the HTML file --------------------------------------------------------------------------------


def test_page_is_one_file_without_references(html: str, outline: Outline) -> None:
    for tag, attributes in outline.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed", "image", "use", "base"}
        assert not {"src", "srcset", "data", "xlink:href", "action"} & set(attributes), tag
        assert attributes.get("href", "#").startswith("#")
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"url\(|@import|https?:|fetch\(|import\(", "".join(style))
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(script) == 1
    assert not re.search(r"https?:|fetch\(|XMLHttp|import\s|innerHTML|eval\(", script[0])
    assert "default-src 'none'" in html


def test_hostile_names_stay_text(html: str, outline: Outline) -> None:
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert not [a for _, attrs in outline.tags for a in attrs if a.startswith("on")]
    words = "".join(outline.words)
    for name in HOSTILE:
        assert clean(name) in words
    assert "{{ 7 * 7 }}" in words
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)
    html.encode("utf-8")


def test_links_inside_the_page_have_targets(outline: Outline) -> None:
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {str(attrs["href"])[1:] for tag, attrs in outline.tags if tag == "a"}
    assert links <= set(ids)


def test_every_op_has_a_node_and_a_panel(outline: Outline, page: Page) -> None:
    nodes = [a for t, a in outline.tags if t == "a" and "node" in str(a.get("class")).split()]
    assert [a["data-n"] for a in nodes] == [str(i) for i in range(COUNT)]
    for i, op in enumerate(page.ops):
        assert nodes[i]["class"] == f"node s-{op.severity}"
    panels = [a for t, a in outline.tags if t == "details" and "data-s" in a]
    assert [a["id"] for a in panels] == [f"op-{i}" for i in range(COUNT)]


def test_origin_and_path_are_marked(html: str, page: Page) -> None:
    assert html.count('class="halo"') == 1
    on_path = [(a, b) for a, b in graph_of(page).edges if 40 <= a < b < 60 and b == a + 1]
    for a, b in on_path:
        drawn = re.search(rf'class="edge path (hot|cooled)" data-e="{a}-{b}"', html)
        assert drawn
        assert (drawn[1] == "hot") == (severity_of(a) in {"origin", "nonfinite"})
    assert on_path


def test_border_of_the_graph_shows_only_tensors_in_use(page: Page) -> None:
    graph = graph_of(page)
    assert graph.inputs == ("x",)
    assert graph.outputs == (f"t{COUNT - 1}",)


def test_same_page_gives_the_same_bytes(html: str) -> None:
    assert render(make_page()) == html


def test_text_of_an_empty_page_says_that_nothing_is_wrong() -> None:
    words = "".join(Outline(render(Page("Empty"))).words)
    assert "every value is finite" in words


# --- the layout -----------------------------------------------------------------------------------


def check_legal(placed: Layout, edges: list[tuple[int, int]]) -> None:
    """No two boxes overlap, edges lead to later layers, no route touches a foreign box."""
    boxes = sorted(enumerate(placed.boxes), key=lambda each: each[1].x)
    for position, (_, a) in enumerate(boxes):
        assert 0.0 <= a.x <= placed.width - a.width
        assert 0.0 <= a.y <= placed.height - a.height
        for _, b in boxes[position + 1 :]:
            if b.x >= a.x + a.width:
                break
            assert b.y >= a.y + a.height or a.y >= b.y + b.height
    for source, target in edges:
        a, b = placed.boxes[source], placed.boxes[target]
        assert a.layer < b.layer
        assert a.column <= b.column
        assert a.column < b.column or a.y + a.height < b.y
    for (source, target), points in placed.routes.items():
        if (source, target) in placed.direct:
            continue
        for (x0, y0), (x1, y1) in pairwise(points):
            for i, box in boxes:
                beside = max(x0, x1) <= box.x or box.x + box.width <= min(x0, x1)
                apart = max(y0, y1) <= box.y or box.y + box.height <= min(y0, y1)
                assert beside or apart or i in (source, target)


@pytest.mark.parametrize("reach", [3, 20, 300])
def test_layout_is_legal(reach: int) -> None:
    edges = chain_edges(200, reach, reach)
    sizes = [(132.0, 36.0) if i % 3 else (90.0, 24.0) for i in range(200)]
    check_legal(layout(sizes, edges), edges)


def test_layout_of_a_chain_is_folded_to_be_read() -> None:
    edges = [(i, i + 1) for i in range(119)]
    placed = layout([(132.0, 36.0)] * 120, edges)
    check_legal(placed, edges)
    assert max(box.column for box in placed.boxes) >= 3
    assert placed.height < 3000


def test_layout_takes_cycles_self_loops_and_no_nodes() -> None:
    placed = layout([(10.0, 10.0)] * 3, [(0, 1), (1, 2), (2, 0), (1, 1), (0, 1)])
    assert set(placed.routes) == {(0, 1), (1, 2), (2, 0)}
    assert len(placed.boxes) == 3
    assert layout([], []).boxes == ()


@pytest.mark.parametrize("reach", [10, 30, 2000])
def test_layout_of_2000_nodes_takes_less_than_two_seconds(reach: int) -> None:
    edges = chain_edges(2000, 1, reach)
    start = time.process_time()
    placed = layout([(132.0, 36.0)] * 2000, edges)
    assert time.process_time() - start < 2.0
    assert len(placed.boxes) == 2000


def test_routes_are_svg_paths() -> None:
    assert path([(0, 0), (0, 10), (0, 10), (20, 30)]) == "M0 0L0 10C0 20 20 20 20 30"
    assert path([(0, 0), (0, 20), (40, 20)]) == "M0 0L0 14Q0 20 6 20L40 20"


# --- JSON -----------------------------------------------------------------------------------------


def test_json_is_strict_and_comes_back(page: Page) -> None:
    text = dumps(page)
    data = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert data["schema"] == "qsim.report/1"
    assert data["ops"][40]["tensors"][0]["scale"] == "inf"
    assert data["ops"][0]["metrics"]["max_abs"] == "nan"
    assert data["tables"][0]["rows"][1][4] == "-inf"
    back = loads(text)
    assert dumps(back) == text
    assert render(back) == render(page)
    assert back.ops[40] == page.ops[40] or math.isnan(float(back.ops[40].metrics["max_abs"]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "qsim.report/0"}, "schema: expected 'qsim.report/1'"),
        ({"colour": 1}, "unknown field 'colour'"),
        ({"title": 3}, "page.title: expected str"),
        ({"ops": [{"name": "a"}]}, "missing"),
        ({"outputs": "h8"}, "page.outputs: expected a list"),
    ],
)
def test_json_of_another_shape_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        from_jsonable({**to_jsonable(Page("a")), **change})


def test_table_refuses_ragged_rows() -> None:
    with pytest.raises(ValueError, match=r"expected 2 cells .* got 1 in row 0"):
        Table("t", ["a", "b"], [["only"]])


# --- the terminal ---------------------------------------------------------------------------------


def printed(page: Page, width: int, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    console = Console(file=stream, width=width)
    print_tables(page, console)
    print_trace(page, console)
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_terminal_keeps_to_the_width(page: Page, width: int, encoding: str) -> None:
    lines = printed(page, width, encoding).split("\n")
    assert max(map(cell_len, lines)) <= width


def test_terminal_shows_the_story_without_escapes_or_markup(page: Page) -> None:
    hostile = [PathStep(HOSTILE[8], "t", "nonfinite"), PathStep(HOSTILE[5], "t", "laundered")]
    tables = [Table(HOSTILE[7], [HOSTILE[8]], [[HOSTILE[8]]])]
    text = printed(Page("[red]t[/]\x1b", HOSTILE[7], tables=tables, paths={"out": hostile}), 120)
    assert not {"\x1b", "\u202e"} & set(text)
    assert "[red]t[/]" in text
    assert "[bold red]markup[/]" in text
    assert r"escape\x1b[31m" in text
    assert "born in /step1/op40" in printed(page, 120)


# --- words ----------------------------------------------------------------------------------------


def test_numbers_are_short_and_honest() -> None:
    assert [number(x) for x in (NAN, INF, -INF, None)] == ["NaN", "+inf", "−inf", "–"]
    assert [number(x) for x in (0.0123, -1.5, 1339700000000.0, 3.4e-39)] == [
        "0.0123",
        "−1.5",
        "1.3397e12",
        "3.4e−39",
    ]
    assert number(1234567) == "1\u202f234\u202f567"
    assert [percent(x) for x in (0.0, 1.0, 0.5)] == ["0\u202f%", "100\u202f%", "50\u202f%"]
    assert percent(0.99999) == ">\u202f99.9\u202f%"
    assert percent(1e-9) == "<\u202f0.1\u202f%"


def test_shortened_names_keep_both_ends() -> None:
    assert shorten("/step0/gh__matmul_converted", 15) == "/step0/…nverted"
    assert shorten("abc", 3) == "abc"


def test_long_paths_are_folded_where_nothing_happens() -> None:
    states: list[Severity] = ["origin", *["nonfinite"] * 30, "laundered", *["differs"] * 2]
    steps = [PathStep(f"n{i}", f"t{i}", state) for i, state in enumerate(states)]
    parts = stretches(steps)
    assert [part.folded for part in parts] == [False, True, False]
    assert [step for part in parts for step in part.steps] == steps
    assert parts[0].steps[0].state == "origin"
    assert "laundered" in {step.state for step in parts[2].steps}
