"""What every ``RootKeys`` keeps: one suite over a file, the environment, Vault's transit engine and AWS KMS."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chatward.core.errors import StoreError
from chatward.seal.kms import Cost, LocalRoots, RootFile, RootKeys, Wrapped, parse_keys
from chatward.seal.kms_aws import AwsRoots, Credentials
from chatward.seal.kms_vault import VaultRoots
from tests.simulators import aws_kms, vault

KEY = bytes(range(32))
CONTEXT = b"tenant a"


@dataclass
class Kind:
    """One implementation. ``open``: as a process sees it that starts now. ``rotate``: a newer root key. ``forget``:
    those before version 2 are gone."""

    open: Callable[[], RootKeys]
    rotate: Callable[[], object]
    forget: Callable[[], object]
    break_: Callable[[], object] | None = None


def a_file(tmp_path: Path) -> Kind:
    file = RootFile(tmp_path / "root.key", lambda: "correct horse battery", Cost(64, 1))
    return Kind(file.open, file.rotate, lambda: file.forget(2))


def an_environment(tmp_path: Path) -> Kind:
    entries = {1: b"a" * 32}

    def opened() -> RootKeys:
        text = " ".join(f"{version}:{base64.b64encode(key).decode()}" for version, key in entries.items())
        return LocalRoots(parse_keys(text))

    return Kind(opened, lambda: entries.update({2: b"b" * 32}), lambda: entries.pop(1))


def a_vault(tmp_path: Path) -> Kind:
    server = vault.Vault(namespace="team")
    roots = VaultRoots(server, "https://vault.example:8200", lambda: vault.TOKEN, namespace="team")
    return Kind(
        lambda: roots,
        server.rotate,
        lambda: setattr(server, "minimum", 2),
        lambda: setattr(server, "sealed", True),
    )


def an_aws_kms(tmp_path: Path) -> Kind:
    server = aws_kms.Kms("alias/one", "alias/two")
    keys = ["alias/one"]
    credentials = Credentials(aws_kms.ACCESS, aws_kms.SECRET, "session")
    return Kind(
        lambda: AwsRoots(server, aws_kms.REGION, keys, lambda: credentials),
        lambda: keys.append("alias/two"),
        lambda: server.keys.pop("alias/one"),
        lambda: setattr(server, "throttled", True),
    )


@pytest.fixture(params=[a_file, an_environment, a_vault, an_aws_kms], ids=lambda make: make.__name__)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    made: Kind = request.param(tmp_path)
    return made


async def test_what_was_wrapped_unwraps(kind: Kind) -> None:
    wrapped = await kind.open().wrap(KEY, CONTEXT)
    assert KEY not in wrapped.blob
    assert await kind.open().unwrap(wrapped, CONTEXT) == KEY


async def test_two_wraps_of_one_key_differ(kind: Kind) -> None:
    roots = kind.open()
    assert await roots.wrap(KEY, CONTEXT) != await roots.wrap(KEY, CONTEXT)


async def refused(roots: RootKeys, wrapped: Wrapped, context: bytes = CONTEXT) -> None:
    with pytest.raises(StoreError) as caught:
        await roots.unwrap(wrapped, context)
    assert caught.value.reason == "root-key-refused"
    assert KEY.hex() not in str(caught.value)


async def test_another_context_is_refused(kind: Kind) -> None:
    roots = kind.open()
    await refused(roots, await roots.wrap(KEY, CONTEXT), b"tenant b")


async def test_what_was_altered_is_refused(kind: Kind) -> None:
    roots = kind.open()
    wrapped = await roots.wrap(KEY, CONTEXT)
    for changed in (_flipped(wrapped.blob), wrapped.blob[:-4], b"", b"vault:v1:", b"\xff" * 60):
        await refused(roots, replace(wrapped, blob=changed))


def _flipped(blob: bytes) -> bytes:
    """Another blob of the same form: some letter in the middle is another one."""
    middle = len(blob) // 2
    return blob[:middle] + (b"A" if blob[middle : middle + 1] != b"A" else b"B") + blob[middle + 1 :]


async def test_an_unknown_version_is_refused(kind: Kind) -> None:
    roots = kind.open()
    wrapped = await roots.wrap(KEY, CONTEXT)
    for version in (0, 2, 9):
        await refused(roots, replace(wrapped, version=version))


async def test_after_a_rotation_older_ones_unwrap_and_newer_ones_are_made(kind: Kind) -> None:
    older = await kind.open().wrap(KEY, CONTEXT)
    kind.rotate()
    roots = kind.open()
    newer = await roots.wrap(KEY, CONTEXT)
    assert (older.version, newer.version, await roots.newest()) == (1, 2, 2)
    assert await roots.unwrap(older, CONTEXT) == await roots.unwrap(newer, CONTEXT) == KEY


async def test_a_version_that_is_gone_is_refused(kind: Kind) -> None:
    older = await kind.open().wrap(KEY, CONTEXT)
    kind.rotate()
    newer = await kind.open().wrap(KEY, CONTEXT)
    kind.forget()
    roots = kind.open()
    await refused(roots, older)
    assert await roots.unwrap(newer, CONTEXT) == KEY


async def test_a_service_that_does_not_answer_is_not_a_no(kind: Kind) -> None:
    if kind.break_ is None:
        pytest.skip(
            "this kind of key is kept here, so no service can fail: test_root_keys asks the kinds that have one"
        )
    roots = kind.open()
    wrapped = await roots.wrap(KEY, CONTEXT)
    kind.break_()
    for question in (roots.wrap(KEY, CONTEXT), roots.unwrap(wrapped, CONTEXT)):
        with pytest.raises(StoreError) as caught:
            await question
        assert caught.value.reason == "root-key-unavailable"


async def test_nothing_secret_is_in_its_text(kind: Kind) -> None:
    roots = kind.open()
    wrapped = await roots.wrap(KEY, CONTEXT)
    told = f"{roots!r} {wrapped!r} {vars(roots)!r}"
    for secret in (
        "correct horse",
        aws_kms.SECRET,
        vault.TOKEN,
        wrapped.blob.hex(),
        repr(wrapped.blob),
        repr(b"a" * 32),
    ):
        assert secret not in told
