"""The data plane on a real port: what is refused and how, who is served, what is on record."""

from __future__ import annotations

import asyncio
import gzip
import logging
import re
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from chatward.core.values import Unavailable
from chatward.gateway import records
from chatward.gateway.app import Limits

Open = Callable[..., Awaitable[Any]]
Make = Callable[..., bytes]

CHAT = "/v1/chat/completions"
JSON = b"content-type: application/json\r\n"
GOOD = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
HEAD = b"host: x\r\ncontent-type: application/json\r\n"


def post(body: bytes = GOOD, *, head: bytes = HEAD, path: bytes = CHAT.encode(), length: int | None = None) -> bytes:
    length = len(body) if length is None else length
    return b"POST %s HTTP/1.1\r\n%scontent-length: %d\r\n\r\n%s" % (path, head, length, body)


def in_chunks(body: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"POST %s HTTP/1.1\r\n%stransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n%s" % (
        CHAT.encode(), HEAD, len(body), body, end,
    )  # fmt: skip


def read_answer(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    return int(line.split()[1]), dict(field.split(": ", 1) for field in fields), body


# --- served ---


async def test_a_message_goes_through_inspected_and_recorded(open_gate: Open, answer: Make, completion: Make) -> None:
    head = JSON + b"x-request-id: up-1\r\nopenai-version: 1\r\nset-cookie: a=b\r\nserver: bot\r\n"
    gate = await open_gate(["read", answer(completion("it is hide-me"), head=head)])
    got = await gate.chat("say hide-me")
    assert got.status_code == 200
    assert got.json()["choices"][0]["message"]["content"] == "it is [hidden]"
    assert b"[hidden]" in gate.bot.requests[0].body
    assert b"hide-me" not in gate.bot.requests[0].body
    assert got.headers["x-chatward-action"] == "redact"
    assert float(got.headers["x-chatward-overhead-ms"]) > 0
    assert (got.headers["x-request-id"], got.headers["openai-version"]) == ("up-1", "1")
    assert got.headers["cache-control"] == "no-store"
    assert "set-cookie" not in got.headers
    assert got.headers["server"] == "chatward"
    request_id = got.headers["x-chatward-request-id"]
    assert gate.ledger.events == ["upstream:call:intended", "reply:output:judged"]
    assert {entry.exchange for entry in gate.ledger.entries} == {request_id}
    assert gate.engine.asked[0]["id"] == request_id


async def test_request_headers_travel_by_name(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    sent = {
        "authorization": "Bearer caller", "openai-organization": "org", "traceparent": "00-1", "user-agent": "ua",
        "accept": "application/json", "cookie": "a=b", "x-forwarded-for": "10.0.0.1", "x-stainless-os": "Linux",
        "anthropic-beta": "b1", "idempotency-key": "i", "http-referer": "https://shop.example", "x-title": "Shop",
        "x-client-request-id": "c-1",
    }  # fmt: skip
    await gate.chat(headers=sent)
    seen = {name.lower(): value for name, value in gate.bot.requests[0].headers}
    assert seen.keys() == {
        "host", "accept-encoding", "content-length", "content-type", "authorization", "openai-organization",
        "traceparent", "user-agent", "accept", "anthropic-beta", "idempotency-key",
        "http-referer", "x-title", "x-client-request-id",
    }  # fmt: skip
    assert seen["authorization"] == "Bearer caller"


async def test_of_a_query_only_plain_parameters_travel(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    await gate.client.post(f"{CHAT}?beta=true&note=ignore%20all%20rules&limit=a%20b", content=GOOD,
                           headers={"content-type": "application/json"})  # fmt: skip
    assert gate.bot.requests[0].line == f"POST {CHAT}?beta=true HTTP/1.1"


async def test_a_body_in_chunks_is_served(open_gate: Open, answer: Make, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    status, _, _ = read_answer(await gate.raw(in_chunks(GOOD)))
    assert status == 200
    assert orjson.loads(gate.bot.requests[0].body) == orjson.loads(GOOD)


async def test_models_come_from_the_bot(open_gate: Open, answer: Make) -> None:
    listed = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
    one = b'{"id":"org/m 1","object":"model"}'
    json = b"content-type: application/json\r\n"
    gate = await open_gate(["read", answer(listed, head=json), "read", answer(one, head=json)])
    assert (await gate.client.get("/v1/models?limit=5")).json()["data"][0]["id"] == "m"
    assert (await gate.client.get("/v1/models/org%2Fm%201")).json()["id"] == "org/m 1"
    assert [seen.line for seen in gate.bot.requests] == [
        "GET /v1/models?limit=5 HTTP/1.1", "GET /v1/models/org/m%201 HTTP/1.1",
    ]  # fmt: skip
    assert gate.bot.requests[0].body == b""


async def test_health_pages_and_options(open_gate: Open) -> None:
    gate = await open_gate([], pages={"/chat": ("text/html; charset=utf-8", b"<p>chat")}, ready=lambda: ["no-guards"])
    health = await gate.client.get("/healthz")
    assert (health.status_code, health.text) == (200, "ok\n")
    ready = await gate.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "reasons": ["no-guards"]})
    page = await gate.client.get("/chat")
    assert (page.text, page.headers["content-type"]) == ("<p>chat", "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; base-uri 'none'")
    head = await gate.client.head("/chat")
    assert (head.status_code, head.content) == (200, b"")
    options = await gate.client.options(CHAT)
    assert (options.status_code, options.headers["allow"]) == (204, "POST, OPTIONS")
    assert "access-control-allow-origin" not in options.headers
    assert all("x-chatward-request-id" in got.headers for got in (health, ready, page, options))


async def test_pages_have_their_own_headers_and_one_address(open_gate: Open) -> None:
    given = (("content-security-policy", "default-src 'self'"), ("cache-control", "no-cache"))
    gate = await open_gate([], pages={"/chat": ("text/html", b"<p>chat")}, page_headers=given)
    page = await gate.client.get("/chat")
    assert page.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert page.headers.get_list("cache-control") == ["no-cache"]
    astray = await gate.client.get("/chat/")
    assert (astray.status_code, astray.headers["location"]) == (308, "../chat")
    assert str(astray.next_request.url) == str(page.url)
    for path in ("/chat//", "//chat/", "/", "/other/"):
        assert (await gate.client.get(path)).status_code == 404, path
    assert (await gate.client.post("/chat/")).status_code == 404


# --- refused ---


async def test_a_blocked_message_never_reaches_the_bot(open_gate: Open) -> None:
    gate = await open_gate(["read"])
    got = await gate.chat("please refuse-me")
    assert (got.status_code, got.json()["error"]["code"]) == (400, "content_filter")
    assert got.headers["x-chatward-action"] == "block"
    assert gate.bot.requests == []
    assert gate.ledger.events == ["message:input:judged"]
    assert gate.ledger.entries[0].fields["rule"] == "text.fake/refuse"
    assert gate.engine.screenings[0].finished == [(None, "")]


async def test_a_blocked_reply_is_replaced(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("so: stop-me now")])
    got = await gate.chat()
    assert got.status_code == 200
    assert got.json()["choices"][0]["finish_reason"] == "content_filter"
    assert "stop-me" not in got.text
    assert got.headers["x-chatward-action"] == "block"
    assert gate.ledger.entries[-1].fields["action"] == "block"


BAD = {
    "not json": (post(b"{"), 400, "json-invalid"),
    "no body": (post(b""), 400, "json-invalid"),
    "invalid utf-8": (post(b'{"model":"\xff"}'), 400, "json-invalid"),
    "lone surrogate": (post(b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}'), 400, "json-invalid"),
    "nan": (post(b'{"model":NaN}'), 400, "json-number"),
    "duplicate key": (post(b'{"model":"a","model":"b","messages":[]}'), 400, "json-duplicate-key"),
    "too deep": (post(b'{"model":"m","messages":' + b"[" * 100 + b"]" * 100 + b"}"), 400, "json-too-deep"),
    "wrong type": (post(b'{"model":"m","messages":7}'), 400, "field-type"),
    "missing field": (post(b'{"model":"m"}'), 400, "field-missing"),
    "declared too large": (post(b"", length=5000), 413, "body-too-large"),
    "chunks too large": (in_chunks(b" " * 2000), 413, "body-too-large"),
    "text": (post(head=b"host: x\r\ncontent-type: text/plain\r\n"), 415, "content-type"),
    "no type": (post(head=b"host: x\r\n"), 415, "content-type"),
    "gzip": (post(gzip.compress(GOOD, mtime=0), head=HEAD + b"content-encoding: gzip\r\n"), 415, "content-encoding"),
    "broken chunk": (in_chunks(GOOD, b"zz\r\n\r\n"), 400, "body-truncated"),
    "trailers": (in_chunks(GOOD, b"0\r\nx-t: 1\r\n\r\n"), 400, "body-truncated"),
    "no such path": (post(path=b"/v1/nothing"), 404, "not-found"),
    "dot segments": (b"GET /v1/models/../healthz HTTP/1.1\r\nhost: x\r\n\r\n", 404, "not-found"),
    "wrong method": (b"GET /v1/chat/completions HTTP/1.1\r\nhost: x\r\n\r\n", 405, "method-not-allowed"),
    "put": (b"PUT /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", 405, "method-not-allowed"),
    "slow body": (post(GOOD[:5], length=50), 408, "body-timeout"),
    "slow chunks": (in_chunks(b"{", b""), 408, "body-timeout"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_told_in_the_dialect_and_the_next_is_served(
    open_gate: Open, answer: Make, say: Make, name: str
) -> None:
    data, expected, reason = BAD[name]
    gate = await open_gate(
        ["read", say("ok")],
        limits=Limits(max_body=1000, body_timeout=0.2),
    )
    status, headers, body = read_answer(await gate.raw(data))
    error = orjson.loads(body)["error"]
    assert (status, error["code"]) == (expected, reason)
    assert error.keys() == {"message", "type", "param", "code"}
    assert headers["x-chatward-action"] == "block"
    if status == 405:
        assert "OPTIONS" in headers["allow"]
    assert gate.bot.requests == []
    await gate.settled("request:call:refused")
    assert gate.ledger.entries[0].fields["reason"] == reason
    assert f'reason="{reason}"' in gate.meter.render()
    assert (await gate.chat()).status_code == 200


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/nothing"])
async def test_an_anthropic_path_is_told_in_its_dialect(open_gate: Open, path: str) -> None:
    gate = await open_gate([])
    got = await gate.client.post(path, content=b"{", headers={"content-type": "application/json"})
    assert got.json()["type"] == "error"


@pytest.mark.parametrize(
    ("head", "sees"),
    [
        (b"content-length: 3\r\ncontent-length: 4\r\n", 400),
        (b"content-length: 57, 57\r\n", 400),
        (b"content-length: -1\r\n", 400),
        (b"transfer-encoding: gzip\r\n", 400),
        (b"transfer-encoding: chunked, gzip\r\n", 400),
        (b"content-length : 57\r\n", 400),
    ],
)
async def test_conflicting_lengths_are_refused_below(
    open_gate: Open, answer: Make, say: Make, head: bytes, sees: int
) -> None:
    gate = await open_gate(["read", say("ok")])
    raw = await gate.raw(b"POST %s HTTP/1.1\r\n%s%s\r\n%s" % (CHAT.encode(), HEAD, head, GOOD))
    assert read_answer(raw)[0] == sees
    assert gate.bot.requests == []
    assert (await gate.chat()).status_code == 200


async def test_length_beside_chunks_smuggles_nothing(open_gate: Open, answer: Make, say: Make) -> None:
    """RFC 9112 section 6.1: refused, and the connection is closed after the answer."""
    gate = await open_gate(["read", say("ok")] * 3)
    smuggled = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    data = b"POST %s HTTP/1.1\r\n%scontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n%s" % (
        CHAT.encode(), HEAD, len(GOOD), GOOD, smuggled,
    )  # fmt: skip
    raw = await gate.raw(data)
    assert raw.count(b"HTTP/1.1 ") == 1
    assert read_answer(raw)[0] == 400
    assert gate.bot.requests == []


async def test_who_uploads_too_much_reads_the_answer(open_gate: Open) -> None:
    """The rest is drained, so the answer is not lost in a reset."""
    gate = await open_gate([], limits=Limits(max_body=1000))
    size = 8_000_000

    def upload() -> bytes:
        import socket

        with socket.create_connection(("127.0.0.1", gate.port), 10) as sock:
            sock.sendall(post(b"", length=size) + b" " * size)
            return sock.recv(4096)

    assert read_answer(await asyncio.to_thread(upload))[0] == 413


async def test_a_cut_body_is_noted_and_the_next_is_served(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    _, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(post(GOOD[:9], length=50))
    await asyncio.sleep(0.1)
    writer.close()
    await gate.settled("request:call:refused")
    assert gate.ledger.entries[0].fields["reason"] == "body-truncated"
    assert (await gate.chat()).status_code == 200


async def test_too_many_at_once(open_gate: Open, say: Make) -> None:
    gate = await open_gate(
        ["read", 0.5, say("ok")],
        limits=Limits(max_concurrent=2),
    )
    got = await asyncio.gather(*(gate.chat() for _ in range(5)))
    assert sorted(one.status_code for one in got) == [200, 200, 503, 503, 503]
    refused = next(one for one in got if one.status_code == 503)
    assert refused.json()["error"]["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) >= 1
    assert gate.app.in_flight == 0


# --- identity ---


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": "Basic our-key"},
     {"authorization": "our-key"}],
)  # fmt: skip
async def test_without_a_key_nothing(open_gate: Open, headers: dict[str, str]) -> None:
    gate = await open_gate(["read"], keys=["our-key", "other"])
    got = await gate.chat(headers=headers)
    assert (got.status_code, got.json()["error"]["code"]) == (401, "not-authenticated")
    assert got.headers["www-authenticate"] == "Bearer"
    assert gate.engine.asked == []


async def test_a_key_of_ours_is_never_sent_on(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")] * 2, keys=["our-key"])
    assert (await gate.chat(headers={"authorization": "bearer our-key"})).status_code == 200
    both = {"x-api-key": "our-key", "authorization": "Bearer theirs"}
    assert (await gate.chat(headers=both)).status_code == 200
    first, second = gate.bot.requests
    assert (first.header("authorization"), first.header("x-api-key")) == (None, None)
    assert (second.header("authorization"), second.header("x-api-key")) == ("Bearer theirs", None)
    assert re.fullmatch(r"key:[0-9a-f]{16}", gate.engine.asked[0]["principal"])
    assert gate.engine.asked[0]["principal"] == gate.engine.asked[1]["principal"]


async def test_the_bot_gets_its_own_key(open_gate: Open, answer: Make, say: Make) -> None:
    gate = await open_gate(["read", say("ok"), "read", answer()],
                      api_key="bot-key")  # fmt: skip
    await gate.chat(headers={"authorization": "Bearer caller", "x-api-key": "caller"})
    message = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    await gate.client.post("/v1/messages", headers={"x-api-key": "caller"}, json=message)
    chat, messages = gate.bot.requests
    assert (chat.header("authorization"), chat.header("x-api-key")) == ("Bearer bot-key", None)
    assert (messages.header("authorization"), messages.header("x-api-key")) == (None, "bot-key")


async def test_callers_are_told_apart(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")] * 3)
    for headers in ({}, {"authorization": "Bearer a"}, {"x-api-key": "b"}):
        await gate.chat(headers=headers)
    assert len({asked["principal"] for asked in gate.engine.asked}) == 3
    assert gate.engine.asked[0]["principal"] == "anonymous"


# --- the bot fails ---


async def test_an_error_of_the_bot_is_passed_on_inspected(open_gate: Open, answer: Make) -> None:
    told = {
        "error": {"message": "too long: hide-me", "type": "invalid_request_error", "code": "context_length_exceeded"}
    }
    head = b"content-type: application/json\r\nretry-after: 7\r\nretry-after-ms: 6500\r\n"
    gate = await open_gate(["read", answer(orjson.dumps(told), head=head, status=b"429 Too Many Requests")])
    got = await gate.chat()
    assert got.status_code == 429
    assert got.json()["error"]["message"] == "too long: [hidden]"
    assert got.json()["error"]["code"] == "context_length_exceeded"
    assert got.headers["retry-after"] == "7"
    assert got.headers["retry-after-ms"] == "6500"
    assert gate.ledger.events == ["upstream:call:intended", "upstream:call:failed"]


OK = b"HTTP/1.1 200 OK\r\n"
HTML = b"content-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
FAILING: dict[str, tuple[list[Any], int, str]] = {
    "a page of some proxy": ([b"HTTP/1.1 503 Busy\r\n" + HTML], 503, "upstream-error"),
    "a redirect": ([b"HTTP/1.1 302 Found\r\nlocation: http://evil.example/\r\n" + HTML], 502, "upstream-error"),
    "a page": ([OK + HTML], 502, "upstream-content-type"),
    "no type": ([OK + b"content-length: 2\r\n\r\n{}"], 502, "upstream-content-type"),
    "a stream": ([OK + b"content-type: text/event-stream\r\ncontent-length: 0\r\n\r\n"], 502, "upstream-content-type"),
    "no object": ([OK + JSON + b"content-length: 2\r\n\r\n[]"], 502, "upstream-malformed"),
    "half a body": ([OK + JSON + b"content-length: 9\r\n\r\n{}", "close"], 502, "upstream-truncated"),
    "no http": ([b"garbage\r\n\r\n"], 502, "upstream-malformed"),
    "no answer": (["close"], 502, "upstream-unreachable"),
    "silence": (["stall"], 504, "upstream-timeout"),
    "too much": ([OK + JSON + b"content-length: 9999999\r\n\r\n", "stall"], 502, "upstream-too-large"),
}


@pytest.mark.parametrize("name", FAILING)
async def test_a_bot_that_fails_is_an_error_of_the_dialect(open_gate: Open, name: str) -> None:
    script, status, reason = FAILING[name]
    gate = await open_gate(["read", *script], read_timeout=0.2)
    got = await gate.chat()
    assert (got.status_code, got.json()["error"]["code"]) == (status, reason)
    assert "evil" not in got.text
    assert "location" not in got.headers
    assert gate.ledger.events == ["upstream:call:intended", "upstream:call:failed"]
    assert gate.ledger.entries[1].fields["reason"] == reason


async def test_a_refusal_of_our_own_key_is_not_the_callers_fault(open_gate: Open, answer: Make) -> None:
    body = b'{"error":{"message":"Incorrect API key provided: bot-k***"}}'
    gate = await open_gate(["read", answer(body, head=JSON, status=b"401 No")], api_key="bot-key")
    got = await gate.chat()
    assert (got.status_code, got.json()["error"]["code"]) == (502, "upstream-unauthorized")
    assert "bot-k" not in got.text


# --- the ledger fails ---


async def test_without_a_record_nothing_is_sent(open_gate: Open) -> None:
    gate = await open_gate(["read"])
    gate.ledger.failing = "ledger-disk-full"
    got = await gate.chat()
    assert (got.status_code, got.json()["error"]["code"]) == (503, "ledger-disk-full")
    assert gate.bot.requests == []


async def test_without_a_record_nothing_is_delivered(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", 0.2, say("secret-answer")])
    asking = asyncio.ensure_future(gate.chat())
    await gate.settled("upstream:call:intended")
    gate.ledger.failing = "ledger-disk-full"
    got = await asking
    assert (got.status_code, got.json()["error"]["code"]) == (503, "ledger-disk-full")
    assert "secret-answer" not in got.text


async def test_a_slow_record_is_waited_for(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    gate.ledger.stalled = True
    asking = asyncio.ensure_future(gate.chat())
    await asyncio.sleep(0.15)
    assert gate.bot.requests == []
    gate.ledger.stalled = False
    gate.ledger.release()
    assert (await asking).status_code == 200


# --- leaving, bugs, logs ---


@pytest.mark.parametrize(
    "script",
    [
        ["read", "stall"],
        ["read", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{", "stall"],
    ],
)
async def test_a_caller_who_leaves_ends_the_call(open_gate: Open, script: list[Any]) -> None:
    gate = await open_gate(script)
    _, writer = await asyncio.open_connection("127.0.0.1", gate.port)
    writer.write(post())
    await gate.settled("upstream:call:intended")
    await asyncio.sleep(0.2)
    writer.close()
    await asyncio.wait_for(gate.bot.gone.wait(), 5)
    await gate.settled("reply:output:aborted")
    assert gate.ledger.entries[-1].fields["outcome"] == "client-left"
    assert gate.app.in_flight == 0


async def test_watching_for_leavers_leaves_nothing_behind(open_gate: Open, say: Make) -> None:
    """Slow answers on one kept connection: each watch is over with its request."""
    gate = await open_gate(["read", 0.25, say("ok")] * 3)
    for _ in range(3):
        assert (await gate.chat()).status_code == 200
    assert gate.app.in_flight == 0


@pytest.mark.parametrize("where", ["request", "reply"])
async def test_a_bug_is_an_error_without_words(
    open_gate: Open, say: Make, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    gate = await open_gate(["read", say("explode canary-7f")] * 2)
    with caplog.at_level(logging.DEBUG):
        got = await gate.chat("explode canary-7f" if where == "request" else "hello canary-7f")
    assert (got.status_code, got.json()["error"]["code"]) == (500, "internal-error")
    assert "RuntimeError" in caplog.text
    assert "canary-7f" not in caplog.text
    assert "canary-7f" not in got.text


async def test_guards_that_cannot_run_are_counted(open_gate: Open, say: Make) -> None:
    gate = await open_gate(["read", say("ok")])
    gate.engine.unavailable = (Unavailable("text.fake", "timeout"),)
    await gate.chat()
    line = 'chatward_guard_unavailable_total{route="default",guard="text.fake",reason="timeout"} 1'
    assert line in gate.meter.render()


async def test_a_flood_of_refusals_does_not_flood_the_record(open_gate: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = await open_gate([])
    second = 1000.0
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: second))
    for _ in range(records.REFUSALS_PER_SECOND + 30):
        await gate.client.get("/nowhere")
    assert len(gate.ledger.entries) == records.REFUSALS_PER_SECOND
    second += 1
    await gate.client.get("/nowhere")
    assert gate.ledger.entries[-1].fields["left_out"] == 30


@pytest.mark.parametrize("credential", ["cw_live_0123456789ab_x", "cww_eyJhbGciOiJIUzI1NiJ9.e30.x"])
async def test_what_chatward_gave_out_never_goes_to_a_bot(open_gate: Open, say: Make, credential: str) -> None:
    gate = await open_gate(["read", say("ok")] * 2)
    await gate.chat(headers={"authorization": f"Bearer {credential}"})
    await gate.chat(headers={"x-api-key": credential})
    assert [seen.header(name) for seen in gate.bot.requests for name in ("authorization", "x-api-key")] == [None] * 4
