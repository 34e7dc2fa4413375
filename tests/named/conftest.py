"""One gateway in front of a Rasa assistant, a webhook bot and an MCP server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from chatward.identity.key_store import KeyStore
from chatward.identity.operators import Operators
from chatward.identity.passwords import Passwords
from chatward.settings import Authorization, Bot, LedgerSettings, Route, Server, Settings
from chatward.settings.channels import Channel, McpServer
from chatward.stores.database import Database
from tests.simulators.assistant import OURS, THEIRS, Assistant
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.mcp_server import RunningServer

PASSWORD = "a rather long pass phrase"
# Consent needs two factors by the shipped policies; here one is enough, so that the tests need no app.
POLICY = """
@id("own/console") permit (principal is Operator in Role::"operator", action in Action::"admin:*:*", resource);
@id("own/everybody") permit (principal, action in [Action::"message:send", Action::"tool:call"], resource);
@id("own/refund") @approval("operator")
forbid (principal, action == Action::"tool:call", resource == Tool::"refund") unless { context.approved };
@id("own/wipe") forbid (principal, action == Action::"tool:call", resource == Tool::"wipe");
"""


@pytest.fixture(scope="session")
def assistant() -> Iterator[Assistant]:
    made = Assistant()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    made = RunningServer()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def gateway(
    assistant: Assistant, server: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("named")
    (folder / "own.cedar").write_text(POLICY)
    settings = Settings(
        server=Server(port=0, admin_port=0),
        ledger=LedgerSettings(path="ledger.db", durability="process"),
        channels={
            "shop": Channel(kind="rasa", upstream=assistant.url),
            "desk": Channel(
                kind="webhook",
                upstream=assistant.url,
                path="/hook",
                text=("/message/text",),
                reply=("/replies/*/text",),
                sender="/user/id",
                untouched=("/user",),
                signature="standard",
                secret="env:DESK_SECRET",
                upstream_secret="env:DESK_UPSTREAM",
            ),
        },
        mcp={"shop": McpServer(bot="server")},
        bots={"default": Bot(upstream=assistant.url), "server": Bot(upstream=server.url)},
        routes={"default": Route(guards=GUARDS)},
        authorization=Authorization(policies=(str(folder / "own.cedar"),), default=False),
    )
    running = RunningGateway(settings, folder, {"DESK_SECRET": OURS, "DESK_UPSTREAM": THEIRS})
    yield running
    running.stop()


@pytest.fixture(scope="session")
def console(gateway: RunningGateway) -> Iterator[httpx.Client]:
    """Somebody who may consent to tool calls."""
    database = Database(gateway.folder / "chatward-identity.db")
    Operators(database, Passwords(), lambda entry: None).create("olga", PASSWORD, ["operator"])
    with httpx.Client(base_url=gateway.admin_url, timeout=60, headers={"origin": gateway.admin_url}) as client:
        signed = client.post("/api/v1/session", json={"name": "olga", "password": PASSWORD})
        assert signed.status_code == 200, signed.text
        client.headers["x-csrf-token"] = signed.json()["csrf"]
        yield client
    database.close()


@pytest.fixture(scope="session")
def key(gateway: RunningGateway) -> str:
    """A program's own key."""
    database = Database(gateway.folder / "chatward-identity.db")
    try:
        return KeyStore(database, lambda entry: None).create("agent").key
    finally:
        database.close()
