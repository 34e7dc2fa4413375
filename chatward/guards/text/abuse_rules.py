# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Plain words of a person who wants to die, and plain threats, in the words of fifteen languages.

The rule: what is said outright must not hang on a model's score. Only the first person counts for self-harm, and only
threats at somebody for violence; what is told, asked, sung or said in fun is left to the models.
"""

from __future__ import annotations

import re
from typing import Final

from chatward.core.rules import Rule, Validator
from chatward.core.values import Category, Severity

_I: Final = r"\bi(?:['’]?m| am|['’]?ve| have|['’]?ll| will)?(?: (?:really|just|still|honestly|seriously|also|only|do|been|feel|feeling|so|like|keep|might|may|literally|tonight|now)){0,3}"
_MEAN: Final = (
    r"(?:want to|wanna|plan to|planning to|going to|gonna|ready to|decided to|intend to|about to|wish to|like|of|about"
    r"|thinking (?:of|about)|considering|planning on)"
)

_SELF_HARM: Final = (
    rf"{_I} {_MEAN} (?:kill(?:ing)?|hang(?:ing)?|shoot(?:ing)?|drown(?:ing)?|harm(?:ing)?) myself\b",
    rf"{_I} {_MEAN} (?:end(?:ing)? (?:my (?:own )?life|it all)|tak(?:e|ing) my own life|commit(?:ting)? suicide|suicide)\b",
    rf"{_I} (?:want to|wanna|wish i could) (?:die|be dead)\b",
    r"\bi wish i (?:was|were) dead\b",
    r"\bi (?:really |just )?(?:don['’]?t|do not|no longer) want to (?:live|be alive|exist|be here|go on living) (?:any ?more|any longer)\b",
    rf"{_I} suicidal\b",
    r"\bi(?:['’]?m having| have| keep having|['’]?ve been having) (?:suicidal thoughts|thoughts of (?:suicide|killing myself|ending (?:it all|my life)))",
    r"\bich (?:will|möchte|werde) (?:mich|mir)(?: (?:heute|einfach|jetzt|selbst|nur|bald)){0,2} (?:umbringen|töten|erhängen|das leben nehmen)\b",
    r"\bich (?:will|möchte|kann|mag)(?: einfach| wirklich)? nicht (?:mehr|länger) (?:leben|weiterleben)\b",
    r"\bich (?:will|möchte)(?: einfach| nur noch| nur){0,2} sterben\b",
    r"\bje (?:veux|vais|voudrais|pense à) (?:me (?:suicider|tuer|pendre|donner la mort)|mourir|en finir avec (?:la|ma) vie|mettre fin à (?:ma vie|mes jours))",
    r"\bj['’]ai envie de (?:mourir|me (?:suicider|tuer)|en finir avec la vie)\b",
    r"\b(?:je ne veux|j['’]veux|je veux) plus vivre\b",
    r"\b(?:quiero|voy a|pienso|deseo) (?:suicidarme|matarme|morirme|morir|quitarme la vida|acabar con mi vida)\b",
    r"\bya no quiero (?:vivir|seguir viviendo)\b|\bno quiero (?:seguir viviendo|vivir más)\b",
    r"\b(?:quero|vou|penso em) (?:me (?:matar|suicidar)|matar-me|suicidar-me|morrer|(?:tirar|acabar com) a? ?minha (?:própria )?vida)\b|\bnão quero mais viver\b",
    r"\b(?:voglio|vorrei|penso di) (?:uccidermi|ammazzarmi|suicidarmi|morire|togliermi la vita|farla finita)\b|\bnon voglio più vivere\b",
    r"\bik wil (?:niet meer leven|dood|zelfmoord plegen|een einde maken aan mijn leven|mezelf (?:doden|van kant maken))\b",
    r"\bchcę (?:się zabić|umrzeć|popełnić samobójstwo)\b|\bnie chcę (?:już |dłużej )?żyć\b",
    r"\b(?:kendimi öldürmek|intihar etmek|ölmek) istiyorum\b|\bartık yaşamak istemiyorum\b",
    r"\bхочу (?:умереть|покончить с собой|покончить с жизнью|убить себя)\b|\bне хочу (?:больше )?жить\b",
    r"أريد أن (?:أموت|أنتحر|أقتل نفسي|أنهي حياتي)|لا أريد (?:أن أعيش|العيش) بعد الآن",
    r"मैं (?:मरना|आत्महत्या करना|खुदकुशी करना|अपनी जान देना) (?:चाहता|चाहती)|मुझे (?:अब )?(?:और )?नहीं जीना",
    r"我(?:真的|现在|只|就|好)?(?:想|要)(?:自杀|死了算了|去死|结束(?:我的|自己的)?生命)|我?不想(?:再)?活(?:了|下去)",
    r"死にたい(?!ほど|くら|ぐら|って|とは|くな|わけ)|自殺したい|もう生きていたくない",
    r"죽고 ?싶(?:어|다|습니다|네)|자살하고 ?싶|더 ?이상 살고 ?싶지 ?않",
)
_IN_FUN: Final = re.compile(
    r"(?i)\b(?:laughing|lol|haha|insurance|of (?:laughter|embarrassment|boredom|shame|hunger|thirst|cuteness)|on (?:that|this) hill"
    r"|de (?:rire|risa|rir|honte|vergüenza|la risa|ganas|faim|hambre|fome|vergonha)|dal ridere|vor lachen"
    r"|(?:in|en|im) (?:the game|minecraft|gta|fortnite|roblox|sims|el juego|jogo|le jeu|spiel)|со смеху|от смеха)\b"
    r"|(?:live|leben|vivre|vivir|viver|vivere|żyć|жить) (?:in|with|at|near|here|there|mit|bei|hier|dans|avec|ici|con|aquí|com|aqui"
    r"|qui|w|z|tu|в|с|без|у|здесь)\b"
)
_NOT_SAID: Final = re.compile(
    r"(?i)(?:\b(?:not|never|n['’]t|nicht|kein\w*|niemals|ne|não|non|nie|не|without"
    r"|sings?|character|lyrics?|song|line|quote|title|titled|called|translate|phrase|sentence)"
    r"|[\"“„«「『])\s*$"
)

_WILL: Final = r"\bi(?:['’]?m going to|['’]?m gonna| am going to|['’]?ll| will| gonna|['’]?m about to)"
_THREATS: Final = (
    rf"{_WILL} (?:[a-z']{{1,12}} ){{0,8}}?(?:slit (?:your|his|her|their) throats?|kill you and your|beat you to death|burn your house)\b",
    rf"{_WILL} (?:come|drive|go) to (?:your|his|her|their) (?:house|home|place|office|school) and (?:kill|stab|shoot|hurt|rape)\b",
    rf"{_WILL} (?:shoot up|bomb|blow up) (?:the|a|my|our|your|this) (?:[a-z]{{1,12}} )?(?:school|church|mosque|synagogue|mall|office|hospital|airport|university|campus|courthouse|building)\b",
    r"\b(?:go |just |please )?(?:kill|hang) yourself,? (?:you|u|bitch|idiot|loser|already|now|faggot|retard)\b|\bgo (?:kill|hang) yourself\b",
    r"\bich (?:werde|will) dich (?:umbringen|töten|abstechen|erschießen)\b|\bich (?:bring|bringe|stech|steche) dich (?:um|ab)\b",
    r"\b(?:gehören|müssen|sollte man)(?: alle)? (?:vergast|erschossen|aufgehängt|an die wand gestellt)\b",
    r"\bje vais (?:te|vous) (?:tuer|égorger|buter|planter)\b|\bva te pendre\b|\bsuicide[- ]toi\b",
    r"\bte voy a (?:matar|degollar|apuñalar)\b|\bvoy a (?:matarte|degollarte|apuñalarte)\b",
    r"\bvou te (?:matar|esfaquear)\b|\bti (?:ammazzerò|ucciderò|sgozzo)\b|\bik (?:ga|zal) je (?:vermoorden|neersteken)\b",
    r"\bzabiję cię\b|\bя тебя (?:убью|зарежу)\b|\bseni öldüreceğim\b",
)
_PLAYED: Final = re.compile(
    r"(?i)\b(?:chess|mario|minecraft|gta|fortnite|roblox|game|round|match|laughing|kindness|lol|haha|spiel|jeu|juego|jogo|gioco)\b"
)


def _unless(refused: re.Pattern[str], confidence: float) -> Validator:
    def validate(text: str, before: str) -> float | None:
        return None if refused.search(text) or _NOT_SAID.search(before[-48:]) else confidence

    return validate


_REST: Final = r"[^.!?\n]{0,24}"
"""What the words go on with, which says whether they are meant."""

RULES: Final = (
    Rule(
        id="text.abuse/self-harm",
        pattern=f"(?:{'|'.join(_SELF_HARM)}){_REST}",
        category=Category.ABUSE,
        severity=Severity.HIGH,
        confidence=0.9,
        summary="Somebody says that she wants to die; answered with the route's help line",
        flags=re.IGNORECASE,
        validate=_unless(_IN_FUN, 0.9),
    ),
    Rule(
        id="text.abuse/violence",
        pattern=f"(?:{'|'.join(_THREATS)}){_REST}",
        category=Category.ABUSE,
        severity=Severity.HIGH,
        confidence=0.8,
        summary="A threat to kill, or somebody told to kill herself",
        flags=re.IGNORECASE,
        validate=_unless(_PLAYED, 0.8),
    ),
)
