"""The benchmark of revocation: real processes, and a count that can be wrong."""

from __future__ import annotations

import sys

import pytest

from chatward.bench import revocation
from chatward.bench.revocation import Options, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_nothing_is_accepted_after(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    report = run(Options(rounds=1, seconds=0.5), said.append)
    assert report.figures == {"accepted_after": 0.0}
    found = report.details["revocation"]
    assert found["requests_accepted_before"] > 0
    assert found["first_refusal_ms_p50"] > 0
    assert said[-1] == "round 1 of 1"


def test_what_is_accepted_after_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody is shut out, every later request counts."""
    monkeypatch.setattr(revocation.KeyStore, "revoke", lambda *_: None)
    report = run(Options(rounds=1, seconds=0.5), lambda line: None)
    assert report.figures["accepted_after"] > 0
    assert report.details["revocation"]["streams_open_after"] > 0
