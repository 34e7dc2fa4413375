"""Keys at rest: what is shown once, what is kept, and what rotating and revoking mean."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.identity import Grants, Presented
from chatward.identity import keys
from chatward.identity.key_authenticator import KeyAuthenticator
from chatward.identity.key_store import Budget, KeyStore, changes, note_uses
from chatward.ledger.events import encode
from chatward.stores.database import Database
from tests.identity.headers import headers

NOW = 1_800_000_000.0


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return KeyStore(Database(None), encode, clock=clock)


def test_a_key_is_shown_once_and_its_digest_kept(store):
    issued = store.create("shop", env="test", tenant="acme", roles=["b", "a", "a"], grants=Grants(bots=("x*",)))
    key = keys.parse(issued.key)
    assert (key.env, key.id) == ("test", issued.record.id)
    assert store.show(key.id) == issued.record
    assert issued.record.roles == ("a", "b")
    assert issued.record.grants == Grants(bots=("x*",))
    assert issued.record.principal == f"key:{key.id}"
    assert store._database.row("SELECT digest FROM key_versions") == (key.digest,)
    everything = repr([store._database.rows("SELECT * FROM keys"), store._database.rows("SELECT * FROM key_versions")])
    assert issued.key[22:] not in everything
    assert issued.key[22:] not in repr(issued)


def test_rotating_gives_a_grace_period_and_never_three_versions(store, clock):
    first = store.create("shop").record
    second = store.rotate(first.id, grace=60).record
    assert second.state(NOW) == "rotating"
    assert [version.until for version in second.versions] == [NOW + 60, None]
    with pytest.raises(ClientError) as caught:
        store.rotate(first.id)
    assert (caught.value.reason, caught.value.status) == ("api-key-rotating", 409)
    clock.now += 60
    assert store.show(first.id).state(clock.now) == "live"
    third = store.rotate(first.id, grace=0).record
    assert third.state(clock.now) == "live"
    assert [version.number for version in third.versions] == [1, 2, 3]


def test_rotating_when_the_older_one_is_revoked(store):
    id_ = store.create("shop").record.id
    store.rotate(id_)
    store.revoke(id_, 1)
    assert store.rotate(id_).record.state(NOW) == "rotating"


def test_a_grace_period_is_never_made_longer(store):
    id_ = store.create("shop").record.id
    store.rotate(id_, grace=60)
    store.revoke(id_, 2)
    assert [version.until for version in store.rotate(id_, grace=1000).record.versions] == [NOW + 60, None, None]


def test_revoking_is_final_and_told_since_when(store, clock):
    record = store.create("shop").record
    assert store.revoke(record.id).revoked == NOW
    clock.now += 5
    assert store.revoke(record.id).revoked == NOW
    assert store.show(record.id).state(clock.now) == "revoked"
    with pytest.raises(ClientError) as caught:
        store.rotate(record.id)
    assert caught.value.reason == "api-key-not-live"


def test_a_key_whose_versions_are_all_revoked_is_revoked(store):
    record = store.create("shop").record
    assert store.revoke(record.id, 1).state(NOW) == "revoked"
    with pytest.raises(ClientError, match="revoked"):
        store.rotate(record.id)


@pytest.mark.parametrize("ask", ["show", "rotate", "revoke"])
def test_unknown_keys(store, ask):
    with pytest.raises(ClientError) as caught:
        getattr(store, ask)("x" * 12)
    assert (caught.value.reason, caught.value.status) == ("api-key-unknown", 404)
    with pytest.raises(ClientError):
        store.revoke(store.create("a").record.id, 2)


def test_lists(store, clock):
    for name, tenant in (("a", "one"), ("b", "two"), ("c", "one")):
        store.create(name, tenant=tenant)
        clock.now += 1
    assert [record.name for record in store.list()] == ["a", "b", "c"]
    assert [record.name for record in store.list("one")] == ["a", "c"]
    assert store.list("three") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "a" * 101},
        {"env": "LIVE"},
        {"tenant": ""},
        {"tenant": "a b"},
        {"roles": ["a b"]},
        {"roles": [""]},
        {"grants": Grants(bots=("",))},
        {"grants": Grants(tools=tuple(map(str, range(101))))},
        {"expires": NOW},
        {"expires": float("nan")},
        {"expires": float("inf")},
        {"budget": Budget(requests_day=0)},
        {"budget": Budget(tokens_month=-1)},
    ],
    ids=str,
)
def test_what_cannot_be_asked_for(store, wrong):
    with pytest.raises(ClientError) as caught:
        store.create(**({"name": "a"} | wrong))
    assert caught.value.reason == "api-key-request"
    assert store.list() == []


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf")])
def test_grace_periods(store, grace):
    id_ = store.create("a").record.id
    with pytest.raises(ClientError):
        store.rotate(id_, grace)


def test_changes_move_with_what_matters_and_not_with_last_use(store):
    seen = [changes(store._database)]
    id_ = store.create("a").record.id
    seen.append(changes(store._database))
    store.rotate(id_)
    seen.append(changes(store._database))
    store.revoke(id_)
    seen.append(changes(store._database))
    assert len(set(seen)) == 4
    note_uses(store._database, [(id_, NOW)])
    assert changes(store._database) == seen[-1]


def test_last_use_never_goes_back(store):
    id_ = store.create("a").record.id
    note_uses(store._database, [(id_, NOW + 5)])
    note_uses(store._database, [(id_, NOW), ("unknown", NOW)])
    assert store.show(id_).last_used == NOW + 5


@pytest.fixture
def entries():
    return []


@pytest.fixture
def recorded(clock, entries):
    return KeyStore(Database(None), entries.append, clock=clock)


def test_what_is_done_is_on_record_without_names_and_secrets(recorded, entries):
    first = recorded.create("Ada Lovelace's bot", expires=NOW + 100, by="operator:1")
    second = recorded.rotate(first.record.id, 60, by="operator:2")
    recorded.revoke(first.record.id, 1, by="operator:3")
    recorded.revoke(first.record.id)
    about = {"key": first.record.principal}
    assert [(entry.event, entry.fields) for entry in entries] == [
        ("key:record:created", about | {"by": "operator:1", "env": "live", "version": 1, "expires": NOW + 100}),
        ("key:record:rotated", about | {"by": "operator:2", "env": "live", "version": 2, "until": NOW + 60}),
        ("key:record:revoked", about | {"by": "operator:3", "version": 1}),
        ("key:record:revoked", about | {"by": "command-line"}),
    ]
    written = b"".join(encode(entry)[2] for entry in entries)
    for secret in ("Lovelace", first.key[22:], second.key[22:]):
        assert secret.encode() not in written


def test_what_cannot_be_recorded_is_not_given_out_but_taken_away(clock):
    database = Database(None)
    id_ = KeyStore(database, encode, clock=clock).create("a").record.id

    def fail(_):
        raise StoreError("no")

    store = KeyStore(database, fail, clock=clock)
    with pytest.raises(StoreError):
        store.create("b")
    with pytest.raises(StoreError):
        store.rotate(id_)
    (record,) = store.list()
    assert (record.state(NOW), len(record.versions)) == ("live", 1)
    with pytest.raises(StoreError):
        store.revoke(id_)
    assert store.show(id_).state(NOW) == "revoked"


class Life(RuleBasedStateMachine):
    """Whatever is done in whatever order: at most two versions are good, and a key is good exactly when a plain model
    says so."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.database = Database(None)
        self.store = KeyStore(self.database, encode, clock=self.clock)
        self.known = KeyAuthenticator(self.database, self.clock)
        issued = self.store.create("a", expires=NOW + 500)
        self.id = issued.record.id
        self.texts = [issued.key]
        self.until = [NOW + 500]

    def live(self):
        return [number for number, until in enumerate(self.until) if self.clock.now < until]

    @rule(passed=st.floats(0, 100))
    def wait(self, passed):
        self.clock.now += passed

    @rule(grace=st.sampled_from([0, 1, 50, 1000]))
    def rotate(self, grace):
        live = self.live()
        if len(live) != 1:
            with pytest.raises(ClientError):
                self.store.rotate(self.id, grace)
            return
        self.texts.append(self.store.rotate(self.id, grace).key)
        self.until[live[0]] = min(self.until[live[0]], self.clock.now + grace)
        self.until.append(NOW + 500)

    @rule(data=st.data())
    def revoke_one(self, data):
        number = data.draw(st.integers(0, len(self.texts) - 1))
        self.store.revoke(self.id, number + 1)
        self.until[number] = 0.0

    @precondition(lambda self: len(self.texts) > 3)
    @rule()
    def revoke_all(self):
        self.store.revoke(self.id)
        self.until = [0.0] * len(self.until)

    @invariant()
    def what_is_good(self):
        live = self.live()
        assert len(live) <= 2
        good = []
        for number, text in enumerate(self.texts):
            try:
                presented = Presented("GET", "https://a/", headers(("x-api-key", text)))
                principal = self.known.identify(presented)
            except IdentityError:
                continue
            assert self.known.valid(principal)
            good.append(number)
        assert good == live

    def teardown(self):
        self.known.close()
        self.database.close()


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
TestLife = Life.TestCase
