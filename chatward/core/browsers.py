"""What browsers are told: which pages may ask (CORS, Fetch Standard), and to come by TLS only (RFC 6797).

The rules:

1. A request without ``origin`` is no page's; nothing is said. One with this server's own origin is of its own pages.
2. Any other origin must be listed, to the letter. ``null`` never is: every sandboxed page has it. What is not listed is
   refused before it is served, not left to the browser to hide.
3. There is no "every page": ``*`` is no origin. Who may ask is named.
4. What may be kept by caches says that it differs by origin (``vary``).
5. HSTS only where TLS is spoken, and never for a name of this machine: it would lock browsers out of every other
   server on it. IP addresses have none (RFC 6797 section 8.3).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NoReturn

from chatward.core.errors import ClientError

HSTS: Final = "max-age=31536000"
"""One year. Names below this one are somebody else's business."""
PREFLIGHT_SECONDS: Final = 600
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}

Headers = list[tuple[str, str]]

SECURITY: Final[Headers] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
]
"""For answers that are no pages."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may ask from a page: ``origins`` as browsers write them (``https://shop.example``), how (``methods``), with
    which request ``headers``, and which headers of an answer a page may read (``exposed``)."""

    origins: Collection[str] = ()
    credentials: bool = False
    methods: Collection[str] = ("GET", "HEAD", "POST")
    headers: Collection[str] = ()
    exposed: Collection[str] = ()


def origin_problem(origin: str) -> str | None:
    """Why an origin in the settings cannot be meant, or ``None``."""
    if origin == "*":
        return "lets every page in; list the origins that may ask"
    if not is_origin(origin):
        return "must be an origin as browsers write it, such as https://shop.example (lower case, no path)"
    return None


def is_origin(text: str) -> bool:
    """Whether a browser would write it so (RFC 6454 section 6.2): lower case, no default port, no slash at the end."""
    if _ORIGIN.fullmatch(text) is None:
        return False
    return not text.endswith(_DEFAULT_PORT[text.partition(":")[0]])


def cors(origin: Collection[str], own: str, sharing: Sharing) -> Headers:
    """The header fields of the answer to a request. ``origin``: its ``origin`` fields; ``own``: this server's origin.

    Raises ``ClientError`` (403, ``origin-not-allowed``).
    """
    vary = [("vary", "origin")] if sharing.origins else []
    if not origin:
        return vary
    if len(origin) > 1:
        _refuse()
    (asked,) = origin
    if not is_origin(asked):
        _refuse()
    if asked == own:
        return vary
    if asked not in sharing.origins:
        _refuse()
    return [
        *vary,
        ("access-control-allow-origin", asked),
        *([("access-control-allow-credentials", "true")] if sharing.credentials else []),
        *([("access-control-expose-headers", ", ".join(sharing.exposed))] if sharing.exposed else []),
    ]


def preflight(
    origin: Collection[str], method: Collection[str], headers: Collection[str], own: str, sharing: Sharing
) -> Headers:
    """The answer (204) to ``OPTIONS`` with ``access-control-request-method``. ``method`` and ``headers`` are the
    ``access-control-request-*`` fields. Raises ``ClientError`` (403, ``origin-not-allowed``)."""
    answer = cors(origin, own, sharing)
    if not any(name == "access-control-allow-origin" for name, _ in answer) or len(method) != 1 or len(headers) > 1:
        _refuse()
    wanted = next(iter(headers), "").strip().lower()
    names = {name.strip(" \t") for name in wanted.split(",")} if wanted else set()
    if next(iter(method)) not in sharing.methods or not names <= {name.lower() for name in sharing.headers}:
        _refuse()
    answer = [pair for pair in answer if pair[0] not in {"vary", "access-control-expose-headers"}]
    return [
        *answer,
        ("vary", "origin, access-control-request-method, access-control-request-headers"),
        ("access-control-allow-methods", ", ".join(sharing.methods)),
        *([("access-control-allow-headers", ", ".join(sharing.headers))] if sharing.headers else []),
        ("access-control-max-age", str(PREFLIGHT_SECONDS)),
    ]


def hsts(scheme: str, host: str) -> Headers:
    """``strict-transport-security`` where it may be said. ``scheme``: what the client spoke; ``host``: whom it asked,
    with or without port."""
    name = host.strip().lower()
    name = name.partition("]")[0].strip("[") if name.startswith("[") else name.partition(":")[0]
    name = name.rstrip(".")
    if scheme != "https" or not name or name == "localhost" or name.endswith(".localhost") or _is_address(name):
        return []
    return [("strict-transport-security", HSTS)]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refuse() -> NoReturn:
    raise ClientError("Pages of this origin may not ask here.", reason="origin-not-allowed", status=403)
