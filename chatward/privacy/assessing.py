"""Whether a data protection impact assessment is needed, and a draft of one made from the settings (GDPR Article 35).

The rules:

1. **Needed** in the cases of Article 35(3) that settings can tell: decisions with legal or similar effects (a), special
   categories (b). Scale is for the controller to weigh: ``assessment`` of a purpose may say why there need be none.
2. **Likely needed** where two or more criteria of the guidelines WP 248 rev.01 (adopted by the EDPB) are met: those of
   rule 1, people in need of protection, and new technology, which a bot made of a language model is.
3. A draft has the four parts of Article 35(7). What settings say stands in it; what they cannot say is asked as a
   question and answered by people: nothing is made up. Not legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chatward.privacy.processing import processing
from chatward.settings import Privacy, Purpose, Settings

_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class Assessed:
    """One purpose. ``criteria``: those that are met; ``on_file``: where the assessment is, or why there is none."""

    purpose: str
    needed: bool
    likely: bool
    criteria: tuple[str, ...]
    on_file: str


def assessed(settings: Settings) -> list[Assessed]:
    """Every purpose that a route has."""
    served = dict.fromkeys(route.purpose for route in settings.routes.values())
    known = settings.privacy.purposes
    return [_assessed(name, known[name], settings.privacy) for name in served if name in known]


def _assessed(name: str, purpose: Purpose, privacy: Privacy) -> Assessed:
    criteria = tuple(_criteria(purpose, privacy))
    return Assessed(
        name, purpose.decides or bool(purpose.special), len(criteria) >= _TWO, criteria, purpose.assessment.strip()
    )


def _criteria(purpose: Purpose, privacy: Privacy) -> Iterator[str]:
    if purpose.decides:
        yield "decisions with legal or similarly significant effects (35(3)(a); WP 248 criterion 2)"
    if purpose.special:
        yield f"special categories: {', '.join(purpose.special)} (35(3)(b); criterion 4)"
    if privacy.minor_role and purpose.minors == "allow":
        yield "people in need of protection: minors (criterion 7)"
    yield "new technology: a language model (criterion 8)"


def draft(settings: Settings, purpose: str) -> str:
    """An assessment of one purpose, in Markdown, to be completed. Raises ``KeyError`` for one that no route has."""
    one = {each.purpose: each for each in assessed(settings)}[purpose]
    (record,) = [entry for entry in processing(settings) if entry["purpose"] == purpose]
    told = settings.privacy.purposes[purpose]
    who = [
        f"- `{each['bot']}`: {each['processor'] or 'the controller'}, {each['region'] or 'region not stated'}"
        + (f", transfer by {each['transfer']}" if each["transfer"] else "")
        for each in record["recipients"]
    ]
    security = record["security"]
    lines = [
        f"# Data protection impact assessment: {purpose}",
        "",
        "A draft made from the settings of Chatward; lines that begin with `?` are for people. Not legal advice.",
        "",
        f"Needed under Article 35(3): {'yes' if one.needed else 'not by what settings say'}. Criteria that are met:",
        "",
        *(f"- {criterion}" for criterion in one.criteria),
        "",
        "## 1. The processing and its purposes (Article 35(7)(a))",
        "",
        f"- Controller: {record['controller'] or '?'}; data protection officer: {record['officer'] or '?'}",
        f"- Purpose: {record['summary'] or '?'}",
        f"- Ground: {record['lawful_basis'] or '?'}" + (f" ({told.interest})" if told.interest else ""),
        f"- Data: {record['data']}; of {record['subjects']}",
        f"- Kept for: {record['retention_days'] or '?'} days; conversations are "
        + ("stored, sealed" if record["stored"] else "not stored"),
        "- Who gets them:",
        *who,
        "",
        "## 2. Necessity and proportionality (Article 35(7)(b))",
        "",
        f"- What bots need as written: {', '.join(told.necessary) or 'nothing'}; all else of personal data is "
        + ", ".join(f"`{value}` on {route}" for route, value in security["personal_data_to_bots"].items()),
        "- ? Why could the purpose not be met with less?",
        "",
        "## 3. Risks to people (Article 35(7)(c))",
        "",
        "- ? A reply is wrong and somebody acts on it: how likely, how severe?",
        "- ? A reply shows what is about somebody else.",
        "- ? Somebody makes the bot say or do what it should not.",
        "- ? What people confide is read by who should not.",
        *(["- ? A decision is wrong or unfair."] if told.decides else []),
        "",
        "## 4. Measures (Article 35(7)(d))",
        "",
        *(f"- Route {route}: guards {', '.join(guards)}" for route, guards in security["guards"].items()),
        f"- Every message is on record: {'yes' if security['record'] else 'no'}; what is stored is encrypted: "
        + ("yes" if security["encrypted_at_rest"] else "nothing is stored"),
        *([f"- A human decides anew: {told.human_route or '?'}"] if told.decides else []),
        "- ? What remains, who accepts it, and when is it looked at again (Article 35(11))?",
        "- ? The advice of the data protection officer (35(2)), and the views of people concerned (35(9)).",
    ]
    return "\n".join(lines) + "\n"
