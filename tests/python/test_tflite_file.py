"""The reader of .tflite models answers damaged files with one error."""

from __future__ import annotations

import random

import pytest

import seanet_cases
from tflite_file import Malformed, parse_model

SMALLEST = (seanet_cases.ROOT / "quantize" / "quantize0.tflite").read_bytes()


def outcome(raw: bytes) -> bool:
    """Whether the bytes are read; any other error than `Malformed` comes out."""
    try:
        parse_model(raw)
    except Malformed:
        return False
    return True


def test_no_prefix_fails_otherwise() -> None:
    read = [size for size in range(len(SMALLEST)) if outcome(SMALLEST[:size])]
    assert len(read) < 16  # the last bytes are padding


def test_no_damaged_byte_fails_otherwise() -> None:
    dice = random.Random(1)
    refused = 0
    for at in range(len(SMALLEST)):
        for value in (0, 255, dice.randrange(256)):
            refused += not outcome(SMALLEST[:at] + bytes([value]) + SMALLEST[at + 1:])
    assert refused > 100


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "identifier"),
        (b"\x10\0\0\0TFL2" + bytes(32), "identifier"),
        (SMALLEST[:40], "offset"),
    ],
)
def test_refusals_say_what_is_wrong(raw: bytes, says: str) -> None:
    with pytest.raises(Malformed, match=says):
        parse_model(raw)
