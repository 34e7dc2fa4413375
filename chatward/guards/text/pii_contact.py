r"""E-mail addresses and telephone numbers.

E-mail: a dot-atom or quoted local part (RFC 5322 section 3.4.1), letters of any alphabet (RFC 6531), a domain
with at least one dot or an address in brackets, and the spellings people use against harvesters (``ann [at] example
[dot] com``) or slip into (``ann @ example.com``, ``ann at gmail.com``).
Scripts without blanks are kept apart from Latin letters, so that text which touches an address is not part of it.

Telephone: ``+`` or ``00`` and a number that the country's plan allows (phonenumbers); a national number where
a word says so, where its grouping is exactly how its country writes numbers, or where it has the North American
form. What is directly named an order, a part or a version is none. An extension behind a number is part of it.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from chatward.core.hosts import words
from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.links.domains import TLDS
from chatward.guards.text.pii_words import DASHES, LEFT, mentions, named_otherwise

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# Alphabets that put blanks between words, and scripts that do not.
_FOREIGN: Final = "\u00c0-\u0dff\u10a0-\u10ff\u1e00-\u1fff"
_SPACED: Final = f"0-9A-Za-z{_FOREIGN}"
_SOLID: Final = "\u0e00-\u0eff\u3041-\u9fff\uac00-\ud7a3"
_LOCAL: Final = rf"(?:(?<![{_SPACED}_])[{_SPACED}_][{_SPACED}.+_'&-]{{0,63}}|[{_SOLID}]{{1,32}}|\"[^\"\s]{{1,40}}\")"
_LABEL: Final = rf"[{_SPACED}{_SOLID}][{_SPACED}{_SOLID}-]{{0,30}}"
_TOP: Final = rf"(?:xn--[A-Za-z0-9-]{{2,24}}|[A-Za-z]{{2,18}}|[{_FOREIGN}{_SOLID}]{{2,12}})"

_AT_WORDS: Final = "at|ät|arroba|arobase|chez|chiocciola|apenstaartje|małpa|собака"
_DOT_WORDS: Final = "dot|punkt|punto|point|ponto|kropka|точка"
_AT: Final = rf"[\[({{<]\s?(?:@|{_AT_WORDS})\s?[\])}}>]"
_DOT: Final = rf"[\[({{<]\s?(?:\.|{_DOT_WORDS})\s?[\])}}>]"
_JOIN: Final = r"[\s_*~|-]{1,2}"
_SPOKEN_AT: Final = rf"{_JOIN}(?:{_AT_WORDS}){_JOIN}"
_SPOKEN_DOT: Final = rf"{_JOIN}(?:{_DOT_WORDS}){_JOIN}"
_SPOKEN_LOCAL: Final = rf"[a-z0-9._+-]{{1,18}}(?:{_SPOKEN_DOT}[a-z0-9_+-]{{1,18}}){{0,2}}"

_HOST: Final = rf"(?:(?:{_LABEL}\.){{1,5}}{_TOP}|\[(?:[0-9]{{1,3}}\.){{3}}[0-9]{{1,3}}\])"
EMAIL: Final = rf"{_LOCAL}@{_HOST}"

# Where people have mailboxes: "ann at gmail.com" is an address, "dinner at ikea.com" is not.
_MAILBOXES: Final = re.compile(
    r"(?:gmail|googlemail|yahoo|ymail|hotmail|outlook|live|msn|icloud|me|aol|gmx|web|t-online|freenet|posteo|mailbox"
    r"|proton(?:mail)?|tutanota|fastmail|zoho|yandex|mail|bk|inbox|rambler|orange|wanadoo|laposte|free|sfr|libero"
    r"|virgilio|tiscali|ziggo|kpnmail|wp|onet|interia|o2|seznam|abv|uol|bol|terra|qq|163|126|sina|naver|daum|hanmail"
    r"|rediffmail|btinternet|comcast|verizon|att)\s?\.",
    re.IGNORECASE,
)
_NO_NAMES: Final = words(
    "us me you them him her it in on up out back work works working account accounts stay meet look found sign log "
    "login team here is was are available live service"
)

# Endings of files, none of which is a top-level domain: icon@2x.png is no address.
_FILES: Final = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "svg",
        "bmp",
        "ico",
        "css",
        "scss",
        "js",
        "mjs",
        "jsx",
        "tsx",
        "json",
        "html",
        "htm",
        "xml",
        "yaml",
        "yml",
        "toml",
        "php",
        "txt",
        "pdf",
    ]
)
_MAIL_WORDS: Final = """
    mail*, e mail*, email*, contact*, kontakt*, reach*, write, address*, correo*, courriel*, adresse*, écri*,
    schreib*, posta, почт*, имейл, 邮箱, 邮件, メール, 메일, بريد, ईमेल, send, escr*, scriv*
"""

PHONE_WORDS: Final = """
    phone*, telephone*, tel, tel no, tele, ph, mobile*, mob, cell, cellphone*, cell phone*, call, calls, calling,
    call me, called, dial*, text me, text us, sms*, whatsapp*, whats app, wa, viber, telegram, signal, imessage,
    fax*, hotline, landline, contact number*, contact no*, contact at, contact me, contact us, reach me, reach us,
    reach you, ring me, answer*, my number*, his number*, her number*, their number*, your number*, our number*,
    office, desk, voicemail, callback, call back, pager, telefon*, handy*, handynummer, mobil*, mobilnummer,
    rufnummer*, festnetz*, anruf*, rufen sie, ruf mich, erreichbar, erreichen, durchwahl, téléphone*,
    téléphonique, portable, appel*, joindre, joignable, fixe, teléfono*, móvil*, celular*, llam*, llám*, fono,
    telefone*, telemóvel*, celular, ligue, liga, ligar, contato, contacto*, telefono*, cellulare, cell, chiam*,
    recapito*, telefoon*, mobiel*, bel, bellen, gsm, nummer, komórk*, komórkow*, dzwoń, zadzwoń, numer telefonu,
    телефон*, тел, моб, мобильн*, звон*, позвон*, вайбер, номер, tlf, mobilnr, ring, ringa, puhelin*,
    puhelinnumero, kännykkä, soita, gsm, τηλέφων*, τηλ, κινητ*, καλέστε, telefonszám*, hívj*, mobilszám,
    telefonní, mobilní, volejte, cep, cep telefonu, ara, arayın, telefonu, điện thoại*, sđt, số điện thoại, gọi,
    di động, telepon, nomor, hp, no hp, hubungi, telefon bimbit, simu, namba, 電話*, 电话*, 手机*, 手機*, 致电,
    联系电话, 联系方式, 携帯*, でんわ, 전화*, 휴대폰*, 핸드폰*, 연락처*, 번호, هاتف*, الهاتف, جوال*, الجوال,
    موبايل, اتصل, رقم, تلفن, موبایل, फोन*, फ़ोन, मोबाइल*, कॉल, नंबर, ফোন*, মোবাইল, โทร*, มือถือ, เบอร์*, טלפון,
    נייד, פלאפון
"""

# Countries whose written form of a number is recognised without a word before it.
_WRITTEN: Final = (
    "GB", "FR", "DE", "IT", "AU", "JP", "NL", "BE", "AT", "CH", "BR", "IN", "KR", "ZA", "IE", "SE", "NZ", "TR", "CN",
)  # fmt: skip

_PLAN_OF_NORTH_AMERICA: Final = re.compile(r"[2-9]\d{2}[2-9]\d{6}")
_DECIMAL: Final = re.compile(r"\d+\.\d+(?: \d+)?\Z")
_ACCOUNT: Final = re.compile(r"(?<![0-9A-Za-z])[A-Z]{2}[0-9]{2}((?: ?[0-9A-Z]{4}){0,7}) ?\Z")
_FOURS: Final = re.compile(r"[0-9]{4}(?: [0-9]{4})*(?: [0-9]{1,4})?")
_DATE: Final = re.compile(
    r"(?:(?:19|20)\d\d[ ./-](?:0?[1-9]|1[0-2])[ ./-](?:0?[1-9]|[12]\d|3[01])(?:[ ./-]\d{1,2})*"
    r"|(?:0?[1-9]|[12]\d|3[01])[ ./-](?:0?[1-9]|[12]\d|3[01])[ ./-](?:19|20)\d\d(?:[ -]\d{1,4})*"
    r"|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d)\Z"
)
_ROUND: Final = re.compile(r"[1-9]\d{0,2}(?:[ .]\d{3})*[ .]000\Z|\d+0{5,}\Z")


def _email(text: str, before: str) -> float | None:
    local, _, domain = text.rpartition("@")
    if domain.startswith("["):  # RFC 5321 section 4.1.3
        return 0.9
    labels = domain.lower().split(".")
    if labels[-1] in _FILES or sum(label.isdigit() for label in labels) > 1:
        return None
    if local.lower() in {"git", "hg", "svn"}:  # the user of a repository's address
        return None
    if re.search(r"://[^\s/@]*\Z", before):  # the password of a URL: the secrets guard's
        return None
    if any(label.startswith("-") or label.endswith("-") for label in labels):
        return 0.6
    return 0.95


def _spoken_email(text: str, before: str) -> float | None:
    """``ann at example dot com`` needs a word or a local part that is no word; other signs than ``at`` need none."""
    local, _, host = re.split(rf"({_SPOKEN_AT}|\s?{_AT}\s?)", text, maxsplit=1, flags=re.IGNORECASE)
    if text[len(local) : -len(host)].lower() != " at ":
        return 0.85
    if not local.isdigit() and re.search(r"[\d\s._+-]", local):
        return 0.75
    return 0.75 if mentions(_MAIL_WORDS, before, 48) else 0.4


def _loose_email(text: str, before: str) -> float | None:
    """``ann @ example.com`` and ``ann at gmail.com``: a mailbox by its host, or by a local part that is no word."""
    local, sign, host = re.split(r"\s?(@| at )\s?", text, maxsplit=1, flags=re.IGNORECASE)
    if local.lower() in _NO_NAMES or local.isdigit() or host.rpartition(".")[2].strip().lower() not in TLDS:
        return None
    telling = re.search(r"\w[\d._+-]", local) is not None or _MAILBOXES.match(host) is not None
    if sign == "@":
        return 0.75 if telling or mentions(_MAIL_WORDS, before, 48) else 0.4
    return 0.75 if telling else 0.4


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    import phonenumbers  # noqa: PLC0415  (0.1 s, and only needed where digits look like a number)

    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _valid(text: str, region: str | None) -> bool:
    import phonenumbers  # noqa: PLC0415

    number = _parse(text, region)
    return number is not None and phonenumbers.is_valid_number(number)


def _possible(text: str) -> bool:
    import phonenumbers  # noqa: PLC0415

    number = _parse(text, None)
    return number is not None and phonenumbers.is_possible_number(number)


@cache
def _plans() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What the numbers of the countries in ``_WRITTEN`` look like, by phonenumbers' own metadata."""
    from phonenumbers import PhoneMetadata  # noqa: PLC0415

    plans = []
    for region in _WRITTEN:
        metadata = PhoneMetadata.metadata_for_region(region)
        if metadata is not None and metadata.general_desc is not None:
            plans.append((region, re.compile(metadata.general_desc.national_number_pattern or "(?!)")))
    return tuple(plans)


def _in_account(text: str, before: str) -> bool:
    """True for the digits of an IBAN after its first groups, and right after its first if they stand in fours."""
    start = _ACCOUNT.search(before[-48:])
    return start is not None and bool(start[1] or _FOURS.fullmatch(text))


def _number(text: str) -> str:
    """The number without its extension."""
    return _EXTENSION_START.split(text, maxsplit=1)[0]


def _international(text: str, before: str) -> float | None:
    text = _number(text)
    if _in_account(text, before):
        return None
    if named_otherwise(before):
        return 0.3
    plus = text.startswith("+")
    number = text if plus else "+" + text[2:].lstrip(" ")
    called = mentions(PHONE_WORDS, before)
    grouped = bool(re.search(r"\d[ ().-]+\d", number[1:]))
    if _valid(number, None):
        return 0.95 if plus or called else 0.8 if grouped else 0.4
    if _possible(number) and (called or plus):
        return 0.75 if called else 0.55 if grouped else 0.4
    return None


def _north_american(text: str, before: str) -> float | None:
    """(212) 555-0123 and its like; the plan (area and exchange codes) is phonenumbers'."""
    text = _number(text)
    if named_otherwise(before):
        return 0.3
    called = mentions(PHONE_WORDS, before)
    if not (_PLAN_OF_NORTH_AMERICA.fullmatch(re.sub(r"\D", "", text)[-10:]) and _valid(text, "US")):
        return 0.7 if called else 0.55 if "(" in text else 0.3
    return 0.9 if called else 0.85 if "(" in text else 0.7


def _written_as(text: str) -> bool:
    """True where some country writes this number with exactly this grouping."""
    import phonenumbers  # noqa: PLC0415

    form = re.sub(r"\D+", " ", text).strip()
    digits = form.replace(" ", "")
    for region, plan in _plans():
        if not (plan.fullmatch(digits) or plan.fullmatch(digits[1:])):
            continue
        number = _parse(text, region)
        if number is None or not phonenumbers.is_valid_number_for_region(number, region):
            continue
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        if re.sub(r"\D+", " ", national).strip() == form:
            return True
    return False


def _number_of_something(text: str) -> bool:
    """True for dates, decimals, round amounts and filler, which share the form of telephone numbers."""
    return (
        text.count("(") != text.count(")")
        or len(set(text)) < 4
        or _DATE.match(text) is not None
        or _ROUND.match(text) is not None
        or _DECIMAL.match(text) is not None
    )


def _national(text: str, before: str) -> float | None:
    text = _number(text)
    if _number_of_something(text) or _in_account(text, before) or named_otherwise(before):
        return None
    digits = re.sub(r"\D", "", text)
    grouped = len(digits) != len(text)
    if mentions(PHONE_WORDS, before):
        return 0.8 if grouped or text.startswith("0") else 0.65
    if text[0] in "0(" and grouped and len(digits) >= 9 and _written_as(text):
        return 0.7
    return None


def _labelled(text: str, before: str) -> float | None:
    text = _number(text)
    return None if _number_of_something(text) or named_otherwise(before) else 0.7


# RFC 3966 section 3 writes ";ext="; people write it in as many ways as there are languages.
_EXTENSION_WORDS: Final = (
    r"x|xtn|extn?|extension|durchwahl|dw|apparat|nebenstelle|poste|int|interno|anexo|ramal|toestel|wew|wewn|dahili"
    r"|anknytning|linka|доб|добавочный|внутр|внутренний|內線|内線|分机|分機|转|轉|내선|#"
)
_EXTENSION: Final = rf"(?:[ ,;]{{0,2}}\(?(?i:{_EXTENSION_WORDS})[.:=]?[ ]?[0-9]{{1,6}}\)?)?"
_EXTENSION_START: Final = re.compile(rf"[ ,;]*\(?(?:{_EXTENSION_WORDS})", re.IGNORECASE)

_RIGHT: Final = r"(?![0-9A-Za-z])"
_SPACE: Final = rf"[ ().{DASHES}/-]"
_NATIONAL: Final = rf"\(?[0-9](?:[ ()./{DASHES}-]{{0,2}}[0-9]){{6,12}}"
_NATIONAL_START: Final = rf"\(?[0-9][ ()./{DASHES}-]{{0,2}}[0-9][ ()./{DASHES}-]{{0,2}}[0-9]"

_END: Final = rf"{_RIGHT}(?![.,/:-][0-9])(?! ?[%€$£])"

RULES: Final = (
    Rule(
        id="text.pii/email",
        pattern=EMAIL,
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.95,
        summary="E-mail address",
        entity="EMAIL",
        validate=_email,
    ),
    Rule(
        id="text.pii/email-spoken",
        pattern=rf"(?<![a-z0-9]){_SPOKEN_LOCAL}(?:\s?{_AT}\s?[a-z0-9-]{{1,40}}(?:(?:\s?{_DOT}\s?|{_SPOKEN_DOT}"
        rf"|\.)[a-z0-9-]{{2,24}}){{1,4}}"
        rf"|{_SPOKEN_AT}[a-z0-9-]{{1,40}}(?:{_SPOKEN_DOT}[a-z0-9-]{{2,24}}){{1,4}})(?<=[a-z])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.85,
        summary="E-mail address spelled out against harvesters",
        entity="EMAIL",
        flags=re.IGNORECASE,
        validate=_spoken_email,
        trigger=rf"[a-z0-9._+-]{{1,18}}(?:{_JOIN}(?:[aä]t[\s_*~|-]|arro|arob|chez|chio|apen|mał|соб)|\s?[\[({{<]\s?[a@äcmс])",
    ),
    Rule(
        id="text.pii/email-loose",
        pattern=r"(?<![a-z0-9._+@-])[a-z0-9][a-z0-9._+-]{0,17}(?:\s@\s?|@\s|\sat\s)[a-z0-9-]{1,40}"
        r"(?:(?:\.|\s\.\s)[a-z0-9-]{2,24}){1,4}(?<=[a-z])(?![a-z0-9/@])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.75,
        summary="E-mail address with blanks or a word at its sign",
        entity="EMAIL",
        flags=re.IGNORECASE,
        validate=_loose_email,
        trigger=r"(?<![a-z0-9._+@-])[a-z0-9][a-z0-9._+-]{0,17}(?:\s@|@\s|\sat\s)",
    ),
    Rule(
        id="text.pii/phone",
        pattern=rf"(?<![0-9A-Za-z+])(?:\+ ?|00 ?)[1-9](?:{_SPACE}{{0,3}}[0-9]){{6,14}}{_EXTENSION}{_RIGHT}"
        r"(?![.,][0-9])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.95,
        summary="Telephone number in international form",
        entity="PHONE",
        validate=_international,
        trigger=r"(?<![0-9A-Za-z+])(?:\+ ?|00 ?)[1-9]",
    ),
    Rule(
        id="text.pii/phone-before-number",
        pattern=rf"(?<![0-9A-Za-z+])\+ ?[1-9](?:[ ().{DASHES}/-]{{0,3}}[0-9]){{6,14}}(?=[ -][0-9])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.95,
        summary="Telephone number in international form with further digits behind it",
        entity="PHONE",
        validate=lambda text, before: 0.8 if _valid(text, None) and not named_otherwise(before) else None,
    ),
    Rule(
        id="text.pii/phone-us",
        pattern=rf"{LEFT}(?<![0-9][.,/-])(?:1[ .-])?(?:\([0-9]{{3}}\) ?|[2-9][0-9]{{2}}[ .-])"
        rf"[0-9]{{3}}[ .-][0-9]{{4}}{_EXTENSION}{_RIGHT}(?![.,/-][0-9])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.85,
        summary="Telephone number in North American form",
        entity="PHONE",
        validate=_north_american,
        trigger=rf"{LEFT}(?<![0-9][.,/-])(?:1[ .-])?(?:\([0-9]{{3}}\)|[2-9][0-9]{{2}}[ .-])",
    ),
    Rule(
        id="text.pii/phone-national",
        pattern=rf"{LEFT}(?<![0-9][.,/:-])(?<![+(]){_NATIONAL}{_EXTENSION}{_END}",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.8,
        summary="Telephone number in a national form",
        entity="PHONE",
        validate=_national,
        trigger=rf"{LEFT}{_NATIONAL_START}",
    ),
    Rule(
        id="text.pii/phone-labelled",
        pattern=rf"{LEFT}(?<![0-9][.,/:-])(?<![+(])({_NATIONAL}{_EXTENSION})"
        r" ?[(,-]? ?(?:office|fax|mobile|cell|home|work|desk|landline|whatsapp|büro|privat|mobil|bureau|portable|fixe"
        r"|oficina|móvil|celular|casa|ufficio|kantoor|werk|praca|dom|моб|раб|дом|手机|携帯|휴대폰)(?![^\W\d_])",
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.7,
        summary="Telephone number with its kind behind it",
        entity="PHONE",
        flags=re.IGNORECASE,
        group=1,
        validate=_labelled,
        trigger=rf"{LEFT}{_NATIONAL_START}",
    ),
)
