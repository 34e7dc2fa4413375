"""What ties a page's report to its session, and a wait to its end: short signed texts.

The rules:

1. A page's token says when it was given out and is good for one session, ``PAGE_SECONDS``. Its reports are numbered
   upwards: an older one, or one of another session, is worth nothing. Where a browser keeps no cookie, the token's own
   number is the session.
2. A ticket says from when on, until when, and for which session it gives a pass, once. Who holds it can give that one
   session a pass, and nobody else.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.traffic.sessions import Signing, visit

PAGE_SECONDS: Final = 43_200.0
TICKET_SECONDS: Final = 600.0
_PAGE: Final = re.compile(r"([0-9]{10})\.([0-9a-f]{32})\.([0-9a-f]{32})", re.ASCII)
_TICKET: Final = re.compile(r"([0-9]{10})\.([0-9a-f]{16})\.([\w:/@.*=+-]{1,160})\.([0-9a-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ticket:
    """``after`` and ``until``: seconds since 1970 UTC between which it is good. ``key``: what is spent with it."""

    session: str
    after: float
    until: float
    key: str


class Tokens:
    """Signs and reads both. ``clock`` gives seconds since 1970 UTC."""

    def __init__(self, signing: Signing, clock: Callable[[], float] = time.time) -> None:
        self._signing = signing
        self._clock = clock

    def page(self, session: str, number: str = "") -> str:
        """A token for a session; ``number`` is that of a visit whose cookie is set with it."""
        issued, number = int(self._clock()), number or secrets.token_hex(16)
        return f"{issued}.{number}.{self._signing.sign('page', session, issued, number)}"

    def of_page(self, token: str, session: str, *, shared: bool) -> str | None:
        """The session that a token speaks for: this one, or that of its own number where ``shared``. ``None``: none."""
        form = _PAGE.fullmatch(token)
        if form is None or not 0 <= self._clock() - int(form[1]) <= PAGE_SECONDS:
            return None
        named = visit(form[2]) if shared else session
        return named if self._signing.good(form[3], "page", named, form[1], form[2]) else None

    def ticket(self, session: str, seconds: float) -> str:
        after, number = int(self._clock() + seconds), secrets.token_hex(8)
        return f"{after}.{number}.{session}.{self._signing.sign('ticket', after, number, session)}"

    def of_ticket(self, text: str) -> Ticket | None:
        """A ticket that was signed here and is not over; ``None`` for everything else. It may not have begun yet."""
        form = _TICKET.fullmatch(text)
        if form is None or not self._signing.good(form[4], "ticket", form[1], form[2], form[3]):
            return None
        until = int(form[1]) + TICKET_SECONDS
        if self._clock() > until:
            return None
        return Ticket(form[3], float(form[1]), until, f"ticket:{form[2]}")
