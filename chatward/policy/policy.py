"""What findings mean on one route: pure, total, and able to explain itself.

The rules, in the order in which they are applied to a finding:

1. A rule that is switched off, excepted (by an exception that has not expired) or about a value on the route's
   allow list decides ``allow``. Rules named ``indirect-*`` speak of untrusted text only: in what a user or
   the operator wrote they decide ``allow``.
2. A confidence under the threshold (the rule's, else the route's) decides ``allow``.
3. Otherwise the treatment is the rule's own, else that of its category and direction.

The strictest decision is the verdict's. A guard that could not run blocks unless the route says
``on_unavailable = "allow"``, and is named in the verdict either way. In ``monitor`` mode nothing takes effect
and ``Verdict.would`` tells what would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

from chatward.core.values import (
    MODEL,
    Action,
    Category,
    Decision,
    Finding,
    Inspected,
    Moment,
    Outcome,
    Severity,
    Source,
    Treatment,
    Unavailable,
    Verdict,
)
from chatward.settings import Route, RuleSetting

_ACTIONS = {
    Treatment.KEEP: Action.ALLOW,
    Treatment.RESTORE: Action.ALLOW,
    Treatment.MASK: Action.REDACT,
    Treatment.PLACEHOLDER: Action.REDACT,
    Treatment.HASH: Action.REDACT,
    Treatment.REMOVE: Action.REDACT,
    Treatment.DEFANG: Action.REDACT,
    Treatment.ANNOTATE: Action.REDACT,
    Treatment.BLOCK: Action.BLOCK,
}
_TRUSTED = frozenset((Source.USER, Source.OPERATOR))
_VALUES = frozenset((Category.PII, Category.PHI, Category.SECRET))
_INTENT = frozenset((Category.INJECTION, Category.JAILBREAK))


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What the settings say of one rule: worked out once per rule, then looked up."""

    enabled: bool
    threshold: float
    treatment: Treatment | None
    because: str
    excepted_values: tuple[str, ...] = ()


class Policy:
    """The policy of one route on one day. ``version`` is what the ledger and remembered inspections name."""

    def __init__(self, route: Route, *, version: str, today: date, name: str = "default") -> None:
        self.name = name
        self.version = version
        self.enforces = route.mode == "enforce"
        self.blocks_unavailable = route.on_unavailable == "block"
        self._route = route
        self._exceptions = tuple(e for e in route.exceptions if date.fromisoformat(e.expires) >= today)
        self._allow = tuple(value.casefold() for value in route.allow)
        self._weighed: dict[str, _Weighed] = {}
        t = route.treatments
        self._input = {
            Category.PII: Treatment(t.pii_input),
            Category.PHI: Treatment(t.pii_input),
            Category.SECRET: Treatment(t.secret_input),
            Category.LINK: Treatment(t.link_input),
        }
        self._output = {
            Category.PII: Treatment(t.pii_output),
            Category.PHI: Treatment(t.pii_output),
            Category.SECRET: Treatment(t.secret_output),
            Category.LINK: Treatment(t.link_output),
        }
        both = {
            Category.INJECTION: Treatment(t.injection),
            Category.JAILBREAK: Treatment(t.injection),
            Category.INDIRECT_INJECTION: Treatment(t.indirect_injection),
            Category.LEAK: Treatment(t.leak),
            Category.ABUSE: Treatment(t.abuse),
            Category.SOCIAL_ENGINEERING: Treatment(t.social_engineering),
        }
        self._input |= both
        self._output |= both
        self._other = Treatment(t.other)
        self._own = Treatment(t.pii_own)
        self._hidden = Treatment(t.hidden_text)

    def decide(
        self, finding: Finding, moment: Moment, source: Source, *, value: str = "", own: bool = False
    ) -> Decision:
        """What is done about one finding. ``value`` is the text it points at; ``own`` says that it is the
        person's own, given in this conversation. Neither is kept."""
        finding = _in_context(finding, source)
        weighed = self._weighed.get(finding.rule) or self._weigh(finding.rule)
        keep = self._reason_to_keep(finding, weighed, source, value)
        if keep:
            return Decision(finding, Action.ALLOW, Treatment.KEEP, keep)
        treatment = weighed.treatment
        because = weighed.because
        if treatment is None:
            treatment, because = self._by_category(finding, moment, own)
        if source is Source.OPERATOR and finding.category in _INTENT and weighed.treatment is None:
            return Decision(finding, Action.ALLOW, Treatment.KEEP, "operator's own text")
        return Decision(finding, _ACTIONS[treatment], treatment, because)

    def _reason_to_keep(self, finding: Finding, weighed: _Weighed, source: Source, value: str) -> str:
        if not weighed.enabled:
            return weighed.because
        if finding.severity is Severity.INFO and weighed.treatment is None:
            return "information only"
        if source in _TRUSTED and finding.rule.partition("/")[2].startswith("indirect-"):
            return "applies to untrusted text only"
        if finding.confidence < weighed.threshold:
            return "below threshold"
        if value and (self._allow or weighed.excepted_values):
            folded = value.casefold()
            if finding.category in _VALUES and _listed(folded, self._allow):
                return "allow"
            if _listed(folded, weighed.excepted_values):
                return "exceptions"
        return ""

    def _by_category(self, finding: Finding, moment: Moment, own: bool) -> tuple[Treatment, str]:
        category = finding.category
        if finding.guard == "text.hidden":
            return self._hidden, "treatments.hidden_text"
        if moment is Moment.INPUT:
            return self._input.get(category, self._other), f"{category.value}, input"
        if own and category in _VALUES:
            return self._own, "treatments.pii_own"
        return self._output.get(category, self._other), f"{category.value}, output"

    def _weigh(self, rule: str) -> _Weighed:
        key, setting = _most_specific(rule, self._route.rules)
        threshold = self._route.threshold if setting.threshold is None else setting.threshold
        treatment = None if setting.treatment is None else Treatment(setting.treatment)
        enabled, because = setting.enabled, f"rules.{key}" if key else ""
        values: tuple[str, ...] = ()
        for exception in self._exceptions:
            if not fnmatchcase(rule, exception.rule):
                continue
            if exception.values:
                values += tuple(value.casefold() for value in exception.values)
            else:
                enabled, because = False, "exceptions"
        weighed = _Weighed(enabled, threshold, treatment, because, values)
        self._weighed[rule] = weighed
        return weighed

    def judge(self, outcomes: Sequence[Outcome], decisions: Sequence[Decision]) -> Verdict:
        """The verdict of one moment. ``decisions`` are those of the outcomes' findings, in reading order."""
        would, rule, by_model = Action.ALLOW, "", False
        for decision in decisions:
            # Of two that are as strict, a rule that names what it saw explains more than a model does.
            if decision.action > would or (by_model and decision.action == would and decision.finding.detail != MODEL):
                would, rule = decision.action, decision.finding.rule
                by_model = decision.finding.detail == MODEL
        unavailable = tuple(outcome for outcome in outcomes if isinstance(outcome, Unavailable))
        if unavailable and self.blocks_unavailable and would < Action.BLOCK:
            would, rule = Action.BLOCK, unavailable[0].guard
        ran: list[str] = []
        scores: list[tuple[str, float]] = []
        for outcome in outcomes:
            if isinstance(outcome, Inspected):
                ran.append(outcome.guard)
                scores.extend(outcome.scores)
        return Verdict(
            action=would if self.enforces else Action.ALLOW,
            would=would,
            rule=rule,
            decisions=tuple(decisions),
            ran=tuple(ran),
            unavailable=unavailable,
            scores=tuple(scores),
            policy=self.version,
        )


def _in_context(finding: Finding, source: Source) -> Finding:
    """An injection that sits in untrusted text is an indirect one."""
    if source.untrusted and finding.category in _INTENT:
        return replace(finding, category=Category.INDIRECT_INJECTION)
    return finding


def _most_specific(rule: str, settings: dict[str, RuleSetting]) -> tuple[str, RuleSetting]:
    """The exact entry, else the longest pattern that matches (a guard's id stands for all of its rules)."""
    if rule in settings:
        return rule, settings[rule]
    guard = rule.partition("/")[0]
    matching = [key for key in settings if key == guard or fnmatchcase(rule, key)]
    if not matching:
        return "", RuleSetting()
    key = max(matching, key=len)
    return key, settings[key]


def _listed(folded: str, patterns: Sequence[str]) -> bool:
    return any(folded == pattern or ("*" in pattern and fnmatchcase(folded, pattern)) for pattern in patterns)
