"""``chatward ledger``: is the record whole, what is in it, and proof of it for others.

``verify`` exits with 0 for a whole record, 1 for a broken one; so does ``check`` for a proof. Keep the head or a
checkpoint somewhere else: given as ``--expect`` or ``--noted`` later, it shows that nothing was cut off and that the
record was not made anew.
"""

from __future__ import annotations

import base64
import errno
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError, ConfigError
from chatward.ledger import checkpointing, proving, reading, verifying
from chatward.ledger.chain import Head
from chatward.ledger.checkpoint import split
from chatward.ledger.note import COSIGNATURE, Note, NoteError, Verifier

if TYPE_CHECKING:
    from chatward.ledger.checkpoint import Checkpoint

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_MANY = 500_000
"""Entries from which on verifying is shared by processes."""

LedgerFile = Annotated[str | None, typer.Argument(metavar="FILE", help="The ledger; else that of the settings.")]
Entries = Annotated[str, typer.Argument(metavar="NUMBER[-NUMBER]", help="An entry, or the first and last of a range.")]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="KEY", help="The ledger's public key or a file of it; else FILE.vkey."),
]
Witnesses = Annotated[
    list[str] | None, typer.Option("--witness", metavar="KEY", help="A witness's public key, or a file of such.")
]


@app.callback()
def main() -> None:
    """Verify the record, prove what is in it, show its entries."""


@app.command()
def verify(
    file: LedgerFile = None,
    expect: Annotated[str | None, typer.Option(metavar="NUMBER:HASH", help="A head noted earlier.")] = None,
    noted: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Checkpoints kept elsewhere (`checkpoint_file`).")
    ] = None,
    key: Keys = None,
    witness: Witnesses = None,
    jobs: Annotated[int, typer.Option(min=0, max=64, help="Processes; 0: as the file is large.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Check every entry, the chain and tree over them, and the checkpoints that vouch for them."""
    path = _path(file, config)
    keys = _keys(key) if key else checkpointing.verifiers(Path(path))
    result = verifying.verify(
        path,
        None if expect is None else _head(expect),
        keys=keys,
        witnesses=_keys(witness or (), COSIGNATURE),
        noted=[note for name in noted or () for note in _notes(name, keys)],
        jobs=jobs or _jobs(path),
        progress=_progress() if not as_json else None,
    )
    head = f"{result.head.seq}:{result.head.hash.hex()}"
    if as_json:
        told = {"ok": result.ok, "entries": result.entries, "head": head}
        told |= {"first_bad": result.first_bad, "last_bad": result.last_bad, "problem": result.problem or None}
        told |= {"root": result.root.hex() if result.ok else None, "checkpoints": result.checkpoints}
        print_json(told | {"vouched": result.vouched, "cosigned": result.cosigned})
    elif result.ok:
        many = "1 checkpoint vouches" if result.checkpoints == 1 else f"{result.checkpoints} checkpoints vouch"
        vouched = f"{many} for {result.vouched} of them"
        seen = f" ({result.cosigned} cosigned)" if witness else ""
        print(f"whole: {result.entries} entries, {vouched}{seen}, head {head}")
    elif result.last_bad is not None:
        where = f"entries {result.first_bad} to {result.last_bad}: {result.problem}"
        print(f"broken: {where}; {(result.first_bad or 1) - 1} entries before them are whole")
    else:
        print(f"broken: entry {result.first_bad} is {result.problem}; {result.entries} entries before it are whole")
    return 0 if result.ok else 1


@app.command()
def tail(
    file: LedgerFile = None,
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="How many entries.")] = 20,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show the newest entries, oldest first (with --json one object a line)."""
    _print(reading.tail(_path(file, config), number), as_json=as_json)
    return 0


@app.command()
def show(
    entries: Entries,
    file: LedgerFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show entries by number (with --json one object a line)."""
    first, last = _range(entries)
    found = reading.between(_path(file, config), first, last)
    if not found:
        raise ClientError("The ledger has no such entry.", reason="no-such-entry")
    _print(found, as_json=as_json)
    return 0


@app.command()
def checkpoint(
    file: LedgerFile = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign a new one first, of all entries there are.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Print the newest checkpoint: what to keep elsewhere, or give to a witness."""
    path = _path(file, config)
    if sign:
        checkpointing.sign_now(Path(path))
    found = verifying.newest(path)
    if found is None:
        raise ClientError("The ledger has no checkpoint yet.", reason="not-checkpointed")
    _print_checkpoint(*found, as_json=as_json)
    return 0


@app.command()
def prove(
    entries: Entries,
    file: LedgerFile = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where to; else standard output.")] = None,
    config: ConfigFile = None,
) -> int:
    """Make a proof of entries that others can check without the ledger (always JSON)."""
    proof = proving.prove(_path(file, config), *_range(entries)).encode() + b"\n"
    if out is None:
        sys.stdout.write(proof.decode())
    else:
        _written(out, proof)
    return 0


@app.command()
def check(
    proof: Annotated[str, typer.Argument(metavar="FILE", help="A proof; - for standard input.")],
    key: Keys = None,
    witness: Witnesses = None,
    cosigned: Annotated[int, typer.Option(min=0, help="How many of the witnesses must have cosigned.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Check a proof: needs the ledger's public key (--key), not the ledger."""
    if not key:
        raise ConfigError("--key is missing: a proof is worth what the key is worth", reason="usage")
    try:
        proven = proving.check(_bytes(proof), _keys(key), _keys(witness or (), COSIGNATURE), cosigned)
    except proving.ProofError as error:
        if as_json:
            print_json({"ok": False, "problem": error.reason})
        else:
            print(f"not proven: {error.public}")
        return 1
    names = [one.key.name for one in proven.cosigned]
    if as_json:
        told = {"ok": True, "entries": proven.entries, "origin": proven.checkpoint.origin}
        print_json(told | {"size": proven.checkpoint.size, "cosigned": names})
    else:
        first, last = proven.entries[0].seq, proven.entries[-1].seq
        by = f", cosigned by {', '.join(names)}" if names else ", cosigned by nobody known"
        print(f"proven: entries {first} to {last} of {proven.checkpoint.origin}{by}")
    return 0


def _print(records: Sequence[reading.Record], *, as_json: bool) -> None:
    rows = []
    for record in records:
        # The record's own order and the clock's nanoseconds are in --json; people read microseconds.
        at = datetime.fromtimestamp(record.at // 1_000_000_000, UTC).replace(microsecond=record.at // 1000 % 1_000_000)
        if as_json:
            told = {"seq": record.seq, "at": at.isoformat(), "at_ns": record.at, "event": record.event}
            print_json(told | {"exchange": record.exchange, "fields": record.fields, "hash": record.hash.hex()})
        else:
            fields = msgspec.json.encode(record.fields).decode()
            rows.append((record.seq, at.isoformat(timespec="milliseconds"), record.event, record.exchange, fields))
    if not as_json:
        print_table(("number", "time", "event", "exchange", "fields"), rows)
        sys.stdout.flush()


def _print_checkpoint(newest: Checkpoint, note: Note, *, as_json: bool) -> None:
    if not as_json:
        sys.stdout.write(note.encode())
        return
    told: dict[str, Any] = {"origin": newest.origin, "size": newest.size}
    told["root"] = base64.b64encode(newest.root).decode()
    print_json(told | {"signatures": [one.name for one in note.signatures], "note": note.encode()})


def _path(file: str | None, config: str | None) -> str:
    path = file if file is not None else loaded_settings(config).settings.ledger.path
    if not Path(path).exists():
        raise FileNotFoundError(errno.ENOENT, "there is no ledger here; `chatward serve` makes it", path)
    return path


def _head(text: str) -> Head:
    number, _, digest = text.partition(":")
    try:
        head = Head(int(number), bytes.fromhex(digest))
    except ValueError:
        head = Head(0, b"")
    if head.seq < 1 or len(head.hash) != 32:
        raise ConfigError("--expect takes NUMBER:HASH as `chatward ledger verify` prints it", reason="usage")
    return head


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,18})(?:-(\d{1,18}))?", text, re.ASCII)
    if found is None:
        raise ConfigError("entries are given as NUMBER or NUMBER-NUMBER", reason="usage")
    first = int(found[1])
    return first, int(found[2]) if found[2] else first


def _keys(given: Sequence[str], kind: int | None = None) -> list[Verifier]:
    """Public keys, each written out or in a file, one a line."""
    found: list[Verifier] = []
    for one in given:
        text = one if one.count("+") >= 2 else _bytes(one).decode("utf-8", "replace")
        try:
            found += [Verifier.parse(line) for line in text.split("\n") if line.strip()]
        except NoteError as error:
            raise ConfigError(f"this is no public key: {error}", reason="usage") from error
    if kind is not None and any(one.kind != kind for one in found):
        raise ConfigError("this is not the key of a witness", reason="usage")
    return found


def _notes(name: str, keys: Sequence[Verifier]) -> list[Note]:
    """The checkpoints in a file; several logs may share it."""
    origins = {key.name for key in keys}
    notes = split(_bytes(name).decode("utf-8", "replace"))
    own = [note for note in notes if not origins or note.text.partition("\n")[0] in origins]
    if not own:
        raise ConfigError(f"{name} holds no checkpoint of this ledger", reason="usage")
    return own


def _bytes(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ConfigError(f"{name} cannot be read", reason="file-missing") from error


def _written(name: str, content: bytes) -> None:
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{name} cannot be written", reason="usage") from error


def _jobs(path: str) -> int:
    """As many processes as pay: starting one takes as long as 50,000 entries."""
    newest = reading.tail(path, 1)
    if not newest or newest[0].seq < _MANY:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 4)


def _progress() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def told(done: int, of: int) -> None:
        print(f"\rchatward ledger: {done} of {of} entries", end="\n" if done == of else "", file=sys.stderr, flush=True)

    return told
