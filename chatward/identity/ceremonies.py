"""The ceremonies of passkeys by py ``webauthn``: what browsers are asked, and whether what they gave is good.

The rule: only ``identity.passkeys`` uses it, which has the rules, and imports it when somebody first uses a passkey:
the library and what it needs are 8 MB. What is not good raises whatever the parsers of the library raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import webauthn
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    encode_cbor,
    options_to_json_dict,
    parse_attestation_object,
    parse_authenticator_data,
    parse_client_data_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticatorData,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CollectedClientData,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from chatward.identity.relying_party import RelyingParty

Known = Sequence[tuple[bytes, Sequence[str]]]
"""Credential ids, each with its transports."""

ALGORITHMS: Final = (
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
)
TRANSPORTS: Final = frozenset(one.value for one in AuthenticatorTransport)
_UNSIGNED: Final = frozenset({AttestationFormat.NONE, AttestationFormat.PACKED})


def creation(
    party: RelyingParty, user: bytes, name: str, challenge: bytes, known: Known, seconds: float, *, discoverable: bool
) -> dict[str, Any]:
    """``PublicKeyCredentialCreationOptionsJSON``."""
    resident = ResidentKeyRequirement.REQUIRED if discoverable else ResidentKeyRequirement.PREFERRED
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user,
        user_name=name,
        challenge=challenge,
        timeout=int(seconds * 1000),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=resident, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(known),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return options_to_json_dict(options)


def request(party: RelyingParty, challenge: bytes, known: Known, seconds: float) -> dict[str, Any]:
    """``PublicKeyCredentialRequestOptionsJSON``; with none ``known`` the device offers what it has."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=int(seconds * 1000),
        allow_credentials=_descriptors(known) or None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def decoy(id_: bytes) -> Known:
    """What a person who has none seems to have."""
    return [(id_, (AuthenticatorTransport.HYBRID.value, AuthenticatorTransport.INTERNAL.value))]


def attested(attestation: bytes) -> tuple[AuthenticatorData, bool]:
    """What an authenticator says of a new credential, and whether nobody but the credential itself vouches for it."""
    found = parse_attestation_object(attestation)
    return found.auth_data, found.fmt in _UNSIGNED and not found.att_stmt.x5c


def registered(party: RelyingParty, credential: dict[str, Any], challenge: bytes) -> VerifiedRegistration:
    """A registration that holds."""
    return webauthn.verify_registration_response(
        credential=credential,
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        require_user_verification=True,
        supported_pub_key_algs=list(ALGORITHMS),
    )


def asserted(party: RelyingParty, credential: dict[str, Any], challenge: bytes, key: bytes) -> VerifiedAuthentication:
    """An assertion that holds; its counter is not compared."""
    return webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=challenge,
        expected_rp_id=party.id,
        expected_origin=list(party.origins),
        credential_public_key=key,
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def synced(found: VerifiedRegistration | VerifiedAuthentication) -> bool:
    """Whether the credential may be on several devices."""
    return found.credential_device_type is CredentialDeviceType.MULTI_DEVICE


def collected(client: bytes) -> CollectedClientData:
    """The client data."""
    return parse_client_data_json(client)


def authenticator(data: bytes) -> AuthenticatorData:
    """The authenticator data of an assertion."""
    return parse_authenticator_data(data)


def handle(given: str) -> bytes:
    """The user handle that came with an assertion."""
    return base64url_to_bytes(given)


def nobodys_key() -> bytes:
    """A public key (COSE) whose private half nobody has."""
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
    return encode_cbor({1: 2, 3: -7, -1: 1, **point})


def _descriptors(known: Known) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=id_, transports=[AuthenticatorTransport(one) for one in transports])
        for id_, transports in known
    ]
