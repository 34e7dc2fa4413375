"""``chatward backup`` and ``chatward restore``: consistent copies of everything but people's keys, and back again.

A gateway may run while a backup is made, and must not while one is put back.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from chatward.backup import keys as key_copies
from chatward.backup.copies import copy_file
from chatward.backup.inventory import CONFIG
from chatward.backup.making import backup as make
from chatward.backup.restoring import Checked, check, note, verified
from chatward.backup.restoring import restore as put_back
from chatward.backup.signing import key as parsed
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json
from chatward.configuration import DEFAULT_FILE, locate, resolve
from chatward.core.errors import ConfigError
from chatward.gateway.fetching import Fetching
from chatward.privacy.opening import stores_of_people
from chatward.seal.opening import files, opened
from chatward.settings import Settings

Passphrase = Annotated[
    str | None,
    typer.Option(metavar="REFERENCE", help="Reference to the passphrase of the keys' copy, such as env:NAME."),
]
_SIGNED: Final = {
    "given": "signed with the key that was given",
    "here": "signed with the key of the ledger here",
    "backup": "signed with the key that came along: whole, but who made it is for you to know (see --key)",
}


def backup(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Copy people's keys as well, encrypted; replaces FILE.")
    ] = None,
    passphrase: Passphrase = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Copy ledger, stores and settings, without people's keys; a gateway may be running."""
    loaded = loaded_settings(config)
    settings = loaded.settings
    if keys is not None:
        where = files(settings).keys
        if not where.exists():
            raise ConfigError("there are no keys of people to copy", reason="usage")
        key_copies.save(where, keys, lambda: resolve(_given(passphrase)))  # before the register, which knows more
    made = make(settings, loaded.path, out, recorder(settings.ledger))
    if as_json:
        elsewhere = ["conversations"] if settings.stores.postgres is not None else []
        told = {"folder": str(out), "files": made.files, "entries": made.entries, "keys": keys and str(keys)}
        print_json(told | {"elsewhere": elsewhere})
        return 0
    if settings.stores.postgres is not None:
        print("stored conversations are in PostgreSQL, and not in this: copy them with its own tools (pg_dump)")
    print(f"{len(made.files)} files and {made.entries} entries of the ledger copied to {out}")
    print(f"people's keys: {keys}" if keys else "people's keys are not in it (see --keys)")
    return 0


def restore(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The backup.")],
    keys: Annotated[Path | None, typer.Option(metavar="FILE", help="The copy of people's keys.")] = None,
    passphrase: Passphrase = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what is there. The register and a longer ledger never are.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Public key that signed it (.vkey); else that of the ledger here."),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Put a backup back, erase anew who was erased, and verify it. Exit status 1 where that finds something broken."""
    path = locate(config) or Path(DEFAULT_FILE)
    known = [] if key is None else parsed(key)
    if not path.exists():
        if CONFIG not in {one.name for one in check(folder, known)[0].files}:
            raise ConfigError("neither the backup nor this place has a configuration", reason="usage")
        copy_file(folder / CONFIG, path)
    settings = loaded_settings(str(path)).settings
    given = None if keys is None else (lambda: key_copies.opened(keys, lambda: resolve(_given(passphrase))))
    done = put_back(settings, folder, keys=given, replace=replace, known=known)
    readable = _carried_out(settings)
    found = verified(settings, folder)
    if found.ok:
        note(settings, done, recorder(settings.ledger))
    if as_json:
        print_json(
            {
                "ok": found.ok,
                "signed_by": done.key,
                "placed": done.placed,
                "kept": done.kept,
                "erasures": done.erasures,
                "keys": readable,
                "ledger": None if found.ledger is None else {"ok": found.ledger.ok, "entries": found.ledger.entries},
                "receipts": {"good": found.receipts, "bad": found.bad_receipts},
                "broken": found.broken,
            }
        )
    else:
        print(f"put in place: {', '.join(done.placed) or '-'}")
        print(f"kept: {', '.join(done.kept) or '-'}")
        print(_SIGNED[done.key])
        print(_told(found))
        if not readable:
            print("without people's keys nothing of stored conversations can be read")
    return 0 if found.ok else 1


def _carried_out(settings: Settings) -> bool:
    """Opens what is sealed, which does again what the register says; ``False`` where there are no keys."""
    if not files(settings).keys.exists():
        return False
    record = recorder(settings.ledger)
    with asyncio.Runner() as runner, stores_of_people(settings, record) as also:
        fetch = Fetching()
        opened(settings, record, fetch=fetch, ask=runner.run, also=also).close()
        runner.run(fetch.aclose())
    return True


def _told(found: Checked) -> str:
    ledger = "there is no ledger"
    if found.ledger is not None:
        how = "whole" if found.ledger.ok else f"broken at entry {found.ledger.first_bad}: {found.ledger.problem}"
        ledger = f"the ledger is {how}, {found.ledger.entries} entries"
    broken = f"; damaged: {', '.join(found.broken)}" if found.broken else ""
    return f"{ledger}; {found.receipts} receipts verified, {found.bad_receipts} not{broken}"


def _given(passphrase: str | None) -> str:
    if passphrase is None:
        raise ConfigError("--passphrase is missing: a reference such as env:NAME", reason="usage")
    return passphrase
