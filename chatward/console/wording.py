"""What pages say, by key, from gettext catalogues: ``locale/console.pot`` has it in English, and
``locale/LANGUAGE/LC_MESSAGES/console.po`` in another language.

The rules:

1. An entry's context (``msgctxt``) is the key that code and templates use, its ``msgid`` the English. What a language
   does not have, or has as fuzzy, is said in English.
2. A language is there if its catalogue is. Babel begins one (``make languages NEW=fr``), brings it up to date and
   checks it in tests; it is not needed to run. How the language writes numbers stands in the catalogue as well.
3. A catalogue is read once, when a page first needs it.
4. The names of rules, events, settings and roles are the same in every language: they are what is typed and looked for.
"""

from __future__ import annotations

import gettext
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

SOURCE: Final = "en"
_FOLDER: Final = files("chatward.console").joinpath("locale")
_FIELD: Final = re.compile(r'^(msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d\]) (".*"(?:\n".*")*)', re.M)
_FUZZY: Final = re.compile(r"^#,.*\bfuzzy\b", re.M)
_PLURALS: Final = re.compile(r"^Plural-Forms:.*plural=(.+?);?$", re.M)


class Counted(str):
    """A sentence that reads otherwise by a number; by itself it is the one for many."""

    _forms: tuple[str, ...]
    _which: Callable[[int], int]

    def __new__(cls, forms: tuple[str, ...], which: Callable[[int], int]) -> Counted:
        made = super().__new__(cls, forms[-1])
        made._forms, made._which = forms, which
        return made

    def of(self, n: int) -> str:
        return self._forms[self._which(n)]


@cache
def languages() -> Mapping[str, str]:
    """Each language that there is a catalogue for -> what it calls itself."""
    there = sorted(one.name for one in _FOLDER.iterdir() if one.is_dir())
    return {name: catalog(name)["language_itself"] for name in (SOURCE, *there)}


@cache
def catalog(language: str) -> Mapping[str, str]:
    """Key -> sentence, in one of ``languages``. Every catalogue has every key."""
    source = _read("console.pot")
    english = {key: _sentence(one, "msgid", _two) for key, one in source.items() if key}
    if language == SOURCE:
        return english
    own = _read(f"{language}/LC_MESSAGES/console.po")
    rule = _PLURALS.search(own[""]["msgstr"])
    which = gettext.c2py(rule[1]) if rule else _two
    said = {key: _sentence(own[key], "msgstr", which) for key in english if key in own}
    return english | {key: sentence for key, sentence in said.items() if sentence}


def in_language(sentence: str, language: str) -> str:
    """A sentence of the English catalogue in another language; any other as it is."""
    key = _keys().get(sentence)
    return sentence if key is None else catalog(language)[key]


def visible(text: str) -> str:
    """Text with everything that is not printable as ``\\u`` and its code."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


@cache
def _keys() -> Mapping[str, str]:
    return {sentence: key for key, sentence in catalog(SOURCE).items()}


def _two(n: int) -> int:
    return int(n != 1)


def _read(name: str) -> Mapping[str, Mapping[str, str]]:
    """Context -> the fields of an entry; the header's context is empty. Of a file as Babel writes it."""
    entries: dict[str, Mapping[str, str]] = {}
    for block in _FOLDER.joinpath(name).read_text("utf-8").split("\n\n"):
        # What PO escapes, JSON escapes alike.
        fields = {field: "".join(map(json.loads, quoted.split("\n"))) for field, quoted in _FIELD.findall(block)}
        if fields and not _FUZZY.search(block):
            entries[fields.get("msgctxt", "")] = fields
    return entries


def _sentence(entry: Mapping[str, str], field: str, which: Callable[[int], int]) -> str:
    if "msgid_plural" not in entry:
        return entry[field]
    if field == "msgid":
        return Counted((entry["msgid"], entry["msgid_plural"]), which)
    forms = tuple(entry[name] for name in sorted(entry) if name.startswith("msgstr["))
    return Counted(forms, which) if all(forms) else ""


ENGLISH: Final = catalog(SOURCE)
