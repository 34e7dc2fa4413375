"""What was worked out of patterns, kept between starts: compiled databases, and facts read from parsed patterns.

Parsing and compiling the rules takes seconds and tens of megabytes, so only the first start of a version does it.

The rules: a file is used only if it is this user's, nobody else can write it or its folder, and its digest holds
(Hyperscan itself refuses databases of another version or processor). What cannot be read or written is no
error: the patterns are compiled. The cache holds patterns of the program, nothing of its users.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

_DIGEST = 32
_SOURCES = ("atoms.py", "patterns.py", "prefilter.py", "scanner.py", "widening.py")


def remembered(kind: str, about: object, make: Callable[[], Any]) -> Any:
    """The JSON value that ``make`` works out of ``about`` (which ``repr`` tells in full), kept between starts.

    A change of the modules that do the working out makes the kept value unknown.
    """
    key = sha256(f"{_sources()}\0{kind}\0{about!r}".encode()).hexdigest()
    place = folder()
    kept = load(key, place)
    if kept is not None:
        with suppress(ValueError):
            return json.loads(kept)
    made = make()
    store(key, json.dumps(made, separators=(",", ":")).encode(), place)
    return made


@cache
def _sources() -> str:
    here = Path(__file__).parent
    return sha256(b"\0".join((here / name).read_bytes() for name in _SOURCES)).hexdigest()


def folder() -> Path | None:
    """Where databases are kept: ``$CHATWARD_CACHE`` (empty: nowhere), else the user's cache folder."""
    named = os.environ.get("CHATWARD_CACHE")
    if named is not None:
        return Path(named) if named else None
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "chatward"
    except RuntimeError:
        return None


def load(key: str, place: Path | None) -> bytes | None:
    """The database of ``key``, or ``None``."""
    if place is None:
        return None
    path = place / f"{key}.bin"
    try:
        if not (_is_ours(place) and _is_ours(path)):
            return None
        data = path.read_bytes()
    except OSError:
        return None
    blob = data[_DIGEST:]
    return blob if sha256(blob).digest() == data[:_DIGEST] else None


def store(key: str, blob: bytes, place: Path | None) -> None:
    """Keeps a database, whole or not at all."""
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(place):
            return
        draft = place / f".{key}.{os.getpid()}"
        draft.write_bytes(sha256(blob).digest() + blob)
        draft.chmod(0o600)
        draft.replace(place / f"{key}.bin")


def _is_ours(path: Path) -> bool:
    found = path.lstat()
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == os.getuid() and not writable and not stat.S_ISLNK(found.st_mode)
