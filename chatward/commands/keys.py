"""``chatward keys``: API keys made, shown, rotated and revoked, in the identity store of the configuration.

A running gateway that shares the store sees every change on its next message. A new key goes to standard output, once;
what is said about it goes to standard error, so that ``KEY=$(chatward keys create shop)`` holds the key alone.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError
from chatward.core.identity import Grants
from chatward.identity.budgets import Budgets
from chatward.identity.key_store import Budget, Issued, KeyRecord, KeyStore
from chatward.settings.rules import identity_file
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"([0-9]{1,6})([mhdw])")

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id: the part after the environment.")]


@app.callback()
def main() -> None:
    """Make, list, rotate and revoke API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for; for people, and nowhere recorded but here.")],
    env: Annotated[str, typer.Option(help="The environment, part of the key: 2 to 8 letters.")] = "live",
    tenant: Annotated[str, typer.Option(help="Whose it is.")] = "default",
    role: Annotated[list[str] | None, typer.Option(help="A role, for policies; may be repeated.")] = None,
    bot: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Bots that it is good for.")] = None,
    model: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Models that it is good for.")] = None,
    route: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Routes that it is good for.")] = None,
    tool: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Tools that it is good for.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="WHEN", help="A span such as 90d, or a date.")] = None,
    requests_day: Annotated[int | None, typer.Option(min=1, help="Requests a day at most.")] = None,
    requests_month: Annotated[int | None, typer.Option(min=1, help="Requests a month at most.")] = None,
    tokens_day: Annotated[int | None, typer.Option(min=1, help="Tokens a day at most.")] = None,
    tokens_month: Annotated[int | None, typer.Option(min=1, help="Tokens a month at most.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Make a key. It is shown once."""
    until = None if expires is None else _moment(expires)
    with _store(config) as (store, _):
        issued = store.create(
            name,
            env=env,
            tenant=tenant,
            roles=role or (),
            grants=Grants(_all(bot), _all(model), _all(route), _all(tool)),
            budget=Budget(requests_day, requests_month, tokens_day, tokens_month),
            expires=until,
        )
    return _give_out(issued, as_json=as_json)


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only those of this tenant.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List all keys: what they are for, and when they were last used."""
    with _store(config) as (store, _):
        records = store.list(tenant)
    if as_json:
        print_json({"keys": [_told(record) for record in records]})
        return 0
    titles = ("id", "name", "env", "tenant", "state", "created", "expires", "last used")
    rows = []
    for one in records:
        times = (one.created, one.expires, one.last_used)
        rows.append((one.id, one.name, one.env, one.tenant, one.state(time.time()), *map(_short, times)))
    print_table(titles, rows)
    return 0


@app.command()
def show(id_: KeyId, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show what is known of one key, and how much it has used."""
    with _store(config) as (store, database):
        record = store.show(id_)
        used = Budgets(database, lambda _: record.budget).used(record.principal)
    told = _told(record)
    told["used"] = {period: {"requests": counts[0], "tokens": counts[1]} for period, counts in used.items()}
    if as_json:
        print_json(told)
    else:
        _print(told)
    return 0


@app.command()
def rotate(
    id_: KeyId,
    grace: Annotated[str, typer.Option(metavar="SPAN", help="How long the old version stays good.")] = "24h",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Make a new version of a key. It is shown once; the old one stays good for a while."""
    with _store(config) as (store, _):
        issued = store.rotate(id_, _span(grace))
    return _give_out(issued, as_json=as_json)


@app.command()
def revoke(
    id_: KeyId,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Only this version of it.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """End a key, or one version of it, for good."""
    with _store(config) as (store, _):
        record = store.revoke(id_, version)
    if as_json:
        print_json(_told(record))
    else:
        print(f"revoked: {id_}" if version is None else f"revoked: version {version} of {id_}")
    return 0


# --- the store


@contextmanager
def _store(config: str | None) -> Iterator[tuple[KeyStore, Database]]:
    settings = loaded_settings(config).settings
    database = Database(identity_file(settings))
    try:
        yield KeyStore(database, recorder(settings.ledger)), database
    finally:
        database.close()


# --- words


def _give_out(issued: Issued, *, as_json: bool) -> int:
    record = issued.record
    if as_json:
        print_json({"key": issued.key, **_told(record)})
        return 0
    print(issued.key)
    sys.stdout.flush()
    old = [version for version in record.versions[:-1] if version.until is not None and version.live(time.time())]
    also = f" Version {old[0].number} is good until {_iso(old[0].until)}." if old else ""
    print(f"This is shown once: only its digest is kept. Id: {record.id}.{also}", file=sys.stderr)
    return 0


def _told(record: KeyRecord) -> dict[str, Any]:
    """A record as plain data; times as of RFC 3339."""
    now = time.time()
    budget = {"requests_day": record.budget.requests_day, "requests_month": record.budget.requests_month}
    budget |= {"tokens_day": record.budget.tokens_day, "tokens_month": record.budget.tokens_month}
    grants = {"bots": record.grants.bots, "models": record.grants.models}
    grants |= {"routes": record.grants.routes, "tools": record.grants.tools}
    return {
        "id": record.id,
        "name": record.name,
        "env": record.env,
        "tenant": record.tenant,
        "principal": record.principal,
        "state": record.state(now),
        "roles": record.roles,
        "grants": grants,
        "budget": budget,
        "created": _iso(record.created),
        "expires": _iso(record.expires),
        "revoked": _iso(record.revoked),
        "last_used": _iso(record.last_used),
        "versions": [
            {
                "version": version.number,
                "live": record.revoked is None and version.live(now),
                "created": _iso(version.created),
                "until": _iso(version.until),
                "revoked": _iso(version.revoked),
            }
            for version in record.versions
        ],
    }


def _print(told: dict[str, Any]) -> None:
    versions, used = told.pop("versions"), told.pop("used")
    rows: list[tuple[str, object]] = []
    for name, value in told.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{key}", _plain(one)) for key, one in value.items() if one]
        elif value:
            rows.append((name, _plain(value)))
    for one in versions:
        end = f"revoked {one['revoked']}" if one["revoked"] else f"until {one['until']}" if one["until"] else ""
        rows.append((f"version {one['version']}", f"created {one['created']} {end}".strip()))
    rows += [(f"used {period}", f"{one['requests']} requests, {one['tokens']} tokens") for period, one in used.items()]
    print_table(("what", "value"), rows)


def _plain(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _short(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _all(patterns: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(patterns or ())


def _span(text: str) -> float:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ClientError("A span is a number and m, h, d or w, such as 90d.", reason="usage")
    return int(found[1]) * float(_SECONDS[found[2]])


def _moment(text: str) -> float:
    """A span from now, or a date or time (UTC unless it says otherwise)."""
    if _SPAN.fullmatch(text):
        return time.time() + _span(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ClientError("--expires takes a span such as 90d, or a date such as 2027-01-31.", reason="usage") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
