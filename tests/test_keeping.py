"""Keeping what is written: before the effect, in order, masked for readers, in the path of a real gateway."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatward.core.errors import StoreError
from chatward.core.identity import Kind, Principal
from chatward.core.values import (
    Action,
    Category,
    Decision,
    Exchange,
    Finding,
    Message,
    Part,
    PartKind,
    Severity,
    Source,
    Treatment,
    Unavailable,
    Verdict,
)
from chatward.engine.placeholders import Vault
from chatward.keeping import Keeping, Remembering
from chatward.seal.opening import opened as open_sealing
from chatward.settings import Conversations, LedgerSettings, Route, Seal, Server, Settings
from chatward.stores.turns import Turn
from chatward.stores.vaults import Vaults
from tests.seal.conftest import House
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Scene
from tests.simulators.upstream import ScriptedUpstream

ANN = Principal("person:ann", Kind.PERSON, "default")
AUDITOR = Principal("operator:1", Kind.OPERATOR, roles=frozenset({"auditor"}))
FOUND = Finding("text.pii/email", Category.PII, Severity.LOW, 0.9, (0, 5), 0, "EMAIL")
ALLOWED = Verdict(ran=("text.pii",))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@dataclass
class MemoryStore:
    """Holds turns. ``closed``: takes none. ``gate``: a turn is durable once it is set."""

    turns: list[tuple[str, str, str, Turn]] = field(default_factory=list)
    closed: bool = False
    gate: asyncio.Event | None = None

    def append(self, tenant: str, subject: str, conversation: str, turn: Turn) -> asyncio.Future[None]:
        if self.closed:
            raise StoreError("This cannot be stored now; nothing was done.", reason="conversations-closed")

        async def durable() -> None:
            if self.gate is not None:
                await self.gate.wait()
            self.turns.append((tenant, subject, conversation, turn))

        return asyncio.ensure_future(durable())

    def said(self) -> list[str]:
        return [part.text for *_, turn in self.turns for part in turn.parts]


@dataclass
class Screened:
    exchange: Exchange
    verdict: Verdict = ALLOWED
    thread: str = "thread"


@dataclass
class Replied:
    texts: tuple[str, ...]

    def parts(self) -> list[Part]:
        return [Part(text, Source.BOT, PartKind.TEXT) for text in self.texts]


def screened(*texts: str, new_from: int = 0, verdict: Verdict = ALLOWED, thread: str = "thread") -> Screened:
    parts = tuple(Part(text, Source.USER, message=index) for index, text in enumerate(texts))
    messages = tuple(Message("user", (index,)) for index in range(len(texts)))
    return Screened(Exchange("openai-chat", parts, messages, new_from=new_from), verdict, thread)


def looked(text: str) -> Verdict:
    decision = Decision(FOUND, Action.REDACT, Treatment.MASK, "")
    return Verdict(decisions=(decision,) if "@" in text else (), ran=("text.pii",))


async def test_what_is_new_is_durable_before_it_goes_on() -> None:
    store = MemoryStore(gate=asyncio.Event())
    keeping = Keeping(store, looked)
    asking = asyncio.ensure_future(keeping.asked("x", ANN, screened("old", "new", new_from=1)))
    await asyncio.sleep(0.01)
    assert not asking.done()
    assert store.gate is not None
    store.gate.set()
    await asking
    assert store.said() == ["new"]
    assert store.turns[0][:3] == ("default", "person:ann", "thread")
    assert store.turns[0][3].inspected


@pytest.mark.parametrize(
    "verdict", [Verdict(), Verdict(ran=("text.pii",), unavailable=(Unavailable("text.pii", "timeout"),))]
)
async def test_what_nobody_or_not_everybody_looked_at_is_not_inspected(verdict: Verdict) -> None:
    store = MemoryStore()
    await Keeping(store, looked).asked("x", ANN, screened("words", verdict=verdict))
    assert [turn.inspected for *_, turn in store.turns] == [False]


async def test_findings_come_with_the_text_they_point_at() -> None:
    store = MemoryStore()
    decision = Decision(FOUND, Action.REDACT, Treatment.MASK, "")
    verdict = Verdict(decisions=(decision,), ran=("text.pii",))
    await Keeping(store, looked).asked("x", ANN, screened("a@b.c", "more", verdict=verdict))
    assert [len(turn.findings) for *_, turn in store.turns] == [1, 0]


async def test_what_cannot_be_kept_stops_the_message() -> None:
    with pytest.raises(StoreError) as caught:
        await Keeping(MemoryStore(closed=True), looked).asked("x", ANN, screened("words"))
    assert caught.value.reason == "conversations-closed"


async def test_a_turn_waits_for_the_reply_before_it() -> None:
    store = MemoryStore(gate=asyncio.Event())
    keeping = Keeping(store, looked)
    keeping.replied("1", ANN, screened("question"), Replied(("answer", "")))
    other = asyncio.ensure_future(keeping.asked("3", ANN, screened("elsewhere", thread="other")))
    asking = asyncio.ensure_future(keeping.asked("2", ANN, screened("question", "answer", "next", new_from=2)))
    await asyncio.sleep(0.05)
    assert store.gate is not None
    store.gate.set()
    await asyncio.gather(asking, other)
    said = store.said()
    assert said.index("answer") < said.index("next")
    assert sorted(said) == ["answer", "elsewhere", "next"]
    await keeping.aclose()
    assert keeping._replies == {}


async def test_replies_are_read_again_and_in_order() -> None:
    store = MemoryStore()
    keeping = Keeping(store, looked)
    for number in range(5):
        keeping.replied(str(number), ANN, screened("q"), Replied((f"{number}", f"a@{number}")))
    await keeping.aclose()
    assert store.said() == [text for number in range(5) for text in (f"{number}", f"a@{number}")]
    assert [[one.part for one in turn.findings] for *_, turn in store.turns] == [[1]] * 5
    assert all(turn.role == "assistant" and turn.inspected for *_, turn in store.turns)


async def test_a_reply_that_no_guard_can_read_is_kept_and_not_shown() -> None:
    store = MemoryStore()

    def read(text: str) -> Verdict:
        text.encode()  # as Ward does
        return looked(text)

    keeping = Keeping(store, read)
    keeping.replied("x", ANN, screened("q"), Replied(("fine", "\ud800")))
    await keeping.aclose()
    assert [turn.inspected for *_, turn in store.turns] == [False]


async def test_a_reply_that_cannot_be_kept_is_told() -> None:
    told: list[str] = []
    keeping = Keeping(MemoryStore(closed=True), looked, told.append)
    keeping.replied("x", ANN, screened("q"), Replied(("answer",)))
    keeping.replied("y", ANN, screened("q"), Replied(()))
    await keeping.aclose()
    assert told == ["conversations-closed"]


# --- before a real gateway


CANARY = "Quillonbert"


def ask(gateway: RunningGateway, messages: list[dict[str, str]], **more: Any) -> str:
    headers = {"content-type": "application/json"}
    if key := more.pop("key", None):
        headers["authorization"] = f"Bearer {key}"
    body = json.dumps({"model": "ann~echo", "messages": messages, **more}).encode()
    request = urllib.request.Request(f"{gateway.base_url}/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        said = answer.read().decode()
    if more.get("stream"):
        lines = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
        return "".join(line["choices"][0]["delta"].get("content") or "" for line in lines if line["choices"])
    content: str = json.loads(said)["choices"][0]["message"]["content"]
    return content


@pytest.mark.xdist_group("keeping")
def test_a_conversation_is_stored_sealed_and_read_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_PASSPHRASE", "a passphrase for this test")
    with ScriptedUpstream({"echo": Scene(text="You wrote: {said}")}) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=GUARDS)},
            conversations=Conversations(store=True),
            seal=Seal(passphrase="env:ROOT_PASSPHRASE"),
        )
        gateway = RunningGateway(settings, tmp_path)
        try:
            first = {"role": "user", "content": f"My address is {CANARY}@example.org, please remember."}
            answer = ask(gateway, [first])
            second = {"role": "user", "content": "And what did I say?"}
            ask(gateway, [first, {"role": "assistant", "content": answer}, second], stream=True)
        finally:
            assert gateway.stop() == 0
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {"chatward-conversations.db", "chatward-keys.db"} <= {path.name for path in files}
    assert not [path.name for path in files if CANARY.encode() in path.read_bytes()]
    monkeypatch.chdir(tmp_path)
    sealing = open_sealing(settings, lambda entry: None)
    try:
        store = sealing.conversations()
        (listed,) = store.listing("default")
        assert (listed.subject, listed.turns) == ("anonymous", 4)
        masked = store.read("default", listed.id)
        assert [turn.role for turn in masked] == ["user", "assistant", "user", "assistant"]
        assert "[email hidden]" in masked[0].parts[0].text
        assert CANARY not in str(masked)
        shown = store.reveal(AUDITOR, "default", listed.id, "Ticket 17 asks for it")
        assert [CANARY in turn.parts[0].text for turn in shown] == [True, True, False, False]
        assert shown[1].parts[0].text == answer
        asyncio.run(store.aclose())
    finally:
        sealing.close()


@pytest.mark.xdist_group("keeping")
def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    with ScriptedUpstream({"echo": Scene(text="You wrote: {said}")}) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=GUARDS)},
        )
        gateway = RunningGateway(settings, tmp_path)
        try:
            ask(gateway, [{"role": "user", "content": "Hello"}])
        finally:
            assert gateway.stop() == 0
    assert not list(tmp_path.glob("*conversations*"))


class _Said:
    """A request, as far as its conversation goes."""

    def __init__(self, conversation: str = "", previous: str = "") -> None:
        self.conversation = conversation
        self.previous = previous


class _Screening:
    """An answer of the engine that has minted one placeholder."""

    def __init__(self, vault: Vault | None, value: str) -> None:
        self.vault = vault or Vault()
        self.token = self.vault.mint("EMAIL", value, own=True)
        self.keep: Any = None


async def test_processes_share_what_stands_behind_placeholders(house: House) -> None:
    first, second = (
        Remembering(Vaults(house.store.database, house.sealer, house.entries.append)),
        Remembering(Vaults(house.store.database, house.sealer, house.entries.append)),
    )

    async def ask(where: Remembering, value: str, who: Principal = ANN, **said: str) -> Any:
        return await where.screen(who, _Said(**said), lambda vault: _Screening(vault, value))  # type: ignore[arg-type,return-value]

    assert (await ask(first, "a@example.org", conversation="c")).token == "[EMAIL_1]"
    assert (await ask(second, "b@example.org", conversation="c")).token == "[EMAIL_2]"
    both = await asyncio.gather(*[ask(one, f"{n}@x.org", conversation="c") for n, one in enumerate((first, second))])
    assert {one.token for one in both} == {"[EMAIL_3]", "[EMAIL_4]"}  # never one placeholder for two values
    assert (await ask(first, "z@example.org", ANN, conversation="d")).token == "[EMAIL_1]"
    nobody = Principal("anonymous", Kind.ANONYMOUS)
    assert (await ask(first, "a@example.org", nobody, conversation="c")).token == "[EMAIL_1]"
    assert (await ask(second, "b@example.org", nobody, conversation="c")).token == "[EMAIL_1]"

    begun = await ask(first, "t@example.org")
    begun.keep("resp_1", begun.vault)
    await first.aclose()
    assert (await ask(second, "t@example.org", previous="resp_1")).vault.restore("[EMAIL_1]") == "t@example.org"
    assert (await ask(second, "u@example.org", previous="resp_1")).token == "[EMAIL_2]"


@pytest.mark.xdist_group("keeping")
def test_a_placeholder_is_restored_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_PASSPHRASE", "a passphrase for this test")
    monkeypatch.setenv("KEY", "a-key-of-the-configuration-1")
    with ScriptedUpstream({"echo": Scene(text="I wrote to [EMAIL_1].")}) as bot:
        settings = Settings(
            upstream=bot.url,
            server=Server(port=0, admin_port=0, keys=("env:KEY",)),
            ledger=LedgerSettings(path="ledger.db"),
            routes={"default": Route(guards=GUARDS)},
            conversations=Conversations(vault=True),
            seal=Seal(passphrase="env:ROOT_PASSPHRASE"),
        )
        said = {"metadata": {"conversation_id": "case 17"}, "key": "a-key-of-the-configuration-1"}
        for text in (f"My address is {CANARY}@example.org.", "Did you write?"):
            gateway = RunningGateway(settings, tmp_path)
            try:
                assert ask(gateway, [{"role": "user", "content": text}], **said) == f"I wrote to {CANARY}@example.org."
                other = said | {"metadata": {"conversation_id": "case 18"}}
                assert CANARY not in ask(gateway, [{"role": "user", "content": "Did you write?"}], **other)
            finally:
                assert gateway.stop() == 0
    assert not [path.name for path in tmp_path.iterdir() if path.is_file() and CANARY.encode() in path.read_bytes()]
