"""Where passes come from: ``/v1/traffic/page``, ``/v1/traffic/pass``, and the page ``/chat/wait``.

The rules:

1. A page asks for its token once (``page``), and gets the cookie of a visit with it where it has no session yet.
2. A solution gives its session a pass (``pass``): once, for its session alone, before its end. Which session that is,
   is found as for a message; where no cookie is kept, the body names the page's token.
3. ``/chat/wait`` needs no script: a ticket, some seconds, a button. It says how long, never moves on by itself (WCAG
   2.2, 2.2.1 and 3.2.5), and gives the same pass. A network gets ``traffic.waits_per_hour`` of them.
4. The form has a field that nobody sees or reaches; what fills it in is no person.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qs

import orjson

from chatward.core.base64url import json_object
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.events import Event
from chatward.core.identity import Caller, Presented
from chatward.core.ports import Entry
from chatward.traffic.ladder import PAGE, SOLVE, WAIT
from chatward.traffic.sessions import block, cookie_header, visit, whose
from chatward.traffic.watch import Traffic
from chatward.traffic.work import WorkError

Answered = tuple[int, list[tuple[str, str]], bytes]
PREFIX: Final = "/v1/traffic/"
TRAP: Final = "web-page"
_HOUR: Final = 3600.0
_JSON: Final = ("content-type", "application/json")
_HTML: Final = ("content-type", "text/html; charset=utf-8")
_PAGE_HEADERS: Final = (
    ("content-security-policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
     "base-uri 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
)  # fmt: skip


class TrafficApi:
    """Answers for ``Traffic``. On its event loop."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._parts = traffic.parts
        self._waits: OrderedDict[str, deque[float]] = OrderedDict()

    async def handle(self, caller: Caller, path: str, body: bytes) -> Answered:
        """Raises ``ClientError`` and ``StoreError``."""
        method = caller.presented.method
        if path == PAGE and method == "GET":
            return self._page(caller)
        if path == SOLVE and method == "POST":
            return await self._solved(caller, body)
        if path in {PAGE, SOLVE}:
            raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
        raise ClientError("There is nothing at this address.", reason="not-found", status=404)

    def _page(self, caller: Caller) -> Answered:
        owner = whose(caller, self._parts.signing)
        fields = [_JSON]
        if owner.shared:
            token = self._parts.tokens.page(visit(owner.fresh), owner.fresh)
            secure = caller.presented.url.startswith("https:")
            fields.append(cookie_header(owner.fresh, self._parts.signing, secure=secure))
            self._traffic.began(caller.presented.address)
        else:
            token = self._parts.tokens.page(owner.id)
        return 200, fields, orjson.dumps({"page": token})

    async def _solved(self, caller: Caller, body: bytes) -> Answered:
        given = _fields(body)
        owner = whose(caller, self._parts.signing)
        session: str | None = owner.id
        if owner.shared:
            session = self._parts.tokens.of_page(given.get("page", ""), "", shared=True)
        try:
            if session is None:
                raise WorkError("no-session")
            spending = self._parts.work.check(given.get("payload", ""), session)
            if not await self._parts.passes.spend(spending.key, spending.until):
                raise WorkError("spent")
        except WorkError as error:
            self._traffic.record(Entry(Event.TRAFFIC_PASS_REFUSED.value, "", {"how": "work", "detail": error.detail}))
            raise
        until = await self._grant(session, "work")
        return 200, [_JSON], orjson.dumps({"until": int(until)})

    async def _grant(self, session: str, how: str) -> float:
        until = self._parts.now() + self._traffic.settings.pass_seconds
        await self._parts.passes.grant(session, until)
        self._traffic.record(Entry(Event.TRAFFIC_PASS_GIVEN.value, "", {"session": session, "how": how}))
        return until

    # --- waiting

    async def wait(self, presented: Presented, path: str, query: str, body: bytes) -> Answered:
        """The page of plain HTML. Never raises ``ClientError``: what is wrong is told on the page."""
        if path != WAIT:
            raise ClientError("There is nothing at this address.", reason="not-found", status=404)
        if presented.method not in {"GET", "HEAD", "POST"}:
            raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
        posted = presented.method == "POST"
        given = _form(body.decode("latin-1") if posted else query)
        text = given.get("t", "")
        ticket = self._parts.tokens.of_ticket(text)
        if ticket is None:
            return _shown(410, "This wait is over", "Go back to the chat and send your message again.", None)
        left = ticket.after - self._parts.now()
        if left > 0 or not posted:
            seconds = max(0, math.ceil(left))
            said = f"Please wait {seconds} more second{'' if seconds == 1 else 's'}, then press the button."
            return _shown(200, "A moment, please", said if seconds else "Thank you for waiting.", text)
        if given.get(TRAP):
            self._traffic.record(Entry(Event.TRAFFIC_PASS_REFUSED.value, "", {"how": "wait", "detail": "trap"}))
            return _shown(403, "That did not work", "Go back to the chat and send your message again.", None)
        if not self._may_wait(presented.address):
            said = "Too many people wait in this network now. Go back to the chat and try again later."
            return _shown(429, "That did not work", said, None)
        try:
            first = await self._parts.passes.spend(ticket.key, ticket.until)
            if first:
                await self._grant(ticket.session, "wait")
        except ChatwardError:
            return _shown(503, "That did not work", "Please press the button again in a moment.", text)
        if not first:
            return _shown(410, "This wait is over", "Go back to the chat and send your message again.", None)
        return _shown(200, "You can go on", "Go back to the chat and send your message again.", None)

    def _may_wait(self, address: str) -> bool:
        now, network = self._parts.now(), block(address)
        most = self._traffic.settings.waits_per_hour
        kept = self._waits.setdefault(network, deque(maxlen=most))
        self._waits.move_to_end(network)
        while len(self._waits) > 10_000:
            self._waits.popitem(last=False)
        if len(kept) == most and now - kept[0] < _HOUR:
            return False
        kept.append(now)
        return True


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        given = json_object(body)
    except ValueError:
        raise ClientError("The body is not a JSON object.", reason="json-invalid") from None
    if not given.keys() <= {"payload", "page"} or not all(isinstance(value, str) for value in given.values()):
        raise ClientError("This request has the fields payload and page, both strings.", reason="field-type")
    return given


def _form(text: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=4).items() if len(values) == 1}
    except ValueError:
        return {}


def _shown(status: int, title: str, said: str, ticket: str | None) -> Answered:
    form = ""
    if ticket is not None:
        form = (
            f'<form method="post" action="wait">\n<input type="hidden" name="t" value="{escape(ticket)}">\n'
            f'<p class="unseen" aria-hidden="true"><label>Leave this empty <input name="{TRAP}" tabindex="-1" '
            'autocomplete="off"></label></p>\n<button type="submit">Continue</button>\n</form>\n'
        )
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="robots" content="noindex">\n'
        f'<title>{title}</title>\n<link rel="icon" href="icon.svg" type="image/svg+xml">\n'
        '<link rel="stylesheet" href="chat.css">\n<link rel="stylesheet" href="wait.css">\n</head>\n<body>\n'
        f'<main>\n<h1>{title}</h1>\n<p role="status">{said}</p>\n{form}'
        '<p><a href="../chat">Back to the chat</a></p>\n</main>\n</body>\n</html>\n'
    )
    return status, [_HTML, *_PAGE_HEADERS], page.encode()
