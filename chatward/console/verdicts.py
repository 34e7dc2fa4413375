"""A verdict as other programs read it: one object, the same everywhere.

The shape is that of a line of ``chatward scan``: ``id``, ``action``, ``text`` (as it would be forwarded),
``findings`` and ``guards``. Spans are code points of the text that was asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from chatward.core.values import Action, Verdict


class LedgerRecord(Protocol):
    """One entry of the ledger. ``at``: nanoseconds since 1970, UTC."""

    @property
    def seq(self) -> int: ...

    @property
    def at(self) -> int: ...

    @property
    def event(self) -> str: ...

    @property
    def exchange(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, object]: ...


def verdict_object(verdict: Verdict, text: str, *, id: object = "", scores: bool = False) -> dict[str, object]:
    """The verdict on ``text`` as JSON data. Findings are those that policy acts on (in monitor mode: would).

    ``scores`` adds each guard's score: a model's calibrated score where it has one (and what the guard's rules are sure
    of, where that is more), else the confidence of its surest finding, thresholds apart.
    """
    found: dict[str, object] = {
        "id": id,
        "action": verdict.action.label,
        "text": text if verdict.text is None else verdict.text,
        "findings": [
            {
                "rule": finding.rule,
                "category": finding.category.value,
                "severity": finding.severity.label,
                "confidence": finding.confidence,
                "span": list(finding.span),
            }
            for decision in verdict.decisions
            if decision.action > Action.ALLOW
            for finding in (decision.finding,)
        ],
        "guards": {"ran": list(verdict.ran), "unavailable": [missing.guard for missing in verdict.unavailable]},
    }
    if scores:
        found["scores"] = _scores(verdict)
    return found


def _scores(verdict: Verdict) -> dict[str, float]:
    best = dict.fromkeys(verdict.ran, 0.0)
    best.update(verdict.scores)
    modelled = {name for name, _ in verdict.scores}
    for decision in verdict.decisions:
        finding = decision.finding
        # Beside a model only what a rule is sure of counts: what it merely suspects says less than the model does.
        if finding.guard not in modelled or decision.action > Action.ALLOW:
            best[finding.guard] = max(best.get(finding.guard, 0.0), finding.confidence)
    return {name: round(score, 6) for name, score in best.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """One judged message as the console shows it. ``would`` is empty unless it differs from ``action``."""

    seq: int
    at: str
    side: str
    action: str
    would: str
    rules: tuple[str, ...]
    route: str
    channel: str
    exchange: str
    nanoseconds: int = 0


_SIDES = {
    "message:input:judged": "message",
    "upstream:call:intended": "message",  # what was let through: its verdict stands in the intent to call the bot
    "reply:output:judged": "reply",
    "reply:output:delivered": "reply",
    "reply:output:aborted": "reply",
    "tool:call:judged": "tool call",
    "inspection:text:judged": "asked",
}


def rows(records: Iterable[LedgerRecord]) -> list[Row]:
    """The verdicts among ``records``, in their order; other entries, and those without a verdict, are left out."""
    return [_row(record) for record in records if record.event in _SIDES and _word(record.fields, "action")]


def _row(record: LedgerRecord) -> Row:
    fields = record.fields
    action, would = _word(fields, "action"), _word(fields, "would")
    rules = fields.get("rules")
    named = [rule for rule in rules if isinstance(rule, str)] if isinstance(rules, list | tuple) else []
    decided = _word(fields, "rule")
    return Row(
        seq=record.seq,
        at=datetime.fromtimestamp(record.at / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S"),
        side=_SIDES[record.event],
        action=action,
        would=would if would != action else "",
        rules=tuple(dict.fromkeys([decided, *named] if decided else named)),
        route=_word(fields, "route"),
        channel=_word(fields, "channel"),
        exchange=record.exchange,
        nanoseconds=record.at,
    )


def _word(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
