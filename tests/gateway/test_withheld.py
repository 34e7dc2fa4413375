"""Replies that wait for a proof: kept for who may have them, once; and streams that go on by themselves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest

from chatward.assembly import RoutedEngine, channels
from chatward.core.identity import CHALLENGE_HEADER, Assurance, Caller, Challenge, Kind, Presented, Principal, Proof
from chatward.gateway import withheld as module
from chatward.gateway.app import BotLink, GatewayApp, Limits
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.meter import Meter
from chatward.gateway.server import EmbeddedServer
from chatward.gateway.upstream import HttpUpstream
from chatward.gateway.withheld import Kept, Withheld, may_call
from chatward.identity.access import Access
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.challenges import Challenges
from chatward.identity.record import recorder
from chatward.routing import routing
from chatward.settings import Route, Server, Settings
from chatward.stores.database import Database
from tests.simulators.access import OWN, Headers
from tests.simulators.ledger import MemoryLedger
from tests.simulators.tool_calls import chat, chat_stream

ADA = Principal("person:ada", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
REQUEST = b'{"model":"m"}'
CHALLENGE = Challenge("c1", ADA.id, "0" * 64, (Proof.PASSKEY,), 1e12)


def caller(principal: Principal = ADA, number: str = "c1") -> Caller:
    headers = Headers({CHALLENGE_HEADER: number} if number else {})
    return Caller(principal, Presented("POST", "http://x/", headers))


def held(body: bytes = b"said") -> Kept:
    return Kept(200, [("content-type", "application/json")], body)


def test_a_reply_is_given_once_to_whom_it_is_for() -> None:
    kept = Withheld()
    kept.put(CHALLENGE, ADA, REQUEST, held())
    assert kept.take(caller(number=""), REQUEST) is None
    assert kept.take(caller(number="c2"), REQUEST) is None
    assert kept.take(caller(), b"another request") is None
    assert kept.take(caller(Principal("person:eve", Kind.PERSON, session="s1")), REQUEST) is None
    assert kept.take(caller(Principal("person:ada", Kind.PERSON, session="s2")), REQUEST) is None
    taken = kept.take(caller(), REQUEST)
    assert taken is not None
    assert (taken.status, taken.body) == (200, b"said")
    assert kept.take(caller(), REQUEST) is None


def test_what_is_kept_is_bounded_in_time_number_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    kept = Withheld(lambda: now)
    kept.put(CHALLENGE, ADA, REQUEST, held())
    now = module.SECONDS + 1
    assert kept.take(caller(), REQUEST) is None
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(9):
        kept.put(Challenge(f"n{number}", ADA.id, "", (), 0.0), ADA, REQUEST, held())
    assert [number for number in range(9) if kept.take(caller(number=f"n{number}"), REQUEST)] == [6, 7, 8]
    monkeypatch.setattr(module, "BYTES", 100)
    for number in range(9):
        kept.put(Challenge(f"n{number}", ADA.id, "", (), 0.0), ADA, REQUEST, held(b"x" * 40))
    assert [number for number in range(9) if kept.take(caller(number=f"n{number}"), REQUEST)] == [7, 8]


@pytest.mark.parametrize("make", [chat, chat_stream])
def test_replies_with_tool_calls_are_told(make: Callable[[str, str], bytes]) -> None:
    assert may_call(make("wipe", "{}"))
    assert not may_call(b'{"choices":[{"message":{"content":"good morning"}}]}')


# --- through the gateway


class Known:
    def identify(self, presented: Presented) -> Principal:
        return ADA

    def valid(self, principal: Principal) -> bool:
        return True


@dataclass
class World:
    client: httpx.AsyncClient
    challenges: Challenges
    ledger: MemoryLedger
    bot: Any


Start = Callable[..., Awaitable[World]]


@pytest.fixture
async def start(play: Any) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(*scripts: Any, seconds: float = 30.0) -> World:
            bot = await play(*scripts)
            upstream = HttpUpstream(bot.url)
            stack.push_async_callback(upstream.aclose)
            ledger = MemoryLedger()
            challenges = Challenges(Database(None), recorder(ledger, asyncio.get_running_loop()))
            engine = RoutedEngine(
                routing(Settings(routes={"default": Route(guards=("text.leak",))}), today=date(2026, 1, 1))
            )
            authorizer = CedarAuthorizer(book({"default": shipped(), "own": OWN}))
            engine.access = Access(authorizer, valid=lambda _: True, challenges=challenges)
            app = GatewayApp(
                channels=channels(Server()),
                engine=engine,
                bots={"default": BotLink(upstream)},
                ledger=ledger,
                meter=Meter(),
                checkpoint=Checkpoint(Known()),
                limits=Limits(proof_wait=seconds),
            )
            server = EmbeddedServer(app, "127.0.0.1", 0)
            await server.start()
            stack.push_async_callback(server.stop, 0.2)
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url, timeout=30))
            return World(client, challenges, ledger, bot)

        yield begin


PATH = "/v1/chat/completions"
ASKED = {"model": "m", "messages": [{"role": "user", "content": "refund order 7, please"}]}


async def test_a_whole_reply_waits_for_the_proof_and_the_bot_is_asked_once(start: Start, answer: Any) -> None:
    said = answer(chat("refund", '{"order": 7}'), head=b"content-type: application/json\r\n")
    world = await start(["read", said])
    got = await world.client.post(PATH, json=ASKED)
    assert (got.status_code, got.json()["error"]["code"]) == (401, "step-up-required")
    assert "refund" not in json.dumps(got.json()["error"])
    number = got.json()["chatward"]["challenge"]["id"]
    assert got.headers[CHALLENGE_HEADER] == number
    assert "insufficient_user_authentication" in got.headers["www-authenticate"]
    waiting = await world.client.post(PATH, json=ASKED, headers={CHALLENGE_HEADER: number})
    assert waiting.status_code == 401
    number = waiting.headers[CHALLENGE_HEADER]
    await asyncio.to_thread(world.challenges.settle, number, Proof.PASSKEY)
    done = await world.client.post(PATH, json=ASKED, headers={CHALLENGE_HEADER: number})
    assert done.status_code == 200
    assert done.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "refund"
    assert len(world.bot.requests) == 1


async def _told(lines: AsyncIterator[str]) -> tuple[dict[str, Any], list[str]]:
    """The first comment with a challenge, and the lines before it."""
    before: list[str] = []
    async for line in lines:
        if line.startswith(": chatward ") and "challenge" in line:
            return json.loads(line.removeprefix(": chatward "))["challenge"], before
        before.append(line)
    raise AssertionError(before)


async def test_a_stream_goes_on_by_itself(start: Start, chunked: Any) -> None:
    stream = chunked(chat_stream("refund", '{"order": 7}'), head=b"content-type: text/event-stream\r\n")
    world = await start(["read", stream])
    async with world.client.stream("POST", PATH, json={**ASKED, "stream": True}) as got:
        lines = got.aiter_lines()
        challenge, before = await _told(lines)
        assert not any("order" in line for line in before)
        await asyncio.to_thread(world.challenges.settle, challenge["id"], Proof.PASSKEY)
        rest = [line async for line in lines]
    assert any('"order' in line.replace("\\", "") for line in rest)
    assert rest[-2:].count("data: [DONE]") + rest.count("data: [DONE]") >= 1
    assert len(world.bot.requests) == 1


async def test_a_stream_does_not_wait_for_ever(start: Start, chunked: Any) -> None:
    stream = chunked(chat_stream("refund", '{"order": 7}'), head=b"content-type: text/event-stream\r\n")
    world = await start(["read", stream], seconds=0.2)
    got = await world.client.post(PATH, json={**ASKED, "stream": True})
    assert "order" not in got.text
    assert "content_filter" in got.text


async def test_who_leaves_while_a_proof_is_awaited_frees_the_thread(start: Start, chunked: Any) -> None:
    stream = chunked(chat_stream("refund", '{"order": 7}'), head=b"content-type: text/event-stream\r\n")
    world = await start(["read", stream], seconds=60.0)
    async with world.client.stream("POST", PATH, json={**ASKED, "stream": True}) as got:
        await _told(got.aiter_lines())
    pool = module.Waiting._threads
    assert pool is not None
    done = asyncio.get_running_loop().run_in_executor(pool, lambda: None)
    await asyncio.wait_for(done, 10)
    for _ in range(200):
        if any(entry.event == "reply:output:aborted" for entry in world.ledger.entries):
            break
        await asyncio.sleep(0.05)
    assert any(entry.event == "reply:output:aborted" for entry in world.ledger.entries)


async def test_a_tool_that_is_forbidden_is_blocked_at_once(start: Start, chunked: Any) -> None:
    stream = chunked(chat_stream("wipe", '{"order": 7}'), head=b"content-type: text/event-stream\r\n")
    world = await start(["read", stream])
    got = await world.client.post(PATH, json={**ASKED, "stream": True})
    assert "wipe" not in got.text
    assert "content_filter" in got.text
