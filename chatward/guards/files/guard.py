"""The guards of files, as the catalog lists them: each says what was seen under its name (``Exchange.files``).

Files are looked at before the guards of texts are asked, since what they say is text (``chatward.files``); here only
their findings are handed over, so that policy, history and the ledger treat them as any others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chatward.core.ports import Cost, GuardSpec, Scope
from chatward.core.values import Exchange, Finding, Moment
from chatward.guards.files.looking import ACTIVE, ARCHIVE, HIDDEN, IMAGE, MALWARE, TYPE

_SUMMARIES: Final = {
    TYPE: "files that are programs, or other than they say: by content",
    ARCHIVE: "archives that are bombs, locked, or write outside their folder",
    MALWARE: "malware by signature, YARA rule and ClamAV",
    ACTIVE: "macros, scripts, actions and outside loads in documents",
    HIDDEN: "text in documents that people do not see and models do",
    IMAGE: "images: metadata, codes, and what is no image in them",
}


class FilesGuard:
    """One of ``looking.IDS``."""

    def __init__(self, guard: str) -> None:
        self.spec = GuardSpec(
            id=guard,
            summary=_SUMMARIES[guard],
            moments=frozenset({Moment.INPUT, Moment.OUTPUT}),
            look_ahead=None,
            cost=Cost.LIGHT,
            scope=Scope.EXCHANGE,
        )

    def inspect_files(self, exchange: Exchange) -> Sequence[Finding]:
        """The findings of this guard, each at the part that carries the file."""
        return [
            replace(finding, part=file.part)
            for file in exchange.files
            for finding in file.findings
            if finding.guard == self.spec.id
        ]


def file_guards() -> tuple[FilesGuard, ...]:
    """All of them."""
    return tuple(FilesGuard(guard) for guard in _SUMMARIES)
