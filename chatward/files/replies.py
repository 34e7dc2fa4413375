"""Files of a reply, looked at before the reply is read.

The rules:

1. Reading a reply takes no time to wait in, looking at files does. So the bytes of a reply that may hold a file are
   looked through first, and each file in them is looked at (``FileDesk.carried``); the dialect, which reads the reply
   then, finds what was seen. A file that it finds and nobody has seen is unread, never clean.
2. A stream flows as it did until the first bytes that may be a file's. From there on it is held line by line, since an
   event of every dialect is a line, until the files in it were looked at.
3. The bounds are those of a request: files of one reply, characters that they say, time.
4. An image in a text (``core.pictures``) is spread over the events of a stream: who puts the text together notes it
   (``wanted``) and goes on when it was looked at.
5. Speech may be bare samples, which nothing tells from noise: there, that nobody knows what it is means nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from chatward.channels.wording import is_file, media_in, name_in, strings
from chatward.core.pictures import pictures
from chatward.core.values import Exchange, ReplyFile
from chatward.files.desk import FileDesk, Seen
from chatward.guards.files.inspecting import unread
from chatward.guards.files.looking import HIDDEN, IDS, TYPE, UNREADABLE

_MAY_CARRY: Final = re.compile(rb'"(?:[dD][aA][tT][aA]:|[A-Za-z0-9+/_\\=-]{62})|[dD][aA][tT][aA]:[iI][mM][aA]').search
_NEAR: Final = 128
"""Bytes of a line that went on which may be the beginning of a file."""
_UNKNOWN: Final = f"{TYPE}/unknown"
_UNREAD: Final = ReplyFile(failed=tuple((guard, UNREADABLE) for guard in IDS))

_Key = tuple[str, str, str]


class ReplyFiles:
    """Implements ``core.ports.ReplyFiles`` for one exchange."""

    def __init__(self, desk: FileDesk, exchange: Exchange, request_id: str) -> None:
        self._desk = desk
        self._exchange = exchange
        self._id = request_id
        self._seen: dict[_Key, Seen] = {}
        self._looked: set[_Key] = set()
        """Those that were looked at, or were too many to be."""
        self._wanted: dict[_Key, None] = {}
        self._stopped: list[tuple[Seen, Sequence[str]]] = []
        self._deadline: float | None = None
        self._room = desk.room
        self._line = bytearray()
        """What of the line that is coming went on already."""
        self._held: bytearray | None = None
        """What is held of it and of lines before; ``None`` while nothing is."""

    @property
    def seconds(self) -> float:
        return self._desk.seconds

    async def whole(self, body: bytes) -> None:
        if _MAY_CARRY(body) is not None:
            await self._lines([body], whole=True)

    async def ready(self, piece: bytes) -> bytes:
        if self._held is None:
            if _MAY_CARRY(self._line[-_NEAR:] + piece) is None:
                self._passed(piece)
                return piece
            self._held = bytearray()
        self._held += piece
        if b"\n" not in piece:
            return b""
        lines, newline, rest = bytes(self._held).rpartition(b"\n")
        await self._lines((bytes(self._line) + lines).splitlines())
        self._line.clear()
        out = lines + newline
        if _MAY_CARRY(rest) is not None:
            self._held = bytearray(rest)
            return out
        self._held = None
        self._passed(rest)
        return out + rest

    async def rest(self) -> bytes:
        held, self._held = bytes(self._held or b""), None
        if held:
            await self._lines((bytes(self._line) + held).splitlines())
        return held

    def wanted(self, picture: str) -> bool:
        key = (picture, "", "")
        if key in self._looked:
            return False
        self._wanted[key] = None
        return True

    @property
    def waits(self) -> bool:
        return bool(self._wanted)

    async def look(self) -> None:
        wanted, self._wanted = self._wanted, {}
        await self._look(wanted)

    def seen(self, data: str, name: str, declared: str) -> ReplyFile:
        one = self._seen.get((data, name, declared))
        if one is None:
            return _UNREAD
        report = one.report
        findings = report.findings
        if declared.startswith("audio/"):
            findings = tuple(finding for finding in findings if finding.rule != _UNKNOWN)
        return ReplyFile(findings, report.failed, report.text, report.plain, report.cleaned)

    def stopped(self, data: str, name: str, declared: str, rules: Sequence[str]) -> None:
        key = (data, name, declared)
        one = self._seen.get(key)
        self._stopped.append((one if one is not None else Seen(0, name, b"", unread(b"", UNREADABLE)), rules))

    async def settle(self) -> None:
        stopped, self._stopped = self._stopped, []
        for one, rules in stopped:
            await self._desk.stop(one, rules, self._exchange, self._id)

    def _passed(self, piece: bytes) -> None:
        end = piece.rfind(b"\n") + 1
        if end:
            self._line.clear()
        self._line += piece[end:]

    async def _lines(self, lines: Sequence[bytes], *, whole: bool = False) -> None:
        """Looks at the files in JSON texts, each alone or behind the name of an event's field. ``whole``: no text in
        them goes on elsewhere."""
        new: dict[_Key, None] = {}
        for line in lines:
            if _MAY_CARRY(line) is None:
                continue
            try:
                document = orjson.loads(line.removeprefix(b"data:"))
            except orjson.JSONDecodeError:
                continue  # whoever reads it refuses it, or finds a file that nobody has seen
            new.update(dict.fromkeys(_files(document, whole=whole)))
        await self._look(new)

    async def _look(self, wanted: Iterable[_Key]) -> None:
        new = [key for key in wanted if key not in self._looked]
        self._looked.update(new)
        keys = new[: max(self._desk.most - len(self._seen), 0)]
        if not keys:
            return
        if self._deadline is None:
            self._deadline = self._desk.deadline()
        deadline = self._deadline
        looked = await asyncio.gather(*(self._desk.carried(*key, deadline) for key in keys))
        for key, one in zip(keys, looked, strict=True):
            report = one.report
            self._room -= len(report.text)
            if self._room < 0:  # its text is not read, so the file is not
                report = replace(report, text="", failed=(*report.failed, (HIDDEN, UNREADABLE)))
            self._seen[key] = replace(one, report=report)


def _files(document: Any, *, whole: bool) -> Iterator[_Key]:
    if type(document) is not dict and type(document) is not list:
        return
    for container, key, owner in strings(document):
        value = container[key]
        if is_file(container, owner, value):
            yield value, name_in(container), media_in(container)
        else:
            yield from ((picture, "", "") for picture in pictures(value, ended=whole))
