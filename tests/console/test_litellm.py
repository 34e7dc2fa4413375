"""LiteLLM's generic guardrail call: one of three answers, texts in their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.console.litellm import GuardrailRequest, answer
from chatward.core.values import Action, Verdict

PATH = "/beta/litellm_basic_guardrail_api"


async def ask(it, **body):
    # What LiteLLM sends besides: nulls where it has nothing, and fields that this API does not use.
    sent = {
        "input_type": "request",
        "litellm_call_id": "call-1",
        "litellm_trace_id": None,
        "structured_messages": None,
        "images": None,
        "tools": None,
        "texts": None,
        "request_data": {"user_api_key_user_id": "u"},
        "additional_provider_specific_params": {},
        **body,
    }
    response = await it.client.post(PATH, json=sent)
    assert response.status_code == 200
    return response.json()


async def test_nothing_found(plane):
    assert await ask(plane(), texts=["hello", "again"]) == {"action": "NONE"}
    assert await ask(plane(), texts=None) == {"action": "NONE"}


async def test_changed_texts_keep_their_places(plane):
    said = await ask(plane(), texts=["hello", "I am ann@example.com", "bye"])
    assert said == {"action": "GUARDRAIL_INTERVENED", "texts": ["hello", "I am [email hidden]", "bye"]}


async def test_one_blocked_text_blocks_the_call(plane):
    said = await ask(plane(), texts=["I am ann@example.com", "attack"])
    assert said["action"] == "BLOCKED"
    assert "text.injection/override" in said["blocked_reason"]
    assert "texts" not in said


async def test_arguments_of_tool_calls_are_inspected(plane):
    call = {"type": "function", "function": {"name": "mail", "arguments": '{"body": "attack"}'}}
    assert (await ask(plane(), input_type="response", texts=[], tool_calls=[call]))["action"] == "BLOCKED"
    odd = [{}, {"function": None}, {"function": {"arguments": None}}]
    assert (await ask(plane(), input_type="response", texts=[], tool_calls=odd))["action"] == "NONE"


@pytest.mark.parametrize(("kind", "role"), [("request", "user"), ("response", "assistant")])
async def test_role_and_conversation_come_from_the_call(plane, kind, role):
    it = plane()
    await ask(it, input_type=kind, texts=["a"], litellm_trace_id="trace")
    await ask(it, input_type=kind, texts=["b"])
    assert it.ward.asked == [("a", role, "trace"), ("b", role, "call-1")]


async def test_an_unknown_kind_is_refused(plane):
    response = await plane().client.post(PATH, json={"input_type": "both", "texts": ["a"]})
    assert response.status_code == 400


actions = st.sampled_from([Action.ALLOW, Action.REDACT])


@given(st.lists(st.tuples(st.text(), st.text() | st.none())))
def test_as_many_texts_come_back_as_were_asked_about(pairs):
    texts = [text for text, _ in pairs]
    said = answer(texts, [Verdict(text=forwarded) for _, forwarded in pairs], "Stopped.")
    expected = [text if forwarded is None else forwarded for text, forwarded in pairs]
    if expected == texts:
        assert said.action == "NONE"
        assert said.texts is None
    else:
        assert said.action == "GUARDRAIL_INTERVENED"
        assert said.texts == expected


@given(st.lists(actions, max_size=6), st.sampled_from([Action.CHALLENGE, Action.BLOCK]), st.integers(0, 6))
def test_a_stop_anywhere_is_a_stop(others, stop, place):
    verdicts = [Verdict(action) for action in others]
    verdicts.insert(place, Verdict(stop, rule="text.x/y"))
    said = answer(["a"] * len(verdicts), verdicts, "Stopped.")
    assert said.action == "BLOCKED"
    assert said.blocked_reason == "Stopped. (text.x/y)"


def test_without_ids_there_is_no_conversation():
    assert GuardrailRequest(input_type="request").conversation == ""
