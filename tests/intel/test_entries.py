"""Whatever sources write becomes one written form; what would stop half of the network is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.indicators import IndicatorKind, Tlp
from chatward.intel.entries import normalise, seconds, share, tlp

URL, DOMAIN, IP = IndicatorKind.URL, IndicatorKind.DOMAIN, IndicatorKind.IP

TAKEN = {
    "http://evil.example.net/login": (URL, "evil.example.net/login"),
    "hxxps://evil[.]example[.]net/login": (URL, "evil.example.net/login"),
    "hXXp[:]//evil(.)example.net/": (URL, "evil.example.net"),
    "https://WWW.Evil.Example.Net:443//a//b/?x=1#f": (URL, "evil.example.net/a/b?x=1"),
    "http://evil.example.net:8080/%61": (URL, "evil.example.net:8080/a"),
    "http://user:word@evil.example.net/": (URL, "evil.example.net"),
    "http://evil.example.net/%2f%3F": (URL, "evil.example.net/%2f%3F"),
    "http://203.0.113.9/a": (URL, "203.0.113.9/a"),
    "http://3405803785/a": (URL, "203.0.113.9/a"),
    "evil.example.net/path": (URL, "evil.example.net/path"),
    "Evil.Example.NET.": (DOMAIN, "evil.example.net"),
    "*.evil.example.net": (DOMAIN, "evil.example.net"),
    "evil[dot]example[.]net": (DOMAIN, "evil.example.net"),
    "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example": (DOMAIN, "xn--bcher-kva.example"),
    "203.0.113.9": (IP, "203.0.113.9"),
    "203.0.113.9:443": (IP, "203.0.113.9"),
    "[2001:DB8::0:1]": (IP, "2001:db8::1"),
    "::ffff:203.0.113.9": (IP, "203.0.113.9"),
    "203.0.113.9/24": (IP, "203.0.113.0/24"),
    "203.0.113.9/32": (IP, "203.0.113.9"),
    "::ffff:203.0.113.0/120": (IP, "203.0.113.0/24"),
    "2001:db8::/32": (IP, "2001:db8::/32"),
    "D41D8CD98F00B204E9800998ECF8427E": (IndicatorKind.MD5, "d41d8cd98f00b204e9800998ecf8427e"),
    "a" * 40: (IndicatorKind.SHA1, "a" * 40),
    "b" * 64: (IndicatorKind.SHA256, "b" * 64),
}

REFUSED = [
    "",
    "localhost",
    "com",
    "http://localhost/x",
    "http://127.0.0.1/",
    "http://2130706433/",
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104
    "::1",
    "224.0.0.1",
    "0.0.0.0/0",
    "128.0.0.0/1",
    "::/0",
    "2000::/3",
    "127.0.0.0/8",
    "printer.local",
    "1.0.168.192.in-addr.arpa",
    "javascript:alert(1)",
    "mailto:ann@example.com",
    "file:///etc/passwd",
    "not a value",
    "a" * 33,
    "x" * 3000 + ".example",
    "http://",
]


@pytest.mark.parametrize("text", TAKEN)
def test_one_written_form(text: str) -> None:
    assert normalise(text) == TAKEN[text]


@pytest.mark.parametrize("text", TAKEN)
def test_the_written_form_stays(text: str) -> None:
    kind, value = TAKEN[text]
    assert normalise(value, kind) == (kind, value)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:24] or "empty")
def test_refused(text: str) -> None:
    assert normalise(text) is None


def test_a_hash_is_not_one_of_another_kind() -> None:
    assert normalise("a" * 40, IndicatorKind.MD5) is None


def test_warninglists_may_name_large_networks_and_suffixes() -> None:
    assert normalise("10.0.0.0/7", IP) is None
    assert normalise("10.0.0.0/7", IP, any_size=True) == (IP, "10.0.0.0/7")
    assert normalise("com", DOMAIN, any_size=True) == (DOMAIN, "com")


@given(st.text(max_size=40))
def test_whatever_is_taken_is_in_its_last_form(text: str) -> None:
    found = normalise(text)
    if found is not None:
        kind, value = found
        assert normalise(value, kind) == (kind, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-02 00:00:01", 86_401.0),
        ("1970-01-02 00:00:01 UTC", 86_401.0),
        ("1970-01-02T01:00:01.250Z", 90_001.0),
        ("1970-01-02T01:00:01+01:00", 86_401.0),
        ("1970-01-01T23:00:01-0100", 86_401.0),
        ("86400", 86_400.0),
        (86_400, 86_400.0),
        ("1970-13-01", None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
        (1e18, None),
    ],
    ids=str,
)
def test_times(text: object, expected: float | None) -> None:
    assert seconds(text) == expected


def test_words_of_sources() -> None:
    assert share("75") == 0.75
    assert share(101) is None
    assert share("high") is None
    assert tlp("TLP:WHITE") is Tlp.CLEAR
    assert tlp("tlp:amber+strict") is Tlp.AMBER_STRICT
    assert tlp("amber") is None
