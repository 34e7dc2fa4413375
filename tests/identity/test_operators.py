"""Operators: accounts, the first admin's link, break-glass, and the last admin who stays."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.ports import Entry
from chatward.identity.operators import LINK_LIFE, ROLES, SCHEMA, Fresh, Operators
from chatward.identity.passwords import Cost, Passwords
from chatward.ledger import events
from chatward.stores.database import Database, Schema

CHEAP = Cost(memory=8, passes=1)
GOOD = "correct horse battery"
OTHER = "staple of another kind"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "identity.db"


@pytest.fixture
def record() -> list[Entry]:
    return []


@pytest.fixture
def operators(file: Path, clock: Clock, record: list[Entry]) -> Operators:
    return Operators(Database(file), Passwords(CHEAP), record.append, clock=clock)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises((ClientError, IdentityError)) as caught:
        call()
    assert GOOD not in caught.value.public
    return caught.value.reason


# --- accounts


def test_an_account_is_known_by_a_random_id_that_tells_no_name(operators: Operators) -> None:
    ann, bob = operators.create("Ann", GOOD, ["admin"]), operators.create("bob", GOOD, ["analyst", "auditor"])
    assert re.fullmatch(r"operator:[0-9a-f]{16}", ann.id)
    assert ann.id != bob.id
    assert operators.get(bob.id) == bob == operators.named(" BOB ")
    assert [one.name for one in operators.all()] == ["ann", "bob"]
    assert bob.roles == {"analyst", "auditor"}


@pytest.mark.parametrize(
    ("name", "password", "roles", "why"),
    [
        ("", GOOD, ["admin"], "name-invalid"),
        ("a b", GOOD, ["admin"], "name-invalid"),
        ("аnn", GOOD, ["admin"], "name-invalid"),  # a Cyrillic letter that looks like Latin
        ("-ann", GOOD, ["admin"], "name-invalid"),
        ("x" * 65, GOOD, ["admin"], "name-invalid"),
        ("taken", GOOD, ["admin"], "name-taken"),
        ("TAKEN ", GOOD, ["admin"], "name-taken"),
        ("ann", "short", ["admin"], "password-short"),
        ("ann", GOOD, [], "role-missing"),
        ("ann", GOOD, ["admin", "root"], "role-unknown"),
    ],
)
def test_what_no_account_can_be(operators: Operators, name: str, password: str, roles: list[str], why: str) -> None:
    operators.create("taken", GOOD, ["admin"])
    assert reason(lambda: operators.create(name, password, roles)) == why
    assert len(operators.all()) == 1


def test_no_password_and_no_token_stands_in_the_file(operators: Operators, file: Path) -> None:
    token = operators.first_link()
    assert token is not None
    operators.create("ann", GOOD, ["analyst"])
    operators.redeem(token, "bob", OTHER)
    for part in file.parent.iterdir():
        stored = part.read_bytes()
        assert not any(text.encode() in stored for text in (GOOD, OTHER, token))


def test_there_is_somebody_from_the_first_account_on(operators: Operators) -> None:
    assert not operators.any()
    operators.create("root", GOOD, ["admin"])
    ann = operators.create("ann", GOOD, ["analyst"])
    operators.disable(ann.id)
    assert operators.any()


def test_the_name_and_password_say_who_it_is(operators: Operators) -> None:
    operators.create("root", GOOD, ["admin"])
    ann = operators.create("ann", OTHER, ["analyst"])
    assert operators.verify("Ann", OTHER) == ann
    assert operators.verify("ann", GOOD) is None
    assert operators.verify("nobody", OTHER) is None
    operators.disable(ann.id)
    assert operators.verify("ann", OTHER) is None
    assert operators.verify("ann' OR 1=1 --", OTHER) is None


def test_each_name_costs_one_verification(operators: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    operators.create("root", GOOD, ["admin"])
    operators.disable(operators.create("ann", GOOD, ["analyst"]).id)
    asked = []
    real = Passwords.check
    monkeypatch.setattr(Passwords, "check", lambda self, *what: asked.append(what[0] is None) or real(self, *what))
    for name in ("root", "ann", "nobody", "", "x" * 10_000, "\ud800"):
        assert operators.verify(name, OTHER) is None
    assert asked == [False, False, True, True, True, True]


def test_an_outdated_hash_is_made_anew_at_the_log_in(file: Path) -> None:
    database = Database(file)
    old = Operators(database, Passwords(Cost(memory=16, passes=1)), print)
    ann = old.create("ann", GOOD, ["admin"])
    before = database.row("SELECT password FROM operators")
    new = Operators(database, Passwords(CHEAP), print)
    assert new.verify("ann", OTHER) is None
    assert database.row("SELECT password FROM operators") == before
    assert new.verify("ann", GOOD) == ann
    (after,) = database.row("SELECT password FROM operators") or ("",)
    assert "$m=8,t=1,p=1$" in after
    assert new.verify("ann", GOOD) == ann


def test_every_change_begins_an_epoch(operators: Operators) -> None:
    operators.create("root", GOOD, ["admin"])
    ann = operators.create("ann", GOOD, ["analyst"])
    epochs = [
        operators.set_roles(ann.id, ["auditor"]).epoch,
        operators.set_password(ann.id, OTHER).epoch,
        operators.disable(ann.id).epoch,
        operators.enable(ann.id).epoch,
    ]
    assert epochs == [1, 2, 3, 4]
    assert operators.get(ann.id) == operators.verify("ann", OTHER)
    assert reason(lambda: operators.disable("operator:none")) == "operator-unknown"
    assert reason(lambda: operators.set_password(ann.id, "ann")) == "password-short"


def test_the_last_admin_stays(operators: Operators) -> None:
    root = operators.create("root", GOOD, ["admin", "auditor"])
    operators.create("glass", GOOD, ["admin"], break_glass=True)
    assert reason(lambda: operators.disable(root.id)) == "last-admin"
    assert reason(lambda: operators.set_roles(root.id, ["auditor"])) == "last-admin"
    assert operators.get(root.id) == root
    other = operators.create("other", GOOD, ["admin"])
    operators.disable(root.id)
    assert reason(lambda: operators.disable(other.id)) == "last-admin"
    operators.enable(root.id)
    operators.disable(other.id)


def test_a_change_by_another_process_is_seen_at_once(operators: Operators, file: Path) -> None:
    ann = operators.create("ann", GOOD, ["analyst"])
    assert operators.get(ann.id) == ann
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('UPDATE operators SET active = 0')"
    subprocess.run([sys.executable, "-c", f"{code}; c.commit()", str(file)], check=True)
    seen = operators.get(ann.id)
    assert seen is not None
    assert not seen.active


def test_what_is_remembered_is_read_once(file: Path) -> None:
    database = Database(file)
    read: list[object] = []
    fresh: Fresh[int] = Fresh(database, lambda key: read.append(key) or len(read), limit=2)
    assert [fresh("a"), fresh("a"), fresh("b"), fresh("a")] == [1, 1, 2, 1]
    assert fresh("c") == 3  # full: begins anew
    assert fresh("a") == 4
    database.write("CREATE TABLE x (y)")
    assert fresh("a") == 5


# --- the record


def test_what_happens_to_accounts_is_on_record_without_a_name(operators: Operators, record: list[Entry]) -> None:
    root = operators.create("root", GOOD, ["admin"], by="command-line")
    glass = operators.create("glass", GOOD, ["admin"], break_glass=True, by=root.id)
    operators.set_roles(glass.id, ["operator"], by=root.id)
    operators.set_password(glass.id, OTHER, by=root.id)
    operators.disable(glass.id, by=root.id)
    operators.use(operators.enable(glass.id, by=root.id))
    operators.review(glass.id, root.id)
    for entry in record:
        events.encode(entry)
    about = [
        (entry.event, entry.fields["operator"], entry.fields.get("by"), entry.fields.get("what")) for entry in record
    ]
    assert about == [
        ("operator:account:created", root.id, "command-line", None),
        ("operator:account:created", glass.id, root.id, None),
        ("operator:account:changed", glass.id, root.id, "roles"),
        ("operator:account:changed", glass.id, root.id, "password"),
        ("operator:account:disabled", glass.id, root.id, None),
        ("operator:account:changed", glass.id, root.id, "enabled"),
        ("operator:break-glass:used", glass.id, None, None),
        ("operator:break-glass:reviewed", glass.id, root.id, None),
    ]
    assert not any(name in str(record) for name in ("root'", "'glass'", GOOD, OTHER))


def test_without_a_record_nobody_gains_anything(operators: Operators, file: Path) -> None:
    root = operators.create("root", GOOD, ["admin"])
    ann = operators.create("ann", GOOD, ["analyst"])
    gone = operators.disable(operators.create("gone", GOOD, ["admin"]).id)
    glass = operators.create("glass", GOOD, ["admin"], break_glass=True)
    operators.use(glass)

    def full(entry: Entry) -> None:
        raise StoreError("The record cannot be written now; nothing was done.")

    broken = Operators(Database(file), Passwords(CHEAP), full)
    before = broken.all()
    for call in (
        lambda: broken.create("eve", GOOD, ["admin"]),
        lambda: broken.set_roles(ann.id, ["admin"]),
        lambda: broken.set_password(ann.id, OTHER),
        lambda: broken.enable(gone.id),
        lambda: broken.review(glass.id, root.id),
        lambda: broken.use(operators.create("glass2", GOOD, ["admin"], break_glass=True)),
    ):
        with pytest.raises(StoreError):
            call()
    assert [one for one in broken.all() if one.name != "glass2"] == before
    assert operators.verify("ann", GOOD) == ann
    assert glass.id in {use.operator for use in operators.pending()}
    with pytest.raises(StoreError):
        broken.disable(ann.id)
    assert operators.verify("ann", GOOD) is None  # what takes rights away does not wait for the record


def test_without_a_record_the_link_makes_nobody_and_others_stay(file: Path, clock: Clock) -> None:
    def full(entry: Entry) -> None:
        raise StoreError("The record cannot be written now; nothing was done.")

    broken = Operators(Database(file), Passwords(CHEAP), full, clock=clock)
    first, second = broken.first_link(), broken.first_link()
    assert first is not None
    assert second is not None
    with pytest.raises(StoreError):
        broken.redeem(first, "ann", GOOD)
    assert broken.all() == []
    assert not broken.opens(first)
    assert broken.opens(second)


# --- the first admin


def test_the_link_makes_one_admin_once(operators: Operators) -> None:
    token = operators.first_link()
    assert token is not None
    assert len(token) == 43  # 256 bits
    assert operators.opens(token)
    ann = operators.redeem(token, "ann", GOOD)
    assert ann.roles == {"admin"}
    assert not operators.opens(token)
    assert reason(lambda: operators.redeem(token, "eve", OTHER)) == "link-invalid"
    assert [one.name for one in operators.all()] == ["ann"]
    assert operators.first_link() is None


def test_a_link_that_is_not_good_makes_nobody(operators: Operators, clock: Clock) -> None:
    late = operators.first_link()
    assert late is not None
    clock.now += LINK_LIFE
    other = operators.first_link()
    assert other is not None
    for token in (late, "", "x" * 43, other[:-1], other + "A", "\ud800"):
        assert not operators.opens(token)
        assert reason(lambda token=token: operators.redeem(token, "eve", GOOD)) == "link-invalid"
    assert not operators.any()
    assert operators.opens(other)


def test_every_link_dies_with_the_first_admin_wherever_it_comes_from(operators: Operators) -> None:
    first, second = operators.first_link(), operators.first_link()
    assert first is not None
    assert second is not None
    operators.create("analyst", GOOD, ["analyst"])
    assert operators.opens(first)  # no admin yet
    operators.create("root", GOOD, ["admin"])
    for token in (first, second):
        assert not operators.opens(token)
        assert reason(lambda token=token: operators.redeem(token, "eve", OTHER)) == "link-invalid"


def test_a_weak_password_or_a_name_that_is_taken_costs_no_link(operators: Operators) -> None:
    token = operators.first_link()
    assert token is not None
    operators.create("ann", GOOD, ["analyst"])
    assert reason(lambda: operators.redeem(token, "bob", "short")) == "password-short"
    assert reason(lambda: operators.redeem(token, "ann", OTHER)) == "name-taken"
    assert operators.redeem(token, "bob", OTHER).name == "bob"


@pytest.mark.parametrize("meanwhile", ["late", "used", "admin"])
def test_what_happens_to_a_link_while_the_password_is_hashed_counts(
    operators: Operators, clock: Clock, file: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    token = operators.first_link()
    assert token is not None
    real, others = Passwords.hash, Database(file)

    def slow(self: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hash", real)
        if meanwhile == "late":
            clock.now += LINK_LIFE
        elif meanwhile == "used":
            others.write("DELETE FROM operator_links")
        else:
            operators.create("root", GOOD, ["admin"])
        return real(self, password)

    monkeypatch.setattr(Passwords, "hash", slow)
    assert reason(lambda: operators.redeem(token, "eve", OTHER)) == "link-invalid"
    assert [one.name for one in operators.all()] == (["root"] if meanwhile == "admin" else [])


def test_two_at_once_on_two_connections_make_one_admin(file: Path) -> None:
    both = [Operators(Database(file), Passwords(CHEAP), print) for _ in range(2)]
    token = both[0].first_link()
    assert token is not None
    ready, made, refused = threading.Barrier(2), [], []
    real = Passwords.hash

    def hash_together(self: Passwords, password: str) -> str:
        ready.wait(30)  # both have found the link good before either uses it
        return real(self, password)

    def take(operators: Operators, name: str) -> None:
        try:
            made.append(operators.redeem(token, name, OTHER))
        except IdentityError as error:
            refused.append(error.reason)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Passwords, "hash", hash_together)
        threads = [threading.Thread(target=take, args=(one, f"n{at}")) for at, one in enumerate(both)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == 1
    assert refused == ["link-invalid"]
    assert both[0].all() == made


def test_two_processes_at_once_make_one_admin(operators: Operators, file: Path) -> None:
    token = operators.first_link()
    code = (
        "import sys; from pathlib import Path; from chatward.stores.database import Database;"
        "from chatward.identity.operators import Operators; from chatward.identity.passwords import Cost, Passwords;"
        "o = Operators(Database(Path(sys.argv[1])), Passwords(Cost(8, 1)), str, clock=lambda: 1_700_000_000.0);"
        "print('ready', flush=True); sys.stdin.readline(); o.redeem(sys.argv[2], sys.argv[3], 'correct horse battery')"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file), str(token), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("ann", "eve")
    ]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    errors = [one.communicate()[1] for one in running]
    assert sorted(one.returncode for one in running) == [0, 1]
    assert "not good, or not any more" in "".join(errors)
    assert len(operators.all()) == 1


# --- break-glass


def test_a_break_glass_account_is_used_once_between_reviews(operators: Operators, clock: Clock) -> None:
    root = operators.create("root", GOOD, ["admin"])
    glass = operators.create("glass", GOOD, ["admin"], break_glass=True)
    operators.use(glass)
    assert [(use.operator, use.at) for use in operators.pending()] == [(glass.id, clock.now)]
    assert reason(lambda: operators.use(glass)) == "review-pending"
    operators.review(glass.id, root.id)
    assert operators.pending() == []
    after = operators.get(glass.id)
    assert after is not None
    assert after.epoch > glass.epoch
    assert reason(lambda: operators.review(glass.id, root.id)) == "review-none"
    operators.use(after)


def test_who_may_review(operators: Operators) -> None:
    operators.create("root", GOOD, ["admin"])
    glass = operators.create("glass", GOOD, ["admin"], break_glass=True)
    second = operators.create("second", GOOD, ["admin"], break_glass=True)
    gone = operators.create("gone", GOOD, ["admin"])
    operators.disable(gone.id)
    operators.use(glass)
    assert reason(lambda: operators.review(glass.id, glass.id)) == "review-own"
    assert reason(lambda: operators.review(glass.id, second.id)) == "review-own"
    assert reason(lambda: operators.review(glass.id, "operator:none")) == "review-own"
    assert reason(lambda: operators.review(glass.id, gone.id)) == "review-role"
    for role in set(ROLES) - {"admin", "auditor"}:
        other = operators.create(f"a-{role}", GOOD, [role])
        assert reason(lambda other=other: operators.review(glass.id, other.id)) == "review-role"
    assert len(operators.pending()) == 1
    operators.review(glass.id, operators.create("watcher", GOOD, ["auditor"]).id)
    assert operators.pending() == []


def test_two_uses_at_once_are_one(file: Path) -> None:
    both = [Operators(Database(file), Passwords(CHEAP), print) for _ in range(2)]
    glass = both[0].create("glass", GOOD, ["admin"], break_glass=True)
    ready, said = threading.Barrier(2), []

    def use(operators: Operators) -> None:
        ready.wait(30)
        try:
            operators.use(glass)
            said.append("used")
        except IdentityError as error:
            said.append(error.reason)

    threads = [threading.Thread(target=use, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["review-pending", "used"]


def test_the_index_refuses_a_second_open_use(operators: Operators, file: Path) -> None:
    glass = operators.create("glass", GOOD, ["admin"], break_glass=True)
    operators.use(glass)
    with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO break_glass_uses (operator, at) VALUES (?, 1)", [glass.id])


# --- whom an identity provider vouches for


def test_the_account_of_a_person_is_made_once_and_is_nobody_elses(operators: Operators, record: list[Entry]) -> None:
    first = operators.admit("person:1", "staff", ["analyst"])
    again, other = operators.admit("person:1", "staff", ["analyst"]), operators.admit("person:2", "staff", ["analyst"])
    assert first == again == operators.get(first.id)
    assert other.id != first.id
    assert (first.provider, first.roles, first.break_glass) == ("staff", {"analyst"}, False)
    assert "person" not in first.name + first.id
    made = [entry.fields for entry in record if entry.event == "operator:account:created"]
    assert [one["by"] for one in made] == ["idp:staff", "idp:staff"]
    assert operators.any()


def test_roles_are_those_of_the_last_sign_in_and_another_epoch_ends_sessions(
    operators: Operators, record: list[Entry]
) -> None:
    before = operators.admit("person:1", "staff", ["admin", "analyst"])
    after = operators.admit("person:1", "staff", ["analyst"])
    assert (after.id, after.roles) == (before.id, {"analyst"})
    assert after.epoch > before.epoch
    assert record[-1].fields == {"operator": before.id, "what": "roles", "by": "idp:staff", "roles": ["analyst"]}


def test_a_role_that_does_not_exist_makes_no_account(operators: Operators) -> None:
    assert reason(lambda: operators.admit("person:1", "staff", ["emperor"])) == "role-unknown"
    assert reason(lambda: operators.admit("person:1", "staff", [])) == "role-missing"
    assert operators.all() == []


def test_it_has_no_password_and_cannot_get_one(operators: Operators) -> None:
    one = operators.admit("person:1", "staff", ["admin"])
    for password in ("", GOOD, "!"):
        assert operators.verify(one.name, password) is None
    assert reason(lambda: operators.set_password(one.id, GOOD)) == "account-elsewhere"
    assert reason(lambda: operators.set_roles(one.id, ["admin"])) == "account-elsewhere"
    assert reason(lambda: operators.create(one.name, GOOD, ["admin"])) == "name-invalid"


def test_it_can_be_disabled_and_stays_so_at_the_next_sign_in(operators: Operators) -> None:
    one = operators.admit("person:1", "staff", ["analyst"])
    operators.disable(one.id)
    assert not operators.admit("person:1", "staff", ["analyst"]).active
    assert not operators.admit("person:1", "staff", ["admin"]).active


def test_the_last_admin_is_one_with_a_password_here(operators: Operators) -> None:
    elsewhere = operators.admit("person:1", "staff", ["admin"])
    ann = operators.create("ann", GOOD, ["admin"])
    assert reason(lambda: operators.disable(ann.id)) == "last-admin"
    operators.disable(elsewhere.id)
    assert operators.first_link() is None


def test_an_account_whose_record_fails_is_taken_back(file: Path, clock: Clock) -> None:
    def broken(entry: Entry) -> None:
        raise StoreError("not now")

    operators = Operators(Database(file), Passwords(CHEAP), broken, clock=clock)
    with pytest.raises(StoreError):
        operators.admit("person:1", "staff", ["admin"])
    assert operators.all() == []


def test_a_file_from_before_providers_is_read_and_taken_further(file: Path, clock: Clock) -> None:
    old = Schema("operators", tuple(one for one in SCHEMA.steps if not one.startswith("ALTER")))
    database = Database(file, [old])
    database.write("INSERT INTO operators VALUES ('operator:1', 'ann', 'x', 'admin', 1, 0, 3, 5.0)")
    operators = Operators(database, Passwords(CHEAP), lambda entry: None, clock=clock)
    found = operators.get("operator:1")
    assert found is not None
    assert (found.name, found.provider, found.epoch) == ("ann", "", 3)
    assert operators.admit("person:1", "staff", ["analyst"]).provider == "staff"
