"""What sources need of the network: a port, so that nothing here opens a connection.

``gateway.fetching`` implements it: https or loopback only, no redirects, sizes and times bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from chatward.intel.files import SourceError

SMALL: Final = 32 * 1024 * 1024
"""Bytes of the largest answer that is read into memory."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer whose body was handed over. Names of ``headers`` are lower case."""

    status: int
    headers: Sequence[tuple[str, str]] = ()

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")


class Download(Protocol):
    """GETs ``url`` and hands the body of a 200 to ``write``, at most ``most`` bytes. Blocks. Raises ``UpstreamError``,
    also for a larger body."""

    def __call__(
        self, url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Request:
    """A way to ask one source's server: with its key and its limit."""

    download: Download
    headers: tuple[tuple[str, str], ...]
    most: int

    @property
    def stranger(self) -> Request:
        """The same for another server, which does not get the key."""
        return Request(self.download, (), self.most)

    def to_file(self, url: str, headers: Sequence[tuple[str, str]], path: Path) -> Answer:
        """Into a file, which appears whole or not at all. Its content is on disk when this returns."""
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as file:
            answer = self.download(url, [*self.headers, *headers], file.write, self.most)
        if answer.status == 200:
            part.replace(path)
        else:
            part.unlink(missing_ok=True)
        return checked(answer)

    def small(self, url: str, headers: Sequence[tuple[str, str]] = ()) -> tuple[Answer, bytes]:
        """Into memory. Raises ``SourceError`` for another status than 200."""
        body = bytearray()
        answer = self.download(url, [*self.headers, *headers], body.extend, min(self.most, SMALL))
        if checked(answer).status != 200:
            raise SourceError(f"the server answered {answer.status}", reason="intel-status")
        return answer, bytes(body)


def checked(answer: Answer) -> Answer:
    """200 and 304 are answers; anything else is a failure."""
    if answer.status in (401, 403):
        raise SourceError("the server does not accept the key", reason="intel-refused")
    if answer.status not in (200, 304):
        raise SourceError(f"the server answered {answer.status}", reason="intel-status")
    return answer
