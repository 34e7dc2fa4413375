"""People as a directory keeps them: who may ask, from the next question on, in every process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import StoreError
from chatward.core.identity import Kind, Principal
from chatward.core.ports import Entry
from chatward.identity.people import LINK, ROLES, Link, PeopleRegistry, Stored, link_id
from chatward.identity.provider import person_id
from chatward.identity.scim_schema import GROUP, USER, ScimError
from chatward.ledger import events
from chatward.stores.database import Database

ISSUER = "https://idp.example"
SUB = Link(ISSUER)
BY_NAME = Link(ISSUER, "userName", "preferred_username")
ANN = {"userName": "Ann@Example.com", "externalId": "a1", "active": True, "displayName": "Ann Other"}
PERSON = person_id(ISSUER, "a1")


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Recorder:
    """Keeps entries as the ledger would take them; may be down."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.down = False

    def __call__(self, entry: Entry) -> None:
        if self.down:
            raise StoreError("down")
        events.encode(entry)
        self.entries.append(entry)

    @property
    def words(self) -> list[str]:
        return [str(entry.event) for entry in self.entries]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record() -> Recorder:
    return Recorder()


Open = Callable[..., PeopleRegistry]


@pytest.fixture
def open_(tmp_path: Path, clock: Clock, record: Recorder) -> Open:
    def made(links: Sequence[Link] = (SUB,), **options: Any) -> PeopleRegistry:
        return PeopleRegistry(Database(tmp_path / "identity.db"), record, links=links, clock=clock, **options)

    return made


def disabled(stored: Stored) -> dict[str, Any]:
    return {**stored.document, "active": False}


def enabled(stored: Stored) -> dict[str, Any]:
    return {**stored.document, "active": True}


def principal(issued: float = 0.0, **attributes: str) -> Principal:
    return Principal(PERSON, Kind.PERSON, attributes={"issued": repr(issued), **attributes})


def test_who_is_disabled_is_refused_at_the_next_question_in_every_process(open_: Open, record: Recorder) -> None:
    here, there = open_(), open_()
    user = here.create(USER, ANN, "key:1")
    assert here.active(PERSON)
    assert there.active(PERSON)
    here.change(USER, user.id, disabled, "key:1")
    assert not here.active(PERSON)
    assert not there.active(PERSON)
    assert not there.admits(principal(issued=2e9))
    assert record.words == ["person:record:created", "person:record:disabled"]
    assert record.entries[1].fields == {"user": user.id, "by": "key:1", "active": False}


def test_the_record_holds_no_name(open_: Open, record: Recorder) -> None:
    registry = open_()
    user = registry.create(USER, ANN)
    team = registry.create(GROUP, {"displayName": "Support", "members": [{"value": user.id}]})
    registry.change(USER, user.id, disabled)
    registry.delete(USER, user.id, lambda old: None)
    registry.delete(GROUP, team.id, lambda old: None)
    told = repr([entry.fields for entry in record.entries])
    assert not any(word in told for word in ("Ann", "ann", "Support", "'a1'"))


def test_who_is_let_in_again_starts_anew(open_: Open, clock: Clock) -> None:
    registry = open_()
    user = registry.create(USER, ANN)
    assert registry.admits(principal(issued=clock.now - 5))
    registry.change(USER, user.id, disabled)
    clock.now += 100
    registry.change(USER, user.id, enabled)
    assert registry.active(PERSON)
    assert not registry.admits(principal(issued=clock.now - 5)), "a token from before"
    assert not registry.admits(Principal(PERSON, Kind.PERSON)), "one that does not say since when"
    assert registry.admits(principal(issued=clock.now + 1))


def test_deleting_is_no_way_back_in(open_: Open, tmp_path: Path, clock: Clock) -> None:
    registry = open_()
    user = registry.create(USER, ANN)
    registry.delete(USER, user.id, lambda old: None)
    assert not registry.active(PERSON)
    assert not open_().active(PERSON), "nor is starting again"
    data = b"".join(path.read_bytes() for path in tmp_path.glob("identity.db"))
    assert b"Ann" not in data
    assert b"ann@example.com" not in data
    clock.now += 10
    registry.create(USER, ANN)
    assert registry.active(PERSON)
    assert not registry.admits(principal(issued=clock.now - 5))


def test_another_name_is_another_person_and_the_old_one_is_out(open_: Open) -> None:
    registry = open_()
    user = registry.create(USER, ANN)
    registry.change(USER, user.id, lambda old: {**old.document, "externalId": "a2"})
    assert not registry.active(PERSON)
    assert registry.standing(person_id(ISSUER, "a2")).user == user.id


def test_nobody_is_somebody_elses_person(open_: Open) -> None:
    registry = open_()
    registry.create(USER, ANN)
    for document in ({**ANN, "userName": "bob"}, {**ANN, "externalId": "b"}, {**ANN, "userName": "ANN@example.COM"}):
        with pytest.raises(ScimError) as refused:
            registry.create(USER, document)
        assert (refused.value.status, refused.value.scim_type) == (409, "uniqueness")
    bob = registry.create(USER, {"userName": "bob", "externalId": "b", "active": True})
    with pytest.raises(ScimError):
        registry.change(USER, bob.id, lambda old: {**old.document, "externalId": "a1"})


def test_strangers_are_let_in_unless_only_known_people_are(open_: Open) -> None:
    assert open_().active("person:unknown")
    assert not open_(required=True).active("person:unknown")


def test_a_claim_beside_the_subject_links_too(open_: Open) -> None:
    registry = open_(links=(BY_NAME,))
    user = registry.create(USER, ANN)
    link = link_id(ISSUER, "preferred_username", "ann@example.com")
    assert registry.found(principal(**{LINK: link})).user == user.id
    registry.change(USER, user.id, disabled)
    assert not registry.admits(principal(issued=2e9, **{LINK: link}))
    assert registry.admits(principal()), "without the claim nobody knows"


def test_of_two_links_the_one_that_shuts_out_counts(open_: Open) -> None:
    registry = open_(links=(SUB, BY_NAME))
    ann = registry.create(USER, ANN)
    bob = registry.create(USER, {"userName": "bob", "externalId": "b", "active": True})
    crossed = principal(issued=2e9, **{LINK: link_id(ISSUER, "preferred_username", "bob")})
    assert registry.admits(crossed)
    registry.change(USER, bob.id, disabled)
    assert not registry.admits(crossed)
    registry.change(USER, bob.id, enabled)
    registry.change(USER, ann.id, disabled)
    assert not registry.admits(crossed)


def test_groups_give_the_mapped_roles_and_take_them_away(open_: Open) -> None:
    here, there = open_(groups={"Support": "agent", "g-7": "auditor"}), open_(groups={"Support": "agent"})
    user = here.create(USER, ANN)
    team = here.create(GROUP, {"displayName": "Support", "externalId": "g-7", "members": [{"value": user.id}]})
    here.create(GROUP, {"displayName": "Other", "members": [{"value": user.id}]})
    assert here.standing(PERSON).roles == {"agent", "auditor"}
    assert there.standing(PERSON).roles == {"agent"}
    agent = principal(**{ROLES: "agent"})
    assert there.admits(agent)
    here.change(GROUP, team.id, lambda old: {"displayName": "Support"})
    assert there.standing(PERSON).roles == frozenset()
    assert not there.admits(agent), "a role that is lost ends what was made with it"
    assert there.admits(principal())


def test_a_group_of_a_taken_name_gets_no_role(open_: Open) -> None:
    registry = open_(groups={"Support": "agent"})
    registry.create(GROUP, {"displayName": "Support"})
    with pytest.raises(ScimError) as refused:
        registry.create(GROUP, {"displayName": "support"})
    assert refused.value.scim_type == "uniqueness"


def test_members_must_exist_and_leave_with_their_users(open_: Open) -> None:
    registry = open_()
    with pytest.raises(ScimError):
        registry.create(GROUP, {"displayName": "Support", "members": [{"value": "nobody"}]})
    assert registry.all(GROUP) == []
    user = registry.create(USER, ANN)
    team = registry.create(GROUP, {"displayName": "Support", "members": [{"value": user.id}]})
    registry.delete(USER, user.id, lambda old: None)
    found = registry.get(GROUP, team.id)
    assert found is not None
    assert "members" not in found.document


def test_rights_are_on_record_before_they_are_given(open_: Open, record: Recorder) -> None:
    registry = open_(groups={"Support": "agent"}, required=True)
    record.down = True
    with pytest.raises(StoreError):
        registry.create(USER, ANN)
    assert not registry.active(PERSON)
    record.down = False
    user = registry.create(USER, {**ANN, "active": False})
    team = registry.create(GROUP, {"displayName": "Support"})
    record.down = True
    with pytest.raises(StoreError):
        registry.change(USER, user.id, enabled)
    with pytest.raises(StoreError):
        registry.change(GROUP, team.id, lambda old: {**old.document, "members": [{"value": user.id}]})
    assert not registry.active(PERSON)
    assert registry.teams(user.id) == []


def test_who_leaves_is_out_even_without_a_record_and_the_entry_is_owed(open_: Open, record: Recorder) -> None:
    registry = open_()
    user = registry.create(USER, ANN)
    record.down = True
    with pytest.raises(StoreError):
        registry.change(USER, user.id, disabled, "key:1")
    assert not registry.active(PERSON)
    record.down = False
    open_().settle()
    assert record.words[-1] == "person:record:disabled"
    assert record.entries[-1].fields["by"] == "key:1"
    open_().settle()
    assert len(record.entries) == 2


def test_two_changes_at_once_do_not_undo_each_other(open_: Open) -> None:
    here, there = open_(), open_()
    user = here.create(USER, ANN)
    between = []

    def renamed(old: Stored) -> dict[str, Any]:
        if not between:
            between.append(there.change(USER, user.id, disabled))
        return {**old.document, "displayName": "Ann Married"}

    changed = here.change(USER, user.id, renamed)
    assert changed.document["active"] is False
    assert changed.document["displayName"] == "Ann Married"


def test_other_links_in_the_settings_make_other_persons(open_: Open) -> None:
    user = open_().create(USER, {**ANN, "active": False})
    assert open_().active(link_id(ISSUER, "preferred_username", "ann@example.com"))
    registry = open_(links=(BY_NAME,))
    assert registry.active(PERSON)
    assert registry.standing(link_id(ISSUER, "preferred_username", "ann@example.com")).user == user.id
    assert not registry.active(link_id(ISSUER, "preferred_username", "ann@example.com"))


def test_where_two_users_become_one_person_the_disabled_one_counts(open_: Open) -> None:
    registry = open_(links=(BY_NAME,))
    registry.create(USER, {**ANN, "active": False})
    registry.create(USER, {**ANN, "userName": "ann2"})
    assert not open_(links=(SUB,)).active(PERSON)
