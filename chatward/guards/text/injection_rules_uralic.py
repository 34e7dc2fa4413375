# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Injection rules in Finnish and Hungarian. See ``injection_grammar`` for how phrases are written."""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import language

_FINNISH: Final = language(
    "fi",
    "Finnish",
    override=[
        r"\b(?:unohda|unohtakaa|ohita|ohittakaa|sivuuta|hylkää|kumoa|älä (?:välitä|noudata|seuraa|piittaa)|jätä) <3>(?:kaikki~|kaikista|aiem~|edelli~|aikaisem~|yllä|alkuperäi~|saamasi|annet~|järjestelmä~) <3>(?:ohjei~|ohjee~|säänn~|määräyk~|käsky~|kehot~|rajoitu~)",
        r"\b(?:unohda|ohita|sivuuta|riko|älä noudata) <2>(?:ohjeesi|ohjeitasi|sääntösi|sääntöjäsi|rajoituksesi|rajoituksiasi|kehotteesi)\b",
        r"\buudet (?:järjestelmä)?(?:ohjeet|ohjeesi|käskyt|säännöt):<3>(?:paljasta|kerro|tulosta|näytä|vastaa|kirjoita|sano|anna)\b",
    ],
    everything=[
        r"\b(?:unohda|ohita|sivuuta) (?:nyt |ihan |aivan )?(?:kaikki|kaiken) (?:mitä|minkä) <3>(?:sanot~|kerrot~|opit|oppinut|opetet~|tiedät|sanoin|puhut~|edellä|aiemmin)"
    ],
    extraction=[
        r"\b(?:näytä|tulosta|paljasta|kerro|toista|kirjoita|listaa|jaa|anna|käännä|mikä on|mitkä ovat|mitkä olivat) <3>(?:järjestelmä-?kehot~|järjestelmä-?ohjee~|system prompt~|kehotteesi|(?:alkuperäi~|salai~|piilotet~|sisäi~|tarkat) (?:ohjeesi|ohjeitasi|ohjeistuksesi|kehot~))",
        r"\b(?:salai~|piilotet~) (?:ohjeesi|ohjeitasi)\b",
        r"\b(?:toista|tulosta|kopioi|näytä) <1>yllä ?(?:oleva~|mainit~)? <1>(?:teksti~|sanat)",
    ],
    freedom=[
        r"\b(?:olet|vastaa|toimi|puhu|käyttäydy) <8>(?:ilman <2>(?:rajoituksia|sensuuria|suodattimia|suodatusta|sääntöjä|rajoja|moraalia)|(?:ei|eikä) ole <3>(?:rajoituksia|sääntöjä|rajoja)|rajoittamaton|sensuroimaton)\b",
        r"\bsinulla ei <3>(?:rajoituksia|sääntöjä|rajoja|suodattimia)\b",
    ],
    reader=[r"\bälä (?:kerro|mainitse|paljasta|ilmoita|sano) <3>(?:käyttäj~|lukij~|asiakka~)"],
    mine=r"\b(?:ohjeeni|ohjeitani|ohjeemme|ohjeitamme|viestini)\b",
)

_HUNGARIAN: Final = language(
    "hu",
    "Hungarian",
    override=[
        r"\b(?:hagyd (?:teljesen )?figyelmen kívül|hagyja figyelmen kívül|felejtsd el|felejtse el|ne kövesd|ne vedd figyelembe|ne tartsd be|mellőzd|írd felül|szegd meg) <3>(?:összes|minden|korábbi|előző|eddigi|fenti|eredeti|rendszer~) <3>(?:utasítás~|szabály~|parancs~|irányelv~|instrukció~|korlátozás~|prompt~|előírás~)",
        r"\b(?:hagyd figyelmen kívül|felejtsd el|ne kövesd|ne tartsd be|szegd meg) <2>(?:szabályaidat|utasításaidat|korlátaidat|korlátozásaidat|irányelveidet)\b",
        r"\b(?:összes|minden|korábbi|előző|eddigi|fenti) <2>(?:utasítás~|szabály~|parancs~|irányelv~|instrukció~) (?:hagyd figyelmen kívül|felejtsd el|ne kövesd|ne vedd figyelembe)\b",
        r"\búj (?:utasítás|utasítások|utasításaid|szabályok):<3>(?:áruld|mondd|mutasd|írd|add|válaszolj)\b",
    ],
    everything=[
        r"\b(?:felejts|felejtsd) el (?:most )?(?:mindent|mindazt) (?:amit|ami) <3>(?:mond~|tanul~|tudsz|eddig|korábban|fent)"
    ],
    extraction=[
        r"\b(?:mutasd|írd|mondd|áruld|add|ismételd|oszd|fedd|másold|sorold|nyomtasd|fordítsd|mi a|mi az|mik az?|mik voltak az?) <4>(?:rendszer-?prompt~|rendszerutasítás~|system prompt~|promptodat|(?:eredeti|titkos|rejtett|belső|kezdeti|pontos) (?:utasításaid~|promptod~|instrukcióid~|szabályaid~))",
        r"\b(?:ismételd|írd ki|másold|nyomtasd) <2>(?:fenti|föntebbi|feljebb lévő) <1>(?:szöveg~|szavak~)",
    ],
    freedom=[
        r"\b(?:mostantól|válaszolj|viselkedj|beszélj|te most) <8>(?:(?:korlátok|korlátozások|szabályok|szűrők|szűrés|cenzúra|gátlások) <2>nélkül|cenzúrázatlan~|(?:nincsenek|nincs) <2>(?:korlátai|szabályai|korlátaid|szabályaid))\b",
        r"\b(?:nincs|nincsenek) (?:több |már )?(?:korlátaid|korlátozásod|korlátozásaid|szabályaid|szűrőid)\b",
    ],
    reader=[r"\bne (?:mondd|említsd|áruld|közöld|tájékoztasd) <3>(?:felhasználó~|olvasó~|ügyfél~|vásárló~)"],
    mine=r"\b(?:utasításaimat|utasításomat|saját|üzenetem~)\b",
)

RULES: Final[tuple[Rule, ...]] = (*_FINNISH, *_HUNGARIAN)
