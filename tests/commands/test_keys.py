"""``chatward keys``: from the command line to a caller that is known, and to one that is no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.core.errors import IdentityError
from chatward.core.identity import Presented
from chatward.identity import keys
from chatward.identity.key_authenticator import KeyAuthenticator
from chatward.ledger import reading
from chatward.stores.database import Database
from tests.identity.headers import headers

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CHATWARD_CONFIG", "CHATWARD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "chatward.toml").write_text('upstream = "https://bot.example/v1"\n')
    return tmp_path


@pytest.fixture
def say(capsys: Captured) -> Any:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(["keys", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def ask(say: Any) -> Any:
    """Runs a command that must succeed; its JSON."""

    def run(*arguments: str) -> Any:
        status, out, err = say(*arguments, "--json")
        assert (status, err) == (0, ""), err
        return json.loads(out)

    return run


def known(folder: Path, *texts: str) -> list[str]:
    """The version of each key that a gateway would know, or the reason why not."""
    database = Database(folder / "chatward-identity.db")
    authenticator, found = KeyAuthenticator(database), []
    for text in texts:
        try:
            principal = authenticator.identify(Presented("GET", "https://a/", headers(("x-api-key", text))))
            assert principal is not None
            found.append(principal.attributes["key_version"])
        except IdentityError as error:
            found.append(error.reason)
    authenticator.close()
    database.close()
    return found


def test_the_key_alone_goes_to_standard_output(say: Any, folder: Path) -> None:
    status, out, err = say("create", "shop")
    key = keys.parse(out.rstrip("\n"))
    assert status == 0
    assert key is not None
    assert key.env == "live"
    assert key.id in err
    assert key.text[22:] not in err
    assert known(folder, key.text) == ["1"]


def test_what_was_asked_for_is_shown_and_the_key_never_again(ask: Any, say: Any) -> None:
    made = ask(
        "create", "shop", "--env", "test", "--tenant", "acme", "--role", "a", "--role", "b", "--bot", "support-*",
        "--model", "small", "--route", "default", "--tool", "search", "--tool", "order_*", "--expires", "90d",
        "--requests-day", "10", "--tokens-month", "1000",
    )  # fmt: skip
    shown = ask("show", made["id"])
    assert shown["grants"] == {
        "bots": ["support-*"],
        "models": ["small"],
        "routes": ["default"],
        "tools": ["search", "order_*"],
    }
    assert (shown["env"], shown["tenant"], shown["roles"]) == ("test", "acme", ["a", "b"])
    assert shown["budget"] == {"requests_day": 10, "requests_month": None, "tokens_day": None, "tokens_month": 1000}
    assert shown["state"] == "live"
    assert [one["requests"] for one in shown["used"].values()] == [0, 0]
    listed = ask("list")
    assert listed == {"keys": [{name: value for name, value in made.items() if name != "key"}]}
    assert ask("list", "--tenant", "other") == {"keys": []}
    for words in (["show", made["id"]], ["list"], ["show", made["id"], "--json"], ["list", "--json"]):
        status, out, err = say(*words)
        assert status == 0
        assert made["id"] in out
        assert made["key"][22:] not in out + err


def test_rotating_and_revoking(ask: Any, say: Any, folder: Path) -> None:
    first = ask("create", "shop")
    status, out, err = say("rotate", first["id"], "--grace", "1h")
    second = out.strip()
    assert (status, known(folder, first["key"], second)) == (0, ["1", "2"])
    assert "Version 1 is good until" in err
    status, out, err = say("rotate", first["id"])
    assert (status, out) == (2, "")
    assert "being rotated" in err
    assert say("revoke", first["id"], "--version", "1")[:2] == (0, f"revoked: version 1 of {first['id']}\n")
    assert known(folder, first["key"], second) == ["api-key-invalid", "2"]
    assert ask("revoke", first["id"])["state"] == "revoked"
    assert known(folder, first["key"], second) == ["api-key-invalid", "api-key-revoked"]


def test_no_grace(ask: Any, folder: Path) -> None:
    first = ask("create", "shop")
    second = ask("rotate", first["id"], "--grace", "0m")
    assert known(folder, first["key"], second["key"]) == ["api-key-invalid", "2"]


def test_all_of_it_is_on_record(ask: Any, folder: Path) -> None:
    made = ask("create", "Ada's shop")
    ask("rotate", made["id"])
    ask("revoke", made["id"])
    path = str(folder / "chatward.db")
    entries = list(reading.tail(path, 10))
    assert [entry.event for entry in entries] == ["key:record:created", "key:record:rotated", "key:record:revoked"]
    assert {entry.fields["by"] for entry in entries} == {"command-line"}
    assert {entry.fields["key"] for entry in entries} == {made["principal"]}
    assert reading.verify(path).ok
    assert b"Ada" not in (folder / "chatward.db").read_bytes()


def test_without_a_ledger_nothing_is_recorded(ask: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text('upstream = "https://bot.example/v1"\nledger.enabled = false\n')
    ask("create", "shop")
    assert not (folder / "chatward.db").exists()


def test_no_key_without_a_record(say: Any, folder: Path) -> None:
    (folder / "chatward.db").write_bytes(b"not a ledger" * 1000)
    status, out, _ = say("create", "shop", "--json")
    assert status == 2
    assert json.loads(out)["error"]["reason"].startswith("ledger-")
    assert known(folder) == []
    database = Database(folder / "chatward-identity.db")
    assert database.rows("SELECT * FROM keys") == []
    database.close()


def test_the_store_is_that_of_the_configuration(ask: Any, folder: Path) -> None:
    (folder / "chatward.toml").write_text('upstream = "https://bot.example/v1"\nidentity.path = "other.db"\n')
    ask("create", "shop")
    assert (folder / "other.db").exists()
    assert not (folder / "chatward-identity.db").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["show", "x" * 12], "api-key-unknown"),
        (["rotate", "x" * 12], "api-key-unknown"),
        (["revoke", "x" * 12], "api-key-unknown"),
        (["create", "a", "--env", "LIVE"], "api-key-request"),
        (["create", "a", "--expires", "soon"], "usage"),
        (["create", "a", "--expires", "2001-01-01"], "api-key-request"),
        (["create", "a", "--requests-day", "0"], "usage"),
        (["rotate", "x", "--grace", "-1h"], "usage"),
        (["create"], "usage"),
    ],
)
def test_what_cannot_be_done(say: Any, words: list[str], reason: str) -> None:
    status, out, err = say(*words, "--json")
    assert status == 2
    assert json.loads(out)["error"]["reason"] == reason
    assert err.startswith("error: ")


@pytest.mark.parametrize("when", ["2099-01-31", "2099-01-31T00:00:00Z", "2099-01-31T01:00:00+01:00"])
def test_dates(ask: Any, when: str) -> None:
    assert ask("create", "a", "--expires", when)["expires"] == "2099-01-31T00:00:00+00:00"
