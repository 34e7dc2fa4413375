"""Which public corpora the models are made and measured with: ``data.json`` names each, and holds no row of any.

The rule: an entry is a file of a data directory (docs/data.md says what is in it) with its SHA-256, size, licence,
upstream and use. A corpus is fitted on only if its role is ``train``, which a licence must allow. ``data.json`` has
the form of a data directory's ``manifest.json`` and may stand in for it. It and the tables of docs/data.md are
made from the manifest of the directory that was trained with::

    python -m chatward.models.training.sources DIR/manifest.json [docs/data.md]
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from chatward.models.training import corpora

PUBLISHED: Final = Path(__file__).with_name("data.json")
FOLDERS: Final = ("injection", "benign", "dialogues", "abuse", "scam-text", "pii")
"""Folders of a data directory that training and evaluation read."""
SUFFIX: Final = ".jsonl.gz"

TEXTS: Final = "texts"
WORDS: Final = "personal data"
DOCUMENTS: Final = "documents"
THRESHOLDS: Final = "thresholds"
MEASURING: Final = "measuring"
USES: Final[Mapping[str, str]] = {
    TEXTS: "text heads are fitted on it",
    WORDS: "the entity head is fitted on it",
    DOCUMENTS: "clean documents are composed of it",
    THRESHOLDS: "thresholds are chosen on it",
    MEASURING: "it is only measured on",
}
_READ: Final[Mapping[str, Sequence[str]]] = {
    TEXTS: (
        *(f"injection/{name}" for name in corpora._INJECTION),
        *(f"benign/{name}" for name in corpora._BENIGN),
        *(f"dialogues/{name}" for name in corpora._DIALOGUES),
        *(f"abuse/{name}" for name in corpora.ABUSE),
        "scam-text/sms_spam_uci",
        "scam-text/spamassassin",
    ),
    WORDS: tuple(f"pii/{name}" for name in corpora._KNOWN),
    DOCUMENTS: (
        *(f"pii/{name}" for name in ("wikigold", "meddocan", "presidio_research")),
        *(f"dialogues/{name}" for name in ("sgd", "taskmaster", "topical_chat", "crosswoz")),
    ),
    THRESHOLDS: (*corpora.CALIBRATION, "scam-text/spamassassin"),
}
_MARKS: Final = re.compile(r"(<!-- data: ([a-z-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a data directory. ``use`` are keys of ``USES``; ``upstream`` is ``owner/repository@commit`` or a
    package with its version."""

    file: str
    role: str
    use: tuple[str, ...]
    licence: str
    upstream: tuple[str, ...]
    languages: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return self.file.removesuffix(SUFFIX)


def uses(name: str) -> tuple[str, ...]:
    """What a corpus (``benign/banking77``) is used for."""
    return tuple(use for use, names in _READ.items() if name in names) or (MEASURING,)


def sources(manifest: Mapping[str, Any]) -> tuple[Source, ...]:
    """What a data directory's manifest says of the corpora that are used. Raises ``CorpusError`` where one that is
    fitted on is missing, or may only be measured on."""
    found = [_source(row) for row in manifest["files"] if str(row["file"]).endswith(SUFFIX)]
    kept = tuple(source for source in found if source.name.partition("/")[0] in FOLDERS)
    roles = {source.name: source.role for source in kept}
    for name in sorted({name for names in _READ.values() for name in names}):
        if roles.get(name) != "train":
            raise corpora.CorpusError(f"the manifest does not allow to train on {name}")
    return kept


def published() -> tuple[Source, ...]:
    """The corpora that the shipped models were made and measured with."""
    listed = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return tuple(_source(row) for row in listed["files"])


def table(chosen: Iterable[Source]) -> str:
    """Corpora as a Markdown table."""
    lines = ["| corpus | use | rows | languages | licence | upstream | SHA-256 |", "|---|---|---|---|---|---|---|"]
    for source in chosen:
        cells = (
            f"`{source.name}`", ", ".join(source.use), str(source.rows), ", ".join(source.languages), source.licence,
            "<br>".join(source.upstream), f"`{source.sha256}`",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def renewed(page: str, listed: Sequence[Source]) -> str:
    """A page with its tables made anew, between ``<!-- data: trained -->`` (or ``measured``) and ``<!-- end -->``."""
    tables = {
        "trained": table(source for source in listed if source.use != (MEASURING,)),
        "measured": table(source for source in listed if source.use == (MEASURING,)),
    }
    return _MARKS.sub(lambda found: found[1] + tables[found[2]] + found[3], page)


def _source(row: Mapping[str, Any]) -> Source:
    upstream = row["upstream"]
    return Source(
        file=str(row["file"]),
        role=str(row["role"]),
        use=uses(str(row["file"]).removesuffix(SUFFIX)),
        licence=str(row["licence"]),
        upstream=tuple(upstream) if isinstance(upstream, list) else (str(upstream),),
        languages=tuple(row["languages"]),
        rows=int(row["rows"]),
        bytes=int(row["bytes"]),
        sha256=str(row["sha256"]),
    )


def main(arguments: Sequence[str]) -> None:
    """Writes ``data.json`` from a manifest, and the tables of a page."""
    manifest, *pages = map(Path, arguments)
    listed = sources(json.loads(manifest.read_text(encoding="utf-8")))
    text = json.dumps({"files": [asdict(source) for source in listed]}, ensure_ascii=False, indent=1)
    PUBLISHED.write_text(text + "\n", encoding="utf-8")
    for page in pages:
        page.write_text(renewed(page.read_text(encoding="utf-8"), listed), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
