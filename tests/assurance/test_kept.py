"""What is kept of assurance: uploaded bills of materials, runs of attacks, reports."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from chatward.assurance.kept_reports import KeptReports
from chatward.assurance.opening import assurance_file, inventory_of
from chatward.assurance.probes import probes
from chatward.assurance.redteam import Answered, attack, summary
from chatward.assurance.reports import canonical, report
from chatward.assurance.runs import Runs
from chatward.assurance.uploads import Uploads
from chatward.core.errors import ClientError, ConfigError
from chatward.core.ports import Entry
from chatward.settings import Bot, LedgerSettings, Settings
from chatward.settings.rules import complete
from chatward.stores.database import Database
from tests.assurance.making import NOW

BILL = b'{"bomFormat": "CycloneDX", "components": [{"purl": "pkg:pypi/leaky-bot@2.0.0"}]}'


def settings(folder: Path) -> Settings:
    ledger = LedgerSettings(path=str(folder / "ledger.db"))
    return complete(Settings(bots={"default": Bot(upstream="https://bot.example")}, ledger=ledger))


def test_an_upload_is_what_a_bot_is_made_of(tmp_path: Path) -> None:
    recorded, made = list[Entry](), settings(tmp_path)
    with pytest.raises(ConfigError, match="names no inventory"):
        inventory_of(made, "default")
    uploads = Uploads(Database(assurance_file(made)), recorded.append, lambda: NOW)
    with pytest.raises(ClientError) as caught:
        uploads.add("default", "bill.json", b"{}")
    assert (caught.value.reason, recorded) == ("inventory-invalid", [])
    uploads.add("default", "../../bill.json", BILL)
    kept = uploads.add("default", "../../bill.json", BILL.replace(b"2.0.0", b"2.0.1"))
    assert [one.id for one in uploads.of("default")] == [kept.id], "one of the same name takes its place"
    assert [one.version for one in inventory_of(made, "default").components] == ["2.0.1"]
    with pytest.raises(ClientError):
        uploads.drop("other", kept.id)
    uploads.drop("default", kept.id)
    with pytest.raises(ConfigError):
        inventory_of(made, "default")
    assert "bill.json" not in str(recorded)


def test_runs_of_attacks_are_kept_by_outcomes() -> None:
    outcomes = attack(probes()[:3], lambda probe: Answered(probe.marker), lambda probe: Answered(refused=True))
    runs = Runs(Database(None), lambda: NOW)
    runs.keep({"bot": "default", "model": "m", **summary(outcomes)})
    (run,) = runs.all()
    assert (run.at, run.bot, run.suite) == (NOW, "default", "own")
    assert (run.made["all"]["direct"]["worked"], run.made["all"]["guarded"]["stopped"]) == (3, 3)
    assert runs.one(run.id) == run
    with pytest.raises(ClientError):
        runs.one(run.id + 1)


def test_reports_are_kept_whole_and_beside_the_one_before(tmp_path: Path) -> None:
    recorded = list[Entry]()
    kept = KeptReports(Database(None), recorded.append, lambda: NOW)
    made = report("soc2", settings(tmp_path))
    first = kept.keep(made, "a note", "operator:ann")
    second = kept.keep(made, "", "operator:ann")
    assert [one.id for one in kept.all()] == [second.id, first.id]
    assert first.sha256 == hashlib.sha256(canonical(made)).hexdigest() == recorded[0].fields["sha256"]
    one, said = kept.one(first.id)
    assert (one.note, one.counts, canonical(said)) == ("a note", made["counts"], canonical(json.loads(canonical(made))))
    assert kept.before(second) == said
    assert kept.before(first) is None
    with pytest.raises(ClientError):
        kept.one(99)
