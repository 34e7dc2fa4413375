"""Signed tokens, read strictly: what may be believed of a compact JWS (RFC 7515) and of its claims (RFC 7519).

The rules, in the order in which they are applied (after RFC 8725, "JWT best current practices"):

1. **Form**: compact serialisation, strict base64url, unique names (``base64url.compact``), bounded in size. JSON
   serialisation, encrypted and nested tokens are refused.
2. **The header is the sender's word.** ``alg`` must be in the configuration's list, which cannot hold ``none`` or an
   HMAC. A key that comes along (``jwk``, ``jku``, ``x5u``, ``x5c``) and ``crit``, ``b64``, ``zip`` are refused,
   not ignored. ``kid`` is looked up among known keys, as it is, and used for nothing else.
3. **The key decides the algorithm**: its type, curve and own ``alg`` must fit (section 3.1). RSA has 2048 to 8192 bits.
   Symmetric and private keys in a key set are none.
4. **The type is expected** (``typ``, section 3.11): a log-out token is no access token, and the other way round.
5. **The claims**: issuer, audience, authorised party, times, subject, each as the configuration says.

A token is parsed once (``read``), and what was read is what is verified. Whatever fails raises ``TokenError`` with the
same sentence; ``detail`` says for the log what it was. Signatures and keys are joserfc's.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, TypeGuard

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from chatward.core import base64url
from chatward.core.errors import IdentityError

MAX_HEADER: Final = 4096
"""Bytes of a header, decoded."""
MAX_KID: Final = 256
MAX_SUBJECT: Final = 255  # OpenID Connect Core section 2
MAX_AUDIENCES: Final = 64
RSA_BITS: Final = range(2048, 8193)

# alg -> kty, crv (RFC 7518 section 3.1, RFC 8037 section 3.1)
ALGORITHMS: Final[Mapping[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "RS384": ("RSA", ""),
    "RS512": ("RSA", ""),
    "PS256": ("RSA", ""),
    "PS384": ("RSA", ""),
    "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_REFUSED: Final = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"})
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_LENGTHS: Final = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}
_MAX_TIME: Final = 1 << 53

# Ed25519 keys for which anybody can sign: y of the eight points of small order, also as they are not to be written
# (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020, section 3).
_P: Final = 2**255 - 19
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8})

Reason = Literal["token-invalid", "token-expired", "token-revoked"]

_PUBLIC: Final = "The token is not accepted. Sign in again and use a new one."


class TokenError(IdentityError):
    """A token that is not accepted. ``reason`` tells the caller no more than whether it was good once; ``detail``
    (kebab-case, stable, without any of the token's data) is for the log and the ledger."""

    reason = "token-invalid"

    def __init__(self, detail: str, *, reason: Reason = "token-invalid") -> None:
        super().__init__(_PUBLIC, reason=reason)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the algorithms that it may be used with. ``kid`` is ``None`` where it has none."""

    kid: str | None
    algorithms: frozenset[str]
    _key: RSAKey | ECKey | OKPKey = field(repr=False)

    def fits(self, alg: str) -> bool:
        return alg in self.algorithms


@dataclass(frozen=True, slots=True)
class Jws:
    """A signed thing, before its signature is verified."""

    alg: str
    kid: str | None
    typ: str
    """In lower case, without ``application/``; ``jwt`` where there is none (RFC 7515 section 4.1.9)."""
    payload: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token and what it claims, before anyone has vouched for it. ``claims["iss"]`` is good for choosing whose keys
    to ask for, and nothing else is good for anything."""

    jws: Jws
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What claims must say. ``audiences``: one of them must be in ``aud``. ``parties``: who ``azp`` and ``client_id``
    may name; empty: anyone. Where ``parties`` are given, a token for several audiences must name its party.
    ``trusted``: who else may be in ``aud``, as ID tokens want it (OpenID Connect Core section 3.1.3.7, rule 3);
    ``None``: anyone, since access tokens are for several. ``skew`` and ``max_age`` are seconds."""

    issuer: str
    audiences: frozenset[str]
    types: frozenset[str]
    parties: frozenset[str] = frozenset()
    trusted: frozenset[str] | None = None
    subject: bool = True
    skew: float = 30.0
    max_age: float = 86_400.0


# --- the token


def read(token: str, algorithms: Collection[str]) -> Unverified:
    """A token whose payload is a JSON object: rules 1 and 2. Raises ``TokenError``."""
    jws = read_jws(token, algorithms)
    try:
        return Unverified(jws, base64url.json_object(jws.payload))
    except ValueError:
        _refuse("token-form")


def read_jws(token: str, algorithms: Collection[str]) -> Jws:
    """A signed thing of any payload (an empty one is refused: it may be detached). Raises ``TokenError``."""
    try:
        parts = base64url.compact(token)
    except ValueError:
        _refuse("token-form")
    header = parts.header
    if token.index(".") > MAX_HEADER * 4 // 3 or len(parts.signature) > RSA_BITS[-1] // 8:
        _refuse("token-size")
    alg, kid, typ = header["alg"], header.get("kid"), header.get("typ", "JWT")
    if alg not in algorithms or alg not in ALGORITHMS:
        _refuse("token-algorithm")
    if _REFUSED & header.keys():
        _refuse("token-header")
    if kid is not None and not (_is_text(kid) and len(kid) <= MAX_KID):
        _refuse("token-key-id")
    if not _is_text(typ) or "cty" in header:
        _refuse("token-type")
    signed = token[: token.rindex(".")].encode("ascii")
    typ = typ.lower().removeprefix("application/")
    return Jws(alg, kid, typ, parts.payload, signed, parts.signature)


def verify(token: Jws, key: Key) -> None:
    """Rule 3. Raises ``TokenError``."""
    if not key.fits(token.alg):
        _refuse("token-algorithm")
    model = JWSRegistry.algorithms[token.alg]
    try:
        model.check_key(key._key)
        good = model.verify(token.signed, token.signature, key._key)
    except (JoseError, ValueError, TypeError):
        good = False
    if not good:
        _refuse("token-signature")


# --- keys


def key_from(jwk: object, allowed: Collection[str] = tuple(ALGORITHMS)) -> Key | None:
    """A public key of a JWK set (RFC 7517), or ``None`` for one that is of no use here: unknown, symmetric, private,
    for encryption, too short, too long or malformed. Such keys are passed over, as section 5 wants."""
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys() or jwk.get("use", "sig") != "sig":
        return None
    kty, crv, kid, operations = jwk.get("kty"), jwk.get("crv", ""), jwk.get("kid"), jwk.get("key_ops", ["verify"])
    fits = frozenset(name for name, form in ALGORITHMS.items() if form == (kty, crv) and name in allowed)
    if (own := jwk.get("alg")) is not None:
        fits &= {own} if isinstance(own, str) else set()
    if not fits or not isinstance(operations, list) or "verify" not in operations:
        return None
    if kid is not None and not (_is_text(kid) and len(kid) <= MAX_KID):
        return None
    try:
        return Key(kid, fits, _numbers(_text(kty), crv, jwk))
    except (ValueError, TypeError, JoseError):
        return None


def _numbers(kty: str, crv: str, jwk: Mapping[str, Any]) -> RSAKey | ECKey | OKPKey:
    """The key, made of its public numbers alone. joserfc refuses points that are not on the curve."""
    if kty == "RSA":
        n, e = (int.from_bytes(base64url.decode(_text(jwk.get(name)))) for name in ("n", "e"))
        if n.bit_length() not in RSA_BITS or not 3 <= e < 1 << 32 or not e % 2 or not n % 2:
            raise ValueError("RSA numbers")
        return RSAKey.import_key({"kty": kty, "n": jwk["n"], "e": jwk["e"]})
    members = ("x", "y") if kty == "EC" else ("x",)
    if any(len(base64url.decode(_text(jwk.get(name)))) != _LENGTHS[crv] for name in members):
        raise ValueError("coordinates")
    if kty == "OKP" and int.from_bytes(base64url.decode(jwk["x"]), "little") % 2**255 in _SMALL_ORDER:
        raise ValueError("point of small order")
    numbers: Any = {"kty": kty, "crv": crv, **{name: jwk[name] for name in members}}
    return (ECKey if kty == "EC" else OKPKey).import_key(numbers)


# --- claims


def check(token: Unverified, expected: Expected, now: float) -> Mapping[str, Any]:
    """Rules 4 and 5; the claims, to be believed once ``verify`` has passed as well. Raises ``TokenError``."""
    claims = token.claims
    if token.jws.typ not in expected.types:
        _refuse("token-type")
    if not _same(claims.get("iss"), expected.issuer):
        _refuse("token-issuer")
    audiences = _audiences(claims.get("aud"))
    if not expected.audiences & set(audiences):
        _refuse("token-audience")
    if expected.trusted is not None and not set(audiences) <= expected.audiences | expected.trusted:
        _refuse("token-audience")
    _check_parties(claims, audiences, expected)
    _check_times(claims, expected, now)
    if (expected.subject or "sub" in claims) and not _is_subject(claims.get("sub")):
        _refuse("token-subject")
    return claims


def _check_parties(claims: Mapping[str, Any], audiences: Sequence[str], expected: Expected) -> None:
    """``azp`` (OpenID Connect Core section 2) and ``client_id`` (RFC 9068 section 2.2)."""
    named = [claims[name] for name in ("azp", "client_id") if name in claims]
    if any(not _is_text(name) for name in named):
        _refuse("token-party")
    if expected.parties and (not set(named) <= expected.parties or (len(audiences) > 1 and not named)):
        _refuse("token-party")


def _check_times(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    skew = expected.skew
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if issued > now + skew or ("nbf" in claims and _time(claims, "nbf") > now + skew):
        _refuse("token-not-yet")
    if now >= expires + skew:
        raise TokenError("token-expired", reason="token-expired")
    if now >= issued + expected.max_age + skew:
        raise TokenError("token-too-old", reason="token-expired")


def _time(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519 section 2)."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _MAX_TIME:
        _refuse(f"token-{name}")
    return float(value)


def _audiences(value: object) -> list[str]:
    """RFC 7519 section 4.1.3: one, or a list."""
    listed: list[object] = value if isinstance(value, list) else [value]
    found = [each for each in listed[:MAX_AUDIENCES] if _is_text(each)]
    if not found or len(found) != len(listed):
        _refuse("token-audience")
    return found


def _is_subject(value: object) -> bool:
    return _is_text(value) and len(value) <= MAX_SUBJECT and value.isprintable()


def _is_text(value: object) -> TypeGuard[str]:
    """Text that is not empty, and that is Unicode (JSON can spell half a surrogate pair)."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= each <= "\udfff" for each in value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return value


def _same(value: object, expected: str) -> bool:
    return _is_text(value) and hmac.compare_digest(value.encode(), expected.encode())


def _refuse(detail: str) -> NoReturn:
    raise TokenError(detail)
