"""Who opens connections: each place that may, with whose addresses it asks. A new one is to be thought about."""

from __future__ import annotations

import re
from pathlib import Path

import chatward

OPENS = re.compile(
    r"\b(?:open_connection|open_unix_connection|create_connection|create_unix_connection|HTTPS?Connection)\("
    r"|^(?:import|from) (?:requests|httpx|urllib\.request|aiohttp)\b",
    re.MULTILINE,
)
KNOWN = {
    "acme/ordering.py": "the certificate authority of the settings, by the library of the protocol",
    "assurance/domains.py": "the domains that the settings name: how they answer is what is looked at",
    "commands/checkup.py": "the bots of the settings, on command",
    "commands/demo.py": "the demonstration on this machine",
    "commands/redteam.py": "the target that the operator names, on command",
    "files/clamd.py": "ClamAV of the settings",
    "gateway/upstream.py": "the bots of the settings, and what gateway/fetching.py asks: addresses of the settings",
    "monitoring/sinks.py": "where the settings send records",
    "watch/fetching.py": "what strangers named: public addresses alone",
}


def test_nobody_else_opens_connections() -> None:
    root = Path(chatward.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if OPENS.search(path.read_text("utf-8")) and path.relative_to(root).parts[0] != "bench"
    }
    assert found == set(KNOWN)
