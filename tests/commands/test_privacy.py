"""``chatward privacy`` on the files of a configuration."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.configuration import load
from chatward.ledger import reading
from chatward.privacy.standing import Standings, Word
from chatward.seal.opening import opened
from chatward.stores.database import Database
from tests.seal.conftest import turn


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROOT_KEYS", "1:" + base64.b64encode(b"r" * 32).decode())
    path = tmp_path / "chatward.toml"
    path.write_text(
        'upstream = "http://127.0.0.1:9"\n[routes.default]\npurpose = "support"\n'
        f'[ledger]\npath = "{tmp_path}/chatward.db"\nmin_free = 1\n'
        '[seal]\nroot = "environment"\nroot_keys = "env:ROOT_KEYS"\n'
        '[privacy]\nprofile = ["gdpr"]\ncontroller = "Example Ltd"\ncontact = "privacy@example.com"\n'
        '[privacy.notice]\nversion = "1"\n'
        '[privacy.purposes.support]\nlawful_basis = "consent"\nretention_days = 30\n'
    )
    return path


@pytest.fixture
def stored(config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATWARD__CONVERSATIONS__STORE", "true")
    sealing = opened(load(config).settings, lambda entry: None)
    store = sealing.conversations()
    for subject in ("person:1", "person:2"):
        store.write("default", subject, "thread", [turn(f"text of {subject}")])
    store.write("default", "person:old", "thread", [turn("long ago", at=1.0)])
    asyncio.run(store.aclose())
    sealing.close()
    return config


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> Any:
    assert main(["privacy", *arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_a_request_is_taken_and_answered(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("-c", str(config))
    (made,) = told(capsys, "open", "person:1", "--kind", "access", "--received", "2026-03-02", *at)["requests"]
    assert (made["state"], made["due"]) == ("received", "2026-04-02")
    assert told(capsys, "close", made["id"], *at, status=2)["error"]["reason"] == "request-not-verified"
    told(capsys, "verify", made["id"], "--how", "passport", *at)
    told(capsys, "confirm", made["id"], *at)
    assert told(capsys, "requests", *at)["requests"][0]["verified"] == "passport"
    (closed,) = told(capsys, "close", made["id"], *at)["requests"]
    assert (closed["outcome"], closed["late"]) == ("done", True)
    assert told(capsys, "requests", *at)["requests"] == []
    assert len(told(capsys, "requests", "--all", *at)["requests"]) == 1
    (second,) = told(capsys, "open", "person:1", "--kind", "erasure", "--law", "ccpa", *at)["requests"]
    assert second["confirm_by"] is not None
    assert told(capsys, "extend", second["id"], "--reason", "number", *at)["requests"][0]["extended"] == "number"
    events = [record.event for record in reading.tail(str(config.parent / "chatward.db"), 99)]
    assert events.count("subject:request:opened") == 2
    assert main(["privacy", "requests", *at]) == 0
    assert "\terasure\tccpa\t" in capsys.readouterr().out


def test_a_person_gets_a_copy_and_is_erased(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("-c", str(stored))
    standings = Standings(Database(tmp_path / "chatward-privacy.db"))
    standings.say("default", "person:1", "support", Word.CONSENTS, by="person:1", notice="1")
    out = tmp_path / "copy"
    asked = ("export", "person:1", "--out", str(out), "--reason", "request 17 of March", *at)
    assert told(capsys, *asked)["parts"]["conversations"] == 1
    assert "text of person:1" in (out / "export.html").read_text()
    assert "person:2" not in (out / "export.json").read_text()
    assert json.loads((out / "export.json").read_text())["controller"] == "Example Ltd"
    assert (out / "export.json").stat().st_mode & 0o077 == 0
    assert told(capsys, "hold", "person:1", "--reason", "case-7", *at)["holds"][0]["subject"] == "person:1"
    assert told(capsys, "erase", "person:1", *at, status=2)["error"]["reason"] == "subject-held"
    assert told(capsys, "hold", "person:1", "--lift", *at)["holds"] == []
    erased = told(capsys, "erase", "person:1", *at)
    assert [json.loads(one.splitlines()[0])["store"] for one in erased["receipts"]] == [
        "keys",
        "conversations",
        "privacy",
    ]
    assert told(capsys, *asked)["parts"]["conversations"] == 0
    assert standings.statements("default", "person:1") == []
    purged = told(capsys, "purge", *at)
    assert (purged["turns"], purged["requests"], purged["retention_days"]) == (1, 0, 30)
    assert purged["oldest"] > "2026"
    assert told(capsys, "purge", *at)["turns"] == 0


def test_a_breach_is_registered(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("-c", str(config))
    asked = ("incidents", "--new", "--aware", "2026-03-09T12:00:00Z", "--field", "nature=A laptop was lost", *at)
    (made,) = told(capsys, *asked)["incidents"]
    assert made["authority_by"] == "2026-03-12T12:00:00+00:00"
    assert made["individuals_by"] == "2026-05-08"
    assert "nature" not in made["missing"]
    assert main(["privacy", "incidents", made["id"], "--draft", "authority", *at]) == 0
    assert "From: Example Ltd" in capsys.readouterr().out
    assert "laptop" in told(capsys, "incidents", made["id"], "--draft", "subjects", *at)["draft"]
    (closed,) = told(capsys, "incidents", made["id"], "--told", "authority", "--close", *at)["incidents"]
    assert closed["closed"] is not None
    assert len(told(capsys, "incidents", *at)["incidents"]) == 1
    window = ("incidents", "--aware", "2026-03-09", "--affected-until", "2026-03-10", *at)
    assert told(capsys, *window) == {"affected": {}}


def test_the_table_says_how_the_laws_stand(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("-c", str(config))
    said = told(capsys, "requirements", *at)
    rows = {row["id"]: row for row in said["requirements"]}
    assert "Not legal advice" in said["disclaimer"]
    assert rows["gdpr.5"]["status"] == "enforced and unobserved"
    assert rows["hipaa.1"]["status"] == "configured off"
    assert rows["eu-ai-act.3"]["status"] == "customer's duty"
    told(capsys, "open", "person:1", "--kind", "access", *at)
    rows = {row["id"]: row for row in told(capsys, "requirements", "--profile", "gdpr", *at)["requirements"]}
    assert rows["gdpr.5"]["status"] == "enforced and observed"
    assert rows["gdpr.5"]["evidence"] == {"subject:request:opened": 1}
    assert "hipaa.1" not in rows
    assert told(capsys, "requirements", "--profile", "nothing", *at, status=2)["error"]["reason"] == "usage"


def test_the_record_of_processing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (made,) = told(capsys, "processing", "-c", str(config))["processing"]
    assert (made["purpose"], made["lawful_basis"], made["routes"]) == ("support", "consent", ["default"])
    assert main(["privacy", "processing", "-c", str(config)]) == 0
    assert capsys.readouterr().out == "support\tconsent\tdefault\town ?\t30\n"


def test_a_correction_is_in_the_copy(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text"
    text.write_text("Spelt with an h.\n")
    assert told(capsys, "correct", "person:1", str(text), "-c", str(stored)) == {"corrected": "person:1"}
    out = tmp_path / "copy"
    told(capsys, "export", "person:1", "--out", str(out), "--reason", "request 17 of March", "-c", str(stored))
    assert "Spelt with an h." in (out / "export.html").read_text()


def test_people_read_it_too(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*arguments: str) -> str:
        assert main(["privacy", *arguments, "-c", str(stored)]) == 0
        return capsys.readouterr().out

    assert "gdpr.3\tArticles 5(2), 6\t" in said("requirements", "--profile", "gdpr")
    copy = ("export", "person:1", "--out", str(tmp_path / "copy"), "--reason", "request 17 of March")
    assert "conversations\t1\n" in said(*copy)
    assert "default\tperson:2\tcase-7\t" in said("hold", "person:2", "--reason", "case-7")
    assert said("purge").startswith("1 turns and 0 requests taken out; the oldest turn that is left: 20")
    assert '"store":"privacy"' in said("erase", "person:1")
    assert "\tnature categories " in said("incidents", "--new")
    window = ("incidents", "--aware", "2020-01-01", "--affected-until", "2100-01-01")
    assert said(*window) == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("open", "p", "--kind", "access", "--received", "yesterday"),
        ("incidents", "--new", "--aware", "yesterday"),
        ("incidents", "--new", "--field", "nature"),
        ("incidents", "--affected-until", "2026-03-10"),
        ("incidents", "--draft", "authority"),
        ("hold", "p"),
        ("verify", "nothing", "--how", "x"),
    ],
)
def test_what_is_not_understood_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert "error" in told(capsys, *arguments, "-c", str(config), status=2)
