"""``chatward vendor``: third parties, what is known of them, and which are approved.

Exit status: 0: every vendor that was asked for is approved; 1: one is not; 2: an error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import tomlkit
import typer
from msgspec import to_builtins

from chatward.assurance.answers import read_answers, source_of
from chatward.assurance.assessments import Assessment, Assessments
from chatward.assurance.domains import OK
from chatward.assurance.opening import assurance_file
from chatward.assurance.published import Looking, changed
from chatward.assurance.questionnaire import changes, questionnaire, scored
from chatward.assurance.tasks import day_of
from chatward.assurance.vendor_tasks import VendorTask
from chatward.assurance.vendors import lacking
from chatward.commands.accepting import Owner, Reason, TaskNumber, Until, accepted
from chatward.commands.recording import recorder
from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import load, locate
from chatward.core.errors import ConfigError
from chatward.settings import Settings
from chatward.stores.database import Database

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(metavar="VENDOR", help="Its name in `[vendors]`.")]


@app.callback()
def main() -> None:
    """Third parties: register, checks, assessments, approval."""


@app.command()
def add(
    name: Name,
    bot: Annotated[list[str] | None, typer.Option(help="A bot that it runs; may be given again.")] = None,
    kind: Annotated[str, typer.Option(help="model, platform, channel, feed, hosting or other.")] = "model",
    legal_name: Annotated[str, typer.Option(help="Its legal name.")] = "",
    domain: Annotated[str, typer.Option(help="Its domain.")] = "",
    owner: Annotated[str, typer.Option(help="Who answers for it here.")] = "",
    region: Annotated[list[str] | None, typer.Option(help="Where it processes; may be given again.")] = None,
    data: Annotated[list[str] | None, typer.Option(help="What it may receive; may be given again.")] = None,
    review_until: Annotated[str, typer.Option(metavar="DAY", help="Until when its review counts.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Write a vendor into the configuration file. Contracts and certificates are added there by hand."""
    path = locate(config)
    if path is None:
        raise ConfigError("There is no configuration file to write to.", reason="config-missing")
    document = tomlkit.parse(path.read_text("utf-8"))
    given = {
        "name": legal_name, "kind": kind, "bots": bot, "domain": domain, "owner": owner, "regions": region,
        "data": data, "review_until": review_until,
    }  # fmt: skip
    vendors = document.setdefault("vendors", tomlkit.table(is_super_table=True))
    if name in vendors:
        raise ConfigError("There is a vendor of that name.", reason="vendor-exists")
    vendors[name] = {key: value for key, value in given.items() if value}
    text, before = tomlkit.dumps(document), path.read_text("utf-8")
    path.write_text(text, "utf-8")
    try:
        load(path)
    except ConfigError:
        path.write_text(before, "utf-8")
        raise
    if as_json:
        print_json({"vendor": name, "file": str(path)})
    else:
        print(f"{path} has vendor {name}.")
    return 0


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> int:
    """List vendors, what runs out next, and which are not approved, with the reasons."""
    settings, now = loaded_settings(config).settings, time.time()
    with _opened(settings) as assessments:
        why, newest = lacking(settings, assessments, now), assessments.newest()
    rows: list[dict[str, Any]] = [
        {
            "vendor": name,
            "kind": one.kind,
            "bots": list(one.bots),
            "owner": one.owner or None,
            "data": list(one.data),
            "regions": list(one.regions),
            "subprocessors": list(one.subprocessors),
            "score": newest[name][1] if name in newest else None,
            "review_until": one.review_until or None,
            "approved": not why[name],
            "lacks": why[name],
        }
        for name, one in settings.vendors.items()
    ]
    if as_json:
        print_json({"vendors": rows})
    else:
        shown = [
            (row["vendor"], row["kind"], " ".join(row["bots"]), row["score"] if row["score"] is not None else "-",
             row["review_until"] or "-", "yes" if row["approved"] else "no", "; ".join(row["lacks"]))
            for row in rows
        ]  # fmt: skip
        print_table(("vendor", "kind", "bots", "score", "review until", "approved", "lacks"), shown)
    return int(any(not row["approved"] for row in rows))


@app.command()
def check(
    name: Name,
    dns: Annotated[bool, typer.Option("--dns", help="Ask DNS too (needs dnspython).")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Look at a vendor from outside: TLS, security.txt, headers, DNS, status, parts. Sends requests to it."""
    settings = loaded_settings(config).settings
    vendor = _vendor(settings, name)
    if not (vendor.domain or vendor.status or vendor.sbom or vendor.products):
        raise ConfigError(f"vendors.{name}.domain is not set", key=f"vendors.{name}.domain")
    resolver = None
    if dns:
        from chatward.assurance.resolving import system_resolver  # noqa: PLC0415 - needs an extra

        resolver = system_resolver()
    seen = Looking(settings, time.time(), resolver).at(vendor)
    with _opened(settings) as assessments:
        before = assessments.looks(name, 1)
        assessments.keep_looks(name, seen)
        assessments.settle(name, settings.assurance.due, vendor.owner)
    good, other = all(one.state == OK for one in seen), changed(before[0][1], seen) if before else []
    if as_json:
        print_json({"vendor": name, "ok": good, "seen": [one.told() for one in seen], "changes": other})
    else:
        print_table(("state", "what", "seen"), [(one.state, one.name, one.sentence) for one in seen])
        for one in other:
            print(f"changed: {one['name']}: {one['before'] or '-'} -> {one['after'] or '-'}", file=sys.stderr)
    return int(not good)


@app.command()
def tasks(
    name: Annotated[str | None, typer.Argument(metavar="[VENDOR]", help="This vendor alone.")] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """List what is to be done about vendors, what is due first first."""
    settings, now = loaded_settings(config).settings, time.time()
    if name is not None:
        _vendor(settings, name)
    with _opened(settings) as assessments:
        found = [_task(one, now) for one in assessments.tasks.of(name) if closed or one.closed is None]
    if as_json:
        print_json({"tasks": found})
    else:
        names = ("id", "vendor", "state", "urgency", "due", "owner", "about")
        print_table(names, [tuple(row[name] or "-" for name in names) for row in found])
    return 0


@app.command()
def accept(
    task: TaskNumber,
    owner: Owner,
    until: Until,
    reason: Reason,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Live with a finding about a vendor for a while."""
    settings, now = loaded_settings(config).settings, time.time()
    with _opened(settings) as assessments:
        told = _task(assessments.tasks.accept(task, owner=owner, until=day_of(until), reason=reason), now)
    return accepted(told, as_json=as_json)


@app.command()
def assess(
    name: Name,
    answers: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Answers (JSON); without: print the questions.")
    ] = None,
    evidence: Annotated[list[str] | None, typer.Option(metavar="QUESTION=FILE", help="A file for a question.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take answers to our questionnaire, with evidence; score them; say what changed."""
    settings = loaded_settings(config).settings
    _vendor(settings, name)
    if answers is None and not evidence:
        known = questionnaire()
        if as_json:
            print_json(to_builtins(known))
        else:
            print_table(
                ("question", "weight", "must", "text"), [(q.id, q.weight, q.must, q.text) for q in known.questions]
            )
        return 0
    with _opened(settings) as assessments:
        for pair in evidence or ():
            question, equals, file = pair.partition("=")
            if not equals or question not in {one.id for one in questionnaire().questions}:
                raise ConfigError("--evidence takes QUESTION=FILE", reason="usage")
            assessments.attach(name, question, Path(file).name, Path(file).read_bytes())
        if answers is not None:
            assessments.add(name, read_answers(answers), "file")
            assessments.settle(name, settings.assurance.due, settings.vendors[name].owner)
    return _show(settings, name, as_json=as_json)


@app.command("import")
def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CAIQ (CSV), or answers of others with --table (JSON).")],
    table: Annotated[Path | None, typer.Option(metavar="FILE", help="Their ids to ours (JSON).")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Take answers from a questionnaire of others."""
    settings = loaded_settings(config).settings
    _vendor(settings, name)
    with _opened(settings) as assessments:
        assessments.add(name, read_answers(file, table), source_of(file))
        assessments.settle(name, settings.assurance.due, settings.vendors[name].owner)
    return _show(settings, name, as_json=as_json)


@app.command()
def invite(
    name: Name,
    days: Annotated[int, typer.Option(min=1, max=90, help="Days for which the link is good.")] = 14,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Make a one-time link by which the vendor answers the questionnaire, on the admin plane."""
    settings = loaded_settings(config).settings
    _vendor(settings, name)
    with _opened(settings) as assessments:
        path = f"/assess/{assessments.invite(name, days)}"
    server = settings.server
    scheme = "https" if server.tls_cert is not None else "http"
    url = (settings.operators.url.rstrip("/") or f"{scheme}://{server.admin_host}:{server.admin_port}") + path
    if as_json:
        print_json({"vendor": name, "url": url, "path": path, "days": days})
    else:
        print(url)
    return 0


@app.command()
def score(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> int:
    """Show a vendor's score, what it lost points for, and what changed since the last time."""
    settings = loaded_settings(config).settings
    _vendor(settings, name)
    return _show(settings, name, as_json=as_json)


def _show(settings: Settings, name: str, *, as_json: bool) -> int:
    now = time.time()
    with _opened(settings) as assessments:
        found, files = assessments.of(name), assessments.evidence(name)
        why = lacking(settings, assessments, now)[name]
    if not found:
        raise ConfigError("It was never assessed.", reason="assessment-missing")
    made = scored(found[0].answers)
    texts = {one.id: one.text for one in questionnaire().questions}
    told: dict[str, Any] = {
        "vendor": name,
        "at": _day(found[0].at),
        "counts": found[0].counts(now, settings.vendors[name].assessed_days),
        "score": made.score,
        "topics": made.by_topic,
        "held_by": list(made.held_by),
        "unanswered": made.unanswered,
        "lost": [{"question": id_, "points": points, "text": texts[id_]} for id_, points in made.lost],
        "evidence": [{"question": one.about, "file": one.name, "sha256": one.sha256} for one in files],
        "before": _before(found),
        "changes": changes(found[1].answers, found[0].answers) if len(found) > 1 else [],
        "lacks": why,
    }
    if as_json:
        print_json(told)
        return int(bool(why))
    print_table(
        ("points", "question", "text"), [(f"-{one['points']}", one["question"], one["text"]) for one in told["lost"]]
    )
    held = f", held down by {', '.join(made.held_by)}" if made.held_by else ""
    print(f"{name}: {made.score} of 100{held}; {made.unanswered} questions are not answered", file=sys.stderr)
    for one in told["changes"]:
        print(f"changed: {one['question']}: {one['before'] or '-'} -> {one['after'] or '-'}", file=sys.stderr)
    for sentence in why:
        print(f"not approved: {sentence}", file=sys.stderr)
    return int(bool(why))


def _task(one: VendorTask, now: float) -> dict[str, Any]:
    return {
        "id": one.id,
        "vendor": one.vendor,
        "about": one.about,
        "state": one.state(now),
        "urgency": one.urgency,
        "due": _day(one.due),
        "owner": one.owner or None,
        "accepted_by": one.accepted_by or None,
        "accepted_until": _day(one.accepted_until) if one.accepted_until else None,
    }


def _before(found: list[Assessment]) -> dict[str, Any] | None:
    return {"at": _day(found[1].at), "score": found[1].score} if len(found) > 1 else None


def _day(seconds: float) -> str:
    day: date = datetime.fromtimestamp(seconds, UTC).date()
    return day.isoformat()


def _vendor(settings: Settings, name: str) -> Any:
    if name not in settings.vendors:
        raise ConfigError("There is no vendor of that name in the settings.", reason="vendor-unknown")
    return settings.vendors[name]


@contextmanager
def _opened(settings: Settings) -> Iterator[Assessments]:
    database = Database(assurance_file(settings))
    try:
        yield Assessments(database, recorder(settings.ledger))
    finally:
        database.close()
