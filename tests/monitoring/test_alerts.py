"""What matches becomes one alert an attack, told to everybody who should know, not more often than they asked for."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks

from chatward.cli import main
from chatward.core.errors import ConfigError, StoreError
from chatward.ledger.reading import Record, between
from chatward.monitoring.alerts import MOST, Alerts, Watching
from chatward.monitoring.cursors import Cursors, opened
from chatward.monitoring.follower import Follower
from chatward.monitoring.levels import Level
from chatward.monitoring.past import first_since
from chatward.monitoring.sigma.rules import SHIPPED, Match, Rule, read
from chatward.monitoring.sinks import SinkError
from chatward.monitoring.targets import Message, Telling, by_apprise, webhook
from chatward.monitoring.webhooks import secret_of, signed
from chatward.settings.monitoring import AlertTarget
from chatward.stores.database import Database
from tests.monitoring.records import AT, BLOCKED, Written, record
from tests.simulators.receivers import HttpReceiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SECOND = 10**9


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return opened(tmp_path / "m.db")


def rule(key: str, level: Level = Level.HIGH) -> Rule:
    return Rule(f"id-{key}", key, "", f"Rule {key}", level, ())


def match(key: str, seconds: float, about: str = "a", seq: int = 1, level: Level = Level.HIGH) -> Match:
    return Match(rule(key, level), record(seq=seq, at=AT + int(seconds * SECOND)), {"principal": about})


# --- folding ---------------------------------------------------------------------------------------------


def test_matches_of_one_rule_about_one_caller_are_one_alert_while_they_go_on(database: Database) -> None:
    alerts = Alerts(database, 10)
    alerts.add([match("x", 0, seq=1), match("x", 9, seq=2), match("x", 18, seq=3)])
    alerts.add([match("x", 5, about="b", seq=4), match("y", 5, seq=5)])
    alerts.add([match("x", 28, seq=6), match("x", 40, seq=7)])  # ten seconds and more after the last
    found = {(one.rule, one.about, one.first_seq): (one.last_seq, one.count) for one in alerts.newest(99)}
    assert found == {
        ("x", "principal=a", 1): (3, 3),
        ("x", "principal=b", 4): (4, 1),
        ("y", "principal=a", 5): (5, 1),
        ("x", "principal=a", 6): (6, 1),
        ("x", "principal=a", 7): (7, 1),
    }


def test_a_hundred_thousand_of_one_attack_are_one_alert(database: Database) -> None:
    alerts = Alerts(database, 600)
    alerts.add([match("x", number / 1000, seq=number) for number in range(2000)])
    assert [one.count for one in alerts.newest(9)] == [2000]


def test_old_alerts_go(database: Database) -> None:
    alerts = Alerts(database, 10)
    alerts.add([match("x", 0), match("y", 100)])
    alerts.told("t", alerts.newest(9), 1.0)
    assert alerts.purge((AT + 50 * SECOND) / 1e9) == 1
    assert [one.rule for one in alerts.newest(9)] == ["y"]


# --- watching --------------------------------------------------------------------------------------------


async def test_what_a_correlation_had_seen_is_known_after_a_restart(tmp_path: Path, database: Database) -> None:
    written, alerts, cursors = Written(tmp_path), Alerts(database, 600), Cursors(database)

    def follower() -> Follower:
        return Follower("alerts", written.path, cursors, Watching(written.path, read([SHIPPED]), alerts, 1e9))

    await written.add(3, "message:input:judged", **BLOCKED)
    follower().step()
    await written.add(2, "message:input:judged", **BLOCKED)
    follower().step()
    found = {one.rule: one.count for one in alerts.newest(9)}
    assert found["llm01_repeated_injection"] == 1
    assert found["llm01_direct_prompt_injection"] == 5  # what was read again is not counted again


async def test_entries_that_are_too_old_to_matter_are_not_read_again(tmp_path: Path) -> None:
    written = Written(tmp_path)
    await written.add(20)
    records = between(written.path, 1, 20)
    assert first_since(written.path, 20, records[6].at) == 7
    assert first_since(written.path, 20, 0) == 1
    assert first_since(written.path, 20, records[-1].at + 1) == 20


async def test_a_store_that_fails_loses_no_match(tmp_path: Path, database: Database) -> None:
    class Failing(Alerts):
        fails = True

        def add(self, matches: Sequence[Match]) -> None:
            if self.fails:
                raise StoreError("full")
            super().add(matches)

    written, alerts = Written(tmp_path), Failing(database, 600)
    await written.add(1, "message:input:judged", **BLOCKED)
    follower = Follower("alerts", written.path, Cursors(database), Watching(written.path, read([SHIPPED]), alerts, 1e9))
    follower.step()
    alerts.fails = False
    follower.step()
    assert {one.rule: one.count for one in alerts.newest(9)}["llm01_direct_prompt_injection"] == 1


async def test_a_past_that_cannot_be_read_at_first_is_read_again(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, alerts, cursors = Written(tmp_path), Alerts(database, 600), Cursors(database)
    await written.add(5, "message:input:judged", **BLOCKED)
    cursors.move("alerts", 4, between(written.path, 4, 4)[0].hash, 1.0)
    follower = Follower("alerts", written.path, cursors, Watching(written.path, read([SHIPPED]), alerts, 1e9))

    def broken(*_: object) -> list[Record]:
        raise StoreError("locked")

    with monkeypatch.context() as failing:
        failing.setattr("chatward.monitoring.past.between", broken)
        follower.step()
    assert alerts.newest(9) == []
    follower.step()
    assert {one.rule for one in alerts.newest(9)} >= {"llm01_repeated_injection", "llm01_direct_prompt_injection"}


async def test_a_cursor_that_was_moved_back_judges_again(tmp_path: Path, database: Database) -> None:
    written, alerts, cursors = Written(tmp_path), Alerts(database, 600), Cursors(database)
    await written.add(2, "message:input:judged", **BLOCKED)
    follower = Follower("alerts", written.path, cursors, Watching(written.path, read([SHIPPED]), alerts, 1e9))
    follower.step()
    cursors.move("alerts", 0, b"", 1.0)
    follower.step()
    assert {one.rule: one.count for one in alerts.newest(9)}["llm01_direct_prompt_injection"] == 4


# --- telling ---------------------------------------------------------------------------------------------


class Now:
    def __init__(self) -> None:
        self.at = AT / 1e9

    def __call__(self) -> float:
        return self.at


class Taking:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuse = 0

    def __call__(self, message: Message) -> None:
        self.messages.append(message)
        if self.refuse:
            self.refuse -= 1
            raise SinkError("gone")

    @property
    def told(self) -> list[list[str]]:
        return [[one.rule for one in message.alerts] for message in self.messages]


def telling(database: Database, taking: Taking, now: Now, **more: Any) -> Telling:
    target = AlertTarget(**{"address": "https://a.example", "name": "t", **more})
    alerts, cursors = Alerts(database, 10), Cursors(database)
    return Telling(target, alerts, cursors, taking, "gw-1", clock=now, chance=lambda: 0.0)


def test_each_alert_is_told_once_and_again_only_if_it_goes_on(database: Database) -> None:
    alerts, taking, now = Alerts(database, 1000), Taking(), Now()
    one = telling(database, taking, now, gather=1.0, repeat=100.0)
    alerts.add([match("x", 0), match("y", 0)])
    one.step()
    assert taking.told == [["x", "y"]]
    now.at += 50
    alerts.add([match("x", 50)])
    one.step()
    assert len(taking.messages) == 1
    now.at += 51
    one.step()
    assert taking.told[1:] == [["x"]]
    assert taking.messages[1].alerts[0].count == 2
    now.at += 500
    one.step()
    assert len(taking.messages) == 2


def test_another_process_does_not_tell_again(database: Database) -> None:
    taking, now = Taking(), Now()
    Alerts(database, 10).add([match("x", 0)])
    telling(database, taking, now).step()
    telling(database, taking, now).step()
    assert len(taking.messages) == 1


def test_levels_and_rules_choose(database: Database) -> None:
    taking, now = Taking(), Now()
    Alerts(database, 10).add([match("a1", 0, level=Level.LOW), match("a2", 0), match("b1", 0)])
    telling(database, taking, now, level="medium", rules=("a*",)).step()
    assert taking.told == [["a2"]]


def test_messages_keep_their_distance_and_what_comes_meanwhile_is_gathered(database: Database) -> None:
    alerts, taking, now = Alerts(database, 10), Taking(), Now()
    one = telling(database, taking, now, gather=10.0, per_hour=3)
    for number in range(6):
        alerts.add([match(f"r{number}", number * 4)])
        assert one.step() > 0
        now.at += 4
    assert taking.told == [["r0"], ["r1", "r2", "r3"]]
    now.at += 10
    one.step()
    assert taking.told[2] == ["r4", "r5"]
    alerts.add([match("late", 60)])
    now.at += 60
    assert 3000 < one.step() < 3600  # three in this hour
    assert len(taking.messages) == 3
    now.at += 3600
    one.step()
    assert taking.told[3] == ["late"]


def test_too_many_for_one_message_are_counted(database: Database) -> None:
    taking, now = Taking(), Now()
    Alerts(database, 10).add(
        [match("x", 0, about=str(number)) for number in range(MOST + 7)] + [match("worst", 0, level=Level.CRITICAL)]
    )
    one = telling(database, taking, now)
    one.step()
    message = taking.messages[0]
    assert (len(message.alerts), message.more) == (MOST, 8)
    assert message.alerts[0].rule == "worst"
    assert message.title == "Chatward at gw-1: Rule worst and 57 more"
    assert message.text.splitlines()[-1] == "and 8 more"
    now.at += 3600
    one.step()
    assert len(taking.messages) == 1


def test_what_was_not_taken_is_sent_again_as_it_was(database: Database) -> None:
    alerts, taking, now = Alerts(database, 10), Taking(), Now()
    one = telling(database, taking, now)
    alerts.add([match("x", 0)])
    taking.refuse = 2
    assert [one.step(), one.step()] == [1.0, 2.0]
    assert Cursors(database).get("t").said == "gone"
    alerts.add([match("y", 0)])
    one.step()
    assert taking.told == [["x"]] * 3
    assert len({message.id for message in taking.messages}) == 1
    assert Cursors(database).get("t").failures == 0
    now.at += 10
    one.step()
    assert taking.told[3] == ["y"]


# --- webhooks --------------------------------------------------------------------------------------------


def test_a_webhook_is_verified_by_the_reference_implementation(database: Database) -> None:
    def check(body: bytes, headers: dict[str, str]) -> None:
        assert standardwebhooks.Webhook(SECRET).verify(body, headers)["type"] == "chatward.alert"

    receiver = HttpReceiver(check)
    Alerts(database, 10).add([match("x", 0)])
    one = telling(database, Taking(), Now())
    one._deliver = webhook(receiver.url, secret_of(SECRET), None)
    receiver.answers = [500]
    one.step()
    one.step()
    receiver.close()
    told = json.loads(receiver.bodies[0])
    assert told["data"]["alerts"][0]["rule"] == "x"
    assert told["data"]["alerts"][0]["about"] == "principal=a"
    assert Cursors(database).get("t").failures == 0


@pytest.mark.parametrize("change", ["body", "id", "time", "secret"])
def test_a_webhook_that_was_changed_or_is_old_is_not(change: str) -> None:
    import time

    body, now = b'{"a":1}', int(time.time())
    headers = signed(secret_of(SECRET), "msg_1", now - (3600 if change == "time" else 0), body)
    secret = SECRET if change != "secret" else "whsec_" + base64.b64encode(bytes(32)).decode()
    if change == "id":
        headers["webhook-id"] = "msg_2"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body + (b" " if change == "body" else b""), headers)
    unchanged = signed(secret_of(SECRET), "msg_1", now, body)
    assert standardwebhooks.Webhook(SECRET).verify(body, unchanged) == {"a": 1}


@pytest.mark.parametrize(
    "text", ["", "Zyxomorph", "whsec_Zyxomorph", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), SECRET + "!"]
)
def test_a_secret_of_another_form_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        secret_of(text)
    assert not text or text not in str(caught.value)


# --- apprise ---------------------------------------------------------------------------------------------


def test_apprise_delivers_what_people_read(database: Database) -> None:
    receiver = HttpReceiver()
    Alerts(database, 10).add([match("x", 0)])
    taking = Taking()
    telling(database, taking, Now()).step()
    by_apprise(receiver.url.replace("http://", "json://"))(taking.messages[0])
    receiver.answers = [500]
    with pytest.raises(SinkError):
        by_apprise(receiver.url.replace("http://", "json://"))(taking.messages[0])
    receiver.close()
    told = json.loads(receiver.bodies[0])
    assert told["title"] == "Chatward at gw-1: Rule x"
    assert "high: Rule x (principal=a), 1 times" in told["message"]


def test_an_address_that_apprise_does_not_know_is_refused_and_not_quoted() -> None:
    with pytest.raises(ConfigError) as caught:
        by_apprise("nothing-known://user:Zyxomorph@host")
    assert "Zyxomorph" not in str(caught.value)


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setitem(sys.modules, "yaml", None)
    for ask in (lambda: by_apprise("json://localhost"), lambda: read([SHIPPED])):
        with pytest.raises(ConfigError, match=r"chatward\[siem\]") as caught:
            ask()
        assert caught.value.reason == "extra-missing"


# --- commands --------------------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALERTS_SECRET", SECRET)
    path = tmp_path / "chatward.toml"
    path.write_text(
        'upstream = "http://127.0.0.1:9/v1"\n'
        f'[ledger]\npath = "{tmp_path}/ledger.db"\n'
        '[[alerts]]\naddress = "http://127.0.0.1:1/in"\nsecret = "env:ALERTS_SECRET"\n'
        f'[[siem]]\nkind = "file"\naddress = "{tmp_path}/out.jsonl"\n'
    )
    return path


def asked(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> tuple[int, Any]:
    status = main(["monitoring", *words, "--json", "--config", str(config)])
    return status, json.loads(capsys.readouterr().out)


def test_a_test_alert_says_who_took_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = asked(capsys, config, "test-alert")
    assert status == 1
    assert told["told"][0]["error"]
    receiver = HttpReceiver(lambda body, headers: standardwebhooks.Webhook(SECRET).verify(body, headers))
    config.write_text(config.read_text().replace("http://127.0.0.1:1/in", receiver.url))
    assert asked(capsys, config, "test-alert", "people") == (0, {"told": [{"target": "people", "error": ""}]})
    receiver.close()
    assert json.loads(receiver.bodies[0])["type"] == "chatward.test"
    assert asked(capsys, config, "test-alert", "nobody")[0] == 2


async def test_status_alerts_and_move(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = Written(tmp_path)
    await written.add(3, "message:input:judged", **BLOCKED)
    status, told = asked(capsys, config, "status")
    assert [(one["name"], one["behind"]) for one in told["receivers"]] == [("siem", 3), ("alerts", 3)]
    assert status == 0  # three entries, a moment old
    assert asked(capsys, config, "move", "siem", "--to", "2") == (0, {"receiver": "siem", "behind": 2})
    assert asked(capsys, config, "status")[1]["receivers"][0]["behind"] == 1
    assert asked(capsys, config, "move", "siem", "--to", "9")[0] == 2
    assert asked(capsys, config, "move", "nobody")[0] == 2
    assert asked(capsys, config, "alerts") == (0, {"alerts": []})
    Alerts(opened(tmp_path / "chatward-monitoring.db"), 10).add([match("x", 0)])
    shown = asked(capsys, config, "alerts")[1]["alerts"]
    assert [(one["rule"], one["level"], one["count"]) for one in shown] == [("x", "high", 1)]
    assert len(asked(capsys, config, "rules")[1]["rules"]) == len(list(SHIPPED.glob("*.yml")))
