"""SCIM over HTTP: with raw requests, and with a client library written by others over a real connection."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import uvicorn
from fastapi import FastAPI
from scim2_client.engines.asgi import ASGISCIMClient
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    Group,
    GroupMember,
    PatchOp,
    PatchOperation,
    SCIMException,
    SearchRequest,
    User,
)

from chatward.console.scim import PREFIX, scim_router
from chatward.core.ports import Entry
from chatward.identity.key_authenticator import KeyAuthenticator
from chatward.identity.key_store import KeyStore
from chatward.identity.people import Link, PeopleRegistry
from chatward.identity.provider import person_id
from chatward.identity.scim import Scim
from chatward.identity.scim_schema import BULK, GROUP_SCHEMA, MAX_PAYLOAD, PATCH, SEARCH, USER_SCHEMA
from chatward.stores.database import Database

ISSUER = "https://idp.example"
ANN = {"schemas": [USER_SCHEMA], "userName": "ann", "externalId": "a1"}


@dataclass
class Service:
    app: FastAPI
    people: PeopleRegistry
    entries: list[Entry]
    key: str
    other_key: str
    keys: KeyStore


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    database = Database(tmp_path / "identity.db")
    store = KeyStore(database, lambda entry: None)
    authenticator = KeyAuthenticator(database)
    entries: list[Entry] = []
    people = PeopleRegistry(database, entries.append, links=[Link(ISSUER)], groups={"Support": "agent"})
    app = FastAPI()
    app.include_router(scim_router(Scim(people), authenticator.identify))
    key = store.create("directory", roles=["scim"])
    other = store.create("a bot", roles=["agent"])
    yield Service(app, people, entries, key.key, other.key, store)
    authenticator.close()


class Raw:
    """Requests as they are, without a client library's opinions."""

    def __init__(self, service: Service) -> None:
        self._app = service.app
        self.headers = {"authorization": f"Bearer {service.key}"}

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else None if body is None else orjson.dumps(body)
        kind = {"content-type": "application/scim+json"} if content is not None else {}
        transport = httpx2.ASGITransport(app=self._app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://console.test") as client:
            return await client.request(
                method, PREFIX + path, content=content, headers={**self.headers, **kind, **named}
            )


@pytest.fixture
def raw(service: Service) -> Raw:
    return Raw(service)


# --- who may


@pytest.mark.parametrize("path", ["/Users", "/ServiceProviderConfig", "/Schemas", "/nothing", "", "/Users/1"])
async def test_without_the_right_key_nobody_learns_anything(service: Service, raw: Raw, path: str) -> None:
    key = service.key
    table: list[dict[str, str]] = [
        {},
        {"authorization": "Bearer "},
        {"authorization": "Bearer nonsense"},
        {"authorization": f"Bearer {key[:-1]}{'y' if key.endswith('x') else 'x'}"},
        {"authorization": f"Basic {key}"},
        {"authorization": key},
        {"x-api-key": key},
        {"cookie": f"key={key}"},
        {"authorization": f"Bearer {key}", "x-api-key": service.other_key},
    ]
    for headers in table:
        raw.headers = headers
        answer = await raw("GET", path)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/scim+json"
        assert key not in answer.text
    raw.headers = {"authorization": f"Bearer {service.other_key}"}
    assert (await raw("GET", path)).status_code == 403


async def test_a_revoked_key_ends_at_the_next_request(service: Service, raw: Raw) -> None:
    assert (await raw("GET", "/Users")).status_code == 200
    record = next(one for one in service.keys.list() if one.name == "directory")
    service.keys.revoke(record.id)
    assert (await raw("GET", "/Users")).status_code == 401


# --- requests and answers


async def test_a_user_from_coming_to_leaving(service: Service, raw: Raw) -> None:
    made = await raw("POST", "/Users", {**ANN, "displayName": "Ann", "password": "hunter2", "active": True})
    assert made.status_code == 201
    user = made.json()
    assert made.headers["location"] == user["meta"]["location"] == f"http://console.test{PREFIX}/Users/{user['id']}"
    assert made.headers["etag"] == user["meta"]["version"]
    assert "hunter2" not in made.text
    assert "password" not in made.text
    person = person_id(ISSUER, "a1")
    assert service.people.active(person)
    off = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
    left = await raw("PATCH", f"/Users/{user['id']}", off)
    assert left.status_code == 200
    assert left.json()["active"] is False
    assert not service.people.active(person)
    put = await raw("PUT", f"/Users/{user['id']}", {**ANN, "displayName": "Ann again"})
    assert put.json()["active"] is False, "a PUT that does not mention it lets nobody in"
    assert (await raw("DELETE", f"/Users/{user['id']}")).status_code == 204
    assert (await raw("GET", f"/Users/{user['id']}")).status_code == 404
    assert (await raw("DELETE", f"/Users/{user['id']}")).status_code == 404
    assert not service.people.active(person)
    assert [entry.event for entry in service.entries] == [
        "person:record:created",
        "person:record:disabled",
        "person:record:changed",
        "person:record:deleted",
    ]
    assert str(service.entries[0].fields["by"]).startswith("key:")


async def test_what_has_changed_meanwhile_is_not_overwritten(raw: Raw) -> None:
    user = (await raw("POST", "/Users", ANN)).json()
    path, old = f"/Users/{user['id']}", user["meta"]["version"]
    assert (await raw("GET", path, if_none_match=old)).status_code == 304
    off = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
    new = (await raw("PATCH", path, off, if_match=old)).headers["etag"]
    assert new != old
    for method, body in (("PATCH", off), ("PUT", ANN), ("DELETE", None)):
        answer = await raw(method, path, body, if_match=old)
        assert answer.status_code == 412, method
        assert answer.json()["status"] == "412"
    assert (await raw("GET", path, if_none_match=old)).status_code == 200
    assert (await raw("DELETE", path, if_match=new)).status_code == 204


async def test_who_joined_a_group_meanwhile_can_be_renamed(raw: Raw) -> None:
    user = (await raw("POST", "/Users", ANN)).json()
    path, old = f"/Users/{user['id']}", user["meta"]["version"]
    await raw("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": "x", "members": [{"value": user["id"]}]})
    assert (await raw("GET", path, if_none_match=old)).status_code == 200
    assert (await raw("PUT", path, {**ANN, "displayName": "Ann"}, if_match=old)).status_code == 200


async def test_lists_filters_pages_order_and_choice(raw: Raw) -> None:
    for name in ("cid", "ann", "Bob", "dan"):
        mail = [{"value": f"{name}@example.com", "type": "work"}]
        await raw("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": name, "emails": mail})

    async def names(query: str) -> list[str]:
        return [user["userName"] for user in (await raw("GET", f"/Users?{query}")).json()["Resources"]]

    assert await names("") == ["cid", "ann", "Bob", "dan"]
    assert await names("sortBy=userName") == ["ann", "Bob", "cid", "dan"]
    assert await names("sortBy=userName&sortOrder=descending&count=2") == ["dan", "cid"]
    assert await names("startIndex=2&count=2") == ["ann", "Bob"]
    assert await names('filter=userName eq "BOB"') == ["Bob"]
    assert await names('filter=emails.value co "an" and not (userName eq "ann")') == ["dan"]
    page = (await raw("GET", "/Users?startIndex=4&count=10")).json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (4, 4, 1)
    none = (await raw("GET", "/Users?count=0")).json()
    assert (none["totalResults"], none["Resources"]) == (4, [])
    assert (await raw("GET", "/Users?startIndex=-3&count=-1")).json()["startIndex"] == 1
    chosen = (await raw("GET", "/Users?attributes=emails.type,username&count=1")).json()["Resources"][0]
    assert set(chosen) == {"schemas", "id", "userName", "emails"}
    assert chosen["emails"] == [{"type": "work"}]
    without = (await raw("GET", "/Users?excludedAttributes=emails.value,id&count=1")).json()["Resources"][0]
    assert "id" in without
    assert without["emails"] == [{"type": "work"}]
    found = await raw(
        "POST", "/Users/.search", {"schemas": [SEARCH], "filter": 'userName sw "d"', "attributes": ["id"]}
    )
    assert found.json()["totalResults"] == 1
    assert (await raw("POST", "/.search", {"schemas": [SEARCH], "count": 1})).json()["totalResults"] == 4


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "scim_type"),
    [
        ("GET", "/Users?filter=userName", None, 400, "invalidFilter"),
        ("GET", "/Users?filter=active%20gt%20true", None, 400, "invalidFilter"),
        ("GET", "/Users?sortBy=nothing", None, 400, "invalidPath"),
        ("GET", "/Users?count=many", None, 400, "invalidValue"),
        ("GET", "/Users?count=1&count=2", None, 400, "invalidValue"),
        ("GET", "/Users?attributes=id&excludedAttributes=id", None, 400, "invalidValue"),
        ("GET", "/Schemas?filter=id%20pr", None, 403, None),
        ("GET", "/Nothing", None, 404, None),
        ("GET", "/Users/1/2", None, 404, None),
        ("GET", "/Me", None, 404, None),
        ("DELETE", "/Users", None, 405, None),
        ("POST", "/Users/1", ANN, 405, None),
        ("POST", "/Users", b"{", 400, "invalidSyntax"),
        ("POST", "/Users", [], 400, "invalidSyntax"),
        ("POST", "/Users", {"userName": "x"}, 400, "invalidSyntax"),
        ("POST", "/Users", {"schemas": [GROUP_SCHEMA], "userName": "x"}, 400, "invalidSyntax"),
        ("POST", "/Users", {"schemas": [USER_SCHEMA]}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": " "}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": 4}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": "a\nb"}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER_SCHEMA], "userName": "x" * 600}, 400, "invalidValue"),
        ("POST", "/Users", {**ANN, "username": "y"}, 400, "invalidSyntax"),
        (
            "POST",
            "/Users",
            {**ANN, "emails": [{"value": "x"}] * 2 + [{"value": str(n)} for n in range(99)]},
            413,
            "tooMany",
        ),
        (
            "POST",
            "/Groups",
            {"schemas": [GROUP_SCHEMA], "displayName": "x", "members": [{"value": "no"}]},
            400,
            "invalidValue",
        ),
        ("PATCH", "/Users/none", {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "name"}]}, 404, None),
        ("POST", "/Bulk", {"schemas": [BULK]}, 400, "invalidSyntax"),
        ("POST", "/Bulk", {"schemas": [BULK], "Operations": [{}] * 101}, 413, "tooMany"),
        ("POST", "/Users", b" " * (MAX_PAYLOAD + 1), 413, None),
    ],
)
async def test_errors(raw: Raw, method: str, path: str, body: Any, status: int, scim_type: str | None) -> None:
    answer = await raw(method, path, body)
    said = answer.json()
    assert answer.status_code == status
    assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert (said["status"], said.get("scimType")) == (str(status), scim_type)
    assert answer.headers["content-type"] == "application/scim+json"


async def test_other_media_types_are_refused(raw: Raw) -> None:
    assert (await raw("POST", "/Users", ANN, content_type="application/x-www-form-urlencoded")).status_code == 415
    assert (await raw("POST", "/Users", ANN, content_type="application/json; charset=utf-8")).status_code == 201


async def test_many_at_once(service: Service, raw: Raw) -> None:
    sent = {
        "schemas": [BULK],
        "failOnErrors": 2,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "ann", "data": ANN},
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": "team",
                "data": {"schemas": [GROUP_SCHEMA], "displayName": "Support", "members": [{"value": "bulkId:ann"}]},
            },
            {"method": "POST", "path": "/Users", "bulkId": "again", "data": ANN},
            {
                "method": "PATCH",
                "path": "/Users/bulkId:ann",
                "data": {"schemas": [PATCH], "Operations": [{"op": "add", "path": "displayName", "value": "Ann"}]},
            },
            {"method": "DELETE", "path": "/Users/bulkId:later"},
            {"method": "POST", "path": "/Users", "bulkId": "never", "data": {**ANN, "userName": "never"}},
        ],
    }
    answer = await raw("POST", "/Bulk", sent)
    told = answer.json()["Operations"]
    assert [one["status"] for one in told] == ["201", "201", "409", "200", "409"]
    assert told[2]["response"]["scimType"] == "uniqueness"
    assert service.people.standing(person_id(ISSUER, "a1")).roles == {"agent"}
    nested = {"schemas": [BULK], "Operations": [{"method": "POST", "path": "/Bulk", "bulkId": "x", "data": sent}]}
    assert (await raw("POST", "/Bulk", nested)).json()["Operations"][0]["status"] == "400"


# --- a client library of others


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(service.app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{PREFIX}"
    server.should_exit = True
    thread.join(10)


def test_a_client_library_over_a_real_connection(service: Service, address: str) -> None:
    headers = {"authorization": f"Bearer {service.key}"}
    person = person_id(ISSUER, "00u1")
    with httpx2.Client(base_url=address, headers=headers) as http:
        scim = SyncSCIMClient(http)
        scim.discover()
        assert scim.provider.config is not None
        assert scim.provider.config.patch.supported
        user_type, group_type = scim.get_resource_model("User"), scim.get_resource_model("Group")
        assert user_type is not None
        assert group_type is not None

        made = scim.create(
            user_type(
                user_name="bjensen@example.com",
                external_id="00u1",
                active=True,
                name={"given_name": "Barbara", "family_name": "Jensen"},
                emails=[{"value": "bjensen@example.com", "type": "work", "primary": True}],
            )
        )
        assert made.id
        assert made.meta.version
        assert service.people.active(person)
        with pytest.raises(SCIMException) as refused:
            scim.create(user_type(user_name="BJENSEN@example.com"))
        assert refused.value.scim_type == "uniqueness"

        team = scim.create(group_type(display_name="Support", members=[{"value": made.id}]))
        assert service.people.standing(person).roles == {"agent"}
        assert [group.value for group in scim.query(user_type, made.id).groups] == [team.id]

        found = scim.query(user_type, query_parameters=SearchRequest(filter='emails[type eq "work"]', count=10))
        assert found.total_results == 1
        assert found.resources[0].name.family_name == "Jensen"
        assert scim.search(SearchRequest(filter="displayName pr")).total_results == 1

        made.active = False
        replaced = scim.replace(made)
        assert replaced.active is False
        assert not service.people.active(person)

        patch = PatchOp[user_type](
            operations=[PatchOperation(op=PatchOperation.Op.replace_, path="active", value=True)]
        )
        assert scim.modify(user_type, made.id, patch).active is True
        assert service.people.active(person)

        scim.delete(group_type, team.id)
        assert service.people.standing(person).roles == frozenset()
        scim.delete(user_type, made.id)
        assert not service.people.active(person)
        with pytest.raises(SCIMException) as gone:
            scim.query(user_type, made.id)
        assert gone.value.status == 404


async def test_a_client_library_without_a_connection(service: Service) -> None:
    from scim2_models import ScimProvider

    headers = {"authorization": f"Bearer {service.key}"}
    models = ScimProvider(models=[User, Group])
    scim = ASGISCIMClient(service.app, f"http://console.test{PREFIX}", headers, provider=models)
    users = await asyncio.gather(*(scim.create(User(user_name=f"user-{number}")) for number in range(3)))
    team = await scim.create(Group(display_name="All", members=[GroupMember(value=user.id) for user in users]))
    assert {member.value for member in team.members} == {user.id for user in users}
    listed = await scim.query(User)
    assert listed.total_results == 3
