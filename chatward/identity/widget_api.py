"""Where a page gets the session of its visitor: ``POST /v1/widget/sessions``.

The rules:

1. Without a token it begins a session; with a good one it renews that one, and the session stays the same. Either way
   the request carries a proof of possession (``identity.widget``).
2. New sessions are counted by address before any signature is verified. Renewals are not: they have an end.
3. A session is on record before its token leaves.
4. Proofs are dated, and the clocks of people's devices are wrong: the answer says what time it is here, and so does
   the refusal of a proof for its date (``chatward.now``).

``handle`` writes and waits for the disk: from an event loop, call it on a thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from chatward.core import base64url
from chatward.core.errors import ClientError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Presented
from chatward.core.ports import Entry
from chatward.identity.allowance import Allowance
from chatward.identity.credential import shown
from chatward.identity.record import Record
from chatward.identity.widget import PREFIX as TOKEN
from chatward.identity.widget import Widget

PREFIX: Final = "/v1/widget/"
PATH: Final = "/v1/widget/sessions"

Headers = list[tuple[str, str]]


class RefusedVisitorError(IdentityError):
    """A visitor that is not let in. ``now``: the time here, for who makes the next proof."""

    def __init__(self, cause: IdentityError, now: int) -> None:
        super().__init__(cause.public, reason=cause.reason, status=cause.status)
        self._now = now

    @property
    def headers(self) -> Headers:
        """RFC 9449 section 7.1."""
        return [("www-authenticate", 'DPoP algs="ES256"')] if self.status == 401 else []

    @property
    def details(self) -> Mapping[str, object]:
        return {"now": self._now} if self.reason == "dpop-proof-stale" else {}


class CrowdedError(ClientError):
    """Too many new sessions from one address."""

    status = 429
    reason = "too-many-sessions"

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many chats were begun from this network; try again in a minute.")
        self._seconds = seconds

    @property
    def headers(self) -> Headers:
        return [("retry-after", str(max(1, math.ceil(self._seconds))))]


class WidgetSessions:
    """Gives out sessions for ``bot``. ``model`` is told to the page, where it is settled."""

    def __init__(
        self,
        widget: Widget,
        bot: str,
        allowance: Allowance,
        record: Record,
        *,
        model: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._widget = widget
        self._bot = bot
        self._allowance = allowance
        self._record = record
        self._model = model
        self._clock = clock

    def handle(self, presented: Presented, path: str, body: bytes) -> tuple[int, Headers, bytes]:
        """One request to its answer. Raises ``IdentityError`` (those of ``Widget.issue``), ``ClientError``
        (``too-many-sessions``) and ``StoreError``."""
        if path != PATH:
            raise ClientError("There is nothing at this address.", reason="not-found", status=404)
        if presented.method != "POST":
            raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
        _nothing(body)
        found = shown(presented)
        if found is None or not found.text.startswith(TOKEN):
            wait = self._allowance.take(presented.address)
            if wait:
                raise CrowdedError(wait)
        try:
            issued = self._widget.issue(presented, self._bot)
        except IdentityError as error:
            raise RefusedVisitorError(error, int(self._clock())) from error
        if not issued.renewed:
            about = {"principal": f"visitor:{issued.session}", "bot": self._bot}
            self._record(Entry(Event.VISITOR_SESSION_BEGAN, "", about))
        told = {
            "token": issued.token,
            "session": issued.session,
            "expires": int(issued.expires),
            "now": int(self._clock()),
            "model": self._model,
        }
        return 201, [("content-type", "application/json"), ("cache-control", "no-store")], orjson.dumps(told)


def _nothing(body: bytes) -> None:
    try:
        given = base64url.json_object(body or b"{}")
    except ValueError:
        raise ClientError("The body is not a JSON object.", reason="json-invalid") from None
    if given:
        raise ClientError("This request takes no fields.", reason="field-type")
