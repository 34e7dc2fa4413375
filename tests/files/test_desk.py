"""Files of a request: looked at once, read as text, and unread where somebody does not answer."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from chatward.channels.openai_chat import ChatCall, ChatCompletions
from chatward.core.errors import ClientError
from chatward.core.values import PartKind, Source
from chatward.files.desk import FileDesk, Seen
from chatward.files.worker import Asked
from chatward.files.workers import Failed
from chatward.guards.files.inspecting import Report, inspect
from chatward.guards.files.looking import IDS
from chatward.settings.files import Files
from tests.simulators.documents import png


class _Looking:
    """Looks at files in this process; fails as it is told."""

    def __init__(self, failing: str = "") -> None:
        self.asked: list[Asked] = []
        self.seconds: list[float] = []
        self._failing = failing

    async def report(self, asked: Asked, seconds: float) -> Report:
        self.asked.append(asked)
        self.seconds.append(seconds)
        if self._failing:
            raise Failed(self._failing)
        return inspect(asked.data, asked.name, asked.declared)

    def close(self) -> None: ...


class _Antivirus:
    def __init__(self, found: Sequence[str] | Exception) -> None:
        self._found = found

    async def scan(self, data: bytes, seconds: float) -> list[str]:
        if isinstance(self._found, Exception):
            raise self._found
        return list(self._found)


def _call(*contents: bytes | str, media: str = "text/plain") -> ChatCall:
    urls = [
        one if isinstance(one, str) else f"data:{media};base64,{base64.b64encode(one).decode()}" for one in contents
    ]
    blocks: list[Any] = [{"type": "file", "file": {"filename": "a", "file_data": one}} for one in urls]
    body = {"model": "m", "messages": [{"role": "user", "content": blocks}]}
    return ChatCompletions().parse(orjson.dumps(body))


async def _look(desk: FileDesk, call: ChatCall, *, change: bool = True) -> tuple[Seen, ...]:
    return await desk.look(call, change=change)


async def test_what_a_file_says_is_a_part_of_the_request() -> None:
    call = _call(b"hello there")
    (seen,) = await _look(FileDesk(Files(), _Looking()), call)
    part = call.parts[seen.part]
    assert (part.text, part.source, part.kind) == ("hello there", Source.DOCUMENT, PartKind.TEXT)
    sent = orjson.loads(call.body({seen.part: "HELLO"}))
    url = sent["messages"][0]["content"][0]["file"]["file_data"]
    assert base64.b64decode(url.partition(",")[2]) == b"HELLO"
    assert url.startswith("data:text/plain;base64,")


@pytest.mark.parametrize("reason", ["error", "timeout"])
async def test_a_worker_that_fails_leaves_every_guard_unavailable(reason: str) -> None:
    (seen,) = await _look(FileDesk(Files(), _Looking(reason)), _call(b"hello"))
    assert dict(seen.inspected.failed) == dict.fromkeys(IDS, reason)


@pytest.mark.parametrize(("raised", "reason"), [(OSError(), "error"), (TimeoutError(), "timeout")])
async def test_an_antivirus_that_fails_leaves_its_guard_unavailable(raised: Exception, reason: str) -> None:
    desk = FileDesk(Files(), _Looking(), _Antivirus(raised))
    (seen,) = await _look(desk, _call(b"hello"))
    assert dict(seen.inspected.failed) == {"files.malware": reason}


async def test_what_the_antivirus_finds_is_a_finding() -> None:
    (seen,) = await _look(FileDesk(Files(), _Looking(), _Antivirus(["bad-1"])), _call(b"hello"))
    assert [one.rule for one in seen.inspected.findings] == ["files.malware/clamav-bad-1"]


async def test_a_file_is_looked_at_once_for_a_while() -> None:
    now = [0.0]
    looking = _Looking()
    desk = FileDesk(Files(), looking, clock=lambda: now[0])
    for _ in range(2):
        await _look(desk, _call(b"hello"))
    assert len(looking.asked) == 1
    await _look(desk, _call(b"hello", media="text/html"))  # declared otherwise: another question
    assert len(looking.asked) == 2
    now[0] = 601
    await _look(desk, _call(b"hello"))
    assert len(looking.asked) == 3


async def test_a_file_that_could_not_be_read_is_looked_at_again() -> None:
    looking = _Looking("error")
    desk = FileDesk(Files(), looking)
    for _ in range(2):
        await _look(desk, _call(b"hello"))
    assert len(looking.asked) == 2


async def test_all_files_of_a_request_share_a_bound_in_time() -> None:
    now = [0.0]
    looking = _Looking()

    def clock() -> float:
        now[0] += 1
        return now[0]

    await _look(FileDesk(Files(seconds=10), looking, clock=clock), _call(*[b"%d" % at for at in range(32)]))
    assert looking.seconds[0] == 10
    assert min(looking.seconds) == 0  # the last ones have no time left, and count as unread where a worker is asked
    assert all(0 <= one <= 10 for one in looking.seconds)


async def test_too_many_files_are_refused() -> None:
    with pytest.raises(ClientError) as error:
        await _look(FileDesk(Files(most=2), _Looking()), _call(b"1", b"2", b"3"))
    assert error.value.reason == "too-many-files"


async def test_a_file_beyond_the_bound_is_unread_without_a_look() -> None:
    looking = _Looking()
    (seen,) = await _look(FileDesk(Files(largest=4), looking), _call(b"hello"))
    assert dict(seen.inspected.failed) == dict.fromkeys(IDS, "unreadable")
    assert not looking.asked


async def test_an_image_goes_on_without_metadata_where_something_may_be_changed() -> None:
    image = png([(b"tEXt", b"Comment\0canary")])
    for change in (True, False):
        call = _call(image, media="image/png")
        await _look(FileDesk(Files(), _Looking()), call, change=change)
        sent = orjson.loads(call.body({}))["messages"][0]["content"][0]["file"]["file_data"]
        assert (b"canary" in base64.b64decode(sent.partition(",")[2])) is not change


@pytest.mark.parametrize(("setting", "rules"), [("allow", []), ("block", ["files.type/reference"])])
async def test_an_address_is_let_through_or_told(setting: Any, rules: list[str]) -> None:
    looking = _Looking()
    (seen,) = await _look(FileDesk(Files(references=setting), looking), _call("https://example.com/a.pdf"))
    assert [one.rule for one in seen.inspected.findings] == rules
    assert not looking.asked


async def test_bytes_in_lines_are_a_file_too() -> None:
    encoded = base64.encodebytes(b"hello there, this is a longer text than one line of it would hold " * 3).decode()
    call = _call(encoded)
    (seen,) = await _look(FileDesk(Files(), _Looking()), call)
    assert call.parts[seen.part].text.startswith("hello there")


async def test_the_text_of_all_files_is_bounded_together() -> None:
    call = _call(b"a" * 60, b"b" * 60)
    first, second = await _look(FileDesk(Files(text=100), _Looking()), call)
    assert first.inspected.failed == ()
    assert dict(second.inspected.failed) == {"files.hidden": "unreadable"}
    assert call.parts[second.part].text == ""
