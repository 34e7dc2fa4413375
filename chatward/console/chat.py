"""The chat page: what is served at ``/chat`` and below, ready as bytes.

The rule: the page gets everything from the address it came from, and nothing on it can run that is not a
script of this package (``Content-Security-Policy``, W3C CSP3; Trusted Types forbid markup from strings). What the
configuration says is put in escaped.

The page tells people that they talk to an AI before they write (EU AI Act, article 50 (1)).
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from chatward.education.lessons import lessons_on
from chatward.settings import Settings
from chatward.settings.privacy_rules import privacy_on

PAGE: Final = "/chat"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS: Final = (
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    ("cache-control", "no-cache"),
)
"""Sent with every page of ``pages``."""

_FILES: Final = (
    ("chat.css", "text/css; charset=utf-8"),
    ("chat.js", "text/javascript; charset=utf-8"),
    ("talk.js", "text/javascript; charset=utf-8"),
    ("markdown.css", "text/css; charset=utf-8"),
    ("markdown.js", "text/javascript; charset=utf-8"),
    ("step-up.css", "text/css; charset=utf-8"),
    ("step-up.js", "text/javascript; charset=utf-8"),
    ("learn.css", "text/css; charset=utf-8"),
    ("learn.js", "text/javascript; charset=utf-8"),
    ("preview.js", "text/javascript; charset=utf-8"),
    ("attach.css", "text/css; charset=utf-8"),
    ("attach.js", "text/javascript; charset=utf-8"),
    ("rights.js", "text/javascript; charset=utf-8"),
    ("badge.js", "text/javascript; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
)
_TRAFFIC: Final = (
    ("traffic.js", "text/javascript; charset=utf-8"),
    ("wait.css", "text/css; charset=utf-8"),
)
"""Where bots are looked for."""
_TRAP: Final = (
    '<p class="visually-hidden" aria-hidden="true"><label for="more">Leave this empty</label> '
    '<input id="more" type="text" tabindex="-1" autocomplete="off"></p>\n'
)
"""A field that nobody sees, hears or reaches: what fills it in is a program."""


_LESSONS: Final = ' <a href="chat/lessons">Lessons</a>'
_PRIVACY: Final = ' <a href="chat/privacy">Your data</a>'


def attached_bytes(settings: Settings) -> int:
    """Bytes of files that a page may send with a conversation: as base64 they fit into the largest request, with room
    for what is written."""
    return max(0, settings.server.max_body - 256 * 1024) * 3 // 4


def page_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """``HEADERS``; where bots are looked for, the page may start the one worker whose policy is named so."""
    if not settings.traffic.enabled:
        return HEADERS
    (name, policy), *rest = HEADERS
    return ((name, policy.replace("trusted-types 'none'", "trusted-types chatward-work")), *rest)


def pages(settings: Settings) -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body) of the chat page; nothing where it is switched off."""
    chat = settings.chat
    if not chat.enabled:
        return {}
    static = files("chatward.console").joinpath("static")
    page = Template(static.joinpath("chat.html").read_text("utf-8")).substitute(
        title=escape(chat.title),
        model=escape(chat.model),
        disclosure=escape(chat.disclosure),
        traffic='<script src="chat/traffic.js" defer></script>\n' if settings.traffic.enabled else "",
        trap=_TRAP if settings.traffic.enabled else "",
        attach=str(attached_bytes(settings)) if chat.attachments else "",
        privacy=(_PRIVACY if privacy_on(settings.privacy) else "") + (_LESSONS if lessons_on(settings) else ""),
        drills="on" if lessons_on(settings) and settings.education.drills else "",
        sign_in="signin" if any(one.client_id for one in settings.identity.oidc.values()) else "",
    )
    found = {PAGE: ("text/html; charset=utf-8", page.encode())}
    for name, content_type in (*_FILES, *(_TRAFFIC if settings.traffic.enabled else ())):
        found[f"{PAGE}/{name}"] = (content_type, static.joinpath(name).read_bytes())
    if settings.traffic.enabled:
        worker = b"\n".join(static.joinpath(name).read_bytes() for name in ("traffic.js", "work.js"))
        found[f"{PAGE}/work.js"] = ("text/javascript; charset=utf-8", worker)
    return found
