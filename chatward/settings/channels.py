"""``[channels.NAME]`` and ``[mcp.NAME]``: bots that speak neither OpenAI's nor Anthropic's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from chatward.settings.base import NO_LITERAL, REFERENCE, Strict

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_TARGET: Final = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")
_HEADER: Final = re.compile(r"[a-z0-9-]{1,64}")
_RESERVED: Final = frozenset({"content-length", "content-type", "host", "connection", "transfer-encoding", "accept"})


class Channel(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bot that is met at `/channels/NAME`. The name is lower-case letters, digits and hyphens."""

    kind: Literal["rasa", "webhook"]
    """What it speaks: Rasa's REST channel, or JSON in which the settings say where the text stands."""
    upstream: str = ""
    """Its base URL, which makes a bot of the channel's name. For `rasa` without `/webhooks`."""
    bot: str = ""
    """In place of `upstream`: a bot of `[bots]`."""
    path: str = ""
    """`webhook`: the path at the bot to which requests go. Empty: the base URL itself."""
    text: tuple[str, ...] = ()
    """`webhook`: where the person's text stands in a request, as JSON pointers (RFC 6901); `*` stands for every element
    of a list or object: `/messages/*/text`."""
    sender: str = ""
    """`webhook`: where the id of the person or conversation stands in a request."""
    reply: tuple[str, ...] = ()
    """`webhook`: where the bot's words stand in its answer. A refusal is put at the first of them."""
    untouched: tuple[str, ...] = ()
    """`webhook`: parts of requests and answers that are neither read nor changed, as JSON pointers. All words elsewhere
    are inspected. `""`: everything but what `text`, `sender` and `reply` name."""
    signature: Literal["none", "standard", "github", "slack"] = "none"
    """`webhook`: how requests are signed: Standard Webhooks, `x-hub-signature-256` as GitHub does, or Slack's `v0`.
    What comes is verified with `secret`, which stands in place of a credential; what goes to the bot is signed anew."""
    secret: str | None = None
    """`webhook`: reference to the secret that the sender signs with."""
    upstream_secret: str | None = None
    """`webhook`: reference to the secret that the bot verifies with; without it `secret`."""
    tolerance: Annotated[float, Meta(ge=1, le=3_600)] = 300.0
    """`webhook`: seconds by which a signed time may be off. Within them a request is taken once."""


class McpServer(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MCP server (Streamable HTTP) that is met at `/mcp/NAME`. The name is as that of a channel."""

    upstream: str = ""
    """Its base URL, which makes a bot of the server's name."""
    bot: str = ""
    """In place of `upstream`: a bot of `[bots]`."""
    path: str = "/mcp"
    """The path of its endpoint below the base URL. Empty: the base URL itself."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further headers for the server, by lower-case name; each value a reference (`env:NAME`, `file:/path`)."""
    pins: Literal["first-use", "accepted", "off"] = "first-use"
    """What tools a caller may see and call: those that are as they were when first seen (changed ones once somebody
    accepts them: `chatward mcp accept`), those alone that somebody accepted, or all."""


def channel_problems(
    channels: Mapping[str, Channel], servers: Mapping[str, McpServer], bots: Mapping[str, str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each key that may not be so, and why. ``bots``: the address of each."""
    for section, named in (("channels", channels), ("mcp", servers)):
        for name, one in named.items():
            steps = (section, name)
            if not NAME.fullmatch(name):
                yield steps, "must be named with lower-case letters, digits and hyphens: it is part of a path"
            if bool(one.upstream) == bool(one.bot):
                yield steps, "needs either `upstream` or `bot`"
            elif one.bot and one.bot not in bots:
                yield (*steps, "bot"), "names no bot of `[bots]`"
            elif one.upstream and bots.get(name) != one.upstream:
                yield steps, "has the name of a bot with another address; say `bot` in place of `upstream`"
            if one.path and not _TARGET.fullmatch(one.path):
                yield (*steps, "path"), "must be a plain path that begins with /"
    for name in channels.keys() & servers.keys():
        if channels[name].upstream and servers[name].upstream:
            yield ("mcp", name), "is the name of a channel as well: each makes a bot of that name"
    for name, channel in channels.items():
        yield from _channel(("channels", name), channel)
    for name, server in servers.items():
        for header, reference in server.headers.items():
            at = ("mcp", name, "headers", header)
            if not _HEADER.fullmatch(header) or header in _RESERVED or header.startswith(("mcp-", "x-chatward-")):
                yield at, "is no header that may be set: a lower-case name that the protocol does not use itself"
            elif not REFERENCE.fullmatch(reference):
                yield at, NO_LITERAL


def _channel(steps: tuple[str, str], one: Channel) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if one.kind == "rasa":
        for key in ("path", "text", "sender", "reply", "untouched", "secret", "upstream_secret"):
            if getattr(one, key):
                yield (*steps, key), "is for webhooks; Rasa's own form is known"
        if one.signature != "none":
            yield (*steps, "signature"), "is for webhooks; Rasa's own form is known"
        return
    for key, pointers in (("text", one.text), ("reply", one.reply), ("untouched", one.untouched)):
        for index, pointer in enumerate(pointers):
            if not _POINTER.fullmatch(pointer) or (not pointer and key != "untouched"):
                yield (*steps, key, index), "must be a JSON pointer such as /message/text"
        if key != "untouched" and not pointers:
            yield (*steps, key), "is needed: where the words stand, as JSON pointers"
    if one.sender and ("*" in one.sender or not _POINTER.fullmatch(one.sender)):
        yield (*steps, "sender"), "must be a JSON pointer such as /user/id, without *"
    if (one.signature == "none") != (one.secret is None):
        yield steps, "needs both `signature` and `secret`, or neither"
    for key, reference in (("secret", one.secret), ("upstream_secret", one.upstream_secret)):
        if reference is not None and not REFERENCE.fullmatch(reference):
            yield (*steps, key), NO_LITERAL
    if one.upstream_secret is not None and one.signature == "none":
        yield (*steps, "upstream_secret"), "needs `signature`: how the bot verifies"
