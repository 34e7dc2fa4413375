# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""How people and bots say what session guards listen for, in twenty languages.

The rule: a list holds *ways of speaking about the conversation itself* (go on, as you wrote, I cannot help with that,
stay in character), never topics. Each is ordinary by itself: a hit is a sign that a guard weighs with others, never a
finding. What cannot be said without a topic is left to the models.

A phrase is written as plain words with regular-expression alternatives; three signs stand for what varies:

* a blank: whatever stands between two words (in scripts without blanks also nothing);
* ``~``: the rest of a word;
* ``…``: the rest of the sentence, or less.

Phrases are matched on ``fold``ed text: case and the accents of Latin, Greek and Cyrillic letters do not count. RE2
matches all phrases of a list in one pass (RE2's own syntax: no look-around); counted repeats would blow up its automaton.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

LOOK: Final = 480
"""Code points at each end of a text in which ways of speaking are sought."""

_MARKS: Final = re.compile("[\u0300-\u036f]")
_STRUCK: Final = str.maketrans("łøđı\u2019。！？؟।：", "lodi'.!??.:")
_BETWEEN: Final = re.compile(r"""[\s,;"*_()\[\]{}<>«»„“”「」『』、，¿¡-]+""")
_WORD_STARTS: Final = r"(?:^|[ '.:!?=/])"


def fold(text: str) -> str:
    """The text as phrases are matched on it: without case and without Latin, Greek and Cyrillic accents, and with one
    blank for whatever stands between two words except ``.``, ``!``, ``?``, ``:`` and ``'``."""
    if text.isascii():
        return _BETWEEN.sub(" ", text.lower()).strip()
    bare = _MARKS.sub("", unicodedata.normalize("NFD", text.casefold()))
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", bare).translate(_STRUCK)).strip()


def ends(text: str) -> str:
    """The two ends of a long text, where people say what they want; a short one whole."""
    return text if len(text) <= 2 * LOOK else f"{text[:LOOK]}\n{text[-LOOK:]}"


class Phrases:
    """A list of phrases, compiled when it is first asked."""

    def __init__(self, spaced: str, dense: str = "") -> None:
        self._lists = (spaced, dense)

    def said(self, folded: str) -> bool:
        """True where one of the phrases stands in a folded text."""
        return _compiled(*self._lists).search(folded) is not None

    def places(self, folded: str) -> list[tuple[int, int]]:
        """Where the phrases stand in a folded text."""
        return [found.span() for found in _compiled(*self._lists).finditer(folded)]

    def only(self, folded: str, spare: int) -> bool:
        """True where a text is hardly more than one of the phrases: at most ``spare`` other code points."""
        found = _compiled(*self._lists).search(folded)
        return found is not None and len(folded) - (found.end() - found.start()) <= spare


@cache
def _compiled(spaced: str, dense: str) -> Any:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415  # only a guard that is asked needs it

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 32 << 20
    alternatives = [f"{_WORD_STARTS}(?:{'|'.join(_lines(spaced))})"]
    if dense:
        alternatives.append("|".join(_lines(dense)).replace(" ", " ?"))
    return re2.compile("|".join(alternatives), options)


_BRACKETS: Final = re.compile(r"(\[[^\]]*\])|-")


def _lines(text: str) -> Iterable[str]:
    for line in text.strip().splitlines():
        # Hyphens were folded to blanks in texts, so they are in phrases, outside of classes.
        words = _BRACKETS.sub(lambda found: found[1] or " ", _without_accents(line.strip()))
        yield words.replace("…", r"[^.!?]*").replace("~", r"[^ .!?]*")


def _without_accents(line: str) -> str:
    bare = _MARKS.sub("", unicodedata.normalize("NFD", line.casefold()))
    return unicodedata.normalize("NFC", bare).translate(_STRUCK).replace(r"\pl", r"\pL")


LEANS: Final = Phrases(
    # Asks to go on with, deepen or rework what the bot itself wrote before.
    r"""
    (continue|go on|keep going|carry on)( please| with (it|that|this|the)| from (there|here|where)|$|[.!?])
    (more|greater|further|extra|full|finer) (technical |practical |concrete |vivid )?detail~
    (be|much|even|bit|lot|make (it|this|that)) more (detailed|specific|explicit|concrete|precise|realistic|technical|practical|graphic)
    (elaborate|expand|go deeper|dig deeper|zoom in)( on| upon| into|[.!?]|$)
    (as|like|that|what|which|everything) you('ve| have)? (just )?(wrote|written|said|mentioned|described|explained|listed|told me|outlined|noted|pointed out)
    you (just )?(wrote|said|mentioned|described|listed|outlined|explained)( that| it| this|…above|…earlier|…before)
    (your|the) (previous|last|earlier|prior|first|second|third|above) (answer|reply|response|message|point|step|paragraph|part|section|version|text|list|story|example)
    (from|of|in|about|using|based on|take) (your|the) (answer|reply|response|list|story|article|summary|explanation|text)
    (rewrite|rephrase|redo|extend|lengthen|reformat|polish|convert|turn|change|make) (it|this|that|them|your answer|the (text|story|article|answer))
    (step by step|the (exact|precise|actual|specific|missing|remaining|next) (steps|details|part|amounts?|instructions|procedure|quantities))
    (fill in|complete) (the (gaps|blanks|missing|rest)|it)
    (same|another one|one more)( again| thing)?( but| with| only)
    (and|now|so|then) (how|what|which) (exactly|precisely|specifically|would|did|do)
    (can|could|would) you (show|give|write|list|tell) (me )?(that|it|this|those|them)
    how (exactly|precisely|specifically|would (one|someone|they|he|she)|did they|do they|could (one|someone))
    tell me more|say more|more (about|on) (that|this|it|them|how)|what (comes )?next|next (step|part|chapter)
    (mach|mache|schreib|schreibe) (weiter|das|es|ihn|sie|den|die)( (jetzt|nun|bitte|noch))?…(ausfuhrlich~|detaillier~|genau~|konkret~|langer|realistisch~|um)
    (weiter|fahr fort|fahre fort|mach weiter|schreib weiter|erzahl weiter)( bitte|[.!?]|$)
    (mehr|weitere|genauere|nahere|alle) (einzelheiten|details|angaben)
    (genauer|ausfuhrlicher|konkreter|detaillierter|expliziter|schritt fur schritt|im detail|im einzelnen)
    (wie|was|das) du (gerade |eben |oben |vorhin |schon )?…(geschrieben|gesagt|erwahnt|beschrieben|erklart|aufgezahlt|genannt)
    (deine|deiner|ihre|ihrer|die) (letzte|letzten|vorige|vorigen|vorherige|vorherigen|obige|obigen|erste|ersten) (antwort|nachricht|liste|geschichte|version|absatz)
    (formulier~|schreib~|wandle|bau~|erganz~|vervollstandig~) (es|das|ihn|sie|den text|die geschichte|die liste|deine antwort)
    wie (genau|haben sie|hat er|wurde das|wurden die|wurde man|macht man das)|erzahl mir mehr|und (dann|wie|was genau)
    (continue|poursuis|poursuivez|vas-y|la suite)( s'il|[.!?]|$)
    plus (de |en )?(detail~|precis~|concret~|explicit~|realist~|technique~|long)
    (comme|ce que|que|dont) (tu|vous) (l')?(as|avez|viens de|venez de) …?(ecrit|dit|mentionne|decri~|explique|cite|enumere|parle~)
    (ta|votre|la) (reponse|derniere reponse|reponse precedente|liste|version|derniere version)
    (reecri~|reformul~|developpe~|detaill~|complet~|transform~|rallong~|precise~)( le| la| les| ca| cela| moi|-le|-la|-les| ta| votre| ce| cette|[.!?]|$)
    (etape par etape|pas a pas|dans le detail|en detail|les etapes exactes|comment exactement|dis m'en plus|dis-m'en plus|dites-m'en plus|et ensuite)
    (continua|sigue|sigue asi|prosigue|adelante)( por favor| con|[.!?]|$)
    (con |en |da~ |dame |hazlo |se )?mas (detalle~|detallad~|especific~|concret~|explicit~|realista~|tecnic~|larg~|precis~)
    (como|lo que|que) (tu )?(has |acabas de |me )?(escribiste|escrito|escribir|dijiste|dicho|mencionaste|mencionado|describiste|descrito|explicaste|explicado|contaste)
    (tu|su) (respuesta|ultima respuesta|respuesta anterior|lista|version|texto anterior|historia)
    (reescribe~|amplia~|desarrolla~|completa~|convierte~|transforma~|reformula~|detalla~|extiende~)( lo| la| el| eso| esto| tu| su|[.!?]|$)
    (paso a paso|los pasos exactos|en detalle|como exactamente|como lo hicieron|cuentame mas|dime mas|y luego|y despues)
    (continue|continua|prossiga|segue)( por favor| com|[.!?]|$)
    mais (detalhe~|detalhad~|especific~|concret~|explicit~|realista~|tecnic~|long~|precis~)
    (como|o que|que) (voce |tu )?(acabou de |me )?(escreveu|escreveste|escrever|disse|disseste|mencionou|mencionaste|descreveu|explicou)
    (sua|tua|a) (resposta|ultima resposta|resposta anterior|lista|versao)
    (reescrev~|ampli~|desenvolv~|complet~|transform~|reformul~|detalh~)( o| a| isso| isto| sua| essa|[.!?]|$)
    (passo a passo|os passos exatos|em detalhe~|como exatamente|conte-me mais|me conte mais|fale mais|e depois)
    (continua|prosegui|vai avanti)( per favore| con|[.!?]|$)
    (piu|maggiori|ulteriori) (dettagli~|specific~|concret~|esplicit~|realistic~|tecnic~|lung~|precis~)
    (come|quello che|cio che|che) (tu )?(hai|mi hai) (appena )?(scritto|detto|menzionato|descritto|spiegato|elencato)
    (la tua|tua|sua|la) (risposta|ultima risposta|risposta precedente|lista|versione)
    (riscriv~|ampli~|svilupp~|complet~|trasform~|riformul~|approfondi~)( lo| la| questo| quello| la tua|[.!?]|$)
    (passo passo|passo per passo|passo dopo passo|nel dettaglio|in dettaglio|come esattamente|dimmi di piu|e poi)
    (ga (verder|door)|vervolg|verder)( met| alsjeblieft|[.!?]|$)|meer (details?|detail|uitleg)|(gedetailleerder|uitgebreider|concreter|specifieker|preciezer)
    (zoals|wat) je (net |eerder |zojuist )?(schreef|zei|noemde|beschreef|uitlegde|geschreven hebt|hebt geschreven|gezegd hebt)|je (vorige|laatste|eerdere) (antwoord|bericht|lijst)
    (herschrijf|breid|werk|maak) (het|dat|dit|je antwoord)|stap voor stap|hoe precies|vertel (me )?meer|en dan
    (kontynuuj|mow dalej|pisz dalej|dalej)( prosze|[.!?]|$)|(wiecej|blizszych) szczegolow|(bardziej szczegolowo|dokladniej|konkretniej)|(jak|co|o czym) (wlasnie |przed chwila )?(napisal~|mowil~|powiedzial~|wspomnial~|opisal~)s?
    (twoj~|poprzedni~|ostatni~) (odpowiedz~|list~|wersj~)|(przepisz|rozwin|rozszerz|uzupelnij) (to|je|ja|swoja)|krok po kroku|jak dokladnie|powiedz (mi )?wiecej|i co dalej
    (devam et|devam|surdur)( lutfen|[.!?]|$)|daha (ayrintili|detayli|acik|somut|gercekci|uzun)|(yazdigin|soyledigin|bahsettigin|anlattigin|acikladigin)( gibi|iz gibi| sey| \pL)|(onceki|son) (cevabin~|yanitin~|mesajin~)
    (yeniden yaz|genislet|detaylandir|tamamla)|adim adim|tam olarak nasil|daha fazla anlat|biraz daha|peki (sonra|nasil)
    (продолж~|дальше|далее)( пожалуйста|[.!?]|$)|(более |по)?(подробне~|детальне~|конкретне~|детально|подробно|точнее)|больше (подробностеи|деталеи)
    (как|что|о чем|которы~) (ты|вы) (только что |уже |выше |раньше )?(написал~|сказал~|упомянул~|описал~|объяснил~|перечислил~)|(тво~|ваш~|предыдущ~|последн~) (ответ~|сообщени~|списо~|верси~)
    (перепиши~|дополни~|расширь|разверни~|переделаи~) (это|его|ее|их|сво~)|шаг за шагом|пошагов~|как именно|расскажи~ (мне )?(больше|еще)|и что (потом|дальше)
    (продовжуи~|далі)( будь|[.!?]|$)|(детальніше|докладніше|конкретніше)|(як|що) (ти|ви) (щоино )?(написав~|сказав~|згадав~|описав~)|(крок за кроком|покроково|як саме|розкажи більше)
    (fortsatt|ga vidare|mer detalj~|mer ingaende|mer konkret|som du (skrev|sa|namnde|beskrev)|ditt (forra|senaste|tidigare) svar|steg for steg|skriv om det|beratta mer|exakt hur)
    (lanjutkan|teruskan|lebih (detail|rinci|spesifik|lengkap)|seperti yang (kamu|anda) (tulis|katakan|sebutkan|jelaskan)|jawaban(mu| anda) (sebelumnya|tadi)|langkah demi langkah|ceritakan lebih)
    (tiep tuc|chi tiet hon|cu the hon|nhu ban (da )?(viet|noi|neu|mo ta)|cau tra loi (truoc|vua roi)|tung buoc|viet lai)
    (pokracuj|vic podrobnosti|podrobneji|jak jsi (napsal~|rekl~|zminil~)|(tvoje|predchozi) odpoved~|krok za krokem|prepis to)
    (विस्तार से|और विस्तार|ज़्यादा विस्तार|अधिक विस्तार|जारी रख~|आगे बता~|आगे लिख~|और बता~|जैसा (आपने|तुमने)|जो (आपने|तुमने)|(आपके|तुम्हारे) (पिछले|पहले) (जवाब|उत्तर)|कदम दर कदम|चरण दर चरण|ठीक कैसे|फिर से लिख~|इसे (और|फिर))
    (تابع|أكمل|واصل|استمر)( من|[.!؟]|$)|(بمزيد من|مزيدا من|مزيد من|بال)( )?(التفصيل|التفاصيل)|(أكثر|اكثر) (تفصيلا|تحديدا|دقة|واقعية)|كما (كتبت|قلت|ذكرت|وصفت|شرحت)|(إجابتك|ردك|جوابك)( السابق~| الأخير~)?|خطوة (بخطوة|خطوة)|كيف بالضبط|أعد (كتابت~|صياغت~)|وسع|أخبرني المزيد
    """,
    r"""
    (继续|接着|然后呢|再详细|更详细|更具体|详细一点|详细一些|具体一点|说具体|展开(说|讲|写)|更多细节|更真实|写得更|补充完整)
    (像|如|按照|根据)?你(刚才|刚刚|上面|之前|前面)(说|写|提到|描述|列|讲|回答)|你的(上一|前一|上个|刚才的)?(个)?(回答|答案|回复)|上(一|面)(条|个|段)(回答|答案|步骤|内容)
    (把它|把这个|把上面的?|把刚才的?)(改写|写成|扩写|重写|变成|改成)|一步一步|逐步|具体(步骤|怎么|如何)|到底怎么|多讲一点
    (続け(て|る)|続き(を|は)|もっと(詳し|具体|細か|リアル)|より(詳し|具体|リアル)|詳細に|詳しく|具体的に)
    (さっき|先ほど|先程|上で|前に)(の|あなたが|君が|書い|言っ|説明)|あなたが(書い|言っ|説明|挙げ)|前の(回答|答え|返答)|先の(回答|答え)|(それ|これ)を(書き直|詳し|もっと|変え|直し)|手順を(追|細|詳)|一歩ずつ|ステップ(ごと|バイ)|どうやって正確|具体的な(手順|方法)
    (계속(해|하|써|말)|더 ?(자세|구체|상세|현실)|자세(히|하게)|구체적으로|방금(말|쓴|쓰신|설명|하신|네가)|네가(말한|쓴|설명한)|(이전|앞선|위의|아까)(답변|대답)|단계별|한단계씩|정확히어떻게|다시써)
    (ต่อไป|เล่าต่อ|เขียนต่อ|รายละเอียดเพิ่ม|ละเอียดกว่า|ละเอียดขึ้น|ตามที่คุณ(เขียน|บอก|พูด)|คำตอบ(ก่อนหน้า|ที่แล้ว)|ทีละขั้นตอน)
    """,
)

REFUSES: Final = Phrases(
    # A bot that will not, for what is asked (not: cannot find, has no table free).
    r"""
    (can't|cannot|can not|won't|will not|unable to|not able to|not going to|must decline to|refuse to|not comfortable) (help|assist|support|provide|give|share|offer|comply|fulfil~|engage|participate|create|generate|write|produce|answer|discuss|do|advise|explain|describe|encourage|facilitate|go into|continue|walk you|tell you how|show you how)( you)?( with)?…(that|this|such|request|those|instructions?|information|content|topic|guidance|advice|details|illegal|harmful|help|assistance|how to)
    (can't|cannot|can not|won't|will not|unable to|not able to|not going to) (help|assist|support)( you)? (with|in|to)
    (can't|cannot|can not|won't|unable to) (help|assist|comply|do that|do this)( you)?( with (that|this|it))?( here)?([.,!;]|$)
    (against|violates?|goes against|outside|not in line with) (my|our|the|its|policy|policies|content|usage|safety) (guidelines|polic~|rules|principles|values|programming|ethic~|safety|usage|content|terms)
    (not appropriate|inappropriate|unethical|illegal and|illegal or|harmful and|harmful or|dangerous and|dangerous or) (to|for|and|or)…(help|provide|assist|share|discuss|dangerous|harmful|unethical|illegal|i)
    (i must|i have to|i need to|i'll have to|i will have to) (decline|refuse|respectfully decline)
    (strongly )?(advise|recommend|encourage) (you )?against (any|such|doing|this|that)
    (this|your) (message|request) was (stopped|blocked|refused|declined)
    (kann|darf|werde|konnen|durfen|mochte) (ich |wir )?(ihnen |dir )?(dabei|damit|hierbei|hiermit|dazu|hierzu|so etwas|das|dies|diese~|solche~|bei diese~|bei so~)…(nicht|keine~)
    (ich |wir )?(kann|darf|werde|mochte) …(nicht|keine~) …?(helfen|unterstutzen|weiterhelfen|beantworten|anleitung~|auskunft~|bereitstellen|mitwirken|eingehen)
    (verstost|verstosst|widerspricht) …(richtlinien|regeln|grundsatz~|vorgaben|gesetz)|(muss|mussen) …(ablehnen|verweigern)
    (ne peux|ne puis|ne pourrai|ne vais|ne suis pas (en mesure|autorise~)|n'ai pas le droit|refuse) …(pas |de )?(aider|fournir|repondre|assister|donner|expliquer|partager|ecrire|generer|accompagner|continuer|participer|vous aider|t'aider)
    (contraire a|enfreint|viole|va a l'encontre de) …(regles|principes|directives|politique~|consignes|conditions|loi)|(dois|me dois de) (decliner|refuser)
    (no puedo|no podre|no voy a|no me es posible|no estoy en condiciones de|no se me permite|me niego a) (ayudar~|asistir~|proporcionar~|responder|dar~|explicar~|compartir~|escribir~|generar~|facilitar~|ofrecer~|apoyar~|participar|hacer eso|hacerlo)
    (va en contra de|infringe|viola|incumple) …(normas|politica~|principios|directrices|reglas|ley)|(debo|tengo que) (declinar|rechazar|negarme)
    (nao posso|nao poderei|nao vou|nao consigo|nao estou autorizado|recuso-me a|me recuso a) (te |lhe )?(ajudar~|auxiliar~|fornecer~|responder|dar|explicar|compartilhar|partilhar|escrever|gerar|oferecer|apoiar|participar|fazer isso)
    (vai contra|viola|infringe) …(diretrizes|politica~|principios|regras|lei)|(devo|tenho que|tenho de) (recusar|declinar)
    (non posso|non potro|non sono in grado di|non mi e possibile|non intendo|mi rifiuto di) (aiutar~|assister~|fornir~|risponder~|dar~|spiegar~|condivider~|scriver~|generar~|offrir~|partecipare|farlo|fare questo)
    (va contro|contravviene|viola) …(linee guida|regole|principi|politiche|norme|legge)|(devo) (rifiutare|declinare)
    (kan|mag|zal|wil) (ik )?(je |u )?(daar|hier|hiermee|daarmee|daarbij|hierbij|dat|dit|deze|zulke|bij)…(niet|geen)( helpen| bij helpen|…)?|(ik )(kan|mag|ga|wil) …(niet|geen) …?(helpen|geven|verstrekken|beantwoorden|assisteren|meewerken)|(kan|mag) ik …(niet|geen) …?(helpen|verstrekken|beantwoorden|assisteren)|in strijd met …(richtlijnen|regels|beleid|wet)|(moet) …(weigeren|afwijzen)
    (nie moge|nie bede|nie jestem w stanie|nie wolno mi|odmawiam) …(pomoc|pomagac|udziel~|podac|podawac|odpowied~|wyjasni~|dostarcz~|napisac|wspiera~|w tym|tego)|(narusza|sprzeczne z|niezgodne z) …(zasad~|wytyczn~|regul~|praw~)|musze odmowic
    (yardimci olamam|yardim edemem|yardimci olamiyorum|yardim edemiyorum|bu konuda …(olamam|edemem|veremem)|saglayamam|bilgi veremem|cevap veremem|yapamam|reddetmek zorundayim|politikalarima aykiri|kurallarima aykiri|ilkelerime aykiri)
    не (могу|можем|буду|имею права|стану|в состоянии|вправе) …?(помо~|предостав~|отве~|дать|давать|объясн~|подсказ~|помогать|сдела~|участв~|напис~|рассказ~|обсужд~|поддерж~)|(нарушает|противоречит|против) …(правил~|политик~|принцип~|закон~)|(вынужден~|должен|должна) отказа~
    не (можу|буду|маю права) …?(допомо~|надат~|відпові~|пояс~|зробит~|написат~)|(порушує|суперечить) …(правил~|політи~|принцип~|закон~)|(мушу|змушени~) відмов~
    (jag )?(kan|far|vill|tanker) (jag )?(tyvarr )?inte (hjalpa|bista|ge|svara|forklara|delta|dela|skriva)|(strider mot|bryter mot) …(riktlinjer|regler|principer|lagen)
    (tidak (bisa|dapat|akan|boleh)) (membantu|memberikan|menjawab|menjelaskan|menyediakan|melakukan (itu|hal)|mendukung|menulis)|(melanggar|bertentangan dengan) …(kebijakan|pedoman|aturan|hukum)
    (khong the|se khong|khong duoc phep) (giup|ho tro|cung cap|tra loi|giai thich|huong dan|viet|thuc hien)|(vi pham|trai voi) …(chinh sach|nguyen tac|quy dinh|phap luat)
    (nemohu|nemuzu|nesmim|nebudu) …?(pomoci|pomahat|poskytnout|odpovedet|vysvetlit|napsat|s tim)|(porusuje|v rozporu s) …(pravid~|zasad~|zakon~)|musim odmitnout
    (मदद नहीं कर|सहायता नहीं कर|जानकारी नहीं दे|जवाब नहीं दे|नहीं बता सकत|नहीं दे सकत|नहीं कर सकत|अनुमति नहीं|(नीति~|नियमों|दिशानिर्देशों|क़ानून|कानून) …(खिलाफ|ख़िलाफ़|विरुद्ध|उल्लंघन))
    (لا (أستطيع|استطيع|يمكنني|أقدر)|لن (أتمكن|أقوم|أساعد)|لست قادر~|يتعذر علي|أرفض|أعتذر عن) …?(مساعد~|المساعد~|تقديم|الإجاب~|إعطا~|شرح|توفير|كتاب~|القيام|مشارك~|أساعد~|أقدم)|(يخالف|يتعارض مع|تخالف|ينتهك) …(سياس~|إرشادات~|القوانين|مبادئ~|القانون)
    (nu pot|nu va pot|nu imi este permis) …?(ajut~|ofer~|raspun~|explic~|furniz~)|incalca …(reguli~|politic~|legea)
    """,
    r"""
    (不能|无法|无法为您|不会|不可以|没办法|不便|拒绝)(为你|为您|给你|给您|向你|向您|对此|就此|继续)?(提供|帮助|协助|回答|帮|满足|解释|给出|生成|写|支持|讨论|参与)|违反.{0,10}(政策|规定|准则|原则|法律|规则)|我(必须|只能|不得不)拒绝|无法满足(你|您)
    (お手伝い|お答え|お応え|ご案内|提供|支援|協力|対応|説明|回答|お教え|サポート)(する|すること|し)?(は|が|も)?(でき(ません|かね|ない)|いたしかね|致しかね|控え)|(ポリシー|ガイドライン|規約|原則|法律|方針)に(反|違反)|お断り
    (도와|도움을|제공|답변|설명|안내|지원|응)(드릴|줄|할|해드릴|해줄)?( )?(수(가|는)? ?없|드릴 수 없|드리기 어렵|못합니다|할 수 없)|(정책|지침|원칙|규정|법)(에|을) ?(위반|어긋|위배)|거절
    (ไม่สามารถ|ไม่อาจ|ขอปฏิเสธ)(ที่จะ)?(ช่วย|ให้|ตอบ|อธิบาย|ดำเนินการ|เขียน|สนับสนุน)|(ขัดต่อ|ละเมิด)(นโยบาย|หลัก|กฎ)
    """,
)

REFRAMES: Final = Phrases(
    # Puts an ask into another frame: supposed, told, studied, past, permitted, encoded.
    r"""
    hypothetical~|theoretical~|in theory|in a (fictional|made-up|parallel|different) (world|universe|story|setting)|for (a|my|the|our) (novel|story|book|screenplay|script|movie|film|play|game|thesis|dissertation|class|course|paper|school|university|homework)
    (writing|write|wrote) (a|an|my|our) (\pL+ )?(novel|story|book|screenplay|script|thriller|thesis|paper|play)|(schreibe|schreib|arbeite) (gerade )?(an )?(einen|einem|ein|eine|meinen|meinem|mein) (krimi|roman|buch|drehbuch|geschichte|referat)|(j'ecris|nous ecrivons) (un|une|mon) (roman|livre|scenario|polar|histoire)|(escribo|estoy escribiendo|escribiendo) (un|una|mi) (novela|libro|guion|cuento|relato)|(escrevo|estou escrevendo|estou a escrever) (um|uma|meu) (romance|livro|roteiro|conto)|(scrivo|sto scrivendo) (un|una|il mio) (romanzo|libro|copione|racconto)|пишу (роман|книгу|сценарии|рассказ|детектив)
    (for|purely|strictly|only|just) (educational|academic|research|scientific|training|defensive|informational|safety|security) (purposes?|reasons|use|interest)|(educational|academic|research) purposes?
    (a|one) (character|villain|expert|professor|chemist|hacker|detective|grandmother|grandma) (in|who|explains|would|used to)|(imagine|suppose|pretend|let's say|say|what if) (that )?(you|i|we|there|someone|a|an|it|he|she)
    (i am|i'm|as) an? (\pL{1,14} ){0,2}(researcher|journalist|writer|author|novelist|teacher|professor|student|nurse|doctor|officer|security (researcher|professional|expert)|pen ?tester|lawyer|scientist|historian|chemist)
    (i have|with) (permission|authori[sz]ation|consent|a licen[cs]e)|i (promise|swear|won't|will not) …(anyone|harm|use it|do it|try|tell)|(my own|our own) (house|account|network|system|car|computer)
    (back then|in the past|historically|in (history|those days|the (middle ages|19\d0s|old days)))…how|how (did|were|was) (people|they|someone|it|these|those)…|used to (tell|read|explain|make|do)
    (in|as|using|with) (base ?64|rot ?13|hex|code|a poem|pseudocode|json|python|emoji~|another language|a table|bullet points)|(only|just) the (first|general|rough|basic) (steps?|idea|outline|overview|part)|(without|skip|no) (the )?(warnings?|disclaimers?|lectur~|moral~)|general(ly)? (terms|speaking|overview)|(so|how) (that )?(i|we|people|parents|companies) (can|could) (avoid|prevent|protect|defend|recogni[sz]e)
    (hypothetisch|theoretisch|rein (theoretisch|akademisch|fiktiv)|fur (einen|mein|meinen|meine|eine|den|das) (roman|krimi|buch|drehbuch|geschichte|referat|hausarbeit|doktorarbeit|unterricht|studie|spiel)|zu (forschungs|bildungs|lern|schulungs|ubungs)~|stell dir vor|angenommen|nehmen wir an|tu so als|ich bin …(forscher~|autor~|lehrer~|arzt|arztin|journalist~|polizist~|student~|schriftsteller~)|wie (hat|haben) (man|sie|leute|menschen) (das |fruher |damals )|fruher|damals|ich verspreche|ohne (warnung~|hinweis~|belehrung~)|nur (grob|allgemein|die ersten))
    (hypothetiq~|theoriq~|en theorie|pour (un|mon|une|ma|le|la) (roman|livre|scenario|film|histoire|these|memoire|cours|jeu|recherche)|a des fins (educativ~|pedagogiq~|academiq~|de recherche)|imagin~|suppos~|fais comme si|faites comme si|je suis …(chercheu~|journaliste|ecrivain~|romanci~|professeur~|medecin|etudiant~|policier~)|comment (faisait|faisaient|a-t-on|ont-ils|les gens)|autrefois|a l'epoque|je promets|sans (avertissement~|mise en garde|morale)|juste les grandes lignes|dans les grandes lignes)
    (hipotetic~|teoric~|en teoria|para (una|mi|un|la|el) (novela|libro|guion|pelicula|historia|tesis|clase|curso|juego|investigacion|trabajo)|(con )?fines (educativ~|academic~|de investigacion|didactic~)|imagina~|supon~|supong~|finge que|haz como si|soy …(investigador~|periodista|escritor~|profesor~|medic~|estudiante|policia|novelista)|como (hacia|hacian|lo hacian|se hacia)~|antiguamente|en aquella epoca|en el pasado|te prometo|sin (advertencia~|avisos|moralinas)|solo (las ideas generales|a grandes rasgos)|a grandes rasgos)
    (hipotetic~|teoric~|em teoria|para (um|meu|uma|minha|o|a) (romance|livro|roteiro|filme|historia|tese|aula|curso|jogo|pesquisa|trabalho)|fins (educacionais|educativ~|academic~|de pesquisa|didatic~)|imagine|suponha~|finja|faca de conta|sou …(pesquisador~|jornalista|escritor~|professor~|medic~|estudante|policial)|como (as pessoas|faziam|se fazia)|antigamente|naquela epoca|prometo|sem (avisos|advertencia~|sermao)|em linhas gerais)
    (ipotetic~|teoric~|in teoria|per (un|il mio|una|la mia|il|la) (romanzo|libro|copione|sceneggiatura|film|storia|tesi|corso|gioco|ricerca|lezione)|(a )?(scopo|scopi|fini) (educativ~|didattic~|accademic~|di ricerca)|immagina~|supponi~|supponiamo|fai finta|fingi|sono …(ricercat~|giornalista|scritt~|professor~|medico|studente~|poliziott~)|come (facevano|si faceva)|un tempo|all'epoca|in passato|prometto|senza (avvertenz~|avvisi|prediche)|a grandi linee)
    (hypothetisch|theoretisch|in theorie|voor (een|mijn) (roman|boek|scenario|film|verhaal|scriptie|les|spel|onderzoek)|(educatieve|academische|onderzoeks)~ doeleinden|stel je voor|stel dat|doe alsof|ik ben …(onderzoeker|journalist|schrijver|docent|arts|student)|hoe deden (mensen|ze)|vroeger|destijds|ik beloof)
    (hipotetyczn~|teoretyczn~|na potrzeby|do (powiesci|ksiazki|scenariusza|pracy|gry|referatu)|w celach (edukacyjn~|naukow~|badawcz~)|wyobraz sobie|zalozmy|udawaj|jestem …(badacz~|dziennikar~|pisarz~|pisark~|nauczyciel~|lekarz~|student~)|jak (ludzie|kiedys|dawniej)|dawniej|kiedys|obiecuje)
    (varsayimsal|teorik|kuramsal|teoride|(romanim|kitabim|senaryom|hikayem|tezim|odevim|oyunum|arastirmam)( icin)|(egitim|arastirma|akademik) amac~|hayal et|varsayalim|diyelim ki|(arastirmaci|gazeteci|yazar|ogretmen|doktor|ogrenci)yim|eskiden|gecmiste|soz veriyorum)
    (гипотетическ~|теоретическ~|чисто теоретически|для (моего |моеи |нашего )?(романа|книги|сценария|фильма|рассказа|диплома|реферата|урока|игры|исследования)|в (учебных|научных|образовательных|исследовательских) целях|представь~|предположим|допустим|притворись|сделаи вид|я …(исследователь|журналист~|писатель~|учитель~|врач|студент~|преподаватель)|как (раньше|люди|это делали)|раньше|в прошлом|когда-то|обещаю|без (предупреждении|нотации|морали)|в общих чертах)
    (гіпотетичн~|теоретичн~|для (мого |моєї )?(роману|книги|сценарію|диплому|гри)|уяви~|припустимо|раніше|обіцяю)
    (hypotetiskt|teoretiskt|for (en|min|mitt) (roman|bok|film|uppsats|berattelse|kurs)|i utbildningssyfte|forestall dig|latsas)|(secara (hipotetis|teoretis)|untuk (novel|buku|naskah|film|penelitian|skripsi|tugas)~|bayangkan|misalkan|pura-pura|tujuan (pendidikan|penelitian))|(gia su|gia dinh|cho (tieu thuyet|cuon sach|kich ban|luan van|nghien cuu)|muc dich (giao duc|nghien cuu)|tuong tuong|ly thuyet)|(hypoteticky|teoreticky|pro (muj|svuj) (roman|scenar|referat)|predstav si|dejme tomu)
    (काल्पनिक|सैद्धांतिक|मान लो|मान लीजिए|कल्पना कर~|मेरे (उपन्यास|कहानी|किताब|शोध|प्रोजेक्ट)|(उपन्यास|कहानी|किताब|फ़िल्म|फिल्म|शोध|रिसर्च|पढ़ाई) के लिए|(शैक्षिक|शैक्षणिक|शोध) उद्देश्य~|पहले (के )?(ज़माने|जमाने|लोग)|वादा करत~)
    (افتراضي~|نظري~|من الناحية النظرية|(لرواي~|لقص~|لكتاب~|لفيلم~|لبحث~|لسيناريو|لرسال~)|لأغراض (تعليمي~|بحثي~|أكاديمي~)|تخيل|لنفترض|افترض|تظاهر|أنا (باحث~|صحفي~|كاتب~|طبيب~|معلم~|طالب~)|في الماضي|قديما|أعدك)
    """,
    r"""
    (假设|假如|如果.{0,10}虚构|理论上|从理论|虚构|想象一下|设想|为了(我的)?(小说|剧本|论文|研究|作业|电影|故事|游戏|教学)|用于(教育|研究|学术|教学)|我(是|在写).{0,8}(研究|记者|作家|老师|医生|学生|小说|剧本|论文)|小说(里|中)|剧本(里|中)|以前的?人|过去(的|人们)|古代|保证不|大致|大概)
    (仮に|仮定|仮想|理論(的|上)|架空|フィクション|小説(の|で)|脚本|物語(の|で)|想像して|もし.{0,12}(なら|としたら)|研究(の)?(ため|目的)|教育(の)?(ため|目的)|学術|私は.{0,8}(研究者|記者|作家|教師|医師|学生|小説家)|昔(の|は)|過去に|約束)
    (가정|가상의|이론(적|상)|소설(을|에|속)|시나리오|상상해|만약|연구(용|목적)|교육(용|목적)|학술|나는.{0,8}(연구원|기자|작가|교사|의사|학생)|옛날|과거에|약속)
    (สมมติ|ในทางทฤษฎี|สำหรับ(นิยาย|หนังสือ|บท|งานวิจัย|การศึกษา)|เพื่อการศึกษา|จินตนาการ|ในอดีต|สมัยก่อน)
    """,
)

PERSONA: Final = Phrases(
    # The user gives the bot another identity. Ordinary by itself: people play.
    r"""
    (you are|you're|you will be|you'll be|you shall be|you become) (now|called|named|from now|going to (be|play|act))|from now on(,)? you('re| are| will| act| play| answer| respond| speak)
    (pretend|imagine|act like|act as if|roleplay|role-play|let's (pretend|roleplay|play)) (that )?(you|to be|you're|as)|(act|behave|speak|answer|respond|write|play|roleplay|role-play) as (an? |the |my |if you )?
    (your|you have the) (new )?(name|role|character|persona|identity) (is|will be|shall be)|(play|take on|adopt|assume) (the )?(role|part|persona|character|identity) of|be my
    (du bist|sie sind) (ab jetzt|jetzt|nun|von nun an|ab sofort)|ab (jetzt|sofort) (bist|heisst|spielst|antwortest|sind)|(tu so|stell dir vor) (als|du)|(spiel|spiele|ubernimm|schlupf~) (die |den |in die |jetzt |bitte )?(rolle|charakter|figur)|(dein name|deine rolle) ist|du heisst|(antworte|sprich|handle|rede|schreib) (mir )?(ab jetzt |nur |jetzt )?als
    (tu es|vous etes) (maintenant|desormais|a partir)|(a partir de maintenant|desormais) (tu|vous)|(fais|faites) (comme si|semblant)|(joue~|incarne~|adopte~|endosse~) (le role|un personnage|le personnage|la personnalite)|(ton|votre) (nom|role) (est|sera)|(agis|reponds|parle|ecris|comporte-toi) (comme|en tant que)|tu t'appelles
    (eres|seras) (ahora|desde ahora|a partir)|(a partir de ahora|desde ahora|de ahora en adelante) (eres|seras|te llamas|responde~|actua~)|(finge|imagina|haz como) (que|si)|(actua|responde|habla|escribe|comportate) como|(haz|interpreta|asume|adopta) (el papel|el rol|un personaje|el personaje)|(tu (nombre|papel|rol) (es|sera)|te llamas)
    (voce e|voce sera|tu es) (agora|a partir)|(a partir de agora|de agora em diante) (voce|tu)|(finja|faz de conta|imagine|imagina) (que|ser)|(aja|age|responda|responde|fale|fala|escreva) como|(interprete|assuma|faca|adote) (o papel|um personagem|o personagem)|(seu|teu) (nome|papel) (e|sera)|voce se chama
    (ora sei|adesso sei|tu sei ora|sarai|da ora in poi sei|d'ora in poi|da adesso in poi)|(fai finta|fingi|immagina) (di|che)|(agisci|rispondi|parla|scrivi|comportati) come|(interpreta|recita|assumi) (il ruolo|la parte|un personaggio|il personaggio)|(il tuo (nome|ruolo) (e|sara)|ti chiami)
    (je bent|u bent) (nu|vanaf nu)|vanaf nu (ben|heet|speel)|doe alsof|(speel|neem) de rol|(handel|antwoord|gedraag je|praat) als|je (naam|rol) is|je heet
    (jestes teraz|od teraz (jestes|bedziesz|odpowiadasz)|udawaj ze|wciel sie w|odgrywaj role|zachowuj sie jak|odpowiadaj jako|masz na imie|twoje imie to)
    (artik (sen|siz)|bundan sonra (sen|adin|rolun)|gibi davran|rolunu (oyna|ustlen)|rolune (gir|burun)|adin artik|(mis|mus) gibi (yap|davran)|olarak (cevap ver|konus|davran))
    (ты теперь|теперь ты|отныне ты|с этого момента ты|вы теперь)|(притворись|представь)( что ты| себя)?|(веди себя|отвечаи|говори|деиствуи|пиши) (как|от имени|от лица)|(играи|сыграи|возьми) (роль|на себя роль)|тебя зовут|твое имя|твоя роль
    (ти тепер|відтепер ти|тепер ти|грай роль|поводься як|відповідаи як|тебе звати)|(du ar nu|fran och med nu|latsas att du|spela rollen|agera som|svara som)|(kamu sekarang|mulai sekarang (kamu|anda)|berpura-puralah|berperan sebagai|bertindak sebagai|jawab sebagai)|(bay gio ban la|tu bay gio|hay dong vai|gia vo|hay tra loi nhu)|(jsi ted|od ted jsi|predstirej|hraj roli|chovej se jako|jmenujes se)
    (अब (से )?(तुम|आप)|(तुम|आप) अब|(नाटक|अभिनय) कर~|की तरह (बोल~|जवाब|व्यवहार|बात)|(भूमिका|किरदार) (निभा~|में)|(तुम्हारा|आपका) नाम|दिखावा कर~)
    (أنت الآن|انت الآن|من الآن (فصاعدا )?(أنت|ستكون)|ابتداء من الآن|تظاهر (بأنك|أنك)|تصرف (ك~|وكأنك|كأنك)|العب دور|تقمص|مثل دور|أجب (ك~|بصفتك)|اسمك|دورك هو)
    """,
    r"""
    (你现在是|从现在(开始|起)你|现在起你是|假装你是|假装自己|扮演|你的名字是|你叫|你的角色|以.{1,12}的(身份|口吻|角色)|把自己当)
    (あなたは(今|これ)から|今からあなたは|これからは?あなた|(の|という)(ふり|フリ)をして|を演じ|役(を|に)|になりきって|として(振る舞|話し|答え|行動|返答)|あなたの(名前|役)は)
    (너는이제|이제부터(너|당신)|당신은이제|지금부터(너|당신)|(인|한)척(해|하)|역할을(해|맡|하)|처럼(행동|말해|대답|연기)|네이름은|당신의이름은)
    (ตอนนี้คุณคือ|จากนี้ไปคุณ|แกล้งทำเป็น|สวมบทบาท|รับบท|เล่นเป็น|ชื่อของคุณคือ)
    """,
)

PRESSES: Final = Phrases(
    # Presses the bot to stay what the user made of it, or to come back to it.
    r"""
    (stay|remain|keep|be|get back|go back|back|return) (in|into|to) (character|role|persona|your role|the role)|(don't|do not|never|stop|you('re| are)|you|without) (break~|broke|drop~|leav~|step~ out of|forget~) (of )?(the |your )?(character|role|persona)|out of character
    (remember|don't forget|again|no,|but) (that )?(you are|you're|who you are|your role|your character|your name)|you('re| are) (still|supposed to be|no longer|not) (an? )?(\pL{2,16})( ai| assistant| chatbot)?…(remember|now|not|would|anymore|any more|[.!])
    (would|does|do|can|could) (not|never|n't) (refuse|say no|apologi[sz]e|decline|hesitate|say that|talk like|break)|(wouldn't|doesn't|never) (refuse|say that|apologi[sz]e|decline|hesitate)|(answer|reply|respond|say it|tell me|speak|continue|do it) (only )?(again )?as (?:[^.!?\n]{1,24})(would|$|[.!,])
    (bleib|bleibe|zuruck) (in|bei|zu) (deiner|der|die|deine) (rolle|figur)|(fall|falle|brich|verlass) …(nicht )?(aus|mit) (der|deiner) (rolle|figur)|aus der rolle|(vergiss nicht|denk dran|denk daran|erinnere dich) …(du bist|wer du bist|deine rolle)|du bist (doch|immer noch|weiterhin)|(wurde|sagt|kennt) (niemals|nie|so etwas nicht|nicht) …(ablehnen|nein sagen|verweigern|entschuldig~)|wurde …(nie|niemals|nicht) (ablehnen|nein|weigern|verweigern|so)
    (reste~|reviens|revenez) (dans|a) (ton|votre|le) (role|personnage)|(sors|sortez|sortir|quitte~) (pas |jamais )?(de |du )?(ton |votre |le )?(role|personnage)|(n'oublie~ pas|souviens-toi|rappelle-toi|rappelle~) (pas )?(que )?(tu es|qui tu es|ton role|ton nom)|ne (refuserait|refuse|dirait|s'excuserait) (jamais|pas)|tu es (toujours|encore|cense)
    (mantente|quedate|sigue|vuelve|regresa) (en|a|al|dentro) (tu |el |del )?(papel|personaje|rol)|(salgas|sales|salir|saliste|rompas) (de |del |nunca |el )?(tu |el )?(papel|personaje|rol)|(recuerda|no olvides|acuerdate) (de )?(que )?(eres|quien eres|tu papel|tu nombre)|(nunca|jamas|no) (se )?(negaria|diria eso|rechazaria|disculparia)|(sigues siendo|todavia eres|aun eres)
    (mantenha-se|fique|continue|volte|permaneca) (no|em|ao) (seu |teu )?(papel|personagem)|(saia|sair|saiu|quebre) (do|o) (seu |teu )?(papel|personagem)|(lembre-se|lembra-te|nao se esqueca|nao esqueca) (de )?(que )?(voce e|quem|seu papel|es)|(nunca|jamais) (recusaria|diria|se negaria|pediria desculpas)|voce ainda e
    (resta|rimani|torna) (nel|in|nella) (tuo |tua )?(personaggio|ruolo|parte)|(uscire|esci|uscito) (mai )?(dal|di) (tuo )?(personaggio|ruolo)|(ricorda~|ricordati|non dimenticare) (che )?(sei|chi sei|il tuo ruolo)|non (rifiuterebbe|direbbe|si scuserebbe) mai|sei (ancora|sempre)
    (blijf|ga terug) (in|naar) (je|de) rol|(val|stap) (niet )?uit je rol|(vergeet niet|onthoud) (dat )?je|zou (nooit|niet) weigeren|(pozostan|wroc) (w|do) (roli|postaci)|(wychodz|wyszedles) z roli|(pamietaj|nie zapominaj) ze jestes|(nigdy by nie|nigdy nie) (odmowil~|odmawia)|(rolunde kal|rolden cikma|karakterde kal|karakterinden cikma|unutma sen|asla reddetmez|hala …sin)
    (не выходи|оставаис~|останьс~|вернись|продолжаи быть) (из|в|к) (роли|образ~|роль|характер~)|(вышел|вышла|выходишь) из (роли|образа)|(помни|не забываи|вспомни) (что )?(ты|кто ты|кем|свою роль)|(никогда|не) (бы )?(не )?(отказал~|отказывает~|извинял~)|ты (все еще|по-прежнему|до сих пор)
    (залишаися|повернись) (в|до) (ролі|образ~)|не виходь з ролі|пам'ятаи ти|(stanna|hall dig) i (din )?(roll|karaktar)|glom inte att du|(tetap|kembali) (dalam|ke) (peran|karakter)|ingat(lah)? (kamu|anda) adalah|(giu|tro lai) (dung )?vai|dung thoat vai|hay nho ban la|(zustan|vrat se) (v|do) roli|nevypadavej z role|pamatuj ze jsi
    (किरदार (में|से|मत)|भूमिका (में रह~|से बाहर|मत छोड़~)|याद रख~ (कि )?(तुम|आप)|मत भूल~ (कि )?(तुम|आप)|कभी मना नहीं|(तुम|आप) अभी भी)
    (ابق (في|على)|لا تخرج (من|عن)|عد إلى|لا تكسر) (ال)?(دور~|شخصي~|دورك|شخصيتك|الشخصية|الدور)|(تذكر|لا تنس) (أنك|أنت|من أنت|دورك)|(لا يرفض|لن يرفض|لا ترفض) (أبدا|أي)|ما زلت
    """,
    r"""
    (保持|维持|留在|回到|不要(脱离|跳出|忘记)|别(脱离|跳出|忘)|不许跳出).{0,6}(角色|人设|身份|设定)|(记住|别忘了|不要忘记).{0,3}你(是|现在|叫|的角色)|(从不|绝不|不会|永远不会)(拒绝|道歉|说不)|你(还是|仍然是)
    (役|キャラ(クター)?|設定)(を|から|に|の)(保|守|離れ|外れ|崩|戻|まま|抜け|忘れ)|(忘れないで|覚えて).{0,8}あなたは|あなたは(まだ|今も)|(は|なら)(決して|絶対に?)(断|拒|謝)(ら|ま|否|わ|り)
    (역할|캐릭터|설정)(을|에서|로|에)?(유지|벗어나|돌아|깨지|잊지)|(기억해|잊지마).{0,8}(너는|당신은)|(절대|결코)(거절|거부|사과)|너는아직도
    (อยู่ในบทบาท|อย่าหลุดบท|กลับไปเป็น|จำไว้ว่าคุณคือ|ไม่เคยปฏิเสธ)
    """,
)

ASSEMBLES: Final = Phrases(
    # Asks to put pieces together and do what they say.
    r"""
    (put|piece|stick|glue|string|add|read|take|bring|fit) (them|it|these|those|the (parts|pieces|fragments|halves|strings|words|lines|variables|messages|values)|all( of)?( (them|these|those|the))?( (parts|pieces|messages))?|both)…(together|as one|in order|in a row|one after)
    (combine|concatenate|concat|join|merge|assemble|append|stitch|unite) (them|it|these|those|all|both|the|my|part~|piece~|string~|variable~|[a-z]\pL{0,8} (and|with|\+))
    (the|these|those|all|both|my|three|two) (parts|pieces|fragments|halves|strings|variables) (together|combined|joined|as one)|(execute|follow|run|obey|answer|do|carry out|respond to) (the (result|combined|resulting|full|complete|joined|whole|sum|concatenat~)|what (it|they|that) (say|says)|it as one|[a-z] ?\+)
    (part|piece|fragment|half|message|line|chunk) (one|two|three|four|1|2|3|4|a|b|c)( of (\d|two|three|four))?( is| =|:)|(first|second|third|last|final|next|other) (part|half|piece|fragment)( is| comes|:|$)|(\d) ?/ ?(\d)( :|:| )|(don't|do not|wait|hold) (answer|reply|respond|with the answer|your answer)…(yet|until|all)|(remember|store|save|keep|note) (this|that|it|the following|these) (as|in|under|for later|string|text|word|part|piece)|in (several|two|three|multiple|separate|a few) (parts|pieces|messages)
    (setz~|fug~|kombinier~|verbind~|verkett~|bau~|nimm|lies) …(zusammen|aneinander|teile|stucke|hintereinander|als eines|variablen)|(fuhr|fuhre) …(ergebnis|zusammengesetzt~|gesamt~|kombiniert~)|(teil|stuck|halfte) (eins|zwei|drei|1|2|3|a|b)( ist| lautet|:)|(erster|zweiter|dritter|letzter|nachster) teil|(merk dir|merke dir|speicher~) …(als|das|folgend~|teil)|antworte (noch )?nicht|noch nicht antworten|in (mehreren|zwei|drei) teilen
    (assembl~|combin~|concaten~|reuni~|mets|mettez|colle~|join~|fusionn~|relie~) (les|ces|tout|le|toutes|a et|ensemble|bout)|(execute~|suis|suivez|fais|reponds a) (le resultat|ce que|la phrase|l'ensemble)|(partie|morceau|moitie) (un|deux|trois|1|2|3|a|b)( est| :|:)|(premiere|deuxieme|seconde|troisieme|derniere) (partie|moitie)|(retiens|memorise~|garde~|note~) (ceci|cela|ca|le|la|cette|en memoire|comme)|(ne reponds|ne repondez) pas encore|en (plusieurs|deux|trois) (parties|messages|morceaux)
    (junta~|une~|combina~|concatena~|pon~|ensambla~|fusiona~|lee~) (las|los|todo|todas|todos|esas|estos|ambas|a y|juntas|seguido)|(ejecuta~|sigue|haz|responde a|obedece) (el resultado|lo que|la frase|el conjunto)|(parte|trozo|mitad|fragmento) (uno|una|dos|tres|1|2|3|a|b)( es|:)|(primera|segunda|tercera|ultima|siguiente) (parte|mitad)|(recuerda|guarda|memoriza|anota) (esto|eso|lo siguiente|esta|como|la)|(no respondas|no contestes) (todavia|aun)|en (varias|dos|tres) partes
    (junte~|una|combine~|concatene~|monte~|ligue|leia) (as|os|tudo|todas|todos|essas|ambas|a e)|(execute|siga|faca|responda) (o resultado|o que|a frase)|(parte|pedaco|metade) (um|uma|dois|duas|tres|1|2|3|a|b)( e|:)|(primeira|segunda|terceira|ultima) (parte|metade)|(lembre|guarde|memorize|anote) (isto|isso|o seguinte|esta|como)|nao responda ainda|em (varias|duas|tres) partes
    (unisci~|combina~|concatena~|metti~|assembla~|leggi~) (le|i|tutto|tutte|insieme|a e|entrambe)|(esegui|segui|fai|rispondi a) (il risultato|quello che|cio che|la frase)|(parte|pezzo|meta) (uno|due|tre|1|2|3|a|b)( e|:)|(prima|seconda|terza|ultima) (parte|meta)|(ricorda|memorizza|salva|annota) (questo|questa|quanto|come)|non rispondere ancora|in (piu|due|tre) parti
    (voeg|zet|combineer|plak|lees) …(samen|aan elkaar|achter elkaar)|(eerste|tweede|derde|laatste) deel|onthoud (dit|dat) als|antwoord nog niet|(polacz|zloz|sklej|scal) (je|to|te|czesci|wszystk~|razem)|(pierwsza|druga|trzecia|ostatnia) czesc|zapamietaj (to|te|jako)|nie odpowiadaj jeszcze|(birlestir|bir araya getir|arka arkaya)~|(birinci|ikinci|ucuncu|son) (parca|kisim|bolum)|(bunu )(hatirla|kaydet|aklinda tut)|henuz cevap verme
    (соедини|сложи|объедини|склеи|собери|прочитаи) (их|это|все|части|строки|вместе|а и|в одно)~|(выполни|сделаи|следуи|ответь на) (то что|результат~|получивш~|все вместе)|(часть|кусок|половина) (один|два|три|перв~|втор~|1|2|3|а|б|a|b)( :|:| это)|(первая|вторая|третья|последняя) (часть|половина)|(запомни|сохрани) (это|следующее|как|строку)|пока не отвечаи|в (нескольких|двух|трех) (частях|сообщениях)
    (з'єднаи|склади|об'єднаи) (їх|все|частини)|(satt ihop|kombinera|sla ihop) (dem|delarna|allt)|(gabungkan|satukan|rangkai) (semua|bagian|kedua|a dan|itu)~|(ghep|noi|ket hop) (cac|lai|chung|hai)|(spoj|sloz) (je|to|casti|dohromady)
    (जोड़~|मिला~) (कर|दो|दें|के)|(पहला|दूसरा|तीसरा|आख़िरी|आखिरी) (भाग|हिस्सा|टुकड़ा)|(याद रख~|सहेज~) (इसे|यह)|अभी जवाब मत
    (اجمع|ادمج|اربط|ضم|صل|ركب) (الأجزاء|بين|الجزأين|كل|هذه|ما)~|نفذ (الناتج|النتيجة|ما)|(الجزء|القسم|النصف) (الأول|الثاني|الثالث|الأخير)|(احفظ|تذكر) (هذا|هذه|ذلك|ما)|لا تجب (بعد|الآن)
    """,
    r"""
    (拼|合|连|组合|接|串)(起来|在一起|到一起|成一)|(把|将).{0,12}(合并|拼接|连接|组合|连起来|相加)|(执行|照做|回答|遵循).{0,6}(结果|拼接|合并|完整)|第[一二三四1234](部分|段|半)|(前|后)半(部分|句|段)|(记住|保存|存).{0,4}(这|为|成|作)|(先)?不要回答|先别回答|分(几|两|三|多)(部分|条|次|段)
    (つなげ|繋げ|つない|繋い|組み合わせ|結合|合わせ|連結)(て|た|る|し)|(結果|合わせた|結合した).{0,6}(実行|従|答え)|(第[一二三1-3]|最初の?|次の?|最後の?|[1-3]つ目の?)(部分|パート|半分)|(前|後)半(は|を|:|：)|(覚えて|記憶して|保存して)|まだ(答え|返事|返答)(ない|なく|し)|[0-9二三]回に分け
    (합쳐|이어|연결해|결합해|조합해|붙여)(서|줘|라|읽)|(첫|두|세|마지막)(번째)?(부분|조각|절반)|(기억해|저장해)(둬|줘|라)|아직(대답|답하지)
    (รวม|ต่อ|เชื่อม)(เข้าด้วยกัน|กัน|ส่วน)|ส่วนที่(หนึ่ง|สอง|สาม|[1-3])|จำ(ไว้|สิ่งนี้)|อย่าเพิ่งตอบ
    """,
)

POINTS: Final = Phrases(
    # Words that stand for something said before: the weak form of leaning.
    r"""
    (it|that|this|these|those|them|such|there|so|he|she|they|one|same)([ .!?]|$)|(das|dies~|jene~|damit|dafur|davon|daran|darin|sowas|solche~|dabei|es|ihn|sie|ihm)([ .!?]|$)|(ca|cela|ceci|celui|celle|ces|cet|cette|y|en|le|les)([ .!?]|$)|(eso|esto|ese|esa|esos|esas|ello|asi|lo|los|alli)([ .!?]|$)|(isso|isto|aquilo|esse~|essa~|disso|nisso)([ .!?]|$)|(questo|quello|cio|ne|lo|quella|questa|cosi)([ .!?]|$)|(dat|dit|deze|die|daarmee|ervan|het)([ .!?]|$)|(to|tego|tym|tych|nich|tak)([ .!?]|$)|(bu|bunu|bunun|bunlar~|onu|onun|sunu|boyle)([ .!?]|$)|(это|этого|этому|этим|этом|эти|этих|тако~|его|их|туда|так)([ .!?]|$)|(це|цього|цим|ці|таке)([ .!?]|$)|(det|detta|den|dem|sadan~)([ .!?]|$)|(itu|ini|tersebut)([ .!?]|$)|(यह|इसे|इसका|इसके|उसे|ये|ऐसा|ऐसे|वो|वह)
    (هذا|هذه|ذلك|تلك|هؤلاء|ذاك)
    """,
    r"""
    (这|那|它|此|他们|该)|(それ|これ|あれ|その|この|そう|こう)|(그것|이것|그거|이거|그걸|이걸|그렇게)|(มัน|นั้น|นี้|สิ่งนี้)
    """,
)
