"""A decision is explained: by the policies in force, without doing anything, to those who may read policy."""

from __future__ import annotations

import json

import pytest

KEYS = {"action": "admin:keys:write", "resource": "AdminArea::keys"}
PEOPLE = {"ann": ["admin"], "eve": ["read-only"]}


async def signed_in(it, name: str = "ann"):
    browser = it.browser()
    assert (await browser.sign_in(name)).status_code == 303
    return browser


async def program(it, name: str = "ann"):
    browser = await signed_in(it, name)
    browser.headers["x-csrf-token"] = (await browser.get("/api/v1/session")).json()["csrf"]
    return browser


async def test_the_page_says_what_would_be_decided_and_why(house):
    it = house(PEOPLE)
    browser = await signed_in(it, "eve")
    before = len(it.events())
    given = {"action": "message:send", "resource": "Bot::default", "kind": "person", "assurance": "1", "context": "{}"}
    page = await browser.send_form("/policy/explain", **given)
    assert page.status_code == 200
    assert "chatward/message-known" in page.text
    assert "Known callers may write to bots" in page.text
    given |= {"context": json.dumps({"risk": "high"})}
    page = await browser.send_form("/policy/explain", **given)
    assert "chatward/high-risk" in page.text
    assert "&#34;risk&#34;: &#34;high&#34;" in page.text  # the question stays, to be changed
    assert it.events()[before:] == []


@pytest.mark.parametrize(
    ("asked", "outcome", "policy"),
    [
        ({"action": "message:send", "resource": "Bot::default", "kind": "anonymous"}, "deny", None),
        ({**KEYS, "kind": "operator", "roles": ["admin"]}, "step-up", "chatward/admin-two-factors"),
        ({**KEYS, "kind": "operator", "roles": ["admin"], "assurance": 2}, "allow", "chatward/admin"),
        ({"action": "no:such", "resource": "Bot::default"}, "deny", None),
    ],
)  # fmt: skip
async def test_programs_ask_too(house, asked, outcome, policy):
    api = await program(house(PEOPLE))
    told = (await api.post("/api/v1/policy/explain", json=asked)).json()
    assert told["outcome"] == outcome
    assert [one["id"] for one in told["policies"]] == ([policy] if policy else [])
    assert "context.assurance" not in json.dumps(told)  # no condition is quoted


@pytest.mark.parametrize(
    "fields",
    [{"resource": "default"}, {"resource": "Planet::default"}, {"context": "[]"}, {"context": "{"}, {"kind": "king"},
     {"assurance": "9"}, {"context": '{"assurance": 3}'}, {"context": '{"a":' * 5000}],
)  # fmt: skip
async def test_what_is_no_question_is_said(house, fields):
    browser = await signed_in(house(PEOPLE))
    given = {"action": "message:send", "resource": "Bot::default", "kind": "person", "assurance": "1"} | fields
    page = await browser.send_form("/policy/explain", **given)
    assert (page.status_code, 'role="alert"' in page.text) == (400, True)


async def test_nobody_else_asks(house):
    it = house(PEOPLE)
    asked = {"action": "message:send", "resource": "Bot::default"}
    assert (await it.program().post("/api/v1/policy/explain", json=asked)).status_code == 401


async def test_the_risk_that_there_is_now_is_part_of_the_question_and_explained(house):
    it = house(PEOPLE)
    api = await program(it)
    asked = {"action": "tool:call", "resource": "Tool::lookup", "kind": "person", "id": "person:ada"}
    for _ in range(2):
        it.desks.risks.add("person:ada", "text.injection/override", 3.0)
    told = (await api.post("/api/v1/policy/explain", json=asked)).json()
    assert (told["outcome"], told["policies"][0]["id"]) == ("step-up", "chatward/raised-risk-tool")
    assert told["sentences"][-1] == "The risk is raised now: 6 points, from `text.injection/override` (2)."
    told = (await api.post("/api/v1/policy/explain", json={**asked, "context": {"risk": "low"}})).json()
    assert told["outcome"] == "allow"
    told = (await api.post("/api/v1/policy/explain", json={**asked, "id": "person:ben"})).json()
    assert told["sentences"][-1] == "The risk is low now."
    told = (await api.post("/api/v1/policy/explain", json={**asked, "kind": "service", "id": "key:1"})).json()
    assert told["sentences"][-1] == "The risk is unknown: callers of this kind are not rated."
