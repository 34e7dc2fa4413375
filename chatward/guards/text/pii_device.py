"""Addresses and serials of devices, and places as coordinates.

IP addresses that name one host: loopback, unspecified, multicast, broadcast, netmasks and networks (``.0``) name
none; private and documentation addresses do. Four small numbers with dots are a version or a section unless
called an address.
A MAC is one group of six, not part of a longer fingerprint. Coordinates need their name or a hemisphere.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_checksums import luhn
from chatward.guards.text.pii_words import LEFT, RIGHT, compact, label, label_start, mentions, named_otherwise

_ADDRESS_WORDS: Final = """
    ip*, ipv4, ipv6, address*, addr, host*, server*, client*, gateway, dns, ping, ssh, from, login*, logged,
    adresse*, dirección, endereço, indirizzo, адрес*, 地址, アドレス, 주소, node, router, subnet, peer, remote*,
    source, src, dst, connect*
"""
_PLACE_WORDS: Final = """
    lat, latitude, lon, lng, long, longitude, gps, geo*, coord*, location*, position*, koordinat*, standort*,
    coordonnées, ubicación, localização, posizione, координат*, широта, долгота, 坐标, 位置, 座標, 좌표, 위치,
    here, home, live, maps, pin, ll
"""

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DEGREES: Final = (
    r"[0-9]{1,3}(?:[.,][0-9]{1,8})? ?[°º] ?(?:[0-9]{1,2}(?:[.,][0-9]{1,6})? ?['′’] ?"
    r"(?:[0-9]{1,2}(?:[.,][0-9]{1,4})? ?(?:[\"″”]|''|′′) ?)?)?"
)


def _ipv4(text: str, before: str) -> float | None:
    address = ipaddress.IPv4Address(text)
    octets = address.packed
    if address.is_loopback or octets[0] == 0 or octets[0] >= 224 or octets[3] in {0, 255} or named_otherwise(before):
        return None
    called = mentions(_ADDRESS_WORDS, before)
    if max(octets) <= 30:  # 1.2.3.4, 8.8.8.8: versions, sections, public resolvers
        return 0.7 if called else None
    if before[-1:] in {"v", "V"}:
        return None
    return 0.95 if called else 0.85


def _ipv6(text: str, before: str) -> float | None:
    try:
        address = ipaddress.IPv6Address(text)  # with its zone (RFC 4007 section 11)
    except ValueError:
        return None
    mapped = address.ipv4_mapped
    if mapped is not None:
        return None if mapped.is_loopback or mapped.is_unspecified else 0.9
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return None
    groups = [group for group in text.split(":") if group]
    assigned = re.match(r"(?:[23][0-9a-f]{3}|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f])\Z", groups[0].lower())
    if len(groups) == 8:
        return 0.9
    return 0.9 if assigned and len(groups) >= 2 and any(char.isdigit() for char in text) else None


def _mac(text: str, before: str) -> float | None:
    digits = compact(text)
    if len(set(digits)) < 3:
        return None
    return 0.9


def _imei(text: str, before: str) -> float | None:
    digits = compact(text)
    if (len(digits) == 15 and not luhn(digits)) or len(set(digits)) < 3:
        return None
    return 0.9 if mentions("imei*", before, 40) else None


def _decimal_place(text: str, before: str) -> float | None:
    latitude, longitude = (float(number) for number in re.findall(r"[+-]?\d+\.\d+", text))
    if abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if mentions(_PLACE_WORDS, before):
        return 0.8
    return 0.4 if re.search("[,;°]", text) else None


_MAC_WORDS: Final = "mac!, mac address, mac-adresse, adresse mac, hwaddr!, ethernet address, bssid!"
_DEVICE_WORDS: Final = """
    idfa, idfv, gaid, aaid, advertising id, ad id, device id, device uuid, udid, android id, imsi, iccid,
    sim card number, sim number, meid!
"""

RULES: Final = (
    Rule(
        id="text.pii/ipv4",
        pattern=rf"(?<![0-9A-Za-z.])(?<![0-9][-_])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z])(?!\.[0-9])",
        category=Category.PII,
        severity=Severity.LOW,
        confidence=0.95,
        summary="IPv4 address of a host",
        entity="IP",
        validate=_ipv4,
    ),
    Rule(
        id="text.pii/ipv6",
        pattern=r"(?<![0-9A-Za-z:.])(?:(?:[0-9A-F]{1,4}:){7}[0-9A-F]{1,4}|(?:[0-9A-F]{1,4}:){1,6}"
        r"(?::[0-9A-F]{1,4}){1,6}"
        rf"|::ffff:(?:{_OCTET}\.){{3}}{_OCTET})(?:%[0-9A-Z]{{1,15}})?(?![0-9A-Za-z:])",
        category=Category.PII,
        severity=Severity.LOW,
        confidence=0.9,
        summary="IPv6 address of a host",
        entity="IP",
        flags=re.IGNORECASE,
        validate=_ipv6,
    ),
    Rule(
        id="text.pii/mac",
        pattern=r"(?<![0-9A-Za-z])(?<![0-9A-F][:-])(?:(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|(?:[0-9A-F]{2}-){5}[0-9A-F]{2}"
        r"|(?:[0-9A-F]{4}\.){2}[0-9A-F]{4})(?![0-9A-Za-z])(?![:.-][0-9A-F])",
        category=Category.PII,
        severity=Severity.LOW,
        confidence=0.9,
        summary="MAC address (EUI-48)",
        entity="MAC",
        flags=re.IGNORECASE,
        validate=_mac,
    ),
    Rule(
        id="text.pii/mac-named",
        pattern=label(_MAC_WORDS) + rf"[^0-9\n?!;]{{0,20}}?{LEFT}([0-9A-F]{{12}}){RIGHT}",
        category=Category.PII,
        severity=Severity.LOW,
        confidence=0.8,
        summary="MAC address without separators, with its name",
        entity="MAC",
        flags=re.IGNORECASE,
        group=1,
        validate=_mac,
        trigger=label_start(_MAC_WORDS),
    ),
    Rule(
        id="text.pii/imei",
        pattern=rf"{LEFT}[0-9]{{2}}[ -]?[0-9]{{6}}[ -]?[0-9]{{6}}[ -]?[0-9]{{1,2}}{RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.9,
        summary="IMEI of a phone (Luhn) with its name",
        entity="DEVICE_ID",
        validate=_imei,
    ),
    Rule(
        id="text.pii/device-id",
        pattern=label(_DEVICE_WORDS)
        + rf"[\s:=\"'#]{{1,4}}(?:is )?{LEFT}([0-9A-F]{{8}}-(?:[0-9A-F]{{4}}-){{3}}[0-9A-F]{{12}}"
        rf"|[0-9A-F]{{14,40}}|89[0-9]{{2}}(?: [0-9]{{4}}){{3,4}}(?: [0-9]{{1,3}})?){RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.8,
        summary="Identifier of a device or a subscriber with its name",
        entity="DEVICE_ID",
        flags=re.IGNORECASE,
        group=1,
        trigger=label_start(_DEVICE_WORDS),
    ),
    Rule(
        id="text.pii/coordinates",
        pattern=r"(?<![0-9A-Za-z.])[+-]?[0-9]{1,2}\.[0-9]{4,10}°?(?:[,;] {0,2}| {1,2})[+-]?[0-9]{1,3}\.[0-9]{4,10}"
        r"(?![0-9A-Za-z])(?!\.[0-9])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.8,
        summary="Place as decimal latitude and longitude with its name",
        entity="COORDINATES",
        validate=_decimal_place,
    ),
    Rule(
        id="text.pii/coordinates-dms",
        pattern=rf"(?<![0-9A-Za-z.]){_DEGREES}[NS][,;]? {{0,2}}{_DEGREES}[EWO](?![A-Za-z])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.85,
        summary="Place as degrees with hemispheres",
        entity="COORDINATES",
        trigger=r"(?<![0-9A-Za-z.])[0-9]{1,3}(?:[.,][0-9]{1,8})? ?[°º]",
    ),
)
