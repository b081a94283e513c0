"""Train the streaming digits classifier and write its model, test set and calibration stream.

Run ``python train.py`` in an environment with numpy, onnx and scikit-learn (which only supplies
the images). One run takes some seconds on one core. It rewrites, beside this script or in the
folder ``--out``:

    digits_gru.onnx   one chunk of eight steps
    test.npz          held-out images: x [360, 2, 8, 8] float32 in 0..1, labels [360] int64
    calibration.npz   x_chunk [16, 16, 8, 8] and h0 [16, 16, H]; the first axis is the step
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export import build_model
from gru import (
    CLASSES,
    Adam,
    Array,
    Params,
    clip_norm,
    forward,
    init_params,
    logits,
    loss_and_grads,
)

Labels = NDArray[np.int64]

TEST_PER_CLASS = 36
CALIBRATION_BATCHES = 8
CALIBRATION_BATCH_SIZE = 16


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result of a training run."""

    seed: int = 7
    hidden: int = 32
    epochs: int = 120
    batch: int = 32
    rate: float = 4e-3
    max_norm: float = 1.0
    noise: float = 0.05
    shift_share: float = 0.3


@dataclass(frozen=True)
class Digits:
    """Images [n, 8, 8] float32 in 0..1 with their labels [n]."""

    images: Array
    labels: Labels

    def take(self, rows: NDArray[np.intp]) -> Digits:
        """Return the images and labels at ``rows``."""
        return Digits(self.images[rows], self.labels[rows])


def load_digits() -> Digits:
    """Return the 1797 images that scikit-learn ships, scaled from 0..16 to 0..1."""
    from sklearn import datasets  # here, so that the rest of this module works without it

    data = datasets.load_digits()
    return Digits((data.images / 16.0).astype(np.float32), data.target.astype(np.int64))


def split_held_out(digits: Digits, rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Return (train, test); the test part holds 36 images of each class, in random order."""
    by_class = [rng.permutation(np.flatnonzero(digits.labels == c)) for c in range(CLASSES)]
    test = rng.permutation(np.concatenate([rows[:TEST_PER_CLASS] for rows in by_class]))
    train = rng.permutation(np.concatenate([rows[TEST_PER_CLASS:] for rows in by_class]))
    return digits.take(train), digits.take(test)


def to_chunks(images: Array) -> Array:
    """Return the stream [n, 2, 8, 8] of ``images`` [n, 8, 8]: their rows, then their columns."""
    return np.stack([images, images.transpose(0, 2, 1)], axis=1)


def to_sequence(images: Array) -> Array:
    """Return both chunks of ``images`` [n, 8, 8] as one sequence [n, 16, 8]."""
    return to_chunks(images).reshape(len(images), -1, images.shape[2])


def augment(images: Array, recipe: Recipe, rng: np.random.Generator) -> Array:
    """Return ``images`` with a share of them moved by at most one pixel, and with noise added."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    moved = images.copy()
    for i in np.flatnonzero(rng.random(len(images)) < recipe.shift_share):
        row, col = rng.integers(0, 3, size=2)
        moved[i] = padded[i, row : row + 8, col : col + 8]
    noise = rng.normal(0.0, recipe.noise, images.shape).astype(np.float32)
    return np.clip(moved + noise, 0.0, 1.0)


def train(digits: Digits, recipe: Recipe, rng: np.random.Generator) -> Params:
    """Return parameters trained on the scores after the second chunk (cosine learning rate)."""
    params, adam = init_params(rng, recipe.hidden), Adam()
    for epoch in range(recipe.epochs):
        rate = recipe.rate * 0.5 * (1.0 + np.cos(np.pi * epoch / recipe.epochs))
        order, losses = rng.permutation(len(digits.labels)), []
        for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
            part = digits.take(order[start : start + recipe.batch])
            x = to_sequence(augment(part.images, recipe, rng))
            loss, grads = loss_and_grads(params, x, part.labels)
            clip_norm(grads, recipe.max_norm)
            adam.update(params, grads, rate)
            losses.append(loss)
        if (epoch + 1) % 20 == 0:
            print(f"epoch {epoch + 1:3d}  loss {np.mean(losses):.4f}")
    return params


def top1(params: Params, digits: Digits) -> float:
    """Return the share of ``digits`` that the scores after the second chunk get right."""
    h0 = np.zeros((len(digits.labels), params["W_hh"].shape[0]), np.float32)
    h, _ = forward(params, to_sequence(digits.images), h0)
    return float((logits(params, h).argmax(axis=1) == digits.labels).mean())


def calibration_images(digits: Digits) -> Array:
    """Return batches [8, 16, 8, 8] in which no row and no column is blank in every image.

    The outermost columns of these digits are nearly always blank. A batch that never inks one
    would give that step's input product a zero range; here only the zero state does so.
    """
    ink = digits.images.any(axis=1)  # [n, column]
    left = np.flatnonzero(ink[:, 0])[:CALIBRATION_BATCHES]
    right = np.setdiff1d(np.flatnonzero(ink[:, -1]), left)[:CALIBRATION_BATCHES]
    others = np.setdiff1d(np.arange(len(ink)), np.concatenate([left, right]))
    others = others[: CALIBRATION_BATCHES * (CALIBRATION_BATCH_SIZE - 2)]
    rows = np.column_stack([left, right, others.reshape(CALIBRATION_BATCHES, -1)])
    return digits.images[rows]


def calibration_stream(params: Params, batches: Array) -> dict[str, Array]:
    """Return the chunks of ``batches`` [b, B, 8, 8] in order, each with the state it starts from.

    Even steps are first chunks with ``h0`` exactly zero; odd steps are second chunks with the
    state that the float network carries over.
    """
    chunks, states = [], []
    for images in batches:
        first, second = to_chunks(images).transpose(1, 0, 2, 3)
        zero = np.zeros((len(images), params["W_hh"].shape[0]), np.float32)
        carried, _ = forward(params, first, zero)
        chunks += [first, second]
        states += [zero, carried]
    return {"x_chunk": np.stack(chunks), "h0": np.stack(states)}


def write(folder: Path, params: Params, train_part: Digits, test_part: Digits) -> None:
    """Write the three artefacts into ``folder``."""
    (folder / "digits_gru.onnx").write_bytes(build_model(params).SerializeToString())
    x, labels = to_chunks(test_part.images), test_part.labels
    np.savez_compressed(folder / "test.npz", x=x, labels=labels)
    stream = calibration_stream(params, calibration_images(train_part))
    np.savez_compressed(folder / "calibration.npz", **stream)


def main() -> None:
    """Train with the default recipe, report top-1 and write the files."""
    parser = argparse.ArgumentParser(description="Train and export the streaming digits GRU.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="output folder")
    folder = parser.parse_args().out
    recipe = Recipe()
    rng = np.random.default_rng(recipe.seed)
    train_part, test_part = split_held_out(load_digits(), rng)
    params = train(train_part, recipe, rng)
    print(f"top-1  train {top1(params, train_part):.4f}  held out {top1(params, test_part):.4f}")
    write(folder, params, train_part, test_part)


if __name__ == "__main__":
    main()
