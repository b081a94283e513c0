#!/usr/bin/env python3
"""Writes a set of random single-operator TFLite models with their inputs.

Usage: tflite_models.py OUT [--count N] [--seed S], N cases of each operator.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import live_tflite_pointwise as pointwise
import live_tflite_products as products
from live_cases import Case, Draw, write_set
from live_tflite_file import model_of

GENERATORS: tuple[Callable[[str, Draw], Case], ...] = (
    products.conv_2d,
    products.depthwise_conv_2d,
    products.fully_connected,
    pointwise.add,
    pointwise.sub,
    pointwise.mul,
    pointwise.average_pool_2d,
    pointwise.max_pool_2d,
    pointwise.mean,
    pointwise.concatenation,
    pointwise.pad,
    pointwise.leaky_relu,
    pointwise.softmax,
    pointwise.logistic,
    pointwise.tanh,
    pointwise.quantize,
    pointwise.requantize,
    pointwise.dequantize,
)


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` cases of every operator; a case depends on the seed and its number only."""
    for generate in GENERATORS:
        op = generate.__name__
        for number in range(count):
            yield generate(f"{op}-{seed}-{number:04d}", Draw(seed, op, number))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args()
    models = ((c, model_of(c)) for c in cases(options.seed, options.count))
    print(write_set(options.out, "LiteRT", models, "tflite"), "cases in", options.out)


if __name__ == "__main__":
    main()
