"""Every cell of the matrix, through the real gateway, with the client's own words for what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.matrix.conftest import KEYS
from tests.matrix.python_clients import CLIENTS
from tests.matrix.table import OWN, REFUSAL, Cell, cells
from tests.simulators.gateway import RunningGateway
from tests.simulators.scenes import USAGE
from tests.simulators.upstream import ScriptedUpstream

pytestmark = pytest.mark.xdist_group("matrix")

CELLS: Final = tuple(cells())
# How clients name the end of a reply -> how the table does.
FINISHES: Final[Mapping[str, str]] = {
    "stop": "done",
    "completed": "done",
    "end_turn": "done",
    "tool_calls": "calls",
    "tool-calls": "calls",
    "tool_use": "calls",
    "content_filter": "blocked",
    "content-filter": "blocked",
    "refusal": "blocked",
}
# The clients' own errors for HTTP 400.
REFUSALS: Final = frozenset({"AI_APICallError", "BadRequestError", "OpenAIInvalidRequestError"})


@pytest.fixture(scope="session")
def told(gateway: RunningGateway, node_results: Mapping[str, Any]) -> Any:
    def run(cell: Cell) -> dict[str, Any]:
        driver = CLIENTS.get(cell.client)
        if driver is not None:
            return driver(cell.job, gateway.base_url, KEYS["MATRIX_KEY"])
        return node_results(cell)  # type: ignore[no-any-return,operator]

    return run


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
def test_cell(cell: Cell, told: Any, bot: ScriptedUpstream) -> None:
    result = told(cell)
    _check_seen(cell, bot)
    _check_told(cell, result)


def _check_seen(cell: Cell, bot: ScriptedUpstream) -> None:
    """What reached the bot."""
    seen = bot.seen(cell.model)
    if cell.row.said is None:
        assert not seen, "a refused message reached the bot"
        return
    assert [one.texts[-1] for one in seen] == [cell.row.said]
    if cell.row.mode == "enforce" or cell.row.what == "open":
        assert OWN.encode() not in seen[0].body


def _check_told(cell: Cell, result: dict[str, Any]) -> None:
    """What the client reports."""
    expected = cell.row.expected
    if expected.refused:
        assert (result.get("status"), result.get("code")) == (400, "content_filter"), result
        assert result["message"] == REFUSAL
        assert result["error"] in REFUSALS, result
    elif expected.finish == "blocked" and cell.stream and cell.protocol == "responses":
        assert (result.get("error"), result.get("code")) == ("error event", "content_filter"), result
        assert (result["text"], result["message"]) == (cell.row.before, REFUSAL)
    elif expected.finish == "blocked":
        before = cell.row.before if cell.stream else ""
        assert (result["text"], result["calls"]) == (f"{before}\n\n{REFUSAL}" if before else REFUSAL, [])
        assert FINISHES[result["finish"]] == "blocked"
    else:
        assert (result["text"], result["calls"]) == (expected.text, [list(call) for call in expected.calls])
        finish = "done" if cell.protocol == "responses" and result["finish"] == "completed" else expected.finish
        assert FINISHES[result["finish"]] == finish
        assert result["reasoning"] == (expected.reasoning if _shows_reasoning(cell) else None)
        assert result["usage"] == list(USAGE)


def _shows_reasoning(cell: Cell) -> bool:
    """Chat completions have no reasoning of their own, so not every client shows what servers add."""
    if cell.protocol != "chat":
        return True
    return cell.client == "openai_py" or (cell.client == "openai_node" and not cell.stream)
