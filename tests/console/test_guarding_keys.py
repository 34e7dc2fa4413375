"""The admin plane's door before there are operators: keys, names, bodies and headers."""

from __future__ import annotations

import base64

import pytest

from chatward.settings import Server, Settings

KEY = "made-up-" + "console-key"
PATHS = ["/", "/metrics", "/api/v1/status", "/api/v1/openapi.json", "/nowhere"]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer "},
        {"authorization": KEY},
        {"authorization": "Basic not base64!"},
        {"authorization": basic(KEY, "")},
        {"x-api-key": KEY[:-1]},
        {"x-api-key": ""},
    ],
)
async def test_where_there_are_keys_one_is_needed(plane, path, headers):
    answer = await plane(keys=[KEY]).client.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.json()["error"]["reason"] == "not-authenticated"


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": basic("any", KEY)}, {"x-api-key": KEY}]
)
async def test_a_key_opens(plane, headers):
    it = plane(keys=["another", KEY], base_url="https://console.example")
    assert (await it.client.get("/api/v1/status", headers=headers)).status_code == 200


async def test_health_needs_no_key_and_no_name(plane):
    assert (await plane(keys=[KEY]).client.get("/healthz")).json() == {"status": "ok"}
    assert (await plane(base_url="http://10.0.0.7").client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8788", "localhost:8788", "localhost", "LOCALHOST", "[::1]:8788", "[::1]"],
)
async def test_without_keys_this_machine_is_answered(plane, host):
    assert (await plane().client.get("/api/v1/status", headers={"host": host})).status_code == 200


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8788",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:80@127.0.0.1",
    "",
    "[::1",
    "2130706433",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
async def test_without_keys_other_names_are_not(plane, host):
    answer = await plane().client.get("/api/v1/status", headers={"host": host})
    assert answer.status_code == 421


async def test_the_name_it_is_bound_to_is_answered(plane):
    it = plane(Settings(upstream="https://bot.example", server=Server(admin_host="127.8.8.8")))
    assert (await it.client.get("/", headers={"host": "127.8.8.8:1"})).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_what_a_foreign_form_can_send_is_refused(plane, kind):
    it = plane()
    answer = await it.client.post("/api/v1/inspect", content=b'{"text": "a"}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert it.ward.asked == []


async def test_a_preflight_gets_no_leave(plane):
    answer = await plane().client.options(
        "/api/v1/inspect",
        headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
    )
    assert "access-control-allow-origin" not in answer.headers
    assert answer.status_code >= 400


@pytest.mark.parametrize("path", [*PATHS, "/healthz"])
async def test_every_answer_is_locked_down(plane, path):
    for it in (plane(), plane(keys=[KEY])):
        headers = (await it.client.get(path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        page = not path.startswith(("/api", "/beta", "/scim", "/metrics", "/healthz")) and "." not in path
        assert ("script-src 'self';" in policy) == page  # programs' answers run nothing at all
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
