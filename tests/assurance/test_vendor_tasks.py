"""Findings about vendors as tasks: opened, closed by what is known, accepted for a while."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from chatward.assurance.answers import parsed_answers
from chatward.assurance.assessments import Assessments
from chatward.assurance.domains import Seen
from chatward.assurance.questionnaire import Answer, questionnaire
from chatward.assurance.tasks import DAY
from chatward.core.errors import ClientError, ConfigError
from chatward.core.ports import Entry
from chatward.settings.assurance import Due
from chatward.stores.database import Database
from tests.assurance.making import NOW

YES = {one.id: Answer("yes") for one in questionnaire().questions}


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def test_findings_are_tasks_until_it_is_known_that_they_are_gone() -> None:
    recorded, clock = list[Entry](), Clock()
    kept = Assessments(Database(None), recorded.append, clock)
    assert kept.settle("v", Due(), "ann") == (0, 0), "nobody has asked anything yet"
    kept.add("v", {**YES, "crypto-1": Answer("no"), "ai-1": Answer("partly", "soon")}, "file")
    kept.keep_looks("v", [Seen("tls", "failed", "TLSv1"), Seen("caa", "unknown", "")])
    assert kept.settle("v", Due(), "ann") == (3, 0)
    found = {one.about: one for one in kept.tasks.of("v")}
    assert {about: (one.urgency, one.owner, (one.due - NOW) / DAY) for about, one in found.items()} == {
        "question:crypto-1": ("high", "ann", 30),
        "question:ai-1": ("medium", "ann", 90),
        "look:tls": ("medium", "ann", 90),
    }
    clock.now += 31 * DAY
    assert kept.settle("v", Due(), "ann") == (0, 0)
    task = {one.about: one for one in kept.tasks.of("v")}["question:crypto-1"]
    assert (task.state(clock.now), task.due) == ("late", NOW + 30 * DAY), "its day never moves back"

    accepted = kept.tasks.accept(task.id, owner="bob", until=clock.now + 10, reason="a wall before it")
    assert accepted.state(clock.now) == "accepted"
    assert accepted.state(clock.now + 10) == "late"
    for wrong in ({"owner": " "}, {"reason": ""}, {"until": clock.now}):
        with pytest.raises(ClientError):
            kept.tasks.accept(task.id, **{"owner": "bob", "until": clock.now + 10, "reason": "x", **wrong})

    kept.keep_looks("v", [Seen("tls", "unknown", "not reached")])
    assert kept.settle("v", Due(), "ann") == (0, 0), "what is unknown closes nothing"
    kept.keep_looks("v", [Seen("tls", "ok", "TLSv1.3")])
    kept.add("v", YES, "link")
    assert kept.settle("v", Due(), "ann") == (0, 3)
    assert {one.state(clock.now) for one in kept.tasks.of("v")} == {"closed"}
    with pytest.raises(ClientError):
        kept.tasks.accept(task.id, owner="bob", until=clock.now + 10, reason="x")
    assert kept.tasks.of("w") == []
    assert "a wall before it" not in str(recorded)
    assert [entry.fields.get("about") for entry in recorded if ":tasks:" in entry.event] == [
        ["look:tls", "question:ai-1", "question:crypto-1"],
        ["look:tls", "question:ai-1", "question:crypto-1"],
    ]


# --- files of others -----------------------------------------------------------------------------------------

SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = f"""<worksheet {SPACE}><sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="D1" t="inlineStr"><is><t>Yes</t></is></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><r><t>MDS-</t></r><r><t>09.1</t></r></is></c>
<c r="C2" t="str"><v>No</v></c></row>
<row r="3"><c t="s"><v>1</v></c><c t="s"><v>2</v></c></row>
</sheetData></worksheet>"""
SHARED = f"<sst {SPACE}><si><t>MDS-08.1</t></si><si><t>A&amp;A-02.1</t></si><si><t>NA</t></si></sst>"


def book(sheet: str = SHEET) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/sharedStrings.xml", SHARED)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return out.getvalue()


def test_ai_caiq_is_read_from_a_spreadsheet() -> None:
    made = parsed_answers("AI-CAIQ.xlsx", book())
    assert (made["ai-6"].answer, made["ai-6"].comment) == ("partly", "CAIQ: MDS-08.1, MDS-09.1")
    assert made["gov-2"].answer == "not-applicable"
    for odd in (b"PK", book("<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"), book("<x>"), book(f"<worksheet {SPACE}/>")):
        with pytest.raises(ConfigError):
            parsed_answers("caiq.xlsx", odd)


def test_answers_that_vsaq_saved_need_no_table() -> None:
    saved = {"secprog_team_no": "checked", "secprog_extaudits_annually": "checked", "network_encryption_yes": "checked"}
    made = parsed_answers("answers.json", json.dumps(saved | {"app_name": "words of theirs"}).encode())
    assert {id_: one.answer for id_, one in made.items()} == {"gov-1": "no", "gov-2": "yes", "crypto-1": "yes"}
    assert "words of theirs" not in str(made)


def test_names_of_files_open_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        parsed_answers(str(tmp_path), b"[]")
