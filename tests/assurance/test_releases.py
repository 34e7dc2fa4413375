"""The signed list of releases: what it says, when it says nothing, and how it is made and read by the commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chatward import __version__, cli
from chatward.assurance.releases import (
    PACKAGE,
    File,
    Release,
    described,
    of_file,
    of_package,
    opened,
    standing,
    written,
)
from chatward.commands import upgrade
from chatward.core.errors import ConfigError
from chatward.ledger.note import Signer, signed
from chatward.watch.fetching import Answer
from tests.assurance.making import NOW, write

ROOT = Path(__file__).parents[2]
KEY = Signer("releases", b"r" * 32)
OTHER = Signer("releases", b"o" * 32)
DAY = 86_400.0
RELEASES = (
    Release("1.2.0", "2026-09-01", (), (File("a.whl", "0" * 64, "1" * 64),)),
    Release("1.10.0", "2026-09-20", ("CVE-2026-1",), (File("b.whl", "2" * 64),)),
    Release("1.9.9", "2026-09-10", ("CVE-2026-2",)),
)


def listed(releases: tuple[Release, ...] = RELEASES, key: Signer = KEY) -> bytes:
    return written(releases, key, made=NOW, until=NOW + 90 * DAY).encode()


def test_versions_are_ordered_as_numbers_and_the_fixes_on_the_way_are_named() -> None:
    listing = opened(listed(), [KEY.verifier], NOW)
    assert listing.signed_by == "releases"
    found = standing(listing, "1.2.0")
    assert (found.state, found.newer[0].version, found.fixes) == ("newer", "1.10.0", ("CVE-2026-1", "CVE-2026-2"))
    assert standing(listing, "1.9.9").fixes == ("CVE-2026-1",)
    assert standing(listing, "1.10.0").state == "current"
    assert standing(listing, "1.11.0").state == "unknown"  # an older list, put in place of the newest
    assert standing(listing, "1.10.0.dev1").state == "unknown"


def body(head: str = "chatward-releases/1", **changed: Any) -> bytes:
    told = {"made": "2026-09-20T00:00:00+00:00", "until": "2026-12-01T00:00:00+00:00", **changed}
    told.setdefault("releases", [{"version": "1.0.0", "day": "2026-09-20", "files": []}])
    return signed(f"{head}\n{json.dumps(told)}\n", [KEY]).encode().encode()


BAD = {
    "a stranger's": (listed(key=OTHER), "releases-unsigned"),
    "changed": (listed().replace(b"1.10.0", b"1.1.0"), "releases-unsigned"),
    "without a signature": (b"chatward-releases/1\n{}\n", "releases-unsigned"),
    "another note of the key": (body("chatward-backup/1"), "releases-unreadable"),
    "no release": (body(releases=[]), "releases-unreadable"),
    "one twice": (body(releases=[{"version": "1.0.0", "day": "2026-09-20", "files": []}] * 2), "releases-unreadable"),
    "no version": (body(releases=[{"version": "1.0rc1", "day": "2026-09-20", "files": []}]), "releases-unreadable"),
    "no offset": (body(until="2026-12-01T00:00:00"), "releases-unreadable"),
    "run out": (body(until="2026-09-20T12:00:00+00:00"), "releases-stale"),
    "of the future": (body(made="2026-10-20T00:00:00+00:00"), "releases-stale"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_list_that_does_not_hold_says_nothing(name: str) -> None:
    data, reason = BAD[name]
    with pytest.raises(ConfigError) as raised:
        opened(data, [KEY.verifier], NOW)
    assert raised.value.reason == reason


def test_without_a_key_nothing_is_believed() -> None:
    with pytest.raises(ConfigError, match="no key"):
        opened(listed(), [], NOW)


def wheel(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for one in folder.rglob("*"):
            if one.is_file() and "__pycache__" not in one.parts:
                made.write(one, f"chatward/{one.relative_to(folder)}")
        made.writestr(f"{path.name.partition('-py3')[0]}.dist-info/METADATA", "Name: chatward\n")
    return path


def test_an_installation_is_known_again_and_a_change_of_it_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "chatward"
    write(package / "a.py", "x = 1\n")
    write(package / "inner/b.py", "y = 2\n")
    built = wheel(tmp_path / "chatward-1.0.0-py3-none-any.whl", package)
    listing = opened(listed((Release("1.0.0", "2026-09-20", (), (described(built),)),)), [KEY.verifier], NOW)
    write(package / "__pycache__/a.cpython-311.pyc", "compiled")
    assert of_package(listing, "1.0.0", package).good
    assert of_file(listing, built).good
    assert of_package(listing, "1.0.1", package).good is None
    write(package / "more.py", "")
    assert of_package(listing, "1.0.0", package).good is False
    (package / "more.py").unlink()
    write(package / "inner/b.py", "y = 3\n")
    assert of_package(listing, "1.0.0", package).good is False
    built.write_bytes(built.read_bytes() + b" ")
    assert of_file(listing, built).good is False


def asked(captured: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = cli.main(["upgrade", "--check", *words, "--json"])
    return status, json.loads(captured.readouterr().out)


def made(folder: Path, *words: str) -> str:
    command = [sys.executable, str(ROOT / "scripts/release-manifest"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_release_is_made_signed_asked_for_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    write(tmp_path / "state/release.vkey", made(tmp_path, "--new-key", "release.key"))
    assert (tmp_path / "release.key").stat().st_mode & 0o777 == 0o600
    built = wheel(tmp_path / f"chatward-{__version__}-py3-none-any.whl", PACKAGE)
    made(tmp_path, built.name, "--key", "release.key", "--out", "dist")
    ledger = f'[ledger]\npath = "{tmp_path}/state/chatward.db"\n'
    told_by = '[assurance]\nrelease_key = "release.vkey"\n'
    write(tmp_path / "chatward.toml", f'upstream = "http://127.0.0.1:9"\n{ledger}{told_by}')
    status, told = asked(capsys, "--releases", "dist/releases.note", "--file", built.name)
    assert (status, told["state"], told["verified"], told["files"][0]["verified"]) == (0, "current", True, True), told
    bill = json.loads((tmp_path / f"dist/chatward-{__version__}.cdx.json").read_text("utf-8"))
    assert {"library", "machine-learning-model"} == {part["type"] for part in bill["components"]}
    assert asked(capsys, "--releases", "dist/releases.note", "--file", f"dist/chatward-{__version__}.cdx.json")[0] == 0
    assert asked(capsys, "--releases", "dist/releases.note", "--file", "chatward.toml")[0] == 1

    newer = write(tmp_path / "src/a.py", "").parent
    next_one = wheel(tmp_path / "chatward-99.0.0-py3-none-any.whl", newer)
    options = ["--key", "release.key", "--out", "dist", "--before", "dist/releases.note", "--fixes", "CVE-2026-9"]
    made(tmp_path, next_one.name, *options)
    note = (tmp_path / "dist/releases.note").read_bytes()

    class Server:
        """Answers whatever it is asked with the list."""

        def __init__(self, **_: Any) -> None: ...

        async def __call__(self, url: str, **_: Any) -> Answer:
            return Answer(url, 200, (), note, "192.0.2.1")

    monkeypatch.setattr(upgrade, "Fetcher", Server)
    status, told = asked(capsys, "--releases", "https://releases.example/releases.note")
    assert (status, told["state"], told["newest"], told["security"]) == (1, "newer", "99.0.0", ["CVE-2026-9"])
    assert told["verified"] is True  # the earlier release stays in the list
    assert cli.main(["upgrade", "--check", "--releases", "dist/releases.note"]) == 1
    assert "99.0.0" in capsys.readouterr().out


def test_nothing_is_asked_by_itself_and_what_is_not_known_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    monkeypatch.delattr(upgrade, "Fetcher")
    write(tmp_path / "chatward.toml", 'upstream = "http://127.0.0.1:9"\n')
    status, told = asked(capsys)
    assert (status, told["state"], told["verified"]) == (1, "unknown", None)
    note = tmp_path / "old.note"
    note.write_text(written(RELEASES, KEY, made=time.time() - 9 * DAY, until=time.time() - DAY), "utf-8")
    for key, where, why in (
        (OTHER, "old.note", "not signed"),
        (KEY, "old.note", "says nothing about today"),
        (KEY, "missing.note", "No such file"),
    ):
        status, told = asked(capsys, "--releases", where, "--key", key.verifier.encode())
        assert (status, told["state"], told["ok"]) == (1, "unknown", False)
        assert why in told["why"]
    assert cli.main(["upgrade"]) == 2
    assert cli.main(["upgrade", "--check", "--key", "nonsense"]) == 2
