"""``chatward doctor``: what is in order, what is not, and what nobody could look at."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.commands import checkup
from chatward.commands.checkup import Check, examine
from chatward.configuration import Loaded
from chatward.core.ports import Entry
from chatward.gateway.certificates import seconds_left
from chatward.gateway.meter import Meter
from chatward.identity.operators import SCHEMA
from chatward.ledger.checkpointing import Plan
from chatward.ledger.sqlite import SqliteLedger
from chatward.models.store import ModelFiles
from chatward.settings import Authorization, Bot, LedgerSettings, Server, Settings
from chatward.stores.database import Database, Schema
from tests.simulators.authority import Authority, context

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def bot() -> Iterator[Callable[..., int]]:
    """``bot(context)``: a port that takes connections, by TLS with a context, and what it was sent."""
    listeners: list[socket.socket] = []
    sent: list[bytes] = []

    def start(tls: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                    with plain if tls is None else tls.wrap_socket(plain, server_side=True) as one:
                        sent.append(one.recv(100))
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    start.sent = sent  # type: ignore[attr-defined]
    yield start
    for listener in listeners:
        listener.close()


def settings(port: int = 9, **changes: Any) -> Settings:
    bots = {"default": Bot(upstream=f"http://127.0.0.1:{port}/v1")}
    return Settings(**{"bots": bots, "ledger": LedgerSettings(min_free=1), **changes})


def found(given: Settings, name: str, **options: Any) -> Check:
    [one] = [check for check in examine(Loaded(given), **options) if check.name == name]
    return one


def fill(path: Path, **plan: Any) -> None:
    async def write() -> None:
        made = SqliteLedger(path, "process", min_free=1, checkpoints=Plan(**{"every": 5, "seconds": 1e9, **plan}))
        for number in range(12):
            await made.append(Entry("message:input:judged", f"x-{number}", {"number": number}))
        await made.aclose()

    asyncio.run(write())


def test_a_machine_in_order(bot: Callable[..., int], here: Path, capsys: Captured) -> None:
    (here / "chatward.toml").write_text(f'upstream = "http://127.0.0.1:{bot()}/v1"\n')
    fill(here / "chatward.db")
    Database(here / "chatward-identity.db", [SCHEMA]).close()
    status = cli.main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    states = {one["name"]: one["state"] for one in told["checks"]}
    assert states.pop("patches") == "warning", "nobody looks for known vulnerabilities unless it is asked for"
    clock = states.pop("clock")  # what the system says of it depends on the machine
    assert set(states.values()) == {"ok"}, told
    assert {"configuration", "policies", "upstream.default", "ledger", "disk", "models", "identity"} <= states.keys()
    assert (status, told["ok"]) == ((1, False) if clock == "unknown" else (0, True))
    assert bot.sent in ([], [b""])  # type: ignore[attr-defined] # nothing was asked of the bot


def test_settings_that_do_not_hold_leave_the_rest_unknown(here: Path, capsys: Captured) -> None:
    (here / "chatward.toml").write_text('upstream = "ftp://x"\nports = 1\n')
    assert cli.main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in told["checks"]][-1] == "unknown"
    assert {one["state"] for one in told["checks"][:-1]} == {"failed"}


def test_for_people_it_says_what_to_do(here: Path, capsys: Captured) -> None:
    (here / "chatward.toml").write_text('upstream = "http://127.0.0.1:9/v1"\n')
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr()
    assert "failed\tupstream.default\t127.0.0.1:9 is not reached" in said.out
    assert "Start the bot" in said.out
    assert "checks failed or are unknown" in said.err


def test_a_bot_by_tls(bot: Callable[..., int], tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ca", "ours")
    cert, key = ours.make("bot", "spiffe://example.org/bot", server=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    url = f"https://127.0.0.1:{bot(tls)}/v1"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ca_file": str(ours.ca)}, "ok"),
        ({}, "failed"),  # nobody here trusts it
        ({"ca_file": str(ours.ca), "spiffe_id": "spiffe://example.org/bot"}, "ok"),
        ({"ca_file": str(ours.ca), "spiffe_id": "spiffe://example.org/other"}, "failed"),
        ({"ca_file": str(tmp_path / "none")}, "failed"),
    ]
    for more, state in cases:
        given = settings(bots={"default": Bot(upstream=url, **more)})
        one = found(given, "upstream.default")
        assert (one.state, bool(one.advice)) == (state, state != "ok"), one
    assert context(ours.ca) is not None


@pytest.mark.parametrize(("days", "state"), [(40, "ok"), (10, "warning"), (-1, "failed")])
def test_certificates_by_what_is_left(tmp_path: Path, days: float, state: str) -> None:
    ours = Authority(tmp_path / "ca", "ours")
    cert, key = ours.make("server", server=True, days=days)
    server = Server(tls_cert=str(cert), tls_key=str(key), client_ca=str(ours.ca))
    assert found(settings(server=server), "certificates.server.tls_cert").state == state
    assert found(settings(server=server), "certificates.server.client_ca").state == "warning"  # 30 days, less a moment
    meter = Meter()
    meter.certificates = lambda: seconds_left(settings(server=server))
    [line] = [line for line in meter.render().splitlines() if 'setting="server.tls_cert"' in line]
    assert float(line.rpartition(" ")[2]) == pytest.approx(days * 86_400, abs=120)


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    ours = Authority(tmp_path / "ca", "ours")
    cert, _ = ours.make("one", server=True, days=90)
    _, other = ours.make("two", server=True)
    assert (
        found(settings(server=Server(tls_cert=str(cert), tls_key=str(other))), "certificates.server.tls_cert").state
        == "failed"
    )
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    given = settings(server=Server(tls_cert=str(broken), tls_key=str(other)))
    assert found(given, "certificates.server.tls_cert").state == "failed"
    meter = Meter()
    meter.certificates = lambda: seconds_left(given)
    assert 'chatward_certificate_expiry_seconds{setting="server.tls_cert"} NaN' in meter.render()


def test_the_record(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = here / "chatward.db"
    assert found(settings(), "ledger").state == "warning"
    assert found(settings(ledger=LedgerSettings(enabled=False)), "ledger").state == "warning"
    fill(path)
    assert found(settings(), "ledger").state == "ok"
    monkeypatch.setattr(checkup, "WHOLE", 5)
    assert "12 of 12" in found(settings(), "ledger").sentence
    monkeypatch.undo()
    connection = sqlite3.connect(path)
    connection.executescript(
        "DROP TRIGGER ledger_no_update; UPDATE ledger SET fields = '{\"number\":99}' WHERE seq = 3;"
    )
    connection.close()
    one = found(Settings(bots=settings().bots, ledger=LedgerSettings(path=str(path), min_free=1)), "ledger")
    assert (one.state, "entry 3" in one.sentence) == ("failed", True), one


def test_a_checkpoint_that_somebody_else_signed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(here / "chatward.db", origin="example.com/one")
    (here / "other").mkdir()
    fill(here / "other" / "chatward.db", origin="example.com/two")
    (here / "chatward.db.vkey").write_text((here / "other" / "chatward.db.vkey").read_text())
    assert found(settings(), "ledger").state == "failed"
    monkeypatch.setattr(checkup, "WHOLE", 5)
    assert found(settings(), "ledger").state == "failed"


@pytest.mark.parametrize(("least", "state"), [(1, "ok"), (1 << 60, "failed")])
def test_room_on_the_disk(least: int, state: str) -> None:
    assert found(settings(ledger=LedgerSettings(min_free=least)), "disk").state == state


def test_models_that_are_not_the_released_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModelFiles()
    for name in ("manifest.json", *real.digests):
        (tmp_path / name).write_bytes((real.folder / name).read_bytes())
    changed = sorted(real.digests)[0]
    (tmp_path / changed).write_bytes(b"something else")
    monkeypatch.setattr(checkup, "ModelFiles", lambda: ModelFiles(tmp_path))
    one = found(settings(), "models")
    assert (one.state, changed in one.sentence) == ("failed", True)
    (tmp_path / "manifest.json").unlink()
    assert found(settings(), "models").state == "unknown"


def test_the_identity_store(here: Path) -> None:
    path = here / "chatward-identity.db"
    assert found(settings(), "identity").state == "warning"
    database = Database(path, [SCHEMA])
    assert found(settings(), "identity").state == "ok"
    database.adopt(Schema("operators", (*SCHEMA.steps, "CREATE TABLE newer (x)")))
    database.close()
    one = found(settings(), "identity")
    assert (one.state, "operators" in one.sentence) == ("failed", True)
    path.write_bytes(b"not a database" * 100)
    assert found(settings(), "identity").state == "failed"


def test_a_clock_that_is_behind(here: Path) -> None:
    fill(here / "chatward.db")
    assert found(settings(), "clock", clock=lambda: 1_800_000_000.0 - 400 * 86_400).state == "failed"
    assert found(settings(), "clock", clock=lambda: 0.0).state == "failed"


@pytest.mark.parametrize(("answer", "state"), [(True, "ok"), (False, "warning"), (None, "unknown")])
def test_a_clock_that_nobody_keeps(monkeypatch: pytest.MonkeyPatch, answer: bool | None, state: str) -> None:
    monkeypatch.setattr(checkup, "_kept_right", lambda: answer)
    assert found(settings(), "clock").state == state


@pytest.mark.parametrize(("mode", "state"), [(0o600, "ok"), (0o640, "warning"), (0o604, "failed")])
def test_files_with_secrets_are_their_owners_alone(here: Path, mode: int, state: str) -> None:
    key = here / "bot.key"
    key.write_text("made-up")
    key.chmod(mode)
    bots = {"default": Bot(upstream="http://127.0.0.1:9", api_key=f"file:{key}")}
    one = found(settings(bots=bots), "secrets")
    assert one.state == state
    assert "made-up" not in one.sentence


def test_policies_that_do_not_hold(here: Path) -> None:
    (here / "own.cedar").write_text("permit (principal, action, nonsense);")
    given = settings(authorization=Authorization(policies=(str(here / "own.cedar"),)))
    assert found(given, "policies").state == "failed"


@pytest.mark.parametrize(("state", "status"), [("ok", 0), ("warning", 0), ("failed", 1), ("unknown", 1)])
def test_unknown_is_never_well(here: Path, monkeypatch: pytest.MonkeyPatch, state: Any, status: int) -> None:
    (here / "chatward.toml").write_text('upstream = "http://127.0.0.1:9/v1"\n')
    monkeypatch.setattr(checkup, "examine", lambda loaded: [Check("x", state, "said")])
    assert cli.main(["doctor"]) == status


def test_what_breaks_off_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("shutil.disk_usage", broken)
    one = found(settings(), "disk")
    assert (one.state, one.sentence) == ("unknown", "it broke off: RuntimeError")
