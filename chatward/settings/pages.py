"""``[genuine]``, ``[chat]`` and ``[widget]``: what people meet."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from chatward.settings.base import Strict
from chatward.settings.watch import Watch


class Genuine(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof of who answers: signed replies, and a manifest at `/.well-known/chatward.json`."""

    sign: bool = True
    """Whether replies carry a proof (`x-chatward-proof`)."""
    origin: str = ""
    """The site that answers, as people see it: `https://chat.example.com`. Empty: this machine's own address, if nobody
    else can reach it; else nothing is signed. Never taken from a request: a copy of the site would fill it in."""
    name: str = ""
    """What the bot is called."""
    owner: str = ""
    """Who answers for it."""
    contact: str = ""
    """Where copies of it are to be reported."""
    channels: tuple[str, ...] = ()
    """Where else it can be met: addresses of accounts and pages."""
    domains: tuple[str, ...] = ()
    """Domains that are its owner's."""
    agent_card: str = ""
    """A file with the bot's A2A agent card, which is served at `/.well-known/agent-card.json`, signed with our key. The
    addresses in it should be this gateway's."""
    agent_card_keys: str = ""
    """A file with the keys (a JWK set) of which one must have signed `agent_card` before us. Empty: nobody must, and
    nobody may have."""
    path: str = ""
    """The file with the keys that sign. Empty: `chatward-signing.json` beside the ledger."""
    watch: Watch = field(default_factory=Watch)
    """The watch for copies."""


class Chat(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chat page at ``/chat``."""

    enabled: bool = True
    """Whether the page is served."""
    title: str = "Chat"
    """Heading and title of the page."""
    model: str = ""
    """The model it asks; empty: the first that the bot lists."""
    disclosure: str = "You are talking to an AI system. Do not rely on it in an emergency."
    """What people read before they write."""
    attachments: bool = False
    """Whether people may send files; the bot must take pictures and files as parts of a message."""


class WidgetSettings(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chat for visitors of other pages: `/widget.js` and the sessions that it asks with."""

    enabled: bool = False
    """Whether there is one."""
    origins: tuple[str, ...] = ()
    """Origins of the pages that may have it, as browsers write them (`https://shop.example`)."""
    bot: str = "default"
    """The bot that visitors talk to, and no other."""
    model: str = ""
    """The model it asks, and no other; empty: the first that the bot lists, and visitors may ask any of this bot."""
    title: str = "Chat"
    """Its heading, and the name of its button."""
    disclosure: str = "You are talking to an AI system. Do not rely on it in an emergency."
    """What people read before they write."""
    attachments: bool = False
    """Whether visitors may send files; the bot must take pictures and files as parts of a message."""
    frame: str = ""
    """This gateway's own origin as browsers see it (`https://chat.example`): pages may then have the chat in a
    sandboxed frame, where their scripts cannot read it. Empty: there is no frame."""
    lifetime: Annotated[float, Meta(ge=60, le=3_600)] = 900.0
    """Seconds that a token is good; a page renews it before."""
    longest: Annotated[float, Meta(ge=300, le=86_400)] = 43_200.0
    """Seconds after which a visitor's session ends for good."""
    sessions_per_minute: Annotated[int, Meta(ge=1)] = 30
    """New sessions that one address (of IPv6 one /64) may begin in a minute."""
