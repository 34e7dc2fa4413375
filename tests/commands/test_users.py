"""``chatward users``: operators from the command line, and who gets in afterwards."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.commands import users
from chatward.core.identity import Assurance
from chatward.identity.lockout import Lockout, TooManyError
from chatward.identity.operators import Operators
from chatward.identity.passwords import Cost, Passwords
from chatward.identity.sessions import Sessions
from chatward.ledger import reading
from chatward.stores.database import Database

Captured = pytest.CaptureFixture[str]

GOOD = "correct horse battery"
OTHER = "staple of another kind"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CHATWARD_CONFIG", "CHATWARD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(users, "Passwords", lambda: Passwords(Cost(8, 1)))
    (tmp_path / "chatward.toml").write_text('upstream = "https://bot.example/v1"\n')
    return tmp_path


@pytest.fixture
def say(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        status = cli.main(["users", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def ask(say: Any) -> Any:
    """Runs a command that must succeed; its JSON."""

    def run(*arguments: str, given: str = "") -> Any:
        status, out, err = say(*arguments, "--json", given=given)
        assert (status, err) == (0, ""), err
        return json.loads(out)

    return run


def create(ask: Any, name: str, *more: str, password: str = GOOD) -> Any:
    return ask("create", name, *more, "--password-stdin", given=password + "\n")


def store(folder: Path) -> tuple[Database, Operators]:
    database = Database(folder / "chatward-identity.db")
    return database, Operators(database, Passwords(Cost(8, 1)), lambda entry: None)


def recorded(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(one.event, one.fields) for one in reading.tail(str(folder / "chatward.db"), 50)]


def test_an_operator_is_made_and_gets_in(ask: Any, folder: Path) -> None:
    made = create(ask, "Ann", "--role", "admin", "--role", "auditor")
    assert (made["name"], made["roles"], made["state"], made["kind"]) == (
        "ann",
        ["admin", "auditor"],
        "active",
        "usual",
    )
    _, operators = store(folder)
    found = operators.verify("ann", GOOD)
    assert found is not None
    assert found.id == made["id"]
    assert ask("list") == {"operators": [made]}
    about = {"operator": made["id"], "roles": ["admin", "auditor"], "break_glass": False, "by": "command-line"}
    assert recorded(folder) == [("operator:account:created", about)]


def test_people_read_a_list(say: Any, ask: Any) -> None:
    made = create(ask, "ann", "--role", "admin")
    status, out, _ = say("list")
    assert status == 0
    assert out.split("\t")[:5] == ["ann", made["id"], "active", "admin", "usual"]
    status, out, _ = say("create", "eve", "--role", "analyst", "--password-stdin", given=GOOD)
    assert out.startswith("created: eve (operator:")


def test_a_running_gateway_sees_every_change(ask: Any, folder: Path) -> None:
    create(ask, "ann", "--role", "admin")
    create(ask, "eve", "--role", "analyst")
    database, operators = store(folder)
    sessions = Sessions(database, operators, secure=True)
    changes = [
        lambda: ask("roles", "eve", "auditor", "analyst"),
        lambda: ask("reset", "eve", "--password-stdin", given=OTHER),
        lambda: ask("disable", "eve"),
    ]
    for change in changes:
        _, principal = sessions.open(operators.named("eve"), Assurance.SINGLE)
        assert sessions.valid(principal)
        change()
        assert not sessions.valid(principal)
    assert operators.verify("eve", OTHER) is None
    assert ask("enable", "eve")["state"] == "active"
    found = operators.verify("eve", OTHER)
    assert found is not None
    assert found.roles == {"auditor", "analyst"}
    told = [(event, fields.get("what"), fields["by"]) for event, fields in recorded(folder)[2:]]
    assert told == [
        ("operator:account:changed", "roles", "command-line"),
        ("operator:account:changed", "password", "command-line"),
        ("operator:account:disabled", None, "command-line"),
        ("operator:account:changed", "enabled", "command-line"),
    ]


def test_a_reset_lifts_the_slow_down_and_takes_codes_away(ask: Any, folder: Path) -> None:
    (folder / "chatward.db.key").write_bytes(b"k" * 32)
    made = create(ask, "ann", "--role", "admin")
    database, _ = store(folder)
    lockout = Lockout(database, b"k" * 32)
    for _ in range(5):
        lockout.admit("ann", "192.0.2.1")
    with pytest.raises(TooManyError):
        lockout.admit("ann", "192.0.2.1")
    ask("reset", "ann", "--password-stdin", given=OTHER)
    lockout.admit("ann", "192.0.2.1")
    ask("reset", "ann", "--codes", "--password-stdin", given=OTHER)
    database.write("INSERT INTO totp VALUES (?, x'00', 1)", [made["id"]])
    ask("reset", "ann", "--codes", "--password-stdin", given=OTHER)
    assert database.rows("SELECT * FROM totp") == []
    assert ("totp:secret:removed", {"principal": made["id"]}) in recorded(folder)


def test_a_review_takes_another_operators_password(say: Any, ask: Any, folder: Path) -> None:
    ann = create(ask, "ann", "--role", "admin")
    create(ask, "eve", "--role", "analyst", password=OTHER)
    glass = create(ask, "glass", "--role", "admin", "--break-glass")
    assert (glass["kind"], glass["review"]) == ("break-glass", False)
    _, operators = store(folder)
    operators.use(operators.named("glass"))
    assert ask("list")["operators"][2]["review"] is True
    for by, password, reason in (
        ("ann", OTHER, "credentials-wrong"),
        ("nobody", GOOD, "credentials-wrong"),
        ("glass", GOOD, "review-own"),
        ("eve", OTHER, "review-role"),
    ):
        status, out, _ = say("review", "glass", "--by", by, "--password-stdin", "--json", given=password)
        assert (status, json.loads(out)["error"]["reason"]) == (2, reason)
    assert ask("review", "glass", "--by", "ann", "--password-stdin", given=GOOD)["review"] is False
    assert recorded(folder)[-1] == ("operator:break-glass:reviewed", {"operator": glass["id"], "by": ann["id"]})


@pytest.mark.parametrize(
    ("arguments", "given", "reason"),
    [
        (["create", "eve", "--role", "root", "--password-stdin"], GOOD, "role-unknown"),
        (["create", "eve"], GOOD, "usage"),
        (["create", "ANN", "--role", "admin", "--password-stdin"], GOOD, "name-taken"),
        (["create", "e e", "--role", "admin", "--password-stdin"], GOOD, "name-invalid"),
        (["create", "eve", "--role", "admin", "--password-stdin"], "short", "password-short"),
        (["create", "eve", "--role", "admin", "--password-stdin"], "x" * 5000, "password-long"),
        (["create", "eve", "--role", "admin"], GOOD, "usage"),
        (["disable", "nobody"], "", "operator-unknown"),
        (["disable", "ann"], "", "last-admin"),
        (["roles", "ann", "analyst"], "", "last-admin"),
        (["review", "ann", "--by", "ann", "--password-stdin"], GOOD, "review-own"),
    ],
)
def test_what_cannot_be_done_says_why(say: Any, ask: Any, arguments: list[str], given: str, reason: str) -> None:
    create(ask, "ann", "--role", "admin")
    status, out, err = say(*arguments, "--json", given=given)
    assert status == 2
    assert json.loads(out)["error"]["reason"] == reason
    assert err.startswith("error: ")
    assert GOOD not in out + err
    assert len(ask("list")["operators"]) == 1


def test_a_password_comes_from_a_prompt_twice(
    say: Any, ask: Any, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = iter([GOOD, GOOD, GOOD, OTHER])
    monkeypatch.setattr(users.getpass, "getpass", lambda prompt: next(answers))
    real = io.StringIO
    monkeypatch.setattr(io, "StringIO", Terminal)
    assert say("create", "ann", "--role", "admin")[0] == 0
    status, _, err = say("create", "eve", "--role", "admin")
    assert (status, "not the same" in err) == (2, True)
    monkeypatch.setattr(io, "StringIO", real)
    assert [one["name"] for one in ask("list")["operators"]] == ["ann"]


def test_no_password_is_an_option() -> None:
    """Command lines are seen by others."""
    for command in users.app.registered_commands:
        names = command.callback.__annotations__ if command.callback else {}
        assert "password" not in names


def test_without_a_ledger_nothing_is_recorded_and_it_works(ask: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text('upstream = "https://bot.example/v1"\n[ledger]\nenabled = false\n')
    create(ask, "ann", "--role", "admin")
    assert not (folder / "chatward.db").exists()
