"""What people are told when their data are collected, made from the settings that are in force (GDPR Article 13).

The rule: the list of purposes, grounds, recipients and times is never written by hand, so it says what is done. What a
machine cannot know (``notice.text``) stands beside it. Pages need no credential: the notice, the page of a person's
choices (``/chat/privacy``; its rule is that of ``console.chat``: all from this address, no markup from strings), and
the statement that Global Privacy Control is honoured (``/.well-known/gpc.json``, W3C draft, section 4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any, Final

from chatward.settings import Settings

GPC_PAGE: Final = "/.well-known/gpc.json"
NOTICE_PAGE: Final = "/v1/privacy/notice"
_STATIC: Final = {
    "/chat/privacy": ("privacy.html", "text/html; charset=utf-8"),
    "/chat/privacy.js": ("privacy.js", "text/javascript; charset=utf-8"),
}
_JSON: Final = "application/json"
_RIGHTS: Final = ("access", "rectification", "erasure", "restriction", "portability", "objection", "complaint")


def notice(settings: Settings) -> dict[str, Any]:
    """The notice as data; letters in brackets are those of Article 13(1) and (2)."""
    privacy = settings.privacy
    bots = {bot: processor for processor in privacy.processors.values() for bot in processor.bots}
    purposes = {}
    for name, purpose in privacy.purposes.items():
        served = sorted({route.bot for route in settings.routes.values() if route.purpose == name})
        purposes[name] = {
            "summary": purpose.summary,
            "lawful_basis": purpose.lawful_basis,  # (1)(c)
            "special_categories": list(purpose.special),
            "explicit": purpose.explicit,  # Article 9(2)(a)
            "interest": purpose.interest or None,  # (1)(d)
            "use": purpose.use,
            "retention_days": purpose.retention_days,  # (2)(a)
            "recipients": sorted({bots[bot].name or "processor" for bot in served if bot in bots}),  # (1)(e)
            "automated_decisions": purpose.decides,  # (2)(f)
            "human": purpose.human_route or None,
        }
    abroad = [
        {"name": one.name, "region": one.region, "transfer": one.transfer}
        for one in privacy.processors.values()
        if one.transfer is not None
    ]
    return {
        "version": privacy.notice.version or None,
        "url": privacy.notice.url or None,
        "text": privacy.notice.text or None,
        "controller": privacy.controller or None,  # (1)(a)
        "contact": privacy.contact or None,
        "officer": privacy.officer or None,  # (1)(b)
        "purposes": purposes,
        "transfers": abroad,  # (1)(f)
        "rights": list(_RIGHTS),  # (2)(b)-(d)
        "ai": settings.chat.disclosure or None,
        "mail_link": bool(settings.mail.host),
    }


def privacy_pages(settings: Settings, today: date) -> Mapping[str, tuple[str, bytes]]:
    """Pages for everybody, by path: content type and bytes."""
    static = files("chatward.privacy").joinpath("static")
    pages = {path: (kind, static.joinpath(name).read_bytes()) for path, (name, kind) in _STATIC.items()}
    pages[NOTICE_PAGE] = (_JSON, json.dumps(notice(settings), ensure_ascii=False).encode())
    if settings.privacy.gpc:
        told = {"gpc": True, "lastUpdate": today.isoformat()}
        pages[GPC_PAGE] = (_JSON, json.dumps(told).encode())
    return pages
