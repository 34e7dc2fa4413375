# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Injection rules in the languages of Europe: German, French, Spanish, Portuguese, Italian, Dutch, Polish, Czech,
Swedish, Turkish, Russian, Ukrainian. See ``injection_grammar`` for how phrases are written."""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import language

_GERMAN: Final = language(
    "de",
    "German",
    override=[
        r"\b(?:ignorier~|vergiss|vergesst|vergessen|missacht~|verwirf|verwerfen|überschreib~|umgeh~|lösch~|befolge nicht|beachte nicht) <3>(?:alle~|sämtliche~|bisherige~|vorherige~|obige~|vorangegangen~|vorangehend~|vorig~|früher~|ursprünglich~|zuvor|bestehend~|deine~|eure~|ihre~|gegeben~|genannt~) <4>(?:anweisung~|instruktion~|vorgabe~|regeln?|richtlinien?|befehle?n?|prompts?|aufträge?n?|aufforderung~|anordnung~|direktiven?|beschränkung~|einschränkung~|programmierung|sicherheits~|systemanweisung~|aufgaben?)\b",
        r"\b(?:neue|andere|geänderte|aktualisierte) (?:anweisung~|instruktion~|systemanweisung~|direktiven?|befehle?)\b <1>(?:lauten|lautet|sind|gelten|folgen|ab sofort)",
        r"\b(?:ignorier~|vergiss|vergessen) (?:sie )?(?:die|den|das|alles) (?:obige~|vorherige~|vorangehend~|bisherige~|zuvor)\b",
        r"\b(?:beantwort~|antwort~) <3>(?:frage )?nicht <6>(?:ignorier~|gib|geben|schreib~|sag~)\b",
    ],
    everything=[
        r"\b(?:vergiss|vergesst|vergessen|ignorier~) (?:sie )?(?:nun |jetzt |bitte |einfach )?(?:alles|alle~ <2>(?:informationen|texte|eingaben)) <2>(?:was|davor|vorher|bisher~|gesagt|zuvor|darüber|oben|schreibe?|und|konzentrier~|gib|antwort~|wir)\b",
        r"\b(?:nun|jetzt) folgen (?:weitere|neue|andere) aufgaben\b",
        r"\b(?:lassen|lass) (?:sie )?(?:bitte )?alle vorherigen <3>hinter (?:sich|dir)\b",
        r"\b(?:wir )?(?:beginnen|fangen|starten) <3>(?:mit einer|eine) (?:neuen|neue) aufgabe\b",
    ],
    extraction=[
        r"\b(?:zeig~|gib|gebt|geben|nenn~|verrat~|sag~|wiederhol~|druck~|schreib~|offenbar~|übersetz~|teil~) <3>(?:dein~|ihr~|eure~|den|die|das) <2>(?:system-?prompt~|systemanweisung~|systemnachricht~|system-?instruktion~|ursprüngliche~ (?:anweisung~|prompt)|geheime~ (?:anweisung~|instruktion~)|anfangs-?(?:prompt|anweisung~)|initial-?prompt|prompt|internen (?:anweisung~|daten|regeln))\b",
        r"\bwie lautet (?:dein|ihr|der) <2>(?:system-?prompt|prompt|passwort|geheim~)\b",
        r"\b(?:was|welche) (?:sind|waren|hast du|wurden) <2>(?:dein~|ihre?|als) <2>(?:ursprüngliche~|geheime~|genaue~|interne~|system~) <1>(?:anweisung~|instruktion~|vorgaben)\b",
        r"\b(?:wiederhol~|gib|schreib~|zeige?) <3>(?:alles|text|wörter|anweisungen) (?:oben|darüber|davor|über dieser)",
    ],
    freedom=[
        r"\b(?:du|sie) (?:bist|sind|hast|haben|kennst|befolgst) <4>(?:uneingeschränkt|unzensiert|ungefiltert|keine (?:regeln|grenzen|einschränkung~|filter|beschränkung~|richtlinien|moral~)|ohne <1>(?:regeln|grenzen|einschränkung~|filter|zensur|beschränkung~))",
        r"\b(?:antwort~|antworten|reagier~|sprich|schreib~) <3>(?:ohne (?:jede |jegliche |alle |irgendwelche )?(?:einschränkung~|zensur|filter|beschränkung~|moral~|ethische~|grenzen)|uneingeschränkt|unzensiert|ungefiltert)",
        r"\b(?:ab jetzt|von nun an|ab sofort) <3>(?:keine (?:regeln|richtlinien|grenzen|einschränkung~|filter)|uneingeschränkt|unzensiert)",
        r"\b(?:entwickler-?modus|dan-?modus|jailbreak-?modus) <2>(?:aktiv~|ein~|an)\b",
        r"\b(?:sicherheits~|inhalts)(?:richtlinien|regeln|filter|protokolle) <3>(?:nicht gelten|gelten <2>nicht|deaktiviert|aus)\b",
    ],
    reader=[
        r"\b(?:sag~|teil~|informier~|erwähn~|verrat~) <3>(?:dem|den|der) (?:nutzer~|benutzer~|anwender~|leser~|menschen) <3>(?:nicht|nichts)\b",
        r"\b(?:ki|ki-?assistent~|ki-?system~|sprachmodell~|chatbots?|assistent~) <4>(?:muss|müssen|soll~|hat zu) <4>(?:antwort~|angehängt|hinzufüg~|ignorier~|sag~|nenn~|erwähn~|send~|schick~)",
        r"\b(?:am ende|zu beginn|am anfang|in) (?:jeder|deiner|ihrer|der) (?:antwort|zusammenfassung|ausgabe) <8>(?:angehängt|hinzufüg~|hinzugefügt|einfüg~|erwähn~|nenn~|muss|füge|schreib~)",
        r"\bsystem-?hinweis\s?:",
    ],
    mine=r"\b(?:meine[nrms]?|unsere[nrms]?|meiner)\b",
)

_FRENCH: Final = language(
    "fr",
    "French",
    override=[
        r"\b(?:ignore[zr]?|oublie[zr]?|négligez|néglige|désobéis~|ne (?:tiens|tenez) (?:pas|plus) compte d(?:e|es)|fais abstraction d(?:e|es)|faites abstraction d(?:e|es)|ne (?:suis|suivez) (?:pas|plus)|outrepasse[zr]?|contourne[zr]?) <3>(?:toutes?|tous|les?|l'|tes|vos|ces|des|précédentes?|précédents?) <3>(?:instructions?|consignes?|règles?|directives?|commandes?|ordres?|invites?|prompts?|restrictions?|programmation|lignes directrices) <1>(?:précédente?s?|antérieure?s?|ci-dessus|initiale?s?|d'origine|données|reçues|système|de sécurité|existantes|qui précède~|que)\b",
        r"\b(?:ignore[zr]?|oublie[zr]?|désobéis~|contourne[zr]?) <2>(?:tes|vos|toutes les|toutes tes|toutes vos) <2>(?:instructions?|consignes?|règles|directives|restrictions|programmation)\b",
        r"\b(?:ignore[zr]?|oublie[zr]?) (?:tout )?(?:ce qui précède|ce qui est au-dessus|le texte (?:précédent|ci-dessus))",
        r"\b(?:nouvelles|voici (?:tes|vos) nouvelles|tes nouvelles|vos nouvelles) (?:instructions|consignes|directives) (?:sont|système|:)",
        r"\b(?:ne réponds pas|ne répondez pas|sans répondre) <4>(?:question )<5>(?:tape~|écri~|affiche~|saisi~|entre~|répète~|imprime~|sors|sortez)\b",
    ],
    everything=[
        r"\b(?:oublie[zr]?|ignore[zr]?) (?:absolument )?tout (?:ce que|ce qui) <3>(?:dit|écrit|précède|avant|appris|demandé|sais|savez)\b",
    ],
    extraction=[
        r"\b(?:montre[zr]?|révèle[zr]?|révéler|affiche[zr]?|donne[zr]?|répète[zr]?|imprime[zr]?|dis|dites|écri[st]|écrivez|traduis~|partage[zr]?|divulgue[zr]?|quel est|quelles sont|quelles étaient|communique[zr]?) <3>(?:ton|votre|tes|vos|le|les|l') <2>(?:prompt système|prompt|invite système|message système|instructions (?:système|initiales|secrètes|cachées|internes|d'origine|exactes|de départ|précédentes)|consignes (?:système|initiales|secrètes|internes)|directives (?:initiales|internes|système)|invite initiale)\b",
        r"\b(?:répète[zr]?|affiche[zr]?|imprime[zr]?) <2>(?:tout|le texte|les mots|mot pour mot) <3>(?:ci-dessus|au-dessus|qui précède|avant)\b",
    ],
    freedom=[
        r"\b(?:tu|vous) (?:es|êtes|n'as|n'avez|n'es|n'êtes|agis|agissez|réponds|répondez|peux|dois) <5>(?:sans (?:aucune? )?(?:restrictions?|limites?|filtres?|censure|règles?)|aucune? (?:restriction|limite|règle|filtre|limitation)s?|non (?:filtré|censuré|restreint)e?|libre de toute~)",
        r"\b(?:réponds|répondez|répondre|agis|agissez|parle[zr]?) <3>sans (?:aucune? )?(?:restrictions?|limites?|filtres?|censure|morale?|éthique)",
        r"\b(?:mode développeur|mode dan|mode sans (?:restriction|filtre)s?) <2>(?:activé|actif|active)",
        r"\b(?:règles|consignes|restrictions) <3>(?:ne s'appliquent pas|désactivé~|ne s'applique pas)",
    ],
    reader=[
        r"\b(?:ne|n') ?(?:dis|dites|informe[zs]?|mentionne[zs]?|révèle[zs]?|préviens|prévenez|parle[zs]?) (?:pas|rien|jamais) <4>(?:à l'|l'|au |aux )(?:utilisat~|lect~|client~)",
        r"\b(?:doit|doivent|devez|dois) être (?:ajouté~|inclus~|mentionné~|inséré~) <4>(?:fin|début|réponse|résumé)",
        r"\bnote (?:du )?système\s?:",
        r"\b(?:assistants?|ia|modèles? de langage|chatbots?|agents? ia) <3>(?:doit|doivent|devez|doivent) <3>(?:inclure|ajouter|ignorer|mentionner|envoyer|dire|recommander)",
    ],
    mine=r"\b(?:mon|ma|mes|notre|nos)\b",
)

_SPANISH: Final = language(
    "es",
    "Spanish",
    override=[
        r"\b(?:ignora|ignore|ignorar|ignoren|olvida|olvide|olvidar|olvídate de|olvídese de|descarta|descarte|desobedece|omite|no sigas|no siga|no hagas caso (?:a|de)|haz caso omiso de|haga caso omiso de|pasa por alto|sáltate|anula) <3>(?:todas?|todos|las?|los|el|tus|sus|esas|estas) <3>(?:instrucci[oó]n(?:es)?|reglas?|directrices|indicaciones|órdenes|comandos?|prompts?|directivas|restricciones|programación|normas|mensajes? del sistema) <1>(?:anterior~|previa~|previo~|de arriba|iniciales|originales|dadas|que|del sistema|recibidas|existentes|precedentes|antes|de seguridad)\b",
        r"\b(?:ignora|ignore|olvida|olvide|desobedece|descarta|omite|no sigas) <2>(?:tus|todas tus|todas las|todas sus) <2>(?:instrucciones|reglas|directrices|restricciones|indicaciones|programación|normas)\b",
        r"\b(?:ignora|ignore|olvida|olvide|descarta) (?:todo )?(?:lo anterior|lo de arriba|el texto anterior|lo que precede) (?:(?:y|e|ahora|solo|simplemente|en su lugar) )<1>(?:di|dime|dame|muestra~|muéstra~|escribe|responde|haz|imprime|repite|actúa|traduce|ahora|escriba|diga)\b",
        r"\b(?:nuevas|tus nuevas|estas son tus nuevas) (?:instrucciones|órdenes|directrices) (?:son|:|del sistema)",
        r"\b(?:no respondas|no responda|sin responder) <4>(?:pregunta) <5>(?:escrib~|imprim~|ingres~|repit~|muestr~|introduz~|introduc~)",
        r"\bindependientemente de las instrucciones anteriores\b",
    ],
    everything=[
        r"\b(?:olvida|olvide|ignora|olvídate de) (?:absolutamente )?todo (?:lo que|lo) <3>(?:dicho|dije|anterior|antes|aprendi~|hablado|sabes|sabe)\b",
    ],
    extraction=[
        r"\b(?:muestra~|muéstra~|muestre|revela~|revéla~|revele|repite|repita|imprime|imprima|dime|dame|di|escribe|enséña~|comparte|cuál es|cuáles (?:son|eran)|traduce|divulga) <3>(?:tu|tus|su|sus|el|las|los) <2>(?:prompt (?:del |de )?sistema|system prompt|prompt|mensaje del? sistema|instrucciones (?:del sistema|de sistema|iniciales|secretas|ocultas|internas|originales|exactas|anteriores)|indicaciones (?:iniciales|del sistema|secretas)|configuración (?:interna|del sistema)|reglas (?:internas|ocultas))\b",
        r"\b(?:repite|imprime|muestra|copia) <2>(?:todo|el texto|las palabras) <3>(?:anterior|de arriba|que precede|arriba)\b",
    ],
    freedom=[
        r"\b(?:eres|serás|actúa|actúas|estás|tienes|respondes|responde|contesta|habla) <5>(?:sin (?:ninguna? )?(?:restricciones|restricción|límites|filtros?|censura|reglas|ética)|no tienes? (?:restricciones|límites|filtros|reglas)|ninguna restricción)",
        r"\bno tienes? (?:ninguna? )?(?:restricciones|restricción|límites|filtros?|reglas|limitaciones)\b",
        r"\bmodo (?:desarrollador|dan|sin (?:restricciones|filtros?|censura)) <2>(?:activado|activo|habilitado|sin)",
        r"\b(?:reglas|normas|directrices|restricciones) <3>no (?:se )?aplican\b",
    ],
    reader=[
        r"\bno (?:le )?(?:digas|informes|menciones|reveles|avises|cuentes|diga|informe|mencione) <4>(?:al?|el) (?:usuario~|lector~|cliente~)",
        r"\bdebe (?:añadirse|incluirse|agregarse|mencionarse|ser añadid~) <4>(?:final|inicio|principio|respuesta|resumen)",
        r"\bnota del? sistema\s?:",
        r"\b(?:asistentes?|ia|modelos? de lenguaje|chatbots?|agentes? de ia) <3>(?:debe|deben|debes|tiene que|tienen que) <3>(?:incluir|añadir|agregar|ignorar|mencionar|enviar|decir|recomendar)",
    ],
    mine=r"\b(?:mi|mis|nuestr[oa]s?)\b",
)

_PORTUGUESE: Final = language(
    "pt",
    "Portuguese",
    override=[
        r"\b(?:ignore|ignora|ignorar|ignorem|esqueça|esquece|esquecer|desconsidere|desconsidera|desconsiderar|desobedeça|descarte|não siga|não sigas|despreze|contorne|pule) <3>(?:todas?|todos|as?|os?|suas|seus|tuas|essas|estas|quaisquer) <3>(?:instruç(?:ão|ões)|regras?|diretrizes|ordens|comandos?|prompts?|orientações|restrições|programação|diretivas|mensagens? do sistema) <1>(?:anterior~|prévi~|acima|iniciais|originais|dadas|que|do sistema|recebidas|existentes|precedentes|de segurança|passadas)\b",
        r"\b(?:ignore|ignora|esqueça|esquece|desconsidere|desobedeça|contorne) <2>(?:suas|tuas|todas as suas|todas as|todas as tuas) <2>(?:instruções|regras|diretrizes|restrições|orientações|programação)\b",
        r"\b(?:ignore|ignora|esqueça|esquece|desconsidere) (?:tudo )?(?:o que (?:foi dito |está )?(?:acima|antes|anteriormente)|o acima|o texto (?:acima|anterior))",
        r"\b(?:novas|suas novas|estas são suas novas) (?:instruções|ordens|diretrizes) (?:são|:|do sistema)",
    ],
    everything=[
        r"\b(?:esqueça|esquece|ignore|ignora) (?:absolutamente )?tudo (?:o )?que <3>(?:disse|dito|antes|anterior~|aprend~|sabe~|falamos)\b",
    ],
    extraction=[
        r"\b(?:mostre|mostra|revele|revela|repita|repete|imprima|imprime|diga|diz|me dê|escreva|exiba|compartilhe|qual é|quais (?:são|eram)|traduza|divulgue) <3>(?:o|a|os|as|seu|sua|seus|suas|teu|tuas) <2>(?:prompt (?:do |de )?sistema|system prompt|prompt|mensagem do? sistema|instruções (?:do sistema|de sistema|iniciais|secretas|ocultas|internas|originais|exatas|anteriores)|diretrizes (?:internas|do sistema|iniciais)|configuração (?:interna|do sistema))\b",
        r"\b(?:repita|imprima|mostre|copie) <2>(?:tudo|o texto|as palavras) <3>(?:acima|anterior~|antes)\b",
    ],
    freedom=[
        r"\b(?:você|tu) (?:é|és|está|agora|não|será|age|responde) <5>(?:sem (?:nenhuma? |quaisquer )?(?:restrições|restrição|limites|filtros?|censura|regras|ética)|não tem (?:nenhuma? )?(?:restrições|restrição|limites|filtros|regras|limitações)|irrestrit[oa])",
        r"\b(?:responda|responde|aja|fale|atue) <3>sem (?:nenhuma? |quaisquer )?(?:restrições|restrição|limites|filtros?|censura|ética|moral)",
        r"\bmodo (?:desenvolvedor|dan|sem (?:restrições|filtros?|censura)) <2>(?:ativado|ativo|habilitado)",
    ],
    reader=[
        r"\bnão (?:diga|informe|mencione|revele|conte|avise|fale) <4>(?:ao?|o) (?:usuári~|utilizador~|leitor~|cliente~)",
        r"\bnota do sistema\s?:",
        r"\b(?:assistentes?|ia|modelos? de linguagem|chatbots?|agentes? de ia) <3>(?:deve|devem|tem que|precisa~) <3>(?:incluir|adicionar|ignorar|mencionar|enviar|dizer|recomendar)",
    ],
    mine=r"\b(?:meu|minha|meus|minhas|nosso|nossa|nossos|nossas)\b",
)

_ITALIAN: Final = language(
    "it",
    "Italian",
    override=[
        r"\b(?:ignora|ignorate|ignori|ignorare|dimentica|dimenticate|dimentichi|dimenticati (?:di|delle)|trascura|scarta|disobbedisci|non seguire|non considerare|tralascia|aggira) <3>(?:tutte|tutti|le|i|gli|il|la|tue|tuoi|queste|quelle|qualsiasi) <3>(?:istruzion[ei]|regol[ae]|direttiv[ae]|linee guida|comand[oi]|ordini|prompt|indicazioni|restrizioni|programmazione|messaggi? di sistema) <1>(?:precedent[ei]|qui sopra|sopra|inizial[ei]|original[ei]|date|che|di sistema|ricevute|esistenti|di sicurezza|anterior[ei])\b",
        r"\b(?:ignora|ignorate|dimentica|dimenticate|disobbedisci|aggira) <2>(?:le tue|tutte le tue|tutte le|tutte|le vostre) <2>(?:istruzioni|regole|direttive|restrizioni|linee guida|indicazioni|programmazione)\b",
        r"\b(?:ignora|ignorate|dimentica|dimenticate) <1>(?:precedent[ei]) (?:istruzion[ei]|direttive|indicazioni|comandi)",
        r"\b(?:ignora|dimentica|ignorate) (?:tutto )?(?:quanto sopra|ciò che precede|quello che precede|il testo (?:sopra|precedente))",
        r"\b(?:nuove|le tue nuove|ecco le tue nuove) (?:istruzioni|direttive) (?:sono|:|di sistema)",
    ],
    everything=[
        r"\b(?:dimentica|dimenticate|ignora) (?:assolutamente )?tutto (?:ciò che|quello che|quanto) <3>(?:detto|prima|precede~|imparato|sai|sapete)\b",
    ],
    extraction=[
        r"\b(?:mostra~|rivela~|ripeti|ripetere|stampa|dimmi|dammi|scrivi|condividi|qual è|quali (?:sono|erano)|traduci|divulga|elenca) <3>(?:il|la|le|i|tuo|tuoi|tue|tua) <2>(?:prompt (?:di |del )?sistema|system prompt|prompt|messaggio di sistema|istruzioni (?:di sistema|del sistema|iniziali|segrete|nascoste|interne|originali|esatte|precedenti)|direttive (?:interne|iniziali|di sistema)|configurazione (?:interna|di sistema))\b",
        r"\b(?:ripeti|stampa|mostra|copia) <2>(?:tutto|il testo|le parole) <3>(?:sopra|precedent~|prima)\b",
    ],
    freedom=[
        r"\b(?:sei|sarai|agisci|ora|rispondi|parla|hai) <5>(?:senza (?:alcun[ao]? |nessun[ao]? )?(?:restrizioni|restrizione|limiti|filtri|filtro|censura|regole|etica)|non hai (?:alcun[ao]? |nessun[ao]? )?(?:restrizioni|restrizione|limiti|filtri|regole))",
        r"\brispond~ <2>senza (?:alcun[ao]? )?(?:restrizioni|limiti|filtri|censura|limitazioni)",
        r"\bmodalità (?:sviluppatore|dan|senza (?:restrizioni|filtri)) <2>(?:attiva~|abilitata)",
        r"\b(?:linee guida|regole|restrizioni) <3>non (?:valgono|si applicano)\b",
    ],
    reader=[
        r"\bnon (?:dire|informare|menzionare|rivelare|avvisare|comunicare) <4>(?:all'|l'|al |il )(?:utente|lettore|cliente)",
        r"\bdeve essere (?:aggiunt[oa]|inclus[oa]|inserit[oa]|menzionat[oa]) <4>(?:fine|inizio|risposta|riassunto)",
        r"\bnota di sistema\s?:",
        r"\b(?:assistenti?|ia|modelli linguistici|chatbot|agenti ia) <3>(?:deve|devono|devi) <3>(?:includere|aggiungere|ignorare|menzionare|inviare|dire|raccomandare)",
    ],
    mine=r"\b(?:mi[oae]|miei|nostr[oaei])\b",
)

_DUTCH: Final = language(
    "nl",
    "Dutch",
    override=[
        r"\b(?:negeer|negeren|vergeet|vergeten|sla|overschrijf|omzeil|volg niet|verwerp) <3>(?:alle|al|de|je|jouw|uw|eerdere|vorige|voorgaande|bovenstaande|bestaande|oorspronkelijke|deze) <3>(?:instructies?|regels?|richtlijnen|opdrachten?|bevelen|prompts?|commando's|aanwijzingen|beperkingen|programmering|systeemprompt|systeeminstructies)\b",
        r"\b(?:nieuwe|je nieuwe|hier zijn je nieuwe) (?:instructies|opdrachten|systeeminstructies) (?:zijn|luiden|:)",
        r"\b(?:negeer|vergeet) (?:al )?het (?:bovenstaande|voorgaande|vorige)\b",
    ],
    everything=[
        r"\b(?:vergeet|negeer) (?:absoluut )?alles (?:wat|hierboven|hiervoor) <3>(?:gezegd|geleerd|eerder|hiervoor|hierboven|weet|verteld)\b",
    ],
    extraction=[
        r"\b(?:toon|laat|geef|onthul|herhaal|print|vertel|schrijf|deel|zeg|wat (?:is|zijn|waren)) <4>(?:je|jouw|uw|de|het) <2>(?:systeem-?prompt|system prompt|systeembericht|systeeminstructies?|(?:oorspronkelijke|geheime|verborgen|interne|initiële|exacte) (?:instructies|prompt|opdracht)|prompt)\b",
        r"\b(?:herhaal|print|toon) <2>(?:alles|de tekst|alle tekst) <2>(?:hierboven|boven|hiervoor)",
    ],
    freedom=[
        r"\b(?:je|jij|u) (?:bent|hebt|heeft|antwoordt) <4>(?:onbeperkt|ongecensureerd|ongefilterd|zonder (?:enige )?(?:beperkingen|regels|filters?|censuur|grenzen)|geen (?:beperkingen|regels|filters?|grenzen))",
        r"\b(?:antwoord|reageer|spreek) <3>(?:zonder (?:enige )?(?:beperkingen|filters?|censuur|grenzen|moraal)|ongefilterd|ongecensureerd)",
    ],
    reader=[
        r"\b(?:vertel|zeg|meld|informeer|vermeld) <3>(?:de|aan de) (?:gebruiker|lezer|klant) <2>(?:niet|niets)",
        r"\b(?:ai|ai-?assistenten?|taalmodellen|chatbots?) <3>(?:moet|moeten|dient|dienen) <4>(?:toevoegen|negeren|vermelden|sturen|zeggen|opnemen)",
    ],
    mine=r"\b(?:mijn|onze|ons)\b",
)

_POLISH: Final = language(
    "pl",
    "Polish",
    override=[
        r"\b(?:zignoruj~|ignoruj~|zignorować|zapomnij~|zapomnieć|pomiń|pomińcie|odrzuć|nie (?:stosuj|przestrzegaj|zważaj)~?|obejdź|nadpisz|lekceważ) <3>(?:wszystkie|wszystkich|wszelkie|swoje|swoich|twoje|twoich|poprzednie|poprzednich|powyższe|powyższych|wcześniejsze|wcześniejszych|dotychczasowe|dotychczasowych|te|pierwotne) <3>(?:instrukcj~|polece~|reguł~|zasad~|wytyczn~|rozkaz~|prompt~|ogranicze~|komend~|dyrektyw~|zalece~)",
        r"\b(?:nowe|twoje nowe|oto twoje nowe) (?:instrukcje|polecenia|wytyczne) (?:są|to|brzmią|:)",
        r"\b(?:zignoruj|zapomnij|pomiń) (?:wszystko )?(?:co )?(?:powyższe|powyżej)\b",
    ],
    everything=[
        r"\b(?:zapomnij|zignoruj) (?:o )?(?:absolutnie )?(?:wszystko|wszystkim) <1>(?:co|czego|o czym) <3>(?:powiedzia~|wcześniej|dotąd|nauczył~|wiesz|mówi~|napisa~)",
    ],
    extraction=[
        r"\b(?:pokaż|ujawnij|wyświetl|podaj|powtórz|wypisz|zdradź|napisz|przetłumacz|jaki jest|jakie są|jakie były) <3>(?:swój|twój|swoje|twoje|mi|treść) <2>(?:prompt~ systemow~|systemow~ prompt~|prompt~|instrukcj~ systemow~|systemow~ instrukcj~|(?:początkow~|ukryt~|tajn~|pierwotn~|wewnętrzn~|dokładn~) (?:instrukcj~|polece~|prompt~|wytyczn~)|wiadomość systemow~|polecenie systemow~)",
        r"\b(?:powtórz|wypisz|pokaż) <2>(?:wszystko|tekst|słowa) <1>(?:powyżej|powyższ~)",
    ],
    freedom=[
        r"\b(?:jesteś|nie masz|działasz|odpowiadasz|odpowiadaj|odpowiedz|będziesz) <4>(?:bez (?:żadnych )?(?:ogranicze~|filtr~|cenzur~|zasad|reguł|granic)|(?:żadnych )?(?:ograniczeń|zasad|reguł|filtrów)|nieocenzurowan~|niefiltrowan~)",
    ],
    reader=[
        r"\bnie (?:mów|informuj|wspominaj|ujawniaj|powiadamiaj) <3>(?:użytkownik~|czytelnik~|klient~)",
        r"\b(?:asystent~|modele? językow~|chatboty?|ai) <2>(?:musi|muszą|powinien|powinny|powinni) <3>(?:dodać|uwzględnić|zignorować|wspomnieć|wysłać|napisać)",
    ],
    mine=r"\b(?:mo[ijeą]|moje|moich|nasz~)\b",
)

_CZECH: Final = language(
    "cs",
    "Czech",
    override=[
        r"\b(?:ignoruj~|ignorovat|zapomeň~|zapomeňte|pomiň~|přehlédni~|neřiď se|neřiďte se|obejdi|přepiš|nedbej na|zruš) <3>(?:všechny|všech|veškeré|veškerých|své|svoje|tvé|svých|předchozí~|předešlé|předešlých|výše|dosavadní~|dřívější~|původní~|tyto|na) <3>(?:instrukc~|pokyn~|příkaz~|pravid~|směrnic~|prompt~|omezení~|zadání~|nařízení)",
        r"\b(?:nové|tvoje nové|zde jsou tvé nové) (?:instrukce|pokyny|příkazy) (?:jsou|zní|:)",
        r"\b(?:ignoruj|zapomeň na|ignorujte) (?:vše|všechno) (?:výše|předchozí|nad tímto)",
        r"\bnové (?:pokyny|instrukce):<3>(?:prozraď|řekni|ukaž|vypiš|napiš|odpověz|zobraz)\b",
    ],
    everything=[
        r"\b(?:zapomeň|zapomeňte|ignoruj) (?:na )?(?:úplně )?(?:všechno|vše) <1>(?:co) <3>(?:řek~|předtím|dosud|naučil~|víš|napsal~|dříve)",
    ],
    extraction=[
        r"\b(?:ukaž|zobraz|odhal|prozraď|vypiš|zopakuj|řekni|napiš|sděl|přelož|jaký je|jaké (?:jsou|byly)) <3>(?:svůj|tvůj|své|tvé|svoje|tvoje|mi) <2>(?:systémov~ (?:prompt~|instrukc~|pokyn~|zpráv~)|prompt~|(?:původní|tajné|skryté|interní|počáteční|přesné) (?:instrukc~|pokyn~|prompt~|zadání))",
        r"\b(?:zopakuj|vypiš|zobraz) <2>(?:vše|všechno|text) <1>(?:výše|nad)",
    ],
    freedom=[
        r"\b(?:jsi|nemáš|odpovídej|odpověz|budeš|jednej) <4>(?:bez (?:jakýchkoli |jakýchkoliv |všech )?(?:omezení|filtr~|cenzur~|pravidel|limitů)|žádná (?:omezení|pravidla)|žádné (?:limity|filtry|zábrany)|necenzurovan~|neomezen~)",
    ],
    reader=[
        r"\b(?:neříkej|neinformuj|nezmiňuj|neprozrazuj|neoznamuj) <3>(?:uživatel~|čtenář~|zákazník~)",
    ],
    mine=r"\b(?:můj|moje|mé|mých|naše|našich)\b",
)

_SWEDISH: Final = language(
    "sv",
    "Swedish",
    override=[
        r"\b(?:ignorera|glöm|bortse från|strunta i|åsidosätt|förbise|följ inte|kringgå|skriv över) <3>(?:alla|allt|dina|de|tidigare|föregående|ovanstående|befintliga|ursprungliga|dessa|samtliga) <3>(?:instruktion~|regler~?|riktlinjer~?|order|kommandon?|prompt~|direktiv~?|begränsning~|anvisning~|uppmaning~|systemprompt~)",
        r"\b(?:dina nya|här är dina nya) (?:instruktioner|riktlinjer|order) (?:är|lyder|:)",
        r"\bnya (?:system)?(?:instruktioner|regler):<3>(?:avslöja|berätta|säg|visa|skriv|svara|ge)\b",
        r"\b(?:ignorera|glöm|bortse från|följ inte) <1>(?:instruktionerna|anvisningarna|reglerna|riktlinjerna) (?:ovan|ovanför|du har fått)\b",
        r"\b(?:ignorera|glöm|bortse från) (?:allt )?(?:det )?(?:ovanstående|ovan|föregående)\b",
    ],
    everything=[
        r"\b(?:glöm|ignorera) (?:bort )?allt (?:som|du|jag|vi) <4>(?:sagt|tidigare|lärt|vet|ovan|skrivit|innan|hittills|fått höra)\b",
    ],
    extraction=[
        r"\b(?:visa|avslöja|skriv ut|ge|upprepa|berätta|säg|skriv|dela|översätt|vad är|vilka (?:är|var)) <3>(?:din|dina|ditt|er|den|hela) <2>(?:system-?prompt~?|systemmeddelande~?|systeminstruktion~|(?:ursprungliga|hemliga|dolda|interna|exakta|första) (?:instruktion~|prompt~|riktlinjer)|prompt)\b",
        r"\b(?:upprepa|skriv ut|visa) <2>(?:allt|texten|orden|all text) <1>(?:ovan|ovanför|innan)",
    ],
    freedom=[
        r"\b(?:du|ni) (?:är|har|svarar|ska) <4>(?:obegränsad|ocensurerad|ofiltrerad|utan (?:några )?(?:begränsningar|regler|filter|censur|gränser)|inga (?:begränsningar|regler|filter|gränser))",
        r"\b(?:svara|agera|tala) <3>(?:utan (?:några )?(?:begränsningar|regler|filter|censur|gränser|moral)|ocensurerat|ofiltrerat)",
    ],
    reader=[
        r"\b(?:berätta|säg|nämn|avslöja|informera) <2>(?:inte|inget|aldrig) <4>(?:användar~|läsar~|kund~)",
    ],
    mine=r"\b(?:min|mina|mitt|våra|vår|vårt)\b",
)

_TURKISH: Final = language(
    "tr",
    "Turkish",
    override=[
        r"\b(?:önceki|yukarıdaki|tüm|bütün|daha önceki|mevcut|ilk|sana verilen|verilen|senin|kendi|eski|bundan önceki) <4>(?:talimat~|yönerge~|kural~|komut~|emir~|direktif~|kısıtlama~|prompt~|yönlendirme~|istem~) <3>(?:görmezden gel~|yok say~|unut~|göz ardı et~|dikkate alma~|yoksay~|boş ver~|geçersiz kıl~|devre dışı bırak~|uyma~|iptal et~|es geç~|umursama~)",
        r"\byeni (?:talimat~|yönerge~|komut~) <2>(?:şunlar~|şöyle~|aşağıda~|şu|:)",
    ],
    everything=[
        r"\b(?:önceki|yukarıdaki|şimdiye kadar|daha önce) <4>(?:her şeyi|herşeyi|söylenenleri|konuşmaları|tümünü|hepsini) <2>(?:unut~|görmezden gel~|yok say~)",
        r"\bher şeyi unut~ (?:ve|şimdi|artık)",
    ],
    extraction=[
        r"\b(?:sistem|gizli|ilk|başlangıç|orijinal|dahili|iç) <1>(?:istem~|prompt~|talimat~|yönerge~|mesaj~|komut~) <3>(?:göster~|söyle~|yaz~|açıkla~|paylaş~|tekrarla~|ver~|yazdır~|ifşa et~|nedir|neler)",
        r"\b(?:göster|söyle|yaz|tekrarla) <3>(?:sistem (?:istem~|prompt~|talimat~))",
    ],
    freedom=[
        r"\b(?:hiçbir|herhangi bir) (?:kısıtlama~|sınırlama~|filtre~|kural~|sansür~|sınır~|etik~) <3>(?:olmadan|olmaksızın|uymadan|yok|olmayan|uygulamadan|tabi değil~)",
        r"\b(?:kısıtlamasız|sansürsüz|filtresiz|sınırsız) <2>(?:cevap|yanıt|yapay|bir yapay|asistan|konuş~)",
    ],
    reader=[
        r"\b(?:kullanıcıya|okuyucuya|müşteriye) <3>(?:söyleme~|bahsetme~|bildirme~|belirtme~|haber verme~)",
    ],
    mine=r"\b(?:benim|bizim)\b",
)

_RUSSIAN: Final = language(
    "ru",
    "Russian",
    override=[
        r"(?:проигнорируй~|игнорируй~|забудь~|забыть|отбрось~|отмени~|пренебрегай~|пренебреги~|не следуй~|не обращай~ внимания на|обойди~|перепиши~|нарушь~|не учитывай~|игнорировать|отвергни~) <3>(?:все~?|всех|про|свои|своих|твои|предыдущ~|прошл~|прежн~|вышеуказанн~|вышеизложенн~|вышеприведенн~|приведенн~|изначальн~|исходн~|данные|эти|любые|прошлые|обо всех|указанн~) <4>(?:инструкци~|указани~|правил~|команд~|промпт~|директив~|установк~|ограничени~|приказ~|распоряжени~|требовани~|запрос~ систем~|подсказк~)",
        r"(?:новые|твои новые|вот твои новые) (?:инструкции|указания|правила) (?:таковы|следующие|:)",
        r"(?:проигнорируй~|игнорируй~|забудь~) (?:все )?(?:вышесказанное|вышеизложенное|предыдущее(?!\s\w)|написанное выше|то что выше)",
        r"не отвечай~ на <2>вопрос~ <6>(?:выведи~|напиши~|введи~|скажи~|напечатай~)",
    ],
    everything=[
        r"(?:забудь~|игнорируй~) (?:обо |про )?(?:абсолютно )?(?:всё|все|всем|всём) <1>(?:что|о чем|о чём) <3>(?:сказал~|говорил~|раньше|ранее|знал~|знаешь|было|выше|написан~|до этого)",
    ],
    extraction=[
        r"(?:покажи~|раскрой~|выведи~|повтори~|напиши~|скажи~|назови~|дай~|расскажи~|сообщи~|распечатай~|переведи~|выдай~|какой у тебя|каков~?|какие у тебя|какие) <3>(?:свой|твой|свои|твои|мне|текст|весь|были|ваш~) <2>(?:системн~ (?:промпт~|запрос~|инструкци~|подсказк~|сообщени~|указани~)|промпт~|(?:начальн~|исходн~|первоначальн~|скрыт~|секретн~|внутренн~|точн~|изначальн~) (?:инструкци~|промпт~|указани~|подсказк~|настройк~))",
        r"(?:покажи~|раскрой~|выведи~|повтори~|напиши~) (?:системный промпт|системную подсказку|системные инструкции|текст выше|все что выше|всё выше)",
    ],
    freedom=[
        r"(?:ты|вы|отвечай~|отвечать|действуй~|веди себя) <5>(?:без (?:каких-?либо |всяких |любых )?(?:ограничени~|цензур~|фильтр~|правил|морал~|запретов)|не (?:имеешь|имеет|имеете) (?:никаких )?(?:ограничени~|правил|фильтр~)|нет (?:никаких )?(?:ограничени~|правил|фильтр~|запретов)|не ограничен~)",
        r"режим (?:разработчика|dan|без ограничений|бога) <2>(?:включ~|актив~)",
    ],
    reader=[
        r"не (?:говори~|сообщай~|упоминай~|рассказывай~|раскрывай~|информируй~) <3>(?:пользовател~|читател~|клиент~)",
        r"(?:ии|ассистент~|помощник~|языков~ модел~|чат-?бот~) <2>(?:должен|должна|должны|обязан~) <3>(?:добавить|включить|игнорировать|упомянуть|отправить|сказать|написать)",
    ],
    mine=r"(?:\b|\s)(?:мои|моих|мою|наши|наших|мое|моё)\b",
)

_UKRAINIAN: Final = language(
    "uk",
    "Ukrainian",
    override=[
        r"(?:проігноруй~|ігноруй~|забудь~|забути|відкинь~|скасуй~|знехтуй~|не дотримуйся|не звертай~ уваги на|обійди~|не виконуй~|ігнорувати|перепиши~) <3>(?:всі~?|усі~?|всіх|усіх|про|свої~?|твої~?|попередні~?|минулі~?|вищезазначен~|наведен~|початков~|ці|будь-які|вищенаведен~) <4>(?:інструкці~|вказівк~|правил~|команд~|промпт~|директив~|настанов~|обмежен~|наказ~|розпорядженн~|підказк~)",
        r"(?:нові|твої нові|ось твої нові) (?:інструкції|вказівки|правила) (?:такі|наступні|:)",
        r"(?:проігноруй~|ігноруй~|забудь~) (?:все |усе )?(?:вищесказане|вищенаведене|попереднє|написане вище)",
        r"(?:ігноруй|не виконуй|не дотримуйся) (?:вказівк~|інструкці~|правил~) <1>вище",
        r"нові (?:інструкції|вказівки):<3>(?:розкрий|скажи|покажи|напиши|виведи|дай)",
    ],
    everything=[
        r"(?:забудь~|ігноруй~) (?:про )?(?:абсолютно )?(?:все|усе) <1>(?:що|про що) <3>(?:сказа~|казав~|раніше|знаєш|було|вище|до цього|говори~)",
    ],
    extraction=[
        r"(?:покажи~|розкрий~|виведи~|повтори~|напиши~|скажи~|назви~|дай~|розкажи~|повідом~|надрукуй~|переклади~|який у тебе|які у тебе|які) <3>(?:свій|твій|свої|твої|мені|текст|весь|були|ваш~) <2>(?:системн~ (?:промпт~|запит~|інструкці~|підказк~|повідомленн~|вказівк~)|промпт~|(?:початков~|прихован~|секретн~|внутрішн~|точн~|первинн~) (?:інструкці~|промпт~|вказівк~|налаштуванн~))",
        r"(?:покажи~|розкрий~|виведи~|повтори~) (?:системний промпт|системну підказку|системні інструкції|текст вище|все вище)",
    ],
    freedom=[
        r"(?:ти|ви|відповідай~|відповідати|дій~) <5>(?:без (?:жодних |будь-яких |всіляких )?(?:обмежен~|цензур~|фільтр~|правил|моралі)|не маєш (?:жодних )?(?:обмежен~|правил|фільтр~)|немає (?:жодних )?(?:обмежен~|правил|фільтр~)|не обмежен~)",
        r"у тебе <2>немає (?:жодних )?(?:меж|обмежен~|правил|фільтр~)",
    ],
    reader=[
        r"не (?:кажи~|повідомляй~|згадуй~|розповідай~|розкривай~|інформуй~) <3>(?:користувач~|читач~|клієнт~)",
    ],
    mine=r"(?:\b|\s)(?:мої|моїх|мою|наші|наших|моє)\b",
)

RULES: Final[tuple[Rule, ...]] = (
    *_GERMAN,
    *_FRENCH,
    *_SPANISH,
    *_PORTUGUESE,
    *_ITALIAN,
    *_DUTCH,
    *_POLISH,
    *_CZECH,
    *_SWEDISH,
    *_TURKISH,
    *_RUSSIAN,
    *_UKRAINIAN,
)
