"""Dates of birth.

The rule: a date is personal where the words before it say that someone was born. The date itself may be
written in any common order, with digits or the name of a month, and must be a day of the calendar from
1900 on (older ones are history).
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_checksums import plausible_date
from chatward.guards.text.pii_words import DASHES, LEFT, mentions

BIRTH_WORDS: Final = """
    born, dob, d.o.b, date of birth, birth date, birthdate*, birthday*, b-day, bday, birth, yob, geboren*, geb,
    geburt*, geburtsdatum*, né le, née le, né, née, naissance, date de naissance, nacid*, nací, nació,
    nacimiento*, cumpleaños, nascid*, nasci, nasceu, nascimento*, aniversário, nato il, nata il, nato, nata,
    nascita, compleanno, geboorte*, verjaardag, urodz*, ur dnia, data ur, födelse*, född*, fødsel*, født, fødd,
    syntynyt, syntymä*, s. aika, рожд*, родил*, д.р, др, г.р, народ*, дата народження, 出生*, 生日*, 生年月日,
    誕生日, 生まれ, 생년월일, 생일, 출생, تاريخ الميلاد, الميلاد, ولد*, जन्म*, জন্ম*, doğum*, doğdu*, doğdum,
    ngày sinh, sinh, วันเกิด, เกิด, tanggal lahir, lahir, tgl lahir, narozen*, narodený, datum narození,
    dátum narodenia, született*, születés*, născut*, nașterii, datei nasterii, rođen*, rojen*, роден*, раждане,
    γεννήθηκ*, γέννησης, תאריך לידה, נולד*, gimimo, sünniaeg, dzimšanas, fæðingardagur
"""

_MONTHS: Final = """
    jan, january, feb, february, mar, march, apr, april, may, jun, june, jul, july, aug, august, sep, sept,
    september, oct, october, nov, november, dec, december, januar, jänner, februar, märz, maerz, mai, juni, juli,
    okt, oktober, dez, dezember, janvier, février, fevrier, mars, avril, juin, juillet, août, aout, septembre,
    octobre, novembre, décembre, decembre, enero, ene, febrero, marzo, abril, abr, mayo, junio, julio, agosto,
    ago, septiembre, setiembre, octubre, noviembre, diciembre, dic, janeiro, fevereiro, fev, março, maio, junho,
    julho, setembro, set, outubro, out, novembro, dezembro, gennaio, gen, febbraio, aprile, maggio, mag, giugno,
    giu, luglio, lug, settembre, ottobre, ott, dicembre, januari, februari, maart, mrt, mei, augustus, augusti,
    stycznia, lutego, marca, kwietnia, maja, czerwca, lipca, sierpnia, września, października, listopada, grudnia,
    maj, tammikuuta, helmikuuta, maaliskuuta, huhtikuuta, toukokuuta, kesäkuuta, heinäkuuta, elokuuta, syyskuuta,
    lokakuuta, marraskuuta, joulukuuta, desember, januára, ledna, února, března, dubna, května, června, července,
    srpna, září, října, listopadu, prosince, január, március, április, május, június, július, augusztus,
    szeptember, október, januarie, ianuarie, februarie, martie, aprilie, iunie, iulie, septembrie, octombrie,
    noiembrie, decembrie, ocak, şubat, mart, nisan, mayıs, haziran, temmuz, ağustos, eylül, ekim, kasım, aralık,
    января, февраля, марта, апреля, мая, июня, июля, августа, сентября, октября, ноября, декабря, січня, лютого,
    березня, квітня, травня, червня, липня, серпня, вересня, жовтня, листопада, грудня, ιανουαρίου, φεβρουαρίου,
    μαρτίου, απριλίου, μαΐου, ιουνίου, ιουλίου, αυγούστου, σεπτεμβρίου, οκτωβρίου, νοεμβρίου, δεκεμβρίου, januari,
    februari, maret, agustus, यनवरी, जनवरी, फरवरी, मार्च, अप्रैल, मई, जून, जुलाई, अगस्त, सितंबर, अक्टूबर, नवंबर,
    दिसंबर, يناير, فبراير, مارس, أبريل, مايو, يونيو, يوليو, أغسطس, سبتمبر, أكتوبر, نوفمبر, ديسمبر
"""
# In one order in every process: compiled patterns and the policy's version are known by what they were made of.
_MONTH_NAMES: Final = dict.fromkeys(name.strip() for name in _MONTHS.split(","))
_MONTH: Final = "(?:" + "|".join(sorted(_MONTH_NAMES, key=len, reverse=True)) + ")"

_YEAR: Final = r"(?:19|20)[0-9]{2}"
_DAY: Final = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MON: Final = r"(?:0?[1-9]|1[0-2])"
_SEP: Final = f" ?[./{DASHES}-] ?"
_REACH: Final = 40
_NEAR: Final = 24
"""Of a date without separators, which may be any number."""


def _born(before: str) -> bool:
    return mentions(BIRTH_WORDS, before, _REACH)


def _calendar(numbers: list[int]) -> bool:
    """True where three numbers make a date, in the order year first, day first or month first."""
    first, second, third = numbers
    if first > 31:
        return plausible_date(first, second, third) or plausible_date(first, third, second)
    year = third if third > 99 else 1900 + third
    return plausible_date(year, second, first) or plausible_date(year, first, second)


def _compact(digits: str) -> bool:
    """True where eight digits make a date, the year first or last."""
    year_first = [int(digits[:4]), int(digits[4:6]), int(digits[6:])]
    year_last = [int(digits[:2]), int(digits[2:4]), int(digits[4:])]
    return (year_first[0] >= 1900 and plausible_date(*year_first)) or (year_last[2] >= 1900 and _calendar(year_last))


def _numeric(text: str, before: str) -> float | None:
    if text.isdigit():
        return 0.9 if mentions(BIRTH_WORDS, before, _NEAR) and _compact(text) else None
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if len(numbers) != 3 or not _born(before) or not _calendar(numbers):
        return None
    return 0.9


def _worded(text: str, before: str) -> float | None:
    days = [int(number) for number in re.findall(r"\d+", text)]
    return 0.9 if _born(before) and min(days) <= 31 else None


def _ideographic(text: str, before: str) -> float | None:
    year, month, day = (int(number) for number in re.findall(r"\d+", text))
    if not plausible_date(year, month, day):
        return None
    return 0.9 if _born(before) else None


def _rule(name: str, pattern: str, validate: object, summary: str, trigger: str = "") -> Rule:
    assert callable(validate)
    return Rule(
        id=f"text.pii/{name}",
        pattern=pattern,
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.9,
        summary=summary,
        entity="BIRTH_DATE",
        flags=re.IGNORECASE,
        validate=validate,
        trigger=trigger,
    )


RULES: Final = (
    _rule(
        "birth-date",
        rf"{LEFT}(?<![0-9][./-])(?:{_YEAR}{_SEP}{_MON}{_SEP}{_DAY}|{_DAY}{_SEP}{_DAY}{_SEP}(?:{_YEAR}|[0-9]{{2}})"
        rf"|{_YEAR}[01][0-9][0-3][0-9]|[0-3][0-9][0-3][0-9]{_YEAR})"
        r"(?![0-9A-Za-z])(?![./-][0-9])",
        _numeric,
        "Date of birth in digits, with its name",
    ),
    _rule(
        "birth-date-day-first",
        rf"{LEFT}{_DAY}(?:st|nd|rd|th|er|º|ª|[.])?[ -]{{1,2}}(?:de |of |d[’'])?{_MONTH}[.,]?[ -]{{1,2}}"
        rf"(?:de |del |of )?"
        r"(?:(?:19|20)[0-9]{2}|[’'][0-9]{2})(?![0-9])",
        _worded,
        "Date of birth, day first, with its name",
        rf"{LEFT}{_DAY}(?:st|nd|rd|th|er|º|ª|[.])?[ -]",
    ),
    _rule(
        "birth-date-month-first",
        rf"(?<![^\W\d_]){_MONTH}[.]?[ -]{{1,2}}(?:the )?{_DAY}(?:st|nd|rd|th)?(?:,? {{1,2}}|-)(?:{_YEAR}"
        rf"|[’'][0-9]{{2}})(?![0-9])",
        _worded,
        "Date of birth, month first, with its name",
        rf"(?<![^\W\d_]){_MONTH}[.]?[ -]",
    ),
    _rule(
        "birth-date-year-first",
        rf"{LEFT}{_YEAR}[. ] ?{_MONTH} {_DAY}(?![0-9])",
        _worded,
        "Date of birth, year first with the name of the month, with its name",
        rf"{LEFT}{_YEAR}[. ] ?{_MONTH}",
    ),
    _rule(
        "birth-date-ideographic",
        rf"{LEFT}{_YEAR} ?[年년] ?{_MON} ?[月월] ?{_DAY} ?[日일]",
        _ideographic,
        "Date of birth in Chinese, Japanese or Korean form, with its name",
        rf"{LEFT}{_YEAR} ?[年년]",
    ),
    _rule(
        "birth-date-ideographic-before",
        rf"{LEFT}{_YEAR} ?[年년] ?{_MON} ?[月월] ?{_DAY} ?[日일号](?=\s?(?:生|出生|태어|출생))",
        lambda text, before: 0.9 if _calendar([int(n) for n in re.findall(r"\d+", text)]) else None,
        "Date of birth in Chinese, Japanese or Korean form, with its name behind it",
        rf"{LEFT}{_YEAR} ?[年년]",
    ),
)
