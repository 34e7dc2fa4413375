"""``[education]``: what people are told when something was hidden or stopped (``chatward.education``)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from chatward.settings.base import Seconds, Strict


class OwnTip(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words of one's own for a tip, in every language the same."""

    text: str
    """What happened, in one sentence."""
    next: str = ""
    """What to do next."""


class Education(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tips for people, at the moment they matter."""

    enabled: bool = True
    """Whether answers carry tips (`x-chatward-tip`)."""
    again_after: Seconds = 86_400.0
    """Seconds in which nobody gets the same tip again, unless another came between."""
    language: str = ""
    """The language of all tips (`en`); empty: what the browser asks for."""
    off: tuple[str, ...] = ()
    """Tips that nobody gets."""
    own: dict[str, OwnTip] = field(default_factory=dict)
    """The organisation's own words, by tip."""
    quiz: bool = False
    """Whether people find a quiz at `/chat/lessons`: five questions about what was hidden and stopped here."""
    drills: tuple[str, ...] = ()
    """Bots for an organisation's own people, on whose chat page those who opted in get phishing drills."""
    drill_every: Annotated[float, Meta(ge=3_600)] = 1_209_600.0
    """Seconds between two drills of a person."""
    path: str = ""
    """The SQLite file of counts. Empty: `chatward-education.db` beside the ledger."""
