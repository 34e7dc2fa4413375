"""Decoding does not depend on how the bytes were split, and a bomb is only ever a piece in memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.gateway.content_coding import PIECE, CodingError, Inflater, coding_of


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": _raw_deflate,
}


@given(
    coding=st.sampled_from(sorted(PACKERS)),
    data=st.binary(max_size=3000),
    cuts=st.lists(st.integers(0, 3200), max_size=6),
)
def test_any_split_gives_the_original(coding: str, data: bytes, cuts: list[int]) -> None:
    packed = PACKERS[coding](data)
    edges = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    inflater = Inflater(coding)
    out = b"".join(piece for a, b in pairwise(edges) for piece in inflater.feed(packed[a:b]))
    assert out == data
    assert inflater.ended


def test_members_of_a_gzip_series_follow_each_other() -> None:
    inflater = Inflater("gzip")
    packed = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)
    assert b"".join(inflater.feed(packed)) == b"one two"
    assert inflater.ended


def test_a_bomb_comes_in_bounded_pieces() -> None:
    bomb = gzip.compress(b"\0" * (20 * PIECE), mtime=0)
    sizes = [len(piece) for piece in Inflater("gzip").feed(bomb)]
    assert sum(sizes) == 20 * PIECE
    assert max(sizes) <= PIECE


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(CodingError):
        Inflater(coding)


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", b"plain text, no gzip"),
        ("gzip", gzip.compress(b"x" * 50, mtime=0)[:-8] + b"\0" * 8),
        ("gzip", gzip.compress(b"x", mtime=0) + b"tail"),
        ("deflate", b"\xff\xff\xff\xff"),
        ("deflate", zlib.compress(b"x") + b"tail"),
    ],
)
def test_broken_data_is_an_error(coding: str, data: bytes) -> None:
    with pytest.raises(CodingError):
        list(Inflater(coding).feed(data))


def test_a_cut_body_has_not_ended() -> None:
    inflater = Inflater("gzip")
    list(inflater.feed(gzip.compress(b"hello" * 100, mtime=0)[:-3]))
    assert not inflater.ended


@pytest.mark.parametrize(("value", "coding"), [("", None), (" Identity ", None), ("GZIP", "gzip")])
def test_coding_of_a_header_value(value: str, coding: str | None) -> None:
    assert coding_of(value) == coding
