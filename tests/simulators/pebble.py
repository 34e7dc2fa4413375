"""Pebble, Let's Encrypt's authority for tests, on loopback: Debian's, or what `scripts/install-pebble` got."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.gateway.certificates import local

_FETCHED: Final = Path(__file__).parents[2] / ".cache" / "pebble" / "usr" / "bin" / "pebble"
PEBBLE: Final = shutil.which("pebble") or (str(_FETCHED) if _FETCHED.exists() else None)
WHY: Final = "no pebble (scripts/install-pebble): orders are not checked, answers to an authority are (test_answering)"


@dataclass(frozen=True)
class Pebble:
    """``directory`` to ask, ``ca_file`` that vouches for it, and the ``http_port`` on which it looks at names."""

    directory: str
    ca_file: str
    http_port: int
    management: str

    def root(self) -> bytes:
        """The root of the certificates that it issues, in PEM."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(f"{self.management}/roots/0", context=context, timeout=10) as got:
            return bytes(got.read())


@contextmanager
def pebble(folder: Path) -> Iterator[Pebble]:
    assert PEBBLE is not None
    files = local(folder / "tls")
    ports = [_free() for _ in range(4)]
    config = {
        "pebble": {
            "listenAddress": f"127.0.0.1:{ports[0]}",
            "managementListenAddress": f"127.0.0.1:{ports[1]}",
            "certificate": str(files.cert),
            "privateKey": str(files.key),
            "httpPort": ports[2],
            "tlsPort": ports[3],
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 1, "order": 1},
        }
    }
    (folder / "pebble.json").write_text(json.dumps(config))
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
    with (folder / "pebble.log").open("wb") as log:
        process = subprocess.Popen(
            [PEBBLE, "-config", str(folder / "pebble.json")], stdout=log, stderr=log, env=environment
        )
    try:
        found = Pebble(f"https://localhost:{ports[0]}/dir", str(files.ca), ports[2], f"https://localhost:{ports[1]}")
        _until_it_listens(ports[0])
        yield found
    finally:
        process.terminate()
        process.wait(10)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _until_it_listens(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("pebble does not listen")
