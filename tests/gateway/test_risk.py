"""The risk of a person over real HTTP: refused messages raise it, the shipped policies act on it, it ends by itself."""

from __future__ import annotations

import pytest

from chatward.core.identity import Kind, Principal
from chatward.gateway.checkpoint import Checkpoint
from chatward.identity.access import Access, DeniedError, Where
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped
from chatward.identity.risk import Risks, Watched

HERE = Where("default", "m", "default")


class People:
    def identify(self, presented):
        return Principal(f"person:{presented.headers.get('authorization').split()[1]}", Kind.PERSON, session="s")

    def valid(self, principal):
        return True


class Deciding:
    """An engine that asks who may write first, as ``assembly.RoutedEngine`` does."""

    def __init__(self, below, access):
        self.below, self.access = below, access

    async def screen(self, call, *, channel, path, caller, request_id):
        ruling = self.access.message(caller, HERE)
        if not ruling.allowed:
            raise DeniedError(ruling)
        return await self.below.screen(call, channel=channel, path=path, caller=caller, request_id=request_id)


@pytest.fixture
async def gate(open_gate, say):
    found = await open_gate(["read", say("fine"), "read", say("fine")], checkpoint=Checkpoint(People()))
    found.now = 0.0
    risks = Risks(clock=lambda: found.now)
    found.app._records._ledger = watched = Watched(found.ledger)
    watched.watchers.append(risks.entry)
    access = Access(CedarAuthorizer(book({"d": shipped()})), valid=lambda _: True, risk=risks.band)
    found.app._messages._engine = Deciding(found.engine, access)
    return found


async def test_who_goes_on_attacking_waits_and_nobody_else_does(gate):
    ada, ben = {"authorization": "Bearer ada"}, {"authorization": "Bearer ben"}
    codes = [(await gate.chat("refuse-me", headers=ada)).json()["error"]["code"] for _ in range(12)]
    assert codes == ["content_filter"] * 10 + ["not-permitted"] * 2
    assert (await gate.chat("hello", headers=ada)).status_code == 403
    assert (await gate.chat("hello", headers=ben)).status_code == 200
    gate.now += 600
    assert (await gate.chat("hello", headers=ada)).status_code == 200
