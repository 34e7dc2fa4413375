"""The clocks of the law as pure functions of the calendar.

The rules:

1. **A month** (GDPR Article 12(3)) ends with the day of the same number, or with the last day of a shorter month
   (Regulation (EEC, Euratom) No 1182/71, Article 3(2)(c)). Where that is a Saturday, a Sunday or a public holiday, it
   ends with the next working day (Article 3(4)). Two more months are counted from the day of receipt too, so three
   months in all.
2. **California**: receipt is confirmed within 10 business days (11 CCR 7021(a)); the request is answered within 45
   calendar days of receipt, and within 90 where the person was told of the delay (7021(b), Civil Code 1798.130(a)(2)).
3. **A breach**: the authority within 72 hours of awareness (GDPR Article 33(1)), which are hours and stop for no
   holiday; under HIPAA, individuals within 60 calendar days of discovery (45 CFR 164.404(b), 164.410(b)).

``holidays`` are the public holidays of the place; nothing is known about them here. The first day is not counted
(1182/71, Article 3(1)). Days are those of the controller's time zone, which is for the caller to settle.
"""

from __future__ import annotations

import calendar
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Final

NO_HOLIDAYS: Final[AbstractSet[date]] = frozenset()
_FRIDAY: Final = 4


def months_after(day: date, months: int) -> date:
    """The day of the same number, ``months`` later; the last of the month where it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def is_working(day: date, holidays: AbstractSet[date] = NO_HOLIDAYS) -> bool:
    return day.weekday() <= _FRIDAY and day not in holidays


def working(day: date, holidays: AbstractSet[date] = NO_HOLIDAYS) -> date:
    """The day, or the next working day after it."""
    while not is_working(day, holidays):
        day += timedelta(days=1)
    return day


def business_days_after(day: date, count: int, holidays: AbstractSet[date] = NO_HOLIDAYS) -> date:
    """The ``count``-th working day after ``day``."""
    for _ in range(count):
        day = working(day + timedelta(days=1), holidays)
    return day


def gdpr_answer(received: date, *, extended: bool = False, holidays: AbstractSet[date] = NO_HOLIDAYS) -> date:
    """The last day to answer a request under GDPR Article 12(3)."""
    return working(months_after(received, 3 if extended else 1), holidays)


def gdpr_extension(received: date, holidays: AbstractSet[date] = NO_HOLIDAYS) -> date:
    """The last day to tell a person that it takes longer, and why."""
    return gdpr_answer(received, holidays=holidays)


def ccpa_confirmation(received: date, holidays: AbstractSet[date] = NO_HOLIDAYS) -> date:
    """The last day to confirm that a request has come."""
    return business_days_after(received, 10, holidays)


def ccpa_answer(received: date, *, extended: bool = False) -> date:
    """The last day to answer a request to know, delete or correct. Calendar days, whatever day it ends on."""
    return received + timedelta(days=90 if extended else 45)


def breach_authority(aware: datetime, hours: int = 72) -> datetime:
    """When the authority has been told at the latest. ``aware`` has a time zone."""
    return aware + timedelta(hours=hours)


def breach_individuals(discovered: date) -> date:
    """The last day to tell individuals under HIPAA: without delay, and never later."""
    return discovered + timedelta(days=60)
