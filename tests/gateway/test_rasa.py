"""A Rasa assistant behind the gateway. The peer follows the documented answers of Rasa 3.6."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from chatward.channels.rasa import Rasa
from chatward.gateway.cross_origin import CrossOrigin

Open = Callable[..., Awaitable[Any]]
Make = Callable[..., bytes]

JSON = b"content-type: application/json\r\n"
SSE = b"content-type: text/event-stream\r\n"
SAID = {"sender": "ann", "message": "hello hide-me"}


def messages(*texts: str) -> bytes:
    return orjson.dumps([{"recipient_id": "ann", "text": text} for text in texts])


async def test_a_message_goes_there_and_back(open_gate: Open, answer: Make) -> None:
    gate = await open_gate(
        ["read", answer(messages("good hide-me", "two"), head=JSON)], wires=[Rasa("shop", "default")]
    )
    got = await gate.client.post("/channels/shop", json=SAID)
    assert (got.status_code, got.headers["x-chatward-action"]) == (200, "redact")
    assert got.json() == [{"recipient_id": "ann", "text": "good [hidden]"}, {"recipient_id": "ann", "text": "two"}]
    assert gate.bot.requests[0].line == "POST /webhooks/rest/webhook HTTP/1.1"
    assert orjson.loads(gate.bot.requests[0].body) == {"sender": "ann", "message": "hello [hidden]"}
    assert gate.ledger.events == ["upstream:call:intended", "reply:output:judged"]
    assert gate.engine.asked[0]["channel"] == "rasa"


async def test_rasas_own_path_counts_as_the_same_channel(open_gate: Open, answer: Make) -> None:
    gate = await open_gate(["read", answer(messages("yes"), head=JSON)], wires=[Rasa("shop", "default")])
    assert (await gate.client.post("/channels/shop/webhooks/rest/webhook", json=SAID)).json()[0]["text"] == "yes"
    assert gate.engine.asked[0]["path"] == "/channels/shop"


async def test_a_refusal_reads_as_the_bots_own_message(open_gate: Open) -> None:
    gate = await open_gate(["read"], wires=[Rasa("shop", "default")])
    got = await gate.client.post("/channels/shop", json={"sender": "ann", "message": "refuse-me"})
    assert (got.status_code, got.headers["x-chatward-action"]) == (200, "block")
    assert got.json() == [{"recipient_id": "ann", "text": "This message was stopped by a safety check."}]
    assert gate.bot.requests == []
    assert gate.ledger.events == ["message:input:judged"]


async def test_a_blocked_reply_reads_the_same(open_gate: Open, answer: Make) -> None:
    gate = await open_gate(["read", answer(messages("ok", "stop-me"), head=JSON)], wires=[Rasa("shop", "default")])
    got = await gate.client.post("/channels/shop", json=SAID)
    assert (got.status_code, got.headers["x-chatward-action"]) == (200, "block")
    assert "stop-me" not in got.text


async def test_a_stream_flows_line_by_line_without_comments(open_gate: Open, chunked: Make) -> None:
    lines = [orjson.dumps({"recipient_id": "ann", "text": text}) + b"\n" for text in ("one", "two hide-me", "three")]
    gate = await open_gate(["read", chunked(lines[0][:9], lines[0][9:] + lines[1], lines[2], head=SSE)],
                           wires=[Rasa("shop", "default")])  # fmt: skip
    got = await gate.client.post("/channels/shop/webhooks/rest/webhook?stream=true", json=SAID)
    assert [orjson.loads(line)["text"] for line in got.text.splitlines()] == ["one", "two [hidden]", "three"]
    assert gate.bot.requests[0].line == "POST /webhooks/rest/webhook?stream=true HTTP/1.1"
    await gate.settled("reply:output:delivered")


async def test_errors_have_rasas_shape_and_other_methods_are_refused(open_gate: Open, answer: Make) -> None:
    gate = await open_gate(
        ["read", answer(b"<html>", head=b"content-type: text/html\r\n")], wires=[Rasa("shop", "default")]
    )
    got = await gate.client.post("/channels/shop", json={"sender": "ann"})
    assert (got.status_code, got.json()["reason"]) == (400, "field-missing")
    assert (await gate.client.post("/channels/shop", json=SAID)).json()["reason"] == "upstream-content-type"
    refused = await gate.client.get("/channels/shop")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, OPTIONS")
    assert (await gate.client.post("/channels/other", json=SAID)).status_code == 404


async def test_pages_of_listed_origins_may_ask(open_gate: Open, answer: Make) -> None:
    sharing = CrossOrigin(lambda scope: "https://gate.example", api=("https://shop.example",))
    gate = await open_gate(
        ["read", answer(messages("yes"), head=JSON)], wires=[Rasa("shop", "default")], cross_origin=sharing
    )
    page = {"origin": "https://shop.example"}
    wanted = {**page, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    allowed = await gate.client.options("/channels/shop/webhooks/rest/webhook", headers=wanted)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "https://shop.example")
    got = await gate.client.post("/channels/shop", json=SAID, headers=page)
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, "https://shop.example")
    other = await gate.client.post("/channels/shop", json=SAID, headers={"origin": "https://evil.example"})
    assert (other.status_code, other.json()["reason"]) == (403, "origin-not-allowed")
