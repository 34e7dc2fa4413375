"""A stopped file: on record by digest, kept sealed, listed and taken out by command; a daemon that is gone stops
files."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from chatward.cli import main
from chatward.guards.files.signatures import EICAR
from chatward.settings import Bot, LedgerSettings, Route, RuleSetting, Seal, Server, Settings
from chatward.settings.files import Files
from tests.simulators.clamav import SIGNED, RunningClamd, daemon
from tests.simulators.documents import docx, ole, paragraph
from tests.simulators.gateway import GUARDS, RunningGateway

SENT: list[dict[str, Any]] = []


class _Bot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        SENT.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}
        body = json.dumps({"id": "c", "object": "chat.completion", "choices": [message]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def bot() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bot)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def _settings(bot: str, folder: Path, files: Files, **rules: RuleSetting) -> Settings:
    return Settings(
        server=Server(port=0, admin_port=0),
        bots={"default": Bot(upstream=bot)},
        routes={"default": Route(guards=(*GUARDS, "files.*"), rules=rules)},
        ledger=LedgerSettings(path="chatward.db"),
        seal=Seal(passphrase="env:ROOT_PASSPHRASE"),
        files=files,
    )


def _ask(gateway: RunningGateway, data: bytes, name: str) -> httpx.Response:
    SENT.clear()
    file = {"filename": name, "file_data": base64.b64encode(data).decode()}
    content = [{"type": "text", "text": "What is it?"}, {"type": "file", "file": file}]
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    return httpx.post(gateway.url + "/v1/chat/completions", json=body, timeout=60)


def _text(sent: dict[str, Any]) -> str:
    """What the file's place holds."""
    block = sent["messages"][0]["content"][1]
    return base64.b64decode(block["file"]["file_data"]).decode() if "file" in block else str(block["text"])


def test_a_stopped_file_is_kept_and_can_be_taken_out(
    bot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOT_PASSPHRASE", "correct horse battery")
    gateway = RunningGateway(_settings(bot, tmp_path, Files(quarantine=True)), tmp_path)
    try:
        answer = _ask(gateway, EICAR, "canary-name.txt")
        assert answer.headers["x-chatward-action"] == "block"
        told = [one for one in gateway.records() if one.event == "file:upload:stopped"]
        digest = hashlib.sha256(EICAR).hexdigest()
        assert [(one.fields["digest"], one.fields["rules"]) for one in told] == [(digest, ["files.malware/eicar"])]
        assert told[0].exchange == answer.headers["x-chatward-request-id"]

        monkeypatch.chdir(tmp_path)
        Path("chatward.toml").write_text(
            f'upstream = "{bot}"\n[seal]\npassphrase = "env:ROOT_PASSPHRASE"\n[files]\nquarantine = true\n'
        )
        capsys.readouterr()
        assert main(["files", "list", "--json"]) == 0
        (held,) = json.loads(capsys.readouterr().out)["files"]
        assert (held["id"], held["digest"], held["kind"]) == (told[0].fields["file"], digest, "txt")
        assert main(["files", "show", held["id"], "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == held
        assert main(["files", "release", held["id"], "--to", "taken", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == "canary-name.txt"
        assert Path("taken").read_bytes() == EICAR
        assert Path("taken").stat().st_mode & 0o777 == 0o600
        assert main(["files", "release", held["id"], "--to", "taken", "--json"]) == 2
        assert main(["files", "delete", held["id"], "--json"]) == 0
        assert main(["files", "show", held["id"], "--json"]) == 2
        events = [one.event for one in gateway.records() if one.event.startswith("file:")]
        assert events == ["file:upload:stopped", "file:quarantine:released", "file:quarantine:deleted"]
    finally:
        gateway.stop()
    for path in tmp_path.iterdir():
        if path.name not in {"taken", "chatward.toml"}:
            assert b"canary" not in path.read_bytes(), path


def test_what_is_active_may_be_taken_out_and_the_text_goes_on(bot: str, tmp_path: Path) -> None:
    settings = _settings(bot, tmp_path, Files(), **{"files.*": RuleSetting(treatment="remove")})
    gateway = RunningGateway(settings, tmp_path, {"ROOT_PASSPHRASE": "correct horse battery"})
    try:
        macro = docx(paragraph("Opening hours"), more={"word/vbaProject.bin": ole("VBA")})
        answer = _ask(gateway, macro, "a.docx")
        assert answer.headers["x-chatward-action"] == "redact", answer.text
        (text,) = [one for one in SENT[0]["messages"][0]["content"] if "Opening" in str(one)]
        assert (text["type"], text["text"].strip()) == ("text", "Opening hours")
        assert "file_data" not in json.dumps(SENT[0])
        answer = _ask(gateway, EICAR, "a.txt")
        assert answer.headers["x-chatward-action"] == "redact", answer.text
        assert "removed" in _text(SENT[0])
        assert EICAR.decode() not in _text(SENT[0])
    finally:
        gateway.stop()


@pytest.mark.skipif(daemon() is None, reason="no clamd (scripts/install-clamav): tests of its protocol run instead")
def test_a_daemon_that_is_gone_stops_files(bot: str, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clamd = RunningClamd(Path(folder))
        gateway = None
        try:
            gateway = RunningGateway(_settings(bot, tmp_path, Files(clamd=clamd.address)), tmp_path)
            assert _ask(gateway, b"hello " + SIGNED, "a.txt").headers["x-chatward-action"] == "block"
            assert "files.malware/clamav-chatward-test" in str([one.fields for one in gateway.records()])
            assert _ask(gateway, b"hello", "a.txt").status_code == 200
            clamd.stop()
            answer = _ask(gateway, b"hello again", "a.txt")
            assert answer.headers["x-chatward-action"] == "block"
            unread = [one.fields.get("unavailable") for one in gateway.records(answer.headers["x-chatward-request-id"])]
            assert ["files.malware"] in unread
        finally:
            clamd.stop()
            if gateway is not None:
                gateway.stop()
