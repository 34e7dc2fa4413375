"""What a dialect needs that is more than a body on a path: bots that are met by name (``/channels/NAME``,
``/mcp/NAME``).

A ``Wire`` stands for one such bot. For every request it gives a ``Bound``: the dialect as the request's query and head
have it. A bound dialect is asked the same as any other (``channels.dialect``), and besides

* which path of the bot the request goes to, with which further headers, which may depend on the body that goes;
* which headers of the bot's answer pass;
* for whom the request speaks, where a signature in it says so in place of a credential.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from chatward.channels.dialect import Answer, Call
from chatward.core.errors import ChatwardError
from chatward.core.identity import Fields, Principal
from chatward.core.ports import Headers


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's head: its method, its query as it was written, its headers."""

    method: str
    query: str = ""
    headers: Fields = field(default_factory=dict)  # type: ignore[assignment]  # nobody asks a test's head for more


class Bound(Protocol):
    """One request's dialect."""

    @property
    def name(self) -> str: ...

    @property
    def path(self) -> str:
        """The path by which routes, limits and records know the request."""
        ...

    @property
    def converses(self) -> bool:
        """Whether the request is a turn of a conversation, which is kept where settings say so."""
        ...

    @property
    def comments(self) -> bool:
        """Whether a stream may carry comment lines."""
        ...

    @property
    def vouches(self) -> bool:
        """Whether the request shows who sent it by a signature (``sender``), and by nothing else."""
        ...

    def sender(self, body: bytes) -> Principal:
        """Whom a signature over ``body`` speaks for. Raises ``IdentityError``."""
        ...

    def parse(self, body: bytes) -> Call: ...

    def error(self, error: ChatwardError) -> Answer: ...

    def target(self) -> str:
        """Path and query at the bot."""
        ...

    def headers(self, body: bytes, principal: Principal) -> Headers:
        """Further headers for the bot; ``body`` is what goes there."""
        ...

    def received(self, headers: Headers, principal: Principal) -> Headers:
        """The headers of the bot's answer, as the caller may see them."""
        ...

    def screened(self, call: Any, screening: Any) -> None:
        """After the request was screened, before anything else happens to it; on a thread where rights are ruled on.
        May make the screening's verdict stricter. Raises ``ChatwardError``."""
        ...


class Wire(Protocol):
    """One bot that is met by name."""

    @property
    def paths(self) -> tuple[str, ...]: ...

    @property
    def methods(self) -> tuple[str, ...]: ...

    @property
    def bot(self) -> str:
        """The bot of the settings that it leads to."""
        ...

    def bind(self, asked: Asked) -> Bound: ...


class Plain:
    """What most bound dialects answer: POST, no signature, nothing besides."""

    name = "none"
    path = ""
    converses = True
    comments = True
    vouches = False

    def sender(self, body: bytes) -> Principal:
        raise NotImplementedError("asked only where `vouches`")

    def headers(self, body: bytes, principal: Principal) -> Headers:
        return ()

    def received(self, headers: Headers, principal: Principal) -> Headers:
        return headers

    def screened(self, call: Any, screening: Any) -> None: ...
