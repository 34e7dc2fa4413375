"""The ports through which the packages of Chatward meet.

Packages on one level never import each other: they implement or take these protocols, and ``assembly``
puts implementations in. A port says what may fail and how: guards report failure as data (the engine turns
any exception into ``Unavailable``), stores raise ``StoreError``, the upstream raises ``UpstreamError``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, Protocol, runtime_checkable

from chatward.core.rules import Rule
from chatward.core.text import Reading
from chatward.core.values import (
    Exchange,
    Finding,
    Message,
    Moment,
    Part,
    PartKind,
    PassedFile,
    ReplyFile,
    Source,
    Verdict,
)


class Cost(str, Enum):
    """What a guard costs a message: ``PATTERN`` shares one pass, ``LIGHT`` < 1 ms, ``MODEL`` more."""

    PATTERN = "pattern"
    LIGHT = "light"
    MODEL = "model"


class Scope(str, Enum):
    """``PART``: what a guard says of a part depends on that part (its text, source and kind) alone, so it is
    remembered by digest. ``EXCHANGE``: it looks at the turn as a whole, every time."""

    PART = "part"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class GuardSpec:
    """What a guard is. ``look_ahead`` is how many code points of a stream it may hold back; ``None`` means
    that it reads whole texts only, so that a stream under it is held until its end. ``raw`` stream guards are
    fed the original text instead of the plain view."""

    id: str
    summary: str
    moments: frozenset[Moment]
    look_ahead: int | None = 0
    cost: Cost = Cost.LIGHT
    sources: frozenset[Source] = frozenset(Source)
    scope: Scope = Scope.PART
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One part to be inspected now: its index in ``exchange.parts`` and its reading."""

    index: int
    source: Source
    kind: PartKind
    reading: Reading


@runtime_checkable
class Guard(Protocol):
    """Looks at what is new in an exchange and returns what it saw. Never decides, never raises by design."""

    @property
    def spec(self) -> GuardSpec: ...

    def inspect(self, exchange: Exchange, moment: Moment, items: Sequence[Item]) -> Sequence[Finding]: ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a guard with models says of one part: findings, and its models' calibrated scores (0..1) by name, the
    guard's id first among them."""

    findings: Sequence[Finding] = ()
    scores: tuple[tuple[str, float], ...] = ()


@runtime_checkable
class FileGuard(Protocol):
    """A guard that says what was seen of the files of an exchange (``Exchange.files``); asked only where there are any.
    What it could not read stands in ``InspectedFile.failed``."""

    @property
    def spec(self) -> GuardSpec: ...

    def inspect_files(self, exchange: Exchange) -> Sequence[Finding]: ...


@runtime_checkable
class ModelGuard(Protocol):
    """A guard that has models. Looks part by part: what it says of a part depends on that part alone."""

    @property
    def spec(self) -> GuardSpec: ...

    def weigh(self, item: Item) -> Weighed: ...


@runtime_checkable
class TurnGuard(Protocol):
    """A guard of whole turns (``Scope.EXCHANGE``) that has scores of its own; asked in place of ``Guard.inspect``."""

    @property
    def spec(self) -> GuardSpec: ...

    def weigh_exchange(self, exchange: Exchange) -> Weighed: ...


@runtime_checkable
class LoadingGuard(Protocol):
    """A guard with tables that are made when it is first needed, or by ``load``: before the first message."""

    @property
    def spec(self) -> GuardSpec: ...

    def load(self) -> None: ...


@runtime_checkable
class PreparingGuard(Protocol):
    """A model guard whose slow part may run beside the event loop: what ``prepare`` returns is awaited before ``weigh``
    is asked about the same item, which then is quick."""

    @property
    def spec(self) -> GuardSpec: ...

    def prepare(self, item: Item) -> Sequence[Awaitable[None]]: ...


@runtime_checkable
class RuleGuard(Protocol):
    """A guard with rules: the engine's one pass finds their matches. It may be one of the other shapes as well."""

    @property
    def spec(self) -> GuardSpec: ...

    @property
    def rules(self) -> Sequence[Rule]: ...


class StreamInspector(Protocol):
    """Looks at one growing text. What it finds must not depend on how the text was split.

    ``feed`` takes the next piece (``final`` on the last call, whose piece may be empty) and returns the
    findings that are now certain, with spans counted from the start of the whole text, in order of start;
    ``settled`` is the offset before which nothing further will be found to start. It never decreases, and
    is the whole length once final.
    """

    @property
    def settled(self) -> int: ...

    def feed(self, piece: str, final: bool) -> Sequence[Finding]: ...


@runtime_checkable
class ScoringInspector(Protocol):
    """A stream inspector that has models: their scores so far."""

    @property
    def scores(self) -> tuple[tuple[str, float], ...]: ...


@runtime_checkable
class StreamGuard(Protocol):
    """A guard that can look at a reply while it streams by other means than rules."""

    @property
    def spec(self) -> GuardSpec: ...

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector: ...


# --- requests: what the engine needs of a channel -----------------------------------------------------


class Request(Protocol):
    """One parsed request, whatever its dialect. ``parts`` and ``messages`` are in reading order."""

    @property
    def parts(self) -> Sequence[Part]: ...

    @property
    def messages(self) -> Sequence[Message]: ...

    @property
    def model(self) -> str: ...

    @property
    def stream(self) -> bool: ...

    @property
    def tools(self) -> Sequence[str]:
        """Names of the tools that the request offers."""
        ...

    @property
    def conversation(self) -> str:
        """The caller's own id of the thread (``conversation``, ``metadata.conversation_id``, ...), or ``""``."""
        ...

    @property
    def previous(self) -> str:
        """The id of the earlier reply that this one continues (``previous_response_id``), of the conversation where
        the bot keeps its turns, or ``""``."""
        ...

    @property
    def continues(self) -> Sequence[str]:
        """Those ids of what the bot keeps, and this request goes on with, that the bot gave out itself."""
        ...


# --- replies: what a channel needs of the engine -----------------------------------------------------


class Lane(Protocol):
    """One text of a reply on its way out (an answer, or the arguments of one tool call).

    ``feed`` takes the next piece and returns what may leave now; ``close`` returns the rest. After a
    block both return ``""`` and the lane's text up to the block has been returned. Whether anything is
    blocked is asked of ``Reply.blocked``.
    """

    def feed(self, piece: str) -> str: ...

    def close(self) -> str: ...

    def whole(self, text: str) -> str:
        """A text that is complete: ``feed`` and ``close`` in one, at the cost of one look."""
        ...


class Reply(Protocol):
    """A reply being inspected: opens lanes and says whether to stop."""

    def lane(self, kind: PartKind = PartKind.TEXT, *, name: str = "") -> Lane:
        """A new lane; ``kind`` is ``JSON`` for tool-call arguments and then ``name`` is the tool's."""
        ...

    def call(self, name: str) -> None:
        """Says that a call of the tool ``name`` begins, before its lane is opened and before anything of it leaves."""
        ...

    def end_calls(self) -> None:
        """Says that all calls so far are whole: those that had no arguments had none. Before their end leaves."""
        ...

    def opaque(self, name: str) -> None:
        """Says that the reply holds something that is neither text nor a file (``name``: its key)."""
        ...

    def file(self, data: str, name: str, declared: str) -> PassedFile:
        """What may leave of a file: ``data`` is its base64 or ``data:`` URL, ``declared`` its media type as the bot has
        it, or empty."""
        ...

    @property
    def waits(self) -> bool:
        """Whether an image in a text waits to be looked at. Until it was, a rewriter of a stream goes on with no event,
        since one that ends the text would find the image unread; it goes on when it is fed again."""
        ...

    @property
    def blocked(self) -> Verdict | None:
        """The verdict that stops the reply, or ``None``."""
        ...

    @property
    def refusal(self) -> str:
        """The sentence a person reads in place of what was blocked."""
        ...

    @property
    def notice(self) -> Mapping[str, int]:
        """What was changed so far: entity or category -> count. For headers and the chat page."""
        ...


class ReplyFiles(Protocol):
    """The files of one reply. They are looked at before the reply is read, since that takes time; reading it then finds
    what was seen. What nobody has looked at is unread, never clean."""

    @property
    def seconds(self) -> float:
        """Seconds that guards of texts get for what a file says."""
        ...

    async def whole(self, body: bytes) -> None:
        """Looks at the files in a whole reply."""
        ...

    async def ready(self, piece: bytes) -> bytes:
        """What of a stream may be read now: ``piece`` as it came, or, from the first bytes of a file on, whole lines
        whose files were looked at."""
        ...

    async def rest(self) -> bytes:
        """What is still held at the stream's end."""
        ...

    def wanted(self, picture: str) -> bool:
        """Notes that an image in a text (``core.pictures``) is to be looked at; false where that was done."""
        ...

    @property
    def waits(self) -> bool:
        """Whether images are noted that nobody has looked at yet."""
        ...

    async def look(self) -> None:
        """Looks at the images that are noted."""
        ...

    def seen(self, data: str, name: str, declared: str) -> ReplyFile:
        """What was seen of a file, by the arguments of ``Reply.file``."""
        ...

    def stopped(self, data: str, name: str, declared: str, rules: Sequence[str]) -> None:
        """A file was stopped or taken out by these rules."""
        ...

    async def settle(self) -> None:
        """Puts on record what was stopped."""
        ...


# --- upstream ----------------------------------------------------------------------------------------

Headers = Sequence[tuple[str, str]]


class UpstreamResponse(Protocol):
    """A response of the guarded bot. ``aclose`` is idempotent; closing early drops the connection."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    async def read(self, limit: int) -> bytes:
        """The whole body; ``UpstreamError(reason="upstream-too-large")`` above ``limit`` bytes."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, with back-pressure. A body cut short raises
        ``UpstreamError(reason="upstream-truncated")`` after what did arrive."""
        ...

    async def aclose(self) -> None: ...


class Upstream(Protocol):
    """Sends one request to a guarded bot. Cancelling the awaiting task closes the connection."""

    async def send(self, method: str, path: str, headers: Headers, body: bytes) -> UpstreamResponse: ...

    async def aclose(self) -> None: ...


# --- ledger ------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One fact for the ledger. ``event`` is a value of ``core.events.Event``; ``fields`` hold ids, numbers
    and rule names, never text that a person or a bot wrote."""

    event: str
    exchange: str
    fields: Mapping[str, object] = MappingProxyType({})


class Ledger(Protocol):
    """Append-only record. ``append`` resolves once the entry is durable; it raises ``StoreError``."""

    def append(self, entry: Entry) -> Awaitable[None]: ...

    async def aclose(self) -> None: ...


AnyGuard = Guard | RuleGuard | StreamGuard | ModelGuard | FileGuard
"""Guards come in five shapes; one may have several (rules and a model, whole texts and streams)."""
