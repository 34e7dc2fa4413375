"""``chatward privacy``: requests of people, what is stored of them, breaches, and how requirements of law stand.

A gateway may be running meanwhile. What is changed here is on record before it counts, by ``command-line``.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from chatward.commands.privacy_assessment import assessment
from chatward.commands.privacy_desk import desk_of, entries_of, sealing_of
from chatward.commands.privacy_tables import moment, show_incidents, show_processing, show_requests
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.core.errors import ClientError, ConfigError
from chatward.core.identity import Kind as Who
from chatward.core.identity import Principal
from chatward.gateway.fetching import Fetching
from chatward.identity.end_users import opened as people_behind
from chatward.privacy import erasing, exporting
from chatward.privacy.beside import beside
from chatward.privacy.controls import REQUIREMENTS
from chatward.privacy.correcting import correct as append_correction
from chatward.privacy.incidents import FIELDS, affected, draft
from chatward.privacy.processing import processing as record_of_processing
from chatward.privacy.requests import Kind, Law, Reason, kept_months
from chatward.privacy.requirements import DISCLAIMER, evidence, table
from chatward.privacy.retention import oldest
from chatward.privacy.retention import purge as purge_store
from chatward.settings import Settings
from chatward.settings.privacy_rules import retention_days
from chatward.stores.revealing import AUDITOR

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

BY: Final = "command-line"

Tenant = Annotated[str, typer.Option(metavar="NAME", help="The person's tenant.")]
Subject = Annotated[str, typer.Argument(help="The id of the person, as the ledger has it.")]
RequestId = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")]


@app.callback()
def main() -> None:
    """Requests of people, exports, erasures, breaches, requirements."""


@app.command()
def requirements(
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="This law alone.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show how each requirement of the laws stands, with the code and the evidence behind it."""
    settings = loaded_settings(config).settings
    wanted = [one for one in REQUIREMENTS if profile in {None, one.profile}]
    if not wanted:
        raise ConfigError("there is no such profile", reason="usage")
    rows = table(wanted, settings, evidence(entries_of(settings)))
    if as_json:
        print_json({"disclaimer": DISCLAIMER, "profile": list(settings.privacy.profile), "requirements": rows})
        return 0
    shown = [(row["id"], row["law"], row["requirement"], row["status"], row["limit"] or "") for row in rows]
    print_table(("id", "law", "requirement", "status", "but"), shown)
    return 0


@app.command()
def processing(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show the record of processing, made from the routes (GDPR Article 30)."""
    show_processing(record_of_processing(loaded_settings(config).settings), as_json=as_json)
    return 0


app.command()(assessment)


@app.command()
def requests(
    closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List the requests of people that wait, the most urgent first."""
    with desk_of(config) as desk:
        found = desk.requests.all(closed=closed)
        today = desk.requests.today
    show_requests(found, today, as_json=as_json)
    return 0


@app.command("open")
def open_(
    subject: Subject,
    kind: Annotated[Kind, typer.Option(help="What is asked for.")],
    law: Annotated[Law, typer.Option(help="Whose clock runs.")] = Law.GDPR,
    received: Annotated[str, typer.Option(metavar="DAY", help="The day it came (YYYY-MM-DD); else today.")] = "",
    verified: Annotated[str, typer.Option(metavar="WORD", help="How it is known who asks, such as passport.")] = "",
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take a request that came in another way."""
    with desk_of(config) as desk:
        came = _day(received) if received else None
        made = desk.requests.open(tenant, subject, kind, law, by=BY, verified=verified, received=came)
        show_requests([made], desk.requests.today, as_json=as_json)
    return 0


@app.command()
def verify(
    request: RequestId,
    how: Annotated[str, typer.Option(metavar="WORD", help="How it is known who asks, such as passport.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Note that it is known who asks."""
    with desk_of(config) as desk:
        show_requests([desk.requests.verify(request, how, by=BY)], desk.requests.today, as_json=as_json)
    return 0


@app.command()
def confirm(request: RequestId, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Note that the person was told that the request has come."""
    with desk_of(config) as desk:
        show_requests([desk.requests.confirm(request, by=BY)], desk.requests.today, as_json=as_json)
    return 0


@app.command()
def extend(
    request: RequestId,
    reason: Annotated[Reason, typer.Option(help="Why it takes longer; the person is told.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take longer over a request, once."""
    with desk_of(config) as desk:
        show_requests([desk.requests.extend(request, reason, by=BY)], desk.requests.today, as_json=as_json)
    return 0


@app.command()
def close(
    request: RequestId,
    outcome: Annotated[str, typer.Option(metavar="WORD", help="done, refused or withdrawn.")] = "done",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Note how a request was answered."""
    with desk_of(config) as desk:
        show_requests([desk.requests.close(request, outcome, by=BY)], desk.requests.today, as_json=as_json)
    return 0


@app.command()
def export(
    subject: Subject,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where export.json and export.html go.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, such as the request; it is kept, sealed.")],
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Copy out what is stored of a person: JSON for machines, HTML for people."""
    with desk_of(config) as desk, sealing_of(desk) as sealing:
        store = None if sealing is None else sealing.conversations()
        try:
            made = exporting.export(
                desk.settings,
                tenant,
                subject,
                conversations=store,
                standings=desk.standings,
                requests=desk.requests,
                ledger=entries_of(desk.settings),
                record=desk.record,
                by=BY,
                reason=reason,
                clock=time.time,
                vaults=None if sealing is None else sealing.vaults(),
                beside=beside(desk.settings, tenant, subject),
            )
        finally:
            if store is not None:
                desk.runner.run(store.aclose())
    out.mkdir(parents=True, exist_ok=True)
    written = {"export.json": exporting.as_json(made), "export.html": exporting.as_html(made)}
    for name, text in written.items():
        path = out / name
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
    if as_json:
        print_json({"files": [str(out / name) for name in written], "parts": made["parts"]})
    else:
        print_table(("part", "rows"), list(made["parts"].items()))
    return 0


@app.command()
def who(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What a program calls a person, such as an address.")],
    key: Annotated[
        str, typer.Option(metavar="KEY", help="The id of the program's key, where keys share no space.")
    ] = "",
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Print the id of a person behind a key, for the other commands."""
    settings = loaded_settings(config).settings
    wanted = settings.identity.end_users
    if not wanted.role:
        raise ConfigError("no key names people", key="identity.end_users.role", reason="usage")
    if not (key or wanted.space):
        raise ConfigError("say whose name it is, with --key", reason="usage")
    ledger = Path(settings.ledger.path)
    people = people_behind(wanted, ledger.with_name(ledger.name + ".key").read_bytes())
    assert people is not None
    subject = people.subject(tenant, key if key.startswith("key:") else f"key:{key}", name.strip())
    print_json({"subject": subject}) if as_json else print(subject)
    return 0


@app.command()
def values(
    subject: Subject,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reveal them: why; it is kept, sealed.")] = "",
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List the placeholders that are kept for a person; with --reason what stands behind them, on record."""
    operator = Principal(BY, Who.OPERATOR, tenant=tenant, roles=frozenset({AUDITOR}))
    found: list[dict[str, object]] = []
    with desk_of(config) as desk, sealing_of(desk, needed=True) as sealing:
        assert sealing is not None
        vaults = sealing.vaults()
        for id_, at in vaults.listing(tenant, subject):
            rows = (
                vaults.reveal(operator, tenant, id_, reason) if reason else [(t, "") for t in vaults.read(tenant, id_)]
            )
            found += [
                {"id": id_, "used": moment(at), "placeholder": token, **({"value": value} if reason else {})}
                for token, value in rows
            ]
    if as_json:
        print_json({"values": found})
    else:
        print_table(
            ("id", "used", "placeholder", *(["value"] if reason else [])), [list(one.values()) for one in found]
        )
    return 0


@app.command()
def erase(subject: Subject, tenant: Tenant = "default", config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Erase a person for good; the signed receipts go to standard output."""
    with desk_of(config) as desk, sealing_of(desk, needed=True) as sealing:
        assert sealing is not None
        written = erasing.erase(sealing, desk.holds, tenant, subject, by=BY, notices=desk.notices)
        told = erasing.recipients(desk.settings)
    if as_json:
        print_json({"receipts": written, "recipients": [{"name": name, "contract": where} for name, where in told]})
        return 0
    print("\n".join(written), end="")
    return 0


@app.command()
def correct(
    subject: Subject,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The correction's text; - is standard input.")],
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Append a correction to what is stored of a person."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    with desk_of(config) as desk, sealing_of(desk, needed=True) as sealing:
        assert sealing is not None
        store = sealing.conversations()
        try:
            append_correction(store, desk.record, tenant, subject, text, by=BY, notices=desk.notices)
        finally:
            desk.runner.run(store.aclose())
    if as_json:
        print_json({"corrected": subject})
    return 0


@app.command()
def notices(
    notice: Annotated[str | None, typer.Argument(metavar="NOTICE", help="This one alone.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Send what is due now, given-up ones too.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Take it out: the recipient was told by people.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List notices that recipients have not taken yet; a gateway sends them by itself."""
    with desk_of(config) as desk:
        queue = desk.notices
        if queue is not None and drop and notice is not None:
            queue.drop(notice)
        if queue is not None and send:
            queue.again(notice)
            fetch = Fetching()
            desk.runner.run(queue.send(fetch))
            desk.runner.run(fetch.aclose())
        found = [] if queue is None else [one for one in queue.waiting() if notice in {None, one.id}]
    if as_json:
        print_json({"notices": found})
        return 0
    rows = [
        (
            one.id,
            one.recipient,
            one.type,
            moment(one.made),
            one.attempts,
            "given up" if one.due is None else moment(one.due),
        )
        for one in found
    ]
    print_table(("notice", "recipient", "of", "since", "attempts", "next"), rows)
    return 0


@app.command()
def purge(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Take out stored conversations that are past their time, but of nobody who is held; and old requests."""
    with desk_of(config) as desk, sealing_of(desk) as sealing:
        turns, left = 0, None
        if sealing is not None:
            store = sealing.conversations()
            turns = purge_store(store, desk.holds).turns
            sealing.vaults().purge(desk.holds.held)
            left = oldest(store.database)
            desk.runner.run(store.aclose())
        forgotten = desk.requests.forget(kept_months(desk.settings.privacy))
        days = retention_days(desk.settings)
    since = None if left is None else moment(left)
    if as_json:
        print_json({"turns": turns, "requests": forgotten, "retention_days": days, "oldest": since})
    else:
        print(f"{turns} turns and {forgotten} requests taken out; the oldest turn that is left: {since or '-'}")
    return 0


@app.command()
def hold(
    subject: Annotated[str | None, typer.Argument(help="The person; without one the holds are listed.")] = None,
    reason: Annotated[str, typer.Option(metavar="WORD", help="Why, such as the number of a case.")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Lift it.")] = False,
    tenant: Tenant = "default",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Hold everything of a person for a legal reason, or lift it."""
    with desk_of(config) as desk:
        if subject is not None and lift:
            desk.holds.lift(tenant, subject, by=BY)
        elif subject is not None:
            if not reason.strip():
                raise ConfigError("say why, with --reason", reason="usage")
            desk.holds.set(tenant, subject, reason, by=BY)
        found = desk.holds.all()
    rows = [(one.tenant, one.subject, one.reason, moment(one.at), one.by) for one in found]
    if as_json:
        names = ("tenant", "subject", "reason", "at", "by")
        print_json({"holds": [dict(zip(names, row, strict=True)) for row in rows]})
    else:
        print_table(("tenant", "person", "reason", "since", "by"), rows)
    return 0


@app.command()
def incidents(
    incident: Annotated[str | None, typer.Argument(help="An incident's id; without one all are listed.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Open one: a breach is known.")] = False,
    aware: Annotated[str, typer.Option(metavar="TIME", help="Since when (ISO 8601); else now.")] = "",
    field: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help="Fill in a field of 33(3).")] = None,
    told: Annotated[str, typer.Option(metavar="WHO", help="authority, subjects, controller or none-needed.")] = "",
    close: Annotated[bool, typer.Option("--close", help="It is over.")] = False,
    notification: Annotated[
        str, typer.Option("--draft", metavar="WHO", help="Print a notification to the authority or the subjects.")
    ] = "",
    affected_until: Annotated[
        str,
        typer.Option("--affected-until", metavar="TIME", help="Whose messages were sent on from --aware till then."),
    ] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List, open and fill in breaches of personal data, with their clocks."""
    with desk_of(config) as desk:
        register = desk.incidents
        if affected_until:
            return _show_affected(desk.settings, aware, affected_until, as_json=as_json)
        if new:
            incident = register.open(by=BY, aware=_instant(aware) if aware else None).id
        if incident is not None and field:
            register.describe(incident, dict(_pair(one) for one in field), by=BY)
        if incident is not None and told:
            register.told(incident, told, by=BY)
        if incident is not None and close:
            register.close(incident, by=BY)
        found = register.all() if incident is None else [register.get(incident)]
        if notification:
            if incident is None:
                raise ConfigError("say which incident", reason="usage")
            text = draft(found[0], notification, desk.settings.privacy, time.time())
            print_json({"draft": text}) if as_json else print(text, end="")
            return 0
    show_incidents(found, as_json=as_json)
    return 0


# --- inside


def _show_affected(settings: Settings, since: str, until: str, *, as_json: bool) -> int:
    if not since:
        raise ConfigError("say since when, with --aware", reason="usage")
    found = affected(entries_of(settings), _instant(since), _instant(until))
    if as_json:
        print_json({"affected": found})
    else:
        print_table(("person", "messages"), list(found.items()))
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--field takes NAME=TEXT; names are {', '.join(FIELDS)}", reason="usage")
    return name.strip(), value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ClientError("A day is written YYYY-MM-DD.", reason="field-type") from None


def _instant(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ClientError("A time is written 2026-03-09T14:00:00Z.", reason="field-type") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()
