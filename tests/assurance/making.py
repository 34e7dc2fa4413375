"""Advisories and environments of our own: a package that never was, with a weakness that it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NOW = 1_790_000_000.0
"""2026-09-21."""
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
LOW = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"


def advisory(id_: str = "OWN-2026-1", name: str = "leaky-bot", fixed: str = "2.0.1", **others: Any) -> dict[str, Any]:
    return {
        "schema_version": "1.7.0",
        "id": id_,
        "modified": "2026-09-20T00:00:00Z",
        "aliases": ["CVE-2026-0001"],
        "severity": [{"type": "CVSS_V3", "score": CRITICAL}],
        "affected": [
            {
                "package": {"name": name, "ecosystem": others.pop("ecosystem", "PyPI")},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
        **others,
    }


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def environment(folder: Path, **packages: str) -> Path:
    """A Python environment as pip leaves it."""
    for name, version in packages.items():
        dist = folder / f"lib/python3.11/site-packages/{name}-{version}.dist-info"
        write(dist / "METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n")
    return folder
