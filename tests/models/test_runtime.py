"""ONNX Runtime tells nobody, and leaves nothing behind: asked of a process as users run it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import chatward

SOURCES = Path(chatward.__file__).parent
PROGRAM = """
import os, sys
from pathlib import Path
import chatward.models.encoder, chatward.models.wordpiece, chatward.models.tier1
before = len(os.listdir("/proc/self/task"))  # numpy's
files = Path(chatward.__file__).parent / "models" / "files"
encoder = chatward.models.encoder.Encoder(
    files / "encoder.onnx", chatward.models.wordpiece.WordPiece.load(files / "vocabulary.txt")
)
print(len(os.listdir("/proc/self/task")) - before, os.environ["ORT_DISABLE_TELEMETRY"])
"""


def test_nothing_is_left_and_nothing_is_told(tmp_path: Path) -> None:
    """Where ``CI`` is set it is silent by itself, so that the variables of a test run are left out."""
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    environment = {
        "HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), "PYTHONPATH": str(SOURCES.parent),
        "ORT_DISABLE_TELEMETRY": "0",
    }  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert told.stdout.split() == ["0", "1"]  # no thread of an uploader
    assert sorted(tmp_path.rglob("*")) == [here, home]


def test_nothing_else_imports_it() -> None:
    """``quantization`` is for training, after the variable is set."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if any(name.partition(".")[0] == "onnxruntime" for name in names):
                found.add(path.relative_to(SOURCES).as_posix())
    assert found == {"models/runtime.py"}
