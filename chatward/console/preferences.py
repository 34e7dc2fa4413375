"""How an operator likes to read: language, time zone, light or dark. A cookie holds it; it says nothing of anybody.

The rule: whatever the cookie or the browser says, the result is one of what there is; what is not, is the default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from chatward.console.wording import Counted, catalog, languages

COOKIE: Final = "chatward_view"
THEMES: Final = ("system", "light", "dark")
ZONES: Final = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Sao_Paulo", "Africa/Johannesburg", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
"""Zones that are offered."""
_UNITS: Final = ((86_400, "age_days"), (3600, "age_hours"), (60, "age_minutes"), (1, "age_seconds"))
_COOKIE: Final = re.compile(rf"(?:^|;)\s*{COOKIE}=([a-z]{{2}})\.([A-Za-z_~-]{{2,40}})\.([a-z]{{4,6}})(?:;|$)", re.ASCII)


class _Fields(Protocol):
    def get(self, key: str, default: str | None = None) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Preferences:
    language: str = "en"
    zone: str = "UTC"
    theme: str = "system"

    @property
    def cookie(self) -> str:
        return f"{self.language}.{self.zone.replace('/', '~')}.{self.theme}"

    @property
    def say(self) -> Mapping[str, str]:
        return catalog(self.language)

    def number(self, value: float, digits: int | None = None) -> str:
        """A number as the language writes it: whole, or with as many digits as ``digits`` says, or as it has."""
        written = f"{value:,}" if digits is None else f"{value:,.{digits}f}"
        return written.translate({ord(","): self.say["number_group"], ord("."): self.say["number_point"]})

    def put(self, sentence: str, *values: object, **named: object) -> str:
        """A sentence of the catalogue with its places filled. The first number, or the one called ``n``, is what a
        sentence with several forms counts. What is put there is escaped where the sentence is."""
        if isinstance(sentence, Counted):
            sentence = sentence.of(next(one for one in (*values, named.get("n")) if isinstance(one, int)))
        return sentence.format(*map(self._told, values), **{name: self._told(one) for name, one in named.items()})

    def age(self, seconds: float) -> str:
        """How long, in the largest unit of which there is one: ``5 minutes``, ``2 days``."""
        unit, key = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
        return self.put(self.say[key], round(seconds / unit))

    def clock(self, nanoseconds: int) -> str:
        """A time of the ledger as it is read, to the second: in every language in the order of ISO 8601, by which it
        sorts, and as it stands in files."""
        return self.moment(nanoseconds / 1e9, "%Y-%m-%d %H:%M:%S")

    def moment(self, seconds: float, form: str = "%Y-%m-%d %H:%M") -> str:
        try:
            return datetime.fromtimestamp(seconds, UTC).astimezone(_zone(self.zone)).strftime(form)
        except (ValueError, OverflowError, OSError):  # beyond what calendars here reach
            return "9999-12-31 23:59"

    def _told(self, value: object) -> object:
        return self.number(value) if isinstance(value, int | float) else value


def preferences(headers: _Fields) -> Preferences:
    """What the cookie says, else the language that the browser asks for (RFC 9110, 12.5.4; weights left out)."""
    if found := _COOKIE.search(headers.get("cookie") or ""):
        return chosen(found[1], found[2].replace("~", "/"), found[3])
    for part in (headers.get("accept-language") or "").lower().split(","):
        language = part.partition(";")[0].strip().partition("-")[0]
        if language in languages():
            return Preferences(language)
    return Preferences()


def chosen(language: str, zone: str, theme: str) -> Preferences:
    return Preferences(
        language if language in languages() else "en",
        zone if zone in ZONES else "UTC",
        theme if theme in THEMES else "system",
    )


@lru_cache(len(ZONES))
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no time zones on this machine
        return UTC
