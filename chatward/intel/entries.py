"""One entry of a source, and how whatever sources write becomes the one written form of ``core.indicators``.

The rules:

1. A reader of a format gives ``Row``s: what the source says, as it says it. Normalising is done here, once, for all.
2. Feeds write values so that nobody clicks them (``hxxp://``, ``[.]``): that is undone first.
3. What would stop half of the network is refused, because sources are wrong now and then and are sometimes made wrong:
   names without a dot, loopback and multicast addresses, networks larger than /8 (IPv4) or /19 (IPv6).
   Warninglists may name large networks.
4. What cannot be read is counted, and nothing of it is kept.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from chatward.core.addresses import Address, HostKind, parse
from chatward.core.indicators import (
    MAX_VALUE,
    IndicatorKind,
    ThreatType,
    Tlp,
    address_value,
    url_values,
)

LARGEST: Final = {4: 8, 6: 19}
"""The shortest prefixes that a threat may have."""


class Row(NamedTuple):
    """What a source says of one value; ``None``: nothing, so that its settings hold. Times are seconds since 1970 UTC.
    ``gone``: the source takes the value back. ``begins``: it counts from then on."""

    value: str
    kind: IndicatorKind | None = None
    type: ThreatType | None = None
    first: float | None = None
    last: float | None = None
    confidence: float | None = None
    tlp: Tlp | None = None
    expires: float | None = None
    gone: bool = False
    begins: float | None = None


_HASHES: Final = {32: IndicatorKind.MD5, 40: IndicatorKind.SHA1, 64: IndicatorKind.SHA256}
_HEX: Final = re.compile(r"[0-9a-fA-F]{32}(?:[0-9a-fA-F]{8}(?:[0-9a-fA-F]{24})?)?")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z](?:[a-z0-9-]{0,62})\.?")
_DOTS: Final = re.compile(r"\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"h(?:xx|XX|tt|TT)ps?(?:\[:\]|:)//", re.IGNORECASE)
_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")


def normalise(
    text: str, kind: IndicatorKind | None = None, *, any_size: bool = False
) -> tuple[IndicatorKind, str] | None:
    """Kind and written form of a value; ``None`` where it is none of ``kind`` (or of any kind, where that is ``None``).

    ``any_size``: networks and names may be of any size (warninglists).
    """
    text = text.strip()
    if not text or len(text) > MAX_VALUE:
        return None
    if "[" in text or "(" in text or "xx" in text or "XX" in text:
        text = _plain(text)
    if kind in (None, IndicatorKind.IP) and _IPV4.fullmatch(text):  # as it is written down: half of what there is
        return (IndicatorKind.IP, text) if any_size or _elsewhere(text) else None
    if kind is None:
        kind = _kind_of(text)
    if kind is IndicatorKind.URL:
        return _url(text)
    if kind is IndicatorKind.DOMAIN:
        return _domain(text, any_size=any_size)
    if kind is IndicatorKind.IP:
        return _address(text, any_size=any_size)
    if _HEX.fullmatch(text) and _HASHES[len(text)] is kind:
        return kind, text.lower()
    return None


def _plain(text: str) -> str:
    text = _DOTS.sub(".", text)
    if _SCHEME.match(text):
        head, _, rest = text.partition("//")
        text = f"{head.lower().replace('xx', 'tt').replace('[:]', ':')}//{rest}"
    return text


def _kind_of(text: str) -> IndicatorKind:
    if "://" in text:
        return IndicatorKind.URL
    if _HEX.fullmatch(text):
        return _HASHES[len(text)]
    head, slash, rest = text.partition("/")
    if not slash and text[-1:].isalpha() and ":" not in text:
        return IndicatorKind.DOMAIN
    if slash:
        return IndicatorKind.IP if rest.isdigit() and address_value(head) is not None else IndicatorKind.URL
    bare = _PORT.sub("", text) if text.count(":") == 1 else text
    return IndicatorKind.IP if address_value(bare.strip("[]")) is not None else IndicatorKind.DOMAIN


def url_address(text: str) -> Address | None:
    """A URL as sources write it, parsed; its scheme may be missing."""
    text = _plain(text.strip())
    return parse(text if "://" in text else f"http://{text}")


def _url(text: str) -> tuple[IndicatorKind, str] | None:
    found = parse(text if "://" in text else f"http://{text}")
    if found is None or not found.special or not _names_something(found.host, found.kind):
        return None
    value = url_values(found.host, found.port, found.path, found.query)[0]
    return (IndicatorKind.URL, value) if len(value) <= MAX_VALUE else None


def _domain(text: str, *, any_size: bool) -> tuple[IndicatorKind, str] | None:
    name = text.lower()
    name = name[2:] if name.startswith("*.") else name.lstrip(".")
    if _DOMAIN.fullmatch(name):
        name, kind = name.rstrip("."), HostKind.DOMAIN
    else:
        found = parse(f"http://{name}/")
        if found is None or found.path != "/" or found.username or found.query:
            return None
        name, kind = found.host, found.kind
    if kind is not HostKind.DOMAIN:
        return _address(name, any_size=any_size)
    if len(name) > 253 or not (any_size or _names_something(name, kind)):
        return None
    return IndicatorKind.DOMAIN, name


def _names_something(host: str, kind: HostKind) -> bool:
    """Whether a host may be a threat: a name with a dot, or an address of some machine elsewhere."""
    if kind is HostKind.DOMAIN:
        return "." in host and not host.endswith((".localhost", ".local", ".invalid", ".arpa"))
    return kind is not HostKind.NONE and _elsewhere(host)


def _elsewhere(address: str) -> bool:
    if _IPV4.fullmatch(address):
        first = int(address.partition(".")[0])
        return first != 127 and not 224 <= first < 240 and address != "0.0.0.0"  # noqa: S104
    known = ip_address(address)
    return not (known.is_loopback or known.is_unspecified or known.is_multicast)


def _address(text: str, *, any_size: bool) -> tuple[IndicatorKind, str] | None:
    if text.count(":") == 1:
        text = text.partition(":")[0]  # IPv4 and a port
    elif text.startswith("["):
        text = text[1:].partition("]")[0]
    if "/" not in text:
        address = address_value(text)
        return (IndicatorKind.IP, address) if address is not None and (any_size or _elsewhere(address)) else None
    try:
        network: IPv4Network | IPv6Network = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            network = IPv4Network((mapped, network.prefixlen - 96), strict=False)
    if network.prefixlen == network.max_prefixlen:
        return _address(str(network.network_address), any_size=any_size)
    if not any_size and (network.prefixlen < LARGEST[network.version] or not _elsewhere(str(network[1]))):
        return None
    return IndicatorKind.IP, str(network)


# --- times and words ---------------------------------------------------------------------------------

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?"
)


_LATEST: Final = 4e9
"""The year 2096: who means never writes the year 9999, and snapshots have 32 bits for a time."""


def seconds(text: object) -> float | None:
    """A time in any of the forms that feeds have (ISO 8601, RFC 3339, seconds since 1970), or ``None``. Without a zone
    it is UTC."""
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, (int, float)):
        return float(text) if 0 < text < _LATEST else None
    if not isinstance(text, str):
        return None
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return float(text) if text.isdigit() and 0 < int(text) < _LATEST else None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    shift = 0
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        shift = (int(digits[:2]) * 60 + int(digits[2:])) * (60 if zone[0] == "+" else -60)
    return min(max(moment.timestamp() - shift, 0.0), _LATEST)


_TYPES: Final = {
    "phishing": ThreatType.PHISHING,
    "phish": ThreatType.PHISHING,
    "cc_skimming": ThreatType.SCAM,
    "scam": ThreatType.SCAM,
    "fraud": ThreatType.SCAM,
    "malware": ThreatType.MALWARE,
    "malware_download": ThreatType.MALWARE,
    "payload": ThreatType.MALWARE,
    "payload_delivery": ThreatType.MALWARE,
    "malicious-activity": ThreatType.MALICIOUS,
    "botnet_cc": ThreatType.CONTROL,
    "c2": ThreatType.CONTROL,
    "c&c": ThreatType.CONTROL,
    "command-and-control": ThreatType.CONTROL,
    "spam": ThreatType.SPAM,
    "scanner": ThreatType.SCANNER,
    "scanning": ThreatType.SCANNER,
    "anonymization": ThreatType.ANONYMISER,
    "anonymiser": ThreatType.ANONYMISER,
    "compromised": ThreatType.COMPROMISED,
    "malicious": ThreatType.MALICIOUS,
}


def threat_type(text: object) -> ThreatType | None:
    """What a source's word for a threat means here; ``None`` for an unknown one."""
    return _TYPES.get(text.strip().lower()) if isinstance(text, str) else None


def share(value: object) -> float | None:
    """A confidence of 0 to 100 (STIX, ThreatFox) as 0 to 1."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number / 100 if 0 <= number <= 100 else None


_TLP: Final = {"white": Tlp.CLEAR, "clear": Tlp.CLEAR, "green": Tlp.GREEN, "amber": Tlp.AMBER} | {
    "amber+strict": Tlp.AMBER_STRICT,
    "red": Tlp.RED,
}


def tlp(text: str) -> Tlp | None:
    """A marking as tags write it (``tlp:amber``), of version 1.0 or 2.0; ``None`` where it is none."""
    name = text.strip().lower()
    return _TLP.get(name.removeprefix("tlp:").strip()) if name.startswith("tlp:") else None
