"""The embedded server: it binds, says where, stops as promised, and speaks TLS."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chatward.core.errors import ConfigError
from chatward.gateway.server import EmbeddedServer


class App:
    """``/`` answers at once, ``/slow`` after ``pause`` seconds, ``/flood`` with more than any buffer holds."""

    def __init__(self, pause: float = 0.3) -> None:
        self.pause = pause
        self.began = asyncio.Event()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.ended = 0

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        self.began.set()
        try:
            if scope.path == "/slow":
                await asyncio.sleep(self.pause)
            if scope.path == "/flood":
                stream = door.response_stream(200, [])
                for _ in range(64):
                    await stream.send_bytes(b"x" * 1_000_000)
                return
            door.response_bytes(200, [("x-version", scope.http_version)], b"hello")
        except asyncio.CancelledError:
            door.response_bytes(503, [], b"ended")
        finally:
            self.tasks.discard(task)

    def end_all(self) -> None:
        self.ended += 1
        for task in self.tasks:
            task.cancel()


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(App(), "127.0.0.1", 0)
    await server.start()
    yield server
    await server.stop(0.1)


async def get(server: EmbeddedServer, path: str = "/", **options: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=10, **options) as client:
        return await client.get(server.url + path)


async def test_port_zero_is_a_real_port(server: EmbeddedServer) -> None:
    assert server.port > 0
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert (await get(server)).text == "hello"


async def test_a_taken_port_is_an_error(server: EmbeddedServer) -> None:
    """granian's own sockets would share the port, and each would get half of the traffic."""
    with pytest.raises(ConfigError) as caught:
        await EmbeddedServer(App(), "127.0.0.1", server.port).start()
    assert caught.value.reason == "port-in-use"


async def test_an_address_that_is_not_here_is_an_error() -> None:
    with pytest.raises(ConfigError):
        await EmbeddedServer(App(), "192.0.2.1", 0).start()


async def test_a_name_and_version_six_are_listened_on() -> None:
    for host in ("localhost", "::1"):
        server = EmbeddedServer(App(), host, 0)
        try:
            await server.start()
        except ConfigError:
            if host == "::1":
                pytest.skip("this machine has no IPv6 loopback; localhost is tried all the same")
            raise
        assert (await get(server)).text == "hello"
        await server.stop(0.1)


async def test_two_servers_live_in_one_loop(server: EmbeddedServer) -> None:
    other = EmbeddedServer(App(), "127.0.0.1", 0)
    await other.start()
    assert {(await get(server)).status_code, (await get(other)).status_code} == {200}
    await other.stop(0.1)
    assert (await get(server)).status_code == 200


async def test_stopping_lets_running_answers_end_and_takes_no_new_ones(server: EmbeddedServer) -> None:
    running = asyncio.ensure_future(get(server, "/slow"))
    await server._app.began.wait()
    stopping = asyncio.ensure_future(server.stop(5.0))
    await asyncio.sleep(0.1)
    with pytest.raises(httpx.ConnectError):
        await get(server)
    assert (await running).text == "hello"
    await asyncio.wait_for(stopping, 3)
    assert server._app.ended == 0


async def test_what_does_not_end_is_ended() -> None:
    app = App(pause=60)
    server = EmbeddedServer(app, "127.0.0.1", 0)
    await server.start()
    running = asyncio.ensure_future(get(server, "/slow"))
    await app.began.wait()
    await asyncio.wait_for(server.stop(0.1), 5)
    assert (await running).status_code == 503
    assert app.ended == 1


async def test_a_caller_who_does_not_read_cannot_hold_the_process() -> None:
    app = App()
    server = EmbeddedServer(app, "127.0.0.1", 0)
    await server.start()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.write(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
    await app.began.wait()
    await asyncio.wait_for(server.stop(0.2), 5)
    writer.transport.abort()


async def test_an_idle_connection_does_not_delay_the_stop(server: EmbeddedServer) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(server.url)).status_code == 200
        await asyncio.wait_for(server.stop(30.0), 3)


async def test_stopping_twice_and_unstarted_is_harmless(server: EmbeddedServer) -> None:
    await server.stop(0.1)
    await server.stop(0.1)
    await EmbeddedServer(App(), "127.0.0.1", 0).stop()


async def test_tls_offers_version_two_and_refuses_old_protocols(certificate: Path) -> None:
    server = EmbeddedServer(App(), "127.0.0.1", 0, tls_cert=certificate, tls_key=certificate)
    await server.start()
    assert server.url.startswith("https://")
    trusting = ssl.create_default_context(cafile=str(certificate))
    try:
        assert (await get(server, verify=trusting)).headers["x-version"] == "1.1"
        offered = ssl.create_default_context(cafile=str(certificate))
        offered.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=offered)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.close()
        old = ssl.create_default_context(cafile=str(certificate))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", server.port, ssl=old)
    finally:
        await server.stop(0.1)


async def test_tls_files_that_are_none_stop_the_start(certificate: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no key")
    with pytest.raises(ConfigError):
        EmbeddedServer(App(), "127.0.0.1", 0, tls_cert=certificate)
    for file in (broken, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError):
            await EmbeddedServer(App(), "127.0.0.1", 0, tls_cert=file, tls_key=file).start()


PROGRAM = """
    import asyncio, uvloop
    from chatward.gateway.server import EmbeddedServer, serve

    class App:
        async def __rsgi__(self, scope, door):
            await asyncio.sleep(0.5)
            door.response_bytes(200, [], b"hello")

    uvloop.run(serve(EmbeddedServer(App(), "127.0.0.1", 0), started=lambda server: print(server.port, flush=True)))
    print("over", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_process_after_its_answers(number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), 10)) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            import time

            time.sleep(0.2)
            os.kill(process.pid, number)
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (0, "over\n", "")
