"""Approvals in the console: what is shown, to whom, who decides, and what stands in the record."""

from __future__ import annotations

import json
import re

import pytest

from chatward.console.approval_desk import masked, plain, visible
from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.values import Unavailable
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.challenges import State

ADA = Principal("person:ada", Kind.PERSON, assurance=Assurance.SINGLE, session="s1")
PEOPLE = {"ann": ["admin"], "olga": ["operator"], "lee": ["analyst"], "aud": ["auditor"]}
ARGUMENTS = '{"to": "ann@example.com", "amount": 250, "note": "a\\nb"}'


def ask(it, principal: Principal = ADA, tool: str = "transfer", arguments: str = ARGUMENTS) -> str:
    policies = ("chatward/tool-approval",)
    return it.desks.approvals.ask(principal, tool, arguments, bot="bank", policies=policies).id


async def signed_in(it, name: str):
    browser = it.browser()
    assert (await browser.sign_in(name)).status_code == 303
    return browser


async def program(it, name: str):
    """A client of the API, signed in."""
    browser = await signed_in(it, name)
    browser.headers["x-csrf-token"] = (await browser.get("/api/v1/session")).json()["csrf"]
    browser.headers["accept"] = "application/json"
    return browser


async def test_the_page_says_who_wants_what_why_and_until_when(house):
    it = house(PEOPLE)
    number = ask(it)
    browser = await signed_in(it, "olga")
    page = (await browser.get("/approvals")).text
    for said in ("person:ada", "bank", "transfer", "&#34;amount&#34;: 250", "2023-11-14 22:13", "2023-11-14 22:28"):
        assert said in page
    assert "Tools of the group approval need an operator" in page
    assert "ann@example.com" not in page
    assert "[EMAIL]" in page
    assert number in page
    assert "No tool call waits" not in page


async def test_the_call_goes_on_with_the_consent_of_somebody_else(house):
    it = house(PEOPLE)
    number = ask(it)
    browser = await signed_in(it, "olga")
    given = {"id": number, "reason": "expected", "note": "she rang", "decision": "approve"}
    page = await browser.send_form("/approvals", "/approvals/decide", **given)
    assert (page.status_code, "Approved. The call goes on." in page.text) == (200, True)
    assert "No tool call waits for a decision." in page.text
    assert it.challenges.state(number) is State.MET
    [(_, told)] = it.events("approval:tool:granted")
    olga = it.access.operators.named("olga").id
    assert (told["approver"], told["reason"], told["principal"]) == (olga, "expected", ADA.id)
    assert "she rang" not in json.dumps([fields for _, fields in it.events()])


async def test_a_refusal_is_final(house):
    it = house(PEOPLE)
    number = ask(it)
    ask(it, tool="other")
    browser = await signed_in(it, "olga")
    page = await browser.send_form("/approvals", "/approvals/decide", id=number, reason="too-much", decision="refuse")
    assert "Refused." in page.text
    assert it.challenges.state(number) is State.REFUSED
    again = await browser.send_form("/approvals", "/approvals/decide", id=number, reason="expected", decision="approve")
    assert (again.status_code, "settled already" in again.text) == (409, True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"decision": "approve", "reason": ""}, 400),
        ({"decision": "approve", "reason": "because"}, 400),
        ({"decision": "maybe", "reason": "expected"}, 400),
        ({"decision": "approve", "reason": "expected", "note": "x" * 501}, 400),
        ({"decision": "approve", "reason": "expected", "id": "nothing"}, 404),
    ],
)
async def test_a_decision_that_is_none_leaves_the_call_waiting(house, fields, status):
    it = house(PEOPLE)
    number = ask(it)
    browser = await signed_in(it, "olga")
    page = await browser.send_form("/approvals", "/approvals/decide", **{"id": number, **fields})
    assert (page.status_code, 'role="alert"' in page.text) == (status, True)
    assert it.challenges.state(number) is State.WAITING


async def test_nobody_decides_on_what_they_or_their_key_asked_for(house):
    it = house(PEOPLE)
    olga = it.access.operators.named("olga")
    hers = it.desks.keys.create("bot", by=olga.id).record
    others = it.desks.keys.create("bot", by=it.access.operators.named("ann").id).record
    rotated = it.desks.keys.create("bot").record
    it.desks.keys.rotate(rotated.id, by=olga.id)
    key = lambda record: Principal(record.principal, Kind.SERVICE, session="s")  # noqa: E731
    own = [
        ask(it, Principal(olga.id, Kind.OPERATOR, roles=olga.roles, session="x")),
        ask(it, key(hers)),
        ask(it, key(rotated)),
    ]
    other = ask(it, key(others))
    browser = await program(it, "olga")
    told = {one["id"]: one["own"] for one in (await browser.get("/api/v1/approvals")).json()}
    assert told == {**dict.fromkeys(own, True), other: False}
    for number in own:
        for approve in (True, False):
            body = {"approve": approve, "reason": "expected"}
            answer = await browser.post(f"/api/v1/approvals/{number}/decision", json=body)
            assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "approval-own")
        assert it.challenges.state(number) is State.WAITING
    body = {"approve": True, "reason": "expected"}
    assert (await browser.post(f"/api/v1/approvals/{other}/decision", json=body)).json() == {"approved": True}


@pytest.mark.parametrize(("name", "decides", "reveals"), [("olga", 200, 200), ("lee", 403, 403), ("aud", 403, 200)])
async def test_roles_decide_who_sees_decides_and_reveals(house, name, decides, reveals):
    it = house(PEOPLE)
    number = ask(it)
    browser = await program(it, name)
    assert (await browser.get("/api/v1/approvals")).status_code == 200
    assert (await browser.post(f"/api/v1/approvals/{number}/reveal", json={})).status_code == reveals
    body = {"approve": True, "reason": "expected"}
    assert (await browser.post(f"/api/v1/approvals/{number}/decision", json=body)).status_code == decides
    ask(it, tool="other")
    page = (await browser.get("/approvals", headers={"accept": "text/html"})).text
    assert "other" in page
    assert ('action="/approvals/decide"' in page) == (decides == 200)
    assert ('action="/approvals/reveal"' in page) == (reveals == 200)


async def test_the_shipped_policies_want_two_factors_for_a_decision(house):
    it = house(PEOPLE, authorizer=CedarAuthorizer(book({"default.cedar": shipped()})))
    number = ask(it)
    browser = await program(it, "olga")
    body = {"approve": True, "reason": "expected"}
    answer = await browser.post(f"/api/v1/approvals/{number}/decision", json=body)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "step-up-needed")
    assert it.challenges.state(number) is State.WAITING


async def test_a_decision_comes_from_a_page_of_this_console(house):
    it = house(PEOPLE)
    number = ask(it)
    browser = await signed_in(it, "olga")
    token = await browser.token("/approvals")
    given = {"id": number, "reason": "expected", "decision": "approve"}
    for fields, headers in (
        (given, {}),
        ({**given, "csrf": "x"}, {}),
        ({**given, "csrf": token}, {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}),
    ):
        answer = await browser.post("/approvals/decide", data=fields, headers=headers)
        assert answer.status_code == 403
    assert it.challenges.state(number) is State.WAITING


async def test_who_sees_it_whole_is_on_record_first(house):
    it = house(PEOPLE)
    number = ask(it)
    browser = await signed_in(it, "olga")
    page = await browser.send_form("/approvals", "/approvals/reveal", id=number)
    assert "ann@example.com" in page.text
    [(_, told)] = it.events("approval:tool:revealed")
    assert told == {"challenge": number, "principal": ADA.id, "by": it.access.operators.named("olga").id}
    assert "ann@example.com" not in (await browser.get("/approvals")).text
    token = await browser.token("/approvals")
    it.ledger.broken = True
    answer = await browser.post("/approvals/reveal", data={"csrf": token, "id": number})
    assert (answer.status_code, "ann@example.com" in answer.text) == (503, False)


@pytest.mark.parametrize("broken", ["unavailable", "off"])
async def test_what_cannot_be_masked_is_not_shown(house, broken):
    it = house(PEOPLE)
    if broken == "unavailable":
        it.ward.missing = (Unavailable("text.pii", "timeout"),)
    else:
        it.ward.states[1] = ("text.secrets", "secrets", "off")
    ask(it, arguments='{"plain": "words"}')
    browser = await program(it, "olga")
    [told] = (await browser.get("/api/v1/approvals")).json()
    assert (told["arguments"], told["hidden"]) == ("", -1)
    page = (await browser.get("/approvals", headers={"accept": "text/html"})).text
    assert "words" not in page
    assert "all of it is hidden" in page


async def test_what_waits_is_judged_once(house):
    it = house(PEOPLE)
    ask(it)
    browser = await program(it, "olga")
    for _ in range(3):
        await browser.get("/api/v1/approvals")
    assert len(it.ward.asked) == 1
    it.clock.now += 901
    assert (await browser.get("/api/v1/approvals")).json() == []


def test_json_is_shown_one_value_a_line_and_breaks_inside_values_as_codes():
    assert plain('{"a":"x\\ny","b":[1,1.5]}') == '{\n  "a": "x\\ny",\n  "b": [\n    1,\n    1.5\n  ]\n}'


@pytest.mark.parametrize("raw", ['{"a":1,"a":2}', '{"a":1.50}', '{"a":NaN}', "no json", '{"a":1e400}', "[" * 5000])
def test_what_would_be_written_otherwise_is_shown_as_it_is(raw):
    assert plain(raw) == raw


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\x1b", "\u2028", "\ud800", "\xad"])
def test_nothing_invisible_passes(char):
    for shown in (
        plain(json.dumps({"a": f"x{char}y"})),
        plain(json.dumps({"a": f"x{char}y"}, ensure_ascii=False)),
        visible(f"x{char}y"),
    ):
        assert char not in shown
        assert re.search(r"\\u[0-9a-f]{4}|\\x", shown)


def test_masks_that_overlap_become_one(house):
    it = house()
    shown = masked("to ann@example.com now", it.ward.check)
    assert (shown.text, shown.hidden) == ("to [EMAIL] now", 1)
    assert masked("x" * 30_000, it.ward.check).unmasked
