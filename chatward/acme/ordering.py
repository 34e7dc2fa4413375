"""One order of a certificate, from account to file; called on a thread.

The rules:

1. The account's key and the certificate's are EC P-256, made here, readable by their owner alone. Each certificate gets
   a new key.
2. Files are replaced, each in one step, key first: who reads between the two sees a pair that does not fit and keeps
   the old one (``gateway.renewal``).
3. The authority is asked to look at one name after another (HTTP-01); what it looks for is taken away afterwards.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

import josepy
import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatward.acme.keeping import CERT, KEY, Authority
from chatward.core.errors import ConfigError, UpstreamError

ACCOUNT: Final = "account.key"
SECONDS: Final = 120
"""In which an order must be done."""


def order(authority: Authority, domains: tuple[str, ...], folder: Path, answers: MutableMapping[str, str]) -> None:
    """Gets a certificate for ``domains`` into ``folder``. ``answers`` is what an ``Answering`` tells the authority.
    Raises ``UpstreamError`` (``acme-failed``) with what the authority said, and ``OSError``."""
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        server = _client(authority, folder)
        asked = server.new_order(_request(key, domains))
        opened = [_offer(server, one, answers) for one in asked.authorizations if one.body.status.name != "valid"]
        try:
            for challenge, response in opened:
                server.answer_challenge(challenge, response)
            deadline = datetime.datetime.now() + datetime.timedelta(seconds=SECONDS)  # noqa: DTZ005 - as it is asked for
            chain = server.poll_and_finalize(asked, deadline).fullchain_pem
        finally:
            for challenge, _ in opened:
                answers.pop(challenge.chall.path, None)
    except (errors.Error, messages.Error, josepy.errors.Error, requests.RequestException) as error:
        raise UpstreamError(
            f"No certificate from {authority.directory}: {_said(error)}", reason="acme-failed"
        ) from error
    _write(folder / KEY, _pem(key))
    _write(folder / CERT, chain.encode())


def _client(authority: Authority, folder: Path) -> Any:
    account = josepy.jwk.JWKEC(key=_account(folder / ACCOUNT))
    net = client.ClientNetwork(account, alg=josepy.jwa.ES256, user_agent="chatward", timeout=20)
    if authority.ca_file is not None:
        net.verify_ssl = authority.ca_file  # type: ignore[assignment]  # as requests takes it
    directory = client.ClientV2.get_directory(authority.directory, net)
    made = client.ClientV2(directory, net)
    more: dict[str, Any] = {}
    if authority.eab is not None:
        bound = messages.ExternalAccountBinding.from_data(account.public_key(), *authority.eab, directory)
        more["external_account_binding"] = bound
    wanted = messages.NewRegistration.from_data(email=authority.email or None, terms_of_service_agreed=True, **more)
    try:
        made.new_account(wanted)
    except errors.ConflictError as known:
        made.query_registration(messages.RegistrationResource(uri=known.location, body=messages.Registration()))
    return made


def _offer(server: Any, authorization: Any, answers: MutableMapping[str, str]) -> tuple[Any, Any]:
    """Makes the answer to the authority's question ready: the challenge and what it is told."""
    for challenge in authorization.body.challenges:
        if isinstance(challenge.chall, challenges.HTTP01):
            response, validation = challenge.response_and_validation(server.net.key)
            answers[challenge.chall.path] = validation
            return challenge, response
    raise errors.Error(f"it does not look at {authorization.body.identifier.value} by HTTP-01")


def _request(key: ec.EllipticCurvePrivateKey, domains: tuple[str, ...]) -> bytes:
    names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domains[0])] if len(domains[0]) <= 64 else [])
    asked = x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(names, critical=False)
    return asked.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _account(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        _write(path, _pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path} is not the key of an account.", reason="certificate-invalid")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Replaces a file in one step; nobody else could read it at any time."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _said(error: Exception) -> str:
    failed = getattr(error, "failed_authzrs", None)
    if failed:
        said = [
            f"{one.body.identifier.value}: {challenge.error.detail}"
            for one in failed
            for challenge in one.body.challenges
            if challenge.error is not None
        ]
        return "; ".join(said) or "it did not accept a name"
    return str(getattr(error, "detail", None) or error) or type(error).__name__
