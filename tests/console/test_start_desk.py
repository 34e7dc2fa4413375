"""The first steps: shown to an admin until they are done or put away."""

from __future__ import annotations

import pytest

from chatward.configuration import load
from chatward.console.start_desk import ALERTS, base_url
from chatward.console.views import Steps
from chatward.settings import Server, Settings
from chatward.settings.monitoring import AlertTarget
from tests.console.conftest import GOOD, written

TARGET = AlertTarget(address="https://alerts.example/x", secret="env:X")


@pytest.fixture
def start(house, watch, tmp_path):
    """A console over a record that nothing happened in yet; ``settings`` may be changed."""

    def build(**more):
        ledger = written(tmp_path / "new.db", [("service:process:started", "", {"version": "1", "process": 1})])
        held = {"settings": Settings(upstream="https://bot.example/v1")}

        def made(database, kept):
            found = watch(ledger, settings=lambda: held["settings"], steps=Steps(database), **more)
            return found(database, kept)

        it = house({"ann": ["admin"], "bea": ["admin"], "ana": ["analyst"]}, watching=made)
        it.held = held
        return it

    return build


async def test_the_steps_are_shown_to_admins_until_put_away(start) -> None:
    it = start()
    ann, bea, ana = it.browser(), it.browser(), it.browser()
    await ann.sign_in("ann", GOOD)
    await bea.sign_in("bea", GOOD)
    await ana.sign_in("ana", GOOD)
    for browser, wanted in ((ann, True), (bea, True), (ana, False)):
        assert ("The first steps" in (await browser.get("/")).text) is wanted
    assert (await ann.send_form("/start", "/start/done")).status_code == 303
    assert "The first steps" not in (await ann.get("/")).text
    assert "The first steps" in (await bea.get("/")).text, "for oneself alone"


async def test_an_attack_is_sent_and_seen_stopped(start) -> None:
    it = start()
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    page = await browser.get("/start")
    assert 'base_url = "http://127.0.0.1:8787/v1"' in page.text
    done = await browser.send_form("/start", "/start/attack", text="an attack <script>alert(1)</script>")
    assert "text.injection/override" in done.text
    assert "blocked" in done.text
    assert "<script>alert" not in done.text
    [(_, fields)] = it.events("inspection:")
    assert fields["action"] == "block"
    let = await browser.send_form("/start", "/start/attack", text="good morning")
    assert "Nothing acted on it." in let.text
    assert (await browser.send_form("/start", "/start/attack", text=" ")).status_code == 400


async def test_what_is_done_is_read_from_the_record_and_the_settings(house, watch) -> None:
    """The scene has messages and findings; with somebody who is told of alerts nothing is left."""
    settings = {"now": Settings(upstream="https://bot.example/v1")}

    def made(database, kept):
        return watch(settings=lambda: settings["now"], steps=Steps(database))(database, kept)

    browser = house({"ann": ["admin"]}, watching=made).browser()
    await browser.sign_in("ann", GOOD)
    assert (await browser.get("/start")).text.count(">done<") == 2
    settings["now"] = Settings(upstream="https://bot.example/v1", alerts=(TARGET,))
    assert "The first steps" not in (await browser.get("/")).text


def test_the_lines_for_alerts_are_good(tmp_path, monkeypatch) -> None:
    file = tmp_path / "chatward.toml"
    file.write_text('upstream = "https://bot.example/v1"\n' + ALERTS)
    [target] = load(file).settings.alerts
    assert target.kind == "webhook"


def test_the_address_is_the_one_that_is_served() -> None:
    assert base_url(Settings(server=Server(host="::1", port=9))) == "http://[::1]:9/v1"
    assert base_url(Settings(server=Server(behind_tls_proxy=True))).startswith("https://")
