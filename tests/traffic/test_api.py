"""Where passes come from: by work, and by waiting."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from chatward.core.errors import ClientError, StoreError
from chatward.core.identity import ANONYMOUS, Caller, Presented, Principal
from chatward.gateway.http1_exchange import Fields
from chatward.settings.traffic import TrafficSettings
from chatward.traffic.api import TRAP, TrafficApi
from chatward.traffic.ladder import PAGE, SOLVE, WAIT, WorkNeededError
from chatward.traffic.sessions import visit
from chatward.traffic.work import WorkError, solve
from tests.simulators.traffic import World, caller, visitor

TOOL = {"host": "chat.example", "user-agent": "curl/8.5.0"}


def asked(method: str, principal: Principal = ANONYMOUS, headers: dict[str, str] | None = None) -> Caller:
    made = caller(headers or TOOL, principal=principal)
    return replace(made, presented=replace(made.presented, method=method))


def api(world: World) -> TrafficApi:
    return TrafficApi(world.traffic)


async def page(world: World, principal: Principal = ANONYMOUS) -> tuple[str, str]:
    """The token and the cookie that a page gets."""
    status, headers, body = await api(world).handle(asked("GET", principal), PAGE, b"")
    assert status == 200
    return orjson.loads(body)["page"], dict(headers).get("set-cookie", "").partition(";")[0]


async def give(world: World, payload: str, who: Caller, **more: str) -> int:
    status, _, _ = await api(world).handle(who, SOLVE, orjson.dumps({"payload": payload, **more}))
    return status


def details(world: World) -> list[Any]:
    return [entry.fields["detail"] for entry in world.entries if entry.event == "traffic:pass:refused"]


async def test_a_page_gets_a_token_and_a_visit() -> None:
    world = World()
    token, cookie = await page(world)
    assert world.parts.tokens.of_page(token, visit(token.split(".")[1]), shared=False)
    assert cookie.startswith(f"__Host-chatward_visit={token.split('.')[1]}")
    assert (await page(world, visitor()))[1] == ""  # a visitor of the widget has a session


async def test_work_gives_a_pass_once() -> None:
    world = World()
    _, cookie = await page(world)
    who = asked("POST", headers={**TOOL, "cookie": cookie})
    with pytest.raises(WorkNeededError) as caught:
        await world.say(who)
    payload = solve(world.parts.work.challenge(visit(cookie.partition("=")[2][:32])))
    assert "challenge" in caught.value.details["work"]
    assert await give(world, payload, who) == 200
    await world.say(who)
    with pytest.raises(WorkError):
        await give(world, payload, who)
    assert details(world) == ["spent"]


async def test_without_cookies_the_token_names_the_session() -> None:
    world = World()
    token, _ = await page(world)
    session = visit(token.split(".")[1])
    assert await give(world, solve(world.parts.work.challenge(session)), asked("POST"), page=token) == 200
    assert await world.parts.passes.until(session)


@pytest.mark.parametrize("token", ["", "x", "1795001000." + "a" * 32 + "." + "b" * 32])
async def test_a_network_gets_no_pass(token: str) -> None:
    world = World()
    with pytest.raises(WorkError):
        await give(world, solve(world.parts.work.challenge("shared:x")), asked("POST"), page=token)
    assert details(world) == ["no-session"]


async def test_a_solution_is_not_shared() -> None:
    world = World()
    payload = solve(world.parts.work.challenge(f"{visitor(1).id}/{visitor(1).session}"))
    with pytest.raises(WorkError):
        await give(world, payload, asked("POST", visitor(2)))
    assert details(world) == ["other-session"]
    assert await give(world, payload, asked("POST", visitor(1))) == 200  # nobody spent it by trying


async def test_a_flood_of_solutions_fills_no_record() -> None:
    world = World()
    for _ in range(100):
        with pytest.raises(WorkError):
            await give(world, "eA==", asked("POST", visitor()))
    assert len(world.entries) == 20


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", PAGE, b"{}", 405),
        ("GET", SOLVE, b"", 405),
        ("GET", "/v1/traffic/else", b"", 404),
        ("POST", SOLVE, b"[]", 400),
        ("POST", SOLVE, b'{"payload": 1}', 400),
        ("POST", SOLVE, b'{"payload": "", "more": ""}', 400),
        ("POST", SOLVE, b'{"payload": "x"}', 403),
    ],
)
async def test_what_is_wrong_is_said(method: str, path: str, body: bytes, status: int) -> None:
    with pytest.raises(ClientError) as caught:
        await api(World()).handle(asked(method, visitor()), path, body)
    assert caught.value.status == status


# --- waiting


def shown(
    world: World, api_: TrafficApi, ticket: str, method: str = "GET", more: str = "", address: str = "192.0.2.9"
) -> Any:
    presented = Presented(method, f"https://chat.example{WAIT}", Fields(dict(TOOL), []), address)
    text = f"t={quote(ticket)}{more}"
    return api_.wait(presented, WAIT, text if method == "GET" else "", text.encode() if method == "POST" else b"")


def ticket(world: World, session: str = "s") -> str:
    return world.parts.tokens.ticket(session, world.settings.wait_seconds)


async def test_waiting_gives_a_pass_once_and_not_before() -> None:
    world = World()
    one, it = api(world), ticket(world)
    status, headers, body = await shown(world, one, it)
    assert status == 200
    assert b"Please wait 20 more seconds" in body
    assert unescape(re.findall(r'name="t" value="([^"]+)"', body.decode())[0]) == it
    assert "script" not in dict(headers)["content-security-policy"]
    assert (await shown(world, one, it, "POST"))[0] == 200
    assert not await world.parts.passes.until("s")
    world.clock.now += 20
    assert not await world.parts.passes.until("s")  # looking is not pressing
    status, _, body = await shown(world, one, it, "POST")
    assert b"You can go on" in body
    assert await world.parts.passes.until("s")
    assert not await world.parts.passes.until("another")
    assert (await shown(world, one, it, "POST"))[0] == 410


@pytest.mark.parametrize("change", ["session", "time", "end", "none"])
async def test_a_ticket_of_ones_own_making_is_none(change: str) -> None:
    world = World()
    after, number, session, digest = ticket(world).split(".")
    made = {
        "session": f"{after}.{number}.other.{digest}",
        "time": f"{int(after) - 100}.{number}.{session}.{digest}",
        "end": f"{after}.{number}.{session}.{digest}\n",
        "none": "",
    }[change]
    world.clock.now += 30
    status, _, body = await shown(world, api(world), made, "POST")
    assert status == 410
    assert b"<form" not in body
    assert not await world.parts.passes.until("other")


async def test_a_ticket_ends() -> None:
    world = World()
    it = ticket(world)
    world.clock.now += 10_000
    assert (await shown(world, api(world), it, "POST"))[0] == 410


async def test_who_fills_in_what_nobody_sees_gets_none() -> None:
    world = World()
    it = ticket(world)
    world.clock.now += 30
    assert (await shown(world, api(world), it, "POST", f"&{TRAP}=https%3A%2F%2Fx.example"))[0] == 403
    assert not await world.parts.passes.until("s")
    assert details(world) == ["trap"]


async def test_a_network_waits_so_often_and_no_more() -> None:
    world = World(TrafficSettings(enabled=True, waits_per_hour=2))
    one = api(world)
    tickets = [ticket(world, f"s{number}") for number in range(4)]
    world.clock.now += 30
    found = [(await shown(world, one, it, "POST"))[0] for it in tickets[:3]]
    assert found == [200, 200, 429]
    assert (await shown(world, one, tickets[3], "POST", address="198.51.100.1"))[0] == 200


async def test_what_a_ticket_says_is_never_markup() -> None:
    world = World()
    for text in ('"><script>alert(1)</script>', "x" * 5000, "%00", "a=b&t=c&t=d&e&f&g&h"):
        _, _, body = await shown(world, api(world), text)
        assert b"<script" not in body


async def test_a_store_that_is_gone_keeps_the_ticket() -> None:
    class Gone:
        async def spend(self, key: str, until: float) -> bool:
            raise StoreError("Gone.")

    world = World(more={"passes": Gone()})
    it = ticket(world)
    world.clock.now += 30
    status, _, body = await shown(world, api(world), it, "POST")
    assert status == 503
    assert b"<form" in body
