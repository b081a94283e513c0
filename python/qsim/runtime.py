"""Running a graph: in float, or as a profile's machine would."""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from qsim import _core
from qsim._core import Graph, Profile, Trace
from qsim.catalogue import resolve
from qsim.checking import feeds_of, graph_of


def resolve_profile(profile: str | Profile | None) -> Profile | None:
    """A profile by object or name; None stays None (the float reference)."""
    return None if profile is None else resolve(profile)


def run(
    graph: Graph, inputs: Mapping[str, npt.ArrayLike], profile: str | Profile | None = None
) -> Trace:
    """Run `graph` on named float32 inputs and keep every intermediate.

    Parameters
    ----------
    graph
        A float or quantized network.
    inputs
        float32 arrays by input name; NumPy, or anything with ``__array__`` or ``__dlpack__``.
    profile
        The machine. None computes every op in float32, the same on every host. Like the profiles
        ``ieee.*`` it has no int8 operations: of a quantized graph it sees the rounded weights, but
        no activation is rounded.

    Raises
    ------
    TypeError
        An input is not float32, or an argument is of another kind.
    ValueError
        Inputs are missing, unknown or misshapen.
    NotSupported
        An op cannot run.

    """
    graph_of(graph)
    return _core.run(graph, feeds_of(inputs, "inputs"), resolve_profile(profile))
