"""Workers from the outside: asked with a time limit, killed where they miss it, started again when the next file comes.

A worker that dies or misses its time makes a file unread (``Failed``), never clean. One that has looked at many files
is replaced, so that what parsers leave behind does not add up.
"""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Final

import msgspec

from chatward.core.errors import ConfigError
from chatward.files.worker import LONGEST, Asked, Setup
from chatward.guards.files.inspecting import Report

START_SECONDS: Final = 30.0
_FILES: Final = 500
"""Files that one process looks at."""
_PIECE: Final = 1 << 16
_GRACE: Final = 1.0
"""Seconds beyond its time in which a worker is killed, before it is not waited for any more."""
_KEPT: Final = frozenset(("LANG", "LC_ALL", "PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV"))


class Failed(Exception):
    """No report. ``reason`` is ``error`` or ``timeout``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Worker:
    """One process; one file at a time. Not for several threads at once."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0

    def start(self) -> None:
        """Starts the process, if there is none. Raises ``ConfigError`` where rules do not compile."""
        if self._process is not None and self._process.poll() is None and self._files < _FILES:
            return
        self.stop()
        self._files = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chatward.files.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # a terminal's interrupt is for the parent
            env={name: value for name, value in os.environ.items() if name in _KEPT},
        )
        told = msgspec.msgpack.decode(self._exchange(msgspec.msgpack.encode(self._setup), START_SECONDS), type=str)
        if told:
            self.stop()
            raise ConfigError(f"files.rules: {told}", key="files.rules", reason="rules-invalid")

    def ask(self, asked: Asked, seconds: float) -> Report:
        """The report on one file. Raises ``Failed``."""
        try:
            self.start()
        except (OSError, ConfigError):
            raise Failed("error") from None
        self._files += 1
        try:
            return msgspec.msgpack.decode(self._exchange(msgspec.msgpack.encode(asked), seconds), type=Report)
        except msgspec.MsgspecError:
            self.stop()
            raise Failed("error") from None

    def stop(self) -> None:
        """Ends the process at once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        process.wait()

    def _exchange(self, message: bytes, seconds: float) -> bytes:
        """Sends a message and reads the answer, both within ``seconds``. Ends the process and raises ``Failed``."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        deadline = time.monotonic() + seconds
        try:
            out = memoryview(len(message).to_bytes(4) + message)
            while out:
                _wait(deadline, write=process.stdin.fileno())
                out = out[os.write(process.stdin.fileno(), out[:_PIECE]) :]
            size = int.from_bytes(self._read(process.stdout.fileno(), 4, deadline))
            if size > LONGEST:
                raise Failed("error")
            return self._read(process.stdout.fileno(), size, deadline)
        except OSError:
            self.stop()
            raise Failed("error") from None
        except Failed:
            self.stop()
            raise

    @staticmethod
    def _read(descriptor: int, size: int, deadline: float) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            _wait(deadline, read=descriptor)
            piece = os.read(descriptor, min(_PIECE, size - len(pieces)))
            if not piece:
                raise Failed("error")  # it died: of memory, or of the file
            pieces += piece
        return bytes(pieces)


def _wait(deadline: float, *, read: int | None = None, write: int | None = None) -> None:
    left = deadline - time.monotonic()
    poll = select.poll()  # `select` knows no descriptor above 1023, and a gateway has more
    if read is not None:
        poll.register(read, select.POLLIN)
    if write is not None:
        poll.register(write, select.POLLOUT)
    if left <= 0 or not poll.poll(left * 1000):
        raise Failed("timeout")


class Workers:
    """``count`` workers, each with a thread that waits for it."""

    def __init__(self, setup: Setup, count: int = 1) -> None:
        self._all = [Worker(setup) for _ in range(count)]
        self._free: SimpleQueue[Worker] = SimpleQueue()
        for worker in self._all:
            self._free.put(worker)
        self._threads = ThreadPoolExecutor(count, "chatward-files")

    def start(self) -> None:
        """Starts the first, so that what cannot start says so now. Raises ``ConfigError`` and ``Failed``."""
        self._all[0].start()

    async def report(self, asked: Asked, seconds: float) -> Report:
        """The report on one file, by the next worker that is free, waiting for it included. Raises ``Failed``."""
        deadline = time.monotonic() + seconds
        try:
            async with asyncio.timeout(seconds + _GRACE):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, asked, deadline)
        except TimeoutError:
            raise Failed("timeout") from None
        except RuntimeError:  # closed meanwhile
            raise Failed("error") from None

    def _ask(self, asked: Asked, deadline: float) -> Report:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failed("timeout")
        worker = self._free.get()
        try:
            return worker.ask(asked, left)
        finally:
            self._free.put(worker)

    def close(self) -> None:
        """Ends all of them; who waits is told that it failed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.stop()
