"""``chatward demo``: ports, settings, and the whole thing run as a newcomer would."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatward.commands.demo import HOST, choose_port, demo_settings, run
from chatward.core.errors import ConfigError
from chatward.demo.tour import ATTACKS
from chatward.settings import Route

START = "import sys; from chatward.commands.demo import run; sys.exit(run({arguments}))"


@contextlib.contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_without_a_wish_the_next_free_port_is_taken():
    with taken() as port:
        chosen = choose_port(None, port)
        assert port < chosen < port + 50
        assert choose_port(None, chosen, not_these={chosen}) > chosen


def test_a_wish_that_cannot_be_met_is_an_error():
    with taken() as port, pytest.raises(ConfigError) as refused:
        choose_port(port, 1)
    assert refused.value.reason == "port-taken"
    with pytest.raises(ConfigError):
        choose_port(port, 1, not_these={port})


def test_zero_is_any_free_port():
    assert choose_port(0, 8787) > 0


@pytest.mark.parametrize("text", ["http", "-1", "65536", "1e3", "²"])
def test_a_port_in_the_environment_is_a_number(monkeypatch, text):
    monkeypatch.setenv("CHATWARD_DEMO_PORT", text)
    with pytest.raises(ConfigError) as refused:
        run()
    assert refused.value.reason == "port-invalid"


def test_a_port_in_the_environment_counts_unless_one_is_given(monkeypatch):
    with taken() as port:
        monkeypatch.setenv("CHATWARD_DEMO_PORT", str(port))
        with pytest.raises(ConfigError) as refused:
            run()
        assert str(port) in str(refused.value)
        monkeypatch.setenv("CHATWARD_DEMO_ADMIN_PORT", str(port))
        with pytest.raises(ConfigError):
            run(0)


def test_the_settings_are_the_defaults_in_front_of_the_model(tmp_path, monkeypatch):
    monkeypatch.setenv("CHATWARD__LEDGER__ENABLED", "false")
    settings = demo_settings("http://127.0.0.1:1/v1", 2, 3, tmp_path / "ledger.db").settings
    assert settings.bots["default"].upstream == "http://127.0.0.1:1/v1"
    assert (settings.server.port, settings.server.admin_port) == (2, 3)
    assert settings.server.host == settings.server.admin_host == "127.0.0.1"
    assert settings.routes["default"] == Route()
    assert settings.ledger.enabled


class Demonstration:
    """``chatward demo`` in a process of its own; ``wait_for`` reads what it prints."""

    def __init__(self, arguments: str, folder: Path) -> None:
        environment = {**os.environ, "TMPDIR": str(folder)}
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", START.format(arguments=arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.printed = ""
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._changed:
                self.printed += line
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or re.search(pattern, self.printed, re.MULTILINE), timeout=90)
            found = re.search(pattern, self.printed, re.MULTILINE)
            assert found, self.printed
            return found

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        self.process.wait(60)
        # Ends only once all that it started has ended too: they hold the same pipe.
        self._reader.join(30)
        assert not self._reader.is_alive()
        return self.printed


@pytest.fixture
def demonstration(tmp_path):
    started: list[Demonstration] = []

    def start(arguments: str = "0, 0") -> Demonstration:
        started.append(Demonstration(arguments, tmp_path))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def run_command(command: str) -> tuple[int, dict[str, str], bytes]:
    """Does what a printed curl command says."""
    words = shlex.split(command)
    url, body = words[2], words[words.index("-d") + 1]
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", f"/{path}", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    read = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return read


@pytest.mark.xdist_group("model")
def test_the_attacks_end_as_announced_and_nothing_is_left(demonstration):
    running = demonstration()
    base_url = running.wait_for(r"^\s*(http://\S+/v1)$")[1]
    running.wait_for("chatward serve")
    for attack in ATTACKS:
        command = attack.command(base_url)
        assert command in running.printed
        status, headers, body = run_command(command)
        assert (status, headers["x-chatward-action"]) == (attack.status, attack.action), (attack.title, body)
    for pattern in (r"Chat page\s+(\S+)", r"Console\s+(\S+)"):
        host, _, path = running.wait_for(pattern)[1].removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("content-type").startswith("text/html")
        answer.read()
        connection.close()
    printed = running.end(signal.SIGINT)
    assert running.process.returncode == 0
    assert "Nothing of the demonstration is left running." in printed
    assert "Traceback" not in printed
    assert list(running.folder.iterdir()) == []


@pytest.mark.xdist_group("model")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_all_ends(demonstration, number):
    running = demonstration("0, 0, as_json=True")
    addresses = json.loads(running.wait_for(r"^\{.*\}$")[0])
    assert addresses["base_url"].endswith("/v1")
    running.end(number)
    assert running.process.returncode == (0 if number == signal.SIGTERM else -number)
    host = addresses["base_url"].removeprefix("http://").removesuffix("/v1")
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system says it
        http.client.HTTPConnection(host, timeout=5).request("GET", "/readyz")
