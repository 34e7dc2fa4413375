"""Visitors of a widget before a running gateway: who is let in, and what a thief can do with what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from chatward.settings import Bot, LedgerSettings, Route, Server, Settings, WidgetSettings
from tests.simulators.gateway import RunningGateway
from tests.simulators.talker import Talker, serving
from tests.simulators.visitor import SHOP, Page

BLOG = "https://blog.example"
API = "https://api-page.example"
SESSIONS = "/v1/widget/sessions"
CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "good morning"}]}


class World:
    def __init__(self, folder: Path, port: int, bot: Talker) -> None:
        url = f"http://127.0.0.1:{port}"
        self.bot = bot
        settings = Settings(
            server=Server(port=0, admin_port=0, cors_origins=(API,)),
            bots={"default": Bot(upstream=url), "blog": Bot(upstream=url)},
            routes={
                "blog": Route(models=("blog",), bot="blog", guards=("text.leak",)),
                "default": Route(guards=("text.leak",)),
            },
            ledger=LedgerSettings(path="chatward.db"),
            widget=WidgetSettings(enabled=True, origins=(SHOP,), model="m", sessions_per_minute=1000),
        )
        self.gateway = RunningGateway(settings, folder)

    @property
    def url(self) -> str:
        return self.gateway.url

    def ask(self, page: Page, path: str = CHAT, token: str = "", body: Any = ASKED, **changes: Any) -> httpx.Response:
        """A request as a page sends it. ``changes`` replace headers; ``None`` leaves one out."""
        headers = {"origin": page.origin, "dpop": page.proof("POST", self.url + path, time.time(), token or None)}
        if token:
            headers["authorization"] = f"DPoP {token}"
        given = {**headers, **changes}
        kept = [(name, value) for name, value in given.items() if value is not None]
        return httpx.post(self.url + path, headers=kept, json=body, timeout=30)

    def token(self, page: Page) -> str:
        got = self.ask(page, SESSIONS, body={})
        assert got.status_code == 201, got.text
        return str(got.json()["token"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    bot = Talker({})
    with ExitStack() as stack:
        port = stack.enter_context(serving(bot.handler()))
        made = World(tmp_path_factory.mktemp("widget"), port, bot)
        stack.callback(made.gateway.stop)
        yield made


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def token(world: World, page: Page) -> str:
    return world.token(page)


def code(got: httpx.Response) -> tuple[int, str]:
    return got.status_code, got.json()["error"]["code"]


def test_a_page_gets_a_session_and_talks_and_renews_it(world: World, page: Page) -> None:
    got = world.ask(page, SESSIONS, body={})
    told = got.json()
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["access-control-allow-origin"] == SHOP
    assert abs(told["now"] - time.time()) < 60
    said = world.ask(page, token=told["token"])
    assert said.status_code == 200
    assert said.text.rstrip().endswith("data: [DONE]")
    assert said.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in said.headers
    assert "x-chatward-notice" in said.headers["access-control-expose-headers"]
    assert "origin" in said.headers["vary"]
    renewed = world.ask(page, SESSIONS, told["token"], body={}).json()
    assert renewed["session"] == told["session"]
    assert renewed["token"] != told["token"]
    sent, _ = world.bot.asked[-1]
    assert "cww_" not in str(sent)
    entries = [one.fields for one in world.gateway.records() if one.event == "visitor:session:began"]
    assert entries[-1] == {"principal": f"visitor:{told['session']}", "bot": "default"}
    began = [one for one in world.gateway.records() if one.event == "upstream:call:intended"]
    assert began[-1].fields["principal"] == f"visitor:{told['session']}"


@pytest.mark.parametrize("origin", [BLOG, API, "null", "*", SHOP + "/", SHOP.upper(), "http://shop.example", None])
def test_only_listed_pages_get_a_session(world: World, page: Page, origin: str | None) -> None:
    got = world.ask(page, SESSIONS, body={}, origin=origin)
    assert code(got) == (403, "origin-not-allowed")
    if origin != API:  # which may ask other things, and so may read why
        assert not [name for name in got.headers if name.startswith("access-control-")]


def test_a_stolen_token_is_worth_nothing(world: World, page: Page, token: str) -> None:
    thief = Page(key=ECKey.generate_key("P-256"))
    elsewhere = page.proof("POST", world.url + SESSIONS, time.time(), token)
    rows: list[tuple[str, httpx.Response, tuple[int, str]]] = [
        ("with another key", world.ask(thief, token=token), (401, "dpop-proof-invalid")),
        ("without a proof", world.ask(page, token=token, dpop=None), (401, "dpop-proof-missing")),
        ("as a bearer token", world.ask(page, authorization=f"Bearer {token}"), (401, "visitor-invalid")),
        ("as a key", world.ask(page, authorization=None, **{"x-api-key": token}), (401, "visitor-invalid")),
        ("from another page", world.ask(page, token=token, origin=BLOG), (403, "origin-not-allowed")),
        ("from a page of the API", world.ask(page, token=token, origin=API), (403, "origin-not-allowed")),
        ("by a program", world.ask(page, token=token, origin=None), (403, "origin-not-allowed")),
        ("changed", world.ask(page, token=token[:-2] + "AA"), (401, "visitor-invalid")),
        ("renewed by another key", world.ask(thief, SESSIONS, token, body={}), (401, "dpop-proof-invalid")),
        ("at another path", world.ask(page, token=token, dpop=elsewhere), (401, "dpop-proof-invalid")),
    ]  # fmt: skip
    assert [(name, code(got)) for name, got, _ in rows] == [(name, wanted) for name, _, wanted in rows]


def test_a_proof_is_good_once_and_for_a_while(world: World, page: Page, token: str) -> None:
    proof = page.proof("POST", world.url + CHAT, time.time(), token)
    assert world.ask(page, token=token, dpop=proof).status_code == 200
    assert code(world.ask(page, token=token, dpop=proof)) == (401, "dpop-proof-replayed")
    old = page.proof("POST", world.url + CHAT, time.time() - 90, token)
    assert code(world.ask(page, token=token, dpop=old)) == (401, "dpop-proof-stale")


def test_who_has_a_wrong_clock_is_told_the_time(world: World, page: Page) -> None:
    got = world.ask(page, SESSIONS, body={}, dpop=page.proof("POST", world.url + SESSIONS, time.time() - 3600))
    assert code(got) == (401, "dpop-proof-stale")
    assert abs(got.json()["chatward"]["now"] - time.time()) < 60
    assert got.headers["www-authenticate"] == 'DPoP algs="ES256"'


def test_a_visitor_talks_to_the_widgets_bot_and_model_alone(world: World, page: Page, token: str) -> None:
    before = len(world.bot.asked)
    for model in ("blog", "other"):  # of another bot; of this one
        got = world.ask(page, token=token, body={**ASKED, "model": model})
        assert code(got) == (403, "not-permitted")
    assert len(world.bot.asked) == before


def test_preflights_say_who_may_ask_what(world: World) -> None:
    def preflight(origin: str, path: str = CHAT, wanted: str = "authorization,content-type,dpop") -> httpx.Response:
        headers = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": wanted}
        return httpx.request("OPTIONS", world.url + path, headers=headers, timeout=30)

    for origin, path, status in [
        (SHOP, CHAT, 204), (SHOP, SESSIONS, 204), (SHOP, "/v1/embeddings", 403), (SHOP, "/v1/passkeys", 403),
        (API, CHAT, 204), (API, "/v1/embeddings", 204), (API, "/chat", 403), (BLOG, CHAT, 403), ("null", CHAT, 403),
    ]:  # fmt: skip
        got = preflight(origin, path)
        assert (origin, path, got.status_code) == (origin, path, status)
        assert got.headers.get("access-control-allow-origin") == (origin if status == 204 else None)
    assert preflight(SHOP, wanted="x-other").status_code == 403
    good = preflight(SHOP).headers
    assert int(good["access-control-max-age"]) > 0
    assert {"dpop", "authorization", "x-chatward-challenge"} <= set(good["access-control-allow-headers"].split(", "))
    assert "*" not in "".join(good.values())


def test_pages_of_other_origins_are_refused_before_anything_else(world: World) -> None:
    before = len(world.bot.asked)
    got = httpx.post(world.url + CHAT, headers={"origin": BLOG}, json=ASKED, timeout=30)
    assert code(got) == (403, "origin-not-allowed")
    assert len(world.bot.asked) == before
    for headers in (
        {"origin": API},
        {"origin": world.url},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {},
    ):
        assert httpx.post(world.url + CHAT, headers=headers, json=ASKED, timeout=30).status_code == 200, headers


def test_a_name_that_was_made_to_point_here_makes_no_page_our_own(world: World) -> None:
    headers = {"host": "evil.example", "origin": "http://evil.example", "sec-fetch-site": "same-origin"}
    assert code(httpx.post(world.url + CHAT, headers=headers, json=ASKED, timeout=30)) == (403, "origin-not-allowed")


def test_the_script_is_for_every_page_and_the_pages_are_not(world: World) -> None:
    script = httpx.get(world.url + "/widget.js", timeout=30)
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert httpx.get(world.url + "/chat", timeout=30).headers["cross-origin-resource-policy"] == "same-origin"


def test_nothing_else_is_below_the_widgets_path(world: World, page: Page) -> None:
    assert code(world.ask(page, "/v1/widget/other", body={}, origin=None)) == (404, "not-found")
    assert httpx.get(world.url + SESSIONS, timeout=30).status_code == 405
    assert code(world.ask(page, SESSIONS, body={"bot": "blog"})) == (400, "field-type")
