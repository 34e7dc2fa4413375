"""HTTP Strict Transport Security (RFC 6797) on the gateway: every answer over TLS says to come by TLS only.

The rules:

1. Only where TLS is spoken here or by a proxy in front: over plain HTTP the header must not be sent (section 7.2).
2. A year (section 6.1.1). Other hosts below this name are not ours to speak for: no ``includeSubDomains``.
"""

from __future__ import annotations

from typing import Any, Final

HEADER: Final = ("strict-transport-security", "max-age=31536000")


class StrictTransport:
    """An RSGI application around another."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    async def __rsgi__(self, scope: Any, door: Any) -> None:
        await self._app.__rsgi__(scope, _Door(door))


class _Door:
    """The caller's side of one request; what is asked of it is asked of the one behind."""

    __slots__ = ("_door",)

    def __init__(self, door: Any) -> None:
        self._door = door

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    def __call__(self) -> Any:
        return self._door()

    def __aiter__(self) -> Any:
        return self._door.__aiter__()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._door.response_bytes(status, [*headers, HEADER], body)

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        self._door.response_empty(status, [*headers, HEADER])

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Any:
        return self._door.response_stream(status, [*headers, HEADER])
