"""Signed notes: a published one, laws, and everything that is not one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.ledger.note import (
    COSIGNATURE,
    MAX_NOTE,
    MAX_SIGNATURES,
    Cosigner,
    Note,
    NoteError,
    Signature,
    Signer,
    Verifier,
    parse,
    signatures,
    signed,
    verified,
)
from tests.ledger import independent

# Of the documentation of golang.org/x/mod/sumdb/note, where the form was first written down.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

ONE = Signer("one.example/log", bytes(range(32)))
TWO = Signer("two.example/log", bytes(range(1, 33)))
WITNESS = Cosigner("witness.example/w", bytes(range(2, 34)), clock=lambda: 1_679_315_147.9)
TEXT = "first\n\nthird\n"


def test_a_published_note() -> None:
    key = Verifier.parse(GO_KEY)
    note = parse(GO_NOTE)
    assert note.text == GO_TEXT
    assert [one.key for one in verified(note, [key])] == [key]
    assert Signer.parse(GO_PRIVATE).verifier == key
    assert signed(GO_TEXT, [Signer.parse(GO_PRIVATE)]).encode() == GO_NOTE
    assert Signer.parse(GO_PRIVATE).encode() == GO_PRIVATE
    assert key.encode() == GO_KEY
    assert independent.signed_by(GO_NOTE, GO_KEY)


def test_several_sign_and_each_is_told_apart() -> None:
    note = signed(TEXT, [ONE, TWO, WITNESS])
    keys = [TWO.verifier, ONE.verifier, WITNESS.verifier]
    assert [one.key.name for one in verified(parse(note.encode()), keys)] == [ONE.name, TWO.name, WITNESS.name]
    assert verified(note, [WITNESS.verifier])[0].time == 1_679_315_147
    for key in keys:
        assert independent.signed_by(note.encode(), key.encode())


def test_a_cosignature_covers_its_time() -> None:
    line = WITNESS.sign(TEXT)
    assert WITNESS.verifier.kind == COSIGNATURE
    assert len(line.value) == 72
    later = Signature(line.name, line.id, (1_679_315_148).to_bytes(8, "big") + line.value[8:])
    with pytest.raises(NoteError, match="not the key's"):
        WITNESS.verifier.verify(TEXT, later)


def test_the_same_key_of_another_type_is_another_key() -> None:
    plain = Verifier(WITNESS.name, WITNESS.verifier.public)
    assert plain.id != WITNESS.verifier.id
    with pytest.raises(NoteError, match="no known key"):
        verified(signed(TEXT, [WITNESS]), [plain])


@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]) | st.just("\n")).map(lambda text: text + "\n")
)
def test_what_is_signed_is_read_back(text: str) -> None:
    note = signed(text, [ONE, WITNESS])
    assert parse(note.encode()) == parse(note.encode().encode()) == note
    assert len(verified(note, [ONE.verifier, WITNESS.verifier])) == 2


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    written = signed(TEXT, [ONE]).encode().encode()
    place = data.draw(st.integers(0, len(written) - 1))
    changed = written[:place] + bytes([written[place] ^ data.draw(st.integers(1, 255))]) + written[place + 1 :]
    with pytest.raises(NoteError):
        verified(parse(changed), [ONE.verifier])


def test_unknown_keys_are_ignored_and_a_wrong_signature_of_a_known_one_is_not() -> None:
    good = ONE.sign(TEXT)
    fake = Signature(TWO.name, TWO.verifier.id, good.value)
    note = Note(TEXT, (fake, good))
    assert [one.key for one in verified(note, [ONE.verifier])] == [ONE.verifier]
    with pytest.raises(NoteError, match="not the key's"):
        verified(note, [ONE.verifier, TWO.verifier])
    with pytest.raises(NoteError, match="no known key"):
        verified(note, [WITNESS.verifier])
    with pytest.raises(NoteError, match="no known key"):
        verified(note, [])


def test_a_key_counts_once() -> None:
    assert len(verified(Note(TEXT, (ONE.sign(TEXT), ONE.sign(TEXT))), [ONE.verifier])) == 1


LINE = ONE.sign(TEXT).line()


@pytest.mark.parametrize(
    "written",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\nno dash\n",
        f"text\n{LINE}",
        f"text\n\n{LINE[:-1]}",
        f"te\txt\n\n{LINE}",
        f"te\rxt\n\n{LINE}",
        f"text\n\n{LINE}\n",
        f"text\n\n{LINE.replace(' ', '  ')}",
        f"text\n\n{LINE.replace('— ', '- ')}",
        f"text\n\n— a+b {LINE.split()[2]}\n",
        "text\n\n— name AAAA\n",
        "text\n\n— name AAAAAA=\n",
        "text\n\n— name AAAAAAB=\n",  # not the canonical base64 of its bytes
        f"text\n\n{LINE * (MAX_SIGNATURES + 1)}",
        f"{'x' * MAX_NOTE}\n\n{LINE}",
        b"t\xff\n\n" + LINE.encode(),
        "\ud800\n\n" + LINE,
    ],
)
def test_what_is_no_note(written: str | bytes) -> None:
    with pytest.raises(NoteError):
        parse(written)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        "name+c74f20a3",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("Peter", "Other"),
        GO_KEY[:-4],
        GO_KEY.replace("PeterNeumann", ""),
        "x+00000000+" + base64.b64encode(b"\x09" + bytes(32)).decode(),
        GO_PRIVATE,
    ],
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(key)
    with pytest.raises(NoteError):
        Signer.parse(key if key != GO_PRIVATE else GO_PRIVATE.replace("c74f20a3", "00000000"))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\x7fb"])
def test_names_that_no_key_may_have(name: str) -> None:
    with pytest.raises(NoteError, match="name"):
        Signer(name, bytes(32))


def test_a_private_key_shows_in_nothing_but_its_written_form() -> None:
    assert ONE.encode() not in repr(ONE)
    assert base64.b64encode(bytes(range(32))).decode() not in repr(ONE)
    with pytest.raises(NoteError, match="another type"):
        Signer.parse(WITNESS.encode())
    assert Cosigner.parse(WITNESS.encode()).verifier == WITNESS.verifier
    with pytest.raises(NoteError, match="32 bytes"):
        Signer("x", bytes(31))
    for text in ("no line feed", "con\ttrol\n"):
        with pytest.raises(NoteError):
            signed(text, [ONE])
    with pytest.raises(NoteError):
        signatures("")
