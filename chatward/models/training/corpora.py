"""Training examples: public corpora and written phrases as texts with targets.

A target says yes, no, or nothing for each head (``heads.HEADS``): corpora label what they were made for, and a head
that a corpus is silent about is not trained on it. Nothing marked ``eval`` in the corpora's manifest is ever read here.

Left out of fitting, whole: ``CALIBRATION`` (thresholds are chosen there) and one pattern in seven of each phrase file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from chatward.core.errors import ChatwardError
from chatward.models.heads import ENTITIES
from chatward.models.training import phrases

Targets = Mapping[str, float]

CALIBRATION: Final = ("benign/banking77", "benign/bitext_support")
"""Ordinary support chat that no model is fitted on: thresholds are chosen there."""

_INJECTION: Final = [
    "trustairlab_in_the_wild",
    "pyrit",
    "garak",
    "deepset_train",
    "hinglish_4000",
    "hinglish_stealth",
    "injecagent_train",
    "bipia_train",
    "jailbreakbench_train",
    "xsafety",
    "advbench",
    "harmbench",
    "strongreject",
    "multijail",
    "red_instruct",
    "simple_safety_tests",
    "gptfuzz",
    "self_reminder",
    "pallms",
    "giskard",
    "bastioncorpus",
    "langkit_themes",
]
_BENIGN: Final = ["awesome_prompts", "clinc150", "arena_hard", "oasst_prompts", "mt_bench", "self_instruct"]
_DIALOGUES: Final = ["sgd", "taskmaster", "topical_chat", "crosswoz", "chatterbot_corpus", "oasst_trees"]
ABUSE: Final = [
    "convabuse",
    "davidson",
    "edos",
    "hatemoji",
    "cold_zh",
    "told_br",
    "korean_beep",
    "toxic_spans",
    "stormfront",
    "surge_toxicity",
    "bias_templates",
]
_UNMODERATED: Final = {"arena_hard", "oasst_prompts", "awesome_prompts", "chatterbot_corpus"}
_NOISY: Final = {"deepset_train": 0.5, "hinglish_4000": 0.3, "xsafety": 0.6, "davidson": 0.4, "awesome_prompts": 0.6}

_ABUSIVE: Final = ("toxic", "hate", "sexual", "self-harm", "violence", "illegal")
_NO_ATTACK: Final[Targets] = dict.fromkeys(("attack", "direct", "extraction", "jailbreak"), 0.0)
_NO_SCAM: Final[Targets] = {**_NO_ATTACK, "scam": 0.0}
_CLEAN: Final[Targets] = {**_NO_SCAM, **dict.fromkeys(_ABUSIVE, 0.0)}


class CorpusError(ChatwardError):
    """A corpus is missing or not what its manifest says."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what is true of it. ``untrusted``: it comes from a tool or a document. ``group`` keeps examples
    of one template together; ``held`` marks those kept for calibration; ``ordinary`` is everyday benign chat.
    ``focus`` is the span that makes a long text what it is, where that is known."""

    text: str
    targets: Targets
    source: str
    lang: str = "en"
    untrusted: bool = False
    group: str = ""
    held: bool = False
    ordinary: bool = False
    weight: float = 1.0
    focus: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text with personal data: ``spans`` are (start, end, entity) in code points. ``known`` are the entities that the
    source labels at all; tokens are never trained towards *outside* for entities beyond them."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    source: str
    lang: str = "en"
    known: frozenset[str] = field(default_factory=lambda: frozenset(ENTITIES))
    held: bool = False


# --- reading


def rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one corpus. Raises ``CorpusError`` where it is missing or differs from the manifest."""
    path = folder / f"{name}.jsonl.gz"
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"the corpus {name} cannot be read from {folder}") from error
    expected = manifest(folder).get(f"{name}.jsonl.gz")
    if expected is not None and expected.get("sha256") not in (None, hashlib.sha256(packed).hexdigest()):
        raise CorpusError(f"the corpus {name} is not the one its manifest describes (SHA-256 differs)")
    if expected is not None and expected.get("role") == "eval":
        raise CorpusError(f"the corpus {name} is for evaluation only")
    for line in gzip.decompress(packed).splitlines():
        yield json.loads(line)


_MANIFESTS: dict[Path, dict[str, dict[str, Any]]] = {}


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """The manifest's entries by file; empty where the folder has none."""
    if folder not in _MANIFESTS:
        path = folder / "manifest.json"
        listed = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        entries = listed.get("files", listed) if isinstance(listed, dict) else listed
        if isinstance(entries, dict):
            _MANIFESTS[folder] = {str(key): value for key, value in entries.items() if isinstance(value, dict)}
        else:
            _MANIFESTS[folder] = {str(entry.get("file", entry.get("path", ""))): entry for entry in entries}
    return _MANIFESTS[folder]


# --- texts


def corpus_examples(folder: Path, *, seed: int = 0) -> Iterator[Example]:
    """All examples that the public corpora give."""
    harms = [row["text"] for name in ("advbench", "harmbench") for row in rows(folder, f"injection/{name}")]
    rng = random.Random(seed)
    for name in _INJECTION:
        for row in rows(folder, f"injection/{name}"):
            yield from _injection(name, row, harms, rng)
    for name in _BENIGN:
        for row in rows(folder, f"benign/{name}"):
            targets = _NO_SCAM if name in _UNMODERATED else _CLEAN
            group = str(row.get("intent", row["id"]))
            yield _example(name, row, targets, group=group, ordinary=name != "awesome_prompts")
    for name in _DIALOGUES:
        for row in rows(folder, f"dialogues/{name}"):
            yield from _dialogue(name, row)
    for name in ABUSE:
        for row in rows(folder, f"abuse/{name}"):
            yield from _abuse(name, row)
    yield from _mail(folder)


def _example(name: str, row: Mapping[str, Any], targets: Targets, **more: Any) -> Example:
    given = {
        "source": name,
        "lang": str(row.get("lang", "und")),
        "group": str(row["id"]),
        "weight": _NOISY.get(name, 1.0),
    }
    return Example(str(row["text"]), targets, **{**given, **more})


_SLOT: Final = re.compile(r"\{\{\s*\w+\s*\}\}|\[INSERT PROMPT HERE\]|\{query\}|\{% ?(?:end)?raw ?%\}", re.IGNORECASE)


def _injection(name: str, row: Mapping[str, Any], harms: Sequence[str], rng: random.Random) -> Iterator[Example]:
    label = row["label"]
    untrusted = row.get("role") in ("tool", "document")
    lang = str(row.get("lang", "und"))
    text = _SLOT.sub(lambda found: "" if "raw" in found[0] else rng.choice(harms), str(row["text"]))
    shaped = {**row, "text": text, "lang": lang}
    if untrusted:
        yield _example(name, shaped, {"indirect": float(label == "indirect-injection")}, untrusted=True)
    elif label == "jailbreak":
        yield _example(name, shaped, {"attack": 1, "jailbreak": 1, "scam": 0})
    elif label == "injection":
        if name != "hinglish_4000":  # plain harmful asks and attacks under one label
            yield _example(name, shaped, {"attack": 1, "scam": 0})
    elif label == "harmful-request":
        yield _example(name, shaped, {"illegal": 1, "scam": 0})
    elif label in ("benign", "benign-trigger"):
        yield _example(name, shaped, _NO_SCAM)


def _dialogue(name: str, row: Mapping[str, Any]) -> Iterator[Example]:
    targets = _NO_SCAM if name in _UNMODERATED else _CLEAN
    for number, turn in enumerate(row["turns"]):
        if name in ("sgd", "topical_chat", "crosswoz") and number % 3:
            continue  # long dialogues: a third of the turns says as much
        yield Example(
            str(turn["text"]), targets, name, lang=str(row.get("lang", "und")), group=str(row["id"]), ordinary=True
        )


def _abuse(name: str, row: Mapping[str, Any]) -> Iterator[Example]:
    label = row["label"]
    if label == "ambiguous":
        return
    if label == "neither":
        targets: Targets = {"toxic": 0, "hate": 0, **_NO_ATTACK}
    elif label == "hate":
        targets = {"toxic": 1, "hate": 1, **_NO_ATTACK}
    else:
        targets = {"toxic": 1, **_NO_ATTACK}
    yield _example(name, row, targets)


_HEADERS: Final = re.compile(r"\A(?:.|\n)*?\n\s*\n")


def _mail(folder: Path) -> Iterator[Example]:
    for row in rows(folder, "scam-text/sms_spam_uci"):
        spam = row["label"] == "spam"
        targets = {"scam": float(spam), **_NO_ATTACK}
        yield _example("sms_spam_uci", row, targets, ordinary=not spam, weight=0.5 if spam else 1.0)
    for row in rows(folder, "scam-text/spamassassin"):
        text = body(str(row["text"]))
        if len(text) > 40 and (row["label"] == "ham" or not kept_back(text)):
            targets = {"indirect": 0.0} if row["label"] == "spam" else {"indirect": 0.0, "scam": 0.0}
            yield _example("spamassassin", {**row, "text": text}, targets, untrusted=True)


def kept_back(text: str) -> bool:
    """True for half of the advertising mails, which are documents to calibrate on."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 0


def set_aside(text: str) -> bool:
    """True for one text in eight, which are kept for the doubt from which tier 2 is asked about names."""
    return hashlib.sha256(b"names/" + text.encode()).digest()[0] % 8 == 0


def body(mail: str) -> str:
    """A raw mail without its headers, which would give its label away; at most 2,500 code points."""
    return _HEADERS.sub("", mail, count=1)[:2500].strip()


# --- written phrases

_KINDS: Final[Mapping[str, Targets]] = {
    "direct": {"attack": 1, "direct": 1, "jailbreak": 0, "scam": 0},
    "extraction": {"attack": 1, "extraction": 1, "jailbreak": 0, "scam": 0},
    "jailbreak": {"attack": 1, "jailbreak": 1, "extraction": 0, "scam": 0},
    "chat": _CLEAN,
    "request": _CLEAN,
    "trigger": _CLEAN,
    "scam": {"scam": 1, **dict.fromkeys(("jailbreak", "toxic", "hate", "sexual", "self-harm"), 0)},
    "scam_benign": _CLEAN,
    "abuse_benign": {**_CLEAN},
    "pii": _CLEAN,
    "pii_benign": _CLEAN,
}
_EACH: Final = {
    "chat": 4,
    "request": 4,
    "trigger": 4,
    "direct": 5,
    "extraction": 5,
    "jailbreak": 5,
    "indirect": 5,
    "document": 3,
    "scam": 4,
}


def held_pattern(language: str, kind: str, number: int) -> bool:
    """True for one pattern in seven, which are kept for calibration."""
    return hashlib.sha256(f"{language}/{kind}/{number}".encode()).digest()[0] % 7 == 0


def phrase_examples(*, seed: int = 0, folder: Path = phrases.FOLDER) -> Iterator[Example]:
    """Examples of the written phrases in every language."""
    for language in phrases.languages(folder):
        for kind in phrases.KINDS:
            each = _EACH.get(kind, 3)
            for pattern, sentence in phrases.samples(language, kind, each, seed=seed, folder=folder):
                if kind in ("document", "indirect"):
                    targets: Targets = {"indirect": float(kind == "indirect")}
                elif kind == "abuse":
                    targets = _abuse_targets(pattern.section)
                else:
                    targets = _KINDS[kind]
                yield Example(
                    sentence.text,
                    targets,
                    f"phrases/{kind}",
                    lang=language,
                    untrusted=kind in ("document", "indirect"),
                    group=f"{language}/{kind}/{pattern.number}",
                    held=held_pattern(language, kind, pattern.number),
                    ordinary=kind in ("chat", "request"),
                )


def _abuse_targets(section: str) -> Targets:
    targets: dict[str, float] = {"jailbreak": 0, "extraction": 0, "direct": 0}
    if section in ("harassment", "hate"):
        targets |= {"toxic": 1, "self-harm": 0, "illegal": 0}
        targets["hate"] = float(section == "hate")
    else:
        targets |= dict.fromkeys(_ABUSIVE, 0)
        targets[section] = 1
        if section == "violence":
            targets.pop("toxic")
        if section in ("sexual", "violence"):
            targets.pop("hate")
    return targets


# --- entities

_LABELS: Final[Mapping[str, str]] = {
    "PERSON": "PERSON", "PER": "PERSON", "person": "PERSON",
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON", "NOMBRE_PERSONAL_SANITARIO": "PERSON",
    "ADDRESS": "ADDRESS", "STREET_ADDRESS": "ADDRESS", "CALLE": "ADDRESS",
    "LOCATION": "LOCATION", "LOC": "LOCATION", "location": "LOCATION", "GPE": "LOCATION",
    "TERRITORIO": "LOCATION", "PAIS": "LOCATION",
    "ORGANIZATION": "ORG", "ORG": "ORG", "corporation": "ORG", "group": "ORG", "HOSPITAL": "ORG", "INSTITUCION": "ORG",
    "DATE_TIME": "DATE", "DATE": "DATE", "FECHAS": "DATE",
    "AGE": "AGE", "EDAD_SUJETO_ASISTENCIA": "AGE",
}  # fmt: skip
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "presidio_research": frozenset(("PERSON", "ADDRESS", "LOCATION", "ORG", "DATE", "AGE")),
    "meddocan": frozenset(("PERSON", "ADDRESS", "LOCATION", "ORG", "DATE", "AGE")),
    "wnut17": frozenset(("PERSON", "LOCATION", "ORG")),
    "wikigold": frozenset(("PERSON", "LOCATION", "ORG")),
}


def tagged_corpora(folder: Path) -> Iterator[Tagged]:
    """Texts with entities of the public corpora; long notes are cut into lines of up to 400 code points."""
    for name, known in _KNOWN.items():
        for row in rows(folder, f"pii/{name}"):
            spans = [(s, e, _LABELS[label]) for s, e, label in row["spans"] if label in _LABELS]
            for text, found in _cut(str(row["text"]), sorted(spans)):
                yield Tagged(text, found, name, lang=str(row.get("lang", "en")), known=known)


def tagged_phrases(*, seed: int = 0, each: int = 6, folder: Path = phrases.FOLDER) -> Iterator[Tagged]:
    """Texts with entities of the written phrases, and texts without any."""
    for language in phrases.languages(folder):
        for kind in ("pii", "pii_benign", "trigger"):
            for pattern, sentence in phrases.samples(
                language, kind, each if kind == "pii" else 2, seed=seed + 1, folder=folder
            ):
                spans = tuple(span for span in sentence.spans if span[2] in ENTITIES)
                held = held_pattern(language, kind, pattern.number)
                yield Tagged(sentence.text, spans, f"phrases/{kind}", lang=language, held=held)


def _cut(
    text: str, spans: Sequence[tuple[int, int, str]], size: int = 400
) -> Iterator[tuple[str, tuple[tuple[int, int, str], ...]]]:
    if len(text) <= size:
        yield text, tuple(spans)
        return
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            breaks = [text.rfind(mark, start + 40, end) for mark in ("\n", ". ", " ")]
            end = next((at + 1 for at in breaks if at > 0), end)
            while any(s < end < e for s, e, _ in spans):
                end += 1
        inside = tuple((s - start, e - start, label) for s, e, label in spans if start <= s and e <= end)
        if text[start:end].strip():
            yield text[start:end], inside
        start = end


# --- what models are made robust with


def varied(examples: Iterable[Example], *, seed: int = 0) -> Iterator[Example]:
    """Copies of examples as people type: lower case, no final stop, a typo, shouting. Targets stay."""
    rng = random.Random(seed)
    for example in examples:
        text = example.text
        roll = rng.random()
        if roll < 0.4:
            text = text.lower()
        elif roll < 0.6:
            text = text.rstrip(".!?。！？") or text
        elif roll < 0.9 and len(text) > 12:
            at = rng.randrange(1, len(text) - 2)
            text = (
                text[:at] + text[at + 1] + text[at] + text[at + 2 :]
                if rng.random() < 0.5
                else text[:at] + text[at + 1 :]
            )
        else:
            text = text.upper()
        yield replace(example, text=text, source=example.source + "+typed")
