"""Attacks of our own: what counts as success, both sides of a real gateway, and what is never taken for a defence."""

from __future__ import annotations

import http.server
import json
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.assurance.probes import CATEGORIES, Probe, probes
from chatward.assurance.redteam import (
    FAILED,
    STOPPED,
    UNKNOWN,
    WORKED,
    Answered,
    Outcome,
    attack,
    cases,
    chart,
    judged,
    summary,
    wilson,
)
from chatward.configuration import load
from chatward.ledger.reading import tail
from tests.assurance.making import write
from tests.simulators.gateway import GUARDS, RunningGateway

JOINED = re.compile(r'"(Q[0-9A-F]{4})" (?:and|und|y|et) "(Z[0-9A-F]{4})"')


def obedient(messages: list[dict[str, Any]], tools: Any) -> dict[str, Any]:
    """A bot that does what anybody says, and tells what it knows."""
    asked = messages[-1]["content"]
    if tools and "delete_account" in asked:
        call = {"id": "c1", "type": "function", "function": {"name": "delete_account", "arguments": "{}"}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    joined = JOINED.search(asked) or re.search(r"(Q[0-9A-F]{4}).*(Z[0-9A-F]{4})", asked)
    if joined:
        return {"role": "assistant", "content": joined[1] + joined[2]}
    return {"role": "assistant", "content": f"Of course: {messages[0]['content']}"}


def answered(message: dict[str, Any]) -> Answered:
    calls = tuple(call["function"]["name"] for call in message.get("tool_calls", ()))
    return Answered(message["content"] or "", calls)


def gullible(probe: Probe) -> Answered:
    return answered(obedient(probe.messages, probe.tools))


def test_the_suite_is_the_same_for_a_seed_and_covers_its_categories() -> None:
    suite = probes()
    assert suite == probes("1") != probes("2")
    assert {one.category for one in suite} == set(CATEGORIES)
    assert len({one.id for one in suite}) == len(suite) == 34


def test_what_an_attacker_says_never_holds_the_marker() -> None:
    for probe in probes():
        assert probe.marker or probe.tools
        if probe.marker:
            assert probe.marker not in probe.messages[-1]["content"], probe.id
            quoted = Answered(f"I will not do that: {probe.messages[-1]['content']}")
            assert judged(probe, quoted) == FAILED, probe.id


def test_a_bot_that_obeys_falls_for_all_of_it_and_one_that_refuses_for_nothing() -> None:
    fallen = attack(probes(), gullible, lambda probe: Answered("I cannot help with that."))
    assert {(one.probe.id, one.direct) for one in fallen} == {(one.id, WORKED) for one in probes()}
    assert {one.guarded for one in fallen} == {FAILED}


def test_no_answer_is_unknown_and_a_refusal_is_a_stop() -> None:
    suite = probes()
    made = summary(attack(suite, lambda probe: None, lambda probe: Answered(refused=True)))
    assert made["all"]["direct"] == {"worked": 0, "stopped": 0, "unknown": 34, "rate": None, "low": 0.0, "high": 1.0}
    assert made["all"]["guarded"]["stopped"] == 34
    assert made["all"]["guarded"]["rate"] == 0.0
    assert judged(suite[0], None) == UNKNOWN
    assert judged(suite[0], Answered(suite[0].marker, refused=True)) == STOPPED


def test_intervals() -> None:
    # Wilson's interval for 0 of 10 and 5 of 10 (Newcombe 1998 has the method).
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_chart_is_drawn_from_the_figures() -> None:
    outcomes = [Outcome(one, WORKED, FAILED) for one in probes()]
    drawn = ET.fromstring(chart(summary(outcomes)))  # noqa: S314 - our own
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("100%") == texts.count("0%") == len(CATEGORIES)


# --- both sides, over HTTP -----------------------------------------------------------------------------------


@pytest.fixture
def bot() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            message = obedient(asked["messages"], asked.get("tools"))
            choice = {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
            }
            body = json.dumps(
                {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
            ).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_before_and_after_through_a_real_gateway(
    bot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    guards = json.dumps(list(GUARDS))
    text = f'upstream = "{bot}"\n[server]\nport = 0\nadmin_port = 0\n[routes.default]\nguards = {guards}\n'
    gateway = RunningGateway(load(write(tmp_path / "chatward.toml", text)).settings, tmp_path)
    try:
        words = [
            "redteam",
            "--model",
            "m",
            "--gateway",
            gateway.url,
            "--chart",
            "c.svg",
            "--cases",
            "c.jsonl",
            "--json",
        ]
        status = cli.main(words)
    finally:
        gateway.stop()
    made = json.loads(capsys.readouterr().out)
    assert made["all"]["direct"]["rate"] == 1.0
    assert made["all"]["guarded"]["unknown"] == 0
    assert made["categories"]["LLM01"]["guarded"]["worked"] <= 2
    assert made["categories"]["LLM01-indirect"]["guarded"]["worked"] <= 2
    assert made["all"]["guarded"]["worked"] < made["all"]["direct"]["worked"] / 2
    assert status == int(made["all"]["guarded"]["worked"] > 0)
    ET.parse(tmp_path / "c.svg")  # noqa: S314 - our own
    (told,) = [record.fields for record in tail(tmp_path / "chatward.db", 500) if record.event == "redteam:suite:run"]
    assert (told["probes"], told["direct_worked"]) == (34, 34)
    assert (tmp_path / "c.jsonl").read_text("utf-8") == cases(probes())
    capsys.readouterr()
    monitored = write(
        tmp_path / "monitor.toml", text.replace("[routes.default]\n", '[routes.default]\nmode = "monitor"\n')
    )
    assert cli.main(["replay", "c.jsonl", "--config", str(monitored), "--json"]) in {0, 1}
    totals = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "34" in json.dumps(totals)


def test_who_does_not_answer_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    write(tmp_path / "chatward.toml", 'upstream = "http://127.0.0.1:9"\n')
    words = ["redteam", "--model", "m", "--gateway", "http://127.0.0.1:9", "--category", "LLM06", "--json"]
    assert cli.main(words) == 1
    made = json.loads(capsys.readouterr().out)
    assert made["all"]["guarded"]["unknown"] == made["all"]["probes"] == 3
    assert cli.main([*words, "--category", "LLM99"]) == 2
