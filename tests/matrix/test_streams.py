"""Many streams at once, and callers who leave."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.matrix import wire
from tests.matrix.conftest import KEYS
from tests.simulators.gateway import RunningGateway
from tests.simulators.upstream import CUTS, ScriptedUpstream

pytestmark = pytest.mark.xdist_group("matrix")

KEY = KEYS["MATRIX_KEY"]
AT_ONCE = 50


async def test_streams_at_once_do_not_mix(gateway: RunningGateway, bot: ScriptedUpstream) -> None:
    """Every caller has an address of its own; all of them are ``[EMAIL_1]`` to the bot."""
    async with (
        openai.AsyncOpenAI(base_url=gateway.base_url, api_key=KEY, max_retries=0, timeout=60) as client,
        anthropic.AsyncAnthropic(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=60) as claude,
    ):

        async def chat(number: int, model: str, asked: str) -> str:
            messages: list[Any] = [{"role": "user", "content": asked}]
            stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
            return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])

        async def response(number: int, model: str, asked: str) -> str:
            async with client.responses.stream(model=model, input=asked) as stream:
                return (await stream.get_final_response()).output_text

        async def message(number: int, model: str, asked: str) -> str:
            messages: list[Any] = [{"role": "user", "content": asked}]
            async with claude.messages.stream(model=model, max_tokens=9, messages=messages) as stream:
                return await stream.get_final_text()

        async def one(number: int) -> tuple[str, str]:
            asked = f"I am person{number:03d}@example.com, order {number}."
            ask = (chat, response, message)[number % 3]
            model = f"enforce~echo~{CUTS[number % 4]}~at-once-{number}"
            return f"You wrote: {asked} Done.", await ask(number, model, asked)

        results = await asyncio.gather(*map(one, range(AT_ONCE)))
    assert [got for _, got in results] == [wanted for wanted, _ in results]
    for number in range(AT_ONCE):
        seen = bot.seen(f"enforce~echo~{CUTS[number % 4]}~at-once-{number}")
        assert [one.texts for one in seen] == [[f"I am [EMAIL_1], order {number}."]]


@pytest.mark.parametrize("route", ["enforce", "monitor"])
@pytest.mark.parametrize("protocol", wire.PATHS)
def test_a_caller_who_leaves_ends_the_call_to_the_bot(
    gateway: RunningGateway, bot: ScriptedUpstream, protocol: str, route: str
) -> None:
    model = f"{route}~endless~events~leaves-{protocol}"
    job = wire.job(protocol, model, "Tell me a story.", stream=True)
    headers = {"authorization": f"Bearer {KEY}"}
    url = f"{gateway.url}{wire.PATHS[protocol]}"
    with httpx.stream("POST", url, json=wire.document(job), headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        exchange = answer.headers["x-chatward-request-id"]
        assert next(answer.iter_bytes())
    assert bot.left(model, 5), "the bot still talks to nobody"
    ended = [record for record in gateway.records(exchange) if record.event == "reply:output:aborted"]
    assert [record.fields["outcome"] for record in ended] == ["client-left"]
