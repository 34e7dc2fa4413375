"""Reports made of evidence: one object, shown as a page, a table, or OSCAL.

The rules:

1. A report is a function of the settings, this release, and the record up to a checkpoint: the same give the same
   bytes, and its moment is that of the last entry that counts. Without a checkpoint it says that nobody vouches for
   the record.
2. What is *not* covered comes first: everything that is not *enforced and observed*, and the limits of what is.
3. It is signed with the ledger's key: a signed note (C2SP) over the SHA-256 of its JSON, ``proof``.
4. Only *enforced and observed* is satisfied in OSCAL; unknown is never a pass.

Format: OSCAL 1.1 assessment results (NIST). Not legal advice, no audit, no certification.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from chatward import __version__
from chatward.assurance.controls import REPORTS, TITLES
from chatward.assurance.drills import drills, newest, standing
from chatward.assurance.evidence import Check, Context, gathered, row
from chatward.ledger import verifying
from chatward.ledger.checkpointing import signer, verifiers
from chatward.ledger.note import NoteError, parse, signed
from chatward.ledger.reading import Record, between
from chatward.privacy.processing import processing
from chatward.privacy.requirements import DISCLAIMER, LAWS, Status
from chatward.settings import Settings

FORMATS: Final = ("html", "json", "csv", "oscal")
NOT_AUDITED: Final = "No audit: states are what this program finds about itself."
_SPACE: Final = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, appendix: OIDs
_OSCAL: Final = "1.1.3"
_PAGE: Final = 10_000
_ORDER: Final = [status.value for status in Status]


def report(name: str, settings: Settings, check: Check | None = None) -> dict[str, Any]:
    """The report of that name (``REPORTS``). Raises ``KeyError`` and ``StoreError``."""
    controls, path = REPORTS[name], Path(settings.ledger.path)
    mark = _checkpoint(path) if settings.ledger.enabled and path.exists() else None
    records = list(_records(settings, path, None if mark is None else mark["size"]))
    practised, now = newest(drills(records)), records[-1].at / 1e9 if records else 0.0
    context = Context(settings, gathered(records), check, practised, now)
    rows = [row(control, context) for control in controls]
    counts = {state: sum(one["status"] == state for one in rows) for state in _ORDER}
    made: dict[str, Any] = {
        "report": name,
        "title": TITLES[name],
        "law": LAWS.get(name),
        "chatward": __version__,
        "at": _moment(records[-1].at // 1_000_000_000) if records else None,
        "record": {
            "checkpoint": mark,
            "entries": len(records),
            "from": _moment(records[0].at // 1_000_000_000) if records else None,
        },
        "settings_sha256": hashlib.sha256(msgspec.json.encode(settings, order="deterministic")).hexdigest(),
        "scope": {
            "bots": sorted(settings.bots),
            "routes": sorted(settings.routes),
            "profiles": list(settings.privacy.profile),
        },
        "counts": counts,
        "not_covered": [
            {"id": one["id"], "status": one["status"], "why": one["why"] or one["limit"]}
            for one in rows
            if one["status"] != Status.OBSERVED.value or one["limit"]
        ],
        "exceptions": [
            {"route": route, "rule": one.rule, "owner": one.owner, "expires": one.expires}
            for route, own in sorted(settings.routes.items())
            for one in own.exceptions
        ],
        "controls": rows,
        "drills": standing(settings.assurance.drills, practised, now),
        "disclaimer": f"{DISCLAIMER} {NOT_AUDITED}",
    }
    if name == "gdpr":
        made["processing"] = processing(settings)
    return made


def _checkpoint(path: Path) -> dict[str, Any] | None:
    """The newest one that the ledger's own key vouches for."""
    found = verifying.newest(path)
    if found is None:
        return None
    mark, note = found
    for key in verifiers(path):
        for signature in note.signatures:
            try:
                key.verify(note.text, signature)
            except NoteError:
                continue
            return {"origin": mark.origin, "size": mark.size, "root": mark.root.hex(), "signed_by": key.name}
    return None


def records_of(settings: Settings) -> Iterable[Record]:
    """All of the record."""
    return _records(settings, Path(settings.ledger.path), None)


def _records(settings: Settings, path: Path, most: int | None) -> Iterable[Record]:
    if not settings.ledger.enabled or not path.exists():
        return
    first = 0
    while page := between(path, first, first + _PAGE - 1):
        for one in page:
            if most is not None and one.seq > most:
                return
            yield one
        first = page[-1].seq + 1


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


# --- proof -----------------------------------------------------------------------------------------------


def canonical(made: dict[str, Any]) -> bytes:
    """The bytes that are signed: JSON with sorted keys."""
    return msgspec.json.encode(made, order="sorted")


def proof(made: dict[str, Any], ledger: Path) -> str:
    """A signed note about a report. Raises ``StoreError``."""
    return signed(_text(made), [signer(ledger)]).encode()


def proven(made: dict[str, Any], note: str, ledger: Path) -> bool:
    """Whether the ledger's key signed this very report."""
    try:
        found = parse(note)
    except NoteError:
        return False
    if found.text != _text(made):
        return False
    for key in verifiers(ledger):
        for signature in found.signatures:
            try:
                key.verify(found.text, signature)
            except NoteError:
                continue
            return True
    return False


def _text(made: dict[str, Any]) -> str:
    return f"chatward report\n{made['report']}\nsha256 {hashlib.sha256(canonical(made)).hexdigest()}\n"


# --- formats ---------------------------------------------------------------------------------------------


def as_csv(made: dict[str, Any]) -> str:
    """A row for each control."""
    out = io.StringIO()
    names = ("id", "catalogue", "clause", "sentence", "status", "why", "limit")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*names, "evidence"))
    for one in made["controls"]:
        found = "; ".join(f"{name} {seen['count']}" for name, seen in one["evidence"].items())
        writer.writerow((*(_cell(one[name]) for name in names), found))
    return out.getvalue()


def _cell(value: object) -> str:
    """Spreadsheets run what begins like a formula (OWASP: CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _token(id_: str) -> str:
    """An id as OSCAL has them: without spaces."""
    return id_.replace(" ", "-")


def as_oscal(made: dict[str, Any]) -> dict[str, Any]:
    """OSCAL assessment results. Ids are made of the report, so the same report has the same ones."""
    body = canonical(made).decode()

    def id_of(what: str) -> str:
        return str(uuid5(_SPACE, f"{what}\n{body}"))

    at = made["at"] or "1970-01-01T00:00:00+00:00"
    observations, findings = [], []
    for one in made["controls"]:
        methods = ["TEST", "EXAMINE"] if one["tried"] else ["EXAMINE"]
        counted = "; ".join(f"{name}: {seen['count']} entries" for name, seen in one["evidence"].items())
        about = f"Code: {', '.join(one['enforced_by']) or 'none'}. Record: {counted or 'nothing'}."
        observations.append(
            {"uuid": id_of(f"observation {one['id']}"), "description": about, "methods": methods, "collected": at}
        )
        good = one["status"] == Status.OBSERVED.value
        status: dict[str, Any] = {"state": "satisfied" if good else "not-satisfied"}
        remarks = " ".join(filter(None, (one["why"], one["limit"])))
        if remarks:
            status["remarks"] = remarks
        findings.append(
            {
                "uuid": id_of(f"finding {one['id']}"),
                "title": f"{one['id']}: {one['status']}",
                "description": one["sentence"],
                "props": [
                    {
                        "name": "status",
                        "ns": "https://chatward.invalid/ns/oscal",
                        "value": one["status"].replace("'", ""),
                    }
                ],
                "target": {"type": "objective-id", "target-id": _token(one["id"]), "status": status},
                "related-observations": [{"observation-uuid": id_of(f"observation {one['id']}")}],
            }
        )
    plan = id_of("plan")
    return {
        "assessment-results": {
            "uuid": id_of("results"),
            "metadata": {
                "title": f"Chatward: {made['title']}",
                "last-modified": at,
                "version": made["settings_sha256"][:16],
                "oscal-version": _OSCAL,
                "remarks": made["disclaimer"],
            },
            "import-ap": {"href": f"#{plan}"},
            "results": [
                {
                    "uuid": id_of("result"),
                    "title": made["report"],
                    "description": f"Up to entry {made['record']['entries']} of the record.",
                    "start": at,
                    "reviewed-controls": {
                        "control-selections": [
                            {"include-controls": [{"control-id": _token(one["id"])} for one in made["controls"]]}
                        ]
                    },
                    "observations": observations,
                    "findings": findings,
                }
            ],
            "back-matter": {
                "resources": [
                    {"uuid": plan, "title": "Assessment plan", "description": "docs/reports.md of this release"}
                ]
            },
        }
    }


def as_html(made: dict[str, Any]) -> str:
    """A page that stands alone, for screens and paper: nothing is loaded, nothing runs."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow to import

    folder = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(
        "report.html"
    )
    return page.render(made=made, bars=_bars(made["counts"]), order=_ORDER)


def _bars(counts: dict[str, int]) -> Sequence[dict[str, Any]]:
    """Widths of a stacked bar of 600, without gaps."""
    whole, x, found = sum(counts.values()) or 1, 0.0, []
    for index, (state, count) in enumerate(counts.items()):
        width = 600 * count / whole
        found.append({"state": state, "count": count, "x": round(x, 2), "width": round(width, 2), "kind": f"k{index}"})
        x += width
    return found
