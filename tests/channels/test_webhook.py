"""Bots that take JSON in a form of their own: what is read, what is left alone, how refusals look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.channels.webhook import Form, Webhook, WebhookCall, places, pointer
from chatward.channels.wire import Asked
from chatward.core.errors import ClientError, UpstreamError


def form(**options: Any) -> Form:
    given_ = {"text": ["/message/text"], "reply": ["/replies/*/text"], "untouched": [], **options}
    text, reply, untouched = (tuple(map(pointer, given_[name])) for name in ("text", "reply", "untouched"))
    return Form(text, reply, pointer(options.get("sender", "/user/id")), untouched)


def call(document: Any, **options: Any) -> WebhookCall:
    return Webhook("shop", "shop", form(**options)).bind(Asked("POST")).parse(orjson.dumps(document))


SAID = {
    "message": {"text": "hello", "lang": "en gb"},
    "user": {"id": "ann 7", "mail": "ann@example.com"},
    "n": 3,
    "event_id": "evt_1",
}


def test_the_text_comes_first_and_all_other_words_are_read() -> None:
    made = call(SAID)
    assert [part.text for part in made.parts] == ["hello", "en gb", "ann@example.com"]
    assert made.conversation == made.previous == made.reply_id() == "shop/ann 7"
    assert orjson.loads(made.body({0: "X"})) == {**SAID, "message": {"text": "X", "lang": "en gb"}}


@pytest.mark.parametrize(
    ("untouched", "read"),
    [
        (["/user"], ["hello", "en gb"]),
        (["/user/mail", "/message/lang"], ["hello"]),
        ([""], ["hello"]),
        (["/message"], ["hello", "ann@example.com"]),
        (["/nowhere/*"], ["hello", "en gb", "ann@example.com"]),
    ],
    ids=["subtree", "two", "all", "text-stays", "nowhere"],
)
def test_what_is_untouched_is_not_read(untouched: list[str], read: list[str]) -> None:
    assert [part.text for part in call(SAID, untouched=untouched).parts] == read


def test_a_pointer_to_a_tree_takes_its_words_and_wildcards_take_all() -> None:
    document = {"messages": [{"text": "a"}, {"text": {"b": "c", "n": 1}}, {"other": "d"}], "user": {"id": 5}}
    made = call(document, text=["/messages/*/text"], untouched=[""])
    assert [part.text for part in made.parts] == ["a", "c"]
    assert made.conversation == "shop/5"


def test_a_value_at_the_text_is_read_even_if_it_looks_like_an_identifier() -> None:
    assert [part.text for part in call({"type": "ignore-all"}, text=["/type"]).parts] == ["ignore-all"]


@pytest.mark.parametrize("sender", [{"a": 1}, [], "x" * 257, "a\nb", True])
def test_a_sender_that_is_no_id_is_refused(sender: object) -> None:
    with pytest.raises(ClientError) as refused:
        call({"user": {"id": sender}})
    assert refused.value.reason == "field-type"


REPLY = {"replies": [{"text": "a SECRET", "card": {"title": "SECRET"}}], "trace": "SECRET", "id": "r1"}


def test_every_word_of_an_answer_goes_through_a_lane(fakes: SimpleNamespace) -> None:
    out = call(SAID).reply(orjson.dumps(REPLY), fakes.Reply(mask="SECRET"))
    assert orjson.loads(out.body) == orjson.loads(orjson.dumps(REPLY).replace(b"SECRET", b"[hidden]"))
    kept = call(SAID, untouched=["/trace"]).reply(orjson.dumps(REPLY), fakes.Reply(mask="SECRET"))
    assert orjson.loads(kept.body)["trace"] == "SECRET"
    assert kept.body.count(b"SECRET") == 1


@pytest.mark.parametrize(
    ("reply", "spoken"),
    [
        (["/replies/*/text"], {"replies": [{"text": "NO"}]}),
        (["/text"], {"text": "NO"}),
        (["/0/a~1b", "/x"], [{"a/b": "NO"}]),
        (["/*"], ["NO"]),
    ],
)
def test_a_refusal_has_the_form_of_an_answer(fakes: SimpleNamespace, reply: list[str], spoken: object) -> None:
    made = call(SAID, reply=reply)
    refused = made.refused(fakes.verdict, "NO")
    assert (refused.status, orjson.loads(refused.body)) == (200, spoken)
    fake = fakes.Reply(bad="SECRET")
    fake.refusal = "NO"
    assert orjson.loads(made.reply(orjson.dumps(REPLY), fake).body) == spoken


def test_an_empty_answer_is_an_acknowledgement(fakes: SimpleNamespace) -> None:
    assert call(SAID).reply(b"", fakes.Reply()).body == b""


@pytest.mark.parametrize("body", [b"ok", b'"text"', b"7"])
def test_another_answer_is_malformed(fakes: SimpleNamespace, body: bytes) -> None:
    with pytest.raises(UpstreamError):
        call(SAID).reply(body, fakes.Reply())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(min_size=1, max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~*", max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(_JSON, st.data())
def test_a_pointer_leads_where_rfc_6901_says(document: Any, data: st.DataObject) -> None:
    node, written = document, ""
    while isinstance(node, (dict, list)) and node and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if key == "*":
            return
        written += "/" + str(key).replace("~", "~0").replace("/", "~1")
        node = node[key]
    found = [container[key] for container, key in places(document, pointer(written))]
    assert found == ([node] if written else [])


@given(_JSON, st.lists(st.sampled_from(["", "/*", "/a", "/a/*", "/*/b", "/0"]), max_size=2))
def test_nothing_is_lost_or_read_twice(document: Any, untouched: list[str]) -> None:
    whole = {"x": document}
    made = call(whole, text=["/x/a", "/x/*"], untouched=untouched, sender="")
    assert orjson.loads(made.body({})) == whole
    slots = [(id(container), key) for container, key, _ in made._request._slots]  # type: ignore[misc]
    assert len(slots) == len(set(slots))
