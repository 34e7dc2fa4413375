"""CrowdSec's stream of decisions: all of them first, then what is new and what is gone; each ends by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chatward.core.errors import UpstreamError
from chatward.intel.crowdsec import seconds_of
from chatward.intel.fetching import Answer
from chatward.intel.files import SourceError
from tests.intel.conftest import Desk


def decision(value: str, duration: str = "4h", scope: str = "Ip", origin: str = "crowdsec") -> dict[str, Any]:
    return {"id": 1, "origin": origin, "type": "ban", "scope": scope, "value": value, "duration": duration}


class Api:
    """The local API: answers one after the other, remembers what was asked."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any] | None] = []
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(
        self, url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int
    ) -> Answer:
        self.asked.append((url.partition("?")[2], dict(headers)))
        answer = self.answers.pop(0)
        if answer is None:
            raise UpstreamError("The bot cannot be reached.", reason="upstream-unreachable")
        write(json.dumps(answer).encode())
        return Answer(200)


@pytest.fixture
def api(desk: Desk) -> Api:
    made = Api()
    desk.download = made
    desk.source("lapi", location="http://127.0.0.1:8080/", format="crowdsec", key="env:X", key_header="X-Api-Key")
    return made


def test_first_all_then_what_changed(desk: Desk, api: Api) -> None:
    api.answers = [
        {"new": [decision("203.0.113.9"), decision("198.51.100.0/24", scope="Range", origin="CAPI")], "deleted": None},
        {"new": [decision("203.0.113.10")], "deleted": [decision("203.0.113.9", "-1s")]},
        {"new": None, "deleted": None},
    ]
    assert desk.update()["lapi"].rows == 2
    assert api.asked == [("startup=true", {"x-api-key": "secret-env:X"})]
    assert [one.type for one in desk.look_up("ip", "203.0.113.9", "198.51.100.7")] == ["malicious", "scanner"]
    desk.update()
    assert [one.index for one in desk.look_up("ip", "203.0.113.9", "203.0.113.10", "198.51.100.7")] == [1, 2]
    assert desk.update()["lapi"].outcome == "unchanged"
    assert [query for query, _ in api.asked[1:]] == ["startup=false", "startup=false"]


def test_what_is_decided_again_stays(desk: Desk, api: Api) -> None:
    api.answers = [
        {"new": [decision("203.0.113.9")]},
        {"new": [decision("203.0.113.9", "8h")], "deleted": [decision("203.0.113.9", "-1s")]},
    ]
    desk.update()
    desk.update()
    (found,) = desk.look_up("ip", "203.0.113.9")
    assert found.expires == desk.now + 8 * 3600


def test_a_decision_ends(desk: Desk, api: Api) -> None:
    api.answers = [{"new": [decision("203.0.113.9", "3h59m30.5s")]}]
    desk.update()
    desk.now += 4 * 3600 - 31
    assert desk.look_up("ip", "203.0.113.9")
    desk.now += 1
    assert not desk.look_up("ip", "203.0.113.9")


def test_after_a_failure_everything_is_asked_for_again(desk: Desk, api: Api) -> None:
    api.answers = [{"new": [decision("203.0.113.9")]}, None, {"new": [decision("203.0.113.10")]}]
    desk.update()
    assert desk.update()["lapi"].error == "upstream-unreachable"
    desk.update()
    assert [query for query, _ in api.asked] == ["startup=true", "startup=false", "startup=true"]


def test_other_scopes_are_passed_over(desk: Desk, api: Api) -> None:
    api.answers = [{"new": [decision("ann", scope="username"), decision("203.0.113.9")]}]
    done = desk.update()["lapi"]
    assert (done.rows, done.skipped) == (1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4h", 14_400.0), ("1h2m3s", 3_723.0), ("-1s", -1.0), ("59m59.9s", 3_599.9), ("500ms", 0.0), ("1m5ms", 60.0)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds_of(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "4", "soon", "1h-2m"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(SourceError):
        seconds_of(text)
