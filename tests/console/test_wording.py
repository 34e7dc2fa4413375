"""The catalogues of the pages: whole, alike, current, and as Babel and CLDR have languages."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel import Locale
from babel.dates import format_timedelta
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po, write_po
from babel.numbers import format_decimal

from chatward.console import wording
from chatward.console.preferences import Preferences
from chatward.console.wording import ENGLISH, Counted, catalog, in_language, languages

CONSOLE = Path(wording.__file__).parent
OTHERS = sorted(set(languages()) - {"en"})
STATES = {"received"}
"""Keys that no page names: how a request stands is said by the word for it."""
_PLACES = re.compile(r"\{\w*\}|`[^`]+`")


def by_babel(language: str) -> Catalog:
    file = CONSOLE / "locale" / (f"{language}/LC_MESSAGES/console.po" if language != "en" else "console.pot")
    return read_po(io.BytesIO(file.read_bytes()), locale=None if language == "en" else language)


def forms(sentence: str | tuple[str, ...]) -> tuple[str, ...]:
    return (sentence,) if isinstance(sentence, str) else sentence


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_all_and_what_english_says_now(language):
    source, own = by_babel("en"), by_babel(language)
    english = {one.context: one for one in source if one.id}
    said = {one.context: one for one in own if one.id}
    assert list(said) == list(english)
    assert own.obsolete == {}
    for key, one in said.items():
        assert one.id == english[key].id, key
        assert not one.fuzzy, key
        wanted = sorted(_PLACES.findall(forms(one.id)[-1]))
        assert len(forms(one.string)) == (own.num_plurals if one.pluralizable else 1), key
        for form in (*forms(one.id), *forms(one.string)):
            assert form.strip(), key
            assert sorted(_PLACES.findall(form)) == wanted, key
    same = [key for key, one in said.items() if one.id == one.string]
    assert len(same) < len(said) * 0.15, same


@pytest.mark.parametrize("language", list(languages()))
def test_pages_read_what_babel_reads(language):
    read = catalog(language)
    entries = [one for one in by_babel(language) if one.id]
    assert list(read) == [one.context for one in entries]
    for one in entries:
        told = forms(one.id if language == "en" else one.string)
        assert read[one.context] == told[-1]
        if one.pluralizable:
            rule = Locale(language).plural_form
            for n in range(12):
                wanted = told[0] if rule(n) == "one" else told[-1]
                assert read[one.context].of(n) == wanted, one.context


@pytest.mark.parametrize("language", list(languages()))
def test_numbers_and_ages_are_written_as_cldr_has_them(language):
    view = Preferences(language)
    assert languages()[language].casefold() == Locale(language).get_display_name(language).casefold()
    for value in (0, 7, 999, 12345, 1234567, -54321):
        assert view.number(value) == format_decimal(value, locale=language)
    assert view.number(98765.432, 1) == format_decimal(98765.4, locale=language)
    for seconds in (1, 30, 60, 300, 3600, 7200, 86_400, 200_000):
        wanted = format_timedelta(seconds, threshold=1, format="long", locale=language)
        assert view.age(seconds) == wanted
    assert view.age(0.2) == view.put(view.say["age_seconds"], 0)


def test_a_sentence_reads_otherwise_by_its_number():
    english, german = Preferences(), Preferences("de")
    assert english.put(english.say["judged_done"], 1) == "1 finding has a verdict now."
    assert german.put(german.say["judged_done"], 1) == "1 Fund hat jetzt ein Urteil."
    assert german.put(german.say["judged_done"], 1200) == "1.200 Funde haben jetzt ein Urteil."
    assert english.put(english.say["except_also"], n=1) == "Of these, 1 was called true."
    assert english.put(english.say["guards_some"], 1, 24) == "1 of 24 guards is running on all routes."
    assert in_language(ENGLISH["save"], "de") == catalog("de")["save"]
    assert in_language("nothing of ours", "de") == "nothing of ours"


@pytest.fixture
def polish(tmp_path, monkeypatch):
    """Writes a catalogue as Babel begins it: a function that takes key -> forms, and keys that are only guessed."""
    (tmp_path / "console.pot").write_bytes((CONSOLE / "locale/console.pot").read_bytes())
    where = ["--domain", "console", "--input-file", f"{tmp_path}/console.pot", "--output-dir", f"{tmp_path}"]

    def write(said: dict[str, str | tuple[str, ...]], guessed: tuple[str, ...] = ()) -> None:
        CommandLineInterface().run(["pybabel", "--quiet", "init", "--locale", "pl", *where])
        file = tmp_path / "pl/LC_MESSAGES/console.po"
        begun = read_po(io.BytesIO(file.read_bytes()), locale="pl")
        for one in begun:
            if one.context in said:
                one.string = said[one.context]
            if one.context in guessed:
                one.flags.add("fuzzy")
        with file.open("wb") as out:
            write_po(out, begun)
        catalog.cache_clear()
        languages.cache_clear()

    monkeypatch.setattr(wording, "_FOLDER", tmp_path)
    yield write
    monkeypatch.undo()
    catalog.cache_clear()
    languages.cache_clear()


def test_a_new_language_is_a_new_catalogue(polish):
    counted = ("{} dzień", "{} dni", "{} dni", "{} dnia")
    polish({"language_itself": "polski", "save": 'Zapisz "to"\n', "close": "Zamknij", "age_days": counted}, ("close",))
    assert languages() == {"en": "English", "pl": "polski"}
    view = Preferences("pl")
    assert view.say["save"] == 'Zapisz "to"\n'
    assert view.say["close"] == ENGLISH["close"]  # only guessed
    assert view.say["search"] == ENGLISH["search"]  # not there yet
    assert [view.age(86_400 * n) for n in (1, 3, 5)] == ["1 dzień", "3 dni", "5 dni"]
    assert isinstance(view.say["judged_done"], Counted)


def test_every_key_that_is_used_is_there_and_the_other_way_round():
    pages = "\n".join(file.read_text("utf-8") for file in sorted((CONSOLE / "templates").glob("*.html")))
    code = "\n".join(file.read_text("utf-8") for file in sorted(CONSOLE.glob("*.py")))
    named = set(re.findall(r"\bsay\.(\w+)", pages)) | set(re.findall(r'\b(?:say|ENGLISH)\["([\w-]+)"\]', code + pages))
    assert named <= set(ENGLISH)
    begun = (*re.findall(r'"(\w+_)" ~', pages), "shadow_ended_")
    words = set(re.findall(r"[\w-]+", code + pages)) | STATES
    assert [key for key in ENGLISH if key not in words and not key.startswith(begun) and " " not in key] == []
