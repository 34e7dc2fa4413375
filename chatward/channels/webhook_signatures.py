"""Signatures of webhooks: verified on what comes, made anew on what goes, since an edited body has another.

Three forms, all HMAC-SHA-256 over the bytes of the body:

* ``standard``: Standard Webhooks (https://www.standardwebhooks.com, v1.0). ``webhook-signature`` holds one or more of
  ``v1,BASE64`` over ``ID.TIMESTAMP.BODY``; the secret is ``whsec_`` and base64.
* ``github``: ``x-hub-signature-256: sha256=HEX`` over the body. No time is signed.
* ``slack``: ``x-slack-signature: v0=HEX`` over ``v0:TIMESTAMP:BODY``.

The rules: comparison in constant time; a time that is off by more than ``tolerance`` seconds is stale; a signature is
taken once within that time, in this process. A field that occurs twice is no field. What fails says which of these it
was and nothing else.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, Literal

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.identity import Fields
from chatward.core.ports import Headers

Form = Literal["none", "standard", "github", "slack"]
MOST: Final = 100_000
"""Signatures that are remembered."""
_ID: Final = re.compile(r"[!-~]{1,256}")
_TIME: Final = re.compile(r"[0-9]{1,12}")


def key_of(form: Form, secret: str) -> bytes:
    """The key that a secret stands for. Raises ``ConfigError``."""
    if form != "standard":
        return secret.encode()
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except Base64Error as error:
        raise ConfigError("a secret of Standard Webhooks is whsec_ and base64") from error


class Signatures:
    """One sender's signatures, and ours for one bot. ``clock`` is seconds since 1970 UTC."""

    def __init__(self, form: Form, secret: bytes, own: bytes, tolerance: float, clock: Callable[[], float]) -> None:
        self._form = form
        self._secret = secret
        self._own = own
        self._tolerance = tolerance
        self._clock = clock
        self._seen: OrderedDict[bytes, float] = OrderedDict()

    def verify(self, headers: Fields, body: bytes) -> None:
        """Raises ``IdentityError``: ``signature-missing``, ``signature-invalid``, ``signature-stale``,
        ``signature-replayed``."""
        if self._form == "github":
            shown, signed = [_field(headers, "x-hub-signature-256").removeprefix("sha256=")], body
            good = [_hex(self._secret, signed)]
        elif self._form == "slack":
            time = _field(headers, "x-slack-request-timestamp")
            shown = [_field(headers, "x-slack-signature").removeprefix("v0=")]
            self._fresh(time)
            good = [_hex(self._secret, b"v0:%s:%s" % (time.encode(), body))]
        else:
            number, time = _field(headers, "webhook-id"), _field(headers, "webhook-timestamp")
            shown = [one[3:] for one in _field(headers, "webhook-signature").split(" ")[:16] if one[:3] == "v1,"]
            if not _ID.fullmatch(number):
                raise _bad("signature-invalid")
            self._fresh(time)
            good = [_base64(self._secret, f"{number}.{time}.".encode() + body)]
        if not any(hmac.compare_digest(one.encode(), good[0].encode()) for one in shown):
            raise _bad("signature-invalid")
        self._once(sha256(good[0].encode()).digest())

    def sign(self, headers: Fields, body: bytes) -> Headers:
        """The fields for the bot. The id of a delivery stays, so that it knows repetitions."""
        now = str(int(self._clock()))
        if self._form == "github":
            return (("x-hub-signature-256", f"sha256={_hex(self._own, body)}"),)
        if self._form == "slack":
            signature = _hex(self._own, b"v0:%s:%s" % (now.encode(), body))
            return (("x-slack-request-timestamp", now), ("x-slack-signature", f"v0={signature}"))
        number = headers.get("webhook-id") or f"msg_{secrets.token_hex(12)}"
        signature = _base64(self._own, f"{number}.{now}.".encode() + body)
        return (("webhook-id", number), ("webhook-timestamp", now), ("webhook-signature", f"v1,{signature}"))

    def _fresh(self, time: str) -> None:
        if not _TIME.fullmatch(time):
            raise _bad("signature-invalid")
        if abs(self._clock() - int(time)) > self._tolerance:
            raise _bad("signature-stale")

    def _once(self, digest: bytes) -> None:
        now = self._clock()
        while self._seen and next(iter(self._seen.values())) < now:
            self._seen.popitem(last=False)
        if digest in self._seen:
            raise _bad("signature-replayed")
        if len(self._seen) >= MOST:
            raise IdentityError("Too many messages just now; try again.", reason="signatures-overloaded", status=503)
        # A time may be as far ahead as behind: it is good for twice the tolerance from when it is first seen.
        self._seen[digest] = now + 2 * self._tolerance


_SENTENCES: Final = {
    "signature-missing": "The request must be signed.",
    "signature-invalid": "The request's signature is not good.",
    "signature-stale": "The request's signature is too old, or from the future; check the sender's clock.",
    "signature-replayed": "This request was taken before.",
}


def _bad(what: str) -> IdentityError:
    return IdentityError(_SENTENCES[what], reason=what)


def _field(headers: Fields, name: str) -> str:
    found: Sequence[str] = headers.get_all(name)
    if len(found) != 1 or not found[0].isascii():
        raise _bad("signature-missing")
    return found[0].strip()


def _hex(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, sha256).hexdigest()


def _base64(key: bytes, signed: bytes) -> str:
    return b64encode(hmac.digest(key, signed, "sha256")).decode()
