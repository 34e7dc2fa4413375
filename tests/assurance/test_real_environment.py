"""An environment with weak packages, made by an installer from wheels: found, ranked, due, shut, mended, open."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.assurance.gates import opened_gates
from chatward.configuration import load
from chatward.core.errors import ClientError
from tests.assurance.making import LOW, advisory, write

UV = Path(__file__).parents[2] / ".tools/uv"


def wheel(folder: Path, name: str, version: str, module: str) -> None:
    """A wheel (PEP 427) of one empty module."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(text)}\n")
    files[f"{info}/RECORD"] = "".join(lines) + f"{info}/RECORD,,\n"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        for path, text in files.items():
            made.writestr(path, text)


def uv(folder: Path, *words: str) -> None:
    subprocess.run([UV, *words, "--offline", "--no-cache", "--quiet"], cwd=folder, check=True)


def asked(captured: pytest.CaptureFixture[str], *words: str) -> Any:
    cli.main(["patches", *words, "--json"])
    return json.loads(captured.readouterr().out)


@pytest.mark.skipif(not UV.exists(), reason="no .tools/uv (make setup): test_patches.py has a recorded environment")
def test_an_installed_weak_environment_is_found_ranked_shut_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    for name, version, module in (
        ("PyYAML", "5.3.1", "yaml"),
        ("PyYAML", "5.4", "yaml"),
        ("idna", "3.6", "idna"),
        ("six", "1.17.0", "six"),
    ):
        wheel(tmp_path / "wheels", name, version, module)
    install = ("pip", "install", "--no-index", "--find-links", "wheels", "--python", "venv/bin/python")
    uv(tmp_path, "venv", "--python", sys.executable, "venv")
    uv(tmp_path, *install, "pyyaml==5.3.1", "idna==3.6", "six")

    today = datetime.now(UTC).date().isoformat()
    weak = advisory("PYSEC-A", "pyyaml", "5.4", aliases=["CVE-2020-14343"])
    slow = advisory("PYSEC-B", "idna", "3.7", aliases=["CVE-2024-3651"], severity=[{"type": "CVSS_V3", "score": LOW}])
    elsewhere = advisory("PYSEC-C", "six", "1.0", aliases=["CVE-1-1"])
    for one in (weak, slow, elsewhere):
        write(tmp_path / f"osv/{one['id']}.json", one)
    write(tmp_path / "bot/main.py", "import yaml\n")
    write(
        tmp_path / "chatward.toml",
        'upstream = "http://127.0.0.1:9"\n'
        '[assurance]\nquarantine = true\nowner = "ann"\n[assurance.due]\ncritical = 0\n'
        '[assurance.bots.default]\ninventory = ["venv"]\ncode = ["bot"]\n',
    )
    gates = opened_gates(load(tmp_path / "chatward.toml").settings)
    assert gates is not None
    gates.check("default")
    asked(capsys, "import", "osv", "--as-of", today)

    (scan,) = asked(capsys, "scan", "--of", "default")["targets"]
    assert [(one["id"], one["severity"], one["fixed"]) for one in scan["findings"]] == [
        ("CVE-2020-14343", "critical", "5.4"),
        ("CVE-2024-3651", "low", "3.7"),
    ]
    assert [one["reached"] for one in scan["findings"]] == [["bot/main.py", "pyyaml"], []]
    tasks = asked(capsys, "list")["tasks"]
    assert [(one["component"], one["state"], one["owner"]) for one in tasks] == [
        ("pyyaml 5.3.1", "late", "ann"),
        ("idna 3.6", "open", "ann"),
    ]
    with pytest.raises(ClientError) as refused:
        gates.check("default")
    assert refused.value.reason == "bot-quarantined"

    uv(tmp_path, *install, "pyyaml==5.4")
    (scan,) = asked(capsys, "scan", "--of", "default")["targets"]
    assert [one["id"] for one in scan["findings"]] == ["CVE-2024-3651"]
    gates.check("default")
    gates.close()
