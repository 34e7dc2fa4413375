"""JA4 of ClientHellos: one made by hand, and those of real clients, caught on a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.guards.traffic.ja4 import contradicts, fingerprint, valid

CHROME = "t13d1516h2_8daaf6152771_e5627efa2ab1"
"""The example of the published description."""


def sized(data: bytes, width: int = 2) -> bytes:
    return len(data).to_bytes(width, "big") + data


def numbers(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


CIPHERS = (
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0xC013,
    0xC014,
    0x9C,
    0x9D,
    0x2F,
    0x35,
)
ALGORITHMS = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
EXTENSIONS = (0x0A0A, 0, 5, 0xA, 0xB, 0xD, 0x10, 0x12, 0x15, 0x17, 0x1B, 0x23, 0x2B, 0x2D, 0x33, 0x4469, 0xFF01)


def hello(*, ciphers: tuple[int, ...] = (0x2A2A, *CIPHERS), alpn: bytes = b"h2") -> bytes:
    """The hello of the published example: these ciphers, extensions and algorithms, with GREASE among them."""
    values = {
        0: sized(b"\0" + sized(b"chat.example")),
        0xD: sized(numbers(*ALGORITHMS)),
        0x10: sized(sized(alpn, 1)),
        0x2B: sized(numbers(0x1A1A, 0x0304, 0x0303), 1),
    }
    extensions = b"".join(numbers(kind) + sized(values.get(kind, b"")) for kind in EXTENSIONS)
    body = numbers(0x0303) + bytes(32) + sized(bytes(32), 1) + sized(numbers(*ciphers)) + b"\1\0" + sized(extensions)
    return b"\x16\x03\x01" + sized(b"\1" + sized(body, 3))


def test_the_published_example() -> None:
    assert fingerprint(hello()) == CHROME
    assert fingerprint(hello(ciphers=(*CIPHERS[::-1], 0xFAFA))) == CHROME  # order and GREASE do not matter
    assert fingerprint(hello(alpn=b"http/1.1"))[:10] == "t13d1516h1"


def test_records_may_cut_it_anywhere() -> None:
    message = hello()[5:]
    pieces = [message[:3], message[3:50], message[50:]]
    assert fingerprint(b"".join(b"\x16\x03\x01" + sized(piece) for piece in pieces)) == CHROME


@given(st.binary(max_size=80) | st.integers(1, len(hello()) - 1).map(lambda size: hello()[:size]))
def test_what_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"ClientHello|extension"):
        fingerprint(data)


def caught(connect: Callable[[str], object]) -> bytes:
    """The first bytes that a client sends to a server over TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def visit() -> None:
            try:
                connect(f"https://localhost:{server.getsockname()[1]}/")
            except Exception:  # nobody answers: each client has its own error
                return

        thread = threading.Thread(target=visit, daemon=True)
        thread.start()
        client, _ = server.accept()
        with client:
            client.settimeout(5)
            data = b""
            while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
                data += client.recv(65536)
        thread.join(10)
        return data


def test_real_clients_are_told_from_what_they_say() -> None:
    from curl_cffi import requests as curl

    chrome = fingerprint(caught(lambda url: curl.get(url, impersonate="chrome", timeout=3)))
    firefox = fingerprint(caught(lambda url: curl.get(url, impersonate="firefox", timeout=3)))
    assert chrome.startswith("t13d15")
    assert not contradicts(chrome, "chromium", named=True)
    assert contradicts(chrome, "firefox", named=True)
    assert not contradicts(firefox, "firefox", named=True)
    import httpx

    python = fingerprint(caught(lambda url: httpx.get(url, timeout=3)))
    assert all(contradicts(python, family, named=True) for family in ("chromium", "firefox", "safari"))


def test_what_has_no_form_or_no_browser_says_nothing() -> None:
    assert valid(CHROME)
    assert not contradicts("t13d1516h2_8daaf6152771", "firefox", named=True)
    assert not contradicts(CHROME, "browser", named=True)
    assert not contradicts(CHROME.replace("t13", "t12"), "firefox", named=True)
    assert contradicts(CHROME.replace("d1516", "i1516"), "chromium", named=True)
    assert not contradicts(CHROME.replace("d1516", "i1516"), "chromium", named=False)
