"""Recipients are told of rights: signed, once for each id, tried again, never forgotten by a crash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chatward.cli import main
from chatward.core.errors import ConfigError, UpstreamError
from chatward.core.identity import Fetched
from chatward.core.ports import Entry
from chatward.ledger.events import encode
from chatward.privacy.erasing import erase
from chatward.privacy.notices import PAUSES, Notices
from chatward.privacy.standing import Standings, Word
from chatward.settings.rights import Recipient
from chatward.stores.database import Database
from tests.privacy.conftest import Office

SECRET = b"s" * 32
WRITTEN = "whsec_" + base64.b64encode(SECRET).decode()


class Receiver:
    """Takes requests, and answers as it is told: a status, or 0 for no answer at all."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def __call__(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b""
    ) -> Fetched:
        self.got.append((dict(headers), body))
        status = self.statuses.pop(0) if self.statuses else 204
        if not status:
            raise UpstreamError("No answer.", reason="upstream-unreachable")
        return Fetched(status, (), b"")

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


def genuine(headers: dict[str, str], body: bytes, secret: bytes = SECRET) -> bool:
    """As a receiver verifies it, from the specification."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(wanted, headers["webhook-signature"])


class World:
    def __init__(self, folder: Path, **recipients: Recipient) -> None:
        self.now = 1_770_000_000.0
        self.entries: list[Entry] = []
        self.folder = folder
        self.recipients = recipients or {"crm": Recipient(url="https://crm.example/hook", secret="env:HOOK")}
        self.open()

    def open(self) -> None:
        self.database = Database(self.folder / "privacy.db")
        self.notices = Notices(self.database, self.recipients, self.entries.append, lambda: self.now)
        self.standings = Standings(self.database, self.entries.append, lambda: self.now, self.notices.said)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("HOOK", WRITTEN)
    world = World(tmp_path)
    yield world
    world.database.close()


async def test_a_word_is_told_and_signed(world: World) -> None:
    world.standings.say("default", "person:ann", "support", Word.RESTRICTS, by="person:ann")
    world.standings.say(
        "default", "person:ann", "support", Word.CONSENTS, by="person:ann", notice="1"
    )  # nobody's affair
    receiver = Receiver()
    assert await world.notices.send(receiver) == 1
    ((headers, body),) = receiver.got
    assert genuine(headers, body)
    assert not genuine(headers, body + b" ")
    assert not genuine(headers, body, b"t" * 32)
    assert receiver.bodies() == [
        {
            "type": "subject.restriction.made",
            "timestamp": "2026-02-02T02:40:00Z",
            "data": {"tenant": "default", "subject": "person:ann", "purpose": "support"},
        }
    ]
    assert world.notices.waiting() == []
    assert await world.notices.send(receiver) == 0
    assert world.entries[-1].event == "privacy:recipient:told"
    for entry in world.entries:
        encode(entry)


async def test_what_was_not_taken_is_tried_again_with_the_same_id_then_given_up(world: World) -> None:
    world.notices.tell("erasure", "subject.erased", "default", "person:ann")
    receiver = Receiver(0, *[503] * len(PAUSES))
    for pause in PAUSES:
        assert await world.notices.send(receiver) == 0
        assert await world.notices.send(receiver) == 0  # not yet
        world.now += pause
    await world.notices.send(receiver)
    assert len(receiver.got) == len(PAUSES) + 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len({headers["webhook-signature"] for headers, _ in receiver.got}) == len(receiver.got)
    (waiting,) = world.notices.waiting()
    assert waiting.due is None
    assert world.entries[-1].event == "privacy:recipient:not-told"
    world.now += 1e6
    assert await world.notices.send(receiver) == 0
    assert world.notices.again(waiting.id) == 1
    assert await world.notices.send(receiver) == 1


async def test_a_notice_survives_its_process(world: World) -> None:
    world.standings.say("default", "person:ann", "*", Word.OBJECTS, by="person:ann")
    world.database.close()
    world.open()
    receiver = Receiver()
    assert await world.notices.send(receiver) == 1


async def test_two_processes_send_it_once(world: World) -> None:
    world.notices.tell("erasure", "subject.erased", "default", "person:ann")
    other = Notices(world.database, world.recipients, world.entries.append, lambda: world.now)
    assert len(world.notices._claimed()) == 1
    assert other._claimed() == []


async def test_who_is_gone_is_asked_no_more(world: World) -> None:
    world.notices.tell("erasure", "subject.erased", "default", "person:ann")
    await world.notices.send(Receiver(410))
    assert [one.due for one in world.notices.waiting()] == [None]


async def test_each_is_told_of_what_it_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", WRITTEN)
    url = "https://x.example"
    world = World(
        tmp_path,
        all=Recipient(url=url, secret="env:HOOK"),
        some=Recipient(url=url, secret="env:HOOK", kinds=("erasure",)),
        theirs=Recipient(url=url, secret="env:HOOK", tenants=("other",)),
    )
    assert world.notices.tell("erasure", "subject.erased", "default", "person:ann") == 2
    assert world.notices.tell("rectification", "subject.corrected", "default", "person:ann") == 1
    assert world.notices.tell("rectification", "subject.corrected", "other", "person:ann") == 2
    world.database.close()


@pytest.mark.parametrize("written", ["", "hush-hush", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_bad_secret_is_refused_and_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("HOOK", written)
    with pytest.raises(ConfigError) as refused:
        World(tmp_path)
    assert "privacy.recipients.crm.secret" in str(refused.value)
    assert not written or written not in str(refused.value)


def test_an_erasure_is_queued_before_it_begins_and_not_for_who_is_held(office: Office, world: World) -> None:
    office.chat("person:ann", "hello")
    office.holds.set("default", "person:ann", "case 7", by="operator:1")
    with pytest.raises(Exception, match="legal hold"):
        erase(office.sealing, office.holds, "default", "person:ann", by="operator:1", notices=world.notices)
    assert world.notices.waiting() == []
    office.holds.lift("default", "person:ann", by="operator:1")
    seen: list[int] = []
    before = office.sealing.eraser.erase

    def erased(*asked: str) -> list[str]:
        seen.append(len(world.notices.waiting()))
        return before(*asked)

    object.__setattr__(office.sealing, "eraser", type("Eraser", (), {"erase": staticmethod(erased)}))
    assert erase(office.sealing, office.holds, "default", "person:ann", by="operator:1", notices=world.notices)
    assert seen == [1]


class _Hook(BaseHTTPRequestHandler):
    got: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def test_the_command_erases_and_tells_over_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK", WRITTEN)
    monkeypatch.setenv("PHRASE", "correct horse battery")
    handler: Any = type("Handler", (_Hook,), {"got": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "chatward.toml"
    config.write_text(
        f'upstream = "http://127.0.0.1:9"\n[ledger]\npath = "{tmp_path}/chatward.db"\nmin_free = 1\n'
        '[seal]\npassphrase = "env:PHRASE"\n'
        f'[privacy.recipients.crm]\nurl = "http://127.0.0.1:{server.server_port}/hook"\nsecret = "env:HOOK"\n'
    )
    at = ("-c", str(config), "--json")
    assert main(["privacy", "erase", "person:1", *at]) == 0
    capsys.readouterr()
    assert main(["privacy", "notices", *at]) == 0
    (waiting,) = json.loads(capsys.readouterr().out)["notices"]
    assert (waiting["recipient"], waiting["type"]) == ("crm", "subject.erased")
    assert main(["privacy", "notices", "--send", *at]) == 0
    assert json.loads(capsys.readouterr().out) == {"notices": []}
    server.shutdown()
    ((headers, body),) = handler.got
    assert genuine(headers, body)
    config.write_text(config.read_text().replace("http://127.0.0.1", "http://crm.example"))
    assert main(["privacy", "notices", *at]) == 2
