"""Forms with files are read as browsers write them, and refused as a whole where they are written otherwise."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.console.multipart import parts
from chatward.core.errors import ClientError

HEAD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'


@given(st.binary(max_size=300), st.text("ab\u00e9.-_", min_size=1, max_size=20))
def test_files_come_as_they_were(data: bytes, name: str) -> None:
    sent = httpx.Request("POST", "http://x.example", data={"field": "yes"}, files={"file": (name, data)})
    found = parts(sent.headers["content-type"], sent.read())
    assert [(one.name, one.file, one.data) for one in found] == [("field", None, b"yes"), ("file", name, data)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", HEAD + b"x\r\n--b--\r\n"),
        ("multipart/form-data", HEAD + b"x\r\n--b--\r\n"),
        ("multipart/mixed; boundary=b", HEAD + b"x\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", HEAD + b"x\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"before\r\n" + HEAD + b"x\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--'),
        ("multipart/form-data; boundary=b", HEAD[:-2] + b"x\r\n--b--"),
    ],
)
def test_what_is_no_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(ClientError) as caught:
        parts(kind, body)
    assert caught.value.reason in {"content-type", "form-invalid"}
