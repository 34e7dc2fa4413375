"""A visitor's page as a program: it holds a key and makes proofs (RFC 9449), good ones and others."""

from __future__ import annotations

import json

from joserfc import jws
from joserfc.jwk import ECKey

from chatward.core.identity import Presented
from chatward.identity import dpop
from tests.identity.headers import headers

SHOP = "https://shop.example"
CHAT = "https://chat.example/v1/chat/completions"
SESSION = "https://chat.example/v1/widget/sessions"


class Page:
    """What runs in a browser: it holds a key and sends requests."""

    def __init__(self, origin=SHOP, key=None):
        self.origin, self.key, self.made = origin, key or ECKey.generate_key("P-256"), 0

    def proof(self, method, url, at, token=None, **claims):
        self.made += 1
        body = {"jti": f"{self.made}", "htm": method, "htu": url, "iat": at}
        body |= {"ath": dpop.digest(token)} if token else {}
        alg = "ES256" if isinstance(self.key, ECKey) else "EdDSA"
        head = {"typ": "dpop+jwt", "alg": alg, "jwk": self.key.as_dict(private=False)}
        return jws.serialize_compact(head, json.dumps(body | claims), self.key, [alg])

    def request(self, clock, url=CHAT, token=None, method="POST", proof=None, origin="own", scheme="DPoP"):
        pairs = [("dpop", proof or self.proof(method, url, clock.now, token))]
        if token:
            pairs.append(("authorization", f"{scheme} {token}"))
        origin = self.origin if origin == "own" else origin
        if origin is not None:
            pairs.append(("origin", origin))
        return Presented(method, url, headers(*pairs))
