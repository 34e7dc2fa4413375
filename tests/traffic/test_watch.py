"""Scores of whole messages, and what is done about them."""

from __future__ import annotations

from typing import Any

import pytest

from chatward.core.identity import ANONYMOUS, Caller, Kind, Principal
from chatward.settings.traffic import Ladder, TrafficSettings
from chatward.traffic.ladder import AutomatedError, CrowdError, Rung, WorkNeededError, rung_of
from chatward.traffic.reverse import Reverse
from chatward.traffic.sessions import COOKIE, cookie_header, visit
from tests.simulators.traffic import AGENT, BROWSER, World, caller, reported, visitor

TOOL = {"host": "chat.example", "user-agent": "curl/8.5.0", "accept": "*/*"}
GOOGLE = {**TOOL, "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}
FORGED = "ab" * 32


def cookie_of(world: World, number: str) -> dict[str, str]:
    value = cookie_header(number, world.parts.signing, secure=True)[1].partition(";")[0]
    return {"cookie": value}


def page(world: World, number: int = 0, visitor_: Principal | None = None, **changes: Any) -> Caller:
    """A message of a visitor's page."""
    who = visitor_ or visitor()
    token = world.parts.tokens.page(f"{who.id}/{who.session}")
    return caller(reported(token, number, **changes), principal=who)


async def test_a_person_passes_and_nothing_is_written() -> None:
    world = World()
    for number in range(3):
        watched = await world.say(page(world, number), turns=number + 1)
        assert watched.seen.actor == "human"
        assert watched.seen.rung is Rung.NONE
        watched.end()
        world.clock.now += 20
    assert world.entries == world.slept == world.risks == []


async def test_a_tool_works_first_and_may_go_on_then() -> None:
    world = World()
    with pytest.raises(WorkNeededError) as caught:
        await world.say(caller(TOOL, principal=visitor()))
    assert caught.value.status == 403
    work = caught.value.details["work"]
    assert work["challenge"]["maxnumber"] > 1000  # the lowest scores have the hardest work
    assert work["wait"].startswith("/chat/wait?t=")
    session = f"{visitor().id}/{visitor().session}"
    await world.parts.passes.grant(session, world.clock.wall() + 60)
    assert (await world.say(caller(TOOL, principal=visitor()))).seen.rung is Rung.WORK
    with pytest.raises(WorkNeededError):
        await world.say(caller(TOOL, principal=visitor(2)))  # a pass is its session's
    world.clock.now += 61
    with pytest.raises(WorkNeededError):
        await world.say(caller(TOOL, principal=visitor()))


async def test_a_pass_is_for_so_many_messages() -> None:
    """Else one of it would do for a whole crowd that shares its session."""
    world = World(TrafficSettings(enabled=True, mode="enforce", pass_messages=3))
    session = f"{visitor().id}/{visitor().session}"
    for until in (60, 90):
        await world.parts.passes.grant(session, world.clock.wall() + until)
        for _ in range(3):
            await world.say(caller(TOOL, principal=visitor()))
        with pytest.raises(WorkNeededError):
            await world.say(caller(TOOL, principal=visitor()))


async def test_a_pass_is_never_an_addresss() -> None:
    """Who keeps no cookie shares a session with their network: no pass is bound to that."""
    world = World()
    with pytest.raises(WorkNeededError) as caught:
        await world.say(caller(TOOL))
    (shared,) = world.parts.sessions._kept
    await world.parts.passes.grant(shared, world.clock.wall() + 60)
    with pytest.raises(WorkNeededError):
        await world.say(caller(TOOL))
    (name, value), *_ = caught.value.headers
    assert name == "set-cookie"
    assert value.startswith(f"__Host-{COOKIE}=")
    assert value.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
    await world.parts.passes.grant(visit(value.partition("=")[2][:32]), world.clock.wall() + 60)
    await world.say(caller({**TOOL, "cookie": value.partition(";")[0]}))


@pytest.mark.parametrize("cookie", [f"{COOKIE}={FORGED}", f"{COOKIE}=", "x=y", f"{COOKIE}={'é' * 64}"])
async def test_a_cookie_of_ones_own_making_is_none(cookie: str) -> None:
    world = World()
    owner, _, _ = world.traffic.weigh(caller({**TOOL, "cookie": cookie}), "/v1/x", _call(), "")
    assert owner.shared


async def test_two_cookies_are_none() -> None:
    world = World()
    one, two = cookie_of(world, "a" * 32)["cookie"], cookie_of(world, "b" * 32)["cookie"]
    assert not world.traffic.weigh(caller({**TOOL, "cookie": one}), "/v1/x", _call(), "")[0].shared
    assert world.traffic.weigh(caller({**TOOL, "cookie": f"{one}; {two}"}), "/v1/x", _call(), "")[0].shared


def _call() -> Any:
    from tests.simulators.traffic import call

    return call("Hello?")


# --- reports


async def test_a_report_is_bound_to_its_session_and_number() -> None:
    world = World(TrafficSettings(enabled=True))
    token = world.parts.tokens.page(f"{visitor().id}/{visitor().session}")

    async def seen(who: Principal, number: int, of: str = token) -> tuple[str, ...]:
        return (await world.say(caller(reported(of, number), principal=who))).seen.signals

    assert "page.invalid" not in await seen(visitor(), 0)
    assert "page.invalid" in await seen(visitor(), 0)  # again
    assert "page.invalid" not in await seen(visitor(), 5)
    assert "page.invalid" in await seen(visitor(), 4)  # older
    assert "page.invalid" in await seen(visitor(2), 6)  # somebody else's
    assert "page.invalid" in await seen(visitor(3), 0, token[:-1] + "0" if token[-1] != "0" else token[:-1] + "1")
    world.clock.now += 50_000
    assert "page.invalid" in await seen(visitor(), 7)  # of long ago


async def test_without_cookies_the_pages_token_is_the_session() -> None:
    world = World(TrafficSettings(enabled=True))
    token = world.parts.tokens.page(visit("c" * 32), "c" * 32)
    watched = await world.say(caller(reported(token)))
    assert watched.seen.session == visit("c" * 32)
    assert watched.headers == ()
    assert "page.invalid" not in watched.seen.signals


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        (BROWSER, True),
        ({name: value for name, value in BROWSER.items() if name != "origin"}, True),
        ({**BROWSER, "origin": "https://shop.example", "sec-fetch-site": "cross-site"}, True),
        ({**BROWSER, "origin": "https://listed.example", "sec-fetch-site": "cross-site"}, False),
        (TOOL, False),
    ],
    ids=["our page", "no origin", "the widget's page", "a page of its own", "a tool"],
)
async def test_a_report_is_missed_from_our_pages_alone(headers: dict[str, str], missing: bool) -> None:
    """A page of ``server.cors_origins`` has a script of its own."""
    world = World(TrafficSettings(enabled=True), more={"others": frozenset({"https://listed.example"})})
    watched = await world.say(caller(headers))
    assert ("page.missing" in watched.seen.signals) is missing


# --- sessions


async def test_what_somebody_is_stays_and_how_they_write_does_not() -> None:
    world = World(TrafficSettings(enabled=True))
    first = (await world.say(page(world, 0, w=1, s=24, i=1, k=[0, 0, 0, 0, 0]))).seen
    assert {"page.webdriver", "pace.inserted"} <= set(first.signals)
    world.clock.now += 30
    second = (await world.say(page(world, 1))).seen
    assert "page.webdriver" in second.signals
    assert "pace.inserted" not in second.signals


async def test_nothing_stays_with_a_network() -> None:
    """The first message of somebody is not judged by what another one in their network did."""
    world = World(TrafficSettings(enabled=True))
    bad = reported(world.parts.tokens.page(visit("c" * 32), "c" * 32), w=1)
    await world.say(caller(bad))
    good = (await world.say(caller(reported(world.parts.tokens.page(visit("d" * 32), "d" * 32))))).seen
    assert good.actor == "human"
    odd = (await world.say(caller({**BROWSER, "sec-fetch-dest": "document"}))).seen
    even = (await world.say(caller(BROWSER))).seen
    assert odd.session == even.session
    assert "headers.fetch-odd" in odd.signals
    assert "headers.fetch-odd" not in even.signals


async def test_many_conversations_at_once_are_seen() -> None:
    world = World(TrafficSettings(enabled=True))
    at_once = [(await world.say(page(world, number))) for number in range(4)]
    assert "session.parallel" in at_once[-1].seen.signals
    for watched in at_once:
        watched.end()
        watched.end()  # ending twice ends once
    (session,) = world.parts.sessions._kept.values()
    assert session.flying == 0
    world.clock.now += 120
    assert "session.parallel" not in (await world.say(page(world, 9))).seen.signals


async def test_who_writes_more_than_anybody_can_is_seen() -> None:
    world = World(TrafficSettings(enabled=True))
    (await world.say(page(world, 0))).end()
    world.clock.now += 3
    quick = await world.say(page(world, 1), "x" * 200, turns=2)
    assert "session.faster-than-typing" in quick.seen.signals
    world.clock.now += 3
    pasted = await world.say(page(world, 2, p=200), "x" * 200, turns=3)
    assert "session.faster-than-typing" not in pasted.seen.signals


async def test_one_behaviour_behind_many_addresses_is_seen() -> None:
    world = World(TrafficSettings(enabled=True))
    text = "Hello, I have lost the password of my account, please send a new one to my other address at once"
    found: list[set[str]] = []
    for number in range(8):
        who = caller({**TOOL}, principal=visitor(number), address=f"198.51.{number}.7")
        found.append(set((await world.say(who, text)).seen.signals))
    assert "session.near-duplicate" not in found[3]
    assert {"session.near-duplicate", "session.rotating"} <= found[-1]


async def test_a_session_that_moves_is_seen() -> None:
    world = World(TrafficSettings(enabled=True))
    seen: tuple[str, ...] = ()
    for number in range(5):
        seen = (await world.say(caller(TOOL, principal=visitor(), address=f"198.51.{number}.7"))).seen.signals
        world.clock.now += 30
    assert "session.moving" in seen


async def test_who_drops_cookies_is_seen() -> None:
    world = World(TrafficSettings(enabled=True))
    found = [(await world.say(caller(TOOL))).seen.signals for _ in range(5)]
    assert ["session.cookie-dropped" in one for one in found] == [False, False, False, True, True]


# --- what is known


async def test_signed_agents_and_keys_have_no_ladder() -> None:
    world = World()
    agent = Principal("agent:agent.example", Kind.SERVICE)
    assert (await world.say(caller(TOOL, principal=agent))).seen.actor == "agent"
    assert (await world.say(caller(TOOL, principal=Principal("key:abc", Kind.SERVICE)))).seen.rung is Rung.NONE
    with pytest.raises(WorkNeededError):
        await world.say(caller(TOOL, principal=Principal("caller:abc", Kind.ANONYMOUS)))


async def test_crawlers_are_looked_up_beside_the_message() -> None:
    class Zone:
        async def names(self, address: str) -> list[str]:
            return ["crawl-1.googlebot.com"]

        async def addresses(self, name: str) -> list[str]:
            return ["192.0.2.9"]

    reverse = Reverse(Zone())
    world = World(more={"reverse": reverse})

    async def seen(address: str) -> Any:
        try:
            return (await world.say(caller(GOOGLE, principal=visitor(), address=address))).seen
        except WorkNeededError:
            return None

    assert await seen("192.0.2.9") is None  # not known yet
    await reverse.settled()
    known = await seen("192.0.2.9")
    assert known.actor == "crawler"
    assert known.rung is Rung.NONE
    await seen("192.0.2.10")
    await reverse.settled()
    assert world.traffic.weigh(caller(GOOGLE, address="192.0.2.10"), "/v1/x", _call(), "")[1].signals == (
        "crawler.faked",
    )


@pytest.mark.parametrize(("near", "signal"), [("10.0.0.1", True), ("192.0.2.9", False)], ids=["proxy", "caller"])
async def test_ja4_is_believed_from_a_proxy_alone(near: str, signal: bool) -> None:
    settings = TrafficSettings(enabled=True, ja4_header="x-ja4")
    world = World(settings, more={"proxied": lambda address: address == "10.0.0.1"})
    python = {**BROWSER, "x-ja4": "t13d1812h1_85036bcba153_b26ce05bbdd6"}
    seen = (await world.say(caller(python, principal=visitor()), near=near)).seen
    assert ("tls.mismatch" in seen.signals) is signal


async def test_the_order_of_headers_is_a_direct_connections() -> None:
    shuffled = dict(sorted(BROWSER.items(), reverse=True))
    for proxied, seen in ((True, False), (False, True)):
        world = World(TrafficSettings(enabled=True), more={"proxied": lambda address, it=proxied: it})
        found = (await world.say(caller(shuffled, principal=visitor()))).seen.signals
        assert ("headers.order" in found) is seen
    behind = World(TrafficSettings(enabled=True), more={"direct": False})
    assert "headers.order" not in (await behind.say(caller(shuffled, principal=visitor()))).seen.signals


# --- the ladder


@pytest.mark.parametrize(
    ("score", "rung"),
    [
        (1, Rung.BLOCK),
        (4, Rung.BLOCK),
        (5, Rung.STEP_UP),
        (10, Rung.WORK),
        (29, Rung.WORK),
        (30, Rung.SLOW),
        (40, Rung.NONE),
    ],
)
def test_the_strictest_rung_is_taken(score: int, rung: Rung) -> None:
    assert rung_of(score, Ladder(slow_below=40, work_below=30, step_up_below=10, block_below=5)) is rung


def test_zero_switches_a_rung_off() -> None:
    assert rung_of(1, Ladder(slow_below=0, work_below=0)) is Rung.NONE


async def test_observing_does_nothing_and_tells_all() -> None:
    world = World(TrafficSettings(enabled=True, ladder=Ladder(block_below=50)))
    watched = await world.say(caller(TOOL, principal=visitor()))
    assert watched.seen.rung is Rung.BLOCK
    (entry,) = world.entries
    assert entry.event == "traffic:session:judged"
    assert entry.fields["rung"] == "block"
    assert entry.fields["mode"] == "observe"
    assert entry.fields["signals"] == ["headers.agent-tool"]
    figures = world.traffic.figures.read()
    assert figures["chatward_traffic_rungs_total"] == {"block": 1}
    assert figures["chatward_traffic_messages_total"] == {"bot": 1}


async def test_a_block_is_slow_and_says_nothing_of_why() -> None:
    world = World(TrafficSettings(enabled=True, mode="enforce", ladder=Ladder(block_below=50)))
    with pytest.raises(AutomatedError) as caught:
        await world.say(caller(TOOL, principal=visitor()))
    assert world.slept == [world.settings.slow_seconds]
    assert "agent" not in caught.value.public
    assert caught.value.details == {}
    (session,) = world.parts.sessions._kept.values()
    assert session.flying == 0


async def test_slowing_is_bounded() -> None:
    ladder = Ladder(slow_below=99, work_below=0)
    world = World(TrafficSettings(enabled=True, mode="enforce", ladder=ladder, slow_most=1))
    await world.say(page(world))
    assert world.slept == [2.0]
    world.traffic._slowed = 1
    with pytest.raises(CrowdError) as caught:
        await world.say(page(world, 1))
    assert caught.value.headers == [("retry-after", "2")]


async def test_a_step_up_raises_the_risk_of_policies() -> None:
    ladder = Ladder(work_below=0, step_up_below=50)
    world = World(TrafficSettings(enabled=True, mode="enforce", ladder=ladder))
    await world.say(caller(TOOL, principal=visitor()))
    assert world.risks == [(visitor().id, "traffic.automated", 4.0)]


async def test_bots_may_have_ladders_of_their_own() -> None:
    settings = TrafficSettings(enabled=True, mode="enforce", bots={"open": Ladder(slow_below=0, work_below=0)})
    for bot in ("open", "default"):
        world = World(settings, more={"bot_of": lambda path, model, it=bot: it})
        asked = world.say(caller(TOOL, principal=visitor()))
        if bot == "open":
            assert (await asked).seen.rung is Rung.NONE
        else:
            with pytest.raises(WorkNeededError):
                await asked


async def test_the_record_is_bounded_and_holds_no_text() -> None:
    from chatward.ledger.events import encode

    world = World(TrafficSettings(enabled=True))
    for number in range(60):
        await world.say(caller(TOOL, principal=visitor(number)), "xyzzy plugh")
    assert len(world.entries) == 20
    for entry in world.entries:
        assert b"xyzzy" not in encode(entry)[2]
        assert AGENT.encode() not in encode(entry)[2]


async def test_nobody_in_particular_is_anonymous() -> None:
    assert caller(TOOL).principal is ANONYMOUS


async def test_who_is_refused_again_and_again_is_seen() -> None:
    """And neither for being asked to work here, nor longer ago than a minute, nor because another was."""
    world = World(TrafficSettings(enabled=True))
    for _ in range(9):
        world.traffic.refused(page(world), "rate-limited")
    world.traffic.refused(page(world), "work-needed")
    assert "session.refused" not in (await world.say(page(world, 1))).seen.signals
    world.traffic.refused(page(world), "json-invalid")
    assert "session.refused" in (await world.say(page(world, 2))).seen.signals
    assert "session.refused" not in (await world.say(page(world, 3, visitor(2)))).seen.signals
    world.clock.now += 61
    assert "session.refused" not in (await world.say(page(world, 4))).seen.signals


async def test_who_is_not_known_is_refused_as_their_network() -> None:
    world = World(TrafficSettings(enabled=True))
    for number in range(10):  # whatever program they say that they are
        world.traffic.refused(caller({**BROWSER, "user-agent": f"{AGENT}{number}"}), "key-unknown")
    assert "session.refused" in (await world.say(caller())).seen.signals
    assert "session.refused" not in (await world.say(caller(address="198.51.100.1"))).seen.signals
