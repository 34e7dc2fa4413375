"""Sealing opened as the settings say, and what opening carries through."""

from __future__ import annotations

import asyncio
import base64
from datetime import date
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError, StoreError
from chatward.core.ports import Entry
from chatward.seal.opening import Sealing, files, opened
from chatward.settings import AwsKms, Conversations, LedgerSettings, Seal, Settings, VaultTransit
from chatward.settings.rules import complete, problems_of
from tests.seal.conftest import turn
from tests.simulators import aws_kms, vault


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHRASE", "correct horse battery")
    monkeypatch.setenv("ROOTS", "1:" + base64.b64encode(b"k" * 32).decode())
    monkeypatch.setenv("TOKEN", vault.TOKEN)
    monkeypatch.setenv("ACCESS", aws_kms.ACCESS)
    monkeypatch.setenv("SECRET", aws_kms.SECRET)


SEALS = {
    "file": Seal(passphrase="env:PHRASE"),
    "environment": Seal(root="environment", root_keys="env:ROOTS"),
    "vault": Seal(root="vault", vault=VaultTransit(url="https://vault.example:8200", token="env:TOKEN")),
    "aws-kms": Seal(
        root="aws-kms",
        aws=AwsKms(region=aws_kms.REGION, keys=("alias/one",), access_key="env:ACCESS", secret_key="env:SECRET"),
    ),
}
SERVICES = {"vault": vault.Vault(), "aws-kms": aws_kms.Kms("alias/one")}


def settings(folder: Path, seal: Seal, **conversations: int) -> Settings:
    return Settings(
        ledger=LedgerSettings(path=str(folder / "chatward.db")), seal=seal, conversations=Conversations(**conversations)
    )


def open_(folder: Path, kind: str, **conversations: int) -> Sealing:
    return opened(settings(folder, SEALS[kind], **conversations), lambda entry: None, fetch=SERVICES.get(kind))


@pytest.mark.parametrize("kind", SEALS)
def test_what_is_stored_opens_in_the_next_process(tmp_path: Path, kind: str) -> None:
    first = open_(tmp_path, kind)
    store = first.conversations()
    store.write("default", "person:1", "thread", [turn("text")])
    asyncio.run(store.aclose())
    first.close()
    again = open_(tmp_path, kind)
    store = again.conversations()
    (one,) = store.listing("default")
    assert [part.text for told in store.read("default", one.id) for part in told.parts] == ["text"]
    asyncio.run(store.aclose())
    again.close()


def test_everything_stands_beside_the_ledger_unless_it_is_told_where(tmp_path: Path) -> None:
    told = files(settings(tmp_path, Seal(path="/elsewhere/keys.db")))
    assert told.keys == Path("/elsewhere/keys.db")
    assert {told.register.parent, told.root.parent, told.conversations.parent} == {tmp_path}


def test_what_is_missing_in_the_settings_is_named(tmp_path: Path) -> None:
    for seal, key in (
        (Seal(), "seal.passphrase"),
        (Seal(root="environment"), "seal.root_keys"),
        (Seal(root="vault"), "seal.vault"),
        (Seal(root="aws-kms"), "seal.aws"),
    ):
        with pytest.raises(ConfigError) as caught:
            opened(settings(tmp_path, seal), lambda entry: None, fetch=vault.Vault())
        assert caught.value.key == key
    with pytest.raises(ConfigError):
        opened(settings(tmp_path, SEALS["vault"]), lambda entry: None)


def test_a_lost_root_key_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    open_(tmp_path, "file").close()
    (tmp_path / "chatward-root.key").unlink()
    with pytest.raises(StoreError) as caught:
        open_(tmp_path, "file")
    assert caught.value.reason == "root-key-unavailable"
    assert not (tmp_path / "chatward-root.key").exists()


def test_opening_goes_on_with_what_was_cut_off(tmp_path: Path) -> None:
    first = open_(tmp_path, "environment")
    store = first.conversations()
    store.write("default", "person:1", "thread", [turn("text")])

    def failing(entry: Entry) -> None:
        if entry.event == "subject:erasure:done":
            raise StoreError("The record cannot be written now.")

    first.eraser._record = failing
    first.keys.erase = lambda tenant, subject: (_ for _ in ()).throw(StoreError("busy"))  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        first.eraser.erase("default", "person:1", "operator:1")
    assert len(store.listing("default")) == 1
    asyncio.run(store.aclose())
    first.close()
    again = open_(tmp_path, "environment")
    store = again.conversations()
    assert store.listing("default") == []
    assert again.keys.subjects() == []
    asyncio.run(store.aclose())
    again.close()


def test_days_of_the_settings_are_days(tmp_path: Path) -> None:
    assert open_(tmp_path, "environment", retention_days=2)._retention == 2 * 86_400
    assert open_(tmp_path, "environment", retention_days=0)._retention is None


@pytest.mark.parametrize("root", ["file", "environment", "vault", "aws-kms", "pkcs11"])
@pytest.mark.parametrize("kept", ["store", "vault"])
def test_nothing_is_kept_that_would_not_be_sealed(root: str, kept: str) -> None:
    wanted = Settings(seal=Seal(root=root), conversations=Conversations(**{kept: True}))  # type: ignore[arg-type]
    found = [
        one for one in problems_of(complete(wanted), None, date(2026, 3, 9)) if one.steps[:1] == ("conversations",)
    ]
    assert [one.steps for one in found] == [("conversations", kept)]
    assert "what is stored is sealed" in found[0].sentence
