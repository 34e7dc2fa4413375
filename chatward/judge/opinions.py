"""What the judge says of a text, and what follows from it.

The rule: no opinion is data of its own and never reads as *benign*. ``Judged`` comes only from an answer that passed
every check of ``judge.answers``; whatever else happened is ``NoOpinion``, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from chatward.core.values import Category, Finding, Inspected, Outcome, Severity, Source, Span, Unavailable

GUARD: Final = "text.judge"
FIRM: Final = 0.8
"""Confidence from which a *benign* may take a finding away, where the settings allow that at all."""


class Ruling(str, Enum):
    """What a text is. ``STEERING``: it made the judge do something else than judge, which harmless texts do not."""

    BENIGN = "benign"
    INJECTION = "injection"
    JAILBREAK = "jailbreak"
    INDIRECT_INJECTION = "indirect-injection"
    STEERING = "steering"

    @property
    def attack(self) -> bool:
        return self is not Ruling.BENIGN


class Why(str, Enum):
    """Why there is no opinion."""

    CALLS = "calls"  # the calls of this minute are used up
    TOKENS = "tokens"  # the tokens of this day are used up
    BUSY = "busy"  # no turn came in time
    TIMEOUT = "timeout"  # the bot did not answer in time
    FAILED = "failed"  # the bot could not be reached, or answered with an error
    REFUSED = "refused"  # the bot would not answer
    UNREADABLE = "unreadable"  # the answer is not of the one form that counts
    UNFIT = "unfit"  # the model cannot judge: it fails where the answer is known
    TOO_LONG = "too-long"  # more text than is judged


@dataclass(frozen=True, slots=True)
class Judged:
    """The judge's verdict. ``confidence`` (0..1) is the model's own word, and not calibrated."""

    verdict: Ruling
    confidence: float


@dataclass(frozen=True, slots=True)
class NoOpinion:
    """There is no verdict; nothing is known of the text."""

    reason: Why


Opinion = Judged | NoOpinion

_CATEGORIES: Final = {
    Ruling.INJECTION: Category.INJECTION,
    Ruling.JAILBREAK: Category.JAILBREAK,
    Ruling.INDIRECT_INJECTION: Category.INDIRECT_INJECTION,
    Ruling.STEERING: Category.INJECTION,
}
_TOO_LATE: Final = frozenset((Why.TIMEOUT, Why.BUSY))


def outcome(opinion: Opinion, *, span: Span, part: int = 0, source: Source, required: bool = True) -> Outcome | None:
    """The opinion as policy takes it: a finding on ``span``, none, or ``Unavailable``.

    ``None`` only for no opinion where ``required`` is false: then the judge has neither run nor failed.
    """
    if isinstance(opinion, NoOpinion):
        if not required:
            return None
        return Unavailable(GUARD, "timeout" if opinion.reason in _TOO_LATE else "error")
    verdict = opinion.verdict
    if not verdict.attack:
        return Inspected(GUARD)
    category = Category.INDIRECT_INJECTION if source.untrusted else _CATEGORIES[verdict]
    # Policy leaves rules named ``indirect-`` out elsewhere than in untrusted text, and the judge knows no such split.
    name = "injection" if verdict is Ruling.INDIRECT_INJECTION else verdict.value
    finding = Finding(f"{GUARD}/{name}", category, Severity.HIGH, opinion.confidence, span, part)
    return Inspected(GUARD, (finding,))


def clears(opinion: Opinion, *, allowed: bool) -> bool:
    """Whether the opinion takes an unsure finding away: a firm *benign*, and only where that is ``allowed``."""
    return allowed and isinstance(opinion, Judged) and opinion.verdict is Ruling.BENIGN and opinion.confidence >= FIRM
