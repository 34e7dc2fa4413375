"""Threads that the bot keeps by id: a person's own values come back in later turns, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.matrix.conftest import KEYS
from tests.matrix.table import OWN
from tests.simulators.gateway import RunningGateway
from tests.simulators.upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("matrix")


@pytest.fixture(scope="module")
def clients(gateway: RunningGateway) -> Iterator[tuple[openai.OpenAI, openai.OpenAI]]:
    """Two callers with a key each."""
    first, second = (
        openai.OpenAI(base_url=gateway.base_url, api_key=KEYS[name], max_retries=0, timeout=30)
        for name in ("MATRIX_KEY", "MATRIX_OTHER_KEY")
    )
    with first, second:
        yield first, second


def _text(client: openai.OpenAI, stream: bool, **request: Any) -> tuple[str, str]:
    """The id of a response and what it says."""
    if not stream:
        answer = client.responses.create(**request)
        return answer.id, answer.output_text
    with client.responses.stream(**request) as events:
        final = events.get_final_response()
    return final.id, final.output_text


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_own_value_comes_back_in_the_next_turn(
    clients: tuple[openai.OpenAI, openai.OpenAI], bot: ScriptedUpstream, stream: bool
) -> None:
    own, _ = clients
    model = f"enforce~again~hostile~thread-{stream}"
    first, said = _text(own, stream, model=model, input=f"I am {OWN}.")
    assert said == f"Again: {OWN}, and [EMAIL_2]."
    second, said = _text(own, stream, model=model, input="Who am I?", previous_response_id=first)
    assert said == f"Again: {OWN}, and [EMAIL_2]."
    # A further value gets a number of its own, and both come back in a third turn.
    third, said = _text(own, stream, model=model, input="And grace@example.com?", previous_response_id=second)
    assert said == f"Again: {OWN}, and grace@example.com."
    assert [seen.texts for seen in bot.seen(model)] == [["I am [EMAIL_1]."], ["Who am I?"], ["And [EMAIL_2]?"]]
    assert len({first, second, third}) == 3


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_nobody_goes_on_with_a_thread_of_another_caller(
    clients: tuple[openai.OpenAI, openai.OpenAI], bot: ScriptedUpstream, stream: bool
) -> None:
    own, other = clients
    model = f"enforce~again~hostile~theft-{stream}"
    first, _ = _text(own, stream, model=model, input=f"I am {OWN}.")
    for asked in ("Who am I?", "I am [EMAIL_1]."):
        with pytest.raises(openai.NotFoundError) as refused:
            _text(other, stream, model=model, input=asked, previous_response_id=first)
        assert refused.value.code == "thread-unknown"
    assert [seen.texts for seen in bot.seen(model)] == [["I am [EMAIL_1]."]]
    _, said = _text(own, stream, model=model, input="Who am I?", previous_response_id=first)
    assert said == f"Again: {OWN}, and [EMAIL_2]."


def test_an_id_that_nobody_was_answered_with_is_the_bots_to_judge(
    clients: tuple[openai.OpenAI, openai.OpenAI], bot: ScriptedUpstream
) -> None:
    model = "enforce~again~events~unknown"
    _, said = _text(clients[0], False, model=model, input="Who am I?", previous_response_id="resp_of_last_week")
    assert said == "Again: [EMAIL_1], and [EMAIL_2]."
    assert [seen.document["previous_response_id"] for seen in bot.seen(model)] == ["resp_of_last_week"]


def test_where_the_route_only_watches_nothing_is_refused(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    own, other = clients
    first, _ = _text(own, False, model="monitor~again~events~watched", input="I am here.")
    _text(other, False, model="monitor~again~events~watched", input="And I?", previous_response_id=first)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("named", [str, lambda name: {"id": name}], ids=["name", "object"])
def test_a_conversation_that_the_bot_keeps_is_one_thread(
    clients: tuple[openai.OpenAI, openai.OpenAI], bot: ScriptedUpstream, stream: bool, named: Any
) -> None:
    own, other = clients
    conversation = named(f"conv_{stream}_{named is str}")
    model = f"enforce~again~hostile~conversation-{stream}-{named is str}"
    _, said = _text(own, stream, model=model, input=f"I am {OWN}.", conversation=conversation)
    assert said == f"Again: {OWN}, and [EMAIL_2]."
    _, said = _text(own, stream, model=model, input="And grace@example.com?", conversation=conversation)
    assert said == f"Again: {OWN}, and grace@example.com."
    with pytest.raises(openai.NotFoundError):
        _text(other, stream, model=model, input="Who am I?", conversation=conversation)
    assert [seen.texts for seen in bot.seen(model)] == [["I am [EMAIL_1]."], ["And [EMAIL_2]?"]]


def test_branches_of_a_thread_do_not_share_what_follows(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    own, _ = clients
    model = "enforce~again~events~branches"
    first, _ = _text(own, False, model=model, input=f"I am {OWN}.")
    _, said = _text(own, False, model=model, input="And grace@example.com?", previous_response_id=first)
    assert said == f"Again: {OWN}, and grace@example.com."
    _, said = _text(own, False, model=model, input="Who else?", previous_response_id=first)
    assert said == f"Again: {OWN}, and [EMAIL_2]."
