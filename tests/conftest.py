"""Settings of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared: how long an example takes says nothing here.
settings.register_profile("chatward", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chatward")

if TYPE_CHECKING:
    from tests.simulators.postgres import Server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL server for all tests of a process."""
    from tests.simulators.postgres import Server

    server = Server()
    yield server
    server.close()
