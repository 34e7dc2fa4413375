"""Every page and call by every role, made from the routes; and hostile words through everything that pages show."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from chatward.console.admin_rules import SAFE, Ground, RoleTable, rule_of
from chatward.console.statics import FILES
from chatward.core.identity import Kind, Principal, Question
from chatward.identity.operators import ROLES
from chatward.settings import Settings
from tests.console.conftest import GOOD, exchange, shipped_policies
from tests.console.peopled import unusual
from tests.console.test_guarding import filled, routes

PAGES = (
    "/", "/live", "/messages", "/findings", "/alerts", "/policy", "/bots", "/feeds", "/ledger", "/health", "/search",
    "/privacy", "/tools", "/traffic", "/people", "/tenants", "/keys", "/operators", "/start",
    "/vendors", "/patches", "/controls", "/reports", "/redteam",
    "/help", "/help/console",
)  # fmt: skip


def everything(it) -> list[tuple[str, str]]:
    return sorted((method, path) for method, path in routes(it) if method != "HEAD")


async def test_every_route_by_every_role(house, watch):
    """Who may not by policy is refused, who may is not: none unlisted. Nothing is changed by it: forms are empty."""
    it = house({role: [role] for role in ROLES}, watching=watch(), authorizer=shipped_policies())
    table = RoleTable()
    found = [
        (method, path) for method, path in everything(it) if rule_of(method, filled(path)).ground is Ground.DECIDED
    ]
    assert {path for _, path in found} > {
        *(path for path in PAGES if path != "/help/console"),
        "/findings/judge",
        "/policy/apply",
        "/messages/{id}",
        "/live/feed",
    }
    for role in ROLES:
        browser = it.browser()
        await browser.sign_in(role, GOOD)
        csrf = (await browser.get("/api/v1/session")).json()["csrf"]
        reached: list[str] = []

        async def app(scope, receive, send, reached=reached):
            reached.append(scope["path"])
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        inner, it.app._app = it.app._app, app
        for method, path in found:
            at = filled(path)
            action = rule_of(method, at).action
            somebody = Principal("operator:x", Kind.OPERATOR, roles=frozenset({role}))
            may = table.decide(Question(somebody, action, ("AdminArea", action.split(":")[1]))).allowed
            if action == "admin:operators:approve":
                continue  # policies know here who is meant (tests/console/test_guarding.py)
            reached.clear()
            form = method == "POST" and not path.startswith(("/api", "/beta"))
            kind = "application/x-www-form-urlencoded" if form else "application/json"
            body = f"csrf={csrf}".encode() if form else b"" if method in SAFE else b"{}"
            headers = {"x-csrf-token": csrf, "content-type": kind, "accept": "*/*"}
            answer = await browser.request(method, at, headers=headers, content=body)
            if may and not reached:  # allowed, once one has proven more
                assert answer.json()["error"]["reason"] == "step-up-needed", (role, method, path)
                continue
            assert bool(reached) == may, (role, method, path)
        it.app._app = inner


LOADED = {f"{'img' if path == '/icon.svg' else 'script'} {path}" for path in FILES}
"""What a page may load."""


class Marked(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in {"script", "img", "iframe", "object", "embed", "base", "style"}:
            self.scripts.append(f"{tag} {given.get('src', '')}")
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]
        self.targets += [given[name] or "" for name in ("href", "action", "formaction", "src") if name in given]


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{7*7}}{% include 'x' %}",
    "\u202egnp.exe\u202c",
    "Z\u0351\u036b\u0343a\u0343l\u0344go",
    "\u0000\u0007\u001b[31m",
    "</textarea><script>alert(1)</script>",
)


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_words_stay_words_on_every_page(house, watch, tmp_path, word):
    """Through a conversation's text and roles, saved views, search, filters, headers, and the names in settings."""

    class Talk:
        def of_exchange(self, subject, exchange, at):
            return "default", "c"

        def read(self, tenant, id_, **_):
            part = SimpleNamespace(text=word * 3 + " [x hidden]" + "a" * 1_000_000)
            return [
                SimpleNamespace(
                    number=1, at=1.0, role=word, gone=False, exchange="x", hidden={word: 1}, parts=[part], masked=True
                )
            ]

    file = tmp_path / "chatward.toml"
    file.write_text('upstream = "https://bot.example/v1"\n')
    odd = Settings(behaviour=unusual(tmp_path / "behaviour.db", word))
    it = house({"ann": ["admin"]}, watching=watch(conversations=Talk(), file=file, settings=lambda: odd))
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    id_ = exchange(5)[0][1]
    await browser.send_form("/messages", "/views/save", page="/messages", query="", name=word)
    tried = await browser.send_form("/policy", "/policy/try", text=f"# {word}\nupstream = 7")
    answers = [tried] + [await browser.get(path) for path in (*PAGES, f"/messages/{id_}")]
    answers.append(await browser.get("/search", params={"q": word}))
    answers.append(await browser.get("/messages", params={"rule": word, "since": word, word: word}))
    answers.append(await browser.get("/findings", params={"principal": word}, headers={"accept-language": "de"}))
    answers.append(await browser.get(f"/messages/{quote(word, safe='')}"))
    for answer in answers:
        if not answer.headers["content-type"].startswith("text/html"):
            assert answer.headers["content-type"].startswith("application/json")
            continue
        page = Marked()
        page.feed(answer.text)
        assert set(page.scripts) <= LOADED, answer.url
        assert page.handlers == []
        assert not [one for one in page.targets if not one.startswith(("/", "#")) or one.startswith("//")]
        shown = unescape(answer.text)
        assert "\u202e" not in re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", shown, flags=re.S), answer.url
        assert "49" not in re.findall(r"\{\{7\*7\}\}|>49<", shown)


async def test_no_page_loads_anything_from_elsewhere(house, watch):
    it = house({"ann": ["admin"]}, watching=watch())
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    files = [await browser.get(path, headers={"accept-encoding": "gzip"}) for path in FILES]
    size = sum(int(file.headers["content-length"]) for file in files)
    for path in PAGES:
        page = await browser.get(path)
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', page.text)
        assert "<style" not in page.text
        assert " style=" not in page.text
        if path in {"/", "/live"}:
            assert size + len(page.content) < 150_000, path


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/messages", "admin:ledger:read"),
        ("GET", "/messages.csv", "admin:ledger:read"),
        ("GET", "/messages/x", "admin:ledger:read"),
        ("GET", "/api/v1/messages", "admin:ledger:read"),
        ("POST", "/messages/reveal", "admin:ledger:export"),
        ("GET", "/live", "admin:ledger:read"),
        ("GET", "/live/feed", "admin:ledger:read"),
        ("POST", "/ledger/verify", "admin:ledger:read"),
        ("GET", "/findings.csv", "admin:findings:read"),
        ("POST", "/findings/judge", "admin:findings:write"),
        ("POST", "/findings/keep", "admin:findings:write"),
        ("POST", "/api/v1/findings/verdicts", "admin:findings:write"),
        ("GET", "/policy", "admin:policy:read"),
        ("POST", "/policy/try", "admin:policy:read"),
        ("POST", "/policy/apply", "admin:policy:write"),
        ("POST", "/policy/back", "admin:policy:write"),
        ("GET", "/privacy", "admin:privacy:read"),
        ("GET", "/feeds", "admin:intel:read"),
        ("GET", "/alerts", "admin:alerts:read"),
        ("GET", "/bots", "admin:bots:read"),
        ("GET", "/health", "admin:overview:read"),
        ("GET", "/tools", "admin:bots:read"),
        ("POST", "/tools/accept", "admin:bots:write"),
        ("GET", "/traffic", "admin:ledger:read"),
        ("GET", "/people", "admin:sessions:read"),
        ("POST", "/people/end", "admin:sessions:write"),
        ("POST", "/api/v1/sessions/end", "admin:sessions:write"),
        ("GET", "/tenants", "admin:sessions:read"),
        ("GET", "/search", "admin:overview:read"),
        ("GET", "/vendors/models", "admin:vendors:read"),
        ("GET", "/vendors/models/evidence/1", "admin:vendors:export"),
        ("POST", "/vendors/attach", "admin:vendors:write"),
        ("GET", "/patches", "admin:patches:read"),
        ("POST", "/patches/upload", "admin:patches:write"),
        ("GET", "/controls", "admin:reports:read"),
        ("GET", "/reports/1/html", "admin:reports:read"),
        ("POST", "/reports/make", "admin:reports:write"),
        ("POST", "/reports/verify", "admin:reports:read"),
        ("GET", "/redteam", "admin:redteam:read"),
    ],
)
def test_what_is_needed_for_each_page(method, path, action):
    assert rule_of(method, path).action == action


async def test_an_open_console_and_programs_see_no_messages(house, watch):
    """Before the first operator, who is on this machine sees how things are, and nobody's messages."""
    it = house(secure=False, watching=watch())
    browser = it.browser()
    assert (await browser.get("/")).status_code == 200
    for path in ("/messages", "/messages.csv", "/findings", "/live/feed", "/policy", "/ledger", "/api/v1/messages"):
        assert (await browser.get(path)).status_code == 403, path
