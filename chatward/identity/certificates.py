"""Who shows a certificate: programs known by TLS alone, and what policy may know of any caller's certificate.

The rules:

1. A certificate counts here only after TLS has verified it against ``server.client_ca`` (``Presented.certificate``), so
   its chain, its purpose and its dates are not looked at again; that it has not ended is, with every message.
2. One with a SPIFFE ID (X509-SVID sections 2 and 4.1: exactly one URI, and no authority) is known by that ID; any other
   by a digest of its issuer and subject, which a renewed certificate keeps. Without a subject it is the alternative
   names that are taken; without either it is nobody.
3. It is a program, known by one factor. Whoever presents another credential too is known by that one, since this is
   asked last; a token that is bound to the certificate (RFC 8705) is checked where tokens are.
4. ``facts`` are for policies (``context.certificate``) and for no record: names in a certificate are people's words.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography import x509

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented, Principal

# SPIFFE-ID section 2: trust domain and path segments, none of them "." or "..".
SPIFFE_ID: Final = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+)+")
_LONGEST_ID: Final = 200
"""Characters of an id that the ledger takes; a longer SPIFFE ID is known by its digest."""
_REMEMBERED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What a certificate says. ``id`` is empty where it says nobody. ``ends`` is seconds since 1970 UTC."""

    id: str
    ends: float
    facts: Mapping[str, str]


class Certificates:
    """An ``Authenticator`` of certificates. ``clock`` gives seconds since 1970 UTC."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def identify(self, presented: Presented) -> Principal | None:
        """Raises ``IdentityError``: ``certificate-ended``, ``certificate-nobody``."""
        if presented.certificate is None:
            return None
        shown = read(presented.certificate)
        if self._clock() >= shown.ends:
            raise IdentityError("The certificate has ended. Show a new one.", reason="certificate-ended")
        if not shown.id:
            raise IdentityError("The certificate says nobody's name.", reason="certificate-nobody")
        return Principal(shown.id, Kind.SERVICE, assurance=Assurance.SINGLE, expires=shown.ends)

    def valid(self, principal: Principal) -> bool:
        return principal.expires is not None and self._clock() < principal.expires


_known: OrderedDict[bytes, Shown] = OrderedDict()


def read(der: bytes) -> Shown:
    """What a verified certificate says. Remembered by its digest."""
    digest = sha256(der).digest()
    shown = _known.get(digest)
    if shown is None:
        shown = _known[digest] = _read(der, digest)
        if len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return shown


def facts(presented: Presented) -> Mapping[str, str] | None:
    """What policies may read of a caller's certificate (``cedar_schema.CERTIFICATE``)."""
    return None if presented.certificate is None else read(presented.certificate).facts


def _read(der: bytes, digest: bytes) -> Shown:
    made = x509.load_der_x509_certificate(der)
    spiffe = spiffe_id_of(der) or ""
    told = {
        "issuer": made.issuer.rfc4514_string(),
        "subject": made.subject.rfc4514_string(),
        "spiffe": spiffe,
        "thumbprint": digest.hex(),
    }
    short = {name: text for name, text in told.items() if text and len(text) <= 1_000}
    return Shown(_id(made, spiffe), made.not_valid_after_utc.timestamp(), short)


def _id(made: x509.Certificate, spiffe: str) -> str:
    if spiffe and len(spiffe) <= _LONGEST_ID:
        return spiffe
    who = spiffe.encode() or (made.subject.public_bytes() if made.subject.rdns else _names(made))
    if not who:
        return ""
    return f"certificate:{sha256(made.issuer.public_bytes() + who).hexdigest()[:32]}"  # DER: it says where it ends


def _names(made: x509.Certificate) -> bytes:
    try:
        found = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return b""
    return found.public_bytes()


def spiffe_id_of(der: bytes) -> str | None:
    """The SPIFFE ID of a certificate; ``None`` unless it has exactly one URI, that is one, and is no authority."""
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return None
    except x509.ExtensionNotFound:
        pass
    return uris[0] if len(uris) == 1 and SPIFFE_ID.fullmatch(uris[0]) else None
