"""Test-only matcher for rules, as ``chatward.core.rules`` promises them, and a check of those promises.

It runs each rule alone with stdlib ``re``: slow, simple, and the yardstick for the engine's one pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from chatward.core.ports import RuleGuard
from chatward.core.rules import MAX_AHEAD, MAX_CONTEXT, MAX_TRIGGER, MAX_WIDTH, Rule

Hit = tuple[str, str, float]


def matches(rule: Rule, text: str) -> Iterator[tuple[int, int, float]]:
    """Spans and confidences of one rule, left to right, without overlap; a refused match resumes one later."""
    pattern = re.compile(rule.pattern, rule.flags)
    position = 0
    while match := pattern.search(text, position):
        start, end = match.span(rule.group)
        confidence: float | None = rule.confidence
        if rule.validate is not None:
            confidence = rule.validate(text[start:end], text[max(0, start - MAX_CONTEXT) : start])
        if confidence is None:
            position = match.start() + 1
            continue
        assert 0 < confidence <= 1
        if rule.tail:
            tail = re.compile(rf"(?:{rule.tail})*", rule.flags).match(text, end)
            assert tail is not None
            end = tail.end()
        elif rule.until:
            stop = re.compile(rule.until, rule.flags).search(text, end, min(len(text), end + rule.limit))
            end = stop.end() if stop else end
        yield start, end, confidence
        position = max(match.end(), end, match.start() + 1)


def find(guard: RuleGuard, text: str) -> list[Hit]:
    """All that a guard's rules see in ``text``: rule id, matched text, confidence."""
    return [(rule.id, text[a:b], confidence) for rule in guard.rules for a, b, confidence in matches(rule, text)]


def _consumes(item: tuple[Any, Any], char: str) -> bool:
    """Whether a parsed node can consume ``char``."""
    op, value = item
    code = ord(char)
    if op is c.LITERAL:
        return bool(value == code)
    if op is c.NOT_LITERAL:
        return bool(value != code)
    if op is c.ANY:
        return True
    if op is c.RANGE:
        return bool(value[0] <= code <= value[1])
    if op is c.CATEGORY:
        return {
            c.CATEGORY_DIGIT: char.isdigit(),
            c.CATEGORY_NOT_DIGIT: not char.isdigit(),
            c.CATEGORY_SPACE: char.isspace(),
            c.CATEGORY_NOT_SPACE: not char.isspace(),
            c.CATEGORY_WORD: char.isalnum() or char == "_",
            c.CATEGORY_NOT_WORD: not (char.isalnum() or char == "_"),
        }[value]
    if op is c.IN:
        negated = value[0][0] is c.NEGATE
        return any(_consumes(part, char) for part in value[negated:]) != negated
    return any(_consumes(child, char) for child in _children(item))


def _children(item: tuple[Any, Any]) -> Iterator[tuple[Any, Any]]:
    op, value = item
    if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
        yield from value[2]
    elif op is c.SUBPATTERN:
        yield from value[3]
    elif op is c.BRANCH:
        for branch in value[1]:
            yield from branch
    elif op is c.ATOMIC_GROUP:
        yield from value


def _check_nodes(rule: Rule, nodes: Any) -> None:
    for item in nodes:
        op, value = item
        if op is c.AT:
            assert value in (c.AT_BOUNDARY, c.AT_NON_BOUNDARY), f"{rule.id}: anchor {value}"
        elif op in (c.ASSERT, c.ASSERT_NOT):
            direction, inner = value
            limit = MAX_CONTEXT if direction < 0 else MAX_AHEAD
            assert inner.getwidth()[1] <= limit, f"{rule.id}: looks {inner.getwidth()[1]} away"
            _check_nodes(rule, inner)
        assert op is not c.GROUPREF, f"{rule.id}: back-reference"
        _check_nodes(rule, _children(item))


def check_promises(rule: Rule) -> None:
    """Asserts what ``chatward.core.rules`` asks of every rule."""
    parsed = _parser.parse(rule.pattern, rule.flags)
    low, high = parsed.getwidth()
    assert 0 < low <= high <= MAX_WIDTH, f"{rule.id}: width {low}..{high}"
    _check_nodes(rule, parsed)
    assert 0 <= rule.group < parsed.state.groups, rule.id
    assert re.fullmatch(r"[A-Z_]{2,24}|", rule.entity), rule.id
    assert 0 < rule.confidence <= 1, rule.id
    assert not (rule.tail and rule.until), rule.id
    blank = any(_consumes(item, " ") or _consumes(item, "\n") for item in parsed)
    letter = any(_consumes(item, sample) for item in parsed for sample in "aeANZx")
    if blank and letter:
        assert rule.trigger, f"{rule.id}: prose without a trigger"
    if rule.trigger:
        trigger = _parser.parse(rule.trigger, rule.flags)
        assert 0 < trigger.getwidth()[0] <= trigger.getwidth()[1] <= MAX_TRIGGER, f"{rule.id}: trigger"
        _check_nodes(rule, trigger)


def check_trigger(rule: Rule, text: str) -> None:
    """Asserts that each match of ``rule`` in ``text``, accepted or not, starts with its trigger."""
    if rule.trigger:
        for match in re.finditer(rule.pattern, text, rule.flags):
            assert re.compile(rule.trigger, rule.flags).match(text, match.start()), (rule.id, match.group())


@pytest.fixture(name="find", scope="session")
def find_fixture() -> Callable[[RuleGuard, str], list[Hit]]:
    return find


@pytest.fixture(name="check_promises", scope="session")
def check_promises_fixture() -> Callable[[Rule], None]:
    return check_promises


@pytest.fixture(name="check_trigger", scope="session")
def check_trigger_fixture() -> Callable[[Rule, str], None]:
    return check_trigger
