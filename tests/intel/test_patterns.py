"""Of STIX patterns those are taken that name single values; what says more is refused whole."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.indicators import IndicatorKind as K
from chatward.intel.patterns import PatternError, values_of
from chatward.intel.sightings import pattern_of

TAKEN = {
    "[url:value = 'http://evil.example/x']": [(K.URL, "http://evil.example/x")],
    "[ domain-name:value='evil.example' ]": [(K.DOMAIN, "evil.example")],
    "[ipv4-addr:value = '203.0.113.9' OR ipv6-addr:value = '2001:db8::1']": [
        (K.IP, "203.0.113.9"),
        (K.IP, "2001:db8::1"),
    ],
    "[url:value = 'a'] OR [domain-name:value = 'b']": [(K.URL, "a"), (K.DOMAIN, "b")],
    "[url:value IN ('a', 'b')]": [(K.URL, "a"), (K.URL, "b")],
    "[ipv4-addr:value ISSUBSET '203.0.113.0/24']": [(K.IP, "203.0.113.0/24")],
    "[file:hashes.MD5 = 'ab']": [(K.MD5, "ab")],
    "[file:hashes.'SHA-256' = 'ab']": [(K.SHA256, "ab")],
    "[file:hashes.\"SHA-1\" = 'ab']": [(K.SHA1, "ab")],
    "[file:hashes.SHA256 = 'ab']": [(K.SHA256, "ab")],
    r"[url:value = 'it\'s \\ here']": [(K.URL, r"it's \ here")],
}

REFUSED = [
    "",
    "[]",
    "url:value = 'a'",
    "[url:value = 'a'",
    "[url:value = 'a']]",
    "[url:value = 'a'] trailing",
    "[url:value = a]",
    "[url:value != 'a']",
    "[url:value NOT = 'a']",
    "[url:value LIKE 'a%']",
    "[url:value MATCHES 'a.*']",
    "[url:value > 'a']",
    "[url:value = 'a' AND domain-name:value = 'b']",
    "[url:value = 'a'] AND [domain-name:value = 'b']",
    "[url:value = 'a'] FOLLOWEDBY [domain-name:value = 'b']",
    "[url:value = 'a'] WITHIN 5 SECONDS",
    "[url:value = 'a'] REPEATS 5 TIMES",
    "([url:value = 'a'] OR [url:value = 'b'])",
    "[(url:value = 'a')]",
    "[domain-name:value ISSUBSET 'a']",
    "[email-addr:value = 'ann@example.com']",
    "[file:name = 'x.exe']",
    "[file:hashes.'SHA-512' = 'ab']",
    "[url:value IN ()]",
    "[url:value = 'a\\b']",
    "[url:value = 'a" + "b" * 200_000 + "']",
]


@pytest.mark.parametrize("pattern", TAKEN)
def test_taken(pattern: str) -> None:
    assert values_of(pattern) == TAKEN[pattern]


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:60] or "empty")
def test_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        values_of(pattern)


@given(st.text(max_size=60))
def test_nothing_else_is_raised(text: str) -> None:
    with suppress(PatternError):
        values_of(text)


@given(st.text(min_size=1, max_size=60))
def test_what_is_exported_is_taken_again(value: str) -> None:
    assert values_of(pattern_of(K.DOMAIN, value)) == [(K.DOMAIN, value)]
