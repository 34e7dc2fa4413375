"""A bot's error is text of the bot: inspected, or not shown."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from chatward.channels.anthropic import Messages
from chatward.channels.openai_chat import ChatCompletions
from chatward.gateway.upstream_errors import passed_on
from tests.simulators.engine import REFUSAL, WordReply


def shown(body: object, status: int = 400, *, own_key: bool = False, dialect: Any = None) -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = passed_on(dialect or ChatCompletions(), status, raw, WordReply(), own_key=own_key)
    error: dict[str, Any] = orjson.loads(answer.body)["error"]
    return answer.status, error


def test_what_is_known_is_kept() -> None:
    told = {"message": "No hide-me", "type": "insufficient_quota", "code": "quota", "param": "messages[0].content"}
    status, error = shown({"error": told}, 429)
    assert status == 429
    assert error == {**told, "message": "No [hidden]"}


def test_fields_of_no_known_meaning_and_names_that_are_none_are_dropped() -> None:
    told = {"message": "m", "type": "a sentence, not a name", "code": {"deep": 1}, "trace": "hide-me"}
    _, error = shown({"error": told})
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "upstream-error"
    assert "trace" not in error


def test_a_name_is_inspected_too() -> None:
    _, error = shown({"error": {"message": "m", "code": "hide-me", "type": "fine"}})
    assert (error["code"], error["type"]) == ("upstream-error", "fine")


def test_a_blocked_message_is_the_refusal() -> None:
    _, error = shown({"error": {"message": "well, stop-me", "code": "fine"}})
    assert error["message"] == REFUSAL
    assert error["code"] == "upstream-error"


@pytest.mark.parametrize(
    "body", [b"<html>hide-me", b"[]", b'"x"', b"", b"{}", b'{"error": 7}', b'{"detail": "hide-me"}']
)
def test_another_shape_is_not_shown(body: bytes) -> None:
    status, error = shown(body, 503)
    assert (status, error["code"]) == (503, "upstream-error")
    assert "hide-me" not in error["message"]


def test_a_plain_sentence_under_error_is_a_message() -> None:
    assert shown({"error": "model not found"}, 404)[1]["message"] == "model not found"


@pytest.mark.parametrize("status", [301, 302, 600, 199])
def test_what_is_neither_good_nor_an_error_is_an_error(status: int) -> None:
    assert shown({"error": {"message": "m"}}, status)[0] == 502


@pytest.mark.parametrize(("own_key", "expected"), [(True, 502), (False, 401)])
def test_whose_key_was_refused(own_key: bool, expected: int) -> None:
    status, error = shown({"error": {"message": "Incorrect key"}}, 401, own_key=own_key)
    assert status == expected
    assert ("Incorrect" in error["message"]) is not own_key


def test_the_anthropic_shape() -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "hide-me later"}}
    status, error = shown(told, 529, dialect=Messages())
    assert (status, error["type"], error["message"]) == (529, "overloaded_error", "[hidden] later")
