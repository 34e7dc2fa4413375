"""People of an identity provider, as long as the directory has them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any

import pytest

from chatward.core.errors import ConfigError, IdentityError
from chatward.core.identity import ANONYMOUS, Kind, Presented, Principal
from chatward.identity.people import ROLES, PeopleRegistry
from chatward.identity.provider import person_id, providers
from chatward.identity.provisioned import Provisioned, linked, registry
from chatward.identity.scim_schema import GROUP, USER
from chatward.settings import Identity, Oidc, Scim, ScimLink
from chatward.stores.database import Database

ISSUER = "https://idp.example"
PERSON = Principal(person_id(ISSUER, "a1"), Kind.PERSON, roles=frozenset({"own"}), attributes={"issued": "5.0"})
ANN = {"userName": "ann", "externalId": "a1", "active": True}


class Inner:
    """An identity provider's authenticator that says what it is told, at once or later."""

    def __init__(self, says: Principal | None = PERSON, *, later: bool = False) -> None:
        self.says = says
        self.later = later
        self.good = True

    def identify(self, presented: Presented) -> Principal | Awaitable[Principal | None] | None:
        async def answer() -> Principal | None:
            return self.says

        return answer() if self.later else self.says

    def valid(self, principal: Principal) -> bool:
        return self.good


def people(**scim: Any) -> PeopleRegistry:
    settings = Identity(oidc={"corp": Oidc(issuer=ISSUER, client_id="c")}, scim=Scim(**scim))
    return registry(Database(None), settings, lambda entry: None, clock=lambda: 1000.0)


async def ask(provisioned: Provisioned) -> Principal | None:
    found = provisioned.identify(Presented("GET", "https://x/", None))  # type: ignore[arg-type]
    return await found if inspect.isawaitable(found) else found


@pytest.mark.parametrize("later", [False, True])
async def test_who_leaves_is_refused_with_the_next_request_and_inside_a_stream(later: bool) -> None:
    known = people(groups={"Support": "agent"})
    user = known.create(USER, ANN)
    team = known.create(GROUP, {"displayName": "Support", "members": [{"value": user.id}]})
    provisioned = Provisioned(Inner(later=later), known)
    found = await ask(provisioned)
    assert found is not None
    assert found.roles == {"own", "agent"}
    assert found.attributes[ROLES] == "agent"
    assert provisioned.valid(found)
    known.change(GROUP, team.id, lambda old: {"displayName": "Support"})
    assert not provisioned.valid(found)
    again = await ask(provisioned)
    assert again is not None
    assert again.roles == {"own"}
    known.change(USER, user.id, lambda old: {**old.document, "active": False})
    assert not provisioned.valid(again)
    with pytest.raises(IdentityError) as refused:
        await ask(provisioned)
    assert (refused.value.reason, refused.value.status) == ("person-inactive", 403)
    known.change(USER, user.id, lambda old: {**old.document, "active": True})
    with pytest.raises(IdentityError) as refused:
        await ask(provisioned)
    assert refused.value.reason == "token-revoked"


async def test_others_are_not_looked_at() -> None:
    known = people(required=True)
    for other in (None, ANONYMOUS, Principal("key:1", Kind.SERVICE)):
        provisioned = Provisioned(Inner(other), known)
        assert await ask(provisioned) is other
        assert other is None or provisioned.valid(other)
    with pytest.raises(IdentityError):
        await ask(Provisioned(Inner(), known))


def test_what_the_provider_ends_has_ended() -> None:
    known = people()
    known.create(USER, ANN)
    inner = Inner()
    provisioned = Provisioned(inner, known)
    assert provisioned.valid(PERSON)
    inner.good = False
    assert not provisioned.valid(PERSON)


def test_settings_that_cannot_be_meant() -> None:
    for scim in ({"links": {"other": ScimLink()}}, {"groups": {"Support": "two words"}}, {"groups": {"Support": ""}}):
        with pytest.raises(ConfigError):
            people(**scim)


async def test_people_whom_another_claim_names_are_found_in_the_directory() -> None:
    scim = Scim(enabled=True, required=True, links={"corp": ScimLink(attribute="userName", claim="email")})
    settings = Identity(oidc={"corp": Oidc(issuer=ISSUER, client_id="c")}, scim=scim)
    known = registry(Database(None), settings, lambda entry: None, clock=lambda: 1000.0)
    user = known.create(USER, {"userName": "ann@corp.example", "active": True})
    made = providers(settings.oidc, None, lambda: 0.0, linked(settings))["corp"]  # type: ignore[arg-type]

    def person(**claims: object) -> Principal:
        return made.person({"iss": ISSUER, "sub": "opaque", "iat": 1000.0, "exp": 2000.0, **claims})

    ann = person(email="Ann@corp.example")
    assert known.admits(ann)
    assert not known.admits(person(email="ben@corp.example"))
    assert not known.admits(person())
    assert not known.admits(person(email=["ann@corp.example"]))
    known.change(USER, user.id, lambda old: {**old.document, "active": False})
    assert not known.admits(ann)
    assert "corp.example" not in repr(ann)


def test_where_the_subject_is_the_link_nothing_is_added() -> None:
    settings = Identity(oidc={"corp": Oidc(issuer=ISSUER, client_id="c")})
    assert linked(settings)(PERSON, ISSUER, {"email": "ann@corp.example"}) is PERSON
