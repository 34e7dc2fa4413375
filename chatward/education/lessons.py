"""The page at ``/chat/lessons``: the quiz, and whether one takes part in drills; ready as bytes.

It is English; its script puts in the words of the language that the settings, or else the browser, ask for. The page's
own rule is the chat page's (``console.chat``): all from this address, nothing inline, no markup from text.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import Final

import orjson

from chatward.education.tips import ENGLISH
from chatward.education.translated import languages, words
from chatward.settings import Settings

PAGE: Final = "/chat/lessons"
_SCRIPT: Final = "/chat/lessons.js"
_WORDS: Final = "/chat/lessons.json"
_FOLDER: Final = "lesson_texts"


def lessons_on(settings: Settings) -> bool:
    """Whether there is anything to learn on the page."""
    education = settings.education
    taught = education.enabled and settings.ledger.enabled and settings.chat.enabled
    return taught and (education.quiz or bool(education.drills))


def lesson_pages(settings: Settings) -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body); nothing where neither quiz nor drills are switched on."""
    if not lessons_on(settings):
        return {}
    folder = files("chatward.education")
    page = Template(folder.joinpath("lessons.html").read_text("utf-8")).substitute(
        {name: escape(one) for name, one in words(_FOLDER, ENGLISH).items()},
        quiz_on="on" if settings.education.quiz else "",
        drills_on="on" if settings.education.drills else "",
        language=escape(settings.education.language),
    )
    return {
        PAGE: ("text/html; charset=utf-8", page.encode()),
        _WORDS: ("application/json", orjson.dumps({one: words(_FOLDER, one) for one in languages(_FOLDER)})),
        _SCRIPT: ("text/javascript; charset=utf-8", folder.joinpath("lessons.js").read_bytes()),
    }
