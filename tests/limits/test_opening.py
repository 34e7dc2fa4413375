"""Settings in, a limiter out, or a sentence that says what is missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import ConfigError
from chatward.core.identity import Caller, Kind, Presented, Principal
from chatward.core.ports import Entry
from chatward.limits.limiter import block, key_of
from chatward.limits.opening import figures, opened
from chatward.limits.steady import Steady
from chatward.settings import Limit, Limiter, Price, Settings

ONE = {"requests": Limit()}


def made(notes: list[Entry] | None = None, **fields: Any) -> Any:
    notes = [] if notes is None else notes
    return opened(Settings(**fields), lambda path, model: "default", notes.append)


async def test_without_limits_there_is_nothing() -> None:
    assert made() is None
    assert made(limiter=Limiter(store="valkey", url="nonsense")) is None


async def test_in_this_process_nothing_can_be_lost() -> None:
    assert figures(made(limits=ONE)) == {"chatward_limits_refused_total": {"requests": 0}}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"limits": {"a": Limit(burst=0.5)}}, "limits.a.burst"),
        ({"limits": {"a": Limit(of="money")}}, "limits.a.of"),
        ({"limits": ONE, "limiter": Limiter(store="valkey", url="http://x")}, "limiter.url"),
        ({"limits": ONE, "limiter": Limiter(store="valkey", url="valkey://:pass-word@x:1")}, "limiter.url"),
    ],
)
async def test_what_cannot_be_is_refused_at_the_start(fields: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**fields)
    assert caught.value.key == key
    assert "pass-word" not in str(caught.value)


async def test_an_address_with_a_password_is_a_reference(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("valkey://:pass-word@127.0.0.1:6379/2\n")
    limiter = made(limits=ONE, limiter=Limiter(store="valkey", url=f"file:{tmp_path}/url"))
    assert "pass-word" not in repr(limiter)
    await limiter.aclose()


async def test_without_the_client_start_up_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "valkey" or name.startswith("valkey.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "valkey", None)
    with pytest.raises(ConfigError, match=r"chatward\[valkey\]") as caught:
        made(limits=ONE, limiter=Limiter(store="valkey"))
    assert caught.value.reason == "extra-missing"


async def test_what_is_lost_is_written_down_once() -> None:
    notes: list[Entry] = []
    shared = Limiter(store="valkey", url="valkey://127.0.0.1:1", timeout=2.0, retry=60, on_failure="allow")
    limiter = made(notes, limits=ONE, limiter=shared)
    call: Any = type("Call", (), {"model": "m", "stream": False})
    caller = Caller(Principal("key:a", Kind.SERVICE), Presented("POST", "", {}, "::1"))  # type: ignore[arg-type]
    for _ in range(30):
        await limiter.take(caller, "/v1/messages", call, b"")
    assert [(note.event, note.fields) for note in notes] == [("limits:store:lost", {"on_failure": "allow"})]
    assert isinstance(limiter.steady, Steady)
    assert figures(limiter)["chatward_limits_undecided_total"] == {"": 30}
    await limiter.aclose()


def test_prices_by_model_come_from_settings() -> None:
    assert made(limits={"m": Limit(of="money")}, limiter=Limiter(prices={"*": Price(input=1)})) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.255", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("2001:db8:0:ff::1", "2001:db8:0:12::2", True),
        ("2001:db8:0:100::1", "2001:db8:0:ff::1", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("0.0.2.1", "::2:1", False),
        ("", "what is this", True),
    ],
)
def test_addresses_are_counted_by_their_network(one: str, other: str, same: bool) -> None:
    assert (block(one, 24, 56) == block(other, 24, 56)) is same


def test_keys_say_nothing_and_stay_in_one_slot() -> None:
    one, other = key_of("a", "ten}ant", "person:x"), key_of("b", "ten}ant", "person:{y}")
    assert one.partition("}")[0] == other.partition("}")[0]
    assert one.count("{") == one.count("}") == other.count("{") == 1
    assert "person" not in one + other
    assert key_of("a", "t", "x") != key_of("a", "u", "x")
