"""The page at ``/chat/lessons``: the quiz, and whether one takes part in drills; ready as bytes.

The page's own rule is the chat page's (``console.chat``): all from this address, nothing inline, no markup from text.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from chatward.settings import Settings

PAGE: Final = "/chat/lessons"
_SCRIPT: Final = "/chat/lessons.js"


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
    page = folder.joinpath("lessons.html").read_text("utf-8")
    page = page.replace("$quiz", "on" if settings.education.quiz else "")
    page = page.replace("$drills", "on" if settings.education.drills else "")
    return {
        PAGE: ("text/html; charset=utf-8", page.encode()),
        _SCRIPT: ("text/javascript; charset=utf-8", folder.joinpath("lessons.js").read_bytes()),
    }
