"""``chatward ledger``: what it shows, proves and checks, and how it says that something is wrong."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from chatward import cli
from chatward.commands import ledger as command
from chatward.core.ports import Entry
from chatward.ledger.checkpoint import Checkpoint, Stack
from chatward.ledger.checkpointing import Plan, verifiers
from chatward.ledger.note import Cosigner, Signer
from chatward.ledger.sqlite import SqliteLedger
from chatward.ledger.witness import FileWitness, Witnessing

Captured = pytest.CaptureFixture[str]
COSIGNER = Cosigner("witness.example", bytes(32), clock=lambda: 1_800_000_000)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "chatward.db"

    async def fill() -> None:
        plan = Plan(every=10, seconds=1e9, file=tmp_path / "elsewhere", origin="example.com/log")
        made = SqliteLedger(path, "process", min_free=1, checkpoints=plan)
        for number in range(25):
            await made.append(Entry("message:input:judged", f"x-{number}", {"number": number}))
        await made.aclose()

    asyncio.run(fill())
    return path


def run(*arguments: object) -> int:
    return cli.main(["ledger", *map(str, arguments)])


def tamper(path: Path, statements: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(f"DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete; {statements}")
    connection.close()


def test_verify_with_all_that_vouches(ledger: Path, capsys: Captured) -> None:
    assert run("verify", ledger, "--noted", "elsewhere", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["entries"], told["checkpoints"], told["vouched"]) == (True, 25, 5, 25)
    assert len(told["root"]) == 64
    assert run("verify", ledger, "--jobs", "2", "--key", f"{ledger}.vkey") == 0
    assert capsys.readouterr().out.startswith("whole: 25 entries, 2 checkpoints vouch for 25 of them, head 25:")


def test_a_file_of_checkpoints_may_be_shared_by_several_logs(ledger: Path, tmp_path: Path, capsys: Captured) -> None:
    theirs = Checkpoint("other.example", 7, bytes(32)).signed([Signer("other.example", bytes(32))])
    Stack(tmp_path / "elsewhere").append(theirs)
    assert run("verify", ledger, "--noted", "elsewhere") == 0
    Stack(tmp_path / "theirs").append(theirs)
    assert run("verify", ledger, "--noted", "theirs") == 2
    assert "no checkpoint of this ledger" in capsys.readouterr().err


def test_verify_names_a_range_where_it_cannot_name_one(ledger: Path, capsys: Captured) -> None:
    tamper(ledger, "DELETE FROM ledger WHERE seq > 20; DELETE FROM ledger_checkpoints WHERE size > 20;")
    assert run("verify", ledger) == 0
    assert run("verify", ledger, "--noted", "elsewhere") == 1
    assert capsys.readouterr().out.endswith("broken: entry 21 is rolled-back; 20 entries before it are whole\n")
    connection = sqlite3.connect(ledger)
    connection.executescript("INSERT INTO ledger_checkpoints SELECT 20, note FROM ledger_checkpoints WHERE size = 10;")
    connection.close()
    assert run("verify", ledger, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["problem"], told["first_bad"], told["root"]) == ("forged-checkpoint", 20, None)


def test_a_rewritten_range_is_told(ledger: Path, tmp_path: Path, capsys: Captured) -> None:
    other = tmp_path / "other" / "chatward.db"
    other.parent.mkdir()
    for name in ("signer", "vkey"):
        shutil.copy(f"{ledger}.{name}", f"{other}.{name}")

    async def another() -> None:
        made = SqliteLedger(other, "process", min_free=1, checkpoints=Plan(every=10, seconds=1e9))
        for number in range(25):
            await made.append(Entry("message:input:judged", f"x-{number}", {"number": 0}))
        await made.aclose()

    asyncio.run(another())
    assert run("verify", other) == 0
    assert run("verify", other, "--noted", "elsewhere") == 1
    assert capsys.readouterr().out.endswith("broken: entries 1 to 10: fork; 0 entries before them are whole\n")


def test_show(ledger: Path, capsys: Captured) -> None:
    assert run("show", "7", ledger) == 0
    assert capsys.readouterr().out.split("\t")[0] == "7"
    assert run("show", "7-9", ledger, "--json") == 0
    assert [json.loads(line)["seq"] for line in capsys.readouterr().out.splitlines()] == [7, 8, 9]
    assert run("show", "26", ledger, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "no-such-entry"


@pytest.mark.parametrize("entries", ["", "x", "1-", "-1", "1-2-3", "١"])
def test_entries_are_given_by_number(ledger: Path, entries: str, capsys: Captured) -> None:
    assert run("show", "--", entries, ledger) == 2
    assert "NUMBER" in capsys.readouterr().err


def test_checkpoint(ledger: Path, capsys: Captured) -> None:
    assert run("checkpoint", ledger) == 0
    text = capsys.readouterr().out
    assert text.startswith("example.com/log\n25\n")
    assert run("checkpoint", ledger, "--sign", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["note"] == text
    assert (told["origin"], told["size"], told["signatures"]) == ("example.com/log", 25, ["example.com/log"])
    tamper(ledger, "DELETE FROM ledger_checkpoints;")
    assert run("checkpoint", ledger) == 2
    assert "no checkpoint yet" in capsys.readouterr().err
    assert run("checkpoint", ledger, "--sign") == 0
    assert capsys.readouterr().out == text  # Ed25519 signs alike
    Path(f"{ledger}.signer").unlink()
    assert run("checkpoint", ledger, "--sign") == 2


def test_a_proof_goes_to_others(ledger: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run("prove", "7-9", ledger, "--out", "proof.json") == 0
    assert capsys.readouterr().out == ""
    key = verifiers(ledger)[0].encode()
    ledger.unlink()
    assert run("check", "proof.json", "--key", key) == 0
    assert capsys.readouterr().out == "proven: entries 7 to 9 of example.com/log, cosigned by nobody known\n"
    assert run("check", "proof.json", "--key", f"{ledger}.vkey", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [entry["fields"] for entry in told["entries"]] == [f'{{"number":{n}}}' for n in (6, 7, 8)]
    changed = tmp_path / "changed.json"
    changed.write_text((tmp_path / "proof.json").read_text().replace("x-7", "x-8"))
    assert run("check", changed, "--key", key) == 1
    assert capsys.readouterr().out == "not proven: The entries are not in the checkpoint's tree.\n"
    assert run("check", changed, "--key", key, "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"ok": False, "problem": "proof-mismatch"}


def test_cosignatures_are_shown_and_may_be_demanded(ledger: Path, tmp_path: Path, capsys: Captured) -> None:
    keys = verifiers(ledger)
    witness = FileWitness(tmp_path / "witness", COSIGNER, {keys[0].name: keys})
    asyncio.run(Witnessing(ledger, [witness]).show())
    (tmp_path / "w.vkey").write_text(COSIGNER.verifier.encode() + "\n")
    assert run("verify", ledger, "--witness", "w.vkey") == 0
    assert "(25 cosigned)" in capsys.readouterr().out
    assert run("prove", "7", ledger) == 0
    (tmp_path / "proof.json").write_text(capsys.readouterr().out)
    checked = ["check", "proof.json", "--key", f"{ledger}.vkey"]
    assert run(*checked, "--witness", "w.vkey", "--cosigned", "1") == 0
    assert capsys.readouterr().out.endswith("cosigned by witness.example\n")
    assert run(*checked, "--cosigned", "1") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "proof.json"),
        ("check", "absent.json", "--key", "absent"),
        ("verify", "chatward.db", "--key", "chatward.db"),
        ("verify", "chatward.db", "--witness", "chatward.db.vkey"),
        ("verify", "chatward.db", "--noted", "chatward.db.vkey"),
        ("verify", "chatward.db", "--noted", "absent"),
        ("prove", "7", "chatward.db", "--out", "absent/proof.json"),
        ("prove", "26", "chatward.db"),
        ("prove", "1", "absent.db"),
        ("checkpoint", "absent.db"),
        ("checkpoint", "absent.db", "--sign"),
    ],
)
def test_what_is_wrong_is_one_line(ledger: Path, arguments: tuple[str, ...], capsys: Captured) -> None:
    assert run(*arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("verify",), ("tail",), ("show", "1"), ("checkpoint",), ("prove", "1")])
def test_a_ledger_that_is_not_there_yet_is_named(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chatward.toml").write_text('upstream = "http://127.0.0.1:9"\n[ledger]\npath = "own.db"\n')
    assert run(*arguments) == 2
    assert capsys.readouterr().err == "error: own.db: there is no ledger here; `chatward serve` makes it\n"


def test_large_files_are_shared_by_processes(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command._jobs(str(ledger)) == 1
    monkeypatch.setattr(command, "_MANY", 25)
    assert 1 <= command._jobs(str(ledger)) <= 4


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert command._progress() is None
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    told = command._progress()
    assert told is not None
    told(5, 10)
    told(10, 10)
    assert capsys.readouterr().err == "\rchatward ledger: 5 of 10 entries\rchatward ledger: 10 of 10 entries\n"
