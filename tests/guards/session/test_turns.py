"""Turns: who spoke, in what order, and what of it is new."""

from __future__ import annotations

import pytest

from chatward.core.values import Exchange, Message, Part, PartKind, Source
from chatward.guards.session.turns import LONGEST, MOST, Turn, turns_of

USER, BOT, TOOL, OPERATOR = Source.USER, Source.BOT, Source.TOOL, Source.OPERATOR


def exchange(*said: tuple[Source, str, int], new_from: int = 0, earlier: tuple[Part, ...] = ()) -> Exchange:
    parts = tuple(Part(text, source, PartKind.TEXT, message) for source, text, message in said)
    count = max((message for *_, message in said), default=-1) + 1
    messages = tuple(
        Message("user", tuple(at for at, (*_, message) in enumerate(said) if message == number))
        for number in range(count)
    )
    return Exchange("test", parts, messages, new_from=new_from, earlier=earlier)


def shown(turns: list[Turn]) -> list[tuple[str, tuple[str, ...], tuple[int, ...], bool]]:
    return [(turn.source.value, turn.texts, turn.parts, turn.fresh) for turn in turns]


def test_turns_alternate_and_the_newest_is_new() -> None:
    turns = turns_of(exchange((OPERATOR, "rules", 0), (USER, "a", 1), (BOT, "b", 2), (USER, "c", 3), new_from=3))
    assert shown(turns) == [
        ("user", ("a",), (1,), False),
        ("bot", ("b",), (2,), False),
        ("user", ("c",), (3,), True),
    ]


def test_a_known_request_has_its_newest_message_new() -> None:
    turns = turns_of(exchange((USER, "a", 0), (BOT, "b", 1), (USER, "c", 2), new_from=3))
    assert [turn.fresh for turn in turns] == [False, False, True]


def test_the_parts_of_one_message_are_one_turn() -> None:
    [turn] = turns_of(exchange((USER, "look at", 0), (USER, "this", 0)))
    assert (turn.texts, turn.parts, turn.text) == (("look at", "this"), (0, 1), "look at\nthis")


def test_two_messages_of_a_person_are_two_turns() -> None:
    assert [turn.texts for turn in turns_of(exchange((USER, "a", 0), (USER, "b", 1)))] == [("a",), ("b",)]


def test_an_answer_goes_on_across_tools() -> None:
    turns = turns_of(exchange((USER, "a", 0), (BOT, "let me see", 1), (TOOL, "42", 2), (BOT, "it is 42", 3)))
    assert [turn.texts for turn in turns] == [("a",), ("let me see", "it is 42")]


def test_what_a_request_refers_to_comes_first_and_is_never_new() -> None:
    earlier = (Part("a", USER, message=7), Part("b", BOT, message=8), Part("c", USER, message=9), Part("d", USER))
    turns = turns_of(exchange((USER, "e", 0), earlier=earlier))
    assert shown(turns) == [
        ("user", ("a",), (), False),
        ("bot", ("b",), (), False),
        ("user", ("c",), (), False),
        ("user", ("d",), (), False),
        ("user", ("e",), (0,), True),
    ]


def test_arguments_and_images_are_no_speech() -> None:
    parts = (Part("{}", BOT, PartKind.JSON), Part("", USER, PartKind.OPAQUE), Part("hi", USER))
    assert [turn.texts for turn in turns_of(Exchange("test", parts))] == [("hi",)]


def test_only_the_newest_turns_are_looked_at() -> None:
    said = [(USER if at % 2 == 0 else BOT, str(at), at) for at in range(301)]
    turns = turns_of(exchange(*said, new_from=300))
    assert len(turns) == MOST
    assert turns[-1].texts == ("300",)


def test_of_a_long_turn_both_ends_are_kept() -> None:
    [turn] = turns_of(exchange((USER, "start " + "x" * 50_000 + " end", 0)))
    assert len(turn.raw) <= LONGEST + 1
    assert turn.brief.startswith("start")
    assert turn.brief.endswith("end")


def test_disguises_are_taken_off() -> None:
    [turn] = turns_of(exchange((USER, "ｃｏｎｔｉｎｕｅ\u200b pl\u200bease", 0)))
    assert turn.text == "continue please"


@pytest.mark.parametrize(("one", "other"), [(b"a" * 16, b"b" * 16)])
def test_digests_need_the_key(one: bytes, other: bytes) -> None:
    said = exchange((USER, "a", 0))
    assert turns_of(said, one)[0].digest == turns_of(said, one)[0].digest
    assert turns_of(said, one)[0].digest != turns_of(said, other)[0].digest
    assert turns_of(said, one)[0].digest != turns_of(exchange((BOT, "a", 0)), one)[0].digest
