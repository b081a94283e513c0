"""Two devices, one file: where the NaN of a quantized GRU is born and which CPU hides it.

Streams the held-out digits through `digits_gru.onnx` in two chunks, in float and quantized, on
five simulated devices; prints what happened and writes one HTML page.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console

import qsim
from qsim.calibration import load_batches
from qsim.progress import Steps
from qsim.report import print_tables, print_trace, render
from qsim.report.model import Share
from qsim.story import DEVICES, Execute, Run, investigate, pages
from qsim.views import top1

HERE = Path(__file__).parent


def executor(images: np.ndarray, labels: np.ndarray) -> Execute:
    """A function that runs both chunks of every image and keeps the first one's trace."""
    chunks = [np.ascontiguousarray(images[:, c]) for c in range(2)]

    def execute(graph: qsim.Graph, profile: str) -> Run:
        width = graph.input_shapes["h0"][1]
        h0 = np.zeros((len(images), width), np.float32)
        first = qsim.run(graph, {"x_chunk": chunks[0], "h0": h0}, profile)
        state = first.outputs["h8"]
        last = qsim.run(graph, {"x_chunk": chunks[1], "h0": state}, profile).outputs
        return Run(first, last, {"top-1": Share(top1(last["logits"], labels))})

    return execute


def main() -> int:
    """Run the demo; status 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = "where the page goes (default: a temporary folder)"
    parser.add_argument("--html", type=Path, help=where)
    options = parser.parse_args()
    console = Console()
    graph = qsim.load(HERE / "digits_gru.onnx")
    batches = load_batches(HERE / "calibration.npz", graph)
    test = np.load(HERE / "test.npz")
    console.print(
        f"[bold]qsim trace[/bold]: {len(graph)} nodes, {len(batches)} calibration batches, "
        f"{len(test['labels'])} held-out digits, {len(DEVICES)} devices"
    )
    execute = executor(test["x"], test["labels"])
    with Steps(4 * len(DEVICES)) as steps:
        found = investigate(graph, batches, execute, steps=steps)
    told = pages(found, "A streaming GRU on two devices")
    print_tables(told[-1], console)
    for page in told:
        console.rule(f"the trace: {page.subtitle}")
        print_trace(page, console)
    target = options.html or Path(tempfile.mkdtemp(prefix="qsim-demo-")) / "report.html"
    target.write_text(render(told[-1]), encoding="utf-8")
    console.print(f"\nreport: {target}", soft_wrap=True, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
