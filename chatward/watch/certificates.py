"""What a certificate says of itself, for matching its names and as evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

_MOST_NAMES: Final = 2000
_MOST_TEXT: Final = 120


@dataclass(frozen=True, slots=True)
class Certificate:
    """``names``: host names it is good for, in lower case, ``*.`` left out. ``serial``: hex. Times: seconds since 1970.
    ``sha256`` is the digest of the DER as it was logged: of a precertificate it is not the issued certificate's."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    begins: float
    ends: float
    sha256: str

    def told(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "serial": self.serial,
            "begins": self.begins,
            "ends": self.ends,
            "sha256": self.sha256,
        }


def read(der: bytes) -> Certificate | None:
    """A certificate or precertificate; ``None`` where it cannot be read."""
    try:
        found = x509.load_der_x509_certificate(der)
        names = _names(found)
        return Certificate(
            names,
            _issuer(found),
            f"{found.serial_number:x}",
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
            sha256(der).hexdigest(),
        )
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def same(precertificate: bytes, tbs: bytes) -> bool:
    """Whether a precertificate says what the ``TBSCertificate`` says that a log has of it: names, issuer, serial and
    times (RFC 6962 section 3.2: the same without the poison)."""
    try:
        begin, _ = _element(precertificate, 0)
        _, end = _element(precertificate, begin)
        made = read(_sequence(tbs + precertificate[end:]))
    except IndexError:
        return False
    known = read(precertificate)
    return known is not None and made is not None and replace(made, sha256="") == replace(known, sha256="")


def _sequence(content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((0x30, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((0x30, 0x80 | len(length))) + length + content


def _element(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER element at ``at`` begins and ends. Raises ``IndexError``."""
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(der[at + 2 : begin], "big")
    if begin + length > len(der):
        raise IndexError
    return begin, begin + length


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        found = (
            extension.get_values_for_type(x509.DNSName) if isinstance(extension, x509.SubjectAlternativeName) else []
        )
    except x509.ExtensionNotFound:
        found = []
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found += [one.value for one in common if isinstance(one.value, str) and "." in one.value and " " not in one.value]
    hosts = (name.lower().removeprefix("*.").rstrip(".") for name in found[:_MOST_NAMES])
    return tuple(dict.fromkeys(name for name in hosts if name and name.isascii()))


def _issuer(certificate: x509.Certificate) -> str:
    """The organisation and name of who issued it; somebody else's words, cut to one printable line."""
    said = []
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        said += [str(one.value) for one in certificate.issuer.get_attributes_for_oid(oid)[:1]]
    return "".join(char for char in ", ".join(said) if char.isprintable())[:_MOST_TEXT]
