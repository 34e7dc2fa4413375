"""Keys of a provider: rotation, storms of unknown ids, a provider that is down, answers that are too much."""

import asyncio
import json

import pytest

from chatward.core.identity import Fetched
from chatward.identity.jose import TokenError
from chatward.identity.jwks import MAX_BODY, MAX_KEYS, NEGATIVE, KeySet, Unreachable
from tests.simulators.idp import Clock, Idp, public


def key_set(idp, clock, **others):
    async def address():
        return "https://idp.example/jwks"

    return KeySet(address, idp, clock, **({"fresh": 3600, "stale": 7200, "cooldown": 30, "negative": 300} | others))


@pytest.fixture
def idp():
    return Idp()


@pytest.fixture
def clock():
    return Clock()


async def unknown(keys, kid, alg="ES256"):
    with pytest.raises(TokenError) as caught:
        await keys.key(kid, alg)
    assert caught.value.detail == "token-key-unknown"


async def test_keys_are_fetched_once(idp, clock):
    keys = key_set(idp, clock)
    for _ in range(5):
        assert (await keys.key("k1", "ES256")).kid == "k1"
    assert len(idp.asked) == 1


async def test_a_new_key_is_found_at_once_and_an_old_one_goes(idp, clock):
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    idp.keys = [public("k2", "ES256", "two")]
    clock.now += 31
    assert (await keys.key("k2", "ES256")).kid == "k2"
    assert len(idp.asked) == 2
    await unknown(keys, "k1")


async def test_a_thousand_unknown_ids_cost_the_provider_nothing(idp, clock):
    """A storm: all within the cool-down, then one more fetch after each."""
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    for number in range(1000):
        await unknown(keys, f"made-up-{number}")
    assert len(idp.asked) == 1
    for turn in range(10):
        clock.now += 30
        asked = [keys.key(f"{turn}-{number}", "ES256") for number in range(300)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, TokenError) for each in results)
    assert len(idp.asked) == 11
    assert len(keys._missing) <= NEGATIVE


async def test_an_id_that_was_looked_for_in_vain_causes_no_fetch_for_a_while(idp, clock):
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    clock.now += 31
    await unknown(keys, "nope")
    assert len(idp.asked) == 2
    clock.now += 60
    await unknown(keys, "nope")
    assert len(idp.asked) == 2
    clock.now += 300
    await unknown(keys, "nope")
    assert len(idp.asked) == 3


async def test_an_id_that_could_not_be_looked_for_is_not_held_against_it(idp, clock):
    """Within the cool-down nobody asks, so nobody knows."""
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    idp.keys.append(public("k2", "ES256", "two"))
    await unknown(keys, "k2")
    clock.now += 31
    assert (await keys.key("k2", "ES256")).kid == "k2"


async def test_who_was_made_up_once_is_found_when_it_comes_with_other_keys(idp, clock):
    """Naming a key before it exists does not keep it out."""
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    clock.now += 31
    await unknown(keys, "k2")
    idp.keys.append(public("k2", "ES256", "two"))
    clock.now += 31
    await unknown(keys, "another")
    assert (await keys.key("k2", "ES256")).kid == "k2"


async def test_all_who_wait_wait_for_one_fetch(idp, clock):
    idp.slow = asyncio.Event()
    keys = key_set(idp, clock)
    waiting = [asyncio.ensure_future(keys.key("k1", "ES256")) for _ in range(50)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    idp.slow.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert [key.kid for key in found[1:]] == ["k1"] * 49
    assert len(idp.asked) == 1


async def test_while_the_provider_is_down_keys_serve_for_a_bounded_time(idp, clock):
    keys = key_set(idp, clock)
    await keys.key("k1", "ES256")
    idp.down = True
    clock.now += 3600 + 7199
    assert (await keys.key("k1", "ES256")).kid == "k1"
    with pytest.raises(Unreachable) as caught:
        await keys.key("k2", "ES256")
    assert (caught.value.status, caught.value.reason) == (503, "identity-provider-unavailable")
    clock.now += 1
    with pytest.raises(Unreachable):
        await keys.key("k1", "ES256")
    asked = len(idp.asked)
    for _ in range(100):
        with pytest.raises(Unreachable):
            await keys.key("k1", "ES256")
    assert len(idp.asked) <= asked + 1
    idp.down = False
    clock.now += 30
    assert (await keys.key("k1", "ES256")).kid == "k1"


async def test_without_any_key_nothing_is_accepted(idp, clock):
    idp.down = True
    keys = key_set(idp, clock)
    for _ in range(10):
        with pytest.raises(Unreachable):
            await keys.key("k1", "ES256")
    assert len(idp.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Fetched(500, (), b"{}"),
        Fetched(302, [("location", "https://evil.example/jwks")], b""),
        Fetched(200, (), b"no JSON"),
        Fetched(200, (), b"[]"),
        Fetched(200, (), b"{}"),
        Fetched(200, (), b'{"keys": {}}'),
        Fetched(200, (), b'{"keys": [], "keys": []}'),
        Fetched(200, (), json.dumps({"keys": [public("k1")], "x": "x" * MAX_BODY}).encode()),
        Fetched(200, (), json.dumps({"keys": [public("k1")] * (MAX_KEYS + 1)}).encode()),
    ],
)
async def test_answers_that_are_no_key_set(idp, clock, answer):
    keys = key_set(idp, clock)
    idp.answers["/jwks"] = answer
    with pytest.raises(Unreachable):
        await keys.key("k1", "ES256")


async def test_keys_of_no_use_are_passed_over(idp, clock):
    idp.keys = [{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"}, {"kty": "new"}, 7, public("k1")]
    assert (await key_set(idp, clock).key("k1", "ES256")).algorithms == {"ES256"}


async def test_two_keys_with_one_id_are_one_too_many_unless_their_types_differ(idp, clock):
    idp.keys = [public("k1"), public("k1", "ES256", "two"), public("k1", "RS256")]
    keys = key_set(idp, clock)
    await unknown(keys, "k1")
    assert (await keys.key("k1", "RS256")).fits("RS256")


async def test_without_an_id_there_must_be_one_key_that_fits(idp, clock):
    idp.keys = [public("k1"), public(None, "RS256")]
    keys = key_set(idp, clock)
    assert (await keys.key(None, "ES256")).kid == "k1"
    assert (await keys.key(None, "RS256")).kid is None
    idp.keys.append(public("k2", "ES256", "two"))
    clock.now += 3600
    await unknown(keys, None)


@pytest.mark.parametrize("kid", ["../k1", "k1'--", "k1\0", "K1", " k1", "k1?x=1", "https://evil.example/k1", "%6b1"])
async def test_an_id_is_compared_and_nothing_else(idp, clock, kid):
    keys = key_set(idp, clock)
    await unknown(keys, kid)
    assert set(idp.asked) == {"https://idp.example/jwks"}
