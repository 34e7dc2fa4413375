"""The files that pages of the console load: styles, scripts and the icon, at fixed addresses.

The rules:

1. They are the same for everybody and say nothing of anybody, so they are open, and a browser may keep them; it asks
   whether they are the same each time (``no-cache`` with an ETag, RFC 9111 section 5.2.2.4).
2. They are sent compressed to who takes that (RFC 9110, 12.5.3): nothing in them is secret, nothing of a caller is
   mixed in.
3. What others wrote stands unchanged in ``static/vendor`` with its licence; ``vendored.json`` there has version and
   SHA-256 of each file (``scripts/vendor``).

What a request is decided by knows their addresses, so nothing here imports FastAPI.
"""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

_SCRIPT: Final = "text/javascript; charset=utf-8"
_STYLE: Final = "text/css; charset=utf-8"
FILES: Final = {
    "/console.css": ("console.css", _STYLE),
    "/access.css": ("access.css", _STYLE),
    "/uplot.css": ("vendor/uPlot.min.css", _STYLE),
    "/console.js": ("console.js", _SCRIPT),
    "/charts.js": ("charts.js", _SCRIPT),
    "/passkeys.js": ("passkeys.js", _SCRIPT),
    "/htmx.js": ("vendor/htmx.min.js", _SCRIPT),
    "/uplot.js": ("vendor/uPlot.iife.min.js", _SCRIPT),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Address -> file of ``static`` and media type."""


@cache
def file(path: str) -> tuple[bytes, bytes, str, str]:
    """What is at an address: as it is, compressed, its media type, and a weak tag for both (RFC 9110, 8.8.1)."""
    name, kind = FILES[path]
    body = files("chatward.console").joinpath("static", name).read_bytes()
    return body, gzip.compress(body, 9, mtime=0), kind, f'W/"{sha256(body).hexdigest()[:16]}"'
