"""``chatward certs``: certificates for trying TLS, and when those that are configured end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.configuration import load
from chatward.gateway.certificates import check, local

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    return tmp_path


def configure(folder: Path, made: dict[str, Any]) -> None:
    lines = [f'{key} = "{made[key]}"' for key in ("tls_cert", "tls_key")]
    (folder / "chatward.toml").write_text('upstream = "https://bot.example/v1"\n[server]\n' + "\n".join(lines) + "\n")


def test_what_is_made_can_be_configured_and_is_listed(folder: Path, capsys: Captured) -> None:
    assert cli.main(["certs", "make", "chat.example", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["made"] is True
    check(Path(made["tls_cert"]), Path(made["tls_key"]))
    configure(folder, made)
    assert load(folder / "chatward.toml").settings.server.tls_cert == made["tls_cert"]
    assert cli.main(["certs", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["certificates"]
    assert row["path"] == made["tls_cert"]
    assert row["days"] in {89, 90}
    assert cli.main(["certs", "make", "chat.example"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Kept")
    assert made["tls_cert"] in told


def test_what_ends_soon_is_an_exit_status(folder: Path, capsys: Captured) -> None:
    files = local(folder / "old", clock=lambda: datetime.now(UTC) - timedelta(days=70))
    configure(folder, {"tls_cert": files.cert, "tls_key": files.key})
    assert cli.main(["certs", "list"]) == 1
    assert str(files.cert) in capsys.readouterr().out


def test_names_that_are_none_are_one_line(capsys: Captured) -> None:
    assert cli.main(["certs", "make", "not a name"]) == 2
    assert capsys.readouterr().err.startswith("error: ")
