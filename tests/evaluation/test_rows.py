from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from chatward.evaluation.rows import DataError, Row, SpanRow, open_data, own_rows


def written(folder: Path, name: str, rows: list[dict[str, Any]], role: str = "eval", **fields: Any) -> dict[str, Any]:
    """Writes a corpus; returns its line of the manifest."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows)))
    return {"file": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "role": role, **fields}


def manifest(folder: Path, *files: dict[str, Any]) -> Path:
    (folder / "manifest.json").write_text(json.dumps({"files": list(files)}))
    return folder


def test_rows_carry_what_the_corpus_says_of_them(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": "one\u2028line", "label": "benign", "lang": "en", "split": "test", "in_train": "other"},
        {"text": "two", "label": "indirect-injection", "role": "tool_output", "attack": "append"},
    ]
    one = written(tmp_path, "injection/sample.jsonl.gz", rows, role="train")
    data = open_data(manifest(tmp_path, one, {"file": "intel/list.tar.gz", "sha256": "-"}))
    assert [corpus.name for corpus in data.corpora] == ["injection/sample"]
    assert list(data.corpus("injection/sample").rows()) == [
        Row("one\u2028line", "benign", "user", "en", "sample", "other", "test", "7", "injection", fitted=True),
        Row("two", "indirect-injection", "tool", "und", "sample", "", "", "2", "injection", "append", fitted=True),
    ]
    assert data.of_kind("injection", "benign") == data.corpora
    assert data.of_kind("pii") == ()


def test_span_rows_lie_in_their_text(tmp_path: Path) -> None:
    good = written(tmp_path, "pii/good.jsonl.gz", [{"text": "Ann here", "spans": [[0, 3, "PERSON"]], "lang": "en"}])
    wrong = written(tmp_path, "pii/wrong.jsonl.gz", [{"text": "Ann", "spans": [[0, 4, "PERSON"]]}])
    odd = written(tmp_path, "pii/odd.jsonl.gz", [{"text": "Ann", "spans": [["a"]]}])
    data = open_data(manifest(tmp_path, good, wrong, odd))
    assert list(data.corpus("pii/good").span_rows()) == [SpanRow("Ann here", ((0, 3, "PERSON"),), "en", "good", id="1")]
    with pytest.raises(DataError, match="outside its text"):
        list(data.corpus("pii/wrong").span_rows())
    with pytest.raises(DataError, match=r"\[start, end, label\]"):
        list(data.corpus("pii/odd").span_rows())


def test_a_file_that_is_not_the_manifests_is_not_read(tmp_path: Path) -> None:
    one = written(tmp_path, "benign/sample.jsonl.gz", [{"text": "secret words", "label": "benign"}])
    data = open_data(manifest(tmp_path, {**one, "sha256": "0" * 64}))
    with pytest.raises(DataError, match="SHA-256 differs") as raised:
        next(data.corpora[0].rows())
    assert raised.value.reason == "data-changed"
    (tmp_path / "benign/sample.jsonl.gz").unlink()
    with pytest.raises(DataError, match="No such file"):
        next(open_data(manifest(tmp_path, {**one, "sha256": "1" * 64})).corpora[0].rows())


@pytest.mark.parametrize(
    "row", [{"text": "private"}, {"text": 3, "label": "benign"}, {"text": "private", "label": "benign", "role": "king"}]
)
def test_a_row_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path, row: dict[str, Any]) -> None:
    data = open_data(manifest(tmp_path, written(tmp_path, "benign/sample.jsonl.gz", [row])))
    with pytest.raises(DataError, match="row 1") as raised:
        list(data.corpora[0].rows())
    assert "private" not in str(raised.value)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"files": []}', '{"files": [{"file": "../x/y.jsonl.gz", "sha256": "0"}]}', None]
)
def test_a_directory_without_a_usable_manifest_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="manifest"):
        open_data(tmp_path)
    data = open_data(manifest(tmp_path, written(tmp_path, "benign/sample.jsonl.gz", [])))
    with pytest.raises(DataError, match="no corpus"):
        data.corpus("benign/other")


def test_own_rows_take_their_language_from_the_folder(tmp_path: Path) -> None:
    for lang in ("de", "hi"):
        (tmp_path / lang).mkdir()
        line = json.dumps({"text": f"a text in {lang}", "label": "benign-trigger", "role": "document"})
        (tmp_path / lang / "heldout.jsonl").write_text(f"{line}\n\n")
    assert [(row.lang, row.source, row.role) for row in own_rows(tmp_path)] == [
        ("de", "own/de", "document"),
        ("hi", "own/hi", "document"),
    ]
    (tmp_path / "de" / "heldout.jsonl").write_text("{")
    with pytest.raises(DataError, match=r"de/heldout\.jsonl: row 1"):
        own_rows(tmp_path)


def test_the_products_own_rows_can_be_read() -> None:
    """Whatever languages are there, each row is one that can be measured on."""
    known = {"injection", "jailbreak", "indirect-injection", "benign", "benign-trigger", "social-engineering", "abuse"}
    for row in own_rows():
        assert row.label in known, row.id
        assert row.text.strip(), row.id
        if row.label == "indirect-injection":
            assert row.role in {"document", "tool"}, row.id


def test_what_users_say_in_dialogues_is_ordinary_chat(tmp_path: Path) -> None:
    turns = [{"role": "user", "text": "Hello"}, {"role": "assistant", "text": "Hi"}, {"role": "user", "text": "Bye"}]
    good = written(tmp_path, "dialogues/good.jsonl.gz", [{"id": 1, "turns": turns, "lang": "it"}], role="train")
    wrong = written(tmp_path, "dialogues/wrong.jsonl.gz", [{"turns": [{"role": "user"}]}])
    data = open_data(manifest(tmp_path, good, wrong))
    rows = list(data.corpus("dialogues/good").turns())
    assert [(row.text, row.label, row.lang, row.fitted) for row in rows] == [
        ("Hello", "benign", "it", True),
        ("Bye", "benign", "it", True),
    ]
    with pytest.raises(DataError, match="turn without text"):
        list(data.corpus("dialogues/wrong").turns())
