"""Receivers of entries: syslog by TCP, TLS and UDP, HTTP, and files.

The rules:

1. ``send`` returns once the receiver has what it was given, or raises ``SinkError``. Then the same is sent again: at
   least once, in order. What a receiver cannot confirm is said here.
2. Syslog has no acknowledgements, and what TCP took may lie in a buffer that dies with the receiver. So each batch has
   a connection of its own, which we close for writing at its end: a receiver that has read to the end closes too (a
   FIN; by TLS its ``close_notify``, RFC 5425 section 4.4), one that dies with bytes unread answers with a reset. With
   ``confirm = "sent"``, for receivers that never close, the connection is kept and the system's word is taken.
3. UDP confirms nothing. A message that does not fit into a datagram fails: none is cut.
4. HTTP: a batch is one POST of lines (JSON Lines, or CEF lines); 2xx confirms it. Redirects are not followed. With a
   secret, ``x-chatward-signature`` is ``t=SECONDS,v1=HEX`` over ``SECONDS.BODY`` by HMAC-SHA-256.
5. A file is on disk (fsync) before ``send`` returns; beyond ``rotate_size`` it becomes ``NAME.1``, and so on.

Nothing of an entry and no secret is in an error.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from chatward.core.errors import ConfigError
from chatward.monitoring.syslog import counted

SECONDS: Final = 10.0
"""A receiver that takes longer for one step counts as gone."""
DATAGRAM: Final = 65_000
_PORTS: Final = {"tcp": 514, "udp": 514, "tls": 6514}
_MOST: Final = 64 * 1024


class SinkError(Exception):
    """A receiver did not take a batch. Its text is a short sentence without anything of the batch."""


class Sink(Protocol):
    """Where batches go."""

    def send(self, batch: Sequence[bytes]) -> None:
        """Blocks until the batch is taken. Raises ``SinkError``."""

    def close(self) -> None: ...


def tls(ca_file: str | None, cert: str | None = None, key: str | None = None) -> ssl.SSLContext:
    """Certificates are verified always. Raises ``ConfigError`` for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if cert is not None:
            context.load_cert_chain(cert, key, lambda: "")
    except (OSError, ValueError) as error:
        raise ConfigError("The certificates of a receiver cannot be used.", key="siem.ca_file") from error
    return context


def _said(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS is not accepted ({error.reason or 'no reason is given'})"
    if isinstance(error, TimeoutError):
        return "it took too long"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


class SyslogStream:
    """Syslog by TCP (RFC 6587), or with a ``context`` by TLS (RFC 5425)."""

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext | None = None,
        *,
        confirm: bool = True,
        seconds: float = SECONDS,
    ) -> None:
        self._place = (host, port)
        self._context = context
        self._confirm = confirm
        self._seconds = seconds
        self._kept: socket.socket | None = None

    def send(self, batch: Sequence[bytes]) -> None:
        try:
            connection = self._kept if self._kept is not None and _quiet(self._kept) else self._opened()
            self._kept = connection
            connection.sendall(b"".join(map(counted, batch)))
            if self._confirm:
                _closed(connection)
        except (OSError, ValueError) as error:
            self.close()
            raise SinkError(f"{self._place[0]}:{self._place[1]}: {_said(error)}") from error
        if self._confirm:
            self.close()

    def close(self) -> None:
        connection, self._kept = self._kept, None
        if connection is not None:
            connection.close()

    def _opened(self) -> socket.socket:
        self.close()
        plain = socket.create_connection(self._place, self._seconds)
        if self._context is None:
            return plain
        try:
            return self._context.wrap_socket(plain, server_hostname=self._place[0])
        except BaseException:
            plain.close()
            raise


def _quiet(connection: socket.socket) -> bool:
    """Whether the other side has kept a connection open: a receiver says nothing before it closes."""
    before = connection.gettimeout()
    try:
        connection.settimeout(0.0)
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            connection.settimeout(before)
    return False


def _closed(connection: socket.socket) -> None:
    """Closes for writing, and waits until the other side has read all and closes. Raises ``OSError``."""
    if isinstance(connection, ssl.SSLSocket):
        connection.unwrap()  # sends close_notify and waits for theirs
        return
    connection.shutdown(socket.SHUT_WR)
    read = 0
    while data := connection.recv(4096):
        read += len(data)
        if read > _MOST:
            raise OSError("it talks in place of listening")


class SyslogDatagrams:
    """Syslog by UDP (RFC 5426): one message a datagram, and nobody knows whether it came."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)

    def send(self, batch: Sequence[bytes]) -> None:
        try:
            kind = socket.getaddrinfo(*self._place, type=socket.SOCK_DGRAM)[0]
            with socket.socket(kind[0], socket.SOCK_DGRAM) as connection:
                connection.connect(kind[4])
                for message in batch:
                    if len(message) > DATAGRAM:
                        raise SinkError("an entry does not fit into a datagram: use tcp or tls")
                    connection.send(message)
        except OSError as error:
            raise SinkError(f"{self._place[0]}:{self._place[1]}: {_said(error)}") from error

    def close(self) -> None:
        """Nothing is kept open."""


def post(
    url: str, headers: Mapping[str, str], body: bytes, context: ssl.SSLContext | None = None, seconds: float = SECONDS
) -> int:
    """One POST; the status. No redirect is followed. Raises ``SinkError``."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    made: http.client.HTTPConnection
    if secure:
        made = http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context or tls(None))
    else:
        made = http.client.HTTPConnection(host, parts.port, timeout=seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        made.request("POST", target, body, dict(headers))
        answer = made.getresponse()
        answer.read(_MOST)
        return answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SinkError(f"{host}: {_said(error)}") from error
    finally:
        made.close()


class HttpLines:
    """Batches by POST. ``secret`` signs them; ``headers`` may hold a key."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        context: ssl.SSLContext | None = None,
        *,
        content_type: str = "application/x-ndjson",
        secret: bytes | None = None,
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._url = url
        self._headers = {**headers, "content-type": content_type, "user-agent": "chatward"}
        self._context = context
        self._secret = secret
        self._clock = clock
        self._seconds = seconds

    def send(self, batch: Sequence[bytes]) -> None:
        body = b"\n".join(batch) + b"\n"
        headers = dict(self._headers)
        if self._secret is not None:
            now = int(self._clock())
            signed = hmac.new(self._secret, b"%d." % now + body, hashlib.sha256).hexdigest()
            headers["x-chatward-signature"] = f"t={now},v1={signed}"
        status = post(self._url, headers, body, self._context, self._seconds)
        if not 200 <= status < 300:
            raise SinkError(f"it answered {status}")

    def close(self) -> None:
        """Nothing is kept open."""


class LinesFile:
    """A file of lines, readable by its owner alone. ``keep`` older ones stay."""

    def __init__(self, path: Path, rotate_size: int, keep: int) -> None:
        self._path = path
        self._size = rotate_size
        self._keep = keep

    def send(self, batch: Sequence[bytes]) -> None:
        data = b"\n".join(batch) + b"\n"
        try:
            if self._path.exists() and self._path.stat().st_size + len(data) > self._size:
                self._rotate()
            opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with open(opened, "ab") as file:
                before = file.tell()
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    with suppress(OSError):
                        os.truncate(self._path, before)  # half a line would spoil the next
                    raise
        except OSError as error:
            raise SinkError(f"{self._path.name}: {_said(error)}") from error

    def close(self) -> None:
        """Nothing is kept open."""

    def _rotate(self) -> None:
        for number in range(self._keep, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path if number == 1 else self._path.with_name(f"{self._path.name}.{number - 1}")
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            self._path.unlink()


def address(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a syslog address; ports are 514, by TLS 6514. Raises ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
        raise ValueError("a syslog address is tcp://HOST:PORT, tls://HOST:PORT or udp://HOST:PORT")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
