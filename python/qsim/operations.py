"""One operator with its operands, to be run under any profile."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from qsim import operators
from qsim._core import NotSupported, Profile
from qsim.catalogue import resolve

Array = npt.NDArray[Any]

NAMES = tuple(operators.__all__)


@dataclass(frozen=True)
class Operation:
    """A function of `qsim.operators` and everything it needs but the profile."""

    name: str
    operands: tuple[Array, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self, profile: Profile | str) -> Result:
        """What the operator answers under `profile`."""
        row = resolve(profile)
        answer = getattr(operators, self.name)(*self.operands, profile=row, **self.options)
        outputs = answer if isinstance(answer, tuple) else (answer,)
        return Result(self, row, tuple(np.asarray(output) for output in outputs))

    def take(self, elements: Array) -> Operation:
        """The same operation on some elements of its operands: add and mul of equal shapes only."""
        operands = tuple(operand.reshape(-1)[elements] for operand in self.operands)
        return Operation(self.name, operands, self.options)

    def attempt(self, profile: Profile | str) -> Result | None:
        """As :meth:`run`; None where the profile has no such operator or refuses the parameters."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # unspecified codes read as 0
            try:
                return self.run(profile)
            except (NotSupported, ValueError):
                return None

    def __repr__(self) -> str:
        """Name and operand shapes."""
        shapes = ", ".join(f"{a.dtype}{list(a.shape)}" for a in self.operands)
        return f"<Operation {self.name}({shapes})>"


@dataclass(frozen=True)
class Result:
    """What one operation answered under one profile."""

    operation: Operation
    profile: Profile
    outputs: tuple[Array, ...]

    @property
    def codes(self) -> Array:
        """The first output."""
        return self.outputs[0]

    def flat(self) -> Array:
        """All outputs as comparable integers in one row: codes, or bit patterns with one NaN."""
        return flatten(self.outputs)


def flatten(outputs: tuple[Array, ...]) -> Array:
    """Arrays as int64 in one row; floats by bit pattern, every NaN alike."""
    parts = []
    for array in outputs:
        if array.dtype.kind == "f":
            word = np.dtype(f"i{array.dtype.itemsize}")
            bits = np.ascontiguousarray(array).view(word).astype(np.int64).reshape(-1)
            parts.append(np.where(np.isnan(array).reshape(-1), np.iinfo(np.int64).min, bits))
        else:
            parts.append(array.astype(np.int64).reshape(-1))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def operation(name: str, *operands: npt.ArrayLike, **options: Any) -> Operation:
    """An operator with its operands, ready to run under any profile.

    Parameters
    ----------
    name : str
        A function of `qsim.operators`: gemm, conv2d, requantize, quantize, add, mul, pool, ...
    operands, options
        Its arguments, without `profile`.

    Examples
    --------
    >>> import numpy as np, qsim
    >>> op = qsim.operation("gemm", np.full((1, 2), 255, np.uint8), np.full((2, 1), 127, np.int8))
    >>> [int(op.run(f"ort-1.30.x64.{isa}").codes[0, 0]) for isa in ("sse", "avx2")]
    [64770, 32767]
    """
    if name not in NAMES:
        raise ValueError(f"name: expected one of {', '.join(NAMES)}, got {name!r}")
    arrays = tuple(np.asarray(operand) for operand in operands)
    return Operation(name, arrays, MappingProxyType(dict(options)))
