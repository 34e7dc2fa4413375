"""The safety page at ``/chat/safety``: what guards this chat, in words for people, made from the settings in force.

The rules:

1. A sentence is there only if it is true on every route: nothing is promised that one bot does not keep. Where a route
   only watches, or has no guards, the page says so.
2. The page's own rule is the chat page's (``console.chat``): all from this address, nothing inline.
3. It is made at start and when settings are read again, never by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Final

from chatward.education.tips import ENGLISH
from chatward.education.translated import languages, words
from chatward.settings import Route, Settings
from chatward.settings.privacy_rules import privacy_on, retention_days

PAGE: Final = "/chat/safety"

_GONE: Final = frozenset({"placeholder", "mask", "hash", "remove"})
_STOPPED: Final = frozenset({"block"})
_LINKS: Final = frozenset({"block", "remove", "defang", "annotate"})
_PROMISES: Final[Mapping[str, Callable[[Route], bool]]] = {
    "personal-hidden": lambda route: route.treatments.pii_input in _GONE,
    "personal-stopped": lambda route: route.treatments.pii_input in _STOPPED,
    "secrets-hidden": lambda route: route.treatments.secret_input in _GONE | _STOPPED,
    "links-checked": lambda route: route.treatments.link_input in _LINKS and route.treatments.link_output in _LINKS,
    "orders-stopped": lambda route: {route.treatments.injection, route.treatments.indirect_injection} <= _STOPPED,
    "scams-stopped": lambda route: route.treatments.social_engineering in _STOPPED,
    "answers-checked": lambda route: route.treatments.pii_output in _GONE | _STOPPED,
}


def statements(settings: Settings, *, signed: bool) -> tuple[str, ...]:
    """The ids of what is true of these settings, in the order of the page. ``signed``: whether answers are."""
    routes = list(settings.routes.values()) or [Route()]
    guarded = [route for route in routes if route.mode == "enforce" and route.guards == ("*",)]
    found = [name for name, holds in _PROMISES.items() if guarded and all(holds(route) for route in guarded)]
    if len(guarded) < len(routes):
        found = ["some-watched", *found] if guarded else ["watched"]
    found.append("stored" if settings.conversations.store else "not-stored")
    if signed:
        found.append("signed")
    if privacy_on(settings.privacy):
        found.append("privacy")
    return tuple(found)


def safety_pages(settings: Settings, *, signed: bool) -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body); nothing where there is no chat page."""
    if not settings.chat.enabled:
        return {}
    held = statements(settings, signed=signed)
    css = files("chatward.education").joinpath("safety.css").read_bytes()
    return {
        f"{PAGE}.css": ("text/css; charset=utf-8", css),
        **{
            PAGE + _suffix(language): ("text/html; charset=utf-8", _page(settings, held, language).encode())
            for language in languages("pages")
        },
    }


def _suffix(language: str) -> str:
    return "" if language == ENGLISH else f"/{language}"


def _page(settings: Settings, held: tuple[str, ...], language: str) -> str:
    said = words("pages", language)
    days = retention_days(settings)
    kept = said["days"].format(days=days) if days is not None else said["forever"]
    base = "../../" if language != ENGLISH else "../"
    items = []
    for name in held:
        sentence = escape(said[name].format(kept=kept))
        link = _LINKED.get(name)
        more = f' <a href="{base}{link}">{escape(said["link-" + name])}</a>' if link else ""
        items.append(f"<li>{sentence}{more}</li>")
    advice = "".join(f"<li>{escape(said[f'advice-{number}'])}</li>" for number in range(1, 6))
    others = " · ".join(
        f'<a href="{base}chat/safety{_suffix(one)}" lang="{one}" hreflang="{one}">{words("pages", one)["language"]}</a>'
        for one in languages("pages")
        if one != language
    )
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(said['title'])}: {escape(settings.chat.title)}</title>\n"
        f'<link rel="icon" href="{base}chat/icon.svg" type="image/svg+xml">\n'
        f'<link rel="stylesheet" href="{base}chat/chat.css">\n'
        f'<link rel="stylesheet" href="{base}chat/safety.css">\n</head>\n<body class="safety">\n'
        f'<header>\n<h1>{escape(said["title"])}</h1>\n<p class="disclosure">{escape(settings.chat.disclosure)}</p>\n'
        f'</header>\n<main id="main">\n<h2>{escape(said["done"])}</h2>\n<ul>{"".join(items)}</ul>\n'
        f"<h2>{escape(said['yours'])}</h2>\n<ol>{advice}</ol>\n"
        f'<p><a href="{base}chat">{escape(said["back"])}</a></p>\n<p>{others}</p>\n'
        "</main>\n</body>\n</html>\n"
    )


_LINKED: Final = {"signed": "verify", "privacy": "chat/privacy"}
