"""``chatward seal``: how sealed data and its keys stand; rotating keys; erasing a subject; verifying a receipt.

A gateway may be running meanwhile: it sees new keys at its next message, and uses no destroyed one again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError, ConfigError
from chatward.gateway.fetching import Fetching
from chatward.privacy.opening import notices_of, privacy_file, stores_of_people
from chatward.seal import receipt as receipts
from chatward.seal.opening import Sealing, files, opened, root_file
from chatward.seal.receipt import PublicKey
from chatward.seal.rotation import Progress
from chatward.settings import Settings
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Tenant = Annotated[str | None, typer.Option(metavar="NAME", help="This tenant alone; else all.")]


@app.callback()
def main() -> None:
    """Rotate keys, erase subjects, verify receipts."""


@app.command()
def status(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show versions of keys by tenant, and rotations and erasures that are not ended."""
    with _open(config) as (sealing, _):
        tenants = [asdict(one) | {"rotating": one.minimum < one.current} for one in sealing.keys.status()]
        erasures = sealing.register.erasures()
    told = {"tenants": tenants, "erased": len(erasures), "erasing": sum(one.done is None for one in erasures)}
    if as_json:
        print_json(told)
        return 0
    rows = [(t["tenant"], t["current"], t["minimum"], " ".join(map(str, t["roots"])), t["keys"]) for t in tenants]
    print_table(("tenant", "version", "lowest", "root", "keys"), rows)
    print(f"{told['erased']} erased")
    return 0


@app.command()
def rotate(
    tenant: Tenant = None,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Destroy older keys even though some fields do not open.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Seal every field under new keys, then destroy the older ones. Cut off, it goes on when it is called again."""
    with _open(config) as (sealing, _):
        done = [
            sealing.rotation.run(one, _shown if sys.stderr.isatty() else lambda progress: None, abandon=abandon)
            for one in _tenants(sealing, tenant)
        ]
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if as_json:
        print_json({"rotated": [asdict(one) for one in done]})
    else:
        rows = [(one.tenant, one.version, one.changed, one.unreadable, one.destroyed) for one in done]
        print_table(("tenant", "version", "fields", "unreadable", "keys destroyed"), rows)
    return 0


@app.command()
def root(
    forget: Annotated[bool, typer.Option("--forget", help="Destroy root keys in the file that nothing needs.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Wrap the tenants' keys under a newer root key: in a file one is made, a service has its own."""
    settings = loaded_settings(config).settings
    in_file = settings.seal.root == "file"
    if forget and not in_file:
        raise ConfigError("the key service destroys its own root keys", reason="usage")
    wrapped = destroyed = 0
    with _open(config) as (sealing, _):
        if in_file and not forget:
            root_file(settings.seal, files(settings)).rotate()
        if not forget:
            wrapped = sealing.keys.rewrap()
        used = sorted({version for one in sealing.keys.status() for version in one.roots})
        if forget and used:
            destroyed = root_file(settings.seal, files(settings)).forget(used[0])
    if as_json:
        print_json({"wrapped": wrapped, "root": used, "destroyed": destroyed})
    else:
        print(f"{wrapped} keys wrapped anew, {destroyed} root keys destroyed")
    return 0


@app.command()
def erase(
    subject: Annotated[str, typer.Argument(help="The id of the subject, as the ledger has it.")],
    tenant: Annotated[str, typer.Option(metavar="NAME", help="The subject's tenant.")] = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Erase a subject for good; the signed receipts go to standard output."""
    with _open(config) as (sealing, settings):
        _tell(settings, tenant, subject)
        written = sealing.eraser.erase(tenant, subject, "command-line")
    if as_json:
        print_json({"receipts": written})
    else:
        print("\n".join(written), end="")
    return 0


@app.command()
def receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt; - is standard input.")],
    key: Annotated[str, typer.Option(metavar="KEY", help="The public key, or the file with it (.vkey).")],
    subject: Annotated[str | None, typer.Option(help="Check that it is the receipt of this subject.")] = None,
    as_json: AsJson = False,
) -> int:
    """Verify a receipt, without any other file. Exit status 1 when it is not good."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("ascii")
        public = Path(key).read_text("ascii").strip() if Path(key).exists() else key
        told = receipts.verify(text, [PublicKey(public)])
        if subject is not None and told.subject != receipts.digest(told.tenant, subject):
            raise ClientError("The receipt is of another subject.", reason="receipt-invalid")
    except UnicodeDecodeError:
        raise ConfigError("a receipt is ASCII", reason="receipt-invalid") from None
    except ClientError as error:
        print_json({"ok": False, "problem": error.public}) if as_json else print(f"not good: {error.public}")
        return 1
    if as_json:
        print_json({"ok": True, "receipt": told})
    else:
        print(f"good: {told.rows} rows of {told.store} erased, erasure {told.erasure}")
    return 0


# --- inside


@contextmanager
def _open(config: str | None) -> Iterator[tuple[Sealing, Settings]]:
    settings = loaded_settings(config).settings
    record = recorder(settings.ledger)
    with asyncio.Runner() as runner, stores_of_people(settings, record) as also:
        fetch = Fetching()
        sealing = opened(settings, record, fetch=fetch, ask=runner.run, also=also)
        try:
            yield sealing, settings
        finally:
            sealing.close()
            runner.run(fetch.aclose())


def _tell(settings: Settings, tenant: str, subject: str) -> None:
    """Queues notices to recipients; a gateway sends them, or ``chatward privacy notices --send``."""
    if not settings.privacy.recipients:
        return
    with closing(Database(privacy_file(settings))) as database:
        notices = notices_of(settings, database, recorder(settings.ledger))
        if notices is not None:
            notices.tell("erasure", "subject.erased", tenant, subject)


def _tenants(sealing: Sealing, tenant: str | None) -> list[str]:
    known = sealing.keys.tenants()
    if tenant is None:
        return known
    if tenant not in known:
        raise ConfigError("there is nothing sealed of this tenant", reason="usage")
    return [tenant]


def _shown(progress: Progress) -> None:
    done = f"{progress.tenant}, version {progress.version}: {progress.changed} fields, {progress.left} rows to go"
    print(f"\r{done:<78}", end="", file=sys.stderr, flush=True)
