"""SVDF and LSTM of the CMSIS-NN cases, put together from the primitives of a court."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from integer_court import Codes, Court, Words
from integer_layers import Output, limited

INT16 = -32768, 32767


class Settings(Protocol):
    """Arrays and settings of a case by name."""

    arrays: dict[str, Words]
    settings: dict[str, int]

    def __getitem__(self, name: str) -> int:
        """A setting."""


def svdf(case: Settings, court: Court) -> Codes:
    """The output after the last step: features of the input, filtered along time.

    Sums over time are int32; `rank` features add up to one output.
    """
    batches, features, times = case["input_batches"], case["feature_batches"], case["time_batches"]
    size, rank = case["input_size"], case["rank"]
    by_feature = case.arrays["weights_feature"].reshape(features, size)
    by_time = case.arrays["weights_time"].reshape(features // rank, rank * times)
    state = case.arrays["state"].reshape(batches, features, times)
    into_state = Output(case["multiplier_in"], case["shift_1"], 0, case["in_activation_min"],
                        case["in_activation_max"], np.int16)
    output = Output(case["multiplier_out"], case["shift_2"], case["output_offset"],
                    case["out_activation_min"], case["out_activation_max"], np.int8)
    for step in case.arrays["input_sequence"].reshape(-1, batches, size):
        newest = into_state.codes(court, court.accumulate(step, by_feature.T, case["input_offset"]))
        state = np.concatenate([state[..., 1:], newest[..., None]], axis=2)
    filtered = state.reshape(batches, features // rank, rank * times)
    sums = [
        court.accumulate(filtered[:, unit], by_time[unit][:, None], 0, 0, bias)
        for unit, bias in enumerate(case.arrays["biases"][:, None])
    ]
    return output.codes(court, np.concatenate(sums, axis=1))


def lstm(case: Settings, court: Court, table: Codes) -> Codes:
    """All hidden states, in the order of the input; the first step starts from zero state.

    Gates are int16 with 3 integer bits: each product is rescaled and saturated on its own.
    """
    batches, times, hidden = case["batch_size"], case["time_steps"], case["hidden_size"]
    stored = case.arrays["input"]
    shape = (times, batches) if case["time_major"] else (batches, times)
    sequence = stored.reshape(*shape, case["input_size"])
    steps = sequence if case["time_major"] else sequence.swapaxes(0, 1)
    cell = np.zeros((batches, hidden), np.int16)
    state: Codes | None = None
    outputs = []
    for x in steps:
        cell, state = _step(case, court, table, x, state, cell)
        outputs.append(state)
    result = np.stack(outputs)
    return result if case["time_major"] else result.swapaxes(0, 1)


def _step(
    case: Settings, court: Court, table: Codes, x: Codes, state: Codes | None, cell: Codes
) -> tuple[Codes, Codes]:
    gates = {
        name: _gate(case, court, name, x, state) for name in ("forget", "input", "cell", "output")
    }
    opened = {name: court.sigmoid(gates[name], table) for name in ("forget", "input", "output")}
    candidate = court.tanh(gates["cell"], table)
    kept = _product(case, court, "forget_to_cell", opened["forget"], cell)
    added = _product(case, court, "input_to_cell", opened["input"], candidate)
    clip = case["cell_clip"]
    cell = limited(limited(kept, *INT16, np.int64) + added, -clip, clip, np.int16)
    shown = court.tanh(cell, table, case["cell_scale_power"] + 12)
    scaled = court.rescale(_multiply(opened["output"], shown), case["output_multiplier"],
                           case["output_shift"])
    codes = scaled.astype(np.int64) + case["output_zero_point"]
    rails = np.iinfo(x.dtype)
    return cell, limited(codes, int(rails.min), int(rails.max), x.dtype)


def _gate(case: Settings, court: Court, name: str, x: Codes, state: Codes | None) -> Codes:
    """Input and hidden products of one gate; without a hidden state only the input's."""
    bias = case.arrays[f"{name}_gate_bias"]
    wide = bias.dtype == np.int64
    total = np.zeros((x.shape[0], case["hidden_size"]), np.int64)
    sides = [("input", x, -case["input_zero_point"], bias)]
    if state is not None:
        sides.append(("hidden", state, case["output_zero_point"], None))
    for side, codes, zero, initial in sides:
        weights = case.arrays[f"{name}_gate_{side}_weights"].reshape(case["hidden_size"], -1)
        acc = court.accumulate(codes, weights.T, zero, 0, initial, wide=wide)
        scaled = court.rescale(acc, case[f"{name}_gate_{side}_multiplier"],
                               case[f"{name}_gate_{side}_shift"], wide)
        total = limited(scaled.astype(np.int64) + total, *INT16, np.int64)
    return total.astype(np.int16)


def _multiply(lhs: Codes, rhs: Codes) -> Words:
    """Exact products of int16 codes, int32."""
    return lhs.astype(np.int32) * rhs.astype(np.int32)


def _product(case: Settings, court: Court, name: str, lhs: Codes, rhs: Codes) -> Words:
    scaled = court.rescale(_multiply(lhs, rhs), case[f"{name}_multiplier"], case[f"{name}_shift"])
    return scaled.astype(np.int64)
