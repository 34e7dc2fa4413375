"""The vocabulary: complete where it must be, and written so that it can be found."""

import pytest

from chatward.guards.text.social_cues import CONTEXT, CORE, find, fold
from chatward.guards.text.social_words import LANGUAGES, Cue

REQUIRED = ("en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "ru", "ar", "hi", "zh", "ja")


@pytest.mark.parametrize("language", REQUIRED)
def test_each_language_names_who_asks_for_what_and_what_denies_it(language: str) -> None:
    needed = {Cue.TELL_ME, Cue.ENTER, Cue.NEED, Cue.OTP, Cue.SECRET, Cue.CVV, Cue.CARD, Cue.SEED, Cue.GIFT, Cue.GOT}
    needed |= {Cue.NOT, Cue.PARTIAL, Cue.HOW, Cue.REPORT, Cue.PLACE, Cue.HARMLESS, Cue.MINE, Cue.YOUR, Cue.OTHERS}
    needed |= {Cue.URGENT, Cue.AUTHORITY, Cue.SECRECY, Cue.THREAT, Cue.LURE, Cue.SAFE_ACCOUNT, Cue.CHANNEL}
    assert needed <= set(LANGUAGES[language])


def test_each_entry_is_found_as_it_is_written() -> None:
    lost = []
    for language, cues in LANGUAGES.items():
        for cue, entries in cues.items():
            for entry in filter(None, (one.strip().rstrip("*") for one in entries.split(","))):
                text = fold(entry)
                seen = find(text, CORE if cue <= Cue.SECOND_FACTOR else CONTEXT)
                if not any(found.cue is cue for found in seen):
                    lost.append((language, cue.name, entry))
    assert lost == []


def test_no_entry_of_an_ask_is_a_common_word_of_another_language() -> None:
    common = "at to in on is the a and for of you it with be this that have not or from as by no so we if my de la le"
    common += " en el un der die das und ist le les des du il di che per con non om het een van te dat i w na z do nie"
    taken = {
        entry.strip()
        for cues in LANGUAGES.values()
        for cue, entries in cues.items()
        if cue <= Cue.SECOND_FACTOR
        for entry in entries.split(",")
    }
    assert taken.isdisjoint(common.split())
