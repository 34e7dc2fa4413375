"""Rule bundles (YARA) as a source: kept as files, each version by its digest; nothing of them is looked up.

The folder ``rules/NAME/`` of the store holds each version as ``DIGEST.yar`` and the name of the newest in ``current``.
Whoever scans files takes them from there. The newest ``KEPT`` versions stay. Where YARA-X is installed, a bundle that
does not compile is refused, so that the one before it goes on being used.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import IO, Final

from chatward.intel.files import SourceError
from chatward.intel.yara import compiled

KEPT: Final = 3
_CHUNK: Final = 1 << 20


def current(folder: Path, name: str) -> Path | None:
    """The newest version of a bundle; ``None`` before the first."""
    try:
        digest = (folder / "rules" / name / "current").read_text("ascii").strip()
    except OSError:
        return None
    path = folder / "rules" / name / f"{digest}.yar"
    return path if path.exists() else None


def keep(stream: IO[bytes], folder: Path, digest: str) -> None:
    """Keeps one version; it is the newest once it is there whole. Raises ``SourceError``."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "part"
    with part.open("wb") as file:
        shutil.copyfileobj(stream, file, _CHUNK)
    if importlib.util.find_spec("yara_x") is not None:
        try:
            compiled([part.read_text("utf-8", "replace")])
        except ValueError as error:
            part.unlink()
            raise SourceError(f"it does not compile: {error}", reason="intel-format") from None
    part.replace(folder / f"{digest}.yar")
    name = folder / "current.part"
    name.write_text(digest, "ascii")
    name.replace(folder / "current")
    versions = sorted(folder.glob("*.yar"), key=lambda path: path.stat().st_mtime_ns)
    for old in versions[:-KEPT]:
        old.unlink()
