"""Answers from files: our own questionnaire (JSON), CSA's CAIQ and AI-CAIQ, and files with ids of others (VSAQ).

The rules:

1. Ours: ``{"question": {"answer": "yes", "comment": "..."}}``, or the short ``{"question": "yes"}``.
2. CAIQ v4 and AI-CAIQ (CSV, or a spreadsheet): a row for each question with its id (``CEK-03.1``, ``MDS-08.1``) and
   its answer (``Yes``, ``No``, ``NA``). A question of ours is answered by the rows of the controls that it names
   (``ids.ccm`` and ``ids.aicm``; AICM keeps the ids of CCM): yes where all say yes, no where none does, else partly.
   What no row answers stays unanswered. A row says less than our question asks; the comment names the rows.
3. Others (``{"id": "yes"}``, or lists of ``{"id": ..., "value": ...}``): by a table of their ids to ours, which whoever
   imports gives. Answers that VSAQ saved are known by ids of its own questionnaires (``VSAQ``) and need no table; there
   a choice is an id of its own that is ``checked``, ending in ``_yes`` or ``_no`` where it is one of two.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from chatward.assurance import spreadsheet
from chatward.assurance.questionnaire import ANSWERS, Answer, questionnaire
from chatward.core.errors import ConfigError

_CONTROL: Final = re.compile(r"([A-Z&]{2,4}-\d{2})(?:\.\d+)?")
VSAQ: Final[Mapping[str, str]] = {
    "secprog_team_yes": "gov-1", "secprog_team_no": "gov-1", "secprog_extaudits_quarterly": "gov-2",
    "secprog_extaudits_annually": "gov-2", "network_encryption_yes": "crypto-1", "network_encryption_no": "crypto-1",
    "secprog_incidentmanagement": "incident-2",
}  # fmt: skip
"""Ids of VSAQ's questionnaires -> ours, where they ask for the same."""
_WORDS: Final = {"yes": "yes", "true": "yes", "checked": "yes", "no": "no", "false": "no", "na": "n", "n/a": "n"}


def read_answers(path: Path, table: Path | None = None) -> dict[str, Answer]:
    """Answers to our questions. Raises ``ConfigError``."""
    try:
        return parsed_answers(path.name, path.read_bytes(), None if table is None else table.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", reason="answers-invalid") from error


def parsed_answers(name: str, data: bytes, table: bytes | None = None) -> dict[str, Answer]:
    """The same of a file's content. ``name`` tells what kind it is. Raises ``ConfigError``."""
    try:
        if source_of(name) == "caiq":
            return from_caiq(
                spreadsheet.rows(data)
                if data.startswith(b"PK")
                else csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
            )
        document = json.loads(data.decode("utf-8-sig"))
        if table is not None:
            return _by_table(document, json.loads(table.decode("utf-8-sig")))
        if isinstance(document, dict) and not document.keys().isdisjoint(VSAQ):
            return _by_table(document, VSAQ)
        return {id_: _own(id_, said) for id_, said in document.items()}
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, csv.Error) as error:
        raise ConfigError("There are no answers in this file.", reason="answers-invalid") from error


def source_of(name: str | Path) -> str:
    """Of what kind a file with answers is, as the record says it."""
    return "caiq" if Path(name).suffix.lower() in {".csv", ".xlsx"} else "file"


def _own(question: str, said: Any) -> Answer:
    try:
        return msgspec.convert({"answer": said} if isinstance(said, str) else said, Answer)
    except msgspec.ValidationError as error:
        sentence = f"{question[:80]}: an answer is one of {', '.join(ANSWERS)}, perhaps with a comment"
        raise ConfigError(sentence, reason="answers-invalid") from error


def from_caiq(rows: Iterable[list[str]]) -> dict[str, Answer]:
    """Raises ``ConfigError`` where no row is one of CAIQ."""
    said: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        cells = [cell.strip() for cell in row]
        place = next((index for index, cell in enumerate(cells) if _CONTROL.fullmatch(cell)), None)
        if place is None:
            continue
        word = next((_WORDS[cell.lower()] for cell in cells[place + 1 :] if cell.lower() in _WORDS), None)
        found = _CONTROL.fullmatch(cells[place])
        if word is not None and found is not None:
            said.setdefault(found[1], []).append((cells[place], word))
    if not said:
        raise ConfigError("There is no answer to a question of CAIQ in it.", reason="answers-invalid")
    made: dict[str, Answer] = {}
    for question in questionnaire().questions:
        rows_ = [
            pair
            for control in (*question.ids.get("ccm", ()), *question.ids.get("aicm", ()))
            for pair in said.get(control, ())
        ]
        words = {word for _, word in rows_ if word != "n"}
        if not rows_:
            continue
        comment = f"CAIQ: {', '.join(id_ for id_, _ in rows_)}"
        if not words:
            made[question.id] = Answer("not-applicable", comment)
        else:
            made[question.id] = Answer("yes" if words == {"yes"} else "no" if words == {"no"} else "partly", comment)
    return made


def _by_table(document: Any, table: Mapping[str, str]) -> dict[str, Answer]:
    pairs = document.items() if isinstance(document, dict) else ((one["id"], one.get("value")) for one in document)
    made: dict[str, Answer] = {}
    for theirs, value in pairs:
        ours = table.get(str(theirs))
        word = _WORDS.get(str(value).lower())
        if ours is None or word is None:
            continue
        if str(theirs).endswith("_no") and str(value).lower() == "checked":
            word = "no"
        answer = Answer("not-applicable" if word == "n" else "yes" if word == "yes" else "no", f"imported: {theirs}")
        made[ours] = (
            answer if ours not in made or made[ours].answer == answer.answer else Answer("partly", answer.comment)
        )
    if not made:
        raise ValueError("nothing fits")
    return made
