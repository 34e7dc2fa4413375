"""The two planes as servers, the bots behind them, and what is read again while they run."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from chatward import __version__
from chatward.assembly.engine import RoutedEngine
from chatward.assembly.house import House
from chatward.chronicle import Chronicle
from chatward.configuration import Loaded, load, resolve
from chatward.core.errors import ChatwardError, ConfigError
from chatward.core.identity import Fields
from chatward.gateway.certificates import seconds_left
from chatward.gateway.checkpoint import Peer, PeerOf, PostureOf, direct
from chatward.gateway.meter import Meter
from chatward.gateway.parties import BotLink
from chatward.gateway.proxies import networks, peer, posture
from chatward.gateway.proxies import trusted as is_proxy
from chatward.gateway.renewal import Renewal
from chatward.gateway.request_log import LogFormat, RequestLog
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.strict_transport import StrictTransport
from chatward.gateway.upstream import HttpUpstream
from chatward.genuine.replies import Proving
from chatward.guards.catalog import KNOWN
from chatward.identity.risk import Watched
from chatward.ledger.checkpointing import Plan
from chatward.ledger.null import NullLedger
from chatward.ledger.sqlite import SqliteLedger
from chatward.monitoring.running import Process as Following
from chatward.monitoring.running import check as check_receivers
from chatward.monitoring.running import wanted as following
from chatward.monitoring.standing import figures as receiver_figures
from chatward.reload import Watcher, needs_restart
from chatward.routing import Routing
from chatward.settings import Bot, Server, Settings
from chatward.settings.rules import is_loopback

KEY_SIZE = 32


def opened_ledger(settings: Settings) -> tuple[Watched, Path | None]:
    wanted = settings.ledger
    if not wanted.enabled:
        return Watched(NullLedger()), None
    path = Path(wanted.path)
    file = Path(wanted.checkpoint_file) if wanted.checkpoint_file else None
    plan = Plan(wanted.checkpoint_every, wanted.checkpoint_seconds, file, wanted.origin)
    kept = SqliteLedger(path, wanted.durability, wanted.group_wait, wanted.min_free, checkpoints=plan)
    return Watched(kept), path


def key_of(ledger: Path | None) -> bytes:
    """The key of this installation: beside the ledger, readable by its owner alone; made at the first start."""
    if ledger is None:
        return secrets.token_bytes(KEY_SIZE)
    path = ledger.with_name(ledger.name + ".key")
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_SIZE)
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(key)
    if len(key) != KEY_SIZE:
        raise ConfigError(f"{path} holds no key of {KEY_SIZE} bytes", reason="key-invalid")
    return key


def linked(bot: Bot) -> BotLink:
    upstream = HttpUpstream(
        bot.upstream,
        connect_timeout=bot.connect_timeout,
        read_timeout=bot.read_timeout,
        max_connections=bot.max_connections,
        ca_file=bot.ca_file,
        client_cert=bot.client_cert,
        client_key=bot.client_key,
        spiffe_id=bot.spiffe_id,
    )
    return BotLink(upstream, resolve(bot.api_key) if bot.api_key else None, bot.max_reply)


def signed(link: BotLink, bot: Bot, proving: Proving | None) -> BotLink:
    if not bot.sign or proving is None:
        return link
    return dataclasses.replace(link, sign=lambda method: proving.request_fields(method, bot.upstream))


def peer_of(server: Server) -> PeerOf:
    """Who is at the other end: the socket's, or whom a trusted proxy names."""
    trusted = networks(server.trusted_proxies)
    if not trusted:
        return direct

    def named(address: str, scheme: str, headers: Fields, certificate: bytes | None = None) -> Peer:
        found = peer(address, headers, trusted)
        # What a proxy shows on its own connection says who the proxy is, and nothing of the caller behind it.
        shown = found.certificate_der if is_proxy(address, trusted) else certificate
        return found.address, found.scheme or scheme, shown

    return named


def logged(house: House) -> RequestLog:
    """What goes to standard error from ``log_level`` on: a line for each request, and the warnings of all parts."""
    level = house.settings.server.log_level
    handler = logging.StreamHandler()
    handler.setFormatter(LogFormat())
    handler.setLevel(logging.ERROR if level == "error" else logging.WARNING)
    logging.getLogger().addHandler(handler)
    house.stack.callback(logging.getLogger().removeHandler, handler)
    log = RequestLog(_to_standard_error, level)
    house.stack.callback(log.close)
    return log


def _to_standard_error(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def posture_of(settings: Settings) -> PostureOf | None:
    """What a trusted proxy says of a caller's device, where it is asked. Raises ``ConfigError``."""
    name = settings.authorization.posture_header.lower()
    if not name:
        return None
    trusted = networks(settings.server.trusted_proxies)
    if not trusted:
        raise ConfigError("Only a proxy of server.trusted_proxies is believed.", key="authorization.posture_header")
    return lambda address, headers: posture(address, headers, name, trusted)


def for_this_machine(settings: Settings) -> bool:
    """Whether anybody on this machine is served, and nobody else."""
    server = settings.server
    open_ = settings.identity.anonymous and not server.keys
    return open_ and is_loopback(server.host) and not (server.behind_tls_proxy or server.trusted_proxies)


def data_plane(app: Any, server: Server) -> EmbeddedServer:
    cert, key, client_ca = _path(server.tls_cert), _path(server.tls_key), _path(server.client_ca)
    front = StrictTransport(app) if cert is not None or server.behind_tls_proxy else app
    return EmbeddedServer(front, server.host, server.port, tls_cert=cert, tls_key=key, client_ca=client_ca)


def admin_plane(app: Any, server: Server) -> EmbeddedServer:
    cert, key = _path(server.tls_cert), _path(server.tls_key)
    return EmbeddedServer(app, server.admin_host, server.admin_port, tls_cert=cert, tls_key=key, interface="asgi")


def keep_current(house: House, renewal: Renewal, chronicle: Chronicle) -> None:
    """Certificates and settings are read again when they change, and at SIGHUP; sources of intelligence when due;
    known vulnerabilities are looked for when that is due."""
    loaded = house.loaded
    house.go_on(renewal.run())
    asked: list[Callable[[], object]] = [renewal.check]
    if loaded.path is not None:
        watcher = _watcher(loaded, house.engine, house.say, chronicle)
        house.go_on(watcher.run())
        asked.append(watcher.signal)
    if loaded.path is not None or loaded.settings.server.tls_cert is not None:
        # else there is nothing to read again, and SIGHUP ends the process as it does any
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: [act() for act in asked])
    if loaded.settings.intel.sources and loaded.path is not None:
        from chatward.intel.watching import Updater  # noqa: PLC0415 - there are sources

        house.stack.callback(Updater(loaded.path).close)
    if following(loaded.settings) and loaded.path is not None:
        house.stack.callback(Following(loaded.path).close)
    if loaded.settings.assurance.scan_every and loaded.path is not None:
        from chatward.assurance.schedule import keep_scanning, scan_now  # noqa: PLC0415 - somebody wants it

        house.go_on(keep_scanning(loaded.settings, partial(scan_now, loaded.path), clock=time.time))


def _watcher(loaded: Loaded, engine: RoutedEngine, say: Callable[[str], None], chronicle: Chronicle) -> Watcher:
    def again() -> Loaded:
        return load(loaded.path, guards=KNOWN) if loaded.path is not None else loaded

    def apply(new: Loaded) -> None:
        for name, route in new.settings.routes.items():
            if route.bot not in loaded.settings.bots:
                key = f"routes.{name}.bot"
                raise ConfigError(f"{key}: the bot {route.bot} is new; restart to use it", key=key)
        old = engine.routing
        made = Routing(new.settings, old.engine, datetime.now(UTC).date(), old.pool)
        try:
            made.warm()  # what its guards load is there before their first message
        except ChatwardError as error:
            raise ConfigError(f"A guard cannot look: {error.public}", key="routes") from error
        if engine.privacy is not None:
            engine.privacy.follow(new.settings)
        engine.routing = made
        chronicle.loaded(new.settings)
        later = needs_restart(watcher.current, new)
        say("Configuration reloaded." + (f" After a restart: {', '.join(later)}." if later else ""))

    def report(error: ConfigError) -> None:
        chronicle.refused(error)
        say(f"Configuration not reloaded: {error}")

    watcher = Watcher(loaded, again, apply, report)
    return watcher


def welcome(settings: Settings, url: str, admin_url: str) -> list[str]:
    server = settings.server
    lines = [f"Chatward {__version__} guards {', '.join(_upstreams(settings))}", f"  gateway  {url}/v1"]
    if settings.chat.enabled:
        lines.append(f"  chat     {url}/chat")
    lines.append(f"  console  {admin_url}")
    if not server.keys and settings.identity.anonymous and is_loopback(server.host):
        spoken = "" if server.tls_cert is not None else ", and plain HTTP is spoken"
        lines.append(f"  No API key is asked for{spoken}: on this machine only.")
    return lines


def _upstreams(settings: Settings) -> Mapping[str, None]:
    return dict.fromkeys(bot.upstream for bot in settings.bots.values())


def metered(settings: Settings, engine: RoutedEngine) -> Meter:
    meter = Meter()
    meter.certificates = partial(seconds_left, settings)
    meter.assurance = partial(_assurance, settings)
    if following(settings):
        check_receivers(settings, resolve)
        meter.monitoring = partial(receiver_figures, settings)
    meter.intel = lambda: engine.routing.indicators.ages()  # noqa: PLW0108 - the routing is swapped at a reload
    return meter


def _assurance(settings: Settings) -> Mapping[str, Mapping[str, float]]:
    from chatward.assurance.gates import figures  # noqa: PLC0415 - when somebody asks for metrics

    return figures(settings)


def _path(name: str | None) -> Path | None:
    return Path(name) if name else None
