"""The admin plane answers, records what it was asked, and shows no text that anybody wrote."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from chatward.core.values import Unavailable
from chatward.settings import Route, Server, Settings

TEXT = "write to ann@example.com today"


async def test_inspect_answers_as_scan_does(plane):
    it = plane()
    answer = await it.client.post(
        "/api/v1/inspect", json={"text": TEXT, "role": "assistant", "conversation": "c1", "id": "7"}
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "id": "7",
        "action": "redact",
        "text": "write to [email hidden] today",
        "findings": [
            {
                "rule": "text.pii/email",
                "category": "pii",
                "severity": "medium",
                "confidence": 0.95,
                "span": [9, 24],
            }
        ],
        "guards": {"ran": ["text.pii", "text.injection"], "unavailable": []},
    }
    assert it.ward.asked == [(TEXT, "assistant", "c1")]


async def test_inspect_says_which_guard_could_not_run(plane):
    it = plane()
    it.ward.missing = (Unavailable("text.links", "not-loaded"),)
    answer = await it.client.post("/api/v1/inspect", json={"text": "hello"})
    assert answer.json()["guards"]["unavailable"] == ["text.links"]
    assert it.ledger.records[0].fields["unavailable"] == ["text.links"]


async def test_a_verdict_is_recorded_by_rules_and_without_its_text(plane):
    it = plane()
    await it.client.post("/api/v1/inspect", json={"text": TEXT})
    [record] = it.ledger.records
    assert record.event == "inspection:text:judged"
    assert record.fields["action"] == "redact"
    assert record.fields["rules"] == ["text.pii/email"]
    assert "ann" not in json.dumps(record.fields)


@pytest.mark.parametrize("path", ["/api/v1/inspect", "/beta/litellm_basic_guardrail_api"])
async def test_no_answer_without_a_record(plane, path):
    it = plane()
    it.ledger.broken = True
    body = {"text": TEXT} if "inspect" in path else {"input_type": "request", "texts": [TEXT]}
    answer = await it.client.post(path, json=body)
    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "ledger-full"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": 7},
        {"text": "a", "role": "root"},
        {"text": "a", "more": "ann@example.com"},
        {"text": "a", "id": "ann@example.com" * 20},
        [],
    ],
)
async def test_bad_bodies_are_named_and_not_quoted(plane, body):
    answer = await plane().client.post("/api/v1/inspect", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["reason"] == "field-invalid"
    assert "ann@" not in answer.text


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"text": "\\ud800"}', b'{"text": NaN}', b"[" * 100_000])
async def test_bodies_that_are_not_json_get_an_answer(plane, raw):
    answer = await plane().client.post("/api/v1/inspect", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


async def test_status_shows_faults_modes_and_no_credentials(plane):
    settings = Settings(
        upstream="https://user:pass@bot.example/v1?token=t", routes={"quiet": Route(mode="monitor", models=("a*",))}
    )
    it = plane(settings)
    it.ward.states[1] = ("text.injection", "Orders", "not-loaded")
    status = (await it.client.get("/api/v1/status")).json()
    assert status["ok"] is False
    assert status["version"] == "1.2.3"
    assert {"id": "text.injection", "summary": "Orders", "state": "not-loaded", "fault": True} in status["guards"]
    assert status["routes"][0]["mode"] == "monitor"
    assert status["bots"] == [{"name": "default", "upstream": "https://bot.example/v1"}]


async def test_the_console_names_guards_that_cannot_run(plane):
    it = plane()
    page = (await it.client.get("/")).text
    assert "All 2 guards are running" in page
    it.ward.states[0] = ("text.pii", "Personal data", "error")
    page = (await it.client.get("/")).text
    assert "1 of 2 guards cannot run" in page


async def test_what_is_switched_off_is_no_fault_unless_all_is(plane):
    it = plane()
    it.ward.states[0] = ("text.pii", "Personal data", "off on quiet")
    assert (await it.client.get("/api/v1/status")).json()["ok"] is True
    assert "1 of 2 guards is running on all routes" in (await it.client.get("/")).text
    it.ward.states[:] = [(id, summary, "off") for id, summary, _ in it.ward.states]
    assert (await it.client.get("/api/v1/status")).json()["ok"] is False
    assert "No guard is running" in (await it.client.get("/")).text


async def test_the_console_shows_rules_and_escapes_what_it_shows(plane):
    it = plane()
    it.ward.states.append(("text.x", "<script>alert(1)</script>", "on"))
    await it.client.post("/api/v1/inspect", json={"text": "attack"})
    page = (await it.client.get("/")).text
    assert "text.injection/override" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


async def test_the_console_works_before_anything_was_judged(plane):
    assert "Nothing was judged yet" in (await plane().client.get("/")).text


async def test_metrics_are_prometheus_text(plane):
    answer = await plane().client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "chatward_up 1" in answer.text


async def test_openapi_describes_the_calls_and_needs_nobody_else(plane):
    document = (await plane().client.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/inspect", "/api/v1/status", "/beta/litellm_basic_guardrail_api", "/metrics"} <= set(
        document["paths"]
    )
    for path in ("/docs", "/redoc"):  # their pages would load scripts from elsewhere
        answer = await plane().client.get(path)
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "not-authorized")


async def test_a_body_above_the_limit_is_refused(plane):
    it = plane(Settings(upstream="https://bot.example", server=Server(max_body=1000)))
    assert (await it.client.post("/api/v1/inspect", json={"text": "a" * 900})).status_code == 200
    answer = await it.client.post("/api/v1/inspect", json={"text": "a" * 1001})
    assert answer.status_code == 413
    assert answer.json()["error"]["reason"] == "body-too-large"


def test_only_the_admin_module_brings_fastapi():
    program = "import sys, chatward.console.chat, chatward.commands.demo; print('fastapi' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
