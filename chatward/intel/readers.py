"""The plug-ins: one reader for each way in which a source is had. A new one is a function and a line at the end."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from chatward.intel import crowdsec, lists, misp, rules, stix, tables
from chatward.intel.entries import Row
from chatward.intel.files import check_digest, digest_of_file, opened, refuse_pages, verified_text
from chatward.intel.reading import Batch, Context
from chatward.settings import IntelSource

Reader = Callable[[Context], Batch | None]
Parser = Callable[[IO[bytes], IntelSource], Iterator[Row]]
_START: Final = 64


def reader_of(format_: str) -> Reader:
    """The reader of a format."""
    return _READERS[format_]


# --- files -------------------------------------------------------------------------------------------


def _file(parse: Parser) -> Reader:
    """A reader of one file, on this machine or fetched."""

    def read(context: Context) -> Batch | None:
        if context.place is not None:
            return _taken(context, context.place, parse)
        kept = context.keep
        if context.state.unfinished and kept.exists():
            return _taken(context, kept, parse)
        headers: list[tuple[str, str]] = []
        if context.state.imported and context.state.etag:
            headers.append(("if-none-match", context.state.etag))
        if context.state.imported and context.state.modified:
            headers.append(("if-modified-since", context.state.modified))
        answer = context.server.to_file(context.source.location, headers, kept)
        if answer.status == 304:
            return None
        return _taken(context, kept, parse, etag=answer.get("etag"), modified=answer.get("last-modified"))

    return read


def _taken(context: Context, path: Path, parse: Parser, *, etag: str = "", modified: str = "") -> Batch | None:
    digest = _verified(context, path)
    if digest == context.state.imported and not context.state.unfinished:
        return None

    @contextmanager
    def rows() -> Iterator[Iterable[Row]]:
        with _content(context, path) as stream:
            yield parse(stream, context.source)

    return Batch(rows, digest, etag, modified, readable=True)


def _verified(context: Context, path: Path) -> str:
    """The digest of a file, once it is the expected one."""
    if context.source.sha256:
        check_digest(path, _digests(context))
    return digest_of_file(path)


@contextmanager
def _content(context: Context, path: Path) -> Iterator[IO[bytes]]:
    """What a file says, once its signature is good."""
    source = context.source
    with opened(path, source.max_size) as stream:
        refuse_pages(stream.peek(_START))  # type: ignore[attr-defined]
        if source.signed_by:
            yield io.BufferedReader(io.BytesIO(verified_text(stream, source.signed_by)))
        else:
            yield stream


def _bundle_of_rules(context: Context) -> Batch | None:
    """Keeps a new version; there are no rows."""

    def none(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
        rules.keep(stream, context.folder / "rules" / source.name, digest)
        return iter(())

    digest = ""
    batch = _file(none)(context)
    digest = batch.digest if batch is not None else ""
    return batch


def _digests(context: Context) -> str:
    """The expected digest, or the file that holds it."""
    told = context.source.sha256
    if "://" in told:
        server = context.server if _origin(told) == _origin(context.source.location) else context.server.stranger
        return server.small(told)[1].decode("ascii", "replace")
    if len(told) == 64 and "/" not in told and "." not in told:
        return told
    base = context.place.parent if context.place is not None else Path()
    return (base / told).read_text("ascii", "replace")


def _origin(url: str) -> str:
    """Scheme, host and port, as written: a key goes to the source's own server alone."""
    return "/".join(url.split("/", 3)[:3]).lower()


def _plain(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    return lists.plain(stream)


def _hosts(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    return lists.hosts(stream)


def _networks(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    return lists.networks(stream)


def _table(stream: IO[bytes], source: IntelSource) -> Iterator[Row]:
    return tables.rows(stream, source.format, source.columns)


_READERS: Final[Mapping[str, Reader]] = {
    "list": _file(_plain),
    "hosts": _file(_hosts),
    "cidr": _file(_networks),
    **dict.fromkeys(("csv", "json", *tables.COLUMNS), _file(_table)),
    "stix": _file(stix.bundle),
    "taxii": stix.taxii,
    "misp": misp.feed,
    "misp-warninglist": _file(misp.warninglist),
    "crowdsec": crowdsec.stream,
    "yara": _bundle_of_rules,
}
