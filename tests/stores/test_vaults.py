"""Values behind placeholders: sealed, by subject and conversation, revealed to auditors alone, erased for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import ClientError, IdentityError
from chatward.core.identity import Kind, Principal
from chatward.engine.placeholders import Vault
from chatward.stores.vaults import NOTHING, StaleError, Vaults
from tests.seal.conftest import DATABASES, House, on

AUDITOR = Principal("operator:1", Kind.OPERATOR, roles=frozenset({"auditor"}))
OTHER = Principal("operator:2", Kind.OPERATOR, roles=frozenset({"admin"}))
REASON = "Ticket 17 asks for it"
CANARY = "canary.8431@example.org"
ANN, BOB = ("default", "person:ann"), ("default", "person:bob")


@pytest.fixture(params=DATABASES)
def house(tmp_path: Path, request: pytest.FixtureRequest) -> House:
    return on(tmp_path, request)


def vaults(house: House, retention: float | None = None) -> Vaults:
    return Vaults(house.store.database, house.sealer, house.entries.append, retention=retention, clock=house.clock)


def values(*addresses: str) -> dict[str, object]:
    vault = Vault()
    for address in addresses:
        vault.mint("EMAIL", address, own=True)
    return vault.dump()


def test_a_vault_comes_back_to_its_subject_and_conversation_alone(house: House) -> None:
    kept = vaults(house)
    kept.save(*ANN, "name:a", values(CANARY), 0)
    house = house.again()
    kept = vaults(house)
    found = kept.load(*ANN, "name:a")
    assert found.data is not None
    assert Vault.load(found.data).restore("[EMAIL_1]") == CANARY
    for who, name in ((ANN, "name:b"), (BOB, "name:a"), (("other", "person:ann"), "name:a")):
        assert kept.load(*who, name) == NOTHING


def test_nothing_of_it_stands_in_the_clear(house: House) -> None:
    vaults(house).save(*ANN, "name:secret-name-77", values(CANARY), 0)
    house.close()
    for path in house.folder.iterdir():
        data = path.read_bytes()
        assert CANARY.encode() not in data, path
        assert b"secret-name-77" not in data, path


def test_who_comes_second_with_an_old_state_is_refused(house: House) -> None:
    kept = vaults(house)
    kept.save(*ANN, "name:a", values("one@example.org"), 0)
    with pytest.raises(StaleError):
        kept.save(*ANN, "name:a", values("two@example.org"), 0)
    state = kept.load(*ANN, "name:a").state
    kept.save(*ANN, "name:a", values("one@example.org", "two@example.org"), state)
    with pytest.raises(StaleError):
        kept.save(*ANN, "name:a", values("one@example.org", "three@example.org"), state)
    assert kept.read("default", kept.listing(*ANN)[0][0]) == ["[EMAIL_1]", "[EMAIL_2]"]


def test_values_are_revealed_to_auditors_with_a_reason_and_on_record(house: House) -> None:
    kept = vaults(house)
    kept.save(*ANN, "name:a", values(CANARY), 0)
    ((id_, _),) = kept.listing(*ANN)
    with pytest.raises(IdentityError):
        kept.reveal(OTHER, "default", id_, REASON)
    with pytest.raises(ClientError):
        kept.reveal(AUDITOR, "default", id_, " ")
    assert kept.reveal(AUDITOR, "default", id_, REASON) == [("[EMAIL_1]", CANARY)]
    assert [entry.event for entry in house.entries] == ["vault:values:reveal-refused", "vault:values:revealed"]
    assert house.entries[1].fields.items() >= {"by": "operator:1", "subject": "person:ann", "vault": id_}.items()
    with pytest.raises(ClientError):
        kept.reveal(AUDITOR, "another", id_, REASON)


def test_they_are_erased_with_their_subject(house: House) -> None:
    kept = vaults(house)
    kept.save(*ANN, "name:a", values(CANARY), 0)
    kept.save(*BOB, "name:a", values("bob@example.org"), 0)
    bodies = [row[0] for row in house.store.database.rows("SELECT body FROM vaults WHERE subject = 'person:ann'")]
    house.eraser.erase(*ANN, "operator:1")
    assert kept.listing(*ANN) == []
    assert kept.load(*BOB, "name:a").data is not None
    house.close()
    assert len(bodies) == 1
    for path in house.folder.glob("conversations.db*"):
        assert not any(body in path.read_bytes() for body in bodies)


def test_rotation_covers_them_and_they_are_found_after_it(house: House) -> None:
    kept = vaults(house)
    kept.save(*ANN, "name:a", values(CANARY), 0)
    done = house.rotation.run("default", lambda progress: None)
    assert done.unreadable == 0
    found = vaults(house.again()).load(*ANN, "name:a")
    assert found.data == values(CANARY)


def test_what_was_not_used_for_the_retention_time_goes(house: House) -> None:
    kept = vaults(house, retention=30 * 86_400.0)
    kept.save(*ANN, "name:old", values(CANARY), 0)
    house.now += 29 * 86_400
    kept.save(*ANN, "name:new", values(CANARY), 0)
    assert kept.purge() == 0
    house.now += 2 * 86_400
    assert kept.purge(lambda tenant, subject: True) == 0  # held
    assert kept.purge() == 1
    assert kept.load(*ANN, "name:old") == NOTHING
    assert kept.load(*ANN, "name:new") != NOTHING
