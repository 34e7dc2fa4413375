"""What a key may use: exact in one process, within a bound in several, and never lost by a failing disk."""

import asyncio
import calendar
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.core.errors import IdentityError, StoreError
from chatward.identity.budgets import BudgetError, Budgets, slack_of
from chatward.identity.key_store import Budget
from chatward.stores.database import Database

NOON = calendar.timegm((2026, 3, 9, 12, 0, 0))
KEY = "key:a"


class Clock:
    now = float(NOON)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "identity.db")
    yield made
    made.close()


def made(database, clock, budget, **others):
    return Budgets(database, lambda principal: budget if principal == KEY else None, clock, 3600.0, **others)


async def admitted(budgets, times=1, principal=KEY):
    count = 0
    for _ in range(times):
        try:
            await budgets.reserve(principal)
        except BudgetError:
            continue
        count += 1
    return count


async def wait_of(budgets):
    with pytest.raises(IdentityError) as caught:
        await budgets.reserve(KEY)
    assert (caught.value.status, caught.value.reason) == (429, "budget-exceeded")
    return caught.value.retry_after


@pytest.mark.parametrize("limit", [1, 2, 7, 150])
async def test_one_process_admits_exactly_the_limit(database, clock, limit):
    budgets = made(database, clock, Budget(requests_day=limit))
    assert await admitted(budgets, limit + 20) == limit
    assert budgets.used(KEY) == {"2026-03-09": (limit, 0), "2026-03": (limit, 0)}


async def test_at_the_same_time_as_well(database, clock):
    budgets = made(database, clock, Budget(requests_day=5))
    assert sum(await asyncio.gather(*(admitted(budgets) for _ in range(20)))) == 5


async def test_a_new_day_and_a_new_month(database, clock):
    budgets = made(database, clock, Budget(requests_day=2, requests_month=3))
    assert await admitted(budgets, 3) == 2
    assert await wait_of(budgets) == 12 * 3600
    clock.now += 12 * 3600 - 1
    assert await wait_of(budgets) == 1
    clock.now += 1
    assert await admitted(budgets, 2) == 1
    assert await wait_of(budgets) == 22 * 86400
    clock.now += 22 * 86400 - 1
    assert await admitted(budgets) == 0
    clock.now += 1
    assert await admitted(budgets, 5) == 2


async def test_at_midnight_nothing_of_the_month_is_forgotten(database, clock):
    budgets = made(database, clock, Budget(requests_month=300))  # three requests may wait to be written
    clock.now += 12 * 3600 - 1
    assert await admitted(budgets, 299) == 299
    clock.now += 1
    assert await admitted(budgets, 9) == 1


async def test_december(database, clock):
    clock.now = float(calendar.timegm((2026, 12, 31, 23, 0, 0)))
    budgets = made(database, clock, Budget(requests_month=1))
    assert await admitted(budgets, 2) == 1
    assert await wait_of(budgets) == 3600
    clock.now += 3600
    assert await admitted(budgets, 2) == 1


async def test_tokens_count_afterwards(database, clock):
    budgets = made(database, clock, Budget(tokens_day=1000, tokens_month=1500))
    assert await admitted(budgets, 2) == 2
    budgets.spend(KEY, 999)
    assert await admitted(budgets) == 1
    budgets.spend(KEY, 400)
    assert await wait_of(budgets) == 12 * 3600
    assert budgets.used(KEY)["2026-03-09"] == (3, 1399)
    clock.now += 12 * 3600
    assert await admitted(budgets) == 1
    budgets.spend(KEY, 101)
    assert await wait_of(budgets) == 22 * 86400


async def test_tokens_are_never_given_back(database, clock):
    budgets = made(database, clock, Budget(tokens_day=10))
    budgets.spend(KEY, -100)
    budgets.spend(KEY, 10)
    assert await admitted(budgets) == 0


async def test_who_has_no_budget_is_not_counted(database, clock):
    budgets = made(database, clock, Budget(requests_day=1))
    assert await admitted(budgets, 50, "key:other") == 50
    budgets.spend("key:other", 10**9)
    assert budgets.used("key:other")["2026-03"] == (0, 0)


async def test_a_refused_request_is_not_counted(database, clock):
    budgets = made(database, clock, Budget(requests_day=1))
    await admitted(budgets, 10)
    assert budgets.used(KEY)["2026-03-09"] == (1, 0)


async def test_what_another_process_has_written_is_seen_at_once(database, clock, tmp_path):
    here = made(database, clock, Budget(requests_day=10))
    other = Database(tmp_path / "identity.db")
    there = made(other, clock, Budget(requests_day=10))
    assert await admitted(here, 6) == 6
    here.flush()
    assert await admitted(there, 9) == 4
    there.flush()
    assert await admitted(here) == 0
    other.close()


async def test_it_is_seen_before_anything_of_one_s_own_is_written(database, clock, tmp_path):
    here = made(database, clock, Budget(requests_day=1000))
    other = Database(tmp_path / "identity.db")
    there = made(other, clock, Budget(requests_day=1000))
    assert await admitted(there) == 1
    assert await admitted(here, 999) == 999
    here.flush()
    assert await admitted(there) == 0
    other.close()


@settings(max_examples=15, deadline=None)
@given(
    limit=st.sampled_from([1, 3, 150, 250, 900]),
    turns=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 60), st.booleans()), min_size=5, max_size=40),
)
def test_several_processes_admit_few_too_many(tmp_path_factory, limit, turns):
    """Three processes in any order: never more than ``3 * slack`` beyond the limit, and nothing is lost."""
    path = tmp_path_factory.mktemp("budgets") / "identity.db"
    budget, clock = Budget(requests_day=limit), Clock()
    databases = [Database(path) for _ in range(3)]
    processes = [made(one, clock, budget) for one in databases]
    total = 0

    async def play():
        nonlocal total
        for which, times, flush in turns:
            total += await admitted(processes[which], times)
            if flush:
                processes[which].flush()
        for process in processes:
            total += await admitted(process, 2 * limit)
        for process in processes:
            process.close()

    asyncio.run(play())
    assert limit <= total <= limit + 3 * slack_of(budget).requests
    assert processes[0].used(KEY)["2026-03-09"] == (total, 0)
    for one in databases:
        one.close()


async def test_a_process_never_holds_more_than_its_slack(database, clock):
    budgets = made(database, clock, Budget(requests_day=1000))
    for _ in range(100):
        assert await admitted(budgets, 7) == 7
        assert budgets._accounts[KEY].here.requests <= 10


@pytest.mark.parametrize(
    ("budget", "requests", "tokens"),
    [
        (Budget(requests_day=1), 1, 1000),
        (Budget(requests_day=1000, requests_month=500), 5, 1000),
        (Budget(tokens_day=10**9), 1000, 1000),
        (Budget(tokens_month=5000), 1000, 50),
    ],
)
def test_slack(budget, requests, tokens):
    assert (slack_of(budget).requests, slack_of(budget).tokens) == (requests, tokens)


async def test_what_cannot_be_written_is_kept_and_nobody_gets_in_for_it(database, clock, monkeypatch):
    budgets = made(database, clock, Budget(requests_day=200))
    assert await admitted(budgets, 2) == 2
    real = Database.writing

    def fail(_):
        raise StoreError("no")

    monkeypatch.setattr(Database, "writing", fail)
    with pytest.raises(StoreError):
        await budgets.reserve(KEY)
    monkeypatch.setattr(Database, "writing", real)
    assert await admitted(budgets, 300) == 198
    assert budgets.used(KEY)["2026-03-09"] == (200, 0)


async def test_what_is_being_written_is_not_counted_twice(database, clock, monkeypatch):
    """Between the commit and its end here, the database already holds what this process still counts as its own."""
    budget = Budget(requests_day=2)
    budgets = made(database, clock, budget)
    assert await admitted(budgets) == 1
    real, asked = Database.writing, []

    @contextmanager
    def writing(self):
        with real(self) as connection:
            yield connection
        asked.append(budgets._reserve(KEY, budget, slack_of(budget)))  # would raise where one counts as two

    monkeypatch.setattr(Database, "writing", writing)
    budgets.flush()
    assert asked == [False]
    assert await admitted(budgets, 3) == 1


async def test_counts_survive_a_restart(database, clock):
    first = made(database, clock, Budget(requests_day=5, tokens_day=100))
    assert await admitted(first, 3) == 3
    first.spend(KEY, 50)
    first.close()
    second = made(database, clock, Budget(requests_day=5, tokens_day=100))
    assert await admitted(second, 9) == 2
    assert second.used(KEY)["2026-03-09"] == (5, 50)


async def test_old_periods_go(database, clock):
    budgets = made(database, clock, Budget(requests_day=5))
    await admitted(budgets)
    budgets.flush()
    clock.now += 63 * 86400
    await admitted(budgets)
    budgets.flush()
    assert [row[0] for row in database.rows("SELECT period FROM budget_usage ORDER BY period")] == [
        "2026-03",
        "2026-05",
        "2026-05-11",
    ]
    clock.now += 800 * 86400
    await admitted(budgets)
    budgets.flush()
    assert database.row("SELECT count(*) FROM budget_usage") == (2,)
