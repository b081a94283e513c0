"""The command `qsim`: trace, compare, profiles, selftest.

Exit status 0: fine; 1: `trace` met NaN or infinity, `compare` a difference, `selftest` a failure;
2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

import qsim
from qsim.calibration import load_batches
from qsim.progress import Steps
from qsim.report import Page, Table, dumps, print_tables, print_trace, render
from qsim.story import DEVICES, GUARDED, Execute, Run, investigate, pages

BAD_INPUT = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="qsim", description=qsim.__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"qsim {qsim.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    trace = commands.add_parser(
        "trace",
        help="run a network float and quantized on several devices and explain every NaN",
        description="Quantize MODEL as MNN does, run it on each profile, find where non-finite "
        "values are born, who hides them and what removes them. Exit status 1 if there are any; "
        "devices that merely differ are in the table.",
    )
    _common(trace)
    trace.add_argument(
        "--profile",
        action="append",
        metavar="NAME",
        help=f"a device; repeat for more; the first is the yardstick (default: {len(DEVICES)} MNN "
        "rows, see `qsim profiles`)",
    )
    trace.add_argument("--html", type=Path, help="write one self-contained page here")

    compare = commands.add_parser(
        "compare",
        help="quantize a network and compare two devices tensor by tensor",
        description="Quantize MODEL (after matmul_to_conv), run the first batch of the inputs on "
        "two profiles, and compare every tensor. Exit status 1 if anything differs.",
    )
    _common(compare)
    compare.add_argument(
        "--profile", action="append", metavar="NAME", required=True,
        help="give it twice: the yardstick, then the other (see `qsim profiles`)",
    )
    compare.add_argument("--worst", type=int, metavar="N", help="print only the N worst tensors")

    commands.add_parser(
        "selftest", help="check this installation against a second, slow implementation"
    )
    profiles = commands.add_parser("profiles", help="list the built-in profiles")
    profiles.add_argument("text", nargs="?", default="", help="only names that contain this")
    return parser


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", type=Path, help="an .onnx file")
    command.add_argument(
        "--calibration", type=Path, required=True, metavar="NPZ",
        help="batches to calibrate with: per input one float32 array [batches, *its shape]; "
        "a .npy will do for a single input",
    )
    command.add_argument(
        "--inputs", type=Path, required=True, metavar="NPZ", help="inputs to run, same layout"
    )
    command.add_argument("--recipe", default="mnn.ema", help="mnn.ema (default) or qsim.ema")
    command.add_argument("--host", default="x64", help="quantizing host: x64 (default) or ieee")
    command.add_argument(
        "--max-consumers", type=int, default=100, metavar="N",
        help="matmul_to_conv converts constants with at most N users (default 100)",
    )
    command.add_argument("--json", type=Path, help="write the findings here")


def _executor(feeds: Sequence[dict[str, np.ndarray]]) -> Execute:
    """Runs every input batch, keeps the first trace with non-finite values (else the first)."""

    def execute(graph: qsim.Graph, profile: str) -> Run:
        kept: qsim.Trace | None = None
        bad = 0
        for feed in feeds:
            trace = qsim.run(graph, feed, profile)
            bad += bool(trace.nonfinite)
            if kept is None or (trace.nonfinite and not kept.nonfinite):
                kept = trace
        assert kept is not None
        return Run(kept, kept.outputs, {"batches with NaN/inf": f"{bad} of {len(feeds)}"})

    return execute


def _write(path: Path | None, text: str, console: Console, what: str) -> None:
    if path is None:
        return
    path.write_text(text, encoding="utf-8")
    console.print(f"{what}: {path}", soft_wrap=True, highlight=False)


def _check_folders(*paths: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    for path in paths:
        if path is not None and not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: expected a folder that exists; make it first")


def _inputs(options: argparse.Namespace, graph: qsim.Graph) -> list[dict[str, np.ndarray]]:
    feeds = load_batches(options.inputs, graph)
    if not feeds:
        raise ValueError(f"{options.inputs}: expected at least one batch of inputs, got none")
    return feeds


def _trace(options: argparse.Namespace, console: Console) -> int:
    names = options.profile or list(DEVICES)
    for name in names:
        qsim.profiles[name]
    _check_folders(options.html, options.json)
    graph = qsim.load(options.model)
    batches = load_batches(options.calibration, graph)
    execute = _executor(_inputs(options, graph))
    forms = 3 if options.recipe == GUARDED else 4
    with Steps(forms * len(names)) as steps:
        found = investigate(
            graph,
            batches,
            execute,
            profiles=names,
            recipe=options.recipe,
            host=options.host,
            max_consumers=options.max_consumers,
            steps=steps,
        )
    told = pages(found, options.model.name)
    page = told[-1] if told else Page(title=options.model.name, tables=found.summaries())
    print_tables(page, console)
    for each in told or [page]:
        console.rule(f"the trace: {each.subtitle or 'all models, all devices'}")
        print_trace(each, console)
    _write(options.html, render(page), console, "report")
    _write(options.json, dumps(page), console, "findings")
    return 1 if told else 0


def _compare(options: argparse.Namespace, console: Console) -> int:
    if len(options.profile) != 2:
        raise ValueError(
            f"--profile: expected exactly two, got {len(options.profile)}; "
            "write --profile A --profile B"
        )
    if options.worst is not None and options.worst < 1:
        raise ValueError(f"--worst: expected 1 or more, got {options.worst}")
    _check_folders(options.json)
    for name in options.profile:
        qsim.profiles[name]
    graph = qsim.passes.matmul_to_conv(
        qsim.load(options.model), max_consumers=options.max_consumers
    )
    found = qsim.calibrate(
        graph, load_batches(options.calibration, graph), recipe=options.recipe, host=options.host
    )
    quantized = qsim.quantize_model(graph, found)
    feed = _inputs(options, graph)[0]
    a, b = (qsim.run(quantized, feed, name) for name in options.profile)
    result = qsim.compare(a, b)
    rows = result.rows if options.worst is None else result.worst(options.worst)
    title = f"{result.profile_a} against {result.profile_b}"
    table = Table(
        title=title,
        columns=["tensor", "op", "exact", "max lsb", "max abs", "cosine", "SQNR dB", "NaN/inf"],
        rows=[
            [
                r.tensor,
                r.op,
                f"{100 * r.exact_match:.2f} %",
                r.max_lsb,
                r.max_abs,
                r.cosine,
                r.sqnr_db,
                f"{r.nonfinite_a} | {r.nonfinite_b}",
            ]
            for r in rows
        ],
        row_severity=[
            "nonfinite" if r.finite_mismatch else "ok" if r.identical else "differs" for r in rows
        ],
    )
    print_tables(Page(title=options.model.name, subtitle=title, tables=[table]), console)
    first = result.first_divergence()
    console.print("identical" if first is None else f"first divergence: {first.tensor}")
    _write(options.json, result.to_json(), console, "comparison")
    return 0 if result else 1


def _profiles(options: argparse.Namespace, console: Console) -> int:
    found = qsim.profiles.search(options.text)
    if not found:
        raise ValueError(
            f'text: expected part of a profile\'s name, got "{options.text}"; '
            "`qsim profiles` lists them all"
        )
    for name in found:
        console.print(f"{name:40} {qsim.profiles[name].evidence}", highlight=False)
    return 0


def _selftest(options: argparse.Namespace, console: Console) -> int:
    checks = qsim.selftest()
    for check in checks:
        mark = "skip" if check.skipped else "ok  " if check.passed else "FAIL"
        console.print(f"{mark} {check.name}: {check.words}", highlight=False, markup=False)
    return 0 if all(check.passed for check in checks) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    options = _parser().parse_args(arguments)
    console = Console()
    run = {
        "trace": _trace,
        "compare": _compare,
        "profiles": _profiles,
        "selftest": _selftest,
    }[options.command]
    try:
        return run(options, console)
    except (OSError, ValueError, TypeError, KeyError, NotImplementedError) as error:
        text = error.args[0] if isinstance(error, KeyError) and error.args else error
        words = f"qsim {options.command}: {text}"
        Console(stderr=True).print(words, style="red", markup=False, soft_wrap=True)
        return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
