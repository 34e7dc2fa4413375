"""Proof of possession of a key with every request: DPoP, RFC 9449.

A token may be bound to a public key by the key's thumbprint (RFC 7638; claim ``cnf.jkt``, section 6.1). Who uses it
sends a proof beside it: a compact JWS, signed by that key, over the method, the URL and the token's digest. Whoever
steals the token alone can do nothing with it; whoever steals a proof as well can repeat one request, and that is seen.

``verify`` is section 4.3, check by check, in an order that costs an attacker the most: a signature is verified only
when everything else fits, and a proof is remembered as seen only when it is good in every other way.

    1   one ``DPoP`` header ................ ``from_headers``
    2   a well-formed JWT .................. strict base64url, unique names (``base64url.compact``)
    3   all required claims ................ ``jti`` ``htm`` ``htu`` ``iat``, and ``ath`` with a token
    4   ``typ`` is ``dpop+jwt``
    5   ``alg`` asymmetric and allowed ..... ``ES256``, ``EdDSA`` (with Ed25519)
    6   the signature verifies with ``jwk``
    7   ``jwk`` holds no private key
    8   ``htm`` is the method .............. case matters
    9   ``htu`` is the URL ................. without query and fragment, normalised as of RFC 3986 (``normal_url``)
    10  the nonce, where one was given out . ``nonces``
    11  ``iat`` within a window ............ ``max_age`` back, ``leeway`` ahead; each ``jti`` once (``Seen``)
    12  with a token: ``ath`` is its digest, and its key is this key (``token``, ``bound``)

Not checked: ``exp`` and ``nbf`` of a proof (RFC 9449 gives them no meaning), and ``kid``, ``alg``, ``use`` inside
``jwk``: nothing but the public numbers is used.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OKPKey

from chatward.core import base64url
from chatward.core.errors import IdentityError
from chatward.core.identity import Fields

ALGORITHMS: Final = ("ES256", "EdDSA")
MAX_PROOF: Final = 4096
"""Characters of a proof."""
MAX_AGE: Final = 60.0
"""Seconds for which a proof is good."""
LEEWAY: Final = 5.0
"""Seconds by which the sender's clock may be ahead."""

_MAX_JTI: Final = 256
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 sections 6.2.2, 6.3.2, 6.4
_KEYS: Final = {  # alg -> kty, crv, members and their length in bytes (RFC 7518 section 6.2.1.2, RFC 8037 section 2)
    "ES256": ("EC", "P-256", ("x", "y"), 32),
    "EdDSA": ("OKP", "Ed25519", ("x",), 32),
}


class Seen(Protocol):
    """Remembers proofs, so that each is good once."""

    def first(self, thumbprint: str, jti: str, now: float, lasts: float) -> bool:
        """True the first time. ``lasts`` says for how many seconds from ``now`` the proof could be repeated. Raises
        ``IdentityError`` (429, ``dpop-too-many``) when there is no room: what cannot be remembered is refused."""
        ...


@dataclass(frozen=True, slots=True)
class Proven:
    """What a good proof says: the thumbprint of the key (RFC 7638, SHA-256, base64url), and the proof's id and time."""

    thumbprint: str
    jti: str
    issued: float


def from_headers(headers: Fields) -> str | None:
    """The proof of a request; ``None`` where none is presented. Raises ``IdentityError`` when there are several."""
    found = headers.get_all("dpop")
    if not found:
        return None
    if len(found) > 1:
        _refuse("dpop-proof-invalid", "several proofs")
    return found[0]


def verify(
    proof: str,
    *,
    method: str,
    url: str,
    now: float,
    seen: Seen,
    token: str | None = None,
    bound: str | None = None,
    nonces: Collection[str] = (),
    max_age: float = MAX_AGE,
    leeway: float = LEEWAY,
    algorithms: Collection[str] = ALGORITHMS,
) -> Proven:
    """Checks one proof for one request (RFC 9449 section 4.3; the module says how).

    ``method`` and ``url`` are those of the request (``Presented``); ``now`` is seconds since 1970 UTC. ``token`` is
    the access token that came along, ``bound`` the thumbprint that it is bound to: with a token, always give both.
    ``nonces`` are those that the server would take now; none means that it asks for none.

    Raises ``IdentityError`` (401), whose ``__cause__`` says for the log which check failed:

    * ``dpop-proof-invalid``: malformed, or for another method, URL, token or key;
    * ``dpop-proof-stale``: made too long ago, or in the future;
    * ``dpop-proof-replayed``: seen before;
    * ``dpop-nonce-needed``: answer with a ``DPoP-Nonce`` header (section 8);
    * ``dpop-too-many`` (429): from ``Seen``.
    """
    if token is not None and bound is None:
        raise TypeError("a token without the key that it is bound to proves nothing")
    try:
        read = base64url.compact(proof, MAX_PROOF)
        claims = base64url.json_object(read.payload)
    except ValueError as error:
        _refuse("dpop-proof-invalid", str(error))
    key = _key(read.header, algorithms)
    thumbprint = key.thumbprint()
    jti, issued = _claims(claims, method=method, url=url, token=token)
    if bound is not None and not hmac.compare_digest(thumbprint.encode(), bound.encode()):
        _refuse("dpop-proof-invalid", "another key than the token's")
    if not now - max_age <= issued <= now + leeway:
        _refuse("dpop-proof-stale", "iat")
    _check_signature(proof, key, algorithms)
    if nonces and not (isinstance(nonce := claims.get("nonce"), str) and nonce in nonces):
        _refuse("dpop-nonce-needed", "nonce")
    if not seen.first(thumbprint, jti, now, issued + max_age - now):
        _refuse("dpop-proof-replayed", "jti")
    return Proven(thumbprint, jti, issued)


def digest(token: str) -> str:
    """``ath`` for a token (section 4.2): SHA-256 of its ASCII spelling, base64url."""
    return base64url.encode(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())


def thumbprint(jwk: object, alg: str = "ES256") -> str:
    """The thumbprint (RFC 7638) of a public key that somebody sent as a JWK. Raises ``IdentityError`` where it is not
    a good public key for ``alg``: not on its curve, numbers of another length, or with private parts."""
    return _key({"alg": alg, "typ": "dpop+jwt", "jwk": jwk}, ALGORITHMS).thumbprint()


# --- the parts of a proof


def _key(header: dict[str, Any], algorithms: Collection[str]) -> ECKey | OKPKey:
    """Checks 4, 5 and 7."""
    alg, jwk = header.get("alg"), header.get("jwk")
    if header.get("typ") != "dpop+jwt":
        _refuse("dpop-proof-invalid", "typ")
    if alg not in algorithms or alg not in _KEYS:
        _refuse("dpop-proof-invalid", "alg")
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys():
        _refuse("dpop-proof-invalid", "jwk")
    kty, crv, members, length = _KEYS[alg]
    numbers = {name: jwk.get(name) for name in members}
    if jwk.get("kty") != kty or jwk.get("crv") != crv:
        _refuse("dpop-proof-invalid", "jwk")
    try:
        for number in numbers.values():
            if not isinstance(number, str) or len(base64url.decode(number)) != length:
                raise ValueError
        kind = ECKey if kty == "EC" else OKPKey
        return kind.import_key({"kty": kty, "crv": crv, **numbers})  # type: ignore[dict-item]
    except (ValueError, TypeError, JoseError):
        _refuse("dpop-proof-invalid", "jwk")


def _claims(claims: dict[str, Any], *, method: str, url: str, token: str | None) -> tuple[str, float]:
    """Checks 3, 8, 9 and the first half of 12; ``jti`` and ``iat``."""
    jti, issued, htu = claims.get("jti"), claims.get("iat"), claims.get("htu")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        _refuse("dpop-proof-invalid", "jti")
    if isinstance(issued, bool) or not isinstance(issued, (int, float)) or not abs(issued) < 1 << 53:
        _refuse("dpop-proof-invalid", "iat")
    if claims.get("htm") != method:
        _refuse("dpop-proof-invalid", "htm")
    try:
        if not isinstance(htu, str) or normal_url(htu) != normal_url(url):
            raise ValueError
    except ValueError:
        _refuse("dpop-proof-invalid", "htu")
    if token is not None:
        ath = claims.get("ath")
        if not isinstance(ath, str) or not ath.isascii() or not hmac.compare_digest(ath, digest(token)):
            _refuse("dpop-proof-invalid", "ath")
    return jti, float(issued)


class _Registry(jws.JWSRegistry):
    """joserfc's, with these algorithms and no others. Header members that are not known are ignored, as RFC 7515
    section 4 wants; EdDSA is used without a remark (RFC 9864 renames it, RFC 9449 examples predate that)."""

    max_header_length = MAX_PROOF
    max_payload_length = MAX_PROOF

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError("not allowed")
        return self.algorithms[name]


def _check_signature(proof: str, key: ECKey | OKPKey, algorithms: Collection[str]) -> None:
    """Check 6."""
    try:
        jws.deserialize_compact(proof, key, registry=_Registry(algorithms=algorithms, strict_check_header=False))
    except (JoseError, ValueError, TypeError):
        _refuse("dpop-proof-invalid", "signature")


_PUBLIC: Final = {
    "dpop-proof-invalid": "The proof of possession does not fit this request. Make a new one for every request.",
    "dpop-proof-stale": "The proof of possession is too old, or from the future. Check the clock and make a new one.",
    "dpop-proof-replayed": "The proof of possession was used before. Make a new one for every request.",
    "dpop-nonce-needed": "Make a new proof of possession with the nonce of this answer.",
    "dpop-too-many": "Too many requests with proofs of possession. Try again later.",
}


def _refuse(reason: str, check: str) -> NoReturn:
    status = 429 if reason == "dpop-too-many" else 401
    raise IdentityError(_PUBLIC[reason], reason=reason, status=status) from ValueError(f"DPoP: {check}")


# --- URLs


_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://"
    r"(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::([0-9]*))?"
    r"((?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*)"
    r"(?:[?#][\x21-\x7e]*)?",
    re.ASCII,
)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PORTS: Final = {"http": "80", "https": "443"}


def normal_url(url: str) -> str:
    """Scheme, authority and path, without query and fragment, normalised by syntax and scheme (RFC 3986 sections 6.2.2
    and 6.2.3). Raises ``ValueError`` for what is no absolute URL of RFC 3986 section 3 with a host: characters that
    must be escaped, half an escape, a user before the host."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError("not an absolute URL")
    scheme, host, port, path = found.groups()
    scheme, host = scheme.lower(), _ESCAPE.sub(_escape, host).lower()
    host = _ESCAPE.sub(lambda each: each[0].upper(), host)
    port = "" if not port or port == _PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host}{port}{_without_dots(_ESCAPE.sub(_escape, path)) or '/'}"


def _escape(found: re.Match[str]) -> str:
    """6.2.2.1 and 6.2.2.2: capital digits; what needs no escape has none."""
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _without_dots(path: str) -> str:
    """5.2.4, for a path that is empty or begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "".join(f"/{segment}" for segment in kept)


# --- replays


def digest_of(thumbprint: str, jti: str) -> bytes:
    """What a proof is remembered by."""
    return hashlib.sha256(f"{thumbprint}.{jti}".encode("utf-8", "surrogatepass")).digest()


class SeenProofs:
    """Implements ``Seen`` in memory, for this process.

    At most ``limit`` proofs are remembered, and ``per_key`` of one key, each until it could not be repeated any more.
    Nothing is forgotten sooner: when there is no room, new proofs are refused. For several processes that serve one
    address, and over a restart, there is ``shared_proofs``.
    """

    def __init__(self, limit: int = 100_000, per_key: int = 2_000) -> None:
        self._limit = limit
        self._per_key = per_key
        self._until: dict[bytes, float] = {}
        self._order: deque[tuple[float, bytes, str]] = deque()
        self._counts: dict[str, int] = {}

    @property
    def size(self) -> int:
        return len(self._until)

    def first(self, thumbprint: str, jti: str, now: float, lasts: float) -> bool:
        self._forget(now)
        proof = digest_of(thumbprint, jti)
        if proof in self._until:
            return False
        if len(self._until) >= self._limit or self._counts.get(thumbprint, 0) >= self._per_key:
            _refuse("dpop-too-many", "no room")
        # One second more than it takes: a proof is stale before it is forgotten.
        until = now + lasts + 1
        self._until[proof] = until
        self._order.append((until, proof, thumbprint))
        self._counts[thumbprint] = self._counts.get(thumbprint, 0) + 1
        return True

    def _forget(self, now: float) -> None:
        """In the order of arrival: one that lasts longer holds those behind it for at most as long as itself."""
        while self._order and self._order[0][0] < now:
            _, proof, thumbprint = self._order.popleft()
            del self._until[proof]
            left = self._counts[thumbprint] - 1
            if left:
                self._counts[thumbprint] = left
            else:
                del self._counts[thumbprint]
