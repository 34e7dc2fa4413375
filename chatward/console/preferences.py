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

from chatward.console.wording import CATALOGS

COOKIE: Final = "chatward_view"
THEMES: Final = ("system", "light", "dark")
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "de": "Deutsch"}
ZONES: Final = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Sao_Paulo", "Africa/Johannesburg", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
"""Zones that are offered."""
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
        return CATALOGS[self.language]

    def clock(self, nanoseconds: int) -> str:
        """A time of the ledger as it is read, to the second."""
        return self.moment(nanoseconds / 1e9, "%Y-%m-%d %H:%M:%S")

    def moment(self, seconds: float, form: str = "%Y-%m-%d %H:%M") -> str:
        try:
            return datetime.fromtimestamp(seconds, UTC).astimezone(_zone(self.zone)).strftime(form)
        except (ValueError, OverflowError, OSError):  # beyond what calendars here reach
            return "9999-12-31 23:59"


def preferences(headers: _Fields) -> Preferences:
    """What the cookie says, else the language that the browser asks for (RFC 9110, 12.5.4; weights left out)."""
    if found := _COOKIE.search(headers.get("cookie") or ""):
        return chosen(found[1], found[2].replace("~", "/"), found[3])
    for part in (headers.get("accept-language") or "").lower().split(","):
        language = part.partition(";")[0].strip().partition("-")[0]
        if language in LANGUAGES:
            return Preferences(language)
    return Preferences()


def chosen(language: str, zone: str, theme: str) -> Preferences:
    return Preferences(
        language if language in LANGUAGES else "en",
        zone if zone in ZONES else "UTC",
        theme if theme in THEMES else "system",
    )


@lru_cache(len(ZONES))
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no time zones on this machine
        return UTC
