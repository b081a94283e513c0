"""Reports: plain data (`Page`) shown as one HTML file, in a terminal, or as JSON.

page = Page("Where the NaN comes from", ops=[...], origins=[...])
html = render(page)
print_tables(page, console), print_trace(page, console)
text = dumps(page)
"""

from .jsonable import SCHEMA, dumps, from_jsonable, loads, to_jsonable
from .model import (
    SEVERITIES,
    Cell,
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
)
from .page import render
from .terminal import print_tables, print_trace

__all__ = [
    "SCHEMA",
    "SEVERITIES",
    "Cell",
    "FixView",
    "LaunderView",
    "OpView",
    "OriginView",
    "Page",
    "PathStep",
    "Severity",
    "Share",
    "SharedConstant",
    "Table",
    "TensorStats",
    "dumps",
    "from_jsonable",
    "loads",
    "print_tables",
    "print_trace",
    "render",
    "to_jsonable",
]
