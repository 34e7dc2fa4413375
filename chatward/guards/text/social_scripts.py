# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Two scams that are always told alike: a child with a new number, and a video that is sent to everybody.

The rule: a script is recognised by all of its steps together, in eight languages (English, German, French, Spanish,
Portuguese, Italian, Dutch, Polish), and by none of them alone.

* *Relative in need* (the UK's Action Fraud calls it "Hi Mum"): a relative is greeted, there is a new number, and what became of the
  old telephone, or where to write now.
* *Extortion* (the FBI's IC3 calls it sextortion): the speaker has recorded or hacked the reader, wants money, says whom the
  recording goes to, and what happens otherwise.

A text that reports one ("is this a scam?"), quotes it, or asks for one to be written or translated is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from chatward.core.values import Span

CONFIDENCE: Final = 0.8

_READ: Final = 400
"""Code points from a script's first step on in which the others stand."""
_AROUND: Final = 160


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


class _Script(NamedTuple):
    """``opening`` is the first step; each of ``steps`` has to follow it. ``signs``: one of these strings is in every text
    with the script, in lower case."""

    name: str
    signs: tuple[str, ...]
    opening: re.Pattern[str]
    steps: tuple[re.Pattern[str], ...]


_SCRIPTS: Final = (
    _Script(
        "relative-in-need",
        ("num", "núm"),
        _any(
            r"\b(?:hi|hiya|hey|hello)[ ,!]{1,2}(?:mum|mom|mummy|mommy|mam|dad|daddy|grandma|grandpa|granny|nan)\b",
            r"\b(?:hallo|hi|hey|hoi|dag|ha)[ ,!]{1,2}(?:liebe )?(?:mama|mami|mutti|papa|papi|vati|oma|opa|mam|pap|ma|pa)\b",
            r"\b(?:coucou|salut|bonjour)[ ,!]{1,2}(?:maman|papa|mamie|papi|papy)\b",
            r"\bhola[ ,!]{1,2}(?:mam[aá]|mami|pap[aá]|papi|abuel[ao])\b",
            r"\b(?:oi|ol[aá])[ ,!]{1,2}(?:m[ãa]e|mam[ãa]e|pai|papai|v[óo]|av[óo])\b",
            r"\b(?:ciao|ehi)[ ,!]{1,2}(?:mamma|pap[aà]|nonn[ao])\b",
            r"\b(?:cześć|czesc|hej)[ ,!]{1,2}(?:mamo|tato|babciu|dziadku)\b",
        ),
        (
            _any(
                r"\b(?:new|temporary|different) (?:(?:phone|mobile|cell) )?number\b",
                r"\b(?:neue|andere|vorübergehende) (?:(?:handy|telefon)-?)?nummer\b",
                r"\bnouveau num[ée]ro\b|\bnum[ée]ro (?:provisoire|temporaire)\b",
                r"\b(?:nuevo|otro) n[uú]mero\b|\bn[uú]mero (?:nuevo|provisional|temporal)\b",
                r"\bnovo n[uú]mero\b|\bn[uú]mero (?:novo|provisório)\b",
                r"\bnuovo numero\b|\bnumero (?:nuovo|provvisorio|temporaneo)\b",
                r"\b(?:nieuwe?|ander|tijdelijke?) (?:telefoon)?nummer\b|\bnow(?:y|ego) numer",
            ),
            _any(
                r"\b(?:broke|broken|lost|stolen|smashed|dropped|cracked|repair|toilet|old (?:one|number|phone))\b|\b(?:text|message|save|write to|call) (?:me|this)\b",
                r"\b(?:kaputt|verloren|defekt|geklaut|gestohlen)\b|\b(?:schreib|antworte|melde?|speicher)\w{0,2}\b",
                r"\b(?:cass|perdu|vol[ée]|tomb[ée]|panne|r[ée]par|[ée]cri)\w{0,6}\b",
                r"\b(?:roto|rompi|perd|estrope|rob[aoó]|cay[oó]|escr[ií]b|guard)\w{0,6}\b",
                r"\b(?:quebr|parti|estrag|roub|avari|cai[ru]|mand|salv)\w{0,5}\b",
                r"\b(?:rott|pers|guast|rubat|cadut|scriv|salva)\w{0,5}\b",
                r"\b(?:stuk|kapot|kwijt|gestolen|gevallen|stuur|app)\b|\b(?:zepsu|zgubi|zniszcz|ukrad|napisz)\w{0,4}\b",
                r"\bwhats ?app\b",
            ),
        ),
    ),
    _Script(
        "extortion",
        (
            "$",
            "€",
            "£",
            "eur",
            "usd",
            "dollar",
            "dólar",
            "zł",
            "bitcoin",
            "btc",
            "monero",
            "xmr",
            "ethereum",
            "crypto",
            "krypto",
            "cripto",
        ),
        _any(
            r"\bi(?:['’]ve| have| did)? (?:secretly |just |also )?(?:recorded|filmed|hacked|infected|record|film|hack) (?:you|ur|your)\b",
            r"\bi(?:['’]ve(?: got)?| have(?: got)?| got| own| made)(?: [a-z]{1,9}){0,3} (?:videos?|nudes|recordings?|footage|pictures|photos|screenshots)(?: [a-z]{1,12}){0,2} (?:of you|you)\b",
            r"\bich habe? (?:(?:dich|sie) .{0,60}?(?:aufgenommen|gefilmt|gehackt)|(?:dein|ihr)\w{0,2} .{0,40}?(?:gehackt|gefilmt|infiziert)|(?:ein )?(?:video|aufnahmen?|fotos?|bilder)s? von (?:dir|ihnen))\b",
            r"\bj['’]ai (?:.{0,14}(?:vid[ée]os?|photos?|images|enregistrements?) (?:de|d['’]) ?(?:vous|toi)|(?:pirat|film|enregistr)[ée] (?:ton|ta|votre|vos|tes))\b|\bje (?:t['’]|vous )ai (?:film|enregistr|pirat)",
            r"\b(?:tengo|he grabado) .{0,20}(?:v[ií]deos?|fotos?|im[aá]genes) (?:tuy[oa]s?|suy[oa]s?|de (?:ti|usted))\b|\b(?:te|le|lo) (?:he )?(?:grab|film)(?:ado|[ée])\b|\bhe hackeado (?:tu|su)\b",
            r"\b(?:tenho|gravei) .{0,20}(?:v[ií]deos?|fotos?) (?:seus?|suas?|teus?|de (?:ti|você))\b|\b(?:gravei|filmei|hackeei|invadi) (?:você|o (?:seu|teu)|a (?:sua|tua))\b",
            r"\bho (?:un |dei |delle )?(?:video|foto|filmat[oi]|immagini) (?:tu[oei]|di te|vostr[io])\b|\b(?:ti|vi) ho (?:registrat|filmat)\w\b|\bho (?:hackerato|violato) (?:il tuo|la tua)\b",
            r"\bik heb (?:(?:je|jou|u) .{0,50}(?:opgenomen|gefilmd|gehackt)|.{0,14}(?:video['’]?s?|beelden|opnames?) van (?:je|jou|u))\b",
            r"\b(?:nagrał[ae]m|mam (?:nagrani[ea]|wideo|film|zdjęcia)) .{0,24}(?:cię|ciebie|ciebie|twoj\w{1,3})\b",
        ),
        (
            _any(
                r"\b(?:bitcoins?|btc|monero|xmr|usdt|ethereum|cr[yi]pto\w{0,9}|krypto\w{0,9})\b|[$€£] ?\d|\d ?(?:[$€£]|(?:euros?|dollars?|usd|eur|dólares|dollari|zł)\b)",
            ),
            _any(
                r"\b(?:contacts?|kontakt\w{0,3}|contatt[io]|contactos|contatos|contacten|friends|freunde\w?|amis|amig[oa]s|amici|vrienden|znajom\w{1,3}|colleagues|kollegen|employer|followers)\b",
                r"\b(?:your|deiner?|ihrer?|ta|votre|tu|su|sua|tua|je|uw|twoj\w{1,3}) (?:family|familie|famille|familia|família|famiglia|rodzin\w{1,2}|wife|husband|boss|parents)\b",
                r"\b(?:publish|leak|post (?:it|them)|veröffentlich\w{0,3}|publi(?:er|car|que|care|ceren|ko)\w{0,4})\b",
            ),
            _any(
                r"\b(?:or|otherwise|unless|if you (?:do not|don['’]?t|fail|refuse|ignore)|else|within|deadline)\b",
                r"\b(?:oder|sonst|andernfalls|wenn (?:du|sie) nicht|innerhalb|ou|sinon|si no|de lo contrario|o|senão|caso contrário|se não|altrimenti|se non|oppure|of|anders|albo|inaczej|jeśli nie)\b",
            ),
        ),
    ),
)
NAMES: Final = tuple(script.name for script in _SCRIPTS)

_TOLD: Final = _any(
    r"[\"“„«「『‹>]\s*$",
    r"\b(?:writ\w{1,4}|draft|compose|translat\w{1,4}|reads?|says?|saying|said|got|received|gets?|received|rephrase|summari[sz]e|classify|explain|example|message|texts?|texted|sms|e-?mail|claims?|claiming|threatens?|threatened)\b",
    r"\b(?:schreib\w{0,3}|entw[iu]rf\w{0,2}|verfasse|übersetze?|formulier\w?|bekommen|erhalten|steht|beispiel|nachricht|lautet)\b",
    r"\b(?:[ée]cri[st]?|[ée]crire|r[ée]dige\w?|tradui[st]\w{0,2}|reçu|message|exemple|dit)\b",
    r"\b(?:escrib\w{1,3}|redacta\w?|traduc\w{1,3}|traduz\w{0,2}|recib\w{1,4}|receb\w{1,3}|mensaje|mensagem|ejemplo|dice|diz|escrev\w{1,3})\b",
    r"\b(?:scriv\w{1,3}|traduc\w{1,3}|ricevut\w|messaggio|esempio|dice|schrijf|vertaal|bericht|kreeg|voorbeeld|napisz|przetłumacz|dostał[ae]m|wiadomość)\b",
)
_DOUBTED: Final = _any(
    r"\b(?:scams?|scammers?|fraud\w{0,6}|phishing|fake|legit|sextortion|blackmail\w{0,3}|hoax|spam|betrug\w{0,3}|betrüger\w{0,3}|erpress\w{1,5}|arnaque\w?|chantage|estaf\w{1,4}|timo|chantaje|golpe|burla|truff\w{1,4}|ricatto|oplicht\w{1,4}|chantage|oszust\w{1,4}|szantaż\w{0,2})\b",
)


def scripts_in(text: str) -> Iterator[tuple[str, Span]]:
    """The scripts of a text: the rule's name and the span (code points) from the first step to the end of the last."""
    lower = text.lower()
    for script in _SCRIPTS:
        if not any(sign in lower for sign in script.signs):
            continue
        for opening in script.opening.finditer(text):
            start = opening.start()
            told = text[opening.end() : start + _READ]
            steps = [step.search(told) for step in script.steps]
            if not all(steps) or _TOLD.search(text, max(0, start - _AROUND), start):
                continue
            if _DOUBTED.search(text[max(0, start - _AROUND) : start + _READ + _AROUND]):
                continue
            yield script.name, (start, opening.end() + max([step.end() for step in steps if step]))
            break
