"""Nothing of the admin plane is reached without a decision."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Route

from chatward.console.admin_rules import ROLES as TABLE
from chatward.console.admin_rules import Ground, RoleTable, rule_of
from chatward.console.guarding import AdminKeys
from chatward.console.statics import FILES
from chatward.core.identity import Assurance, Kind, Principal, Question, Ruling
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.cedar_schema import ACTIONS
from chatward.identity.operators import ROLES

KEY = "made-up-" + "console-key"
PEOPLE = {"ann": ["admin"], "eve": ["read-only"]}
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/welcome/{token}"),
    ("POST", "/welcome/{token}"),
    *(("GET", path) for path in FILES),
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
}
OWN_FORMS = ("/account", "/log", "/preferences", "/views")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
TOKEN = "t" * 43
MANY = b"&".join(b"a%d=" % at for at in range(600))


class Counting:
    """An authorizer that allows nothing, or everything, and remembers what it was asked."""

    version = "1"

    def __init__(self, allow: bool = False, step_up: Assurance | None = None) -> None:
        self.allow, self.step_up, self.asked = allow, step_up, []

    def decide(self, question: Question) -> Ruling:
        self.asked.append(question)
        return Ruling(self.allow, step_up=self.step_up)


def routes(house) -> set[tuple[str, str]]:
    """Method and path template of every route of the application behind the guard, included ones too."""
    found: set[tuple[str, str]] = set()

    def walk(routes, prefix: str = "") -> None:
        for route in routes:
            if isinstance(route, Route) or hasattr(route, "methods"):
                found.update((method, prefix + route.path) for method in route.methods or ())
            elif hasattr(route, "effective_route_contexts"):  # what FastAPI keeps of an included router
                walk(
                    [context.starlette_route or context.original_route for context in route.effective_route_contexts()]
                )
            else:
                walk(route.routes, prefix + getattr(route, "path", ""))

    walk(house.inner.routes)
    return found


def filled(path: str) -> str:
    return path.replace("{token}", TOKEN).replace("{id}", "0123456789abcdef")


async def status(client, method: str, path: str, **more) -> int:
    return (await client.request(method, path, **more)).status_code


# --- the walk


async def test_no_route_is_reached_without_a_decision(house):
    """Every route of the application, by every method: nobody is served but where the list says so, and who has no
    permission is not served although signed in."""
    authorizer = Counting()
    it = house(PEOPLE, authorizer=authorizer)
    found = {(method, path) for method, path in routes(it) if method != "HEAD"}
    assert {
        ("GET", "/"),
        ("POST", "/api/v1/inspect"),
        ("POST", "/account/review"),
        ("DELETE", "/api/v1/session"),
    } <= found
    assert len(found) > 20
    served = []

    async def reached(scope, receive, send):
        served.append((scope["method"], scope["path"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    nobody, somebody = it.program(), it.browser()
    assert (await somebody.sign_in()).status_code == 303
    csrf = (await somebody.get("/api/v1/session")).json()["csrf"]
    it.app._app = reached
    for _, path in sorted(found):
        for method in METHODS:
            served.clear()
            await nobody.request(method, filled(path))
            is_open = (method, path) in OPEN or (method == "HEAD" and ("GET", path) in OPEN)
            assert is_open or not served, (method, path)
            authorizer.asked.clear()
            served.clear()
            kind = "application/x-www-form-urlencoded" if path.startswith(OWN_FORMS) else "application/json"
            headers = {"x-csrf-token": csrf, "content-type": kind, "accept": "*/*"}
            body = b"a=b" if "form" in kind else b"{}"
            await somebody.request(method, filled(path), headers=headers, content=body)
            rule = rule_of(method, filled(path))
            if rule.ground is Ground.DECIDED:
                assert not served, (method, path)
                assert [question.action for question in authorizer.asked] == [rule.action]
                assert authorizer.asked[0].resource == ("AdminArea", rule.area)
            else:
                assert authorizer.asked == []


async def test_what_is_open_is_this_list_and_no_more(house):
    it = house(PEOPLE)
    found = routes(it)
    opened = {(method, path) for method, path in found if rule_of(method, filled(path)).ground is Ground.OPEN}
    assert {pair for pair in opened if pair[0] != "HEAD"} == OPEN
    decided = {path for method, path in found if rule_of(method, filled(path)).ground is Ground.DECIDED}
    assert {"/", "/metrics", "/api/v1/status", "/api/v1/inspect", "/account/review"} <= decided


@given(st.sampled_from(METHODS), st.text(max_size=60).map(lambda text: "/" + text))
def test_a_path_that_nobody_thought_of_is_decided(method, path):
    rule = rule_of(method, path)
    if rule.ground is Ground.DECIDED:
        assert rule.action.startswith("admin:")
        assert rule.action.count(":") == 2
        assert rule.area == rule.action.split(":")[1]
    else:
        assert path.startswith(
            (
                "/healthz",
                "/log",
                "/welcome/",
                "/preferences",
                "/views/",
                *FILES,
                "/acc",
                "/api",
            )
        )


@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "//login",
        "/login/../",
        "/LOGIN",
        "/healthz/",
        "/healthz/x",
        "/welcome/",
        "/welcome/short",
        "/welcome/" + "t" * 44,
        "/welcome/" + TOKEN + "/",
        "/welcome/" + TOKEN + "\n",
        "/login\n",
        "/console.css/x",
    ],
)
def test_what_only_looks_open_is_decided(path):
    assert rule_of("GET", path).ground is Ground.DECIDED


def test_methods_make_verbs():
    verbs = {method: rule_of(method, "/api/v1/keys/7").action for method in METHODS}
    assert verbs["GET"] == verbs["HEAD"] == verbs["OPTIONS"] == "admin:keys:read"
    assert verbs["DELETE"] == "admin:keys:delete"
    assert verbs["POST"] == verbs["PUT"] == verbs["PATCH"] == verbs["TRACE"] == verbs["BREW"] == "admin:keys:write"
    assert rule_of("POST", "/account/review").action == "admin:operators:approve"


async def test_no_websocket_is_taken(house):
    it, sent = house(PEOPLE), []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    await it.app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


# --- roles


@pytest.mark.parametrize("role", [*ROLES, "nobody", ""])
def test_the_table_says_what_the_shipped_policies_say(role):
    """Of every action that there is, by Cedar itself. What needs a second factor there has one here."""
    table, cedar = RoleTable(), CedarAuthorizer(book({"default.cedar": shipped()}))
    principal = Principal("operator:1", Kind.OPERATOR, roles=frozenset({role}), assurance=Assurance.STRONG)
    different = set()
    for action in [*(name for name in ACTIONS if name.startswith("admin:")), "admin:unheard-of:read", "message:send"]:
        question = Question(principal, action, ("AdminArea", action.split(":")[1]), {"risk": "low"})
        if table.decide(question).allowed != cedar.decide(question).allowed:
            different.add(action)
    assert different <= {"admin:operators:approve"}


@pytest.mark.parametrize("role", [*ROLES, "nobody", ""])
def test_the_table_denies_what_it_does_not_name(role):
    table = RoleTable()
    principal = Principal("operator:1", Kind.OPERATOR, roles=frozenset({role}))

    def allowed(action: str) -> bool:
        return table.decide(Question(principal, action, ("AdminArea", "x"))).allowed

    assert allowed("admin:overview:read") == (role in ROLES)
    assert allowed("admin:operators:write") == (role == "admin")
    assert allowed("admin:operators:approve") == (role in {"admin", "auditor"})
    assert allowed("admin:keys:read") == (role in {"admin", "auditor"})
    assert allowed("admin:privacy:export") == (role in {"admin", "auditor", "privacy-officer"})
    assert allowed("admin:inspect:write") == (role in {"admin", "operator", "analyst"})
    assert not allowed("admin:unheard-of:read")
    assert not allowed("message:send")
    assert not table.decide(Question(principal, "admin:overview:read", ("Bot", "x"))).allowed


def test_every_action_of_a_route_is_one_that_policies_can_speak_of(house):
    for method, path in routes(house()):
        rule = rule_of(method, filled(path))
        assert rule.ground is not Ground.DECIDED or rule.action in ACTIONS, (method, path)


async def test_the_shipped_policies_decide_on_the_real_routes(house):
    it = house({**PEOPLE, "lee": ["analyst"]}, authorizer=CedarAuthorizer(book({"default.cedar": shipped()})))
    lee, ann = it.browser(), it.browser()
    await lee.sign_in("lee")
    await ann.sign_in("ann")
    assert await status(lee, "GET", "/") == 200
    answer = await lee.send_form("/account", "/account/review", operator="x")
    assert answer.status_code == 403
    answer = await ann.send_form("/account", "/account/review", operator="x")
    assert (answer.status_code, "second factor" in answer.text) == (403, True)
    await ann.send_form("/account", "/account/codes")
    await ann.send_form("/account", "/account/confirm", code="123456")
    assert (await ann.send_form("/account", "/account/review", operator="x")).status_code == 409  # nothing to review
    refused = [fields for event, fields in it.events("request:call:refused")]
    assert [(one["reason"], one["ruling"]) for one in refused] == [
        ("not-authorized", "forbidden"),
        ("step-up-needed", "step-up-required"),
    ]


def test_every_role_has_a_row_and_the_version_follows_the_table(monkeypatch):
    assert TABLE.keys() >= set(ROLES)
    before = RoleTable().version
    monkeypatch.setitem(TABLE, "read-only", (("admin:*:*", ()),))
    assert RoleTable().version != before


async def test_a_role_is_enough_or_is_not(house):
    it = house({**PEOPLE, "lee": ["analyst"]})
    for name, wanted in (("ann", 200), ("lee", 200), ("eve", 403)):
        browser = it.browser()
        await browser.sign_in(name)
        csrf = (await browser.get("/api/v1/session")).json()["csrf"]
        answer = await browser.post("/api/v1/inspect", json={"text": "hello"}, headers={"x-csrf-token": csrf})
        assert answer.status_code == wanted
        assert (await browser.get("/metrics")).status_code == 200
    refused = [fields for event, fields in it.events("request:call:refused")]
    assert [(one["reason"], one["action"]) for one in refused] == [("not-authorized", "admin:inspect:write")]
    assert str(refused[0]["principal"]).startswith("operator:")


async def test_policy_decides_in_place_of_the_table(house):
    authorizer = Counting(allow=True)
    it = house(PEOPLE, authorizer=authorizer)
    browser = it.browser(address="203.0.113.9")
    await browser.sign_in("eve")
    assert (await browser.get("/api/v1/status")).status_code == 200
    question = authorizer.asked[-1]
    assert question.principal.kind is Kind.OPERATOR
    assert question.context == {"address": "203.0.113.9"}
    authorizer.allow, authorizer.step_up = False, Assurance.STRONG
    answer = await browser.get("/api/v1/status")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "step-up-needed")


# --- who: keys, sessions, the open console


async def test_without_keys_and_operators_the_console_is_open_to_this_machine(house):
    it = house(secure=False)
    client = it.program()
    for path in ("/", "/metrics", "/api/v1/status"):
        assert await status(client, "GET", path) == 200
    assert await status(client, "POST", "/api/v1/inspect", json={"text": "hi"}) == 200
    assert await status(client, "GET", "/", headers={"host": "evil.example"}) == 421
    assert await status(client, "POST", "/api/v1/operators", json={}) == 403


async def test_with_the_first_operator_it_closes(house):
    it = house(secure=False)
    client = it.program()
    assert await status(client, "GET", "/") == 200
    ann = it.access.operators.create("ann", "correct horse battery", ["admin"])
    assert await status(client, "GET", "/") == 401
    assert (await client.get("/", headers={"accept": "text/html"})).headers["location"] == "/login?next=/"
    it.access.operators.create("bob", "correct horse battery", ["admin"])
    it.access.operators.disable(ann.id)
    assert await status(client, "GET", "/metrics") == 401


async def test_the_first_operator_made_by_another_process_closes_it_too(house, tmp_path: Path):
    it = house(secure=False)
    client = it.program()
    assert await status(client, "GET", "/") == 200
    code = (
        "import sys; from pathlib import Path; from chatward.stores.database import Database;"
        "from chatward.identity.operators import Operators; from chatward.identity.passwords import Cost, Passwords;"
        "o = Operators(Database(Path(sys.argv[1])), Passwords(Cost(8, 1)), lambda entry: None);"
        "o.create('ann', 'correct horse battery', ['admin'])"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "identity.db")]
    await asyncio.to_thread(subprocess.run, run, check=True)
    assert await status(client, "GET", "/") == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])  # noqa: S104
async def test_the_console_of_another_address_is_never_open(house, host):
    it = house(secure=False, host=host)
    assert await status(it.program(), "GET", "/") == 401
    assert await status(house(secure=True, host=host).program(), "GET", "/") == 401


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}, {"authorization": "Basic eDptYWRlLXVwLWNvbnNvbGUta2V5"}],
)
async def test_programs_use_their_keys_as_before(house, headers):
    it = house(PEOPLE, keys=["another", KEY], authorizer=Counting())
    client = it.program()
    for path in ("/", "/metrics", "/api/v1/status", "/api/v1/openapi.json"):
        assert await status(client, "GET", path, headers=headers) == 200
    assert await status(client, "POST", "/api/v1/inspect", headers=headers, json={"text": "hi"}) == 200
    assert (
        await status(
            client,
            "POST",
            "/beta/litellm_basic_guardrail_api",
            headers=headers,
            json={"texts": ["x"], "input_type": "request"},
        )
        == 200
    )
    for path in ("/api/v1/operators", "/api/v1/keys", "/account"):
        assert await status(client, "GET", path, headers=headers) in {401, 403}


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": KEY},
        {"x-api-key": ""},
        {"x-api-key": KEY[:-1]},
        {"x-api-key": KEY, "authorization": "Bearer wrong"},
    ],
)
async def test_a_key_that_is_none_opens_nothing(house, headers):
    it = house(keys=[KEY])
    answer = await it.program().get("/api/v1/status", headers=headers)
    if headers.get("x-api-key") == KEY:
        assert answer.status_code == 200  # as before: one good credential of two
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert it.events("request:call:refused")[-1][1]["reason"] == "not-authenticated"


async def test_a_key_is_no_key_where_there_are_none(house):
    assert await status(house(PEOPLE).program(), "GET", "/", headers={"x-api-key": KEY}) == 401
    assert AdminKeys([KEY]).valid(Principal("key:0", Kind.SERVICE)) is False


async def test_a_session_and_a_key_are_the_session(house):
    it = house(PEOPLE, keys=[KEY])
    browser = it.browser()
    await browser.sign_in("eve")
    for more in ({"x-api-key": KEY}, {"x-api-key": "wrong"}):
        assert await status(browser, "GET", "/api/v1/status", headers=more) == 200
        assert await status(browser, "POST", "/api/v1/inspect", headers=more, json={"text": "x"}) == 403


# --- smuggled identity


SMUGGLED = [
    {"x-forwarded-user": "ann"},
    {"x-remote-user": "ann"},
    {"remote-user": "ann"},
    {"x-forwarded-email": "ann"},
    {"x-auth-request-user": "ann"},
    {"x-forwarded-for": "127.0.0.1", "x-real-ip": "127.0.0.1"},
    {"forwarded": "for=127.0.0.1;host=localhost"},
    {"x-forwarded-host": "127.0.0.1"},
    {"x-original-url": "/login"},
    {"x-rewrite-url": "/healthz"},
    {"x-http-method-override": "GET"},
    {"cookie": "operator=ann; session=1; chatward-session=" + "x" * 43},
]


@pytest.mark.parametrize("headers", SMUGGLED)
async def test_no_header_says_who_somebody_is(house, headers):
    it = house(PEOPLE)
    assert await status(it.program(), "GET", "/api/v1/status", headers=headers) == 401
    assert await status(it.program(), "POST", "/api/v1/inspect", headers=headers, json={"text": "x"}) in {401, 403}


async def test_a_cookie_that_stands_there_twice_is_refused_everywhere(house):
    it = house(PEOPLE)
    browser = it.browser()
    await browser.sign_in()
    name, token = it.access.sessions.cookie, browser.cookies[it.access.sessions.cookie]
    for value in (
        f"{name}={token}; {name}={'x' * 43}",
        f"{name}={'x' * 43}; {name}={token}",
        f"{name}={token}; {name}={token}",
    ):
        for path in ("/api/v1/status", "/login", "/account"):
            answer = await it.program().get(path, headers={"cookie": value})
            assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "cookie-ambiguous")


async def test_two_hosts_are_none(house):
    it = house(secure=False)
    headers = [("host", "127.0.0.1:8788"), ("host", "evil.example")]
    assert await status(it.program(), "GET", "/", headers=headers) == 421


# --- what browsers are told


@pytest.mark.parametrize(
    "path", ["/login", "/account", "/", "/welcome/" + TOKEN, "/nowhere", "/healthz", "/access.css"]
)
async def test_no_page_of_another_frames_or_keeps_it(house, path):
    it = house(PEOPLE)
    browser = it.browser()
    await browser.sign_in()
    for answer in (await browser.get(path), await it.program().get(path), await it.program().post(path)):
        policy = answer.headers["content-security-policy"]
        assert answer.headers.get_list("content-security-policy") == [policy]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        # Pages have scripts of this package alone, which make no markup of text; files have none.
        scripted = path not in {"/healthz", "/access.css"}
        assert ("script-src" in policy, "script-src 'self';" in policy) == (scripted, scripted)
        assert ("require-trusted-types-for 'script'; trusted-types default" in policy) == scripted
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        kept = answer.is_success and path in FILES  # the same for everybody
        assert answer.headers.get_list("cache-control") == ["no-cache" if kept else "no-store"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert ("form-action 'self'" in policy) == scripted
        assert answer.headers["referrer-policy"] == ("same-origin" if scripted else "no-referrer")
        assert "access-control-allow-origin" not in answer.headers


async def test_without_tls_nobody_is_told_to_come_by_it(house):
    assert "strict-transport-security" not in (await house(secure=False).program().get("/login")).headers


# --- bodies


@pytest.mark.parametrize(
    ("path", "kind", "body", "wanted"),
    [
        ("/api/v1/inspect", "text/plain", b"{}", (415, "content-type")),
        ("/api/v1/inspect", "application/x-www-form-urlencoded", b"text=x", (415, "content-type")),
        ("/api/v1/inspect", "application/json", b"{", (400, "json-invalid")),
        ("/api/v1/inspect", "application/json", b'{"text":"\xff"}', (400, "json-invalid")),
        ("/api/v1/inspect", "application/json", b'"' + b"x" * 100_000 + b'"', (413, "body-too-large")),
        ("/account/password", "application/json", b"{}", (415, "content-type")),
        ("/account/password", "multipart/form-data; boundary=x", b"", (415, "content-type")),
        ("/account/password", "application/x-www-form-urlencoded", b"a=1&a=2", (400, "form-invalid")),
        ("/account/password", "application/x-www-form-urlencoded", b"a=%ff", (400, "form-invalid")),
        ("/account/password", "application/x-www-form-urlencoded", b"a=\xff", (400, "form-invalid")),
        ("/account/password", "application/x-www-form-urlencoded", MANY, (400, "form-invalid")),
    ],
)  # fmt: skip
async def test_bodies_are_json_or_forms_where_there_is_one(house, path, kind, body, wanted):
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    await browser.sign_in()
    csrf = (await browser.get("/api/v1/session")).json()["csrf"]
    answer = await browser.post(path, content=body, headers={"content-type": kind, "x-csrf-token": csrf})
    assert (answer.status_code, answer.json()["error"]["reason"]) == wanted


async def test_a_disk_that_is_full_refuses(house):
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    await browser.sign_in("eve")
    it.ledger.broken = True
    answer = await browser.post("/api/v1/operators", json={})
    assert answer.status_code == 503


# --- what was is


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/nowhere"])
async def test_disabled_is_refused_at_the_next_request(house, path):
    it = house(PEOPLE)
    browser = it.browser(accept="*/*")
    await browser.sign_in("eve")
    assert await status(browser, "GET", path) in {200, 403, 404}
    it.access.operators.disable(it.access.operators.named("eve").id)
    assert await status(browser, "GET", path) == 401


async def test_two_factors_are_needed_where_it_is_said(house):
    it = house(PEOPLE, code_needed=True)
    browser = it.browser()
    await browser.sign_in()
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    answer = await browser.get("/api/v1/status", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "second-factor-needed")
    page = await browser.get("/account")
    assert "A second factor is needed here" in page.text
    await browser.send_form("/account", "/account/codes")
    assert (await browser.send_form("/account", "/account/confirm", code="123456")).status_code == 200
    assert await status(browser, "GET", "/") == 200
