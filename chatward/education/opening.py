"""Everything of education, opened as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatward.core.errors import ConfigError
from chatward.core.ports import Entry
from chatward.education.api import EducationApi
from chatward.education.counting import TipCounts
from chatward.education.drills import DrillApi
from chatward.education.quiz import QuizApi
from chatward.education.teaching import Teaching
from chatward.education.tips import TIPS, Tip, languages
from chatward.settings import Settings
from chatward.settings.types import did_you_mean
from chatward.stores.database import Database


@dataclass(frozen=True, slots=True)
class Educating:
    """What the gateway needs. ``close`` writes what is left."""

    teaching: Teaching
    counts: TipCounts
    api: EducationApi
    database: Database
    quiz: QuizApi | None = None
    drills: DrillApi | None = None

    def close(self) -> None:
        self.counts.close()
        self.database.close()


def counts_file(settings: Settings) -> Path:
    """The file of ``[education]``."""
    return Path(settings.education.path or Path(settings.ledger.path).with_name("chatward-education.db"))


def opened(
    settings: Settings, record: Callable[[Entry], None], bot_of: Callable[[str, str], str], secret: bytes
) -> Educating | None:
    """Opens it; ``None`` where it is off, or nothing is recorded. ``bot_of`` tells the bot of a path and a model,
    ``secret`` is the key of this installation. Raises ``ConfigError`` and ``StoreError``."""
    education = settings.education
    _check(settings)
    if not education.enabled or not settings.ledger.enabled:
        return None
    database = Database(counts_file(settings))
    counts = TipCounts(database)
    teaching = Teaching(
        again_after=education.again_after,
        language=education.language,
        own={name: Tip(name, one.text, one.next) for name, one in education.own.items()},
        off=education.off,
        given=counts.add,
    )
    quiz = QuizApi(counts, language=education.language, off=education.off) if education.quiz else None
    drills = None
    if education.drills:
        drills = DrillApi(
            database,
            counts,
            record,
            bot_of,
            secret=secret,
            bots=education.drills,
            every=education.drill_every,
            language=education.language,
        )
    return Educating(teaching, counts, EducationApi(counts, record), database, quiz, drills)


def _check(settings: Settings) -> None:
    education = settings.education
    for name in education.drills:
        if name not in settings.bots:
            raise ConfigError(f"education.drills: there is no bot {name!r}.", key="education.drills")
        if settings.widget.enabled and settings.widget.bot == name:
            said = f"education.drills: {name} talks to the visitors of a widget; drills are for one's own people."
            raise ConfigError(said, key="education.drills")
    for key, names in (("off", education.off), ("own", tuple(education.own))):
        for name in names:
            if name not in TIPS:
                hint = did_you_mean(name, TIPS)
                raise ConfigError(f"education.{key}: there is no tip {name!r}{hint or '.'}", key=f"education.{key}")
    if education.language and education.language not in languages():
        there = ", ".join(languages())
        raise ConfigError(f"education.language: there are {there}.", key="education.language")
