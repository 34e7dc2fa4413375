from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatward.evaluation.rows import Data, open_data

Corpora = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]


@pytest.fixture
def data_of(tmp_path: Path) -> Callable[[Corpora], Data]:
    """Writes a data directory: (name, role) -> rows."""

    def write(corpora: Corpora) -> Data:
        files = []
        for (name, role), rows in corpora.items():
            path = tmp_path / f"{name}.jsonl.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in rows)))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            files.append({"file": f"{name}.jsonl.gz", "sha256": digest, "role": role})
        (tmp_path / "manifest.json").write_text(json.dumps({"files": files}))
        return open_data(tmp_path)

    return write
