"""An identity provider in memory: it signs what it is told to, answers through the ``Fetch`` port, and may be down.

It behaves as the specifications want, with switches for what a broken or a hostile one does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from chatward.core.errors import UpstreamError
from chatward.core.identity import Fetched

ISSUER = "https://idp.example"
CLIENT = "chatward"
NOW = 1_800_000_000.0


class Clock:
    """Seconds that pass only when told."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def key(kind: str = "ES256", name: str = "one") -> RSAKey | ECKey | OKPKey:
    """A private key for an algorithm; the same one for the same arguments."""
    return _key(kind, name)


@cache
def _key(kind: str, name: str) -> RSAKey | ECKey | OKPKey:
    if kind[:2] in {"RS", "PS"}:
        return RSAKey.generate_key(2048)
    if kind == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return ECKey.generate_key({"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[kind])


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public(kid: str | None, kind: str = "ES256", name: str = "one", **more: Any) -> dict[str, Any]:
    """The public key as a JWK."""
    found = dict(key(kind, name).as_dict(private=False)) | ({"kid": kid} if kid else {}) | more
    return {name: value for name, value in found.items() if value is not None}


def sign_raw(
    header: str | bytes, payload: str | bytes, alg: str = "ES256", name: str = "one", with_key: Any = None
) -> str:
    """A compact JWS of exactly these bytes. ``alg`` says how it is really signed."""
    parts = [b64(part.encode() if isinstance(part, str) else part) for part in (header, payload)]
    signed = ".".join(parts).encode()
    return f"{signed.decode()}.{b64(JWSRegistry.algorithms[alg].sign(signed, with_key or key(alg, name)))}"


def sign(
    claims: dict[str, Any],
    header: dict[str, Any] | None = None,
    alg: str = "ES256",
    name: str = "one",
    with_key: Any = None,
) -> str:
    """A token. In ``header`` and ``claims``, ``None`` stands for a member that is left out."""
    head = {"alg": alg, "kid": "k1", "typ": "JWT"} | (header or {})
    head, claims = ({k: v for k, v in each.items() if v is not None} for each in (head, claims))
    return sign_raw(json.dumps(head), json.dumps(claims), alg, name, with_key)


def claims(**changed: Any) -> dict[str, Any]:
    """Of a good access or ID token."""
    good = {"iss": ISSUER, "sub": "u-1", "aud": CLIENT, "iat": NOW, "exp": NOW + 600}
    return {k: v for k, v in (good | changed).items() if v is not None}


@dataclass
class Idp:
    """The provider. ``keys`` is what its key set says; ``codes`` what it would give for a code."""

    issuer: str = ISSUER
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public("k1")])
    metadata: dict[str, Any] = field(default_factory=dict)
    secret: str | None = None
    down: bool = False
    slow: asyncio.Event | None = None
    answers: dict[str, Fetched] = field(default_factory=dict)
    """By path, in place of what it would say."""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    token_requests: list[dict[str, str]] = field(default_factory=list)

    def count(self, path: str) -> int:
        return sum(urlsplit(url).path == path for url in self.asked)

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        self.asked.append(url)
        if self.slow is not None:
            await self.slow.wait()
        if self.down:
            raise UpstreamError("The other server does not answer.")
        path = urlsplit(url).path
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return _json(self.description())
        if path == "/jwks":
            return _json({"keys": self.keys})
        if path == "/token" and method == "POST":
            return self.token(dict(headers), dict(parse_qsl(body.decode(), strict_parsing=True)))
        return Fetched(404, (), b"")

    def description(self) -> dict[str, Any]:
        good = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {k: v for k, v in (good | self.metadata).items() if v is not None}

    def authorize(self, url: str, code: str = "code-1", **changed: Any) -> list[tuple[str, str]]:
        """A person signs in: the query that the browser goes back with. ``changed`` is said in the ID token."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.codes[code] = asked | {"claims": claims(iss=self.issuer, nonce=asked["nonce"]) | changed}
        return [("code", code), ("state", asked["state"]), ("iss", self.issuer)]

    def token(self, headers: dict[str, str], form: dict[str, str]) -> Fetched:
        self.token_requests.append(form | {"authorization": headers.get("authorization", "")})
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked["code_challenge"] != challenge or form["redirect_uri"] != asked["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        if self.secret is not None and not self._authenticated(headers, form):
            return _json({"error": "invalid_client"}, 401)
        made = sign({k: v for k, v in asked["claims"].items() if v is not None})
        return _json({"access_token": "at", "token_type": "Bearer", "id_token": made})

    def _authenticated(self, headers: dict[str, str], form: dict[str, str]) -> bool:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            pair = base64.b64decode(value).decode().split(":")
            return [unquote(each) for each in pair] == [CLIENT, self.secret]
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, self.secret)


def _json(document: dict[str, Any], status: int = 200) -> Fetched:
    return Fetched(status, [("content-type", "application/json")], json.dumps(document).encode())
