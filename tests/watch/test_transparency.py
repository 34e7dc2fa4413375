"""Both kinds of logs give the same entries; what is not signed, not of the form or contradictory counts nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatward.core.errors import UpstreamError
from chatward.ledger.merkle import root_of
from chatward.stores.database import Database
from chatward.watch.certificates import read
from chatward.watch.following import Following
from chatward.watch.transparency import Head, Log, LogKey, Rfc6962, Tiled, tile_path
from tests.watch.conftest import Clock
from tests.watch.logs import TestLog, certificate, named

NAMES = [f"host-{number}.example" for number in range(6)]


def of(kind: str, log: TestLog, key: LogKey | None = None) -> Log:
    return (Rfc6962 if kind == "rfc6962" else Tiled)(log.url + "/", key or log.key, log)


KINDS = pytest.mark.parametrize("kind", ["rfc6962", "static"])


@KINDS
async def test_certificates_and_precertificates_come_with_their_names(kind: str) -> None:
    log = of(kind, TestLog(named(NAMES)))
    head = await log.head()
    assert (head.size, head.time) == (6, 1_795_000_000.0)
    found = await log.entries(2, head.size)
    assert [one.index for one in found] == [2, 3, 4, 5]
    assert [one.precertificate for one in found] == [False, True, False, True]
    seen = [read(one.der) for one in found]
    assert [one.names for one in seen if one is not None] == [(name,) for name in NAMES[2:]]
    assert seen[0] is not None
    assert (seen[0].issuer, seen[0].serial) == ("Test Authority, T1", "abc123")


def test_what_a_certificate_says_is_told_as_evidence() -> None:
    found = read(certificate("*.A.Example", "b.example", "b.example"))
    assert found is not None
    assert found.names == ("a.example", "b.example")
    assert set(found.told()) == {"issuer", "serial", "begins", "ends", "sha256"}
    assert read(b"\x30\x00") is None
    assert read(certificate("a.example")[:-20]) is None


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_paths_of_tiles(number: int, path: str) -> None:
    assert tile_path(number) == path


async def test_more_than_one_tile_partial_and_full() -> None:
    one = named(["a.example", "b.example"])
    log = TestLog([one[at % 2] for at in range(300)])
    tiled = of("static", log)
    assert len(await tiled.entries(0, 300)) == 256
    assert [len(await tiled.entries(256, 300)), (await tiled.entries(299, 300))[0].index] == [44, 299]
    assert log.asked[1].endswith("/tile/data/001.p/44")
    log.entries += [one[0]] * 212
    log.only_full = True  # the partial tile is gone
    assert len(await tiled.entries(256, 300)) == 44


@KINDS
async def test_a_head_counts_only_with_the_logs_signature(kind: str) -> None:
    log = TestLog(named(NAMES))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    stranger = LogKey(other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(UpstreamError) as caught:
        await of(kind, log, stranger).head()
    assert caught.value.reason == "watch-log-signature"


@pytest.mark.parametrize("name", ["tree_size", "timestamp", "sha256_root_hash"])
async def test_every_part_of_a_head_is_signed(name: str) -> None:
    log = TestLog(named(NAMES))
    said = json.loads(log.head())
    said[name] = base64.b64encode(bytes(32)).decode() if name == "sha256_root_hash" else said[name] + 1
    log.fails["/ct/v1/get-sth"] = log.answer("", json.dumps(said).encode())
    with pytest.raises(UpstreamError) as caught:
        await of("rfc6962", log).head()
    assert caught.value.reason == "watch-log-signature"


async def test_every_part_of_a_checkpoint_is_signed() -> None:
    log = TestLog(named(NAMES))
    good = log.checkpoint().decode()
    for changed in (good.replace("\n6\n", "\n7\n"), good.replace("log.example/2026", "log.example/2027")):
        log.fails["/checkpoint"] = log.answer("", changed.encode())
        with pytest.raises(UpstreamError) as caught:
            await of("static", log).head()
        assert caught.value.reason == "watch-log-signature"
    log.fails.clear()
    assert (await Tiled(log.url, log.key, log, "log.example/2026").head()).size == 6
    with pytest.raises(UpstreamError):
        await Tiled(log.url, log.key, log, "log.example/2025").head()


def test_keys_that_logs_do_not_have() -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    for der in (b"", b"\x30\x00", key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        with pytest.raises(ValueError, match=r"key|load|parse|data"):
            LogKey(der)


async def _reason(log: Log, start: int = 0, size: int = 6) -> str:
    with pytest.raises(UpstreamError) as caught:
        await log.entries(start, size)
    return caught.value.reason


async def test_entries_that_are_not_of_the_form() -> None:
    log = TestLog(named(NAMES))
    good = json.loads(log.some(0, 5))
    leaf = base64.b64decode(good["entries"][0]["leaf_input"])
    for body in (
        b"{",
        b"{}",
        json.dumps({"entries": []}).encode(),
        json.dumps({"entries": good["entries"] * 60}).encode(),
        json.dumps({"entries": [{"leaf_input": "%", "extra_data": ""}]}).encode(),
        *(
            json.dumps({"entries": [{"leaf_input": base64.b64encode(bad).decode(), "extra_data": ""}]}).encode()
            for bad in (b"", leaf[:-1], b"\x01" + leaf[1:], leaf[:10] + b"\x00\x07" + leaf[12:])
        ),
    ):
        log.fails["/ct/v1/get-entries"] = log.answer("", body)
        assert await _reason(of("rfc6962", log)) == "watch-log-malformed"
    tile = log.tile(0)
    for body in (b"", tile[:-1], tile + b"\x00", tile[: len(tile) // 2]):
        log.fails["/tile/data/000.p/6"] = log.answer("", body)
        assert await _reason(of("static", log)) == "watch-log-malformed"


@KINDS
async def test_reading_goes_on_where_it_was(kind: str, tmp_path: Path, clock: Clock) -> None:
    log = TestLog(named(NAMES), given=2)
    path = tmp_path / "watch.db"
    seen: list[int] = []
    async for _, batch in Following(Database(path), clock).batches(of(kind, log), 4, begin_at_end=False):
        seen += [one.index for one in batch]
    assert seen == [0, 1, 2, 3]
    async for _, batch in Following(Database(path), clock).batches(of(kind, log), 100, begin_at_end=True):
        seen += [one.index for one in batch]
    assert seen == [0, 1, 2, 3, 4, 5]


async def test_a_batch_that_was_not_dealt_with_comes_again(tmp_path: Path, clock: Clock) -> None:
    log = TestLog(named(NAMES), given=2)
    path = tmp_path / "watch.db"
    following = Following(Database(path), clock)
    async for _, batch in following.batches(of("rfc6962", log), 100, begin_at_end=False):
        if batch[0].index == 2:
            break  # as a kill would
    again = [
        batch[0].index
        async for _, batch in Following(Database(path), clock).batches(of("rfc6962", log), 100, begin_at_end=False)
    ]
    assert again == [2, 4]


@KINDS
async def test_a_new_log_is_begun_at_its_end(kind: str, clock: Clock) -> None:
    log = TestLog(named(NAMES))
    following = Following(Database(None), clock)
    assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    log.entries += named(["new.example"])
    found = [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    assert [[one.index for one in batch] for batch in found] == [[6]]


@KINDS
async def test_an_older_head_changes_nothing(kind: str, clock: Clock) -> None:
    log = TestLog(named(NAMES))
    following = Following(Database(None), clock)
    assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    last = log.entries.pop()
    assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    assert (following.place(log.url) or ())[:2] == (6, 6)
    log.entries += [last, *named(["new.example"])]
    found = [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    assert [[one.index for one in batch] for batch in found] == [[6]]


@KINDS
async def test_a_log_that_contradicts_itself_is_wrong(kind: str, clock: Clock) -> None:
    log = TestLog(named(NAMES))
    following = Following(Database(None), clock)
    assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    log.root = bytes(32)
    with pytest.raises(UpstreamError) as caught:
        assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    assert caught.value.reason == "watch-log-forked"


@KINDS
async def test_an_entry_counts_where_the_log_proves_it_and_nowhere_else(kind: str) -> None:
    one = named(["a.example", "b.example"])
    log = TestLog([one[at % 2] for at in range(5)] + named(["*.c.example", "d.example"]))
    there = of(kind, log)
    head = await there.head()
    for entry in await there.entries(5, head.size):
        await there.proven(entry, head)
        wrong = [
            (replace(entry, leaf=bytes(32)), head),
            (replace(entry, index=entry.index - 1), head),
            (entry, Head(head.size, bytes(32), head.time)),
        ]
        if entry.precertificate:  # the log has one name, and shows us another
            wrong.append((replace(entry, der=certificate("e.example", poisoned=True)), head))
        for told, seen in wrong:
            with pytest.raises((UpstreamError, ValueError)):
                await there.proven(told, seen)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 300, 512, 515])
async def test_proofs_are_made_of_tiles(size: int) -> None:
    one = named(["a.example", "b.example"])
    log = TestLog([one[at % 2] for at in range(size)])
    tiled = of("static", log)
    head = await tiled.head()
    for index in {0, size // 2, size - 1}:
        entry = (await tiled.entries(index, size))[0]
        await tiled.proven(entry, head)
    for earlier in {1, size // 2 or 1, size}:
        await tiled.continues(earlier, root_of(log.leaves()[:earlier]), head)


@KINDS
async def test_a_tree_that_does_not_continue_the_last_is_read_no_further(kind: str, clock: Clock) -> None:
    log = TestLog(named(NAMES))
    following = Following(Database(None), clock)
    assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    log.entries = named(["x.example", *NAMES[1:], "new.example"])
    with pytest.raises(UpstreamError) as caught:
        assert not [batch async for _, batch in following.batches(of(kind, log), 100, begin_at_end=True)]
    assert caught.value.reason == "watch-log-forked"
