"""Everything that people learn from is there in the same languages, whole, with the same places to fill."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chatward.education.translated import languages, words

FOLDERS = ("texts", "quiz_texts", "drill_texts", "lesson_texts", "pages")


def shape(said: Any) -> Any:
    """Words with nothing left of them but their order and the places in them."""
    if isinstance(said, dict):
        return {name: shape(one) for name, one in said.items()}
    if isinstance(said, list):
        return [shape(one) for one in said]
    if isinstance(said, str):
        assert said.strip()
        return sorted(re.findall(r"\{\w+\}", said))
    return said


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_language_has_the_same_words(folder: str) -> None:
    assert languages(folder) == ("de", "en", "es", "fr", "it", "nl", "pl", "pt")
    wanted = shape(words(folder, "en"))
    for language in languages(folder):
        assert shape(words(folder, language)) == wanted, language
        assert language == "en" or words(folder, language) != words(folder, "en")
