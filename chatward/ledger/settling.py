"""Telling those who wait for entries: one wake-up for each event loop, whatever the number of entries."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from chatward.core.errors import StoreError

log = logging.getLogger(__name__)


def failure(reason: str) -> StoreError:
    return StoreError("The record cannot be written now; nothing was done.", reason=reason)


def settle(waiting: Iterable[asyncio.Future[None] | None], reason: str | None) -> None:
    """Resolves the futures of a group, or fails them for ``reason``. From any thread."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for future in waiting:
        if future is not None:
            loops.setdefault(future.get_loop(), []).append(future)
    for loop, futures in loops.items():
        try:
            loop.call_soon_threadsafe(_finish, futures, reason)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            log.debug("A loop closed before its entries were settled.")


def _finish(futures: Sequence[asyncio.Future[None]], reason: str | None) -> None:
    for future in futures:
        if not future.done():
            if reason is None:
                future.set_result(None)
            else:
                future.set_exception(failure(reason))
