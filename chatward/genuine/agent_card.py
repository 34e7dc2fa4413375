"""A2A agent cards: what an agent says of itself, signed. ``/.well-known/agent-card.json``

Source: Agent2Agent Protocol 1.0, section 8.4 ("Agent Card Signing"); RFC 7515 (JWS), RFC 8785 (canonical JSON).

The rules:

1. A signature covers the card without ``signatures``, and without members whose value is empty (``""``, ``[]``, ``{}``,
   null), as canonical JSON. What is served is that very card, so that no reader has to know which members count.
2. Ours is added to those that the card has; theirs are verified first, by keys that the operator gave. A ``jku`` in a
   card is never fetched: who forges a card forges that too.
3. Read strictly: unique names, whole numbers, one spelling of base64url; EdDSA, ES256 and RS256 and nothing else.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any, Final

from chatward.core import base64url
from chatward.genuine.keyring import Key
from chatward.genuine.message_signatures import DIRECTORY
from chatward.genuine.proof import ProofError

PATH: Final = "/.well-known/agent-card.json"
MAX_CARD: Final = 262_144
"""Bytes."""
MAX_SIGNATURES: Final = 8
_ALGORITHMS: Final = ("EdDSA", "ES256", "RS256")
_EXACT: Final = 1 << 53
"""Whole numbers below it are the same in every JSON reader."""
_DEEP: Final = 32


def read(data: bytes) -> dict[str, Any]:
    """A card, without what is empty; nothing of it is verified. Raises ``ProofError`` (``card-malformed``)."""
    try:
        card = base64url.json_object(data) if len(data) <= MAX_CARD else {}
        cleaned: dict[str, Any] = _cleaned(card, _DEEP)
    except ValueError:
        raise _malformed() from None
    signatures = cleaned.get("signatures", [])
    if not isinstance(cleaned.get("name"), str) or not isinstance(signatures, list):
        raise _malformed()
    if len(signatures) > MAX_SIGNATURES or not all(_is_signature(one) for one in signatures):
        raise _malformed()
    return cleaned


def signed(card: Mapping[str, Any], key: Key, origin: str) -> dict[str, Any]:
    """The card with a signature of ours. Who checks it finds the key in the directory of ``origin``."""
    header = {"alg": "EdDSA", "jku": origin + DIRECTORY, "kid": key.kid, "typ": "JOSE"}
    protected = base64url.encode(_canonical(header))
    made = base64url.encode(key.private.sign(f"{protected}.{_payload(card)}".encode()))
    ours = {"protected": protected, "signature": made}
    return {**card, "signatures": [*card.get("signatures", []), ours][-MAX_SIGNATURES:]}


def verify(card: Mapping[str, Any], keys: Mapping[str, Any]) -> list[str]:
    """The names (``kid``) of the keys of a JWK set that signed a card. Raises ``ProofError``: ``card-unsigned``, and
    ``card-signature`` where one that a key of the set is named for is not good, or none is."""
    from joserfc import jws  # noqa: PLC0415 - slow to import, and few have cards
    from joserfc.errors import JoseError, SecurityWarning  # noqa: PLC0415
    from joserfc.jwk import import_key  # noqa: PLC0415

    signatures = card.get("signatures", [])
    if not signatures:
        raise ProofError("card-unsigned", "nobody signed this card")
    found: list[str] = []
    try:
        known = {str(jwk["kid"]): jwk for jwk in keys["keys"]}
        payload = _payload(card)
        for one in signatures:
            header = base64url.json_object(base64url.decode(one["protected"]))
            jwk = known.get(str(header.get("kid")))
            if jwk is None:
                continue
            if "crit" in header or "b64" in header:
                raise ValueError("asks for an extension")
            base64url.decode(one["signature"])
            token = f"{one['protected']}.{payload}.{one['signature']}"
            with warnings.catch_warnings():  # the protocol's examples and libraries say EdDSA, whatever RFC 9864 says
                warnings.simplefilter("ignore", SecurityWarning)
                jws.deserialize_compact(token, import_key(jwk), algorithms=list(_ALGORITHMS))
            found.append(str(header["kid"]))
    except (JoseError, ValueError, TypeError, LookupError):
        raise ProofError("card-signature", "a signature is not of this card") from None
    if not found:
        raise ProofError("card-signature", "none of the keys signed it")
    return found


def _payload(card: Mapping[str, Any]) -> str:
    return base64url.encode(_canonical({name: value for name, value in card.items() if name != "signatures"}))


def _canonical(value: Any) -> bytes:
    """RFC 8785 for strings, whole numbers, truth values, and lists and objects of those."""
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":")).encode()


def _ordered(value: Any) -> Any:
    """With the members of objects in order of their names' UTF-16 code units (section 3.2.3)."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(one) for one in value] if isinstance(value, list) else value


def _cleaned(value: Any, room: int) -> Any:
    """Without empty members. Raises ``ValueError`` for what has no canonical form here."""
    if room < 0 or isinstance(value, float) or (isinstance(value, int) and abs(value) >= _EXACT):
        raise ValueError("no canonical form")
    if isinstance(value, dict):
        inner = {name: _cleaned(one, room - 1) for name, one in value.items()}
        return {name: one for name, one in inner.items() if not _is_empty(one)}
    if isinstance(value, list):
        return [one for one in (_cleaned(one, room - 1) for one in value) if not _is_empty(one)]
    if isinstance(value, str):
        value.encode()  # lone surrogates have no UTF-8; UnicodeEncodeError is a ValueError
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _is_signature(one: Any) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(name), str) for name in ("protected", "signature"))


def _malformed() -> ProofError:
    return ProofError("card-malformed", "this is no agent card that has one reading")
