"""Standard Webhooks: messages that their receiver can tell from forged, changed and repeated ones.

The rules (github.com/standard-webhooks, specification 1.0):

1. ``webhook-id``, ``webhook-timestamp`` (seconds) and ``webhook-signature``: ``v1,`` and base64 of HMAC-SHA-256 over
   ``ID.TIMESTAMP.BODY``. A retry has the same id, another time and so another signature.
2. The secret is 24 to 64 bytes, written ``whsec_`` and base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from chatward.core.errors import ConfigError

_PREFIX: Final = "whsec_"


def secret_of(text: str) -> bytes:
    """The bytes of a written secret. Raises ``ConfigError``, which does not quote it."""
    said = "The secret of a webhook is whsec_ and the base64 of 24 to 64 bytes."
    try:
        found = base64.b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ConfigError(said, key="alerts.secret", reason="secret-invalid") from None
    if not text.strip().startswith(_PREFIX) or not 24 <= len(found) <= 64:
        raise ConfigError(said, key="alerts.secret", reason="secret-invalid")
    return found


def signed(secret: bytes, id_: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers."""
    mac = hmac.new(secret, f"{id_}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
