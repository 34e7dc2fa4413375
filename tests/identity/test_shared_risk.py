"""What one process finds of somebody, the others know; and nobody's name is in the file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import StoreError
from chatward.core.identity import Kind, Principal
from chatward.identity.risk import HIGH, LOW, Bands, Risks
from chatward.identity.shared_risk import SharedRisks, name_under
from chatward.stores.fleeting import Fleeting
from tests.simulators.traffic import Clock

ANN = Principal("person:ann", Kind.PERSON)
HALF_LIFE = 600.0


def process(database: Fleeting, clock: Clock) -> tuple[Risks, SharedRisks]:
    risks = Risks(Bands(half_life=HALF_LIFE), clock=clock, name=name_under(b"k" * 32))
    return risks, SharedRisks(database, risks, HALF_LIFE, clock=clock.wall)


def test_points_reach_the_others_once_faded_by_their_age(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "shared.db"
    (here, telling), (there, hearing) = (process(Fleeting(file), clock) for _ in range(2))
    here.add(ANN.id, "text.injection/override", 12.0)
    assert (here.band(ANN), there.band(ANN)) == (HIGH, LOW)
    for _ in range(2):
        telling.exchange()
        hearing.exchange()
    assert there.band(ANN) == HIGH
    assert there.rated(ANN.id) == here.rated(ANN.id)
    clock.now += HALF_LIFE
    again, reading = process(Fleeting(file), clock)  # a restart
    reading.exchange()
    assert again.rated(ANN.id).points == here.rated(ANN.id).points == 6.0
    assert b"ann" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 5), st.floats(0, 2000), st.booleans()), max_size=12))
def test_all_come_to_the_same_whatever_the_order(done: list[tuple[bool, float, float, bool]]) -> None:
    clock, database = Clock(), Fleeting(None)
    both = [process(database, clock), process(database, clock)]
    for first, points, pause, told in done:
        both[first][0].add(ANN.id, "x", points)
        clock.now += pause
        if told:
            both[first][1].exchange()
    for _ in range(2):
        for _, shared in both:
            shared.exchange()
    assert both[0][0].rated(ANN.id).points == pytest.approx(both[1][0].rated(ANN.id).points, abs=0.11)


def test_what_is_faded_goes_and_what_was_not_told_waits(tmp_path: Path) -> None:
    clock, database = Clock(), Fleeting(tmp_path / "shared.db")
    risks, shared = process(database, clock)
    risks.add(ANN.id, "x", 1.0)
    shared.exchange()
    clock.now += 8 * HALF_LIFE
    risks.add(ANN.id, "y", 1.0)
    shared.exchange()
    assert database.rows("SELECT signal FROM risk_added") == [("y",)]
    database.write("ALTER TABLE risk_added RENAME TO away")
    risks.add(ANN.id, "z", 1.0)
    with pytest.raises(StoreError):
        shared.exchange()
    database.write("ALTER TABLE away RENAME TO risk_added")
    shared.exchange()
    assert database.rows("SELECT signal FROM risk_added ORDER BY id") == [("y",), ("z",)]


async def test_it_goes_on_by_itself_and_over_a_broken_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, file = Clock(), tmp_path / "shared.db"
    (here, telling), (there, hearing) = (process(Fleeting(file), clock) for _ in range(2))
    monkeypatch.setattr("chatward.identity.shared_risk.EVERY", 0.001)
    work = [asyncio.ensure_future(one.run()) for one in (telling, hearing)]
    monkeypatch.setattr(telling, "exchange", _failing_once(telling))
    here.add(ANN.id, "x", 12.0)
    async with asyncio.timeout(5):
        while there.band(ANN) == LOW:  # noqa: ASYNC110 - it is what polls that is looked at
            await asyncio.sleep(0.001)
    for one in work:
        one.cancel()
    assert "risk is this process's own" in caplog.text


def _failing_once(shared: SharedRisks) -> object:
    exchange = shared.exchange
    failed: list[int] = []

    def once() -> None:
        if not failed:
            failed.append(1)
            raise StoreError("gone")
        exchange()

    return once
