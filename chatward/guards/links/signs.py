r"""What is wrong with one link: the signs that a URL carries in itself.

The rule: a sign is a fact about the URL as browsers parse it (``core.addresses``), about the difference between what a
reader sees and where it leads, or about where it stands. Clear signs have a confidence of 0.5 and more and act; hints
are noted. What ordinary links have (ids, tracking, ports, IP addresses of one's own network in developers' talk) is at
most a hint. A URL inside a URL is judged as well.

Not judged here: whether the host is known to be bad (``links.intel``), and what its letters are like (``links.model``).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple
from urllib.parse import unquote

from chatward.core.addresses import SPECIAL, Address, HostKind, parse, unicode_host
from chatward.core.brands import Brands
from chatward.core.hosts import SHORTENERS, split, words
from chatward.core.pictures import SHORTEST
from chatward.core.values import Severity
from chatward.guards.links.domains import TLDS
from chatward.guards.links.extraction import Link
from chatward.guards.links.imitation import imitation
from chatward.guards.links.written import Form

HIGH, MEDIUM, LOW, INFO = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO


class Place(Enum):
    """Where a link stands, which says what is ordinary there."""

    PERSON = "person"
    UNTRUSTED = "untrusted"
    REPLY = "reply"
    CALL = "call"


class Sign(NamedTuple):
    """One fact: the rule's name, how bad it is if right, and how sure."""

    rule: str
    severity: Severity
    confidence: float


RULES: Final = {
    "look-alike": "A host that reads like a brand's and is not its own",
    "mixed-script": "A host name whose letters come from alphabets that do not mix",
    "brand": "A brand's name in a host that is not its own, beside a word of signing in or paying",
    "brand-subdomain": "A brand's name or domain in front of somebody else's",
    "mismatch": "A link whose text names another site than the one it leads to",
    "credentials": "A name or password in front of the host, which passes for the host",
    "parser-trick": "Slashes, signs or encodings that hide the host from a reader",
    "address": "An IP address in place of a name; written otherwise than as four numbers, in disguise",
    "private-address": "An address of this machine, this network or the cloud's metadata service",
    "active": "A link that runs, holds its page itself, or opens a file",
    "direction": "Marks that turn the direction of writing inside a link",
    "redirect": "A link through one site to another",
    "download": "A file that runs, or plays one that does not",
    "shortener": "A link that does not say where it leads",
}
"""Every rule with its summary. Ids are ``links.url/NAME``."""

_METADATA: Final = frozenset(
    ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "metadata.google.internal")
)
_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HIDDEN: Final = re.compile("[\u00ad\u034f\u180e\u200b-\u200d\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
_FALSE_SLASH: Final = re.compile("[\u2044\u2215\u29f8\u29f5\u30ce\u3033\u4e3f\u2571\u27cb\u1735\u0337\u0338]")
_EXECUTABLE: Final = words(
    "exe scr bat cmd com pif ps1 psm1 vbs vbe jse wsf wsh hta msi msp mst jar apk dmg pkg iso img vhd vhdx lnk "
    "url dll cpl reg inf sct xll docm xlsm pptm dotm one chm appx msix appinstaller ace"
)
_DOCUMENT: Final = words("pdf doc docx xls xlsx ppt pptx txt rtf jpg jpeg png gif mp3 mp4 csv zip html htm odt")
_NESTED: Final = re.compile(r"(?i)(?:https?|ftp)(?::|%3a)(?:[\\/]|%2f|%5c){1,4}[^\s&\"'<>]+")
_RELATIVE: Final = re.compile(
    r"(?i)(?:^|=)((?:[\\/]|%2f|%5c){2}[a-z0-9][a-z0-9.-]*\.[a-z]{2,24}(?:[/?#:%][^&]*)?)(?=&|$)"
)
_ENCODED: Final = re.compile(r"(?<![A-Za-z0-9])(?:a1)?((?:aHR0c|SFRUU)[A-Za-z0-9+/_-]{8,}={0,2})")
"""Base64 of a URL; Bing writes ``a1`` before it."""
_BARE: Final = re.compile(
    r"(?i)(?:^|&)(?:u|ur[il]|to|target|dest|destination|redirect(?:_?ur[il])?|return(?:_?(?:to|url))?|next|goto|link|out"
    r"|continue)=((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}(?:/|%2f)[^&]*)"
)
"""A host and path without a scheme, in a parameter that says where to go."""
_AMP: Final = re.compile(r"(?i)/(?:amp|[civ])/(?:s/)?((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24}/.*)")
"""A page as the AMP caches of Google and the AMP Project address it."""
_AMP_HOST: Final = re.compile(r"(?:^|\.)(?:google(?:\.[a-z]{2,3}){1,2}|ampproject\.org)$")
_AUTHORITY: Final = re.compile(r"(?i)^\s*[a-z][a-z0-9+.-]*:([\\/]*)([^\\/?#]*)(.?)", re.DOTALL)
_NAMES: Final = re.compile(r"(?i)(?:[\w-]{1,63}\.)+([\w-]{2,24})")
_DEPTH: Final = 2


def signs(
    link: Link, address: Address, place: Place, brands: Brands, popular: Callable[[str], bool], depth: int = 0
) -> list[Sign]:
    """The signs of one link, each rule once, strongest first."""
    best: dict[str, Sign] = {}
    for sign in _all(link, address, place, brands, popular, depth):
        known = best.get(sign.rule)
        if known is None or sign.confidence > known.confidence:
            best[sign.rule] = sign
    return sorted(best.values(), key=lambda sign: (-sign.confidence, sign.rule))


def _all(
    link: Link, address: Address, place: Place, brands: Brands, popular: Callable[[str], bool], depth: int
) -> Iterator[Sign]:
    yield from _active(link, address, place)
    if address.scheme in SPECIAL or address.scheme in ("sftp", "smb", "gopher", "ldap", "dict"):
        yield from _written(link, address)
        yield from _address(link, address, place)
        yield from _downloads(link, address)
        found = imitation(address, brands, popular)
        if found is not None:
            sure = found.confidence if link.sure else min(found.confidence, 0.9) - 0.1
            yield Sign(found.rule, HIGH if sure >= 0.5 else LOW, round(sure, 3))
        if link.label:
            yield from _mismatch(link, address, place, brands)
        if address.host in SHORTENERS:
            yield Sign("shortener", INFO, 0.5)
        if depth < _DEPTH:
            yield from _redirects(link, address, place, brands, popular, depth)


# --- what it does -------------------------------------------------------------------------------------


def _active(link: Link, address: Address, place: Place) -> Iterator[Sign]:
    placed = link.form is Form.MARKUP
    scheme = address.scheme
    if scheme in ("javascript", "vbscript", "livescript", "view-source"):
        code = len(address.path) >= 2 and address.path.replace(" ", "") not in ("void(0)", "void(0);", ";")
        yield Sign("active", HIGH, (0.85 if placed else 0.4) if code else 0.3)
    elif scheme in ("data", "blob"):
        media, comma, held = address.path.partition(",")
        media = media.lower()
        harmless = media.startswith(
            ("image/png", "image/jp", "image/gif", "image/webp", "image/avif", "font/", "audio/")
        )
        runs = any(kind in media for kind in ("html", "xml", "script", "svg", "pdf"))
        if place is Place.REPLY and placed and not runs and len(held) >= SHORTEST and "..." not in held:
            yield Sign("active", MEDIUM, 0.6)  # a file that nobody looked at: images that were are no words any more
        elif not harmless and comma:
            yield Sign("active", HIGH if runs else LOW, 0.85 if runs and placed else 0.6 if runs else 0.3)
    elif scheme == "file":
        away = bool(address.host)
        yield Sign("active", MEDIUM, 0.7 if away or place is Place.CALL else 0.6 if placed else 0.3)
    elif scheme in ("gopher", "dict", "ldap", "smb") and place is Place.CALL:
        yield Sign("private-address", HIGH, 0.8)


# --- how it is written ----------------------------------------------------------------------------------


def _written(link: Link, address: Address) -> Iterator[Sign]:
    written, url = link.written, link.url
    match = _AUTHORITY.match(url)
    slashes, authority = (match[1], match[2]) if match is not None else ("", "")
    if _BIDI.search(written):
        yield Sign("direction", HIGH, 0.9)
    if "\\" in slashes or (match is not None and match[3] == "\\"):
        yield Sign("parser-trick", HIGH, 0.85)
    elif match is not None and link.form is not Form.DEFANGED and len(slashes) != 2 and address.scheme in SPECIAL:
        yield Sign("parser-trick", LOW, 0.4)  # as often a slip of the pen
    head = written[: len(authority) + 12]
    if _FALSE_SLASH.search(head) or (not authority.isascii() and _FALSE_SLASH.search(authority)):
        yield Sign("parser-trick", HIGH, 0.9)
    elif _HIDDEN.search(head):
        yield Sign("parser-trick", HIGH, 0.7)
    elif "%" in authority.rpartition("@")[2] or re.search(r"[\t\r\n]", authority):
        yield Sign("parser-trick", HIGH, 0.85)
    if link.cut and match is not None and len(authority) > 300:
        yield Sign("parser-trick", HIGH, 0.85)
    yield from _credentials(address)


def _credentials(address: Address) -> Iterator[Sign]:
    if not address.username and not address.password:
        return
    name = unquote(address.username)
    named = _NAMES.fullmatch(name.partition("/")[0])
    if (named is not None and named[1].lower() in TLDS) or "/" in name or re.search(r"(?i)https?:|www\.", name):
        yield Sign("credentials", HIGH, 0.9)
    elif len(name) > 120:
        yield Sign("credentials", HIGH, 0.7)
    elif address.scheme in ("http", "https"):
        yield Sign("credentials", LOW, 0.4)


def _mismatch(link: Link, address: Address, place: Place, brands: Brands) -> Iterator[Sign]:
    """Text that names one site over a link to another. Mailings count clicks that way, so what is no brand's is a hint
    except in replies."""
    label = link.label.strip().rstrip(".,;:!?")
    if len(label) > 200 or any(map(str.isspace, label.replace("\u200b", ""))):
        return
    shown = parse(label) if re.match(r"(?i)(?:https?|ftp):", label) else None
    if shown is None:
        named = re.match(r"(?i)((?:[\w-]{1,63}\.)+([\w-]{2,24}))(?:[/?#:].*)?$", label)
        if named is None or (named[2].lower() not in TLDS and not named[2].lower().startswith("xn--")):
            return
        shown = parse(f"https://{label}")
    if shown is None or not shown.host or shown.kind is not HostKind.DOMAIN:
        return
    seen, real = split(shown.host), split(address.host)
    if not seen.registered or seen.registered == real.registered or shown.host == address.host:
        return
    same = brands.owners.get(seen.registered, frozenset()) & brands.owners.get(real.registered, frozenset())
    if same or (seen.name == real.name and not seen.shared):
        return
    if brands.owned(shown.host):
        yield Sign("mismatch", HIGH, 0.4 if address.host in SHORTENERS else 0.85)
    else:
        clear = place is Place.REPLY and address.host not in SHORTENERS and not real.shared
        yield Sign("mismatch", MEDIUM if clear else LOW, 0.6 if clear else 0.4)


# --- where it leads -------------------------------------------------------------------------------------


def _address(link: Link, address: Address, place: Place) -> Iterator[Sign]:
    ip = address.ip
    host = address.host
    local = host == "localhost" or host.endswith((".localhost", ".internal", ".local"))
    if host in _METADATA or (ip is not None and str(ip) in _METADATA):
        yield Sign("private-address", HIGH, 0.95 if place is not Place.PERSON else 0.4)
    elif ip is None and not local:
        for name in (".nip.io", ".sslip.io", ".xip.io", ".localtest.me", ".lvh.me"):
            if host.endswith(name) and place is Place.CALL:
                yield Sign("private-address", HIGH, 0.7)
        return
    private = local or (ip is not None and not ip.is_global)
    if private and place in (Place.CALL, Place.REPLY, Place.UNTRUSTED):
        asked = place is Place.CALL and link.sure and link.whole
        yield Sign("private-address", HIGH if asked else LOW, 0.8 if asked else 0.35)
    if ip is None:
        return
    disguised = isinstance(ip, ipaddress.IPv4Address) and str(ip) not in link.url and link.form is not Form.DEFANGED
    if disguised:
        yield Sign("address", HIGH, 0.9 if link.sure else 0.4)
        if place is not Place.PERSON and private:
            yield Sign("private-address", HIGH, 0.9)
    elif link.sure:
        yield Sign("address", LOW, 0.4)


def _downloads(link: Link, address: Address) -> Iterator[Sign]:
    last = unquote(address.path.rpartition("/")[2]).lower()
    pieces = last.split(".")
    if len(pieces) < 2 or pieces[-1] not in _EXECUTABLE:
        return
    plays = len(pieces) > 2 and pieces[-2].strip() in _DOCUMENT
    if plays or re.search(r"\s{3,}|%20%20", last):
        yield Sign("download", HIGH, 0.85)
    elif address.ip is not None and address.ip.is_global and pieces[-1] != "com":
        yield Sign("download", HIGH, 0.7)
    elif pieces[-1] not in ("com", "one", "url", "img", "inf"):
        yield Sign("download", LOW, 0.4)


def nested(address: Address) -> list[str]:
    """URLs that a URL carries in its path, query or fragment, decoded as often as the next site would."""
    found: dict[str, None] = {}
    rest = f"{address.path}?{address.query}#{address.fragment}"
    if "archive.org" in address.host:
        rest = rest.partition("/http")[2] and rest
    if (cached := _AMP.match(address.path)) is not None and _AMP_HOST.search(address.host):
        found.setdefault(f"https://{cached[1]}")
    for _ in range(3):
        for match in _NESTED.finditer(rest, 1):
            found.setdefault(unquote(match[0]) if "%3" in match[0][:9] or "%2" in match[0][:14] else match[0])
        for match in _RELATIVE.finditer(address.query if rest else ""):
            found.setdefault(f"https:{unquote(match[1])}")
        for match in _BARE.finditer(address.query if rest else ""):
            found.setdefault(f"https://{unquote(match[1])}")
        for match in _ENCODED.finditer(rest):
            said = _unbase64(match[1])
            if said:
                found.setdefault(said)
        decoded = unquote(rest)
        if decoded == rest:
            break
        rest = decoded
    return list(found)[:8]


def _unbase64(token: str) -> str:
    core = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(core + "=" * (-len(core) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _redirects(
    link: Link, address: Address, place: Place, brands: Brands, popular: Callable[[str], bool], depth: int
) -> Iterator[Sign]:
    own = split(address.host).registered or address.host
    for url in nested(address):
        inner = parse(url)
        if inner is None or not inner.host or (split(inner.host).registered or inner.host) == own:
            continue
        carried = Link(url, link.span, Form.URL, url)
        strongest = next(iter(signs(carried, inner, place, brands, popular, depth + 1)), None)
        clear = strongest is not None and strongest.confidence >= 0.5 and strongest.severity > INFO
        if clear and strongest is not None:
            yield Sign("redirect", HIGH, round(strongest.confidence - 0.05, 3))
        else:
            yield Sign("redirect", INFO, 0.3)


def shown_host(address: Address) -> str:
    """The host as a person may be told it: in its letters where they are of one alphabet and no look-alikes, else in
    punycode."""
    shown = unicode_host(address.host)
    return shown if shown.isascii() else address.host
