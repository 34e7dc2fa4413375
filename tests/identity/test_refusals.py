"""What is put on record of credentials that were refused, and what is not."""

import asyncio

import pytest

from chatward.core.errors import IdentityError, StoreError
from chatward.identity.jose import TokenError
from chatward.identity.refusals import PER_SECOND, Refusals
from chatward.ledger.events import encode


class Ledger:
    def __init__(self):
        self.entries, self.broken = [], False

    async def append(self, entry):
        if self.broken:
            raise StoreError("no")
        encode(entry)
        self.entries.append(entry)


@pytest.fixture
def ledger():
    return Ledger()


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_entry_says_what_was_wrong_and_nothing_else(ledger):
    refused = Refusals(ledger, asyncio.get_running_loop(), lambda: 0.0)
    refused("oidc", TokenError("algorithm-not-allowed"))
    await asyncio.to_thread(refused, "", IdentityError("Secret sentence."))
    await settled()
    assert [(entry.event, entry.exchange) for entry in ledger.entries] == [("identity:caller:refused", "")] * 2
    assert [dict(entry.fields) for entry in ledger.entries] == [
        {"reason": "token-invalid", "status": 401, "way": "oidc", "detail": "algorithm-not-allowed"},
        {"reason": "not-authenticated", "status": 401},
    ]


async def test_a_flood_is_counted_not_written(ledger):
    now = [7.0]
    refused = Refusals(ledger, asyncio.get_running_loop(), lambda: now[0])
    for _ in range(PER_SECOND + 30):
        refused("keys", IdentityError("no"))
    await settled()
    assert len(ledger.entries) == PER_SECOND
    now[0] = 8.0
    refused("keys", IdentityError("no"))
    refused("keys", IdentityError("no"))
    await settled()
    assert [entry.fields.get("left_out") for entry in ledger.entries[-2:]] == [30, None]


async def test_a_ledger_that_cannot_write_changes_nothing(ledger, caplog):
    ledger.broken = True
    Refusals(ledger, asyncio.get_running_loop())("keys", IdentityError("no"))
    await settled()
    assert "not recorded: StoreError" in caplog.text


def test_after_the_end_nothing_is_raised(ledger):
    loop = asyncio.new_event_loop()
    loop.close()
    Refusals(ledger, loop)("keys", IdentityError("no"))
