"""Numbers of documents and of accounts with organisations: passport, driving licence, vehicle, health, customer.

The rule: few of them carry a check digit, so the number's name stands in the pattern, in many languages, and
the value must hold enough digits and be no date. Machine-readable lines, VINs and the licences with a telling
form are checked and stand alone. What concerns health is PHI.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text import pii_checksums as checks
from chatward.guards.text.pii_words import LEFT, RIGHT, compact, label, label_start, mentions, named_otherwise

_VALUE: Final = (
    r"(?:[A-Z]{1,8}-?|(?-i:[A-Z]{1,3} ))?[0-9][0-9A-Z]{0,19}"
    r"(?:[ /.-][0-9][0-9A-Z]{0,11}|-(?-i:[A-Z][0-9A-Z]{0,5}(?![A-Z]))){0,5}"
)
_DATE: Final = re.compile(r"(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2(?:19|20)?\d\d|(?:19|20)\d\d\Z")

PASSPORT_WORDS: Final = """
    passport, reisepass, passnummer, passnr, passeport, pasaporte, passaporto, passaporte, paspoort, paszport,
    pasnummer, pasnr, passinumero, útlevél, cestovní pas, cestovný pas, pașaport, pasaport, putovnic, διαβατήριο,
    διαβατηρίου, паспорт, загранпаспорт, 护照, 護照, パスポート, 旅券, 여권, جواز سفر, جواز السفر, पासपोर्ट,
    hộ chiếu, หนังสือเดินทาง, paspor, דרכון
"""
LICENCE_WORDS: Final = """
    driver license, driver licence, drivers license, drivers licence, driver's license, driver's licence,
    driver’s license, driver’s licence, driving license, driving licence, driver lic, dln!, dl no!, dl number, dl#,
    führerschein, permis de conduire, licencia de conducir, permiso de conducir, carnet de conducir,
    licencia de manejo, carta de condução, carteira de motorista, cnh!, patente di guida, patente, rijbewijs,
    prawo jazdy, prawa jazdy, körkort, førerkort, kørekort, ajokortti, водительск, в/у, 驾驶证, 駕照, 運転免許,
    운전면허, رخصة القيادة, رخصة قيادة, ड्राइविंग लाइसेंस, ehliyet, řidičský průkaz, jogosítvány, permis auto,
    bằng lái, ใบขับขี่, άδεια οδήγησης, רישיון נהיגה
"""
_PLATE_LETTERS: Final = "\u0410-\u042f\uac00-\ud7a3京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE_WORDS: Final = """
    license plate, licence plate, vehicle registration, registration number,
    number plate, plate number, plate no, vehicle reg, registration plate, car reg,
    reg plate, kennzeichen, nummernschild, plaque d'immat, immatriculation, matrícula, matricula, placa,
    patente del auto, targa, kenteken, tablica rejestracyjna, numer rejestracyjny, registreringsnummer,
    rekisterinumero, номер авто, госномер, гос. номер, гос номер,
    车牌, 車牌, ナンバープレート, 차량번호, plaka, biển số,
    ทะเบียนรถ, nomor polisi, rendszám, spz!
"""
HEALTH_WORDS: Final = """
    mrn, med rec, medical record, patient id, patient no, patient number, patient #, chart number, chart no,
    health plan, health insurance, insurance id, insurance no, insurance number, insurance policy,
    member id, member number,
    member no, subscriber id, policyholder id, policy holder id, group no,
    beneficiary, medicaid, group number, hospital number, medicare, health card,
    patientennummer, patienten-id, fallnummer, krankenversicherung, krankenkasse, versichertennummer, kvnr,
    dossier médical, numéro de patient, mutuelle, carte vitale, historia clínica, nº historia, número de paciente,
    tarjeta sanitaria, seguro médico, nhc!, prontuário, cartão de saúde, número de utente, utente,
    cartella clinica, tessera sanitaria, patiëntnummer, polisnummer, numer pacjenta, ubezpieczen, patientnummer,
    номер карты пациента, медицинской карт, полис омс, полис, 病历号, 医保, 診察券, 保険証, 환자번호, 건강보험,
    رقم الملف الطبي, hasta numarası, số bảo hiểm y tế, bpjs
"""
IDENTITY_WORDS: Final = """
    national id, national identity, national identification, identity card, identity number, identity document,
    identification number, id card n, id number, government id, citizen id, resident id, ausweisnummer,
    ausweis-nr, carte d'identité, pièce d'identité, documento de identidad, documento nacional,
    número de identidad, documento d'identità, carta d'identità, bilhete de identidade, carteira de identidade,
    identiteitskaart, identiteitsbewijs, dowód osobisty, dowodu osobistego, удостоверение личности,
    občanský průkaz, osobna iskaznica, lična karta, buletin de identitate, carte de identitate, kimlik no,
    kimlik numaras, 身份证号, 身分證號, بطاقة الهوية, पहचान पत्र, số căn cước, nomor ktp, บัตรประชาชน,
    δελτίο ταυτότητας, תעודת זהות
"""
TAX_WORDS: Final = """
    steuernummer, steuer-nr, abgabenkontonummer, tax number, tax no, tax id, tax identification, taxpayer id, nit!,
    ruc!, rut!, rif!, pib!, nif!, utr!, cuit!, cédula jurídica, cédula, matricule fiscal, numéro fiscal,
    número fiscal, código fiscal, numero fiscale, fiscaal nummer, podatkov, daňové číslo, adószám, vergi no,
    vergi numaras, инн, іпн, унп, αφμ, 税号, 纳税人识别号, 세금번호, idnp!, идентификационный номер, mã số thuế, npwp!
"""
# What a patient wears or carries (45 CFR 164.514(b)(2)(i)(M)).
DEVICE_WORDS: Final = """
    device serial, device identifier, pacemaker, insulin pump, defibrillator, cochlear implant, hearing aid, cpap,
    glucose monitor, implant serial, prosthesis, herzschrittmacher, insulinpumpe, hörgerät, stimulateur cardiaque,
    marcapasos, bomba de insulina
"""
CUSTOMER_WORDS: Final = """
    customer id, customer no, customer number, customer #, client id, client no, client number, membership no,
    membership number, membership id, loyalty number, loyalty card, frequent flyer, policy number, policy no,
    employee id, employee number, student id, student number, badge number,
    license number, licence number, voter id, certificate number, user id,
    account #, account number, kundennummer, kunden-nr, kundennr, kunden-id, mitgliedsnummer, personalnummer,
    matrikelnummer, vertragsnummer, numéro client, numéro de client, n° client, numéro d'adhérent,
    numéro de contrat, número de cliente, nº de cliente, número de socio, número do cliente, nº cliente,
    codice cliente, numero cliente, klantnummer, lidnummer, numer klienta, nr klienta, kundnummer, kundenummer,
    asiakasnumero, номер клиента, номер договора, müşteri numarası, müşteri no, 客户号, 客户编号, 会员号,
    会員番号, お客様番号, 고객번호, 회원번호, رقم العميل, ग्राहक संख्या, mã khách hàng, nomor pelanggan,
    αριθμός πελάτη
"""


def _numbered(text: str, fewest: int) -> bool:
    """Enough digits, not all the same, no date, no year."""
    digits = [char for char in text if char.isdigit()]
    return fewest <= len(digits) <= 20 and len(set(compact(text))) >= 3 and not _DATE.match(text)


def _passport(text: str, before: str) -> float | None:
    return 0.8 if _numbered(text, 5) and 6 <= len(compact(text)) <= 12 else None


def _licence(text: str, before: str) -> float | None:
    return 0.75 if _numbered(text, 4) and 5 <= len(compact(text)) <= 20 else None


def _plate(text: str, before: str) -> float | None:
    found = compact(text)
    if not 4 <= len(found) <= 10 or found.isalpha() or not any(char.isdigit() for char in found) or _DATE.match(text):
        return None
    return 0.7 if any(char.isalpha() for char in found) else 0.4


def _health(text: str, before: str) -> float | None:
    return 0.75 if _numbered(text, 4) and len(compact(text)) >= 5 else None


def _tax(text: str, before: str) -> float | None:
    return 0.75 if _numbered(text, 7) else None


def _device(text: str, before: str) -> float | None:
    return 0.75 if _numbered(text, 4) and len(compact(text)) >= 6 else None


def _customer(text: str, before: str) -> float | None:
    return 0.65 if _numbered(text, 4) and len(compact(text)) >= 5 else None


def _mrz(text: str, before: str) -> float | None:
    return 0.98 if checks.mrz_passport_line(text) else None


def _mrz_other(text: str, before: str) -> float | None:
    return 0.95 if checks.mrz_line(text) else None


def _vin(text: str, before: str) -> float | None:
    number = text.upper()
    letters = sum(char.isalpha() for char in number)
    if not 3 <= letters <= 14:
        return None
    called = mentions("vin*, vehicle identification*, chassis*, fahrgestell*, fin, bastidor*, châssis, telaio", before)
    if checks.vin(number):
        return 0.95 if called else 0.8 if text.isupper() and not named_otherwise(before) else 0.4
    return 0.75 if called else None


def _uk_driver(text: str, before: str) -> float | None:
    return 0.9 if checks.uk_driver(compact(text)) else None


def _formed_licence(text: str, before: str) -> float | None:
    """A licence of a telling form is one by itself, unless it is called a part or an order."""
    if mentions("driv*, licen*, permis*", before):
        return 0.85
    return None if named_otherwise(before) else 0.6


def _checked(check: checks.Check, words: str, alone: float | None) -> object:
    def validate(text: str, before: str) -> float | None:
        if not check(compact(text)):
            return None
        return 0.95 if mentions(words, before) else alone

    return validate


def _named_rule(
    name: str,
    words: str,
    validate: object,
    entity: str,
    summary: str,
    category: Category = Category.PII,
    value: str = _VALUE,
) -> Rule:
    assert callable(validate)
    return Rule(
        id=f"text.pii/{name}",
        pattern=label(words) + rf"[^0-9\n?!;]{{0,28}}?{LEFT}({value}){RIGHT}",
        category=category,
        severity=Severity.HIGH,
        confidence=0.75,
        summary=summary,
        entity=entity,
        flags=re.IGNORECASE,
        group=1,
        validate=validate,
        trigger=label_start(words),
    )


def _formed_rule(
    name: str,
    pattern: str,
    validate: object,
    entity: str,
    summary: str,
    category: Category = Category.PII,
    trigger: str = "",
) -> Rule:
    assert callable(validate)
    return Rule(
        id=f"text.pii/{name}",
        pattern=f"{LEFT}(?<![0-9A-Za-z]-)(?:{pattern}){RIGHT}",
        category=category,
        severity=Severity.HIGH,
        confidence=0.9,
        summary=summary,
        entity=entity,
        flags=re.IGNORECASE,
        validate=validate,
        trigger=trigger,
    )


RULES: Final = (
    _named_rule("passport", PASSPORT_WORDS, _passport, "PASSPORT", "Passport number with its name"),
    _named_rule("driver-license", LICENCE_WORDS, _licence, "DRIVER_LICENSE", "Driving licence number with its name"),
    _named_rule(
        "license-plate",
        PLATE_WORDS,
        _plate,
        "LICENSE_PLATE",
        "Vehicle registration with its name",
        value=rf"(?:[A-ZÄÖÜ{_PLATE_LETTERS}]{{1,3}}[ ·-]?){{0,2}}[0-9][0-9A-Z]{{0,6}}"
        rf"(?:[ -]?[A-Z{_PLATE_LETTERS}]{{1,3}}(?:[ -]?[0-9]{{1,4}})?|[ -][0-9]{{2,4}})?",
    ),
    _named_rule(
        "health-number", HEALTH_WORDS, _health, "HEALTH_ID", "Medical record or health plan number", Category.PHI
    ),
    _named_rule(
        "identity-number", IDENTITY_WORDS, _customer, "NATIONAL_ID", "Number of an identity card with its name"
    ),
    _named_rule("tax-number", TAX_WORDS, _tax, "NATIONAL_ID", "Tax number of a person with its name"),
    _named_rule("medical-device", DEVICE_WORDS, _device, "DEVICE_ID", "Serial number of a medical device"),
    _named_rule("customer-number", CUSTOMER_WORDS, _customer, "CUSTOMER_ID", "Number of a person with an organisation"),
    Rule(
        id="text.pii/passport-mrz",
        pattern=r"(?<![A-Z0-9<])[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{15}[0-9](?![A-Z0-9<])",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.98,
        summary="Machine-readable line of a passport (ICAO Doc 9303)",
        entity="PASSPORT",
        validate=_mrz,
    ),
    Rule(
        id="text.pii/document-mrz",
        pattern=r"(?<![A-Z0-9<])(?:[A-Z0-9<]{9}[0-9][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{8,16}"
        r"|[IAC][A-Z0-9<][A-Z<]{3}[A-Z0-9<]{9}[0-9<][A-Z0-9<]{15}|[0-9]{7}[MFX<][0-9]{7}[A-Z<]{3}[A-Z0-9<]{11}[0-9])"
        r"(?![A-Z0-9<])",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.95,
        summary="Machine-readable line of an identity card or a visa (ICAO Doc 9303)",
        entity="PASSPORT",
        validate=_mrz_other,
    ),
    Rule(
        id="text.pii/passport-mrz-name",
        pattern=r"(?<![A-Z0-9<])(?:[PVIAC][A-Z<][A-Z<]{3}[A-Z]{2,36}<[A-Z<]{2,36}|[A-Z]{2,26}<[A-Z<]{3,27})"
        r"(?![A-Z0-9<])",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.9,
        summary="Machine-readable name line of a document (ICAO Doc 9303)",
        entity="PASSPORT",
        validate=lambda text, before: 0.95 if len(text) in {30, 36, 44} and "<<" in text else None,
    ),
    _formed_rule(
        "vin",
        "[A-HJ-NPR-Z0-9]{9}[A-HJ-NPR-Z0-9]{4}[0-9]{4}",
        _vin,
        "VEHICLE_ID",
        "Vehicle identification number",
    ),
    _formed_rule(
        "uk-driver-license",
        "[A-Z9]{5} ?[0-9][0156][0-9][0-3][0-9][0-9] ?[A-Z9]{2}[0-9][A-Z]{2}",
        _uk_driver,
        "DRIVER_LICENSE",
        "British driving licence number",
        trigger=f"{LEFT}(?<![0-9A-Za-z]-)[A-Z9]{{5}} ?[0-9][0156]",
    ),
    _formed_rule(
        "us-ca-driver-license",
        "[A-Z][0-9]{4}-[0-9]{5}-[0-9]{5}|[A-Z][0-9]{3}-[0-9]{3}-[0-9]{2}-[0-9]{3}-[0-9]"
        "|[A-Z][0-9]{3}-[0-9]{4}-[0-9]{4}(?:-[0-9]{2})?",
        _formed_licence,
        "DRIVER_LICENSE",
        "Driving licence in the form of Ontario, Quebec, Florida, Illinois or Wisconsin",
    ),
    _formed_rule(
        "in-driver-license",
        "[A-Z]{2}[ -]?[0-9]{2}[ -]?(?:19|20)[0-9]{2}[0-9]{7}",
        _formed_licence,
        "DRIVER_LICENSE",
        "Indian driving licence number",
        trigger=f"{LEFT}[A-Z]{{2}}[ -]?[0-9]{{2}}",
    ),
    _formed_rule(
        "us-medicare",
        "[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]"
        "-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}",
        lambda text, before: (
            0.9 if mentions("medicare*, mbi, beneficiary*", before) else 0.7 if text.isupper() else 0.4
        ),
        "HEALTH_ID",
        "US Medicare beneficiary identifier (MBI)",
        Category.PHI,
    ),
    _formed_rule(
        "de-health",
        "[A-Z][0-9]{9}",
        _checked(checks.de_health, "kvnr, versicherten*, krankenversich*, krankenkasse*, gesundheitskarte*", 0.3),
        "HEALTH_ID",
        "German health insurance number (KVNR)",
        Category.PHI,
    ),
    _formed_rule(
        "us-npi",
        "[12][0-9]{9}",
        _checked(checks.us_npi, "npi, national provider*", None),
        "HEALTH_ID",
        "US National Provider Identifier (Luhn)",
        Category.PHI,
    ),
    _formed_rule(
        "us-dea",
        "[A-HJ-NPR-UX][A-Z9][0-9]{7}",
        _checked(checks.us_dea, "dea*", None),
        "HEALTH_ID",
        "US DEA registration number",
        Category.PHI,
    ),
    _formed_rule(
        "ru-passport",
        "[0-9]{2} ?[0-9]{2} ?[0-9]{6}",
        lambda text, before: (
            0.8 if mentions("паспорт*, серия*, passport*", before) and not named_otherwise(before) else None
        ),
        "PASSPORT",
        "Russian internal passport with its name",
    ),
)
