"""Who is told of alerts, and how often: signed webhooks, and whatever apprise knows.

The rules:

1. An alert is due for a target until the target took a message with it; what goes on is due again after ``repeat``.
2. Between two messages lie ``gather`` seconds at least, and in any hour there are at most ``per_hour``: what comes
   meanwhile stands in the next one, at most ``MOST`` alerts and the number of those left out of its text.
3. A message that was not taken is sent again as it was, with the same id, after pauses that grow as a follower's.
4. Each target has a thread. One that hangs holds up no other.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from chatward.core.errors import ConfigError, StoreError
from chatward.monitoring.alerts import MOST, Alert, Alerts
from chatward.monitoring.cursors import Cursors
from chatward.monitoring.follower import FIRST, LONGEST
from chatward.monitoring.levels import Level
from chatward.monitoring.receivers import Secret
from chatward.monitoring.sinks import SinkError, post, tls
from chatward.monitoring.syslog import timestamp
from chatward.monitoring.webhooks import secret_of, signed
from chatward.settings.monitoring import AlertTarget

LOOK: Final = 1.0
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. ``more``: alerts that it does not list."""

    id: str
    at: float
    host: str
    alerts: Sequence[Alert]
    more: int = 0
    test: bool = False

    @property
    def title(self) -> str:
        """One line."""
        if self.test:
            return f"Chatward at {self.host}: a test"
        worst = max(self.alerts, key=lambda one: one.level)
        rest = len(self.alerts) + self.more - 1
        return f"Chatward at {self.host}: {worst.title}" + (f" and {rest} more" if rest else "")

    @property
    def text(self) -> str:
        """Lines for people."""
        if self.test:
            return "This is a test. Alerts will look like this, and say what was seen."
        lines = [
            f"{one.level.label}: {one.title}{f' ({one.about})' if one.about else ''}, {one.count} times,"
            f" last {timestamp(one.last_at)}, entry {one.last_seq} [{one.rule}]"
            for one in self.alerts
        ]
        return "\n".join([*lines, *([f"and {self.more} more"] if self.more else [])])

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        return {
            "type": "chatward.test" if self.test else "chatward.alert",
            "timestamp": timestamp(int(self.at * 1e9)),
            "data": {
                "host": self.host,
                "title": self.title,
                "alerts": [one.as_object() for one in self.alerts],
                "more": self.more,
            },
        }


class Post(Protocol):
    """Delivers a message. Raises ``SinkError``."""

    def __call__(self, message: Message) -> None: ...


def webhook(url: str, secret: bytes, ca_file: str | None, clock: Callable[[], float] = time.time) -> Post:
    """Standard Webhooks by POST."""
    context = tls(ca_file) if url.startswith("https:") else None

    def deliver(message: Message) -> None:
        body = orjson.dumps(message.as_object())
        headers = {
            **signed(secret, message.id, int(clock()), body),
            "content-type": "application/json",
            "user-agent": "chatward",
        }
        status = post(url, headers, body, context)
        if not 200 <= status < 300:
            raise SinkError(f"it answered {status}")

    return deliver


def by_apprise(address: str) -> Post:
    """Mail, chat and pagers by apprise. Raises ``ConfigError`` where it is not installed or knows no such address."""
    try:
        import apprise  # noqa: PLC0415 - of the extra `siem`
    except ImportError as error:
        said = 'alerts by apprise need the extra `siem`: uv pip install "chatward[siem]"'
        raise ConfigError(said, key="alerts.kind", reason="extra-missing") from error
    kinds = {
        Level.INFORMATIONAL: apprise.NotifyType.INFO,
        Level.LOW: apprise.NotifyType.INFO,
        Level.MEDIUM: apprise.NotifyType.WARNING,
        Level.HIGH: apprise.NotifyType.WARNING,
        Level.CRITICAL: apprise.NotifyType.FAILURE,
    }
    people = apprise.Apprise()
    if not people.add(address):
        raise ConfigError("an address of [[alerts]] is none that apprise knows", key="alerts.address")

    def deliver(message: Message) -> None:
        worst = max((one.level for one in message.alerts), default=Level.INFORMATIONAL)
        if not people.notify(
            body=message.text, title=message.title, notify_type=kinds[worst], body_format=apprise.NotifyFormat.TEXT
        ):
            raise SinkError("apprise could not deliver it")

    return deliver


def deliverer(target: AlertTarget, secret: Secret) -> Post:
    """From settings. Raises ``ConfigError``."""
    if target.kind == "apprise":
        return by_apprise(secret(target.address))
    return webhook(target.address, secret_of(secret(target.secret or "")), target.ca_file)


class Telling:
    """Tells one target. ``step`` does what is due now; ``run`` goes on."""

    def __init__(
        self,
        target: AlertTarget,
        alerts: Alerts,
        cursors: Cursors,
        deliver: Post,
        host: str,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._target = target
        self._least = Level[target.level.upper()]
        self._alerts = alerts
        self._cursors = cursors
        self._deliver = deliver
        self._host = host
        self._clock = clock
        self._chance = chance
        self._sent: deque[float] = deque()
        self._message: Message | None = None
        self._meant: list[Alert] = []
        self._failures = 0

    def step(self) -> float:
        """Sends at most one message; the seconds to wait before the next step."""
        now = self._clock()
        wait = self._wait(now)
        if wait > 0:
            return wait
        try:
            if self._message is None and not self._gathered(now):
                return LOOK
            assert self._message is not None
            self._deliver(self._message)
            self._alerts.told(self._target.name, self._meant, now)
            self._cursors.move(self._target.name, 0, b"", now)
        except (SinkError, StoreError) as error:
            self._failures += 1
            said = error.public if isinstance(error, StoreError) else str(error)
            self._note(said, now)
            return min(LONGEST, FIRST * 2.0 ** min(self._failures - 1, 16)) * (1.0 - self._chance() / 2)
        self._sent.append(now)
        self._message, self._failures = None, 0
        return LOOK

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            stop.wait(self.step())

    def _wait(self, now: float) -> float:
        while self._sent and self._sent[0] <= now - HOUR:
            self._sent.popleft()
        if self._sent and now < self._sent[-1] + self._target.gather:
            return self._sent[-1] + self._target.gather - now
        if len(self._sent) >= self._target.per_hour:
            return self._sent[0] + HOUR - now
        return 0.0

    def _gathered(self, now: float) -> bool:
        due = self._alerts.due(self._target.name, self._least, self._target.rules, now, self._target.repeat)
        if not due:
            return False
        shown = sorted(due, key=lambda one: (-one.level, one.id))[:MOST]
        self._meant = due
        self._message = Message(f"msg_{secrets.token_hex(12)}", now, self._host, shown, len(due) - len(shown))
        return True

    def _note(self, said: str, now: float) -> None:
        try:
            self._cursors.failed(self._target.name, said, now)
        except StoreError:
            return  # the file fails too: the message is sent again
