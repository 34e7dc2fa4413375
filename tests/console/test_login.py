"""Signing in and out of the console: as people do it, and as attackers try it."""

from __future__ import annotations

import asyncio
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.console.access_pages import local
from chatward.identity.operators import LINK_LIFE
from chatward.identity.passwords import Passwords

GOOD = "correct horse battery"
OTHER = "staple of another kind"
PEOPLE = {"ann": ["admin"], "eve": ["analyst"]}


def session_of(browser, it) -> str | None:
    return browser.cookies.get(it.access.sessions.cookie)


async def whoami(client) -> str | None:
    operator = (await client.get("/api/v1/session")).json()["operator"]
    return operator and operator["name"]


# --- as people do it


async def test_a_person_signs_in_and_out(house):
    it = house(PEOPLE)
    browser = it.browser()
    answer = await browser.get("/", headers={"accept": "text/html,*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")
    page = await browser.get("/login?next=/metrics")
    assert page.status_code == 200
    assert 'value="/metrics"' in page.text
    answer = await browser.sign_in("ann", next="/metrics")
    assert (answer.status_code, answer.headers["location"]) == (303, "/metrics")
    assert (await browser.get("/metrics")).status_code == 200
    assert await whoami(browser) == "ann"
    assert (await browser.get("/login?next=/metrics")).headers["location"] == "/metrics"
    answer = await browser.send_form("/account", "/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?done=out")
    assert session_of(browser, it) is None
    assert "You are signed out." in (await browser.get("/login?done=out")).text
    assert await whoami(browser) is None
    (opened, about), (closed, closing) = it.events("operator:session")
    assert (opened, closed) == ("operator:session:opened", "operator:session:closed")
    assert about["operator"] == it.access.operators.named("ann").id
    assert about["session"] == closing["session"]
    assert closing["reason"] == "log-out"


async def test_the_cookies_are_as_they_should_be(house):
    it = house(PEOPLE)
    answer = await it.browser().sign_in()
    lines = answer.headers.get_list("set-cookie")
    assert len(lines) == 3
    for line in lines:
        name, _, rest = line.partition("=")
        attributes = {part.strip().lower() for part in rest.split(";")[1:]}
        assert name.startswith("__Host-chatward-")
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
        assert not any(part.startswith("domain") for part in attributes)
    assert "expires" not in next(line for line in lines if "session" in line).lower()


async def test_without_tls_signing_in_is_for_this_machine(house):
    it = house(PEOPLE, secure=False)
    answer = await it.browser().sign_in()
    assert answer.status_code == 303
    for line in answer.headers.get_list("set-cookie"):
        assert line.startswith("chatward-")
        assert "secure" not in line.lower()
        assert "httponly" in line.lower()
    elsewhere = house(secure=False, host="192.0.2.7")
    browser = elsewhere.browser(address="192.0.2.9", url="http://192.0.2.7:8788")
    answer = await browser.sign_in()
    assert answer.status_code == 403
    assert "Signing in needs TLS" in answer.text
    assert session_of(browser, elsewhere) is None


async def test_a_one_time_code_where_there_is_one(house):
    it = house(PEOPLE)
    it.factor.enrolled_.add(it.access.operators.named("ann").id)
    browser = it.browser()
    wrong = [await browser.sign_in("ann", code=code) for code in ("", "000000")]
    assert {answer.status_code for answer in wrong} == {401}
    assert (await browser.sign_in("ann", code="123456")).status_code == 303
    answer = (await browser.get("/api/v1/session")).json()
    assert answer["operator"]["assurance"] == 2
    assert (await it.browser().sign_in("eve", code="123456")).status_code == 303
    places = set(it.factor.places)
    assert len(places) == 1
    assert places.pop().startswith("log-in:")
    assert "127.0.0.1" not in str(places)


async def test_codes_are_set_up_and_the_session_gets_a_new_id(house):
    it = house(PEOPLE)
    browser = it.browser()
    await browser.sign_in()
    before = session_of(browser, it)
    page = await browser.send_form("/account", "/account/codes")
    assert "otpauth://totp/Chatward:ann?secret=MADEUP" in page.text
    assert (await browser.send_form("/account", "/account/confirm", code="000000")).status_code == 403
    assert session_of(browser, it) == before
    await browser.send_form("/account", "/account/codes")
    page = await browser.send_form("/account", "/account/confirm", code="123456")
    assert "One-time codes are set up." in page.text
    assert session_of(browser, it) not in {None, before}
    assert (await browser.get("/api/v1/session")).json()["operator"]["assurance"] == 2
    stolen = it.program(cookie=f"{it.access.sessions.cookie}={before}")
    assert (await stolen.get("/api/v1/status")).status_code == 401
    # The page that came with the new id has tokens of the new id.
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf is not None
    assert (await browser.post("/logout", data={"csrf": csrf[1]})).status_code == 303


async def test_a_password_is_changed_and_all_other_sessions_end(house):
    it = house(PEOPLE)
    browser, other = it.browser(), it.browser()
    await browser.sign_in()
    await other.sign_in()
    before = session_of(browser, it)
    for fields, status, said in (
        ({"old": OTHER, "new": OTHER, "again": OTHER}, 403, "The present password is wrong."),
        ({"old": GOOD, "new": OTHER, "again": GOOD}, 400, "not the same"),
        ({"old": GOOD, "new": "short", "again": "short"}, 400, "needs 12 characters"),
        ({"old": GOOD, "new": "ann ann ann ann", "again": "ann ann ann ann"}, 400, "too close to the user name"),
    ):
        answer = await browser.send_form("/account", "/account/password", **fields)
        assert (answer.status_code, said in answer.text) == (status, True)
        assert await whoami(other) == "ann"
    answer = await browser.send_form("/account", "/account/password", old=GOOD, new=OTHER, again=OTHER)
    assert "The password is changed." in answer.text
    assert session_of(browser, it) != before
    assert (await whoami(browser), await whoami(other)) == ("ann", None)
    assert (await it.browser().sign_in("ann", GOOD)).status_code == 401
    assert (await it.browser().sign_in("ann", OTHER)).status_code == 303


async def test_a_stolen_session_cannot_guess_the_password(house):
    it = house(PEOPLE)
    browser = it.browser(address="203.0.113.7")
    await browser.sign_in()
    del browser.cookies[it.access.device_cookie]
    statuses = []
    for _ in range(8):
        answer = await browser.send_form("/account", "/account/password", old="a wrong guess", new=OTHER, again=OTHER)
        statuses.append(answer.status_code)
    assert statuses == [403] * 5 + [429] * 3


async def test_sessions_are_listed_and_ended(house):
    it = house(PEOPLE)
    browser, other, third = it.browser(), it.browser(user_agent="Chrome/140"), it.browser()
    for one in (browser, other, third, eve := it.browser()):
        await one.sign_in("eve" if one is eve else "ann")
    page = (await browser.get("/account")).text
    assert page.count("this one") == 1
    assert "chrome" in page
    listed = (await browser.get("/api/v1/session/all")).json()
    assert len(listed) == 3
    theirs = next(one["id"] for one in listed if one["agent"] == "chrome")
    await browser.send_form("/account", "/account/end", session=theirs)
    assert (await whoami(other), await whoami(third)) == (None, "ann")
    await browser.send_form("/account", "/account/end", session=(await eve.get("/api/v1/session")).json()["session"])
    assert await whoami(eve) == "eve"
    await browser.send_form("/account", "/account/end", session="others")
    assert (await whoami(browser), await whoami(third)) == ("ann", None)


async def test_pages_hold_no_script_and_escape_what_they_show(house):
    it = house(PEOPLE)
    browser = it.browser()
    for path in ("/login", '/login?next=/"><script>', "/welcome/" + "t" * 43, "/login?done=<script>"):
        text = (await browser.get(path)).text
        assert "<script" not in text
        assert " on" not in re.sub(r'"[^"]*"', "", " ".join(re.findall(r"<[^>]+>", text)))
    answer = await browser.sign_in('"><script>', "<script>")
    assert "<script" not in answer.text


# --- the first admin


async def test_the_first_admin_comes_by_the_link(house):
    it = house(secure=False)
    token = await asyncio.to_thread(it.access.operators.first_link)
    browser = it.browser()
    assert "There is no operator yet" in (await browser.get("/login")).text
    for _ in range(3):  # looking uses nothing up
        assert "The first admin" in (await browser.get(f"/welcome/{token}")).text
    assert (await browser.send_form(f"/welcome/{token}", name="ann", password=GOOD, again=OTHER)).status_code == 400
    assert (
        await browser.send_form(f"/welcome/{token}", name="ann", password="short", again="short")
    ).status_code == 400
    answer = await browser.send_form(f"/welcome/{token}", name="ann", password=GOOD, again=GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?done=new")
    assert (await browser.sign_in()).status_code == 303
    assert (await browser.get("/metrics")).status_code == 200
    ((_, about),) = it.events("operator:account:created")
    assert (about["roles"], about["by"]) == (["admin"], "link")


async def test_a_link_twice_late_or_made_up_gets_one_answer(house):
    it = house()
    used, late = [await asyncio.to_thread(it.access.operators.first_link) for _ in range(2)]
    browser = it.browser()
    it.clock.now += LINK_LIFE - 1
    fresh = await asyncio.to_thread(it.access.operators.first_link)
    tokens = {path: await browser.token(f"/welcome/{path}") for path in (used, late, fresh)}
    it.clock.now += 1

    async def answers(token, csrf):
        page = await browser.get(f"/welcome/{token}")
        data = {"csrf": csrf, "name": "eve", "password": GOOD, "again": GOOD}
        done = await browser.post(f"/welcome/{token}", data=data)
        return page.status_code, page.text, done.status_code, done.text

    nothing = await answers("t" * 43, tokens[fresh])
    assert nothing[0] == nothing[2] == 404
    assert await answers(late, tokens[late]) == nothing
    data = {"csrf": tokens[fresh], "name": "ann", "password": GOOD, "again": GOOD}
    assert (await browser.post(f"/welcome/{fresh}", data=data)).status_code == 303
    assert await answers(fresh, tokens[fresh]) == nothing
    assert [one.name for one in it.access.operators.all()] == ["ann"]


async def test_two_use_the_link_at_once_and_one_has_it(house, tmp_path):
    path = tmp_path / "shared.db"
    one = house(path=path)
    two = house(path=path, clock=one.clock)
    token = await asyncio.to_thread(one.access.operators.first_link)
    browsers = [one.browser(), two.browser()]
    csrfs = [await browser.token(f"/welcome/{token}") for browser in browsers]
    answers = await asyncio.gather(
        *(
            browser.post(f"/welcome/{token}", data={"csrf": csrf, "name": name, "password": GOOD, "again": GOOD})
            for browser, csrf, name in zip(browsers, csrfs, ("ann", "eve"), strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303, 404]
    assert len(one.access.operators.all()) == 1


# --- attacks: guessing


async def test_a_name_that_nobody_has_gets_the_same_answer_after_the_same_work(house, monkeypatch):
    it = house({**PEOPLE, "off": ["analyst"], "code": ["analyst"]})
    it.access.operators.disable(it.access.operators.named("off").id)
    it.factor.enrolled_.add(it.access.operators.named("code").id)
    checks = []
    real = Passwords.check
    monkeypatch.setattr(
        Passwords, "check", lambda self, stored, given: checks.append(stored) or real(self, stored, given)
    )
    browser, seen = it.browser(), set()
    csrf = await browser.token("/login")
    tries = [
        ("ann", OTHER),
        ("nobody", OTHER),
        ("off", GOOD),
        ("off", OTHER),
        ("code", GOOD),
        ("code", OTHER),
        ("", ""),
    ]
    for name, password in tries:
        checks.clear()
        answer = await browser.post("/login", data={"csrf": csrf, "name": name, "password": password, "code": ""})
        kept = {key: value for key, value in answer.headers.items() if key != "date"}
        seen.add((answer.status_code, answer.text, str(sorted(kept.items()))))
        assert len(checks) == 1, name
    assert len(seen) == 1
    assert next(iter(seen))[0] == 401
    json = {
        (await it.program().post("/api/v1/session", json={"name": name, "password": OTHER})).text
        for name in ("ann", "x")
    }
    assert len(json) == 1
    for _, fields in it.events("operator:session:refused"):
        assert fields == {"reason": "credentials-wrong", "operator": ""}


async def test_guessing_is_slowed_down_and_locks_nobody_out(house):
    it = house(PEOPLE)
    home = it.browser(address="192.0.2.1")
    assert (await home.sign_in()).status_code == 303
    await home.send_form("/account", "/logout")
    attacker = it.browser(address="203.0.113.7")
    statuses = [(await attacker.sign_in("ann", f"a wrong guess {at}")).status_code for at in range(12)]
    assert statuses == [401] * 5 + [429] * 7
    answer = await attacker.sign_in("ann", GOOD)
    assert answer.status_code == 429  # even the right one, so that the answer tells nothing
    assert int(answer.headers["retry-after"]) >= 1
    # A name that nobody has slows down likewise.
    nobody = it.browser(address="203.0.113.8")
    assert [(await nobody.sign_in("nobody", GOOD)).status_code for _ in range(6)] == [401] * 5 + [429]
    # Whose browser is known signs in at once, and whoever else is not concerned.
    assert (await home.sign_in()).status_code == 303
    assert (await it.browser(address="192.0.2.2").sign_in("eve")).status_code == 303
    assert it.events("operator:session:opened")[-2][1]["known_device"] is True
    reasons = [fields["reason"] for _, fields in it.events("operator:session:refused")]
    assert reasons.count("too-many-attempts") == 9


async def test_one_address_cannot_try_one_password_on_everybody(house):
    it = house(PEOPLE)
    attacker = it.browser(address="203.0.113.7")
    csrf = await attacker.token("/login")
    statuses = []
    for at in range(25):
        data = {"csrf": csrf, "name": f"person{at}", "password": "Summer2026!!!"}
        statuses.append((await attacker.post("/login", data=data)).status_code)
    assert statuses == [401] * 20 + [429] * 5
    assert (await it.browser(address="192.0.2.1").sign_in()).status_code == 303


async def test_a_forwarded_address_buys_no_further_guesses(house):
    it = house(PEOPLE)
    client, statuses = it.program(address="203.0.113.7"), []
    for at in range(25):
        headers = {"x-forwarded-for": f"198.51.100.{at}", "x-real-ip": f"198.51.100.{at}"}
        given = {"name": f"person{at}", "password": GOOD}
        statuses.append((await client.post("/api/v1/session", json=given, headers=headers)).status_code)
    assert statuses == [401] * 20 + [429] * 5


async def test_a_crowd_that_signs_in_holds_up_nobody_else(house, monkeypatch):
    """Every thread of the log-in is taken and the queue is full: sessions, health and pages are served as ever."""
    it = house(PEOPLE)
    browser = it.browser()
    await browser.sign_in()
    it.clock.now += 120  # the session's use is to be written, on a thread
    go = threading.Event()
    monkeypatch.setattr(Passwords, "check", lambda self, stored, given: go.wait(30) and False)
    crowd = [
        asyncio.ensure_future(
            it.program(address=f"203.0.113.{at}").post("/api/v1/session", json={"name": f"n{at}", "password": OTHER})
        )
        for at in range(40)
    ]
    refused = asyncio.as_completed(crowd)
    assert [(await next(refused)).status_code for _ in range(8)] == [503] * 8
    assert (await browser.get("/api/v1/status")).status_code == 200
    assert (await it.program().get("/healthz")).status_code == 200
    assert "Too many sign in at this moment" in (await it.browser(address="192.0.2.9").sign_in("eve")).text
    go.set()
    statuses = [(await one).status_code for one in crowd]
    assert sorted(statuses) == [401] * 32 + [503] * 8


# --- attacks: the session


async def test_a_session_cannot_be_fixed_beforehand(house):
    """What the attacker put into the browser before is never what the log-in makes."""
    it = house(PEOPLE)
    name = it.access.sessions.cookie
    attacker = it.browser()
    await attacker.sign_in("eve")
    for planted in ("x" * 43, session_of(attacker, it)):
        victim = it.browser()
        victim.cookies.set(name, planted, domain="console.example", path="/")
        csrf = await victim.token("/login") or (await victim.get("/api/v1/session")).json()["csrf"]
        answer = await victim.post("/login", data={"csrf": csrf, "name": "ann", "password": GOOD})
        assert answer.status_code == 303
        made = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(name))
        assert planted not in made
        stolen = it.program(cookie=f"{name}={planted}")
        assert (await stolen.get("/api/v1/status")).status_code == 401  # not even the attacker's own is left


async def test_a_stolen_cookie_is_worth_nothing_after_the_log_out(house):
    it = house(PEOPLE)
    browser = it.browser()
    await browser.sign_in()
    stolen = it.program(cookie=f"{it.access.sessions.cookie}={session_of(browser, it)}")
    assert (await stolen.get("/api/v1/status")).status_code == 200
    await browser.send_form("/account", "/logout")
    for path in ("/api/v1/status", "/account", "/api/v1/session/all"):
        assert (await stolen.get(path)).status_code == 401
    assert await whoami(stolen) is None


async def test_every_log_in_has_another_id(house):
    it = house(PEOPLE)
    browser, ids = it.browser(), set()
    for _ in range(3):
        await browser.sign_in()
        ids.add(session_of(browser, it))
        await browser.send_form("/account", "/logout")
    assert len(ids) == 3


# --- attacks: another page


FOREIGN = [
    ({}, "csrf"),
    ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, "cross-site"),
    ({"sec-fetch-site": "cross-site"}, "cross-site"),
    ({"sec-fetch-site": "same-site"}, "cross-site"),
    ({"origin": "https://evil.example"}, "cross-site"),
    ({"origin": "null"}, "cross-site"),
    ({"origin": "http://console.example"}, "cross-site"),
]


@pytest.mark.parametrize("path", ["/logout", "/account/password", "/account/end", "/account/codes", "/account/review"])
@pytest.mark.parametrize(("headers", "reason"), FOREIGN)
async def test_another_page_does_nothing_in_an_operators_name(house, path, headers, reason):
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    await browser.sign_in()
    before = len(it.ledger.records)
    token = await browser.token("/account")
    tokens = [None, "", "x" * 43, *([token] if reason == "cross-site" else [])]
    for one in tokens:
        data = {"old": GOOD, "new": OTHER, "again": OTHER, **({} if one is None else {"csrf": one})}
        answer = await browser.post(path, data=data, headers=headers)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, reason)
    assert await whoami(browser) == "ann"
    kinds = {event for event, _ in it.events()[before:]}
    assert kinds == {"request:call:refused"}


async def test_another_sessions_token_is_none(house):
    it = house(PEOPLE)
    mine, theirs = it.browser(accept="*/*"), it.browser(accept="*/*")
    await mine.sign_in()
    await theirs.sign_in("eve")
    token = await theirs.token("/account")
    answer = await mine.post("/logout", data={"csrf": token})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "csrf")
    # Not even with the cookie that it belongs to, which a sister host might have planted.
    seed = f"{it.access.csrf.cookie}={theirs.cookies[it.access.csrf.cookie]}"
    both = it.program(cookie=f"{it.access.sessions.cookie}={session_of(mine, it)}; {seed}", origin=it.url)
    answer = await both.post("/logout", data={"csrf": token})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "csrf")


async def test_a_token_of_before_the_log_in_is_none_after_it(house):
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    token = await browser.token("/login")
    await browser.post("/login", data={"csrf": token, "name": "ann", "password": GOOD})
    assert await whoami(browser) == "ann"
    assert (await browser.post("/logout", data={"csrf": token})).status_code == 403


@pytest.mark.parametrize(("headers", "reason"), FOREIGN)
async def test_another_page_signs_nobody_in(house, headers, reason):
    """Log-in CSRF: the victim would work in the attacker's account without noticing."""
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    token = await browser.token("/login")
    data = {"name": "eve", "password": GOOD, **({"csrf": token} if reason == "cross-site" else {})}
    answer = await browser.post("/login", data=data, headers=headers)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, reason)
    if reason == "cross-site":
        answer = await browser.post("/api/v1/session", json={"name": "eve", "password": GOOD}, headers=headers)
        assert answer.status_code == 403
    assert session_of(browser, it) is None


async def test_a_call_of_a_program_needs_the_token_too(house):
    it = house(PEOPLE)
    client = it.program(origin=it.url)
    opened = (await client.post("/api/v1/session", json={"name": "ann", "password": GOOD})).json()
    assert opened["operator"]["name"] == "ann"
    for headers in ({}, {"x-csrf-token": ""}, {"x-csrf-token": "x" * 43}):
        assert (await client.post("/api/v1/inspect", json={"text": "x"}, headers=headers)).status_code == 403
        assert (await client.delete("/api/v1/session", headers=headers)).status_code == 403
    good = {"x-csrf-token": opened["csrf"]}
    assert (await client.post("/api/v1/inspect", json={"text": "x"}, headers=good)).status_code == 200
    del client.headers["origin"]
    assert (await client.delete("/api/v1/session", headers=good)).status_code == 403
    client.headers["origin"] = it.url
    assert (await client.delete("/api/v1/session", headers=good)).json() == {"ended": True}
    assert (await client.get("/api/v1/status")).status_code == 401


async def test_a_program_lists_and_ends_its_sessions(house):
    it = house(PEOPLE)
    client, other = it.program(origin=it.url), it.browser()
    opened = (await client.post("/api/v1/session", json={"name": "ann", "password": GOOD})).json()
    await other.sign_in()
    theirs = [one["id"] for one in (await client.get("/api/v1/session/all")).json() if not one["current"]]
    answer = await client.delete(f"/api/v1/session/{theirs[0]}", headers={"x-csrf-token": opened["csrf"]})
    assert answer.json() == {"ended": True}
    assert await whoami(other) is None
    answer = await client.delete("/api/v1/session/none", headers={"x-csrf-token": opened["csrf"]})
    assert answer.json() == {"ended": False}


@pytest.mark.parametrize(
    "given", [{}, {"name": "ann"}, {"name": 1, "password": GOOD}, {"name": "a", "password": "b", "c": 1}]
)
async def test_a_call_that_is_no_log_in_is_refused_without_quoting_it(house, given):
    answer = await house(PEOPLE).program().post("/api/v1/session", json=given)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "field-invalid")
    assert GOOD not in answer.text


# --- attacks: elsewhere


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/%0d%0alocation:https://evil.example\r\n",
    "javascript:alert(1)",
    "https:evil.example",
    "evil.example",
    "///evil.example",
    "/\u2044evil.example",
    "",
    " /x",
    "/x" * 1000,
]


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_nobody_is_sent_elsewhere_after_the_log_in(house, path):
    it = house(PEOPLE)
    browser = it.browser()
    answer = await browser.sign_in("ann", next=path)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    answer = await browser.get("/login", params={"next": path})
    assert answer.headers["location"] == "/"


@given(st.text(alphabet="/\\.:@%?#&=evilhtps \t\n\r", max_size=12))
def test_where_to_go_is_always_a_path_of_this_plane(path):
    there = local(path)
    assert there.startswith("/")
    assert not there.startswith(("//", "/\\"))
    assert not set(there) & set("\\\t\n\r #")


@pytest.mark.parametrize("path", ["/", "/metrics", "/findings?page=2&kind=a%20b", "/keys/7~a"])
def test_a_path_of_this_plane_is_kept(path):
    assert local(path) == path


# --- accounts for emergencies


async def test_an_emergency_is_an_alert_and_is_reviewed_before_the_next(house, caplog):
    it = house({**PEOPLE, "glass": ["admin"], "watcher": ["auditor"]})
    glass = it.access.operators.named("glass")
    browser, ann, eve = it.browser(), it.browser(), it.browser()
    for wrong in (OTHER, "nothing like it"):
        assert (await browser.sign_in("glass", wrong)).status_code == 401
    assert it.events("operator:break-glass") == []
    assert (await browser.sign_in("glass")).status_code == 303
    assert "break-glass account is used" in caplog.text
    assert "glass'" not in caplog.text
    assert it.events("operator:break-glass")[0][1]["operator"] == glass.id
    assert "account for emergencies" in (await browser.get("/account")).text
    again = it.browser()
    answer = await again.sign_in("glass")
    assert (answer.status_code, "Another operator must review" in answer.text) == (403, True)
    assert session_of(again, it) is None
    assert it.events("operator:session:refused")[-1][1] == {"reason": "review-pending", "operator": glass.id}
    assert (await again.sign_in("glass", OTHER)).status_code == 401  # told to who has proven it only
    # The account cannot review itself, and a role that may not cannot either.
    assert "I have reviewed this" not in (await browser.get("/account")).text
    assert (await browser.send_form("/account", "/account/review", operator=glass.id)).status_code == 403
    await eve.sign_in("eve")
    answer = await eve.send_form("/account", "/account/review", operator=glass.id)
    assert answer.status_code == 403
    assert len(it.access.operators.pending()) == 1
    await ann.sign_in("watcher")
    assert "Uses of accounts for emergencies" in (await ann.get("/account")).text
    assert "Reviewed." in (await ann.send_form("/account", "/account/review", operator=glass.id)).text
    assert await whoami(browser) is None  # the review ends the emergency
    assert it.events("operator:break-glass")[-1][0] == "operator:break-glass:reviewed"
    assert (await it.browser().sign_in("glass")).status_code == 303


# --- the record


async def test_without_a_record_nobody_signs_in(house):
    it = house(PEOPLE)
    browser = it.browser()
    csrf = await browser.token("/login")
    it.ledger.broken = True
    answer = await browser.post("/login", data={"csrf": csrf, "name": "ann", "password": GOOD})
    assert answer.status_code == 503
    assert session_of(browser, it) is None
    assert it.database.rows("SELECT * FROM operator_sessions") == []


async def test_no_name_password_code_address_or_token_is_on_record_or_in_the_log(house, caplog):
    it = house({**PEOPLE, "glass": ["admin"]})
    caplog.set_level("DEBUG", logger="chatward")
    browser = it.browser(address="203.0.113.77")
    for name in ("ann", "glass", "nobody-at-all"):
        await browser.sign_in(name, code="987654")
        await browser.sign_in(name, OTHER)
    token = session_of(browser, it)
    await browser.send_form("/account", "/account/password", old=GOOD, new=OTHER, again=OTHER)
    said = str(it.ledger.records) + caplog.text
    for secret in ("ann'", "'glass'", "nobody-at-all", GOOD, OTHER, "987654", "203.0.113.77", token or "?"):
        assert secret not in said
