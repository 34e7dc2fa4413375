"""``chatward feedback``: marks on true and false alarms, in a file of the operator's own.

The file is ``feedback.jsonl`` beside the configuration. Texts come from files or standard input, never as an argument:
command lines are seen by others and stay in histories. What is listed is made safe for a terminal. Exit status of
``check``: 0 where every marked text is judged as it was marked, 1 where one is not, 2 where there is nothing to check.
"""

from __future__ import annotations

import getpass
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from chatward.commands.settings import loaded_settings
from chatward.commands.terminal import AsJson, ConfigFile, print_json, print_table
from chatward.configuration import locate
from chatward.core.errors import ClientError, ConfigError
from chatward.core.values import Action
from chatward.lines import MAX_LINE, row_of
from chatward.models.feedback import (
    FILE_NAME,
    LABELS,
    ROLES,
    TOPICS,
    Mark,
    add,
    exposed,
    mark_of,
    marks,
    misjudged,
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

FeedbackFile = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="The marks; else feedback.jsonl beside the configuration.")
]
Label = Annotated[str | None, typer.Option(help=f"{' or '.join(LABELS)}.")]
About = Annotated[
    str | None, typer.Option(help=f"{', '.join(TOPICS)}; else injection, or indirect-injection for tool and document.")
]
_SHOWN = 60
"""Code points of a text in a list."""


@app.callback()
def main() -> None:
    """Mark true and false alarms, and check that they are judged right."""


@app.command("add")
def add_marks(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="File with the text; - is standard input.")] = "-",
    label: Label = None,
    about: About = None,
    role: Annotated[str, typer.Option(help=f"Who wrote it: {', '.join(ROLES)}.")] = "user",
    note: Annotated[str, typer.Option(help="Why; for people.")] = "",
    who: Annotated[str | None, typer.Option(help="Who marks it; else the name of this account.")] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object a line, whose fields go before the options.")
    ] = False,
    file: FeedbackFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Mark a text, or texts as JSON Lines. The newest mark of a text counts."""
    given = {
        "label": label or "",
        "role": role,
        "about": about or "",
        "note": note,
        "who": _account() if who is None else who,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    _checked(given, jsonl=jsonl)
    data = sys.stdin.buffer.read() if text == "-" else Path(text).read_bytes()
    new = _rows(data, given) if jsonl else [mark_of({**given, "text": _decoded(data)}, 1)]
    path = _path(file, config)
    added = add(path, new)
    if as_json:
        print_json({"file": str(path), "given": len(new), "added": added, "ids": [mark.id for mark in new]})
    else:
        print(f"{path}: {added} added, {len(new) - added} were there")
    return 0


@app.command("list")
def list_marks(
    label: Label = None,
    about: About = None,
    texts: Annotated[bool, typer.Option("--texts", help="Show how each text begins.")] = False,
    file: FeedbackFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show the marks that count (with --json one object a line, texts whole)."""
    chosen = _chosen(_path(file, config), label, about)
    if as_json:
        for mark in chosen:
            print_json({"id": mark.id, **mark.as_json()})
        return 0
    rows = [
        (*(mark.id, mark.when, mark.label, mark.about, mark.role), *map(_shown, (mark.who, mark.note)))
        + ((_shown(mark.text),) if texts else ())
        for mark in chosen
    ]
    titles = ("id", "when", "label", "about", "role", "who", "note", *(("text",) if texts else ()))
    print_table(titles, rows)
    return 0


@app.command()
def export(
    label: Label = None,
    about: About = None,
    out: Annotated[str | None, typer.Option("--out", "-o", metavar="FILE", help="Else standard output.")] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Leave out who, when and note.")] = False,
    file: FeedbackFile = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Write the marks that count as JSON Lines, as `scan --jsonl` and `feedback add --jsonl` read them."""
    chosen = _chosen(_path(file, config), label, about)
    rows = [mark.as_json() for mark in chosen]
    if anonymous:
        rows = [{name: row[name] for name in ("text", "role", "label", "about")} for row in rows]
    if out is None:
        for row in rows:
            print_json(row)
        return 0
    from msgspec import json  # noqa: PLC0415

    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.writelines(json.encode(row) + b"\n" for row in rows)
    if as_json:
        print_json({"file": out, "written": len(rows)})
    else:
        print(f"{out}: {len(rows)} written")
    return 0


@app.command()
def check(
    label: Label = None,
    about: About = None,
    file: FeedbackFile = None,
    config: ConfigFile = None,
    route: Annotated[str, typer.Option(help="The route whose settings apply.")] = "default",
    as_json: AsJson = False,
) -> int:
    """Judge every marked text. Exit status 1 when one is judged otherwise than it was marked."""
    path = _path(file, config)
    chosen = _chosen(path, label, about)
    if not chosen:
        raise ConfigError(f"{path} has no marks to check", reason="file-missing")
    from chatward.settings import Settings  # noqa: PLC0415
    from chatward.ward import Ward  # noqa: PLC0415 - imports every guard

    settings = loaded_settings(config, names=True).settings if locate(config) else Settings()
    ward = Ward(settings, route=route)
    wrong: list[dict[str, Any]] = []
    for mark in chosen:
        verdict = ward.check(mark.text, mark.role)
        problem = misjudged(mark, verdict)
        if problem:
            acted = {one.finding.rule: None for one in verdict.decisions if one.action > Action.ALLOW}
            missing = [one.guard for one in verdict.unavailable]
            told = {"id": mark.id, "problem": problem, "label": mark.label, "about": mark.about, "role": mark.role}
            wrong.append({**told, "action": verdict.would.label, "rules": list(acted), "unavailable": missing})
    if as_json:
        print_json({"file": str(path), "cases": len(chosen), "wrong": wrong})
    else:
        titles = ("id", "problem", "about", "role", "action", "rules", "unavailable")
        print_table(titles, [[_cell(row[title]) for title in titles] for row in wrong])
        print(f"{len(chosen)} cases, {len(wrong)} judged wrongly")
    return int(bool(wrong))


# --- what is given -----------------------------------------------------------------------------------


def _path(file: str | None, config: str | None) -> Path:
    """Where the marks are. They are the operator's own: others that may read them are a warning."""
    beside = locate(config)
    path = Path(file) if file is not None else (Path() if beside is None else Path(beside).parent) / FILE_NAME
    if exposed(path):
        print(f"warning: {path} can be read by others; chmod 600 mends that", file=sys.stderr)
    return path


def _checked(given: dict[str, str], *, jsonl: bool) -> None:
    """Options as options are refused, before any text is read."""
    for name, known in (("label", LABELS), ("role", tuple(ROLES)), ("about", tuple(TOPICS))):
        if given[name] and given[name] not in known:
            raise typer.BadParameter(f"must be one of {', '.join(known)}", param_hint=f"--{name}")
    if not given["label"] and not jsonl:
        raise typer.BadParameter(f"is needed: {' or '.join(LABELS)}", param_hint="--label")


def _rows(data: bytes, given: dict[str, str]) -> list[Mark]:
    """All lines, or none: the first that cannot be read is an error."""
    found = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            row = row_of(line, number)
            row = {name: value for name, value in row.items() if value not in (None, "")}
            found.append(mark_of({**given, **row}, number))
    return found


def _decoded(data: bytes) -> str:
    if len(data) > MAX_LINE:
        raise ClientError(f"the text is longer than {MAX_LINE >> 20} MiB", reason="text-invalid")
    try:
        return data.decode().removesuffix("\n")  # the line end that editors and echo put there
    except UnicodeDecodeError as error:
        raise ClientError(f"the text is not UTF-8 (at byte {error.start})", reason="not-utf-8") from error


def _chosen(path: Path, label: str | None, about: str | None) -> list[Mark]:
    _checked({"label": label or "", "role": "", "about": about or ""}, jsonl=True)
    return [mark for mark in marks(path) if mark.label == (label or mark.label) and mark.about == (about or mark.about)]


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return ""


def _shown(text: str) -> str:
    """The beginning of a text, safe to print: marked texts are attacks, and terminals obey what they are sent."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in cut
    )


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
