"""Files signed by an identity: what is verified, what is not and why, and the command that says so."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatward import __version__, cli
from chatward.assurance.bundles import Identity, looking
from chatward.assurance.releases import File, Release, written
from chatward.core.errors import ConfigError
from chatward.ledger.note import Signer
from tests.assurance.making import write
from tests.assurance.sigstore_instance import ISSUER, Instance

OURS, OTHERS = Instance(), Instance()
WHO = "https://github.com/example/chatward/.github/workflows/release.yml@refs/tags/v1.0.0"
DATA = b"a wheel"
GOOD = OURS.bundle(DATA, WHO)


def statement(*files: bytes, type_: str = "https://in-toto.io/Statement/v1") -> bytes:
    subjects = [{"name": "a.whl", "digest": {"sha256": hashlib.sha256(one).hexdigest()}} for one in files]
    told = {"_type": type_, "subject": subjects, "predicateType": "https://slsa.dev/provenance/v1", "predicate": {}}
    return json.dumps(told).encode()


def changed(change: Callable[[Any], None], bundle: bytes = GOOD) -> bytes:
    document = json.loads(bundle)
    change(document)
    return json.dumps(document).encode()


def other_certificate(document: Any) -> None:
    document["verificationMaterial"]["certificate"] = json.loads(OURS.bundle(DATA, WHO))["verificationMaterial"][
        "certificate"
    ]


def without_log(document: Any) -> None:
    document["verificationMaterial"]["tlogEntries"] = []


def renumbered(document: Any) -> None:
    document["verificationMaterial"]["tlogEntries"][0]["logIndex"] = "1"


def other_entry(document: Any) -> None:
    other = json.loads(OURS.bundle(DATA, WHO))
    document["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]


UNREADABLE, ANOTHER, OTHER_FILE, BROKEN = "cannot be read", "not signed by", "another file", "does not hold"
NOT_VERIFIED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", UNREADABLE),
    "no JSON": (GOOD[:-9], UNREADABLE),
    "JSON of something else": (b'{"mediaType": 1}', UNREADABLE),
    "a list": (b"[]", UNREADABLE),
    "larger than bundles are": (b" " * (1024 * 1024) + GOOD, "too large"),
    "without an entry in the log": (changed(without_log), UNREADABLE),
    "another workflow": (OURS.bundle(DATA, WHO.replace("v1.0.0", "v1.0.1")), ANOTHER),
    "another issuer": (OURS.bundle(DATA, WHO, issuer="https://other.example"), ANOTHER),
    "a person of that name": (OURS.bundle(DATA, "release@example.com"), ANOTHER),
    "another file": (OURS.bundle(b"another wheel", WHO), OTHER_FILE),
    "another authority": (OTHERS.bundle(DATA, WHO), BROKEN),
    "logged too late": (OURS.bundle(DATA, WHO, late=True), BROKEN),
    "another certificate of the signer": (changed(other_certificate), BROKEN),
    "another place in the log": (changed(renumbered), BROKEN),
    "another entry of the log": (changed(other_entry), BROKEN),
    "a statement on another file": (OURS.statement(statement(b"another wheel"), WHO), OTHER_FILE),
    "a statement of another kind": (OURS.statement(statement(DATA, type_="https://a.example/v9"), WHO), OTHER_FILE),
    "no statement": (OURS.statement(statement(DATA), WHO, kind="text/plain"), OTHER_FILE),
    "a statement by another": (OURS.statement(statement(DATA), "ann@example.com"), ANOTHER),
    "a statement of another authority": (OTHERS.statement(statement(DATA), WHO), BROKEN),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sigstore") / "root.json"
    path.write_bytes(OURS.root())
    return path


def test_what_the_identity_signed_is_verified(root: Path) -> None:
    look = looking(Identity(WHO, ISSUER), root)
    assert look(DATA, GOOD).good is True
    assert look(DATA, OURS.statement(statement(b"another wheel", DATA), WHO)).good is True
    assert looking(Identity("ann@example.com", ISSUER), root)(DATA, OURS.bundle(DATA, "ann@example.com")).good is True


@pytest.mark.parametrize("name", NOT_VERIFIED)
def test_all_else_is_not_and_says_why(name: str, root: Path) -> None:
    bundle, why = NOT_VERIFIED[name]
    found = looking(Identity(WHO, ISSUER), root)(DATA, bundle)
    assert found.good is not True
    assert (found.good is None) == (why in {UNREADABLE, "too large"})
    assert why in found.why


def test_the_root_of_the_package_is_that_of_the_public_instance(root: Path) -> None:
    assert looking(Identity(WHO, ISSUER), None)(DATA, GOOD).good is False
    with pytest.raises(ConfigError, match="trusted root") as raised:
        looking(Identity(WHO, ISSUER), root.with_name("missing.json"))
    assert raised.value.reason == "trusted-root"


def test_without_the_package_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.models", None)
    with pytest.raises(ConfigError, match=r"chatward\[release\]") as raised:
        looking(Identity(WHO, ISSUER), None)
    assert raised.value.reason == "extra-missing"


def asked(captured: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = cli.main(["upgrade", *words, "--json"])
    out = captured.readouterr().out
    return status, json.loads(out) if out else None


def test_the_command_says_who_signed_a_file_and_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    write(tmp_path / "chatward.toml", f'upstream = "http://127.0.0.1:9"\n[ledger]\npath = "{tmp_path}/chatward.db"\n')
    (tmp_path / "a.whl").write_bytes(DATA)
    (tmp_path / "a.whl.sigstore.json").write_bytes(GOOD)
    assert asked(capsys, "--verify", "a.whl")[0] == 2  # by whom is not said
    assert asked(capsys, "--verify", "a.whl", "--identity", WHO)[0] == 2
    assert asked(capsys, "--verify", "a.whl", "--check")[0] == 2
    by = ["--identity", WHO, "--issuer", ISSUER, "--root", str(root)]
    assert asked(capsys, "--verify", "a.whl", *by) == (
        0,
        {"ok": True, "file": "a.whl", "verified": True, "why": None, "identity": WHO, "issuer": ISSUER},
    )
    assert asked(capsys, "--verify", "a.whl", *by, "--bundle", "missing")[0] == 2
    (tmp_path / "a.whl").write_bytes(DATA + b" ")
    status, told = asked(capsys, "--verify", "a.whl", *by)
    assert (status, told["ok"], told["verified"]) == (1, False, False)
    assert cli.main(["upgrade", "--verify", "a.whl", *by]) == 1
    assert "NOT VERIFIED: its bundle signs another file" in capsys.readouterr().err

    by_settings = f'release_identity = "{WHO}"\nrelease_issuer = "{ISSUER}"\nrelease_root = "{root}"\n'
    with (tmp_path / "chatward.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[assurance]\nreleases = "list"\n{by_settings}')
    release = Release(__version__, "2026-09-20", (), (File("a.whl", "0" * 64, "1" * 64),))
    now = time.time()
    note = written([release], Signer("releases", b"r" * 32), made=now, until=now + 86_400).encode()
    (tmp_path / "list").write_bytes(note)
    assert asked(capsys, "--check")[1]["state"] == "unknown"  # nobody vouches for it yet
    (tmp_path / "list.sigstore.json").write_bytes(OURS.bundle(note, WHO))
    told = asked(capsys, "--check")[1]
    assert (told["state"], told["signed_by"], told["verified"]) == ("current", WHO, False)
    stranger = Signer("releases", b"o" * 32).verifier.encode()
    assert (
        asked(capsys, "--check", "--key", stranger)[1]["state"] == "unknown"
    )  # the key counts too, where one is named
    (tmp_path / "list.sigstore.json").write_bytes(OTHERS.bundle(note, WHO))
    told = asked(capsys, "--check")[1]
    assert (told["state"], told["signed_by"]) == ("unknown", None)
    assert "does not hold" in told["why"]
