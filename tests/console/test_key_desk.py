"""API keys in the console: shown once, limited, rotated, disabled; by page and by program."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatward.core.identity import Grants, Presented
from chatward.identity.key_authenticator import KeyAuthenticator
from tests.simulators.access import Headers

PEOPLE = {"ann": ["admin"], "olga": ["operator"], "aud": ["auditor"]}
KEY = re.compile(r"cw_[a-z]{2,8}_\w+")


async def signed_in(it, name: str = "ann"):
    browser = it.browser()
    assert (await browser.sign_in(name)).status_code == 303
    return browser


async def program(it, name: str = "ann"):
    browser = await signed_in(it, name)
    browser.headers["x-csrf-token"] = (await browser.get("/api/v1/session")).json()["csrf"]
    browser.headers["accept"] = "application/json"
    return browser


def who(it, key: str) -> str:
    """Whom the gateway takes the key for."""
    keys = KeyAuthenticator(it.database, clock=it.clock)
    try:
        presented = Presented("POST", "http://x/", Headers({"authorization": f"Bearer {key}"}))
        found = keys.identify(presented)
        return "" if found is None else found.id
    finally:
        keys.close()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_key_is_made_and_shown_once(house, tmp_path: Path):
    it = house(PEOPLE)
    browser = await signed_in(it)
    given = {"name": "shop <b>", "env": "test", "roles": "agent scim", "models": "small-*  m2", "requests": "50"}
    page = await browser.send_form("/keys", "/keys/issue", **given)
    [key] = set(KEY.findall(page.text))
    assert "It is shown this once" in page.text
    assert "shop &lt;b&gt;" in page.text
    assert page.headers["cache-control"] == "no-store"
    [record] = it.desks.keys.list()
    assert (record.roles, record.grants) == (("agent", "scim"), Grants(models=("small-*", "m2")))
    assert (record.budget.requests_day, record.budget.tokens_day, record.env) == (50, None, "test")
    assert who(it, key) == record.principal
    assert key not in (await browser.get("/keys")).text
    assert key.encode() not in everything_in(tmp_path)
    assert key not in json.dumps([fields for _, fields in it.events()])
    [(_, told)] = it.events("key:record:created")
    assert told["by"] == it.access.operators.named("ann").id


async def test_a_key_is_rotated_and_disabled(house):
    it = house(PEOPLE)
    browser = await signed_in(it)
    page = await browser.send_form("/keys", "/keys/issue", name="shop")
    [old] = set(KEY.findall(page.text))
    [record] = it.desks.keys.list()
    page = await browser.send_form("/keys", "/keys/rotate", key=record.id, grace="1")
    [new] = set(KEY.findall(page.text))
    assert new != old
    assert who(it, old) == who(it, new) == record.principal
    page = await browser.send_form("/keys", "/keys/rotate", key=record.id)
    assert (page.status_code, "being rotated" in page.text) == (409, True)
    page = await browser.send_form("/keys", "/keys/disable", key=record.id)
    assert "disabled from the next message on" in page.text
    for key in (old, new):
        with pytest.raises(Exception, match="revoked"):
            who(it, key)


@pytest.mark.parametrize(
    "fields",
    [{"name": ""}, {"name": "x", "env": "TOO LONG"}, {"name": "x", "days": "-1"}, {"name": "x", "requests": "1e3"},
     {"name": "x", "days": "0"}, {"name": "x", "tokens": "9" * 30}],
)  # fmt: skip
async def test_a_key_that_cannot_be_made_is_said_and_not_made(house, fields):
    it = house(PEOPLE)
    browser = await signed_in(it)
    page = await browser.send_form("/keys", "/keys/issue", **fields)
    assert (page.status_code, 'role="alert"' in page.text) == (400, True)
    assert it.desks.keys.list() == []


async def test_programs_do_the_same(house):
    it = house(PEOPLE)
    api = await program(it)
    wanted = {"name": "shop", "grants": {"bots": ["default"]}, "budget": {"tokens_month": 1000}}
    made = (await api.post("/api/v1/keys", json=wanted)).json()
    assert (made["grants"]["bots"], made["budget"]["tokens_month"]) == (["default"], 1000)
    assert who(it, made["key"]) == made["principal"]
    [listed] = (await api.get("/api/v1/keys")).json()
    assert (listed["id"], listed["key"]) == (made["id"], None)
    again = (await api.post(f"/api/v1/keys/{made['id']}/rotate", json={"grace": 60})).json()
    assert again["versions"] == 2
    assert again["key"] != made["key"]
    assert (await api.delete(f"/api/v1/keys/{made['id']}")).json()["state"] == "revoked"
    assert (await api.delete("/api/v1/keys/nothing")).status_code == 404


@pytest.mark.parametrize(("name", "sees"), [("olga", 403), ("aud", 200)])
async def test_keys_are_for_admins_and_auditors_look(house, name, sees):
    it = house(PEOPLE)
    record = it.desks.keys.create("shop").record
    api = await program(it, name)
    assert (await api.get("/api/v1/keys")).status_code == sees
    assert (await api.post("/api/v1/keys", json={"name": "x"})).status_code == 403
    assert (await api.post(f"/api/v1/keys/{record.id}/rotate", json={})).status_code == 403
    assert (await api.delete(f"/api/v1/keys/{record.id}")).status_code == 403
    assert len(it.desks.keys.list()) == 1
    if sees == 200:
        page = (await api.get("/keys", headers={"accept": "text/html"})).text
        assert "/keys/issue" not in page
        assert "/keys/rotate" not in page
