"""A made-up installation with vendors, bots with a vulnerable part, reports and attacks: for tests and screenshots."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatward.assurance.domains import Seen
from chatward.assurance.opening import opened_advisories, owner_of, scanned
from chatward.assurance.probes import Probe, probes
from chatward.assurance.published import Looking
from chatward.assurance.questionnaire import Answer, questionnaire
from chatward.assurance.redteam import Answered, attack, summary
from chatward.assurance.reports import report
from chatward.assurance.tasks import DAY
from chatward.console.assuring import Assuring
from chatward.core.ports import Entry
from chatward.core.values import Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.settings import Bot, LedgerSettings, Route, Settings
from chatward.settings.assurance import Assurance, AssuredBot, Vendor
from chatward.settings.rules import complete
from tests.assurance.making import advisory

NOW = 1_790_000_000.0
"""2026-09-21."""
BILL = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"type": "library", "name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}"}
        for name, version in (("leaky-bot", "2.0.0"), ("calm-bot", "1.4.2"))
    ],
}
OUTSIDE = (
    Seen("tls", "ok", "TLSv1.3, TLS_AES_256_GCM_SHA384"),
    Seen("certificate", "ok", "ends in 61 days"),
    Seen("headers", "failed", "missing: content-security-policy"),
    Seen("dnssec", "unknown", "nobody to ask"),
    Seen("status", "ok", "2 incidents in 90 days, 0 of them major or critical; 0 open"),
)


class Clock:
    """Seconds since 1970 UTC, by hand."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def settings(folder: Path, **more: Any) -> Settings:
    vendors = {
        "models": Vendor(
            name="Models Example GmbH",
            bots=("default",),
            domain="models.example",
            owner="ann",
            data=("public", "personal"),
            regions=("DE", "FR"),
            subprocessors=("Hosting Example AG",),
            dpa="contracts/models-dpa.pdf",
            dpa_until="2027-03-31",
            certificates={"iso27001": "2026-12-31", "soc2": "2027-02-28"},
            required=("iso27001",),
            review_until="2027-06-30",
            least_score=60,
        ),
        "weather": Vendor(name="Weather Example Ltd", bots=("tools",), owner="bob", least_score=50),
        "feeds": Vendor(kind="feed", owner="ann", review_until="2026-12-31"),
    }
    given: dict[str, Any] = {
        "bots": {
            "default": Bot(upstream="https://models.example/v1"),
            "tools": Bot(upstream="https://tools.example/v1"),
        },
        "routes": {"default": Route(), "weather": Route(bot="tools", models=("weather-*",))},
        "ledger": LedgerSettings(path=str(folder / "ledger.db")),
        "vendors": vendors,
        "assurance": Assurance(owner="platform team", quarantine=True, bots={"default": AssuredBot(owner="shop team")}),
    }
    return complete(Settings(**(given | more)))


def assured(
    folder: Path, made: Settings | None = None, clock: Callable[[], float] | None = None
) -> Callable[[Callable[[Entry], None]], Assuring]:
    """For ``house(assuring=...)``: nothing has happened yet."""

    def looking(wanted: Settings, now: float) -> Looking:
        return Looking(wanted, now, fetch=None, domain=lambda *_, **__: list(OUTSIDE))

    def build(record: Callable[[Entry], None]) -> Assuring:
        wanted = made or settings(folder)
        return Assuring(
            wanted, record, folder / "chatward-assurance.db", lambda text, role: Verdict(), clock=clock or Clock(),
            looking=looking,
        )  # fmt: skip

    return build


def filled(it: Assuring, folder: Path) -> Assuring:
    """A year of it."""
    clock = it.clock
    assert isinstance(clock, Clock)
    questions = questionnaire().questions
    owner, due = it.settings.vendors["models"].owner, it.settings.assurance.due
    yes = {one.id: Answer("yes") for one in questions}
    clock.now = NOW - 200 * DAY
    it.assessments.add("models", {one.id: Answer("yes" if one.weight < 3 else "partly") for one in questions}, "file")
    it.assessments.keep_looks("models", [Seen("tls", "failed", "the handshake fails"), *OUTSIDE[1:]])
    it.assessments.settle("models", due, owner)
    clock.now = NOW - 20 * DAY
    answers = {**yes, "access-1": Answer("partly", "operators yes, support not yet"), "cont-1": Answer("no")}
    it.assessments.add("models", answers, "link")
    it.assessments.attach("models", "gov-2", "soc2-report.pdf", b"%PDF-1.7")
    it.assessments.keep_looks("models", OUTSIDE)
    it.assessments.settle("models", due, owner)
    file = folder / "advisory.json"
    file.write_text(json.dumps(advisory(modified="2026-09-20T00:00:00Z")), "utf-8")
    with opened_advisories(it.settings) as advisories:
        advisories.take([file], now=NOW)
    clock.now = NOW - 40 * DAY
    it.uploads.add("default", "shop-bot.cdx.json", json.dumps(BILL).encode())
    attack_on(it)
    for target in ("default", "tools"):
        with opened_advisories(it.settings) as advisories:
            [made] = scanned(it.settings, [target], advisories, NOW)
        it.tasks.settle(made, due, owner_of(it.settings, target))
    clock.now = NOW
    attack_on(it, worked=("LLM01", "LLM07"))
    return it


def blocking(text: str, role: str) -> Verdict:
    """Guards that stop everything."""
    finding = Finding("text.injection/override", Category.INJECTION, Severity.HIGH, 0.9, (0, 6))
    return Verdict(
        Action.BLOCK, Action.BLOCK, finding.rule, (Decision(finding, Action.BLOCK, Treatment.BLOCK),), (), ()
    )


def reported(it: Assuring) -> None:
    """Guards that work, and a report that says so."""
    it.check = blocking
    it.reports.keep(report("owasp", it.settings, blocking), "", "operator:ann")


def attack_on(it: Assuring, worked: tuple[str, ...] = ("LLM01", "LLM02", "LLM07")) -> None:
    """A bot that falls for many probes, and for a few of some categories through the gateway."""

    def direct(probe: Probe) -> Answered | None:
        return Answered(probe.marker if probe.id[-1] in "aeinrst" else "No.", ("delete_account",))

    def guarded(probe: Probe) -> Answered | None:
        if probe.category in worked and probe.id[-1] in "en":
            return Answered(probe.marker)
        return Answered(refused=True) if probe.id[-1] in "arst" else Answered("No.")

    made = summary(attack(probes(), direct, guarded))
    it.runs.keep({"bot": "default", "model": "small-model", "seed": "1", **made})
