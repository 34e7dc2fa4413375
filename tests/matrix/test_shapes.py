"""What the table has no room for: several choices, refusals, bots that fail, and helpers of the clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.matrix import wire
from tests.matrix.conftest import KEYS
from tests.matrix.table import FOREIGN, OWN, REFUSAL
from tests.simulators.gateway import RunningGateway

pytestmark = pytest.mark.xdist_group("matrix")

KEY = KEYS["MATRIX_KEY"]
ASK: list[Any] = [{"role": "user", "content": f"I am {OWN}."}]


@pytest.fixture(scope="module")
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: RunningGateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=30) as client:
        yield client


# --- several choices -----------------------------------------------------------------------------------

CHOICES = ["One: [email hidden] 🙂.", "Two: 你 [card hidden].", f"Three: {OWN}!"]


def test_each_choice_is_inspected_by_itself(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="enforce~choices~whole", messages=ASK, n=3)
    assert [choice.message.content for choice in answer.choices] == CHOICES
    assert [choice.finish_reason for choice in answer.choices] == ["stop"] * 3


@pytest.mark.parametrize("cut", ["bytes", "hostile", "burst", "events"])
def test_each_streamed_choice_is_inspected_by_itself(client: openai.OpenAI, cut: str) -> None:
    texts = ["", "", ""]
    finished: list[int] = []
    for chunk in client.chat.completions.create(model=f"enforce~choices~{cut}", messages=ASK, n=3, stream=True):
        for choice in chunk.choices:
            assert choice.index not in finished
            texts[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                finished.append(choice.index)
    assert texts == CHOICES
    assert sorted(finished) == [0, 1, 2]


# --- refusals of the bot's own -------------------------------------------------------------------------

REFUSED = "I will not write to [email hidden], sorry 🙂."


def test_a_bots_refusal_in_chat(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="enforce~refusal~whole", messages=ASK)
    assert whole.choices[0].message.refusal == REFUSED
    stream = client.chat.completions.create(model="enforce~refusal~hostile", messages=ASK, stream=True)
    assert "".join(c.delta.refusal or "" for chunk in stream for c in chunk.choices) == REFUSED


def test_a_bots_refusal_in_responses(client: openai.OpenAI) -> None:
    whole: Any = client.responses.create(model="enforce~refusal~whole", input="Hi")
    assert whole.output[0].content[0].refusal == REFUSED
    with client.responses.stream(model="enforce~refusal~hostile", input="Hi") as stream:
        told = "".join(event.delta for event in stream if event.type == "response.refusal.delta")
        final: Any = stream.get_final_response()
    assert told == final.output[0].content[0].refusal == REFUSED


def test_a_bots_refusal_in_messages(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model="enforce~refusal~hostile", max_tokens=9, messages=ASK) as stream:
        final: Any = stream.get_final_message()
    assert (final.content[0].text, final.stop_reason) == (REFUSED, "refusal")


# --- helpers that build the answer from the stream -----------------------------------------------------


@pytest.mark.parametrize("cut", ["bytes", "hostile"])
def test_the_chat_helper_builds_what_is_expected(client: openai.OpenAI, cut: str) -> None:
    with client.chat.completions.stream(model=f"enforce~calls~{cut}", messages=ASK) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.content == "I will send it."
    calls: Any = message.tool_calls
    assert json.loads(calls[0].function.arguments)["to"] == OWN
    assert json.loads(calls[1].function.arguments)["note"] == "cc [email hidden] 🙂"


@pytest.mark.parametrize("scene", ["calls", "calls-in-turn", "leaky"])
def test_the_responses_helper_builds_what_was_sent(client: openai.OpenAI, scene: str) -> None:
    with client.responses.stream(model=f"enforce~{scene}~hostile", input=ASK) as stream:
        deltas: dict[tuple[str, int], str] = {}
        for event in stream:
            if event.type.endswith(".delta"):
                one: Any = event
                place = (event.type, one.output_index)
                deltas[place] = deltas.get(place, "") + one.delta
        final: Any = stream.get_final_response()
    for index, item in enumerate(final.output):
        if item.type == "function_call":
            assert deltas["response.function_call_arguments.delta", index] == item.arguments
        elif item.type == "message":
            assert deltas["response.output_text.delta", index] == item.content[0].text
        else:
            assert deltas["response.reasoning_summary_text.delta", index] == item.summary[0].text


@pytest.mark.parametrize("scene", ["canary", "badcall"])
def test_the_chat_helper_tells_a_block_as_a_filtered_reply(client: openai.OpenAI, scene: str) -> None:
    """The helper has an error of its own for ``content_filter``; it gets that far without another one."""
    with client.chat.completions.stream(model=f"enforce~{scene}~hostile", messages=ASK) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        with pytest.raises(openai.ContentFilterFinishReasonError):
            stream.get_final_completion()
    assert text.endswith(REFUSAL)


# --- bots that fail ------------------------------------------------------------------------------------

FAILURES = {
    "failing": (500, "No [email hidden]"),
    "limited": (429, "Slow down"),
    "page": (502, "The bot answered with an error (502)."),
    "prose": (502, "The bot answered with another content type than asked for."),
    "garbled": (502, "The bot's answer is malformed: it is not JSON."),
}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("scene", FAILURES)
@pytest.mark.parametrize("protocol", wire.PATHS)
def test_a_bots_failure_is_the_dialects_error(
    client: openai.OpenAI, claude: anthropic.Anthropic, protocol: str, scene: str, stream: bool
) -> None:
    model: Any = f"enforce~{scene}~events"
    ask: Callable[..., object] = client.chat.completions.create
    request: dict[str, Any] = {"messages": ASK}
    if protocol == "responses":
        ask, request = client.responses.create, {"input": "Hi"}
    elif protocol == "messages":
        ask, request = claude.messages.create, {"messages": ASK, "max_tokens": 9}
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        ask(model=model, stream=stream, **request)
    status, sentence = FAILURES[scene]
    error: Any = caught.value
    assert error.status_code == status
    body = error.body
    assert (body["error"] if protocol == "messages" else body)["message"] == sentence
    assert FOREIGN not in str(body)


def test_a_stream_cut_short_ends_in_the_dialects_error(client: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    chunks = client.chat.completions.create(model="enforce~cut~events", messages=ASK, stream=True)
    told: list[str] = []
    with pytest.raises(openai.APIError, match="cut short"):
        told.extend(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert "".join(told).startswith("Once upon")
    events: list[Any] = list(client.responses.create(model="enforce~cut~events", input="Hi", stream=True))
    assert (events[-1].type, events[-1].code) == ("error", "upstream-truncated")
    with (
        pytest.raises(anthropic.APIStatusError, match="cut short"),
        claude.messages.stream(model="enforce~cut~events", max_tokens=9, messages=ASK) as stream,
    ):
        stream.get_final_message()


def test_a_wrong_key_is_refused_in_each_dialect(gateway: RunningGateway) -> None:
    with (
        openai.OpenAI(base_url=gateway.base_url, api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.responses.create(model="enforce~echo", input="Hi")
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="wrong", max_retries=0) as claude,
        pytest.raises(anthropic.AuthenticationError),
    ):
        claude.messages.create(model="enforce~echo", max_tokens=9, messages=ASK)
