"""The bytes of a file as messages carry it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.files.decoding import Undecodable, declared_of, decoded, is_reference


@given(st.binary(max_size=300), st.booleans(), st.booleans(), st.integers(1, 80))
def test_every_way_of_writing_base64_gives_the_same_bytes(data: bytes, urlsafe: bool, padded: bool, width: int) -> None:
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    text = text if padded else text.rstrip("=")
    lines = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
    assert decoded(lines) == data
    assert decoded(f"data:text/plain;charset=utf-8;BASE64,{text}") == data
    assert decoded(f"DATA:;base64,{text.replace('+', '%2B').replace('/', '%2f')}") == data


@given(st.binary(max_size=100))
def test_percent_encoded_data(data: bytes) -> None:
    assert decoded("data:text/html," + "".join(f"%{one:02x}" for one in data)) == data


@pytest.mark.parametrize(
    "data",
    [
        "QUJD=QUJD",
        "QUJD====",
        "A",
        "QUJ*",
        "data:text/plain;base64,QU=JD",
        "data:text/plain",
        "QUJD\0",
        "ＱＵＪＤ",
        "../x",
    ],
)
def test_what_could_be_read_in_two_ways_is_not_guessed_at(data: str) -> None:
    with pytest.raises(Undecodable):
        decoded(data)


@pytest.mark.parametrize("data", ["https://example.com/a", "HTTP://x", "gs://bucket/a", "file:///etc/passwd", "s3:x"])
def test_an_address_is_no_file(data: str) -> None:
    assert is_reference(data)


def test_data_are_no_address() -> None:
    assert not is_reference("data:image/png;base64,AAAA")
    assert not is_reference("AAAA")


def test_the_declared_type_is_the_one_in_front() -> None:
    assert declared_of("Data:Image/PNG;x=y;base64,AAAA") == "image/png"
    assert declared_of("AAAA") == ""
