"""How much a page is like one of ours, and what says so.

The score is the mean of what both pages have: words (4 parts), structure (3), the icon (2: the same bytes or not), the
title (1). Then

* a script with the bytes of one of ours, served by somebody else, makes it 0.9 at least (``our-script``);
* a page that loads our widget or our chat from our own address makes it 0.5 at least (``loads-ours``): that is a page
  that shows our real chat inside itself;
* where it is like ours at all (0.4) and asks for a password, a card or a code, it gets 0.1 more (``asks-...``).

Not seen: pages that draw themselves by scripts, pages that show another face to us than to people.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from chatward.watch.pages import Page, overlap

ASKS_FROM: Final = 0.4
_TEXT, _STRUCTURE, _ICON, _TITLE = 4, 3, 2, 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A page with what was fetched beside it: digests (SHA-256, hex) of its icon and its scripts, by URL."""

    page: Page
    icon: str = ""
    scripts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """``parts``: from 0 to 1 by name, only what could be compared. ``of``: our page's URL or file."""

    score: float
    parts: Mapping[str, float]
    reasons: tuple[str, ...]
    of: str

    def told(self) -> dict[str, Any]:
        return {"score": self.score, "parts": dict(self.parts), "reasons": list(self.reasons), "of": self.of}


def likeness(
    seen: Seen, ours: Sequence[Seen], *, hosts: Collection[str] = (), scripts: Collection[str] = ()
) -> Likeness:
    """``hosts`` are ours; ``scripts`` are digests of scripts that are ours wherever they are served."""
    compared = [_compared(seen, own) for own in ours]
    parts, of = max(compared, key=lambda found: _mean(found[0]), default=({}, ""))
    score = _mean(parts)
    reasons = [name for name, value in parts.items() if value >= 0.5]
    known = {*scripts, *(digest for own in ours for digest in (own.scripts or {}).values())}
    if known & set((seen.scripts or {}).values()):
        score = max(score, 0.9)
        reasons.append("our-script")
    if any(_of(script, hosts) for script in seen.page.scripts) and not _of(seen.page.url, hosts):
        score = max(score, 0.5)
        reasons.append("loads-ours")
    if seen.page.widget:
        reasons.append("widget")
    if score >= ASKS_FROM and seen.page.forms:
        score = min(1.0, score + 0.1)
        reasons += sorted({f"asks-{form.asks}" for form in seen.page.forms})
    return Likeness(round(score, 3), {name: round(value, 3) for name, value in parts.items()}, tuple(reasons), of)


def _compared(seen: Seen, own: Seen) -> tuple[dict[str, float], str]:
    parts: dict[str, float] = {}
    page, other = seen.page, own.page
    if other.text is not None:
        parts["text"] = overlap(page.text, other.text) if page.text is not None else 0.0
    if other.structure is not None:
        parts["structure"] = overlap(page.structure, other.structure) if page.structure is not None else 0.0
    if own.icon:
        parts["icon"] = float(seen.icon == own.icon)
    if other.title:
        parts["title"] = SequenceMatcher(None, page.title.casefold(), other.title.casefold()).ratio()
    return parts, other.url


def _mean(parts: Mapping[str, float]) -> float:
    weights = {"text": _TEXT, "structure": _STRUCTURE, "icon": _ICON, "title": _TITLE}
    whole = sum(weights[name] for name in parts)
    return sum(weights[name] * value for name, value in parts.items()) / whole if whole else 0.0


def _of(url: str, hosts: Collection[str]) -> bool:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return any(host == own or host.endswith(f".{own}") for own in hosts)
