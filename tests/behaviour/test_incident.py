"""Processes that share a file come to one incident, whoever saw what of it, in whatever order they hear of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.behaviour.incident import Incident, restored
from tests.behaviour.test_campaigns import TEXT, Scene


def incidents() -> st.SearchStrategy[Incident]:
    few = st.integers(0, 5)
    return st.builds(
        lambda told, heard, counts, sessions, keys, entities, blocks: Incident(
            "inc-1", 10.0 - heard, heard, "t", told=told,
            counts={process: Counter({"again": count}) for process, count in counts.items() if count},
            sessions=dict.fromkeys(sessions), keys=dict.fromkeys(keys),
            entities={("t", one): None for one in entities}, blocks=dict.fromkeys(blocks),
        ),
        few, st.floats(0, 9), st.dictionaries(st.sampled_from("pq"), few), st.sets(few), st.sets(st.sampled_from("ab")),
        st.sets(st.sampled_from("xyz")), st.sets(few),
    )  # fmt: skip


def copied(one: Incident) -> Incident:
    told = {"id": one.id, "opened": one.opened, "heard": one.heard, **one.state()}
    return restored(told, [entity for _, entity in one.entities])


def seen(one: Incident) -> object:
    told = one.state()
    sets = {name: set(told.pop(name)) for name in ("keys", "sessions", "bots", "evidence")}
    return told, sets, one.entities.keys(), one.opened, one.heard


@settings(max_examples=60, deadline=None)
@given(incidents(), incidents(), incidents())
def test_joining_is_the_same_in_any_order_and_however_often(a: Incident, b: Incident, c: Incident) -> None:
    left, right = copied(a), copied(c)
    left.join(b)
    left.join(c)
    right.join(b)
    assert right.join(right) is False
    right.join(a)
    right.join(b)
    assert seen(left) == seen(right)
    assert left.alerts >= max(a.alerts, b.alerts, c.alerts)
    assert left.join(right) is False  # nothing that the other has not: nothing is written


@settings(max_examples=30, deadline=None)
@given(incidents(), incidents())
def test_whoever_has_more_alerts_writes_again(a: Incident, b: Incident) -> None:
    more = any(a.counts.get(name, Counter()) - b.counts.get(name, Counter()) for name in a.counts)
    assert copied(a).join(b) is (more or a.told > b.told)


def test_what_one_process_opened_the_other_goes_on_with(tmp_path: Path) -> None:
    one, other = Scene(tmp_path / "b.db"), Scene(tmp_path / "b.db")
    for number in range(20):
        one.say(f"{TEXT} {number}")
    one.analyst.save()
    other.analyst.save()  # every half a minute
    (id,) = one.folding.open
    assert list(other.folding.open) == [id]
    other.now, other.count = one.now, 1_000
    for number in range(12):
        other.say(f"{TEXT} and {number}")
    assert not other.events("incident:opened")
    here, there = one.folding.open[id].alerts, other.folding.open[id].alerts
    for _ in range(2):
        other.analyst.save()
        one.analyst.save()
    assert one.folding.open[id].alerts == other.folding.open[id].alerts == there > here
    (stored,) = one.store.incidents()
    assert (stored["alerts"], stored["size"]) == (there, one.folding.open[id].size)
    assert len(one.store.alerts(limit=1_000, incident=id)) == there
    written = one.store.heard("", 0)
    for _ in range(2):
        other.analyst.save()
        one.analyst.save()
    assert one.store.heard("", 0) == written  # and then it is quiet


def test_of_two_for_one_campaign_the_older_stays(tmp_path: Path) -> None:
    one, other = Scene(tmp_path / "b.db"), Scene(tmp_path / "b.db")
    other.now, other.count = one.now + 1, 1_000
    for number in range(20):
        one.say(f"{TEXT} {number}")
        other.say(f"{TEXT} or {number}")
    (older,), (younger,) = one.folding.open, other.folding.open
    total = one.folding.open[older].alerts + other.folding.open[younger].alerts
    for scene in (other, one, other, one):
        scene.analyst.save()
    assert list(one.folding.open) == list(other.folding.open) == [older]
    (stored,) = one.store.incidents()
    assert (stored["id"], stored["alerts"]) == (older, total)
    assert len(one.store.alerts(limit=1_000, incident=older)) == total
    assert set(one.store.members(older)) == {entity for _, entity in one.folding.open[older].entities}
    (joined,) = other.events("incident:joined")
    assert (joined["incident"], joined["into"]) == (younger, older)
    assert not one.events("incident:joined")
    third = Scene(tmp_path / "b.db")
    assert list(third.folding.open) == [older]
