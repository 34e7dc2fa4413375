"""Which pages of other origins may ask what: ``core.browsers`` for the paths of the data plane.

The rules:

1. What a page sends is refused before anything else of it is looked at, unless its origin is this server's own or is
   listed for the path. Programs send no ``origin``, and are not concerned.
2. ``Sec-Fetch-Site: same-origin`` says that the page is our own (W3C Fetch Metadata; no page can set it), also where
   a proxy in front has changed scheme or host, and where our own form says ``null`` because of its referrer policy.
   Where a browser does not say so, ``origin`` is compared with the address that was asked.
3. A widget's pages may ask what a widget asks, and nothing else. Never with cookies: a visitor has a token.
4. Where this machine alone is served, and without a key, a page must have come by a name of this machine: somebody
   else's name that was made to point here (DNS rebinding) would make its page look like our own.
5. An answer that is refused has no CORS fields, so the page does not even read why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from chatward.core.browsers import Headers, Sharing, cors, preflight
from chatward.core.errors import ClientError
from chatward.gateway.bodies import Fields
from chatward.gateway.parties import Scope
from chatward.settings.rules import is_loopback

ASKS: Final = "access-control-request-method"
WIDGET: Final = ("/.well-known/chatward.json", "/v1/chat/completions", "/v1/models", "/v1/privacy/choices",
                 "/v1/privacy/consents", "/v1/privacy/notice", "/v1/privacy/requests", "/v1/reports", "/v1/tips",
                 "/v1/traffic/page", "/v1/traffic/pass", "/v1/widget/sessions", "/widget.js")  # fmt: skip
WIDGET_BELOW: Final = ("/v1/challenges/", "/v1/privacy/consents/")
_API: Final = ("/v1/", "/channels/")
_STAINLESS: Final = ("arch", "helper-method", "lang", "os", "package-version", "retry-count", "runtime",
                     "runtime-version", "timeout")  # fmt: skip
REQUEST_HEADERS: Final = (
    "accept",
    "anthropic-beta",
    "anthropic-dangerous-direct-browser-access",
    "anthropic-version",
    "authorization",
    "content-type",
    "dpop",
    "http-referer",
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "traceparent",
    "user-agent",
    "x-api-key",
    "x-chatward-challenge",
    "x-chatward-page",
    "x-client-request-id",
    "x-title",
    *(f"x-stainless-{name}" for name in _STAINLESS),
)
"""What pages may send: what the gateway reads, and what the official clients add by themselves."""
METHODS: Final = ("GET", "HEAD", "POST", "DELETE")
EXPOSED: Final = (
    "retry-after",
    "www-authenticate",
    "x-chatward-action",
    "x-chatward-ai",
    "x-chatward-challenge",
    "x-chatward-disclosure",
    "x-chatward-limit",
    "x-chatward-limit-of",
    "x-chatward-limit-remaining",
    "x-chatward-limit-reset",
    "x-chatward-notice",
    "x-chatward-proof",
    "x-chatward-overhead-ms",
    "x-chatward-request-id",
    "x-chatward-tip",
)


class CrossOrigin:
    """Decides for the gateway. ``api``: origins that may ask everything below ``_API``, with cookies where
    ``credentials``; ``widget``: those of the widget's pages. ``own`` tells the origin that a request was sent to.
    ``here``: rule 4 applies."""

    def __init__(
        self,
        own: Callable[[Scope], str],
        *,
        api: Collection[str] = (),
        credentials: bool = False,
        widget: Collection[str] = (),
        here: bool = False,
    ) -> None:
        self._own = own
        self._here = here
        self._api = Sharing(frozenset(api), credentials, METHODS, headers=REQUEST_HEADERS, exposed=EXPOSED)
        self._widget = Sharing(frozenset(widget), methods=METHODS, headers=REQUEST_HEADERS, exposed=EXPOSED)
        self._shares = bool(self._api.origins or self._widget.origins)

    def answer(self, scope: Scope) -> Headers:
        """The fields to add to the answer. Raises ``ClientError`` (403, ``origin-not-allowed``)."""
        headers = scope.headers
        if "origin" not in headers:
            return cors((), "", self._sharing(scope.path, ())) if self._shares else []
        origin = headers.get_all("origin")
        sharing = self._sharing(scope.path, origin)
        if self._here and not _is_here(self._own(scope)):
            raise ClientError(
                "Pages reach this address by a name of this machine only.", reason="origin-not-allowed", status=403
            )
        if len(origin) == 1 and _from_own_page(headers):
            return cors((), "", sharing)
        return cors(origin, self._own(scope), sharing)

    def preflight(self, scope: Scope) -> Headers | None:
        """The fields of the answer to a preflight; ``None`` where the request is none. Raises as ``answer``."""
        headers = scope.headers
        if scope.method != "OPTIONS" or ASKS not in headers or "origin" not in headers:
            return None
        origin = headers.get_all("origin")
        wanted = headers.get_all("access-control-request-headers")
        return preflight(origin, headers.get_all(ASKS), wanted, self._own(scope), self._sharing(scope.path, origin))

    def _sharing(self, path: str, origin: Collection[str]) -> Sharing:
        api = self._api if path.startswith(_API) else _NOBODY
        if path not in WIDGET and not path.startswith(WIDGET_BELOW):
            return api
        if api.origins and (not self._widget.origins or any(one in api.origins for one in origin)):
            return api
        return self._widget


_NOBODY: Final = Sharing()


def _from_own_page(headers: Fields) -> bool:
    return headers.get_all("sec-fetch-site") == ["same-origin"]


def _is_here(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
