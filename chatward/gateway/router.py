"""Which requests the gateway knows: a path is looked up, never matched by pattern.

The rule: a known path with another method is 405 with ``allow``; everything else is 404. The server hands over
the decoded path; what goes to a bot is encoded anew, and a path with dot segments or control characters is not
known. Of the query, only the parameters in ``PARAMETERS`` travel, with values of a plain alphabet: a query
is not inspected, so it must not be able to carry a message.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final
from urllib.parse import quote

MODELS: Final = "/v1/models"
HEALTH: Final = "/healthz"
READY: Final = "/readyz"

PARAMETERS: Final = frozenset({"after", "after_id", "api-version", "before", "before_id", "beta", "limit", "order"})
_VALUE: Final = re.compile(r"[A-Za-z0-9_.\-]{0,128}")
_MODEL: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


class Kind(Enum):
    """What serves a path."""

    MESSAGE = "message"
    SESSION = "session"
    MODELS = "models"
    HEALTH = "health"
    READY = "ready"
    PAGE = "page"


class Router:
    """Paths of messages (POST, each with its dialect), of those among them that have sessions (GET, DELETE), of pages
    (GET), and of models (GET) if they are served."""

    def __init__(
        self,
        messages: frozenset[str],
        pages: frozenset[str],
        *,
        models: bool,
        sessions: frozenset[str] = frozenset(),
    ) -> None:
        self._models = models
        self._kinds = {
            **dict.fromkeys(pages, Kind.PAGE),
            **dict.fromkeys(messages, Kind.MESSAGE),
            **dict.fromkeys(sessions, Kind.SESSION),
            HEALTH: Kind.HEALTH,
            READY: Kind.READY,
        }
        if models:
            self._kinds[MODELS] = Kind.MODELS

    def find(self, path: str) -> Kind | None:
        kind = self._kinds.get(path)
        if kind is None and self._models and path.startswith("/v1/models/") and _is_model(path[11:]):
            return Kind.MODELS
        return kind


def allowed(kind: Kind) -> tuple[str, ...]:
    """The methods of a path, for ``allow``."""
    if kind is Kind.SESSION:
        return ("POST", "GET", "DELETE", "OPTIONS")
    return ("POST", "OPTIONS") if kind is Kind.MESSAGE else ("GET", "HEAD", "OPTIONS")


def upstream_path(path: str, query: str) -> str:
    """The path and query that go to the bot."""
    if path.startswith("/v1/models/"):
        path = "/v1/models/" + quote(path[11:], safe="/:@")
    if not query:
        return path
    kept = []
    for pair in query.split("&")[:16]:
        name, _, value = pair.partition("=")
        if name in PARAMETERS and _VALUE.fullmatch(value):
            kept.append(f"{name}={value}")
    return f"{path}?{'&'.join(kept)}" if kept else path


def _is_model(name: str) -> bool:
    return _MODEL.fullmatch(name) is not None and not {"", ".", ".."} & set(name.split("/"))
