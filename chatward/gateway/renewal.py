"""Certificates that are renewed while Chatward runs: by ACME, a SPIFFE helper, or hand.

The rule: what is on disk is looked at every few seconds, and at once when asked (SIGHUP). A pair that cannot be used is
told once for each state of the files, and the old one stays in force (``server``, rule 4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from chatward.core.errors import ConfigError

EVERY: Final = 5.0
"""Seconds between two looks."""


class Plane(Protocol):
    """Something with a certificate."""

    def reload(self) -> bool:
        """Takes files that have changed; whether they had. Raises ``ConfigError``."""
        ...


class Renewal:
    """Keeps certificates current. ``say`` gets a line when one changes, or cannot."""

    def __init__(self, planes: Sequence[Plane], say: Callable[[str], None], every: float = EVERY) -> None:
        self._planes = tuple(planes)
        self._say = say
        self._every = every
        self._told = ""

    def check(self) -> bool:
        """Looks now; whether a certificate was taken."""
        taken = False
        try:
            for plane in self._planes:
                taken |= plane.reload()
        except ConfigError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._say(f"Certificate not reloaded: {error}")
            return taken
        self._told = ""
        if taken:
            self._say("Certificate reloaded.")
        return taken

    async def run(self) -> None:
        """Looks again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            self.check()
