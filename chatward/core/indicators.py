"""Indicators of compromise as guards see them: what can be looked up, in which written form, and what is known of it.

The rules:

1. Whoever looks up and whoever imports write a value the same way: URLs and hosts as ``core.addresses.parse`` reads
   them, written down by the functions here (with RFC 3986, section 6.2, beyond it).
2. A URL is one value, its host another. A domain on a list stands for its subdomains too; a URL on a list never stands
   for its host, because hosts are shared.
3. A sighting points at a source and carries no text of a message. Its ``score`` is worked out when it is asked for:
   confidence, lessened by age. ``contexts`` say what else is known of the value (shared hosting, a public resolver); a
   context is never a reason to let something pass by itself.
4. A source that is out of date is *unknown*: ``Indicators.stale`` names it, and "nothing found" says nothing about it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Final, Protocol

from chatward.core.addresses import unmapped
from chatward.core.values import Category

MAX_VALUE: Final = 2048
"""Code points of the longest value; longer URLs are neither imported nor looked up."""


class IndicatorKind(str, Enum):
    """What can be looked up."""

    URL = "url"
    DOMAIN = "domain"
    IP = "ip"
    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"


class ThreatType(str, Enum):
    """What an indicator stands for. Each type loses its weight with age at a pace of its own."""

    PHISHING = "phishing"
    SCAM = "scam"
    MALWARE = "malware"
    CONTROL = "command-and-control"
    SPAM = "spam"
    SCANNER = "scanner"
    ANONYMISER = "anonymiser"
    COMPROMISED = "compromised"
    MALICIOUS = "malicious"  # the source does not say what of

    @property
    def category(self) -> Category:
        """The category of findings about it."""
        return Category.MALWARE if self in (ThreatType.MALWARE, ThreatType.CONTROL) else Category.LINK


class Tlp(str, Enum):
    """To whom a source's word may be passed on (FIRST Traffic Light Protocol 2.0), mildest first."""

    CLEAR = "clear"
    GREEN = "green"
    AMBER = "amber"
    AMBER_STRICT = "amber+strict"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Sighting:
    """That a source lists a value. ``index`` is that of the value asked for. ``confidence`` is the source's (0..1),
    ``score`` what is left of it now. Times are seconds since 1970 UTC, whole days; ``expires`` ``None``: never."""

    source: str
    kind: IndicatorKind
    type: ThreatType
    first: float
    last: float
    tlp: Tlp
    confidence: float
    score: float
    expires: float | None = None
    contexts: tuple[str, ...] = ()
    index: int = 0


class Indicators(Protocol):
    """What is listed. Asking costs microseconds, does no network I/O and never raises by design; a snapshot that
    cannot be read makes its sources stale."""

    @property
    def empty(self) -> bool:
        """Whether no source is configured: there is nothing to ask, and nothing is unknown."""
        ...

    def look_up(self, kind: IndicatorKind, values: Sequence[str]) -> Sequence[Sighting]:
        """What is known of any of the values, in the written form of this module. Domains: exact matches only, so pass
        ``domains_of(host)``. IP addresses: networks that hold them too."""
        ...

    def stale(self) -> Sequence[str]:
        """Sources that are out of date or were never fetched."""
        ...

    def ages(self) -> Mapping[str, float]:
        """Seconds since the last success of each source; NaN where there was none."""
        ...

    def required(self) -> Sequence[str]:
        """Those of ``stale`` without which a guard counts as unavailable."""
        ...

    def seen(self, sighting: Sighting, value: str) -> None:
        """Notes that a conversation held a listed value: the value as it is listed, and nothing else of the text."""
        ...


class NoIndicators:
    """No source at all."""

    empty = True

    def look_up(self, kind: IndicatorKind, values: Sequence[str]) -> Sequence[Sighting]:
        return ()

    def stale(self) -> Sequence[str]:
        return ()

    def ages(self) -> Mapping[str, float]:
        return {}

    def required(self) -> Sequence[str]:
        return ()

    def seen(self, sighting: Sighting, value: str) -> None:
        pass


NO_INDICATORS: Final = NoIndicators()

# --- how values are written --------------------------------------------------------------------------

_NEEDLESS: Final = re.compile(r"%(2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aAeE])")
_SLASHES: Final = re.compile(r"//+")


def url_values(host: str, port: str, path: str, query: str) -> tuple[str, ...]:
    """The values by which a parsed URL is looked up: with its query, and without. The first is how it is imported.

    ``host``, ``port``, ``path`` and ``query`` are those of ``core.addresses.Address``. The scheme, ``www.``, the
    fragment, needless escapes,
    doubled slashes and a final slash make no difference.
    """
    if host[:4] == "www." and host.count(".") > 1:
        host = host[4:]
    if port:
        host = f"{host}:{port}"
    if "%" in path:
        path = _NEEDLESS.sub(_unescaped, path)
    if "//" in path:
        path = _SLASHES.sub("/", path)
    plain = host + path.rstrip("/")
    if not query:
        return (plain,)
    if "%" in query:
        query = _NEEDLESS.sub(_unescaped, query)
    return (f"{plain}?{query}", plain)


def address_value(text: str) -> str | None:
    """An IP address as it is looked up, or ``None`` where the text is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    inner = unmapped(address) if isinstance(address, IPv6Address) else None
    return str(inner or address)


def domains_of(host: str) -> tuple[str, ...]:
    """A host and the domains above it that have two labels or more, longest first; at most eight."""
    found = [host]
    host = host.partition(".")[2]
    while "." in host:
        found.append(host)
        host = host.partition(".")[2]
    return tuple(found if len(found) <= 8 else (found[0], *found[-7:]))


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
