"""Ops that slide a window: Conv, AveragePool, MaxPool, GlobalAveragePool."""

from __future__ import annotations

from .onnx_node import NodeReader
from .onnx_report import shape_text

MAX_EXTENT = 2**31 - 1
AUTO_PADS = {
    "NOTSET": "explicit_pads",
    "VALID": "explicit_pads",
    "SAME_UPPER": "same_upper",
    "SAME_LOWER": "same_lower",
}


def _spatial(node: NodeReader) -> int:
    """Number of spatial axes of input 0."""
    rank = node.rank(0)
    if rank not in (3, 4):
        raise node.unsupported(
            f"expected [n, c, w] or [n, c, h, w], got {shape_text(node.shape(0))}; "
            "only windows in one and two dimensions are supported"
        )
    return rank - 2


def _checked(node: NodeReader, name: str, values: list[int], count: int, least: int) -> list[int]:
    if len(values) != count:
        raise node.bad(
            f"attribute {name}: expected {count} values for {node.rank(0)} axes, got {len(values)}"
        )
    for value in values:
        if not least <= value <= MAX_EXTENT:
            raise node.bad(f"attribute {name}: expected {least} or more, got {value}")
    return values


def _attributes(node: NodeReader, kernel: list[int] | None) -> dict[str, object]:
    """Kernel, strides, dilations and pads; `kernel` is used where the node gives none."""
    dims = _spatial(node)
    given = node.integers("kernel_shape")
    size = given if given is not None else kernel
    if size is None:
        raise node.bad("attribute kernel_shape: expected the window's extents, got none")
    size = _checked(node, "kernel_shape", size, dims, 1)
    strides = _checked(node, "strides", node.integers("strides") or [1] * dims, dims, 1)
    dilations = _checked(node, "dilations", node.integers("dilations") or [1] * dims, dims, 1)
    pads = _checked(node, "pads", node.integers("pads") or [0] * 2 * dims, 2 * dims, 0)
    auto = node.text("auto_pad", "NOTSET")
    if auto not in AUTO_PADS:
        raise node.bad(f"attribute auto_pad: expected one of {', '.join(AUTO_PADS)}, got {auto!r}")
    if auto != "NOTSET" and any(pads):
        raise node.bad(f"attribute pads: expected none beside auto_pad {auto}, got {pads}")
    for at, extent in enumerate(node.shape(0)[2:]):
        reach = dilations[at] * (size[at] - 1) + 1
        room = None if extent is None else extent + pads[at] + pads[at + dims]
        if room is not None and room < reach and not auto.startswith("SAME"):
            raise node.bad(
                f"expected a window that fits the input {shape_text(node.shape(0))}, got one that "
                f"reaches {reach} where {room} elements are, pads included"
            )
    return {
        "kernel": size,
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
        "auto_pad": AUTO_PADS[auto],
    }


def conv(node: NodeReader) -> None:
    """Conv: the window's extents may be those of the weights."""
    dims = _spatial(node)
    shape, weights = node.shape(0), node.shape(1)
    if len(weights) != dims + 2:
        raise node.bad(
            f"expected weights of {dims + 2} axes as the input has, got {shape_text(weights)}"
        )
    extents = [d for d in weights[2:] if d is not None]
    attributes = _attributes(node, extents if len(extents) == dims else None)
    kernel = attributes["kernel"]
    if len(extents) == dims and extents != kernel:
        raise node.bad(f"attribute kernel_shape: expected {extents} as the weights, got {kernel}")
    group = node.integer("group", 1)
    if not 1 <= group <= MAX_EXTENT:
        raise node.bad(f"attribute group: expected 1 or more, got {group}")
    out, per_group, channels = weights[0], weights[1], shape[1]
    fits = out is None or (out % group == 0 and out > 0)
    if per_group is not None and channels is not None:
        fits = fits and per_group * group == channels
    if not fits:
        raise node.bad(
            f"expected weights [m, c/group, ...] with m a multiple of the group, got "
            f"{shape_text(weights)} for input {shape_text(shape)} in {group} groups"
        )
    if node.given(2) and node.shape(2) not in ([out], [None]):
        raise node.bad(f"expected a bias of shape [{out}], got {shape_text(node.shape(2))}")
    inputs = [node.tensor(0), node.tensor(1), node.optional(2)]
    node.write("Conv", inputs, attributes | {"group": group})


def pool(node: NodeReader) -> None:
    """AveragePool and MaxPool."""
    node.no_other_outputs("the indices of the maxima are not supported; remove that output")
    attributes = _attributes(node, None)
    ceil_mode = node.flag("ceil_mode")
    auto = node.text("auto_pad", "NOTSET")
    if ceil_mode and auto == "VALID":
        raise node.unsupported(
            "auto_pad VALID with ceil_mode: runtimes disagree on the output's extent; "
            "give pads instead of auto_pad"
        )
    pads = node.integers("pads") or []
    kernel, dilations = attributes["kernel"], attributes["dilations"]
    assert isinstance(kernel, list)
    assert isinstance(dilations, list)
    for at, pad in enumerate(pads):
        reach = dilations[at % len(kernel)] * (kernel[at % len(kernel)] - 1) + 1
        if pad >= reach:
            raise node.unsupported(
                f"attribute pads: expected less than the window's reach {reach}, got {pad}: "
                "a window would lie outside the input; pad less"
            )
    attributes["ceil_mode"] = ceil_mode
    if node.proto.op_type == "AveragePool":
        attributes["count_include_pad"] = node.flag("count_include_pad")
    node.write(node.proto.op_type, [node.tensor(0)], attributes)


def global_average_pool(node: NodeReader) -> None:
    """GlobalAveragePool."""
    _spatial(node)
    node.write("GlobalAveragePool", [node.tensor(0)], {})
