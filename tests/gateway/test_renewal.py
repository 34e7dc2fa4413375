"""Certificates that are renewed: what changes is told, what cannot be used is told once and leaves the old one."""

from __future__ import annotations

import asyncio

import pytest

from chatward.core.errors import ConfigError
from chatward.gateway.renewal import Renewal


class Plane:
    """Gives what it is told to: whether something was taken, or why not."""

    def __init__(self, *answers: bool | str) -> None:
        self.answers = list(answers)

    def reload(self) -> bool:
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, str):
            raise ConfigError(answer, reason="certificate-invalid")
        return answer


def test_what_changes_is_told() -> None:
    said: list[str] = []
    renewal = Renewal([Plane(False, True), Plane(False, True)], said.append)
    assert not renewal.check()
    assert renewal.check()
    assert not renewal.check()
    assert said == ["Certificate reloaded."]


def test_what_cannot_be_used_is_told_once_until_it_can() -> None:
    said: list[str] = []
    renewal = Renewal([Plane("a does not fit", "a does not fit", "b has expired", True, "a does not fit")], said.append)
    for _ in range(5):
        renewal.check()
    told = [line.rpartition(": ")[2] for line in said]
    assert told == ["a does not fit", "b has expired", "Certificate reloaded.", "a does not fit"]


async def test_it_looks_again_by_itself() -> None:
    said: list[str] = []
    running = asyncio.ensure_future(Renewal([Plane(False, False, True)], said.append, every=0.001).run())
    for _ in range(2000):
        if said:
            break
        await asyncio.sleep(0.001)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert said == ["Certificate reloaded."]
