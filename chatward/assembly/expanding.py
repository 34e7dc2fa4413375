"""What shorteners hide in a message is judged as if it stood there."""

from __future__ import annotations

from typing import Final

from chatward.channels.mcp_server import Brought
from chatward.core.values import Part, PartKind
from chatward.engine.engine import Screening
from chatward.guards.links.extraction import links_in
from chatward.settings.links import Links
from chatward.watch.expanding import Expander, is_short
from chatward.watch.fetching import Fetcher

_REMOVED: Final = "[link removed]"
_LONGEST: Final = 100_000
"""Characters of a part beyond which it is not looked through again."""


def expander(links: Links) -> Expander:
    """What asks shorteners."""
    return Expander(Fetcher(seconds=links.expand_seconds), seconds=links.expand_seconds, most=links.expand_most)


async def expanded(expander: Expander, screening: Screening) -> None:
    """Looks where the links of a request lead. By what is found there the verdict on its newest message gets stricter;
    of an earlier one, which was stopped for it then, the link is taken out. What is written in place of where a link
    leads takes the link's own place."""
    exchange = screening.exchange
    newest = len(exchange.messages) - 1
    short: list[tuple[int, str, str]] = []
    for index, part in reversed([*enumerate(exchange.parts)]):  # what is new is asked about first
        if part.text and len(part.text) <= _LONGEST:
            links = links_in(part.text, part.kind)
            short += [(index, link.written, link.url) for link in links if is_short(link.url)]
    if not short:
        return
    leads = await expander([url for _, _, url in short])
    edits = dict(screening.edits)
    for index, written, url in short:
        if url not in leads:
            continue
        part = exchange.parts[index]
        found, instead = screening.reads(Brought((Part(leads[url], part.source),)))
        old = part.message < newest
        if not old:
            screening.verdict |= found
        put = _REMOVED if found.blocked and old else instead.get(0)
        if put is not None and part.kind is not PartKind.JSON:
            edits[index] = edits.get(index, part.text).replace(written, put)
    screening.edits = edits
