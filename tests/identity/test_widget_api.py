"""Where pages get their visitors' sessions: counted, on record, and with the time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatward.core.errors import ChatwardError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Presented
from chatward.core.ports import Entry
from chatward.identity.allowance import Allowance
from chatward.identity.widget import Widget
from chatward.identity.widget_api import PATH, WidgetSessions
from chatward.stores.database import Database
from tests.identity.headers import headers
from tests.simulators.visitor import SESSION, SHOP, Page

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class World:
    def __init__(self, per_minute: int = 3, model: str = "") -> None:
        self.clock = Clock()
        self.entries: list[Entry] = []
        self.broken = False
        self.widget = Widget(Database(None), lambda bot: {SHOP} if bot == "shop" else (), self.clock)
        allowance = Allowance(per_minute, self.clock)
        self.api = WidgetSessions(self.widget, "shop", allowance, self.record, model=model, clock=self.clock)

    def record(self, entry: Entry) -> None:
        if self.broken:
            raise StoreError("no")
        self.entries.append(entry)

    def ask(self, page: Page, token: str | None = None, **changes: Any) -> dict[str, Any]:
        status, told, body = self.api.handle(page.request(self.clock, SESSION, token, **changes), PATH, b"{}")
        assert status == 201
        assert ("cache-control", "no-store") in told
        found: dict[str, Any] = json.loads(body)
        return found

    def refused(self, page: Page, token: str | None = None, **changes: Any) -> ChatwardError:
        with pytest.raises(ChatwardError) as caught:
            self.ask(page, token, **changes)
        return caught.value


@pytest.fixture
def world() -> World:
    return World()


def test_a_session_is_given_out_once_it_is_on_record(world: World) -> None:
    told = world.ask(Page())
    assert told["expires"] == NOW + 900
    assert told["now"] == NOW
    assert [(one.event, one.fields) for one in world.entries] == [
        (Event.VISITOR_SESSION_BEGAN, {"principal": f"visitor:{told['session']}", "bot": "shop"})
    ]
    world.broken = True
    assert world.refused(Page()).reason == "store-unavailable"


def test_renewals_are_neither_counted_nor_begun(world: World) -> None:
    page = Page()
    told = world.ask(page)
    for _ in range(10):
        world.clock.now += 1
        told = world.ask(page, told["token"]) | {"session": told["session"]}
    assert len(world.entries) == 1


def test_many_new_sessions_of_one_address_wait(world: World) -> None:
    for _ in range(3):
        world.ask(Page())
    error = world.refused(Page())
    assert (error.status, error.reason) == (429, "too-many-sessions")
    assert dict(error.headers) == {"retry-after": "20"}
    world.clock.now += 20
    world.ask(Page())


def test_an_attempt_without_a_good_proof_counts_too(world: World) -> None:
    for _ in range(3):
        assert world.refused(Page(), proof="x").reason == "dpop-proof-invalid"
    assert world.refused(Page()).reason == "too-many-sessions"


def test_a_token_that_is_none_is_no_way_around_the_count(world: World) -> None:
    for _ in range(5):
        assert world.refused(Page(), "cww_nothing").reason == "visitor-invalid"
    world.ask(Page())


def test_a_credential_of_another_kind_is_no_way_around_the_count(world: World) -> None:
    for _ in range(3):
        world.ask(Page(), "somebody-elses", scheme="Bearer")
    assert world.refused(Page(), "somebody-elses", scheme="Bearer").reason == "too-many-sessions"


def test_a_wrong_clock_is_told_the_time_and_nobody_else(world: World) -> None:
    page = Page()
    old = page.proof("POST", SESSION, NOW - 100)
    error = world.refused(page, proof=old)
    assert (error.reason, dict(error.details)) == ("dpop-proof-stale", {"now": int(NOW)})
    assert dict(error.headers) == {"www-authenticate": 'DPoP algs="ES256"'}
    other = world.refused(page, origin="https://evil.example")
    assert (other.status, dict(other.details), list(other.headers)) == (403, {}, [])


def test_a_settled_model_is_told_and_the_only_one() -> None:
    world = World(model="small*")
    told = world.ask(Page())
    assert told["model"] == "small*"
    bound = Widget(Database(None), lambda bot: {SHOP}, world.clock, models=lambda bot: ["small*"])
    page = Page()
    issued = bound.issue(page.request(world.clock, SESSION), "shop")
    principal = bound.identify(page.request(world.clock, token=issued.token))
    assert principal is not None
    assert principal.grants.models == ("small[*]",)


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("GET", PATH, b"", "method-not-allowed"),
        ("POST", PATH + "/x", b"{}", "not-found"),
        ("POST", PATH, b"[]", "json-invalid"),
        ("POST", PATH, b'{"a":1,"a":2}', "json-invalid"),
        ("POST", PATH, b'{"bot":"other"}', "field-type"),
    ],
)
def test_what_is_no_such_request(world: World, method: str, path: str, body: bytes, reason: str) -> None:
    with pytest.raises(ChatwardError) as caught:
        world.api.handle(Presented(method, SESSION, headers(("origin", SHOP))), path, body)
    assert caught.value.reason == reason
