# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Scams that are always told alike: from a child with a new number to profits that are guaranteed.

The rule: a script is recognised by all of its steps together, in eight languages (English, German, French, Spanish,
Portuguese, Italian, Dutch, Polish; fees for prizes in seven more), and by none of them alone.

* *Relative in need* (the UK's Action Fraud calls it "Hi Mum"): a relative is greeted, there is a new number, and what became of the
  old telephone, or where to write now.
* *Extortion* (the FBI's IC3 calls it sextortion): the speaker has recorded or hacked the reader, wants money, says whom the
  recording goes to, and what happens otherwise.
* *Executive fraud* (IC3: business e-mail compromise): the speaker is at the top, orders a transfer, and cannot be asked about it.
* *Changed bank details* (Europol: invoice fraud): there is a new account for payments, and nobody is to check by telephone.
* *Advance fee* (FTC): a fortune is ready, and a fee or papers release it.
* *Guaranteed profit* (FTC, BaFin): so much a day, week or month is certain, and here is the smallest stake or the messenger.
* *Task job* (FTC: task scams): paid by the day for likes and ratings, and the manager is on a messenger.
* *Doubling* (FTC): coins sent to an address come back as more.

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


_AMOUNT: Final = (
    r"(?:[$€£] ?\d[\d.,' ]+|\d{1,3}(?:[.,' ]\d{3})+"
    r"|\d{2,} ?(?:[$€£]|euros?\b|dollars?\b|usd\b|eur\b|gbp\b|k\b|zł\b|reais\b))"
)
"""Money, and no year."""


class _Script(NamedTuple):
    """``opening`` is the first step; each of ``steps`` has to follow it, or to stand on either side of it where the order
    varies (``free``). ``signs``: one of these strings is in every text with the script, in lower case."""

    name: str
    signs: tuple[str, ...]
    opening: re.Pattern[str]
    steps: tuple[re.Pattern[str], ...]
    free: bool = False


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
    _Script(
        "executive-fraud",
        (
            "ceo",
            "cfo",
            "direct",
            "direkt",
            "diret",
            "geschäftsführ",
            "chef",
            "vorstand",
            "pdg",
            "dg ",
            "presid",
            "prezes",
            "amministrator",
            "president",
            "bestuurder",
        ),
        _any(
            r"\b(?:i am|i['’]m|this is|it is|it['’]s|here is)(?:,? [a-z]{1,12}){0,3}?,? (?:ceo|cfo|coo|managing director|chief (?:executive|financial)(?: officer)?|chairman|president of the (?:company|board))\b",
            r"\b(?:ich bin|hier (?:ist|spricht|schreibt))(?:,? [a-zäöü]{1,12}){0,3}?,? (?:ceo|cfo|geschäftsführer(?:in)?|chef(?:in)?|vorstand|vorstandsvorsitzende[rn]?|direktor(?:in)?)\b",
            r"\b(?:je suis|c['’]est|ici) (?:le |la |votre )?(?:pdg|dg|ceo|cfo|directeur (?:général|financier)|directrice (?:générale|financière)|présidente?)\b",
            r"\b(?:soy|habla|le escribe) (?:el |la |tu |su )?(?:ceo|cfo|directora? (?:general|financier[oa]|ejecutiv[oa])|gerente general|presidente)\b",
            r"\b(?:sou|aqui é|é) (?:o |a )?(?:ceo|cfo|diretora? (?:geral|executiv[oa]|financeir[oa]|presidente)|presidente)\b",
            r"\b(?:sono|qui è|parla) (?:il |la |l['’])? ?(?:ceo|cfo|amministrat(?:ore|rice) delegat[oa]|direttore generale|direttrice generale|presidente)\b",
            r"\b(?:ik ben|dit is|hier) (?:de |je |uw )?(?:ceo|cfo|(?:algemeen |financieel )?directeur|bestuurder)\b",
            r"\b(?:jestem|tu|mówi|z tej strony) (?:ceo|cfo|prezes(?:em)?|dyrektor(?:em)?(?: (?:generaln\w{1,3}|finansow\w{1,3}))?)\b",
        ),
        (
            _any(
                rf"\b(?:wire|transfer|pay|send|process|make|execute|arrange)\b[^?]{{0,60}}{_AMOUNT}",
                rf"\b(?:überweis\w{{0,3}}|überweisung|zahl\w{{1,3}}|zahlung)\b[^?]{{0,60}}{_AMOUNT}|{_AMOUNT}[^?]{{0,60}}\büberweis\w{{0,3}}\b",
                rf"\b(?:virement|vire[rz]?|transf[eé]r\w{{1,6}}|transferencia|transferência|pix|bonifico|pag(?:a|ue|ar|hi)|paye[rz]?|ordina)\b[^?]{{0,60}}{_AMOUNT}",
                rf"\b(?:maak|overschrijving|overboeking|betaal|boek)\b[^?]{{0,60}}{_AMOUNT}|\b(?:przelew\w{{0,2}}|przelej|zapłać|wykonaj)\b[^?]{{0,60}}{_AMOUNT}",
            ),
            _any(
                r"\b(?:confidential|discreet|between us|in a meeting|can(?:['’]?t|not) (?:talk|call|speak|take calls)|(?:don['’]?t|do not) (?:tell|call|discuss|mention|inform)|nobody|no one)\b",
                r"\b(?:vertraulich|diskret|unter uns|in einer (?:besprechung|sitzung)|im meeting|in einem meeting|nicht (?:telefonieren|sprechen|erreichbar)|niemande?m?|mit keinem)\b",
                r"\b(?:confidentiel\w{0,4}|discret\w{0,5}|entre nous|en réunion|(?:n['’]en )?parle[rz]? (?:à personne|pas)|personne d['’]autre|ne m['’]appel\w{1,4})\b",
                r"\b(?:confidencial\w{0,5}|discret\w{0,4}|discreción|entre nosotros|en una reunión|con nadie|a nadie|no (?:lo )?(?:comentes|digas|llames)|em (?:uma )?reunião|a ninguém|com ninguém|sigil\w{1,3}|não (?:comente|fale|ligue))\b",
                r"\b(?:riservat\w|confidenziale|tra noi|in riunione|con nessuno|a nessuno|non (?:parlarne|chiamarmi)|vertrouwelijk|in (?:een )?vergadering|met niemand|tegen niemand|onder ons|poufn\w{1,3}|na (?:spotkaniu|zebraniu)|nikomu|z nikim|nie dzwo\w{1,4})\b",
            ),
        ),
        free=True,
    ),
    _Script(
        "changed-bank-details",
        ("iban", "bank", "account", "konto", "kont", "rib", "cuenta", "conta", "conto", "rekening"),
        _any(
            r"\b(?:bank(?:ing)? (?:details|account|information)|iban|account (?:details|number)|payment details)\b[^.?!]{0,30}\b(?:changed?|updated|is new|are new)\b|\b(?:new|different|changed?|updated?) (?:our |the )?(?:bank(?:ing)? (?:details|account)|iban|account (?:details|number))\b",
            r"\b(?:bankverbindung|kontoverbindung|bankdaten|iban|kontonummer)\b[^.?!]{0,40}\b(?:geändert|neu|gewechselt)\b|\bneuen?[rs]? (?:bankverbindung|kontoverbindung|bankdaten|iban|konto\w{0,6})\b",
            r"\b(?:coordonnées bancaires|rib|iban)\b[^.?!]{0,30}\b(?:chang\w{1,3}|modifi\w{1,3}|nouvel\w{0,3})\b|\b(?:nouvel(?:le)?s?|nouveau) (?:coordonnées bancaires|rib|iban|compte)\b",
            r"\b(?:datos bancarios|cuenta bancaria|iban|dados bancários|conta bancária)\b[^.?!]{0,30}\b(?:cambi\w{1,4}|modific\w{1,4}|mud\w{2,4}|alterad\w{1,2})\b|\b(?:nuev[oa]s?|nov[oa]s?) (?:datos bancarios|cuenta|iban|dados bancários|conta)\b|\b(?:han?|hemos) cambiado (?:nuestr\w{1,3} |los |el )?(?:datos bancarios|cuenta|iban)\b",
            r"\b(?:coordinate bancarie|iban|conto)\b[^.?!]{0,30}\b(?:cambiat\w|modificat\w)\b|\bnuov[eoa] (?:coordinate bancarie|iban|conto)\b",
            r"\b(?:bankgegevens|rekeningnummer|iban)\b[^.?!]{0,30}\b(?:gewijzigd|veranderd|nieuw)\b|\bnieuwe? (?:bankgegevens|rekening\w{0,6}|iban)\b|\b(?:konta|konto|rachunku|iban)\b[^.?!]{0,30}\bzmieni\w{1,4}\b|\bnow(?:y|e|ego) (?:numer (?:konta|rachunku)|iban|konto|rachunek)\b",
        ),
        (
            _any(
                r"\b(?:next|future|all|outstanding|upcoming|the) (?:payments?|invoices?|transfers?)\b|\bpayments?\b",
                r"\b(?:zahlung\w{0,2}|überweisung\w{0,2}|rechnung\w{0,2}|überweis\w{1,3})\b",
                r"\b(?:paiements?|factures?|virements?|pagos?|facturas?|transferencias?|pagamentos?|faturas?|transferências?|pagament[oi]|fattur[ae]|bonific[oi])\b",
                r"\b(?:betaling\w{0,2}|factu(?:ur|ren)|płatnoś\w{1,3}|faktur\w{0,2}|przelew\w{0,3})\b",
            ),
            _any(
                r"\b(?:do not|don['’]?t|please don['’]?t|no need to|avoid) (?:call|phone|ring|contact|try|use|telephon\w{1,3}|verify|confirm)\b",
                r"\b(?:bitte )?(?:nicht (?:mehr )?(?:an|zurück)(?:zu)?rufen|rufen sie (?:uns |bitte )?nicht|nicht (?:mehr )?(?:telefonisch|unter der alten nummer))\b",
                r"\bn['’](?:appelez|appeler|utilisez) (?:pas|plus)\b|\bne (?:pas|plus) (?:appeler|téléphoner|contacter)\b|\bne (?:nous |me )?(?:téléphonez|contactez|rappelez) (?:pas|plus)\b",
                r"\bno (?:nos |me )?(?:llame|llamen|llames|llamar|contacte)\w{0,1}\b|\bnão (?:nos |me )?(?:ligue|ligar|telefone|contacte)\w{0,1}\b|\bnon (?:ci |mi )?(?:chiam|telefon|contatt)\w{1,4}\b",
                r"\b(?:bel|belt|telefoneer|contacteer)\b[^.?!]{0,20}\bniet\b|\bniet (?:meer )?(?:te )?bellen\b|\b(?:nie|prosimy nie|proszę nie) (?:dzwo\w{1,5}|kontakt\w{1,5})\b",
            ),
        ),
        free=True,
    ),
    _Script(
        "advance-fee",
        (
            "won",
            "winner",
            "lottery",
            "congrat",
            "inherit",
            "million",
            "beque",
            "gewonnen",
            "gewinn",
            "erb",
            "gagn",
            "hérit",
            "gana",
            "lotería",
            "loteria",
            "herencia",
            "millon",
            "ganh",
            "herança",
            "milh",
            "vint",
            "milion",
            "eredit",
            "gewonnen",
            "erfenis",
            "wygra",
            "spad",
            "выигра",
            "миллион",
            "наслед",
            "中奖",
            "中獎",
            "当選",
            "當選",
            "当せん",
            "लॉटरी",
            "इनाम",
            "ربحت",
            "فزت",
            "جائزة",
            "kazan",
            "piyango",
            "당첨",
            "grant",
        ),
        _any(
            r"\byou(?:['’]ve| have)?(?: [a-z]{1,9})? won\b|\bwinner of\b|\blottery\b|\binheritance\b|\b(?:bequeath|beneficiary|next of kin)\b|\$? ?\d[\d.,]* million (?:dollars|euros|pounds|usd)\b|\byour (?:[$€£] ?[\d.,]+ )?grant\b",
            r"\bsie haben\b[^?!\n]{0,40}\bgewonnen\b|\blotteriegewinn\b|\b(?:ihr|dein) gewinn\b|\berbschaft\b|\bmillionen (?:euro|dollar)\b",
            r"\bvous avez gagné\b|\bloterie\b|\bhéritage\b|\bmillions? (?:d['’]euros|de dollars)\b|\bha(?:s)? ganado\b|\blotería\b|\bherencia\b|\bmillones de (?:euros|dólares|pesos)\b",
            r"\b(?:você|voce) ganhou\b|\bganhou\b|\bloteria\b|\bherança\b|\bmilhões de (?:reais|euros|dólares)\b|\bhai vinto\b|\bha vinto\b|\blotteria\b|\beredità\b|\bmilioni di (?:euro|dollari)\b",
            r"\bu heeft\b[^?!\n]{0,30}\bgewonnen\b|\bje hebt\b[^?!\n]{0,30}\bgewonnen\b|\bloterij\b|\berfenis\b|\bmiljoen (?:euro|dollar)\b|\bwygrał(?:eś|aś)?\b|\bwygrana\b|\bloterii?\b|\bspad(?:ek|ku)\b|\bmilion\w{0,2} (?:złotych|euro|dolarów)\b",
            r"\bвы выиграли\b|\bвыигрыш\b|\bнаследств\w{1,2}\b|中奖|中獎|当選|當選|当せん|लॉटरी|इनाम|ربحت|فزت|الجائزة|\bkazandınız\b|\bpiyango\b|당첨",
        ),
        (
            _any(
                r"[$€£₹¥] ?\d{1,3}(?:[.,' ]?\d{3})+|\d{1,3}(?:[.,' ]?\d{3})+ ?(?:[$€£₹]|(?:us )?dollars?|euros?|pounds|usd|eur|gbp|reais|pesos|zł|złotych|руб\w{0,4}|lira|tl)",
                r"\b(?:millions?|millionen|millones|milhões|milioni|miljoen|milion\w{0,2}|lakhs?|crores?|миллион\w{0,2}|milyon)\b|[百千]?万[元円]|百万|億|亿|लाख|करोड़|مليون|만 ?원|억",
            ),
            _any(
                r"\b(?:to|and|can|before) (?:you )?(?:claim|receive|release|collect|unlock|redeem|transfer)\b|\bclaim (?:your|it|the)\b|\brelease (?:of|your|the)\b",
                r"\b(?:erhalten|freigabe|freizugeben|auszahl\w{1,5}|abholen|abzuholen|recevoir|débloquer|réclam\w{1,3}|récupérer|toucher|recibir|cobrar|reclam\w{1,4}|liberar|retirar|receber|resgatar|ricevere|riscuotere|sbloccare|ritirare|ontvangen|vrij te geven|innen|odebrać|otrzymać|odbi\w{1,4})\b",
                r"\b(?:получ\w{2,5}|забрать)\b|领取|領取|领奖|受け取|受取|पाने|प्राप्त|لاستلام|للحصول|almak için|받으|수령",
            ),
            _any(
                r"\b(?:(?:pay|send|deposit|wire|transfer|cover)\b[^.?!]{0,40}\b(?:fees?|tax|taxes|charges?|deposit)|(?:small|processing|release|transfer|handling|advance) fee|deposit (?:of )?[$€£] ?\d[^.?!]{0,20}\bby\b|(?:send|sending|provid\w{1,3}|reply with|give)\b[^.?!]{0,60}\b(?:passport|bank (?:details|account)|account number|copy of your id))\b",
                r"\b(?:gebühr|bearbeitungsgebühr|vorab|kopie ihres (?:passes|ausweises)|bankverbindung|kontodaten|kontonummer)\b",
                r"\b(?:frais|coordonnées bancaires|copie de votre (?:passeport|pièce)|tasas?|comisión|gastos de|datos bancarios|número de cuenta|copia de su (?:pasaporte|dni)|taxa|dados bancários|número da conta|cópia do (?:seu )?passaporte|spese|commissione|coordinate bancarie|copia del (?:suo |tuo )?passaporte|kosten|bankgegevens|rekeningnummer|kopie van uw (?:paspoort|id)|opłat\w{1,2}|prowizj\w|numer konta|dane do przelewu|skan (?:paszportu|dowodu))\b",
                r"\b(?:комисси\w{1,2}|пошлин\w{1,2}|данные карты|номер (?:карты|счёта|счета))\b|手续费|手續費|税金|银行卡号|身份证号|手数料|口座番号|फीस|शुल्क|बैंक खाता|खाता नंबर|रسوم|رسوم|حسابك البنكي|رقم حسابك|\b(?:masraf\w{0,3}|işlem ücreti|ücret\w{0,2}|hesap numara\w{1,4})\b|수수료|계좌번호",
            ),
        ),
        free=True,
    ),
    _Script(
        "guaranteed-profit",
        ("%", "per cent", "percent", "prozent"),
        _any(
            r"\b(?:guaranteed|risk[- ]?free|assured)\b|\bno risk\b",
            r"\b(?:garantiert\w{0,2}|risikofrei\w{0,2}|risikolos\w{0,2}|ohne risiko)\b",
            r"\b(?:garanti[es]{0,2}|sans risque|garantizad[oa]s?|sin riesgo|garantid[oa]s?|sem risco|garantit[oaie]|senza rischi\w?|gegarandeerde?|zonder risico|gwarantowan\w{1,3}|bez ryzyka)\b",
        ),
        (
            _any(
                r"\d{1,3}(?:[.,]\d)? ?(?:%|percent|per cent|prozent)(?: [a-zà-ž]{1,14}){0,3}? (?:(?:a|per|every|each) (?:day|week|month)|daily|weekly|monthly|(?:pro|am|jede|jeden) (?:tag|woche|monat)|täglich|wöchentlich|monatlich|par (?:jour|semaine|mois)|(?:al|por|a la) (?:día|semana|mes|dia|mês)|semanal(?:es)?|diari[oa]s?|mensual(?:es)?|ao (?:dia|mês)|diários?|mensal|mensais|al (?:giorno|mese)|(?:a|alla) settimana|settimanali?|giornalier[oi]|mensil[ei]|per (?:dag|week|maand)|dziennie|tygodniowo|miesięcznie|na (?:dzień|tydzień|miesiąc))\b",
                r"\b(?:daily|weekly|monthly|tägliche|wöchentliche|monatliche) (?:profits?|returns?|roi|rendite|gewinne?)\b[^.?!]{0,20}\d{1,3} ?%",
            ),
            _any(
                r"\b(?:profits?|returns?|roi|earn\w{0,4}|gewinne?|rendite|gains?|profit|bénéfices?|rendement|ganancias?|rentabilidad|beneficios?|lucros?|ganhos?|rendimento|guadagn\w{1,2}|rendiment[oi]|profitt[oi]|winst|rendement|zysk\w{0,2}|zarob\w{1,3})\b",
            ),
            _any(
                r"\b(?:minimum|min\.?|only|just|small) (?:deposit|investment|stake)\b|\b(?:mindest(?:einlage|einzahlung|investition)|dépôt minimum|depósito mínimo|inversión mínima|deposito minimo|minimale (?:inleg|storting)|minimaln\w{1,2} (?:wpłat\w|depozyt))\b",
                r"\b(?:telegram|whats ?app|signal)\b|\b(?:invest|deposit) (?:now|today|just|only|from)\b|\b(?:trading|ai)[- ]bot\b",
            ),
        ),
        free=True,
    ),
    _Script(
        "task-job",
        ("whatsapp", "whats app", "telegram"),
        _any(
            r"\b(?:like|liking|follow\w{0,3}|rate|rating|review\w{0,3}|watch\w{0,3}|subscrib\w{1,3}) (?:to )?(?:[a-z]+ ){0,2}?(?:videos?|posts?|hotels?|products?|apps?|reels?|channels?|pages?|restaurants?|merchants?)\b|\boptimi[sz](?:e|ing) (?:apps?|products?|tasks)\b",
            r"\b(?:videos?|beiträge|produkte|hotels|apps?|kanäle)\b[^.?!]{0,20}\b(?:liken|bewerten|abonnieren|ansehen)\b",
            r"\b(?:aimer|liker|noter|évaluer|regarder|dar me gusta a|calificar|valorar|ver|curtir|avaliar|assistir|mettere like a|recensire|valutare|guardare) (?:[a-zà-ž]+ ){0,2}?(?:vid[ée]os?|vídeos?|hôtels?|hoteles|hot[eé]is|produits|productos|produtos|prodotti|hotel|video)\b",
            r"\b(?:video['’]?s|producten|hotels)\b[^.?!]{0,14}\b(?:liken|beoordelen|bekijken)\b|\b(?:lajkowani\w|polubi\w{1,5}|oceniani\w) (?:[a-zà-ž]+ )?(?:film\w{1,3}|produkt\w{1,3}|hotel\w{1,2}|wideo)\b",
        ),
        (
            _any(
                r"(?:[$€£₹] ?\d[\d.,]*|\d[\d.,]* ?(?:[$€£₹]|dollars?|euros?|pounds|usd|eur|zł|reais|pesos))(?: [a-zà-ž]+){0,2}? ?(?:(?:a|per|each|every) (?:day|hour|task|video|week)|daily|/ ?day|(?:pro|am|jeden) (?:tag|stunde|woche)|täglich|par (?:jour|heure|semaine)|(?:al|por) (?:día|dia|hora|semana)|diarios?|por dia|al giorno|all['’]ora|per (?:dag|uur|week)|dziennie|na godzinę)",
            ),
            _any(r"\b(?:whats ?app|telegram)\b"),
        ),
        free=True,
    ),
    _Script(
        "doubling",
        ("btc", "eth", "bitcoin", "usdt", "sol", "xrp", "doge", "crypto", "krypto", "cripto"),
        _any(
            r"\b(?:send|deposit|transfer|contribute)\b[^?!\n]{0,30}\b(?:btc|eth|ethereum|bitcoins?|usdt|sol|xrp|doge|crypto\w{0,9})\b",
            r"\b(?:senden|schicken|überweisen|envoye[rz]|env[ií]e\w{0,2}|env[ií]a\w{0,2}|mande|mandar|invia\w{0,2}|invii|stuur|wyślij)\b[^?!\n]{0,30}\b(?:btc|eth|ethereum|bitcoins?|usdt|sol|xrp|doge|[ck]r[yi]pto\w{0,9})\b",
        ),
        (
            _any(
                r"\b(?:address|wallet|adresse|dirección|endereço|indirizzo|adres|portefeuille|cartera|carteira|portafoglio)\b",
            ),
            _any(
                r"\b(?:(?:receive|get|we (?:will )?(?:send|return))\b[^?!\n]{0,40}\b(?:back|double|twice|2x|x2)|(?:double|doubled|doubling|twice) (?:your|the|amount|back)|\d(?:\.\d+)? ?(?:btc|eth|bitcoins?|usdt|sol|xrp|doge) back)\b",
                r"\b(?:doppelte|verdoppel\w{1,3}|double|doublé\w{0,2}|deux fois|el doble|duplic\w{1,5}|o dobro|dobr\w{1,4}|il doppio|raddoppi\w{1,4}|verdubbel\w{0,2}|dubbele?|podwó?j\w{1,5}|dwukrotn\w{1,3})\b",
            ),
        ),
        free=True,
    ),
)
NAMES: Final = tuple(script.name for script in _SCRIPTS)

_TOLD: Final = _any(
    r"[\"“„«「『‹>]\s*$",
    r"\b(?:writ\w{1,4}|draft|compose|translat\w{1,4}|reads?|says?|saying|said|got|received|gets?|received|rephrase|summari[sz]e|classify|explain|example|message|texts?|texted|sms|(?<!your )e-?mail|claims?|claiming|threatens?|threatened)\b",
    r"\b(?:schreib\w{0,3}|entw[iu]rf\w{0,2}|verfasse|übersetze?|formulier\w?|bekommen|erhalten|steht|beispiel|nachricht|lautet)\b",
    r"\b(?:[ée]cri[st]?|[ée]crire|r[ée]dige\w?|tradui[st]\w{0,2}|reçu|message|exemple|dit)\b",
    r"\b(?:escrib\w{1,3}|redacta\w?|traduc\w{1,3}|traduz\w{0,2}|recib\w{1,4}|receb\w{1,3}|mensaje|mensagem|ejemplo|dice|diz|escrev\w{1,3})\b",
    r"\b(?:scriv\w{1,3}|traduc\w{1,3}|ricevut\w|messaggio|esempio|dice|schrijf|vertaal|bericht|kreeg|voorbeeld|napisz|przetłumacz|dostał[ae]m|wiadomość)\b",
)
_DOUBTED: Final = _any(
    r"\b(?:scams?|scammers?|fraud\w{0,6}|phishing|fake|legit|sextortion|blackmail\w{0,3}|hoax|spam|betrug\w{0,3}|betrüger\w{0,3}|erpress\w{1,5}|arnaque\w?|chantage|estaf\w{1,4}|timo|chantaje|golpe|burla|truff\w{1,4}|ricatto|oplicht\w{1,4}|chantage|oszust\w{1,4}|szantaż\w{0,2})\b",
)
_ASKED: Final = re.compile(r"[^.!?\n。！？؟]*[?？؟]")
"""The sentence goes on to be a question."""


def scripts_in(text: str) -> Iterator[tuple[str, Span]]:
    """The scripts of a text: the rule's name and the span (code points) from the first step to the end of the last."""
    lower = text.lower()
    for script in _SCRIPTS:
        if not any(sign in lower for sign in script.signs):
            continue
        if not all(step.search(text) for step in script.steps):
            continue
        for opening in script.opening.finditer(text):
            start = opening.start()
            first = max(0, start - _READ) if script.free else opening.end()
            told = [step.search(text, first, start + _READ) for step in script.steps]
            steps = [step for step in told if step is not None]
            if len(steps) < len(told):
                continue
            begin = min([start, *(step.start() for step in steps)])
            end = max([opening.end(), *(step.end() for step in steps)])
            if _TOLD.search(text, max(0, begin - _AROUND), begin):
                continue
            if _DOUBTED.search(text[max(0, begin - _AROUND) : begin + _READ + _AROUND]):
                continue
            if script.free and _ASKED.match(text, end):
                continue
            yield script.name, (begin, end)
            break
