"""The page at ``/signin`` and ``/signout`` of the gateway: who is signed in, the ways in, and the way out.

The rule is the chat page's (``console.chat``): everything from this address, nothing that runs. What the settings and
an identity provider say is put in escaped.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from chatward.identity.signin_api import SIGN_IN, SIGN_OUT, Page, Shown

# No `form-action`: browsers apply it to every redirect that follows a form (CSP3, 6.3.1), and whoever signs out goes on
# to their provider, and from there perhaps to another. `same-origin`: under `no-referrer` a form says `Origin: null`.
HEADERS: Final = (
    ("content-type", "text/html; charset=utf-8"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
)


def sign_in_page(chat: str) -> Page:
    """Makes the page. ``chat`` is the path that whoever is signed in goes on to; empty: none."""
    frame = Template(files("chatward.console").joinpath("static/signin.html").read_text("utf-8"))

    def page(shown: Shown) -> tuple[list[tuple[str, str]], bytes]:
        title, lines = _lines(shown, chat)
        return list(HEADERS), frame.substitute(title=escape(title), main="\n".join(lines)).encode()

    return page


def _lines(shown: Shown, chat: str) -> tuple[str, list[str]]:
    told = [f'<p class="note stopped" role="alert">{escape(shown.problem)}</p>'] if shown.problem else []
    if shown.signed_in:
        called = f"You are signed in as <strong>{escape(shown.name)}</strong>." if shown.name else "You are signed in."
        told += [f"<p>{called}</p>"]
        told += [f'<p><a href="{escape(chat)}">To the chat</a></p>'] if chat else []
        told += [f'<form method="post" action="{SIGN_OUT}"><button>Sign out</button></form>']
        return "Signed in", told
    if shown.out:
        told += ['<p class="note" role="status">You are signed out.</p>']
    told += [f'<p><a href="{escape(url)}">Sign in: {escape(title)}</a></p>' for url, title in shown.providers]
    if not shown.providers:
        told += [f'<p><a href="{SIGN_IN}">Sign in</a></p>']
    return "Signed out" if shown.out else "Sign in", told
