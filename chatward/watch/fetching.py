"""Fetching what strangers named: pages of copies, logs. Made so that no address can make us touch our own network.

The rules (server-side request forgery):

1. ``http`` and ``https`` alone, on known ports, without credentials. The URL is read as browsers read it
   (``core.addresses``): ``0x7f.1``, ``2130706433`` and ``0177.0.0.1`` are 127.0.0.1.
2. A host is resolved **once**, all its addresses must be public, and the connection goes to one of these very
   addresses: a second answer of DNS (rebinding) is never asked for. An IPv6 address counts as the IPv4
   address inside it too.
3. Every redirect is a new URL under these rules; at most so many, and none unless asked for.
4. Bounds: bytes of the head, bytes of the body (also unpacked), seconds in all, however slowly bytes come.
5. Nothing of ours goes out but the address, the host, ``user-agent`` and ``accept``: no cookie, no referrer, no key.

TLS is verified unless ``verify`` is false: what a copy shows is evidence whoever signed its certificate.
Every refusal is an ``UpstreamError`` (``watch-address``, ``watch-too-large``, ``watch-timeout``, ``watch-unreachable``,
``watch-malformed``).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import httptools

from chatward.core.addresses import Address, HostKind, parse, resolve, unmapped
from chatward.core.errors import UpstreamError

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises ``OSError``. What they are good for is not its affair."""

MOST: Final = 4 * 1024 * 1024
"""Bytes of a body."""
HEAD: Final = 32 * 1024
"""Bytes of a head."""
PORTS: Final = frozenset((80, 443, 8080, 8443))
REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
_SENT: Final = "user-agent: chatward-watch\r\naccept: */*\r\naccept-encoding: gzip, identity\r\nconnection: close\r\n"
_PROTOCOLS: Final = ipaddress.IPv4Network("192.0.0.0/24")
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came. ``url`` is where it came from in the end, ``address`` the IP; ``certificate`` the SHA-256 (hex) of the
    server's certificate, ``""`` without TLS. ``headers``: names in lower case. ``hops``: URLs on the way."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    address: str
    certificate: str = ""
    hops: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


def public(address: Ip) -> bool:
    """Whether an address is one of the internet's, not of a machine, a network or a protocol (RFC 6890), nor does it
    stand for one that is (IPv4 inside IPv6: mapped, compatible, 6to4, NAT64, ISATAP)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = unmapped(address)
        if inner is not None:
            return public(inner)
        if address in _LOCAL_NAT64 or address.is_site_local or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            return False
    elif address in _PROTOCOLS:
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback:
        return False
    return address.is_global and not (address.is_link_local or address.is_private)


async def _system(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _refused(what: str) -> UpstreamError:
    return UpstreamError(f"This address is not fetched: {what}.", reason="watch-address")


class Fetcher:
    """Fetches by GET. ``allowed`` says which addresses may be connected to; ``seconds`` are for everything that one
    call does, redirects included."""

    def __init__(
        self,
        *,
        seconds: float = 20.0,
        most: int = MOST,
        ports: frozenset[int] = PORTS,
        ca_file: str | None = None,
        resolve: Resolve = _system,
        allowed: Callable[[Ip], bool] = public,
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._ports = ports
        self._ca_file = ca_file
        self._resolve = resolve
        self._allowed = allowed

    async def __call__(self, url: str, *, redirects: int = 0, verify: bool = True, most: int | None = None) -> Answer:
        """The answer to GET, whatever its status. Raises ``UpstreamError``."""
        limit = self._most if most is None else most
        hops: list[str] = []
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    answer = await self._once(url, limit, verify=verify)
                    place = answer.header("location")
                    if not redirects or answer.status not in {301, 302, 303, 307, 308} or not place:
                        return Answer(
                            answer.url, answer.status, answer.headers, answer.body, answer.address,
                            answer.certificate, tuple(hops),
                        )  # fmt: skip
                    if len(hops) >= min(redirects, REDIRECTS):
                        raise _refused("too many redirects")
                    hops.append(answer.url)
                    url = joined(answer.url, place)
        except TimeoutError as error:
            raise UpstreamError("The other server took too long.", reason="watch-timeout", status=504) from error

    async def _once(self, url: str, most: int, *, verify: bool) -> Answer:
        place, port = self._checked(url)
        addresses = await self._addresses(place, port)
        secure = _context(self._ca_file, verify=verify) if place.scheme == "https" else None
        name = place.host if secure is not None else None
        problem: OSError | None = None
        for address in addresses[:2]:
            try:
                reader, writer = await asyncio.open_connection(
                    address, port, ssl=secure, server_hostname=name, limit=_CHUNK
                )
            except OSError as error:  # also ssl.SSLError
                problem = error
                continue
            try:
                return await _exchange(reader, writer, place, port, most)
            except (OSError, EOFError) as error:
                raise UpstreamError("The other server broke off.", reason="watch-unreachable") from error
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    writer.transport.abort()
        raise UpstreamError("The other server cannot be reached.", reason="watch-unreachable") from problem

    def _checked(self, url: str) -> tuple[Address, int]:
        place = parse(url) if len(url) <= 8192 else None
        if place is None or place.scheme not in {"http", "https"} or place.kind is HostKind.NONE:
            raise _refused("it is neither http nor https")
        if place.username or place.password:
            raise _refused("it holds credentials")
        port = int(place.port or (443 if place.scheme == "https" else 80))
        if port not in self._ports:
            raise _refused("its port is none of the web's")
        return place, port

    async def _addresses(self, place: Address, port: int) -> list[str]:
        """Where to connect to. Every one is checked: one that is not public refuses them all."""
        if place.ip is not None:
            found: Sequence[str] = [str(place.ip)]
        else:
            try:
                found = await self._resolve(place.host, port)
            except (OSError, UnicodeError) as error:
                raise UpstreamError("The name leads nowhere.", reason="watch-unreachable") from error
        if not found:
            raise UpstreamError("The name leads nowhere.", reason="watch-unreachable")
        for one in found:
            try:
                address = ipaddress.ip_address(one)
            except ValueError as error:
                raise _refused("it leads to no address") from error
            if not self._allowed(address):
                raise _refused("it does not lead into the internet")
        return list(dict.fromkeys(found))


def joined(base: str, place: str) -> str:
    """A redirect's place (RFC 9110 section 10.2.2), read as browsers do."""
    found = resolve(place, base)
    if found is None:
        raise _refused("a redirect leads nowhere")
    return found.href


def _context(ca_file: str | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file if verify else None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Reading:
    """What the parser tells."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []
        self.size = 0
        self.headed = False
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, body: bytes) -> None:
        self.chunks.append(body)
        self.size += len(body)

    def on_message_complete(self) -> None:
        self.done = True


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Address, port: int, most: int
) -> Answer:
    host = f"[{place.host}]" if place.kind is HostKind.IPV6 else place.host
    authority = f"{host}:{port}" if place.port else host
    target = place.path + (f"?{place.query}" if place.query else "")
    writer.write(f"GET {target or '/'} HTTP/1.1\r\nhost: {authority}\r\n{_SENT}\r\n".encode("ascii"))
    await writer.drain()
    peer = writer.get_extra_info("peername") or ("",)
    told = _Reading()
    parser: Any = httptools.HttpResponseParser(told)
    read = 0
    while not told.done:
        chunk = await reader.read(_CHUNK)
        if not chunk:
            if not told.headed or _announced(told) or _chunked(told):
                raise EOFError
            break  # a body that ends with the connection (RFC 9112 section 6.3)
        read += len(chunk)
        try:
            parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            raise _malformed() from None
        except httptools.HttpParserError as error:
            raise _malformed() from error
        if not told.headed and read > HEAD:
            raise _too_large()
        if told.size > most or read > most + HEAD * 2 + most // 4:
            raise _too_large()
    secure = writer.get_extra_info("ssl_object")
    shown = secure.getpeercert(binary_form=True) if secure is not None else None
    body = _unpacked(b"".join(told.chunks), told, most)
    certificate = sha256(shown).hexdigest() if shown else ""
    return Answer(place.href, parser.get_status_code(), tuple(told.headers), body, str(peer[0]), certificate)


def _named(told: _Reading, name: str) -> str:
    return next((value for key, value in told.headers if key == name), "")


def _announced(told: _Reading) -> bool:
    length = _named(told, "content-length")
    return length.isdigit() and told.size < int(length)


def _chunked(told: _Reading) -> bool:
    return "chunked" in _named(told, "transfer-encoding").lower()


def _unpacked(body: bytes, told: _Reading, most: int) -> bytes:
    coding = _named(told, "content-encoding").strip().lower()
    if coding in {"", "identity"} or not body:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise _malformed()
    stream = zlib.decompressobj(47)
    try:
        found = stream.decompress(body, most + 1)
    except zlib.error as error:
        raise _malformed() from error
    if len(found) > most:
        raise _too_large()
    if not stream.eof:
        raise _malformed()
    return found


def _too_large() -> UpstreamError:
    return UpstreamError("The other server's answer is too large.", reason="watch-too-large")


def _malformed() -> UpstreamError:
    return UpstreamError("The other server's answer cannot be read.", reason="watch-malformed")
