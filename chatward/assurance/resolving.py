"""DNS by dnspython, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatward.assurance.domains import PATIENCE, Resolver
from chatward.core.errors import ConfigError


class _System:
    def __init__(self, resolver: Any, errors: tuple[type[Exception], type[Exception]]) -> None:
        self._resolver = resolver
        self._none, self._failed = errors

    def records(self, name: str, kind: str) -> Sequence[str]:
        try:
            found = self._resolver.resolve(name, kind, lifetime=PATIENCE)
        except self._none:
            return ()
        except self._failed as error:
            raise OSError(str(type(error).__name__)) from error
        return ["".join(part.decode() for part in one.strings) if kind == "TXT" else one.to_text() for one in found]


def system_resolver() -> Resolver:
    """Asks whom this machine asks. Raises ``ConfigError`` where dnspython is missing."""
    try:
        from dns import exception, resolver  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            'asking DNS needs a package: uv pip install "chatward[assurance]"', reason="extra-missing"
        ) from error
    found: Any = resolver
    return _System(found.Resolver(), ((found.NXDOMAIN, found.NoAnswer), exception.DNSException))  # type: ignore[arg-type]
