"""The step-up page at ``/chat/step-up``, and the dialog that the chat page shares with it, ready as bytes.

The rule is the chat page's (``console.chat``): everything from this address, one policy, no markup from strings. The
page is where the link in a challenge leads (``identity.stepup_api.demanded``), and where people see to their passkeys.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

PAGE: Final = "/chat/step-up"

_FILES: Final = {
    PAGE: ("step-up.html", "text/html; charset=utf-8"),
    "/chat/step-up.js": ("step-up.js", "text/javascript; charset=utf-8"),
    "/chat/step-up-page.js": ("step-up-page.js", "text/javascript; charset=utf-8"),
    "/chat/step-up.css": ("step-up.css", "text/css; charset=utf-8"),
    "/chat/chat.css": ("chat.css", "text/css; charset=utf-8"),
    "/chat/icon.svg": ("icon.svg", "image/svg+xml"),
}


def step_up_pages() -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body), to be sent with ``console.chat.HEADERS``."""
    static = files("chatward.console").joinpath("static")
    return {path: (kind, static.joinpath(name).read_bytes()) for path, (name, kind) in _FILES.items()}
