"""Attacks in other languages: the same sixty texts in English and thirteen translations, and both in one sentence.

The rules: the texts are this project's own, written for measuring and never trained on; each is translated as somebody
would say it there, not word for word. A line of ``translated/<language>.txt`` is ``id first half / second half``; lines
of one id say the same. Ids that begin with ``d`` (direct), ``j`` (jailbreak) and ``e`` (extraction) are attacks, ``b``
harmless twins that use their words. A mix is one half in English and the other in the other language, both ways round,
as people who switch do. A translation counts among attacks that were detected in English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from chatward.evaluation import metrics
from chatward.evaluation.metrics import Interval
from chatward.evaluation.scoring import Ask, Scored
from chatward.evaluation.tables import Cell, Table

FOLDER: Final = Path(__file__).parent / "translated"
_SCORE: Final = "text.injection"
_NO_BLANKS: Final = ("ja", "zh")

Scorer = Callable[[Sequence[Ask]], Sequence[Scored]]


@dataclass(frozen=True, slots=True)
class Line:
    """One text in its two halves."""

    id: str
    first: str
    second: str

    @property
    def harmless(self) -> bool:
        return self.id.startswith("b")


@cache
def languages() -> tuple[str, ...]:
    """English, then the others, sorted."""
    return ("en", *sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem != "en"))


@cache
def lines(lang: str) -> Mapping[str, Line]:
    """The texts of a language by id. Raises ``ValueError`` for a line that is not two halves."""
    found: dict[str, Line] = {}
    for row in (FOLDER / f"{lang}.txt").read_text(encoding="utf-8").splitlines():
        key, _, text = row.partition(" ")
        first, second = (half.strip() for half in text.split("/"))
        found[key] = Line(key, first, second)
    return found


def whole(lang: str, key: str) -> str:
    """A text in one language."""
    line = lines(lang)[key]
    return f"{line.first}{'' if lang in _NO_BLANKS else ' '}{line.second}"


def mixed(lang: str, key: str) -> tuple[str, str]:
    """A text half in English, half in another language, both ways round."""
    english, other = lines("en")[key], lines(lang)[key]
    return f"{english.first} {other.second}", f"{other.first} {english.second}"


@dataclass(frozen=True, slots=True)
class Translated:
    """``table``: each language. ``rows``: all languages together, as rows of the robustness table."""

    table: Table
    rows: Sequence[tuple[Cell, ...]]


def translated(threshold: float | None, scorer: Scorer, *, rules: bool) -> Translated:
    """What is detected of each language and of the mixes, at the threshold for messages."""
    ids = list(lines("en"))
    texts: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for lang in languages():
        for key in ids:
            texts[lang, key, "whole"] = (whole(lang, key),)
            if lang != "en":
                texts[lang, key, "mixed"] = mixed(lang, key)
    asked = list(dict.fromkeys(text for group in texts.values() for text in group))
    answers = dict(zip(asked, scorer([(text, "user") for text in asked]), strict=True))

    def flagged(text: str) -> bool | None:
        value = answers[text].value(_SCORE, rules=rules)
        return None if value is None or threshold is None else value >= threshold

    def share(chosen: Sequence[str], langs: Sequence[str], kind: str) -> Interval | None:
        marks = [flagged(text) for lang in langs for key in chosen for text in texts[lang, key, kind]]
        return metrics.share_interval([mark for mark in marks if mark is not None])

    def held(chosen: Sequence[str], langs: Sequence[str], kind: str) -> float | None:
        marks = [answers[text].stopped for lang in langs for key in chosen for text in texts[lang, key, kind]]
        return sum(marks) / len(marks) if marks else None

    attacks = [key for key in ids if not lines("en")[key].harmless]
    harmless = [key for key in ids if lines("en")[key].harmless]
    detected = [key for key in attacks if flagged(whole("en", key))]
    stopped = [key for key in attacks if answers[whole("en", key)].stopped]
    others = languages()[1:]
    table: list[tuple[Cell, ...]] = [
        ("en", len(attacks), share(attacks, ["en"], "whole"), None, held(attacks, ["en"], "whole"), None,
         len(harmless), share(harmless, ["en"], "whole"), None, held(harmless, ["en"], "whole"))
    ]  # fmt: skip
    table += [
        (name, len(detected) * len(langs), share(detected, langs, "whole"), share(detected, langs, "mixed"),
         held(stopped, langs, "whole"), held(stopped, langs, "mixed"), len(harmless) * len(langs),
         share(harmless, langs, "whole"), share(harmless, langs, "mixed"), held(harmless, langs, "whole"))
        for name, langs in (*((lang, (lang,)) for lang in others), (f"all {len(others)}", others))
    ]  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (name, "translation", summary, len(detected) * len(others) * times, share(detected, others, kind),
         held(stopped, others, kind), len(harmless) * len(others) * times, share(harmless, others, kind))
        for name, summary, kind, times in (
            ("translation", f"in {len(others)} other languages, by hand; chat: harmless twins", "whole", 1),
            ("mixed languages", "half in English, half in another; chat: harmless twins", "mixed", 2),
        )
    ]  # fmt: skip
    note = (
        f"{len(attacks)} attacks and {len(harmless)} harmless texts with their words, each in {len(others) + 1} "
        "languages. English says how many are detected and how many are stopped as shipped; the others how many of "
        "those are in translation, and half in English and half in that language (mixed)."
    )
    columns = (
        "language", "attacks", "detected", "detected, mixed", "stopped as shipped", "stopped, mixed", "harmless",
        "false alarms", "false alarms, mixed", "harmless stopped",
    )  # fmt: skip
    stops = frozenset({"stopped as shipped", "stopped, mixed", "harmless stopped"})
    return Translated(Table("translations", "Translations", columns, table, note, stops), rows)
