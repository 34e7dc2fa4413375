"""The directory of keys by which others know requests of ours (draft-meunier-http-message-signatures-directory).

The rule: it names every key that is neither retired nor revoked, and is signed by each for the authority that it is
asked at, as configured, so that nobody can serve it as theirs.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from chatward.genuine.keyring import Key
from chatward.genuine.message_signatures import DIRECTORY, DIRECTORY_TAG, DIRECTORY_TYPE, Message, base
from chatward.genuine.structured import InnerList, Item, written

LIFE = 86_400


def directory(origin: str, keys: Sequence[Key], now: float) -> tuple[list[tuple[str, str]], bytes]:
    """Header fields and body."""
    good = [key for key in keys if key.state == "signs"]
    document = {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "kid": key.kid, "x": key.x, "use": "sig", "nbf": key.made} for key in good
        ]
    }
    body = json.dumps(document, separators=(",", ":")).encode()
    digest = ("content-digest", f"sha-256=:{b64encode(sha256(body).digest()).decode()}:")
    asked = Message("GET", origin + DIRECTORY)
    answer = Message("GET", origin + DIRECTORY, (digest,), asked)
    inputs: dict[str, Item | InnerList] = {}
    signatures: dict[str, Item | InnerList] = {}
    for number, key in enumerate(good):
        covered = InnerList(
            (Item("@authority", {"req": True}), Item("content-digest")),
            {
                "created": int(now), "keyid": key.kid, "alg": "ed25519", "expires": int(now) + LIFE,
                "tag": DIRECTORY_TAG,
            },
        )  # fmt: skip
        inputs[f"binding{number}"] = covered
        signatures[f"binding{number}"] = Item(key.private.sign(base(answer, covered)))
    headers = [
        ("content-type", DIRECTORY_TYPE),
        ("cache-control", f"max-age={LIFE // 2}"),
        digest,
        ("signature-input", written(inputs)),
        ("signature", written(signatures)),
    ]
    return headers, body
