"""What can be seen of a vendor's domain: TLS, ``security.txt``, headers, DNS. Facts, no judgement of its security.

The rules:

1. A look says ``ok``, ``failed`` or ``unknown``: what could not be asked is unknown, never ok.
2. Two connections for TLS, of which one offers old versions alone, two requests for ``/`` and
   ``/.well-known/security.txt``; redirects are not followed, at most ``LARGEST`` bytes are read, and nothing is sent
   but a ``GET``. It is only done when somebody asks for it.
3. DNS is a port (``Resolver``): whoever runs this chooses whom to ask. Without one DNS is unknown.

Sources: RFC 8446 and RFC 9325 (TLS), RFC 8996 (old TLS), RFC 9116 (security.txt), RFC 6797 (HSTS), RFC 8659 (CAA),
RFC 7489 (DMARC), RFC 9364 (DNSSEC).
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, Protocol

LARGEST: Final = 64 * 1024
PATIENCE: Final = 10.0
"""Seconds for each connection."""
SOON: Final = 14 * 86_400.0
OK: Final = "ok"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
STATES: Final = (OK, FAILED, UNKNOWN)
_HEADERS: Final = ("strict-transport-security", "x-content-type-options", "content-security-policy", "referrer-policy")


class Resolver(Protocol):
    def records(self, name: str, kind: str) -> Sequence[str]:
        """The records of a name, as text; empty where there are none. Raises ``OSError`` where that is not known."""
        ...

    def chained(self, name: str) -> bool:
        """Whether the zone above signs for the keys of a name's zone, and these for themselves. Raises ``OSError``."""
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
    if found[0].state == OK:
        found += [_old_tls(domain, host, port), *_pages(domain, host, port, trusting, clock())]
    else:
        names = ("certificate", "tls-old", "security-txt", "headers")
        found += [Seen(name, UNKNOWN, "not asked without good TLS") for name in names]
    return [*found, *_names(domain, resolver)]


def _tls(domain: str, host: str, port: int, context: ssl.SSLContext, now: float) -> Iterator[Seen]:
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=domain) as secure,
        ):
            version, shown = secure.version() or "", secure.getpeercert() or {}
            cipher = (secure.cipher() or ("",))[0]
    except ssl.SSLError as error:
        yield Seen("tls", FAILED, f"the handshake fails: {error.reason or 'no reason is given'}")
        return
    except OSError as error:
        yield Seen("tls", UNKNOWN, f"not reached: {error.strerror or type(error).__name__}")
        return
    good = version in {"TLSv1.2", "TLSv1.3"}
    yield Seen("tls", OK if good else FAILED, f"{version}, {cipher}")
    left = ssl.cert_time_to_seconds(str(shown["notAfter"])) - now
    yield Seen("certificate", OK if left > SOON else FAILED, f"ends in {left / 86_400:.0f} days")


def _old_tls(domain: str, host: str, port: int) -> Seen:
    """RFC 8996: TLS 1.0 and 1.1 are not spoken any more. Nothing is trusted and nothing is sent here."""
    offering = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    offering.check_hostname, offering.verify_mode = False, ssl.CERT_NONE
    offering.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():  # Python says the same as the RFC
        warnings.simplefilter("ignore", DeprecationWarning)
        offering.minimum_version, offering.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as plain,
            offering.wrap_socket(plain, server_hostname=domain) as secure,
        ):
            return Seen("tls-old", FAILED, f"{secure.version()} is spoken")
    except ssl.SSLError as error:
        if error.reason == "NO_PROTOCOLS_AVAILABLE":
            return Seen("tls-old", UNKNOWN, "this machine cannot offer old versions")
        return Seen("tls-old", OK, "TLS 1.0 and 1.1 are refused")
    except ConnectionError:
        return Seen("tls-old", OK, "TLS 1.0 and 1.1 are refused")
    except OSError as error:
        return Seen("tls-old", UNKNOWN, f"not reached: {error.strerror or type(error).__name__}")


def get(
    domain: str, host: str, port: int, context: ssl.SSLContext, path: str, largest: int = LARGEST
) -> tuple[int, Mapping[str, str], bytes]:
    """One ``GET``: status, headers, and at most ``largest`` bytes. Raises ``OSError`` and ``HTTPException``."""
    connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    try:
        connection.sock = context.wrap_socket(socket.create_connection((host, port), PATIENCE), server_hostname=domain)
        connection.request("GET", path, headers={"host": domain, "user-agent": "chatward-vendor-check"})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(largest)
    finally:
        connection.close()


def _pages(domain: str, host: str, port: int, context: ssl.SSLContext, now: float) -> Iterator[Seen]:
    try:
        status, headers, body = get(domain, host, port, context, "/.well-known/security.txt")
        yield _security_txt(status, headers, body, now)
    except (OSError, http.client.HTTPException) as error:
        yield Seen("security-txt", UNKNOWN, type(error).__name__)
    try:
        _, headers, _ = get(domain, host, port, context, "/")
    except (OSError, http.client.HTTPException) as error:
        yield Seen("headers", UNKNOWN, type(error).__name__)
        return
    missing = [name for name in _HEADERS if name not in headers]
    yield Seen("headers", FAILED if missing else OK, f"missing: {', '.join(missing)}" if missing else "all are there")


def _security_txt(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Seen:
    """RFC 9116: ``Contact`` at least once, ``Expires`` exactly once and ahead, as text/plain."""
    name = "security-txt"
    if status != 200 or not headers.get("content-type", "").startswith("text/plain"):
        return Seen(name, FAILED, "there is none")
    fields = [
        (key.strip().lower(), value.strip())
        for key, colon, value in (line.partition(":") for line in body.decode("utf-8", "replace").splitlines())
        if colon and not key.startswith("#")
    ]
    contacts = [value for key, value in fields if key == "contact" and re.match(r"(?:https|mailto|tel):", value)]
    expires = [value for key, value in fields if key == "expires"]
    if not contacts:
        return Seen(name, FAILED, "it names no contact")
    if len(expires) != 1:
        return Seen(name, FAILED, "it does not say once when it expires")
    try:
        end = datetime.fromisoformat(expires[0])
        ahead = end.tzinfo is not None and end.timestamp() > now
    except ValueError:
        ahead = False
    return Seen(name, OK, "it is good") if ahead else Seen(name, FAILED, "it has expired, or does not say when")


def _names(domain: str, resolver: Resolver | None) -> Iterator[Seen]:
    if resolver is None:
        yield from (Seen(name, UNKNOWN, "nobody to ask") for name in ("caa", "dnssec", "dmarc"))
        return
    for name, ask in (("caa", _caa), ("dnssec", _dnssec), ("dmarc", _dmarc)):
        try:
            good, sentence = ask(domain, resolver)
        except OSError as error:
            yield Seen(name, UNKNOWN, type(error).__name__)
        else:
            yield Seen(name, OK if good else FAILED, sentence)


def above(domain: str) -> list[str]:
    """A name and those above it, but for the last label."""
    labels = domain.split(".")
    return [".".join(labels[index:]) for index in range(max(1, len(labels) - 1))]


def _caa(domain: str, resolver: Resolver) -> tuple[bool, str]:
    """RFC 8659, section 3: the first name on the way up that has records counts."""
    held = next((found for found in (resolver.records(name, "CAA") for name in above(domain)) if found), ())
    return bool(held), f"{len(held)} records" if held else "any authority may issue"


def _dnssec(domain: str, resolver: Resolver) -> tuple[bool, str]:
    good = resolver.chained(domain)
    return good, "signed, and vouched for above" if good else "not signed, or not vouched for above"


def _dmarc(domain: str, resolver: Resolver) -> tuple[bool, str]:
    texts = [text for text in resolver.records(f"_dmarc.{domain}", "TXT") if text.startswith("v=DMARC1")]
    policy = re.search(r";\s*p=(none|quarantine|reject)", texts[0]) if len(texts) == 1 else None
    good = policy is not None and policy[1] != "none"
    return good, "missing, or more than one" if policy is None else f"p={policy[1]}"
