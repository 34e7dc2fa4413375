"""The encoder beside an event loop: one thread reads the windows of all requests that wait.

The rule: whoever asks first is not kept waiting for others; what gathers while the thread is busy is its next batch,
at most ``MOST`` windows of it. The loop goes on meanwhile, because the encoder runs without the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

MOST: Final = 32
"""Windows of one batch; a text with more is read alone."""


@dataclass(slots=True)
class _Job(Generic[_Asked, _Answer]):
    windows: Sequence[_Asked]
    take: Callable[[Sequence[_Answer]], None]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None] = field(init=False)

    def __post_init__(self) -> None:
        self.done = self.loop.create_future()


class Batcher(Generic[_Asked, _Answer]):
    """``read`` windows by ``run`` in a thread of its own. May be used from several event loops."""

    def __init__(self, run: Callable[[Sequence[_Asked]], Sequence[_Answer]]) -> None:
        self._run = run
        self._jobs: deque[_Job[_Asked, _Answer]] = deque()
        self._lock = threading.Lock()
        self._some = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self.batches = 0

    def submit(self, windows: Sequence[_Asked], take: Callable[[Sequence[_Answer]], None]) -> asyncio.Future[None]:
        """A future that is done when ``take`` was called with the answers, in the order of ``windows``. It raises what
        reading raised. Call it from a running event loop."""
        job = _Job(windows, take, asyncio.get_running_loop())
        with self._some:
            self._jobs.append(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="chatward-encoder", daemon=True)
                self._thread.start()
            self._some.notify()
        return job.done

    def _work(self) -> None:
        while True:
            with self._some:
                while not self._jobs:
                    self._some.wait()
                jobs = [self._jobs.popleft()]
                count = len(jobs[0].windows)
                while self._jobs and count + len(self._jobs[0].windows) <= MOST:
                    count += len(self._jobs[0].windows)
                    jobs.append(self._jobs.popleft())
            jobs = [job for job in jobs if not job.done.cancelled()]
            if jobs:
                self._serve(jobs)

    def _serve(self, jobs: Sequence[_Job[_Asked, _Answer]]) -> None:
        self.batches += 1
        try:
            answers = self._run([window for job in jobs for window in job.windows])
        except Exception as error:
            for job in jobs:
                _tell(job, error)
            return
        start = 0
        for job in jobs:
            end = start + len(job.windows)
            try:
                job.take(answers[start:end])
            except Exception as error:
                _tell(job, error)
            else:
                _tell(job, None)
            start = end


def _tell(job: _Job[Any, Any], error: Exception | None) -> None:
    def settle() -> None:
        if job.done.done():
            return
        if error is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(error)

    try:
        job.loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop has ended: nobody waits
        return
