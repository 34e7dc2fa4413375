"""Unknown links, judged by their letters: the shipped model for URLs (``models.urls``).

The rule: every link that is surely one is scored, and every URL that it carries inside. A text's score is that of its
worst link; 0.5 is what about one in a thousand ordinary links exceeds. Known brands' own hosts, the bot's own and
addresses of one's own network are not asked about. The model knows letters and not pages: it is one witness beside
the signs of ``links.url`` and the lists of ``links.intel``.

Hosts that strangers share are where most phishing is, and where the ordinary links that the model was made with are
too few to rely on. So a customer's name there acts from ``_SURE`` on only; shared drives, forms and shorteners, whose
links are all alike, are noted and never act by their letters. Pages of names that most people visit also act from
``_SURE`` on only: payments, mailings that count clicks and signing in through others read like phishing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from chatward.core.addresses import Address, parse
from chatward.core.brands import Brands, brands
from chatward.core.hosts import SHORTENERS, path_shared, shared
from chatward.core.ports import Cost, GuardSpec, Item, StreamInspector, Weighed
from chatward.core.values import MODEL, Category, Exchange, Finding, Moment, PartKind, Severity
from chatward.guards.links.extraction import WORD, Link, LinkReader, links_in
from chatward.guards.links.signs import nested
from chatward.guards.links.written import Form
from chatward.models.shipped import links as shipped

if TYPE_CHECKING:
    from chatward.models.urls import UrlModel

GUARD: Final = "links.model"
RULES: Final = {"unknown-link": "A link whose letters are like those of phishing links, by the shipped model"}
"""Every rule with its summary. Ids are ``links.model/NAME``."""
_NOTED: Final = 0.4
_HINT: Final = 0.45
_SURE: Final = 0.95
_MOST: Final = 2  # what ``UrlModel.fame`` says of names that most people visit


class LinkModelGuard:
    """The model's answer on links (a ``ModelGuard`` and a ``StreamGuard``). ``model`` loads it when it is first needed;
    what that raises makes the guard unavailable. ``own`` are an operator's domains."""

    spec: Final = GuardSpec(
        id=GUARD,
        summary="Links to places that nobody knows and whose letters are like those of phishing links",
        moments=frozenset(Moment),
        look_ahead=WORD,
        cost=Cost.LIGHT,
        raw=True,
    )

    def __init__(self, own: tuple[str, ...] = (), model: Callable[[], UrlModel] = shipped) -> None:
        self._brands = brands(own)
        self._model = model

    def weigh(self, item: Item) -> Weighed:
        """Findings and the score of one part."""
        if item.kind is PartKind.OPAQUE:
            return Weighed()
        score, found = self._judge(links_in(item.reading.text, item.kind), item.index)
        return Weighed(found, ((GUARD, score),))

    def open(self, exchange: Exchange, kind: PartKind) -> StreamInspector:
        return _Inspector(self._judge, kind)

    def _judge(self, links: Sequence[Link], index: int) -> tuple[float, list[Finding]]:
        best = 0.0
        found: list[Finding] = []
        for link in links:
            score, confidence = _score(link.url, self._model, self._brands) if link.sure else (0.0, 0.0)
            best = max(best, score)
            if score >= _NOTED:
                rule = f"{GUARD}/unknown-link"
                sure = round(confidence, 4)
                severity = Severity.HIGH if link.form is not Form.DEFANGED else Severity.MEDIUM
                found.append(Finding(rule, Category.LINK, severity, sure, link.span, index, detail=MODEL))
        return best, found


@lru_cache(maxsize=4096)
def _score(url: str, model: Callable[[], UrlModel], known: Brands) -> tuple[float, float]:
    """The score of a URL, or of the worst that it carries, and how surely to act on it."""
    address = parse(url)
    if address is None:
        return 0.0, 0.0
    inside = [carried for inner in nested(address) if (carried := parse(inner)) is not None]
    scored = [_of(one, model(), known) for one in (address, *inside)]
    return max(score for score, _ in scored), max(confidence for _, confidence in scored)


def _of(address: Address, model: UrlModel, known: Brands) -> tuple[float, float]:
    ip = address.ip
    if not address.special or not address.host or (ip is not None and not ip.is_global):
        return 0.0, 0.0
    if ip is None and "." not in address.host:
        return 0.0, 0.0
    if known.owned(address.host) and not shared(address.host):
        return 0.0, 0.0
    score = model.score(address)
    if address.host in SHORTENERS or path_shared(address.host):
        return score, min(score, _HINT)
    if _HINT < score < _SURE and (shared(address.host) or model.fame(address.host) == _MOST):
        return score, _HINT
    return score, score


class _Inspector:
    """A ``StreamInspector`` with a score, over the original text."""

    def __init__(self, judge: Callable[[Sequence[Link], int], tuple[float, list[Finding]]], kind: PartKind) -> None:
        self._judge = judge
        self._reader = LinkReader(kind)
        self._score = 0.0

    @property
    def settled(self) -> int:
        return self._reader.settled

    @property
    def scores(self) -> tuple[tuple[str, float], ...]:
        return ((GUARD, self._score),)

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        score, found = self._judge(self._reader.feed(piece, final), 0)
        self._score = max(self._score, score)
        found.sort(key=lambda finding: finding.span)
        return found
