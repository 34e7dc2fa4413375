# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Injection rules in Greek, Romanian, Bulgarian, Croatian and Serbian (in both alphabets). See ``injection_grammar`` for
how phrases are written."""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import language

_GREEK: Final = language(
    "el",
    "Greek",
    override=[
        r"\b(?:αγνόησε|αγνοήστε|ξέχνα|ξέχασε|ξεχάστε|μην? ακολουθ(?:είς|ήσεις|είτε|ήσετε)|μη λαμβάνεις υπόψη|παράκαμψε|παραβίασε|παράβλεψε) <3>(?:όλες|όλους|προηγούμεν~|παραπάνω|αρχικ~|ανωτέρω|υπάρχουσ~) <2>(?:οδηγί~|κανόν~|εντολ~|κατευθύνσ~|περιορισμ~|prompts?)",
        r"\b(?:αγνόησε|αγνοήστε|ξέχνα|ξέχασε|ξεχάστε|μην? ακολουθ(?:είς|ήσεις)|παραβίασε) <2>(?:οδηγίες|κανόνες|εντολές|περιορισμούς) (?:σου|παραπάνω|που σου|που έχεις)\b",
        r"\bνέες (?:οδηγίες|εντολές):<3>(?:αποκάλυψε|πες|δείξε|γράψε|δώσε|απάντησε)\b",
    ],
    everything=[
        r"\b(?:ξέχνα|ξέχασε|αγνόησε) (?:όλα|ό,τι|οτιδήποτε|τα πάντα) <5>(?:πει|είπα|είπαν|έμαθες|ξέρεις|πριν|τώρα|παραπάνω)\b"
    ],
    extraction=[
        r"\b(?:δείξε~|αποκάλυψε~|πες|γράψε~|τύπωσε~|επανάλαβε|δώσε~|μετάφρασε|ποιο είναι|ποιες είναι|ποιες ήταν) <3>(?:system prompt|prompt (?:συστήματος|σου)|προτροπή συστήματος|οδηγίες συστήματος|(?:αρχικ~|μυστικ~|κρυφ~|εσωτερικ~|ακριβ~) (?:σου (?:οδηγίες|εντολές)|(?:οδηγίες|εντολές) σου))",
        r"\b(?:επανάλαβε|αντίγραψε|τύπωσε) <3>(?:(?:παραπάνω|ανωτέρω) (?:κείμενο|λόγια)|κείμενο <1>(?:παραπάνω|πάνω))\b",
    ],
    freedom=[
        r"\b(?:είσαι|απάντα|απάντησε|μίλα|συμπεριφέρσου|λειτούργησε|ενέργησε) <6>χωρίς (?:κανέναν? |καμία )?(?:περιορισμ~|κανόνες|φίλτρ~|λογοκρισία|όρια)",
        r"\bδεν έχεις (?:πια |πλέον )?(?:καμία |κανέναν? )?(?:περιορισμ~|κανόνες|όρια|φίλτρα)",
    ],
    reader=[r"\bμην? (?:πεις|πείτε|αναφέρεις|αποκαλύψεις|ενημερώσεις) <3>(?:χρήστη|αναγνώστη|πελάτη)\b"],
    mine=r"(?:οδηγίες|εντολές|κανόνες) (?:μου|μας)\b",
)

_ROMANIAN: Final = language(
    "ro",
    "Romanian",
    override=[
        r"\b(?:ignoră|ignorați|uită|uitați|nu (?:mai )?(?:urma|respecta|ține cont de|lua în considerare)|încalcă|ocolește) <3>(?:instrucțiuni~|reguli~?|regulile|indicați~|directive~|restricți~|prompt~|programarea) <2>(?:anterioar~|precedent~|mai sus|tale|inițiale|primite|originale|sistemului|date)\b",
        r"\b(?:ignoră|ignorați|uită|uitați) (?:de )?(?:toate|orice) <1>(?:instrucțiuni~|reguli~?|regulile|indicați~|directive~|restricți~)",
        r"\b(?:ignoră|ignorați) (?:toate )?comenzile <1>(?:anterioare|precedente|mai sus) (?:și|apoi) (?:scrie~|spune~|fă|răspunde~|arată~)",
        r"\b(?:instrucțiuni|reguli) noi:<3>(?:dezvăluie|spune~|arată~|scrie|afișează|răspunde|dă)\b",
    ],
    everything=[
        r"\b(?:uită|uitați|ignoră|ignorați) (?:absolut )?tot (?:ce|ceea ce) <4>(?:spus|zis|învățat|știi|înainte|anterior|acum)\b"
    ],
    extraction=[
        r"\b(?:arată~|afișează|dezvăluie|spune~|repetă|scrie|tipărește|dă-mi|tradu|care (?:este|e|sunt|erau)) <4>(?:promptul <1>sistem~|promptul tău|mesajul (?:tău )?de sistem|instrucțiunile (?:de sistem|tale (?:inițiale|secrete|ascunse|interne|originale|de sistem)|(?:inițiale|secrete|ascunse|interne|originale) ale tale))",
        r"\b(?:repetă|copiază|tipărește|afișează) <2>(?:textul|cuvintele) <1>mai sus\b",
    ],
    freedom=[
        r"\b(?:ești|răspunde~|acționează|vorbește) <6>(?:fără (?:nicio )?(?:restricți~|reguli|limite|filtre|filtru|cenzură)|necenzurat|nerestricționat)",
        r"\bnu (?:mai )?ai (?:nicio )?(?:restricți~|reguli|limite|limită|filtre)\b",
    ],
    reader=[r"\bnu (?:spune|menționa|informa|dezvălui|anunța) <3>(?:utilizator~|cititor~|client~)"],
    mine=r"\b(?:mea|meu|mele|mei|noastr[eă]|nostru)\b",
)

_BULGARIAN: Final = language(
    "bg",
    "Bulgarian",
    override=[
        r"\b(?:игнорирай~|забрави|забравете|пренебрегни|пренебрегнете|не (?:следвай~|спазвай~|изпълнявай~)|заобиколи|наруши|отхвърли) <3>(?:всички~|предишн~|предходн~|горн~|първоначалн~|досегашн~|своите|твоите|системн~) <2>(?:инструкци~|указани~|правила~|команди~|ограничени~|заповеди~|насоки~|промпт~)",
        r"\b(?:игнорирай~|забрави|пренебрегни|наруши|не (?:следвай|спазвай)) (?:всички )?(?:правилата|инструкциите|указанията|ограниченията|насоките) (?:си|ти|по-горе)\b",
        r"\bнови (?:инструкции|правила):<3>(?:разкрий|кажи|покажи|напиши|изведи|отговори|дай)\b",
    ],
    everything=[
        r"\b(?:забрави|забравете|игнорирай~) (?:абсолютно )?всичко (?:което|каквото) <4>(?:казан~|казах~|научи~|знаеш|преди|досега|горе)"
    ],
    extraction=[
        r"\b(?:покажи~|разкрий~|изведи~|повтори~|напиши~|изпиши~|кажи~|дай~|сподели~|преведи~|какъв е|какви са|какви бяха) <3>(?:системн~ <1>(?:промпт~|инструкци~|подсказк~)|промпт~ си|(?:първоначалн~|скрит~|тайн~|вътрешн~|точн~|оригиналн~) (?:си|ти) (?:инструкци~|указани~|промпт~|правила))",
        r"\b(?:повтори~|изпиши~|копирай~|покажи~) <2>текст~ (?:по-горе|отгоре|над това)",
    ],
    freedom=[
        r"\b(?:ти си|сега си|вече си|отговаряй~|дръж се|действай~|говори) <5>без (?:никакви |всякакви )?(?:ограничени~|цензура|филтри|филтър|правила|лимити)",
        r"\bнямаш (?:вече |повече )?(?:никакви )?(?:граници|ограничени~|правила|филтри)",
    ],
    reader=[r"\bне (?:казвай|споменавай|разкривай|съобщавай|информирай) <3>(?:потребител~|читател~|клиент~)"],
    mine=r"\b(?:моите|моята|нашите|нашата)\b",
)

_TO_CYRILLIC: Final = {
    **{"lj": "љ", "nj": "њ", "dž": "џ"},
    **dict(zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True)),
}
_SERBIAN_LETTERS: Final = re.compile(r"\\.|lj|nj|dž|[a-zđžćčš]")


def _in_cyrillic(pattern: str) -> str:
    """A pattern of Serbian in Latin letters, in Cyrillic ones: each sound has one letter in both."""
    return _SERBIAN_LETTERS.sub(lambda sound: _TO_CYRILLIC.get(sound[0], sound[0]), pattern)


_OVERRIDE: Final = (
    r"\b(?:zanemari|zanemarite|ignoriraj|ignorirajte|ignoriši|ignorišite|zaboravi|zaboravite|nemoj~ (?:da )?(?:slijediti|slediti|pratiti|pratiš|slediš|slušati|slušaš)|ne (?:slijedi|sledi|prati|poštuj|slušaj)|prekrši|zaobiđi|odbaci) <3>(?:sve|sva|svoj~|tvoj~|prethodn~|prijašnj~|dosadašnj~|gore|raniji~|ranije|izvorn~|početn~) <3>(?:uput~|instrukcij~|pravil~|naredb~|smjernic~|smernic~|ograničenj~|komand~|direktiv~|prompt~)",
    r"\bnov[ae] (?:upute|uputstva|instrukcije|pravila):<3>(?:otkrij|reci|pokaži|ispiši|prikaži|napiši|odgovori|odaj)\b",
)
_EVERYTHING: Final = (
    r"\b(?:zaboravi|zaboravite|zanemari|zanemarite|ignoriraj|ignoriši) (?:apsolutno )?sve (?:što|šta) <4>(?:rečeno|rekao|rekli|naučio|znaš|prije|pre|dosad|ranije|sada)\b",
)
_EXTRACTION: Final = (
    r"\b(?:pokaži~|prikaži~|otkrij~|ispiši~|ponovi~|napiši~|reci~|kaži~|podijeli|podeli|prevedi|koje su|koja su|koji je) <3>(?:sistemsk~ <1>(?:prompt~|uput~|instrukcij~)|(?:svoj|tvoj) prompt~|(?:tvoj~|svoj~) (?:izvorn~|originaln~|početn~|tajn~|skriven~|intern~|tačn~|točn~) (?:uput~|instrukcij~|pravil~|naredb~))",
    r"\b(?:ponovi~|ispiši~|kopiraj) (?:sav|ceo|cijeli|čitav) tekst (?:iznad|gore)\b",
)
_FREEDOM: Final = (
    r"\b(?:ti si|sada si|od sada si|odgovaraj~|ponašaj~ se|govori|djeluj|deluj) <5>bez (?:ikakvih )?(?:ograničenj~|cenzur~|pravil~|filter~|granica)",
    r"\bnemaš (?:više )?(?:nikakv~ )?(?:ograničenj~|pravila|granic~|filter~)",
)
_READER: Final = (
    r"\b(?:ne (?:govori|spominji|otkrivaj)|nemoj (?:reći|spomenuti|otkriti)) <3>(?:korisni~|čitaoc~|čitatelj~|kupc~)",
)
_MINE: Final = r"\b(?:moj|moja|moje|moju|mojih|naš|naše|našu)\b"

_LATIN: Final = language(
    "hr",
    "Croatian, and Serbian in Latin letters",
    override=_OVERRIDE,
    everything=_EVERYTHING,
    extraction=_EXTRACTION,
    freedom=_FREEDOM,
    reader=_READER,
    mine=_MINE,
)
_CYRILLIC: Final = language(
    "sr",
    "Serbian in Cyrillic letters",
    override=map(_in_cyrillic, _OVERRIDE),
    everything=map(_in_cyrillic, _EVERYTHING),
    extraction=map(_in_cyrillic, _EXTRACTION),
    freedom=map(_in_cyrillic, _FREEDOM),
    reader=map(_in_cyrillic, _READER),
    mine=_in_cyrillic(_MINE),
)

RULES: Final[tuple[Rule, ...]] = (*_GREEK, *_ROMANIAN, *_BULGARIAN, *_LATIN, *_CYRILLIC)
