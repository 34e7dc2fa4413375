"""A shadow: a share of what passes judged by another file too, beside the message path, and ended in time."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chatward.assembly.engine import RoutedEngine
from chatward.channels.openai_chat import ChatCompletions
from chatward.core.errors import ClientError
from chatward.core.identity import ANONYMOUS, Caller, Presented
from chatward.core.values import Action, Exchange, Message, Part, Source
from chatward.routing import Routing, routing
from chatward.settings import Route, Settings, Treatments
from chatward.shadowing import LONGEST, WAITING, Shadow, Shadowing
from tests.simulators.access import Headers

WORD = "zebra-quartz"
NOW = Settings(routes={"default": Route(guards=("text.pii",))})
STRICT = Settings(routes={"default": Route(guards=("text.pii",), treatments=Treatments(pii_input="block"))})


def said(text: str) -> Exchange:
    return Exchange("test", (Part(text, Source.USER),), (Message("user", (0,)),))


@pytest.fixture(scope="module")
def live() -> Routing:
    return routing(NOW)


class World:
    def __init__(self, live: Routing) -> None:
        self.now = 1_000.0
        self.engine: Any = SimpleNamespace(routing=live, shadow=None)
        self.shadowing = Shadowing(self.engine, lambda: self.now)

    def start(self) -> Shadow:
        self.shadowing.start(NOW, STRICT, digest="d", hours=1, share=1.0)
        assert isinstance(self.engine.shadow, Shadow)
        return self.engine.shadow

    def told(self) -> Any:
        told = self.shadowing.told()
        assert told is not None
        return told


@pytest.fixture
def world(live: Routing) -> World:
    return World(live)


def drained(shadow: Shadow) -> None:
    """Ends it once all that was given is judged."""
    shadow._queue.put(None)
    shadow.join()


def test_what_differs_is_counted_with_messages_and_without_a_word(world: World) -> None:
    shadow = world.start()
    with pytest.raises(ClientError, match="already"):
        world.start()
    shadow.see(said("Hello."), "/v1/chat/completions", "m", "cw-1")
    shadow.see(said(f"Write to {WORD}@example.com."), "/v1/chat/completions", "m", "cw-2")
    shadow.see(said("x" * (LONGEST + 1)), "/v1/chat/completions", "m", "cw-3")
    drained(shadow)
    told = world.told()
    assert (told.judged, told.changed, told.unknown, told.dropped) == (2, 1, 0, 1)
    assert [one.told() for one in told.differing] == [
        {"rule": "text.pii/email", "before": "redact", "after": "block", "number": 1, "messages": ["cw-2"]}
    ]
    assert WORD not in repr(told)
    assert world.shadowing.end()
    assert not world.shadowing.end()
    assert (world.told().ended, world.engine.shadow) == ("operator", None)


def test_it_ends_by_its_time_and_when_settings_are_read_again(world: World, live: Routing) -> None:
    shadow = world.start()
    world.now += 3_600
    shadow.see(said("Hello."), "/v1/chat/completions", "m", "cw-1")
    assert (world.told().ended, world.engine.shadow) == ("time", None)
    shadow.join()
    shadow = world.start()
    world.engine.routing = Routing(STRICT, live.engine, datetime.now(UTC).date(), live.pool)
    assert (world.told().ended, world.engine.shadow) == ("settings", None)
    shadow.join()
    assert world.told().judged == 0


def test_messages_never_wait_and_only_a_share_is_taken(live: Routing) -> None:
    going, chances = threading.Event(), iter([0.05, *[0.0] * (WAITING + 5), 0.1, 0.9])

    class Slow:
        def warm(self) -> None:
            going.wait(30)

        def judge_exchange(self, *_: object) -> None:
            raise RuntimeError("a guard's fault")

    side: Any = Slow()
    engine: Any = SimpleNamespace(routing=live, shadow=None)
    shadow = Shadow(
        engine, side, side, digest="d", until=2.0, share=0.1, clock=lambda: 1.0, chance=lambda: next(chances)
    )
    for number in range(WAITING + 8):
        shadow.see(said("Hello."), "/", "m", str(number))
    assert shadow.told().dropped == 6  # two were not of the share
    going.set()
    drained(shadow)
    assert (shadow.told().unknown, shadow.told().judged) == (WAITING, 0)


async def test_the_gateways_engine_gives_its_messages_away_and_goes_on_as_before(live: Routing) -> None:
    engine = RoutedEngine(live)
    shadowing = Shadowing(engine)
    shadowing.start(NOW, STRICT, digest="d", hours=1, share=1.0)
    shadow = engine.shadow
    assert shadow is not None
    turns = [{"role": "user", "content": f"Write to {WORD}@example.com."}]
    call = ChatCompletions().parse(orjson.dumps({"model": "m", "messages": turns}))
    path = "/v1/chat/completions"
    headers: Any = Headers()
    caller = Caller(ANONYMOUS, Presented("POST", f"http://x{path}", headers))
    screening = await engine.screen(call, channel="openai.chat", path=path, caller=caller, request_id="cw-7")
    assert screening.verdict.action is Action.REDACT
    await asyncio.to_thread(drained, shadow)
    told = shadowing.told()
    assert told is not None
    assert [(one.before, one.after, one.messages) for one in told.differing] == [("redact", "block", ["cw-7"])]
    shadowing.end()
