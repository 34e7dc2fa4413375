"""Questions about what happened, checked against the same question asked of plain lists."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.console.asking import SORTS, Asked, asked
from chatward.console.sheets import lines
from chatward.core.errors import ClientError
from tests.console.conftest import NOW, SCENE, seen

FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["allow", "block", "redact", "none"]),
        "rule": st.sampled_from(["text.pii/email", "text.*", "text.injection/override", "nothing/*"]),
        "route": st.sampled_from(["default", "quiet"]),
        "side": st.sampled_from(["message", "reply", "asked"]),
        "bot": st.just("main"),
        "principal": st.sampled_from([f"key:{n:016x}" for n in range(8)]),
        "missing": st.just("1"),
        "since": st.sampled_from(["1h", "30m", "7d", "2023-11-14T21:30:00"]),
        "until": st.sampled_from(["10m", "2023-11-14T22:00:00+00:00"]),
        "sort": st.sampled_from([sign + name for sign in ("", "-") for name in SORTS]),
        "size": st.sampled_from(["25", "50"]),
    },
)
AT = {"1h": NOW - 3600, "30m": NOW - 1800, "7d": NOW - 7 * 86400, "10m": NOW - 600, "": None}
AT |= {"2023-11-14T21:30:00": 1699997400.0, "2023-11-14T22:00:00+00:00": 1699999200.0}


@pytest.fixture(scope="module")
def it(scene):
    return seen(scene)


def plainly(it, query) -> list[int]:
    """The numbers that answer, by looking at every row."""
    [*rows] = it.page(Asked(), most=10_000).rows
    found = []
    for row in rows:
        holds = all(
            getattr(row, name) == query[name]
            for name in ("action", "route", "side", "bot", "principal")
            if name in query
        )
        rule = query.get("rule", "")
        holds &= row.rule.startswith(rule[:-1]) if rule.endswith("*") else not rule or row.rule == rule
        holds &= row.missing > 0 or "missing" not in query
        since, until = AT[query.get("since", "")], AT[query.get("until", "")]
        holds &= since is None or row.at >= since * 1e9
        holds &= until is None or row.at < until * 1e9
        if holds:
            found.append(row)
    sort = query.get("sort", "-time")
    name = sort.removeprefix("-")
    key = (lambda row: row.seq) if name == "time" else lambda row: (getattr(row, name), row.seq)
    return [row.seq for row in sorted(found, key=key, reverse=sort.startswith("-"))]


@settings(max_examples=150, deadline=None)
@given(FILTERS)
def test_pages_one_after_another_are_the_whole_answer_in_order(it, query):
    one, found = asked(query), []
    for _ in range(20):
        page = it.page(one)
        found += [row.seq for row in page.rows]
        if not page.after:
            break
        one = asked(query | {"after": page.after})
    assert found == plainly(it, query)


@settings(max_examples=60, deadline=None)
@given(FILTERS)
def test_a_question_is_its_query_string(query):
    one = asked(query)
    from urllib.parse import parse_qsl

    assert asked(dict(parse_qsl(one.query()))) == one


def test_rows_that_come_meanwhile_move_nothing(it):
    one = asked({"size": "25"})
    first = it.page(one)
    rest = it.page(asked({"size": "25", "after": first.after}))
    assert next(row.seq for row in rest.rows) == first.rows[-1].seq - 1


@pytest.mark.parametrize(
    "query",
    [
        {"action": "x' OR 1=1"},
        {"evil": "1"},
        {"sort": "seq"},
        {"sort": "-fields"},
        {"size": "1000000"},
        {"missing": "yes"},
        {"since": "yesterday"},
        {"until": "99999999d"},
        {"after": "!!"},
        {"after": "bnVsbA"},
        {"after": "W10"},
        {"after": "WyJ4Il0"},
        {"rule": "text pii"},
        {"principal": "a" * 300},
    ],
)
def test_what_cannot_be_meant_is_refused(query):
    with pytest.raises(ClientError) as raised:
        asked(query)
    assert raised.value.reason == "filter-invalid"
    assert "OR" not in raised.value.public


def test_traffic_counts_what_was_decided(it):
    day = it.traffic("24h")
    messages = [fields for event, _, fields in SCENE if event != "reply:output:judged"]
    assert day.total("message") == len(messages)
    assert day.total("message", "block") == sum(fields["action"] == "block" for fields in messages)
    assert day.missing == sum("unavailable" in fields for fields in messages)
    assert sum(step["block"] for step in day.steps) == day.total("message", "block")
    assert it.worst("24h")[0] == ("text.injection/override", 10)


def test_values_are_found_by_their_beginning(it):
    assert it.starting("rule", "text.p") == ["text.pii/email"]
    assert it.known("route") == ["default", "quiet"]
    assert it.starting("rule", "zzz") == []
    with pytest.raises(ValueError, match="seq"):
        it.known("seq")


def test_live_rows_are_the_new_ones_in_order(it):
    newest = it.happened.seq
    rows = it.since(newest - 10, Asked())
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert rows[-1].seq == newest
    assert {row.action for row in it.since(0, asked({"action": "block"}))} == {"block"}
    assert {row.rule for row in it.since(0, asked({"rule": "text.p*"}))} == {"text.pii/email"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=8) | st.integers()), max_size=5))
def test_a_table_says_what_it_was_given_and_no_formula(rows):
    text = lines(rows, ["a", "b"])
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[0] == ["a", "b"]
    for row, told in zip(rows, read[1:], strict=True):
        for name, cell in zip(("a", "b"), told, strict=True):
            value = row.get(name, "")
            assert cell in {str(value), f"'{value}"}
            assert isinstance(value, int) or not cell.startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", '=HYPERLINK("https://evil.example")'])
def test_a_spreadsheet_calculates_nothing(value):
    [_, [cell]] = csv.reader(io.StringIO(lines([{"a": value}], ["a"]), newline=""))
    assert cell == f"'{value}"
    assert lines([{"a": -1}], ["a"]) == "a\r\n-1\r\n"
