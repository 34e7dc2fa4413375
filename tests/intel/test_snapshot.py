"""The snapshot answers as a dictionary would, and a file that is not whole is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.indicators import IndicatorKind
from chatward.intel.snapshot import KINDS, RECORD, Snapshot, SnapshotError, digest_of, key_of, write

KIND = st.sampled_from([IndicatorKind.URL, IndicatorKind.DOMAIN, IndicatorKind.SHA256])
VALUE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


def record(kind: IndicatorKind, value: str, source: int = 1, first: int = 5) -> tuple[bytes, bytes]:
    key = key_of(kind, value)
    return key, RECORD.pack(digest_of(key), source, KINDS.index(kind), 0, 0, 160, 0, first, 9, 0)


@settings(max_examples=40)
@given(
    st.dictionaries(st.tuples(KIND, VALUE), st.integers(0, 60_000), max_size=60),
    st.lists(st.tuples(KIND, VALUE), max_size=30),
)
def test_it_answers_as_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory,
    listed: dict[tuple[IndicatorKind, str], int],
    others: list[tuple[IndicatorKind, str]],
) -> None:
    path = tmp_path_factory.mktemp("s") / "snapshot"
    write(path, [record(kind, value, number) for (kind, value), number in listed.items()], {})
    snapshot = Snapshot(path)
    for kind, value in [*listed, *others]:
        expected = [listed[kind, value]] if (kind, value) in listed else []
        assert [found.source for found in snapshot.find(kind, value)] == expected


def test_two_sources_of_one_value_are_both_found(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "a.example/x", 1), record(IndicatorKind.URL, "a.example/x", 2)], {})
    assert sorted(found.source for found in Snapshot(path).find(IndicatorKind.URL, "a.example/x")) == [1, 2]


def test_a_value_of_another_kind_is_another_value(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.DOMAIN, "a.example")], {})
    snapshot = Snapshot(path)
    assert snapshot.find(IndicatorKind.DOMAIN, "a.example")
    assert not snapshot.find(IndicatorKind.URL, "a.example")


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]),
        ("10.0.0.0/8", ["10.255.1.1"], ["11.0.0.0"]),
        ("203.0.113.8/31", ["203.0.113.9"], ["203.0.113.10"]),
        ("2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::", "32.1.13.184"]),
    ],
)
def test_networks(tmp_path: Path, network: str, inside: list[str], outside: list[str]) -> None:
    path = tmp_path / "snapshot"
    length = int(network.partition("/")[2])
    prefixes = ([], [length]) if ":" in network else ([length], [])
    write(path, [record(IndicatorKind.IP, network)], {"prefixes": prefixes})
    snapshot = Snapshot(path)
    assert all(snapshot.find(IndicatorKind.IP, address) for address in inside)
    assert not any(snapshot.find(IndicatorKind.IP, address) for address in outside)


def test_an_empty_one_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    assert write(path, [], {"sources": {}}) == 0
    assert not Snapshot(path).find(IndicatorKind.URL, "a.example/x")


@pytest.mark.parametrize("length", [0, 10, 63, 64, 200, -1])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "a.example/x")], {})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SnapshotError):
        Snapshot(path)


def test_a_file_that_goes_on_after_its_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "a.example/x")], {})
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SnapshotError):
        Snapshot(path)


@pytest.mark.parametrize("place", range(12))
def test_every_byte_of_a_digest_counts(tmp_path: Path, place: int) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "a.example/x")], {})
    data = bytearray(path.read_bytes())
    digest = digest_of(key_of(IndicatorKind.URL, "a.example/x"))
    data[data.index(digest) + place] ^= 1
    path.write_bytes(data)
    assert not Snapshot(path).find(IndicatorKind.URL, "a.example/x")


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "a.example/x")], {})
    path.write_bytes(b"CWINTEL0" + path.read_bytes()[8:])
    with pytest.raises(SnapshotError):
        Snapshot(path)


def test_a_reader_keeps_the_file_that_it_opened(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.URL, "old.example/x")], {})
    old = Snapshot(path)
    write(path, [record(IndicatorKind.URL, "new.example/x")], {})
    assert old.find(IndicatorKind.URL, "old.example/x")
    assert not old.find(IndicatorKind.URL, "new.example/x")
    assert Snapshot(path).find(IndicatorKind.URL, "new.example/x")


def test_the_filter_keeps_most_of_what_is_not_listed_away(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    write(path, [record(IndicatorKind.DOMAIN, f"h{n}.example") for n in range(4000)], {})
    snapshot = Snapshot(path)
    passed = 0

    def counted(key: bytes) -> list[object]:
        nonlocal passed
        passed += 1
        return []

    snapshot._confirm = counted  # type: ignore[method-assign,assignment]
    for n in range(10_000):
        snapshot.find(IndicatorKind.DOMAIN, f"other{n}.example")
    assert passed < 60
