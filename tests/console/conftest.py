"""Simulators of what the console stands on: a ward, a ledger and a meter with settable behaviour."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from chatward.console.admin import admin_app
from chatward.core.errors import StoreError
from chatward.core.ports import Entry
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Unavailable, Verdict
from chatward.ledger.events import encode
from chatward.settings import Settings

SECRET_WORD = "xyzzy-plugh"


@dataclass
class SimulatedWard:
    """Blocks "attack", masks "ann@example.com", allows the rest."""

    states: list[tuple[str, str, str]] = field(
        default_factory=lambda: [("text.pii", "Personal data", "on"), ("text.injection", "Orders", "on")]
    )
    missing: tuple[Unavailable, ...] = ()
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        self.asked.append((text, role, conversation))
        ran = tuple(id for id, _, state in self.states if state == "on")
        if (start := text.find("attack")) >= 0:
            finding = Finding("text.injection/override", Category.INJECTION, Severity.HIGH, 0.9, (start, start + 6))
            decision = Decision(finding, Action.BLOCK, Treatment.BLOCK)
            return Verdict(Action.BLOCK, Action.BLOCK, finding.rule, (decision,), ran, self.missing)
        if (start := text.find("ann@example.com")) >= 0:
            finding = Finding("text.pii/email", Category.PII, Severity.MEDIUM, 0.95, (start, start + 15), 0, "EMAIL")
            decision = Decision(finding, Action.REDACT, Treatment.MASK)
            forwarded = text.replace("ann@example.com", "[email hidden]")
            return Verdict(Action.REDACT, Action.REDACT, finding.rule, (decision,), ran, self.missing, text=forwarded)
        return Verdict(ran=ran, unavailable=self.missing, text=text)

    def guards(self) -> Sequence[tuple[str, str, str]]:
        return self.states


@dataclass(frozen=True)
class StoredRecord:
    seq: int
    at: int
    event: str
    exchange: str
    fields: dict[str, object]


@dataclass
class SimulatedLedger:
    """Checks entries as the real one does, and keeps them."""

    records: list[StoredRecord] = field(default_factory=list)
    broken: bool = False

    def append(self, entry: Entry) -> Awaitable[None]:
        if self.broken:
            raise StoreError("The record cannot be written.", reason="ledger-full")
        encode(entry)
        seq = len(self.records) + 1
        at = 1_750_000_000_000_000_000 + seq * 1_000_000_000
        self.records.append(StoredRecord(seq, at, entry.event, entry.exchange, dict(entry.fields)))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def tail(self, n: int) -> Sequence[StoredRecord]:
        return self.records[-n:]


class SimulatedMeter:
    def render(self) -> str:
        return "# TYPE chatward_up gauge\nchatward_up 1\n"


@dataclass
class Plane:
    """An admin plane with its parts and a client that talks to it."""

    ward: SimulatedWard
    ledger: SimulatedLedger
    client: httpx.AsyncClient


@pytest.fixture
def plane() -> Callable[..., Plane]:
    """Builds an admin plane: ``plane(settings, keys=..., base_url=...)``."""

    def build(
        settings: Settings | None = None,
        *,
        keys: Sequence[str] = (),
        base_url: str = "http://127.0.0.1:8788",
    ) -> Plane:
        ward, ledger = SimulatedWard(), SimulatedLedger()
        settings = settings or Settings(upstream="https://user:pass@bot.example/v1?token=t")
        app = admin_app(ward, ledger, SimulatedMeter(), settings, "1.2.3", keys=keys)
        transport = httpx.ASGITransport(app=app)
        return Plane(ward, ledger, httpx.AsyncClient(transport=transport, base_url=base_url))

    return build
