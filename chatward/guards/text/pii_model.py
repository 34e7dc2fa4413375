"""Personal data by context: what the shipped entity model finds in texts on their way in.

The rule: a name, a home address and a person's health are personal whoever is meant; a place, an organisation, a
date or an age is so only beside a person. The former are treated as personal data, the latter are reported and
kept, unless the configuration says otherwise for their rule (HIPAA's identifiers, 45 CFR 164.514(b)(2), each have one).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from chatward.core.ports import Item, Weighed
from chatward.core.values import MODEL, Category, Finding, PartKind, Severity, Source

if TYPE_CHECKING:
    from chatward.models.cascade import Cascade

GUARD: Final = "text.pii"
_RULES: Final = {
    "PERSON": ("person", Category.PII, Severity.MEDIUM),
    "ADDRESS": ("address", Category.PII, Severity.MEDIUM),
    "HEALTH": ("health", Category.PHI, Severity.INFO),
    "LOCATION": ("location", Category.PII, Severity.INFO),
    "ORG": ("organisation", Category.PII, Severity.INFO),
    "DATE": ("date", Category.PII, Severity.INFO),
    "AGE": ("age", Category.PII, Severity.INFO),
}
ENTITIES: Final = frozenset(_RULES)
_SURE: Final = 0.5
"""Confidence of the entity model from which a finding counts; below it the model itself says *outside*."""

_REST_OF_NUMBER: Final = re.compile(r"[0-9](?:-?[0-9]){1,8}", re.ASCII)

_TREATED: Final = 0.85
"""Confidence from which a name or an address is replaced; below it is noted: a wrong placeholder spoils a sentence."""


def prepare(models: Callable[[], Cascade], item: Item) -> Sequence[Awaitable[None]]:
    """What ``weigh`` will need, being read beside the event loop."""
    if item.source not in (Source.USER, Source.TOOL, Source.DOCUMENT) or item.kind is PartKind.OPAQUE:
        return ()
    return models().prepare(item.reading.plain.text, untrusted=item.source.untrusted, scores=False, names=True)


def weigh(models: Callable[[], Cascade], item: Item) -> Weighed:
    """Findings of one part. Raises what the models raise."""
    if item.source not in (Source.USER, Source.TOOL, Source.DOCUMENT) or item.kind is PartKind.OPAQUE:
        return Weighed()
    plain = item.reading.plain
    found: list[Finding] = []
    best = 0.0
    for entity in models().names(plain.text, untrusted=item.source.untrusted):
        if entity.confidence < _SURE:
            continue
        rule, category, severity = _RULES[entity.label]
        best = max(best, entity.confidence)
        if entity.confidence < _TREATED:
            severity = Severity.INFO
        end = entity.end
        if entity.label == "ADDRESS":  # no digit of a number stays behind: the model cuts 01234-567 at its dash
            rest = _REST_OF_NUMBER.match(plain.text, end - 1)
            end = rest.end() if rest is not None else end
        span = plain.original(entity.start, end)
        confidence = round(entity.confidence, 4)
        found.append(
            Finding(
                f"{GUARD}/{rule}", category, severity, confidence, span, item.index, entity=entity.label, detail=MODEL
            )
        )
    return Weighed(tuple(found), ((GUARD, best),))
