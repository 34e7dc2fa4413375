"""A Sigstore of a test's own: an authority, a log of certificates and a log of signatures, each with a key of its own.

What it makes is what the public instance makes: a certificate of ten minutes whose issue the first log has signed (RFC
6962), a hashedrekord or dsse entry with its proof of inclusion in a log of one entry, and the bundle (0.3) around it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MOMENT = datetime(2026, 9, 20, tzinfo=UTC)
ISSUER = "https://issuer.example"
_SCTS = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ECDSA = ec.ECDSA(hashes.SHA256())


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(_public(key)).digest()


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True)
class Instance:
    """``root()`` is what its users trust, ``bundle()`` what its signers get."""

    authority: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    certificates: ec.EllipticCurvePrivateKey = field(default_factory=_key)
    signatures: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    @property
    def name(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])

    def root(self) -> bytes:
        built = (
            x509.CertificateBuilder(self.name, self.name, self.authority.public_key(), 1)
            .not_valid_before(MOMENT - timedelta(days=30))
            .not_valid_after(MOMENT + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signing=False), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.authority.public_key()), critical=False)
            .sign(self.authority, hashes.SHA256())
        )
        valid = {"start": "2020-01-01T00:00:00Z"}
        logs = [
            {
                "baseUrl": "https://log.invalid",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": _text(_public(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": _text(_id(key))},
            }
            for key in (self.signatures, self.certificates)
        ]
        chain = [{"rawBytes": _text(built.public_bytes(serialization.Encoding.DER))}]
        authority = {
            "subject": {"organization": "a test", "commonName": "an authority of a test"},
            "uri": "https://authority.invalid",
            "certChain": {"certificates": chain},
            "validFor": valid,
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": logs[:1],
                "certificateAuthorities": [authority],
                "ctlogs": logs[1:],
                "timestampAuthorities": [],
            }
        ).encode()

    def bundle(self, data: bytes, who: str, *, issuer: str = ISSUER, late: bool = False) -> bytes:
        """Over a file. ``late``: logged when the certificate had ended."""
        key = _key()
        certificate = self._certificate(key, who, issuer)
        signature = _text(key.sign(data, _ECDSA))
        digest = hashlib.sha256(data)
        entry = {
            "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
            "signature": {"content": signature, "publicKey": {"content": _pem(certificate)}},
        }
        message = {"messageDigest": {"algorithm": "SHA2_256", "digest": _text(digest.digest())}, "signature": signature}
        return self._bundle(certificate, "hashedrekord", entry, late, messageSignature=message)

    def statement(self, payload: bytes, who: str, *, kind: str = "application/vnd.in-toto+json") -> bytes:
        """Over an in-toto statement (DSSE)."""
        key = _key()
        certificate = self._certificate(key, who, ISSUER)
        spoken = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        signature = _text(key.sign(spoken, _ECDSA))
        envelope = {"payload": _text(payload), "payloadType": kind, "signatures": [{"sig": signature}]}
        entry = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(_compact(envelope)).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": signature, "verifier": _pem(certificate)}],
        }
        return self._bundle(certificate, "dsse", entry, dsseEnvelope=envelope)

    def _certificate(self, key: ec.EllipticCurvePrivateKey, who: str, issuer: str) -> x509.Certificate:
        name = x509.RFC822Name(who) if "@" in who else x509.UniformResourceIdentifier(who)
        built = (
            x509.CertificateBuilder(self.name, x509.Name([]), key.public_key(), x509.random_serial_number())
            .not_valid_before(MOMENT)
            .not_valid_after(MOMENT + timedelta(minutes=10))
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), critical=False)
        )
        before = built.sign(self.authority, hashes.SHA256()).tbs_certificate_bytes
        moment = struct.pack("!Q", int(MOMENT.timestamp() * 1000))
        length = struct.pack("!I", len(before))[1:]
        entry = b"\x00\x00" + moment + b"\x00\x01" + _id(self.authority) + length + before + b"\x00\x00"
        signed = self.certificates.sign(entry, _ECDSA)
        one = b"\x00" + _id(self.certificates) + moment + b"\x00\x00\x04\x03" + struct.pack("!H", len(signed)) + signed
        listed = struct.pack("!HH", len(one) + 2, len(one)) + one
        octets = b"\x04" + (bytes([len(listed)]) if len(listed) < 128 else b"\x81" + bytes([len(listed)])) + listed
        return built.add_extension(x509.UnrecognizedExtension(_SCTS, octets), critical=False).sign(
            self.authority, hashes.SHA256()
        )

    def _bundle(
        self, certificate: x509.Certificate, kind: str, spec: dict[str, Any], late: bool = False, **signed: Any
    ) -> bytes:
        body = _compact({"apiVersion": "0.0.1", "kind": kind, "spec": spec})
        logged = int((MOMENT + timedelta(hours=int(late), minutes=1)).timestamp())
        promise = {"body": _text(body), "integratedTime": logged, "logID": _id(self.signatures).hex(), "logIndex": 0}
        tree = hashlib.sha256(b"\x00" + body).digest()
        note = f"log.invalid\n1\n{_text(tree)}\n"
        stamp = _text(_id(self.signatures)[:4] + self.signatures.sign(note.encode(), _ECDSA))
        entry = {
            "logIndex": "0",
            "logId": {"keyId": _text(_id(self.signatures))},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(logged),
            "inclusionPromise": {"signedEntryTimestamp": _text(self.signatures.sign(_compact(promise), _ECDSA))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _text(tree),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n— log.invalid {stamp}\n"},
            },
            "canonicalizedBody": _text(body),
        }
        raw = {"rawBytes": _text(certificate.public_bytes(serialization.Encoding.DER))}
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"certificate": raw, "tlogEntries": [entry]},
                **signed,
            }
        ).encode()


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signing,
        key_cert_sign=not signing,
        crl_sign=not signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return _text(certificate.public_bytes(serialization.Encoding.PEM))
