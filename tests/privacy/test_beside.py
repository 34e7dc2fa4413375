"""What other stores have of a person is in their export: of them alone, and readable."""

from __future__ import annotations

from pathlib import Path

from chatward.behaviour.store import SCHEMA as BEHAVIOUR
from chatward.behaviour.store import behaviour_file
from chatward.files.quarantine import SCHEMA as QUARANTINE
from chatward.files.quarantine import quarantine_file
from chatward.privacy.beside import beside
from chatward.privacy.exporting import as_html
from chatward.settings import LedgerSettings, Settings
from chatward.stores.database import Database
from tests.privacy.conftest import Office
from tests.privacy.test_exporting import exported


def test_alerts_and_files_of_one_person_are_copied_out(tmp_path: Path, office: Office) -> None:
    settings = Settings(ledger=LedgerSettings(path=str(tmp_path / "chatward.db")))
    assert beside(settings, "default", "p") == {"alerts": [], "files": []}
    assert not behaviour_file(settings).exists()  # asking makes no files
    assert not quarantine_file(settings).exists()
    alert = "INSERT INTO behaviour_alerts (at, tenant, form, entity, bot, signal, points, incident, told) VALUES"
    file = (
        "INSERT INTO quarantine (id, tenant, subject, digest, kind, size, rules, exchange, at, until, body) VALUES"
        " (?, ?, ?, 'ab12', 'elf', 7, 'files.type/program', 'cw-1', 1.0, 2.0, x'00')"
    )
    for path, schema, sql in (
        (behaviour_file(settings), BEHAVIOUR, f"{alert} (9.0, ?2, 'principal', ?3, 'b', 'rate', 3.0, ?1, x'929090')"),
        (quarantine_file(settings), QUARANTINE, file),
    ):
        database = Database(path, [schema])
        for number, (tenant, subject) in enumerate((("default", "p"), ("default", "q"), ("other", "p"))):
            database.write(sql, (str(number), tenant, subject))
        database.close()
    found = beside(settings, "default", "p")
    assert [one["signal"] for one in found["alerts"]] == ["rate"]
    assert [(one["kind"], one["bytes"], one["rules"]) for one in found["files"]] == [("elf", 7, ["files.type/program"])]
    made = exported(office, beside=found)
    assert (made["parts"]["alerts"], made["parts"]["files"], made["files"]) == (1, 1, found["files"])
    assert "SHA-256 ab12" in as_html(made)
