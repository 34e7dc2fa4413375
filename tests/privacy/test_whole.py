"""From the first message to the last receipt: a running gateway that keeps conversations, and commands beside it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.configuration import load
from chatward.identity.key_store import KeyStore
from chatward.stores.database import Database
from tests.privacy.test_path import Person, _Bot, code
from tests.simulators.gateway import RunningGateway

WORD = "an-uncommon-word-9f31"
CONFIG = """
[server]
port = 0
admin_port = 0
[bots.default]
upstream = "http://127.0.0.1:{port}"
[routes.default]
purpose = "support"
guards = ["text.leak"]
[ledger]
path = "{folder}/chatward.db"
min_free = 1
[conversations]
store = true
[seal]
root = "environment"
root_keys = "env:ROOT_KEYS"
[privacy]
profile = ["gdpr"]
controller = "Example Ltd"
contact = "privacy@example.com"
[privacy.notice]
version = "1"
[privacy.purposes.support]
lawful_basis = "consent"
retention_days = 30
"""


class World:
    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        handler: Any = type("Handler", (_Bot,), {"asked": [], "enough": threading.Event()})
        self.bot = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.bot.serve_forever, daemon=True).start()
        self.folder = folder
        self.config = folder / "chatward.toml"
        self.config.write_text(config.format(port=self.bot.server_port, folder=folder))
        self.gateway = RunningGateway(load(self.config).settings, folder)
        self.keys = KeyStore(Database(folder / "chatward-identity.db"), lambda entry: None)

    def person(self) -> tuple[str, Person]:
        made = self.keys.create("somebody")
        return f"key:{made.record.id}", Person(self, made.key)  # type: ignore[arg-type]

    def stop(self) -> None:
        self.gateway.stop()
        self.bot.shutdown()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("ROOT_KEYS", "1:" + base64.b64encode(b"r" * 32).decode())
    world = World(tmp_path)
    yield world
    world.stop()


def test_consent_words_copy_erasure(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ("-c", str(world.config), "--json")
    (ann, http), (_, other) = world.person(), world.person()
    assert code(http.ask()) == (403, "consent-required")
    for one in (http, other):
        assert one.consents(notice="1").status_code == 200
    said = {"messages": [{"role": "user", "content": f"{WORD} of ann"}]}
    assert http.ask(**said).status_code == 200
    assert other.ask(messages=[{"role": "user", "content": "of bob"}]).status_code == 200
    asked = http.http.post("/v1/privacy/requests", json={"kind": "erasure"}).json()

    copy = tmp_path / "copy"
    reason = ("--reason", "request 17 of March")
    assert main(["privacy", "export", ann, "--out", str(copy), *reason, *at]) == 0
    made = json.loads((copy / "export.json").read_text())
    texts = [part["text"] for one in made["conversations"] for turn in one["turns"] for part in turn["parts"]]
    assert f"{WORD} of ann" in texts
    assert "of bob" not in json.dumps(made)
    assert made["statements"][0]["word"] == "consents"
    assert {"privacy:consent:given", "upstream:call:intended"} <= {one["event"] for one in made["record"]}

    assert main(["privacy", "erase", ann, *at]) == 0
    assert main(["privacy", "close", asked["id"], *at]) == 0
    assert code(http.ask()) == (403, "consent-required")  # they are asked anew, at the next message
    assert other.ask().status_code == 200
    for path in (copy / "export.json", copy / "export.html"):
        path.unlink()
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or WORD.encode() not in path.read_bytes(), path
    capsys.readouterr()
    assert main(["privacy", "requirements", "--profile", "gdpr", *at]) == 0
    rows = {row["id"]: row["status"] for row in json.loads(capsys.readouterr().out)["requirements"]}
    assert {rows[name] for name in ("gdpr.3", "gdpr.4", "gdpr.5", "gdpr.7", "gdpr.9")} == {"enforced and observed"}
    assert main(["ledger", "verify", str(tmp_path / "chatward.db")]) == 0


def test_what_contradicts_the_law_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(CONFIG.format(port=9, folder=tmp_path).replace('lawful_basis = "consent"\n', ""))
    for command in (["check", str(path)], ["serve", "-c", str(path)]):
        assert main(command) == 2
        said = capsys.readouterr().err
        assert "privacy.purposes.support.lawful_basis: is missing (gdpr.3: Article 6(1))" in said
        line = path.read_text().splitlines().index("[privacy.purposes.support]") + 1
        assert f"chatward.toml:{line}:" in said
