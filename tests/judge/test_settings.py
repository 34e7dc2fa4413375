"""The judge's settings: off unless switched on, and safe where nothing is said."""

from __future__ import annotations

import msgspec
import pytest

from chatward.settings import JudgeSettings


def test_defaults() -> None:
    settings = JudgeSettings()
    assert not settings.enabled
    assert settings.required
    assert not settings.clears
    assert 0 < settings.low < settings.high <= 0.5


@pytest.mark.parametrize(
    "given",
    [
        {"modle": "x"},
        {"low": -0.1},
        {"high": 1.5},
        {"calls_per_minute": 0},
        {"tokens_per_day": 0},
        {"seconds": 0},
        {"concurrent": 0},
        {"max_answer_tokens": 10},
        {"structured": "xml"},
        {"memory": -1},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, JudgeSettings)
