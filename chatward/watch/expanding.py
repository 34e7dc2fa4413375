"""Where links of shorteners lead: the shortener is asked, and nobody else.

The rules:

1. Only hosts of ``core.hosts.SHORTENERS`` are asked, by the fetch of ``fetching``, which takes no redirect by itself
   and no address of our own network. A redirect to another shortener is asked on; where the last one leads is told and
   not fetched.
2. An answer is remembered for a while, and that there was none for a shorter one. Memory is bounded.
3. What is not known in time is not known: it is asked for on, so that the next look may find it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from chatward.core.addresses import parse
from chatward.core.errors import UpstreamError
from chatward.core.hosts import SHORTENERS
from chatward.watch.fetching import joined
from chatward.watch.transparency import Fetch

HOPS: Final = 4
KEPT: Final = 3_600.0
"""Seconds for which an answer is remembered."""
MISSED: Final = 300.0
"""The same for none."""
CAPACITY: Final = 10_000
_BODY: Final = 64 * 1024


def is_short(url: str) -> bool:
    """Whether a URL is one of a shortener's."""
    place = parse(url)
    return place is not None and place.host in SHORTENERS and len(place.path) > 1


class Expander:
    """``seconds`` are for one call, whatever it asks. One event loop."""

    def __init__(
        self, fetch: Fetch, *, seconds: float = 3.0, most: int = 4, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        """Until when, and where each leads; empty where nobody said."""
        self._asking: dict[str, asyncio.Task[str]] = {}

    async def __call__(self, urls: Sequence[str]) -> dict[str, str]:
        """Where each of ``urls`` leads that is a shortener's, as far as it is known in time."""
        short = [url for url in dict.fromkeys(urls) if is_short(url)][: self._most]
        waiting = [self._asked(url) for url in short if not self._fresh(url)]
        if waiting:
            await asyncio.wait(waiting, timeout=self._seconds)
        return {url: self._known[url][1] for url in short if self._fresh(url) and self._known[url][1]}

    def _fresh(self, url: str) -> bool:
        return url in self._known and self._known[url][0] > self._clock()

    def _asked(self, url: str) -> asyncio.Task[str]:
        if url not in self._asking:
            task = self._asking[url] = asyncio.get_running_loop().create_task(self._leads(url))
            task.add_done_callback(lambda done: self._learnt(url, done))
        return self._asking[url]

    def _learnt(self, url: str, done: asyncio.Task[str]) -> None:
        self._asking.pop(url, None)
        leads = "" if done.cancelled() or done.exception() is not None else done.result()
        self._known[url] = (self._clock() + (KEPT if leads else MISSED), leads)
        self._known.move_to_end(url)
        if len(self._known) > CAPACITY:
            self._known.popitem(last=False)

    async def _leads(self, url: str) -> str:
        """Where a shortener's URL leads in the end; empty where nobody says. Never to a shortener again."""
        for _ in range(HOPS):
            try:
                answer = await self._fetch(url, most=_BODY)
                place = answer.header("location")
                if not 300 <= answer.status < 400 or not place:
                    return ""
                url = joined(answer.url, place)
            except UpstreamError:
                return ""
            if not is_short(url):
                return url
        return ""
