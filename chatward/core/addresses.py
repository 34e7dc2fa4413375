r"""URLs, read the one way that browsers read them: the WHATWG URL Standard, by can_ada (the ada parser).

The rule: what a link leads to is what the parser says, never what a pattern says. Every decision about a link uses
``parse``. It removes tabs and line ends, takes ``\`` for ``/`` in special schemes, undoes percent-encoding,
full-width and circled characters in hosts (UTS 46), and reads IPv4 addresses in decimal, octal and hexadecimal parts
(URL Standard, host parsing). What it leaves, ``parse`` adds: IPv4 addresses mapped or embedded in IPv6 are unmapped
(RFC 4291 2.5.5, RFC 6052 2.1, RFC 3056), and a final dot goes.

The parser is imported when it is first needed. No I/O.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

SPECIAL: Final = frozenset(("http", "https", "ws", "wss", "ftp"))
"""Schemes whose links lead to a host that anybody may own (URL Standard, special schemes, less ``file``)."""
_SLASHES: Final = re.compile(r"[\s\x00-\x1f]*[\\/][\t\r\n]*[\\/]")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


class HostKind(str, Enum):
    """What a host is."""

    NONE = ""
    DOMAIN = "domain"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Address(NamedTuple):
    """One URL, parsed. ``host`` is lower case and punycode, without brackets or a final dot; ``port`` is ``""`` where
    it is the scheme's own. ``path``, ``query`` and ``fragment`` are percent-encoded, without their marks."""

    href: str
    scheme: str
    host: str
    kind: HostKind
    port: str
    username: str
    password: bool
    path: str
    query: str
    fragment: str

    @property
    def special(self) -> bool:
        return self.scheme in SPECIAL

    @property
    def ip(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The host as an address, where it is one."""
        if self.kind is HostKind.IPV4 or self.kind is HostKind.IPV6:
            return ipaddress.ip_address(self.host)
        return None


@lru_cache(maxsize=8192)
def parse(text: str) -> Address | None:
    """What a browser takes a URL for, or ``None`` where it takes it for none. ``//host`` is read as on a page over
    HTTPS; other relative links lead nowhere else and are none."""
    # Only what does not start with a letter may start with slashes.
    relative = not text[:1].isalpha() and _SLASHES.match(text) is not None
    return _read(None, f"https:{text.lstrip()}" if relative else text)


def resolve(place: str, base: str) -> Address | None:
    """What ``place`` leads to on a page whose URL is ``base``, or ``None`` where either is no URL."""
    return _read(base, place)


def _read(base: str | None, text: str) -> Address | None:
    try:
        found: Any = _parser()(text) if base is None else _parser()(base) + text
    except (ValueError, UnicodeError):
        return None
    except TypeError:  # half a surrogate pair
        whole, beneath = _whole(text), None if base is None else _whole(base)
        return None if (whole, beneath) == (text, base) else _read(beneath, whole)
    scheme = found.protocol[:-1]
    host = found.hostname
    # The usual name ends in a letter: neither brackets, nor a final dot, nor an address.
    host, kind = (host, HostKind.DOMAIN) if host[-1:].isalpha() else _host(host, scheme)
    return tuple.__new__(  # by place, in the order of the fields, and past the constructor: this is asked of every link
        Address,
        (
            found.href,
            scheme,
            host,
            kind,
            found.port,
            found.username,
            bool(found.password),
            found.pathname,
            found.search[1:],
            found.hash[1:],
        ),
    )


def _whole(text: str) -> str:
    """A text as browsers hand it on: half a surrogate pair becomes U+FFFD (Web IDL, USVString)."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@lru_cache(maxsize=1)
def _parser() -> Callable[[str], Any]:
    import can_ada  # noqa: PLC0415  (0.01 s that not every command needs)

    return can_ada.parse


def _host(name: str, scheme: str) -> tuple[str, HostKind]:
    if name.startswith("["):
        address = ipaddress.IPv6Address(name.strip("[]"))
        inner = unmapped(address)
        return (str(address), HostKind.IPV6) if inner is None else (str(inner), HostKind.IPV4)
    name = name.rstrip(".") if name.strip(".") else name
    if not name:
        return "", HostKind.NONE
    if scheme in SPECIAL and name[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(name)), HostKind.IPV4
        except ValueError:
            pass
    return name, HostKind.DOMAIN


def unmapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, compatible, 6to4 or NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def unicode_host(host: str) -> str:
    """A punycode name in the letters that it is shown in; a label that decodes to nothing stays as it is."""
    if "xn--" not in host:
        return host
    return ".".join(map(_shown, host.split(".")))


@lru_cache(maxsize=2048)
def _shown(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
