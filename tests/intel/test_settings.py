"""What ``[intel]`` may not say."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from chatward.settings import Bot, Intel, IntelSource, Settings
from chatward.settings.rules import TYPES, complete, problems_of


def problems(**more: Any) -> dict[str, str]:
    settings = complete(Settings(bots={"default": Bot(upstream="http://127.0.0.1:9")}, **more))
    return {".".join(map(str, one.steps)): one.reason for one in problems_of(settings, None, date(2027, 1, 1))}


def of(*sources: dict[str, Any], **more: Any) -> dict[str, str]:
    return problems(intel=Intel(sources=tuple(IntelSource(**one) for one in sources), **more))


@pytest.mark.parametrize(
    "location",
    ["list.txt", "/var/lists/list.txt", "https://lists.example/x", "http://127.0.0.1:8080/x", "http://[::1]:80/"],
)
def test_places_that_may_be(location: str) -> None:
    assert of({"name": "own", "location": location}) == {}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"name": "", "location": "x"}, "name"),
    "a name in capitals": ({"name": "Own", "location": "x"}, "name"),
    "a name with a slash": ({"name": "a/b", "location": "x"}, "name"),
    "the name of what nobody knows": ({"name": "unknown", "location": "x"}, "name"),
    "no place": ({"name": "own", "location": " "}, "location"),
    "plain HTTP elsewhere": ({"name": "own", "location": "http://lists.example/x"}, "location"),
    "another scheme": ({"name": "own", "location": "ftp://lists.example/x"}, "location"),
    "a password": ({"name": "own", "location": "https://user:word@lists.example/x"}, "location"),
    "a server that is a file": ({"name": "own", "location": "x", "format": "taxii"}, "location"),
    "a key that is none": ({"name": "own", "location": "https://lists.example/x", "key": "abc"}, "key"),
    "a column that is none": (
        {"name": "own", "location": "x", "format": "csv", "columns": {"valeu": "1"}},
        "columns.valeu",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str) -> None:
    source, key = WRONG[name]
    assert list(of(source)) == [f"intel.sources.0.{key}"]


def test_two_of_one_name() -> None:
    assert list(of({"name": "own", "location": "x"}, {"name": "own", "location": "y"})) == ["intel.sources.1.name"]


def test_a_literal_key_has_its_reason() -> None:
    assert of({"name": "own", "location": "x", "key": "abc"}) == {"intel.sources.0.key": "secret-literal"}


def test_lifetimes() -> None:
    assert of(lifetimes=dict.fromkeys(TYPES, 3.0)) == {}
    assert list(of(lifetimes={"fishing": 3.0})) == ["intel.lifetimes.fishing"]
    assert list(of(lifetimes={"phishing": 0.0})) == ["intel.lifetimes.phishing"]
