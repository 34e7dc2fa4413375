"""The library: verdicts without a gateway.

    from chatward import Ward

    ward = Ward()
    verdict = ward.check("My card is 4111 1111 1111 1111")
    verdict.action, verdict.text

The same engine, guards and policy as the gateway's, so the same results. A ``Ward`` takes a second to build; build one
and keep it. It may be used from several threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from chatward.configuration import load
from chatward.core.errors import ConfigError
from chatward.core.values import Exchange, InspectedFile, Message, Part, PartKind, Source, Verdict
from chatward.engine.placeholders import Vault
from chatward.engine.plan import Plan
from chatward.engine.reply import ReplySession
from chatward.guards.catalog import KNOWN
from chatward.routing import Routing, routing, warm
from chatward.settings import Settings

if TYPE_CHECKING:
    from chatward.files.desk import FileDesk
    from chatward.guards.files.inspecting import Report

ROLES = {
    "user": Source.USER,
    "assistant": Source.BOT,
    "tool": Source.TOOL,
    "document": Source.DOCUMENT,
    "system": Source.OPERATOR,
}
_CONVERSATIONS = 4096
_EARLIER = 64  # newest parts of a conversation that session guards may look at
_EARLIER_TEXT = 32_768  # code points of them in all


@dataclass(slots=True)
class _Conversation:
    """What is kept of a conversation by name. ``earlier`` holds its newest parts, each numbered as a message."""

    vault: Vault = field(default_factory=Vault)
    operator: tuple[Part, ...] = ()
    earlier: tuple[Part, ...] = ()
    said: int = 0

    def add(self, text: str, source: Source) -> None:
        """Notes what was said, for what comes after it; of a very long text its two ends."""
        if not text or source is Source.OPERATOR:
            return
        half = _EARLIER_TEXT // 8
        kept = text if len(text) <= 2 * half else f"{text[:half]}\n{text[-half:]}"
        earlier = [*self.earlier, Part(kept, source, message=self.said)][-_EARLIER:]
        self.said += 1
        size = sum(len(part.text) for part in earlier)
        while size > _EARLIER_TEXT:
            size -= len(earlier.pop(0).text)
        self.earlier = tuple(earlier)


class Ward:
    """Guards and a policy, ready to be asked. ``route`` names the route of the settings that applies.

    Raises ``ConfigError`` for settings that cannot be used, and for an unknown route.
    """

    def __init__(
        self, settings: Settings | None = None, *, route: str = "default", routing_: Routing | None = None
    ) -> None:
        self._routing = routing_ or routing(settings or Settings())
        try:
            self._plan: Plan = self._routing.plan(route)
        except KeyError:
            raise ConfigError(f"there is no route {route}", key=f"routes.{route}", reason="route-unknown") from None
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._lock = threading.Lock()
        self._warm = False
        self._desk: FileDesk | None = None

    @classmethod
    def from_config(cls, path: str | Path, *, route: str = "default") -> Self:
        """A ward with the policy of a configuration file. Raises ``ConfigError``."""
        return cls(load(Path(path), guards=KNOWN).settings, route=route)

    @property
    def plan(self) -> Plan:
        return self._plan

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        """The verdict on one text; ``verdict.text`` is the text as it would go on (``""`` when blocked on its
        way in, the refusal when blocked on its way out).

        ``role`` is ``user``, ``assistant``, ``tool``, ``document`` or ``system``. Texts of one
        ``conversation`` share placeholders: what a user wrote is restored in the assistant's answer. Guards of whole
        sessions see its newest parts, so what one text completes over several turns is found too.
        Raises ``ValueError`` for another role and for lone surrogates.
        """
        source = ROLES.get(role)
        if source is None:
            raise ValueError(f"role is one of {', '.join(ROLES)}")
        text.encode()  # lone surrogates are no text
        with self._lock:
            kept = self._conversation(conversation)
            if source is Source.BOT:
                session = self._session(kept)
                out = session.lane().whole(text)
                verdict = session.verdict()
                said = session.refusal if session.blocked else out
                kept.add(said, source)
                return replace(verdict, text=said)
            part = Part(text, source)
            exchange = Exchange(
                "library",
                (part,),
                (Message(role, (0,)),),
                conversation,
                route=self._plan.route,
                earlier=kept.earlier,
            )
            digests = [self._plan.digests.of(part)]
            verdict, edits = self._routing.engine.judge_input(exchange, self._plan, kept.vault, digests)
            if source is Source.OPERATOR:
                kept.operator = (*kept.operator, part)
            kept.add(text, source)
            return replace(verdict, text="" if verdict.blocked else edits.get(0, text))

    def check_file(
        self, data: bytes, name: str = "", media_type: str = "", role: str = "user", *, conversation: str = ""
    ) -> Verdict:
        """The verdict on one file: what it is, what it holds, and what it says; ``verdict.text`` is its text as it
        would go on (``""`` when blocked). ``media_type`` is what it is declared to be, ``role`` who gives it. The
        process that looks at files is started with the first. Raises ``ValueError`` for an unknown role, and
        ``ConfigError``."""
        from chatward.files.opening import asked, opened  # noqa: PLC0415 - not everybody has files

        with self._lock:
            if self._desk is None:
                self._desk = opened(self._routing.settings, start=False)
        return self.check_report(asked(self._desk, data, name, media_type), role, conversation=conversation)

    def check_report(self, report: Report, role: str = "user", *, conversation: str = "") -> Verdict:
        """The verdict on a file that was looked at."""
        if role not in ROLES:
            raise ValueError(f"role is one of {', '.join(ROLES)}")
        source = Source.TOOL if role == "tool" else Source.DOCUMENT
        with self._lock:
            kept = self._conversation(conversation)
            part = Part(report.text, source, PartKind.TEXT if report.text else PartKind.OPAQUE)
            exchange = Exchange(
                "library",
                (part,),
                (Message(role, (0,)),),
                conversation,
                route=self._plan.route,
                earlier=kept.earlier,
                files=(InspectedFile(0, report.findings, report.failed),),
            )
            digests = [self._plan.digests.of(part)]
            verdict, edits = self._routing.engine.judge_input(exchange, self._plan, kept.vault, digests)
            kept.add(report.text, source)
            return replace(verdict, text="" if verdict.blocked else edits.get(0, report.text))

    async def stream(self, chunks: AsyncIterable[str] | Iterable[str], *, conversation: str = "") -> AsyncIterator[str]:
        """An assistant's text as it may leave, while it streams. However it is split, the pieces that come out
        join to the same text; after a block the refusal follows and the stream ends. Raises ``ValueError`` for
        lone surrogates."""
        with self._lock:
            kept = self._conversation(conversation)
            session = self._session(kept)
            lane = session.lane()
        async for chunk in _each(chunks):
            chunk.encode()
            with self._lock:
                out = lane.feed(chunk)
            if out:
                yield out
            if session.blocked is not None:
                break
        with self._lock:
            rest = lane.close()
            said = "".join(part.text for part in session.parts())
            kept.add(f"{said}{session.refusal}" if session.blocked is not None else said, Source.BOT)
        if rest:
            yield rest
        if session.blocked is not None:
            yield session.refusal

    def guards(self) -> list[tuple[str, str, str]]:
        """(id, summary, state) of every guard."""
        return self._routing.guards()

    def _session(self, kept: _Conversation) -> ReplySession:
        exchange = Exchange("library", kept.operator, route=self._plan.route, earlier=kept.earlier)
        return ReplySession(exchange, self._plan, kept.vault, self._routing.engine.host_of)

    def _conversation(self, name: str) -> _Conversation:
        """What is kept of a conversation. Called first of all: what guards load is no part of their time budget."""
        if not self._warm:
            self._warm = True
            with suppress(Exception):  # a guard that cannot run says so in the verdict
                warm(self._plan)
        if not name:
            return _Conversation()
        kept = self._conversations.setdefault(name, _Conversation())
        self._conversations.move_to_end(name)
        if len(self._conversations) > _CONVERSATIONS:
            self._conversations.popitem(last=False)
        return kept


async def _each(chunks: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(chunks, AsyncIterable):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk
