"""Whom to write to about a copy: abuse contacts as the registries tell them (RDAP), asked only when somebody asks.

Source: RFC 9224 (which server knows), RFC 9082 (queries), RFC 9083 (answers), RFC 7095 (jCard).

The rules:

1. Everything goes through the fetch of ``fetching``: servers are public, https, and redirects are checked.
2. Addresses are words of strangers: plain e-mail addresses count, one line, at most ``MOST`` of them.
3. What cannot be had is an ``UpstreamError``; nobody is guessed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chatward.core.errors import UpstreamError
from chatward.core.hosts import split
from chatward.watch.transparency import Fetch

BOOTSTRAP: Final = "https://data.iana.org/rdap"
MOST: Final = 4
_BODY: Final = 2 * 1024 * 1024
_REDIRECTS: Final = 3
_DEEP: Final = 4
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


@dataclass(frozen=True, slots=True)
class Contact:
    """An address for abuse, and the server that told it."""

    email: str
    source: str


async def of_domain(host: str, fetch: Fetch) -> tuple[Contact, ...]:
    """Of the registrar of a host's domain. Raises ``UpstreamError``."""
    name = split(host).registered or host
    ending = name.rpartition(".")[2]
    services = await _services("dns", fetch)
    base = next((urls for keys, urls in services if ending in keys), ())
    return await _asked(base, f"domain/{name}", fetch)


async def of_address(address: str, fetch: Fetch) -> tuple[Contact, ...]:
    """Of the network of an IP address. Raises ``UpstreamError``."""
    try:
        ip = ipaddress.ip_address(address)
        services = await _services(f"ipv{ip.version}", fetch)
        networks = [(ipaddress.ip_network(key), urls) for keys, urls in services for key in keys]
    except ValueError as error:
        raise _malformed() from error
    holding = [(network.prefixlen, urls) for network, urls in networks if ip in network]
    return await _asked(max(holding, key=lambda one: one[0])[1] if holding else (), f"ip/{ip}", fetch)


async def _services(kind: str, fetch: Fetch) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Keys and base URLs of a bootstrap file (RFC 9224 section 3)."""
    told = await _json(f"{BOOTSTRAP}/{kind}.json", fetch)
    try:
        return msgspec.convert(told["services"], list[tuple[tuple[str, ...], tuple[str, ...]]])
    except (LookupError, TypeError, msgspec.ValidationError) as error:
        raise _malformed() from error


async def _asked(bases: tuple[str, ...], query: str, fetch: Fetch) -> tuple[Contact, ...]:
    base = next((url for url in bases if url.startswith("https://")), "")
    if not base:
        raise UpstreamError("No registry tells who is responsible for it.", reason="watch-rdap")
    url = f"{base.rstrip('/')}/{query}"
    told = await _json(url, fetch)
    found = dict.fromkeys(_abuse(told, _DEEP))
    return tuple(Contact(email, url) for email in [*found][:MOST])


async def _json(url: str, fetch: Fetch) -> Any:
    answer = await fetch(url, redirects=_REDIRECTS, most=_BODY)
    if answer.status != 200:
        raise UpstreamError("The registry does not know it.", reason="watch-rdap")
    try:
        told = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _malformed() from error
    if not isinstance(told, dict):
        raise _malformed()
    return told


def _abuse(node: Any, room: int) -> Iterator[str]:
    """E-mail addresses of the entities whose role is abuse, in the order of the answer."""
    entities = node.get("entities") if isinstance(node, dict) else None
    for entity in entities if room and isinstance(entities, list) else ():
        if not isinstance(entity, dict):
            continue
        roles = entity.get("roles")
        if isinstance(roles, list) and "abuse" in roles:
            yield from _emails(entity.get("vcardArray"))
        yield from _abuse(entity, room - 1)


def _emails(card: Any) -> Iterator[str]:
    properties = card[1] if isinstance(card, list) and len(card) == 2 and isinstance(card[1], list) else []
    for one in properties:
        if isinstance(one, list) and len(one) > 3 and one[0] == "email" and isinstance(one[3], str):
            email = one[3].removeprefix("mailto:")
            if _EMAIL.fullmatch(email):
                yield email


def _malformed() -> UpstreamError:
    return UpstreamError("The registry's answer is not of the form.", reason="watch-rdap")
