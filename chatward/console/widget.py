"""The widget: one script at ``/widget.js`` that pages of other origins load, ready as bytes.

The rule: the script is all there is. Its style, its words and what the settings say of it are in it, as data; it makes
no markup from strings and needs nothing inline, so that it runs under a strict policy of the page around it (W3C CSP3).

Who may talk is not decided by who loads it: any page may, and only those of ``widget.origins`` are answered.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

from chatward.settings import Settings

SCRIPT: Final = "/widget.js"

HEADERS: Final = (
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("cache-control", "public, max-age=300"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
)
"""Sent with the script."""

_SCRIPTS: Final = ("talk.js", "markdown.js", "step-up.js", "learn.js", "widget.js")
_TRAFFIC: Final = "traffic.js"
_STYLES: Final = ("widget.css", "markdown.css", "step-up.css", "learn.css")


def widget_pages(settings: Settings) -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body); nothing where there is no widget."""
    widget = settings.widget
    if not widget.enabled:
        return {}
    static = files("chatward.console").joinpath("static")
    style = "\n".join(static.joinpath(name).read_text("utf-8") for name in _STYLES)
    told = {"title": widget.title, "disclosure": widget.disclosure, "model": widget.model}
    if settings.traffic.enabled:
        told["traffic"] = "on"
    names = (_TRAFFIC, *_SCRIPTS) if settings.traffic.enabled else _SCRIPTS
    constants = f"const SETTINGS = {_literal(told)};\nconst STYLE = {_literal(style)};\n"
    scripts = "\n".join(static.joinpath(name).read_text("utf-8") for name in names)
    # In a function of its own: the names in it are not the page's.
    script = f'(() => {{\n"use strict";\n{constants}{scripts}\n}})();\n'
    return {SCRIPT: ("text/javascript; charset=utf-8", script.encode())}


def _literal(value: object) -> str:
    """JSON is JavaScript (ECMA-262, 25.5); with all but ASCII escaped it is so in any encoding."""
    return json.dumps(value, ensure_ascii=True)
