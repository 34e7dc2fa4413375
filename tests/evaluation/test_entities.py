from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatward.evaluation.entities import CORPORA, OURS, PRESIDIO, named
from chatward.evaluation.metrics import Span
from chatward.ward import Ward

spans = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 6), st.sampled_from(["EMAIL", "PHONE", "unknown"])).map(
        lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=8,
)


def test_names_come_under_one_kind_and_unknown_ones_are_left_out() -> None:
    assert named([(0, 3, "PER"), (5, 9, "creative-work"), (10, 12, "GPE")], CORPORA) == (
        (0, 3, "PERSON"),
        (10, 12, "PLACE"),
    )
    assert set(OURS.values()) >= set(PRESIDIO.values())
    assert set(CORPORA.values()) == set(OURS.values())


@given(spans)
def test_of_overlapping_spans_of_a_kind_the_longest_stays(drawn: list[Span]) -> None:
    kept = named(drawn, OURS)
    assert set(kept) <= set(drawn)
    for number, (start, end, kind) in enumerate(kept):
        assert all(kind != other or end <= begin or stop <= start for begin, stop, other in kept[:number])
    for start, end, kind in drawn:
        if kind in OURS:
            meeting = [b for b in kept if b[2] == kind and b[0] < end and start < b[1]]
            assert any(stop - begin >= end - start for begin, stop, _ in meeting)


def test_what_the_guards_call_common_values_is_known() -> None:
    verdict = Ward().check("ann@example.com, card 4111 1111 1111 1111, from 192.0.2.7, IBAN DE89370400440532013000")
    found = {kind for _, _, kind in named([(*one.span, one.entity) for one in verdict.findings if one.entity], OURS)}
    assert found >= {"EMAIL", "CARD", "IP", "IBAN"}
