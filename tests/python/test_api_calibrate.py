"""Calibration refuses what it cannot average and says what it guarded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import qsim
from qsim import passes
from small_graphs import Floats, affine, floats, quantized

NAME = "product__matmul_converted"


def converted() -> qsim.Graph:
    """The affine graph with its product as a convolution."""
    return passes.matmul_to_conv(affine(), prefer=1)


def good(count: int = 3) -> list[dict[str, Floats]]:
    """Batches without anything odd."""
    return [{"x": floats(6, 4, seed=10 + i)} for i in range(count)]


ZERO = {"x": np.zeros((6, 4), np.float32)}


def calibrate(batches: list[dict[str, Floats]], **options: str) -> qsim.Calibration:
    """A calibration without a progress bar."""
    return qsim.calibrate(converted(), batches, progress=False, **options)  # type: ignore[arg-type]


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["qsim.ema", "mnn.ema"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_non_finite_batch_is_named_with_its_input(value: float, recipe: str) -> None:
    batches = good()
    batches[2]["x"][1, 3] = value
    words = 'calibration batch 2, input "x": expected finite values, got 1 NaN or infinite of 24'
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        calibrate(batches, recipe=recipe)


def test_an_empty_calibration_set_is_refused() -> None:
    with pytest.raises(ValueError, match="calibration: expected at least one batch, got none"):
        calibrate([])
    with pytest.raises(ValueError, match="expected at least one batch"):
        qsim.calibrate(converted(), iter([]), progress=False)


def test_an_unknown_recipe_or_host_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r'expected mnn\.ema or qsim\.ema, got "mnn"'):
        calibrate(good(), recipe="mnn")
    with pytest.raises(ValueError, match='host: expected x64 or ieee, got "arm"'):
        calibrate(good(), recipe="mnn.ema", host="arm")


def test_a_calibration_fits_its_own_graph_only() -> None:
    with pytest.raises(ValueError, match="calibrate the graph that you quantize"):
        qsim.quantize_model(affine(), calibrate(good()))


def test_files_of_batches_are_checked(tmp_path: Path) -> None:
    stacked = np.stack([batch["x"] for batch in good()])
    np.savez(tmp_path / "good.npz", x=stacked)
    np.save(tmp_path / "good.npy", stacked)
    want = calibrate(good()).ranges
    for name in ("good.npz", "good.npy"):
        assert qsim.calibrate(converted(), tmp_path / name, progress=False).ranges == want
    np.savez(tmp_path / "other.npz", y=stacked)
    (tmp_path / "text.npz").write_text("no archive")
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    for name, words in (
        ("other.npz", "no array for the inputs"),
        ("text.npz", "expected a .npz or .npy"),
        ("objects.npy", "expected a .npz or .npy"),
    ):
        with pytest.raises(qsim.BadFile, match=words):
            qsim.calibrate(converted(), tmp_path / name, progress=False)
    with pytest.raises(FileNotFoundError, match=r"gone\.npz: no such file"):
        qsim.calibrate(converted(), tmp_path / "gone.npz", progress=False)


# --- batches --------------------------------------------------------------------------------------


def test_batches_are_taken_one_at_a_time() -> None:
    alive = 0

    class Batch(dict[str, Floats]):
        def __init__(self, value: Floats) -> None:
            nonlocal alive
            super().__init__(x=value)
            alive += 1

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def stream() -> Iterator[Batch]:
        for batch in good(8):
            assert alive <= 1
            yield Batch(batch["x"])

    found = qsim.calibrate(converted(), stream(), progress=False)
    assert found.ranges == calibrate(good(8)).ranges


def test_a_calibration_is_the_same_every_time() -> None:
    assert calibrate(good()).ranges == calibrate(good()).ranges
    calibrate([ZERO, *good()])
    assert calibrate(good()).ranges == calibrate(good()).ranges


def test_a_moving_average_depends_on_the_order_and_says_so() -> None:
    assert calibrate(good()).ranges != calibrate(good()[::-1]).ranges


# --- the guard ------------------------------------------------------------------------------------


def test_the_default_recipe_leaves_a_zero_batch_out_and_says_so() -> None:
    batches = [*good(2), ZERO, *good(3)[2:]]
    found = calibrate(batches)
    assert found.recipe == "qsim.ema"
    assert found.batches == 4
    assert found.ranges == calibrate(good(3)).ranges
    assert [(i["batch"], i["node"], i["side"], i["health"]) for i in found.incidents] == [
        (2, NAME, "input", "zero_range"),
        (2, NAME, "output", "zero_range"),
    ]
    assert all(i["guarded"] for i in found.incidents)
    assert np.isfinite([i["running"] for i in found.incidents]).all()


def test_a_guarded_graph_tells_its_reader() -> None:
    graph = quantized(converted(), [ZERO, *good()])
    assert graph.notes[-1] == (
        "qsim.ema: 1 convolutions to int8 from 4 batches, 2 zero or non-finite ranges guarded"
    )
    for name in ("product__matmul_input", NAME):
        described = graph.describes[name]
        assert (described["recipe"], described["batch"]) == ("qsim.ema", 0)
        assert 'batch 0: "x"' in described["reason"]
        assert described["reason"].endswith("guarded: the batch was left out")
        assert np.isfinite(described["scale"])
        assert described["scale"] > 0


def test_nothing_is_noted_where_nothing_was_guarded() -> None:
    found = calibrate(good())
    assert found.incidents == []
    graph = qsim.quantize_model(converted(), found)
    assert graph.notes[-1].endswith("3 batches, 0 zero or non-finite ranges guarded")
    assert {d["reason"] for d in graph.describes.values()} == {""}


def test_only_zero_batches_still_give_a_usable_scale() -> None:
    graph = quantized(converted(), [ZERO, ZERO])
    assert [d["scale"] for d in graph.describes.values()] == [1.0, 1.0]
    got = qsim.run(graph, {"x": floats(2, 4)}, "mnn-2.9.0.arm64.neon")
    assert np.isfinite(got["y"]).all()


@pytest.mark.parametrize("host", ["x64", "ieee"])
def test_the_engines_recipe_guards_nothing(host: str) -> None:
    found = calibrate([ZERO, *good()], recipe="mnn.ema", host=host)
    assert found.recipe == f"mnn.ema on {host}"
    assert found.incidents
    assert not any(i["guarded"] for i in found.incidents)
    graph = qsim.quantize_model(converted(), found)
    assert graph.notes[-1].endswith("0 zero or non-finite ranges guarded")
    if host == "ieee":
        assert np.isnan(found.ranges[0]["out"]).any()
        reason = graph.describes[NAME]["reason"]
        assert 'batch 0: "x"' in reason
        assert "nan" in reason


def test_the_guarded_fix_of_a_report_applies() -> None:
    batches = [ZERO, *good()]
    found = calibrate(batches, recipe="mnn.ema", host="ieee")
    broken = qsim.quantize_model(converted(), found)
    story = qsim.trace_nonfinite(broken, good()[0], "mnn-2.9.0.arm64.neon")
    assert story
    assert story.origins[0].batch == 0
    healed = next(f for f in story.fixes if f.kind == "guard_zero_range").apply(
        converted(), batches
    )
    again = qsim.trace_nonfinite(healed, good()[0], "mnn-2.9.0.arm64.neon")
    assert not again
    assert again.path("y") == ()
    with pytest.raises(KeyError, match="nowhere"):
        again.path("nowhere")
