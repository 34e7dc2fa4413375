"""Settings that change while Chatward runs.

The rule: **validate, then swap**. A changed file is loaded whole; only when that succeeds is the new result handed
over. On an error the old settings stay in force, and the error is reported once for each state of the file. What cannot
change without a restart is named by ``needs_restart`` rather than silently ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from chatward.configuration import Loaded, stamp
from chatward.core.errors import ConfigError
from chatward.settings.types import dotted, values

_FIXED: Final = (
    "alerts", "bots.", "chat.", "conversations.", "ledger.", "limiter.", "limits.", "monitoring.", "privacy.",
    "server.", "traffic.", "siem", "widget.", "assurance.", "vendors.", "channels.", "mcp.",
)  # fmt: skip
"""Keys that are read at the start alone."""


class Watcher:
    """Looks at one file. ``load`` loads it anew; ``apply`` gets a good result, ``report`` an error.

    ``apply`` may raise ``ConfigError`` as well (a secret that is gone): then nothing counts as swapped.
    ``path`` ``None`` (settings without a file) is reloaded by ``signal`` only.
    """

    def __init__(
        self,
        current: Loaded,
        load: Callable[[], Loaded],
        apply: Callable[[Loaded], None],
        report: Callable[[ConfigError], None],
        *,
        interval: float = 1.0,
    ) -> None:
        self.current = current
        self.error: ConfigError | None = None
        self._load = load
        self._apply = apply
        self._report = report
        self._interval = interval
        self._asked = False
        self._wake = asyncio.Event()
        self._state = current.stamp

    def signal(self) -> None:
        """Asks for a reload, changed or not. For ``loop.add_signal_handler(SIGHUP, watcher.signal)``."""
        self._asked = True
        self._wake.set()

    def check(self) -> bool:
        """Reloads if the file changed or ``signal`` was called; True when new settings are in force."""
        state = stamp(self.current.path)
        if state == self._state and not self._asked:
            return False
        self._state, self._asked = state, False
        try:
            loaded = self._load()
            self._apply(loaded)
        except ConfigError as error:
            self.error = error
            self._report(error)
            return False
        self.current, self.error = loaded, None
        return True

    async def run(self) -> None:
        """Checks every ``interval`` seconds, and at once after ``signal``, until cancelled."""
        while True:
            with suppress(TimeoutError):  # not wait_for: it may swallow a cancellation (CPython 86296)
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            self._wake.clear()
            self.check()


def changes(old: Loaded, new: Loaded) -> list[str]:
    """Dotted keys whose values differ, or that only one of the two has."""
    before, after = ({dotted(steps): value for steps, value in values(one.settings)} for one in (old, new))
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def needs_restart(old: Loaded, new: Loaded) -> list[str]:
    """The changed keys that take effect at the next start only."""
    return [key for key in changes(old, new) if key.startswith(_FIXED)]
