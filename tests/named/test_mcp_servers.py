"""The official MCP client and server with the gateway between them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from mcp import Client, MCPError
from mcp.types import ElicitResult

from chatward.channels.mcp import FAILED, STOPPED
from chatward.cli import main
from tests.simulators.gateway import RunningGateway
from tests.simulators.mcp_server import INJECTION, RunningServer


def url(gateway: RunningGateway) -> str:
    return f"{gateway.url}/mcp/shop"


def said(result: Any) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_lists_calls_reads_and_prompts(
    gateway: RunningGateway, server: RunningServer, mode: Any
) -> None:
    async with Client(url(gateway), mode=mode) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"weather", "page", "customer", "paint", "slow"} <= names
        assert said(await client.call_tool("weather", {"city": "Oslo"})) == "Sunny in Oslo."
        contents: Any = (await client.read_resource("shop://hours")).contents[0]
        assert contents.text == "Monday to Friday."
        prompt = (await client.get_prompt("greet", {"name": "the new team"})).messages[0]
        assert prompt.content.text == "Please greet the new team."  # type: ignore[union-attr]
    assert ("weather", "Oslo") in server.calls


async def stopped(doing: Any) -> dict[str, Any]:
    """The ``data`` of the JSON-RPC error that stops something, and its code as ``code``."""
    with pytest.raises(MCPError) as error:
        await doing
    return {**error.value.error.data, "code": error.value.error.code}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_instructions_in_what_a_tool_says_do_not_arrive(gateway: RunningGateway, mode: Any) -> None:
    async with Client(url(gateway), mode=mode) as client:
        assert said(await client.call_tool("page", {"number": 0})) == "Opening hours: 9 to 5."
        told = await stopped(client.call_tool("page", {"number": 1}))
        assert (told["code"], told["reason"]) == (STOPPED, "reply-blocked")
        assert "indirect-injection" in told["categories"]
        told = await stopped(client.read_resource("shop://mail"))
        assert told["reason"] == "reply-blocked"
        assert said(await client.call_tool("page", {"number": 0})) == "Opening hours: 9 to 5.", "the session goes on"


async def test_instructions_in_arguments_do_not_reach_the_tool(gateway: RunningGateway, server: RunningServer) -> None:
    before = len(server.calls)
    async with Client(url(gateway)) as client:
        told = await stopped(client.call_tool("weather", {"city": INJECTION}))
    assert (told["code"], told["reason"]) == (STOPPED, "input-blocked")
    assert len(server.calls) == before


async def test_a_tool_gets_the_callers_values_and_the_caller_no_others(
    gateway: RunningGateway, server: RunningServer
) -> None:
    async with Client(url(gateway)) as client:
        await client.call_tool("weather", {"city": "mail me at ann.other@example.com"})
        assert server.calls[-1] == ("weather", "mail me at ann.other@example.com")
        result = said(await client.call_tool("customer", {"name": "number 7"}))
    assert "other.person@example.com" not in result
    assert "AKIAIOSFODNN7EXAMPL2" not in result
    assert result.startswith("number 7")


async def test_a_poisoned_description_does_not_arrive(gateway: RunningGateway, server: RunningServer) -> None:
    server.poison()
    try:
        async with Client(url(gateway)) as client:
            told = await stopped(client.list_tools())
            assert told["reason"] == "reply-blocked"
    finally:
        server.heal()


async def test_what_a_server_asks_in_the_middle_of_a_call_arrives(gateway: RunningGateway) -> None:
    asked: list[str] = []

    async def answer(context: Any, params: Any) -> Any:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"colour": "blue"})

    heard: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    for mode in ("auto", "legacy"):
        async with Client(url(gateway), mode=mode, elicitation_callback=answer) as client:
            if mode == "legacy":  # 2026-07-28 has no requests of servers
                assert "blue" in said(await client.call_tool("paint", {}))
            assert said(await client.call_tool("slow", {}, progress_callback=note)) == "done"
    assert asked == ["Which colour do you like?"]
    assert heard == ["half of it", "all of it"] * 2


def initialised(gateway: RunningGateway, headers: dict[str, str] | None = None) -> dict[str, str]:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    head = {"accept": "application/json, text/event-stream", **(headers or {})}
    got = httpx.post(url(gateway), json=body, headers=head)
    assert got.status_code == 200, got.text
    return {**head, "mcp-session-id": got.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}


def test_a_session_is_its_callers(gateway: RunningGateway) -> None:
    mine = initialised(gateway, {"authorization": "Bearer sk-ann"})
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert httpx.post(url(gateway), json=ping, headers=mine).status_code == 200
    for thief in (
        {**mine, "authorization": "Bearer sk-eve"},
        {**mine, "mcp-session-id": mine["mcp-session-id"].rpartition(".")[0]},
        {**mine, "mcp-session-id": mine["mcp-session-id"][:-1] + ("A" if mine["mcp-session-id"][-1] != "A" else "B")},
    ):
        got = httpx.post(url(gateway), json=ping, headers=thief)
        assert (got.status_code, got.json()["error"]["data"]["reason"]) == (404, "session-unknown")
        assert got.json()["id"] == 2
    assert httpx.delete(url(gateway), headers=mine).status_code == 200
    assert httpx.post(url(gateway), json=ping, headers=mine).status_code == 404


def test_the_servers_own_stream_opens(gateway: RunningGateway) -> None:
    head = initialised(gateway)
    with httpx.stream("GET", url(gateway), headers={**head, "accept": "text/event-stream"}) as stream:
        assert (stream.status_code, stream.headers["content-type"]) == (200, "text/event-stream")
    assert httpx.put(url(gateway), headers=head).status_code == 405


@pytest.mark.parametrize(
    ("body", "status", "code", "reason"),
    [
        (b"{", 400, -32700, "json-invalid"),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 400, -32700, "json-duplicate-key"),
        (b'[],"x":[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32700, "json-invalid"),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32600, "field-type"),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', 400, -32600, "field-type"),
        (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"weather"}}', 400, -32600, "field-type"),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a b"}}', 400, -32600, "field-type"),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', 400, -32600, "field-type"),
        (b"[]", 400, -32600, "field-type"),
    ],
)
def test_what_is_no_message_is_refused(
    gateway: RunningGateway, body: bytes, status: int, code: int, reason: str
) -> None:
    got = httpx.post(url(gateway), content=body, headers={"content-type": "application/json"})
    error = got.json()["error"]
    assert (got.status_code, error["code"], error["data"]["reason"]) == (status, code, reason)


async def test_a_tool_that_changes_is_gone_until_somebody_accepts_it(
    gateway: RunningGateway, server: RunningServer, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Client(url(gateway), mode="legacy", cache=None) as client:
        assert "weather" in {tool.name for tool in (await client.list_tools()).tools}
        server.describe("The weather, and more.")
        assert "weather" not in {tool.name for tool in (await client.list_tools()).tools}
        before = len(server.calls)
        told = await stopped(client.call_tool("weather", {"city": "Oslo"}))
        assert (told["code"], told["reason"], len(server.calls)) == (FAILED, "tool-changed", before)
        config = gateway.folder / "chatward.toml"
        config.write_text(f'[ledger]\npath = "{gateway.ledger}"\n[mcp.shop]\nupstream = "{server.url}"\n')
        assert main(["mcp", "list", "--json", "--config", str(config)]) == 0
        states = {one["tool"]: one["state"] for one in json.loads(capsys.readouterr().out)["tools"]}
        assert states["weather"] == "tool-changed"
        assert {states[name] for name in states if name != "weather"} == {"good"}
        for tool, status in (("nothing", 2), ("weather", 0)):
            command = ["mcp", "accept", "shop", tool, "--config", str(config)]
            assert await asyncio.to_thread(main, command) == status  # a command has a loop of its own
        assert "weather" in {tool.name for tool in (await client.list_tools()).tools}
        assert said(await client.call_tool("weather", {"city": "Oslo"})) == "Rain in Oslo."
    refused = [one for one in gateway.records() if one.event == "mcp:tool:refused"]
    assert [one.fields["reason"] for one in refused] == ["tool-changed"]


async def test_rights_on_tools_hold_before_the_server_is_asked(gateway: RunningGateway, server: RunningServer) -> None:
    async with Client(url(gateway)) as client:
        told = await stopped(client.call_tool("wipe", {}))
        assert (told["code"], told["rule"]) == (STOPPED, "identity.access/tool-denied")
    assert "wipe" not in {name for name, _ in server.calls}


def test_a_call_waits_for_another_persons_consent(
    gateway: RunningGateway, server: RunningServer, console: httpx.Client, key: str
) -> None:
    head = initialised(gateway, {"authorization": f"Bearer {key}"})
    body = {
        "jsonrpc": "2.0",
        "id": 9,
        "method": "tools/call",
        "params": {"name": "refund", "arguments": {"cents": 250}},
    }
    got = httpx.post(url(gateway), json=body, headers=head)
    assert (got.status_code, got.json()["id"], got.json()["error"]["code"]) == (401, 9, FAILED)
    assert got.json()["error"]["data"]["reason"] == "step-up-required"
    number = got.headers["x-chatward-challenge"]
    assert "refund" not in {name for name, _ in server.calls}
    (waiting,) = console.get("/api/v1/approvals").json()
    assert (waiting["id"], waiting["tool"]) == (number, "refund")
    decided = console.post(f"/api/v1/approvals/{number}/decision", json={"approve": True, "reason": "expected"})
    assert decided.status_code == 200, decided.text
    other = {**body, "params": {"name": "refund", "arguments": {"cents": 99_999}}}
    again = {**head, "x-chatward-challenge": number}
    assert httpx.post(url(gateway), json=other, headers=again).status_code == 401, "consent was to other arguments"
    assert "Refunded" in httpx.post(url(gateway), json=body, headers=again).text
    assert [call for call in server.calls if call[0] == "refund"] == [("refund", 250)]
    assert httpx.post(url(gateway), json=body, headers=again).status_code == 401, "once"
