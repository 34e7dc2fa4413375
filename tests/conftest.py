"""Settings of all tests."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared: how long an example takes says nothing here.
settings.register_profile("chatward", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chatward")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start browsers, gateways and models come first, so that workers end together."""
    slow = {item.path for item in items if item.get_closest_marker("xdist_group")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: looking through it for cycles took a fifth of the tests' time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


if TYPE_CHECKING:
    from tests.simulators.postgres import Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL server for all tests of a process."""
    from tests.simulators.postgres import Server

    server = Server()
    yield server
    server.close()
