"""One spelling for one token."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core import base64url

SPELLING = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= \n\r\t.é", max_size=12)


@given(st.binary(max_size=70))
def test_what_is_encoded_is_decoded_and_is_what_the_standard_library_says(data):
    text = base64url.encode(data)
    assert text == base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert base64url.decode(text) == data


@given(SPELLING)
def test_nothing_but_the_one_spelling_is_decoded(text):
    try:
        data = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(data) == text


@pytest.mark.parametrize(
    "text",
    ["QQ==", "QQ=", " QQ", "QQ ", "QQ\n", "Q Q", "QR", "QUJ", "A", "AAAAA", "+A", "/A", "QÁ", "QQ\0", "ＱＱ"],
)
def test_other_spellings_are_refused(text):
    with pytest.raises(ValueError, match="base64url"):
        base64url.decode(text)


def token(header: bytes = b'{"alg":"ES256"}', payload: bytes = b"x", signature: bytes = b"y") -> str:
    return ".".join(base64url.encode(part) for part in (header, payload, signature))


def test_a_compact_token_is_split():
    found = base64url.compact(token())
    assert (found.header, found.payload, found.signature) == ({"alg": "ES256"}, b"x", b"y")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "..",
        "a.b",
        token() + ".",
        token() + ".QQ",
        token() + "=",
        " " + token(),
        token(payload=b""),
        token(signature=b""),
        token(b"{}"),
        token(b'{"alg":null}'),
        token(b'["alg"]'),
        token(b'{"alg":"none","alg":"ES256"}'),
        token(b'{"alg":"ES256","jwk":{"x":"a","x":"b"}}'),
        token(b'{"alg":"ES256","n":NaN}'),
        token(b'{"alg":"ES256","crit":["exp"]}'),
        token(b'{"alg":"ES256","b64":true}'),
        token(b'\xef\xbb\xbf{"alg":"ES256"}'),
        token(b'{"alg":"ES256\xff"}'),
        token(b'{"alg":"ES256"}x'),
        token(b'{"alg":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        token(json.dumps({"alg": "ES256", "x": "a" * base64url.MAX_TOKEN}).encode()),
    ],
)
def test_everything_else_is_refused(wrong):
    with pytest.raises(ValueError):  # noqa: PT011 - one sentence for each, none of them quotes
        base64url.compact(wrong)


def test_a_refusal_quotes_nothing():
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        base64url.compact(token(b'{"alg":"ES256","secret":"canary"'))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
