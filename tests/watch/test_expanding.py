"""Shorteners are asked where their links lead, and nobody else; what is hidden so is judged as if it stood there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
import pytest

from chatward.assembly import RoutedEngine
from chatward.assembly.expanding import expanded
from chatward.channels.openai_chat import ChatCompletions
from chatward.core.errors import UpstreamError
from chatward.core.identity import ANONYMOUS, Caller, Presented
from chatward.core.values import Action
from chatward.routing import routing
from chatward.settings import Route, Settings
from chatward.watch.expanding import KEPT, MISSED, Expander
from chatward.watch.fetching import Answer, Fetcher
from tests.simulators.access import Headers
from tests.watch.conftest import Clock

BAD = "https://paypal.com.login.example/"


class Shorteners:
    """Implements ``Fetch``: answers with redirects, and says who was asked."""

    def __init__(self, leads: Mapping[str, str]) -> None:
        self.leads = dict(leads)
        self.asked: list[str] = []

    async def __call__(self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        self.asked.append(url)
        assert (redirects, verify) == (0, True)
        if url not in self.leads:
            raise UpstreamError("away", reason="watch-unreachable")
        return Answer(url, 301, (("location", self.leads[url]),), b"", "198.51.100.9")


async def test_the_last_shortener_says_where_a_link_leads_and_that_is_not_asked(clock: Clock) -> None:
    fetch = Shorteners({"https://bit.ly/a": "https://tinyurl.com/b", "https://tinyurl.com/b": "//shop.example/x"})
    expander = Expander(fetch, clock=clock)
    assert await expander(["https://bit.ly/a", "https://shop.example/y", "https://bit.ly/"]) == {
        "https://bit.ly/a": "https://shop.example/x"
    }
    assert fetch.asked == ["https://bit.ly/a", "https://tinyurl.com/b"]


async def test_answers_are_remembered_and_none_for_a_shorter_while(clock: Clock) -> None:
    fetch = Shorteners({"https://bit.ly/a": BAD})
    expander = Expander(fetch, most=2, clock=clock)
    for _ in range(2):
        assert await expander(["https://bit.ly/a", "https://bit.ly/none", "https://bit.ly/third"]) == {
            "https://bit.ly/a": BAD
        }
    assert fetch.asked == ["https://bit.ly/a", "https://bit.ly/none"]
    clock.now += MISSED + 1
    await expander(["https://bit.ly/a", "https://bit.ly/none"])
    assert fetch.asked[2:] == ["https://bit.ly/none"]
    clock.now += KEPT
    await expander(["https://bit.ly/a"])
    assert fetch.asked[3:] == ["https://bit.ly/a"]


@pytest.mark.parametrize(
    "leads", ["", "https://bit.ly/a", "https://[", "http://127.0.0.1/", "file:///etc/passwd", "gopher://x.example/"]
)
async def test_loops_and_strange_places_end(leads: str, clock: Clock) -> None:
    fetch = Shorteners({"https://bit.ly/a": leads})
    told = await Expander(fetch, clock=clock)(["https://bit.ly/a"])
    assert told.get("https://bit.ly/a", leads) == leads
    assert all(url.startswith("https://bit.ly/") for url in fetch.asked)


async def test_a_shortener_in_our_own_network_is_not_asked(clock: Clock) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    assert await Expander(Fetcher(resolve=resolve), clock=clock)(["https://bit.ly/a"]) == {}


async def screened(made: RoutedEngine, messages: list[dict[str, Any]]) -> Any:
    call = ChatCompletions().parse(orjson.dumps({"model": "m", "messages": messages}))
    caller = Caller(ANONYMOUS, Presented("POST", "http://x/v1/chat/completions", Headers()))
    path = "/v1/chat/completions"
    screening = await made.screen(call, channel="openai.chat", path=path, caller=caller, request_id="r")
    return screening, call


async def test_what_a_shortener_hides_is_judged_as_if_it_stood_there(clock: Clock) -> None:
    made = RoutedEngine(routing(Settings(routes={"default": Route(guards=("links.*",))})))
    said = {"role": "user", "content": "is hxxps://bit[.]ly/a good?"}
    assert (await screened(made, [said]))[0].verdict.action is Action.ALLOW
    expander = Expander(Shorteners({"https://bit.ly/a": BAD, "https://bit.ly/b": "https://example.org/"}), clock=clock)
    made.expand = partial(expanded, expander)
    judged, _ = await screened(made, [said])
    assert judged.verdict.action is Action.BLOCK
    assert judged.verdict.rule.startswith("links.url/")
    assert (await screened(made, [{"role": "user", "content": "is https://bit.ly/b good?"}]))[
        0
    ].verdict.action is Action.ALLOW
    later = [said, {"role": "assistant", "content": "No."}, {"role": "user", "content": "Thanks"}]
    judged, call = await screened(made, later)
    assert judged.verdict.action is not Action.BLOCK
    assert b"ly/a" not in call.body(judged.edits)
