"""Where the encoder may stop early: which phrases the border is measured on, and how few of them are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.models.cascade import Calibration
from chatward.models.encoder import Encoder
from chatward.models.store import ModelFiles
from chatward.models.tier1 import Tier1
from chatward.models.training import exits
from chatward.models.training.corpora import Example
from chatward.models.wordpiece import WordPiece


def test_what_is_learnt_from_and_what_is_measured_on_are_apart() -> None:
    fitted, held = (list(exits.among(1, held=held)) for held in (False, True))
    assert not any(one.held for pair in fitted for one in pair)
    assert all(one.held for pair in held for one in pair)
    assert all(alone.text in inside.text and len(inside.text) > len(alone.text) for alone, inside in held)


def test_the_border_keeps_what_counts(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attacks weigh 0.75 to the tiny early net, and -0.25 with a dull word: one of two may be lost, or none."""
    cutter = WordPiece.load(files / "vocabulary.txt")
    calibration = Calibration.of(ModelFiles(files).json("calibration.json")["heads"])
    models = Tier1.load(files / "tier1.npz"), Encoder(files / "encoder.onnx", cutter), cutter, calibration
    one, other = (Example(text, {"attack": 1.0}, "phrases/direct", held=True) for text in ("sly", "sly dull"))
    plain = Example("odd dull", {"attack": 0.0}, "phrases/chat", held=True)
    order = Example("sly dull dull", {"indirect": 1.0}, "phrases/indirect", untrusted=True, held=True)
    monkeypatch.setattr(exits, "among", lambda seed, held: iter([(e, e) for e in (one, other, plain, order)]))
    found = exits.borders(*models)
    assert found["user"] == pytest.approx(-0.25)
    assert found["user"] < -0.25  # what weighs no more than the border stops
    assert found["untrusted"] < -1e9
    monkeypatch.setattr(exits, "LOST", (0.9, 0.9))
    assert exits.borders(*models)["user"] == pytest.approx(0.75)
    assert exits.LOST == (0.9, 0.9)


def test_rows_say_what_matters(files: Path) -> None:
    cutter = WordPiece.load(files / "vocabulary.txt")
    calibration = Calibration.of(ModelFiles(files).json("calibration.json")["heads"])
    texts = (("plain", 1.0), ("sly", 1.0), ("sly", 0.0), ("odd", 1.0))
    examples = [Example(text, {"attack": attack}, "own") for text, attack in texts]
    encoder = Encoder(files / "encoder.onnx", cutter)
    rows = exits.taught(examples, Tier1.load(files / "tier1.npz"), encoder, cutter, calibration)
    assert len(rows.seen) == len(rows.logits) == 3  # of what tier 1 is sure about nothing is learnt
    assert rows.matters.tolist() == [True, False, False]
    assert rows.counts.tolist() == [True, False, False]
