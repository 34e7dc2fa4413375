"""A receiver that dies, blocks, resets or answers with errors costs no entry and no order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatward.ledger.reading import Record, tail
from chatward.monitoring.cursors import Cursors, opened
from chatward.monitoring.follower import FIRST, LONGEST, POLL, REPLACED, Follower, Shipping
from chatward.monitoring.sinks import SinkError, SyslogStream
from tests.monitoring.records import Written
from tests.simulators.receivers import SyslogReceiver


def name(record: Record) -> bytes:
    return record.exchange.encode()


class Taking:
    """Takes everything; ``fail`` makes the next takes fail, before or after they took."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.fail: list[str] = []

    def take(self, records: Sequence[Record]) -> None:
        how = self.fail.pop(0) if self.fail else ""
        if how == "before":
            raise SinkError("gone")
        self.taken += [record.seq for record in records]
        if how == "after":
            raise SinkError("gone after it took")

    def close(self) -> None:
        self.taken.append(-1)


@pytest.fixture
def cursors(tmp_path: Path) -> Cursors:
    return Cursors(opened(tmp_path / "m.db"))


def follower(written: Written, cursors: Cursors, taking: Taking, **more: object) -> Follower:
    return Follower("s", written.path, cursors, taking, clock=lambda: 5.0, chance=lambda: 0.0, **more)  # type: ignore[arg-type]


async def test_everything_in_order_in_batches(tmp_path: Path, cursors: Cursors) -> None:
    written, taking = Written(tmp_path), Taking()
    one = follower(written, cursors, taking, batch=3)
    assert one.step() == POLL  # no ledger yet
    await written.add(7)
    assert [one.step() for _ in range(3)] == [0.0, 0.0, POLL]
    assert taking.taken == list(range(1, 8))
    assert one.step() == POLL
    assert taking.taken == list(range(1, 8))
    again = follower(written, cursors, taking, batch=3)  # another process
    await written.add(1)
    again.step()
    assert taking.taken == list(range(1, 9))


async def test_what_was_not_taken_comes_again_and_nothing_is_passed_over(tmp_path: Path, cursors: Cursors) -> None:
    written, taking = Written(tmp_path), Taking()
    await written.add(4)
    taking.fail = ["before", "after", "before"]
    one = follower(written, cursors, taking, batch=2)
    waits = [one.step() for _ in range(3)]
    assert waits == [FIRST, 2 * FIRST, 4 * FIRST]
    standing = cursors.get("s")
    assert (standing.seq, standing.failures, standing.said) == (0, 3, "gone")
    while one.step() == 0.0:
        pass
    assert taking.taken == [1, 2, 1, 2, 3, 4]
    assert cursors.get("s").failures == 0


async def test_it_waits_longer_each_time_up_to_a_minute_and_less_by_chance(tmp_path: Path, cursors: Cursors) -> None:
    written, taking = Written(tmp_path), Taking()
    await written.add()
    taking.fail = ["before"] * 12
    one = follower(written, cursors, taking)
    waits = [one.step() for _ in range(11)]
    assert waits == [min(LONGEST, FIRST * 2**number) for number in range(11)]
    one._chance = lambda: 1.0
    assert one.step() == LONGEST / 2


@pytest.mark.parametrize(("start", "taken"), [("beginning", [1, 2, 3, 4]), ("now", [4])])
async def test_where_a_new_receiver_begins(tmp_path: Path, cursors: Cursors, start: str, taken: list[int]) -> None:
    written, taking = Written(tmp_path), Taking()
    await written.add(3)
    one = follower(written, cursors, taking, start=start)
    one.step()
    await written.add()
    one.step()
    assert taking.taken == taken


async def test_from_now_on_an_empty_ledger_loses_nothing(tmp_path: Path, cursors: Cursors) -> None:
    written, taking = Written(tmp_path), Taking()
    one = follower(written, cursors, taking, start="now")
    one.step()
    await written.add(2)
    one.step()
    assert taking.taken == [1, 2]


async def test_another_ledger_in_its_place_stops_it(tmp_path: Path, cursors: Cursors) -> None:
    written, taking = Written(tmp_path), Taking()
    await written.add(3)
    one = follower(written, cursors, taking)
    one.step()
    (tmp_path / "other").mkdir()
    other = Written(tmp_path / "other")
    for count in (1, 4):  # shorter, and longer
        await other.add(count)
        two = follower(other, cursors, taking)
        assert two.step() >= FIRST
        assert cursors.get("s").said == REPLACED
    assert taking.taken == [1, 2, 3]
    cursors.move("s", 0, b"", 1.0)
    two.step()
    assert taking.taken == [1, 2, 3, 1, 2, 3, 4, 5]


async def test_it_takes_the_events_that_are_wanted_and_goes_past_the_others(tmp_path: Path, cursors: Cursors) -> None:
    written, sent = Written(tmp_path), []
    await written.add(2, "request:call:refused")
    await written.add(2, "reply:output:judged")

    class Sink:
        def send(self, batch: Sequence[bytes]) -> None:
            sent.extend(batch)

        def close(self) -> None: ...

    one = Follower("s", written.path, cursors, Shipping(Sink(), name, ["reply:*"]))
    one.step()
    assert sent == [b"e3", b"e4"]
    assert cursors.get("s").seq == 4


async def test_a_syslog_receiver_that_is_killed_and_started_again_misses_nothing(
    tmp_path: Path, cursors: Cursors
) -> None:
    """>> up, << entries; >> resets with bytes unread; >> gone; >> up again, << all that it had not."""
    written = Written(tmp_path)
    receiver = SyslogReceiver()
    port = receiver.port
    one = Follower("s", written.path, cursors, Shipping(SyslogStream("127.0.0.1", port), name), batch=4)
    await written.add(6)
    one.step(), one.step()
    assert receiver.messages == [b"e%d" % n for n in range(1, 7)]
    receiver.mode = "reset"
    await written.add(5)
    one.step()
    assert cursors.get("s").seq == 6
    receiver.close()
    one.step()
    assert cursors.get("s").failures == 2
    second = SyslogReceiver(port)
    one.step(), one.step()
    second.close()
    assert second.messages == [b"e%d" % n for n in range(7, 12)]
    assert cursors.get("s").seq == tail(written.path, 1)[-1].seq == 11


async def test_a_receiver_that_never_reads_is_not_believed(tmp_path: Path, cursors: Cursors) -> None:
    written = Written(tmp_path)
    await written.add(2)
    receiver = SyslogReceiver(mode="silent")
    one = Follower("s", written.path, cursors, Shipping(SyslogStream("127.0.0.1", receiver.port, seconds=0.05), name))
    one.step()
    assert cursors.get("s").seq == 0
    assert "too long" in cursors.get("s").said
    receiver.mode = "read"
    one.step()
    receiver.close()
    assert receiver.messages == [b"e1", b"e2"]


async def test_it_ends_when_it_is_told_and_closes_what_it_has(tmp_path: Path, cursors: Cursors) -> None:
    written, taking, stop = Written(tmp_path), Taking(), threading.Event()
    stop.set()
    follower(written, cursors, taking).run(stop)
    assert taking.taken == [-1]
