"""The gate by itself: what it asks of a message, what it tells, and that a reload cannot open it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_responses import Responses
from chatward.core.errors import ConfigError, StoreError
from chatward.core.identity import ANONYMOUS, Assurance, Caller, Kind, Presented, Principal
from chatward.core.ports import Entry, Request
from chatward.gateway.http1_exchange import Fields
from chatward.privacy.gate import Passage, PrivacyError, PrivacyGate, passage, says_gpc, standing_now
from chatward.privacy.opening import in_the_path, privacy_file
from chatward.privacy.standing import Standings, Word
from chatward.settings import Chat, LedgerSettings, Notice, Privacy, Purpose, Route, Settings
from chatward.stores.database import Database

CHAT = "/v1/chat/completions"
ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE)
STRANGER = Principal("caller:3f9c", Kind.ANONYMOUS)
SETTINGS = Settings(
    routes={"default": Route(purpose="support"), "ads": Route(purpose="ads"), "free": Route()},
    privacy=Privacy(
        consent_url="https://example.com/consent",
        notice=Notice(version="1", url="https://example.com/privacy"),
        purposes={"support": Purpose(lawful_basis="consent"), "ads": Purpose(use="sharing")},
    ),
)


def caller(principal: Principal = ANN, headers: Mapping[str, str] = {}) -> Caller:
    return Caller(principal, Presented("POST", "http://x/", Fields(dict(headers), [])))


def request(*roles: str) -> Request:
    messages = [{"role": role, "content": "hello"} for role in roles or ("user",)]
    return ChatCompletions().parse(json.dumps({"model": "m", "messages": messages}).encode())


class World:
    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.entries: list[Entry] = []
        self.standings = Standings(Database(None))
        self.gate = PrivacyGate(settings, self.standings, self.entries.append)

    async def admit(self, who: Caller, route: str = "default", path: str = CHAT, ask: Request | None = None) -> Passage:
        current = Passage()
        passage.set(current)
        await self.gate.admit(who, route, path, "openai-chat", ask or request(), "cw-1")
        return current


@pytest.fixture
def world() -> World:
    return World()


async def test_the_sentence_says_where_to_go_and_nothing_of_others(world: World) -> None:
    with pytest.raises(PrivacyError) as caught:
        await world.admit(caller())
    assert (caught.value.status, caught.value.reason) == (403, "consent-required")
    assert "https://example.com/consent" in caught.value.public
    with pytest.raises(PrivacyError) as nobody:
        await world.admit(caller(ANONYMOUS))
    assert "sign in" in nobody.value.public
    assert world.entries == []


async def test_what_nobody_in_particular_is_said_to_have_said_counts_for_nobody(world: World) -> None:
    world.standings.say(ANONYMOUS.tenant, ANONYMOUS.id, "support", Word.CONSENTS, by="x", notice="1")
    with pytest.raises(PrivacyError):
        await world.admit(caller(ANONYMOUS))


async def test_a_route_without_purpose_is_not_asked_about_and_an_unknown_one_is_closed(world: World) -> None:
    assert (await world.admit(caller(), "free")).still is None
    with pytest.raises(PrivacyError) as caught:
        await world.admit(caller(), "no-such-route")
    assert caught.value.reason == "purpose-unknown"


async def test_what_holds_is_asked_again_later(world: World) -> None:
    world.standings.say(ANN.tenant, ANN.id, "support", Word.CONSENTS, by=ANN.id, notice="1")
    current = await world.admit(caller())
    still = standing_now()
    assert still is current.still is not None
    still()
    world.standings.say(ANN.tenant, ANN.id, "support", Word.WITHDRAWS, by=ANN.id)
    with pytest.raises(PrivacyError):
        still()


async def test_a_signal_that_opted_out_holds_to_the_end_of_its_answer(world: World) -> None:
    assert (await world.admit(caller(ANONYMOUS), "ads")).still is not None
    with pytest.raises(PrivacyError) as caught:
        await world.admit(caller(ANONYMOUS, {"sec-gpc": "1"}), "ads")
    assert caught.value.reason == "opted-out"
    off = World(replace(SETTINGS, privacy=replace(SETTINGS.privacy, gpc=False)))
    assert await off.admit(caller(headers={"sec-gpc": "1"}), "ads")
    assert off.standings.statements(ANN.tenant, ANN.id) == []


@pytest.mark.parametrize(
    ("value", "says"), [("1", True), ("0", False), ("", False), ("1, 1", True), ("true", False), ("11", False)]
)
def test_only_one_value_is_a_signal(value: str, says: bool) -> None:
    assert says_gpc(Fields({"sec-gpc": value}, [])) == says
    assert not says_gpc(Fields({"sec-ch-ua": "1"}, []))
    assert says_gpc(Fields({"sec-gpc": "0"}, [("sec-gpc", "1")]))


async def test_a_signal_is_kept_for_who_is_known_only(world: World) -> None:
    for who in (ANN, STRANGER, ANONYMOUS):
        with pytest.raises(PrivacyError):
            await world.admit(caller(who, {"sec-gpc": "1"}), "ads")
    assert world.standings.subjects() == [(ANN.tenant, ANN.id)]


async def test_a_signal_that_comes_again_is_written_once(world: World) -> None:
    for _ in range(2):
        with pytest.raises(PrivacyError):
            await world.admit(caller(ANN, {"sec-gpc": "1"}), "ads")
    assert len(world.standings.statements(ANN.tenant, ANN.id)) == 1


async def test_a_store_that_cannot_be_read_closes_the_gate(world: World) -> None:
    world.standings.database.close()
    with pytest.raises(StoreError):
        await world.admit(caller())


async def test_the_first_answer_is_told_once(world: World) -> None:
    first = await world.admit(caller(), "free")
    assert [name for name, _ in first.headers] == ["x-chatward-ai", "x-chatward-disclosure"]
    assert first.disclosure == ""  # in a header only, unless asked for
    later = await world.admit(caller(), "free", ask=request("user", "assistant", "user"))
    assert [name for name, _ in later.headers] == ["x-chatward-ai"]
    assert (await world.admit(caller(), "free", "/v1/embeddings")).headers == []
    assert [entry.fields for entry in world.entries] == [{"channel": "openai-chat"}]
    quiet = World(replace(SETTINGS, privacy=replace(SETTINGS.privacy, disclosure="off", mark=False)))
    assert (await quiet.admit(caller(), "free")).headers == []
    far = World(replace(SETTINGS, chat=Chat(disclosure="Você fala com uma IA…\r\nx: y")))
    told = dict((await far.admit(caller(), "free")).headers)["x-chatward-disclosure"]
    assert told.isascii()
    assert "\n" not in told
    assert json.loads(told) == "Você fala com uma IA…\r\nx: y"


async def test_a_conversation_that_the_bot_keeps_is_told_once(world: World) -> None:
    def ask(**named: str) -> Request:
        return Responses().parse(json.dumps({"model": "m", "input": "hello", **named}).encode())

    async def told(who: Principal, **named: str) -> bool:
        current = await world.admit(caller(who), "free", "/v1/responses", ask(**named))
        return "x-chatward-disclosure" in dict(current.headers)

    assert [await told(ANN, conversation=name) for name in ("c1", "c1", "c2", "c1")] == [True, False, True, False]
    assert await told(STRANGER, conversation="c1")
    assert await told(ANN)
    assert not await told(ANN, previous_response_id="resp_1")


async def test_minors_are_reminded_every_three_hours() -> None:
    now = 0.0
    privacy = replace(SETTINGS.privacy, profile=("companion",), minor_role="minor", reminder="Time for a break.")
    world = World(replace(SETTINGS, privacy=privacy))
    world.gate._clock = lambda: now
    minor = caller(dataclasses.replace(ANN, roles=frozenset({"minor"})))

    async def told(who: Caller, ask: Request) -> str:
        return json.loads(dict((await world.admit(who, "free", ask=ask)).headers).get("x-chatward-disclosure", '""'))

    later = request("user", "assistant", "user")
    assert (await told(minor, request()), await told(minor, later)) == (SETTINGS.chat.disclosure, "")
    now = 3 * 3600.0 - 1
    assert await told(minor, later) == ""
    now += 1
    assert (await told(minor, later), await told(minor, later)) == ("Time for a break.", "")
    assert await told(caller(), later) == ""  # nobody says that this one is a minor
    assert [entry.fields.get("reminder") for entry in world.entries] == [None, True]
    fresh = World(replace(SETTINGS, privacy=privacy))  # a process that has told nobody yet
    assert "x-chatward-disclosure" in dict((await fresh.admit(minor, "free", ask=later)).headers)
    without = World(replace(SETTINGS, privacy=replace(privacy, profile=())))
    assert "x-chatward-disclosure" not in dict((await without.admit(minor, "free", ask=later)).headers)


async def test_a_reload_takes_other_routes_but_no_other_purposes(world: World) -> None:
    world.gate.follow(replace(SETTINGS, routes={"default": Route()}))
    assert await world.admit(caller())
    with pytest.raises(PrivacyError):
        await world.admit(caller(), "ads")
    with pytest.raises(ConfigError) as caught:
        world.gate.follow(replace(SETTINGS, routes={"default": Route(purpose="new")}))
    assert caught.value.key == "routes.default.purpose"
    assert await world.admit(caller())  # what was in force stays


def test_nothing_is_opened_where_nothing_is_on(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(path=str(tmp_path / "chatward.db")))
    assert in_the_path(settings, lambda entry: None) is None
    assert not privacy_file(settings).exists()


def test_settings_that_came_in_another_way_are_checked_too(tmp_path: Path) -> None:
    settings = Settings(
        ledger=LedgerSettings(path=str(tmp_path / "chatward.db")),
        routes={"default": Route()},
        privacy=Privacy(profile=("gdpr",)),
    )
    with pytest.raises(ConfigError) as caught:
        in_the_path(settings, lambda entry: None)
    assert caught.value.reason == "privacy-contradiction"
    assert not privacy_file(settings).exists()
