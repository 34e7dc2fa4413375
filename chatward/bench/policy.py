"""``chatward bench policy``: what a decision costs, in this process, on one core.

The method:

1. The policies are the default ones and sixty of one's own, such as an organisation writes: roles, tools, hours, risk,
   a tool's arguments. Questions are a mix by a seed: half messages, a third tool calls, documents, the admin plane;
   no two alike. A question is made before its decision is timed, as the gateway has its parts at hand.
2. *Uncached*: an authorizer that remembers nothing decides each question. *Cached*: one that has decided it before.
   Questions whose answer hangs on a tool's arguments are never remembered; they are in the first, not in the second.
3. The peer is cedarpy used as its first example shows, policies as text at each call, and then with all policies parsed
   once and not sliced. Both are given the same facts, without a schema, and every answer is compared with ours: one
   that differs takes the figures away.
4. What is timed is the CPU time of this thread. Single decisions from memory are too short for a clock: those are
   timed in batches of ``BATCH`` and are means of their batch. Everything is run once before; figures are medians over
   rounds.
"""

from __future__ import annotations

import importlib.metadata
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cedarpy

from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.times import one_core, spent
from chatward.core.identity import Assurance, Kind, Principal, Question
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import PolicyBook, book, shipped
from chatward.identity.cedar_schema import ACTIONS
from chatward.identity.cedar_values import typed

FIGURES: Final = ("uncached_us_p50", "cached_us_p50")
QUESTIONS: Final = 600
PEER_QUESTIONS: Final = 60
"""The peer takes a millisecond a question."""
BATCH: Final = 100
_TEAMS: Final = 20
_NOW: Final = 1_699_876_800.0


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements."""

    rounds: int = 3


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes seconds."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    report.peers["cedarpy"] = importlib.metadata.version("cedarpy")
    texts = {"default.cedar": shipped(), "own.cedar": own_policies()}
    progress("loading the policies")
    with one_core():
        began = time.thread_time()
        policies = book(texts)
        forgets = CedarAuthorizer(policies, clock=_clock, memory=0)
        report.details["load_ms"] = (time.thread_time() - began) * 1e3
        remembers = CedarAuthorizer(policies, clock=_clock)
        questions = all_questions(QUESTIONS, seed=1)
        _measure(report, forgets, remembers, questions, options, progress)
        _peer(report, forgets, policies, texts, questions[:PEER_QUESTIONS], options, progress)
    return report


def _measure(
    report: Report,
    forgets: CedarAuthorizer,
    remembers: CedarAuthorizer,
    questions: Sequence[Question],
    options: Options,
    progress: Progress,
) -> None:
    kept = [question for question in questions if not remembers.reads_arguments(question)]
    batches = [kept[place : place + BATCH] for place in range(0, len(kept), BATCH)]

    def batch(some: Sequence[Question]) -> None:
        for question in some:
            remembers.decide(question)

    uncached: list[list[float]] = []
    cached: list[list[float]] = []
    for turn in range(options.rounds + 1):
        progress(f"round {turn} of {options.rounds}" if turn else "warming up")
        alone = spent(forgets.decide, questions)
        together = [spent / len(some) for spent, some in zip(spent(batch, batches), batches, strict=True)]
        if turn:
            uncached.append(alone)
            cached.append(together)
    report.figures["uncached_us_p50"] = _us(uncached, 0.5)
    report.figures["cached_us_p50"] = _us(cached, 0.5)
    rulings = [forgets.decide(question) for question in questions]
    report.details |= {
        "questions": len(questions),
        "policies": len(forgets.policies),
        "allowed": sum(ruling.allowed for ruling in rulings),
        "on_arguments": len(questions) - len(kept),
        "uncached_us_p99": _us(uncached, 0.99),
        "cached_us_p99_of_batches": _us(cached, 0.99),
    }


def _peer(
    report: Report,
    ours: CedarAuthorizer,
    policies: PolicyBook,
    texts: dict[str, str],
    questions: Sequence[Question],
    options: Options,
    progress: Progress,
) -> None:
    """cedarpy without slices: policies as text each time, and parsed once."""
    progress("cedarpy by itself")
    text = "\n".join(texts.values())
    parsed = cedarpy.PolicySet.from_str(text)
    requests = [_request(question) for question in questions]
    naive: list[list[float]] = []
    whole: list[list[float]] = []
    alone: list[list[float]] = []
    for turn in range(options.rounds + 1):
        by_text = spent(lambda one: cedarpy.is_authorized(one[0], text, one[1]), requests)
        by_handle = spent(lambda one: cedarpy.is_authorized(one[0], parsed, one[1]), requests)
        of_ours = spent(ours.decide, questions)
        if turn:
            naive.append(by_text)
            whole.append(by_handle)
            alone.append(of_ours)
    answers = [cedarpy.is_authorized(one[0], parsed, one[1]).allowed for one in requests]
    differ = sum(answer != ours.decide(question).allowed for answer, question in zip(answers, questions, strict=True))
    if differ:
        report.notes.append(f"cedarpy by itself answers {differ} questions differently: nothing here counts.")
        report.figures = dict.fromkeys(FIGURES)
    report.details["cedarpy"] = {
        "questions": len(questions),
        "parsed_each_time_us_p50": _us(naive, 0.5),
        "all_policies_us_p50": _us(whole, 0.5),
        "ours_us_p50": _us(alone, 0.5),
    }


def _us(rounds: Sequence[Sequence[float]], share: float) -> float | None:
    """A quantile of each round, in microseconds, as the median over them."""
    return median([sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1e6 for times in rounds if times])


def _clock() -> float:
    return _NOW


# --- policies and questions ---------------------------------------------------------------------------------


def own_policies() -> str:
    """Sixty policies: of each team, one on its tools, one on hours, one on its documents."""
    lines: list[str] = []
    for team in range(_TEAMS):
        role, limit = f"team-{team}", 100 * (team + 1)
        lines.append(
            f'@id("own/tool-{team}") @step_up("multi") forbid (principal, action == Action::"tool:call", '
            f'resource == Tool::"tool-{team}") when {{ context.assurance < 2 }} '
            f'unless {{ principal in Role::"{role}" && '
            f'context.arguments.numbers.hasTag("/amount") && context.arguments.numbers.getTag("/amount") < {limit} }};'
        )
        lines.append(
            f'@id("own/hours-{team}") forbid (principal in Role::"{role}", action == Action::"message:send", resource) '
            f'when {{ context.hour < {team % 6} && context.risk == Risk::"raised" }};'
        )
        lines.append(
            f'@id("own/document-{team}") permit (principal in Role::"{role}", action == Action::"document:read", '
            f'resource) when {{ resource has label && resource.label == "{role}" && context.assurance >= 1 }};'
        )
    return "\n".join(lines)


def all_questions(count: int, seed: int) -> list[Question]:
    """Different questions; the same for the same seed."""
    pick = random.Random(seed)  # noqa: S311 - a benchmark's mix
    return [_question(pick, number) for number in range(count)]


def _question(pick: random.Random, number: int) -> Question:
    kind = pick.choice((Kind.SERVICE, Kind.PERSON, Kind.PERSON, Kind.VISITOR))
    roles = frozenset({f"team-{pick.randrange(_TEAMS)}", f"group-{number}"})
    assurance = pick.choice((Assurance.SINGLE, Assurance.MULTI, Assurance.STRONG))
    context: dict[str, object] = {
        "risk": pick.choice(("low", "low", "low", "raised")),
        "address": f"10.0.{number % 250}.{pick.randrange(250)}",
        "hour": pick.randrange(24),
        "weekday": pick.randrange(1, 8),
    }
    which = pick.random()
    if which < 0.5:
        action, resource = "message:send", ("Bot", f"bot-{pick.randrange(5)}")
    elif which < 0.83:
        # One tool in two is of a team, whose policy reads an argument.
        action, resource = "tool:call", ("Tool", f"tool-{pick.randrange(2 * _TEAMS)}")
        context["arguments"] = {"amount": pick.randrange(3000), "to": "somebody", "tags": ["a", "b"]}
    elif which < 0.95:
        action, resource = "document:read", ("Document", f"doc-{number}")
        context["label"] = pick.choice(("public", "internal", f"team-{pick.randrange(_TEAMS)}"))
    else:
        kind, action, resource = Kind.OPERATOR, pick.choice(tuple(ACTIONS)[3:]), ("AdminArea", "area")
        roles |= {pick.choice(("admin", "auditor", "analyst"))}
    return Question(Principal(f"{kind.value}:{number}", kind, "default", roles, assurance), action, resource, context)


def _request(question: Question) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The question as its asker would put it to cedarpy: a request and its entities."""
    principal, context = question.principal, question.context
    who = typed(principal.kind.value.title(), principal.id)
    what = typed(*question.resource)
    action = typed("Action", question.action)
    tenant = {"__entity": typed("Tenant", principal.tenant)}
    parents = [*(typed("Role", role) for role in principal.roles), typed("Tenant", principal.tenant)]
    label = {"label": context["label"]} if "label" in context else {}
    groups = [typed("Action", group) for group in ACTIONS[question.action].groups]
    entities: list[dict[str, Any]] = [
        {"uid": who, "attrs": {"tenant": tenant}, "parents": parents},
        {"uid": what, "attrs": label, "parents": []},
        {"uid": action, "attrs": {}, "parents": groups},
    ]
    given: dict[str, Any] = {
        "assurance": int(principal.assurance),
        "approved": False,
        "risk": {"__entity": typed("Risk", str(context["risk"]))},
        "hour": context["hour"],
        "weekday": context["weekday"],
        "posture": [],
        "address": {"__extn": {"fn": "ip", "arg": context["address"]}},
    }
    arguments = context.get("arguments")
    if isinstance(arguments, dict):
        entities.append(
            {"uid": typed("Numbers", "a"), "attrs": {}, "parents": [], "tags": {"/amount": arguments["amount"]}}
        )
        given["arguments"] = {"numbers": {"__entity": typed("Numbers", "a")}, "lost": []}
    return {"principal": who, "action": action, "resource": what, "context": given}, entities
