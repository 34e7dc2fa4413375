"""The benchmark of revocation: real processes, and a count that can be wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from chatward.bench import shut_out
from chatward.bench.revocation import Options, run
from chatward.bench.shut_out import KINDS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_nothing_is_accepted_after(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    report = run(Options(rounds=1, seconds=0.5), said.append)
    assert report.figures == {"accepted_after": 0.0}
    found = report.details["revocation"]
    assert found["first_refusal_ms_p50"] > 0
    for kind in KINDS:
        assert found[kind].pop("requests_accepted_before") > 0, kind
        assert found[kind] == {"requests_accepted_after": 0, "streams_open_after": 0}, kind
    assert said[-1] == "round 1 of 1"


def test_what_is_accepted_after_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody is shut out, every later request counts."""
    monkeypatch.setattr(shut_out.KeyStore, "revoke", lambda *_: None)
    monkeypatch.setattr(shut_out.PersonSessions, "end", lambda *_: None)
    monkeypatch.setattr(shut_out.PeopleRegistry, "change", _only_adding(shut_out.PeopleRegistry.change))
    report = run(Options(rounds=1, seconds=0.5), lambda line: None)
    assert report.figures["accepted_after"] > 0
    for kind in KINDS:
        assert report.details["revocation"][kind]["requests_accepted_after"] > 0, kind
        assert report.details["revocation"][kind]["streams_open_after"] > 0, kind


def _only_adding(change: Callable[..., Any]) -> Callable[..., Any]:
    """``PeopleRegistry.change`` that takes nothing from anybody."""

    def changed(self: Any, kind: Any, id: str, how: Callable[[Any], Any], by: str = "") -> Any:
        def adding(old: Any) -> Any:
            new = how(old)
            less = len(new.get("members", ())) < len(old.document.get("members", ())) or not new.get("active", True)
            return old.document if less else new

        return change(self, kind, id, adding, by)

    return changed
