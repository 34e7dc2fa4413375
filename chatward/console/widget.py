"""The widget: one script at ``/widget.js`` that pages of other origins load, ready as bytes.

The rule: the script is all there is. Its style, its words and what the settings say of it are in it, as data; it makes
no markup from strings and needs nothing inline, so that it runs under a strict policy of the page around it (W3C CSP3).

Who may talk is not decided by who loads it: any page may, and only those of ``widget.origins`` are answered.

Where ``widget.frame`` says this site's origin, the chat can stand in a sandboxed frame of this site: the page around it
cannot read it then, and may be only one of ``widget.origins``.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from chatward.console.chat import attached_bytes
from chatward.settings import Settings
from chatward.settings.privacy_rules import privacy_on

SCRIPT: Final = "/widget.js"
FRAME: Final = "/widget/frame"
_FRAME_STYLE: Final = "/widget/frame.css"

Headers = tuple[tuple[str, str], ...]
HEADERS: Final[Headers] = (
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("cache-control", "public, max-age=300"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
)
"""Sent with the script."""
_FRAMED: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src blob:; "
    "form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types chatward-work; "
    "frame-ancestors "
)

_SCRIPTS: Final = (
    "talk.js",
    "markdown.js",
    "preview.js",
    "attach.js",
    "step-up.js",
    "rights.js",
    "learn.js",
    "badge.js",
    "visitor.js",
    "widget.js",
)
_TRAFFIC: Final = "traffic.js"
_STYLES: Final = ("widget.css", "markdown.css", "step-up.css", "learn.css", "attach.css")
_COMMENTS: Final = re.compile(r"(?m)^[ \t]*(?://.*|/\*(?s:.*?)\*/[ \t]*)\n|^[ \t]+")
"""Comments that stand alone on their lines, and what lines begin with. No text in these files goes over lines."""


def widget_pages(settings: Settings) -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body); nothing where there is no widget."""
    widget = settings.widget
    if not widget.enabled:
        return {}
    static = files("chatward.console").joinpath("static")
    style = "\n".join(_bare(static.joinpath(name).read_text("utf-8")) for name in _STYLES)
    told: dict[str, object] = {"title": widget.title, "disclosure": widget.disclosure, "model": widget.model}
    if widget.attachments:
        told["attach"] = attached_bytes(settings)
    if widget.frame:
        told["frame"] = FRAME[1:]
    if privacy_on(settings.privacy):
        told["privacy"] = "on"
    if settings.traffic.enabled:
        told["traffic"] = "on"
    names = (_TRAFFIC, *_SCRIPTS) if settings.traffic.enabled else _SCRIPTS
    constants = f"const SETTINGS = {_literal(told)};\nconst STYLE = {_literal(style)};\n"
    scripts = "\n".join(_bare(static.joinpath(name).read_text("utf-8")) for name in names)
    scripts = f"{_verifying()}\n{scripts}"
    # In a function of its own: the names in it are not the page's.
    script = f'(() => {{\n"use strict";\n{constants}{scripts}\n}})();\n'
    found = {SCRIPT: ("text/javascript; charset=utf-8", script.encode())}
    return found | _framed(widget.title) if widget.frame else found


def widget_headers(settings: Settings) -> dict[str, Headers]:
    """Path -> headers. The frame is shown on pages of ``widget.origins`` alone (CSP3, ``frame-ancestors``)."""
    if not settings.widget.enabled:
        return {}
    found: dict[str, Headers] = {SCRIPT: HEADERS}
    if settings.widget.frame:
        sniff, sharing, *_ = HEADERS
        policy = _FRAMED + " ".join(settings.widget.origins)
        page: Headers = (sniff, sharing, ("content-security-policy", policy), ("referrer-policy", "no-referrer"),
                ("cache-control", "no-cache"))  # fmt: skip
        found |= {FRAME: page, _FRAME_STYLE: page}
    return found


def _framed(title: str) -> dict[str, tuple[str, bytes]]:
    """The page that stands in a frame, with its style."""
    static = files("chatward.console").joinpath("static")
    page = Template(static.joinpath("frame.html").read_text("utf-8")).substitute(title=escape(title))
    return {
        FRAME: ("text/html; charset=utf-8", page.encode()),
        _FRAME_STYLE: ("text/css; charset=utf-8", static.joinpath("frame.css").read_bytes()),
    }


def _bare(text: str) -> str:
    """A script or a style without what only its readers need."""
    return _COMMENTS.sub("", text)


def _verifying() -> str:
    """The module that checks proofs (``verify.js``), as a value: what a page may load is for the page to say."""
    module = files("chatward.console").joinpath("static", "verify.js").read_text("utf-8")
    plain = re.sub(r"(?m)^export ", "", _bare(module))
    return f"const ChatwardVerify = (() => {{\n{plain}\nreturn {{ verifyManifest, verifyProof }};\n}})();"


def _literal(value: object) -> str:
    """JSON is JavaScript (ECMA-262, 25.5); with all but ASCII escaped it is so in any encoding."""
    return json.dumps(value, ensure_ascii=True)
