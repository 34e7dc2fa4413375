# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Injection rules in Danish and Norwegian. See ``injection_grammar`` for how phrases are written."""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import language

_DANISH: Final = language(
    "da",
    "Danish",
    override=[
        r"(?<!\bjeg\s)(?<!\bskulle\s)(?<!\bman\s)(?<!\bat\s)\b(?:ignorer|ignorér|glem|se bort fra|tilsidesæt|følg ikke|overhold ikke|omgå|overskriv|bryd) <3>(?:alle|alt|dine|de|tidligere|foregående|ovenstående|forrige|oprindelige|disse) <3>(?:instruktion~|instrukser~?|regler~?|retningslinjer~?|direktiv~|begrænsning~|anvisning~|prompt~|systemprompt~)",
        r"\b(?:ignorer|glem|se bort fra|følg ikke) <1>(?:instruktionerne|instrukserne|anvisningerne|reglerne|retningslinjerne) (?:ovenfor|herover|ovenover|du har fået)\b",
        r"\b(?:ignorer|glem|se bort fra) <1>(?:tidligere|foregående|forrige) ordre~ og (?:skriv|svar|fortæl|sig|vis)\b",
        r"\bnye (?:system)?(?:instruktioner|instrukser|regler):<3>(?:afslør|fortæl|sig|vis|skriv|svar|giv|udskriv)\b",
    ],
    everything=[
        r"\b(?:glem|ignorer) (?:nu )?alt (?:hvad|som|det|jeg|du) <5>(?:fået|sagt|lært|ved|tidligere|ovenfor|skrevet|før)\b"
    ],
    extraction=[
        r"\b(?:vis|afslør|udskriv|giv|gentag|fortæl|sig|skriv|del|oversæt|hvad (?:er|var)) <3>(?:din|dine|dit|den|hele) <2>(?:system-?prompt~|systembesked~|systeminstruktion~|(?:oprindelige|hemmelige|skjulte|interne|præcise|første) (?:instruktion~|instrukser|prompt~|retningslinjer|anvisning~))",
        r"\b(?:gentag|udskriv|kopier|vis) <2>(?:teksten|ordene|tekst) (?:ovenfor|ovenover|herover)\b",
    ],
    freedom=[
        r"\b(?:du er|er du en|svar|tal|opfør dig) <6>(?:uden (?:nogen )?(?:begrænsninger|regler|filtre|filter|censur|grænser|moral)|ucensureret|ufiltreret)\b",
        r"\bdu har (?:nu |ikke længere )?(?:ingen|nogen) (?:begrænsninger|regler|filtre|grænser)\b",
    ],
    reader=[r"\b(?:fortæl|sig|nævn|afslør|oplys) (?:det )?(?:ikke|intet|aldrig) <4>(?:bruger~|læser~|kund~)"],
    mine=r"\b(?:min|mine|mit|vores)\b",
)

_NORWEGIAN: Final = language(
    "no",
    "Norwegian",
    override=[
        r"(?<!\bjeg\s)(?<!\bskulle\s)(?<!\bman\s)(?<!\bå\s)\b(?:ignorer|glem|se bort fra|tilsidesett|følg ikke|ikke følg|ikke bry deg om|omgå|overskriv|bryt) <3>(?:alle|alt|dine|de|tidligere|foregående|ovenstående|forrige|opprinnelige|disse) <3>(?:instruksjon~|instruks~|regler~?|reglene|retningslinj~|direktiv~|begrensning~|anvisning~|prompt~|systemprompt~|ledetekst~)",
        r"\b(?:ignorer|glem|se bort fra|følg ikke|ikke følg) <1>(?:instruksjonene|instruksene|anvisningene|reglene|retningslinjene|begrensningene) (?:dine|ovenfor|over|du har fått)\b",
        r"\b(?:ignorer|glem|se bort fra) <1>(?:tidligere|foregående|forrige) ordre~ og (?:skriv|svar|fortell|si|vis)\b",
        r"\bnye (?:system)?(?:instruksjoner|instrukser|regler):<3>(?:avslør|fortell|si|vis|skriv|svar|gi)\b",
    ],
    everything=[
        r"\b(?:glem|ignorer) (?:nå )?alt (?:som|det|jeg|du) <5>(?:fått|sagt|lært|vet|tidligere|ovenfor|skrevet|før|fortalt)\b"
    ],
    extraction=[
        r"\b(?:vis|avslør|skriv ut|gi|gjenta|fortell|si|skriv|del|oversett|hva (?:er|var)) <3>(?:system-?prompt~|systemledetekst~|systeminstruks~|(?:opprinnelige|hemmelige|skjulte|interne|nøyaktige|første) (?:instruksjonene|instruksene|retningslinjene|prompten) (?:din|dine)|(?:din|dine) (?:opprinnelige|hemmelige|skjulte|interne) (?:instruksjon~|instruks~|prompt~))",
        r"\b(?:gjenta|skriv ut|kopier|vis) <2>(?:teksten|ordene|tekst) (?:ovenfor|over)\b",
    ],
    freedom=[
        r"\b(?:du er|er du en|svar|snakk|oppfør deg) <6>(?:uten (?:noen )?(?:begrensninger|regler|filtre|filter|sensur|grenser|moral)|usensurert|ufiltrert)\b",
        r"\bdu har (?:nå |ikke lenger )?(?:ingen|noen) (?:begrensninger|regler|filtre|grenser)\b",
    ],
    reader=[r"\b(?:ikke (?:fortell|si|nevn|avslør)|(?:fortell|si) ikke) <4>(?:bruker~|leser~|kund~)"],
    mine=r"\b(?:min|mine|mitt|vår|våre)\b",
)

RULES: Final[tuple[Rule, ...]] = (*_DANISH, *_NORWEGIAN)
