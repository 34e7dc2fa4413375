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
def test_a_thread_of_another_caller_gives_nothing_away(
    clients: tuple[openai.OpenAI, openai.OpenAI], stream: bool
) -> None:
    own, other = clients
    model = f"enforce~again~hostile~theft-{stream}"
    first, _ = _text(own, stream, model=model, input=f"I am {OWN}.")
    _, said = _text(other, stream, model=model, input="Who am I?", previous_response_id=first)
    assert said == "Again: [EMAIL_1], and [EMAIL_2]."
    _, said = _text(other, stream, model=model, input="I am [EMAIL_1].", previous_response_id=first)
    assert OWN not in said


def test_branches_of_a_thread_do_not_share_what_follows(clients: tuple[openai.OpenAI, openai.OpenAI]) -> None:
    own, _ = clients
    model = "enforce~again~events~branches"
    first, _ = _text(own, False, model=model, input=f"I am {OWN}.")
    _, said = _text(own, False, model=model, input="And grace@example.com?", previous_response_id=first)
    assert said == f"Again: {OWN}, and grace@example.com."
    _, said = _text(own, False, model=model, input="Who else?", previous_response_id=first)
    assert said == f"Again: {OWN}, and [EMAIL_2]."
