"""A bot's links to its own house: those that its operator vouches for, and the others.

The rule: ``routes.*.owned_links`` is the manifest of one bot's own pages: hosts (``shop.example``,
``*.shop.example``) and parts of hosts (``shop.example/help/*``). In a reply,

1. a link to one of these domains that no entry covers is *invented*: bots make up sub-domains and pages of their own
   brand, and whoever can take such a name over gets the bot's readers;
2. a link to a host that plays one of these domains, under another ending or with other letters, is an *impostor*.

An entry for a host covers all of its pages and its ``www.``; one with a path covers what it matches, and the host's
front page. Without a manifest this guard says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from chatward.core.addresses import Address, HostKind, parse
from chatward.core.brands import Brands, brand_of
from chatward.core.hosts import split
from chatward.core.ports import Cost, GuardSpec, StreamInspector
from chatward.core.values import Category, Exchange, Finding, Moment, PartKind, Severity
from chatward.guards.links.extraction import WORD, LinkReader
from chatward.guards.links.imitation import imitation

GUARD: Final = "links.owned"
RULES: Final = {
    "invented": "A link to the bot's own domain that its manifest does not have",
    "impostor": "A link to a host that plays the bot's own",
}
"""Every rule with its summary. Ids are ``links.owned/NAME``."""
_HINT: Final = 0.4


class Manifest:
    """Hosts and pages that a bot's operator vouches for."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._patterns = [_parts(entry) for entry in entries]
        hosts = {host.removeprefix("*.") for host, _ in self._patterns}
        self._registered = {split(host).registered or host for host in hosts}
        self._names = {split(host).name for host in hosts} - {""}
        self._brands = Brands(map(brand_of, sorted(hosts)))

    def judge(self, address: Address) -> tuple[str, float] | None:
        """The rule that an address breaks and how surely, or ``None``."""
        if not self._patterns or address.kind is not HostKind.DOMAIN or not address.special:
            return None
        host = address.host.removeprefix("www.")
        if self._covers(host, address.path):
            return None
        if (split(host).registered or host) in self._registered:
            return "invented", 0.8
        if split(host).name in self._names and not split(host).shared:
            return "impostor", 0.8
        found = imitation(address, self._brands, lambda name: False)
        if found is not None and found.confidence >= _HINT:
            return "impostor", max(found.confidence, 0.7)
        return None

    def _covers(self, host: str, path: str) -> bool:
        return any(
            (host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:])))
            and (not pages or path in ("", "/") or fnmatchcase(path, pages))
            for pattern, pages in self._patterns
        )


def _parts(entry: str) -> tuple[str, str]:
    """A pattern's host and path; an entry may have a scheme, which says nothing."""
    text = entry.strip().lower()
    text = text.partition("://")[2] or text
    host, slash, path = text.partition("/")
    wild = host.startswith("*.")
    known = parse(f"https://{host.removeprefix('*.')}/")
    name = known.host.removeprefix("www.") if known is not None and known.host else host
    return (f"*.{name}" if wild else name), slash + path if path else ""


class OwnedGuard:
    """Links of replies against a manifest (a ``StreamGuard``)."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Links to the bot's own brand that its operator does not vouch for (`routes.*.owned_links`)",
        moments=frozenset({Moment.OUTPUT}),
        look_ahead=WORD,
        cost=Cost.LIGHT,
        raw=True,
    )

    def __init__(self, entries: Sequence[str] = ()) -> None:
        self._manifest = Manifest(entries) if entries else None

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        return _Inspector(self._manifest, kind)


class _Inspector:
    """A ``StreamInspector`` over the original text."""

    def __init__(self, manifest: Manifest | None, kind: PartKind) -> None:
        self._manifest = manifest
        self._reader = LinkReader(kind)
        self._length = 0

    @property
    def settled(self) -> int:
        return self._length if self._manifest is None else self._reader.settled

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        self._length += len(piece)
        if self._manifest is None:
            return ()
        found: list[Finding] = []
        for link in self._reader.feed(piece, final):
            address = parse(link.url) if link.sure else None
            broken = self._manifest.judge(address) if address is not None else None
            if broken is not None:
                rule, confidence = broken
                name = f"{GUARD}/{rule}"
                found.append(Finding(name, Category.LINK, Severity.HIGH, confidence, link.span, detail="link"))
        found.sort(key=lambda finding: finding.span)
        return found
