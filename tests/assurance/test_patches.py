"""From a vulnerable environment to a bot that is shut, by the commands and a running gateway, and back."""

from __future__ import annotations

import json
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from chatward import cli
from chatward.assurance.gates import figures, opened_gates
from chatward.assurance.inventory import of_document
from chatward.commands.checkup import Check, _patches
from chatward.configuration import load
from chatward.settings import Settings
from chatward.stores.database import Database
from chatward.stores.tool_pins import ToolPins, pins_file
from tests.assurance.making import advisory, environment, write
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Scene
from tests.simulators.upstream import ScriptedUpstream

TODAY = datetime.now(UTC).date().isoformat()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    return tmp_path


def configured(folder: Path, upstream: str = "http://127.0.0.1:9") -> Settings:
    """A bot made of one vulnerable package, which is due at once."""
    environment(folder / "venv", leaky_bot="2.0.0", fine="1.0")
    guards = json.dumps(list(GUARDS))
    write(
        folder / "chatward.toml",
        f'upstream = "{upstream}"\n[server]\nport = 0\nadmin_port = 0\n[routes.default]\nguards = {guards}\n'
        '[assurance]\nquarantine = true\nowner = "ann"\n[assurance.due]\ncritical = 0\n'
        '[assurance.bots.default]\ninventory = ["venv"]\n',
    )
    return load(folder / "chatward.toml").settings


def run(captured: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    status = cli.main(["patches", *words, "--json"])
    return status, json.loads(captured.readouterr().out)


def examined(settings: Settings) -> Check:
    (found,) = _patches(settings, datetime.now(UTC).timestamp())
    return found


def test_nothing_is_known_before_advisories_come_and_after_they_are_old(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = configured(here)
    status, told = run(capsys, "scan", "--of", "default")
    assert status == 1
    assert not told["targets"][0]["findings"]
    assert "no advisories" in told["targets"][0]["unknown"][0]
    assert examined(settings).state == "unknown"
    status, told = run(capsys, "status")
    assert (status, told["ok"], told["feeds"]) == (1, False, [])
    write(here / "osv/a.json", advisory())
    assert run(capsys, "import", "osv", "--as-of", "2020-01-01")[0] == 0
    status, told = run(capsys, "status")
    assert (status, told["feeds"][0]["stale"]) == (1, True)
    assert examined(settings).state == "unknown"
    assert figures(settings)["chatward_advisories_age_seconds"]["PyPI"] > 1e8


def test_lists_and_models_have_an_age_and_an_old_list_makes_the_doctor_doubt(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = configured(here)
    assert figures(settings)["chatward_list_age_seconds"] == {}
    with (here / "chatward.toml").open("a", encoding="utf-8") as file:
        file.write('[assurance]\nexploited = "kev.json"\nlikely = "epss.csv"\nends = "ends.json"\n')
    text = (here / "chatward.toml").read_text("utf-8").replace('[assurance]\nquarantine = true\nowner = "ann"\n', "", 1)
    settings = load(write(here / "chatward.toml", text)).settings
    write(here / "osv/a.json", advisory())
    run(capsys, "import", "osv", "--as-of", TODAY)
    write(here / "kev.json", {"dateReleased": f"{TODAY}T00:00:00Z", "vulnerabilities": []})
    write(here / "ends.json", "{}")
    ages = figures(settings)["chatward_list_age_seconds"]
    assert 0 <= ages["exploited"] < 2 * 86_400
    assert 0 <= ages["ends"] < 600
    assert math.isnan(ages["likely"])
    assert "likely" in examined(settings).sentence
    write(
        here / "epss.csv", "#model_version:v1,score_date:2020-01-01T00:00:00+0000\ncve,epss,percentile\nCVE-1,0.1,0.1\n"
    )
    assert figures(settings)["chatward_list_age_seconds"]["likely"] > 1e8
    found = examined(settings)
    assert (found.state, "old: likely" in found.sentence) == ("unknown", True)
    models = figures(settings)["chatward_model_age_seconds"]
    assert {"encoder.onnx", "tier1.npz", "urls.npz"} <= models.keys()
    assert all(age > 0 for age in models.values())


def test_a_bot_without_an_inventory_is_unknown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(here)
    shutil.rmtree(here / "venv")
    run(capsys, "import", str(write(here / "a.json", advisory())), "--as-of", TODAY)
    status, told = run(capsys, "scan", "--of", "default")
    assert status == 1
    assert told["targets"][0]["unknown"]


def test_bills_of_materials(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = configured(here)
    status, told = run(capsys, "sbom", "--of", "default")
    assert status == 0
    assert [part["purl"] for part in told["components"]] == ["pkg:pypi/fine@1.0", "pkg:pypi/leaky-bot@2.0.0"]
    assert run(capsys, "sbom", "--of", "nobody")[0] == 2
    pins = ToolPins(Database(pins_file(settings.ledger.path)), {"office": "accepted"})
    pins.admits("office", "send", "a" * 64)
    assert pins.accept("office")
    pins.admits("office", "send", "b" * 64)
    status, told = run(capsys, "sbom")
    (tool,) = [part for part in told["components"] if part["type"] == "data"]
    assert (tool["group"], tool["name"], tool["hashes"][0]["content"]) == ("office", "send", "a" * 64)
    assert tool["description"].endswith("tool-changed")
    assert not of_document(told).unread
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(told)) is None


def test_without_quarantine_nothing_stands_in_the_way(here: Path) -> None:
    assert opened_gates(Settings()) is None


def test_a_vulnerable_bot_is_found_becomes_a_task_is_shut_and_opened(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedUpstream({"plain": Scene("Good morning.")}) as upstream:
        settings = configured(here, upstream.url)
        gateway = RunningGateway(settings, here)
        try:
            chat = f"{gateway.base_url}/chat/completions"
            asked = {"model": "bot~plain", "messages": [{"role": "user", "content": "Hello"}]}
            assert httpx.post(chat, json=asked).status_code == 200
            assert run(capsys, "import", str(write(here / "a.json", advisory())), "--as-of", TODAY)[0] == 0
            status, told = run(capsys, "scan", "--of", "default")
            assert status == 1
            assert [one["id"] for one in told["targets"][0]["findings"]] == ["CVE-2026-0001"]
            (task,) = run(capsys, "list")[1]["tasks"]
            assert (task["state"], task["owner"], task["component"]) == ("late", "ann", "leaky-bot 2.0.0")
            refused = httpx.post(chat, json=asked)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "bot-quarantined")
            other = {"model": "bot~plain", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
            refused = httpx.post(f"{gateway.base_url}/messages", json=other)
            assert refused.json()["type"] == "error"
            assert "chatward_patch_tasks_late" in (metrics := httpx.get(f"{gateway.admin_url}/metrics").text)
            assert 'chatward_patch_tasks_late{target="default"} 1' in metrics
            accepted = [
                "accept",
                str(task["id"]),
                "--owner",
                "ben",
                "--until",
                "2999-01-01",
                "--reason",
                "nobody gets there",
            ]
            assert run(capsys, *accepted)[0] == 0
            assert httpx.post(chat, json=asked).status_code == 200
            shutil.rmtree(here / "venv")
            environment(here / "venv", leaky_bot="2.0.1", fine="1.0")
            assert run(capsys, "scan", "--of", "default")[0] == 0
            assert run(capsys, "list")[1]["tasks"] == []
            reasons = [record.fields.get("reason") for record in gateway.records() if "refused" in record.event]
            assert reasons == ["bot-quarantined"] * 2
            assert "nobody gets there" not in str([record.fields for record in gateway.records()])
        finally:
            gateway.stop()
