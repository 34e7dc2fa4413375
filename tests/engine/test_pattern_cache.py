"""What is kept of patterns between starts: used only if it is ours and whole; never needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatward.core.rules import NO_FLAGS
from chatward.engine import pattern_cache
from chatward.engine.prefilter import Prefilter


@pytest.fixture(name="place")
def place_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    monkeypatch.setenv("CHATWARD_CACHE", str(place))
    return place


def test_a_value_is_worked_out_once(place: Path) -> None:
    asked: list[int] = []

    def make() -> list[int]:
        asked.append(1)
        return [1, 2]

    assert pattern_cache.remembered("kind", ("about", 1), make) == [1, 2]
    assert pattern_cache.remembered("kind", ("about", 1), make) == [1, 2]
    assert len(asked) == 1
    pattern_cache.remembered("kind", ("about", 2), make)
    pattern_cache.remembered("other", ("about", 1), make)
    assert len(asked) == 3
    assert [path.stat().st_mode & 0o077 for path in place.iterdir()] == [0, 0, 0]


def test_what_is_damaged_is_worked_out_anew(place: Path) -> None:
    pattern_cache.remembered("kind", "about", lambda: "first")
    (path,) = place.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert pattern_cache.remembered("kind", "about", lambda: "second") == "second"


@pytest.mark.parametrize("writable", ["file", "folder"])
def test_what_others_can_write_is_not_used(place: Path, writable: str) -> None:
    pattern_cache.remembered("kind", "about", lambda: "first")
    (path,) = place.iterdir()
    (path if writable == "file" else place).chmod(0o777)
    assert pattern_cache.remembered("kind", "about", lambda: "second") == "second"


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    pattern_cache.remembered("kind", "about", lambda: "first")
    (path,) = place.iterdir()
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert pattern_cache.remembered("kind", "about", lambda: "second") == "second"


def test_without_a_place_all_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATWARD_CACHE", "")
    assert pattern_cache.folder() is None
    assert pattern_cache.remembered("kind", "about", lambda: 1) == 1
    monkeypatch.setenv("CHATWARD_CACHE", os.devnull + "/no/folder")
    assert pattern_cache.remembered("kind", "about", lambda: 2) == 2


def test_a_kept_database_finds_the_same(place: Path) -> None:
    patterns = [("hello", NO_FLAGS), (r"\d{4}-\d{2}", NO_FLAGS), ("é?abc", NO_FLAGS)]
    fresh = Prefilter(patterns)
    kept = Prefilter(patterns)
    for text in ("say hello", "2024-05", "xéabc", "nothing"):
        assert fresh(text) == kept(text)
    assert len(list(place.iterdir())) == 2
