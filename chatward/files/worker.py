"""The process that looks at files: one file in, one report out, on its standard streams.

The rules:

1. It holds nothing of its parent's: no keys, no connections, an environment without secrets. What a hostile file does
   to a parser here, it does to a process that can be thrown away.
2. Memory for data is bounded by the system (``RLIMIT_DATA``), it writes no files (``RLIMIT_FSIZE``) and no core. Time
   is the parent's business: it kills what takes too long.
3. Messages are MessagePack behind their length (4 bytes, big-endian). The first says how to look (``Setup``) and is
   answered with an empty string, or with a sentence where rules do not compile.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import resource
import sys
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import msgspec

from chatward.guards.files.inspecting import Report, inspect, unread
from chatward.guards.files.looking import Bounds, Tools
from chatward.guards.files.signatures import YaraScanner
from chatward.intel.yara import compiled
from chatward.models.runtime import VARIABLE

LONGEST: Final = 1 << 30
_HEAD: Final = 4096
"""Bytes of a file that the second opinion on its type is asked about, from each end."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a worker looks. ``memory``: bytes of data it may have; ``rules``: texts of YARA rules."""

    bounds: Bounds = field(default_factory=Bounds)
    memory: int = 1 << 30
    rules: tuple[str, ...] = ()
    strip: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """One file."""

    data: bytes
    name: str = ""
    declared: str = ""


class Magika:
    """A second opinion on what has no signature, by the model of ``magika``. Raises ``ImportError`` without it."""

    def __init__(self) -> None:
        os.environ[VARIABLE] = "1"  # before ONNX Runtime is loaded, as in ``models.runtime``
        from magika import Magika as Model  # noqa: PLC0415 - an extra, and slow to import

        self._model = Model()

    def name(self, data: bytes) -> str:
        sample = data if len(data) <= 2 * _HEAD else data[:_HEAD] + data[-_HEAD:]
        return str(self._model.identify_bytes(sample).output.label)


def made(setup: Setup) -> Tools:
    """The tools that are installed. Raises ``ValueError`` for rules that do not compile, ``ImportError`` where they
    cannot be used."""
    scanner = YaraScanner(compiled(setup.rules)) if setup.rules else None
    return Tools(scanner, Magika() if importlib.util.find_spec("magika") is not None else None)


def looked(asked: Asked, setup: Setup, tools: Tools) -> Report:
    """The report on one file; on one that nobody foresaw, that it could not be read."""
    try:
        return inspect(asked.data, asked.name, asked.declared, bounds=setup.bounds, tools=tools, strip=setup.strip)
    except Exception:  # told as a file that could not be read, which is never a clean one
        return unread(asked.data, "error")


def send(stream: BinaryIO, message: bytes) -> None:
    """One message."""
    stream.write(len(message).to_bytes(4) + message)
    stream.flush()


def receive(stream: BinaryIO) -> bytes:
    """One message; empty at the end of the stream."""
    head = stream.read(4)
    size = int.from_bytes(head) if len(head) == 4 else 0
    return stream.read(size) if size <= LONGEST else b""


def main() -> int:
    """Serves until its input ends."""
    logging.disable(logging.CRITICAL)
    asking, telling = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no message
    setup = msgspec.msgpack.decode(receive(asking), type=Setup)
    for limit, most in (
        (resource.RLIMIT_DATA, setup.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        tools = made(setup)
    except (ValueError, ImportError) as error:
        send(telling, msgspec.msgpack.encode(str(error) or type(error).__name__))
        return 1
    send(telling, msgspec.msgpack.encode(""))
    while message := receive(asking):
        asked = msgspec.msgpack.decode(message, type=Asked)
        send(telling, msgspec.msgpack.encode(looked(asked, setup, tools)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
