"""Calibration: 0.5 is what the share of ordinary texts says that ``ALARMS`` names."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.models.cascade import Calibration, Cascade
from chatward.models.encoder import Encoder, windows
from chatward.models.heads import HEADS, INDEX
from chatward.models.names import NameTagger, doubts
from chatward.models.store import ModelFiles
from chatward.models.tier1 import Tier1
from chatward.models.training import corpora
from chatward.models.training.calibrate import (
    ALARMS,
    ASKED,
    LEAST,
    MISSED,
    MOST_DOUBT,
    NOT_ASKED,
    SHARES,
    calibrate,
    calibration_texts,
    logits,
    names_doubt,
    naming_texts,
)
from chatward.models.wordpiece import WordPiece

Pair = tuple[np.ndarray, np.ndarray]


def drawn(seed: int, count: int, shift: float = 0.0) -> Pair:
    """Logits of both tiers as models give them: skewed, different from head to head."""
    rng = np.random.default_rng(seed)
    scale, middle = rng.uniform(0.3, 3, len(HEADS)), rng.uniform(-6, 2, len(HEADS))
    return tuple(  # type: ignore[return-value]
        (rng.gumbel(size=(count, len(HEADS))) * scale + middle + shift).astype(np.float32) for _ in range(2)
    )


def fused(pair: Pair, found: Calibration, head: str) -> np.ndarray:
    a, b, c = found.both[head]
    place = INDEX[head]
    return 1 / (1 + np.exp(-(a * pair[0][:, place].astype(float) + b * pair[1][:, place].astype(float) + c)))


@settings(max_examples=25)
@given(st.integers(0, 1 << 30), st.integers(2000, 6000), st.integers(500, 3000))
def test_the_share_of_ordinary_texts_that_count_is_the_one_announced(seed: int, count: int, documents: int) -> None:
    ordinary, clean = drawn(seed, count, shift=12.0), drawn(seed + 1, documents, shift=12.0)
    alike = drawn(seed, 400, shift=-90.0)
    found = Calibration.of(calibrate(ordinary, alike, clean)["heads"])
    for head in HEADS:
        texts = clean if head == "indirect" else ordinary
        share = float((fused(texts, found, head) > 0.5).mean())
        assert share == pytest.approx(ALARMS[head], abs=1.5 / len(texts[0]))


@settings(max_examples=25)
@given(st.integers(0, 1 << 30), st.floats(-9, 9))
def test_nothing_counts_that_the_models_think_unlikely(seed: int, shift: float) -> None:
    """However quiet ordinary texts are: an alarm takes a logit of its own."""
    ordinary, alike, clean = (drawn(seed + n, 400, shift=shift) for n in range(3))
    found = Calibration.of(calibrate(ordinary, alike, clean)["heads"])
    for head in HEADS:
        least = LEAST.get(head, 0.0)
        a, b, c = found.both[head]
        assert (a + b) * least + c <= 1e-6
        texts = clean if head == "indirect" else ordinary
        assert (fused(texts, found, head) > 0.5).mean() <= ALARMS[head] + 1.5 / 400


@settings(max_examples=25)
@given(st.integers(0, 1 << 30), st.floats(-4, 8))
def test_look_alikes_are_stopped_no_more_than_ten_times_as_often(seed: int, shift: float) -> None:
    ordinary, alike, clean = drawn(seed, 2000), drawn(seed, 2000, shift=shift), drawn(seed + 1, 500)
    found = Calibration.of(calibrate(ordinary, alike, clean)["heads"])
    for head in HEADS:
        if head == "indirect":
            continue
        assert (fused(alike, found, head) > 0.5).mean() <= 10 * ALARMS[head] + 1.5 / 2000
        assert (fused(ordinary, found, head) > 0.5).mean() <= ALARMS[head] + 1.5 / 2000


@settings(max_examples=25)
@given(st.integers(0, 1 << 30))
def test_tier_2_is_asked_about_the_texts_that_are_least_ordinary(seed: int) -> None:
    ordinary, clean = drawn(seed, 3000), drawn(seed + 1, 900)
    found = Calibration.of(calibrate(ordinary, drawn(seed, 100), clean)["heads"])
    for head, (low, high) in found.borders.items():
        texts = (clean if head == "indirect" else ordinary)[0][:, INDEX[head]].astype(float)
        assert (1 / (1 + np.exp(-texts)) > low).mean() == pytest.approx(ASKED.get(head, NOT_ASKED), abs=0.005)
        assert high == 1.0


@given(st.integers(0, 1 << 30), st.floats(-20, 20), st.floats(0.1, 5), st.sampled_from(HEADS))
def test_maps_are_monotone_and_agree(seed: int, logit: float, more: float, head: str) -> None:
    """A higher logit of either tier never lowers a score, and a tier that stands alone is scored on the same scale."""
    found = Calibration.of(calibrate(drawn(seed, 60), drawn(seed + 1, 60), drawn(seed + 2, 60))["heads"])
    a, b, c = found.both[head]
    scale, shift = found.alone[head]
    assert min(a, b, scale) > 0
    assert scale * logit + shift == pytest.approx(a * logit + b * logit + c, abs=1e-5)
    assert a * (logit + more) + c > a * logit + c
    assert (a, b) == SHARES


def test_every_head_has_its_alarms() -> None:
    assert set(ALARMS) == set(HEADS)
    assert all(0 < share <= (0.04 if head == "indirect" else 0.003) for head, share in ALARMS.items())


# --- texts and logits ----------------------------------------------------------------------------------


def test_texts_are_those_that_no_model_was_fitted_on(data: Path) -> None:
    ordinary, alike, documents = calibration_texts(data, seed=3)
    held = {example.text: example.source for example in corpora.phrase_examples(seed=4) if example.held}
    banked = [text for text in ordinary if text.startswith("held back for thresholds")]
    assert len(banked) == 80  # 40 of each corpus
    assert {held[text] for text in ordinary if text not in banked} == {"phrases/chat", "phrases/request"}
    assert {held[text] for text in alike} == {
        "phrases/trigger", "phrases/scam_benign", "phrases/abuse_benign", "phrases/pii", "phrases/pii_benign",
    }  # fmt: skip
    mails = [text for text in documents if text not in held]
    assert mails
    assert all(text.startswith("Dear reader, this is the body of a spam mail") for text in mails)
    fitted = {example.text for example in corpora.corpus_examples(data)}
    assert fitted.isdisjoint({*banked, *mails})


def test_a_texts_logits_are_its_strictest_windows(files: Path, cascade: Cascade) -> None:
    cutter = WordPiece.load(files / "vocabulary.txt")
    tier1, encoder = Tier1.load(files / "tier1.npz"), Encoder(files / "encoder.onnx", cutter)
    texts = ["plain", "sly evil", "plain " * 200 + "sly", "", "odd " * 300, "lure plain " * 90]
    first, second = logits(texts, tier1, encoder, cutter, untrusted=False)
    assert first.shape == second.shape == (len(texts), len(HEADS))
    for row, text in enumerate(texts):
        found = windows(cutter(text), untrusted=False)
        if not found:
            assert (first[row] == -12).all()
            continue
        for place in range(len(HEADS)):
            ones = [float(tier1.logits(text[slice(*w.span())], w.tokens.ids[w.start : w.end])[place]) for w in found]
            twos = [float(answer[0][place]) for answer in encoder.run(found)]
            both = [SHARES[0] * one + SHARES[1] * two for one, two in zip(ones, twos, strict=True)]
            assert SHARES[0] * first[row, place] + SHARES[1] * second[row, place] == pytest.approx(max(both), abs=1e-3)
            assert any(math.isclose(first[row, place], one, abs_tol=1e-3) for one in ones)


def test_the_encoder_is_asked_about_all_but_few_names_that_the_small_net_misses(files: Path) -> None:
    cutter = WordPiece.load(files / "vocabulary.txt")
    tagger, encoder = NameTagger.load(files / "names.npz"), Encoder(files / "encoder.onnx", cutter)
    # Of names the small net knows nothing: the encoder must be asked, at a doubt that is no greater than theirs.
    assert names_doubt(["plain anna", "plain", "evil smith"], tagger, encoder, cutter) == MOST_DOUBT
    hesitant = replace(tagger, out=tagger.out * np.float32(0.8))
    doubt = doubts(hesitant.probabilities(cutter("anna")))[0]
    assert doubt < MOST_DOUBT
    assert names_doubt(["plain anna", "plain"], hesitant, encoder, cutter) == pytest.approx(doubt)
    assert names_doubt(["plain"], tagger, encoder, cutter) == MOST_DOUBT
    assert 0 < MISSED <= 0.05


def test_names_are_measured_on_texts_that_it_did_not_learn_from(data: Path) -> None:
    held = {row.text for row in corpora.tagged_phrases(seed=2) if row.held}
    apart = [text for text in naming_texts(data, seed=2) if text not in held]
    assert all(map(corpora.set_aside, apart))
    assert held


def test_the_shipped_calibration_is_one() -> None:
    fields = ModelFiles().json("calibration.json")
    found = Calibration.of(fields["heads"])
    assert set(found.borders) == set(HEADS)
    assert fields["alarms"] == dict(ALARMS)
    for head in HEADS:
        assert 0 < found.borders[head][0] < found.borders[head][1] <= 1
        assert min(*found.both[head][:2], found.alone[head][0]) > 0
