"""Keys are checked on every message; what another process revokes is refused on the next one."""

import hmac
import subprocess
import sys

import pytest

from chatward.core.errors import IdentityError, StoreError
from chatward.core.identity import Assurance, Grants, Kind, Presented, Principal
from chatward.identity import key_authenticator, keys
from chatward.identity.key_authenticator import KeyAuthenticator
from chatward.identity.key_store import Budget, KeyStore
from chatward.ledger.events import encode
from chatward.stores.database import Database
from tests.identity.headers import headers

NOW = 1_800_000_000.0


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "identity.db"


@pytest.fixture
def database(path):
    made = Database(path)
    yield made
    made.close()


@pytest.fixture
def store(database, clock):
    return KeyStore(database, encode, clock=clock)


@pytest.fixture
def known(database, clock):
    made = KeyAuthenticator(database, clock)
    yield made
    made.close()


def request(*pairs):
    return Presented("POST", "https://chat.example/v1/chat/completions", headers(*pairs))


def bearer(key):
    return request(("authorization", f"Bearer {key}"))


def refused(authenticator, presented):
    with pytest.raises(IdentityError) as caught:
        authenticator.identify(presented)
    return caught.value.reason


def test_a_key_says_who_asks_and_what_for(store, known):
    grants = Grants(bots=("support-*",), tools=("search",))
    issued = store.create("shop", tenant="acme", roles=["writer"], grants=grants, expires=NOW + 100)
    principal = known.identify(bearer(issued.key))
    assert principal == Principal(
        id=f"key:{issued.record.id}",
        kind=Kind.SERVICE,
        tenant="acme",
        roles=frozenset({"writer"}),
        assurance=Assurance.SINGLE,
        grants=grants,
        expires=NOW + 100,
        attributes={"key_version": "1", "key_env": "live"},
    )
    assert known.identify(request(("x-api-key", issued.key))) == principal
    assert known.identify(request(("authorization", f"bEARER  {issued.key} "))) == principal
    assert known.valid(principal)


@pytest.mark.parametrize(
    "pairs",
    [
        (),
        [("authorization", "")],
        [("authorization", "Bearer")],
        [("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")],
        [("x-api-key", "sk-somebody-else")],
        [("authorization", "Basic Y3dfOng=")],
        [("authorization", "Bearer CW_live_x")],
        [("cookie", "key=cw_live_x")],
    ],
)
def test_what_is_not_of_its_kind(known, pairs):
    assert known.identify(request(*pairs)) is None


def test_what_is_of_its_kind_is_good_or_refused(store, known):
    key = store.create("shop").key
    other = keys.new("live").text
    spoiled = key[:-1] + ("A" if key[-1] != "A" else "B")
    body = key[:22] + other[22:54]
    stranger = body + keys.checksum(body)  # the right id, another secret, a checksum that holds
    for text in ("cw_", "cw_live_x", spoiled, other, stranger, key + "x", key.swapcase()[:3] + key[3:].swapcase()):
        if text.startswith("cw_"):
            assert refused(known, bearer(text)) == "api-key-invalid"
    assert refused(known, request(("authorization", key))) == "api-key-invalid"
    assert refused(known, request(("authorization", f"DPoP {key}"))) == "api-key-invalid"
    assert known.identify(bearer(key)) is not None


@pytest.mark.parametrize(
    "pairs",
    [
        [("authorization", "Bearer {key}"), ("authorization", "Bearer {key}")],
        [("x-api-key", "{key}"), ("x-api-key", "{key}")],
        [("authorization", "Bearer {key}"), ("x-api-key", "{other}")],
        [("authorization", "Bearer something"), ("x-api-key", "{key}")],
        [("authorization", "Basic eA=="), ("x-api-key", "{key}")],
        [("authorization", "Bearer {key}"), ("authorization", "")],
        [("authorization", ""), ("x-api-key", "{key}"), ("x-api-key", "")],
    ],
)
def test_two_credentials_are_refused(store, known, pairs):
    key, other = store.create("a").key, store.create("b").key
    presented = request(*((name, value.format(key=key, other=other)) for name, value in pairs))
    assert refused(known, presented) == "credentials-ambiguous"


def test_the_same_key_twice_is_one_key(store, known):
    key = store.create("a").key
    assert known.identify(request(("authorization", f"Bearer {key}"), ("x-api-key", key))) is not None


def test_a_revoked_key_is_refused_on_the_next_message(store, known):
    issued = store.create("shop")
    principal = known.identify(bearer(issued.key))
    assert known.valid(principal)
    store.revoke(issued.record.id)
    assert not known.valid(principal)
    assert refused(known, bearer(issued.key)) == "api-key-revoked"


def test_a_key_that_another_database_object_revokes(store, known, path, clock):
    issued, kept = store.create("shop"), store.create("kept")
    principal, other = known.identify(bearer(issued.key)), known.identify(bearer(kept.key))
    elsewhere = Database(path)
    KeyStore(elsewhere, encode, clock=clock).revoke(issued.record.id)
    assert not known.valid(principal)
    assert refused(known, bearer(issued.key)) == "api-key-revoked"
    assert known.valid(other)
    assert known.identify(bearer(kept.key)) == other
    elsewhere.close()


def test_a_key_that_another_process_revokes(store, known, path):
    issued = store.create("shop")
    principal = known.identify(bearer(issued.key))
    code = (
        "import sys; from pathlib import Path; from chatward.stores.database import Database;"
        "from chatward.identity.key_store import KeyStore;"
        "KeyStore(Database(Path(sys.argv[1])), print).revoke(sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, str(path), issued.record.id], check=True)
    assert not known.valid(principal)
    assert refused(known, bearer(issued.key)) == "api-key-revoked"


def test_expiry(store, known, clock):
    issued = store.create("shop", expires=NOW + 10)
    principal = known.identify(bearer(issued.key))
    clock.now += 9.9
    assert known.valid(principal)
    clock.now += 0.1
    assert not known.valid(principal)
    assert refused(known, bearer(issued.key)) == "api-key-expired"


def test_expiry_of_a_key_that_was_not_seen_before(store, known, clock):
    issued = store.create("shop", expires=NOW + 10)
    clock.now += 10
    assert refused(known, bearer(issued.key)) == "api-key-expired"


def test_two_versions_while_rotating(store, known, clock):
    first = store.create("shop")
    before = known.identify(bearer(first.key))
    second = store.rotate(first.record.id, grace=60)
    old, new = known.identify(bearer(first.key)), known.identify(bearer(second.key))
    assert old.id == new.id == before.id
    assert (old.attributes["key_version"], new.attributes["key_version"]) == ("1", "2")
    assert old.expires == NOW + 60
    assert new.expires is None
    clock.now += 60
    assert not known.valid(before)  # given out when nothing was known of an end
    assert not known.valid(old)
    assert known.valid(new)
    with pytest.raises(IdentityError):
        known.identify(bearer(first.key))
    assert known.identify(bearer(second.key)) == new


def test_one_version_is_revoked(store, known):
    first = store.create("shop")
    second = store.rotate(first.record.id, grace=60)
    old, new = known.identify(bearer(first.key)), known.identify(bearer(second.key))
    store.revoke(first.record.id, 1)
    assert (known.valid(old), known.valid(new)) == (False, True)
    assert refused(known, bearer(first.key)) == "api-key-invalid"
    store.revoke(first.record.id)
    assert not known.valid(new)


def test_valid_is_for_what_it_gave_out(store, known):
    issued = store.create("shop")
    principal = known.identify(bearer(issued.key))
    for id_, attributes in (
        ("anonymous", {}),
        (principal.id, {}),
        (principal.id, {"key_version": "2"}),
        (principal.id, {"key_version": "one"}),
        (issued.record.id, {"key_version": "1"}),
        ("key:" + "a" * 12, {"key_version": "1"}),
    ):
        assert not known.valid(Principal(id_, Kind.SERVICE, attributes=attributes))


# --- what it tells, and what it costs


def sentences(known, *texts):
    found = set()
    for text in texts:
        with pytest.raises(IdentityError) as caught:
            known.identify(bearer(text))
        found.add((caught.value.reason, caught.value.status, caught.value.public, str(caught.value.__cause__)))
    return found


def test_unknown_ids_wrong_secrets_and_slips_are_told_alike(store, known):
    issued, gone, old = store.create("a"), store.create("b"), store.create("c", expires=NOW + 1)
    store.revoke(gone.record.id)
    wrong = [keys.new("live", each.record.id).text for each in (issued, gone, old)]
    assert len(sentences(known, keys.new("live").text, "cw_nonsense", issued.key[:-1], *wrong)) == 1


def test_unknown_ids_cost_the_same_work(store, known, monkeypatch):
    issued = store.create("a")
    done = []
    rows, row, compare = Database.rows, Database.row, hmac.compare_digest

    def counted(name, real):
        def call(*arguments):
            done.append((name, arguments[1] if name != "compare" else tuple(map(len, arguments))))
            return real(*arguments)

        return call

    monkeypatch.setattr(Database, "rows", counted("rows", rows))
    monkeypatch.setattr(Database, "row", counted("row", row))
    monkeypatch.setattr(key_authenticator.hmac, "compare_digest", counted("compare", compare))
    known.valid(Principal("x", Kind.SERVICE))  # what is asked once, is asked
    work = []
    for text in (keys.new("live", issued.record.id).text, keys.new("live").text):
        done.clear()
        assert refused(known, bearer(text)) == "api-key-invalid"
        work.append(list(done))
    assert work[0] == work[1]
    assert [name for name, _ in work[0]] == ["rows", "row", "compare", "compare"]


def test_what_is_warm_asks_only_for_the_generation(store, known, database, monkeypatch):
    key = store.create("a").key
    principal = known.identify(bearer(key))
    assert known.valid(principal)

    def fail(*_):
        raise AssertionError("the database was asked")

    monkeypatch.setattr(Database, "rows", fail)
    monkeypatch.setattr(Database, "row", fail)
    assert known.identify(bearer(key)) is principal
    assert known.valid(principal)


def test_commits_that_are_not_about_keys_leave_the_memory(store, known, database, monkeypatch):
    key = store.create("a").key
    principal = known.identify(bearer(key))
    database.write("CREATE TABLE other (x)")
    assert known.identify(bearer(key)) is principal


def test_what_was_remembered_while_the_keys_changed_is_not_kept(store, known, monkeypatch):
    """A check that began before a revocation and ended after it leaves nothing behind."""
    issued, other = store.create("a"), store.create("b")
    real = KeyAuthenticator._verify

    def slow(self, *arguments):
        found = real(self, *arguments)
        monkeypatch.setattr(KeyAuthenticator, "_verify", real)
        store.revoke(issued.record.id)
        self.identify(bearer(other.key))  # another message notices the change first
        return found

    monkeypatch.setattr(KeyAuthenticator, "_verify", slow)
    known.identify(bearer(issued.key))
    assert refused(known, bearer(issued.key)) == "api-key-revoked"


def test_the_memory_is_bounded(store, known, monkeypatch):
    monkeypatch.setattr(key_authenticator, "_REMEMBERED", 2)
    for issued in [store.create(str(number)) for number in range(5)]:
        assert known.valid(known.identify(bearer(issued.key)))
        assert known.budget(issued.record.principal) is None
    memory = known._memory
    assert max(len(memory.verified), len(memory.ends), len(memory.budgets), len(known._noted)) <= 2


def test_no_secret_is_kept_or_shown(store, known, path):
    issued = store.create("shop")
    secret = issued.key[22:54]
    known.identify(bearer(issued.key))
    assert secret not in repr(vars(known)) + repr(issued) + repr(store.list())
    with pytest.raises(IdentityError) as caught:
        known.identify(bearer(issued.key + "x"))
    assert secret not in repr(caught.value) + caught.value.public
    for file in path.parent.iterdir():
        assert secret.encode() not in file.read_bytes()


# --- last use


def test_last_use_is_noted_at_most_once_a_minute(store, known, clock):
    issued = store.create("shop")
    known.identify(bearer(issued.key))
    known.flush()
    assert store.show(issued.record.id).last_used == NOW
    clock.now += 59
    known.identify(bearer(issued.key))
    known.flush()
    assert store.show(issued.record.id).last_used == NOW
    clock.now += 1
    known.identify(bearer(issued.key))
    known.flush()
    assert store.show(issued.record.id).last_used == NOW + 60


def test_a_refused_key_was_not_used(store, known, clock):
    issued = store.create("shop", expires=NOW + 1)
    clock.now += 1
    assert refused(known, bearer(issued.key)) == "api-key-expired"
    known.flush()
    assert store.show(issued.record.id).last_used is None


def test_closing_writes_the_rest(store, database, clock):
    known = KeyAuthenticator(database, clock)
    issued = store.create("shop")
    known.identify(bearer(issued.key))
    known.close()
    assert store.show(issued.record.id).last_used == NOW


def test_uses_that_cannot_be_written_are_kept(store, known, path, monkeypatch):
    issued = store.create("shop")
    known.identify(bearer(issued.key))
    real = key_authenticator.note_uses

    def fail(*_):
        raise StoreError("no")

    monkeypatch.setattr(key_authenticator, "note_uses", fail)
    known._uses = {issued.record.id: NOW}
    with pytest.raises(StoreError):
        known.flush()
    monkeypatch.setattr(key_authenticator, "note_uses", real)
    known.flush()
    assert store.show(issued.record.id).last_used == NOW


def test_budgets_are_told(store, known):
    with_one = store.create("a", budget=Budget(requests_day=5))
    without = store.create("b")
    assert known.budget(with_one.record.principal) == Budget(requests_day=5)
    for other in (without.record.principal, "anonymous", "person:x", "key:unknown", with_one.record.id):
        assert known.budget(other) is None
