"""Signing in by a real identity provider, through two running gateways on one store: the way in, what a session is
worth, the ways out, and what may be tried against it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from chatward.core.errors import ClientError
from chatward.identity.backchannel import EVENT
from chatward.identity.operators import Operators
from chatward.identity.passwords import Cost, Passwords
from chatward.identity.provider import person_id
from chatward.identity.provisioned import registry
from chatward.identity.scim_schema import USER
from chatward.stores.database import Database
from tests.simulators.node_provider import missing
from tests.simulators.signing_in import ASKED, CLIENT, PATH, PIECES, SECRET, Browser, World, mock_provider
from tests.simulators.signing_in import world as opened


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with mock_provider() as provider, opened(tmp_path_factory.mktemp("signing-in"), provider) as made:
        yield made


# --- the way in, and out


def test_who_signs_in_is_served_by_both_processes_until_they_sign_out(world: World) -> None:
    browser = world.browser()
    assert browser.code() == "not-authenticated"
    done = browser.sign_in("ada", back="/chat?from=here")
    assert (done.status_code, done.headers["location"]) == (303, "/chat?from=here")
    set_ = [line for line in done.headers.get_list("set-cookie") if line.startswith("chatward-person=")]
    assert len(set_) == 1
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(set_[0].split("; "))
    assert "Domain" not in set_[0]
    assert "Max-Age" not in set_[0]
    assert [browser.code(0), browser.code(1)] == [200, 200]
    who = browser.get(f"{world.url}/v1/session", headers={"sec-fetch-site": "same-origin"}).json()
    assert (who["signed_in"], who["name"], who["provider"]) == (True, "Ada <b>Lovelace</b>", "staff")
    opened = world.events("person:session:opened")[-1]
    assert opened["principal"] == person_id(world.provider.issuer, "ada")
    assert "Lovelace" not in json.dumps(world.events("person:session:opened"))

    page = browser.get(f"{world.url}/signin")
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in page.text
    taken = browser.token
    out = browser.sign_out()
    assert out.status_code == 303
    there = urlsplit(out.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{world.provider.issuer}/oauth2/end_session"
    asked = dict(parse_qsl(there.query))
    assert asked == {"client_id": CLIENT, "post_logout_redirect_uri": f"{world.url}/signout"}
    assert browser.token is None
    browser.cookies.set("chatward-person", taken or "")
    assert [browser.code(0), browser.code(1)] == ["session-ended", "session-ended"]
    assert world.events("person:session:closed")[-1]["session"] == opened["session"]
    assert "You are signed out" in world.browser().get(f"{world.url}/signout").text


def test_the_page_offers_the_providers_and_escapes_what_the_settings_say(world: World) -> None:
    got = world.browser().get(f"{world.url}/signin?back=/chat")
    assert got.status_code == 200
    assert "Sign in: Staff &amp; friends" in got.text
    assert "/signin/other?back=%2Fchat" in got.text
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert got.headers["cache-control"] == "no-store"


def test_a_page_is_told_where_to_go_next_when_it_signs_out_by_script(world: World) -> None:
    browser = world.browser()
    browser.sign_in("ben")
    out = browser.sign_out(accept="application/json")
    assert out.json()["next"].startswith(f"{world.provider.issuer}/oauth2/end_session?")
    assert browser.code() == "not-authenticated"
    assert browser.sign_out(accept="application/json").json() == {"next": "/signout"}


def test_what_a_group_gives_and_how_sure_the_provider_is_go_into_the_record(world: World) -> None:
    browser = world.browser()
    browser.sign_in("ben")
    assert world.events("person:session:opened")[-1]["assurance"] == 2
    browser.sign_in("ada")
    assert world.events("person:session:opened")[-1]["assurance"] == 1


def test_a_provider_that_does_not_answer_is_said_to_be_so(world: World) -> None:
    got = world.browser().get(f"{world.url}/signin/other")
    assert (got.status_code, got.headers["location"]) == (303, "/signin?problem=identity-provider-unavailable")
    page = world.browser().get(world.url + got.headers["location"])
    assert "Signing in is not possible right now" in page.text


# --- the provider ends it


def test_a_session_that_the_provider_ends_is_over_in_both_processes_and_inside_an_open_stream(world: World) -> None:
    browser, same = world.browser(), world.browser()
    browser.sign_in("dot")
    same.sign_in("dot")
    other = world.browser()
    other.sign_in("ben")
    asked = {**ASKED, "stream": True}
    with browser.stream("POST", world.url + PATH, json=asked, headers={"origin": world.url}) as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if "content" in line)
        assert world.logout(1, sid="s-dot", sub="dot").status_code == 200
        rest = list(lines)
    assert any("revoked" in line for line in rest)
    assert sum("content" in line for line in rest) < PIECES / 2
    for gateway in (0, 1):
        assert browser.code(gateway) == "session-ended"
        assert same.code(gateway) == "session-ended"
        assert other.code(gateway) == 200
    ended = world.events("person:sessions:ended")[-1]
    assert (ended["principal"], ended["provider"]) == (person_id(world.provider.issuer, "dot"), "staff")
    assert ended["sessions"] == 2
    rows = Database(world.folder / "chatward-identity.db").rows("SELECT person FROM person_sessions")
    assert (ended["principal"],) not in rows


def test_bearer_tokens_from_before_end_as_well(world: World) -> None:
    now = int(time.time())
    before, later = (world.provider.signed("at+jwt", sub="cyd", iat=now + age) for age in (-5, 5))

    def bearer(token: str, gateway: int) -> object:
        headers = {"authorization": f"Bearer {token}"}
        got = httpx.post(world.gateways[gateway].url + PATH, json=ASKED, headers=headers, timeout=30)
        return 200 if got.status_code == 200 else got.json()["error"]["code"]

    assert [bearer(before, 0), bearer(before, 1)] == [200, 200]
    assert world.logout(0, sub="cyd").status_code == 200
    assert [bearer(before, 0), bearer(before, 1)] == ["token-revoked", "token-revoked"]
    assert bearer(later, 1) == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"events": {}}, 400),
        ({"nonce": "n"}, 400),
        ({"aud": "another"}, 400),
        ({"iss": "https://evil.example"}, 400),
        ({"exp": 1}, 400),
        ({"sub": None, "sid": None}, 400),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value),
)
def test_a_log_out_that_is_none_ends_nothing(world: World, changed: dict[str, Any], status: int) -> None:
    browser = world.browser()
    browser.sign_in("ben")
    said = {"sub": "ben", "sid": "s-ben", "events": {EVENT: {}}, "jti": f"odd-{sorted(changed)}"} | changed
    token = world.provider.signed(**{name: value for name, value in said.items() if value is not None})
    url = f"{world.url}/v1/backchannel-logout/staff"
    got = httpx.post(url, data={"logout_token": token}, timeout=30)
    assert (got.status_code, got.json()["error"]["code"]) == (status, "logout-token-invalid")
    assert browser.code() == 200


def test_a_log_out_is_taken_at_its_own_providers_address_once(world: World) -> None:
    browser = world.browser()
    browser.sign_in("ben")
    assert world.logout(0, "other", sub="ben", sid="s-ben").status_code == 400
    assert world.logout(0, "nobody", sub="ben", sid="s-ben").status_code == 404
    assert browser.code() == 200
    token = world.provider.logout_token("once", sid="s-nobody")
    url = f"{world.url}/v1/backchannel-logout/staff"
    assert [httpx.post(url, data={"logout_token": token}, timeout=30).status_code for _ in range(2)] == [200, 400]
    assert httpx.get(url, timeout=30).status_code == 405


def test_who_leaves_the_company_has_left_both_planes(world: World) -> None:
    database = Database(world.folder / "chatward-identity.db")
    directory = registry(database, world.settings.identity, lambda entry: None)
    user = directory.create(USER, {"userName": "gus", "externalId": "gus", "active": True})
    person, operator = world.browser(), world.browser()
    person.sign_in("gus")
    sign_in_to_console(world, operator, "gus")
    assert [person.code(0), person.code(1)] == [200, 200]
    assert operator.get(console(world) + STATUS).status_code == 200
    directory.change(USER, user.id, lambda old: {**old.document, "active": False})
    assert [person.code(0), person.code(1)] == ["person-inactive", "person-inactive"]
    assert operator.get(console(world) + STATUS).status_code == 401
    assert problem(person.sign_in("gus")) == "login-refused"
    assert told(sign_in_to_console(world, operator, "gus")) == "login-refused"


# --- a provider of another make, which tells of log-outs by itself

WITHOUT_NODE = f"{missing()}: the same flow runs with oidc_provider_mock, log-out tokens are signed with its key"


@pytest.mark.skipif(bool(missing()), reason=WITHOUT_NODE)
def test_a_second_provider_signs_in_and_ends_sessions_by_itself(world: World) -> None:
    assert world.node is not None
    browser, elsewhere = world.browser(), world.browser()
    for one in (browser, elsewhere):
        back = world.node.through(one, one.begin("node", back="/chat"), login="fay", password="any")
        assert "iss=" in back  # RFC 9207
        assert one.get(back).headers["location"] == "/chat"
    assert [browser.code(0), elsewhere.code(1)] == [200, 200]
    # Signing out at the provider, of which nobody here was asked.
    world.node.through(browser, f"{world.node.issuer}/session/end?{urlencode(left(world))}", logout="yes")
    assert [browser.code(0), browser.code(1)] == ["session-ended", "session-ended"]
    assert elsewhere.code(0) == 200
    # Signing out here leads to the provider, and back.
    out = elsewhere.sign_out()
    assert world.node.through(elsewhere, out.headers["location"], logout="yes") == f"{world.url}/signout"
    assert elsewhere.code() == "not-authenticated"


def left(world: World) -> dict[str, str]:
    return {"client_id": CLIENT, "post_logout_redirect_uri": f"{world.url}/signout"}


# --- operators, on the admin plane

STATUS = "/api/v1/status"


def console(world: World, gateway: int = 0) -> str:
    return world.gateways[gateway].admin_url


def sign_in_to_console(world: World, browser: Browser, sub: str, **asked: str) -> httpx.Response:
    begun = browser.get(f"{console(world)}/login/staff", params=asked)
    assert begun.status_code == 303, begun.text
    return browser.get(browser.authorize(begun.headers["location"], sub))


def test_an_operator_signs_in_by_the_provider_until_it_says_otherwise(world: World) -> None:
    assert httpx.get(console(world) + STATUS, timeout=30).status_code == 401  # it does not stand open
    page = httpx.get(f"{console(world)}/login?next=/keys", timeout=30).text
    assert 'href="/login/staff?next=/keys"' in page
    assert "Staff &amp; friends" in page
    browser, other = world.browser(), world.browser()
    done = sign_in_to_console(world, browser, "eve", next="/account")
    assert (done.status_code, done.headers["refresh"]) == (200, "0;url=/account")
    kept = next(line for line in done.headers.get_list("set-cookie") if line.startswith("chatward-session="))
    assert "httponly" in kept.lower()
    assert "samesite=strict" in kept.lower()
    sign_in_to_console(world, other, "fay")
    for gateway in (0, 1):
        assert browser.get(console(world, gateway) + STATUS).status_code == 200
    assert browser.code() == "not-authenticated"  # an operator's session is none of a person's
    who = browser.get(f"{console(world)}/api/v1/session").json()["operator"]
    assert who["roles"] == ["auditor"]
    assert who["name"].startswith("staff:")
    made = [one for one in world.events("operator:account:created") if one["operator"] == who["id"]]
    assert [(one["by"], one["roles"]) for one in made] == [("idp:staff", ["auditor"])]
    denied = browser.post(f"{console(world)}/logout", data={}, headers={"origin": "https://evil.example"})
    assert denied.status_code == 403
    assert world.logout(1, sid="s-eve", sub="eve").status_code == 200
    for gateway in (0, 1):
        assert browser.get(console(world, gateway) + STATUS).status_code == 401
        assert other.get(console(world, gateway) + STATUS).status_code == 200


def told(got: httpx.Response) -> str:
    assert got.status_code == 303
    return parse_qs(urlsplit(got.headers["location"]).query)["problem"][0]


def test_who_has_no_group_with_a_role_is_no_operator(world: World) -> None:
    browser = world.browser()
    assert told(sign_in_to_console(world, browser, "ada")) == "login-denied"
    assert browser.get(console(world) + STATUS).status_code == 401
    assert "did not let you in" in browser.get(f"{console(world)}/login?problem=login-denied").text


def test_a_role_is_as_good_as_the_last_sign_in(world: World) -> None:
    before, after = world.browser(), world.browser()
    sign_in_to_console(world, before, "fay")
    assert before.get(console(world) + STATUS).status_code == 200
    put = httpx.put(f"{world.provider.issuer}/users/fay", json={"groups": ["staff"], "sid": "s-fay"})
    assert put.status_code == 204
    assert told(sign_in_to_console(world, after, "fay")) == "login-denied"
    httpx.put(f"{world.provider.issuer}/users/fay", json={"groups": ["console"], "sid": "s-fay"})


def test_attempts_of_the_two_planes_do_not_mix(world: World) -> None:
    browser = world.browser()
    back = browser.authorize(browser.begin(), "eve")
    query = urlsplit(back).query
    for one in list(browser.cookies.jar):
        browser.cookies.set("chatward-operator-login", one.value or "", domain="127.0.0.1", path="/")
    assert told(browser.get(f"{console(world)}/login/staff/callback?{query}")) == "login-invalid"
    assert browser.get(console(world) + STATUS).status_code == 401


def test_a_person_who_is_shut_out_here_cannot_sign_in_to_the_console(world: World) -> None:
    browser = world.browser()
    sign_in_to_console(world, browser, "fay")
    id = browser.get(f"{console(world)}/api/v1/session").json()["operator"]["id"]
    operators = Operators(Database(world.folder / "chatward-identity.db"), Passwords(Cost(8, 1)), lambda entry: None)
    with pytest.raises(ClientError) as caught:
        operators.set_password(id, "a rather long pass phrase")
    assert caught.value.reason == "account-elsewhere"
    operators.disable(id)
    assert browser.get(console(world) + STATUS).status_code == 401
    assert told(sign_in_to_console(world, browser, "fay")) == "login-denied"
    operators.enable(id)
    sign_in_to_console(world, browser, "fay")
    assert browser.get(console(world) + STATUS).status_code == 200


# --- attacks


def problem(got: httpx.Response) -> str:
    assert got.status_code == 303
    where = urlsplit(got.headers["location"])
    assert where.path == "/signin"
    return parse_qs(where.query)["problem"][0]


def changed(url: str, **values: str | None) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | values
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("no state", {"state": None}),
        ("another state", {"state": "A" * 43}),
        ("no code", {"code": None}),
        ("another issuer (mix-up)", {"iss": "https://evil.example"}),
        ("an error in place of a code", {"code": None, "error": "server_error"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_was_changed_signs_nobody_in(world: World, what: str, values: dict[str, str | None]) -> None:
    browser = world.browser()
    back = browser.authorize(browser.begin(), "ada")
    assert problem(browser.get(changed(back, **values))) in {"login-invalid", "login-refused"}
    assert browser.token is None


def test_an_answer_is_good_once_in_its_browser_and_at_its_address(world: World) -> None:
    browser, stranger = world.browser(), world.browser()
    back = browser.authorize(browser.begin(), "ada")
    assert problem(stranger.get(back)) == "login-invalid"  # nobody is signed in to another's account by a link
    stranger.begin()
    assert problem(stranger.get(back)) == "login-invalid"  # with an attempt of their own neither
    assert browser.get(back).headers["location"] == "/chat"
    assert problem(browser.get(back)) == "login-invalid"
    again = browser.authorize(browser.begin(), "ada")
    assert problem(browser.get(again.replace("/signin/staff/", "/signin/other/"))) == "login-invalid"


def test_a_code_of_another_attempt_is_refused_for_its_nonce(world: World) -> None:
    attacker, browser = world.browser(), world.browser()
    stolen = parse_qs(urlsplit(attacker.authorize(attacker.begin(), "ben")).query)["code"][0]
    back = browser.authorize(browser.begin(), "ada")
    assert problem(browser.get(changed(back, code=stolen))) == "login-refused"
    assert browser.token is None
    used = browser.authorize(browser.begin(), "ada")
    assert browser.get(used).headers["location"] == "/chat"
    code = parse_qs(urlsplit(used).query)["code"][0]
    fresh = browser.authorize(browser.begin(), "ada")
    assert problem(browser.get(changed(fresh, code=code))) == "login-refused"


def test_a_session_cannot_be_fixed_beforehand(world: World) -> None:
    browser = world.browser()
    browser.cookies.set("chatward-person", "A" * 43, domain="127.0.0.1", path="/")
    browser.sign_in("ada")
    first = browser.token
    assert first not in {None, "A" * 43}
    browser.sign_in("ada")
    assert browser.token != first
    old = httpx.post(
        world.url + PATH,
        json=ASKED,
        headers={"origin": world.url, "cookie": f"chatward-person={first}"},
        timeout=30,
    )
    assert old.json()["error"]["code"] == "session-ended"


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example",
        "/chat\r\nset-cookie: a=b",
    ],
)  # fmt: skip
def test_the_way_back_is_a_path_of_this_server(world: World, back: str) -> None:
    browser = world.browser()
    there = urlsplit(browser.sign_in("ada", back=back).headers["location"])
    assert (there.scheme, there.netloc) == ("", "")
    assert there.path == "/"


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "none"},
        {"x-forwarded-host": "evil.example"},
        {},
    ],
    ids=lambda said: "-".join(said.values()) or "nothing",
)
def test_a_cookie_that_another_page_sends_is_refused(world: World, said: dict[str, str]) -> None:
    browser = world.browser()
    browser.sign_in("ada")
    assert browser.code(said=said) in {"cross-site", "origin-not-allowed"}
    out = browser.post(f"{world.url}/signout", headers=said)
    assert out.status_code == 403
    who = browser.get(f"{world.url}/v1/session", headers=said)
    assert who.status_code == 403 or who.json()["signed_in"] is False
    assert browser.code() == 200


def test_a_key_and_a_cookie_together_are_the_keys(world: World) -> None:
    browser = world.browser()
    browser.sign_in("ada")
    got = browser.ask(said={"origin": world.url, "authorization": "Bearer cw_live_0000000000000000_nothing"})
    assert got.json()["error"]["code"] == "api-key-invalid"


def test_a_cookie_twice_is_refused(world: World) -> None:
    browser = world.browser()
    browser.sign_in("ada")
    twice = f"chatward-person={browser.token}; chatward-person={browser.token}"
    got = httpx.post(world.url + PATH, json=ASKED, headers={"origin": world.url, "cookie": twice}, timeout=30)
    assert (got.status_code, got.json()["error"]["code"]) == (400, "cookie-ambiguous")


def test_nothing_else_is_served_there(world: World) -> None:
    for method, path, status in (
        ("GET", "/signin/staff/other", 404),
        ("GET", "/signinstaff", 404),
        ("POST", "/signin/staff", 405),
        ("HEAD", "/signin/staff", 405),
        ("DELETE", "/v1/session", 405),
        ("PUT", "/signout", 405),
        ("GET", "/v1/session/more", 404),
    ):
        got = httpx.request(method, world.url + path, timeout=30)
        assert got.status_code == status, (method, path)
    unknown = httpx.get(f"{world.url}/signin/nobody", timeout=30)
    assert problem(unknown) == "login-invalid"


def test_another_name_for_this_machine_gets_no_sign_in(world: World) -> None:
    got = httpx.get(f"{world.url}/signin/staff", headers={"host": "evil.example"}, timeout=30)
    assert problem(got) == "login-unavailable"


def test_no_secret_stands_in_log_or_record(world: World) -> None:
    browser = world.browser()
    back = browser.authorize(browser.begin(), "ada")
    browser.get(back)
    said = dict(parse_qsl(urlsplit(back).query))
    secrets = [SECRET, said["code"], said["state"], browser.token or "", "Lovelace"]
    told = "".join(gateway.log.read_text(errors="replace") for gateway in world.gateways[:1])
    told += json.dumps([record.fields for record in world.gateways[0].records()])
    assert not [secret for secret in secrets if secret in told]
