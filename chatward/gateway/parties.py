"""Whom the gateway deals with: the engine, the bots, and the server below it.

``Engine`` and ``Screening`` are what ``assembly`` has to provide; ``Scope`` and ``Door`` are the parts of RSGI
(granian's interface; ``http1_server`` speaks it too) that are used; ``BotLink`` and ``Limits`` are settings made ready.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatward.channels.dialect import Call
from chatward.core.errors import ChatwardError
from chatward.core.identity import Caller, Principal, ProvingGate
from chatward.core.ports import Reply, ReplyFiles, Upstream
from chatward.core.values import Part, Verdict
from chatward.gateway import inflight
from chatward.gateway.bodies import Fields, Source


class Screening(Protocol):
    """The engine's answer for one request, and the way to inspect its reply."""

    @property
    def verdict(self) -> Verdict: ...

    @property
    def edits(self) -> Mapping[int, str]: ...

    @property
    def refusal(self) -> str:
        """The sentence that a person reads when the message is refused."""
        ...

    @property
    def bot(self) -> str: ...

    @property
    def route(self) -> str: ...

    @property
    def inspects(self) -> bool:
        """False on a route without guards: its replies pass through unread."""
        ...

    @property
    def names_people(self) -> bool:
        """Whether the bot gets the names of people whom programs name."""
        ...

    @property
    def person(self) -> Principal | None:
        """Whose data it is, where that is not the caller's."""
        ...

    @property
    def thread(self) -> str:
        """What the conversation is called; empty where it has no name."""
        ...

    @property
    def gate(self) -> ProvingGate | None:
        """What rules on the reply's tool calls; ``None`` where nothing does."""
        ...

    @property
    def files(self) -> ReplyFiles | None:
        """What looks at the files of the reply; ``None`` where nothing does."""
        ...

    def reply(self) -> Reply: ...

    # Any: an engine takes back the very object that its ``reply`` gave, which may be more than a ``Reply``.
    def finish(self, reply: Any, reply_id: str) -> Verdict:
        """The reply ended, or there was none (``None``). Remembers the turn; returns the reply's verdict."""
        ...


class Engine(Protocol):
    async def screen(self, call: Call, *, channel: str, path: str, caller: Caller, request_id: str) -> Screening:
        """Raises ``IdentityError`` where the caller may not ask this."""
        ...


class Keeping(Protocol):
    """Keeps what people and bots write (``chatward.keeping``). ``screened`` and ``reply`` are the engine's own."""

    async def asked(self, request_id: str, principal: Principal, screened: Any) -> None:
        """Before any effect: returns once what is new is durable. Raises ``StoreError``."""
        ...

    def replied(self, request_id: str, principal: Principal, screened: Any, reply: Any) -> None:
        """After a reply left. Never waits, never raises."""
        ...


class Signing(Protocol):
    """Proves who said a reply (``genuine.replies``)."""

    def prove(self, owner: str, thread: str, parts: Iterable[Part]) -> str:
        """The proof as it travels, one line of ASCII; empty where there is none. Never raises."""
        ...


class Observing(Protocol):
    """Learns from requests that are over (``behaviour.gathering``). ``flight`` and ``screened`` are the gateway's and
    the engine's own."""

    def finished(self, flight: Any, caller: Caller, screened: Any) -> None:
        """However it ended. Never waits, never raises."""
        ...

    def refused(self, flight: Any, caller: Caller, error: ChatwardError) -> None:
        """It ended before it was looked at; nobody in particular asked where that was the reason. Never waits, never
        raises."""
        ...


class Naming(Protocol):
    """Finds whom a request is about (``identity.end_users``)."""

    def named(self, caller: Caller, body: bytes) -> Caller:
        """The caller, for that person. Raises ``ClientError``."""
        ...

    def veiled(self, caller: Caller, body: bytes) -> bytes:
        """A body for a bot, without the name that the program gave."""
        ...


class Budgeting(Protocol):
    """Counts what callers use (``identity.budgets``)."""

    async def reserve(self, principal: str) -> None:
        """Counts one request. Raises ``ChatwardError`` (429) where there is none left."""
        ...

    def spend(self, principal: str, tokens: int) -> None:
        """Counts tokens that were used."""
        ...


class Taken(Protocol):
    """What one request took of its limits."""

    @property
    def headers(self) -> Iterable[tuple[str, str]]:
        """Where the caller stands, for the answer."""
        ...

    def used(self, read: int, written: int) -> None:
        """The tokens that the reply says it took; none at all: it does not say."""
        ...

    def end(self) -> None:
        """The request is over. Without ``used`` before it came to no answer. Never waits, never raises."""
        ...


class Teaching(Protocol):
    """Tips for people (``education``)."""

    def message(self, caller: Caller, verdict: Verdict) -> Mapping[str, str] | None:
        """What is told with the answer to a message that was judged so."""
        ...

    def reply(self, caller: Caller, hidden: Mapping[str, int]) -> Mapping[str, str] | None:
        """What is told with an answer of which this was hidden."""
        ...


class Span(Protocol):
    """Where a request stands in a trace (W3C Trace Context, hexadecimal). ``parent`` is empty for a root."""

    @property
    def trace(self) -> str: ...

    @property
    def parent(self) -> str: ...

    @property
    def header(self) -> str: ...


class Tracing(Protocol):
    """Traces (``monitoring.traces``): from a request's id and the caller's ``traceparent``, which may be anything."""

    def __call__(self, request_id: str, traceparent: str | None) -> Span: ...


class Limiting(Protocol):
    """How fast callers may ask (``limits.limiter``)."""

    def known(self, caller: Caller) -> None:
        """Before the body is read. Raises ``ChatwardError`` (429) where somebody was told to wait and has not."""
        ...

    async def take(self, caller: Caller, path: str, call: Call, body: bytes) -> Taken:
        """Raises ``ChatwardError`` (429) where it is too fast; then nothing is taken."""
        ...


class WatchedMessage(Protocol):
    """One message that was looked at."""

    @property
    def headers(self) -> Iterable[tuple[str, str]]:
        """Further header fields of its answer."""
        ...

    def end(self) -> None:
        """The answer is over. Never waits, never raises."""
        ...


class Watching(Protocol):
    """Who is automated, and what is done about it (``chatward.traffic``)."""

    async def look(self, caller: Caller, path: str, call: Call, near_address: str, exchange: str) -> WatchedMessage:
        """Raises ``ChatwardError`` where the message does not go on. ``near_address`` is the connection's."""
        ...

    def refused(self, caller: Caller, reason: str) -> None:
        """One that was refused before it was looked at by any guard, by whomever. Never waits, never raises."""
        ...


class Scope(Protocol):
    """RSGI's scope, as far as it is used."""

    method: str
    path: str
    query_string: str
    scheme: str

    @property
    def client(self) -> str:
        """The peer's address; granian adds its port."""
        ...

    @property
    def headers(self) -> Fields: ...


class Door(Source, inflight.Door, Protocol):
    """RSGI's HTTP protocol object."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None: ...

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Beside:
    """Who is told of each message beside the engine, in whatever order its stages come. What is not there costs one
    look."""

    budgets: Budgeting | None = None
    """Counts what a key uses."""
    keeping: Keeping | None = None
    """Stores conversations."""
    signing: Signing | None = None
    """Proves who answered."""
    limiting: Limiting | None = None
    """Says how fast callers may ask."""
    observing: Observing | None = None
    """Learns what is usual."""
    watching: Watching | None = None
    """Tells programs from people."""
    end_users: Naming | None = None
    """Knows the people behind one key."""
    teaching: Teaching | None = None
    """Gives tips."""
    tracing: Tracing | None = None
    """Gives traces their place."""


@dataclass(frozen=True, slots=True)
class BotLink:
    """One guarded bot: how to reach it, its own key if it has one, and the size of its largest reply."""

    upstream: Upstream
    api_key: str | None = None
    max_reply: int = 32 * 1024 * 1024
    sign: Callable[[str], list[tuple[str, str]]] | None = None
    """The fields that sign a request of this method; ``None``: they are not signed."""
    admits: Callable[[], None] | None = None
    """Raises ``ChatwardError`` where the bot is not to be asked just now; ``None``: it always is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, seconds, requests at once."""

    max_body: int = 10 * 1024 * 1024
    body_timeout: float = 30.0
    max_concurrent: int = 1024
    proof_wait: float = 300.0
