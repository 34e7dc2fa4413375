"""One scripted bot and one gateway in front of it, for all tests of the matrix that a worker runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from chatward.settings import Bot, LedgerSettings, Route, Server, Settings
from tests.matrix.table import CANARY, REFUSAL, SCENES, Cell, cells
from tests.simulators.gateway import DOWN, GUARDS, RunningGateway
from tests.simulators.upstream import ScriptedUpstream

NODE: Final = Path(__file__).parents[1] / "node"
KEYS: Final = {"MATRIX_KEY": "key-of-the-matrix", "MATRIX_OTHER_KEY": "key-of-somebody-else"}


def _routes() -> dict[str, Route]:
    canaries = ("env:MATRIX_CANARY",)

    def route(name: str, **settings: object) -> Route:
        guards = settings.pop("guards", GUARDS)
        return Route(models=(f"{name}~*",), guards=guards, canaries=canaries, refusal=REFUSAL, **settings)  # type: ignore[arg-type]

    routes = {"enforce": route("enforce"), "monitor": route("monitor", mode="monitor")}
    for name in DOWN:
        guards = (*GUARDS, f"test.down-{name}")
        routes[f"down-{name}"] = route(f"down-{name}", guards=guards)
        routes[f"open-{name}"] = route(f"open-{name}", guards=guards, on_unavailable="allow")
        routes[f"watch-{name}"] = route(f"watch-{name}", guards=guards, mode="monitor")
    return routes


@pytest.fixture(scope="session")
def bot() -> Iterator[ScriptedUpstream]:
    """The guarded bot: it plays ``table.SCENES``."""
    with ScriptedUpstream(SCENES) as bot:
        yield bot


@pytest.fixture(scope="session")
def gateway(bot: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The real gateway: a route by the first word of the model's name (``enforce~...``, ``down-input~...``)."""
    settings = Settings(
        upstream=bot.url,
        bots={"default": Bot(upstream=bot.url, api_key="env:MATRIX_BOT_KEY")},
        server=Server(port=0, admin_port=0, keys=("env:MATRIX_KEY", "env:MATRIX_OTHER_KEY")),
        routes=_routes(),
        ledger=LedgerSettings(path="ledger.db", durability="process"),
    )
    environment = {"MATRIX_CANARY": CANARY, "MATRIX_BOT_KEY": "key-of-the-bot", **KEYS}
    running = RunningGateway(settings, tmp_path_factory.mktemp("gateway"), environment)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def node_results(gateway: RunningGateway) -> Callable[[Cell], dict[str, Any]]:
    """What the Node clients report of a cell. One process a client runs all its cells, when the first is asked for."""
    results: dict[str, dict[str, Any]] = {}

    def result(cell: Cell) -> dict[str, Any]:
        if shutil.which("node") is None:
            pytest.skip("no node: the rows run with the Python clients; what Node's read is not checked")
        if not (NODE / "node_modules" / "openai").is_dir():
            pytest.skip("npm ci in tests/node: the rows run with the Python clients; what Node's read is not checked")
        if cell.client not in results:
            results[cell.client] = _driven(gateway, cell.client)
        told: dict[str, Any] = results[cell.client][cell.id]
        assert "bug" not in told, told["bug"]
        return told

    return result


def _driven(gateway: RunningGateway, client: str) -> dict[str, Any]:
    jobs = [cell.job for cell in cells() if cell.client == client]
    given = {"base_url": gateway.base_url, "key": KEYS["MATRIX_KEY"], "jobs": jobs}
    script = f"{client.removesuffix('_node')}.mjs"
    ran = subprocess.run(
        ["node", script], input=json.dumps(given).encode(), cwd=NODE, capture_output=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode(errors="replace")[-4000:]
    told: dict[str, Any] = json.loads(ran.stdout)
    return told
