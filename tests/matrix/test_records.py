"""What the ledger and the answer's headers say of each row of the matrix.

The rule (promises 3 and 4): an intent is on record before the bot is called and an outcome after; a guard that could
not run is named; monitoring tells what enforcement would have done.
"""

from __future__ import annotations

import time

import pytest

from chatward.ledger.reading import Record, verify
from tests.matrix import wire
from tests.matrix.conftest import KEYS
from tests.matrix.table import ROWS, Cell, Row
from tests.simulators.gateway import RunningGateway

pytestmark = pytest.mark.xdist_group("matrix")

_REFUSED = ["message:input:judged"]
_WHOLE = ["upstream:call:intended", "reply:output:judged"]
_STREAMED = ["upstream:call:intended", "reply:output:started", "reply:output:delivered"]
_STOPPED = ["upstream:call:intended", "reply:output:started", "reply:output:aborted"]
_TOOL = "tool:call:judged"
_BESIDE = {_TOOL, "guard:state:unavailable", "guard:set:ran"}
"""Beside the others: whenever the bot asks for a tool; when a guard stops running, at most once in a while; the first
time that some guards ran together."""
_ORDER = ["allow", "redact", "challenge", "block"]


def _name(row: Row) -> str:
    return f"{row.subject}-{row.mode}-{row.what}"


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("protocol", wire.PATHS)
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_what_is_recorded(row: Row, protocol: str, stream: bool, gateway: RunningGateway) -> None:
    cell = Cell(protocol, stream, "wire", row, f"{row.route}~{row.scene}~events~records-{protocol}-{stream}")
    answer = wire.post(gateway.url, cell.job, KEYS["MATRIX_KEY"])
    blocked = row.expected.finish == "blocked"
    expected = _REFUSED if row.expected.refused else _WHOLE if not stream else _STOPPED if blocked else _STREAMED
    found = _records(gateway, answer.headers["x-chatward-request-id"], len(expected))
    records = [record for record in found if record.event not in _BESIDE]
    assert [record.event for record in records] == expected
    calls = row.subject == "tool" and row.what != "results" and not row.expected.refused
    assert (_TOOL in {record.event for record in found}) == calls
    assert {record.fields["route"] for record in records if "route" in record.fields} == {row.route}
    _check_verdict(row, records)
    if not stream:
        action = "block" if blocked or row.expected.refused else records[-1].fields["action"]
        first = records[0].fields["action"]
        assert answer.headers["x-chatward-action"] == max(str(action), str(first), key=_ORDER.index)


def _check_verdict(row: Row, records: list[Record]) -> None:
    judged = [record.fields for record in records if "action" in record.fields]
    named = [guard for fields in judged for guard in fields.get("unavailable", ())]  # type: ignore[attr-defined]
    assert named == ([row.unavailable] if row.unavailable else [])
    if row.route.startswith(("monitor", "watch")):
        assert {fields["action"] for fields in judged} == {"allow"}
        assert "would" in judged[0] or "would" in judged[-1]
    elif row.expected.refused or row.expected.finish == "blocked":
        assert judged[-1]["action"] == "block"
        assert judged[-1]["rule"]
    else:
        assert "block" not in {fields["action"] for fields in judged}


def _records(gateway: RunningGateway, exchange: str, count: int) -> list[Record]:
    """The entries of an exchange. The last one of a stream is written after its end, without waiting."""
    deadline = time.monotonic() + 5
    while True:
        records = gateway.records(exchange)
        if sum(record.event not in _BESIDE for record in records) >= count or time.monotonic() > deadline:
            return records
        time.sleep(0.01)


def test_the_ledger_is_whole(gateway: RunningGateway) -> None:
    result = verify(gateway.ledger)
    assert result.ok
    assert result.entries > 0
