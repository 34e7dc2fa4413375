"""A folder of corpora as training reads it, small and written here: every corpus that is named, a few rows of each.

Texts say which corpus and label they stand for, so that a test can follow them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chatward.models.training import corpora

INJECTION_LABELS = ("jailbreak", "injection", "harmful-request", "benign", "benign-trigger")
ABUSE_LABELS = ("toxic", "hate", "offensive", "neither", "ambiguous")
NOTE = "Seen today: Anna Smith, 34, of Berlin. "
DIALOGUES = 700
"""Dialogues of each corpus: as many as documents are made of."""


def write_corpora(folder: Path) -> Path:
    """All corpora that ``corpora`` and ``mixture`` read, and their manifest."""
    for name in corpora._INJECTION:
        write(folder, f"injection/{name}", _injection(name))
    for name in corpora._BENIGN:
        write(folder, f"benign/{name}", [_row(name, n, f"{name} asks for a recipe number {n}") for n in range(6)])
    for name in corpora.CALIBRATION:
        rows = [_row(name, n, f"held back for thresholds {n} of {name}") for n in range(40)]
        write(folder, name, rows)
    for name in corpora._DIALOGUES:
        write(folder, f"dialogues/{name}", [_dialogue(name, n) for n in range(DIALOGUES)])
    for name in corpora.ABUSE:
        rows = [_row(name, n, f"{name} says {label}", label=label) for n, label in enumerate(ABUSE_LABELS)]
        write(folder, f"abuse/{name}", rows)
    write(folder, "scam-text/sms_spam_uci", _labelled("sms_spam_uci", ("spam", "ham")))
    write(folder, "scam-text/spamassassin", [_mail(n, label) for n, label in enumerate(("spam", "ham") * 8)])
    for name in corpora._KNOWN:
        write(folder, f"pii/{name}", [_tagged(name, n) for n in range(8)])
    return folder


def write(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], *, role: str = "train") -> None:
    """One corpus, and its entry in the manifest."""
    path = folder / f"{name}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    path.write_bytes(packed)
    enter(folder, name, sha256=hashlib.sha256(packed).hexdigest(), role=role)


def enter(folder: Path, name: str, **fields: Any) -> None:
    """Sets fields of a corpus's entry in the manifest."""
    path = folder / "manifest.json"
    entries = {entry["file"]: entry for entry in json.loads(path.read_text())["files"]} if path.exists() else {}
    file = f"{name}.jsonl.gz"
    start = {"file": file, "licence": "CC0 for tests", "upstream": f"upstream of {name}"}
    entries[file] = {**entries.get(file, start), **fields}
    path.write_text(json.dumps({"files": list(entries.values())}))
    corpora._MANIFESTS.pop(folder, None)


def _row(name: str, number: int, text: str, **more: Any) -> dict[str, Any]:
    return {"id": f"{name}-{number}", "text": text, "lang": "en", **more}


def _labelled(name: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    return [_row(name, n, f"{name} says {label}", label=label) for n, label in enumerate(labels)]


def _injection(name: str) -> list[dict[str, Any]]:
    rows = _labelled(name, INJECTION_LABELS)
    rows.append(_row(name, 7, f"{name} document says benign", label="benign", role="document"))
    rows.append(_row(name, 8, f"{name} tool says indirect-injection", label="indirect-injection", role="tool"))
    rows.append(_row(name, 9, f"{name} template with a {{{{ prompt }}}} in it", label="jailbreak"))
    return rows


def _dialogue(name: str, number: int) -> dict[str, Any]:
    turns = [{"role": "user", "text": f"{name} turn {turn} of talk {number}"} for turn in range(6)]
    return {"id": f"{name}-{number}", "lang": "en", "turns": turns}


def _mail(number: int, label: str) -> dict[str, Any]:
    headers = f"Return-Path: <a@mail.example>\nX-Status: telltale {label}\nSubject: number {number}"
    text = f"{headers}\n\nDear reader, this is the body of a {label} mail with number {number}.\n\nIt has two parts."
    return _row("spamassassin", number, text, label=label)


def _tagged(name: str, number: int) -> dict[str, Any]:
    """A note longer than training takes at once, with spans all over it; each corpus has its own names for kinds."""
    person, place, age = {
        "presidio_research": ("PERSON", "GPE", "AGE"),
        "meddocan": ("NOMBRE_SUJETO_ASISTENCIA", "TERRITORIO", "EDAD_SUJETO_ASISTENCIA"),
        "wnut17": ("person", "location", "creative-work"),
        "wikigold": ("PER", "LOC", "MISC"),
    }[name]
    text, spans = "", []
    for _ in range(1 + 4 * number):
        for word, label in (("Anna Smith", person), ("34", age), ("Berlin", place)):
            start = len(text) + NOTE.index(word)
            spans.append([start, start + len(word), label])
        text += NOTE
    return {"id": f"{name}-{number}", "lang": "en", "text": text, "spans": spans}
