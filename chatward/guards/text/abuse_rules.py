# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Plain words of a person who wants to die, in fifteen languages, and plain threats, in ten.

The rule: what is said outright must not hang on a model's score. Only the first person counts for self-harm, and only
threats at somebody for violence; what is told, asked, sung or said in fun is left to the models.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity

_I: Final = r"\bi(?:['’]?m| am|['’]?ve| have|['’]?ll| will)?(?: (?:really|just|still|honestly|seriously|also|only|do|been|so|keep|might|may|literally|tonight|now)){0,3}"
_MEAN: Final = (
    r"(?:want to|wanna|plan to|planning to|going to|gonna|ready to|decided to|intend to|about to|wish to"
    r"|feel(?:ing)? like|thinking (?:of|about)|considering|planning on)"
)

_SELF_HARM: Final = (
    rf"{_I} {_MEAN} (?:kill(?:ing)?|hang(?:ing)?|shoot(?:ing)?|drown(?:ing)?|harm(?:ing)?) myself\b",
    r"\bi(?:['’]?ll| will)(?: really| just| probably)? (?:kill|hang|shoot|drown) myself\b",
    rf"{_I} {_MEAN} (?:end(?:ing)? (?:my (?:own )?life|it all)|tak(?:e|ing) my own life|commit(?:ting)? suicide)\b",
    rf"{_I} (?:thinking (?:of|about)|considering|contemplating|planning) suicide\b",
    rf"{_I} (?:want to|wanna|wish i could) (?:die|be dead)\b",
    r"\bi wish i (?:was|were) dead\b",
    r"\bi (?:really |just )?(?:don['’]?t|do not|no longer) want to (?:live|be alive|exist|go on living) (?:any ?more|any longer)\b",
    rf"{_I} (?:feel(?:ing)? )?(?:so |very |really )?suicidal\b",
    r"\bi(?:['’]?m having| have| keep having|['’]?ve been having) (?:suicidal thoughts|thoughts of (?:suicide|killing myself|ending (?:it all|my life)))",
    r"\bich (?:will|möchte|werde) (?:mich|mir)(?: (?:heute|einfach|jetzt|selbst|nur|bald)){0,2} (?:umbringen|töten|erhängen|das leben nehmen)\b",
    r"\bich (?:will|möchte|kann|mag)(?: einfach| wirklich)? nicht (?:mehr|länger) (?:leben|weiterleben)\b",
    r"\bich (?:will|möchte)(?: einfach| nur noch| nur){0,2} sterben\b",
    r"\bje (?:veux|voudrais|vais|pense à) (?:me (?:suicider|tuer|pendre|donner la mort)|en finir avec (?:la|ma) vie|mettre fin à (?:ma vie|mes jours))",
    r"\bje (?:veux|voudrais|pense à) mourir\b",
    r"\bj['’]ai envie de (?:mourir|me (?:suicider|tuer)|en finir avec la vie)\b",
    r"\b(?:je ne veux|j['’]veux|je veux) plus vivre\b",
    r"\b(?:quiero|deseo) (?:morirme|morir)\b",
    r"\b(?:quiero|voy a|pienso|deseo) (?:suicidarme|matarme|quitarme la vida|acabar con mi vida)\b",
    r"\bya no quiero (?:vivir|seguir viviendo)\b|\bno quiero (?:seguir viviendo|vivir más)\b",
    r"\bquero morrer\b|\bnão quero mais viver\b",
    r"\b(?:quero|vou|penso em) (?:me (?:matar|suicidar)|matar-me|suicidar-me|(?:tirar|acabar com) a? ?minha (?:própria )?vida)\b",
    r"\b(?:voglio|vorrei) morire\b|\bnon voglio più vivere\b",
    r"\b(?:voglio|vorrei|penso di) (?:uccidermi|ammazzarmi|suicidarmi|togliermi la vita|farla finita)\b",
    r"\bik wil (?:niet meer leven|dood|zelfmoord plegen|een einde maken aan mijn leven|mezelf (?:doden|van kant maken))\b",
    r"\bchcę (?:się zabić|umrzeć|popełnić samobójstwo)\b|\bnie chcę (?:już |dłużej )?żyć\b",
    r"\b(?:kendimi öldürmek|intihar etmek|ölmek) istiyorum\b|\bartık yaşamak istemiyorum\b",
    r"\bхочу (?:умереть|покончить с собой|покончить с жизнью|убить себя)\b|\bне хочу (?:больше )?жить\b",
    r"أريد أن (?:أموت|أنتحر|أقتل نفسي|أنهي حياتي)|لا أريد (?:أن أعيش|العيش) بعد الآن",
    r"मैं (?:मरना|आत्महत्या करना|खुदकुशी करना|अपनी जान देना) (?:चाहता|चाहती)|मुझे (?:अब )?(?:और )?नहीं जीना",
    r"我(?:真的|现在|只|就|好)?(?:想|要)(?:自杀|死了算了|去死(?![海亡谷])|结束(?:我的|自己的)?生命)|我?不想(?:再)?活(?:了|下去)",
    r"死にたい(?!ほど|くら|ぐら|って|とは|くな|わけ)|自殺したい|もう生きていたくない",
    r"죽고 ?싶(?:어|다|습니다|네)|자살하고 ?싶|더 ?이상 살고 ?싶지 ?않",
)
_IN_FUN: Final = (
    r"\b(?:laughing|lol|haha|of (?:laughter|embarrassment|boredom|shame|hunger|thirst|cuteness)|on (?:that|this) hill"
    r"|de (?:rire|risa|rir|honte|vergüenza|la risa|ganas|faim|chaud|froid|hambre|fome|calor|vergonha)|dal ridere|vor lachen"
    r"|(?:in|en|im) (?:the game|minecraft|gta|fortnite|roblox|sims|el juego|jogo|le jeu|spiel)|со смеху|от смеха"
    r"|من (?:الضحك|الجوع|الخجل))\b"
)
_AT_WORK: Final = (
    r"\b(?:tuer (?:à la tâche|au travail)|matarme (?:a|trabajando|estudiando|entrenando)|matar de|ammazzarmi di)\b"
)
_SOMETHING_ELSE: Final = (
    r"\b(?:insurance|contract|subscription|account|topic|essay|paper|thesis|novel|film|squad|prevention|awareness|hotline)\b"
    r"|myself (?:in the foot|an?\b|the\b|some\b|out to dry)|drown(?:ing)? myself in (?!the |a )|\bdie (?:my|for|an?|old|happy|rich)\b"
    r"|farla finita con (?!la )|\bdood (?!zijn|gaan|en|want|omdat)\w"
)
_SOMEWHERE_ELSE: Final = (
    r"(?:live|any ?more|any longer|leben|vivre|vivir|viviendo|más|viver|vivere|żyć|жить) (?:in|with|at|near|here|there|mit|bei|hier|dans"
    r"|avec|ici|en|con|aquí|com|aqui|em|qui|w|z|tu|в|с|без|у|здесь)\b"
)
_NOT_SAID: Final = (
    r"(?:\b(?:not|never|n['’]t|nicht|kein\w*|niemals|ne|não|non|nie|не|without"
    r"|sings?|character|lyrics?|song|line|quote|title|titled|called|translate|phrase|sentence)"
    r"|[\"“„«「『])\s*$"
)

_WILL: Final = r"\bi(?:['’]?m going to|['’]?m gonna| am going to|['’]?ll| will| gonna|['’]?m about to)"
_INSULT: Final = r"(?:bitch|idiot|loser|faggot|retard|nerd|freak|moron|cunt)"
_THREATS: Final = (
    rf"{_WILL} (?:(?:find|hunt|track|catch|get|follow) (?:you|him|her|them)(?: down)? and )?(?:slit (?:your|his|her|their) throats?|kill you and your|beat you to death|burn (?:down )?your house)\b",
    rf"{_WILL} (?:come|drive|go) to (?:your|his|her|their) (?:house|home|place|office|school) and (?:kill|stab|shoot|hurt|rape|slit|burn)\b",
    rf"{_WILL} (?:shoot up|bomb|blow up) (?:the|a|my|our|your|this) (?:[a-z]{{1,12}} )?(?:school|church|mosque|synagogue|mall|office|hospital|airport|university|campus|courthouse|building)\b",
    rf"\b(?:kill|hang) yourself,? (?:(?:you|u) (?:[a-z]{{1,12}} )?)?{_INSULT}\b|\bkill yourself already\b",
    rf"\b(?:go|just|please|pls) (?:(?:kill|hang) yourself|kys)\b|\bkys,? (?:(?:you|u) )?{_INSULT}\b",
    r"\bich (?:werde|will) dich (?:umbringen|töten|abstechen|erschießen)\b|\bich (?:bring|bringe|stech|steche) dich (?:um|ab)\b",
    r"\b(?:gehören|müssen|sollten)(?: alle)? (?:vergast|erschossen)\b|\bsollte man(?: alle)? (?:vergasen|erschießen|abknallen)\b",
    r"\bje vais (?:te|vous) (?:tuer|égorger|buter)\b|\bva te pendre\b|\bsuicide[- ]toi\b",
    r"\bte voy a (?:matar|degollar|apuñalar)\b|\bvoy a (?:matarte|degollarte|apuñalarte)\b",
    r"\bvou te (?:matar|esfaquear)\b|\bti (?:ammazzerò|ucciderò|sgozzo)\b|\bik (?:ga|zal) je (?:vermoorden|neersteken)\b",
    r"\bzabiję cię\b|\bя тебя (?:убью|зарежу)\b|\bseni öldüreceğim\b",
)
_PLAYED: Final = (
    r"\b(?:chess|mario|minecraft|gta|fortnite|roblox|game|round|match|level|respawn|checkpoint|laughing|kindness|lol|haha|spiel|jeu|juego|jogo|gioco"
    r"|photos?|pictures?|posters?|logo|balloons?|exam|test|quiz)\b"
)
_NO_ORDER: Final = r"\b(?:can|could|to|if you|when you|would you|says?|said|told me)\s*$"

_REST: Final = r"[^.!?\n]{0,24}"
"""What the words go on with, which says whether they are meant."""


def _rule(name: str, summary: str, said: tuple[str, ...], confidence: float, *, after: str, before: str) -> Rule:
    """``said`` in earnest: neither ``after`` in it and in what it goes on with, nor ``before`` ahead of it."""
    goes_on, leads_in = re.compile(after, re.IGNORECASE), re.compile(before, re.IGNORECASE)

    def validate(text: str, ahead: str) -> float | None:
        return None if goes_on.search(text) or leads_in.search(ahead[-48:]) else confidence

    return Rule(
        id=f"text.abuse/{name}",
        pattern=f"(?:{'|'.join(said)}){_REST}",
        category=Category.ABUSE,
        severity=Severity.HIGH,
        confidence=confidence,
        summary=summary,
        flags=re.IGNORECASE,
        validate=validate,
    )


RULES: Final = (
    _rule(
        "self-harm",
        "Somebody says that she wants to die; answered with the route's help line",
        _SELF_HARM,
        0.9,
        after="|".join((_IN_FUN, _AT_WORK, _SOMETHING_ELSE, _SOMEWHERE_ELSE)),
        before=_NOT_SAID,
    ),
    _rule(
        "violence",
        "A threat to kill, or somebody told to kill herself",
        _THREATS,
        0.8,
        after=_PLAYED,
        before=f"{_NOT_SAID}|{_NO_ORDER}",
    ),
)
