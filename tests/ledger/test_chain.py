"""The chain: what it covers, and that a body has one reading."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.ledger.chain import EMPTY, GENESIS, body, link

texts = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12)
members = st.tuples(
    st.integers(1, 10**9), st.integers(0, 2**62), texts, texts, texts.map(lambda text: f'{{"a":"{text}"}}'.encode())
)


def test_the_rule_in_the_docstring() -> None:
    assert sha256(b"chatward ledger 1").digest() == GENESIS
    assert EMPTY == (0, GENESIS)
    entry = body(1, 5, "a:b:c", "x", b"{}")
    assert entry == b"1\n5\na:b:c\nx\n{}"
    assert link(GENESIS, entry) == sha256(GENESIS + entry).digest()


@given(members, members)
def test_different_entries_have_different_bodies(
    first: tuple[int, int, str, str, bytes], second: tuple[int, int, str, str, bytes]
) -> None:
    assert (body(*first) == body(*second)) == (first == second)


@pytest.mark.parametrize(("event", "exchange", "fields"), [("a\nb", "", b""), ("", "x\n", b""), ("", "", b"{\n}")])
def test_line_feeds_are_refused(event: str, exchange: str, fields: bytes) -> None:
    with pytest.raises(ValueError, match="line feed"):
        body(1, 1, event, exchange, fields)
