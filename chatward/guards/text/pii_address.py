"""Postal addresses by rule: street with house number, post box, postcode.

The rule: a house number and a word that ends or begins a street's name, in the order the country writes them.
Words that mean only streets (Street, straße, rue, улица) stand alone; words with other lives (Way, Place, via,
plaza) need a sign of an address before them. A name is capitalised unless an address is announced.
Names of streets without such a word are left to the models.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule, Validator
from chatward.core.values import Category, Severity
from chatward.guards.text.pii_words import LEFT, RIGHT, label, label_start, mentions

ADDRESS_WORDS: Final = """
    address*, live at, lives at, live in, living at, living in, lived at, i live, lives in, reside*, residing,
    located at, home is, my home, my house, ship to, ship it to, shipping, deliver*, mail to, send it to, send to,
    moved to, moving to, billing, street, home at, house at, come to, stay at, staying at, adresse*, anschrift*,
    wohne*, wohnhaft, wohnt, lieferadresse, habite*, domicili*, demeurant, livraison, direcci*, vivo en, vive en,
    domicilio, resid*, enviar a, endereço*, moro, mora, morada, entrega*, indirizzo*, abito*, abita, vivo in,
    residente, sede, spedire, adres*, woon*, bezorg*, mieszka*, zamieszkał*, adres, адрес*, живу, живет, живёт,
    проживаю*, прописан*, bor på, bor i, bor, bostad*, osoite*, asun, adresa*, bydliště, lakcím, cím, adresi,
    oturuyor*, διεύθυνση*, 地址, 住址, 住所, 주소, عنوان, पता, địa chỉ, ที่อยู่, alamat, כתובת
"""

_WORD: Final = r"[^\s0-9,;:!?()/%]"
_HAN: Final = "\u4e00-\u9fff"
_KANA: Final = "\u3040-\u30ff"
_NAME: Final = r"(?:[^\s0-9,;:!?()/%][^\s,;:!?()]{0,19}|[0-9]{1,3}(?:st|nd|rd|th))"
_STRONG: Final = (
    "street|avenue|ave|road|rd|boulevard|blvd|lane|ln|crescent|cres|parkway|pkwy|highway|hwy|cul-de-sac"
    "|turnpike|expressway"
)
_WEAK: Final = (
    # Suffixes of US Postal Service Publication 28, appendix C, and of Britain and Australia.
    "st|str|drive|dr|court|ct|place|pl|square|sq|terrace|ter|way|circle|cir|trail|trl|close|mews|grove"
    "|gardens|gate|row|hill|walk|view"
    "|alley|plaza|loop|path|run|ridge|point|crossing|heights|park|green|rise|quay|haven|manor|vale|wharf"
    "|parade|esplanade|bay"
    "|bypass|canyon|causeway|chase|commons?|corner|cove|creek|divide|estates?|extension|falls|ferry"
    "|fields?|ford|forest|forge|fork"
    "|freeway|garden|glen|harbor|hollow|hills|inlet|island|isle|junction|key|knolls?|lakes?|landing|light"
    "|lodge|mall|meadows?|mills?"
    "|mission|motorway|mountain|orchard|oval|overpass|parks|pass|passage|pike|pines?|plains?|port|prairie"
    "|radial|ranch|rapids|rest"
    "|river|roads|route|shoals?|shores?|skyway|spring|springs|spur|station|stravenue|stream|summit"
    "|throughway|trace|track|tunnel"
    "|underpass|union|valley|via|viaduct|villages?|ville|vista|walks|wall|ways|well|wells"
)
_LIKELY: Final = frozenset(["st", "str", "drive", "dr", "court", "ct", "terrace", "close", "mews", "grove", "gardens"])
_NOT_NAMES: Final = re.compile(
    r"\b(?:the|a|an|of|to|in|on|at|and|or|is|are|was|my|your|our|their|his|her|this|that|down|up|off|from"
    r"|for|with|by|per|minutes?|hours?"
    r"|days?|weeks?|months?|years?|miles?|km|meters?|metres?|feet|yards?|blocks?|people|cars?|items?"
    r"|points?|percent|am|pm|more|less|than"
    r"|one|easy|best|hard|disk|supreme|no|not|there|along|across|between|every|first|last|next)\b",
    re.IGNORECASE,
)
_UNIT: Final = r"(?:,?\s{1,2}(?:apt|apartment|suite|ste|unit|flat|floor|fl|#)\.?\s?#?[0-9A-Z-]{1,6}(?![0-9A-Za-z]))?"
_HOUSE: Final = r"[0-9]{1,5}(?:[-/][0-9]{1,5})?[A-Za-z]?"


def _capitalised(text: str) -> bool:
    words = list(re.findall(r"[^\W\d_][\w'’.-]*", text))
    return all(word[0].isupper() for word in words if len(word) > 3 or word is words[0])


def _english(text: str, before: str) -> float | None:
    street = re.match(
        rf"{_HOUSE},?\s(?P<name>.+)\s(?P<kind>{_STRONG}|{_WEAK})\b",
        text.partition("\n")[0] or text,
        re.IGNORECASE | re.DOTALL,
    )
    announced = mentions(ADDRESS_WORDS, before, 48)
    if street is None:
        return 0.6 if announced else None
    name, kind = street["name"], street["kind"].lower()
    if _NOT_NAMES.search(name) or (kind in {"view", "run", "point", "green"} and not announced):
        return None
    if not _capitalised(name + " " + street["kind"]):
        return 0.65 if announced and kind in [*_STRONG.split("|"), "st", "drive", "court"] else None
    if kind in _STRONG.split("|"):
        return 0.85 if announced else 0.75
    if announced:
        return 0.75
    if kind in _LIKELY:
        return 0.6
    house = re.match(r"\d+", text)
    telling = house is not None and len(house[0]) > 2 and not re.match(r"(?:19|20)\d\d\b", text)
    return 0.5 if telling and len(name.split()) == 1 and len(name) > 3 else 0.4


def _street_first(strong: float, weak: str, needs_capital: bool = True) -> Validator:
    """Streets named before their number; the words of ``weak`` need a sign of an address."""
    unsure = re.compile(rf"(?:{weak})\.?\W", re.IGNORECASE) if weak else None

    def validate(text: str, before: str) -> float | None:
        announced = mentions(ADDRESS_WORDS, before, 48)
        if (
            needs_capital
            and not announced
            and not any(char.isupper() or ord(char) > 0x2E80 for char in text[:2] + text.partition(" ")[2][:24])
        ):
            return None
        if unsure is not None and unsure.search(text):
            return 0.7 if announced else None
        return 0.85 if announced else strong

    return validate


def _box(text: str, before: str) -> float | None:
    return 0.75


def _postcode(words: str, alone: float | None) -> Validator:
    def validate(text: str, before: str) -> float | None:
        if mentions(words, before, 32) or mentions(ADDRESS_WORDS, before, 48):
            return 0.8
        if text.endswith("GB"):  # Mac mini M2 8GB
            return None
        return alone if text.upper() == text and " " in text else None

    return validate


def _state_zip(text: str, before: str) -> float | None:
    return (
        0.7
        if before[-2:] == ", " or mentions(ADDRESS_WORDS, before)
        else 0.55
        if before[-1:] in {" ", "\n", ","}
        else 0.3
    )


def _rule(
    name: str,
    pattern: str,
    validate: Validator | None,
    summary: str,
    *,
    trigger: str = "",
    entity: str = "ADDRESS",
    group: int = 0,
    flags: re.RegexFlag = re.IGNORECASE,
) -> Rule:
    return Rule(
        id=f"text.pii/{name}",
        pattern=pattern,
        category=Category.PII,
        severity=Severity.MEDIUM,
        confidence=0.75,
        summary=summary,
        entity=entity,
        flags=flags,
        validate=validate,
        trigger=trigger,
        group=group,
    )


_STATES: Final = (
    "A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT"
    "|V[AT]|W[AIVY]|A[AEP]"
)
_ROMANCE: Final = (
    "calle|c/|avenida|avda|av|plaza|paseo|carrera|cra|calzada|camino|carretera|ronda|rua|travessa|largo"
    "|praça|alameda|estrada"
    "|rodovia|via|viale|piazza|piazzale|corso|vicolo|strada|lungomare"
)
_SLAVIC: Final = (
    "ul|ulica|ulice|aleja|al|os|osiedle|plac|pl|улица|ул|проспект|пр-т|просп|переулок|пер|бульвар|шоссе"
    "|вулиця|вул|булевард"
)
_COMPOUND_STRONG: Final = (
    "straße|strasse|str\\.|gasse|allee|chaussee|straat|gracht|laan|plein|steenweg|gatan|vägen|veien|gaten"
    "|vegen|stræde|katu|polku|vej"
)
_COMPOUND_WEAK: Final = (
    "weg|platz|ring|damm|markt|ufer|steig|hof|kade|dijk|singel|dreef|steeg|gata|gate|gade|tie|kuja|allé|plads"
    "|plass|torg"
)
_POST_WORDS: Final = """
    zip!, zip code*, zipcode*, postcode*, post code*, postal code*, postal, plz!, postleitzahl*, code postal,
    código postal, cep!, cap!, postnummer*, kod pocztowy, индекс, 邮编, 郵便番号, 우편번호, psč!, irányítószám,
    posta kodu, postinumero, pin code, pincode, eircode
"""

_BOX_WORDS: Final = """
    p.o. box, po box, p o box, post office box, postfach, boîte postale, apartado de correos, apartado postal,
    casella postale, caixa postal, postbus, skrytka pocztowa, postboks, postilokero
"""

RULES: Final = (
    _rule(
        "address",
        rf"(?<![0-9A-Za-z.,$€£/-]){_HOUSE},?[ \n](?:{_NAME} ){{1,4}}?(?:{_STRONG}|{_WEAK})\b\.?(?: (?:north"
        rf"|south|east|west|[NS][EW]?|E|W)\b)?{_UNIT}",
        _english,
        "Street address in the English order",
        trigger=r"(?<![0-9A-Za-z.,$€£/-])[0-9]{1,5}(?:[-/][0-9]{1,5})?[A-Za-z]?,?[ \n][^\W_]",
    ),
    _rule(
        "address-compound",
        rf"{_WORD}{{1,14}} ?(?:{_COMPOUND_STRONG}|(?-i:(?<![^\W\d_])(?:Straße|Strasse"
        rf"|Str\.))) {{0,2}}[0-9]{{1,4}}(?:[-/][0-9]{{1,4}})?(?: ?[a-h]\b)?(?![0-9A-Za-z%])",
        _street_first(0.75, ""),
        "Street address in the German, Dutch and Nordic order",
        trigger=rf"{_WORD}{{1,14}} ?(?:{_COMPOUND_STRONG})",
    ),
    _rule(
        "address-compound-announced",
        rf"{_WORD}{{2,14}} ?(?:{_COMPOUND_WEAK}) [0-9]{{1,4}}(?:[-/][0-9]{{1,4}})?(?: ?[a-h]\b)?(?![0-9A-Za-z%])",
        lambda text, before: 0.7 if mentions(ADDRESS_WORDS, before, 48) and text[:1].isupper() else None,
        "Street address in the German, Dutch and Nordic order, announced as an address",
        trigger=rf"{_WORD}{{2,14}} ?(?:{_COMPOUND_WEAK}) ",
    ),
    _rule(
        "address-french",
        rf"{LEFT}[0-9]{{1,4}}(?: ?(?:bis|ter))?,? {{1,2}}(?:rue|avenue|av\.|boulevard|bd|place|chemin"
        rf"|impasse|allée|quai|cours|square|route|passage|faubourg)"
        rf" (?:{_WORD}{{1,12}} ){{0,3}}{_WORD}{{1,20}}",
        _street_first(0.75, "place|cours|square|route|passage", needs_capital=False),
        "Street address in the French order",
        trigger=rf"{LEFT}[0-9]{{1,4}}(?: ?(?:bis|ter))?,? {{1,2}}(?:rue|aven|av\.|boul|bd|plac|chem|impa|allé|quai"
        rf"|cour|squa|rout|pass|faub)",
    ),
    _rule(
        "address-romance",
        rf"(?<![^\W\d_])(?:{_ROMANCE})\.? (?:{_WORD}{{1,16}} ){{0,3}}{_WORD}{{1,20}},? {{0,2}}"
        rf"(?:n[°ºo.]{{0,2}} ?|nº ?|núm\.? ?|# ?)?[0-9]{{1,5}}"
        r"(?: ?[-/] ?[0-9]{1,4})?(?![0-9A-Za-z%€$])",
        _street_first(0.75, "via|largo|corso|plaza|carrera|camino|ronda|strada|av|avenida|estrada|paseo"),
        "Street address in the Spanish, Portuguese and Italian order",
        trigger=rf"(?<![^\W\d_])(?:{_ROMANCE})\.? ",
    ),
    _rule(
        "address-slavic",
        rf"(?<![^\W\d_])(?:{_SLAVIC})\.? (?:{_WORD}{{1,16}} ){{0,2}}{_WORD}{{1,20}},? (?:д\. ?|дом |буд\. ?"
        rf"|č\. ?)?[0-9]{{1,4}}[A-Za-zА-Яа-я]?(?:[/-][0-9]{{1,4}})?(?![0-9%])",
        _street_first(0.75, "al|os|pl|plac|пер"),
        "Street address in the Slavic order",
        trigger=rf"(?<![^\W\d_])(?:{_SLAVIC})\.? ",
    ),
    _rule(
        "address-chinese",
        f"[{_HAN}]{{2,14}}(?:路|街|道|巷|弄|胡同)[0-9]{{1,5}}(?:号|號|弄)(?:[0-9]{{1,4}}(?:室|楼|樓|栋|座|单元|层|号){{1,2}}){{0,3}}",
        lambda text, before: 0.8,
        "Street address in the Chinese order",
    ),
    _rule(
        "address-japanese",
        f"[{_HAN}]{{0,3}}[都道府県][{_KANA}{_HAN}]{{1,10}}[市区町村][{_KANA}{_HAN}]{{0,12}}[0-9]{{1,4}}(?:丁目|-[0-9]{{1,4}})"
        "(?:[0-9]{1,3}番)?(?:-[0-9]{1,4})?",
        lambda text, before: 0.8,
        "Street address in the Japanese order",
    ),
    _rule(
        "address-korean",
        "(?:[가-힣]{1,6}[시도군구읍면동] ){0,3}[가-힣]{1,8}(?:로|길) ?[0-9]{1,4}(?:번길)?(?![0-9])",
        lambda text, before: (
            0.75
            if mentions(ADDRESS_WORDS, before, 48)
            or before[-2:-1] in set("시군구")
            or " " in text.rstrip("0123456789 번길")
            else None
        ),
        "Street address in the Korean order",
        trigger="[가-힣]{1,8}(?:로|길|[시도군구읍면동] )",
    ),
    _rule(
        "address-box",
        label(_BOX_WORDS) + r"(?: (?:no|nr|#)\.?)? ?#?([0-9]{2,7})" + RIGHT,
        None,
        "Post box",
        trigger=label_start(_BOX_WORDS),
    ),
    _rule(
        "postcode-uk",
        r"(?<![0-9A-Za-z-])(?:GIR ?0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]|[A-HK-Y][0-9][0-9]"
        r"|[0-9][A-HJKPS-UW]|[A-HK-Y][0-9][ABEHMNPRV-Y]) ?[0-9][ABD-HJLNP-UW-Z]{2})"
        r"(?![0-9A-Za-z-])",
        _postcode(_POST_WORDS, 0.6),
        "UK postcode (BS 7666)",
        entity="POSTCODE",
        trigger=r"(?<![0-9A-Za-z-])[A-Z]{1,2}[0-9]",
    ),
    _rule(
        "postcode-ca",
        r"(?<![0-9A-Za-z-])[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9]"
        r"(?![0-9A-Za-z-])",
        _postcode(_POST_WORDS, 0.6),
        "Canadian postal code",
        entity="POSTCODE",
        trigger=r"(?<![0-9A-Za-z-])[A-Z][0-9][A-Z]",
    ),
    _rule(
        "postcode",
        label(_POST_WORDS.replace("*", "")) + rf"[ :#=.\"'(-]{{0,3}}(?:(?:code|is|no|number|ist|est|es|è|jest|är"
        rf"|er)[ :#=.\"'(-]{{1,3}}){{0,2}}{LEFT}((?:[A-Z]{{1,2}}-)?[0-9]{{3,6}}(?:-[0-9]{{3,4}}"
        rf"| ?[A-Z]{{2}}(?![A-Za-z])| [0-9]{{2,3}})?){RIGHT}",
        None,
        "Postcode with its name",
        entity="POSTCODE",
        group=1,
        trigger=label_start(_POST_WORDS.replace("*", "")),
    ),
    _rule(
        "postcode-us",
        rf"(?<![0-9A-Za-z])(?:{_STATES}),? {{1,2}}[0-9]{{5}}(?:-[0-9]{{4}})?{RIGHT}(?![-/.][0-9])",
        _state_zip,
        "US state and ZIP code",
        entity="POSTCODE",
        flags=re.RegexFlag(0),
        trigger=rf"(?<![0-9A-Za-z])(?:{_STATES}),? ",
    ),
    _rule(
        "postcode-jp",
        r"〒 ?[0-9]{3}-?[0-9]{4}(?![0-9])",
        None,
        "Japanese postcode",
        entity="POSTCODE",
    ),
)
