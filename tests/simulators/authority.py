"""A small authority whose certificates lie in files: for servers and clients that speak real TLS."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEM = serialization.Encoding.PEM


class Authority:
    """``make`` gives certificate and key files; ``days`` until the certificate ends may be negative."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(self._sign(self.name, self.key, [], days=30, ca=True).public_bytes(PEM))

    def make(
        self, file: str, *uris: str, subject: str = "", server: bool = False, ca: bool = False, days: float = 10
    ) -> tuple[Path, Path]:
        """For a client with these URIs and this name, for a server on this machine, or for an authority below."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        if server:
            names += [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        called = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)] if subject else [])
        made = self._sign(called, key, names, days=days, ca=ca, server=server)
        cert, private = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        cert.write_bytes(made.public_bytes(PEM))
        return cert, private

    def _sign(
        self,
        subject: x509.Name,
        key: Any,
        names: list[x509.GeneralName],
        *,
        days: float,
        ca: bool = False,
        server: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        serial = x509.random_serial_number()
        begins, ends = now - timedelta(days=20), now + timedelta(days=days)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), serial, begins, ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not subject.rdns)
        if not ca:
            use = x509.ExtendedKeyUsageOID
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([use.SERVER_AUTH if server else use.CLIENT_AUTH]), False
            )
        return builder.sign(self.key, hashes.SHA256())


def der(file: Path) -> bytes:
    return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(serialization.Encoding.DER)


def context(ca: Path, shows: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A client's, which trusts ``ca`` and shows a certificate."""
    made = ssl.create_default_context(cafile=str(ca))
    if shows is not None:
        made.load_cert_chain(*shows)
    return made
