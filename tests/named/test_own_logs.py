"""Nothing that people, bots, servers or webhooks write stands in any file of the gateway."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import httpx
from mcp import Client, MCPError

from tests.named.signing import signed
from tests.simulators.gateway import RunningGateway
from tests.simulators.mcp_server import RunningServer

CANARY = "canary-8f3a61"


async def speak(url: str) -> None:
    async with Client(url, mode="legacy") as client:
        await client.call_tool("weather", {"city": CANARY})
        for doing in (client.call_tool(CANARY, {CANARY: CANARY}), client.read_resource(f"shop://{CANARY}")):
            with suppress(MCPError):
                await doing


def test_no_text_is_in_any_file(gateway: RunningGateway, server: RunningServer) -> None:
    rasa = {"sender": CANARY, "message": f"hello {CANARY}", "metadata": {CANARY: CANARY}}
    assert CANARY in httpx.post(f"{gateway.url}/channels/shop?stream=true&{CANARY}={CANARY}", json=rasa).text
    broken = {"sender": CANARY, CANARY: CANARY}
    assert httpx.post(f"{gateway.url}/channels/shop", json=broken).status_code == 400
    body, fields = signed({"message": {"text": CANARY}, "user": {"id": CANARY}, CANARY: CANARY}, CANARY)
    assert CANARY in httpx.post(f"{gateway.url}/channels/desk", content=body, headers=fields).text
    assert httpx.post(f"{gateway.url}/channels/desk", content=body + b" ", headers=fields).status_code == 401
    asyncio.run(speak(f"{gateway.url}/mcp/shop"))
    head = {"mcp-session-id": CANARY, "last-event-id": CANARY}
    assert httpx.post(f"{gateway.url}/mcp/shop", json={"jsonrpc": CANARY, "id": CANARY}, headers=head).is_error
    records = json.dumps([record.fields for record in gateway.records()], default=str)
    assert CANARY not in records
    files = [path for path in gateway.folder.rglob("*") if path.is_file()]
    assert {"ledger.db", "gateway.log", "chatward-mcp.db"} <= {path.name for path in files}
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
