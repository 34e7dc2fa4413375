"""Root keys: what is particular to each kind; what they share is in ``tests/contracts/test_root_keys.py``."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError, StoreError, UpstreamError
from chatward.core.identity import Fetched
from chatward.seal.kms import Cost, RootFile, on_loop, parse_keys
from chatward.seal.kms_aws import AwsRoots, Credentials, signed
from chatward.seal.kms_vault import VaultRoots
from tests.simulators import vault

CHEAP = Cost(64, 1)
PHRASE = "correct horse battery"


def file(folder: Path, phrase: str = PHRASE) -> RootFile:
    return RootFile(folder / "root.key", lambda: phrase, CHEAP)


# --- the file


def test_only_its_owner_reads_the_file_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file(tmp_path).open()
    file(tmp_path).rotate()
    assert [path.name for path in tmp_path.iterdir()] == ["root.key"]
    assert stat.S_IMODE((tmp_path / "root.key").stat().st_mode) == 0o600


def test_another_passphrase_is_refused(tmp_path: Path) -> None:
    file(tmp_path).open()
    with pytest.raises(StoreError) as caught:
        file(tmp_path, "wrong horse battery").open()
    assert caught.value.reason == "root-key-refused"
    assert "horse" not in str(caught.value)


async def test_one_passphrase_in_two_unicode_forms_is_one(tmp_path: Path) -> None:
    wrapped = await file(tmp_path, "gro\u00dfe K\u00e4se und Br\u00f6t").open().wrap(b"k" * 32, b"")
    assert await file(tmp_path, "gro\u00dfe Ka\u0308se und Bro\u0308t").open().unwrap(wrapped, b"") == b"k" * 32


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        file(tmp_path, "short").open()
    assert caught.value.reason == "passphrase-weak"
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_not_made_where_that_would_lose_data(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        file(tmp_path).open(create=False)
    assert caught.value.reason == "root-key-unavailable"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(format=2),
        lambda document: document.update(memory=1 << 30),
        lambda document: document.update(passes=0),
        lambda document: document.update(passes=2),
        lambda document: document.update(keys={}),
        lambda document: document.update(keys={"2": document["keys"]["1"]}),
        lambda document: document.update(keys={"one": document["keys"]["1"]}),
        lambda document: document.update(more=1),
        lambda document: document.pop("salt"),
    ],
)
def test_a_file_that_somebody_changed_is_refused(tmp_path: Path, change: Callable[[dict[str, object]], object]) -> None:
    file(tmp_path).open()
    path = tmp_path / "root.key"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(StoreError) as caught:
        file(tmp_path).open()
    assert caught.value.reason == "root-key-refused"


def test_the_newest_key_is_never_forgotten(tmp_path: Path) -> None:
    file(tmp_path).open()
    assert file(tmp_path).forget(9) == 0
    file(tmp_path).rotate()
    assert file(tmp_path).forget(9) == 1
    assert asyncio.run(file(tmp_path).open().newest()) == 2


async def test_a_running_process_wraps_under_no_key_that_the_file_has_lost(tmp_path: Path) -> None:
    running = file(tmp_path).open()
    older = await running.wrap(b"k" * 32, b"")
    file(tmp_path).rotate()
    newer = await running.wrap(b"k" * 32, b"")
    assert (older.version, newer.version, await running.newest()) == (1, 2, 2)
    assert await running.unwrap(older, b"") == b"k" * 32
    file(tmp_path).forget(2)
    with pytest.raises(StoreError):
        await running.unwrap(older, b"")
    (tmp_path / "root.key").unlink()
    with pytest.raises(StoreError) as caught:
        await running.wrap(b"k" * 32, b"")
    assert caught.value.reason == "root-key-unavailable"


# --- the environment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:",
        "x:" + "A" * 44,
        "0:" + base64.b64encode(b"k" * 32).decode(),
        "1:" + base64.b64encode(b"k" * 31).decode(),
        " ".join(["1:" + base64.b64encode(b"k" * 32).decode()] * 2),
    ],
)
def test_what_is_no_root_key_is_refused_unquoted(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_keys(text)
    assert caught.value.reason == "root-key-invalid"
    assert "AAAA" not in str(caught.value)
    assert "a2tr" not in str(caught.value)


# --- Vault


def roots(answer: Fetched | Exception) -> VaultRoots:
    async def fetch(method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Fetched:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return VaultRoots(fetch, "https://vault.example", lambda: vault.TOKEN)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Fetched(403, (), b""), "root-key-refused"),
        (Fetched(429, (), b""), "root-key-unavailable"),
        (Fetched(500, (), b"{}"), "root-key-unavailable"),
        (Fetched(302, [("location", "https://elsewhere.example")], b""), "root-key-unavailable"),
        (Fetched(200, (), b"<html>"), "root-key-unavailable"),
        (Fetched(200, (), b"[]"), "root-key-unavailable"),
        (Fetched(200, (), b"{}"), "root-key-unavailable"),
        (Fetched(200, (), b'{"data": {"ciphertext": "plain"}}'), "root-key-unavailable"),
        (Fetched(200, (), b'{"data": {"ciphertext": 7}}'), "root-key-unavailable"),
        (Fetched(200, (), b'{"data": {"ciphertext": "vault:v1:AAAA"}}' + b" " * 70_000), "root-key-unavailable"),
        (UpstreamError("The other server does not answer."), "root-key-unavailable"),
        (TimeoutError(), "root-key-unavailable"),
    ],
)
async def test_answers_that_are_none(answer: Fetched | Exception, reason: str) -> None:
    with pytest.raises(StoreError) as caught:
        await roots(answer).wrap(b"k" * 32, b"")
    assert caught.value.reason == reason


async def test_names_do_not_leave_their_place_in_the_path() -> None:
    server = vault.Vault("a/../b")
    with pytest.raises(StoreError):
        await VaultRoots(server, "https://vault.example/", lambda: vault.TOKEN, "a/../b").newest()
    assert server.asked[0][1] == "https://vault.example/v1/transit/keys/a%2F..%2Fb"


# --- AWS


def test_the_signature_is_that_of_the_published_vectors() -> None:
    """``get-vanilla`` and ``post-vanilla`` of AWS's Signature Version 4 test suite."""
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    for method, signature in (
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ):
        url = "https://example.amazonaws.com/"
        told = dict(signed(method, url, [], b"", credentials, "us-east-1", "service", at))["authorization"]
        assert told == (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
            f" SignedHeaders=host;x-amz-date, Signature={signature}"
        )


def test_secrets_are_in_no_representation() -> None:
    assert "hidden" not in repr(Credentials("AKID", "hidden", "hidden"))


def test_a_region_cannot_name_another_host() -> None:
    for region in ("", "evil.example/", "eu-central-1@evil"):
        with pytest.raises(ConfigError):
            AwsRoots(roots(TimeoutError())._fetch, region, ["key"], lambda: Credentials("a", "b"))


# --- waiting on a thread


async def test_a_thread_waits_for_what_lives_on_the_loop() -> None:
    server = vault.Vault()
    vaults = VaultRoots(server, "https://vault.example", lambda: vault.TOKEN)
    ask = on_loop(asyncio.get_running_loop())
    assert await asyncio.to_thread(lambda: ask(vaults.newest())) == 1
    with pytest.raises(RuntimeError):
        ask(vaults.newest())


async def test_a_thread_does_not_wait_for_ever() -> None:
    stuck = asyncio.Event()
    ask = on_loop(asyncio.get_running_loop(), patience=0.01)
    with pytest.raises(StoreError) as caught:
        await asyncio.to_thread(lambda: ask(stuck.wait()))
    assert caught.value.reason == "root-key-unavailable"
    assert threading.active_count() >= 1
