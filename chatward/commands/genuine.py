"""``chatward genuine``: the keys that sign replies, the manifest that names them, and whether a reply is genuine.

A gateway may be running meanwhile: it signs with another key a second after the file has changed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chatward.commands import genuine_card, genuine_watch
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError, ConfigError
from chatward.core.values import Part, Source
from chatward.genuine import manifest as manifests
from chatward.genuine import proof as proofs
from chatward.genuine.keyring import Key, Keyring
from chatward.genuine.opening import facts, keys_file

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

for _command in (genuine_watch.watch, genuine_watch.cases, genuine_watch.case, genuine_watch.letter):
    app.command()(_command)


app.command()(genuine_card.card)


@app.callback()
def main() -> None:
    """Keys that sign replies, the manifest, checking a reply, and the watch for copies."""


@app.command()
def keys(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List the keys that sign, or signed."""
    return _told(_keyring(config).keys, as_json=as_json)


@app.command()
def rotate(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Sign with another key from now on. What was signed before stays good."""
    ring = _keyring(config)
    ring.rotate()
    return _told(ring.keys, as_json=as_json)


@app.command()
def revoke(
    kid: Annotated[str, typer.Argument(help="The key, as `chatward genuine keys` names it.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Make a key that somebody else may have good for nothing, with all that it ever signed."""
    ring = _keyring(config)
    ring.revoke(kid)
    return _told(ring.keys, as_json=as_json)


@app.command()
def manifest(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Print the manifest, signed now: to keep it, or to serve it elsewhere. It is JSON either way."""
    settings = loaded_settings(config).settings
    said = facts(settings, "")
    if not said.origin:
        raise ConfigError("genuine.origin is missing: the site as people see it", key="genuine.origin", reason="usage")
    document = manifests.manifest(said, Keyring(keys_file(settings)).keys, time.time())
    print(json.dumps(document, indent=None if as_json else 2))
    return 0


@app.command()
def verify(
    proof: Annotated[str, typer.Argument(help="The proof, or a file that holds it.")],
    manifest: Annotated[
        Path, typer.Option("--manifest", metavar="FILE", help="The site's manifest, as it was fetched.")
    ],
    text: Annotated[
        Path | None, typer.Option("--text", metavar="FILE", help="The reply, byte for byte; - is standard input.")
    ] = None,
    kept: Annotated[
        Path | None, typer.Option("--kept", metavar="FILE", help="A manifest that was verified before.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say whether a reply is genuine. Nobody is asked. Exit 0: it is; 1: it is not shown to be; 2: an error."""
    try:
        document = manifests.read(_read(manifest))
        origin = str(document["origin"])
        known = manifests.read(_read(kept)) if kept is not None else None
        manifests.verify(document, origin=origin, now=time.time(), kept=known)
        found = proofs.parse(_proof(proof))
        good = manifests.keys_at(document, found.claims.time)
        claims = proofs.verify(found, good, origin=origin, now=time.time())
        if text is not None and proofs.digest(_said(text)) not in claims.digests:
            raise proofs.ProofError("proof-content", "it is of another text")
    except proofs.ProofError as error:
        if as_json:
            print_json({"genuine": False, "reason": error.reason})
        else:
            print(f"Not shown to be genuine ({error.reason}): {error}")
        return 1
    if as_json:
        told = {"origin": origin, "name": document.get("name", ""), "conversation": claims.conversation}
        print_json(
            {"genuine": True, **told, "sequence": claims.sequence, "time": claims.time, "text": text is not None}
        )
    else:
        print(f"Genuine: {origin}, {_when(claims.time)}, reply {claims.sequence} of its conversation")
    return 0


def _keyring(config: str | None) -> Keyring:
    return Keyring(keys_file(loaded_settings(config).settings))


def _told(found: Sequence[Key], *, as_json: bool) -> int:
    rows: list[dict[str, Any]] = [{"kid": key.kid, "state": key.state, "made": _when(key.made)} for key in found]
    if as_json:
        print_json({"keys": rows})
    else:
        print_table(("key", "state", "made"), [tuple(row.values()) for row in rows])
    return 0


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _said(path: Path) -> Part:
    return Part(_read(path).decode("utf-8", "surrogatepass"), Source.BOT)


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise ClientError(f"{path} cannot be read", reason="usage") from error


def _proof(given: str) -> str:
    if given.lstrip().startswith("{"):
        return given.strip()
    return _read(Path(given)).decode("ascii", "replace").strip()
