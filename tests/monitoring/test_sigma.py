"""Sigma rules mean here what they mean to pySigma, and the shipped ones see what they say and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.guards.catalog import catalog
from chatward.monitoring.sigma.correlation import Correlation
from chatward.monitoring.sigma.detection import SigmaError, detection
from chatward.monitoring.sigma.rules import REMEMBERED, SHIPPED, Rules, read
from tests.monitoring.records import AT, BLOCKED, record

# --- pySigma's reading of a condition, evaluated: what ours is compared with -----------------------------


def judged(node: Any, fields: Mapping[str, object]) -> bool:
    """A condition as pySigma parsed it, over an entry."""
    match node:
        case ConditionAND():
            return all(judged(one, fields) for one in node.args)
        case ConditionOR():
            return any(judged(one, fields) for one in node.args)
        case ConditionNOT():
            return not judged(node.args[0], fields)
        case ConditionFieldEqualsValueExpression():
            return equals(node.value, fields.get(node.field))
    raise AssertionError(type(node))


def equals(wanted: Any, value: object) -> bool:
    if isinstance(wanted, SigmaNull):
        return value is None
    if isinstance(wanted, SigmaExists):
        return (value is not None) is wanted.exists
    if isinstance(value, list):
        return any(equals(wanted, one) for one in value)
    if value is None:
        return False
    text = str(value).lower() if isinstance(value, bool) else str(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    match wanted:
        case SigmaBool():
            return value is wanted.boolean
        case SigmaNumber():
            return (number and value == wanted.number) or value == str(wanted.number)
        case SigmaCompareExpression():
            word = wanted.op.name
            limit = wanted.number.number
            return (
                number
                and {"GT": value > limit, "GTE": value >= limit, "LT": value < limit, "LTE": value <= limit}[word]
            )  # type: ignore[operator]
        case SigmaRegularExpression():
            flags = re.IGNORECASE if SigmaRegularExpressionFlag.IGNORECASE in wanted.flags else 0
            return re.search(str(wanted.regexp), text, flags) is not None
        case SigmaString():
            pattern = "".join(
                {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}[part]
                if isinstance(part, SpecialChars)
                else re.escape(part)
                for part in wanted.s
            )
            flags = re.DOTALL if isinstance(wanted, SigmaCasedString) else re.DOTALL | re.IGNORECASE
            return re.fullmatch(pattern, text, flags) is not None
    raise AssertionError(type(wanted))


def theirs(made: Mapping[str, Any]) -> Any:
    rule = SigmaRule.from_dict({"title": "t", "logsource": {"product": "chatward"}, "detection": dict(made)})
    nodes = [one.parsed for one in rule.detection.parsed_condition]
    return lambda fields: any(judged(node, fields) for node in nodes)


SHIPPED_DOCUMENTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(SHIPPED.glob("*.yml"))}
DETECTIONS = {name: made["detection"] for name, made in SHIPPED_DOCUMENTS.items() if "detection" in made}
RULE_IDS = sorted({rule.id for guard in catalog() for rule in getattr(guard, "rules", ())})
HARD: dict[str, dict[str, Any]] = {
    "precedence": {
        "a": {"event": "x"}, "b": {"action": "block"}, "c": {"status": 400},
        "condition": "a or b and not c",
    },
    "brackets": {
        "a": {"event": "x"}, "b": {"action": "block"}, "c": {"status": 400},
        "condition": "not (a or b) and (c or not c)",
    },
    "of": {
        "s_1": {"event": "x"}, "s_2": {"action": "allow"}, "_hidden": {"status": 400},
        "condition": "all of s_* or 1 of them",
    },
    "wildcards": {"a": {"rules": ["*inject*", "te?t.leak/*", r"a\*b"]}, "condition": "a"},
    "contains": {"a": {"rules|contains|all": ["text", "/"]}, "condition": "a"},
    "ends": {"a": {"rules|endswith": "prompt", "event|startswith": "X"}, "condition": "a"},
    "cased": {"a": {"event|cased": "X"}, "condition": "a"},
    "expression": {"a": {"rules|re": "^text\\.[il]e?"}, "b": {"event|re|i": "^X$"}, "condition": "a or b"},
    "numbers": {"a": {"status|gte": 400, "status|lt": 500}, "b": {"findings|gt": 2}, "condition": "1 of *"},
    "null": {"a": {"reason": None}, "b": {"reason": ["json-invalid", None]}, "condition": "not a and b"},
    "exists": {"a": {"reason|exists": True}, "b": {"action|exists": False}, "condition": "a or b"},
    "list": {"a": [{"event": "x"}, {"action": "block", "status": 400}], "condition": "a"},
    "bool": {"a": {"stream": True}, "condition": "not a"},
    "two": {"a": {"event": "x"}, "b": {"action": "block"}, "condition": ["a", "b"]},
}  # fmt: skip
SOME_RULES = [
    *RULE_IDS[::40], "text.leak/canary", "TEXT.injection/x", "a*b", "text.hidden/bidi", "links.intel/a",
    "links.exfiltration/image", "text.injection/tool-hijack",
]  # fmt: skip
ENTRIES = st.fixed_dictionaries(
    {"event": st.sampled_from(["x", "X", *(event.value for event in Event)])},
    optional={
        "family": st.sampled_from(["reply", "message", "upstream"]),
        "action": st.sampled_from(["allow", "block", "challenge", "Block"]),
        "would": st.sampled_from(["block", "allow"]),
        "outcome": st.sampled_from(["complete", "blocked"]),
        "rules": st.lists(st.sampled_from(SOME_RULES), max_size=3),
        "reason": st.sampled_from(["json-invalid", "rate-limited"]),
        "status": st.sampled_from([400, 429, 500]),
        "findings": st.integers(0, 4),
        "stream": st.booleans(),
        "unavailable": st.lists(st.sampled_from(["text.pii"]), max_size=1),
    },
)  # fmt: skip


@pytest.mark.parametrize("name", [*DETECTIONS, *HARD])
@settings(max_examples=40, deadline=None)
@given(fields=ENTRIES)
def test_a_condition_holds_where_pysigmas_reading_of_it_does(name: str, fields: dict[str, object]) -> None:
    made = {**DETECTIONS, **HARD}[name]
    assert detection(made)(fields) == _theirs(name, made)(fields)


_KNOWN: dict[str, Any] = {}


def _theirs(name: str, made: Mapping[str, Any]) -> Any:
    if name not in _KNOWN:
        _KNOWN[name] = theirs(made)
    return _KNOWN[name]


@pytest.mark.parametrize(
    "made",
    [
        {"condition": "a"},
        {"a": {"x": 1}},
        {"a": {"x": 1}, "condition": "b"},
        {"a": {"x": 1}, "condition": "a and"},
        {"a": {"x": 1}, "condition": "(a"},
        {"a": {"x": 1}, "condition": "a a"},
        {"a": {"x": 1}, "condition": "1 of b*"},
        {"a": {"x": 1}, "condition": "a | count() > 5"},
        {"a": ["keyword"], "condition": "a"},
        {"a": {}, "condition": "a"},
        {"a": {"x": []}, "condition": "a"},
        {"a": {"x|base64": "v"}, "condition": "a"},
        {"a": {"x|fieldref": "y"}, "condition": "a"},
        {"a": {"x|re": "("}, "condition": "a"},
        {"a": {"x|re": "(?=a)"}, "condition": "a"},
        {"a": {"x|gte": "many"}, "condition": "a"},
        {"a": {"x|exists": "yes"}, "condition": "a"},
    ],
    ids=str,
)
def test_what_is_not_known_is_refused_and_never_a_rule_that_cannot_match(made: dict[str, Any]) -> None:
    with pytest.raises(SigmaError):
        detection(made)


# --- correlations ----------------------------------------------------------------------------------------

SECOND = 10**9


def correlation(**made: Any) -> Correlation:
    known = {"type": "event_count", "rules": ["r"], "group-by": ["who"], "timespan": "10s", "condition": {"gte": 3}}
    return Correlation({**known, **{name.replace("_", "-"): value for name, value in made.items()}})


def played(one: Correlation, *steps: tuple[float, str, dict[str, object]]) -> list[tuple[str, ...] | None]:
    return [one.seen(rule, fields, int(at * SECOND)) for at, rule, fields in steps]


def test_events_are_counted_within_a_time_and_about_the_same() -> None:
    a, b, nobody = {"who": "a"}, {"who": "b"}, {"other": "a"}
    assert played(
        correlation(),
        (0, "r", a), (1, "r", b), (2, "r", a), (3, "r", nobody), (10, "r", a),  # the first is ten seconds old
        (11, "r", a), (12, "r", a),  # told; counting began anew
        (12.5, "r", a), (13, "r", a),
    ) == [None, None, None, None, None, ("a",), None, None, ("a",)]  # fmt: skip


def test_more_than_is_one_more_than_at_least() -> None:
    a = {"who": "a"}
    assert played(correlation(condition={"gt": 1}), (0, "r", a), (1, "r", a)) == [None, ("a",)]


def test_values_are_counted_once_each() -> None:
    one = correlation(type="value_count", condition={"gte": 2, "field": "rule"})
    steps = [(at, "r", {"who": "a", "rule": rule}) for at, rule in enumerate(["x", "x", "x", "x", "x", "y"])]
    assert played(one, *steps) == [None] * 5 + [("a",)]
    assert played(one, (20, "r", {"who": "a"})) == [None]


@pytest.mark.parametrize(
    ("kind", "order", "holds"),
    [
        ("temporal", "pq", True),
        ("temporal", "qp", True),
        ("temporal", "qqq", False),
        ("temporal_ordered", "pq", True),
        ("temporal_ordered", "qp", False),
        ("temporal_ordered", "qpq", True),
    ],
)
def test_rules_that_hold_together(kind: str, order: str, holds: bool) -> None:
    one = correlation(type=kind, rules=["p", "q"], condition=None)
    told = played(one, *((at, rule, {"who": "a"}) for at, rule in enumerate(order)))
    assert (told[-1] == ("a",)) is holds


def test_memory_is_bounded() -> None:
    one = correlation(condition={"gte": 5})
    for number in range(10_050):
        one.seen("r", {"who": f"w{number}"}, number)
    assert len(one._groups) == 10_000
    flood = correlation(type="value_count", condition={"gte": 5, "field": "v"})
    for number in range(1000):
        flood.seen("r", {"who": "a", "v": "same"}, number)
    assert len(flood._groups[("a",)]) <= 10


@pytest.mark.parametrize(
    "made",
    [
        {"type": "event_sum"}, {"rules": []}, {"timespan": "soon"}, {"timespan": "30d"}, {"condition": {"lte": 3}},
        {"condition": {"gte": 0}}, {"condition": {"gte": 3, "lt": 9}}, {"condition": {"gte": 3, "field": "x"}},
        {"type": "value_count"}, {"type": "temporal"}, {"aliases": {"a": {"r": "b"}}}, {"condition": None},
    ],
    ids=str,
)  # fmt: skip
def test_correlations_that_cannot_be_told_are_refused(made: dict[str, Any]) -> None:
    with pytest.raises(SigmaError):
        correlation(**made)


# --- the shipped rules -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Rules:
    return read([SHIPPED])


def test_pysigma_reads_every_shipped_rule_and_finds_their_references() -> None:
    collection = SigmaCollection.load_ruleset([str(SHIPPED)])
    assert not collection.errors
    collection.resolve_rule_references()
    assert len(collection.rules) == len(SHIPPED_DOCUMENTS)
    kinds = {one.type.name for one in collection.rules if isinstance(one, SigmaCorrelationRule)}
    assert kinds == {"EVENT_COUNT", "VALUE_COUNT", "TEMPORAL_ORDERED"}


@pytest.mark.parametrize("name", SHIPPED_DOCUMENTS)
def test_a_shipped_rule_says_what_it_is(name: str) -> None:
    made = SHIPPED_DOCUMENTS[name]
    assert UUID(made["id"])
    assert made["description"].endswith(".")
    assert made["tags"]
    if name.startswith("llm"):
        assert f"owasp-llm.{name[:5]}-2025" in made["tags"]
        assert any(re.fullmatch(r"atlas\.aml\.t\d{4}(\.\d{3})?", tag) for tag in made["tags"])


def test_shipped_rules_ask_for_rules_and_events_that_there_are() -> None:
    """A rule of a guard that is renamed would make a rule that is silent for ever."""
    events, guards = {event.value for event in Event}, {guard.spec.id for guard in catalog()}
    made_elsewhere = {"identity.access/tool-denied", "text.leak/canary", "text.leak/system-prompt"}
    for name, made in DETECTIONS.items():
        for selection in made.values():
            for items in selection if isinstance(selection, list) else [selection]:
                if not isinstance(items, dict):
                    continue
                for key, wanted in items.items():
                    for value in wanted if isinstance(wanted, list) else [wanted]:
                        if key == "event":
                            assert value in events, name
                        if key.startswith("rules"):
                            bare = value.rstrip("*")
                            known = any(one.startswith(bare) for one in RULE_IDS) or value in made_elsewhere
                            assert known or (bare.endswith("/") and bare[:-1] in guards), (name, value)


def names(rules: Rules, *records: Any) -> list[list[str]]:
    return [[match.rule.key for match in rules.matches(one)] for one in records]


def test_one_attack_and_its_repetition() -> None:
    rules = read([SHIPPED])
    blocked = [record("message:input:judged", seq, AT + seq, **BLOCKED) for seq in range(1, 6)]
    told = names(rules, *blocked)
    assert told[0] == ["llm01_direct_prompt_injection", "llm07_system_prompt_leak"]
    assert "llm01_repeated_injection" not in told[3]
    assert "llm01_repeated_injection" in told[4]
    assert rules.matches(blocked[0])[0].about == {"principal": "k:abc"}


def test_a_prompt_that_was_asked_for_and_then_leaked_to_the_same_caller() -> None:
    """A reply's entry does not say to whom: that is known from the first entry of its message."""
    asked = {"principal": "k:a", "action": "allow", "rules": ["text.injection/system-prompt-request"]}
    leaked = {"action": "block", "rules": ["text.leak/canary"]}
    rules = read([SHIPPED])
    first = record("upstream:call:intended", 1, **asked)
    reply = record("reply:output:judged", 1, AT + SECOND, **leaked)
    assert names(rules, first, reply)[1] == ["llm07_system_prompt_leak", "llm07_extraction_succeeded"]
    rules = read([SHIPPED])
    other = record("upstream:call:intended", 2, principal="k:b", action="allow")
    reply = record("reply:output:judged", 2, AT + SECOND, **leaked)
    assert names(rules, first, other, reply)[2] == ["llm07_system_prompt_leak"]


def test_quiet_events_make_no_alert(shipped: Rules) -> None:
    quiet = {"action": "allow", "principal": "k:a", "policy": "p", "channel": "openai-chat", "route": "default"}
    for event in ("upstream:call:intended", "reply:output:judged", "reply:output:delivered", "reply:output:started"):
        assert names(shipped, record(event, **quiet)) == [[]]


def test_rules_that_only_feed_a_correlation_are_silent() -> None:
    refused = [record("identity:caller:refused", seq, AT + seq, reason="api-key-unknown") for seq in range(1, 51)]
    told = names(read([SHIPPED]), *refused)
    assert told[:-1] == [[]] * 49
    assert told[-1] == ["access_credential_guessing"]


def test_what_is_known_of_messages_is_bounded(shipped: Rules) -> None:
    for number in range(REMEMBERED + 10):
        shipped._fields(record("upstream:call:intended", number, principal="k:a"))
    assert len(shipped._known) == REMEMBERED


# --- files -----------------------------------------------------------------------------------------------

GOOD = """title: t
id: 3f0d1f5a-7b3a-4f2e-9d8c-111111111111
name: base
logsource: {product: chatward}
detection: {a: {event: 'x:y:z'}, condition: a}
level: low
"""
OVER = """---
title: c
id: 3f0d1f5a-7b3a-4f2e-9d8c-111111111112
correlation: {type: event_count, rules: [base], group-by: [who], timespan: 1m, condition: {gte: 2}}
"""


def test_rules_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(GOOD + OVER)
    rules = read([tmp_path])
    assert [rule.key for rule in rules.rules] == ["own.1", "own.2"]
    entries = [record("x:y:z", seq, AT + seq, who="a") for seq in (1, 2)]
    assert names(rules, *entries) == [[], ["own.2"]]
    assert [rule.key for rule in read([tmp_path], ["own.2"]).rules] == ["own.1"]
    assert read([tmp_path], ["base"]).rules == ()


@pytest.mark.parametrize(
    "text",
    [
        "[", "just text", GOOD.replace("product: chatward", "product: windows"),
        GOOD.replace("id: 3f0d1f5a-7b3a-4f2e-9d8c-111111111111", "id: one"), GOOD.replace("title: t", "title: ''"),
        GOOD.replace("level: low", "level: awful"), GOOD + OVER.replace("[base]", "[nobody]"), GOOD + "---\n" + GOOD,
        "!!python/object/apply:os.system ['true']", GOOD.replace("condition: a", "condition: b"),
        GOOD.replace("{product: chatward}", "{product: chatward, service: other}"),
    ],
    ids=range(11),
)  # fmt: skip
def test_files_that_cannot_be_used_stop_it_and_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.yml").write_text(text)
    with pytest.raises(ConfigError, match="own") as caught:
        read([tmp_path])
    assert caught.value.reason == "sigma-invalid"
