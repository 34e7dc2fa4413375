"""Check digits of identifiers that python-stdnum does not know.

Each function takes the compact form (letters upper-case, no grouping) and says whether the check holds; none
raises. The source of each scheme stands with it. The other schemes come from python-stdnum and are reached
through ``stdnum``, which loads one module of it at its first use; a few of those refuse a birth date in the future.
"""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Callable
from functools import cache
from typing import Final, cast

Check = Callable[[str], bool]


@cache
def _stdnum_check(module: str) -> Check:
    return cast("Check", importlib.import_module(f"stdnum.{module}").is_valid)


def stdnum(module: str) -> Check:
    """The check of python-stdnum's ``module`` (``pl.pesel``), loaded when first called."""

    def check(number: str) -> bool:
        try:
            return _stdnum_check(module)(number)
        except (ValueError, LookupError):  # an odd digit run that the module did not foresee
            return False

    return check


def plausible_date(year: int, month: int, day: int) -> bool:
    """True where the three make a day of the calendar."""
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def dated(digits: str) -> bool:
    """True where ``digits`` start with YYMMDD of this or the last century."""
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    return plausible_date(1900 + year, month, day) or plausible_date(2000 + year, month, day)


def dated_day_first(digits: str) -> bool:
    """True where ``digits`` start with DDMMYY of this or the last century."""
    return dated(digits[4:6] + digits[2:4] + digits[:2])


def weighted(digits: str, weights: tuple[int, ...]) -> int:
    """Sum of digit times weight over the shorter of the two."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        if position % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def mrz_digit(text: str) -> int:
    """The check digit of ICAO Doc 9303-3 section 4.9: weights 7, 3, 1; ``<`` is 0, A is 10."""
    total = 0
    for position, char in enumerate(text):
        value = 0 if char == "<" else int(char, 36)
        total += value * (7, 3, 1)[position % 3]
    return total % 10


def mrz_passport_line(line: str) -> bool:
    """The second line of a TD3 passport (ICAO Doc 9303-4 section 4.2.2), its four single check digits."""
    parts = ((line[0:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27]))
    if not all(check.isdigit() and mrz_digit(part) == int(check) for part, check in parts):
        return False
    whole = line[0:10] + line[13:20] + line[21:43]
    return line[43].isdigit() and mrz_digit(whole) == int(line[43])


def mrz_line(line: str) -> bool:
    """A line with numbers of any document but a TD3 passport: the check digits of its fields (ICAO Doc 9303-5 to 7)."""
    if len(line) == 30 and line[0].isalpha():  # TD1, first line
        fields = [(line[5:14], line[14])]
        if not any(char.isdigit() for char in line[5:14]):
            return False
    elif len(line) == 30:  # TD1, second line
        fields = [(line[0:6], line[6]), (line[8:14], line[14])]
    elif len(line) in {36, 44}:  # TD2 and visas
        fields = [(line[0:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27])]
    else:
        return False
    return all(check.isdigit() and mrz_digit(part) == int(check) for part, check in fields)


def de_document(number: str) -> bool:
    """German identity card or passport number with its check digit (ICAO Doc 9303 weights)."""
    return len(number) == 10 and number[9].isdigit() and mrz_digit(number[:9]) == int(number[9])


def de_pension(number: str) -> bool:
    """Rentenversicherungsnummer: 2 digits, DDMMYY, letter, 2 digits, check (VKVV section 4)."""
    if not (1 <= int(number[2:4]) <= 31 and 1 <= int(number[4:6]) <= 12):
        return False
    digits = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:11]
    products = (int(d) * w for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return sum(p // 10 + p % 10 for p in products) % 10 == int(number[11])


def de_health(number: str) -> bool:
    """Krankenversichertennummer: letter, 8 digits, check; products by 1 and 2 with digit sums (SGB V s. 290)."""
    digits = f"{ord(number[0]) - 64:02d}" + number[1:9]
    products = (int(d) * w for d, w in zip(digits, (1, 2) * 5, strict=True))
    return sum(p // 10 + p % 10 for p in products) % 10 == int(number[9])


def es_social(number: str) -> bool:
    """Spanish social security number: province, serial, mod 97."""
    base = int(number[2:10])
    province = int(number[:2])
    value = base + province * 10_000_000 if base < 10_000_000 else int(number[:10])
    return 1 <= province <= 66 and value % 97 == int(number[10:])


_UK_NINO_BARRED: Final = frozenset(("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))


def uk_nino(number: str) -> bool:
    """National Insurance number: HMRC's manual NIM39110 bars these prefixes; there is no check digit."""
    return number[:2] not in _UK_NINO_BARRED


def pl_document(number: str) -> bool:
    """Polish identity card: three letters, check digit, five digits; weights 7, 3, 1."""
    values = [int(char, 36) for char in number]
    weights = (7, 3, 1, 0, 7, 3, 1, 7, 3)
    return sum(v * w for v, w in zip(values, weights, strict=True)) % 10 == values[3]


def lv_person(number: str) -> bool:
    """Latvian personas kods: DDMMYY, century, serial, check; numbers since 2017 start with 32, without a date."""
    total = weighted(number, (1, 6, 3, 7, 9, 10, 5, 8, 4, 2))
    if (1101 - total) % 11 % 10 != int(number[10]):
        return False
    return number.startswith("32") or dated_day_first(number)


def lu_person(number: str) -> bool:
    """Luxembourg matricule: YYYYMMDD, serial, a Luhn digit and a Verhoeff digit over the first eleven."""
    if not plausible_date(int(number[:4]), int(number[4:6]), int(number[6:8])):
        return False
    verhoeff = _stdnum_check("verhoeff")
    return luhn(number[:12]) and verhoeff(number[:11] + number[12])


def hu_health(number: str) -> bool:
    """Hungarian TAJ: weights 3 and 7 in turn, mod 10."""
    return weighted(number, (3, 7) * 4) % 10 == int(number[8])


def hu_tax(number: str) -> bool:
    """Hungarian adóazonosító jel: starts with 8; position times digit, mod 11."""
    return number[0] == "8" and weighted(number, tuple(range(1, 10))) % 11 == int(number[9])


def hu_person(number: str) -> bool:
    """Hungarian személyi szám: sex digit, YYMMDD, serial, check mod 11 (two weightings: before and from 1997)."""
    if not dated(number[1:7]):
        return False
    check = int(number[10])
    rising, falling = tuple(range(1, 11)), tuple(range(10, 0, -1))
    return check in (weighted(number, rising) % 11, weighted(number, falling) % 11)


def ru_snils(number: str) -> bool:
    """Russian SNILS: weights 9 to 1, mod 101, 100 reads 00."""
    total = weighted(number, tuple(range(9, 0, -1)))
    return number[:9] > "001001998" and total % 101 % 100 == int(number[9:])


def ru_inn_person(number: str) -> bool:
    """Russian INN of a person: twelve digits."""
    return len(number) == 12 and _stdnum_check("ru.inn")(number)


def kz_person(number: str) -> bool:
    """Kazakh IIN: YYMMDD, century, serial, check mod 11 with a second weighting."""
    if not (dated(number) and number[6] in "123456"):
        return False
    total = weighted(number, tuple(range(1, 12))) % 11
    if total == 10:
        total = weighted(number, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return total == int(number[11])


def sg_person(number: str) -> bool:
    """Singapore NRIC and FIN: prefix S, T, F, G, M; weights 2 7 6 5 4 3 2; check letter by prefix."""
    total = weighted(number[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(number[0], 0)
    if number[0] in "ST":
        return "JZIHGFEDCBA"[total % 11] == number[8]
    if number[0] in "FG":
        return "XWUTRQPNMLK"[total % 11] == number[8]
    return "KLJNPQRTUWX"[10 - total % 11] == number[8]


def hk_person(number: str) -> bool:
    """Hong Kong identity card: one or two letters, six digits, check mod 11 (A is 10)."""
    values = [36 if len(number) == 8 else int(number[0], 36), int(number[-8], 36)]
    values += [int(char) for char in number[-7:-1]]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    check = 10 if number[-1] == "A" else int(number[-1])
    return (total + check) % 11 == 0


def tw_person(number: str) -> bool:
    """Taiwan identity card and resident certificate: letter code, weights 1 9 8 ... 1 1, mod 10."""
    letters = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    first = letters.index(number[0]) + 10
    digits = number[1:]
    if digits[0] in "ABCD":
        digits = str((letters.index(digits[0]) + 10) % 10) + digits[1:]
    total = first // 10 + first % 10 * 9 + weighted(digits, (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return total % 10 == 0


def au_medicare(number: str) -> bool:
    """Australian Medicare card: weights 1 3 7 9 1 3 7 9, mod 10, then the issue number."""
    return number[0] in "23456" and weighted(number, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(number[8])


def nz_health(number: str) -> bool:
    """New Zealand NHI (HISO 10046): letters count 1 to 24 without I and O; mod 11."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    values = [alphabet.index(c) + 1 if c.isalpha() else int(c) for c in number[:6]]
    rest = sum(v * w for v, w in zip(values, range(7, 1, -1), strict=True)) % 11
    return rest != 0 and (11 - rest) % 10 == int(number[6])


def uy_person(number: str) -> bool:
    """Uruguayan cédula: weights 2 9 8 7 6 3 4, mod 10."""
    return (weighted(number.rjust(8, "0"), (2, 9, 8, 7, 6, 3, 4)) + int(number[-1])) % 10 == 0


def lk_person(number: str) -> bool:
    """Sri Lankan NIC (old form): YY, day of the year (500 more for women), serial. No published check."""
    day = int(number[2:5])
    return 1 <= (day - 500 if day > 500 else day) <= 366


def eg_person(number: str) -> bool:
    """Egyptian national id: century 2 or 3, YYMMDD, governorate. The last digit's scheme is not published."""
    century = {"2": 1900, "3": 2000}.get(number[0])
    if century is None or not (1 <= int(number[7:9]) <= 35 or number[7:9] == "88"):
        return False
    return plausible_date(century + int(number[1:3]), int(number[3:5]), int(number[5:7]))


def vn_person(number: str) -> bool:
    """Vietnamese CCCD: province 001 to 096, century and sex, year, serial. No check digit."""
    return 1 <= int(number[:3]) <= 96 and number[3] in "0123"


def kr_person_dated(number: str) -> bool:
    """South Korean RRN by its date alone: numbers given since October 2020 have no check digit."""
    return dated(number) and number[6] in "12345678"


def my_person(number: str) -> bool:
    """Malaysian NRIC: date and place of birth, as python-stdnum knows them. No check digit."""
    return dated(number) and _stdnum_check("my.nric")(number)


def dk_person(number: str) -> bool:
    """Danish CPR by its date: numbers given since 2007 need not pass mod 11."""
    return dated_day_first(number)


def sa_person(number: str) -> bool:
    """Saudi national id (1) or residence permit (2): Luhn."""
    return number[0] in "12" and luhn(number)


def mx_clabe(number: str) -> bool:
    """Mexican bank account CLABE: weights 3 7 1, each product mod 10."""
    total = sum(int(d) * (3, 7, 1)[i % 3] % 10 for i, d in enumerate(number[:17]))
    return (10 - total % 10) % 10 == int(number[17])


def us_npi(number: str) -> bool:
    """US National Provider Identifier: Luhn with the prefix 80840 (45 CFR 162.406)."""
    return luhn("80840" + number)


def us_dea(number: str) -> bool:
    """US DEA registration: odd digits plus twice the even digits."""
    digits = [int(char) for char in number[2:]]
    total = digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])
    return total % 10 == digits[6]


def vin(number: str) -> bool:
    """Vehicle identification number with the check digit of 49 CFR 565.15(c)."""
    values = dict(
        zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True)
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum((int(c) if c.isdigit() else values[c]) * w for c, w in zip(number, weights, strict=True)) % 11
    return number[8] == ("X" if total == 10 else str(total))


def uk_driver(number: str) -> bool:
    """British driving licence: surname, decade, month (50 more for women), day, year, initials (DVLA D906)."""
    month = int(number[6:8])
    return 1 <= (month - 50 if month > 50 else month) <= 12 and 1 <= int(number[8:10]) <= 31
