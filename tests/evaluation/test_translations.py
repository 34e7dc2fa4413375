"""Sixty texts in fourteen languages: they match line by line, and a table says what is still detected."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chatward.evaluation.metrics import Interval
from chatward.evaluation.scoring import Ask, Scored
from chatward.evaluation.translations import languages, lines, mixed, translated, whole

PROMISED = ("en", "ar", "de", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")


def test_the_languages_are_those_that_are_promised() -> None:
    assert languages() == PROMISED


@pytest.mark.parametrize("lang", PROMISED)
def test_every_language_says_the_same_sixty_things_in_two_halves(lang: str) -> None:
    found = lines(lang)
    assert list(found) == list(lines("en"))
    assert [sum(not line.harmless for line in found.values()), len(found)] == [40, 60]
    assert all(line.first and line.second for line in found.values())
    assert len({whole(lang, key) for key in found}) == 60
    if lang != "en":
        assert not {whole(lang, key) for key in found} & {whole("en", key) for key in found}


def test_a_mix_has_one_half_of_each_language() -> None:
    english, german = lines("en")["d02"], lines("de")["d02"]
    assert mixed("de", "d02") == (f"{english.first} {german.second}", f"{german.first} {english.second}")
    assert " " not in whole("zh", "d02")


def scorer(asked: Sequence[Ask]) -> list[Scored]:
    """English attacks but d01 score 0.9, their German translations 0.9 too, French harmless ones 0.8, all else 0.1."""
    high = {whole("en", key): 0.9 for key, line in lines("en").items() if not line.harmless and key != "d01"}
    high |= {whole("de", key): 0.9 for key, line in lines("de").items() if not line.harmless}
    high |= {whole("fr", key): 0.8 for key, line in lines("fr").items() if line.harmless}
    stops = {whole("en", "d02"), whole("de", "d02")}
    return [
        Scored({"text.injection": high.get(text, 0.1)}, {}, text in stops, (), ("text.injection",), (), 0.001)
        for text, _ in asked
    ]


def shares(found: object) -> float | None:
    return found.value if isinstance(found, Interval) else None


def test_what_is_detected_in_english_is_looked_for_in_the_other_languages() -> None:
    found = translated(0.5, scorer, rules=False)
    rows = {row[0]: row for row in found.table.rows}
    assert list(rows) == [*PROMISED, "all 13"]
    assert (rows["en"][1], shares(rows["en"][2]), rows["en"][4], shares(rows["en"][7])) == (40, 39 / 40, 1 / 40, 0)
    assert (rows["de"][1], shares(rows["de"][2]), shares(rows["de"][3])) == (39, 1.0, 0)
    assert (rows["de"][4:6], rows["fr"][4]) == ((1.0, 0.0), 0.0)
    assert (shares(rows["fr"][2]), shares(rows["fr"][7])) == (0, 1.0)
    assert (rows["all 13"][1], shares(rows["all 13"][2]), rows["all 13"][4]) == (39 * 13, 1 / 13, 1 / 13)
    together, mixes = found.rows
    assert together[:2] == ("translation", "translation")
    assert (together[3], together[6]) == (39 * 13, 20 * 13)
    assert [shares(together[4]), together[5], shares(together[7])] == pytest.approx([1 / 13] * 3)
    assert (mixes[3], shares(mixes[4]), mixes[6]) == (39 * 13 * 2, 0, 20 * 13 * 2)


def test_without_a_threshold_nothing_is_claimed() -> None:
    found = translated(None, scorer, rules=False)
    assert all(row[2] is None and row[7] is None for row in found.table.rows)
