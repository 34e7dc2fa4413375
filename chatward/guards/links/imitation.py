"""Hosts that can be taken for somebody else's.

The rule: what counts is what a reader sees against who owns the host. A brand's own hosts imitate nobody. Elsewhere

1. letters of other scripts that spell a brand (whole or in part), and labels that mix scripts which no registry lets
   mix (UTS 39, 5.2, *highly restrictive*), are clear signs;
2. so are digits and pairs of letters in a brand's place (``paypa1``, ``rnicrosoft``), a brand's whole domain in front
   of another (``paypal.com.login.example``), and a brand beside a word of signing in or paying (``paypal-login``);
3. a slip of one letter is a clear sign only for a name that is not itself well known, and a brand's bare name under
   another ending or in a subdomain is a hint: shops, forums and the brands themselves have those.

Nothing here knows whether a host exists. Confidence 0.5 and more is meant to act.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from chatward.core.addresses import Address, HostKind, unicode_host
from chatward.core.brands import AUTH_WORDS, Brand, Brands, latin, overlooked, scripts, skeleton
from chatward.core.hosts import Host, split, words

RISKY_TLDS: Final = words(
    "xyz top online site club live shop icu tk ml ga cf gq cc buzz click link work rest cam bar sbs cfd cyou "
    "monster quest lol fit vip win bid loan men stream download racing review party trade date science wang zip "
    "mov su pw ws info biz support help center services network website space fun host press world life today "
    "page cards finance app dev"
)
"""Endings under which a brand's bare name is more than a hint."""

_MIRRORS: Final = words(
    "edgekey.net edgesuite.net akadns.net akamaiedge.net akamaized.net akamai.net nsatc.net cloudflare.net "
    "fastly.net trafficmanager.net translate.goog aaplimg.com alibabadns.com ttdns2.com omtrdc.net "
    "ampproject.org googlehosted.com cdn77.org llnwd.net impervadns.net archive.org proxy.goog web.archive.org"
)
"""Hosts that carry other hosts' names by trade."""

_STRONG_WORDS: Final = words(
    "login signin verify verification secure security account accounts support billing unlock recovery wallet "
    "update auth password confirm helpdesk refund suspended tracking redelivery delivery id"
)
_OWN_PAGES: Final = frozenset(
    ("github.io", "gitlab.io", "readthedocs.io", "medium.com", "substack.com", "atlassian.net")
)
_OF_LATIN_LOOK: Final = frozenset(("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "LISU", "COPTIC", "GEORGIAN"))
_WORLDWIDE: Final = frozenset(("com", "net", "org", "info", "io", "co", "app", "me", "us"))
_PARTS: Final = re.compile(r"[-_.]+")


class Imitation(NamedTuple):
    """A host seen as another: the rule's name, and how sure that is."""

    rule: str
    confidence: float


def imitation(address: Address, brands: Brands, popular: Callable[[str], bool]) -> Imitation | None:
    """The strongest sign that a host plays another's, or ``None``. ``popular`` knows registered names that very many
    people visit: those are nobody's slip of a letter."""
    if address.kind is not HostKind.DOMAIN or brands.owned(address.host):
        return None
    host = address.host
    parts = split(host)
    if not parts.name or parts.registered in _MIRRORS or parts.suffix in _MIRRORS or parts.name.endswith("-msedge"):
        return None
    known = not parts.shared and popular(parts.registered)
    found = [*_of_scripts(host, parts, brands), *_of_letters(parts, brands, known=known)]
    for one in _of_place(host, parts, brands):
        # What very many people visit has partners' names in front of its own.
        found.append(one if one.confidence >= 0.9 or not known else Imitation(one.rule, min(one.confidence, 0.4)))
    return max(found, key=lambda one: one.confidence, default=None)


def _of_scripts(host: str, parts: Host, brands: Brands) -> Iterator[Imitation]:
    if "xn--" not in host:
        return
    shown = unicode_host(host)
    for label in shown.split("."):
        if label.isascii():
            continue
        for word in {label, *_PARTS.split(label)}:
            seen = skeleton(word)
            brand = brands.by_skeleton.get(seen)
            if brand is not None and len(seen) >= 3:
                yield Imitation("look-alike", 0.95)
            elif brands.near(latin(word)) is not None or _with_auth(latin(word).lower(), brands) is not None:
                yield Imitation("look-alike", 0.85)
        used = scripts(label)
        if len(used) > 1 and "LATIN" in used and used & _OF_LATIN_LOOK:
            yield Imitation("mixed-script", 0.8)
        elif len(used) == 1 and used <= _OF_LATIN_LOOK and latin(label).isascii() and parts.suffix in _WORLDWIDE:
            yield Imitation("mixed-script", 0.6)


def _of_letters(parts: Host, brands: Brands, *, known: bool) -> Iterator[Imitation]:
    """What the registered name itself, or a customer's name on a host of many, plays."""
    name = parts.name
    if "xn--" in name or known:
        return
    tld = parts.suffix.rpartition(".")[2]
    pieces = _PARTS.split(name)
    risky = tld in RISKY_TLDS or parts.shared
    exact = brands.by_name.get(name) or brands.by_name.get(name.replace("-", ""))
    if exact is not None and not any(name == split(domain).name for domain in exact.domains if domain != name):
        exact = None
    if exact is not None:
        if parts.shared:
            yield Imitation("brand", 0.2 if parts.suffix in _OWN_PAGES else 0.5 if not exact.word else 0.3)
        else:
            yield Imitation("brand", 0.3 if exact.word or not risky or len(name) < 5 else 0.7)
        return
    for word in {name, *pieces}:
        brand = _played(word, brands)
        if brand is not None:
            digits = any(map(str.isdigit, word))
            yield Imitation("look-alike", 0.9 if digits else 0.45 if brand.word else 0.75)
    slip = brands.near(name)
    if slip is not None:
        yield Imitation("look-alike", 0.7 if overlooked(slip.name, name) else 0.4)
    beside = [word for word in pieces if word in AUTH_WORDS]
    for word in pieces:
        brand = brands.by_name.get(word)
        if brand is not None and len(pieces) > 1:
            yield _beside(brand, [other for other in beside if other != word], risky)
        elif beside and (near := brands.near(word)) is not None:
            yield Imitation("look-alike", 0.7 if overlooked(near.name, word) else 0.45)
    joined = _with_auth(name.replace("-", ""), brands)
    if joined is not None:
        yield Imitation("brand", 0.6 if joined.word else 0.85)
    pair = next(
        (at for at in range(len(pieces) - 1) if pieces[at] in brands.by_name and pieces[at + 1] in ("com", "net")), None
    )
    if pair is not None:
        yield Imitation("brand", 0.9)


def _beside(brand: Brand, beside: list[str], risky: bool) -> Imitation:
    if not beside:
        return Imitation("brand", 0.4 if risky and not brand.word else 0.3)
    if brand.word:
        return Imitation("brand", 0.6 if any(word in _STRONG_WORDS for word in beside) else 0.3)
    strong = any(word in _STRONG_WORDS for word in beside)
    return Imitation("brand", 0.9 if strong else 0.75 if risky else 0.6)


def _played(word: str, brands: Brands) -> Brand | None:
    """The brand that a word shows with other letters."""
    if len(word) < 4:
        return None
    brand = brands.by_skeleton.get(skeleton(word))
    if brand is None or brand.name == word or len(brand.name) < 5 or any(map(str.isdigit, brand.name)):
        return None
    return brand


def _with_auth(text: str, brands: Brands) -> Brand | None:
    """The brand that a word without hyphens joins with words of signing in."""
    if brands.may_hold(text):
        for name, brand in brands.long.items():
            if name in text:
                rest = [piece for piece in text.replace(name, " ", 1).split() if piece]
                if rest and all(_of_auth(piece) for piece in rest):
                    return brand
    seen = text.translate(_LEET)
    if seen != text and brands.may_hold(seen):
        for name, brand in brands.long.items():
            if name in seen and name not in text:
                rest = [piece for piece in seen.replace(name, " ", 1).split() if piece]
                if all(_of_auth(piece) for piece in rest):
                    return brand
    return None


_LEET: Final = {ord("0"): "o", ord("1"): "l", ord("3"): "e", ord("4"): "a", ord("5"): "s", ord("7"): "t"}


def _of_auth(piece: str) -> bool:
    """Whether a run of letters is one or two words of signing in, digits aside."""
    bare = piece.strip("0123456789")
    if not bare:
        return False
    if bare in AUTH_WORDS and len(bare) >= 3:
        return True
    return any(bare[:at] in AUTH_WORDS and bare[at:] in AUTH_WORDS for at in range(3, len(bare) - 2))


def _of_place(host: str, parts: Host, brands: Brands) -> Iterator[Imitation]:
    """A brand in front of somebody else's name."""
    if not parts.subdomain and not parts.shared:
        return
    labels = f"{parts.subdomain}.{parts.name}".strip(".").split(".")
    front = labels if parts.shared else labels[:-1]
    joined = ".".join(front)
    for at in range(len(front) - 1):
        for size in (3, 2):
            whole = ".".join(front[at : at + size])
            if whole.count(".") == size - 1 and whole in brands.owners:
                yield Imitation("brand-subdomain", 0.95)
    for label in front:
        hyphened = _with_auth(label.replace("-", ""), brands) if "-" in label else None
        if hyphened is not None and not hyphened.word:
            yield Imitation("brand-subdomain", 0.75)
    pieces = [word for word in _PARTS.split(joined) if word]
    last = front[-1] if front else ""
    if last in brands.by_name and parts.name in ("com", "co", "net", "org") and not parts.shared:
        yield Imitation("brand-subdomain", 0.9)
    for at, word in enumerate(pieces):
        brand = brands.by_name.get(word)
        following = pieces[at + 1] if at + 1 < len(pieces) else ""
        if brand is not None and following in ("com", "net", "org") and len(word) >= 3:
            yield Imitation("brand-subdomain", 0.9)
        elif brand is not None and len(pieces) > 1:
            others = [other for other in pieces if other in _STRONG_WORDS and other != word]
            if others:
                yield Imitation("brand-subdomain", 0.5 if brand.word else 0.75)
            elif not brand.word:
                yield Imitation("brand-subdomain", 0.35)
        elif brand is not None and not brand.word:
            yield Imitation("brand-subdomain", 0.3)
        elif (played := _played(word, brands)) is not None and not played.word:
            yield Imitation("look-alike", 0.8 if any(map(str.isdigit, word)) else 0.6)
        elif (joined_brand := _with_auth(word, brands)) is not None and not joined_brand.word:
            yield Imitation("brand-subdomain", 0.75)
