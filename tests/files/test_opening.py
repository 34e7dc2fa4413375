"""Settings in, a desk for files out: where rules come from, and what stops the start."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import ConfigError
from chatward.files.opening import asked, opened
from chatward.intel.opening import folder_of
from chatward.intel.rules import keep
from chatward.settings import Intel, IntelSource, LedgerSettings, Settings
from chatward.settings.files import Files


def _rule(name: str) -> str:
    return f'rule {name} {{ strings: $a = "{name} marker" condition: $a }}'


def _settings(folder: Path, *rules: str, **files: Any) -> Settings:
    sources = (IntelSource(name="bundle", format="yara", location="bundle.yar"),)
    return Settings(
        ledger=LedgerSettings(path=str(folder / "chatward.db")),
        intel=Intel(sources=sources),
        files=Files(rules=rules, **files),
    )


def test_rules_come_from_files_folders_and_threat_intelligence(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yar").write_text(_rule("folder"))
    (tmp_path / "rules" / "notes.txt").write_text("not a rule")
    (tmp_path / "b.yara").write_text(_rule("file"))
    settings = _settings(tmp_path, str(tmp_path / "rules"), str(tmp_path / "b.yara"))
    bundle = tmp_path / "bundle.yar"
    bundle.write_text(_rule("intel"))
    with bundle.open("rb") as stream:
        keep(stream, folder_of(settings) / "rules" / "bundle", "0" * 64)
    desk = opened(settings)
    assert desk is not None
    report = asked(desk, b"folder marker, file marker, intel marker", "a.txt", "")
    assert [one.rule for one in report.findings] == [f"files.malware/yara-{one}" for one in ("folder", "file", "intel")]
    desk.close()


def test_what_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "a.yar"
    broken.write_text("rule broken {")
    for settings, reason in (
        (_settings(tmp_path, str(broken)), "rules-invalid"),
        (_settings(tmp_path, str(tmp_path / "none.yar")), "file-unreadable"),
        (_settings(tmp_path, clamd="localhost"), "address-invalid"),
    ):
        with pytest.raises(ConfigError) as error:
            opened(settings)
        assert error.value.reason == reason
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "yara_x" else found(name))
    with pytest.raises(ConfigError) as error:
        opened(_settings(tmp_path, str(broken)))
    assert error.value.reason == "extra-missing"
    assert "chatward[files]" in str(error.value)


def test_where_files_are_off_there_is_no_desk(tmp_path: Path) -> None:
    assert opened(_settings(tmp_path, enabled=False)) is None
