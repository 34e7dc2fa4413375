"""What a watch may not say."""

from __future__ import annotations

import msgspec
import pytest

from chatward.settings.watch import Watch, watch_problems

GOOD = {"url": "https://log.example/2026/", "key": "AAAA"}
BAD: list[tuple[dict[str, object], tuple[object, ...]]] = [
    ({"domains": ["Example.com"]}, ("domains", 0)),
    ({"ignore": ["https://example.com"]}, ("ignore", 0)),
    ({"names": ["abc"]}, ("names", 0)),
    ({"endings": [".shop"]}, ("endings", 0)),
    ({"words": ["two words"]}, ("words", 0)),
    ({"logs": [GOOD | {"url": "http://log.example/"}]}, ("logs", 0, "url")),
    ({"logs": [GOOD | {"url": "https://u:p@log.example/"}]}, ("logs", 0, "url")),
    ({"logs": [GOOD | {"key": "%"}]}, ("logs", 0, "key")),
    ({"pages": ["http://chat.example/"]}, ("pages", 0)),
    ({"pages": ["ftp://chat.example/"]}, ("pages", 0)),
]


@pytest.mark.parametrize(
    ("said", "steps"), BAD, ids=[".".join(map(str, steps)) + f"-{n}" for n, (_, steps) in enumerate(BAD)]
)
def test_problems(said: dict[str, object], steps: tuple[object, ...]) -> None:
    watch = msgspec.convert(said, Watch)
    assert [found for found, _ in watch_problems(watch, ("example.com",))] == [steps]


def test_something_must_be_looked_for() -> None:
    watch = msgspec.convert({"permutations": True}, Watch)
    assert [steps for steps, _ in watch_problems(watch, ())] == [("domains",)]
    assert not list(watch_problems(watch, ("example.com",)))
    assert not list(watch_problems(Watch(), ()))


def test_nothing_is_asked_of_anybody_by_default() -> None:
    watch = Watch()
    assert (watch.permutations, watch.logs, watch.fetch, watch.pages) == (False, (), False, ())
