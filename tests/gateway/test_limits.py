"""Limits through real HTTP: what the caller is told, what is recorded and counted, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from chatward.core.identity import Kind, Presented, Principal
from chatward.gateway.checkpoint import Checkpoint
from chatward.gateway.parties import Beside
from chatward.limits.amounts import Prices
from chatward.limits.limiter import Limiter
from chatward.limits.memory import MemoryStore
from chatward.limits.opening import figures
from chatward.settings import Limit, Price

Open = Callable[..., Awaitable[Any]]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class ByHeader:
    """Believes who somebody says they are."""

    def identify(self, presented: Presented) -> Principal:
        get = presented.headers.get
        return Principal(f"key:{get('x-who', 'a')}", Kind.SERVICE, get("x-tenant", "t") or "", session=get("x-s") or "")

    def valid(self, principal: Principal) -> bool:
        return True


def limiter(clock: Clock | None = None, prices: dict[str, Price] | None = None, **limits: Limit) -> Limiter:
    clock = clock or Clock()
    return Limiter(limits, MemoryStore(clock), prices=Prices(prices or {}), reply_tokens=100, clock=clock)


def who(name: str, **more: str) -> dict[str, str]:
    return {"x-who": name, **{f"x-{key}": value for key, value in more.items()}}


@pytest.fixture
def gate_of(open_gate: Open, say: Callable[[str], bytes]) -> Open:
    async def start(limiting: Limiter, *scripts: Any) -> Any:
        turns = scripts or (["read", say("hi")] * 60,)
        return await open_gate(*turns, beside=Beside(limiting=limiting), checkpoint=Checkpoint(ByHeader()))

    return start


async def test_the_eleventh_is_refused(gate_of: Open) -> None:
    clock = Clock()
    limiting = limiter(clock, requests=Limit(per="principal", rate=60, period=60, burst=10))
    gate = await gate_of(limiting)
    gate.meter.limits = lambda: figures(limiting)
    first = [await gate.chat() for _ in range(10)]
    assert [answer.status_code for answer in first] == [200] * 10
    assert first[0].headers["x-chatward-limit"] == "10"
    assert [answer.headers["x-chatward-limit-remaining"] for answer in first] == [str(9 - n) for n in range(10)]
    assert first[0].headers["x-chatward-limit-reset"] == "1"
    assert first[0].headers["x-chatward-limit-of"] == "requests"
    refused = await gate.chat()
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate-limited"
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-chatward-limit-remaining"] == "0"
    assert refused.headers["x-chatward-limit-reset"] == "10"
    assert len(gate.bot.requests) == 10
    entry = gate.ledger.entries[-1]
    assert entry.fields == {"reason": "rate-limited", "status": 429, "channel": "openai-chat"}
    counted = gate.meter.render()
    assert 'chatward_limits_refused_total{limit="requests"} 1\n' in counted
    assert 'reason="rate-limited",status="429"} 1\n' in counted
    assert (await gate.chat(headers=who("another"))).status_code == 200
    clock.now += 1.0
    assert [(await gate.chat()).status_code for _ in range(2)] == [200, 429]


async def test_a_refusal_reads_as_the_dialect_wants(gate_of: Open) -> None:
    gate = await gate_of(limiter(requests=Limit(burst=1)))
    assert (await gate.chat()).status_code == 200
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    messages = await gate.client.post("/v1/messages", json=body)
    assert (messages.status_code, messages.json()["type"]) == (429, "error")
    assert messages.json()["error"]["type"] == "rate_limit_error"
    for path, asked in (("/v1/responses", {"input": "x"}), ("/v1/embeddings", {"input": "x"})):
        answer = await gate.client.post(path, json={"model": "m", **asked})
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate-limited")
    assert (await gate.client.get("/v1/models")).status_code == 429


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        ("tenant", who("b", tenant="t"), who("a", tenant="u")),
        ("principal", who("a", s="2"), who("b")),
        ("session", who("b", s="1"), who("a", s="2")),
        ("address", who("b", s="2"), who("a", tenant="u")),
        ("bot", who("b", s="2"), who("a", tenant="u")),
    ],
)
async def test_whose_limit_it_is(gate_of: Open, per: Any, same: dict[str, str], other: dict[str, str]) -> None:
    gate = await gate_of(limiter(requests=Limit(per=per, burst=1)))
    statuses = [(await gate.chat(headers=head)).status_code for head in (who("a", s="1"), same, other)]
    assert statuses == [200, 429, 200]


async def test_without_a_session_no_session_is_limited(gate_of: Open) -> None:
    gate = await gate_of(limiter(requests=Limit(per="session", burst=1)))
    assert [(await gate.chat()).status_code for _ in range(3)] == [200] * 3


async def test_what_others_have_left_is_not_told(gate_of: Open) -> None:
    gate = await gate_of(limiter(all=Limit(per="tenant", burst=1), bots=Limit(per="bot", burst=3)))
    answers = [await gate.chat() for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["retry-after"] == "1"
    assert not [name for answer in answers for name in answer.headers if name.startswith("x-chatward-limit")]


async def test_what_is_refused_takes_nothing_from_other_limits(gate_of: Open) -> None:
    gate = await gate_of(limiter(mine=Limit(burst=2), all=Limit(per="tenant", burst=5)))
    assert [(await gate.chat()).status_code for _ in range(6)] == [200] * 2 + [429] * 4
    statuses = [(await gate.chat(headers=who(name))).status_code for name in ("b", "b", "c", "d")]
    assert statuses == [200, 200, 200, 429]


def using(read: int, written: int, completion: Callable[..., bytes], answer: Callable[..., bytes]) -> bytes:
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return answer(completion("hi", usage=usage), head=b"content-type: application/json\r\n")


async def left(gate: Any, **fields: Any) -> int:
    return int((await gate.chat(**fields)).headers["x-chatward-limit-remaining"])


async def test_tokens_are_guessed_and_settled(
    gate_of: Open, completion: Callable[..., bytes], answer: Callable[..., bytes], say: Callable[[str], bytes]
) -> None:
    limit = Limit(of="tokens", rate=1000, period=3600, burst=1000)
    gate = await gate_of(
        limiter(tokens=limit),
        ["read", using(30, 20, completion, answer), *["read", using(300, 400, completion, answer)] * 9],
    )
    size = len(orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]})) // 4
    assert await left(gate) == 1000 - 100 - size  # as long as a reply that says nothing of its length
    assert await left(gate, max_tokens=500) == pytest.approx(1000 - 50 - 500 - size, abs=6)
    refused = await gate.chat(max_tokens=500)  # 50 and 700 are used
    assert (refused.status_code, refused.headers["x-chatward-limit-remaining"]) == (429, "250")
    assert refused.headers["x-chatward-limit-of"] == "tokens"
    assert (await gate.chat(max_tokens=100)).status_code == 200
    assert (await gate.chat(max_tokens=1)).status_code == 429  # it came to more than was left
    assert len(gate.bot.requests) == 3


async def test_more_than_was_left_is_owed(
    gate_of: Open, completion: Callable[..., bytes], answer: Callable[..., bytes]
) -> None:
    clock = Clock()
    limit = Limit(of="tokens", rate=3600, period=3600, burst=200)
    gate = await gate_of(limiter(clock, tokens=limit), ["read", using(100, 900, completion, answer)] * 2)
    assert (await gate.chat()).status_code == 200
    refused = await gate.chat(max_tokens=10)
    assert refused.status_code == 429
    assert 810 <= int(refused.headers["retry-after"]) <= 830
    clock.now += float(refused.headers["retry-after"])
    assert (await gate.chat(max_tokens=10)).status_code == 200


async def test_what_came_to_no_answer_gives_its_tokens_back(gate_of: Open, answer: Callable[..., bytes]) -> None:
    limits = {"tokens": Limit(of="tokens", rate=10, period=3600, burst=1000), "tries": Limit(rate=1, burst=50)}
    gate = await gate_of(limiter(**limits), ["read", answer(b"{}", status=b"500 Oh"), "read", "reset"])
    assert (await gate.chat(max_tokens=800)).status_code >= 500
    assert (await gate.chat(max_tokens=800)).status_code >= 500
    assert (await gate.chat("refuse-me", max_tokens=800)).status_code == 400
    assert (await gate.chat("refuse-me", max_tokens=800)).status_code == 400


async def test_money_has_a_price_by_model(
    gate_of: Open, completion: Callable[..., bytes], answer: Callable[..., bytes]
) -> None:
    prices = {"dear-*": Price(input=1.0, output=10.0), "*": Price(input=0.001, output=0.001)}
    limit = Limit(of="money", rate=20, period=86400, burst=20)
    gate = await gate_of(limiter(prices=prices, money=limit), ["read", using(1000, 1000, completion, answer)] * 9)
    assert (await gate.chat(model="dear-1", max_tokens=1000)).status_code == 200  # 11
    assert (await gate.chat(model="dear-2", max_tokens=1000)).status_code == 429
    assert [(await gate.chat(model="cheap", max_tokens=1000)).status_code for _ in range(3)] == [200] * 3


async def test_streams_at_once(
    gate_of: Open, events: Callable[..., list[bytes]], chunked: Callable[..., bytes]
) -> None:
    """The third waits for one of two to end; whole replies are no streams."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    first, *rest = events("hello ", "you")
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in rest) + b"0\r\n\r\n"
    script = ["read", head + b"%x\r\n%s\r\n" % (len(first), first), "stall"]
    whole = ["read", head + b"%x\r\n%s\r\n" % (len(first), first) + pieces] * 3
    gate = await gate_of(limiter(streams=Limit(of="streams", burst=2)), script, script, whole)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with gate.client.stream("POST", "/v1/chat/completions", json=body) as one:
        assert one.headers["x-chatward-limit-remaining"] == "1"
        async with gate.client.stream("POST", "/v1/chat/completions", json=body) as two:
            assert (one.status_code, two.status_code) == (200, 200)
            third = await gate.chat(stream=True)
            assert (third.status_code, third.headers["retry-after"]) == (429, "1")
            assert third.headers["x-chatward-limit-of"] == "streams"
    for _ in range(500):
        if gate.app.in_flight == 0:
            break
        await asyncio.sleep(0.01)
    for _ in range(3):  # those that end by themselves come back too
        assert (await gate.chat(stream=True)).status_code == 200


async def test_who_was_told_to_wait_is_refused_unread_until_then(gate_of: Open) -> None:
    """Nobody asks the store for them, and what they send is not read; the others notice nothing."""
    clock = Clock()
    store = Counted(clock)
    limits = {"requests": Limit(rate=1, period=10, burst=1), "all": Limit(per="tenant", rate=1, period=1, burst=9)}
    gate = await gate_of(Limiter(limits, store, clock=clock))
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n"
    )
    assert [(await gate.chat()).status_code for _ in range(2)] == [200, 429]
    asked = store.asked
    clock.now += 4.0
    unread = await gate.raw(head.encode())
    assert b" 429 " in unread
    assert b"retry-after: 6\r\n" in unread.lower()
    assert [(await gate.chat()).status_code for _ in range(5)] == [429] * 5
    assert store.asked == asked
    assert (await gate.chat(headers=who("another"))).status_code == 200
    clock.now += 6.0
    assert (await gate.chat()).status_code == 200


class Counted(MemoryStore):
    asked = 0

    async def take(self, charges: Any, lease: str) -> Any:
        self.asked += 1
        return await super().take(charges, lease)
