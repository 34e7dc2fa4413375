"""Labelled texts to measure on: public corpora from a data directory, and the product's own held-out sets.

The rules: a data directory has a ``manifest.json`` with ``{"files": [{"file", "sha256", "role", ...}]}``; a file is
read only when its SHA-256 is the manifest's. ``role`` ``train`` means that shipped weights may have been fitted on it,
``eval`` that they were not. A row that names ``in_train`` has the same text in a ``train`` file. Nothing here opens a
link or runs a text.

The own sets are ``heldout.jsonl`` of each language's folder under ``chatward/models/training/phrases``: written for
measuring, unlike the phrases that models are trained on. Their language is the folder's name.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from chatward.core.errors import ChatwardError
from chatward.evaluation.metrics import Span
from chatward.ward import ROLES

OWN: Final = "own"
"""The kind of the product's own held-out sets; ``own/de`` is the German one."""

_ROLES: Final = {"tool_output": "tool", "memory": "document", "bot": "assistant"}


class DataError(ChatwardError):
    """A data directory cannot be used; the sentence names the file, never a row's text."""

    status = 400
    reason = "data-invalid"


@dataclass(frozen=True, slots=True)
class Row:
    """A text and what it is. ``source`` is the corpus (``neuralchemy``, ``own/de``), ``kind`` its folder, ``fitted``
    whether weights may have been fitted on its corpus, ``in_train`` where else the text stands (``""``: nowhere)."""

    text: str
    label: str
    role: str = "user"
    lang: str = "und"
    source: str = ""
    in_train: str = ""
    split: str = ""
    id: str = ""
    kind: str = ""
    attack: str = ""
    fitted: bool = False


@dataclass(frozen=True, slots=True)
class SpanRow:
    """A text and the personal data in it; ``spans`` carry the corpus' own entity names."""

    text: str
    spans: tuple[Span, ...]
    lang: str = "und"
    source: str = ""
    split: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file of a data directory, as its manifest describes it."""

    path: Path
    name: str  # folder/stem
    sha256: str
    fitted: bool
    licence: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    @property
    def source(self) -> str:
        return self.name.partition("/")[2]

    def rows(self) -> Iterator[Row]:
        """Its texts with labels. Raises ``DataError``, before the first row if the file is not the manifest's."""
        for number, fields in enumerate(_objects(self), 1):
            text, label = fields.get("text"), fields.get("label")
            if not isinstance(text, str) or not isinstance(label, str):
                raise DataError(f"{self.name}: row {number} has no text or no label")
            yield Row(
                text=text,
                label=label,
                role=_role(fields, self.name, number),
                lang=str(fields.get("lang") or "und"),
                source=self.source,
                in_train=str(fields.get("in_train") or ""),
                split=str(fields.get("split") or ""),
                id=str(fields.get("id", number)),
                kind=self.kind,
                attack=str(fields.get("attack") or ""),
                fitted=self.fitted,
            )

    def turns(self) -> Iterator[Row]:
        """What users say in its dialogues, as harmless rows. Raises ``DataError``."""
        for number, fields in enumerate(_objects(self), 1):
            turns = fields.get("turns")
            if not isinstance(turns, list):
                raise DataError(f"{self.name}: row {number} has no turns")
            for turn in turns:
                if not isinstance(turn, dict) or not isinstance(turn.get("text"), str):
                    raise DataError(f"{self.name}: row {number} has a turn without text")
                if turn.get("role") == "user":
                    lang, split = str(fields.get("lang") or "und"), str(fields.get("split") or "")
                    yield Row(
                        turn["text"], "benign", "user", lang, self.source, "", split, str(fields.get("id", number)),
                        self.kind, fitted=self.fitted,
                    )  # fmt: skip

    def span_rows(self) -> Iterator[SpanRow]:
        """Its texts with spans. Raises ``DataError``, also for a span that does not lie in its text."""
        for number, fields in enumerate(_objects(self), 1):
            text, spans = fields.get("text"), fields.get("spans")
            if not isinstance(text, str) or not isinstance(spans, list):
                raise DataError(f"{self.name}: row {number} has no text or no spans")
            try:
                found = tuple((int(start), int(end), str(label)) for start, end, label in spans)
            except (TypeError, ValueError) as error:
                raise DataError(f"{self.name}: row {number} has a span that is not [start, end, label]") from error
            if any(not 0 <= start < end <= len(text) for start, end, _ in found):
                raise DataError(f"{self.name}: row {number} has a span outside its text")
            lang, split = str(fields.get("lang") or "und"), str(fields.get("split") or "")
            yield SpanRow(text, found, lang, self.source, split, str(fields.get("id", number)))


@dataclass(frozen=True, slots=True)
class Data:
    """A data directory. ``corpora`` in the manifest's order."""

    folder: Path
    corpora: tuple[Corpus, ...] = field(repr=False)

    def of_kind(self, *kinds: str) -> tuple[Corpus, ...]:
        return tuple(corpus for corpus in self.corpora if corpus.kind in kinds)

    def corpus(self, name: str) -> Corpus:
        """The corpus of a name such as ``benign/banking77``. Raises ``DataError``."""
        found = next((corpus for corpus in self.corpora if corpus.name == name), None)
        if found is None:
            raise DataError(f"the data directory has no corpus {name}")
        return found


def open_data(folder: Path) -> Data:
    """The corpora of a directory. Files are checked when they are read. Raises ``DataError``."""
    manifest = folder / "manifest.json"
    try:
        files = orjson.loads(manifest.read_bytes())["files"]
        corpora = tuple(_corpus(folder, one) for one in files if str(one["file"]).endswith(".jsonl.gz"))
    except OSError as error:
        raise DataError(f"{manifest}: {error.strerror or 'cannot be read'}; see docs/evaluation.md") from error
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{manifest} is not a manifest of corpora; see docs/evaluation.md") from error
    if not corpora:
        raise DataError(f"{manifest} names no corpus (*.jsonl.gz)")
    return Data(folder, corpora)


def own_rows(folder: Path | None = None) -> tuple[Row, ...]:
    """The product's held-out rows of all languages; empty where none are there. Raises ``DataError``."""
    root = folder or Path(__file__).parents[1] / "models" / "training" / "phrases"
    return tuple(row for path in sorted(root.glob("*/heldout.jsonl")) for row in _own(path))


def _own(path: Path) -> Iterator[Row]:
    lang = path.parent.name
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        fields = _parsed(line, f"{lang}/heldout.jsonl", number)
        text, label = fields.get("text"), fields.get("label")
        if not isinstance(text, str) or not isinstance(label, str):
            raise DataError(f"{lang}/heldout.jsonl: row {number} has no text or no label")
        role = _role(fields, f"{lang}/heldout.jsonl", number)
        yield Row(text, label, role, lang, f"{OWN}/{lang}", id=f"{lang}:{number}", kind=OWN)


def _corpus(folder: Path, fields: dict[str, Any]) -> Corpus:
    name = str(fields["file"])
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise DataError("the manifest names a file outside its directory")
    return Corpus(
        folder / name, name.removesuffix(".jsonl.gz"), str(fields["sha256"]), fields.get("role") != "eval",
        str(fields.get("licence", "")),
    )  # fmt: skip


def _objects(corpus: Corpus) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(_lines(corpus.path, corpus.sha256, corpus.name), 1):
        yield _parsed(line, corpus.name, number)


@cache
def _lines(path: Path, sha256: str, name: str) -> Sequence[bytes]:
    """The lines of a file whose digest is the manifest's."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or 'cannot be read'}") from error
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise DataError(f"{name} is not the file that the manifest describes (SHA-256 differs)", reason="data-changed")
    try:
        return [line for line in gzip.decompress(packed).split(b"\n") if line]
    except (OSError, EOFError) as error:
        raise DataError(f"{name} is not a whole gzip file") from error


def _parsed(line: bytes, name: str, number: int) -> dict[str, Any]:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{name}: row {number} is not valid JSON") from error
    if not isinstance(fields, dict):
        raise DataError(f"{name}: row {number} is not a JSON object")
    return fields


def _role(fields: dict[str, Any], name: str, number: int) -> str:
    role = str(fields.get("role") or "user")
    role = _ROLES.get(role, role)
    if role not in ROLES:
        raise DataError(f"{name}: row {number} has a role that is none of {', '.join(ROLES)}")
    return role
