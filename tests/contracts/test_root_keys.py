"""What every ``RootKeys`` keeps: one suite over a file, the environment, Vault's transit engine, AWS KMS, PKCS#11."""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import StoreError
from chatward.seal.kms import Cost, LocalRoots, RootFile, RootKeys, Wrapped, parse_keys
from chatward.seal.kms_aws import AwsRoots, Credentials
from chatward.seal.kms_pkcs11 import Pkcs11Roots
from chatward.seal.kms_vault import VaultRoots
from tests.simulators import aws_kms, vault

SOFTHSM = next(
    (
        path
        for path in (
            os.environ.get("SOFTHSM2_MODULE", ""),
            "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        )
        if path and Path(path).exists()
    ),
    None,
)
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


@cache
def softhsm() -> tuple[Any, Any]:
    """A token of SoftHSM, a real PKCS#11 module without hardware: one for a process, since its library reads once
    where tokens are. The client, and a session that makes keys."""
    tool = os.environ.get("SOFTHSM2_UTIL") or shutil.which("softhsm2-util")
    if SOFTHSM is None or tool is None:
        pytest.skip("no SoftHSM (apt-get install softhsm2): PKCS#11 is not checked")
    pkcs11 = pytest.importorskip("pkcs11", reason="the extra kms is not installed: PKCS#11 is not checked")
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made = ["--init-token", "--free", "--label", "chatward", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run([tool, "--module", SOFTHSM, *made], check=True, capture_output=True)
    token = pkcs11.lib(SOFTHSM).get_token(token_label="chatward")
    return pkcs11, token.open(user_pin="1234", rw=True)


def a_module(tmp_path: Path) -> Kind:
    pkcs11, session = softhsm()
    template = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
    one, two = (f"{name}-{secrets.token_hex(4)}" for name in ("one", "two"))
    labels, made = [one], []

    def make(label: str) -> None:
        session.generate_key(pkcs11.KeyType.AES, 256, label=label, store=True, template=template)

    def destroy() -> None:
        session.get_key(label=one).destroy()

    def opened() -> RootKeys:
        made.append(Pkcs11Roots(str(SOFTHSM), "chatward", lambda: "1234", labels))
        return made[-1]

    def breaks() -> None:
        for roots in made:
            roots._token = "no such token"

    def rotate() -> None:
        make(two)
        labels.append(two)

    make(one)
    return Kind(opened, rotate, destroy, breaks)


@pytest.fixture(params=[a_file, an_environment, a_vault, an_aws_kms, a_module], ids=lambda make: make.__name__)
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
