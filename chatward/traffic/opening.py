"""Settings in, what watches traffic out."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec.structs import replace

from chatward.configuration import resolve
from chatward.core.errors import ConfigError
from chatward.core.identity import Principal
from chatward.core.ports import Entry
from chatward.settings import Settings
from chatward.traffic.near import Near
from chatward.traffic.passes import MemoryPasses, Passes, ValkeyPasses
from chatward.traffic.reverse import Reverse, SystemResolver
from chatward.traffic.sessions import Sessions, Signing
from chatward.traffic.tokens import Tokens
from chatward.traffic.watch import Parts, Traffic
from chatward.traffic.work import Work


def opened(
    settings: Settings,
    secret: bytes,
    *,
    note: Callable[[Entry], None],
    proxied: Callable[[str], bool],
    bot_of: Callable[[str, str], str],
    risk: Callable[[Principal, str, float], None],
) -> Traffic | None:
    """``None`` where it is switched off. ``secret`` is this installation's key. Raises ``ConfigError``. To be called on
    the event loop that serves."""
    wanted = settings.traffic
    if not wanted.enabled:
        return None
    for name in wanted.bots:
        if name not in settings.bots:
            raise ConfigError("There is no bot of this name.", key=f"traffic.bots.{name}")
    if wanted.ja4_header and not settings.server.trusted_proxies:
        raise ConfigError("Only a proxy of server.trusted_proxies is believed.", key="traffic.ja4_header")
    if wanted.secret is not None:
        secret = resolve(wanted.secret).encode()
        if len(secret) < 16:
            raise ConfigError("It must have 16 characters or more.", key="traffic.secret")
    elif wanted.store == "valkey":
        raise ConfigError("Processes that share a store must share a secret.", key="traffic.secret")
    signing = Signing(_derived(secret, b"signing"))
    parts = Parts(
        signing=signing,
        tokens=Tokens(signing),
        work=Work(_derived(secret, b"work"), numbers=wanted.work_numbers, seconds=wanted.work_seconds),
        passes=_passes(settings),
        near=Near(_derived(secret, b"near")),
        sessions=Sessions(wanted.sessions),
        reverse=Reverse(SystemResolver()) if wanted.resolve else None,
        direct=not settings.server.behind_tls_proxy,
        others=frozenset(settings.server.cors_origins),
        proxied=proxied,
        bot_of=bot_of,
        risk=risk,
        note=note,
    )
    return Traffic(replace(wanted, ja4_header=wanted.ja4_header.lower()), parts)


def _passes(settings: Settings) -> Passes:
    if settings.traffic.store == "memory":
        return MemoryPasses()
    wanted = settings.limiter
    url = wanted.url
    if url.startswith(("env:", "file:")):
        url = resolve(url)
    elif urlsplit(url).password:
        raise ConfigError(
            "A password does not stand in the file: give the address as env:NAME or file:/path.", key="limiter.url"
        )
    return ValkeyPasses(url, cluster=wanted.cluster, timeout=wanted.timeout)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"chatward traffic " + purpose).derive(secret)
