"""Invitations: a link for one account, with the roles that somebody chose, as good as who gave it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatward.core.errors import ChatwardError, StoreError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.identity.invitations import LIFE, MOST, Invitations
from chatward.identity.operators import Operators
from chatward.identity.passwords import Cost, Passwords
from chatward.stores.database import Database

GOOD = "correct horse battery"


class World:
    def __init__(self, folder: Path) -> None:
        self.now, self.broken = 1_700_000_000.0, False
        self.entries: list[tuple[str, dict[str, object]]] = []
        self.database = Database(folder / "identity.db")
        self.operators = Operators(self.database, Passwords(Cost(8, 1)), self.record, clock=lambda: self.now)
        self.invitations = Invitations(self.database, self.operators, self.record, clock=lambda: self.now)
        self.ann = self.operators.create("ann", GOOD, ["admin"]).id
        self.bob = self.operators.create("bob", GOOD, ["admin"]).id

    def record(self, entry: Entry) -> None:
        if self.broken:
            raise StoreError("The record cannot be written now; nothing was done.")
        self.entries.append((Event(entry.event).value, dict(entry.fields)))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(ChatwardError) as error:
        act()
    return error.value.reason


def test_a_link_makes_one_account_with_its_roles(world: World) -> None:
    made = world.invitations.invite(["analyst", "auditor"], break_glass=True, by=world.ann)
    assert world.invitations.opens(made.token) == made.invitation
    operator = world.invitations.redeem(made.token, "Eve", GOOD)
    assert (operator.name, operator.roles, operator.break_glass) == ("eve", frozenset({"analyst", "auditor"}), True)
    assert world.operators.verify("eve", GOOD) is not None
    assert refused(lambda: world.invitations.redeem(made.token, "eva", GOOD)) == "link-invalid"
    assert world.invitations.open() == []
    names = [name for name, _ in world.entries]
    assert names[-2:] == ["operator:invitation:made", "operator:account:created"]
    assert world.entries[-1][1]["by"] == world.ann
    assert made.token not in repr([world.entries, made])


def test_only_a_digest_is_kept(world: World, tmp_path: Path) -> None:
    made = world.invitations.invite(["analyst"], by=world.ann)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.token.encode() not in kept


@pytest.mark.parametrize("how", ["disabled", "roles", "password"])
def test_it_is_as_good_as_who_gave_it(world: World, how: str) -> None:
    made = world.invitations.invite(["admin"], by=world.ann)
    if how == "disabled":
        world.operators.disable(world.ann)
    elif how == "roles":
        world.operators.set_roles(world.ann, ["analyst"])
    else:
        world.operators.set_password(world.ann, "staple of another kind")
    assert world.invitations.opens(made.token) is None
    assert world.invitations.open() == []
    assert refused(lambda: world.invitations.redeem(made.token, "eve", GOOD)) == "link-invalid"
    if how == "disabled":
        world.operators.enable(world.ann)
        assert world.invitations.opens(made.token) is None


def test_it_ends_and_may_be_withdrawn(world: World) -> None:
    late, taken = (world.invitations.invite(["analyst"], by=world.ann) for _ in range(2))
    world.invitations.withdraw(taken.invitation.id, by=world.bob)
    assert refused(lambda: world.invitations.withdraw(taken.invitation.id, by=world.bob)) == "invitation-unknown"
    assert world.entries[-1] == ("operator:invitation:withdrawn", {"invitation": taken.invitation.id, "by": world.bob})
    assert refused(lambda: world.invitations.redeem(taken.token, "eve", GOOD)) == "link-invalid"
    world.now += LIFE
    assert refused(lambda: world.invitations.redeem(late.token, "eve", GOOD)) == "link-invalid"


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [("bob", GOOD, "name-taken"), ("no name", GOOD, "name-invalid"), ("eve", "short", "password-short")],
)
def test_what_cannot_become_an_account_leaves_the_link(world: World, name: str, password: str, reason: str) -> None:
    made = world.invitations.invite(["analyst"], by=world.ann)
    assert refused(lambda: world.invitations.redeem(made.token, name, password)) == reason
    assert world.invitations.redeem(made.token, "eve", GOOD).roles == {"analyst"}


def test_nothing_without_a_record(world: World) -> None:
    world.broken = True
    with pytest.raises(StoreError):
        world.invitations.invite(["analyst"], by=world.ann)
    assert world.invitations.open() == []
    world.broken = False
    made = world.invitations.invite(["analyst"], by=world.ann)
    world.broken = True
    with pytest.raises(StoreError):
        world.invitations.redeem(made.token, "eve", GOOD)
    world.broken = False
    assert len(world.operators.all()) == 2
    assert world.invitations.redeem(made.token, "eve", GOOD).name == "eve"


def test_what_cannot_be_invited(world: World) -> None:
    assert refused(lambda: world.invitations.invite([], by=world.ann)) == "role-missing"
    assert refused(lambda: world.invitations.invite(["king"], by=world.ann)) == "role-unknown"
    assert refused(lambda: world.invitations.invite(["admin"], by="operator:nobody")) == "operator-unknown"
    for _ in range(MOST):
        world.invitations.invite(["analyst"], by=world.ann)
    assert refused(lambda: world.invitations.invite(["analyst"], by=world.ann)) == "too-many-invitations"
