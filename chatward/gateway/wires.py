"""The bots of ``[channels]`` and ``[mcp]``, made ready."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from chatward.channels.mcp import Mcp, Place
from chatward.channels.rasa import Rasa
from chatward.channels.webhook import Form, Webhook, pointer
from chatward.channels.webhook_signatures import Signatures, key_of
from chatward.channels.wire import Wire
from chatward.configuration import resolve
from chatward.core.events import Event
from chatward.core.identity import Presented, Principal
from chatward.core.ports import Entry
from chatward.settings import Server, Settings
from chatward.settings.channels import Channel
from chatward.stores.database import Database
from chatward.stores.tool_pins import Pin, ToolPins, pins_file


def wires(
    settings: Settings,
    secret: bytes,
    note: Callable[[Entry], None],
    closing: Callable[[Callable[[], None]], object],
    *,
    clock: Callable[[], float] = time.time,
) -> tuple[Wire, ...]:
    """One for each bot that is met by name. ``secret`` is this installation's key; ``note`` writes to the ledger on the
    event loop that runs; ``closing`` takes what is to be called at the end. Raises ``ConfigError`` for a secret that
    cannot be had, ``StoreError`` for a store that cannot be opened."""
    made: list[Wire] = []
    for name, one in settings.channels.items():
        bot = one.bot or name
        if one.kind == "rasa":
            made.append(Rasa(name, bot, settings.server.max_depth, settings.server.max_parts))
        else:
            path = one.path or endpoint(settings.bots[bot].upstream)
            made.append(_webhook(name, bot, one, path, settings.server, clock))
    sessions = hmac.digest(secret, b"chatward mcp sessions", "sha256")
    pins = _pins(settings, note, closing) if any(one.pins != "off" for one in settings.mcp.values()) else None
    for name, server in settings.mcp.items():
        bot = server.bot or name
        place = Place(
            name=name,
            bot=bot,
            path=server.path or endpoint(settings.bots[bot].upstream),
            sessions=sessions,
            pins=pins,
            fields=tuple((field, resolve(reference)) for field, reference in server.headers.items()),
            max_depth=settings.server.max_depth,
            max_parts=settings.server.max_parts,
        )
        made.append(Mcp(place))
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


def _pins(
    settings: Settings, note: Callable[[Entry], None], closing: Callable[[Callable[[], None]], object]
) -> ToolPins:
    loop = asyncio.get_running_loop()

    def told(pin: Pin) -> None:
        fields = {"server": pin.server, "reason": pin.refusal, "sha256": pin.offered}
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(note, Entry(Event.TOOL_REFUSED.value, "", fields))

    database = Database(pins_file(settings.ledger.path))
    closing(database.close)
    return ToolPins(database, {name: one.pins for name, one in settings.mcp.items()}, told)
