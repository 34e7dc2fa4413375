"""Operators in the console: invited, changed, disabled, reset, reviewed, signed out; by page and by program."""

from __future__ import annotations

import re

import pytest

from chatward.console.access_pages import NAVIGATION
from chatward.core.identity import Assurance

GOOD = "correct horse battery"
PEOPLE = {"ann": ["admin"], "bob": ["admin"], "eve": ["analyst"]}


async def signed_in(it, name: str = "ann"):
    browser = it.browser()
    assert (await browser.sign_in(name)).status_code == 303
    return browser


async def program(it, name: str = "ann"):
    browser = await signed_in(it, name)
    browser.headers["x-csrf-token"] = (await browser.get("/api/v1/session")).json()["csrf"]
    browser.headers["accept"] = "application/json"
    return browser


def id_of(it, name: str) -> str:
    return it.access.operators.named(name).id


async def test_a_person_is_invited_and_makes_the_account(house):
    it = house(PEOPLE)
    ann = await signed_in(it)
    fields = {"role-analyst": "yes", "role-auditor": "yes"}
    page = await ann.send_form("/operators", "/operators/invite", **fields)
    link = re.search(r"https://console\.example(/welcome/[\w-]{43})", page.text)
    assert link is not None
    assert "It is shown this once." in page.text
    assert link[1] not in (await ann.get("/operators")).text
    stranger = it.browser()
    said = (await stranger.get(link[1])).text
    assert "analyst, auditor" in said
    answer = await stranger.send_form(link[1], name="zoe", password=GOOD, again=GOOD)
    assert answer.headers["location"] == "/login?done=new"
    assert it.access.operators.named("zoe").roles == {"analyst", "auditor"}
    again = await stranger.get(link[1])
    other = await stranger.get("/welcome/" + "x" * 43)
    assert (again.status_code, again.text) == (404, other.text)


async def test_an_invitation_is_withdrawn(house):
    it = house(PEOPLE)
    ann = await signed_in(it)
    page = await ann.send_form("/operators", "/operators/invite", **{"role-admin": "yes"})
    link = re.search(r"/welcome/[\w-]{43}", page.text)
    assert link is not None
    [made] = it.desks.invitations.open()
    page = await ann.send_form("/operators", "/operators/withdraw", invitation=made.id)
    assert "Withdrawn." in page.text
    assert (await it.browser().get(link[0])).status_code == 404


async def test_roles_are_changed_and_end_the_sessions(house):
    it = house(PEOPLE)
    ann, eve = await signed_in(it), await signed_in(it, "eve")
    page = await ann.send_form("/operators", "/operators/roles", operator=id_of(it, "eve"), **{"role-auditor": "yes"})
    assert "The roles are changed" in page.text
    assert it.access.operators.named("eve").roles == {"auditor"}
    assert (await eve.get("/metrics", headers={"accept": "*/*"})).status_code == 401
    page = await ann.send_form("/operators", "/operators/roles", operator=id_of(it, "eve"))
    assert (page.status_code, "An operator has a role" in page.text) == (400, True)


async def test_an_operator_is_disabled_and_enabled(house):
    it = house(PEOPLE)
    ann, eve = await signed_in(it), await signed_in(it, "eve")
    await ann.send_form("/operators", "/operators/state", operator=id_of(it, "eve"), active="no")
    assert not it.access.operators.named("eve").active
    assert (await eve.get("/metrics", headers={"accept": "*/*"})).status_code == 401
    await ann.send_form("/operators", "/operators/state", operator=id_of(it, "eve"), active="yes")
    assert it.access.operators.named("eve").active


async def test_the_last_admin_stays(house):
    it = house({"ann": ["admin"], "eve": ["analyst"]})
    ann = await signed_in(it)
    me = id_of(it, "ann")
    for path, fields in (("state", {"active": "no"}), ("roles", {"role-analyst": "yes"})):
        page = await ann.send_form("/operators", f"/operators/{path}", operator=me, **fields)
        assert (page.status_code, "another active admin first" in page.text) == (409, True)


async def test_one_time_codes_are_taken_away_by_somebody_else(house):
    it = house(PEOPLE)
    eve, me = id_of(it, "eve"), id_of(it, "ann")
    it.factor.enrolled_ |= {eve, me}
    it.access.sessions.open(it.access.operators.named("eve"), Assurance.MULTI)
    browser = it.browser()
    await browser.sign_in("ann", code="123456")
    page = await browser.send_form("/operators", "/operators/reset", operator=eve)
    assert "One-time codes and passkeys are taken away" in page.text
    assert not it.factor.enrolled(eve)
    assert it.access.sessions.of(eve) == []
    page = await browser.send_form("/operators", "/operators/reset", operator=me)
    assert (page.status_code, it.factor.enrolled(me)) == (403, True)
    told = it.events("operator:account:changed", "operator:session:closed")
    assert told[0] == ("operator:account:changed", {"operator": eve, "what": "one-time-codes", "by": me})
    assert (told[1][1]["operator"], told[1][1]["by"], told[1][1]["reason"]) == (eve, me, "reset")


async def test_sessions_are_listed_and_ended(house):
    it = house(PEOPLE)
    ann, eve = await signed_in(it), await signed_in(it, "eve")
    [session] = it.access.sessions.of(id_of(it, "eve"))
    assert session.id in (await ann.get("/operators")).text
    page = await ann.send_form("/operators", "/operators/end", operator=id_of(it, "eve"), session=session.id)
    assert "Ended." in page.text
    assert (await eve.get("/metrics", headers={"accept": "*/*"})).status_code == 401
    [(_, told)] = it.events("operator:session:closed")
    assert (told["session"], told["by"], told["reason"]) == (session.id, id_of(it, "ann"), "ended")


async def test_a_use_for_emergencies_stands_first_until_somebody_else_has_reviewed_it(house):
    it = house({**PEOPLE, "glass": ["admin"]})
    glass = await signed_in(it, "glass")
    page = await glass.send_form("/operators", "/operators/review", operator=id_of(it, "glass"))
    assert page.status_code == 403
    assert "I have reviewed this" not in (await glass.get("/operators")).text
    ann = await signed_in(it)
    page = (await ann.get("/operators")).text
    assert page.index("I have reviewed this") < page.index('id="op-1"')
    page = await ann.send_form("/operators", "/operators/review", operator=id_of(it, "glass"))
    assert "Reviewed." in page.text
    assert it.events("operator:break-glass:reviewed")
    assert (await glass.get("/metrics", headers={"accept": "*/*"})).status_code == 401


async def test_programs_do_the_same(house):
    it = house({**PEOPLE, "glass": ["admin"]})
    await signed_in(it, "glass")
    eve, glass = id_of(it, "eve"), id_of(it, "glass")
    it.factor.enrolled_.add(eve)
    api = await program(it)
    everybody = {one["name"]: one for one in (await api.get("/api/v1/operators")).json()}
    assert everybody.keys() == {"ann", "bob", "eve", "glass"}
    assert (everybody["glass"]["review"], everybody["eve"]["codes"]) == (True, True)
    assert (await api.post(f"/api/v1/operators/{glass}/review", json={})).json() == {"reviewed": True}
    assert (await api.post(f"/api/v1/operators/{eve}/reset", json={})).json() == {"reset": True}
    change = {"roles": ["auditor"], "active": False}
    assert (await api.patch(f"/api/v1/operators/{eve}", json=change)).status_code == 200
    found = it.access.operators.named("eve")
    assert (found.active, found.roles) == (False, {"auditor"})
    made = (await api.post("/api/v1/invitations", json={"roles": ["analyst"]})).json()
    assert made["path"].startswith("/welcome/")
    [listed] = (await api.get("/api/v1/invitations")).json()
    assert (listed["id"], listed["path"]) == (made["id"], "")
    assert (await api.delete(f"/api/v1/invitations/{made['id']}")).status_code == 200
    [session] = it.access.sessions.of(id_of(it, "ann"))
    ended = await api.delete(f"/api/v1/operators/{id_of(it, 'ann')}/sessions/{session.id}")
    assert ended.json() == {"ended": True}
    assert (await api.get("/api/v1/operators")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/invitations", {"roles": ["admin"]}),
        ("PATCH", "/api/v1/operators/{eve}", {"roles": ["admin"]}),
        ("POST", "/api/v1/operators/{bob}/reset", {}),
        ("POST", "/api/v1/operators/{glass}/review", {}),
        ("DELETE", "/api/v1/operators/{bob}/sessions/0123456789abcdef", None),
        ("DELETE", "/api/v1/invitations/0123456789abcdef", None),
    ],
)
async def test_who_is_no_admin_changes_nobody(house, method, path, body):
    it = house({**PEOPLE, "glass": ["admin"]})
    before = it.access.operators.all()
    api = await program(it, "eve")
    for name in ("eve", "bob", "glass"):
        path = path.replace(f"{{{name}}}", id_of(it, name))
    answer = await api.request(method, path, json=body) if body is not None else await api.request(method, path)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "not-authorized")
    assert it.access.operators.all() == before
    page = (await api.get("/operators", headers={"accept": "text/html"})).text
    assert "/operators/invite" not in page
    assert "/operators/roles" not in page


async def test_pages_link_to_each_other_by_what_one_may_see(house):
    it = house(PEOPLE)
    links = {}
    for name in ("ann", "eve"):
        page = (await (await signed_in(it, name)).get("/operators")).text
        links[name] = set(re.findall(r'<li><a href="([^"]+)"', page))
    everything = {path for path, _, _, _ in NAVIGATION} | {"/account"}
    assert links == {"ann": everything, "eve": everything - {"/keys", "/privacy"}}
