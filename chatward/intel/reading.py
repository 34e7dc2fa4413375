"""What readers of sources get and give: the seam between one source and its life (``lifecycle``).

A reader gets a ``Context`` (a source's settings, what is known of it, its file or its server) and returns a ``Batch``
of rows, or ``None`` where nothing changed. It raises ``SourceError``, ``UpstreamError`` and ``OSError``, and nothing it
does lasts before the batch is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chatward.intel.entries import Row
from chatward.intel.fetching import Request
from chatward.intel.files import SourceError
from chatward.intel.store import SourceState
from chatward.settings import IntelSource

Rows = Callable[[], AbstractContextManager[Iterable[Row]]]


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader has. ``place`` is the file or folder, where the source is one; ``folder`` that of the store;
    ``request`` the server."""

    source: IntelSource
    state: SourceState
    place: Path | None
    folder: Path
    request: Request | None
    clock: Callable[[], float]

    @property
    def keep(self) -> Path:
        """A file of this source's own, for what it fetched."""
        return self.folder / "fetched" / self.source.name

    @property
    def server(self) -> Request:
        if self.request is None:
            raise SourceError("there is no network here", reason="intel-offline")
        return self.request


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to be imported, and what to remember then (see ``Store.take``). ``readable``: some of them must be, or
    the file is of another format."""

    rows: Rows
    digest: str
    etag: str = ""
    modified: str = ""
    cursor: str = ""
    whole: bool = True
    readable: bool = False


def given(make: Callable[[], Iterable[Row]]) -> Rows:
    """Rows that are in memory, as a batch wants them."""

    @contextmanager
    def made() -> Iterator[Iterable[Row]]:
        yield make()

    return made
