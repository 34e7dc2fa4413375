"""Settings of all tests."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines are shared: how long an example takes says nothing here.
settings.register_profile("chatward", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("chatward")
