"""Streamed responses: whatever the split, the same comes out, and every repetition says the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI, omit
from openai._streaming import SSEDecoder
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from chatward.channels.openai_responses import Responses
from chatward.channels.openai_responses_stream import ResponsesRewriter
from chatward.core.errors import UpstreamError

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
REQUEST = {"input": "x", "instructions": "For Ann."}


def events(*found: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\n".encode() + b"data: " + orjson.dumps({**event, "sequence_number": number}) + b"\n\n"
        for number, event in enumerate(found)
    )


def response(status: str, *output: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "error": None,
        "incomplete_details": None, "instructions": "For [PERSON_1].", "metadata": {}, "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "output": list(output),
        "usage": {
            "input_tokens": 7, "output_tokens": 3, "total_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }  # fmt: skip


def message(text: str, status: str = "completed") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}] if text else []
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}


def text_events(pieces: Sequence[str], index: int = 0) -> list[dict[str, Any]]:
    at = {"item_id": "msg_1", "output_index": index, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    whole = "".join(pieces)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": message("", "in_progress")},
        {"type": "response.content_part.added", **at, "part": part},
        *({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces),
        {"type": "response.output_text.done", **at, "text": whole, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": {**part, "text": whole}},
        {"type": "response.output_item.done", "output_index": index, "item": message(whole)},
    ]


def call_item(arguments: str, status: str = "completed") -> dict[str, Any]:
    return {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": "mail",
        "arguments": arguments,
        "status": status,
    }


def call_events(pieces: Sequence[str], index: int) -> list[dict[str, Any]]:
    at = {"item_id": "fc_1", "output_index": index}
    whole = "".join(pieces)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": call_item("", "in_progress")},
        *({"type": "response.function_call_arguments.delta", **at, "delta": piece} for piece in pieces),
        {"type": "response.function_call_arguments.done", **at, "name": "mail", "arguments": whole},
        {"type": "response.output_item.done", "output_index": index, "item": call_item(whole)},
    ]


def reasoning_item(text: str) -> dict[str, Any]:
    return {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": text}] if text else []}


def reasoning_events(pieces: Sequence[str], index: int) -> list[dict[str, Any]]:
    at = {"item_id": "rs_1", "output_index": index, "summary_index": 0}
    whole = "".join(pieces)
    part = {"type": "summary_text", "text": ""}
    return [
        {"type": "response.output_item.added", "output_index": index, "item": reasoning_item("")},
        {"type": "response.reasoning_summary_part.added", **at, "part": part},
        *({"type": "response.reasoning_summary_text.delta", **at, "delta": piece} for piece in pieces),
        {"type": "response.reasoning_summary_text.done", **at, "text": whole},
        {"type": "response.reasoning_summary_part.done", **at, "part": {**part, "text": whole}},
        {"type": "response.output_item.done", "output_index": index, "item": reasoning_item(whole)},
    ]


def begin() -> list[dict[str, Any]]:
    kinds = ("response.created", "response.in_progress")
    return [{"type": kind, "response": response("in_progress")} for kind in kinds]


def end(*output: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.completed", "response": response("completed", *output)}


def run(pieces: Iterable[bytes], reply: Any) -> tuple[bytes, ResponsesRewriter]:
    rewriter = ResponsesRewriter(reply, REQUEST)
    out = b"".join(rewriter.feed(piece) for piece in pieces)
    return out + rewriter.close(), rewriter


def one_by_one(stream: bytes) -> list[bytes]:
    """The stream, one event at a time: events that come together may go on as one."""
    return [event + b"\n\n" for event in stream.split(b"\n\n") if event]


def said(out: bytes) -> list[Any]:
    """All events, read and accumulated by OpenAI's own client: its decoder, its models, its state."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    found = []
    for number, sse in enumerate(SSEDecoder().iter_bytes(iter([out]))):
        event = EVENTS.validate_json(sse.data)
        assert (event.type, event.sequence_number) == (sse.event, number)
        state.handle_event(event)
        found.append(event)
    return found


def joined(found: list[Any], kind: str) -> str:
    return "".join(event.delta for event in found if event.type == f"response.{kind}.delta")


def whole(found: list[Any], kind: str, field: str) -> str:
    (event,) = [event for event in found if event.type == kind]
    return str(getattr(event, field))


THOUGHT = ["I kn", "ow SECR", "ET things"]
PIECES = ["Dear Ann, ", "the SEC", "RET i", "s SECR", "ET; ✓é", "漢 and SECRE", "t.", "Bye SECRET"]
ARGUMENTS = ['{"to": "SE', 'CRET"', "}"]
FULL = events(
    *begin(),
    *reasoning_events(THOUGHT, 0),
    *text_events(PIECES, 1),
    *call_events(ARGUMENTS, 2),
    end(reasoning_item("".join(THOUGHT)), message("".join(PIECES)), call_item("".join(ARGUMENTS))),
)


@given(st.data())
def test_splits_and_look_ahead_do_not_matter(fakes: Any, data: st.DataObject) -> None:
    full = FULL.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    reply = fakes.Reply(delay=data.draw(st.integers(0, 40)), mask="SECRET")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    found = said(out)
    assert b"SECRET" not in out
    thought, spoken, called = found[-1].response.output
    expected = "".join(PIECES).replace("SECRET", "[hidden]")
    assert joined(found, "output_text") == expected
    assert whole(found, "response.output_text.done", "text") == expected
    assert spoken.content[0].text == expected
    assert joined(found, "reasoning_summary_text") == thought.summary[0].text == "I know [hidden] things"
    assert joined(found, "function_call_arguments") == called.arguments == '{"to": "[hidden]"}'
    assert whole(found, "response.function_call_arguments.done", "arguments") == called.arguments
    assert found[-1].response.instructions == found[0].response.instructions == "For Ann."
    assert rewriter.done
    assert rewriter.reply_id == "resp_1"
    assert rewriter.usage == {"input": 7, "output": 3}


def test_an_untouched_stream_keeps_its_events(fakes: Any) -> None:
    out, _ = run(one_by_one(FULL.replace(b"For [PERSON_1].", b"For Ann.")), fakes.Reply())
    assert fakes.events(out) == fakes.events(FULL.replace(b"For [PERSON_1].", b"For Ann."))


@given(st.data())
def test_nothing_after_a_block(fakes: Any, data: st.DataObject) -> None:
    pieces = ["good ", "so B", "AD and", " more"]
    full = events(*begin(), *text_events(pieces), end(message("".join(pieces))))
    reply = fakes.Reply(delay=data.draw(st.integers(0, 20)), bad="BAD")
    out, rewriter = run(fakes.cuts(full, data.draw(fakes.offsets(len(full)))), reply)
    found = said(out)
    assert joined(found, "output_text") == "good so "
    assert (found[-1].type, found[-1].code, found[-1].message) == ("error", "content_filter", fakes.sentence)
    assert not [event for event in found if event.type.endswith(".done")]
    assert rewriter.done
    assert rewriter.feed(full) == b""
    assert rewriter.close() == b""


def test_a_blocked_call_is_never_completed(fakes: Any) -> None:
    pieces = ['{"a": 1', ', "b": "BAD"}']
    out, _ = run([events(*begin(), *call_events(pieces, 0), end(call_item("".join(pieces))))], fakes.Reply(bad="BAD"))
    found = said(out)
    assert found[-1].type == "error"
    assert not [event for event in found if event.type.endswith(".done")]


def test_what_the_upstream_repeats_is_not_believed(fakes: Any) -> None:
    spoken = text_events(["a", "b"])
    for event in spoken[4:]:
        event.update(orjson.loads(orjson.dumps(event).replace(b'"ab"', b'"other"')))
    out, _ = run([events(*begin(), *spoken, end(message("yet another")))], fakes.Reply(delay=1))
    assert b"other" not in out
    assert said(out)[-1].response.output[0].content[0].text == "ab"


def test_items_that_never_streamed_are_inspected_whole(fakes: Any) -> None:
    done = {"type": "response.output_item.done", "output_index": 0, "item": message("one SECRET")}
    unseen = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "two SECRET"}]}
    out, _ = run([events(*begin(), done, end(message("one SECRET"), unseen))], fakes.Reply(mask="SECRET"))
    final = fakes.events(out)[-1]["response"]["output"]
    assert final[0]["content"][0]["text"] == "one [hidden]"
    assert final[1]["summary"][0]["text"] == "two [hidden]"


def test_a_response_that_stops_early_ends_with_what_was_streamed(fakes: Any) -> None:
    stopped = {"type": "response.incomplete", "response": response("incomplete", message("the SECRET", "incomplete"))}
    out, rewriter = run(
        [events(*begin(), *text_events(["the SEC", "RET"])[:4], stopped)], fakes.Reply(delay=4, mask="SECRET")
    )
    found = fakes.events(out)
    assert "".join(event.get("delta", "") for event in found) == "the [hidden]"
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "the [hidden]"
    assert rewriter.done


def test_annotations_go_once_the_text_is_known_to_be_changed(fakes: Any) -> None:
    note = {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://example.com", "title": "SECRET"}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "annotation_index": 0}
    added = {"type": "response.output_text.annotation.added", **at, "annotation": note}
    plain, changed = text_events(["ok"]), text_events(["SECRET"])
    for spoken, expected in ((plain, 1), (changed, 0)):
        spoken[-1]["item"]["content"][0]["annotations"] = [note]
        stream = events(*begin(), *spoken[:3], added, *spoken[3:], end(spoken[-1]["item"]))
        out, _ = run([stream], fakes.Reply(mask="SECRET"))
        found = fakes.events(out)
        assert sum(event["type"].endswith("annotation.added") for event in found) == expected
        assert len(found[-1]["response"]["output"][0]["content"][0]["annotations"]) == expected
        assert b"SECRET" not in out


def test_unknown_events_and_texts_are_inspected(fakes: Any) -> None:
    strange: list[dict[str, Any]] = [
        {"type": "response.new_thing.delta", "output_index": 5, "delta": "my SEC"},
        {"type": "response.new_thing.delta", "output_index": 5, "delta": "RET"},
        {"type": "response.new_thing.done", "output_index": 5, "text": "my SECRET"},
        {"type": "response.other", "deep": [{"note": "SECRET"}]},
        {"type": "response.image_generation_call.partial_image", "partial_image_b64": "iVBORw0KGgo" * 9},
    ]
    reply = fakes.Reply(mask="SECRET")
    out, _ = run([events(*begin(), *strange, end())], reply)
    found = fakes.events(out)
    assert b"SECRET" not in out
    assert "".join(event.get("delta", "") for event in found) == "my [hidden]"
    assert found[-2]["partial_image_b64"] == "iVBORw0KGgo" * 9
    assert reply.files == [("iVBORw0KGgo" * 9, "", "")]


@pytest.mark.parametrize("tail", [b"", b'event: x\ndata: {"type": "resp', b"data: [DONE]\n\n", b": c\n"])
def test_a_cut_stream_says_so_after_what_was_settled(tail: bytes, fakes: Any) -> None:
    out, rewriter = run([events(*begin(), *text_events(["abc"])[:3]) + tail], fakes.Reply(delay=2))
    found = said(out)
    assert joined(found, "output_text") == "abc"
    assert (found[-1].type, found[-1].code) == ("error", "upstream-truncated")
    assert rewriter.done


@pytest.mark.parametrize(
    "bad",
    [
        b"not json", b"[]", b"{}", b'{"type": "a b"}', b'{"type": "response.created"}',
        b'{"type": "response.created", "response": {"output": 1}}',
        b'{"type": "response.output_item.added", "item": 1}',
        b'{"type": "response.output_item.added", "item": {"type": "message"}}',
        b'{"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "content": [1]}}',
        b'{"type": "response.content_part.done", "part": 1}',
    ],
)  # fmt: skip
def test_malformed_events_become_the_dialects_error(bad: bytes, fakes: Any) -> None:
    full = events(*begin(), *text_events(["abc"])[:3]) + b"data: " + bad + b"\n\n" + events(*text_events(["late"], 1))
    out, rewriter = run([full], fakes.Reply(delay=2))
    assert fakes.events(out)[-1]["code"] == "upstream-malformed"
    assert b"late" not in out
    assert rewriter.done


def test_a_text_that_goes_on_after_its_end_is_malformed(fakes: Any) -> None:
    spoken = text_events(["abc"])
    out, _ = run([events(*begin(), *spoken[:4], spoken[2])], fakes.Reply())
    assert fakes.events(out)[-1]["code"] == "upstream-malformed"


def test_an_error_of_the_upstream_is_passed_on_inspected(fakes: Any) -> None:
    error = {"type": "error", "code": "server_error", "message": "no SECRET left", "param": None}
    out, rewriter = run([events(*begin(), *text_events(["abc"])[:3], error)], fakes.Reply(mask="SECRET", delay=1))
    found = said(out)
    assert joined(found, "output_text") == "abc"
    assert (found[-1].code, found[-1].message) == ("server_error", "no [hidden] left")
    assert rewriter.done


def test_a_failed_response_is_an_end(fakes: Any) -> None:
    failed = response("failed")
    failed["error"] = {"code": "server_error", "message": "no SECRET left"}
    out, rewriter = run([events(*begin(), {"type": "response.failed", "response": failed})], fakes.Reply(mask="SECRET"))
    assert said(out)[-1].response.error.message == "no [hidden] left"
    assert rewriter.done


def test_a_broken_upstream_is_told_after_what_was_settled(fakes: Any) -> None:
    rewriter = ResponsesRewriter(fakes.Reply(delay=2), REQUEST)
    out = rewriter.feed(events(*begin(), *text_events(["abc"])[:3])) + rewriter.fail(UpstreamError("It broke."))
    assert fakes.events(out)[-1]["message"] == "It broke."
    assert fakes.events(out)[-2]["delta"] == "bc"


def test_a_call_opens_this_rewriter_and_knows_the_id(fakes: Any) -> None:
    call = Responses().parse(b'{"input":"x","stream":true}')
    rewriter = call.rewriter(fakes.Reply())
    rewriter.feed(events(*begin()))
    assert call.reply_id() == "resp_1"


def test_the_official_client_reads_a_block_without_an_exception(fakes: Any) -> None:
    out, _ = run([events(*begin(), *text_events(["good ", "BAD"]), end(message("good BAD")))], fakes.Reply(bad="BAD"))

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=out)

    client = OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(handle)))
    with client.responses.create(model="m", input="x", stream=True) as opened:
        found = list(opened)
    assert (found[-1].type, joined(found, "output_text")) == ("error", "good ")


def test_indexes_and_states_that_a_server_leaves_out_are_filled_in(fakes: Any) -> None:
    """llama.cpp names items by id alone, and says of a begun response little more than that."""

    def bare(event: dict[str, Any]) -> dict[str, Any]:
        lean = {key: value for key, value in event.items() if not key.endswith("_index")}
        if event["type"] in {"response.created", "response.in_progress"}:
            lean["response"] = {key: event["response"][key] for key in ("id", "object", "status")}
        return lean

    full = [
        *begin(),
        *reasoning_events(["abc ", "def"], 0),
        *text_events(["spill ", "it"], 1),
        *call_events(['{"a": ', '"b"}'], 2),
    ]
    items = (reasoning_item("abc def"), message("spill it"), call_item('{"a": "b"}'))
    end = {"type": "response.completed", "response": response("completed", *items)}
    wanted, _ = run([events(*full, end)], fakes.Reply(delay=3))
    got, _ = run([events(*map(bare, full), end)], fakes.Reply(delay=3))
    assert fakes.events(got)[2:] == fakes.events(wanted)[2:]
    assert all(event["response"]["output"] == [] for event in fakes.events(got)[:2])


def test_two_parts_of_an_item_without_indexes_stay_apart(fakes: Any) -> None:
    at = {"item_id": "msg_1"}
    part = {"type": "output_text", "text": "", "annotations": []}
    spoken = [
        {"type": "response.output_item.added", "item": message("", "in_progress")},
        {"type": "response.content_part.added", **at, "part": part},
        {"type": "response.output_text.delta", **at, "delta": "one"},
        {"type": "response.output_text.done", **at, "text": "one"},
        {"type": "response.content_part.added", **at, "part": part},
        {"type": "response.output_text.delta", **at, "delta": "two"},
        {"type": "response.output_text.done", **at, "text": "two"},
    ]
    out, _ = run([events(*begin(), *spoken)], fakes.Reply())
    done = [event for event in fakes.events(out) if event["type"] == "response.output_text.done"]
    assert [(event["content_index"], event["text"]) for event in done] == [(0, "one"), (1, "two")]


@pytest.mark.parametrize("sent", [b"", b"data: junk\n\n", b'data: {"type": "error", "message": "no"}\n\n'])
def test_an_error_never_comes_first(sent: bytes, fakes: Any) -> None:
    """The official stream helpers raise an error of their own unless ``response.created`` is the first event."""
    out, _ = run([sent], fakes.Reply())
    assert [event.type for event in said(out)] == ["response.created", "error"]
