"""``chatward upgrade --check``: is there a newer release, and is what is installed a release at all. With ``--verify``:
whether a file is signed by the identity that makes releases (Sigstore).

Nothing is fetched unless a list is named by a URL, and nothing is installed. Exit status: 0: it is the newest release,
and verified; 1: there is a newer one, or something is unknown or not verified; 2: an error. Not to know is never taken
for good news.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from chatward import __version__
from chatward.assurance.bundles import MAX_BUNDLE, SUFFIX, Identity, Looked, looking
from chatward.assurance.opening import beside_ledger
from chatward.assurance.releases import PINNED, Standing, Verification, of_file, of_package, opened, standing
from chatward.backup.signing import key as keys_of
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json
from chatward.core.errors import ChatwardError, ConfigError
from chatward.ledger.note import MAX_NOTE, Verifier
from chatward.settings import Settings
from chatward.watch.fetching import Fetcher


def command(
    check: Annotated[
        bool, typer.Option("--check", help="Compare what is installed with the list of releases.")
    ] = False,
    releases: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="The signed list; else assurance.releases.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The public key that signs it, or a file; else assurance.release_key."),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Verify this file of a release too, before it is installed."),
    ] = None,
    verify: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Verify who signed this file, by its bundle of Sigstore.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(metavar="FILE", help="The bundle; else FILE.sigstore.json.")] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who signs; else assurance.release_identity.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(metavar="URL", help="Who vouches for them; else assurance.release_issuer.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Sigstore's trusted root; else assurance.release_root.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say whether there is a newer release, what it fixes, and whether what is installed is what was released."""
    if check == (verify is not None):
        raise ConfigError(
            "Chatward does not install itself: ask with --check, or with --verify FILE, then use pip", reason="usage"
        )
    settings = loaded_settings(config).settings
    signer = _signer(settings, identity, issuer)
    look = looking(signer, _root(settings, root)) if signer is not None else None
    if verify is not None:
        if signer is None or look is None:
            raise ConfigError(
                "say who signs releases: --identity and --issuer, or assurance.release_identity", reason="usage"
            )
        return _verified(verify, bundle, signer, look, as_json=as_json)
    where, wanted = releases or settings.assurance.releases, key or _configured_key(settings)
    keys = keys_of(wanted) if wanted else [Verifier.parse(one) for one in PINNED]
    told: dict[str, Any] = {"installed": __version__, "signed_by": None, "until": None}
    package, files = Verification(None, "nothing vouches for it"), dict[str, Verification]()
    try:
        data = _taken(settings, where, MAX_NOTE, given=releases is not None)
        if look is not None:
            _vouched(look, data, _taken(settings, where + SUFFIX, MAX_BUNDLE, given=releases is not None))
        listing = opened(data, keys, time.time(), vouched_by=signer.name if signer is not None else "")
    except (ChatwardError, OSError) as error:
        why = error.public if isinstance(error, ChatwardError) else f"the list cannot be read: {error.strerror}"
        found = Standing("unknown", why=why)
        files = {str(one): Verification(None, "nothing vouches for it") for one in file or ()}
    else:
        found, package = standing(listing, __version__), of_package(listing, __version__)
        files = {str(one): of_file(listing, one) for one in file or ()}
        until = time.strftime("%Y-%m-%d", time.gmtime(listing.until))
        told |= {"signed_by": listing.signed_by, "until": until}
    good = found.state == "current" and bool(package.good) and all(one.good for one in files.values())
    told |= {
        "ok": good,
        "state": found.state,
        "why": found.why or None,
        "newest": found.newer[0].version if found.newer else None,
        "security": list(found.fixes),
        "verified": package.good,
        "verified_why": package.why or None,
        "files": [{"name": name, "verified": one.good, "why": one.why or None} for name, one in files.items()],
    }
    if as_json:
        print_json(told)
    else:
        _print(found, {f"installed {__version__}": package, **files})
    return int(not good)


def _verified(file: Path, bundle: Path | None, signer: Identity, look: Looked, *, as_json: bool) -> int:
    """Whether ``file`` is signed by ``signer``. Raises ``ConfigError`` (``usage``) where a file cannot be read."""
    try:
        data = file.read_bytes()
        with (bundle or file.with_name(file.name + SUFFIX)).open("rb") as stream:
            found = look(data, stream.read(MAX_BUNDLE + 1))
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}", reason="usage") from error
    good = found.good is True
    if as_json:
        who = {"identity": signer.name, "issuer": signer.issuer}
        print_json({"ok": good, "file": str(file), "verified": found.good, "why": found.why or None, **who})
    else:
        _tell(f"{file}, signed by {signer.name}" if good else str(file), found)
    return int(not good)


def _vouched(look: Looked, data: bytes, bundle: bytes) -> None:
    """Raises ``ConfigError`` where the bundle does not vouch for the list."""
    found = look(data, bundle)
    if found.good is not True:
        raise ConfigError(f"the list of releases: {found.why}", reason="releases-unsigned")


def _signer(settings: Settings, identity: str | None, issuer: str | None) -> Identity | None:
    name, by = identity or settings.assurance.release_identity, issuer or settings.assurance.release_issuer
    if bool(name) != bool(by):
        raise ConfigError("an identity and its issuer go together: --identity and --issuer", reason="usage")
    return Identity(name, by) if name else None


def _root(settings: Settings, given: Path | None) -> Path | None:
    named = settings.assurance.release_root
    return given or (beside_ledger(settings, named) if named else None)


def _print(found: Standing, verified: dict[str, Verification]) -> None:
    if found.newer:
        fixes = f"; it is without {', '.join(found.fixes)}" if found.fixes else "; no weakness is named that it fixes"
        print(f"newer: {found.newer[0].version} of {found.newer[0].day}{fixes}")
    elif found.state == "current":
        print("current: there is no newer release")
    else:
        print(f"unknown: {found.why}", file=sys.stderr)
    for name, one in verified.items():
        _tell(name, one)


def _tell(name: str, one: Verification) -> None:
    said = "verified" if one.good else f"{'unknown' if one.good is None else 'NOT VERIFIED'}: {one.why}"
    print(f"{name}: {said}", file=sys.stdout if one.good else sys.stderr)


def _configured_key(settings: Settings) -> str:
    """As it is written, or the file of that name in the ledger's folder."""
    named = settings.assurance.release_key
    file = beside_ledger(settings, named)
    return str(file) if named and file.is_file() else named


def _taken(settings: Settings, where: str, most: int, *, given: bool) -> bytes:
    """The list or its bundle, from a file or a URL: files of the settings are relative to the ledger's folder."""
    if not where:
        raise ConfigError("no list of releases is named (assurance.releases)", reason="releases-unreadable")
    if where.startswith("https://"):
        answer = asyncio.run(Fetcher(most=most)(where, redirects=3))
        if answer.status != 200:
            raise ConfigError(f"the server answered {answer.status} to {where}", reason="releases-unreadable")
        return answer.body
    path = Path(where) if given else beside_ledger(settings, where)
    with path.open("rb") as stream:
        return stream.read(most + 1)
