"""``chatward users``: operators of this Chatward, in the identity store of the configuration.

A running gateway that shares the store sees every change at its next request. Passwords come from a prompt or, with
``--password-stdin``, as the first line of standard input: never as an argument, since others see command lines and
histories keep them. Who may read and write the store's file may do all of this; what is done is on record as done by
``command-line``. Only a review names an operator, who gives a password.
"""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError, IdentityError
from chatward.identity.enrolment import Enrolment
from chatward.identity.lockout import Lockout
from chatward.identity.operators import ROLES, Operator, Operators, Record
from chatward.identity.passkeys import Passkeys
from chatward.identity.passwords import LONGEST, Passwords
from chatward.identity.relying_party import RelyingParty
from chatward.identity.totp import Totp
from chatward.settings.rules import identity_file
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

BY: Final = "command-line"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The operator's user name.")]
PasswordInput = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.callback()
def main() -> None:
    """Make, list, change and disable operators."""


@app.command()
def create(
    name: Name,
    role: Annotated[list[str], typer.Option(help=f"May be repeated: {', '.join(ROLES)}.")],
    break_glass: Annotated[bool, typer.Option("--break-glass", help="For emergencies: each use is reviewed.")] = False,
    password_stdin: PasswordInput = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Make an operator."""
    password = _password(password_stdin, twice=True)
    with _store(config) as store:
        made = store.operators.create(name, password, role, break_glass=break_glass, by=BY)
        return _say(store, made, "created", as_json=as_json)


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List all operators."""
    with _store(config) as store:
        told = [_told(store, one) for one in store.operators.all()]
    if as_json:
        print_json({"operators": told})
        return 0
    rows = [
        (one["name"], one["id"], one["state"], ", ".join(one["roles"]), one["kind"], one["created"]) for one in told
    ]
    print_table(("name", "id", "state", "roles", "kind", "created"), rows)
    return 0


@app.command()
def disable(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Disable an operator, whose sessions end at their next request."""
    with _store(config) as store:
        changed = store.operators.disable(store.operators.named(name).id, by=BY)
        return _say(store, changed, "disabled", as_json=as_json)


@app.command()
def enable(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Let a disabled operator in again."""
    with _store(config) as store:
        changed = store.operators.enable(store.operators.named(name).id, by=BY)
        return _say(store, changed, "enabled", as_json=as_json)


@app.command()
def roles(
    name: Name,
    role: Annotated[list[str], typer.Argument(metavar="ROLE...", help=f"All roles from now on: {', '.join(ROLES)}.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Give an operator other roles, and end their sessions."""
    with _store(config) as store:
        changed = store.operators.set_roles(store.operators.named(name).id, role, by=BY)
        return _say(store, changed, "changed", as_json=as_json)


@app.command()
def reset(
    name: Name,
    password_stdin: PasswordInput = False,
    codes: Annotated[
        bool, typer.Option("--codes", help="Also take away one-time codes and passkeys, so that they begin anew.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Give an operator another password, end their sessions, and lift what guesses have slowed down."""
    with _store(config) as store:
        found = store.operators.named(name)
        changed = store.operators.set_password(found.id, _password(password_stdin, twice=True), by=BY)
        if store.lockout is not None:
            store.lockout.forget(found.name)
        if codes:
            # The keys seal secrets and make options; none is read or written here.
            enrolment = Enrolment(store.database, store.record)
            Totp(store.database, secrets.token_bytes(32), store.record, enrolment).remove(found.id)
            nowhere = RelyingParty("localhost", "", ())
            Passkeys(store.database, nowhere, secrets.token_bytes(32), store.record, enrolment).forget(found.id)
            enrolment.forget(found.id)
        return _say(store, changed, "reset", as_json=as_json)


@app.command()
def review(
    name: Name,
    by: Annotated[str, typer.Option(metavar="NAME", help="The admin or auditor who has looked at what was done.")],
    password_stdin: PasswordInput = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Say that the use of a break-glass account was reviewed, by another operator, who gives their password."""
    with _store(config) as store:
        used = store.operators.named(name)
        reviewer = store.operators.verify(by, _password(password_stdin, twice=False))
        if reviewer is None:
            raise IdentityError("The name or the password of the reviewer is wrong.", reason="credentials-wrong")
        store.operators.review(used.id, reviewer.id)
        return _say(store, store.operators.named(name), "reviewed", as_json=as_json)


# --- the store


@dataclass(frozen=True, slots=True)
class _Store:
    database: Database
    operators: Operators
    lockout: Lockout | None
    record: Record


@contextmanager
def _store(config: str | None) -> Iterator[_Store]:
    settings = loaded_settings(config).settings
    database, record = Database(identity_file(settings)), recorder(settings.ledger)
    try:
        key = _key(Path(settings.ledger.path))
        lockout = None if key is None else Lockout(database, key)
        yield _Store(database, Operators(database, Passwords(), record), lockout, record)
    finally:
        database.close()


def _key(ledger: Path) -> bytes | None:
    """The key of this installation, if the gateway has made one already."""
    try:
        return ledger.with_name(ledger.name + ".key").read_bytes()
    except FileNotFoundError:
        return None


def _password(from_input: bool, *, twice: bool) -> str:
    if from_input:
        line = sys.stdin.readline(4 * LONGEST + 2)
        return line.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise ClientError("No terminal to ask for a password: use --password-stdin.", reason="usage")
    password = getpass.getpass("Password: ")
    if twice and getpass.getpass("Once more: ") != password:
        raise ClientError("The two passwords are not the same.", reason="password-different")
    return password


# --- words


def _say(store: _Store, operator: Operator, what: str, *, as_json: bool) -> int:
    if as_json:
        print_json(_told(store, operator))
    else:
        print(f"{what}: {operator.name} ({operator.id})")
    return 0


def _told(store: _Store, operator: Operator) -> dict[str, Any]:
    """An operator as plain data; times as of RFC 3339."""
    return {
        "id": operator.id,
        "name": operator.name,
        "roles": sorted(operator.roles),
        "state": "active" if operator.active else "disabled",
        "kind": "break-glass" if operator.break_glass else "usual",
        "review": any(use.operator == operator.id for use in store.operators.pending()),
        "created": datetime.fromtimestamp(operator.created, UTC).isoformat(timespec="seconds"),
    }
