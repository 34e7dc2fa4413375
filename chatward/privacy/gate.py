"""Privacy in the path of a message: may it be processed for the purpose of its route, and what is told with the answer.

The rules:

1. Asked after authorization and before inspection, on every message; and while a stream runs, every time the gateway
   looks again (``Checkpoint.watch``): who withdraws consent is heard in the middle of an answer.
2. A route without purpose is not asked about; the profile ``gdpr`` refuses to start with one. A route that is not
   known here has no purpose that could be kept, so nothing passes (a reload that went wrong).
3. What a caller reads names the right that was used or is missing, and where to go. It says nothing of other people.
4. ``Sec-GPC: 1`` (Global Privacy Control, W3C draft; Civil Code 1798.135, 11 CCR 7025) opts out of every purpose that
   is no service: for this request, and for good where somebody is known. Any other value says nothing.
5. Lists of models are no message: they hold nothing of a person and pass.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Caller, Fields, Principal
from chatward.core.ports import Entry, Request
from chatward.core.values import Source
from chatward.privacy.standing import ALL, Standings, Word, refusal, somebody
from chatward.settings import Privacy, Purpose, Settings

GPC: Final = "sec-gpc"
PAGE: Final = "/chat/privacy"
"""Where people read the notice and choose, unless ``privacy.consent_url`` names another page."""
PROGRAMS: Final = " (programs: /v1/privacy)"
MARK: Final = ("x-chatward-ai", "generated")
REMIND_AFTER: Final = 3 * 3600.0
"""Seconds after which people who are known to be minors are reminded (Business and Professions Code 22602(c)(2))."""
_REMEMBERED: Final = 10_000
DISCLOSURE: Final = "x-chatward-disclosure"
GENERATING: Final = frozenset({"/v1/chat/completions", "/v1/responses", "/v1/messages"})
"""Paths whose answers a model writes."""

_MODELS: Final = "/v1/models"
_SENTENCES: Final = {
    "processing-restricted": "You asked that this is not processed; you can take that back at {page}.",
    "processing-objected": "You objected to this; you can take that back at {page}.",
    "opted-out": "You opted out of what this is for, or your browser did (Global Privacy Control).",
    "minor-refused": "This is not offered to people of your age.",
    "consent-required": "This needs your consent first: read what it is for and consent at {page}.",
}
_UNKNOWN: Final = "This needs consent, and nobody is signed in who could give it: sign in, then consent at {page}."


class PrivacyError(IdentityError):
    """Nothing of this person may be processed for this purpose now."""

    status = 403
    reason = "consent-required"

    def __init__(self, public: str, *, reason: str | None = None, purpose: str = "") -> None:
        super().__init__(public, reason=reason)
        self._purpose = purpose

    @property
    def details(self) -> Mapping[str, object]:
        """What a page can ask this person to consent to, where that is what is missing."""
        return {"purpose": self._purpose} if self._purpose else {}


@dataclass(slots=True)
class Passage:
    """What is known of one request while it is served: told with its answer, and asked again while it streams."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    disclosure: str = ""
    still: Callable[[], None] | None = None


passage: Final[ContextVar[Passage | None]] = ContextVar("privacy-passage", default=None)
"""Of the request whose task this is. Set by ``marking.Marked``, which stands before the gateway."""


def standing_now() -> Callable[[], None] | None:
    """What else must hold while the answer to this request runs, for ``Checkpoint``."""
    current = passage.get()
    return None if current is None else current.still


class PrivacyGate:
    """The gate of one gateway. ``later`` puts an entry on record without waiting for it."""

    def __init__(
        self,
        settings: Settings,
        standings: Standings,
        later: Callable[[Entry], None] = lambda entry: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.standings = standings
        self._later = later
        self.privacy = settings.privacy
        self._opt_outs = tuple(name for name, one in settings.privacy.purposes.items() if one.use != "service")
        self._disclosure = settings.chat.disclosure.strip()
        self._reminder = settings.privacy.reminder.strip() if "companion" in settings.privacy.profile else ""
        self._reminded: OrderedDict[tuple[str, str], float] = OrderedDict()
        """When minors were told last, in this process: another one may tell them again, never later."""
        self._opened: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._clock = clock
        self._purposes: Mapping[str, tuple[str, Purpose] | None] = {}
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """Takes other routes; ``[privacy]`` itself stays until a restart. Raises ``ConfigError``."""
        known = self.privacy.purposes
        for name, route in settings.routes.items():
            if route.purpose and route.purpose not in known:
                key = f"routes.{name}.purpose"
                raise ConfigError(f"{key}: the purpose {route.purpose} is new; restart to use it", key=key)
        self._purposes = {
            name: (route.purpose, known[route.purpose]) if route.purpose else None
            for name, route in settings.routes.items()
        }

    async def admit(self, caller: Caller, route: str, path: str, channel: str, request: Request, exchange: str) -> None:
        """Raises ``PrivacyError`` and ``StoreError``."""
        if path.startswith(_MODELS):
            return
        principal = caller.person
        gpc = self.privacy.gpc and says_gpc(caller.presented.headers)
        if gpc and self._opt_outs and principal.assurance > Assurance.NONE:  # a stranger has no profile to keep it in
            said = self.standings.of(principal.tenant, principal.id).opts_out
            fresh = [name for name in self._opt_outs if name not in said and ALL not in said]
            if fresh:
                await asyncio.to_thread(self.opt_out, principal, fresh)
        self.check(principal, route, gpc=gpc)
        current = passage.get()
        if current is None:
            return
        if self._purposes[route] is not None:
            current.still = lambda: self.check(principal, route, gpc=gpc)
        if path in GENERATING:
            self._tell(current, channel, request, exchange, principal)

    def check(self, principal: Principal, route: str, *, gpc: bool = False) -> None:
        """Whether this person's data may be processed on this route now. Raises ``PrivacyError`` and ``StoreError``."""
        if route not in self._purposes:
            raise PrivacyError("This cannot be processed now.", reason="purpose-unknown")
        found = self._purposes[route]
        if found is None:
            return
        name, purpose = found
        privacy = self.privacy
        reason = refusal(
            name,
            purpose,
            self.standings.of(principal.tenant, principal.id),
            notice=privacy.notice.version if somebody(principal) else "",
            minor=self._minor(principal),
            gpc=gpc,
        )
        if reason:
            known = somebody(principal)
            wanted = name if known and reason == "consent-required" else ""
            raise PrivacyError(_sentence(reason, privacy, known=known), reason=reason, purpose=wanted)

    def opt_out(self, principal: Principal, purposes: list[str]) -> None:
        """Keeps what a browser said of a known person. Waits for the disk."""
        for name in purposes:
            self.standings.say(principal.tenant, principal.id, name, Word.OPTS_OUT, by="gpc")

    def _minor(self, principal: Principal) -> bool:
        return bool(self.privacy.minor_role) and self.privacy.minor_role in principal.roles

    def _due(self, principal: Principal, *, first: bool) -> bool:
        """Whether a minor is to be reminded now. The first answer of a conversation tells them anyway."""
        key, now = (principal.tenant, principal.id), self._clock()
        if not first and now - self._reminded.get(key, float("-inf")) < REMIND_AFTER:
            return False
        self._reminded[key] = now
        self._reminded.move_to_end(key)
        if len(self._reminded) > _REMEMBERED:
            self._reminded.popitem(last=False)
        return not first

    def _opens(self, request: Request, principal: Principal) -> bool:
        """Whether a request begins a conversation. Of one whose turns the bot keeps only its name tells: it does where
        this process has not met it."""
        named = request.conversation
        if not named or request.previous != named:
            return not (request.previous or any(part.source is Source.BOT for part in request.parts))
        key = (principal.tenant, principal.id, named)
        known = key in self._opened
        self._opened[key] = None
        self._opened.move_to_end(key)
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)
        return not known

    def _tell(self, current: Passage, channel: str, request: Request, exchange: str, principal: Principal) -> None:
        """EU AI Act, Article 50(2): every answer is marked; 50(1): the first one says it to the person."""
        if self.privacy.mark:
            current.headers.append(MARK)
        if self.privacy.disclosure == "off" or not self._disclosure:
            return
        first = self._opens(request, principal)
        reminds = bool(self._reminder) and self._minor(principal) and self._due(principal, first=first)
        if not (first or reminds):
            return
        told = self._reminder if reminds else self._disclosure
        current.headers.append((DISCLOSURE, json.dumps(told)))  # JSON: a header holds ASCII only
        if self.privacy.disclosure == "notice":
            current.disclosure = told
        self._later(Entry(Event.AI_DISCLOSED, exchange, {"channel": channel} | ({"reminder": True} if reminds else {})))


def says_gpc(headers: Fields) -> bool:
    """Whether a request says ``Sec-GPC: 1``. Said twice, it is said."""
    return GPC in headers and any(one.strip() == "1" for value in headers.get_all(GPC) for one in value.split(","))


def _sentence(reason: str, privacy: Privacy, *, known: bool) -> str:
    page = privacy.consent_url or PAGE + PROGRAMS
    sentence = _UNKNOWN if reason == "consent-required" and not known else _SENTENCES[reason]
    return sentence.format(page=page)
