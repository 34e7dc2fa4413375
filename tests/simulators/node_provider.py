"""A real identity provider of another make: npm ``oidc-provider``, as a process on loopback.

It sends log-out tokens by itself when somebody signs out there, which ``oidc_provider_mock`` does not.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx

NODE = Path(__file__).parents[1] / "node"
_STEPS = 12


def missing() -> str:
    """Why it cannot run here, or nothing."""
    if shutil.which("node") is None:
        return "there is no node"
    return "" if (NODE / "node_modules/oidc-provider").is_dir() else "run `npm ci` in tests/node"


class NodeProvider:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["node", "provider.mjs"], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.issuer = f"http://localhost:{int(self._said())}"

    def begin(self, clients: Sequence[dict[str, Any]]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(clients).encode() + b"\n")
        self.process.stdin.flush()
        assert self._said() == "ready"

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def _said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def through(self, browser: httpx.Client, there: str, **typed: str) -> str:
        """Clicks through the provider's pages from ``there`` on, with what is ``typed`` into their fields; the address
        outside of it that the browser is sent to in the end."""
        got = browser.get(there)
        for _ in range(_STEPS):
            if got.is_redirect:
                where = urljoin(str(got.url), got.headers["location"])
                if not where.startswith(self.issuer):
                    return where
                got = browser.get(where)
                continue
            form = re.search(r"<form[^>]*action=\"([^\"]+)\"", got.text)
            assert form is not None, got.text
            fields = dict(re.findall(r"<input type=\"hidden\" name=\"([^\"]+)\" value=\"([^\"]*)\"", got.text))
            got = browser.post(urljoin(str(got.url), unescape(form[1])), data={**fields, **typed})
        raise AssertionError("the provider's pages do not end")


@contextmanager
def node_provider() -> Iterator[NodeProvider]:
    provider = NodeProvider()
    try:
        yield provider
    finally:
        provider.stop()
