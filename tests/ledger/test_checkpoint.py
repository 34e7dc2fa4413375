"""Checkpoints: their one form, and files of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.ledger.checkpoint import Checkpoint, Stack, opened, read, split
from chatward.ledger.merkle import EMPTY_ROOT
from chatward.ledger.note import NoteError, Signer
from tests.ledger import independent

KEY = Signer("log.example/a", bytes(32))
OTHER = Signer("log.example/b", bytes(range(32)))
# The example of C2SP tlog-checkpoint.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

names = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="+"), min_size=1, max_size=20)


def test_the_example_of_the_specification() -> None:
    checkpoint = read(TEXT)
    assert (checkpoint.origin, checkpoint.size, len(checkpoint.root)) == ("example.com/behind-the-sofa", 20852163, 32)
    assert checkpoint.text() == TEXT
    assert read(TEXT + "more\n").extensions == ("more",)


@given(names, st.integers(0, 2**62), st.binary(min_size=32, max_size=32), st.lists(names, max_size=3))
@settings(max_examples=15, deadline=None)  # the independent reader takes 20 ms a signature
def test_what_is_written_is_read_by_us_and_by_others(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert read(checkpoint.text()) == checkpoint
    written = checkpoint.signed([KEY]).encode()
    assert independent.read_checkpoint(written) == (origin, size, root)
    assert independent.signed_by(written, KEY.verifier.encode())
    assert opened(written, [KEY.verifier], origin)[0] == checkpoint
    with pytest.raises(NoteError, match="no known key"):
        opened(written, [OTHER.verifier])
    with pytest.raises(NoteError, match="another log"):
        opened(written, [KEY.verifier], "elsewhere.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "\nmore\n",
        TEXT.replace("20852163", "020852163"),
        TEXT.replace("20852163", "-1"),
        TEXT.replace("20852163", "+1"),
        TEXT.replace("20852163", "²"),
        TEXT.replace("20852163", "9" * 20),
        TEXT.replace("CsUY", "CsU"),
        TEXT.replace("q2I=", "q2J="),
        TEXT.replace("example.com/behind-the-sofa", ""),
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteError):
        read(text)


def test_a_stack_keeps_all_and_what_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "checkpoints")
    assert (stack.read(), stack.last()) == ([], None)
    notes = [Checkpoint("x.example", size, EMPTY_ROOT).signed([KEY]) for size in range(12)]
    for note in notes:
        stack.append(note)
    assert stack.read() == notes
    assert stack.last() == notes[-1]
    assert stack.path.stat().st_mode & 0o777 == 0o600
    whole = stack.path.read_bytes()
    for cut in range(1, 400, 11):
        stack.path.write_bytes(whole[:-cut])
        left = stack.read()
        assert left == notes[: len(left)]
        assert len(left) >= len(notes) - 3
        assert stack.last() == left[-1]
        stack.append(notes[0])  # goes on behind what was torn
        assert stack.read() == [*left, notes[0]]


def test_notes_that_follow_one_another_in_any_way() -> None:
    one, two = (Checkpoint("x.example", size, EMPTY_ROOT).signed([KEY]) for size in (1, 2))
    assert split(one.encode()) == [one]
    assert split(one.encode() + "\n" + two.encode() + "\n\n") == [one, two]
    assert split("") == split("nothing\n\nof the kind\n") == []
