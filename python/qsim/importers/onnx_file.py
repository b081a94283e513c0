"""Bytes of a model: the file itself, and external data inside the folder that holds it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .onnx_report import MAX_FILE, Reporter, quoted

CHUNK = 1 << 30  # one read asks the kernel for at most this many bytes
READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # opening a pipe must not wait for a writer


def read_model(path: Path, report: Reporter) -> bytes:
    """The whole file. FileNotFoundError if there is none, BadFile unless it is a regular file."""
    if "\0" in str(path):
        raise report.bad("path: expected no NUL character")
    try:
        descriptor = os.open(path, READ)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):
            raise report.bad("expected a regular file, got a socket or a device") from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
            raise report.bad(f"expected a model file, got {kind}; give the path of the .onnx file")
        if status.st_size > MAX_FILE:
            raise report.bad(
                f"expected at most {MAX_FILE} bytes, got {status.st_size}; "
                "save the weights as external data"
            )
        data = _read(descriptor, 0, status.st_size)
    finally:
        os.close(descriptor)
    if len(data) != status.st_size:
        raise report.bad("the file became shorter while it was read")
    return data


class ExternalData:
    """Reads tensors' bytes from files below one folder, and from nowhere else.

    The path is walked name by name from an open folder without following links, so a link swapped
    in between a check and the opening is not followed either.
    """

    def __init__(self, folder: Path | None, report: Reporter) -> None:
        self._folder = folder
        self._report = report

    def read(self, what: str, entries: dict[str, str], expected: int) -> bytes:
        """`expected` bytes of tensor `what` (the wording of a message), as `entries` place them."""
        if self._folder is None:
            raise self._report.bad(
                f"{what}: keeps its data in another file, but the model was given as bytes; "
                "give the path, or save the model in one file"
            )
        offset = self._number(what, entries, "offset")
        length = self._number(what, entries, "length")
        with self._opened(what, entries.get("location", "")) as descriptor:
            size = os.fstat(descriptor).st_size
            begin = offset or 0
            count = max(size - begin, 0) if length is None else length
            if begin + count > size:
                raise self._report.bad(
                    f"{what}: expected data within the {size} bytes of "
                    f"{quoted(entries['location'])}, got offset {begin}, length {count}; "
                    "the data file is truncated or is another model's"
                )
            if count != expected:
                raise self._report.bad(
                    f"{what}: expected {expected} bytes for its shape, got {count} "
                    f"in {quoted(entries['location'])}; the data file is another model's"
                )
            data = _read(descriptor, begin, expected)
        if len(data) != expected:
            raise self._report.bad(f"{what}: the data file became shorter while it was read")
        return data

    def _number(self, what: str, entries: dict[str, str], key: str) -> int | None:
        value = entries.get(key)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 18):
            raise self._report.bad(f"{what}: {key}: expected a decimal number, got {quoted(value)}")
        return int(value)

    def _parts(self, what: str, location: str) -> list[str]:
        parts = [part for part in location.split("/") if part not in ("", ".")]
        if not parts or location.startswith("/") or ".." in parts or "\0" in location:
            raise self._report.bad(
                f"{what}: location: expected a file inside the model's folder, "
                f"got {quoted(location)}; save the external data beside the model"
            )
        return parts

    @contextmanager
    def _opened(self, what: str, location: str) -> Iterator[int]:
        parts = self._parts(what, location)
        assert self._folder is not None
        held = [os.open(self._folder, READ | os.O_DIRECTORY)]
        try:
            for at, part in enumerate(parts):
                last = at == len(parts) - 1
                kind = os.stat(part, dir_fd=held[-1], follow_symlinks=False).st_mode
                if stat.S_ISLNK(kind) or not (stat.S_ISREG(kind) if last else stat.S_ISDIR(kind)):
                    raise self._not_inside(what, location)
                flags = READ | os.O_NOFOLLOW | (0 if last else os.O_DIRECTORY)
                held.append(os.open(part, flags, dir_fd=held[-1]))
            status = os.fstat(held[-1])
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise self._not_inside(what, location)
            yield held[-1]
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise self._not_inside(what, location) from None
            raise self._report.bad(
                f"{what}: cannot read its data file {quoted(location)}: {error.strerror}; "
                "keep the data file beside the model"
            ) from None
        finally:
            for descriptor in held:
                os.close(descriptor)

    def _not_inside(self, what: str, location: str) -> Exception:
        return self._report.bad(
            f"{what}: location {quoted(location)}: expected a regular file in the model's folder, "
            "got a link, a folder or a device; replace it with a copy of the data"
        )


def _read(descriptor: int, offset: int, count: int) -> bytes:
    data = bytearray(count)
    done = 0
    with memoryview(data) as view:
        while done < count:
            got = os.preadv(descriptor, [view[done : done + CHUNK]], offset + done)
            if got == 0:
                break
            done += got
    return bytes(data) if done == count else bytes(data[:done])
