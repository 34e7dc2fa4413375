"""Validate, then swap; the old stays on an error."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from chatward.configuration import Loaded, load
from chatward.core.errors import ConfigError
from chatward.reload import Watcher, changes, needs_restart

GOOD = 'upstream = "https://bot.example/v1"\n'


class Scene:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.applied: list[Loaded] = []
        self.errors: list[ConfigError] = []
        self.refuse: ConfigError | None = None
        self.write(GOOD)
        self.watcher = Watcher(self.load(), self.load, self.apply, self.errors.append, interval=0.01)

    def load(self) -> Loaded:
        return load(self.path, {})

    def apply(self, loaded: Loaded) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.applied.append(loaded)

    def write(self, text: str) -> None:
        self.path.write_text(text)
        stamp = self.path.stat().st_mtime_ns + 10**9 * (1 + len(text))  # a coarse clock must not hide the change
        os.utime(self.path, ns=(stamp, stamp))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "chatward.toml")


def test_nothing_changed_nothing_done(scene: Scene) -> None:
    assert not scene.watcher.check()
    assert scene.applied == []
    assert scene.errors == []


def test_a_good_change_is_applied_once(scene: Scene) -> None:
    scene.write(GOOD + "[routes.default]\nthreshold = 0.4\n")
    assert scene.watcher.check()
    assert not scene.watcher.check()
    assert [loaded.settings.routes["default"].threshold for loaded in scene.applied] == [0.4]
    assert scene.watcher.current is scene.applied[0]


def test_a_bad_change_is_reported_once_and_the_old_stays(scene: Scene) -> None:
    before = scene.watcher.current
    scene.write(GOOD + "[routes.default]\ntreshold = 0.4\n")
    assert not scene.watcher.check()
    assert not scene.watcher.check()
    assert [error.line for error in scene.errors] == [3]
    assert scene.watcher.error is scene.errors[0]
    assert scene.watcher.current is before
    assert scene.applied == []
    scene.write(GOOD + "# mended\n")
    assert scene.watcher.check()
    assert scene.watcher.error is None


def test_a_change_during_the_start_is_seen(scene: Scene) -> None:
    loaded = scene.load()
    scene.write(GOOD + "# more\n")
    assert Watcher(loaded, scene.load, scene.apply, scene.errors.append).check()


def test_a_file_taken_away_is_an_error(scene: Scene) -> None:
    scene.path.unlink()
    assert not scene.watcher.check()
    assert not scene.watcher.check()
    assert [error.reason for error in scene.errors] == ["config-missing"]


def test_what_cannot_be_applied_is_not_swapped(scene: Scene) -> None:
    before = scene.watcher.current
    scene.refuse = ConfigError("the environment variable K is not set")
    scene.write(GOOD + "# changed\n")
    assert not scene.watcher.check()
    assert scene.watcher.current is before
    assert scene.errors == [scene.refuse]


def test_a_signal_reloads_what_did_not_change(scene: Scene) -> None:
    scene.watcher.signal()
    assert scene.watcher.check()
    assert not scene.watcher.check()


async def test_run_sees_changes_and_signals(scene: Scene) -> None:
    task = asyncio.create_task(scene.watcher.run())
    scene.write(GOOD + "# changed\n")
    for expected in (1, 2):
        for _ in range(1000):
            if len(scene.applied) == expected:
                break
            await asyncio.sleep(0.005)
        assert len(scene.applied) == expected
        scene.watcher.signal()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_changes_and_what_needs_a_restart(scene: Scene) -> None:
    old = scene.load()
    scene.write(GOOD + "[server]\nport = 9\n[routes.a]\nmode = 'monitor'\n[ledger]\nmin_free = 1\n")
    new = scene.load()
    changed = changes(old, new)
    assert {"server.port", "ledger.min_free", "routes.a.mode", "routes.a.threshold"} <= set(changed)
    assert "server.host" not in changed
    assert needs_restart(old, new) == ["ledger.min_free", "server.port"]
    assert changes(old, old) == []


def test_another_address_of_a_bot_and_another_chat_page_wait_for_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(GOOD)
    old = load(path, {})
    path.write_text(GOOD.replace("bot.example", "other.example") + '[chat]\ntitle = "Help"\n')
    assert needs_restart(old, load(path, {})) == ["bots.default.upstream", "chat.title"]
