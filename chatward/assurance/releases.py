"""Which releases of Chatward there are, and whether what is here is one of them: a list that the project signs.

The list is a signed note (C2SP signed-note, Ed25519) with this text::

    chatward-releases/1
    {"made": MOMENT, "until": MOMENT, "releases": [
       {"version": "1.2.3", "day": "2026-11-20", "fixes": ["CVE-..."], "files": [
          {"name": "chatward-1.2.3-....whl", "sha256": HEX, "contents": HEX}]}]}

Moments are ISO 8601 with an offset. ``fixes`` names the weaknesses that the release is the first to be without;
``contents`` is the digest of what a wheel installs (``_contents``), by which an installation is known again.

The rules:

1. A list that is unsigned, unreadable, past its ``until`` or made tomorrow says nothing: the state is *unknown*, and so
   it is where the list names nothing as new as what is installed. Only a list that holds can say *current*.
2. *Verified* means: every file of the package is the release's, and there is none besides. Compiled files
   (``__pycache__``) do not count; who can write those can write all else.
3. Versions are release versions of three numbers; all else makes the list unreadable.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal

from chatward.core.errors import ConfigError
from chatward.ledger.note import NoteError, Signer, Verifier, parse, signed, verified

PINNED: Final[tuple[str, ...]] = ()
"""The keys of this project's own lists (vkeys). None has been made yet: ``assurance.release_key`` names one."""
PACKAGE: Final = Path(__file__).parents[1]
_HEAD: Final = "chatward-releases/1\n"
_VERSION: Final = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_SLACK: Final = 86_400.0

State = Literal["current", "newer", "unknown"]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release. ``contents``: of wheels alone."""

    name: str
    sha256: str
    contents: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """One release. ``day``: YYYY-MM-DD."""

    version: str
    day: str
    fixes: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """A list whose signature is good. ``made``, ``until``: seconds since 1970."""

    made: float
    until: float
    signed_by: str
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether something is the release's; ``None``: that cannot be said. ``why`` is empty where it is."""

    good: bool | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a list says of an installed version. ``newer``: releases after it, the newest first."""

    state: State
    newer: tuple[Release, ...] = ()
    why: str = ""

    @property
    def fixes(self) -> tuple[str, ...]:
        """What newer releases are the first to be without."""
        return tuple(sorted({one for release in self.newer for one in release.fixes}))


def opened(data: bytes, keys: Sequence[Verifier], now: float, *, vouched_by: str = "") -> Listing:
    """A list, once one of ``keys`` has signed it and its time has not run out. ``vouched_by``: who has been found to
    vouch for these very bytes; without ``keys`` that is enough. Raises ``ConfigError`` (``releases-unsigned``,
    ``releases-unreadable``, ``releases-stale``)."""
    if not keys and not vouched_by:
        raise ConfigError("no key is known that signs the list of releases (--key)", reason="releases-unsigned")
    try:
        note = parse(data)
        by = verified(note, keys)[0].key.name if keys else vouched_by
    except NoteError:
        raise ConfigError(
            "the list of releases is not signed with a key that is known", reason="releases-unsigned"
        ) from None
    try:
        head, _, body = note.text.partition("\n")
        if head + "\n" != _HEAD:
            raise ValueError("another kind of note")
        found = json.loads(body)
        made, until = (datetime.fromisoformat(found[name]) for name in ("made", "until"))
        if made.tzinfo is None or until.tzinfo is None:
            raise ValueError("a moment without an offset")
        releases = tuple(sorted(map(_release, found["releases"]), key=lambda one: _order(one.version), reverse=True))
        if len({one.version for one in releases}) != len(releases) or not releases:
            raise ValueError("no release, or one twice")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ConfigError("the list of releases cannot be read", reason="releases-unreadable") from None
    if not made.timestamp() - _SLACK <= now <= until.timestamp():
        raise ConfigError(
            f"the list of releases is for {made:%Y-%m-%d} to {until:%Y-%m-%d}: it says nothing about today",
            reason="releases-stale",
        )
    return Listing(made.timestamp(), until.timestamp(), by, releases)


def standing(listing: Listing, version: str) -> Standing:
    """What a list says of ``version``."""
    try:
        here = _order(version)
    except ValueError:
        return Standing("unknown", why=f"{version} is not the version of a release")
    newer = tuple(one for one in listing.releases if _order(one.version) > here)
    if newer:
        return Standing("newer", newer)
    if listing.releases[0].version != version:
        return Standing("unknown", why=f"the list ends before {version}, which is installed")
    return Standing("current")


def of_package(listing: Listing, version: str, folder: Path = PACKAGE) -> Verification:
    """Whether the package in ``folder`` is what the release ``version`` installs (rule 2)."""
    known = {one.contents for one in _files(listing, version) if one.contents}
    if not known:
        return Verification(None, f"the list names no wheel of {version}")
    try:
        if _contents(_read(folder)) in known:
            return Verification(True)
    except OSError as error:
        return Verification(None, f"a file of the package cannot be read: {error.strerror}")
    return Verification(False, f"its files are not those of {version}: something was changed, added or left out")


def of_file(listing: Listing, path: Path) -> Verification:
    """Whether a file is one of a release, by its content alone. Raises ``ConfigError`` (``usage``)."""
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", reason="usage") from error
    if any(found == one.sha256 for release in listing.releases for one in release.files):
        return Verification(True)
    return Verification(False, "no release has this file")


def described(path: Path) -> File:
    """A built file as a list names it. Raises ``ConfigError`` where a wheel is none."""
    contents = ""
    if path.suffix == ".whl":
        try:
            with zipfile.ZipFile(path) as wheel:
                inside = [one for one in wheel.namelist() if one.startswith("chatward/") and not one.endswith("/")]
                contents = _contents((one.removeprefix("chatward/"), wheel.read(one)) for one in inside)
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigError(f"{path} is no wheel", reason="usage") from error
    with path.open("rb") as stream:
        return File(path.name, hashlib.file_digest(stream, "sha256").hexdigest(), contents)


def written(releases: Iterable[Release], signer: Signer, *, made: float, until: float) -> str:
    """A signed list. Raises ``ConfigError`` where ``opened`` could not read it."""
    body = {
        "made": _moment(made),
        "until": _moment(until),
        "releases": [_told(one) for one in releases],
    }
    text = signed(f"{_HEAD}{json.dumps(body, indent=1)}\n", [signer]).encode()
    opened(text.encode(), [signer.verifier], made)
    return text


def _files(listing: Listing, version: str) -> tuple[File, ...]:
    return next((one.files for one in listing.releases if one.version == version), ())


def _read(folder: Path) -> Iterable[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        inner = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in inner.parts:
            yield inner.as_posix(), path.read_bytes()


def _contents(files: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over a line ``<SHA-256>  <path>`` for each file, in the order of paths."""
    lines = sorted((name, hashlib.sha256(data).hexdigest()) for name, data in files)
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in lines).encode()).hexdigest()


def _order(version: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError("no release version")
    return tuple(map(int, found.groups()))


def _release(row: Mapping[str, Any]) -> Release:
    _order(row["version"])
    date.fromisoformat(row["day"])
    fixes, files = row.get("fixes", []), row["files"]
    if not isinstance(fixes, list) or not all(isinstance(one, str) and one.isprintable() for one in fixes):
        raise ValueError("fixes are names")
    return Release(row["version"], row["day"], tuple(fixes), tuple(map(_file, files)))


def _file(row: Mapping[str, Any]) -> File:
    made = File(row["name"], row["sha256"], row.get("contents", ""))
    if not made.name.isprintable() or not _DIGEST.fullmatch(made.sha256):
        raise ValueError("a file without name or digest")
    if made.contents and not _DIGEST.fullmatch(made.contents):
        raise ValueError("a digest that is none")
    return made


def _told(one: Release) -> dict[str, Any]:
    files = [
        {"name": each.name, "sha256": each.sha256, **({"contents": each.contents} if each.contents else {})}
        for each in one.files
    ]
    return {"version": one.version, "day": one.day, "fixes": list(one.fixes), "files": files}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
