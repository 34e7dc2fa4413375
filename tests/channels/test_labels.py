"""Labelled documents: found where they stand, taken out whole, whatever the dialect and however they are cut up."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.channels.anthropic import Messages
from chatward.channels.anthropic_count import CountTokens
from chatward.channels.labels import WITHHELD
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_embeddings import Embeddings
from chatward.channels.openai_responses import Responses
from chatward.core.errors import ChatwardError, ClientError

CHAT, RESPONSES, ANTHROPIC = ChatCompletions(), Responses(), Messages()


def labelled(label: str, **fields: object) -> dict[str, object]:
    return {**fields, "chatward": {"label": label}}


def chat(*messages: object, **more: object) -> bytes:
    return orjson.dumps({"model": "m", "messages": list(messages), **more})


PLACES = {
    "a content part": (
        CHAT,
        lambda text: chat({"role": "user", "content": [labelled("hr", type="text", text=text)]}),
        {"role": "user", "content": [{"type": "text", "text": WITHHELD}]},
    ),
    "a tool's result": (
        CHAT,
        lambda text: chat(labelled("hr", role="tool", tool_call_id="c1", content=text, note=text)),
        {"role": "tool", "tool_call_id": "c1", "content": WITHHELD},
    ),
    "a file": (
        CHAT,
        lambda text: chat({"role": "user", "content": [labelled("hr", type="file", file={"file_data": text})]}),
        {"role": "user", "content": [{"type": "text", "text": WITHHELD}]},
    ),
    "a block": (
        ANTHROPIC,
        lambda text: chat(
            {
                "role": "user",
                "content": [
                    labelled("hr", type="document", source={"type": "text", "data": text}, title=text, context=text)
                ],
            }
        ),
        {"role": "user", "content": [{"type": "text", "text": WITHHELD}]},
    ),
    "a search result within a tool's result": (
        ANTHROPIC,
        lambda text: chat(
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": [labelled("hr", type="search_result", title=text, content=[])],
                    }
                ],
            }
        ),
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": WITHHELD}]}],
        },
    ),
    "a whole tool result": (
        ANTHROPIC,
        lambda text: chat(
            {"role": "user", "content": [labelled("hr", type="tool_result", tool_use_id="t1", content=text)]}
        ),
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": WITHHELD}]},
    ),
    "a piece of a document's content": (
        ANTHROPIC,
        lambda text: chat(
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [labelled("hr", type="text", text=text)]},
                    }
                ],
            }
        ),
        {
            "role": "user",
            "content": [
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": WITHHELD}]}}
            ],
        },
    ),
    "an item's part": (
        RESPONSES,
        lambda text: orjson.dumps(
            {"input": [{"role": "user", "content": [labelled("hr", type="input_text", text=text)]}]}
        ),
        {"role": "user", "content": [{"type": "input_text", "text": WITHHELD}]},
    ),
    "a function's output": (
        RESPONSES,
        lambda text: orjson.dumps({"input": [labelled("hr", type="function_call_output", call_id="c1", output=text)]}),
        {"type": "function_call_output", "call_id": "c1", "output": WITHHELD},
    ),
    "a file search": (
        RESPONSES,
        lambda text: orjson.dumps(
            {"input": [{"type": "file_search_call", "id": "f1", "results": [labelled("hr", text=text)]}]}
        ),
        {"type": "file_search_call", "id": "f1", "results": []},
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_document_that_is_withheld_leaves_nothing_but_a_sentence(place):
    dialect, made, expected = PLACES[place]
    call = dialect.parse(made("the-secret"))
    assert list(call.labels) == ["hr"]
    with pytest.raises(ChatwardError) as caught:
        call.body({})  # nobody was asked
    assert caught.value.reason == "labels-unasked"
    call.withhold([])
    whole = call.body({})
    assert b"the-secret" in whole
    assert b"chatward" not in whole
    call.withhold([0])
    assert list(call.labels) == []
    sent = orjson.loads(call.body({}))
    assert (sent.get("messages") or sent.get("input")) == [expected]
    assert all("the-secret" not in part.text for part in call.parts)
    assert dialect.parse(call.body({})).parts == call.parts


def test_documents_beside_the_messages_are_dropped():
    body = chat({"role": "user", "content": "q"}, documents=[labelled("hr", text="a"), labelled("all", text="b")])
    call = CHAT.parse(body)
    call.withhold([list(call.labels).index("hr")])
    assert orjson.loads(call.body({}))["documents"] == [{"text": "b"}]
    only = CHAT.parse(chat({"role": "user", "content": "q"}, documents=labelled("hr", text="a")))
    only.withhold([0])
    assert "documents" not in orjson.loads(only.body({}))


def test_of_two_within_each_other_both_count_and_the_outer_takes_the_inner_along():
    inner = labelled("inner", type="text", text="deep")
    body = chat({"role": "user", "content": [labelled("outer", type="tool_result", tool_use_id="t", content=[inner])]})
    for which in ([0], [0, 1]):
        call = ANTHROPIC.parse(body)
        assert list(call.labels) == ["outer", "inner"]
        call.withhold(which)
        assert b"deep" not in call.body({})
    call = ANTHROPIC.parse(body)
    call.withhold([1])
    assert list(call.labels) == ["outer"]
    assert b"deep" not in call.body({})
    assert b"tool_use_id" in call.body({})


@pytest.mark.parametrize(
    "said", [None, "hr", {}, {"label": 7}, {"label": ""}, {"label": "a b"}, {"label": "hr", "x": 1}, {"label": "é"}]
)
def test_what_is_no_label_is_refused_and_not_passed_over(said):
    for dialect, body in (
        (CHAT, chat({"role": "user", "content": [{"type": "text", "text": "t", "chatward": said}]})),
        (ANTHROPIC, chat({"role": "user", "content": "t", "chatward": said})),
        (
            ANTHROPIC,
            chat({"role": "user", "content": [{"type": "document", "source": {"type": "text", "chatward": said}}]}),
        ),
    ):
        with pytest.raises(ClientError) as caught:
            dialect.parse(body)
        assert caught.value.reason == "label-invalid"


def test_what_belongs_to_tools_is_left_alone():
    use = {"type": "tool_use", "id": "t", "name": "n", "input": {"chatward": "x"}}
    tool = {"name": "n", "input_schema": {"properties": {"chatward": {"type": "string"}}}}
    call = ANTHROPIC.parse(chat({"role": "assistant", "content": [use]}, tools=[tool]))
    assert list(call.labels) == []
    assert call.body({}).count(b'"chatward"') == 2


def test_every_dialect_that_takes_documents_takes_labels_off():
    body = {"role": "user", "content": [labelled("hr", type="text", text="t")]}
    assert list(CountTokens().parse(chat(body)).labels) == ["hr"]
    assert list(Embeddings().parse(b'{"model": "m", "input": "t"}').labels) == []


@st.composite
def cut_up(draw):
    """A conversation whose documents are cut into parts, each with its label or none."""
    pieces, messages = [], []
    for _ in range(draw(st.integers(1, 4))):
        content = []
        for _ in range(draw(st.integers(1, 4))):
            label = draw(st.sampled_from(["", "public", "hr", "legal"]))
            text = f"secret-{len(pieces)}-{draw(st.text('abc', max_size=3))}!"
            pieces.append((label, text))
            part = {"type": "text", "text": text}
            content.append(labelled(label, **part) if label else part)
        if draw(st.booleans()):
            messages.append({"role": "user", "content": content})
        else:
            messages.append(
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": content}]}
            )
    return pieces, messages, draw(st.sets(st.sampled_from(["public", "hr", "legal"])))


@settings(max_examples=60)
@given(cut_up())
def test_whatever_the_splitting_nothing_forbidden_goes_on_and_all_else_does(made):
    pieces, messages, forbidden = made
    call = ANTHROPIC.parse(chat(*messages))
    assert sorted(call.labels) == sorted(label for label, _ in pieces if label)
    call.withhold([at for at, label in enumerate(call.labels) if label in forbidden])
    sent, read = call.body({}).decode(), " ".join(part.text for part in call.parts)
    for label, text in pieces:
        assert (text in sent, text in read) == (label not in forbidden,) * 2
    assert sent.count(WITHHELD) == sum(label in forbidden for label, _ in pieces)
    assert "chatward" not in sent


@pytest.mark.parametrize(
    "member", [b'"chatward"', rb'"\u0063hatward"', rb'"chatwar\u0064"', rb'"\u0043\u0048" : 1, "\u0063hatward"']
)
def test_a_label_is_found_however_its_name_is_written(member: bytes) -> None:
    body = b'{"messages":[{"role":"user","content":"hi",' + member + b':{"label":"hr"}}]}'
    assert CHAT.parse(body).labels == ["hr"]


def test_words_about_labels_are_none() -> None:
    call = CHAT.parse(chat({"role": "user", "content": 'what is "chatward": {"label": "hr"}?'}))
    assert call.labels == []
    assert orjson.loads(call.body({}))["messages"][0]["content"] == 'what is "chatward": {"label": "hr"}?'
