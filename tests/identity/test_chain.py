"""All ways of being known, asked in their order."""

import hashlib

import pytest

from chatward.core.errors import IdentityError
from chatward.core.identity import ANONYMOUS, Assurance, Kind, Presented, Principal
from chatward.identity.chain import VIA, Chain
from tests.identity.headers import headers


class One:
    """Knows a credential that begins with its name, and refuses ``NAME-bad``."""

    def __init__(self, name, waits=False):
        self.name, self.waits, self.asked, self.gone = name, waits, 0, set()

    def identify(self, presented):
        self.asked += 1
        return self._wait(presented) if self.waits else self._answer(presented)

    async def _wait(self, presented):
        return self._answer(presented)

    def _answer(self, presented):
        text = presented.headers.get("x-api-key") or ""
        if not text.startswith(self.name):
            return None
        if text.endswith("-bad"):
            raise IdentityError("no", reason=f"{self.name}-invalid")
        return Principal(text, Kind.SERVICE, attributes={"of": self.name, VIA: "forged"})

    def valid(self, principal):
        assert principal.attributes["of"] == self.name
        return principal.id not in self.gone


def asks(*pairs):
    return Presented("POST", "https://a/", headers(*pairs))


def key(text):
    return asks(("x-api-key", text))


async def ask(chain, presented):
    answer = chain.identify(presented)
    return answer if isinstance(answer, Principal) else await answer


@pytest.fixture(params=[(False, False), (True, False), (False, True), (True, True)], ids=str)
def both(request):
    return One("a", request.param[0]), One("b", request.param[1])


async def test_the_first_that_answers_wins(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, None)
    assert (await ask(chain, key("a-1"))).attributes == {"of": "a", VIA: "one"}
    assert second.asked == 0
    assert (await ask(chain, key("b-1"))).attributes == {"of": "b", VIA: "two"}


async def test_a_refusal_is_final(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, ANONYMOUS, strict=False)
    with pytest.raises(IdentityError) as caught:
        await ask(chain, key("a-bad"))
    assert caught.value.reason == "a-invalid"
    assert second.asked == 0
    with pytest.raises(IdentityError) as caught:
        await ask(chain, key("b-bad"))
    assert caught.value.reason == "b-invalid"


async def test_valid_goes_to_the_one_that_gave_it_out(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, ANONYMOUS)
    here, there = await ask(chain, key("a-1")), await ask(chain, key("b-1"))
    assert chain.valid(here)
    assert chain.valid(there)
    second.gone.add("b-1")
    assert chain.valid(here)
    assert not chain.valid(there)
    assert not Chain({"two": second}, ANONYMOUS).valid(here)  # after a reload without it


def test_nothing_is_awaited_where_nothing_waits():
    chain = Chain({"one": One("a"), "two": One("b", waits=True)}, ANONYMOUS)
    assert isinstance(chain.identify(key("a-1")), Principal)


async def test_nothing_presented(both):
    first, second = both
    visitor = Principal("anonymous", Kind.ANONYMOUS, tenant="acme")
    for nothing in (asks(), asks(("authorization", "")), asks(("authorization", "Bearer "))):
        assert await ask(Chain({"one": first, "two": second}, visitor), nothing) is visitor
        with pytest.raises(IdentityError) as caught:
            await ask(Chain({"one": first, "two": second}, None, strict=False), nothing)
        assert (caught.value.reason, caught.value.status) == ("not-authenticated", 401)
    assert Chain({}, visitor).valid(visitor)
    assert not Chain({}, ANONYMOUS).valid(visitor)
    assert not Chain({}, None).valid(visitor)


async def test_what_nobody_knows_is_refused_where_strict(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, ANONYMOUS)
    for unknown in (key("c-1"), asks(("authorization", "Bearer sk-1")), asks(("authorization", "Basic eA=="))):
        with pytest.raises(IdentityError) as caught:
            await ask(chain, unknown)
        assert caught.value.reason == "not-authenticated"


async def test_what_nobody_knows_is_a_stranger_elsewhere(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, ANONYMOUS, strict=False)
    stranger = await ask(chain, asks(("authorization", "Bearer sk-1")))
    assert stranger == Principal("caller:" + hashlib.sha256(b"sk-1").hexdigest()[:16], Kind.ANONYMOUS)
    assert stranger.assurance is Assurance.NONE
    assert await ask(chain, key("sk-1")) == stranger
    assert await ask(chain, key("sk-2")) != stranger
    assert chain.valid(stranger)
    assert not Chain({}, ANONYMOUS).valid(stranger)
    assert not Chain({}, None, strict=False).valid(stranger)


@pytest.mark.parametrize("id_", ["person:1", "key:1", "operator:1"])
def test_no_principal_is_valid_because_nobody_gave_it_out(id_):
    for strict in (True, False):
        assert not Chain({}, ANONYMOUS, strict=strict).valid(Principal(id_, Kind.PERSON))
    assert not Chain({}, ANONYMOUS, strict=False).valid(Principal("caller:1", Kind.OPERATOR))


async def test_two_credentials_are_refused_whoever_would_know_one(both):
    first, second = both
    chain = Chain({"one": first, "two": second}, ANONYMOUS, strict=False)
    for pairs in (
        [("authorization", "Bearer a-1"), ("x-api-key", "b-1")],
        [("x-api-key", "a-1"), ("x-api-key", "a-1")],
        [("authorization", "Bearer c"), ("authorization", "Bearer d")],
    ):
        with pytest.raises(IdentityError) as caught:
            await ask(chain, asks(*pairs))
        assert (caught.value.reason, caught.value.status) == ("credentials-ambiguous", 400)
    assert first.asked == second.asked == 0


async def test_every_refusal_of_a_credential_is_told_once_with_whose_kind_it_was(both):
    told = []
    chain = Chain({"one": both[0], "two": both[1]}, None, refused=lambda way, error: told.append((way, error.reason)))
    good = await ask(chain, key("b-1"))
    both[1].gone.add("b-1")
    assert not chain.valid(good)
    for presented in (key("a-bad"), key("b-bad"), key("nobody's"), asks(("x-api-key", "a-1"), ("x-api-key", "b-1"))):
        with pytest.raises(IdentityError):
            await ask(chain, presented)
    with pytest.raises(IdentityError):
        await ask(chain, asks())  # there was no credential
    assert told[:4] == [("two", "revoked"), ("one", "a-invalid"), ("two", "b-invalid"), ("", "not-authenticated")]
    assert told[4:] == [("", "credentials-ambiguous")]
