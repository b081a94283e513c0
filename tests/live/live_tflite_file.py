"""Serialises one operator as a TFLite model, by the schema bindings of the LiteRT wheel."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from live_cases import Array, Case, Operand, Quant, Result

ELEMENT = {
    "u8": schema.TensorType.UINT8, "s8": schema.TensorType.INT8, "s16": schema.TensorType.INT16,
    "i32": schema.TensorType.INT32, "i64": schema.TensorType.INT64,
    "f32": schema.TensorType.FLOAT32, "f16": schema.TensorType.FLOAT16,
}  # fmt: skip
OPTIONS = {
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions", "ADD": "AddOptions", "SUB": "SubOptions",
    "MUL": "MulOptions", "AVERAGE_POOL_2D": "Pool2DOptions", "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions", "CONCATENATION": "ConcatenationOptions", "PAD": "PadOptions",
    "LEAKY_RELU": "LeakyReluOptions", "SOFTMAX": "SoftmaxOptions", "QUANTIZE": "QuantizeOptions",
    "DEQUANTIZE": "DequantizeOptions",
}  # fmt: skip
NAMED = {
    "padding": schema.Padding,
    "fused_activation_function": schema.ActivationFunctionType,
    "quantized_bias_type": schema.TensorType,
}


class AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """The bindings align data to one byte; kernels expect sixteen."""

    def Pack(self, builder: Builder) -> int:
        data = None
        if self.data is not None:
            count = len(self.data)
            builder.StartVector(1, count, 16)
            builder.head -= count
            builder.Bytes[builder.head : builder.head + count] = bytes(self.data)
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def options_of(case: Case) -> tuple[int, Any]:
    """The operator's options; attributes carry the schema's field names, enumerators by name."""
    if case.op not in OPTIONS:
        return 0, None
    name = OPTIONS[case.op]
    options = getattr(schema, f"{name}T")()
    for key, value in case.attributes.items():
        if not hasattr(options, camel(key)):
            raise KeyError(f"{name} has no field {key}")
        setattr(options, camel(key), getattr(NAMED[key], value) if key in NAMED else value)
    return getattr(schema.BuiltinOptions, name), options


def quantization_of(quant: Quant | None) -> Any:
    if quant is None:
        return None
    parameters = schema.QuantizationParametersT()
    parameters.scale = [float(s) for s in quant.scale]
    parameters.zeroPoint = [int(z) for z in quant.zero_point]
    parameters.quantizedDimension = quant.axis
    return parameters


def tensor(name: str, value: Operand | Result, buffer: int) -> Any:
    shape = value.array.shape if isinstance(value, Operand) else value.shape
    made = schema.TensorT()
    made.name, made.shape, made.hasRank = name, [int(n) for n in shape or ()], True
    made.type, made.buffer = ELEMENT[value.dtype], buffer
    made.quantization = quantization_of(value.quant)
    return made


def bytes_of(array: Array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def model_of(case: Case) -> bytes:
    """The serialised model of a case."""
    buffers = [AlignedBuffer()]
    tensors: list[Any] = []
    indices: list[int] = []
    for operand in case.inputs:
        if operand is None:
            indices.append(-1)
            continue
        indices.append(len(tensors))
        buffer = AlignedBuffer()
        if operand.constant:
            buffer.data = bytes_of(operand.array)
        buffers.append(buffer)
        tensors.append(tensor(operand.name, operand, len(buffers) - 1))
    fed = [i for i, o in zip(indices, case.inputs, strict=True) if o and not o.constant]
    outputs = list(range(len(tensors), len(tensors) + len(case.outputs)))
    for name, result in case.outputs.items():
        buffers.append(AlignedBuffer())
        tensors.append(tensor(name, result, len(buffers) - 1))

    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, case.op)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 1
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = indices, outputs
    operator.builtinOptionsType, operator.builtinOptions = options_of(case)
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], fed, outputs
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
