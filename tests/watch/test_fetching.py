"""The table of issue 6: what would lead a fetch into our own network, or keep it there, is refused, and nothing on
loopback is touched. The servers here are real; only they may be reached, and only where a test allows it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from chatward.core.errors import UpstreamError
from chatward.watch.fetching import Fetcher, Ip, public

OUR = "127.0.0.1"
FORBIDDEN = "127.0.0.2"


class Web:
    """A server at one address of loopback: what it answers, and how often it was connected to."""

    def __init__(self, answer: bytes | Callable[[str], bytes] = b"", *, drip: bytes | None = None) -> None:
        self.answer = answer
        self.drip = drip
        self.met = 0
        self.heads: list[str] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.met += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            answer = self.answer if isinstance(self.answer, bytes) else self.answer(head.split(" ")[1])
            writer.write(answer)
            await writer.drain()
            if self.drip is not None:
                while not writer.is_closing():
                    writer.write(self.drip)
                    await writer.drain()
                    await asyncio.sleep(0.005)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def at(self, host: str = OUR, port: int = 0) -> AsyncIterator[Web]:
        server = await asyncio.start_server(self._serve, host, port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def to(place: str) -> bytes:
    return whole(b"", f"location: {place}", status="302 Found")


def fetcher(
    *ports: int, resolve: dict[str, Sequence[str]] | None = None, seconds: float = 5.0, most: int = 10_000
) -> Fetcher:
    async def known(host: str, port: int) -> Sequence[str]:
        return (resolve or {})[host]

    def allowed(address: Ip) -> bool:
        return str(address) == OUR

    return Fetcher(seconds=seconds, most=most, ports=frozenset(ports), resolve=known, allowed=allowed)


NOT_PUBLIC = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", 
    "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd12::1", "fe80::1", 
    "fe80::1%lo", "fec0::1", "ff02::1", "2001::1", "2001:db8::1", "100::1", "2a00:1450::5efe:7f00:1",
)  # fmt: skip


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_the_internet(address: str) -> None:
    assert not public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is(address: str) -> None:
    assert public(ip_address(address))


ADDRESSES = (
    "http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/", "http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://0:{port}/",
    "http://127.0.0.1.:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/", "http://\u2460\u2461\u2466.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/", "http:\\\\127.0.0.1:{port}\\", "http:127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/", "http://127.0.0.1\t:{port}/", "http://localhost:{port}/", "http://LOCALHOST.:{port}/",
    "http://user@127.0.0.1:{port}/", "http://user:word@example.com:{port}/", "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/", "http://example.com:{port}\\@127.0.0.1/",
    "https://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_GET", "dict://127.0.0.1:{port}/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "data:text/plain,x", "javascript:1", "ws://127.0.0.1:{port}/",
    "jar:http://127.0.0.1:{port}/!/", "ldap://127.0.0.1:{port}/", "unix:/run/docker.sock", "//127.0.0.1:{port}/",
    "127.0.0.1:{port}", "http://", "http:///", "", "http://127.0.0.1:22/", "http://example.com:25/", "http://a b/",
    "http://[fe80::1%25lo]:{port}/",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(ADDRESSES)))
async def test_addresses_that_lead_here_touch_nothing(number: int) -> None:
    async with Web(whole(b"inside")).at() as web:

        async def system(host: str, port: int) -> Sequence[str]:
            return {"example.com": ["127.0.0.1"]}.get(host, ["127.0.0.1"])

        fetch = Fetcher(ports=frozenset((web.port, 80, 443)), resolve=system, seconds=5.0)
        with pytest.raises(UpstreamError) as caught:
            await fetch(ADDRESSES[number].format(port=web.port), redirects=5)
        assert caught.value.reason == "watch-address"
        assert web.met == 0


NAMES = (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["::ffff:10.1.2.3"], ["169.254.169.254"], ["not an address"])


@pytest.mark.parametrize("found", NAMES, ids=[" ".join(one) for one in NAMES])
async def test_a_name_that_leads_here_is_refused_whatever_else_it_leads_to(found: list[str]) -> None:
    async def system(host: str, port: int) -> Sequence[str]:
        return found

    async with Web(whole(b"inside")).at() as web:
        fetch = Fetcher(ports=frozenset((web.port,)), resolve=system)
        with pytest.raises(UpstreamError) as caught:
            await fetch(f"http://copy.example:{web.port}/")
        assert caught.value.reason == "watch-address"
        assert web.met == 0


REDIRECTS = (
    "http://127.0.0.2:{port}/", "//127.0.0.2:{port}/", "http://0x7f000002:{port}/", "http://2130706434:{port}/",
    "http://0177.0.0.02:{port}/", "http://[::ffff:127.0.0.2]:{port}/", "http://inside.example:{port}/", "file:///etc/passwd",
    "gopher://127.0.0.2:{port}/", "http://u:p@copy.example:{port}/", "http://copy.example:1/", "\\\\127.0.0.2:{port}/",
    "http://[", "http://copy.example:99999/", "http:\\\\127.0.0.2:{port}",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(REDIRECTS)))
async def test_a_redirect_is_a_new_address(number: int) -> None:
    async with Web().at() as web, Web(whole(b"inside")).at(FORBIDDEN, web.port) as inside:
        web.answer = to(REDIRECTS[number].format(port=web.port))
        fetch = fetcher(web.port, resolve={"copy.example": [OUR], "inside.example": [FORBIDDEN]})
        with pytest.raises(UpstreamError) as caught:
            await fetch(f"http://copy.example:{web.port}/", redirects=5)
        assert caught.value.reason == "watch-address"
        assert (web.met, inside.met) == (1, 0)


async def test_redirects_are_followed_where_asked_for_and_end() -> None:
    async with Web(lambda path: whole(b"there") if path == "/b" else to("/b")).at() as web:
        fetch = fetcher(web.port, resolve={"copy.example": [OUR]})
        answer = await fetch(f"http://copy.example:{web.port}/a", redirects=2)
        assert (answer.body, answer.url) == (b"there", f"http://copy.example:{web.port}/b")
        assert answer.hops == (f"http://copy.example:{web.port}/a",)
        assert (await fetch(f"http://copy.example:{web.port}/a")).status == 302
        web.answer = to("/round")
        with pytest.raises(UpstreamError, match="redirects"):
            await fetch(f"http://copy.example:{web.port}/a", redirects=3)


async def test_a_name_is_resolved_once_and_that_address_connected_to() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [OUR] if len(asked) == 1 else [FORBIDDEN]

    async with Web(whole(b"first")).at() as web, Web(whole(b"inside")).at(FORBIDDEN, web.port) as inside:
        fetch = Fetcher(ports=frozenset((web.port,)), resolve=rebinding, allowed=lambda one: str(one) == OUR)
        answer = await fetch(f"http://copy.example:{web.port}/")
        assert (answer.body, answer.address, asked, inside.met) == (b"first", OUR, ["copy.example"], 0)
        assert web.heads[0].startswith("GET / HTTP/1.1\r\nhost: copy.example:")
        assert sorted(line.split(":")[0] for line in web.heads[0].split("\r\n")[1:] if line) == [
            "accept", "accept-encoding", "connection", "host", "user-agent",
        ]  # fmt: skip


HUGE = {
    "announced": whole(b"x" * 20_000),
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    + b"4e20\r\n"
    + b"x" * 20_000
    + b"\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 20_000,
    "packed": whole(gzip.compress(b"x" * 5_000_000), "content-encoding: gzip"),
    "head": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    "one-byte chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 30_000,
}


@pytest.mark.parametrize("kind", HUGE)
async def test_huge_answers_are_cut_off(kind: str) -> None:
    async with Web(HUGE[kind]).at() as web:
        with pytest.raises(UpstreamError) as caught:
            await fetcher(web.port)(f"http://{OUR}:{web.port}/")
        assert caught.value.reason == "watch-too-large"


SLOW = {
    "head": b"HTTP/1.1 200 OK\r\nx: ",
    "body": b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n",
    "silent": b"",
}


@pytest.mark.parametrize("kind", SLOW)
async def test_slow_answers_end_with_the_time_for_all(kind: str) -> None:
    async with Web(SLOW[kind], drip=b"" if kind == "silent" else b"x").at() as web:
        with pytest.raises(UpstreamError) as caught:
            await fetcher(web.port, seconds=0.1)(f"http://{OUR}:{web.port}/")
        assert caught.value.reason == "watch-timeout"


BROKEN = {
    "nothing": (b"", "watch-unreachable"),
    "half a head": (b"HTTP/1.1 200 OK\r\ncontent", "watch-unreachable"),
    "half a body": (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "watch-unreachable"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", "watch-unreachable"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", "watch-malformed"),
    "unknown coding": (whole(b"x", "content-encoding: br"), "watch-malformed"),
    "broken coding": (whole(b"x", "content-encoding: gzip"), "watch-malformed"),
    "half of a packed body": (whole(gzip.compress(b"hello")[:-6], "content-encoding: gzip"), "watch-malformed"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_broken_answers(kind: str) -> None:
    answer, reason = BROKEN[kind]
    async with Web(answer).at() as web:
        with pytest.raises(UpstreamError) as caught:
            await fetcher(web.port)(f"http://{OUR}:{web.port}/")
        assert caught.value.reason == reason


async def test_a_long_head_is_cut_off_where_a_long_body_would_not_be() -> None:
    async with Web(HUGE["head"] + b"x").at() as web:
        with pytest.raises(UpstreamError) as caught:
            await fetcher(web.port, most=5_000_000)(f"http://{OUR}:{web.port}/")
        assert caught.value.reason == "watch-too-large"


@pytest.mark.parametrize("scheme", ["ftp", "ws", "wss", "gopher", "file", "dict", "ldap"])
async def test_no_other_scheme_even_where_the_address_may_be_asked(scheme: str) -> None:
    async with Web(whole(b"there")).at() as web:
        with pytest.raises(UpstreamError) as caught:
            await fetcher(web.port)(f"{scheme}://{OUR}:{web.port}/")
        assert (caught.value.reason, web.met) == ("watch-address", 0)


async def test_good_answers() -> None:
    async with Web(whole(gzip.compress(b"hello"), "content-encoding: gzip", "X-One: 1")).at() as web:
        answer = await fetcher(web.port)(f"http://{OUR}:{web.port}/p?q=1")
        assert (answer.body, answer.header("x-one"), answer.status) == (b"hello", "1", 200)
        assert web.heads[0].startswith("GET /p?q=1 ")
        web.answer = b"HTTP/1.1 200 OK\r\n\r\nto the end"
        assert (await fetcher(web.port)(f"http://{OUR}:{web.port}/")).body == b"to the end"


async def test_nobody_there_and_no_name() -> None:
    async with Web().at() as web:
        port = web.port
    with pytest.raises(UpstreamError) as caught:
        await fetcher(port)(f"http://{OUR}:{port}/")
    assert caught.value.reason == "watch-unreachable"

    async def none(host: str, port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(UpstreamError) as caught:
        await Fetcher(resolve=none)("http://copy.example/")
    assert caught.value.reason == "watch-unreachable"
