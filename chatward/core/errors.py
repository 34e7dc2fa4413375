"""Errors that cross a boundary.

The rule: a block is a ``Verdict``, never an exception. An exception here means that Chatward could
not do its work, and it says three things: an HTTP status, a public sentence that is safe to send to
anyone, and a stable ``reason`` id (kebab-case) that programs may rely on. The cause for the log is
the chained exception; the public sentence never quotes the caller's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class ChatwardError(Exception):
    """Base of all errors. ``reason`` is stable; ``public`` is safe to send."""

    status = 500
    reason = "internal-error"

    def __init__(self, public: str, *, reason: str | None = None, status: int | None = None) -> None:
        super().__init__(public)
        self.public = public
        if reason is not None:
            self.reason = reason
        if status is not None:
            self.status = status

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """What an HTTP answer says of it in headers, beside what its status asks for anyway."""
        return ()

    @property
    def details(self) -> Mapping[str, object]:
        """What a program can do about it; stands as ``chatward`` in an answer of JSON."""
        return {}


class ConfigError(ChatwardError):
    """The configuration cannot be used; start-up is refused. Names the key and the line."""

    reason = "config-invalid"

    def __init__(
        self,
        public: str,
        *,
        key: str | None = None,
        line: int | None = None,
        file: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(public, reason=reason)
        self.key = key
        self.line = line
        self.file = file

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{where}: {self.public}" if where else self.public


class ClientError(ChatwardError):
    """The request cannot be served as it is; the caller can mend it."""

    status = 400
    reason = "bad-request"


class IdentityError(ChatwardError):
    """The caller is not known, or may not do this."""

    status = 401
    reason = "not-authenticated"


class UpstreamError(ChatwardError):
    """The guarded bot did not answer as it should."""

    status = 502
    reason = "upstream-failed"


class StoreError(ChatwardError):
    """A store or the ledger cannot write or read; the gate closes."""

    status = 503
    reason = "store-unavailable"
