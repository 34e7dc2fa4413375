"""How long stored turns stay, and who is held."""

from __future__ import annotations

from chatward.core.events import Event
from chatward.privacy.retention import Hold, by_purpose, oldest, purge
from tests.privacy.conftest import START, Office


def test_the_oldest_turn_is_known(office: Office) -> None:
    assert oldest(office.store.database) is None
    office.chat("p", "early")
    office.days(1)
    office.chat("p", "late")
    assert oldest(office.store.database) == START


def stored(office: Office) -> set[str]:
    return {one.subject for one in office.store.listing("default")}


def test_the_shortest_time_counts_and_who_is_held_stays(office: Office) -> None:
    office.chat("p", "early")
    office.chat("held", "early")
    office.holds.set("default", "held", "case-7", by="o")
    office.days(20)
    office.chat("q", "late")
    office.days(10)
    assert purge(office.store, office.holds).turns == 0  # the day that the limit is in stays
    office.days(1)
    assert purge(office.store, office.holds).turns == 1  # 30 days of the purpose, not 90 of the store
    assert stored(office) == {"held", "q"}
    assert office.holds.lift("default", "held", by="o")
    assert purge(office.store, office.holds).turns == 1
    assert stored(office) == {"q"}
    assert by_purpose(office.settings) == {"support": 30}


def test_holds_are_on_record_and_of_one_person(office: Office) -> None:
    office.holds.set("default", "p", "case-7", by="o")
    assert office.holds.all() == [Hold("default", "p", "case-7", START, "o")]
    assert office.holds.held("default", "p")
    assert not office.holds.held("default", "q")
    assert not office.holds.held("other", "p")
    assert not office.holds.lift("default", "q", by="o")
    assert office.holds.lift("default", "p", by="o")
    assert not office.holds.held("default", "p")
    assert office.events()[-2:] == [Event.LEGAL_HOLD_SET, Event.LEGAL_HOLD_LIFTED]
