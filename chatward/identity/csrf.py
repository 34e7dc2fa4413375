"""Against requests that another page makes in an operator's name (CSRF).

The rules, for every request that changes something and comes with a cookie (OWASP's cheat sheet, in this order):

1. ``Sec-Fetch-Site``, where the browser sends it, is ``same-origin``: not even a sister host may ask.
2. ``Origin``, where it is sent, is this plane's own; ``null`` is not. Pages with forms need the referrer policy
   ``same-origin``: ``no-referrer`` makes browsers say ``null`` (Fetch Standard, "append a request Origin header").
3. One of the two is sent. Every browser of the last years does; a program says ``Origin`` itself.
4. The form or header carries a token that belongs to the cookie and to the session: an HMAC over both. Before there is
   a session, it belongs to the cookie alone, and becomes worthless with the log-in.

A request without any cookie acts in nobody's name; of it, only what it says of its origin is checked.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256
from typing import Final

from chatward.core.errors import IdentityError
from chatward.core.identity import Fields
from chatward.identity.sessions import cookie, cookie_name

HEADER: Final = "x-csrf-token"
FIELD: Final = "csrf"
_SAID: Final = "This request did not come from a page of this console. Load the page again and repeat it."


class Csrf:
    """Makes and checks tokens. ``key`` is a secret of this installation (32 bytes), the same in all its processes."""

    def __init__(self, key: bytes, *, secure: bool) -> None:
        self.cookie: Final = cookie_name("csrf", secure=secure)
        self._key = hmac.digest(key, b"chatward operators csrf", "sha256")
        self._secure = secure

    def seed(self, headers: Fields) -> str:
        """What the cookie holds, or a new value for it."""
        return cookie(headers, self.cookie) or secrets.token_urlsafe(32)

    def token(self, seed: str, session: str | None) -> str:
        """The token for pages, of this cookie and this session's token."""
        bound = sha256(session.encode("utf-8", "surrogatepass")).digest() if session else bytes(32)
        mac = hmac.digest(self._key, bound + seed.encode("utf-8", "surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")

    def origin(self, headers: Fields, *, needed: bool) -> None:
        """Rules 1 to 3. ``needed``: the request has cookies. Raises ``IdentityError`` (``cross-site``)."""
        site, origins, hosts = headers.get_all("sec-fetch-site"), headers.get_all("origin"), headers.get_all("host")
        if any(value != "same-origin" for value in site):
            raise IdentityError(_SAID, reason="cross-site", status=403)
        scheme = "https" if self._secure else "http"
        own = _without_default_port(f"{scheme}://{hosts[0]}") if len(hosts) == 1 and hosts[0] else None
        if any(own is None or _without_default_port(value) != own for value in origins):
            raise IdentityError(_SAID, reason="cross-site", status=403)
        if needed and not site and not origins:
            raise IdentityError(_SAID, reason="cross-site", status=403)

    def check(self, headers: Fields, submitted: str | None, session: str | None) -> None:
        """All rules, for a request that comes with cookies. Raises ``IdentityError``: ``cross-site``, ``csrf``."""
        self.origin(headers, needed=True)
        seed = cookie(headers, self.cookie)
        wanted = self.token(seed or "", session).encode()
        given = (submitted or "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(wanted, given) or not seed:
            raise IdentityError(_SAID, reason="csrf", status=403)


def _without_default_port(origin: str) -> str:
    """Browsers leave the scheme's own port out of ``Origin`` (RFC 6454, 6.2); a ``Host`` may have it."""
    lower = origin.lower()
    scheme, _, rest = lower.partition("://")
    return lower.removesuffix({"http": ":80", "https": ":443"}.get(scheme, "")) if rest else lower
