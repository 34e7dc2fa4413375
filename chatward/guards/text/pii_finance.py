"""Payment cards, bank accounts and crypto wallets.

The rule: where a number carries a check (Luhn, mod 97, base58check, bech32, EIP-55), the check decides and no
word is needed; where it has none or a weak one, its name must stand before it.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_checksums import luhn, mx_clabe, plausible_date, stdnum
from chatward.guards.text.pii_words import (
    DASHES,
    LEFT,
    NOT_IN_NUMBER,
    NUMBER_ENDS,
    RIGHT,
    compact,
    label,
    label_start,
    mentions,
    named_otherwise,
)

# Lengths of IBANs by country: the registry of ISO 13616, release 99.
IBAN_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip

CARD_WORDS: Final = """
    card*, credit*, debit*, visa, mastercard, amex, american express, discover, maestro, pan, cc, ccn, payment*,
    kredit*, karte*, kartennummer*, carte*, cb, tarjeta*, cartão*, cartao*, carta*, kaart*, karta*, kart*, карт*,
    kort*, kortti*, κάρτα*, 卡号*, 信用卡*, 银行卡*, カード*, 카드*, بطاقة*, कार्ड*, บัตร*, thẻ*
"""

_SEPARATED: Final = f"[ ._·/\n{DASHES}-]{{1,3}}"

# Issuer prefixes of ISO/IEC 7812-1 as the schemes publish them, with the lengths they use.
_ISSUERS: Final = (
    (re.compile("4"), {13, 16, 19}),  # Visa
    (re.compile("5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), {16}),  # Mastercard
    (re.compile("3[47]"), {15}),  # American Express
    (re.compile("6011|64[4-9]|65|622"), {16, 17, 18, 19}),  # Discover, UnionPay
    (re.compile("62|81"), {16, 17, 18, 19}),  # UnionPay
    (re.compile("30[0-5]|3095|36|38|39"), {14, 15, 16, 17, 18, 19}),  # Diners Club
    (re.compile("35(?:2[89]|[3-8])"), {16, 17, 18, 19}),  # JCB
    (re.compile("220[0-4]"), {16, 17, 18, 19}),  # Mir
    (re.compile("9792"), {16}),  # Troy
    (re.compile("2131|1800"), {15}),  # JCB, issued before its range moved
)
# Maestro and local debit cards: so wide that one in ten digit runs starting with 5 or 6 passes.
_DEBIT: Final = re.compile("50|5[6-9]|60|63|67")
# Lengths at which a prefix and Luhn leave fewer than one chance number in a hundred.
_ALONE: Final = {14: 0.6, 15: 0.85, 16: 0.85, 19: 0.6}


def card_issuer_known(digits: str) -> bool:
    """True where a scheme issues numbers of this prefix and length."""
    return any(prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS)


def _card(text: str, before: str) -> float | None:
    digits = compact(text)
    if not luhn(digits) or len(set(digits)) < 2:
        return None
    issued, debit = card_issuer_known(digits), bool(_DEBIT.match(digits))
    if (len(digits) < 14 and not text.isdigit()) or text.count("\n") > 1:  # rare in groups; a column of numbers
        return 0.9 if mentions(CARD_WORDS, before) and not named_otherwise(before) else None
    if named_otherwise(before):
        return 0.6 if issued and not text.isdigit() else 0.4
    if mentions(CARD_WORDS, before):
        return 0.98 if issued else 0.9 if debit else 0.7
    if not text.isdigit():
        return 0.9 if issued else 0.6 if debit else 0.4
    return _ALONE.get(len(digits), 0.4) if issued else 0.4


def _named_card(text: str, before: str) -> float | None:
    """A number that its owner calls a card, though its check digit does not hold (a typing error)."""
    digits = compact(text)
    if luhn(digits):
        return None
    if len(set(digits)) < 3 or named_otherwise(before):
        return None
    if re.search(r"(?:card|karte|carte|tarjeta|cartão|carta|карт\w*|卡号|カード)[^0-9]{0,24}\Z", before, re.IGNORECASE):
        return 0.4
    return None


def _iban(text: str, before: str) -> float | None:
    number = compact(text)
    return 0.98 if stdnum("iban")(number) else None


def _iban_pattern() -> str:
    parts = [
        rf"(?:{countries.replace(' ', '|')})[0-9]{{2}}(?:[ {DASHES}-]?[A-Z0-9]){{{length - 4}}}"
        for length, countries in IBAN_LENGTHS.items()
    ]
    return rf"{LEFT}(?:{'|'.join(parts)}){RIGHT}"


# What else expires in a month of a year.
_EXPIRING: Final = """
    warrant*, guarantee*, garant*, milk, food, best before, medic*, drug*, tablet*, pill*, vaccin*, offer*, coupon*,
    voucher*, gutschein*, contract*, vertrag*, contrat*, subscription*, abo*, licen*, lizenz*, passport*, reisepass*,
    certificate*, zertifikat*, insurance*, tüv, batch, lot, domain*, lease*, membership*
"""


def _expiry(text: str, before: str) -> float | None:
    if mentions(_EXPIRING, before, 40) and not mentions(CARD_WORDS, before):
        return None
    month, year = re.split(r"\D+", text.strip())
    return 0.75 if plausible_date(2000 + int(year[-2:]), int(month), 1) else None


def _routing(text: str, before: str) -> float | None:
    if not stdnum("us.rtn")(text):
        return None
    return 0.9 if mentions("routing*, rtn, aba, transit*", before) else None


def _clabe(text: str, before: str) -> float | None:
    if not mx_clabe(text) or len(set(text)) < 3:
        return None
    return 0.95 if mentions("clabe*, cuenta*, transfer*", before) else 0.3


def _cbu(text: str, before: str) -> float | None:
    if not stdnum("ar.cbu")(text) or len(set(text)) < 3:
        return None
    return 0.95 if mentions("cbu*, cvu*, cuenta*", before) else 0.6


def _bic(text: str, before: str) -> float | None:
    return 0.7 if stdnum("bic")(text) else None


def _account(text: str, before: str) -> float | None:
    digits = sum(char.isdigit() for char in text)
    return 0.7 if digits >= 5 and len(set(compact(text))) >= 3 else None


ACCOUNT_WORDS: Final = """
    account number, account no, account nr, account num, account #, account id, acct, acct no, a/c no, a/c number,
    bank account, savings account, checking account, kontonummer, konto-nr, kontonr, konto nr, numéro de compte,
    n° de compte, compte bancaire, número de cuenta, numero de cuenta, nº de cuenta, cuenta bancaria,
    cuenta corriente, número da conta, numero da conta, conta bancária, conta corrente, numero di conto,
    numero conto, conto corrente, conto bancario, rekeningnummer, bankrekening, numer konta, numer rachunku,
    nr konta, bankkonto, kontonumret, tilinumero, номер счета, номер счёта, расчетный счет, лицевой счет, р/с,
    hesap numaras, hesap no, 银行账号, 账号, 帳號, 口座番号, 계좌번호, رقم الحساب, खाता संख्या, खाता नंबर,
    số tài khoản, เลขที่บัญชี, nomor rekening, no rekening, číslo účtu, számlaszám, αριθμός λογαριασμού,
    מספר חשבון, sort code, bsb
"""

_ALPHANUMERIC: Final = r"[A-Z]{0,4}[0-9][0-9A-Z]{0,17}(?:[ /-][0-9][0-9A-Z]{0,11}){0,5}"

_CODE_WORDS: Final = """
    cvv, cvc, cvv2, cvc2, cvn!, card security code, security code, card verification, prüfziffer, kartenprüfnummer,
    code de sécurité, cryptogramme, código de seguridad, código de segurança, codice di sicurezza,
    veiligheidscode, kod cvv, код безопасности, 安全码, セキュリティコード, 보안코드, güvenlik kodu
"""
_EXPIRY_WORDS: Final = """
    exp!, exp date, expiry, expir, valid thru, valid until, valid through, gültig bis, ablaufdatum, verfallsdatum,
    date d'expiration, expire, caducidad, vencimiento, vence, válida até, validade, scadenza, geldig tot,
    ważna do, срок действия, действительна до, 有效期, 有効期限, 유효기간, son kullanma
"""
_BIC_WORDS: Final = """
    bic!, swift
"""

RULES: Final = (
    Rule(
        id="text.pii/card",
        pattern=rf"{LEFT}{NOT_IN_NUMBER}(?:[1-9][0-9]{{11,18}}|[2-69][0-9]{{3}}(?:{_SEPARATED}[0-9]{{4}}){{3}}"
        rf"|3[0-9]{{3}}{_SEPARATED}[0-9]{{6}}{_SEPARATED}[0-9]{{4,5}}){RIGHT}(?!\.[0-9])",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.98,
        summary="Payment card number (ISO/IEC 7812, Luhn)",
        entity="CARD",
        validate=_card,
    ),
    Rule(
        id="text.pii/card-long",
        pattern=rf"{LEFT}{NOT_IN_NUMBER}(?:[2-69][0-9]{{3}}(?:{_SEPARATED}[0-9]{{4}}){{3}}{_SEPARATED}[0-9]{{1,3}}"
        rf"|[2-69][0-9]{{3}}(?:{_SEPARATED}[0-9]{{4}}){{2}}(?:{_SEPARATED}[0-9]{{1,2}})?"
        rf"|[2-69](?:[ .-][0-9]){{12,18}}|[2-69][0-9]{{5}}{_SEPARATED}[0-9]{{6,13}}){RIGHT}",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.98,
        summary="Payment card number of 17 to 19 digits, or in rare groupings",
        entity="CARD",
        validate=_card,
    ),
    Rule(
        id="text.pii/card-named",
        pattern=rf"{LEFT}[2-69](?:[ -]?[0-9]){{11,18}}{RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.4,
        summary="A number called a card whose check digit does not hold",
        entity="CARD",
        validate=_named_card,
    ),
    Rule(
        id="text.pii/card-code",
        pattern=label(_CODE_WORDS) + rf"[^0-9\n]{{0,16}}?{LEFT}([0-9]{{3,4}}){RIGHT}{NUMBER_ENDS}",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.75,
        summary="Card verification code with its name",
        entity="CARD_CODE",
        flags=re.IGNORECASE,
        group=1,
        trigger=label_start(_CODE_WORDS),
    ),
    Rule(
        id="text.pii/card-expiry",
        pattern=label(_EXPIRY_WORDS)
        + rf"[^0-9\n]{{0,16}}?{LEFT}((?:0?[1-9]|1[0-2]) ?[/.-] ?(?:20)?[2-4][0-9]){RIGHT}(?![/.-][0-9])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.75,
        summary="Card expiry date with its name",
        entity="CARD_EXPIRY",
        flags=re.IGNORECASE,
        group=1,
        validate=_expiry,
        trigger=label_start(_EXPIRY_WORDS),
    ),
    Rule(
        id="text.pii/iban",
        pattern=_iban_pattern(),
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.98,
        summary="IBAN (ISO 13616, mod 97)",
        entity="IBAN",
        flags=re.IGNORECASE,
        validate=_iban,
        trigger=rf"{LEFT}[A-Z]{{2}}[0-9]{{2}}",
    ),
    Rule(
        id="text.pii/bic",
        pattern=label(_BIC_WORDS) + r"(?:[ /:#=.\"'-]|code|no|is|bic|swift|number){0,5}"
        rf"{LEFT}([A-Z]{{4}}[A-Z]{{2}}[A-Z0-9]{{2}}(?:[A-Z0-9]{{3}})?){RIGHT}",
        category=Category.PII,
        severity=Severity.LOW,
        confidence=0.7,
        summary="Bank identifier code (ISO 9362) with its name",
        entity="BANK_CODE",
        flags=re.IGNORECASE,
        group=1,
        validate=_bic,
        trigger=label_start(_BIC_WORDS),
    ),
    Rule(
        id="text.pii/us-routing",
        pattern=rf"{LEFT}{NOT_IN_NUMBER}[0-3678][0-9]{{8}}{RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.9,
        summary="US bank routing number (ABA checksum) with its name",
        entity="BANK_CODE",
        validate=_routing,
    ),
    Rule(
        id="text.pii/mx-clabe",
        pattern=rf"{LEFT}{NOT_IN_NUMBER}[0-9]{{18}}{RIGHT}",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.95,
        summary="Mexican bank account (CLABE)",
        entity="ACCOUNT",
        validate=_clabe,
    ),
    Rule(
        id="text.pii/ar-cbu",
        pattern=rf"{LEFT}{NOT_IN_NUMBER}[0-9]{{22}}{RIGHT}",
        category=Category.PII,
        severity=Severity.HIGH,
        confidence=0.95,
        summary="Argentine bank account (CBU)",
        entity="ACCOUNT",
        validate=_cbu,
    ),
    Rule(
        id="text.pii/account",
        pattern=label(ACCOUNT_WORDS) + rf"[^0-9\n?!;]{{0,24}}?{LEFT}({_ALPHANUMERIC}){RIGHT}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.7,
        summary="Bank account with its name",
        entity="ACCOUNT",
        flags=re.IGNORECASE,
        group=1,
        validate=_account,
        trigger=label_start(ACCOUNT_WORDS),
    ),
)
