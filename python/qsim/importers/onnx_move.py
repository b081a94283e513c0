"""Ops that only move elements: their shapes, axes and sizes must be constants."""

from __future__ import annotations

from .onnx_node import NodeReader
from .onnx_report import MAX_RANK, shape_text

MAX_STEP = 2**31 - 1


def _axes(node: NodeReader) -> list[int] | None:
    """Axes of Squeeze and Unsqueeze: an attribute before version 13, an input from then on."""
    return node.integers("axes") if node.version < 13 else node.int_list(1, "axes")


def concat(node: NodeReader) -> None:
    """Concat."""
    if "axis" not in (a.name for a in node.proto.attribute):
        raise node.bad("attribute axis: expected an axis, got none")
    axis = node.axis(node.integer("axis", 0), node.rank(0))
    inputs = [node.tensor(i) for i in range(len(node.proto.input))]
    node.write("Concat", inputs, {"axis": axis})


def split(node: NodeReader) -> None:
    """Split: sizes as attribute (before 13) or input, or equal parts."""
    shape = node.shape(0)
    axis = node.axis(node.integer("axis", 0), len(shape))
    extent = shape[axis]
    parts = len(node.proto.output)
    sizes = node.integers("split") if node.version < 13 else node.int_list(1, "split")
    wanted = node.integer("num_outputs", 0)
    if node.version >= 18 and (sizes is None) == (wanted == 0):
        raise node.bad("expected either sizes or num_outputs, got both or neither")
    if wanted not in (0, parts):
        raise node.bad(f"attribute num_outputs: expected {parts} as it has outputs, got {wanted}")
    if sizes is None:
        sizes = _equal_parts(node, extent, parts)
    elif len(sizes) != parts or min(sizes) < 0:
        raise node.bad(f"split: expected {parts} sizes of 0 or more, got {_some(sizes)}")
    elif extent is not None and sum(sizes) != extent:
        raise node.bad(f"split: expected sizes that sum to {extent}, got {_some(sizes)}")
    node.write("Split", [node.tensor(0)], {"axis": axis, "ints": sizes}, parts)


def _equal_parts(node: NodeReader, extent: int | None, parts: int) -> list[int]:
    """Sizes of equal parts; the last may be smaller from version 18 on."""
    if extent is None:
        raise node.unsupported(
            "equal parts of an open extent; give the sizes, or fix the extent of the axis"
        )
    size = -(-extent // parts)
    last = extent - size * (parts - 1)
    if last != size and (node.version < 18 or last < 0):
        raise node.bad(f"expected an extent that splits into {parts} parts, got {extent}")
    return [size] * (parts - 1) + [last]


def _some(values: list[int]) -> str:
    return str(values) if len(values) <= MAX_RANK else f"{len(values)} values"


def slice_(node: NodeReader) -> None:
    """Slice: bounds as attributes (before 10) or inputs."""
    rank = node.rank(0)
    if node.version < 10:
        starts, ends, axes = (node.integers(name) for name in ("starts", "ends", "axes"))
        steps = None
    else:
        names = ("starts", "ends", "axes", "steps")
        starts, ends, axes, steps = (node.int_list(at, name) for at, name in enumerate(names, 1))
    if starts is None or ends is None:
        raise node.bad("expected starts and ends, got none")
    axes = node.axes(list(range(len(starts))) if axes is None else axes, rank)
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise node.bad(
            f"expected as many starts as ends, axes and steps, got {len(starts)}, {len(ends)}, "
            f"{len(axes)} and {len(steps)}"
        )
    for step in steps:
        if step == 0:
            raise node.bad("steps: expected steps other than 0, got 0")
        if abs(step) > MAX_STEP:
            raise node.unsupported(f"steps: expected at most {MAX_STEP}, got {step}")
    bounds: dict[str, object] = {"starts": starts, "ends": ends, "axes": axes, "steps": steps}
    node.write("Slice", [node.tensor(0)], bounds)


def reshape(node: NodeReader) -> None:
    """Reshape: 0 keeps an extent unless allowzero, one -1 takes the rest."""
    shape = node.int_list(1, "shape")
    if shape is None:
        raise node.bad("input 1 (shape): expected a shape, got none")
    if len(shape) > MAX_RANK:
        raise node.unsupported(f"shape: expected at most {MAX_RANK} axes, got {len(shape)}")
    allow_zero = node.flag("allowzero")
    if any(extent < -1 for extent in shape) or shape.count(-1) > 1:
        raise node.bad(f"shape: expected extents of 0 or more and one -1 at most, got {shape}")
    if allow_zero and 0 in shape and -1 in shape:
        raise node.bad(f"shape: expected no -1 beside a 0 under allowzero, got {shape}")
    if not allow_zero and any(e == 0 and i >= node.rank(0) for i, e in enumerate(shape)):
        raise node.bad(
            f"shape: expected a 0 only where the input {shape_text(node.shape(0))} has an axis, "
            f"got {shape}"
        )
    node.write("Reshape", [node.tensor(0)], {"ints": shape, "allow_zero": allow_zero})


def transpose(node: NodeReader) -> None:
    """Transpose: reversed axes if no permutation is given."""
    rank = node.rank(0)
    perm = node.integers("perm")
    if perm is None:
        perm = list(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise node.bad(f"attribute perm: expected a permutation of {rank} axes, got {_some(perm)}")
    node.write("Transpose", [node.tensor(0)], {"ints": perm})


def squeeze(node: NodeReader) -> None:
    """Squeeze: without axes, every axis of extent 1."""
    shape = node.shape(0)
    axes = _axes(node)
    if axes is None:
        if None in shape:
            raise node.unsupported(
                f"expected axes, got none: which axes of {shape_text(shape)} have extent 1 "
                "depends on the input; give the axes"
            )
        axes = [d for d, extent in enumerate(shape) if extent == 1]
    else:
        axes = node.axes(axes, len(shape))
    if any(shape[d] not in (1, None) for d in axes):
        raise node.bad(f"axes: expected axes of extent 1, got {axes} of {shape_text(shape)}")
    if axes:
        node.write("Squeeze", [node.tensor(0)], {"ints": axes})
    else:  # an empty list means "all" to the graph; here it means "none"
        node.write("Identity", [node.tensor(0)], {})


def unsqueeze(node: NodeReader) -> None:
    """Unsqueeze."""
    axes = _axes(node)
    if axes is None:
        raise node.bad("axes: expected a list, got none")
    rank = node.rank(0) + len(axes)
    if rank > MAX_RANK:
        raise node.unsupported(f"expected at most {MAX_RANK} axes, got {rank}")
    node.write("Unsqueeze", [node.tensor(0)], {"ints": node.axes(axes, rank)})


def flatten(node: NodeReader) -> None:
    """Flatten into a matrix."""
    axis = node.axis(node.integer("axis", 1), node.rank(0), end=1)
    node.write("Flatten", [node.tensor(0)], {"axis": axis})
