"""Build the ONNX graph of one chunk: eight unrolled GRU steps around shared weights.

A node with one output shares its name with that output. The graph needs no loop and no GRU op:
every step has its own ``MatMul`` nodes, and all of them read the same two initializers, ``W_xh``
and ``W_hh``.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from gru import CLASSES, INPUTS, Params

CHUNK_STEPS = 8
OPSET = 17
IR_VERSION = 8


def _node(op: str, inputs: list[str], output: str, **attributes: int) -> NodeProto:
    """Return a node with a single output of the same name."""
    return helper.make_node(op, inputs, [output], name=output, **attributes)


def _split(name: str, inputs: list[str], outputs: list[str]) -> NodeProto:
    """Return a ``Split`` along axis 1."""
    return helper.make_node("Split", inputs, outputs, name=name, axis=1)


def _step_nodes(t: int, h_in: str, h_out: str) -> list[NodeProto]:
    """Return the nodes of step ``t``, from state ``h_in`` to state ``h_out``."""
    s = f"/step{t}/"
    return [
        _node("Squeeze", [f"{s}x_row", "row_axis"], f"{s}x"),
        _node("MatMul", [f"{s}x", "W_xh"], f"{s}gx"),
        _node("Add", [f"{s}gx", "b_x"], f"{s}g"),
        _node("MatMul", [h_in, "W_hh"], f"{s}gh"),
        _node("Add", [f"{s}gh", "b_h"], f"{s}u"),
        _split(f"{s}split_g", [f"{s}g", "gate_sizes"], [f"{s}g_r", f"{s}g_z", f"{s}g_n"]),
        _split(f"{s}split_u", [f"{s}u", "gate_sizes"], [f"{s}u_r", f"{s}u_z", f"{s}u_n"]),
        _node("Add", [f"{s}g_r", f"{s}u_r"], f"{s}r_sum"),
        _node("Sigmoid", [f"{s}r_sum"], f"{s}r"),
        _node("Add", [f"{s}g_z", f"{s}u_z"], f"{s}z_sum"),
        _node("Sigmoid", [f"{s}z_sum"], f"{s}z"),
        _node("Mul", [f"{s}r", f"{s}u_n"], f"{s}r_u_n"),
        _node("Add", [f"{s}g_n", f"{s}r_u_n"], f"{s}n_sum"),
        _node("Tanh", [f"{s}n_sum"], f"{s}n"),
        _node("Sub", [h_in, f"{s}n"], f"{s}h_minus_n"),
        _node("Mul", [f"{s}z", f"{s}h_minus_n"], f"{s}z_h_minus_n"),
        _node("Add", [f"{s}n", f"{s}z_h_minus_n"], h_out),
    ]


def _nodes() -> list[NodeProto]:
    """Return the nodes of the whole chunk in topological order."""
    rows = [f"/step{t}/x_row" for t in range(CHUNK_STEPS)]
    states = ["h0", *(f"/step{t}/h" for t in range(CHUNK_STEPS - 1)), "h8"]
    nodes = [_split("/split_x", ["x_chunk", "row_sizes"], rows)]
    for t in range(CHUNK_STEPS):
        nodes += _step_nodes(t, states[t], states[t + 1])
    return [*nodes, _node("Gemm", ["h8", "W_out", "b_out"], "logits")]


def build_model(params: Params) -> onnx.ModelProto:
    """Return the checked float32 model of one chunk.

    Parameters
    ----------
    params : the float32 parameters by name, as ``gru.init_params`` makes them.

    Returns
    -------
    Model with inputs ``x_chunk`` [batch, 8, 8] and ``h0`` [batch, H], outputs ``logits``
    [batch, 10] and ``h8`` [batch, H]; ``batch`` is symbolic.
    """
    hidden = params["W_hh"].shape[0]
    constants = {
        **params,
        "row_sizes": np.ones(CHUNK_STEPS, np.int64),
        "row_axis": np.array([1], np.int64),
        "gate_sizes": np.full(3, hidden, np.int64),
    }

    def tensor(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

    graph = helper.make_graph(
        _nodes(),
        "digits_gru",
        inputs=[tensor("x_chunk", CHUNK_STEPS, INPUTS), tensor("h0", hidden)],
        outputs=[tensor("logits", CLASSES), tensor("h8", hidden)],
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="qsim examples/digits_gru",
    )
    onnx.checker.check_model(model, full_check=True)
    return model
