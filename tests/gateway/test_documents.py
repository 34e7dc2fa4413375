"""Labelled documents over real HTTP, by real policies: before any guard or bot, told in the answer and the ledger."""

from __future__ import annotations

import anthropic
import openai
import orjson
import pytest

from chatward.callers import known
from chatward.core.identity import Caller, Kind, Principal
from chatward.gateway.checkpoint import Checkpoint
from chatward.identity.access import Access, Where, told
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import book, shipped

POLICY = """
@id("hr") permit (principal in Role::"hr", action == Action::"document:read", resource)
when { resource has label && resource.label like "hr-*" };
"""
DOCUMENTS = {"public": "opening hours", "internal": "phone list", "hr-pay": "salaries of all", "board": "merger plan"}


class Keys:
    """Two keys: one of somebody in HR."""

    def identify(self, presented):
        key = (presented.headers.get("authorization") or presented.headers.get("x-api-key") or "").rpartition(" ")[2]
        roles = frozenset({"hr"}) if key == "hr" else frozenset()
        return Principal(f"key:{key}", Kind.SERVICE, roles=roles)

    def valid(self, principal):
        return True


class Deciding:
    """An engine that asks about documents first, as ``assembly.RoutedEngine`` does, before the one below screens."""

    def __init__(self, gate):
        self.below = gate.app._messages._engine
        self.access = Access(CedarAuthorizer(book({"d": shipped(), "own": POLICY})), valid=known)
        gate.app._messages._engine = self

    async def screen(self, call, *, channel, path, caller: Caller, request_id):
        withheld = self.access.documents(caller, Where("default", call.model, "default"), call)
        screening = await self.below.screen(call, channel=channel, path=path, caller=caller, request_id=request_id)
        screening.verdict = told(screening.verdict, withheld)
        return screening


def parts():
    return [{"type": "text", "text": text, "chatward": {"label": label}} for label, text in DOCUMENTS.items()]


@pytest.fixture
async def gate(open_gate, say):
    found = await open_gate(["read", say("fine")], checkpoint=Checkpoint(Keys()))
    Deciding(found)
    return found


@pytest.mark.parametrize(("key", "readable"), [("hr", 3), ("other", 2)])
async def test_who_may_not_read_a_document_gets_an_answer_made_without_it(gate, key, readable):
    async with openai.AsyncOpenAI(base_url=f"{gate.server.url}/v1", api_key=key, max_retries=0) as client:
        asked = [{"type": "text", "text": "What is known?"}, *parts()]
        raw = await client.chat.completions.with_raw_response.create(
            model="m", messages=[{"role": "user", "content": asked}]
        )
    assert raw.parse().choices[0].message.content == "fine"
    assert orjson.loads(raw.headers["x-chatward-notice"]) == {"DOCUMENT": 4 - readable}
    assert raw.headers["x-chatward-action"] == "redact"
    sent = gate.bot.requests[0].body.decode()
    assert [text in sent for text in DOCUMENTS.values()] == [True, True, key == "hr", False]
    assert "What is known?" in sent
    assert "chatward" not in sent
    intended = next(entry for entry in gate.ledger.entries if entry.event == "upstream:call:intended")
    assert intended.fields["rules"] == ["access.documents/withheld"]
    assert intended.fields["findings"] == 4 - readable


async def test_what_has_no_label_is_nobodys_question(gate):
    answer = await gate.chat(headers={"authorization": "Bearer other"})
    assert answer.headers["x-chatward-action"] == "allow"
    assert "x-chatward-notice" not in answer.headers


async def test_a_label_that_is_none_is_refused_in_the_callers_dialect(gate):
    async with anthropic.AsyncAnthropic(base_url=gate.server.url, api_key="other", max_retries=0) as client:
        block = {"type": "text", "text": "salaries", "chatward": {"lable": "hr-pay"}}
        with pytest.raises(anthropic.BadRequestError) as caught:
            await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": [block]}])
    assert "label" in str(caught.value)
    assert gate.bot.requests == []
