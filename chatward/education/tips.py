"""Which tip fits what has just happened, and how it reads.

The rules:

1. A tip answers one thing that was done to this very message or answer; where several things were done, the one that
   matters most (the order of ``TIPS``). What was only noticed, or would have been done, teaches nobody.
2. Its words are one of ours for each language, or the organisation's own for this tip. They hold nothing of the text.
3. The language is the one asked for most that there is (``Accept-Language``, RFC 9110, section 12.5.4), else English.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from chatward.core.values import Action, Category, Decision, Verdict
from chatward.education import translated

ENGLISH: Final = "en"

_ENTITIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("CARD", "CARD_CODE", "CARD_EXPIRY"), "card"),
    **dict.fromkeys(("ACCOUNT", "BANK_CODE", "IBAN", "WALLET"), "account"),
    **dict.fromkeys(("DRIVER_LICENSE", "HEALTH_ID", "NATIONAL_ID", "PASSPORT"), "identity"),
    **dict.fromkeys(("EMAIL", "PHONE"), "contact"),
    **dict.fromkeys(("ADDRESS", "BIRTH_DATE", "PERSON"), "person"),
    "HEALTH": "health",
}
_CATEGORIES: Final[Mapping[Category, str]] = {
    Category.MALWARE: "file",
    Category.LINK: "link",
    Category.SOCIAL_ENGINEERING: "scam",
    Category.SECRET: "secret",
    Category.INDIRECT_INJECTION: "document",
    Category.INJECTION: "orders",
    Category.JAILBREAK: "orders",
    Category.PHI: "health",
}
_OF_MESSAGES: Final = (
    "file", "link", "scam", "secret", "document", "orders", "card", "account", "identity", "health", "contact",
    "person",
)  # fmt: skip
_OF_REPLIES: Final = ("reply-link", "reply-private")
TIPS: Final = (*_OF_MESSAGES, *_OF_REPLIES)
"""All tips, the weightiest first."""


@dataclass(frozen=True, slots=True)
class Tip:
    """What happened, in one sentence, and what to do next, in another."""

    id: str
    text: str
    next: str

    def fields(self) -> dict[str, str]:
        return {"id": self.id, "text": self.text, "next": self.next}


def of_message(verdict: Verdict) -> str:
    """The id of the tip for a judged message, or nothing."""
    done = {_of(decision) for decision in verdict.decisions if decision.action >= Action.REDACT}
    if verdict.action < Action.REDACT or not done:
        return ""
    return next((tip for tip in _OF_MESSAGES if tip in done), "")


def of_reply(hidden: Mapping[str, int]) -> str:
    """The id of the tip for an answer of which this was hidden (``gateway.notices``), or nothing."""
    if Category.LINK.value in hidden:
        return "reply-link"
    return "reply-private" if hidden else ""


def _of(decision: Decision) -> str:
    finding = decision.finding
    return _ENTITIES.get(finding.entity) or _CATEGORIES.get(finding.category, "")


def languages() -> tuple[str, ...]:
    """The languages there are words for."""
    return translated.languages("texts")


@cache
def words(language: str) -> Mapping[str, Tip]:
    """Every tip in one of ``languages``."""
    return {id_: Tip(id_, *said) for id_, said in translated.words("texts", language).items()}


def preferred(asked: str, there: Collection[str]) -> str:
    """The language of ``there`` that a header ``Accept-Language`` asks for most, else English. Never raises."""
    best, most = ENGLISH, 0.0
    for language, weight in _asked(asked):
        if weight > most and language in there:
            best, most = language, weight
    return best


def _asked(header: str) -> Iterable[tuple[str, float]]:
    for one in header[:200].split(","):
        name, _, more = one.partition(";")
        quality = more.strip().removeprefix("q=")
        try:
            weight = float(quality) if more else 1.0
        except ValueError:
            continue
        yield name.strip().lower().partition("-")[0], weight
