"""The bots of ``[channels]`` and ``[mcp]``, made ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from chatward.channels.rasa import Rasa
from chatward.channels.webhook import Form, Webhook, pointer
from chatward.channels.webhook_signatures import Signatures, key_of
from chatward.channels.wire import Wire
from chatward.configuration import resolve
from chatward.core.identity import Presented, Principal
from chatward.settings import Server, Settings
from chatward.settings_channels import Channel


def wires(settings: Settings, *, clock: Callable[[], float] = time.time) -> tuple[Wire, ...]:
    """One for each bot that is met by name. Raises ``ConfigError`` for a secret that cannot be had."""
    made: list[Wire] = []
    for name, one in settings.channels.items():
        bot = one.bot or name
        if one.kind == "rasa":
            made.append(Rasa(name, bot, settings.server.max_depth, settings.server.max_parts))
        else:
            path = one.path or endpoint(settings.bots[bot].upstream)
            made.append(_webhook(name, bot, one, path, settings.server, clock))
    return tuple(made)


class SignedChannels:
    """Signatures of webhooks among the ways of being known (``core.identity.Authenticator``). They are over bodies,
    which nobody has read when callers are asked who they are: ``channels.wire.Bound.sender`` says who. A signature is
    good for the request that has it."""

    def identify(self, presented: Presented) -> None:
        return None

    def valid(self, principal: Principal) -> bool:
        return True


def endpoint(upstream: str) -> str:
    """What stands behind a base URL that is the whole address: nothing, but a URL has some path."""
    return "" if urlsplit(upstream).path.strip("/") else "/"


def _webhook(name: str, bot: str, one: Channel, path: str, server: Server, clock: Callable[[], float]) -> Webhook:
    form = Form(
        text=tuple(map(pointer, one.text)),
        reply=tuple(map(pointer, one.reply)),
        sender=pointer(one.sender),
        untouched=tuple(map(pointer, one.untouched)),
        path=path,
    )
    signatures = None
    if one.secret is not None:
        theirs = key_of(one.signature, resolve(one.secret))
        ours = theirs if one.upstream_secret is None else key_of(one.signature, resolve(one.upstream_secret))
        signatures = Signatures(one.signature, theirs, ours, one.tolerance, clock)
    return Webhook(name, bot, form, signatures, server.max_depth, server.max_parts)
