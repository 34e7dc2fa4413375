"""A turn as it is stored and as it reads: masked where a guard found something, hidden whole where nobody looked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.values import Category, Exchange, Finding, Message, Part, PartKind, Severity, Source
from chatward.stores.turns import Turn, decode, encode, new_turns, read

TEXT = "Write to ann@example.com or call 030 123456."


def finding(start: int, end: int, part: int = 0, category: Category = Category.PII, entity: str = "EMAIL") -> Finding:
    return Finding("text.pii/email", category, Severity.LOW, 0.4, (start, end), part, entity)


def seen(turn: Turn, *, masked: bool = True) -> list[str]:
    return [part.text for part in read(decode(encode(turn)), 1, 0.0, masked=masked).parts]


def turn(text: str, *findings: Finding, inspected: bool = True) -> Turn:
    return Turn("user", (Part(text, Source.USER),), findings, inspected)


def test_findings_are_masked_and_the_rest_is_not() -> None:
    one = turn(TEXT, finding(9, 24), finding(33, 43, entity="PHONE_NUMBER"))
    assert seen(one) == ["Write to [email hidden] or call [phone number hidden]."]
    assert seen(one, masked=False) == [TEXT]
    assert read(decode(encode(one)), 1, 0.0, masked=True).hidden == {"EMAIL": 1, "PHONE_NUMBER": 1}


@pytest.mark.parametrize("category", list(Category))
def test_which_categories_are_masked(category: Category) -> None:
    shown = seen(turn(TEXT, finding(9, 24, category=category, entity="")))[0]
    masked = category in {Category.PII, Category.PHI, Category.SECRET, Category.LEAK}
    assert ("ann@example.com" not in shown) == masked
    assert (f"[{category.value} hidden]" in shown) == masked


def test_what_was_not_inspected_is_hidden_whole() -> None:
    part = Part("{}", Source.TOOL, PartKind.JSON, name="look up ann@example.com")
    one = Turn("tool", (Part(TEXT, Source.TOOL), part), (), inspected=False)
    told = read(decode(encode(one)), 1, 0.0, masked=True)
    assert [part.text for part in told.parts] == [
        f"[not inspected: {len(TEXT)} characters hidden]",
        "[not inspected: 2 characters hidden]",
    ]
    assert "ann" not in repr(told)
    assert all(not part.name for part in told.parts)


SPANS = st.lists(st.tuples(st.integers(-3, 40), st.integers(-3, 40)).filter(lambda span: span[0] < span[1]), max_size=5)


@given(st.text(st.sampled_from("abcdefgh\ud800é\U0001f600"), max_size=30), SPANS)
def test_no_character_of_a_finding_is_shown_and_all_others_are(text: str, spans: list[tuple[int, int]]) -> None:
    shown = seen(turn(text, *(finding(*span) for span in spans)))[0]
    covered = {place for start, end in spans for place in range(start, end)}
    kept = "".join(letter for place, letter in enumerate(text) if place not in covered)
    assert shown.replace("[email hidden]", "") == kept
    assert ("[email hidden]" in shown) == bool(spans)


@given(st.text(st.characters()), st.sampled_from(list(Source)), st.sampled_from(list(PartKind)), st.text())
def test_everything_comes_back(text: str, source: Source, kind: PartKind, name: str) -> None:
    body = decode(encode(Turn("user", (Part(text, source, kind, name=name),), (), True, "exchange")))
    told = read(body, 7, 3.0, masked=False)
    assert (told.number, told.at, told.role, told.exchange) == (7, 3.0, "user", "exchange")
    assert [(one.text, one.source, one.kind, one.name) for one in told.parts] == [(text, source, kind, name)]


def test_findings_of_other_parts_are_a_mistake_that_is_told() -> None:
    for part in (-1, 1):
        with pytest.raises(StoreError) as caught:
            encode(turn(TEXT, finding(0, 3, part)))
        assert caught.value.reason == "conversation-turn-invalid"


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x90", b"\x95\x01\x02\x03\x04\x05"])
def test_what_is_no_turn_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError) as caught:
        decode(data)
    assert caught.value.reason == "sealed-altered"


def test_what_is_new_in_an_exchange_is_a_turn_a_message() -> None:
    parts = (
        Part("old", Source.USER),
        Part("a", Source.USER, message=1),
        Part("b", Source.TOOL, message=2),
        Part(TEXT, Source.USER, message=2),
    )
    messages = (Message("user", (0,)), Message("user", (1,)), Message("tool", (2, 3)))
    exchange = Exchange("openai-chat", parts, messages, new_from=1)
    found = [finding(9, 24, part=3), finding(0, 1, part=0)]
    first, second = new_turns(exchange, found, inspected=True, id_="x-1")
    assert (first.role, seen(first), first.findings) == ("user", ["a"], ())
    assert (second.role, second.exchange) == ("tool", "x-1")
    assert seen(second) == ["b", "Write to [email hidden] or call 030 123456."]


def test_nothing_that_was_written_is_in_a_representation() -> None:
    assert "ann" not in repr(turn(TEXT, finding(9, 24)))
