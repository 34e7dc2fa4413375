"""A list that changes is enforced by a running gateway without a restart, and its updater ends with it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECONDS = 60.0


def _asked(address: str, link: str) -> int:
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=SECONDS)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"See {link} please"}]})
    connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def _until(what: str, holds: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _updaters(folder: Path) -> list[str]:
    return [
        one.name
        for one in Path("/proc").iterdir()
        if one.name.isdigit() and str(folder / "chatward.toml").encode() in _command(one) and b"intel" in _command(one)
    ]


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="reads /proc: the updater is asked without a gateway, in tests/commands/test_intel.py",
)
@pytest.mark.xdist_group("intel-while-serving")
def test_a_list_that_changes_is_enforced(tmp_path: Path) -> None:
    listed = tmp_path / "listed.txt"
    listed.write_text("tulips.example\n")
    (tmp_path / "chatward.toml").write_text(
        f'upstream = "http://127.0.0.1:9/v1"\n[server]\nport = 0\nadmin_port = 0\n'
        f'[[intel.sources]]\nname = "own"\nformat = "list"\nlocation = "{listed}"\n'
    )
    log = tmp_path / "log"
    command = [sys.executable, "-m", "chatward.cli", "serve", "--config", str(tmp_path / "chatward.toml")]
    with log.open("wb") as out:
        gateway = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out)
    try:
        _until("no gateway", lambda: re.search(r"console +http", log.read_text()))
        address = re.search(r"gateway +(http://[\d.:]+)/v1", log.read_text())
        assert address is not None
        assert _asked(address[1], "https://tulips.example/") == 400
        assert _asked(address[1], "https://roses.example/") == 502  # allowed; nobody listens behind it
        assert len(_updaters(tmp_path)) == 1
        with listed.open("a") as more:
            more.write("roses.example\n")
        _until("not enforced", lambda: _asked(address[1], "https://roses.example/") == 400)
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(30) == 0
    _until("the updater goes on", lambda: not _updaters(tmp_path))
