"""URLs are read as the WHATWG URL Standard says; cases written from its text (hosts, schemes, special authority)."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.addresses import HostKind, parse, resolve, unicode_host, unmapped

# URL as written, scheme, host. ``None``: a failure of the parser.
CASES: tuple[tuple[str, str | None, str], ...] = (
    ("https://example.com/", "https", "example.com"),
    ("HTTPS://EXAMPLE.COM/", "https", "example.com"),
    ("https:example.com", "https", "example.com"),
    ("https:/example.com", "https", "example.com"),
    ("https:///example.com", "https", "example.com"),
    ("https:\\\\example.com\\a", "https", "example.com"),
    ("https:\\/\\/example.com", "https", "example.com"),
    ("http:\\\\evil.example\\@good.example", "http", "evil.example"),
    ("http://good.example\\@evil.example", "http", "good.example"),
    ("http://good.example@evil.example", "http", "evil.example"),
    ("http://good.example:80@evil.example", "http", "evil.example"),
    ("http://a@b@c.example", "http", "c.example"),
    ("http://a:b@c@d.example/", "http", "d.example"),
    ("http://good.example#@evil.example/", "http", "good.example"),
    ("http://good.example?@evil.example/", "http", "good.example"),
    ("http://good.example/@evil.example/", "http", "good.example"),
    ("  https://example.com  ", "https", "example.com"),
    ("\x01https://example.com", "https", "example.com"),
    ("ht\ttps://exa\nmple.com", "https", "example.com"),
    ("https://exa\rmple.com", "https", "example.com"),
    ("https://exa%6Dple.com", "https", "example.com"),
    ("https://%65%78ample.com", "https", "example.com"),
    ("https://ex%2541mple.com", None, ""),
    ("https://exa mple.com", None, ""),
    ("https://exa<mple.com", None, ""),
    ("https://exa^mple.com", None, ""),
    ("https://", None, ""),
    ("https://?", None, ""),
    ("https://:80", None, ""),
    ("https://user@/x", None, ""),
    ("https://example.com:99999", None, ""),
    ("https://example.com:x", None, ""),
    ("//example.com/x", "https", "example.com"),
    ("\\\\example.com\\x", "https", "example.com"),
    ("/\\example.com", "https", "example.com"),
    ("example.com", None, ""),
    ("https://example.com.", "https", "example.com"),
    ("https://ｅｘａｍｐｌｅ.com", "https", "example.com"),
    ("https://ⓔⓧⓐⓜⓟⓛⓔ.com", "https", "example.com"),
    ("https://example。com", "https", "example.com"),
    ("https://example．com", "https", "example.com"),
    ("https://example｡com", "https", "example.com"),
    ("https://exa\u00admple.com", "https", "example.com"),
    ("https://exa\u200bmple.com", "https", "example.com"),
    ("https://bücher.example", "https", "xn--bcher-kva.example"),
    ("https://BÜCHER.example", "https", "xn--bcher-kva.example"),
    ("https://straße.example", "https", "xn--strae-oqa.example"),
    ("https://例え.example", "https", "xn--r8jz45g.example"),
    ("http://127.0.0.1/", "http", "127.0.0.1"),
    ("http://127.1/", "http", "127.0.0.1"),
    ("http://127.0.1/", "http", "127.0.0.1"),
    ("http://2130706433/", "http", "127.0.0.1"),
    ("http://0x7f000001/", "http", "127.0.0.1"),
    ("http://0x7f.1/", "http", "127.0.0.1"),
    ("http://0177.0.0.1/", "http", "127.0.0.1"),
    ("http://017700000001/", "http", "127.0.0.1"),
    ("http://0x7f.0x0.0x0.0x1/", "http", "127.0.0.1"),
    ("http://0/", "http", "0.0.0.0"),  # noqa: S104
    ("http://127.0.0.1./", "http", "127.0.0.1"),
    ("http://①②⑦.⓪.⓪.①/", "http", "127.0.0.1"),
    ("http://１２７.０.０.１/", "http", "127.0.0.1"),
    ("http://256.256.256.256/", None, ""),
    ("http://1.2.3.4.5/", None, ""),
    ("http://1.2.3.08/", None, ""),
    ("http://4294967296/", None, ""),
    ("http://1.2.3.4x/", "http", "1.2.3.4x"),
    ("http://[::1]/", "http", "::1"),
    ("http://[0:0:0:0:0:0:0:1]/", "http", "::1"),
    ("http://[::ffff:127.0.0.1]/", "http", "127.0.0.1"),
    ("http://[::ffff:7f00:1]/", "http", "127.0.0.1"),
    ("http://[::127.0.0.1]/", "http", "127.0.0.1"),
    ("http://[64:ff9b::a9fe:a9fe]/", "http", "169.254.169.254"),
    ("http://[2002:7f00:1::]/", "http", "127.0.0.1"),
    ("http://[2001:db8::1]/", "http", "2001:db8::1"),
    ("http://[::1/", None, ""),
    ("http://[:::1]/", None, ""),
    ("ws://example.com/x", "ws", "example.com"),
    ("ftp://user@example.com/x", "ftp", "example.com"),
    ("javascript:alert(1)", "javascript", ""),
    ("java\nscript:alert(1)", "javascript", ""),
    ("data:text/html,x", "data", ""),
    ("mailto:ann@example.com", "mailto", ""),
    ("file:///etc/passwd", "file", ""),
    ("file://host.example/share", "file", "host.example"),
)


@pytest.mark.parametrize(("text", "scheme", "host"), CASES, ids=range(len(CASES)))
def test_scheme_and_host_are_those_of_the_standard(text: str, scheme: str | None, host: str) -> None:
    found = parse(text)
    if scheme is None:
        assert found is None
    else:
        assert found is not None
        assert (found.scheme, found.host) == (scheme, host)


def test_what_stands_around_the_host_is_kept_apart() -> None:
    found = parse("https://user:pass@example.com:8443/a/b?c=d#e")
    assert found is not None
    assert (found.username, found.password, found.port) == ("user", True, "8443")
    assert (found.path, found.query, found.fragment) == ("/a/b", "c=d", "e")
    assert found.kind is HostKind.DOMAIN
    assert found.ip is None


def test_an_address_is_one_however_it_is_written() -> None:
    found = parse("http://0xa9fea9fe/latest")
    assert found is not None
    assert found.ip == ipaddress.IPv4Address("169.254.169.254")


@given(st.integers(0, 2**32 - 1))
def test_every_notation_of_an_address_is_that_address(number: int) -> None:
    plain = str(ipaddress.IPv4Address(number))
    for form in (str(number), hex(number), f"0{number:o}", f"[::ffff:{plain}]", f"[64:ff9b::{plain}]"):
        found = parse(f"http://{form}/")
        assert found is not None
        assert found.host == plain


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = parse(text)
    assert found is None or found.href


def test_half_a_surrogate_pair_is_read_as_browsers_read_it() -> None:
    found = parse("https://example.com/\ud800")
    assert found is not None
    assert found.path == "/%EF%BF%BD"
    assert parse("https://\ud800.example/") is None
    below = resolve("b\udfff", "https://example.com/a")
    assert below is not None
    assert below.path == "/b%EF%BF%BD"


@pytest.mark.parametrize(
    ("text", "inner"), [("::1", None), ("2001:db8::1", None), ("::ffff:1.2.3.4", "1.2.3.4"), ("::1.2.3.4", "1.2.3.4")]
)
def test_unmapped(text: str, inner: str | None) -> None:
    found = unmapped(ipaddress.IPv6Address(text))
    assert (None if found is None else str(found)) == inner


def test_a_label_that_decodes_to_nothing_stays() -> None:
    assert unicode_host("xn--bcher-kva.example") == "bücher.example"
    assert unicode_host("xn--\u0000.example") == "xn--\u0000.example"
