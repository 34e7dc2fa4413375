"""Tokens that are good only for who holds a key: ``cnf`` (RFC 7800).

The rules:

1. ``x5t#S256``: the caller's TLS certificate must be the one that the token names (RFC 8705 section 3.1).
2. ``jkt``: the request must carry a proof of possession of the key that the token names, and the token must come
   under the scheme ``DPoP`` (RFC 9449 section 7.1). A bound token under ``Bearer`` is refused (section 7.2), and so is
   a token that is not bound under ``DPoP``: a stolen token does not become good by taking its binding for optional.
3. A ``cnf`` of any other form is refused: it binds to something that cannot be seen here.

What a token is bound to is read once, when it is verified; it is proven with every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chatward.core import base64url
from chatward.core.identity import Presented
from chatward.identity import dpop
from chatward.identity.jose import TokenError

_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_KNOWN: Final = frozenset({"x5t#S256", "jkt"})


@dataclass(frozen=True, slots=True)
class Binding:
    """Thumbprints (SHA-256, base64url) of the certificate and of the key that a token is bound to, where it is."""

    certificate: str = ""
    key: str = ""

    def __bool__(self) -> bool:
        return bool(self.certificate or self.key)


def binding(claims: Mapping[str, Any]) -> Binding:
    """What a verified token is bound to. Raises ``TokenError`` (``token-binding``)."""
    if "cnf" not in claims:
        return Binding()
    cnf = claims["cnf"]
    if not isinstance(cnf, dict) or not cnf or not cnf.keys() <= _KNOWN:
        raise TokenError("token-binding")
    if any(not isinstance(value, str) or _DIGEST.fullmatch(value) is None for value in cnf.values()):
        raise TokenError("token-binding")
    return Binding(cnf.get("x5t#S256", ""), cnf.get("jkt", ""))


def certificate_thumbprint(der: bytes) -> str:
    """``x5t#S256`` of a certificate (RFC 8705 section 3.1)."""
    return base64url.encode(hashlib.sha256(der).digest())


class Possession:
    """Checks that a caller holds what a token is bound to. ``seen`` remembers proofs; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float], seen: dpop.Seen | None = None) -> None:
        self._clock = clock
        self._seen = seen or dpop.SeenProofs()

    def check(self, bound: Binding, presented: Presented, scheme: str, token: str) -> None:
        """Raises ``TokenError`` (``token-scheme``, ``token-certificate``, ``token-proof-missing``) and the errors of
        ``dpop.verify``. ``scheme`` is ``bearer`` or ``dpop``."""
        if (scheme == "dpop") != bool(bound.key):
            raise TokenError("token-scheme")
        if bound.certificate:
            held = certificate_thumbprint(presented.certificate) if presented.certificate else ""
            if not hmac.compare_digest(held, bound.certificate):
                raise TokenError("token-certificate")
        if bound.key:
            proof = dpop.from_headers(presented.headers)
            if proof is None:
                raise TokenError("token-proof-missing")
            dpop.verify(
                proof,
                method=presented.method,
                url=presented.url,
                now=self._clock(),
                seen=self._seen,
                token=token,
                bound=bound.key,
            )
