"""``chatward intel``, on the files of a configuration; and what it takes in is in force for whoever asks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.commands import intel_hunt
from chatward.configuration import load
from chatward.core.values import Action
from chatward.intel.index import POLL
from chatward.intel.opening import lifecycle
from chatward.intel.watching import LOOK, Updater, watch
from chatward.seal.opening import opened
from chatward.ward import Ward
from tests.seal.conftest import turn

LINK = "see https://evil.example.net/login now"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "chatward.toml"
    path.write_text(
        f'upstream = "http://127.0.0.1:9"\n[ledger]\npath = "{tmp_path}/chatward.db"\n\n'
        '[[intel.sources]]\nname = "own"\nlocation = "own.txt"\ntype = "phishing"\n'
    )
    (tmp_path / "own.txt").write_text("https://evil.example.net/login\nbad-domain.net\n")
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main(["intel", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_never_fetched_then_fresh(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = told(capsys, "status", "-c", str(config), status=1)
    assert (before["sources"][0]["state"], before["stale"]) == ("never", ["own"])
    (done,) = told(capsys, "update", "-c", str(config))["updates"]
    assert (done["name"], done["outcome"], done["rows"]) == ("own", "imported", 2)
    after = told(capsys, "status", "-c", str(config))
    assert (after["sources"][0]["state"], after["entries"], after["stale"]) == ("fresh", 2, [])


def test_lookup(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "lookup", "evil.example.net", "-c", str(config), status=3)["stale"] == ["own"]
    told(capsys, "update", "-c", str(config))
    found = told(capsys, "lookup", "hxxps://x.bad-domain[.]net/a", "-c", str(config), status=1)
    assert found["values"][0]["sightings"][0]["source"] == "own"
    assert told(capsys, "lookup", "good.example", "203.0.113.9", "-c", str(config))["values"][1]["sightings"] == []
    assert main(["intel", "lookup", "no value", "-c", str(config)]) == 2


def test_a_url_with_an_address_of_version_6_is_looked_up(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = "https://[2001:db8::5]:8443/login"
    (config.parent / "own.txt").write_text(f"{url}\n2001:db8:1::/48\n")
    told(capsys, "update", "-c", str(config))
    for asked in (url, "hxxps://[2001:db8:1::7]/x"):
        found = told(capsys, "lookup", asked, "-c", str(config), status=1)
        assert found["values"][0]["sightings"][0]["source"] == "own"


def test_people_read_it_too(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intel", "update", "-c", str(config)]) == 0
    assert main(["intel", "status", "-c", str(config)]) == 0
    assert main(["intel", "lookup", "bad-domain.net", "good.example", "-c", str(config)]) == 1
    said = capsys.readouterr().out
    assert "own\timported\t2\t0" in said
    assert "own\tfresh\t" in said
    assert "bad-domain.net\town\tdomain\tphishing\t0.80" in said
    assert "good.example\tnot listed" in said


def test_a_source_that_fails(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "own.txt").unlink()
    (done,) = told(capsys, "update", "-c", str(config), status=1)["updates"]
    assert (done["outcome"], done["error"]) == ("failed", "intel-unreadable")


def test_usage(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["intel", "update", "other", "-c", str(config)]) == 2
    assert main(["intel", "export", "--tlp", "pink", "-c", str(config)]) == 2
    empty = tmp_path / "empty.toml"
    empty.write_text('upstream = "http://127.0.0.1:9"\n')
    assert main(["intel", "status", "-c", str(empty)]) == 2
    assert "chatward intel add" in capsys.readouterr().err


def test_add_writes_what_is_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / 'more "x".txt').write_text("third.example.net\n")
    told(capsys, "add", "more", 'more "x".txt', "--type", "scam", "-c", str(config))
    source = load(config).settings.intel.sources[1]
    assert (source.name, source.location, source.type) == ("more", 'more "x".txt', "scam")
    told(capsys, "update", "-c", str(config))
    assert told(capsys, "lookup", "third.example.net", "-c", str(config), status=1)
    before = config.read_text()
    assert main(["intel", "add", "more", "x", "-c", str(config)]) == 2
    assert main(["intel", "add", "bad", "http://elsewhere.example/", "-c", str(config)]) == 2
    assert main(["intel", "add", "worse", "x", "--format", "nonesuch", "-c", str(config)]) == 2
    assert config.read_text() == before
    assert sorted(path.name for path in config.parent.glob("*.new")) == []


# --- in force ----------------------------------------------------------------------------------------


def test_a_list_is_in_force_from_the_first_message_on(config: Path) -> None:
    ward = Ward.from_config(config)
    verdict = ward.check(LINK)
    assert (verdict.action, verdict.rule) == (Action.BLOCK, "links.intel/own")
    assert ward.check(LINK.replace("login", "logout")).action is Action.ALLOW
    said = ward.check("Your bank: [log in](https://evil.example.net/login)", role="assistant")
    assert (said.action, said.text) == (Action.REDACT, "Your bank: [log in]([link removed])")
    said = ward.check("\ufb01ve \ufb01rms: https://evil.example.net/login now", role="assistant")
    assert said.text == "\ufb01ve \ufb01rms: [link removed] now"


def test_what_is_known_by_its_digest_is_looked_up_again(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ward = Ward.from_config(config)
    text = "see https://new.example.net/page now"
    assert ward.check(text).action is Action.ALLOW
    with (config.parent / "own.txt").open("a") as file:
        file.write("https://new.example.net/page\n")
    told(capsys, "update", "-c", str(config))
    until = time.monotonic() + 20 * POLL
    while ward.check(text).action is Action.ALLOW and time.monotonic() < until:
        time.sleep(POLL / 10)
    assert ward.check(text).action is Action.BLOCK


def test_a_required_source_that_was_never_fetched(config: Path) -> None:
    config.write_text(config.read_text().replace("own.txt", "missing.txt") + 'on_stale = "unavailable"\n')
    ward = Ward.from_config(config)
    verdict = ward.check(LINK)
    assert (verdict.action, [one.guard for one in verdict.unavailable]) == (Action.BLOCK, ["links.intel"])
    assert ward.check("no link at all").action is Action.ALLOW


def test_scan_says_so(config: Path) -> None:
    command = [sys.executable, "-m", "chatward.cli", "scan", "-c", str(config), "-"]
    env = {**os.environ, "CHATWARD_CONFIG": ""}
    done = subprocess.run(command, input=LINK.encode(), capture_output=True, timeout=120, env=env, check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["action"]) == (1, "block")
    assert answer["findings"] == [
        {"rule": "links.intel/own", "category": "link", "severity": "high", "confidence": 0.8, "span": [4, 34]}
    ]


# --- watching ----------------------------------------------------------------------------------------


def test_watching_takes_what_changes_until_it_is_stopped(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    rounds: list[str] = []

    def report(done: Any) -> None:
        rounds.append(" ".join(one.outcome for one in done))
        if len(rounds) == 1:
            with (config.parent / "own.txt").open("a") as file:
                file.write("third.example.net\n")
        else:
            stop.set()

    monkeypatch.setattr("chatward.intel.watching.LOOK", LOOK / 50)
    watch(lifecycle(load(config).settings), report, lambda error: None, stop)
    assert rounds[0] == rounds[1] == "imported"


def test_the_process_that_watches_ends_with_whoever_started_it(config: Path) -> None:
    updater = Updater(config)
    status = config.parent / "chatward-intel" / "status.json"
    until = time.monotonic() + 60
    while not status.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert status.exists()
    assert updater.running
    updater.close()
    assert not updater.running


# --- hunting -----------------------------------------------------------------------------------------


def test_what_is_listed_now_is_found_in_what_was_stored(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PHRASE", "correct horse battery")
    monkeypatch.setattr(intel_hunt, "_PAGE", 2)
    config.write_text(config.read_text() + '\n[seal]\npassphrase = "env:PHRASE"\n')
    sealing = opened(load(config).settings, lambda entry: None)
    store = sealing.conversations()
    texts = ["nothing here", "https://new.example.net/page", "mail ann@example.com", "and https://a.bad-domain.net/"]
    for number, text in enumerate(texts):
        store.write("default", "person:1", f"thread{number}", [turn("hello", at=5.0), turn(text, at=5.0)])
    asyncio.run(store.aclose())
    sealing.close()
    told(capsys, "update", "-c", str(config))
    found = told(capsys, "hunt", "-c", str(config), status=1)
    assert [(one["rule"], one["turn"], one["subject"]) for one in found["found"]] == [
        ("links.intel/own", 2, "person:1")
    ]
    assert found["gone_through"] == {"conversations": 4, "turns": 8, "unread": 0}
    assert "bad-domain" not in json.dumps(found)
    (config.parent / "own.txt").write_text("https://new.example.net/page\nbad-domain.net\n")
    told(capsys, "update", "-c", str(config))
    assert len(told(capsys, "hunt", "-c", str(config), status=1)["found"]) == 2
    assert told(capsys, "hunt", "--tenant", "other", "-c", str(config))["found"] == []
    assert not (config.parent / "chatward-intel" / "sightings.jsonl").exists()
