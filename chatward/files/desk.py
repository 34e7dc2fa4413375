"""Files of a request, looked at before the guards of texts: what they say becomes text of the request, what was seen of
them goes to the guards of files.

The rules:

1. Every file is looked at by a worker (``workers``) and, where there is one, by ClamAV; both within the time that one
   file may take, and all files of a request within three times that. Who has not answered has not seen it clean: the
   guard that stands for it is unavailable.
2. A file that came before is remembered by digest for ``_TTL`` seconds, if it could be read: conversations repeat their
   files. Signatures change, so not for longer.
3. Images go on without metadata, where the route enforces: other bytes take the place of the caller's.
4. An address is no file: nobody sees here what is there (``references``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Protocol, TypeVar

from chatward.core.errors import ClientError, StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.values import Action, Category, Exchange, Finding, InspectedFile, Severity, Verdict
from chatward.files.decoding import Undecodable, declared_of, decoded, is_reference
from chatward.files.quarantine import Content, Quarantine
from chatward.files.worker import Asked
from chatward.files.workers import Failed
from chatward.guards.files.inspecting import Report, unread
from chatward.guards.files.looking import HIDDEN, IDS, MALWARE, TYPE, UNREADABLE
from chatward.settings.files import Files

_log = logging.getLogger("chatward.files")

_RULES: Final = 16
"""Rules of one file that stand on record."""
_TTL: Final = 600.0
_MEMORY: Final = 32 * 1024 * 1024
"""Bytes of texts and images that reports which are remembered may hold."""
_REQUEST: Final = 3.0
_REFERENCE: Final = Finding(f"{TYPE}/reference", Category.POLICY, Severity.MEDIUM, 0.9, (0, 0))


OneFile = TypeVar("OneFile", bound="Carried")


class Carried(Protocol):
    """``channels.request.Attachment``, as this package sees it."""

    @property
    def part(self) -> int: ...

    @property
    def data(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def declared(self) -> str: ...

    def replace(self, data: bytes) -> None: ...


class Carrying(Protocol[OneFile]):
    """A request that may carry files."""

    @property
    def files(self) -> Sequence[OneFile]: ...

    def read_as(self, file: OneFile, text: str, *, plain: bool) -> None: ...


class Asking(Protocol):
    """``workers.Workers``."""

    async def report(self, asked: Asked, seconds: float) -> Report: ...

    def close(self) -> None: ...


class Antivirus(Protocol):
    """``clamd.Clamd``."""

    async def scan(self, data: bytes, seconds: float) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a request and what was seen of it."""

    part: int
    name: str
    data: bytes
    report: Report

    @property
    def inspected(self) -> InspectedFile:
        return InspectedFile(self.part, self.report.findings, self.report.failed)


class FileDesk:
    """Looks at files. For one event loop at a time."""

    def __init__(
        self,
        settings: Files,
        workers: Asking,
        antivirus: Antivirus | None = None,
        *,
        quarantine: Quarantine | None = None,
        note: Callable[[Entry], None] = lambda entry: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._workers = workers
        self._antivirus = antivirus
        self._quarantine = quarantine
        self._note = note
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Report]] = OrderedDict()
        self._size = 0

    @property
    def seconds(self) -> float:
        """Seconds that a guard gets for what files say, where its route gives it less."""
        return self._settings.seconds

    @property
    def most(self) -> int:
        """Files of one message that are looked at."""
        return self._settings.most

    @property
    def room(self) -> int:
        """Characters that the files of one message may say."""
        return self._settings.text

    def deadline(self) -> float:
        """When the files of a message that comes now must have been looked at."""
        return self._clock() + _REQUEST * self._settings.seconds

    def close(self) -> None:
        self._workers.close()

    async def look(self, call: Carrying[OneFile], *, change: bool) -> tuple[Seen, ...]:
        """All files of a request; their texts are parts of it afterwards. ``change``: images lose their metadata.
        Raises ``ClientError`` (``too-many-files``)."""
        files = call.files
        if len(files) > self._settings.most:
            raise ClientError(
                f"A message may carry {self._settings.most} files; send fewer at once.", reason="too-many-files"
            )
        deadline = self.deadline()
        seen = list(await asyncio.gather(*(self._one(file, deadline) for file in files)))
        room = self._settings.text
        for at, (file, one) in enumerate(zip(files, seen, strict=True)):
            room -= len(one.report.text)
            if room < 0:  # its text is not read, so the file is not
                seen[at] = replace(one, report=replace(one.report, failed=(*one.report.failed, (HIDDEN, UNREADABLE))))
                continue
            if change and one.report.cleaned is not None:
                file.replace(one.report.cleaned)
            if one.report.text:
                call.read_as(file, one.report.text, plain=one.report.plain)
        return tuple(seen)

    async def _one(self, file: Carried, deadline: float) -> Seen:
        return replace(await self.carried(file.data, file.name, file.declared, deadline), part=file.part)

    async def carried(self, data: str, name: str, declared: str, deadline: float) -> Seen:
        """A file as a message carries it: base64, a ``data:`` URL, or an address."""
        if is_reference(data):
            found = (_REFERENCE,) if self._settings.references == "block" else ()
            return Seen(0, name, b"", Report("reference", "", 0, "", found))
        try:
            content = decoded(data)
        except Undecodable:
            return Seen(0, name, b"", unread(b"", UNREADABLE))
        report = await self.inspect(content, name, declared_of(data) or declared, deadline=deadline)
        return Seen(0, name, content, report)

    async def inspect(
        self, data: bytes, name: str = "", declared: str = "", *, deadline: float | None = None
    ) -> Report:
        """The report on one file. Never raises for what the file holds, nor for those who do not answer."""
        if len(data) > self._settings.largest:
            return unread(data, UNREADABLE)
        key = sha256(f"{name}\0{declared}\0".encode("utf-8", "replace") + sha256(data).digest()).digest()
        known = self._known(key)
        if known is not None:
            return known
        seconds = self._settings.seconds
        if deadline is not None:
            seconds = min(seconds, max(deadline - self._clock(), 0.0))
        report, antivirus = await asyncio.gather(
            self._read(Asked(data, name, declared), seconds), self._scan(data, seconds)
        )
        names, failed = antivirus
        found = [Finding(f"{MALWARE}/clamav-{one}", Category.MALWARE, Severity.CRITICAL, 0.95, (0, 0)) for one in names]
        report = replace(report, findings=(*report.findings, *found), failed=(*report.failed, *failed))
        if not report.failed:
            self._keep(key, report)
        return report

    async def _read(self, asked: Asked, seconds: float) -> Report:
        try:
            return await self._workers.report(asked, seconds)
        except Failed as error:
            return unread(asked.data, error.reason)

    async def _scan(self, data: bytes, seconds: float) -> tuple[list[str], tuple[tuple[str, str], ...]]:
        if self._antivirus is None:
            return [], ()
        try:
            return await self._antivirus.scan(data, seconds), ()
        except TimeoutError:
            return [], ((MALWARE, "timeout"),)
        except Exception:  # whatever it was, nobody has said that the file is clean
            return [], ((MALWARE, "error"),)

    # --- what was stopped

    async def settle(self, seen: Sequence[Seen], verdict: Verdict, exchange: Exchange, request_id: str) -> None:
        """Puts on record which files were stopped or taken out by ``verdict``, and keeps them where there is a
        quarantine. One that cannot be kept is stopped all the same."""
        stopped: dict[int, list[str]] = {}
        for decision in verdict.decisions:
            if decision.action > Action.ALLOW and decision.finding.guard in IDS:
                stopped.setdefault(decision.finding.part, []).append(decision.finding.rule)
        unread = {one.guard for one in verdict.unavailable} if verdict.blocked else set()
        for one in seen:
            rules = stopped.get(one.part, [])
            rules += [name for name, _ in one.report.failed if name in unread]
            if rules:
                await self.stop(one, rules, exchange, request_id)

    async def stop(self, one: Seen, rules: Sequence[str], exchange: Exchange, request_id: str) -> None:
        """Puts on record that a file was stopped or taken out by these rules, and keeps it as ``settle`` does."""
        fields: dict[str, object] = {
            "digest": one.report.digest,
            "kind": one.report.kind,
            "size": one.report.size,
            "rules": list(dict.fromkeys(rules))[:_RULES],
        }
        if self._quarantine is not None and one.data:
            fields["file"] = await asyncio.to_thread(
                self._keep_away, self._quarantine, one, rules, exchange, request_id
            )
        self._note(Entry(Event.FILE_STOPPED.value, request_id, fields))

    @staticmethod
    def _keep_away(quarantine: Quarantine, one: Seen, rules: Sequence[str], exchange: Exchange, request_id: str) -> str:
        try:
            return quarantine.put(
                exchange.tenant,
                exchange.principal,
                Content(one.name, one.data),
                digest=one.report.digest,
                kind=one.report.kind,
                rules=list(dict.fromkeys(rules))[:_RULES],
                exchange=request_id,
            )
        except StoreError as error:
            _log.error("%s a file could not be kept in quarantine: %s", request_id, error.reason)
            return ""

    async def purge(self, every: float = 3600.0) -> None:
        """Deletes what has expired in quarantine, now and every ``every`` seconds."""
        while self._quarantine is not None:
            try:
                await asyncio.to_thread(self._quarantine.purge)
            except StoreError as error:
                _log.error("files in quarantine were not purged: %s", error.reason)
            await asyncio.sleep(every)

    # --- remembering

    def _known(self, key: bytes) -> Report | None:
        kept = self._kept.get(key)
        if kept is None or self._clock() - kept[0] > _TTL:
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def _keep(self, key: bytes, report: Report) -> None:
        old = self._kept.pop(key, None)
        if old is not None:
            self._size -= _weight(old[1])
        self._kept[key] = (self._clock(), report)
        self._size += _weight(report)
        while self._size > _MEMORY:
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= _weight(gone)


def _weight(report: Report) -> int:
    return 512 + 4 * len(report.text) + len(report.cleaned or b"")
