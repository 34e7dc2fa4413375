"""The shipped model files: which there are, and that they are the ones that were released.

``files/manifest.json`` names each file with its SHA-256 and size; nothing is read before its digest was compared.
Formats are npz without pickles, ONNX, text and JSON: loading a file runs none of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from chatward.core.errors import ChatwardError

FOLDER: Final = Path(__file__).parent / "files"


class ModelError(ChatwardError):
    """A model file is missing, or not the one that its manifest names."""


class ModelFiles:
    """A folder of model files with a manifest. Raises ``ModelError``."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            self.digests: Mapping[str, str] = {str(name): str(row["sha256"]) for name, row in manifest["files"].items()}
            self.made: Mapping[str, date | None] = {
                str(name): date.fromisoformat(row["made"]) if "made" in row else None
                for name, row in manifest["files"].items()
            }
            """The day on which each file got its content; ``None`` where the manifest does not say."""
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError("the models' manifest cannot be read", reason="model-missing") from error
        self.version = str(manifest.get("version", ""))

    def path(self, name: str) -> Path:
        """A file whose content is the released one."""
        path = self.folder / name
        expected = self.digests.get(name)
        if expected is None:
            raise ModelError(f"the models' manifest does not name {name}", reason="model-missing")
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"the model file {name} cannot be read", reason="model-missing") from error
        if found != expected:
            raise ModelError(f"the model file {name} is not the released one (SHA-256 differs)", reason="model-changed")
        return path

    def json(self, name: str) -> dict[str, Any]:
        """A JSON file's object."""
        read: dict[str, Any] = json.loads(self.path(name).read_text(encoding="utf-8"))
        return read


def write_manifest(folder: Path, version: str, today: date | None = None) -> None:
    """Names all files of a folder with their digests, and the day (UTC) on which each was made: a file that stays as
    it was keeps the day of the manifest before."""
    day = (today or datetime.now(UTC).date()).isoformat()
    try:
        before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        before = {}
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".npz", ".onnx", ".txt", ".json") or path.name == "manifest.json":
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        old = before.get(path.name, {})
        made = old.get("made", day) if old.get("sha256") == digest else day
        files[path.name] = {"sha256": digest, "bytes": path.stat().st_size, "made": made}
    text = json.dumps({"version": version, "files": files}, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
