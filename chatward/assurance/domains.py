"""What can be seen of a vendor from outside: TLS, ``security.txt``, headers, DNS. Facts, no judgement of its security.

The rules:

1. A look says ``ok``, ``failed`` or ``unknown``: what could not be asked is unknown, never ok.
2. One connection for TLS, two requests for ``/`` and ``/.well-known/security.txt``; redirects are not followed, at most
   ``LARGEST`` bytes are read, and nothing is sent but a ``GET``. It is only done when somebody asks for it.
3. DNS is a port (``Resolver``): whoever runs this chooses whom to ask. Without one DNS is unknown.

Sources: RFC 8446 and RFC 9325 (TLS), RFC 9116 (security.txt), RFC 6797 (HSTS), RFC 8659 (CAA), RFC 7489 (DMARC).
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Protocol

LARGEST: Final = 64 * 1024
PATIENCE: Final = 10.0
"""Seconds for each connection."""
SOON: Final = 14 * 86_400.0
_HEADERS: Final = ("strict-transport-security", "x-content-type-options", "content-security-policy", "referrer-policy")


class Resolver(Protocol):
    def records(self, name: str, kind: str) -> Sequence[str]:
        """The records of a name, as text; empty where there are none. Raises ``OSError`` where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    name: str
    state: str
    sentence: str

    def told(self) -> dict[str, str]:
        return asdict(self)


def look(
    domain: str,
    *,
    resolver: Resolver | None = None,
    context: ssl.SSLContext | None = None,
    address: tuple[str, int] | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Seen]:
    """Everything that can be seen. ``context``, ``address``: whom to trust and where to go, in place of the usual."""
    host, port = address or (domain, 443)
    trusting = context or ssl.create_default_context()
    found = [*_tls(domain, host, port, trusting, clock())]
    if found[0].state == "ok":
        found += _pages(domain, host, port, trusting, clock())
    else:
        found += [Seen(name, "unknown", "not asked without good TLS") for name in ("security-txt", "headers")]
    return [*found, *_names(domain, resolver)]


def _tls(domain: str, host: str, port: int, context: ssl.SSLContext, now: float) -> Iterator[Seen]:
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=domain) as secure,
        ):
            version, shown = secure.version() or "", secure.getpeercert() or {}
    except ssl.SSLError as error:
        yield Seen("tls", "failed", f"the handshake fails: {error.reason or 'no reason is given'}")
        return
    except OSError as error:
        yield Seen("tls", "unknown", f"not reached: {error.strerror or type(error).__name__}")
        return
    good = version in {"TLSv1.2", "TLSv1.3"}
    yield Seen("tls", "ok" if good else "failed", version)
    left = ssl.cert_time_to_seconds(str(shown["notAfter"])) - now
    state = "failed" if left <= 0 else "ok" if left > SOON else "failed"
    yield Seen("certificate", state, f"ends in {left / 86_400:.0f} days")


def _get(domain: str, host: str, port: int, context: ssl.SSLContext, path: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    try:
        connection.sock = context.wrap_socket(socket.create_connection((host, port), PATIENCE), server_hostname=domain)
        connection.request("GET", path, headers={"host": domain, "user-agent": "chatward-vendor-check"})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(LARGEST)
    finally:
        connection.close()


def _pages(domain: str, host: str, port: int, context: ssl.SSLContext, now: float) -> Iterator[Seen]:
    try:
        status, headers, body = _get(domain, host, port, context, "/.well-known/security.txt")
        yield _security_txt(status, headers, body, now)
    except (OSError, http.client.HTTPException) as error:
        yield Seen("security-txt", "unknown", type(error).__name__)
    try:
        _, headers, _ = _get(domain, host, port, context, "/")
    except (OSError, http.client.HTTPException) as error:
        yield Seen("headers", "unknown", type(error).__name__)
        return
    missing = [name for name in _HEADERS if name not in headers]
    yield Seen(
        "headers", "failed" if missing else "ok", f"missing: {', '.join(missing)}" if missing else "all are there"
    )


def _security_txt(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Seen:
    """RFC 9116: ``Contact`` at least once, ``Expires`` exactly once and ahead, as text/plain."""
    name = "security-txt"
    if status != 200 or not headers.get("content-type", "").startswith("text/plain"):
        return Seen(name, "failed", "there is none")
    fields = [
        (key.strip().lower(), value.strip())
        for key, colon, value in (line.partition(":") for line in body.decode("utf-8", "replace").splitlines())
        if colon and not key.startswith("#")
    ]
    contacts = [value for key, value in fields if key == "contact" and re.match(r"(?:https|mailto|tel):", value)]
    expires = [value for key, value in fields if key == "expires"]
    if not contacts:
        return Seen(name, "failed", "it names no contact")
    if len(expires) != 1:
        return Seen(name, "failed", "it does not say once when it expires")
    try:
        end = datetime.fromisoformat(expires[0])
        ahead = end.tzinfo is not None and end.timestamp() > now
    except ValueError:
        ahead = False
    return Seen(name, "ok", "it is good") if ahead else Seen(name, "failed", "it has expired, or does not say when")


def _names(domain: str, resolver: Resolver | None) -> Iterator[Seen]:
    if resolver is None:
        yield Seen("caa", "unknown", "nobody to ask")
        yield Seen("dmarc", "unknown", "nobody to ask")
        return
    try:
        # RFC 8659, section 3: the first name on the way up that has records counts.
        labels = domain.split(".")
        names = [".".join(labels[index:]) for index in range(max(1, len(labels) - 1))]
        held = next((found for found in (resolver.records(name, "CAA") for name in names) if found), ())
        yield Seen("caa", "ok" if held else "failed", f"{len(held)} records" if held else "any authority may issue")
    except OSError as error:
        yield Seen("caa", "unknown", type(error).__name__)
    try:
        texts = [text for text in resolver.records(f"_dmarc.{domain}", "TXT") if text.startswith("v=DMARC1")]
        policy = re.search(r";\s*p=(none|quarantine|reject)", texts[0]) if len(texts) == 1 else None
        good = policy is not None and policy[1] != "none"
        said = "missing, or more than one" if policy is None else f"p={policy[1]}"
        yield Seen("dmarc", "ok" if good else "failed", said)
    except OSError as error:
        yield Seen("dmarc", "unknown", type(error).__name__)
