"""A model that is malformed or unsupported is refused by name: no crash, no large allocation."""

from __future__ import annotations

import os
import random
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import qsim
from bad_onnx import MALFORMED, UNSUPPORTED, Bad, sound
from onnx_cases import CASES
from onnx_models import load, model
from qsim.importers import load_onnx

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_gru" / "digits_gru.onnx"
MEMORY = 64 << 20  # bytes that a refusal may allocate


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs in a folder of its own that must stay as the test left it."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield
    assert list(here.iterdir()) == []


def test_the_models_that_are_edited_are_sound() -> None:
    assert len(load(sound())) == 3


@pytest.mark.parametrize("bad", MALFORMED, ids=lambda bad: bad.name)
def test_malformed_model_is_a_bad_file(bad: Bad) -> None:
    with pytest.raises(qsim.BadFile, match=f"^model given as bytes: .*({bad.says})"):
        load(bad.proto)


@pytest.mark.parametrize("bad", UNSUPPORTED, ids=lambda bad: bad.name)
def test_sound_model_beyond_qsim_is_not_supported(bad: Bad) -> None:
    with pytest.raises(qsim.NotSupported, match=f"^model given as bytes: .*({bad.says})"):
        load(bad.proto)


@pytest.mark.parametrize("bad", [b for b in MALFORMED if "dims" in b.name], ids=lambda b: b.name)
def test_claim_allocates_nothing(bad: Bad) -> None:
    data = bad.proto.SerializeToString()
    tracemalloc.start()
    with pytest.raises(qsim.BadFile):
        load_onnx(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


# --- files ----------------------------------------------------------------------------------------


def test_missing_path_is_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        load_onnx(tmp_path / "nowhere.onnx")


CONTENTS = {
    "empty": b"",
    "text": b"this is not a model",
    "zip": b"PK\x03\x04" + bytes(60),
    "zeros": bytes(1000),
    "length-of-2-gib": b"\x08\x08\x3a\xff\xff\xff\xff\x07",
    "length-without-end": b"\x3a" + b"\xff" * 12,
    "truncated": sound().SerializeToString()[:-1],
    "noise": random.Random(1).randbytes(4096),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_other_content_is_a_bad_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(qsim.BadFile, match=r"net\.onnx: expected an ONNX model"):
        load_onnx(path)


def test_folder_is_a_bad_file(tmp_path: Path) -> None:
    with pytest.raises(qsim.BadFile, match="got a folder"):
        load_onnx(tmp_path)


def test_pipe_is_a_bad_file_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.onnx")
    with pytest.raises(qsim.BadFile, match="pipe"):
        load_onnx(tmp_path / "net.onnx")


def test_socket_is_a_bad_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("net.onnx")
        with pytest.raises(qsim.BadFile, match="socket"):
            load_onnx("net.onnx")


def test_path_with_nul_is_a_bad_file() -> None:
    with pytest.raises(qsim.BadFile, match="NUL"):
        load_onnx("net\0.onnx")


def test_file_beyond_2_gib_is_a_bad_file(tmp_path: Path) -> None:
    with (tmp_path / "net.onnx").open("wb") as file:
        file.truncate((2 << 30) + 1)  # a hole: takes no space
    with pytest.raises(qsim.BadFile, match="external data"):
        load_onnx(tmp_path / "net.onnx")


# --- nesting --------------------------------------------------------------------------------------


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    length, size = len(content), b""
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


@pytest.mark.parametrize("depth", [1, 20, 40, 5000])
def test_nested_graphs_are_refused_without_recursion(depth: int) -> None:
    graph = b""
    for _ in range(depth):
        attribute = field(1, b"g") + field(6, graph) + b"\xa0\x01\x05"  # name, g, type: GRAPH
        graph = field(1, field(2, b"y") + field(4, b"Relu") + field(5, attribute))
    head = b"\x08\x08" + field(8, b"\x10\x0d")  # ir_version 8, opset 13
    with pytest.raises((qsim.BadFile, qsim.NotSupported), match=r"holds a graph|do not parse"):
        load_onnx(head + field(7, graph))


# --- external data --------------------------------------------------------------------------------


def external(**entries: str) -> onnx.ModelProto:
    """The sound model with the 48 bytes of w in another file."""
    proto = sound()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key.rstrip("_"), value
    return proto


def save(folder: Path, proto: onnx.ModelProto) -> Path:
    """A model beside 48 bytes of weights, in a folder beside 48 bytes that are none of its own."""
    home = folder / "home"
    home.mkdir()
    (folder / "secret").write_bytes(bytes(48))
    (home / "w.bin").write_bytes(bytes(48))
    (home / "inner").mkdir()
    (home / "net.onnx").write_bytes(proto.SerializeToString())
    return home / "net.onnx"


def test_external_data_of_the_right_size_loads(tmp_path: Path) -> None:
    path = save(tmp_path, external(location="w.bin", offset="0", length="48"))
    assert load_onnx(path).constants["w"].shape == (4, 3)


ENTRIES = {
    "no-location": {},
    "empty-location": {"location": ""},
    "missing-file": {"location": "other.bin"},
    "missing-folder": {"location": "other/w.bin"},
    "parent": {"location": "../secret"},
    "parent-inside": {"location": "inner/../../secret"},
    "parent-that-stays": {"location": "inner/../w.bin"},
    "absolute": {"location": "/etc/passwd"},
    "nul": {"location": "w.bin\0"},
    "folder": {"location": "inner"},
    "file-as-folder": {"location": "w.bin/x"},
    "name-too-long": {"location": "w" * 5000},
    "negative-offset": {"location": "w.bin", "offset": "-8"},
    "offset-beyond": {"location": "w.bin", "offset": "49"},
    "offset-cuts": {"location": "w.bin", "offset": "4"},
    "offset-huge": {"location": "w.bin", "offset": "9" * 18, "length": "48"},
    "offset-in-words": {"location": "w.bin", "offset": "zero"},
    "offset-hexadecimal": {"location": "w.bin", "offset": "0x0"},
    "offset-in-other-digits": {"location": "w.bin", "offset": "\u0660"},
    "length-short": {"location": "w.bin", "length": "44"},
    "length-beyond": {"location": "w.bin", "length": "52"},
    "length-huge": {"location": "w.bin", "length": "9" * 18},
    "length-endless": {"location": "w.bin", "length": "9" * 400},
    "twice": {"location": "w.bin", "location_": "../secret"},
}


@pytest.mark.parametrize("entries", ENTRIES.values(), ids=ENTRIES)
def test_external_data_out_of_place_is_a_bad_file(tmp_path: Path, entries: dict[str, str]) -> None:
    with pytest.raises(qsim.BadFile, match=r'net\.onnx: initializer "w": '):
        load_onnx(save(tmp_path, external(**entries)))


@pytest.mark.parametrize("kind", ["symlink", "symlink-inside", "hard-link", "pipe", "folder-link"])
def test_external_data_through_a_link_is_a_bad_file(tmp_path: Path, kind: str) -> None:
    location = "inner/link" if kind == "folder-link" else "link"
    path = save(tmp_path, external(location=location))
    link = path.parent / "link"
    if kind == "symlink":
        link.symlink_to(tmp_path / "secret")
    elif kind == "symlink-inside":
        link.symlink_to("w.bin")
    elif kind == "hard-link":
        link.hardlink_to(tmp_path / "secret")
    elif kind == "pipe":
        os.mkfifo(link)
    else:
        (path.parent / "inner").rmdir()
        (path.parent / "inner").symlink_to(tmp_path)
        (tmp_path / "link").write_bytes(bytes(48))
    with pytest.raises(qsim.BadFile, match="expected a regular file in the model's folder"):
        load_onnx(path)


def test_external_claim_is_checked_against_the_file_before_allocation(tmp_path: Path) -> None:
    proto = external(location="w.bin")
    proto.graph.initializer[0].dims[:] = [1 << 30, 3]
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 30
    tracemalloc.start()
    with pytest.raises(qsim.BadFile, match="expected 12884901888 bytes"):
        load_onnx(save(tmp_path, proto))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEMORY


def test_model_given_as_bytes_has_no_external_data() -> None:
    with pytest.raises(qsim.BadFile, match="give the path"):
        load(external(location="w.bin"))


# --- damage ---------------------------------------------------------------------------------------


def load_or_refuse(data: bytes) -> bool:
    """True if the bytes are still a model; any other exception than a refusal escapes."""
    try:
        load_onnx(data)
    except (qsim.BadFile, qsim.NotSupported):
        return False
    return True


def flipped(data: bytes, rng: random.Random, count: int) -> bytes:
    """The bytes with some bits flipped."""
    out = bytearray(data)
    for _ in range(count):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def test_every_truncation_of_the_example_is_refused() -> None:
    data = EXAMPLE.read_bytes()
    rng = random.Random(2024)
    for _ in range(150):
        assert not load_or_refuse(data[: rng.randrange(len(data))])


def test_every_flip_in_the_example_loads_or_is_refused() -> None:
    data = EXAMPLE.read_bytes()
    # Weights are most of the file; half of the flips go where the structure is.
    weights = sum(len(t.raw_data) for t in onnx.load(EXAMPLE).graph.initializer)
    rng = random.Random(2025)
    kept = 0
    for at in range(150):
        if at % 2:
            kept += load_or_refuse(flipped(data, rng, 1))
        else:
            kept += load_or_refuse(flipped(data[: len(data) - weights], rng, 1) + data[-weights:])
    assert 0 < kept < 150


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: case.name)
def test_every_damage_to_a_small_model_loads_or_is_refused(case: object) -> None:
    assert hasattr(case, "nodes")
    parts = [getattr(case, k) for k in ("nodes", "shapes", "outputs", "constants", "opset")]
    data = model(*parts)
    sound_bytes = data.SerializeToString()
    rng = random.Random(len(sound_bytes))
    for at in range(60):
        load_or_refuse(flipped(sound_bytes, rng, 1 + at % 3))
        load_or_refuse(sound_bytes[: rng.randrange(len(sound_bytes))])


@pytest.mark.parametrize("word", [0, 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_every_word_of_a_small_model_may_be_replaced(word: int) -> None:
    data = sound().SerializeToString()
    new = np.uint32(word).tobytes()
    for at in range(0, len(data) - 4, 4):
        load_or_refuse(data[:at] + new + data[at + 4 :])
