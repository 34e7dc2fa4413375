"""The clocks of the law: the calendar's odd ends, and laws that hold for every day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.privacy import clocks

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        (date(2026, 3, 5), 1, date(2026, 4, 5)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),  # a leap year
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 15), -24, date(2024, 1, 15)),
    ],
)
def test_months_of_the_calendar(received: date, months: int, due: date) -> None:
    assert clocks.months_after(received, months) == due


def test_a_month_that_ends_on_a_day_of_rest_ends_with_the_next_working_day() -> None:
    assert clocks.gdpr_answer(date(2026, 3, 5)) == date(2026, 4, 6)  # 5 April is a Sunday
    assert clocks.gdpr_answer(date(2026, 3, 5), holidays={date(2026, 4, 6)}) == date(2026, 4, 7)  # Easter Monday
    assert clocks.gdpr_answer(date(2026, 3, 9)) == date(2026, 4, 9)
    assert clocks.gdpr_answer(date(2026, 3, 9), extended=True) == date(2026, 6, 9)  # from receipt, not from April
    assert clocks.gdpr_answer(date(2026, 1, 31), extended=True) == date(2026, 4, 30)
    assert clocks.gdpr_extension(date(2026, 3, 9)) == date(2026, 4, 9)


def test_california() -> None:
    assert clocks.ccpa_confirmation(date(2026, 3, 9)) == date(2026, 3, 23)
    assert clocks.ccpa_confirmation(date(2026, 12, 18), {date(2026, 12, 25), date(2027, 1, 1)}) == date(2027, 1, 5)
    assert clocks.ccpa_answer(date(2026, 3, 9)) == date(2026, 4, 23)
    assert clocks.ccpa_answer(date(2026, 3, 9), extended=True) == date(2026, 6, 7)  # a Sunday is a day


def test_breaches() -> None:
    aware = datetime(2026, 3, 27, 17, 0, tzinfo=UTC)  # a Friday evening: hours stop for no weekend
    assert clocks.breach_authority(aware) == datetime(2026, 3, 30, 17, 0, tzinfo=UTC)
    assert clocks.breach_authority(aware, 24) == datetime(2026, 3, 28, 17, 0, tzinfo=UTC)
    assert clocks.breach_individuals(date(2026, 3, 9)) == date(2026, 5, 8)


@given(DAYS, st.integers(-30, 30))
def test_a_month_later_is_in_that_month_and_never_later_than_its_number(day: date, months: int) -> None:
    later = clocks.months_after(day, months)
    assert later.year * 12 + later.month == day.year * 12 + day.month + months
    assert later.day <= day.day
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@given(DAYS, DAYS)
def test_who_comes_later_is_not_answered_earlier(first: date, second: date) -> None:
    first, second = sorted((first, second))
    for extended in (False, True):
        assert clocks.gdpr_answer(first, extended=extended) <= clocks.gdpr_answer(second, extended=extended)
        assert clocks.ccpa_answer(first, extended=extended) <= clocks.ccpa_answer(second, extended=extended)
    assert clocks.ccpa_confirmation(first) <= clocks.ccpa_confirmation(second)


@given(DAYS, st.integers(0, 30), st.frozensets(DAYS, max_size=20))
def test_business_days_are_working_days_and_counted_one_by_one(day: date, count: int, free: frozenset[date]) -> None:
    holidays = free | {day + timedelta(days=number) for number in (3, 4, 11)}
    end = clocks.business_days_after(day, count, holidays)
    between = [day + timedelta(days=number + 1) for number in range((end - day).days)]
    assert sum(clocks.is_working(one, holidays) for one in between) == count
    assert not between or clocks.is_working(end, holidays)
    assert clocks.is_working(clocks.gdpr_answer(day, holidays=holidays), holidays)
