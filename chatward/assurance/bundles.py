"""Whether a file was signed by an identity that is known: bundles of Sigstore, looked at without a network.

The rules:

1. *Verified* means all of it: the certificate is of an authority of the trusted root and was valid at a time that is
   proven, its issue is in the log of certificates, it names this very identity as this very issuer vouches for it, the
   signature is over these bytes, and the log of signatures has it. The package ``sigstore`` looks; what it does not
   vouch for is not verified, with one sentence why.
2. Nothing is fetched. The trusted root is the one that the installed package carries, or a file.
3. A bundle that signs an in-toto statement (provenance) counts for the files whose SHA-256 the statement names.

Source: Sigstore, ``sigstore_bundle.proto`` (versions 0.1 to 0.3), ``sigstore_trustroot.proto``; in-toto attestation,
``Statement`` v0.1 and v1.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chatward.assurance.releases import Verification
from chatward.core.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_BUNDLE: Final = 1024 * 1024
"""Bytes. Real ones have some 10 KB."""
SUFFIX: Final = ".sigstore.json"
"""What the name of a bundle adds to that of its file."""
_STATEMENT: Final = "application/vnd.in-toto+json"
_STATEMENTS: Final = frozenset({"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"})
_SHIPPED: Final = ("_store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")

Looked = Callable[[bytes, bytes], Verification]
"""From the bytes of a file and of its bundle to whether it is verified."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs: an e-mail address or the address of a workflow, as the OpenID issuer vouches for it."""

    name: str
    issuer: str


class _Policy:
    """Tells that a certificate names somebody else apart from all else that may be wrong with it."""

    def __init__(self, expected: Identity) -> None:
        from sigstore.verify.policy import Identity as Named  # noqa: PLC0415 - the extra

        self._inner = Named(identity=expected.name, issuer=expected.issuer)
        self.other = False

    def verify(self, cert: Certificate) -> None:
        self.other = True
        self._inner.verify(cert)
        self.other = False


def looking(expected: Identity, root: Path | None) -> Looked:
    """Looks at bundles. ``root``: a trusted root; ``None``: the one of Sigstore's public instance that the package
    carries. Raises ``ConfigError`` (``extra-missing``, ``trusted-root``)."""
    try:
        from sigstore.models import TrustedRoot  # noqa: PLC0415 - the extra
        from sigstore.verify import Verifier  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(
            'signatures by an identity need a package: uv pip install "chatward[release]"', reason="extra-missing"
        ) from error
    logging.getLogger("sigstore").setLevel(logging.ERROR)  # it warns of each key of the root that it cannot use
    try:
        if root is not None:
            trusted = TrustedRoot.from_file(str(root))
        else:
            with resources.as_file(resources.files("sigstore").joinpath(*_SHIPPED)) as shipped:
                trusted = TrustedRoot.from_file(str(shipped))
        verifier = Verifier(trusted_root=trusted)
    except Exception as error:  # whatever a file may hold
        raise ConfigError(
            f"the trusted root cannot be read: {root or 'the package has none'}", reason="trusted-root"
        ) from error

    def look(data: bytes, bundle: bytes) -> Verification:
        return _looked(verifier, expected, data, bundle)

    return look


def _looked(verifier: Any, expected: Identity, data: bytes, raw: bytes) -> Verification:
    from sigstore.models import Bundle  # noqa: PLC0415 - the extra

    digest = hashlib.sha256(data).hexdigest()
    if len(raw) > MAX_BUNDLE:
        return Verification(None, "its bundle is too large to be one")
    try:
        document = json.loads(raw)
        bundle = Bundle.from_json(raw)
    except Exception:  # whatever a file may hold: nothing of it is believed
        return Verification(None, "its bundle cannot be read")
    policy = _Policy(expected)
    try:
        if "dsseEnvelope" not in document:
            verifier.verify_artifact(data, bundle, policy)
            return Verification(True)
        kind, payload = verifier.verify_dsse(bundle, policy)
    except Exception:  # as above: whatever is not verified is not
        if policy.other:
            return Verification(False, f"it is not signed by {expected.name} of {expected.issuer}")
        if _other(document, digest):
            return Verification(False, "its bundle signs another file")
        return Verification(False, "its signature, certificate or entry in the log does not hold")
    if kind == _STATEMENT and digest in _subjects(payload):
        return Verification(True)
    return Verification(False, "its bundle signs another file")


def _other(document: Any, digest: str) -> bool:
    """Whether a bundle says by itself that it is of other bytes: why it fails, never whether."""
    try:
        named = base64.b64decode(document["messageSignature"]["messageDigest"]["digest"])
    except (LookupError, TypeError, ValueError):
        return False
    return named.hex() != digest


def _subjects(payload: bytes) -> frozenset[str]:
    """SHA-256 of the files that a statement is about."""
    try:
        statement = json.loads(payload)
        if statement["_type"] not in _STATEMENTS:
            return frozenset()
        return frozenset(one["digest"]["sha256"] for one in statement["subject"] if "sha256" in one["digest"])
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return frozenset()
