"""Passkeys against a software authenticator of our own: what must be accepted, and a table of attacks."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatward.core.errors import ConfigError
from chatward.core.events import Event
from chatward.core.identity import Principal
from chatward.identity.enrolment import Standing
from chatward.identity.passkeys import MOST
from chatward.identity.proofs import ProofError, Why
from chatward.identity.relying_party import RelyingParty
from chatward.settings import StepUp
from tests.identity.step_up import ORIGIN, World, person
from tests.simulators.authenticator import BE, BS, EDDSA, ES256, UP, UV, Authenticator, Credential, Lies, b64, unb64

ANN = person()
CHALLENGE = b"c" * 32


def registered(world: World, device: Authenticator, who: Principal = ANN, lies: Lies | None = None) -> Credential:
    options = world.passkeys.registration(who, Standing.PROOF)
    world.passkeys.register(who, device.create(options, origin=ORIGIN, lies=lies))
    return device.credentials[-1]


def assertion(world: World, device: Authenticator, lies: Lies | None = None, *, origin: str = ORIGIN) -> dict[str, Any]:
    return device.get(world.passkeys.request(ANN.id, CHALLENGE), origin=origin, lies=lies)


def why(world: World, given: Any, who: Principal = ANN, challenge: bytes = CHALLENGE) -> Why | None:
    try:
        world.passkeys.verify(who.id, given, challenge)
    except ProofError as error:
        return error.why
    return None


# --- what must be accepted ---------------------------------------------------------------------------


@pytest.mark.parametrize("alg", [ES256, EDDSA])
@pytest.mark.parametrize("attestation", ["none", "packed"])
@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("synced", [True, False])
def test_a_good_passkey_is_registered_and_proves_again_and_again(
    alg: int, attestation: str, counts: bool, synced: bool
) -> None:
    world = World()
    device = Authenticator(alg, attestation=attestation, counts=counts, synced=synced)
    registered(world, device)
    for _ in range(3):
        assert why(world, assertion(world, device)) is None
    (passkey,) = world.passkeys.of(ANN.id)
    assert (passkey.synced, passkey.suspended, passkey.used) == (synced, False, world.clock.now)


def test_a_person_has_several_and_any_of_them_proves() -> None:
    world = World()
    phone, token = Authenticator(), Authenticator(EDDSA)
    registered(world, phone)
    registered(world, token)
    assert len(world.passkeys.of(ANN.id)) == 2
    assert why(world, assertion(world, phone)) is None
    assert why(world, assertion(world, token)) is None
    world.passkeys.remove(ANN.id, world.passkeys.of(ANN.id)[0].id)
    assert not any(b64(one.id) in str(world.passkeys.request(ANN.id, CHALLENGE)) for one in phone.credentials)
    assert why(world, device_says(world, phone)) is Why.UNKNOWN
    assert why(world, assertion(world, token)) is None


def device_says(world: World, device: Authenticator, lies: Lies | None = None) -> dict[str, Any]:
    return device.assert_with(device.credentials[-1], b64(CHALLENGE), origin=ORIGIN, lies=lies)


def test_options_ask_for_user_verification_and_no_attestation() -> None:
    world = World()
    create, get = world.passkeys.registration(ANN, Standing.FIRST, "Ann"), world.passkeys.request(ANN.id, CHALLENGE)
    assert create["authenticatorSelection"]["userVerification"] == get["userVerification"] == "required"
    assert create["attestation"] == "none"
    assert create["user"]["name"] == "Ann"
    assert ANN.id.encode() not in unb64(create["user"]["id"])
    json.dumps([create, get])


def test_nothing_of_the_device_or_the_body_is_kept() -> None:
    world = World()
    registered(world, Authenticator(attestation="packed"))
    columns = [row[1] for row in world.database.rows("PRAGMA table_info(passkeys)")]
    assert set(columns) == {
        *("id", "principal", "handle", "key", "counter", "eligible", "backed_up"),
        *("transports", "made", "used", "suspended"),
    }


# --- attacks on an assertion -------------------------------------------------------------------------

OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

ASSERTION_ATTACKS: dict[str, tuple[Lies, Why]] = {
    "user not verified": (Lies(flags_off=UV), Why.VERIFICATION),
    "user not present": (Lies(flags_off=UP), Why.PRESENCE),
    "wrong RP ID": (Lies(rp_id="example.org.evil.example"), Why.RP_ID),
    "wrong type": (Lies(client={"type": "webauthn.create"}), Why.TYPE),
    "payment type": (Lies(client={"type": "payment.get"}), Why.TYPE),
    "another challenge": (Lies(client={"challenge": b64(b"d" * 32)}), Why.NONCE),
    "empty challenge": (Lies(client={"challenge": ""}), Why.NONCE),
    "wrong origin": (Lies(client={"origin": "https://example.org"}), Why.ORIGIN),
    "origin of a relay": (Lies(client={"origin": "https://chat.example.org.evil.example"}), Why.ORIGIN),
    "plain http": (Lies(client={"origin": "http://chat.example.org"}), Why.ORIGIN),
    "other port": (Lies(client={"origin": "https://chat.example.org:444"}), Why.ORIGIN),
    "null origin": (Lies(client={"origin": "null"}), Why.ORIGIN),
    "in a frame": (Lies(client={"crossOrigin": True}), Why.CROSS_ORIGIN),
    "in a frame, told otherwise": (Lies(client={"crossOrigin": "yes"}), Why.CROSS_ORIGIN),
    "in a frame of somebody": (Lies(client={"topOrigin": "https://evil.example"}), Why.CROSS_ORIGIN),
    "UV set after signing": (Lies(flags_off=UV, after=lambda d: d[:32] + bytes([d[32] | UV]) + d[33:]), Why.SIGNATURE),
    "counter raised after signing": (Lies(after=lambda d: d[:33] + b"\x7f\xff\xff\xff" + d[37:]), Why.SIGNATURE),
    "RP ID changed after signing": (Lies(rp_id="evil.example", after=lambda d: unb64(RP_HASH) + d[32:]), Why.SIGNATURE),
    "data appended": (Lies(after=lambda d: d + b"\0"), Why.MALFORMED),
    "data cut": (Lies(after=lambda d: d[:36]), Why.MALFORMED),
    "another key": (Lies(signer=OTHER_KEY), Why.SIGNATURE),
    "another user handle": (Lies(user_handle=b"somebody"), Why.HANDLE),
    "became able to be backed up": (Lies(flags_on=BE), Why.ELIGIBILITY),
    "backed up without being able to": (Lies(flags_on=BS), Why.ELIGIBILITY),
    "an unknown credential": (Lies(credential_id=b"u" * 32), Why.UNKNOWN),
}
RP_HASH = b64(hashlib.sha256(b"example.org").digest())


@pytest.mark.parametrize("name", ASSERTION_ATTACKS)
def test_attacks_on_an_assertion_are_refused(name: str) -> None:
    lies, reason = ASSERTION_ATTACKS[name]
    world, device = World(), Authenticator()
    registered(world, device)
    assert why(world, assertion(world, device, lies)) is reason
    assert why(world, assertion(world, device)) is None  # and the passkey is as good as before


def test_another_persons_passkey_proves_nothing() -> None:
    world, hers, his = World(), Authenticator(), Authenticator()
    registered(world, hers)
    registered(world, his, person("bob"))
    given = his.assert_with(his.credentials[0], b64(CHALLENGE), origin=ORIGIN)
    assert why(world, given) is Why.UNKNOWN
    assert why(world, his.assert_with(his.credentials[0], b64(CHALLENGE), origin=ORIGIN), person("bob")) is None


def test_every_refusal_reads_the_same() -> None:
    world, device = World(), Authenticator()
    registered(world, device)
    told = set()
    for lies, _ in ASSERTION_ATTACKS.values():
        with pytest.raises(ProofError) as refused:
            world.passkeys.verify(ANN.id, assertion(world, device, lies), CHALLENGE)
        told.add((refused.value.status, refused.value.reason, refused.value.public))
    with pytest.raises(ProofError) as refused:
        world.passkeys.verify("person:nobody", assertion(world, device), CHALLENGE)
    told.add((refused.value.status, refused.value.reason, refused.value.public))
    assert len(told) == 1


def mutations(given: dict[str, Any]) -> list[Any]:
    """Shapes that are no assertion."""
    odd = [None, 1, "", "!", "=", "é", [], {}, "A" * 20_000]
    found: list[Any] = []
    for key in given:
        found += [{**given, key: value} for value in odd if key not in {"clientExtensionResults"}]
    for key in given["response"]:
        for value in odd:
            if not (key == "userHandle" and value is None):
                found.append({**given, "response": {**given["response"], key: value}})
    for text in (b"", b"{", b"[]", b'{"type":"webauthn.get","type":"webauthn.get"}', b"\xff", b"null", b'"x"'):
        found.append({**given, "response": {**given["response"], "clientDataJSON": b64(text)}})
    client = json.loads(unb64(given["response"]["clientDataJSON"]))
    for key in ("type", "challenge", "origin"):
        for value in (None, 1, [], {}, [client[key]]):
            changed = b64(json.dumps({**client, key: value}).encode())
            found.append({**given, "response": {**given["response"], "clientDataJSON": changed}})
    return found


def test_what_has_another_shape_is_refused_and_never_an_error() -> None:
    world, device = World(), Authenticator()
    registered(world, device)
    for given in [{}, {"id": 1}, *mutations(assertion(world, device))]:
        assert why(world, given) is not None, given
    for given in [{}, {"response": []}]:
        options = world.passkeys.registration(ANN, Standing.PROOF)
        assert options
        with pytest.raises(ProofError):
            world.passkeys.register(ANN, given)
    for given in mutations(Authenticator().create(world.passkeys.registration(ANN, Standing.PROOF), origin=ORIGIN)):
        if given["response"] and isinstance(given["response"], dict) and "transports" in given["response"]:
            options = world.passkeys.registration(ANN, Standing.PROOF)
            with pytest.raises(ProofError):
                world.passkeys.register(ANN, given)


# --- the counter -------------------------------------------------------------------------------------


def test_a_counter_that_goes_back_suspends_the_passkey() -> None:
    world, device = World(), Authenticator()
    held = registered(world, device)
    assert why(world, assertion(world, device)) is None
    copy = Credential(held.id, held.private, held.rp_id, held.handle, counter=0)
    given = device.assert_with(copy, b64(CHALLENGE), origin=ORIGIN)
    assert why(world, given) is Why.COUNTER
    assert world.passkeys.of(ANN.id)[0].suspended
    assert not world.passkeys.has(ANN.id)
    assert why(world, device_says(world, device)) is Why.SUSPENDED  # whichever of the two is the thief
    assert world.record.told(Event.PASSKEY_SUSPENDED)[0]["reason"] == "counter-rollback"


@pytest.mark.parametrize("counter", [0, 1, 2])
def test_the_same_counter_again_or_none_is_a_rollback(counter: int) -> None:
    world, device = World(), Authenticator()
    registered(world, device)
    assert why(world, assertion(world, device)) is None  # tells 2
    assert why(world, assertion(world, device, Lies(counter=counter))) is Why.COUNTER


def test_without_a_good_signature_nobody_suspends_a_passkey() -> None:
    world, device = World(), Authenticator()
    registered(world, device)
    assert why(world, assertion(world, device)) is None
    assert why(world, assertion(world, device, Lies(counter=0, signer=OTHER_KEY))) is Why.SIGNATURE
    assert why(world, assertion(world, device)) is None


# --- attacks on a registration -----------------------------------------------------------------------

REGISTRATION_ATTACKS: dict[str, tuple[Lies, Why]] = {
    "user not verified": (Lies(flags_off=UV), Why.VERIFICATION),
    "user not present": (Lies(flags_off=UP), Why.PRESENCE),
    "wrong RP ID": (Lies(rp_id="evil.example"), Why.RP_ID),
    "wrong type": (Lies(client={"type": "webauthn.get"}), Why.TYPE),
    "another challenge": (Lies(client={"challenge": b64(b"d" * 32)}), Why.NONCE),
    "wrong origin": (Lies(client={"origin": "https://evil.example"}), Why.ORIGIN),
    "in a frame": (Lies(client={"crossOrigin": True}), Why.CROSS_ORIGIN),
    "no credential": (Lies(flags_off=0x40), Why.MALFORMED),
    "a short credential id": (Lies(credential_id=b"short"), Why.MALFORMED),
    "an attestation of a maker": (Lies(attestation="android-safetynet"), Why.ATTESTATION),
}


@pytest.mark.parametrize("name", REGISTRATION_ATTACKS)
def test_attacks_on_a_registration_are_refused(name: str) -> None:
    lies, reason = REGISTRATION_ATTACKS[name]
    world, device = World(), Authenticator()
    options = world.passkeys.registration(ANN, Standing.FIRST)
    with pytest.raises(ProofError) as refused:
        world.passkeys.register(ANN, device.create(options, origin=ORIGIN, lies=lies))
    assert refused.value.why is reason
    assert world.passkeys.of(ANN.id) == ()
    assert world.enrolment.standing(ANN, has_proof=False) is Standing.FIRST  # nothing was opened or closed by it


def test_a_packed_attestation_with_another_signature_is_refused() -> None:
    world = World()
    options = world.passkeys.registration(ANN, Standing.FIRST)

    def flip(data: bytes) -> bytes:
        return data[:33] + b"\0\0\0\x09" + data[37:]

    given = Authenticator(attestation="packed").create(options, origin=ORIGIN, lies=Lies(after=flip))
    with pytest.raises(ProofError):
        world.passkeys.register(ANN, given)


def test_a_registration_is_good_once_in_its_session_and_for_a_while() -> None:
    world, device = World(), Authenticator()
    given = device.create(world.passkeys.registration(ANN, Standing.FIRST), origin=ORIGIN)
    for who in (person(session="s2"), person("bob")):
        with pytest.raises(ProofError):
            world.passkeys.register(who, given)
    world.passkeys.register(ANN, given)
    with pytest.raises(ProofError):
        world.passkeys.register(ANN, given)
    late = device_of(world)
    world.clock.now += 300
    with pytest.raises(ProofError):
        world.passkeys.register(ANN, late)


def device_of(world: World) -> dict[str, Any]:
    return Authenticator().create(world.passkeys.registration(ANN, Standing.PROOF), origin=ORIGIN)


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_a_credential_is_registered_once(name: str) -> None:
    world, device = World(), Authenticator()
    held = registered(world, device)
    who = person(name)
    options = world.passkeys.registration(who, Standing.PROOF)
    given = Authenticator().create(options, origin=ORIGIN, lies=Lies(credential_id=held.id))
    with pytest.raises(ProofError) as refused:
        world.passkeys.register(who, given)
    assert refused.value.why is Why.KNOWN
    assert why(world, assertion(world, device)) is None  # still hers, with her key


def test_a_browser_is_told_what_it_holds_already() -> None:
    world, device = World(), Authenticator()
    registered(world, device)
    with pytest.raises(RuntimeError, match="InvalidStateError"):
        device.create(world.passkeys.registration(ANN, Standing.PROOF), origin=ORIGIN)


def test_of_two_first_ones_one_wins() -> None:
    world, thief = World(), person(session="stolen")
    hers = Authenticator().create(world.passkeys.registration(ANN, Standing.FIRST), origin=ORIGIN)
    theirs = Authenticator().create(world.passkeys.registration(thief, Standing.FIRST), origin=ORIGIN)
    world.passkeys.register(ANN, hers)
    with pytest.raises(Exception, match="cannot be added") as refused:
        world.passkeys.register(thief, theirs)
    assert refused.value.reason == "enrolment-refused"
    assert len(world.passkeys.of(ANN.id)) == 1


def test_there_is_an_end_to_how_many() -> None:
    world = World()
    for _ in range(MOST):
        registered(world, Authenticator())
    with pytest.raises(Exception, match="too many"):
        registered(world, Authenticator())


def test_nobody_removes_anothers() -> None:
    world, device = World(), Authenticator()
    held = registered(world, device)
    assert not world.passkeys.remove("person:bob", b64(held.id))
    assert not world.passkeys.remove(ANN.id, "no such id")
    assert world.passkeys.remove(ANN.id, b64(held.id))
    assert len(world.record.told(Event.PASSKEY_REMOVED)) == 1


# --- who is not known --------------------------------------------------------------------------------


def test_options_for_nobody_look_like_anybodys() -> None:
    world = World()
    registered(world, Authenticator(synced=True))
    known, nobody = world.passkeys.request(ANN.id, CHALLENGE), world.passkeys.request("person:nobody", CHALLENGE)
    assert known.keys() == nobody.keys()
    (one,), (other,) = known["allowCredentials"], nobody["allowCredentials"]
    assert one.keys() == other.keys()
    assert len(one["id"]) == len(other["id"])
    assert world.passkeys.request("person:nobody", b"d" * 32)["allowCredentials"] == [other]  # the same each time
    assert world.passkeys.request("person:nobody2", CHALLENGE)["allowCredentials"] != [other]


# --- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "origins"),
    [
        (StepUp(), ("http://localhost:8787",)),
        (StepUp(rp_id="example.org"), ("https://example.org",)),
        (StepUp(rp_id="example.org", origins=("https://chat.example.org:8443",)), ("https://chat.example.org:8443",)),
    ],
)
def test_the_relying_party_of_settings(settings: StepUp, origins: tuple[str, ...]) -> None:
    assert RelyingParty.of(settings, 8787).origins == origins


@pytest.mark.parametrize(
    "settings",
    [
        StepUp(rp_id="127.0.0.1"),
        StepUp(rp_id="https://example.org"),
        StepUp(rp_id="Example.org"),
        StepUp(rp_id=""),
        StepUp(rp_id="example.org", origins=("http://example.org",)),
        StepUp(rp_id="example.org", origins=("https://notexample.org",)),
        StepUp(rp_id="example.org", origins=("https://example.org/",)),
        StepUp(rp_id="example.org", origins=("https://a@example.org",)),
        StepUp(rp_id="localhost", origins=("http://127.0.0.1:8787",)),
    ],
)
def test_what_no_browser_would_accept_is_refused_at_the_start(settings: StepUp) -> None:
    with pytest.raises(ConfigError) as refused:
        RelyingParty.of(settings)
    assert refused.value.key is not None
    assert refused.value.key.startswith("step_up.")
