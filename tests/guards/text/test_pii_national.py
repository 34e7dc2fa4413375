"""National ids: specimens that their issuers or standards publish, or whose check digit is computed here."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatward.core.ports import GuardSpec
from chatward.core.rules import Rule
from chatward.guards.text.pii import RULES, PiiGuard
from chatward.guards.text.pii_national_europe import IDS as EUROPE
from chatward.guards.text.pii_national_world import IDS as WORLD

Find = Callable[[object, str], list[tuple[str, str, float]]]
BY_SLUG = {entry.slug: entry for entry in (*EUROPE, *WORLD)}


class Only:
    """The guard cut down to one rule."""

    def __init__(self, slug: str) -> None:
        self.rules: list[Rule] = [rule for rule in RULES if rule.id == f"text.pii/{slug}"]
        assert self.rules, slug

    @property
    def spec(self) -> GuardSpec:
        return PiiGuard().spec


class Case(NamedTuple):
    slug: str
    number: str
    name: str
    checked: bool = True  # changing the last character breaks it


CASES = (
    Case("uk-nino", "AB 12 34 56 C", "National Insurance number", checked=False),
    Case("uk-nhs", "943 476 5919", "NHS number"),
    Case("uk-utr", "1955839661", "UTR"),
    Case("de-steuer-id", "36 574 261 809", "Steuer-ID"),
    Case("de-id-card", "T220001293", "Personalausweis"),
    Case("de-pension", "15 070649 C 103", "Rentenversicherungsnummer"),
    Case("at-svnr", "1237 010180", "Sozialversicherungsnummer", checked=False),
    Case("ch-ahv", "756.9217.0769.85", "AHV-Nummer"),
    Case("fr-nir", "2 95 10 99 126 111 93", "numéro de sécurité sociale"),
    Case("fr-tax", "30 23 217 600 053", "numéro fiscal"),
    Case("es-dni", "54362315K", "DNI"),
    Case("es-nie", "X2482300W", "NIE"),
    Case("es-social", "28 12345678 40", "Seguridad Social"),
    Case("it-codice-fiscale", "RCCMNL83S18D969H", "codice fiscale"),
    Case("pt-nif", "501 964 843", "NIF"),
    Case("pt-cc", "00000000 0 ZZ4", "Cartão de Cidadão"),
    Case("nl-bsn", "1112.22.333", "BSN"),
    Case("be-nn", "85.07.30-033.28", "rijksregisternummer"),
    Case("lu-matricule", "1993120105720", "matricule"),
    Case("ie-pps", "6433435F", "PPS number"),
    Case("pl-pesel", "44051401359", "PESEL"),
    Case("pl-id-card", "ABA300000", "seria i numer dowodu"),
    Case("pl-nip", "856-734-62-15", "NIP"),
    Case("se-personnummer", "880320-0016", "personnummer"),
    Case("no-fodselsnummer", "151086 95088", "fødselsnummer"),
    Case("dk-cpr", "211062-5629", "CPR-nummer", checked=False),
    Case("fi-hetu", "131052-308T", "henkilötunnus"),
    Case("is-kennitala", "120174-3399", "kennitala", checked=False),
    Case("cz-rodne-cislo", "710319/2745", "rodné číslo"),
    Case("ro-cnp", "1630615123457", "CNP"),
    Case("bg-egn", "7523169263", "ЕГН"),
    Case("hr-oib", "33392005961", "OIB"),
    Case("si-emso", "0101006500006", "EMŠO"),
    Case("kz-iin", "900101301233", "ИИН"),
    Case("ee-lt-code", "36805280109", "isikukood"),
    Case("lv-personas-kods", "161175-19997", "personas kods"),
    Case("gr-amka", "01013099997", "ΑΜΚΑ"),
    Case("gr-afm", "094259216", "ΑΦΜ"),
    Case("hu-taj", "123 456 788", "TAJ"),
    Case("hu-tax", "8071592153", "adóazonosító jel"),
    Case("hu-szemelyi", "1-900101-1231", "személyi szám"),
    Case("tr-kimlik", "17291716060", "T.C. Kimlik No"),
    Case("ru-snils", "112-233-445 95", "СНИЛС"),
    Case("ru-inn", "500100732259", "ИНН"),
    Case("ua-rntrc", "1759013776", "РНОКПП"),
    Case("us-ssn", "536-90-4399", "SSN", checked=False),
    Case("us-itin", "912-90-3456", "ITIN", checked=False),
    Case("us-atin", "912-93-3456", "ATIN", checked=False),
    Case("us-ein", "91-1144442", "employer identification number", checked=False),
    Case("ca-sin", "130-692-544", "Social Insurance Number"),
    Case("ca-health", "9698 658 215", "personal health number"),
    Case("mx-curp", "BOXW310820HNERXN09", "CURP"),
    Case("mx-rfc", "GODE561231GR8", "RFC", checked=False),
    Case("br-cpf", "390.533.447-05", "CPF"),
    Case("br-cnpj", "16.727.230/0001-97", "CNPJ"),
    Case("ar-cuit", "20-05536168-2", "CUIT"),
    Case("ar-dni", "20.123.456", "DNI", checked=False),
    Case("cl-rut", "12.531.909-2", "RUT"),
    Case("co-nit", "213.123.432-1", "NIT"),
    Case("co-cedula", "1.020.304.050", "cédula de ciudadanía", checked=False),
    Case("pe-dni", "10117410-2", "DNI", checked=False),
    Case("ec-cedula", "171430710-3", "cédula"),
    Case("uy-cedula", "1.234.567-2", "cédula"),
    Case("do-cedula", "224-0002211-1", "cédula"),
    Case("za-id", "750330 5044 089", "SA ID"),
    Case("ng-nin", "12345678901", "NIN", checked=False),
    Case("eg-id", "29001011234567", "الرقم القومي", checked=False),
    Case("mu-nid", "A010190123450F", "NID"),
    Case("il-id", "039337423", "תעודת זהות"),
    Case("ae-id", "784-1990-1234567-6", "Emirates ID"),
    Case("sa-id", "1054321094", "iqama"),
    Case("pk-cnic", "34201-0891231-8", "CNIC", checked=False),
    Case("lk-nic", "852360012V", "NIC", checked=False),
    Case("in-aadhaar", "2341 2341 2346", "Aadhaar"),
    Case("in-pan", "ACUPA7085R", "PAN card", checked=False),
    Case("in-voter", "WKH1186253", "voter id"),
    Case("cn-id", "11010519491231002X", "身份证号"),
    Case("jp-my-number", "1234 5678 9018", "マイナンバー"),
    Case("kr-rrn", "971013-1234561", "주민등록번호"),
    Case("kr-rrn-new", "210101-3123456", "주민등록번호", checked=False),
    Case("tw-id", "A123456789", "身分證字號"),
    Case("hk-id", "A123456(3)", "HKID"),
    Case("sg-nric", "S1234567D", "NRIC"),
    Case("my-nric", "770305-02-1234", "MyKad", checked=False),
    Case("id-nik", "3171011708450001", "NIK", checked=False),
    Case("th-id", "1-2345-67890-12-1", "เลขประจำตัวประชาชน"),
    Case("vn-cccd", "001099012345", "CCCD", checked=False),
    Case("ph-id", "34-1234567-8", "SSS", checked=False),
    Case("au-tfn", "123 456 782", "TFN"),
    Case("au-medicare", "2123 45670 1", "Medicare", checked=False),
    Case("nz-ird", "49-091-850", "IRD number"),
    Case("nz-nhi", "ZZZ0016", "NHI"),
)

WITHOUT_A_NAME = (
    "it-codice-fiscale", "mx-curp", "cn-id", "fr-nir", "ch-ahv", "fi-hetu", "br-cpf", "br-cnpj", "es-dni", "es-nie",
    "pl-pesel", "us-ssn", "be-nn", "ro-cnp", "si-emso", "no-fodselsnummer", "se-personnummer", "ru-snils", "kr-rrn",
    "sg-nric", "za-id", "th-id", "ae-id", "gr-amka", "uk-nino", "cl-rut", "ar-cuit", "is-kennitala", "lv-personas-kods",
)  # fmt: skip
"""Their form with its check tells enough to stand alone."""

WITH_A_NAME_ONLY = (
    "uk-nhs", "nl-bsn", "pt-nif", "hu-taj", "tr-kimlik", "ru-inn", "il-id", "sa-id", "jp-my-number", "au-tfn", "nz-ird",
    "bg-egn", "hr-oib", "ua-rntrc", "ec-cedula", "ng-nin", "vn-cccd", "eg-id", "us-ein", "gr-afm", "pl-id-card",
    "nz-nhi",
)  # fmt: skip
"""Chance numbers pass their check, or there is none."""


def certain(find: Find, slug: str, text: str) -> list[str]:
    return [found for _, found, confidence in find(Only(slug), text) if confidence >= 0.5]


def test_each_kind_has_a_case() -> None:
    assert {case.slug for case in CASES} == set(BY_SLUG)
    assert len({slug.partition("-")[0] for slug in BY_SLUG}) >= 50  # countries


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_a_number_with_its_name_is_found(case: Case, find: Find) -> None:
    assert certain(find, case.slug, f"{case.name}: {case.number}.") == [case.number]
    assert certain(find, case.slug, f"My {case.name} is {case.number}, thanks") == [case.number]
    assert certain(find, case.slug, f"{case.name}\n{case.number}") == [case.number]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_a_number_inside_a_longer_one_is_not_found(case: Case, find: Find) -> None:
    for text in (f"{case.name} 7{case.number}", f"{case.name} {case.number}7", f"{case.name} x{case.number}q"):
        assert case.number not in certain(find, case.slug, text)


@pytest.mark.parametrize("slug", WITHOUT_A_NAME)
def test_a_telling_form_stands_alone(slug: str, find: Find) -> None:
    (number,) = (case.number for case in CASES if case.slug == slug)
    assert certain(find, slug, f"it says {number} here") == [number]


@pytest.mark.parametrize("slug", WITH_A_NAME_ONLY)
def test_a_weak_form_needs_its_name(slug: str, find: Find) -> None:
    (number,) = (case.number for case in CASES if case.slug == slug)
    assert certain(find, slug, f"it says {number} here") == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_what_is_called_an_order_is_none(case: Case, find: Find) -> None:
    assert certain(find, case.slug, f"{case.name} aside, order no. {case.number}") == []


@given(st.sampled_from([case for case in CASES if case.checked]), st.data())
def test_a_broken_check_is_not_found(find: Find, case: Case, data: st.DataObject) -> None:
    place = max(index for index, char in enumerate(case.number) if char.isalnum())
    if case.slug == "pl-id-card":  # its check digit is the fourth character
        place = 3
    if case.slug == "uk-utr":  # its check digit is the first
        place = 0
    old = case.number[place]
    alphabet = string.digits if old.isdigit() else string.ascii_uppercase
    new = data.draw(st.sampled_from(sorted(set(alphabet) - {old})))
    broken = case.number[:place] + new + case.number[place + 1 :]
    assert certain(find, case.slug, f"{case.name}: {broken}") == []


@given(st.integers(0, 10**11 - 1))
def test_any_pesel_with_the_right_check_digit_and_date_is_found(find: Find, seed: int) -> None:
    serial = f"{seed:011d}"
    body = f"{serial[:2]}{1 + int(serial[2:4]) % 12:02d}{1 + int(serial[4:6]) % 28:02d}{serial[6:10]}"
    check = -sum(int(digit) * weight for digit, weight in zip(body, (1, 3, 7, 9) * 3, strict=False)) % 10
    assume(len({*body, str(check)}) > 2)  # of two digits alone are numbers that somebody made up
    assert certain(find, "pl-pesel", f"PESEL {body}{check}") == [f"{body}{check}"]
    wrong = f"{body}{(check + 1) % 10}"
    assert certain(find, "pl-pesel", f"PESEL {wrong}") == []


@given(st.integers(10**8, 10**9 - 1).filter(lambda number: len(set(str(number))) > 3))
def test_any_cpf_with_the_right_check_digits_is_found(find: Find, base: int) -> None:
    digits = str(base)
    for start in (10, 11):
        rest = sum(int(digit) * weight for digit, weight in zip(digits, range(start, 1, -1), strict=False)) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    written = f"{digits[:3]}.{digits[3:6]}.{digits[6:9]}-{digits[9:]}"
    assert certain(find, "br-cpf", f"meu CPF é {written}") == [written]
    assert certain(find, "br-cpf", written[:-1] + str((int(written[-1]) + 1) % 10)) == []


@given(st.integers(0, 99), st.integers(1, 12), st.integers(1, 95), st.integers(1, 989), st.integers(1, 999))
def test_any_nir_with_the_right_key_is_found(
    find: Find, year: int, month: int, place: int, town: int, order: int
) -> None:
    body = f"1{year:02d}{month:02d}{place:02d}{town:03d}{order:03d}"
    assume(len(set(body)) > 2)
    key = 97 - int(body) % 97
    assert certain(find, "fr-nir", f"NIR {body}{key:02d}") == [f"{body}{key:02d}"]
    assert certain(find, "fr-nir", f"NIR {body}{(key + 1) % 97:02d}") == []


@given(st.integers(2 * 10**10, 10**11 - 1).filter(lambda number: str(number) != str(number)[::-1]))
def test_any_aadhaar_with_the_right_verhoeff_digit_is_found(find: Find, base: int) -> None:
    """Verhoeff's digit by the dihedral group of order ten, written out here and not taken from the library."""

    def times(left: int, right: int) -> int:
        turn = left % 5 + (right % 5 if left < 5 else -(right % 5))
        return turn % 5 + (5 if (left < 5) != (right < 5) else 0)

    check = 0
    for position, char in enumerate(reversed(str(base)), start=1):
        value = int(char)
        for _ in range(position % 8):
            value = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[value]
        check = times(check, value)
    digit = (0, 4, 3, 2, 1, 5, 6, 7, 8, 9)[check]
    number = f"{base}{digit}"
    written = f"{number[:4]} {number[4:8]} {number[8:]}"
    assert certain(find, "in-aadhaar", f"Aadhaar: {written}") == [written]
    assert certain(find, "in-aadhaar", f"Aadhaar: {written[:-1]}{(digit + 1) % 10}") == []


def test_a_telephone_word_outweighs_a_check_that_chance_passes(find: Find) -> None:
    assert certain(find, "gr-amka", "call 01013099997") == []


def test_lower_case_is_read_with_the_name(find: Find) -> None:
    assert certain(find, "es-dni", "mi dni es 54362315k") == ["54362315k"]
    assert certain(find, "uk-nino", "ni number ab123456c") == ["ab123456c"]


def test_scripts_without_blanks_may_touch_the_number(find: Find) -> None:
    assert certain(find, "cn-id", "身份证号11010519491231002X，谢谢") == ["11010519491231002X"]
