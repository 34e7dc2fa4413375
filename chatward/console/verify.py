"""``/verify`` tells whether a reply is genuine; ``/.well-known/chatward.json`` is the manifest that it asks.

The rule: the check runs in the reader's own browser (``verify.js``, Web Cryptography), with a manifest that it fetched
itself or that the reader kept; nothing that is checked is sent anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from chatward.core.errors import ClientError
from chatward.core.identity import Presented
from chatward.core.ports import Headers
from chatward.genuine.replies import Proving

PAGE: Final = "/verify"
_FILES: Final = (
    (PAGE, "verify.html", "text/html; charset=utf-8"),
    (f"{PAGE}/verify.css", "verify.css", "text/css; charset=utf-8"),
    (f"{PAGE}/verify.js", "verify.js", "text/javascript; charset=utf-8"),
    (f"{PAGE}/verify-page.js", "verify-page.js", "text/javascript; charset=utf-8"),
)
_SHARED: Final = (
    ("content-type", "application/json"),
    ("access-control-allow-origin", "*"),  # public, the same for everybody
    ("cache-control", "max-age=300"),
)


def verify_pages() -> dict[str, tuple[str, bytes]]:
    """Path -> (content type, body)."""
    static = files("chatward.console").joinpath("static")
    return {path: (kind, static.joinpath(name).read_bytes()) for path, name, kind in _FILES}


def directory_service(proving: Proving | None) -> Callable[[Presented, str, bytes], tuple[int, Headers, bytes]]:
    """Answers with the directory of keys that sign our requests. Raises ``ClientError`` where nothing is signed."""

    def answer(presented: Presented, path: str, body: bytes) -> tuple[int, Headers, bytes]:
        headers, keys = _signing(presented, proving).directory()
        return 200, headers, keys

    return answer


def _signing(presented: Presented, proving: Proving | None) -> Proving:
    if presented.method not in {"GET", "HEAD"}:
        raise ClientError("This is only read.", reason="method-not-allowed", status=405)
    if proving is None:
        raise ClientError("Nothing is signed here.", reason="nothing-signed", status=404)
    return proving


def agent_card_service(
    proving: Proving | None, card: Mapping[str, Any]
) -> Callable[[Presented, str, bytes], tuple[int, Headers, bytes]]:
    """Answers with the A2A agent card, signed. Raises ``ClientError`` where nothing is signed."""

    def answer(presented: Presented, path: str, body: bytes) -> tuple[int, Headers, bytes]:
        return 200, _SHARED, _signing(presented, proving).agent_card(card)

    return answer


def manifest_service(proving: Proving | None) -> Callable[[Presented, str, bytes], tuple[int, Headers, bytes]]:
    """Answers with the manifest. Raises ``ClientError`` where nothing is signed."""

    def answer(presented: Presented, path: str, body: bytes) -> tuple[int, Headers, bytes]:
        return 200, _SHARED, _signing(presented, proving).manifest()

    return answer
