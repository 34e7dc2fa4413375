"""The shipped model files: which there are, and that they are the ones that were released.

``files/manifest.json`` names each file with its SHA-256 and size; nothing is read before its digest was compared.
Formats are npz without pickles, ONNX, text and JSON: loading a file runs none of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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


def write_manifest(folder: Path, version: str) -> None:
    """Names all files of a folder with their digests."""
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
        for path in sorted(folder.iterdir())
        if path.suffix in (".npz", ".onnx", ".txt", ".json") and path.name != "manifest.json"
    }
    text = json.dumps({"version": version, "files": files}, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
