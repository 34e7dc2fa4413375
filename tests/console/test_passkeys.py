"""Operators sign in with a passkey: as people do it, and as attackers try it. The authenticator is in software."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatward.identity.relying_party import RelyingParty
from tests.simulators.authenticator import EDDSA, Authenticator, Credential, Lies

ORIGIN = "https://console.example"
PARTY = RelyingParty("console.example", "Chatward", (ORIGIN,))
GOOD = "correct horse battery"
ROOT = "/api/v1/session"


class Person:
    """A browser of the house, with an authenticator at hand."""

    def __init__(self, it: Any, address: str = "127.0.0.1", device: Authenticator | None = None) -> None:
        self.it = it
        self.browser = it.browser(address)
        self.device = device or Authenticator()

    async def post(self, path: str, body: Any, **headers: str) -> Any:
        csrf = (await self.browser.get(ROOT)).json()["csrf"]
        return await self.browser.post(f"{ROOT}/{path}", json=body, headers={"x-csrf-token": csrf, **headers})

    async def add(self, lies: Lies | None = None, **proof: Any) -> Any:
        answer = await self.post("passkeys/options", proof)
        if answer.status_code != 200:
            return answer
        made = self.device.create(answer.json()["publicKey"], origin=ORIGIN, lies=lies)
        return await self.post("passkeys", {"credential": made})

    async def assertion(self, lies: Lies | None = None, path: str = "passkey/options") -> dict[str, Any]:
        options = (await self.post(path, {})).json()["publicKey"]
        return self.device.get(options, origin=ORIGIN, lies=lies)

    async def enter(self, credential: dict[str, Any] | None = None, lies: Lies | None = None) -> Any:
        given = credential or await self.assertion(lies)
        return await self.post("passkey", {"credential": given, "next": "/metrics"})

    async def who(self) -> dict[str, Any] | None:
        return (await self.browser.get(ROOT)).json()["operator"]


@pytest.fixture
def it(house):
    return house({"ann": ["admin"], "eve": ["analyst"]}, passkeys=PARTY)


@pytest.fixture
async def ann(it) -> Person:
    """She is signed out and has a passkey."""
    found = Person(it)
    await found.browser.sign_in()
    assert (await found.add(password=GOOD)).status_code == 200
    await found.browser.send_form("/account", "/logout")
    assert await found.who() is None
    return found


def refusals(it) -> list[dict[str, Any]]:
    return [fields for _, fields in it.events("operator:session:refused")]


async def test_a_passkey_signs_in_without_name_and_password_as_two_factors_and_more(it, ann):
    before = ann.browser.cookies.get(it.access.sessions.cookie)
    answer = await ann.enter()
    assert (answer.status_code, answer.json()) == (200, {"next": "/metrics"})
    who = await ann.who()
    assert (who["name"], who["assurance"]) == ("ann", 3)
    assert ann.browser.cookies.get(it.access.sessions.cookie) not in {None, before}
    _, opened = it.events("operator:session:opened")[-1]
    assert (opened["assurance"], opened["operator"]) == (3, it.access.operators.named("ann").id)
    assert (await ann.browser.get("/metrics")).status_code == 200
    assert {name for name, _ in it.events("passkey")} == {"passkey:credential:registered"}


async def test_where_two_factors_are_needed_a_passkey_is_enough(house):
    it = house({"ann": ["admin"]}, passkeys=PARTY, code_needed=True)
    ann = Person(it, device=Authenticator(EDDSA, synced=True, counts=False))
    await ann.browser.sign_in()
    assert (await ann.browser.get("/metrics", headers={"accept": "*/*"})).status_code == 403
    assert (await ann.add(password=GOOD)).status_code == 200
    await ann.browser.send_form("/account", "/logout")
    assert (await ann.enter()).status_code == 200
    assert (await ann.browser.get("/metrics", headers={"accept": "*/*"})).status_code == 200


async def test_the_options_for_signing_in_tell_nothing_about_who_exists(it, ann):
    stranger = Person(it, "192.0.2.7")
    asked = [(await one.post("passkey/options", {})).json()["publicKey"] for one in (ann, stranger)]
    assert [sorted(one) for one in asked] == [sorted(asked[0])] * 2
    assert all(not one.get("allowCredentials") and one["userVerification"] == "required" for one in asked)
    assert asked[0]["challenge"] != asked[1]["challenge"]


LIES = {
    "user-verification": Lies(flags_off=0x04),
    "user-presence": Lies(flags_off=0x01),
    "origin": Lies(client={"origin": "https://c0nsole.example"}),
    "cross-origin": Lies(client={"crossOrigin": True}),
    "ceremony-type": Lies(client={"type": "webauthn.create"}),
    "rp-id": Lies(rp_id="evil.example"),
    "counter-rollback": Lies(counter=1),
    "credential-unknown": Lies(credential_id=b"x" * 32),
    "user-handle": Lies(user_handle=b"somebody else"),
    "malformed": Lies(client={"challenge": "AAAA AAAA"}),
    "nonce": Lies(client={"challenge": "A" * 75}),
    "signature": Lies(after=lambda data: data[:-1] + bytes([data[-1] ^ 1])),
}


@pytest.mark.parametrize("why", LIES)
async def test_what_is_wrong_with_a_proof_is_for_the_record_and_the_answer_is_one(it, ann, why):
    if why == "counter-rollback":
        assert (await ann.enter()).status_code == 200
        await ann.browser.send_form("/account", "/logout")
    answer = await ann.enter(lies=LIES[why])
    assert answer.status_code == 401
    assert answer.json()["error"] == {"reason": "credentials-wrong", "message": "This passkey was not accepted."}
    assert await ann.who() is None
    assert refusals(it)[-1] == {"reason": "credentials-wrong", "operator": "", "proof": why}


async def test_a_proof_is_good_once(it, ann):
    ann.device.counts = False
    ann.device.credentials[0].counter = 0
    it.database.write("UPDATE passkeys SET counter = 0")
    proof = await ann.assertion()
    seed = ann.browser.cookies.get(it.access.csrf.cookie)
    assert (await ann.enter(proof)).status_code == 200
    thief = Person(it)
    thief.browser.cookies.set(it.access.csrf.cookie, seed, domain="console.example")
    assert (await thief.enter(proof)).status_code == 401
    assert refusals(it)[-1]["proof"] == "nonce"


async def test_a_proof_is_good_in_the_browser_that_asked_only_and_not_for_long(it, ann):
    proof = await ann.assertion()
    elsewhere = Person(it)
    await elsewhere.post("passkey/options", {})
    assert (await elsewhere.enter(proof)).status_code == 401
    late = await ann.assertion()
    it.clock.now += 301
    assert (await ann.enter(late)).status_code == 401
    assert [one["proof"] for one in refusals(it)] == ["nonce", "nonce"]


async def test_what_was_signed_on_the_account_page_does_not_sign_in(it, ann):
    await ann.enter()
    proof = await ann.assertion(path="passkeys/proof")
    await ann.browser.send_form("/account", "/logout")
    assert (await ann.enter(proof)).status_code == 401
    assert (await ann.enter()).status_code == 200


async def test_who_is_disabled_or_reset_has_no_passkey_any_more(it, ann):
    id = it.access.operators.named("ann").id
    it.access.operators.create("bob", GOOD, ["admin"])
    it.access.operators.disable(id)
    assert (await ann.enter()).status_code == 401
    assert refusals(it)[-1]["proof"] == "revoked"
    it.access.operators.enable(id)
    assert (await ann.enter()).status_code == 200
    bob = Person(it)
    it.factor.enrolled_.add(it.access.operators.named("bob").id)
    await bob.browser.sign_in("bob", code="123456")
    assert (await bob.browser.send_form("/operators", "/operators/reset", operator=id)).status_code == 200
    assert await ann.who() is None
    assert (await ann.enter()).status_code == 401


async def test_an_account_of_an_identity_provider_has_none_here(it):
    eve = Person(it)
    await eve.browser.sign_in("eve")
    it.database.write("UPDATE operators SET provider = 'idp' WHERE name = 'eve'")
    assert (await eve.add(password=GOOD)).json()["error"]["reason"] == "account-elsewhere"
    assert "Add a passkey" not in (await eve.browser.get("/account")).text


async def test_a_passkey_ends_with_the_account_becoming_a_providers(it, ann):
    it.database.write("UPDATE operators SET provider = 'idp' WHERE name = 'ann'")
    assert (await ann.enter()).status_code == 401
    assert refusals(it)[-1]["proof"] == "revoked"


async def test_without_a_user_handle_nobody_is_named(it, ann):
    proof = await ann.assertion()
    del proof["response"]["userHandle"]
    assert (await ann.enter(proof)).status_code == 401
    assert refusals(it)[-1]["proof"] == "user-handle"


async def test_a_stolen_session_adds_and_removes_nothing(it, ann):
    await ann.enter()
    [key] = it.access.passkeys.of(it.access.operators.named("ann").id)
    other = Person(it)
    other.browser = ann.browser  # the session, without the device
    for proof in ({}, {"password": GOOD}, {"code": "123456"}):
        answer = await other.add(**proof)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "proof-refused")
        assert (await other.post("passkeys/removal", {"id": key.id, **proof})).status_code == 403
    it.factor.enrolled_.add(it.access.operators.named("ann").id)
    assert (await other.add(code="000000")).status_code == 403
    assert (await other.add(code="123456")).status_code == 200
    assert len(it.access.passkeys.of(it.access.operators.named("ann").id)) == 2


async def test_a_wrong_password_adds_nothing_and_is_counted_as_a_guess(it):
    ann = Person(it)
    await ann.browser.sign_in()
    answers = [(await ann.add(password="wrong wrong wrong")).json()["error"]["reason"] for _ in range(20)]
    assert answers[0] == "credentials-wrong"
    assert answers[-1] == "too-many-attempts"
    assert it.access.passkeys.of(it.access.operators.named("ann").id) == ()


async def test_passkeys_are_taken_away_with_a_proof_by_one(it, ann):
    await ann.enter()
    id = it.access.operators.named("ann").id
    [key] = it.access.passkeys.of(id)
    proof = await ann.assertion(path="passkeys/proof")
    answer = await ann.post("passkeys/removal", {"id": key.id, "credential": proof})
    assert answer.json() == {"removed": True}
    assert it.access.passkeys.of(id) == ()
    assert (await ann.post("passkeys/removal", {"id": key.id, "credential": proof})).status_code == 403


async def test_another_operators_passkey_is_no_proof_of_ones_own(it, ann):
    eve = Person(it)
    await eve.browser.sign_in("eve")
    await eve.add(password=GOOD)
    options = (await eve.post("passkeys/proof", {})).json()["publicKey"]
    foreign = ann.device.assert_with(ann.device.credentials[0], options["challenge"], origin=ORIGIN)
    before = eve.browser.cookies.get(it.access.sessions.cookie)
    assert (await eve.post("passkeys/lift", {"credential": foreign})).status_code == 403
    assert (await eve.who())["assurance"] == 1
    own = await eve.assertion(path="passkeys/proof")
    assert (await eve.post("passkeys/lift", {"credential": own})).status_code == 200
    assert (await eve.who())["assurance"] == 3
    assert eve.browser.cookies.get(it.access.sessions.cookie) != before


async def test_a_break_glass_account_is_reviewed_however_it_signs_in(house):
    it = house({"ann": ["admin"], "glass": ["admin"]}, passkeys=PARTY)
    glass = Person(it)
    await glass.browser.sign_in("glass")
    await glass.add(password=GOOD)
    await glass.browser.send_form("/account", "/logout")
    answer = await glass.enter()
    assert answer.json()["error"]["reason"] == "review-pending"


async def test_guessing_with_a_known_credential_id_slows_its_owner_down_nowhere(it, ann):
    attacker = Person(it, "203.0.113.9", Authenticator())
    held = ann.device.credentials[0]
    for _ in range(30):
        options = (await attacker.post("passkey/options", {})).json()["publicKey"]
        copy = Credential(held.id, ec.generate_private_key(ec.SECP256R1()), held.rp_id, held.handle)
        forged = attacker.device.assert_with(copy, options["challenge"], origin=ORIGIN)
        last = await attacker.enter(forged)
    assert (last.status_code, "retry-after" in last.headers) == (429, True)
    assert (await ann.enter()).status_code == 200
    await ann.browser.send_form("/account", "/logout")
    new = Person(it, "198.51.100.4", ann.device)  # where nobody knows her
    assert (await new.browser.sign_in()).status_code == 303
    assert it.access.passkeys.of(it.access.operators.named("ann").id)[0].suspended is False


async def test_another_origin_and_no_token_do_nothing(it, ann):
    proof = await ann.assertion()
    evil = await ann.post("passkey", {"credential": proof}, origin="https://evil.example")
    assert (evil.status_code, evil.json()["error"]["reason"]) == (403, "cross-site")
    await ann.enter()
    bare = await ann.browser.post(f"{ROOT}/passkeys/lift", json={"credential": await ann.assertion()})
    assert (bare.status_code, bare.json()["error"]["reason"]) == (403, "csrf")


async def test_where_passkeys_cannot_be_made_there_is_no_way_to_them(house):
    it = house({"ann": ["admin"]})
    assert "passkey" not in (await it.browser().get("/login")).text
    assert (await it.browser().post(f"{ROOT}/passkey/options", json={})).status_code in {404, 405}
