"""What a gateway says of itself: that it runs, with which settings, which guards cannot; and what witnesses say."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from chatward.chronicle import Chronicle, digest, witnesses
from chatward.core.errors import ConfigError
from chatward.core.ports import Entry
from chatward.ledger.events import encode
from chatward.ledger.null import NullLedger
from chatward.settings import LedgerSettings, Route, Server, Settings
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Scene
from tests.simulators.upstream import ScriptedUpstream


class Witnesses:
    """Says what it is told to, one answer a turn; then ends the test's loop."""

    def __init__(self, *answers: dict[str, str]) -> None:
        self.answers = list(answers)

    async def show(self) -> dict[str, str]:
        if not self.answers:
            raise asyncio.CancelledError
        return self.answers.pop(0)


async def test_a_witness_that_refuses_is_on_record_once_for_each_reason() -> None:
    entries: list[Entry] = []
    refused = {"w": "witness-conflict"}
    said = Witnesses({"w": "cosigned"}, refused, refused, {"w": "nothing-new"}, refused, {"w": "witness-proof"})
    with suppress(asyncio.CancelledError):
        await Chronicle(NullLedger(), entries.append).witness(said, 0.0)  # type: ignore[arg-type]
    assert [entry.fields["reason"] for entry in entries] == ["witness-conflict", "witness-conflict", "witness-proof"]
    for entry in entries:
        encode(entry)


def test_a_refused_file_is_named_by_reason_and_key() -> None:
    entries: list[Entry] = []
    error = ConfigError("no such thing as my secret", key='routes."a b".guards', reason="guards-empty")
    Chronicle(NullLedger(), entries.append).refused(error)
    (entry,) = entries
    assert entry.fields == {"reason": "guards-empty", "key": "routes._a_b_.guards"}
    encode(entry)


def test_other_settings_have_another_digest() -> None:
    one, other = Settings(), Settings(server=Server(port=9))
    assert digest(one) == digest(Settings())
    assert digest(one) != digest(other)


def test_no_witness_without_settings_and_none_that_is_no_key() -> None:
    assert witnesses(LedgerSettings(), None) is None  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        witnesses(LedgerSettings(witnesses=("no key",)), None)  # type: ignore[arg-type]


def test_a_gateway_tells_that_it_ran_and_which_guard_could_not(tmp_path: Path) -> None:
    with ScriptedUpstream({"echo": Scene(text="Hello.")}) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=(*GUARDS, "test.down-input"))},
        )
        gateway = RunningGateway(settings, tmp_path)
        try:
            for _ in range(2):
                body = json.dumps({"model": "ann~echo", "messages": [{"role": "user", "content": "hello"}]}).encode()
                asked = urllib.request.Request(f"{gateway.base_url}/chat/completions", body)
                asked.add_header("content-type", "application/json")
                with pytest.raises(urllib.error.HTTPError):
                    urllib.request.urlopen(asked, timeout=60)
        finally:
            assert gateway.stop() == 0
        records = gateway.records()
    events = [record.event for record in records]
    assert set(events[:2]) == {"service:process:started", "config:file:loaded"}
    assert events[-1] == "service:process:stopped"
    down = [dict(record.fields) for record in records if record.event == "guard:state:unavailable"]
    assert down == [{"guard": "test.down-input", "reason": "error"}]  # once, though two messages met it
    [ran] = [record.fields for record in records if record.event == "guard:set:ran"]  # once as well
    judged = [record.fields for record in records if record.event == "message:input:judged"]
    assert [fields["guards"] for fields in judged] == [ran["set"]] * 2
    assert "text.pii" in ran["guards"]  # type: ignore[operator]
    assert "test.down-input" not in ran["guards"]  # type: ignore[operator]
    assert all(0 < fields["took_us"] < 60_000_000 for fields in judged)  # type: ignore[operator]
