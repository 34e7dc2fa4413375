"""Certificates: a local authority for development, and when what is configured ends.

The rules:

1. The authority is for this machine: its name constraints (RFC 5280 section 4.2.1.10, critical) allow ``localhost``,
   loopback addresses and the names that were given, and nothing else. Whoever gets hold of its key can impersonate
   these, and no bank. It signs no other authority.
2. Keys are EC P-256, made here, readable by their owner alone from the moment they exist. A file that is there is never
   written over, except the server's own certificate and key when they are renewed; each is replaced in one step.
3. A server's certificate is good for ``LEAF_DAYS`` and made anew with the same authority.
4. Given files are looked at, never changed. A chain ends when the first of its certificates does.
"""

from __future__ import annotations

import math
import os
import secrets
import ssl
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from chatward.core.errors import ConfigError
from chatward.settings import Settings

LEAF_DAYS: Final = 90
CA_DAYS: Final = 1825
RENEW_DAYS: Final = 30
"""A server's certificate with less than this left is made anew when asked for."""
CA_CERT: Final = "ca.pem"
CA_KEY: Final = "ca.key"
CERT: Final = "server.pem"
KEY: Final = "server.key"
_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_SLACK: Final = timedelta(hours=1)
_LABEL: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


@dataclass(frozen=True, slots=True)
class Files:
    """Where they are. ``ca`` is what clients have to trust; ``made`` says whether the certificate is new."""

    ca: Path
    cert: Path
    key: Path
    not_after: datetime
    made: bool


def local(folder: Path, names: Sequence[str] = (), *, clock: Callable[[], datetime] | None = None) -> Files:
    """An authority and a certificate in ``folder`` for ``localhost``, loopback and ``names``: host names and addresses.

    What is there and has ``RENEW_DAYS`` left is kept; a certificate that ends soon or lacks a name is made anew by the
    same authority. Raises ``ConfigError`` (``certificate-names``) for a name that is none, or that the authority may
    not sign, and (``certificate-invalid``) for files that cannot be used.
    """
    now = (clock or _now)()
    wanted = [_general(name) for name in dict.fromkeys(("localhost", "127.0.0.1", "::1", *names))]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {name: folder / name for name in (CA_CERT, CA_KEY, CERT, KEY)}
    if not files[CA_CERT].exists() and not files[CA_KEY].exists():
        _make_authority(files[CA_CERT], files[CA_KEY], wanted, now)
    authority, authority_key = _read_authority(files[CA_CERT], files[CA_KEY])
    if authority.not_valid_after_utc <= now:
        raise _invalid(files[CA_CERT], "has expired; remove the folder to make another one")
    if not all(_permitted(authority, name) for name in wanted):
        said = f"The authority in {folder} may not sign for all of these names. Remove the folder to make another one."
        raise ConfigError(said, reason="certificate-names")
    old = _leaf(files[CERT], files[KEY], authority)
    kept = old is not None and old.not_valid_after_utc - now >= timedelta(days=RENEW_DAYS)
    if kept and old is not None and set(_names(old)) >= set(wanted):
        return Files(files[CA_CERT], files[CERT], files[KEY], old.not_valid_after_utc, made=False)
    made = _make_leaf(files[CERT], files[KEY], authority, authority_key, wanted, now)
    return Files(files[CA_CERT], files[CERT], files[KEY], made.not_valid_after_utc, made=True)


def expiries(settings: Settings) -> list[tuple[str, datetime]]:
    """Each configured file with certificates and when the first of them ends: the server's, client authorities, what
    bots are shown and trusted by. Raises ``ConfigError`` (``certificate-invalid``) for one that cannot be read."""
    return [(name, not_after(Path(name))) for name in dict.fromkeys(sources(settings).values())]


def sources(settings: Settings) -> dict[str, str]:
    """Configured files with certificates, by the setting that names them (``server.tls_cert``)."""
    files = {"server.tls_cert": settings.server.tls_cert, "server.client_ca": settings.server.client_ca}
    for name, bot in settings.bots.items():
        files |= {f"bots.{name}.client_cert": bot.client_cert, f"bots.{name}.ca_file": bot.ca_file}
    return {key: file for key, file in files.items() if file}


def seconds_left(settings: Settings, clock: Callable[[], datetime] | None = None) -> dict[str, float]:
    """For each of ``sources``, seconds until the first certificate in it ends: negative once it has, and not a number
    where the file cannot be read, since nobody knows then."""
    now, found = (clock or _now)(), {}
    for key, file in sources(settings).items():
        try:
            found[key] = (not_after(Path(file)) - now).total_seconds()
        except ConfigError:
            found[key] = math.nan
    return found


def not_after(path: Path) -> datetime:
    """When the first certificate in a PEM file ends. Raises ``ConfigError``."""
    return min(one.not_valid_after_utc for one in read(path))


def read(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, at least one. Raises ``ConfigError`` (``certificate-invalid``)."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise _invalid(path, "cannot be read") from error
    except ValueError as error:
        raise _invalid(path, "holds no certificate (PEM)") from error


def check(cert: Path, key: Path, *, now: datetime | None = None) -> None:
    """Raises ``ConfigError`` (``certificate-invalid``) unless these can be served: asked before a server is told to
    take new files, so that a bad pair leaves the old one in place."""
    first = read(cert)[0]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, _no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _invalid(key, "is not the key of the certificate") from error
    if first.not_valid_after_utc <= (now or _now()):
        raise _invalid(cert, "has expired")


class Watch:
    """Tells when files have changed: renewed by ACME, a SPIFFE helper, or hand. Asking costs a few microseconds."""

    def __init__(self, *paths: Path | None) -> None:
        self._paths = [path for path in paths if path is not None]
        self._seen = self._stamp()

    def changed(self) -> bool:
        """Whether they are others than at the last call that said so, or than at the start."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        return True

    def forget(self) -> None:
        """What was seen last could not be used: it counts as changed until it can."""
        self._seen = []

    def _stamp(self) -> list[tuple[int, int, int] | None]:
        return [_stat(path) for path in self._paths]


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


# --- making


def _make_authority(cert: Path, key: Path, names: Iterable[x509.GeneralName], now: datetime) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Chatward local authority {secrets.token_hex(4)}")])
    made = (
        _builder(name, name, private.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(_subtrees(names), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, hashes.SHA256())
    )
    _write(key, _pem_key(private))
    _write(cert, made.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _make_leaf(
    cert: Path,
    key: Path,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: Sequence[x509.GeneralName],
    now: datetime,
) -> x509.Certificate:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Chatward")])
    days = min(LEAF_DAYS, max(1, (authority.not_valid_after_utc - now).days))
    made = (
        _builder(subject, authority.subject, private.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    # The key first: whoever reads in between finds a pair that does not fit and keeps the old one (``check``).
    _write(key, _pem_key(private))
    _write(cert, made.public_bytes(serialization.Encoding.PEM), mode=0o644)
    return made


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subtrees(names: Iterable[x509.GeneralName]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = [x509.IPAddress(ip_network(one)) for one in _LOOPBACK]
    for name in names:
        if isinstance(name, x509.DNSName):
            found.append(x509.DNSName(name.value.removeprefix("*.")))
        elif isinstance(name.value, IPv4Address | IPv6Address) and not name.value.is_loopback:
            found.append(x509.IPAddress(ip_network(name.value)))
    return found


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """In one step: a reader finds the old file or the new one."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600 from the start
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# --- reading


def _read_authority(cert: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    found = read(cert)[0]
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _invalid(key, "cannot be read") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != found.public_key():
        raise _invalid(key, "is not the key of the authority")
    return found, private


def _leaf(cert: Path, key: Path, authority: x509.Certificate) -> x509.Certificate | None:
    """The server's certificate, if it can go on being used: of this authority and with its key."""
    try:
        found = read(cert)[0]
        found.verify_directly_issued_by(authority)
        check(cert, key, now=datetime.min.replace(tzinfo=UTC))
    except (ConfigError, InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return None
    return found


def _names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _permitted(authority: x509.Certificate, name: x509.GeneralName) -> bool:
    try:
        subtrees = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return False  # An authority that may sign for anybody is none of ours.
    if isinstance(name, x509.DNSName):
        return any(
            isinstance(one, x509.DNSName) and (name.value == one.value or name.value.endswith(f".{one.value}"))
            for one in subtrees
        )
    ranges = [one.value for one in subtrees if isinstance(one.value, IPv4Network | IPv6Network)]
    return any(name.value in one for one in ranges)


def _general(name: str) -> x509.GeneralName:
    """A DNS name (also ``*.name``) or an IP address. Raises ``ConfigError`` (``certificate-names``)."""
    with suppress(ValueError):
        if "%" not in name:
            return x509.IPAddress(ip_address(name.strip("[]")))
    lower = name.lower()
    labels = lower.removeprefix("*.").split(".")
    good = 0 < len(lower) <= 253 and all(
        0 < len(label) <= 63 and set(label) <= _LABEL and label[0] != "-" != label[-1] for label in labels
    )
    if not good or labels[-1].isdigit() or (lower.startswith("*.") and len(labels) < 2):
        said = "A name must be a host name such as chat.example, or an IP address."
        raise ConfigError(said, reason="certificate-names")
    return x509.DNSName(lower)


def _invalid(path: Path, what: str) -> ConfigError:
    return ConfigError(f"{path} {what}.", reason="certificate-invalid")


def _no_password() -> str:
    """A key with a password would ask for it on the terminal."""
    return ""


def _now() -> datetime:
    return datetime.now(UTC)
