"""Who asks, and what they may do: the values and ports of identity.

The rules:

1. Every request has a ``Principal``; "nobody in particular" is one too (``ANONYMOUS``), deliberately.
2. An ``Authenticator`` answers for one kind of credential. ``None`` means that nothing of its kind was presented;
   something of its kind that is not good raises ``IdentityError``: it never falls through to a weaker identity.
3. Nobody is trusted for having been trusted: ``Authenticator.valid`` is asked again on every message, and inside an
   open stream on every tool call. It costs microseconds.
4. An ``Authorizer`` decides one ``Question`` at a time; what no policy permits is denied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, Final, Protocol

from chatward.core.errors import ChatwardError


class Kind(str, Enum):
    """What a principal is."""

    ANONYMOUS = "anonymous"
    VISITOR = "visitor"  # of a widget: unknown, but bound to a page, a session and a key that the page holds
    SERVICE = "service"  # a program with an API key or a certificate
    PERSON = "person"  # known by an identity provider
    OPERATOR = "operator"  # of this Chatward


class Assurance(IntEnum):
    """How surely a principal is who it says (after NIST SP 800-63B's levels)."""

    NONE = 0
    SINGLE = 1  # one factor: a key, a password, a bearer token
    MULTI = 2  # two factors, or a token bound to a key that the sender proves to hold
    STRONG = 3  # a passkey with user verification


@dataclass(frozen=True, slots=True)
class Grants:
    """What a credential is good for at most: shell-style patterns; empty means everything that policy allows."""

    bots: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. ``id`` is stable, unique over all kinds and safe to record (``key:3f9c…``, ``person:…``): it never
    holds a name or an address. ``session`` identifies one log-in or connection of it, where there is one.
    ``expires`` is seconds since 1970 UTC. ``attributes`` are facts that policy may ask for (``device``, ``network``).
    """

    id: str
    kind: Kind
    tenant: str = "default"
    roles: frozenset[str] = frozenset()
    assurance: Assurance = Assurance.NONE
    session: str = ""
    grants: Grants = Grants()
    expires: float | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


ANONYMOUS: Final = Principal("anonymous", Kind.ANONYMOUS)


class Fields(Protocol):
    """Request headers; names in lower case. ``get_all`` tells duplicates."""

    def get(self, key: str, default: str | None = None) -> str | None: ...

    def get_all(self, key: str) -> list[str]: ...

    def __contains__(self, key: str) -> bool: ...


@dataclass(slots=True, eq=False)
class Presented:
    """What a request shows of its sender. ``url`` is scheme, authority and path as the caller wrote them, without
    query; ``address`` the peer's IP address; ``certificate`` the peer's verified certificate (DER); ``posture`` what a
    trusted proxy says of the device. Nobody changes it; ``read`` keeps what was read of the headers once
    (``identity.credential``)."""

    method: str
    url: str
    headers: Fields
    address: str = ""
    certificate: bytes | None = None
    posture: frozenset[str] = frozenset()
    read: Any = field(default=None, init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what showed it. ``subject``: whom the request is about, where that is somebody else, whom a program
    names (``identity.end_users``)."""

    principal: Principal
    presented: Presented
    subject: Principal | None = None

    @property
    def person(self) -> Principal:
        """Whose data it is."""
        return self.subject or self.principal


class Authenticator(Protocol):
    """One way of being known. See the module's rules."""

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal | None] | None:
        """Who presents this, ``None`` where nothing of this kind is presented. Raises ``IdentityError``."""
        ...

    def valid(self, principal: Principal) -> bool:
        """Whether a principal that this authenticator gave out is good now: not revoked, disabled or expired."""
        ...


# --- authorization


@dataclass(frozen=True, slots=True)
class Question:
    """May ``principal`` do ``action`` to the ``resource`` (its type and id), as things stand in ``context``?

    Actions: ``message:send``, ``tool:call``, ``document:read``, and ``admin:<area>:<verb>``. ``context`` holds plain
    data: truth values, integers, strings, lists and mappings of those. The principal's own facts need not be in it.
    """

    principal: Principal
    action: str
    resource: tuple[str, str]
    context: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer. ``policies`` are the ids that decided; ``reason`` is from a fixed vocabulary. Where a denial would
    be lifted by more assurance, ``step_up`` says how much; where it wants another person's consent, ``approval``."""

    allowed: bool
    policies: tuple[str, ...] = ()
    reason: str = ""
    step_up: Assurance | None = None
    approval: bool = False


class Authorizer(Protocol):
    """Decides. Total: what cannot be decided is denied with the reason ``policy-error``."""

    @property
    def version(self) -> str:
        """A short digest of all policies; it is part of the policy's version in the ledger."""
        ...

    def decide(self, question: Question) -> Ruling: ...


class ToolGate(Protocol):
    """Whether the one who gets a reply may make the tool calls in it, as things stand when the call is written: asked
    anew for every call, inside an open stream too. May wait (for a step-up), but only on a thread of its own."""

    def begins(self, tool: str) -> Ruling | None:
        """The ruling on a tool whatever its arguments; ``None`` where they are needed, and nothing of the call leaves
        before ``calls`` has answered."""
        ...

    def calls(self, tool: str, arguments: str) -> Ruling:
        """The ruling on one whole call; ``arguments`` is the JSON text as the tool would get it."""
        ...


class Documents(Protocol):
    """A request that may hold labelled documents (``channels.labels``)."""

    @property
    def labels(self) -> Sequence[str]:
        """One for each labelled document, in reading order."""
        ...

    def withhold(self, which: Collection[int]) -> None:
        """Takes documents out, by their places in ``labels``; none: all may be read. Before, nothing can be sent on."""
        ...


# --- challenges

CHALLENGE_HEADER: Final = "x-chatward-challenge"
"""The request header that names a challenge which was met for this request."""


class Proof(str, Enum):
    """How a challenge is met."""

    PASSKEY = "passkey"
    TOTP = "totp"
    APPROVAL = "approval"  # by another person, in the console


@dataclass(frozen=True, slots=True)
class Challenge:
    """Something to be proven before a message or a tool call goes on. ``binding`` is the SHA-256 (hex) of what it is
    for; a proof for one binding is worth nothing for another. ``expires`` is seconds since 1970 UTC."""

    id: str
    principal: str
    binding: str
    proofs: tuple[Proof, ...]
    expires: float
    action: str = ""


class Patience(Protocol):
    """Somebody who can tell a person, in the middle of a stream, that something has to be proven first. Both methods
    are called on the thread that waits."""

    seconds: float
    """How long the stream may wait."""

    def announce(self, challenge: Challenge) -> None:
        """Tells what is to be proven."""
        ...

    def pause(self, seconds: float) -> None:
        """Waits. Raises when nobody waits for the stream any more."""
        ...


class ProvingGate(ToolGate, Protocol):
    """A gate whose denials may be lifted by a proof."""

    patience: Patience | None
    """Who waits for proofs; ``None``: nobody."""
    on_thread: bool
    """Whether ``calls`` is asked on a thread: where it is not, nothing can be written, so no challenge is made."""

    @property
    def pending(self) -> Challenge | None:
        """The challenge that a denial waits for."""
        ...

    def demand(self) -> ChatwardError:
        """``pending`` as an error for the caller."""
        ...

    def described(self, challenge: Challenge) -> Mapping[str, object]:
        """A challenge as callers see it."""
        ...


# --- the network, for those who must not have it


@dataclass(frozen=True, slots=True)
class Fetched:
    """An HTTP answer; ``headers`` have lower-case names."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class Fetch(Protocol):
    """Asks another server (an identity provider, a key service). Raises ``UpstreamError``; never follows redirects."""

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched: ...
