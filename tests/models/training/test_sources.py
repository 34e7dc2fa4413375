"""What is told of the corpora: exactly what the training reads, in the same words everywhere, and no row."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward.models.training import calibrate, corpora, mixture, sources
from chatward.models.training.corpora import CorpusError

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "data.md").read_text("utf-8")
LISTED = json.loads(sources.PUBLISHED.read_text("utf-8"))
LABELS = {
    "injection": "injection",
    "benign": "benign",
    "abuse": "neither",
    "scam-text": "ham",
    "pii": "",
    "dialogues": "",
}


def rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Rows of the shape that a folder's corpora have."""
    text = "Where is the parcel that I sent to my sister on Monday?"
    turns = [{"role": "user", "text": text}, {"role": "assistant", "text": "On its way."}]
    for number in range(800):
        label = LABELS.get(name.partition("/")[0], "")
        yield {"id": number, "text": f"{text} {number}", "label": label, "spans": [], "turns": turns}


def test_every_corpus_that_training_reads_is_listed_with_its_use_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpora.phrases, "languages", lambda folder=None: ())  # phrases are no corpora
    parts = {
        sources.TEXTS: lambda: list(corpora.corpus_examples(Path("data"))),
        sources.WORDS: lambda: list(corpora.tagged_corpora(Path("data"))),
        sources.DOCUMENTS: lambda: list(mixture.documents(Path("data"), random.Random(0))),
        sources.THRESHOLDS: lambda: calibrate.calibration_texts(Path("data")),
    }
    for use, part in parts.items():
        read: set[str] = set()

        def noted(folder: Path, name: str, read: set[str] = read) -> Iterator[dict[str, Any]]:
            read.add(name)
            return rows(folder, name)

        monkeypatch.setattr(corpora, "rows", noted)
        part()
        assert read
        assert read == {source.name for source in sources.published() if use in source.use}, use


def test_what_is_fitted_on_may_be() -> None:
    for source in sources.published():
        assert source.role in {"train", "eval"}
        assert source.licence
        assert all(source.upstream)
        assert re.fullmatch(r"[0-9a-f]{64}", source.sha256)
        if source.use != (sources.MEASURING,):
            assert source.role == "train", source.name
            assert not re.search(r"\bNC\b|GPL|^none", source.licence), source.name


def test_the_list_has_the_form_of_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(sources.PUBLISHED.read_text("utf-8"))
    entries = corpora.manifest(tmp_path)
    assert entries["benign/banking77.jsonl.gz"]["role"] == "train"
    assert entries["injection/neuralchemy.jsonl.gz"]["role"] == "eval"
    assert sources.sources(LISTED) == sources.published()


def test_a_corpus_that_is_missing_or_not_allowed_is_refused() -> None:
    for change in ({"role": "eval"}, {"file": "benign/other.jsonl.gz"}):
        changed = copy.deepcopy(LISTED)
        next(row for row in changed["files"] if row["file"] == "benign/banking77.jsonl.gz").update(change)
        with pytest.raises(CorpusError, match="benign/banking77"):
            sources.sources(changed)


def test_the_page_says_what_the_list_says() -> None:
    assert sources.renewed(PAGE, sources.published()) == PAGE
    told = re.findall(r"^\| `([a-z-]+/\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(source.name for source in sources.published())
    for use in sources.USES:
        assert f"| {use} |" in PAGE


def test_making_it_again_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, page, manifest = tmp_path / "data.json", tmp_path / "data.md", tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"files": [*LISTED["files"], {"file": "urls/x.jsonl.gz", **_OTHER}]}))
    page.write_text(sources.renewed(PAGE, ()))
    monkeypatch.setattr(sources, "PUBLISHED", made)
    sources.main([str(manifest), str(page)])
    assert json.loads(made.read_text("utf-8")) == LISTED
    assert page.read_text("utf-8") == PAGE


_OTHER = {
    "role": "train",
    "licence": "MIT",
    "upstream": "a/b@1",
    "languages": [],
    "rows": 1,
    "bytes": 1,
    "sha256": "0",
}
