"""Against guessing of passwords, without letting who guesses lock others out.

The rules (after OWASP, "Slow Down Online Guessing Attacks with Device Cookies"):

1. An attempt is charged before the password is looked at, in one transaction: a hundred at once are a hundred. What
   succeeds is given back.
2. **Account**: after ``free`` failures a name is looked at again only after a pause that doubles with each, ``longest``
   seconds at most. While it lasts, attempts are refused without a look, and cost nothing.
3. **Address**: each has a budget over all names (IPv6: each /64 has). A success gives its one attempt back, not the
   budget, so that an account of one's own buys no guesses.
4. **Device**: who signed in from a browser before has its cookie there, signed, for one name, good for ninety days. It
   has a budget of its own in place of both: nobody else's guessing keeps it out. Used up, it is no known device until
   the budget has grown again (an attempt in ``device_every`` seconds).
5. A **passkey** cannot be guessed, so attempts with one are charged to the device or the address alone (``admit_key``):
   who knows whose passkey it is slows nobody down with it.
6. Names that nobody has are treated as all others. Names, addresses and devices are kept as keyed digests only: people
   type passwords into the wrong field.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from chatward.core.errors import IdentityError
from chatward.identity.operators import folded
from chatward.stores.database import Database, Schema

SCHEMA: Final = Schema(
    "operator-attempts",
    (
        "CREATE TABLE operator_attempts (key BLOB PRIMARY KEY, level REAL NOT NULL, at REAL NOT NULL,"
        " until REAL NOT NULL) WITHOUT ROWID",
        "CREATE INDEX operator_attempts_at ON operator_attempts (at)",
    ),
)
DEVICE_LIFE: Final = 90 * 86_400
"""Seconds."""
_KEPT: Final = 86_400.0
"""Seconds after the last attempt that something is forgotten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """``free`` failures of a name before it is slowed down, ``longest`` pause in seconds; attempts that an address
    may make at once and the seconds in which it gets one back; the same for a known device."""

    free: int = 5
    longest: float = 300.0
    address: int = 20
    address_every: float = 30.0
    device: int = 10
    device_every: float = 8640.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was charged. ``device`` is the id of the known device, or empty."""

    name: bytes
    address: bytes
    device: str


class TooManyError(IdentityError):
    """Not looked at. ``after``: seconds to wait, whole, at least one."""

    status = 429
    reason = "too-many-attempts"

    def __init__(self, after: float) -> None:
        self.after = max(1, int(after) + 1)
        super().__init__("Too many attempts to sign in. Wait a little and try again.")


class Lockout:
    """The pace of guessing, shared by all processes on one store. ``key`` is a secret of this installation. ``clock``
    gives seconds since 1970 UTC. What it does waits for the disk: on a thread."""

    def __init__(
        self, database: Database, key: bytes, *, pace: Pace = Pace(), clock: Callable[[], float] = time.time
    ) -> None:
        database.adopt(SCHEMA)
        self._database = database
        self._key = hmac.digest(key, b"chatward operators lockout", "sha256")
        self._pace = pace
        self._clock = clock

    def admit(self, name: str, address: str, device: str | None = None) -> Attempt:
        """Charges an attempt at ``name`` from ``address``. ``device`` is the device cookie. Raises ``TooManyError``."""
        now, pace = self._clock(), self._pace
        attempt = Attempt(self._tag("name", folded(name)), self._tag("address", _network(address)), "")
        known = self._known(device, attempt.name, now)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM operator_attempts WHERE at < ? AND until < ?", [now - _KEPT, now])
            if known:
                key = self._tag("device", known)
                if _fill(connection, key, now, pace.device, pace.device_every) is None:
                    return Attempt(attempt.name, attempt.address, known)
            failures, until = _state(connection, attempt.name)
            if now < until:
                raise TooManyError(until - now)
            wait = _fill(connection, attempt.address, now, pace.address, pace.address_every)
            if wait is not None:
                raise TooManyError(wait)
            beyond = failures + 1 - pace.free
            pause = min(pace.longest, 2.0 ** min(beyond, 30)) if beyond >= 0 else 0.0
            _store(connection, attempt.name, failures + 1, now, now + pause)
        return attempt

    def admit_key(self, name: str, address: str, device: str | None = None) -> Attempt:
        """Charges an attempt with a passkey that says it is of ``name`` (empty: of nobody). Raises
        ``TooManyError``."""
        now, pace = self._clock(), self._pace
        attempt = Attempt(self._tag("name", folded(name)), self._tag("address", _network(address)), "")
        known = self._known(device, attempt.name, now)
        with self._database.writing() as connection:
            if known:
                key = self._tag("device", known)
                if _fill(connection, key, now, pace.device, pace.device_every) is None:
                    return Attempt(attempt.name, attempt.address, known)
            wait = _fill(connection, attempt.address, now, pace.address, pace.address_every)
            if wait is not None:
                raise TooManyError(wait)
        return attempt

    def succeeded(self, attempt: Attempt) -> str:
        """Gives the attempt back and forgets the failures of its name; the value for the device cookie."""
        with self._database.writing() as connection:
            if attempt.device:
                connection.execute("DELETE FROM operator_attempts WHERE key = ?", [self._tag("device", attempt.device)])
            else:
                connection.execute("DELETE FROM operator_attempts WHERE key = ?", [attempt.name])
                connection.execute(
                    "UPDATE operator_attempts SET level = max(level - 1, 0) WHERE key = ?", [attempt.address]
                )
        return self._device(attempt.name, attempt.device or secrets.token_hex(16), int(self._clock()))

    def forget(self, name: str) -> None:
        """Lifts the slow-down of a name, by an operator's hand."""
        self._database.write("DELETE FROM operator_attempts WHERE key = ?", [self._tag("name", folded(name))])

    def _device(self, name: bytes, id: str, since: int) -> str:
        mac = hmac.digest(self._key, b"cookie\0" + name + f"\0{id}\0{since}".encode(), "sha256")
        return f"{id}.{since}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def _known(self, cookie: str | None, name: bytes, now: float) -> str:
        """The device's id, if the cookie is ours, for this name and not too old; else nothing."""
        parts = (cookie or "").split(".")
        if len(parts) != 3 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 12:
            return ""
        since = int(parts[1])
        wanted = self._device(name, parts[0], since).encode("utf-8", "surrogatepass")
        same = hmac.compare_digest(wanted, (cookie or "").encode("utf-8", "surrogatepass"))
        return parts[0] if same and now - DEVICE_LIFE < since <= now else ""

    def _tag(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")


def _state(connection: sqlite3.Connection, key: bytes) -> tuple[int, float]:
    row = connection.execute("SELECT level, until FROM operator_attempts WHERE key = ?", [key]).fetchone()
    return (int(row[0]), row[1]) if row else (0, 0.0)


def _store(connection: sqlite3.Connection, key: bytes, level: float, now: float, until: float) -> None:
    connection.execute("INSERT OR REPLACE INTO operator_attempts VALUES (?, ?, ?, ?)", [key, level, now, until])


def _fill(connection: sqlite3.Connection, key: bytes, now: float, size: int, every: float) -> float | None:
    """One more into a bucket that loses one in ``every`` seconds; the seconds to wait where it would run over."""
    row = connection.execute("SELECT level, at FROM operator_attempts WHERE key = ?", [key]).fetchone()
    level = max(0.0, row[0] - max(0.0, now - row[1]) / every) if row else 0.0
    if level + 1 > size:
        return (level + 1 - size) * every
    _store(connection, key, level + 1, now, 0.0)
    return None


def _network(address: str) -> str:
    """What counts as one sender: an IPv4 address, the /64 of an IPv6 address (RFC 6177), or the text as it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
