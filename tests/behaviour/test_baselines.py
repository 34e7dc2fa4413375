"""Baselines of entities: what is unusual, against one's own past, peers, and the hour; memory of fixed width."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from chatward.behaviour.baselines import Baselines, Seen, group_of
from chatward.behaviour.rows import WIDTH, Rows, digest

PERSON = group_of("principal", "person")
START = 1_700_000_100.0
WEEK = 7 * 86_400.0


def seen(at: float, *, refused: bool = False, session: int = 1, marks: int = 0, length: float = 4.0) -> Seen:
    return Seen(f"r{at:.0f}", at, refused, refused, session, marks, length, 6.0)


def peers_of(baselines: Baselines, count: int = 400) -> float:
    """People who write two or three messages in a window; the time afterwards."""
    pick, at = random.Random(4), START
    for person in range(count):
        at += 60
        for turn in range(pick.randint(1, 4)):
            length = 4 + pick.gauss(0, 0.3)
            baselines.add(digest(b"k", f"peer{person % 100}"), PERSON, seen(at + turn, length=length))
    return at + 86_400


def test_a_newcomer_is_compared_with_peers() -> None:
    baselines = Baselines(Rows(1000))
    at = peers_of(baselines)
    found = [one for turn in range(60) for one in baselines.add(b"new", PERSON, seen(at + turn))]
    assert [(one.signal, one.deviations[0].feature) for one in found] == [("extreme", "messages")]  # once in a window
    deviation = found[0].deviations[0]
    assert deviation.own == 0.0
    assert deviation.expected < 5
    assert 10 <= deviation.value < 60
    assert deviation.score >= deviation.threshold
    assert found[0].evidence[-1] == f"r{at + deviation.value - 1:.0f}"


def test_what_is_usual_for_one_is_no_alert_for_them_and_one_for_another() -> None:
    baselines = Baselines(Rows(1000))
    at = peers_of(baselines, 1200)
    raised = []
    for _ in range(60):  # somebody busy: 60 messages in every window
        at += 300
        raised.append([one for turn in range(60) for one in baselines.add(b"busy", PERSON, seen(at + turn))])
    assert raised[0]
    assert not any(raised[-20:])
    other = [one for turn in range(60) for one in baselines.add(digest(b"k", "peer1"), PERSON, seen(at + turn))]
    assert other


def test_who_is_refused_does_not_become_used_to_it() -> None:
    baselines = Baselines(Rows(1000))
    at = peers_of(baselines, 1200)
    late = []
    for window in range(60):
        at += 300
        found = [one for turn in range(8) for one in baselines.add(b"bad", PERSON, seen(at + turn, refused=True))]
        late += [found] if window >= 50 else []
    assert sum(any("refused" in d.feature for one in found for d in one.deviations) for found in late) >= 5


def test_few_are_never_a_burst() -> None:
    baselines = Baselines(Rows(10))
    assert not any(baselines.add(b"e", PERSON, seen(START + turn)) for turn in range(9))


def test_new_tools_are_counted_once() -> None:
    baselines = Baselines(Rows(10))
    for turn in range(5):
        baselines.add(b"e", PERSON, seen(START + turn, marks=0b111))
    assert baselines.rows.find(b"e")["sums"][4] == 3


def test_silence_fades_a_baseline_and_at_last_it_goes() -> None:
    baselines = Baselines(Rows(10), half_life=86_400.0)
    at = START
    for _ in range(40):
        at += 300
        baselines.add(b"e", PERSON, seen(at))
    before = float(baselines.rows.find(b"e")["weight"])
    baselines.add(b"e", PERSON, seen(at + 86_400))
    assert float(baselines.rows.find(b"e")["weight"]) == pytest.approx((before + 1) / 2, rel=0.02)
    assert baselines.evict(at + 2 * 86_400) == 0
    assert baselines.evict(at + 9 * 86_400) == 1
    assert b"e" not in baselines.rows


def test_a_late_message_counts_for_the_window_under_way() -> None:
    baselines = Baselines(Rows(10))
    baselines.add(b"e", PERSON, seen(START + 3000))
    baselines.add(b"e", PERSON, seen(START))
    assert baselines.rows.find(b"e")["sums"][0] == 2


def test_an_hour_that_was_never_visited_is_a_surprise() -> None:
    baselines = Baselines(Rows(1000))
    at = START - START % WEEK
    found = []
    for day in range(60):  # at noon, every day
        for turn in range(3):
            found += baselines.add(b"e", PERSON, seen(at + day * 86_400 + 12 * 3600 + turn * 400))
    peers, visits = baselines.peers(PERSON), baselines.rows.find(b"e")["visits"].astype(float)
    noon = int((at // 3600 + 72) % 168 + 12) % 168
    assert peers.surprise(visits, noon) < 0
    assert peers.surprise(visits, (noon + 9) % 168) > 3
    assert not [one for one in found if one.deviations[0].feature == "hour"]


def test_rows_are_of_fixed_width_and_the_longest_unheard_go_first() -> None:
    rows = Rows(3)
    for name in (b"a", b"b", b"c", b"a", b"d"):
        rows.place(name)
    assert (len(rows), b"b" in rows, b"a" in rows, b"d" in rows) == (3, False, True, True)
    written, gone = rows.take_changed()
    assert {name for name, _ in written} == {b"a", b"c", b"d"}
    assert gone == [b"b"]
    assert all(len(data) == WIDTH for _, data in written)
    assert rows.take_changed() == ([], [])
    rows.forget(b"a")
    assert rows.place(b"e")[1]
    assert rows.find(b"e")["seen"] == 0
    assert 100_000 * WIDTH < 100e6


def test_more_rows_come_back_than_there_was_room_for() -> None:
    rows, again = Rows(5000), Rows(5000)
    for number in range(3000):
        at, _ = rows.place(digest(b"k", str(number)))
        rows.array[at]["seen"] = number
    written, _ = rows.take_changed()
    assert again.load(written) == 3000
    assert again.find(digest(b"k", "2999"))["seen"] == 2999


def test_rows_come_back_as_they_were() -> None:
    baselines = Baselines(Rows(5000))
    at = peers_of(baselines, 300)
    written, _ = baselines.rows.take_changed()
    again = Baselines(Rows(5000))
    assert again.rows.load(written) == len(baselines.rows)
    for group, peers in baselines.groups.items():
        again.peers(group).restore(peers.state())
    for turn in range(40):
        one = baselines.add(digest(b"k", "peer1"), PERSON, seen(at + turn))
        other = again.add(digest(b"k", "peer1"), PERSON, seen(at + turn))
        assert [unusual.deviations for unusual in one] == [unusual.deviations for unusual in other]
    assert not again.rows.load([(b"x" * 16, b"of another layout")])
    assert math.isclose(float(again.peers(PERSON).weight), float(baselines.peers(PERSON).weight))


def test_what_nobody_read_says_nothing_of_length_and_pace() -> None:
    baselines = Baselines(Rows(10), width=60.0)
    for minute in range(20):
        baselines.add(b"a" * 16, 1, seen(minute * 60.0))
    before = baselines.rows.find(b"a" * 16)["mean"].copy()
    for minute in range(20, 40):
        unread = replace(seen(minute * 60.0), refused=True, length=None, duration=None)
        baselines.add(b"a" * 16, 1, unread)
    assert baselines.rows.find(b"a" * 16)["mean"][5:7] == pytest.approx(before[5:7], rel=0.01)
