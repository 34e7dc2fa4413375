"""Logs of certificate transparency with real structures: certificates made here, heads signed, RFC 6962 and tiles."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from chatward.core.errors import UpstreamError
from chatward.ledger.merkle import consistency_proof, inclusion_proof, leaf_hash, root_of
from chatward.watch.fetching import Answer
from chatward.watch.transparency import LogKey, tile_path

_AUTHORITY = ec.generate_private_key(ec.SECP256R1())
_LOG = ec.generate_private_key(ec.SECP256R1())
BEGIN = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)


def certificate(*names: str, poisoned: bool = False) -> bytes:
    """A certificate (DER); ``poisoned``: a precertificate (RFC 6962 section 3.1)."""
    issuer = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Authority"), x509.NameAttribute(NameOID.COMMON_NAME, "T1")]
    )
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .public_key(_LOG.public_key())
        .serial_number(0xABC123)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + datetime.timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    )
    if poisoned:
        builder = builder.add_extension(x509.PrecertPoison(), critical=True)
    return builder.sign(_AUTHORITY, hashes.SHA256()).public_bytes(Encoding.DER)


def unpoisoned(der: bytes) -> bytes:
    """The ``TBSCertificate`` of a precertificate without the poison."""
    found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    made = certificate(*found.get_values_for_type(x509.DNSName))
    return x509.load_der_x509_certificate(made).tbs_certificate_bytes


def _encoded(path: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in path]


def opaque(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


@dataclass
class TestLog:
    """Entries, and their answers in both forms. ``given``: entries that one ``get-entries`` gives at most."""

    __test__ = False
    entries: list[tuple[bytes, bool]] = field(default_factory=list)
    url: str = "https://log.example/2026"
    origin: str = "log.example/2026"
    time: int = 1_795_000_000_000
    given: int = 1000
    root: bytes | None = None
    only_full: bool = False
    fails: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def spki(self) -> bytes:
        return _LOG.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key(self) -> LogKey:
        return LogKey(self.spki)

    def _timed(self, der: bytes, *, poisoned: bool) -> bytes:
        said = self.time.to_bytes(8, "big") + int(poisoned).to_bytes(2, "big")
        said += bytes(32) + opaque(unpoisoned(der), 3) if poisoned else opaque(der, 3)
        return said + opaque(b"\x00\x00\x05ABCDE", 2)

    def _root(self) -> bytes:
        return self.root or root_of(self.leaves())

    def leaves(self) -> list[bytes]:
        return [leaf_hash(b"\0\0" + self._timed(der, poisoned=poisoned)) for der, poisoned in self.entries]

    def _subtree(self, start: int, end: int) -> bytes:
        return root_of(self.leaves()[start:end])

    def proof(self, query: dict[str, list[str]]) -> bytes:
        index = self.leaves().index(base64.b64decode(query["hash"][0]))
        path = inclusion_proof(index, int(query["tree_size"][0]), self._subtree)
        return json.dumps({"leaf_index": index, "audit_path": _encoded(path)}).encode()

    def consistency(self, query: dict[str, list[str]]) -> bytes:
        path = consistency_proof(int(query["first"][0]), int(query["second"][0]), self._subtree)
        return json.dumps({"consistency": _encoded(path)}).encode()

    def hashes(self, level: int, number: int, width: int = 256) -> bytes:
        """A tile of hashes (C2SP tlog-tiles)."""
        leaves, high = self.leaves(), 256**level
        places = range(number * 256, number * 256 + width)
        return b"".join(root_of(leaves[at * high : (at + 1) * high]) for at in places)

    def _signed(self, size: int, root: bytes) -> bytes:
        said = b"\x00\x01" + self.time.to_bytes(8, "big") + size.to_bytes(8, "big") + root
        return b"\x04\x03" + opaque(_LOG.sign(said, ec.ECDSA(hashes.SHA256())), 2)

    def head(self) -> bytes:
        size, root = len(self.entries), self._root()
        said = {"tree_size": size, "timestamp": self.time, "sha256_root_hash": base64.b64encode(root).decode()}
        return json.dumps(said | {"tree_head_signature": base64.b64encode(self._signed(size, root)).decode()}).encode()

    def checkpoint(self) -> bytes:
        size, root = len(self.entries), self._root()
        number = sha256(self.origin.encode() + b"\n\x05" + sha256(self.spki).digest()).digest()[:4]
        value = number + self.time.to_bytes(8, "big") + self._signed(size, root)
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        return f"{text}\n\u2014 {self.origin} {base64.b64encode(value).decode()}\n".encode()

    def some(self, start: int, end: int) -> bytes:
        rows = []
        for der, poisoned in self.entries[start : end + 1][: self.given]:
            leaf = b"\x00\x00" + self._timed(der, poisoned=poisoned)
            extra = opaque(der, 3) + opaque(b"", 3) if poisoned else opaque(b"", 3)
            rows.append({"leaf_input": base64.b64encode(leaf).decode(), "extra_data": base64.b64encode(extra).decode()})
        return json.dumps({"entries": rows}).encode()

    def tile(self, number: int, width: int = 256) -> bytes:
        found = b""
        for der, poisoned in self.entries[number * 256 : number * 256 + width]:
            found += self._timed(der, poisoned=poisoned) + (opaque(der, 3) if poisoned else b"") + opaque(bytes(64), 2)
        return found

    async def __call__(self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        """Implements ``Fetch``."""
        assert verify
        assert not redirects
        self.asked.append(url)
        parts = urlsplit(url)
        path = url.removeprefix(self.url).partition("?")[0]
        if path in self.fails:
            return self.fails[path]
        if path == "/ct/v1/get-sth":
            return self.answer(url, self.head())
        if path == "/ct/v1/get-entries":
            query = parse_qs(parts.query)
            return self.answer(url, self.some(int(query["start"][0]), int(query["end"][0])))
        if path == "/ct/v1/get-proof-by-hash":
            return self.answer(url, self.proof(parse_qs(parts.query)))
        if path == "/ct/v1/get-sth-consistency":
            return self.answer(url, self.consistency(parse_qs(parts.query)))
        if hashed := re.fullmatch(r"/tile/([0-9]+)/([0-9]{3})(?:\.p/([0-9]+))?", path):
            return self.answer(url, self.hashes(int(hashed[1]), int(hashed[2]), int(hashed[3] or 256)))
        if path == "/checkpoint":
            return self.answer(url, self.checkpoint())
        for number in range(len(self.entries) // 256 + 1):
            full = f"/tile/data/{tile_path(number)}"
            if path == full and (len(self.entries) >= (number + 1) * 256 or self.only_full):
                return self.answer(url, self.tile(number))
            if path.startswith(f"{full}.p/") and not self.only_full:
                return self.answer(url, self.tile(number, int(path.rpartition("/")[2])))
        return Answer(url, 404, (), b"", "")

    @staticmethod
    def answer(url: str, body: bytes) -> Answer:
        return Answer(url, 200, (), body, "198.51.100.9")


class Away:
    """Implements ``Fetch``: nobody is there."""

    async def __call__(self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        raise UpstreamError("away", reason="watch-unreachable")


def named(names: Sequence[str]) -> list[tuple[bytes, bool]]:
    """Entries: certificates and precertificates in turn."""
    return [(certificate(name, poisoned=at % 2 == 1), at % 2 == 1) for at, name in enumerate(names)]
