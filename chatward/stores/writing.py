"""A thread that writes what event loops hand over, in groups, from a queue that has an end.

The rules:

1. ``put`` never waits: it takes an item or raises ``StoreError`` at once, before anything has happened.
2. Its future is done once the group that holds the item is written; it fails with ``StoreError`` where it was not.
3. A group that fails is tried again item by item, so that one bad item fails alone.
4. Closing writes what was taken.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from chatward.core.errors import StoreError

log = logging.getLogger(__name__)

T = TypeVar("T")
_GROUP: Final = 64


class Writer(Generic[T]):
    """Hands groups to ``write``, on one thread. At most ``limit`` items and ``limit_bytes`` wait; ``size`` gives the
    bytes of one. Reasons of the ``StoreError``: ``NAME-overloaded``, ``NAME-closed``, ``NAME-unavailable``, or that of
    ``write``.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[T]], None],
        size: Callable[[T], int],
        *,
        limit: int = 10_000,
        limit_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._name = name
        self._write = write
        self._size = size
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._waiting: deque[tuple[T, int, asyncio.Future[None]]] = deque()
        self._bytes = 0
        self._some = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"chatward-{name}", daemon=True)
        self._thread.start()

    def put(self, item: T) -> asyncio.Future[None]:
        """Must be called on a running event loop."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        size = self._size(item)
        with self._some:
            if self._closed:
                raise self._failure("closed")
            if len(self._waiting) >= self._limit or self._bytes + size > self._limit_bytes:
                raise self._failure("overloaded")
            self._waiting.append((item, size, future))
            self._bytes += size
            self._some.notify()
        return future

    async def aclose(self) -> None:
        """Writes what is queued, then ends. Idempotent."""
        with self._some:
            self._closed = True
            self._some.notify()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while True:
            with self._some:
                while not self._waiting and not self._closed:
                    self._some.wait()
                if not self._waiting:
                    return
                group = [self._waiting.popleft() for _ in range(min(_GROUP, len(self._waiting)))]
            failures = self._attempt([item for item, _, _ in group])
            with self._some:
                self._bytes -= sum(size for _, size, _ in group)
            _settle([(future, failure) for (_, _, future), failure in zip(group, failures, strict=True)])

    def _attempt(self, items: Sequence[T]) -> list[StoreError | None]:
        try:
            self._write(items)
        except Exception as error:
            if len(items) > 1:
                return [one for item in items for one in self._attempt([item])]
            if isinstance(error, StoreError):
                return [error]
            log.error("The %s cannot be written (%s).", self._name, type(error).__name__)
            return [self._failure("unavailable")]
        return [None] * len(items)

    def _failure(self, what: str) -> StoreError:
        return StoreError("This cannot be stored now; nothing was done.", reason=f"{self._name}-{what}")


def _settle(futures: Sequence[tuple[asyncio.Future[None], StoreError | None]]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], StoreError | None]]] = {}
    for future, failure in futures:
        loops.setdefault(future.get_loop(), []).append((future, failure))
    for loop, some in loops.items():
        try:
            loop.call_soon_threadsafe(_finish, some)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            log.debug("A loop closed before it was told what is written.")


def _finish(futures: Sequence[tuple[asyncio.Future[None], StoreError | None]]) -> None:
    for future, failure in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
