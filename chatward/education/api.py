"""What pages tell of tips, and what people report: ``POST /v1/tips`` and ``POST /v1/reports``.

The rules:

1. Both take small JSON objects of fixed words, never free text: nothing that somebody writes is kept by it.
2. A report names the answer by its request id and says why; it goes on record (``reply:output:reported``) with who
   reported, and at most ``REPORTS`` a minute do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from chatward.core.errors import ClientError
from chatward.core.events import Event
from chatward.core.identity import Fields, Principal
from chatward.core.ports import Entry, Headers
from chatward.education.counting import SAID, TipCounts
from chatward.education.tips import TIPS
from chatward.identity.allowance import Allowance

TIPS_PATH: Final = "/v1/tips"
REPORTS_PATH: Final = "/v1/reports"
WHYS: Final = ("wrong", "unsafe", "private", "scam", "not-genuine", "other")
"""Why an answer is reported."""
REPORTS: Final = 60
"""Reports a minute that go on record, of all people together."""

_REQUEST: Final = re.compile(r"[\w-]{8,64}", re.ASCII)
Answered = tuple[int, Headers, bytes]


class EducationApi:
    """Two services (``gateway.services``). ``record`` puts an entry on record and waits for it; ``clock`` gives seconds
    of any origin. Raises ``ClientError`` and ``StoreError``."""

    def __init__(
        self, counts: TipCounts, record: Callable[[Entry], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts = counts
        self._record = record
        self._room = Allowance(REPORTS, clock, most=1)

    def tips(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered:
        said = asked_object(method, path, TIPS_PATH, body)
        tip, what = said.get("tip"), said.get("what")
        if tip not in TIPS or what not in SAID:
            wanted = f'{{"tip": one of {", ".join(TIPS)}, "what": one of {", ".join(SAID)}}}'
            raise ClientError(f"The body must be {wanted}.", reason="tip-invalid")
        self._counts.add(str(tip), str(what))
        return 204, (), b""

    def reports(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered:
        said = asked_object(method, path, REPORTS_PATH, body)
        request, why = said.get("request"), said.get("why")
        if not isinstance(request, str) or not _REQUEST.fullmatch(request) or why not in WHYS:
            wanted = f'{{"request": the answer\'s x-chatward-request-id, "why": one of {", ".join(WHYS)}}}'
            raise ClientError(f"The body must be {wanted}.", reason="report-invalid")
        if self._room.take(""):
            raise ClientError("Too many reports just now; try again.", reason="overloaded", status=503)
        self._record(Entry(Event.REPLY_REPORTED, request, {"why": why, "principal": principal.id}))
        return 202, (("content-type", "application/json"),), b'{"received":true}'


def asked_object(method: str, path: str, own: str, body: bytes) -> Mapping[str, Any]:
    """The object that was posted to ``own``. Raises ``ClientError``."""
    if path.rstrip("/") != own:
        raise ClientError("There is nothing at this address.", reason="not-found", status=404)
    if method != "POST":
        raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        raise ClientError("The body must be a JSON object.", reason="json-invalid")
    return said
