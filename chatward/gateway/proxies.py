"""Who is at the other end when a proxy stands in front (RFC 7239's cousins ``x-forwarded-*``, RFC 9440).

The rules:

1. These fields are believed from the addresses in ``server.trusted_proxies`` and from nobody else. From anybody else
   they mean nothing, whatever they say: the address is the connection's, and there is no certificate.
2. A field that comes twice, that is not of its form, or that ``connection`` names (so that some hop would have dropped
   it) is refused: two readers could take it for two things. So is a list that is longer than ``MAX_HOPS``.
3. The client is the rightmost address in ``x-forwarded-for`` that is no trusted proxy's: what stands left of it was
   written by the client itself and is not even read. Where every hop is trusted it is the leftmost.
4. ``x-forwarded-proto`` is one word. ``client-cert`` is a byte sequence (RFC 8941 section 3.3.5) that holds a
   certificate (DER); that it was verified is the proxy's word.
5. What the proxy says of the caller's device is words with commas between them, in a field that the settings name
   (``posture``). A caller's own field of this name counts nowhere.
6. ``forwarded``, ``x-forwarded-host``, ``x-real-ip``, ``client-cert-chain``, and names with underscores, are not read.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NoReturn

from cryptography import x509

from chatward.core.errors import ClientError, ConfigError
from chatward.core.identity import Fields

MAX_HOPS: Final = 32
MAX_CERTIFICATE: Final = 16 * 1024
FOR: Final = "x-forwarded-for"
PROTO: Final = "x-forwarded-proto"
CERTIFICATE: Final = "client-cert"
FIELDS: Final = (FOR, PROTO, CERTIFICATE)
MAX_WORDS: Final = 32
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9._:=-]{0,63}")
_SEQUENCE: Final = re.compile(r":([A-Za-z0-9+/]+={0,2}):")
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
_WITH_PORT: Final = re.compile(r"([0-9.]+):[0-9]{1,5}")

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks. ``scheme`` is what the client spoke where a proxy says so, else empty: then it is the connection's.
    ``certificate_der`` is the client's verified certificate."""

    address: str
    scheme: str = ""
    certificate_der: bytes | None = None


def networks(cidrs: Sequence[str]) -> Networks:
    """``server.trusted_proxies``. Raises ``ConfigError``: for what is no network, and for all the world."""
    found = []
    for index, text in enumerate(cidrs):
        key = f"server.trusted_proxies.{index}"
        try:
            network = ip_network(text)
        except ValueError as error:
            raise ConfigError("It must be an address or a network, such as 10.0.0.0/8.", key=key) from error
        if network.prefixlen == 0:
            raise ConfigError("This trusts everybody to say who they are.", key=key)
        found.append(network)
    return tuple(found)


def peer(address: str, headers: Fields, proxies: Networks) -> Peer:
    """``address`` is the connection's. Raises ``ClientError`` (400): ``forwarded-invalid``."""
    if not proxies:
        return Peer(address)
    near = _address(address)
    if near is None or not _trusted(near, proxies):
        return Peer(address)
    if not any(name in headers for name in FIELDS):
        return Peer(str(near))
    dropped = {name.strip().lower() for line in headers.get_all("connection") for name in line.split(",")}
    if dropped & set(FIELDS):
        _refuse()
    listed, scheme, certificate = (_one(headers, name) for name in FIELDS)
    return Peer(
        str(near if listed is None else _client(listed, near, proxies)),
        "" if scheme is None else _scheme(scheme),
        None if certificate is None else _certificate(certificate),
    )


def posture(address: str, headers: Fields, name: str, proxies: Networks) -> frozenset[str]:
    """How the caller's device stands, by the field ``name``. ``address`` is the connection's. Raises ``ClientError``
    (400): ``forwarded-invalid``."""
    if name not in headers or not trusted(address, proxies):
        return frozenset()
    if name in {one.strip().lower() for line in headers.get_all("connection") for one in line.split(",")}:
        _refuse()
    words = frozenset(word.strip(" \t") for word in (_one(headers, name) or "").split(",")) - {""}
    if len(words) > MAX_WORDS or not all(map(_WORD.fullmatch, words)):
        _refuse()
    return words


def trusted(address: str, proxies: Networks) -> bool:
    """Whether a connection from this address is a proxy's. Then its certificate is the proxy's, and nobody else's."""
    near = _address(address)
    return near is not None and _trusted(near, proxies)


def _one(headers: Fields, name: str) -> str | None:
    found = headers.get_all(name)
    if len(found) > 1:
        _refuse()
    return found[0] if found else None


def _client(listed: str, near: Address, proxies: Networks) -> Address:
    hops = listed.split(",")
    if len(hops) > MAX_HOPS:
        _refuse()
    client = near
    for hop in reversed(hops):
        found = _address(_bare(hop.strip(" \t")))
        if found is None:
            _refuse()
        client = found
        if not _trusted(client, proxies):
            break
    return client


def _bare(hop: str) -> str:
    """Without brackets and port, which some proxies add."""
    found = _BRACKETED.fullmatch(hop) or _WITH_PORT.fullmatch(hop)
    return found[1] if found else hop


def _address(text: str) -> Address | None:
    """An IPv4 address inside IPv6 is itself (RFC 4291 section 2.5.5.2); zones mean something on one machine only."""
    if "%" in text:
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _trusted(address: Address, proxies: Networks) -> bool:
    return any(address in network for network in proxies)


def _scheme(text: str) -> str:
    scheme = text.strip(" \t").lower()
    if scheme not in {"http", "https"}:
        _refuse()
    return scheme


def _certificate(text: str) -> bytes:
    found = _SEQUENCE.fullmatch(text.strip(" \t"))
    if found is None or len(text) > MAX_CERTIFICATE:
        _refuse()
    try:
        der = b64decode(found[1], validate=True)
        x509.load_der_x509_certificate(der)
    except (Base64Error, ValueError):
        _refuse()
    return der


def _refuse() -> NoReturn:
    raise ClientError("What the proxy says of the caller cannot be read.", reason="forwarded-invalid")
