"""One look at one file: what is collected on the way, and the bounds that end it.

The rules:

1. Everything is bounded: bytes unpacked in all, the ratio of unpacked to packed, levels, members, characters of text.
   Where a bound is met the look ends with a finding; what lies behind it was not read, and nobody says it is clean.
2. What cannot be read (damaged, of a kind that nothing here reads) is noted by guard with the reason ``unreadable``.
3. A finding never quotes the file. Its ``detail`` is a word of ours: a type, a kind of action, the name of a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from chatward.core.values import Category, Finding, Severity

TYPE: Final = "files.type"
ARCHIVE: Final = "files.archive"
MALWARE: Final = "files.malware"
ACTIVE: Final = "files.active"
HIDDEN: Final = "files.hidden"
IMAGE: Final = "files.image"
IDS: Final = (TYPE, ARCHIVE, MALWARE, ACTIVE, HIDDEN, IMAGE)
"""Ids of the guards of files, in the order in which they look."""

UNREADABLE: Final = "unreadable"
NOT_LOADED: Final = "not-loaded"
RATIO_FROM: Final = 4 << 20
"""Bytes from which on a ratio counts: small files are often very regular."""
_MOST: Final = 128
"""Findings that are kept of one file."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a look ends. Sizes are bytes, texts characters."""

    unpacked: int = 64 * 1024 * 1024
    ratio: int = 120
    depth: int = 4
    members: int = 2_000
    text: int = 400_000
    pages: int = 400
    pixels: int = 80_000_000


class Scanner(Protocol):
    """Looks for signatures in bytes: names of the rules that fit, from a fixed vocabulary."""

    def scan(self, data: bytes) -> list[str]: ...


class Typer(Protocol):
    """A second opinion on content that has no signature: a short name (``powershell``), or ``""``."""

    def name(self, data: bytes) -> str: ...


@dataclass(slots=True)
class Tools:
    """What not every installation has."""

    scanner: Scanner | None = None
    typer: Typer | None = None


class Spent(Exception):
    """A bound was met; the finding is noted."""


@dataclass(slots=True)
class Look:
    """What one look has collected."""

    bounds: Bounds = field(default_factory=Bounds)
    tools: Tools = field(default_factory=Tools)
    findings: list[Finding] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    unpacked: int = 0
    members: int = 0
    _texts: list[str] = field(default_factory=list)
    _length: int = 0

    def find(
        self,
        rule: str,
        severity: Severity,
        confidence: float,
        detail: str = "",
        category: Category = Category.MALWARE,
    ) -> None:
        """Notes a finding; the same one is kept once."""
        found = Finding(rule, category, severity, confidence, (0, 0), detail=detail)
        if found not in self.findings and len(self.findings) < _MOST:
            self.findings.append(found)

    def fail(self, guard: str, reason: str = UNREADABLE) -> None:
        """Notes that a guard could not read the file, or a part of it."""
        self.failed.setdefault(guard, reason)

    def say(self, text: str) -> None:
        """Adds text for the guards of texts."""
        text = text.strip()
        if not text:
            return
        room = self.bounds.text - self._length
        if len(text) > room:
            self.fail(HIDDEN)  # a part of the text is not read
            text = text[: max(room, 0)]
        self._texts.append(text)
        self._length += len(text) + 1

    @property
    def text(self) -> str:
        return "\n".join(self._texts)

    def took(self, size: int, packed: int) -> None:
        """``size`` more bytes were unpacked, of ``packed``. Raises ``Spent``."""
        self.unpacked += size
        if self.unpacked > self.bounds.unpacked or (size > RATIO_FROM and size > packed * self.bounds.ratio):
            self.find(f"{ARCHIVE}/bomb", Severity.HIGH, 0.95)
            raise Spent

    def member(self) -> None:
        """One more member of an archive. Raises ``Spent``."""
        self.members += 1
        if self.members > self.bounds.members:
            self.find(f"{ARCHIVE}/too-many", Severity.HIGH, 0.9)
            raise Spent
