"""Spans are what OpenTelemetry's own protocol takes, stand where they belong, and come once."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chatward.monitoring.cursors import Cursors, opened
from chatward.monitoring.follower import Follower
from chatward.monitoring.receivers import taker
from chatward.monitoring.traces import OPEN, Exporting, Spans, context
from chatward.settings.monitoring import Siem
from tests.monitoring.records import AT, BLOCKED, Written, record
from tests.simulators.receivers import HttpReceiver

SECOND = 10**9
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def as_bytes(value: Any) -> Any:
    """OTLP writes ids in hexadecimal, the JSON of protocol buffers in base64: the one difference (OTLP, "JSON")."""
    if isinstance(value, dict):
        return {
            key: base64.b64encode(bytes.fromhex(one)).decode()
            if key in {"traceId", "spanId", "parentSpanId"}
            else as_bytes(one)
            for key, one in value.items()
        }
    return [as_bytes(one) for one in value] if isinstance(value, list) else value


def traced(body: dict[str, Any]) -> list[Any]:
    message = json_format.ParseDict(as_bytes(json.loads(json.dumps(body))), ExportTraceServiceRequest())
    return list(message.resource_spans[0].scope_spans[0].spans)


def measured(body: dict[str, Any]) -> dict[str, list[Any]]:
    message = json_format.ParseDict(json.loads(json.dumps(body)), ExportMetricsServiceRequest())
    metrics = message.resource_metrics[0].scope_metrics[0].metrics
    return {one.name: list(one.histogram.data_points) for one in metrics}


def told(span: Any) -> dict[str, Any]:
    found = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        found[one.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


def conversation(seq: int = 1, **more: object) -> list[Any]:
    """One message that streams for two seconds."""
    fields = {"channel": "openai-chat", "route": "default", "action": "allow", "principal": "k:a", **more}
    return [
        record("upstream:call:intended", seq, AT, **fields),
        record("reply:output:started", seq, AT + SECOND, channel="openai-chat"),
        record("reply:output:delivered", seq, AT + 2 * SECOND, outcome="complete", input_tokens=7, output_tokens=300),
    ]


@pytest.fixture
def spans(tmp_path: Path) -> Spans:
    return Spans(tmp_path / "none.db", "gw-1", "0.1.0")


def of(spans: Spans, records: list[Any]) -> list[Any]:
    """With numbers in a row, as a ledger has them."""
    for number, one in enumerate(records, 1):
        object.__setattr__(one, "seq", number)
    return spans.of(records)


def test_a_message_is_a_span_of_the_protocol(spans: Spans) -> None:
    made = of(spans, conversation())
    (span,) = traced(spans.traces(made))
    assert (span.name, span.kind, span.status.code) == ("chat", 3, 0)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (AT, AT + 2 * SECOND)
    assert told(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 300,
    }
    where = context("e1", None)
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == (where.trace, where.span, b"")


def test_durations_and_tokens_are_histograms_of_the_protocol(spans: Spans) -> None:
    made = of(spans, [*conversation(1), *conversation(4)])
    found = measured(spans.metrics(made))
    (duration,) = found["gen_ai.client.operation.duration"]
    assert (duration.count, duration.sum, sum(duration.bucket_counts)) == (2, 4.0, 2)
    assert len(duration.bucket_counts) == len(duration.explicit_bounds) + 1
    assert list(duration.bucket_counts).index(2) == [b >= 2.0 for b in duration.explicit_bounds].index(True)
    tokens = {told(point)["gen_ai.token.type"]: point.sum for point in found["gen_ai.client.token.usage"]}
    assert tokens == {"input": 14, "output": 600}


@pytest.mark.parametrize(
    ("event", "fields", "kind", "error"),
    [
        ("message:input:judged", dict(BLOCKED), 1, "input-blocked"),
        ("reply:output:judged", {"action": "block", "channel": "openai-chat"}, 3, "reply-blocked"),
        ("reply:output:aborted", {"outcome": "blocked"}, 3, "reply-blocked"),
        ("reply:output:aborted", {"outcome": "client-left"}, 3, "client-left"),
        ("upstream:call:failed", {"reason": "upstream-timeout", "status": 504}, 3, "upstream-timeout"),
    ],
)
def test_what_went_wrong_has_a_type(spans: Spans, event: str, fields: dict[str, object], kind: int, error: str) -> None:
    begun = [] if event == "message:input:judged" else [conversation()[0]]
    end = record(event, 1, AT + SECOND, **fields)
    (span,) = traced(spans.traces(of(spans, [*begun, end])))
    assert (span.kind, span.status.code, told(span)["error.type"]) == (kind, 2, error)


def test_what_guards_found_is_told_only_where_it_is_asked_for(tmp_path: Path) -> None:
    blocked = record("message:input:judged", 1, **BLOCKED)
    plain = traced(Spans(tmp_path, "h", "1").traces(Spans(tmp_path, "h", "1").of([blocked])))[0]
    assert not any(key.startswith("chatward.") for key in told(plain))
    asked = Spans(tmp_path, "h", "1", ("action", "rules"))
    found = told(traced(asked.traces(asked.of([blocked])))[0])
    assert found["chatward.action"] == "block"
    assert found["chatward.rules"] == BLOCKED["rules"]
    assert "chatward.principal" not in found


def test_a_span_stands_in_the_callers_trace(spans: Spans) -> None:
    made = of(spans, conversation(trace=TRACE, parent=PARENT))
    (span,) = traced(spans.traces(made))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.span_id.hex() == context("e1", f"00-{TRACE}-{PARENT}-01").span


@pytest.mark.parametrize(
    "header",
    [
        None, "", "zz", f"00-{TRACE}-{PARENT}", f"01-{TRACE}-{PARENT}-01", f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-01-x",
    ],
)  # fmt: skip
def test_a_traceparent_of_another_form_counts_as_none(header: str | None) -> None:
    found = context("r1", header)
    assert found == context("r1", None)
    assert found.parent == ""
    assert found.trace != TRACE


def test_the_bot_is_given_our_span_as_its_parent() -> None:
    found = context("r1", f"00-{TRACE}-{PARENT}-00")
    assert found.header == f"00-{TRACE}-{found.span}-00"
    assert found.span not in {PARENT, context("r2", None).span}


def test_a_reply_whose_beginning_is_unknown_is_said_to_be_partial(spans: Spans) -> None:
    made = of(spans, conversation()[2:])
    (span,) = traced(spans.traces(made))
    assert told(span)["chatward.partial"] is True
    assert span.start_time_unix_nano == span.end_time_unix_nano
    assert "gen_ai.client.operation.duration" not in measured(spans.metrics(made))


def test_what_has_begun_and_never_ends_is_bounded(spans: Spans) -> None:
    spans.of([record("upstream:call:intended", seq, AT) for seq in range(1, OPEN + 50)])
    assert len(spans._open) == OPEN


async def test_a_collector_that_fails_gets_the_same_again_and_counts_nothing_twice(tmp_path: Path) -> None:
    written, cursors = Written(tmp_path), Cursors(opened(tmp_path / "m.db"))
    receiver = HttpReceiver()
    siem = Siem(kind="otlp", address=receiver.url, key="env:X", key_header="x-key")
    one = taker(siem, written.path, "gw-1", "0.1.0", lambda reference: "secret")
    assert isinstance(one, Exporting)
    follower = Follower("otlp", written.path, cursors, one)
    await written.add(1, "message:input:judged", **BLOCKED, input_tokens=5)
    receiver.answers = [503]
    follower.step()
    assert cursors.get("otlp").failures == 1
    await written.add(1, "message:input:judged", **BLOCKED, input_tokens=6)
    receiver.answers = [200, 503]  # the traces are taken, the metrics are not
    follower.step()
    follower.step()
    receiver.close()
    bodies = [json.loads(body) for body in receiver.bodies]
    ids = [{span.span_id for span in traced(body)} for body in bodies if "resourceSpans" in body]
    assert len(ids) == 2
    assert ids[0] == ids[1]  # the same spans: a collector takes them as one
    assert len(ids[0]) == 2
    (metrics,) = [measured(body) for body in bodies if "resourceMetrics" in body]
    assert [point.sum for point in metrics["gen_ai.client.token.usage"]] == [11]
    assert receiver.headers[0]["x-key"] == "secret"
    assert cursors.get("otlp").failures == 0


async def test_what_began_before_a_restart_ends_after_it(tmp_path: Path) -> None:
    written = Written(tmp_path)
    await written.add(1, "upstream:call:intended", channel="anthropic")
    written._count = 0  # the same exchange
    await written.add(1, "reply:output:judged", status=200)
    from chatward.ledger.reading import between

    spans = Spans(written.path, "h", "1")
    (span,) = traced(spans.traces(spans.of(between(written.path, 2, 2))))
    assert told(span)["gen_ai.provider.name"] == "anthropic"
    assert "chatward.partial" not in told(span)
