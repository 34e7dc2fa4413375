"""A real gateway, a real receiver: every entry arrives, whatever becomes of the receiver, and callers never wait."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chatward.cli import main
from chatward.ledger.reading import tail
from tests.simulators.receivers import SyslogReceiver

SECONDS = 60.0
MESSAGE = re.compile(rb'<\d+>1 \S+ \S+ chatward - \S+ \[chatward@32473 seq="(\d+)" ')


def _until(what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def _asked(address: str) -> int:
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "my pass phrase is Zyxomorph"}]})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def _followers(folder: Path) -> list[str]:
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                command = (one / "cmdline").read_bytes()
            except OSError:
                continue
            if str(folder / "chatward.toml").encode() in command and b"follow" in command:
                found.append(one.name)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: receivers that die are tried in test_follower")
@pytest.mark.xdist_group("monitoring-while-serving")
def test_a_receiver_that_is_killed_misses_nothing_and_holds_nobody_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = SyslogReceiver()
    port = receiver.port
    config = tmp_path / "chatward.toml"
    config.write_text(
        'upstream = "http://127.0.0.1:9/v1"\n[server]\nport = 0\nadmin_port = 0\n'
        f'[ledger]\npath = "{tmp_path}/chatward.db"\n'
        f'[[siem]]\nkind = "syslog"\naddress = "tcp://127.0.0.1:{port}"\nformat = "rfc5424"\n'
    )
    log = tmp_path / "log"
    command = [sys.executable, "-m", "chatward.cli", "serve", "--config", str(config)]
    with log.open("wb") as out:
        gateway = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out)
    try:
        _until("no gateway", lambda: re.search(r"console +http", log.read_text()))
        address = re.search(r"gateway +(http://[\d.:]+)/v1", log.read_text())
        console = re.search(r"console +http://([\d.]+):(\d+)", log.read_text())
        assert address is not None
        assert console is not None
        assert _asked(address[1]) == 502  # nobody listens behind it
        _until("nothing arrives", lambda: receiver.messages)
        receiver.mode = "reset"  # dies with bytes unread
        assert _asked(address[1]) == 502
        receiver.close()
        assert {_asked(address[1]) for _ in range(5)} == {502}
        _until("it is not late", lambda: main(["monitoring", "status", "--json", "--config", str(config)]) == 1)
        told = json.loads(capsys.readouterr().out.splitlines()[-1])["receivers"][0]
        assert told["behind"] > 0
        assert told["error"]
        page = http.client.HTTPConnection(console[1], int(console[2]), timeout=SECONDS)
        page.request("GET", "/metrics")
        assert b'chatward_siem_up{sink="siem"} 0' in page.getresponse().read()
        second = SyslogReceiver(port)
        recorded = [record.seq for record in tail(tmp_path / "chatward.db", 1000)]
        _until("not everything arrived", lambda: len(receiver.messages) + len(second.messages) >= len(recorded))
        (follower,) = _followers(tmp_path)
        os.kill(int(follower), signal.SIGKILL)
        assert _asked(address[1]) == 502
        recorded = [record.seq for record in tail(tmp_path / "chatward.db", 1000)]
        _until("it is not started again", lambda: len(receiver.messages) + len(second.messages) >= len(recorded))
        assert main(["monitoring", "status", "--json", "--config", str(config)]) == 0
        second.close()
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(30) == 0
    _until("the process goes on", lambda: not _followers(tmp_path))
    messages = receiver.messages + second.messages
    assert all(MESSAGE.match(one) for one in messages)
    arrived = [int(MESSAGE.match(one)[1]) for one in messages]  # type: ignore[index]
    assert list(dict.fromkeys(arrived)) == recorded  # at least once, in order
    assert b"Zyxomorph" not in b"".join(messages)
