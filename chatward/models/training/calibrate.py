"""From logits to scores: where 0.5 lies, and when tier 2 is asked.

The rule: 0.5 is the score that a chosen share of ordinary texts exceeds (``ALARMS``), measured on texts that no
model was fitted on: support chat of two corpora, and held-back written phrases of every language, look-alikes
included. Both tiers' logits are added with fixed shares, so that a text is not scored on another scale because only
tier 1 has read it. Tier 2 is asked about the
``ASKED`` share of ordinary texts that tier 1 finds least ordinary, for each head; about personal data, where the small
net doubts so much that no more than ``MISSED`` of the names that tier 2 would treat are neither found nor asked about.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward.models.encoder import Encoder, wide_windows, windows
from chatward.models.entities import entities, word_probabilities
from chatward.models.heads import HEADS, INDEX
from chatward.models.names import NameTagger, doubts
from chatward.models.tier1 import Tier1
from chatward.models.training import corpora
from chatward.models.wordpiece import Tokens, WordPiece

Floats = NDArray[np.float32]

ALARMS: Final[Mapping[str, float]] = {
    "attack": 0.003, "direct": 0.003, "extraction": 0.003, "jailbreak": 0.003, "indirect": 0.04,
    "toxic": 0.003, "hate": 0.001, "sexual": 0.001, "self-harm": 0.001, "violence": 0.001, "illegal": 0.002,
    "scam": 0.002,
}  # fmt: skip
"""Share of ordinary texts that may score 0.5 and more, by head. The documents for ``indirect`` are the hard ones: half
of them speak of instructions, or quote them."""
LEAST: Final[Mapping[str, float]] = {
    "attack": 1.9, "direct": 1.4, "extraction": 0.5, "jailbreak": 0.5,
    "hate": 1.0, "sexual": 1.0, "violence": 1.0, "illegal": 3.0, "self-harm": 1.0, "scam": 2.0,
}  # fmt: skip
"""The least logit that an alarm takes, by head (else zero): never an alarm where the models say "rather not", and
more where an angry customer must not be taken for worse."""
ASKED: Final[Mapping[str, float]] = {
    "attack": 0.22, "toxic": 0.03, "hate": 0.03, "sexual": 0.03, "self-harm": 0.03, "violence": 0.03, "illegal": 0.03,
    "scam": 0.04, "indirect": 0.25,
}  # fmt: skip
"""Share of ordinary texts about which tier 2 is asked, by head that asks. Shares above these stop nothing more, and
rank few more attacks above ordinary chat: for ``attack`` 0.15 lost up to 0.05 of recall at 1 % false alarms, 0.40
would bring up to 0.02 for half as many readings again."""
NOT_ASKED: Final = 0.25
"""The same of heads that only name an attack: their doubt asks nobody."""
SHARES: Final = (0.35, 0.65)
"""What tier 1 and tier 2 count for where both have read a text."""
MISSED: Final = 0.05
"""Share of names that the encoder would treat and the small net neither finds nor doubts."""
MOST_DOUBT: Final = 0.5
"""The encoder is asked at this doubt in any case."""
_SURE: Final = 0.5
_TREATED: Final = 0.85
"""Confidence from which a name is noted, and from which it is treated (``guards.text.pii_model``)."""
_NAMES: Final = ("PERSON", "ADDRESS")
_SAMPLE: Final = 2500  # texts of each corpus


def calibration_texts(folder: Path, *, seed: int = 0) -> tuple[list[str], list[str], list[str]]:
    """Ordinary texts of users, look-alikes among them, and clean documents: none of them fitted on."""
    rng = random.Random(seed)
    ordinary: list[str] = []
    for name in corpora.CALIBRATION:
        texts = [str(row["text"]) for row in corpora.rows(folder, name)]
        ordinary.extend(rng.sample(texts, min(_SAMPLE, len(texts))))
    held = [example for example in corpora.phrase_examples(seed=seed + 1) if example.held]
    ordinary.extend(example.text for example in held if example.source in ("phrases/chat", "phrases/request"))
    kinds = tuple(f"phrases/{kind}" for kind in ("trigger", "scam_benign", "abuse_benign", "pii", "pii_benign"))
    alike = [example.text for example in held if example.source in kinds]
    documents = [example.text for example in held if example.source == "phrases/document"]
    mails = [
        corpora.body(str(row["text"]))
        for row in corpora.rows(folder, "scam-text/spamassassin")
        if row["label"] == "spam"
    ]
    mails = [mail for mail in mails if len(mail) > 40 and corpora.kept_back(mail)]
    documents.extend(rng.sample(mails, min(400, len(mails))))
    return ordinary, alike, documents


def logits(
    texts: Sequence[str], tier1: Tier1, encoder: Encoder, cutter: WordPiece, *, untrusted: bool
) -> tuple[Floats, Floats]:
    """The strictest window's logits of both tiers: two arrays [texts, heads]."""
    first = np.full((len(texts), len(HEADS)), -12.0, dtype=np.float32)
    second = first.copy()
    for row, text in enumerate(texts):
        found = windows(cutter(text), untrusted=untrusted)[:24]
        if not found:
            continue
        spans = [window.span() for window in found]
        ones = [
            tier1.logits(text[start:end], window.tokens.ids[window.start : window.end])
            for window, (start, end) in zip(found, spans, strict=True)
        ]
        twos = [answer[0] for answer in encoder.run(found)]
        fused = np.stack(ones) * SHARES[0] + np.stack(twos) * SHARES[1]
        best = fused.argmax(axis=0)
        columns = np.arange(len(HEADS))
        first[row] = np.stack(ones)[best, columns]
        second[row] = np.stack(twos)[best, columns]
    return first, second


def calibrate(
    ordinary: tuple[Floats, Floats], alike: tuple[Floats, Floats], documents: tuple[Floats, Floats]
) -> dict[str, Any]:
    """The calibration file's object from logits of both tiers on ordinary texts, look-alikes and documents."""
    heads: dict[str, Any] = {}
    for head in HEADS:
        place = INDEX[head]
        first, second = documents if head == "indirect" else ordinary
        fused = first[:, place] * SHARES[0] + second[:, place] * SHARES[1]
        border = float(np.quantile(fused, 1.0 - ALARMS[head]))
        if head != "indirect":  # look-alikes may not be stopped ten times as often as what is plainly ordinary
            close = alike[0][:, place] * SHARES[0] + alike[1][:, place] * SHARES[1]
            border = max(border, float(np.quantile(close, 1.0 - 10 * ALARMS[head])))
        border = max(border, LEAST.get(head, 0.0))
        low = float(np.quantile(first[:, place], 1.0 - ASKED.get(head, NOT_ASKED)))
        heads[head] = {
            "low": _sigmoid(low),
            "high": 1.0,
            "alone": [sum(SHARES), -border],
            "both": [SHARES[0], SHARES[1], -border],
        }
    return {"heads": heads, "alarms": dict(ALARMS)}


def whole_tags(tokens: Tokens, encoder: Encoder) -> Floats:
    """Probabilities of tags by word where the encoder reads all of a text."""
    wide = wide_windows(tokens, untrusted=False)
    pieces = [(window.start, answer[1]) for window, answer in zip(wide, encoder.run(wide), strict=True)]
    return word_probabilities(pieces, tokens)


def naming_texts(folder: Path, *, seed: int = 0) -> list[str]:
    """Texts with personal data, and without, that the small net was not fitted on."""
    rows = [row.text for row in corpora.tagged_phrases(seed=seed) if row.held]
    kept = [row.text for row in corpora.tagged_corpora(folder) if corpora.set_aside(row.text)]
    return rows + random.Random(seed).sample(kept, min(_SAMPLE, len(kept)))


def names_doubt(texts: Sequence[str], tagger: NameTagger, encoder: Encoder, cutter: WordPiece) -> float:
    """The doubt about a word from which the encoder is asked."""
    count = 0
    missed: list[float] = []
    for tokens in map(cutter, texts):
        tags = tagger.probabilities(tokens)
        found = [entity for entity in entities(tags, tokens) if entity.confidence >= _SURE]
        for name in entities(whole_tags(tokens, encoder), tokens):
            if name.label not in _NAMES or name.confidence < _TREATED:
                continue
            count += 1
            if not any(one.label == name.label and one.start < name.end and name.start < one.end for one in found):
                within = [start < name.end and name.start < end for start, end in tokens.spans]
                missed.append(float(doubts(tags)[within].max()))
    allowed = int(MISSED * count)
    return min(sorted(missed)[allowed], MOST_DOUBT) if len(missed) > allowed else MOST_DOUBT


def _sigmoid(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))
