"""Tools as they were accepted and as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.stores import tool_pins
from chatward.stores.database import Database
from chatward.stores.tool_pins import CHANGED, NEW, Pin, ToolPins, pins_file

MODES = {"shop": "first-use", "bank": "accepted", "toys": "off"}


def made(path: Path | None = None, told: list[Pin] | None = None) -> ToolPins:
    return ToolPins(Database(path), MODES, told.append if told is not None else lambda pin: None, lambda: 7.0)


def test_the_first_form_is_good_and_another_is_not() -> None:
    told: list[Pin] = []
    pins = made(told=told)
    assert pins.admits("shop", "t", "a")
    assert not pins.admits("shop", "t", "b")
    assert not pins.admits("shop", "t", "b")
    assert pins.refusal("shop", "t") == CHANGED
    assert [(pin.tool, pin.refusal, pin.offered) for pin in told] == [("t", CHANGED, "b")], "once"
    assert pins.admits("shop", "t", "a"), "as it was"
    assert pins.refusal("shop", "t") == ""


def test_what_is_accepted_is_what_is_offered_now() -> None:
    pins = made()
    pins.admits("shop", "t", "a")
    pins.admits("shop", "t", "b")
    assert [pin.tool for pin in pins.accept("shop")] == ["t"]
    assert pins.admits("shop", "t", "b")
    assert not pins.admits("shop", "t", "a"), "the older form is another form now"
    assert pins.accept("shop", "other") == []


def test_new_tools_may_have_to_wait() -> None:
    pins = made()
    assert pins.refusal("bank", "t") == NEW, "never listed"
    assert not pins.admits("bank", "t", "a")
    assert not pins.admits("bank", "u", "a")
    pins.accept("bank", "t")
    assert (pins.refusal("bank", "t"), pins.refusal("bank", "u")) == ("", NEW)


def test_nothing_is_remembered_where_nothing_is_compared() -> None:
    pins = made()
    assert pins.admits("toys", "t", "a")
    assert pins.admits("toys", "t", "b")
    assert (pins.refusal("toys", "t"), pins.pins()) == ("", [])


def test_servers_are_apart_and_other_processes_are_heard(tmp_path: Path) -> None:
    file = pins_file(str(tmp_path / "ledger.db"))
    ours, theirs = made(file), made(file)
    assert ours.admits("shop", "t", "a")
    assert not ours.admits("bank", "t", "a")
    assert not theirs.admits("shop", "t", "b")
    assert ours.refusal("shop", "t") == CHANGED
    theirs.accept("shop")
    assert ours.admits("shop", "t", "b")
    assert file.stat().st_mode & 0o077 == 0
    assert made(file).refusal("bank", "t") == NEW, "after a restart"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool_pins, "MOST", 2)
    pins = made()
    assert [pins.admits("shop", name, "a") for name in ("a", "b", "c")] == [True, True, False]
    assert not pins.admits("shop", "x" * 129, "a")


@given(st.lists(st.tuples(st.sampled_from("tu"), st.sampled_from("abc") | st.just("accept")), max_size=12))
def test_only_what_was_accepted_is_admitted(steps: list[tuple[str, str]]) -> None:
    pins = made()
    accepted: dict[str, str] = {}
    offered: dict[str, str] = {}
    for tool, what in steps:
        if what == "accept":
            pins.accept("shop", tool)
            accepted |= {tool: offered[tool]} if tool in offered else {}
            continue
        accepted.setdefault(tool, what)
        offered[tool] = what
        assert pins.admits("shop", tool, what) == (accepted[tool] == what)
        assert pins.refusal("shop", tool) == ("" if accepted[tool] == what else CHANGED)
