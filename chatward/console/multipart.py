"""Forms with files: ``multipart/form-data`` (RFC 7578), as browsers write it (HTML Standard, 4.10.22.8).

The rule: a body that is not formed exactly so is refused as a whole. Names and file names come as UTF-8, with quotes
and line ends percent-encoded; what a part says of its own type is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from chatward.core.errors import ClientError

KIND: Final = "multipart/form-data"
_BOUNDARY: Final = re.compile(r'multipart/form-data\s*;\s*boundary="?([\w\'()+,./:=?-]{1,70})"?\s*', re.ASCII | re.I)
_NAMED: Final = re.compile(
    rb'content-disposition:\s*form-data\s*;\s*name="([^"\r\n]{1,200})"(?:\s*;\s*filename="([^"\r\n]{0,400})")?\s*',
    re.I,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One field; ``file`` is what a file is called, ``None`` where it is none."""

    name: str
    file: str | None
    data: bytes = field(repr=False)


def parts(kind: str, body: bytes) -> list[Part]:
    """The fields of a body. ``kind``: its ``content-type``. Raises ``ClientError``."""
    found = _BOUNDARY.fullmatch(kind)
    if found is None:
        raise ClientError("This takes the form of its page.", reason="content-type", status=415)
    first, *chunks = (b"\r\n" + body).split(b"\r\n--" + found[1].encode("ascii"))
    if first or not chunks or chunks.pop().rstrip(b"\r\n") != b"--":
        raise _malformed()
    return [_part(chunk) for chunk in chunks]


def _part(chunk: bytes) -> Part:
    head, blank, data = chunk.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    named = [one for line in lines[1:] if (one := _NAMED.fullmatch(line)) is not None]
    if lines[0] or not blank or len(named) != 1:
        raise _malformed()
    try:
        name, file = named[0][1].decode(), named[0][2]
        return Part(name, None if file is None else file.decode(), data)
    except UnicodeDecodeError:
        raise _malformed() from None


def _malformed() -> ClientError:
    return ClientError("The body is not a form.", reason="form-invalid")
