"""Each receiver is believed for what it can confirm, and for nothing more."""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import ssl
import stat
from pathlib import Path

import pytest

from chatward.core.errors import ConfigError
from chatward.monitoring import sinks
from chatward.monitoring.sinks import HttpLines, LinesFile, SinkError, SyslogDatagrams, SyslogStream, address, tls
from tests.simulators.authority import Authority
from tests.simulators.receivers import HttpReceiver, SyslogReceiver

BATCH = [b"one", b"two with a \n line end", b"three"]
SECRET = "Zyxomorph"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "receivers")


def server(authority: Authority) -> ssl.SSLContext:
    cert, key = authority.make("receiver", server=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def test_a_batch_by_tcp_is_counted_octets_and_confirmed_by_a_close() -> None:
    receiver = SyslogReceiver()
    sink = SyslogStream("127.0.0.1", receiver.port)
    sink.send(BATCH)
    assert receiver.messages == BATCH  # without waiting: it was confirmed
    sink.send(BATCH)
    receiver.close()
    assert receiver.messages == BATCH * 2
    assert receiver.batches == 2


def test_by_tls_the_receiver_is_verified_and_confirms_by_close_notify(authority: Authority) -> None:
    receiver = SyslogReceiver(context=server(authority))
    SyslogStream("127.0.0.1", receiver.port, tls(str(authority.ca))).send(BATCH)
    assert receiver.messages == BATCH
    with pytest.raises(SinkError, match="TLS is not accepted"):
        SyslogStream("127.0.0.1", receiver.port, tls(None)).send(BATCH)
    receiver.close()
    assert receiver.messages == BATCH


def test_by_tls_an_end_without_close_notify_confirms_nothing(authority: Authority) -> None:
    """Whoever sits in between can end a TCP connection, and cannot say ``close_notify``."""

    class Cut(SyslogReceiver):
        def _take(self, connection: socket.socket) -> None:
            secured = self._context.wrap_socket(connection, server_side=True)  # type: ignore[union-attr]
            while secured.recv(65536):
                pass
            os.close(secured.detach())

    receiver = Cut(context=server(authority))
    with pytest.raises(SinkError):
        SyslogStream("127.0.0.1", receiver.port, tls(str(authority.ca)), seconds=2).send(BATCH)
    receiver.close()


def test_a_connection_that_is_kept_is_opened_anew_once_the_receiver_has_gone() -> None:
    receiver = SyslogReceiver()
    sink = SyslogStream("127.0.0.1", receiver.port, confirm=False)
    sink.send(BATCH)
    first = sink._kept
    sink.send([b"four"])
    assert sink._kept is first
    sink.close()
    SyslogStream("127.0.0.1", receiver.port).send([b"five"])  # confirmed, and taken after what came before
    receiver.close()
    assert receiver.messages == [*BATCH, b"four", b"five"]
    with pytest.raises(SinkError, match="refused"):
        sink.send(BATCH)


def test_a_kept_connection_that_the_receiver_closed_is_not_written_to() -> None:
    receiver = SyslogReceiver(mode="reset")
    sink = SyslogStream("127.0.0.1", receiver.port, confirm=False)
    sink._kept = sink._opened()
    sink._kept.sendall(b"3 abc")
    sink._kept.settimeout(5)
    with pytest.raises(OSError, match="reset"):
        sink._kept.recv(1)
    receiver.mode = "read"
    sink.send(BATCH)
    sink.close()
    SyslogStream("127.0.0.1", receiver.port).send([b"after"])
    receiver.close()
    assert receiver.messages == [*BATCH, b"after"]


def test_by_udp_one_message_is_one_datagram_and_none_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        sink = SyslogDatagrams("127.0.0.1", receiver.getsockname()[1])
        sink.send(BATCH)
        assert [receiver.recv(65536) for _ in BATCH] == BATCH
        monkeypatch.setattr(sinks, "DATAGRAM", 10)
        with pytest.raises(SinkError, match="does not fit"):
            sink.send([b"x" * 11])


def test_a_batch_by_http_is_signed_lines() -> None:
    receiver = HttpReceiver()
    headers = {"authorization": "Splunk abc"}
    HttpLines(receiver.url, headers, secret=SECRET.encode(), clock=lambda: 1234.9).send([b'{"a":1}', b'{"a":2}'])
    receiver.close()
    body = b'{"a":1}\n{"a":2}\n'
    assert receiver.bodies == [body]
    sent = receiver.headers[0]
    assert sent["authorization"] == "Splunk abc"
    assert sent["content-type"] == "application/x-ndjson"
    expected = hmac.new(SECRET.encode(), b"1234." + body, hashlib.sha256).hexdigest()
    assert sent["x-chatward-signature"] == f"t=1234,v1={expected}"


@pytest.mark.parametrize("status", [301, 307, 400, 401, 413, 429, 500, 503])
def test_by_http_all_but_success_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    receiver = HttpReceiver()
    receiver.answers = [status]
    with pytest.raises(SinkError, match=str(status)) as caught:
        HttpLines(receiver.url, {"authorization": f"Bearer {SECRET}"}).send([b"{}"])
    receiver.close()
    assert receiver.bodies == []
    assert SECRET not in str(caught.value)


def test_a_file_is_its_owners_and_is_turned_over_before_it_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sink = LinesFile(path, 20, 2)
    for number in range(7):
        sink.send([b"line %d" % number])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["out.jsonl", "out.jsonl.1", "out.jsonl.2"]
    assert [file.read_text().split("\n")[:-1] for file in files] == [
        ["line 6"],
        ["line 4", "line 5"],
        ["line 2", "line 3"],
    ]


def test_a_write_that_fails_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = LinesFile(tmp_path / "out", 1000, 2)
    sink.send([b"first"])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(SinkError, match="No space left"):
            sink.send([b"second"])
    sink.send([b"third"])
    assert (tmp_path / "out").read_bytes() == b"first\nthird\n"


def test_certificates_that_cannot_be_read_are_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        tls(str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp://siem.example", ("tcp", "siem.example", 514)),
        ("tls://siem.example", ("tls", "siem.example", 6514)),
        ("udp://[::1]:5140", ("udp", "::1", 5140)),
    ],
)
def test_addresses(text: str, expected: tuple[str, str, int]) -> None:
    assert address(text) == expected


@pytest.mark.parametrize("text", ["http://a", "tcp://", "tcp://a/b", "tls://user@a", "siem.example:514"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="syslog address"):
        address(text)
