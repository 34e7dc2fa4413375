"""Automated clients that sign: by the directory on their own site, and one gateway before another."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.error import HTTPError

import pytest

from chatward.agents import COOL, FRESH, STALE, AgentError, Agents, principal_of
from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched, Kind, Presented, Principal
from chatward.gateway.bodies import Fields
from chatward.genuine.directory import directory
from chatward.genuine.keyring import Keyring
from chatward.genuine.message_signatures import DIRECTORY, DIRECTORY_TAG, Message, bot_headers, verify
from chatward.settings import Bot, Identity, LedgerSettings, Route, Server, Settings
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Scene
from tests.simulators.upstream import ScriptedUpstream

AGENT = "https://agent.example"
URL = "https://chat.example.com/v1/chat/completions"


class Headers(dict[str, str]):
    def get_all(self, key: str) -> list[str]:
        return [self[key]] if key in self else []


class World:
    """An agent with keys and a directory, and whom it asks. ``asked`` counts how often the directory was."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_795_000_000.0
        self.ring = Keyring(folder / "signing.json", lambda: self.now)
        self.asked = 0
        self.down = False
        self.agents = Agents([AGENT], self.fetch, clock=lambda: self.now, most=3)

    async def fetch(self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Fetched:
        assert (method, url) == ("GET", AGENT + DIRECTORY)
        self.asked += 1
        if self.down:
            raise UpstreamError("It does not answer.")
        return Fetched(200, *directory(AGENT, self.ring.keys, self.now))

    def request(self, *, nonce: str = "", agent: str = AGENT, url: str = URL, to: str = URL) -> Presented:
        key = self.ring.current
        fields = bot_headers("POST", url, key.private, key.kid, agent, now=self.now, nonce=nonce)
        found: Fields = Headers(fields)
        return Presented("POST", to, found)

    async def known(self, presented: Presented) -> Principal:
        answer: Principal = await self.agents.identify(presented)
        return answer

    async def refused(self, presented: Presented) -> str:
        with pytest.raises(AgentError) as caught:
            await self.agents.identify(presented)
        return caught.value.reason


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_an_agent_is_known_by_its_site(world: World) -> None:
    principal = await world.known(world.request())
    assert (principal.id, principal.kind) == ("agent:agent.example", Kind.SERVICE)
    assert world.agents.valid(principal)
    assert not Agents([], world.fetch).valid(principal)
    await world.known(world.request())
    assert world.asked == 1


async def test_what_is_not_signed_for_this_is_nobodys(world: World) -> None:
    assert world.agents.identify(Presented("POST", URL, Headers())) is None
    other = Headers({"signature-input": 'sig1=("@method");tag="other"', "signature": "sig1=:AA==:"})
    assert world.agents.identify(Presented("POST", URL, other)) is None


async def test_what_does_not_hold_is_refused(world: World) -> None:
    assert await world.refused(world.request(to=URL.replace("chat.", "other."))) == "agent-signature-invalid"
    assert await world.refused(world.request(agent="https://evil.example")) == "agent-unknown"
    assert (
        await world.refused(Presented("POST", URL, Headers({"signature-input": "(", "signature": "("})))
        == "agent-signature-invalid"
    )
    late = world.request()
    world.now += 301
    assert await world.refused(late) == "agent-signature-invalid"


async def test_a_nonce_works_once(world: World) -> None:
    once = world.request(nonce="n1")
    await world.known(once)
    assert await world.refused(once) == "agent-signature-replayed"
    await world.known(world.request(nonce="n2"))
    await world.known(world.request(nonce="n3"))
    assert await world.refused(world.request(nonce="n4")) == "agents-overloaded"
    world.now += 301
    await world.known(world.request(nonce="n5"))


async def test_made_up_keys_fetch_nothing(world: World, tmp_path: Path) -> None:
    await world.known(world.request())
    (tmp_path / "other").mkdir()
    thief = World(tmp_path / "other")
    for _ in range(5):
        assert await world.refused(thief.request()) == "agent-signature-invalid"
    assert world.asked == 1
    world.now += COOL
    thief.now = world.now
    for _ in range(5):
        assert await world.refused(thief.request()) == "agent-signature-invalid"
    assert world.asked == 2


async def test_another_key_is_found_and_a_revoked_one_forgotten(world: World) -> None:
    await world.known(world.request())
    old = world.request()
    world.now += COOL
    world.ring.revoke(world.ring.current.kid)
    await world.known(world.request())
    assert world.asked == 2
    assert await world.refused(old) == "agent-signature-invalid"


async def test_a_site_that_is_down_is_known_for_a_day(world: World) -> None:
    await world.known(world.request())
    world.down = True
    world.now += FRESH + 1
    await world.known(world.request())
    world.now += STALE
    assert await world.refused(world.request()) == "agent-signature-invalid"


async def test_a_site_that_never_answered_lets_nobody_in(world: World) -> None:
    world.down = True
    assert await world.refused(world.request()) == "agent-signature-invalid"


@pytest.mark.xdist_group("agents")
def test_one_gateway_before_another(tmp_path: Path) -> None:
    """The inner one knows the outer one by its directory, and its callers by nothing else."""
    outer_folder, inner_folder = tmp_path / "outer", tmp_path / "inner"
    outer_folder.mkdir()
    inner_folder.mkdir()
    routes = {"default": Route(guards=GUARDS)}
    ledger = LedgerSettings(path="ledger.db")
    with ScriptedUpstream({"hello": Scene(text="Hello there.")}) as bot:
        port = _free()
        inner = RunningGateway(
            Settings(
                upstream=bot.url, server=Server(port=0, admin_port=0), ledger=ledger, routes=routes,
                identity=Identity(anonymous=False, agents=(f"http://127.0.0.1:{port}",)),
            ),
            inner_folder,
        )  # fmt: skip
        outer = RunningGateway(
            Settings(
                bots={"default": Bot(upstream=inner.base_url, sign=True)}, server=Server(port=port, admin_port=0),
                ledger=ledger, routes=routes,
            ),
            outer_folder,
        )  # fmt: skip
        try:
            assert _asked(outer.base_url) == 200
            assert _asked(inner.base_url) == 401
            told = [
                record.fields.get("principal") for record in inner.records() if record.event == "upstream:call:intended"
            ]
            assert told == [principal_of(outer.url)]
            with urllib.request.urlopen(outer.url + DIRECTORY, timeout=30) as answer:
                fields = [(name.lower(), value) for name, value in answer.headers.items()]
            asked = Message("GET", outer.url + DIRECTORY)
            keys = {key.kid: key.private.public_key() for key in Keyring(outer_folder / "chatward-signing.json").keys}
            verify(Message("GET", asked.url, fields, asked), keys, now=_now(fields), tag=DIRECTORY_TAG)
        finally:
            assert outer.stop() == 0
            assert inner.stop() == 0


def _asked(base_url: str) -> int:
    body = json.dumps({"model": "ann~hello", "messages": [{"role": "user", "content": "Good morning"}]}).encode()
    request = urllib.request.Request(f"{base_url}/chat/completions", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status: int = answer.status
            return status
    except HTTPError as error:
        return error.code


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _now(fields: Sequence[tuple[str, str]]) -> float:
    import re

    found = re.search(r"created=(\d+)", dict(fields)["signature-input"])
    assert found is not None
    return float(found[1])
