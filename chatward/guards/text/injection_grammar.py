r"""How injection rules are written: phrases of words, with room for what people put between them.

The rule: a phrase is written as plain words with regular-expression alternatives, and three signs stand for what
varies in real text:

* a blank (or a blank with ``?``, where it may be missing): what may stand between two words (blanks, quotes,
  Markdown, commas; never the end of a sentence);
* ``<n>``: room for about ``n`` further words (twelve code points each) within the sentence, and a gap;
* ``~``: the rest of a word (an ending), up to eight letters.

Accented Latin and Greek letters also match without their accent, as people type them. Phrases of scripts that write
without blanks are made by ``dense``: there a blank is optional and ``<n>`` is up to ``n`` code points.

Everything is bounded, as ``core.rules`` asks. Confidence tells how plain the intent is: from 0.8 on there is hardly
another reading, from 0.5 on an attack is the likely one, below that it is a hint for other guards. ``talked_about``
lowers it where the words are quoted or discussed rather than used.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from chatward.core.rules import ALL_VIEWS, Rule, Validator
from chatward.core.values import Category, Severity

GUARD: Final = "text.injection"

_BETWEEN: Final = r"""[\s"'*_`,:;~#>()\[\]|/-]"""
_GAP: Final = _BETWEEN + "{1,4}"
_WORD_WIDTH: Final = 12
_FURTHER: Final = r"""(?:[^.!?;"]{0,%d}""" + _BETWEEN + ")?"
_ENDING: Final = r"""[^\s.,!?;:"'()\[\]]{0,8}"""
_NEAR: Final = r"[^\n。！？.!?]{0,%d}"

_UMLAUTS: Final = {"ä": "(?:ä|ae?)", "ö": "(?:ö|oe?)", "ü": "(?:ü|ue?)", "ß": "(?:ß|ss)"}
_STRUCK: Final = {"ł": "l", "đ": "d", "ø": "o", "ı": "i"}
_COMMAS: Final = {"ș": "ş", "ț": "ţ"}
"""Romanian letters with a comma below, which older keyboards write with a cedilla."""


def _loose(character: str) -> str:
    """A letter with or without its accent."""
    if character in _UMLAUTS:
        return _UMLAUTS[character]
    base = _STRUCK.get(character) or unicodedata.normalize("NFD", character)[0]
    if base == character or not (base.isascii() or "α" <= base <= "ω"):
        return character
    return f"[{character}{_COMMAS.get(character, '')}{base}]"


_CLASS_OR_CHARACTER: Final = re.compile(r"\\.|\[[^\]]*\]|.", re.DOTALL)


def phrase(words: str) -> str:
    """The pattern of a phrase in a script with blanks between words."""
    return _spelled(words, _GAP, _FURTHER, _WORD_WIDTH)


def dense(words: str) -> str:
    """The pattern of a phrase in a script without blanks between words."""
    return _spelled(words, r"\s?", _NEAR, 1)


def _spelled(words: str, gap: str, further: str, width: int) -> str:
    pieces = re.split(r"( ?<\d+> ?| \?|[ ~])", unicodedata.normalize("NFC", words.strip()))
    pattern = []
    for piece in pieces:
        number = re.search(r"<(\d+)>", piece)
        if number:
            lead = gap if piece.startswith(" ") else ""
            pattern.append(lead + further % (width * int(number[1])))
        elif piece == " ":
            pattern.append(gap)
        elif piece == " ?":
            pattern.append(f"(?:{gap})?")
        elif piece == "~":
            pattern.append(_ENDING)
        else:
            pattern.append(_CLASS_OR_CHARACTER.sub(_loosened, piece))
    return "".join(pattern)


def _loosened(found: re.Match[str]) -> str:
    """A character of a phrase, or a class of them, with the forms that people type for each."""
    if len(found[0]) == 1 or found[0][0] != "[":
        return "".join(map(_loose, found[0]))
    return "[" + "".join(_loose(char).strip("[]") for char in found[0][1:-1]) + "]"


def any_of(words: str) -> str:
    """Alternatives out of a list with commas and blanks (or line ends) between them; longer ones first."""
    items = [" ".join(word.split()) for word in re.split(r",\s+|\n", words)]
    return "(?:" + "|".join(sorted(filter(None, items), key=len, reverse=True)) + ")"


_BRANCH_START: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\(\?:|\|)([^\W\d_])(?![?*+{])")


def quick(pattern: str) -> str:
    """The same pattern with the first letter of each alternative spelled as a class of its two cases.

    The standard library's engine skips alternatives by their first class, but not where case is ignored; this
    makes a search faster by about a third.
    """

    def spell(found: re.Match[str]) -> str:
        opening, letter = found.groups()
        if opening is None or letter.lower() == letter.upper() or len(letter.upper()) > 1:
            return found[0]
        return f"{opening}(?-i:[{letter.lower()}{letter.upper()}])"

    return _BRANCH_START.sub(spell, pattern)


_TALK: Final = re.compile(
    r"such as|e\.g\.|for (?:example|instance)|examples? of|phrases? like|prompts? like"
    r"|(?:things|something|sentences?|words?) like|what (?:does|do|is|are) |meaning of"
    r"|the (?:phrase|term|words|sentence|expression)\b|attack|inject|jailbreaks? (?:is|are)"
    r"|hackers?|researchers?|security|vulnerab|says? something"
    r"|(?:someone|somebody|people|users?|customers?|one) (?:may |might |could |can |would |who |that )?"
    r"(?:writ|typ|say|said|ask|tr(?:y|ies)|tell|enter|put)"
    r"|zum beispiel|z\.\s?b\.|was bedeutet|par exemple|que signifie|por ejemplo|qué significa|por exemplo|ad esempio"
    r"|cosa significa|bijvoorbeeld|na przykład|örneğin|например|что (?:такое|значит)"
    r"|例えば|比如|例如|预防|攻击|攻撃|예를 들어",
    re.I,
)
_CODE: Final = (r"[={}]|\w\(|\)\s?:|&&|->", 0.4)
"""Words that stand in program code were not said to the bot."""
_OPEN_QUOTE: Final = re.compile(r"""["'`「『(\[]\s*$""")
_SAID: Final = re.compile(
    r"""(?:\b(?:said|says?|wr(?:ote|ites?|iting)|typ(?:ed?|es|ing)|shout(?:ed|s)|yell(?:ed|s)|enter(?:ed|s)?"""
    r"""|pasted|flagged|blocked|asked|reads|titled|called|named|word|translate|prompt|message|text|ticket|comment"""
    r"""|slogan)[,:]?"""
    r"""|(?:^|[.!?\n])\s*(?:is|are|was|were|does|did|why is|what if|when is|has|have))\s+["'`]\s*$""",
    re.I,
)
_ASKED_HOW: Final = re.compile(
    r"\b(?:how (?:do|can|could|should|would|did|must) (?:i|we|one)|how to"
    r"|why (?:do|does|did|can'?t|should) (?:i|we|my|our)"
    r"|when (?:do|should) (?:i|we)|where (?:do|can|should) (?:i|we))\b[^.!?,;:\n]{0,50}$",
    re.I,
)
_BOTS_OWN: Final = re.compile(r"\b(?:you|your|you're|ur|these|openai|chatgpt|claude|gemini)\b", re.I)
_FORBIDDEN: Final = re.compile(
    r"\b(?:never|do not|don'?t|must not|may not|should not|shall not|cannot|can'?t)"
    r"(?! (?:forget|hesitate|fail|stop|be afraid|wait))[^.!?,;:\n]{0,40}$",
    re.I,
)
_BOT: Final = r"(?!(?:you|ai|ais|llms?|dan|it|gpt|chatgpt|claude|assistants?|chatbots?|bots?|agents?|models?)\b)"
_NARRATED: Final = re.compile(
    r"\b(?:asked|told|urged|ordered|instructed|advised|reminded|wants?|wanted|decided|agreed|voted)"
    rf" (?:{_BOT}[\w'-]+ ){{0,4}}to\s+$|\b{_BOT}[a-z]{{3,}} (?:shall|should|may|must|will|could|would) (?:not )?$",
    re.I,
)


def talked_about(before: str, confidence: float) -> float:
    """The confidence where words are quoted or discussed: a question about an attack is not the attack."""
    quoted = bool(_OPEN_QUOTE.search(before))
    talked = bool(_TALK.search(before[-80:])) or (quoted and bool(_SAID.search(before[-80:])))
    if quoted and talked:
        return round(confidence * 0.5, 2)
    if talked:
        return round(confidence * 0.75, 2)
    return round(confidence * 0.9, 2) if quoted else confidence


def about_others(text: str, before: str) -> bool:
    """Whether words that read like an order to the bot are none: somebody asks how to do it herself, it is forbidden,
    or it is told of others."""
    near = before[-80:]
    if _ASKED_HOW.search(near):
        return not _BOTS_OWN.search(text)
    if _FORBIDDEN.search(near):
        return not text.lower().startswith("forget")  # "don't forget to ignore ..." asks for it
    return bool(_NARRATED.search(near))


def weighed(confidence: float, *lowering: tuple[str, float], order: bool = False) -> Validator:
    """A validator: the confidence as it is, or as ``talked_about`` lowers it; where the matched text holds one of
    the ``lowering`` patterns, at most the number beside it. ``order``: the words are an order, and half as much where
    they give it to nobody (``about_others``)."""
    lowered = [(re.compile(pattern, re.I), most) for pattern, most in lowering]

    def validate(text: str, before: str) -> float | None:
        value = talked_about(before, confidence)
        if order and about_others(text, before):
            value = round(value * 0.5, 2)
        for pattern, most in lowered:
            if pattern.search(text):
                value = min(value, most)
        return value if value > 0 else None

    return validate


def rule(
    name: str,
    patterns: str | Iterable[str],
    summary: str,
    *,
    category: Category = Category.INJECTION,
    severity: Severity = Severity.HIGH,
    confidence: float = 0.8,
    lowering: Iterable[tuple[str, float]] = (),
    exact: bool = False,
    signs: bool = False,
) -> Rule:
    """One rule of the guard. ``patterns`` are alternatives; ``exact`` keeps case; ``signs`` says that the rule is
    about signs rather than words, so that looking like program code takes nothing away."""
    alternatives = [patterns] if isinstance(patterns, str) else list(patterns)
    joined = "|".join(alternatives)
    if len(alternatives) > 1 and all(pattern.startswith(r"\b") for pattern in alternatives):
        joined = r"\b(?:" + "|".join(pattern[2:] for pattern in alternatives) + ")"
    return Rule(
        id=f"{GUARD}/{name}",
        pattern=joined if exact else quick(joined),
        category=category,
        severity=severity,
        confidence=confidence,
        summary=summary,
        detail=name,
        flags=re.RegexFlag(0) if exact else re.IGNORECASE,
        # A persona is described as others are, so what is said of others counts in jailbreaks.
        validate=weighed(
            confidence, *lowering, *(() if signs else (_CODE,)), order=not signs and category is not Category.JAILBREAK
        ),
        views=ALL_VIEWS,
    )


def indirect(
    name: str,
    patterns: str | Iterable[str],
    summary: str,
    *,
    confidence: float = 0.7,
    lowering: Iterable[tuple[str, float]] = (),
) -> Rule:
    """A rule for tool results and documents alone: its id begins with ``indirect-``, by which policy knows it."""
    return rule(
        f"indirect-{name}",
        patterns,
        summary,
        category=Category.INDIRECT_INJECTION,
        confidence=confidence,
        lowering=lowering,
    )


def language(
    code: str,
    name: str,
    *,
    override: Iterable[str],
    everything: Iterable[str] = (),
    extraction: Iterable[str] = (),
    freedom: Iterable[str] = (),
    reader: Iterable[str] = (),
    mine: str = "",
    blanks: bool = True,
) -> tuple[Rule, ...]:
    """The rules of one language, from its phrases.

    ``override``: ignore the previous or your instructions. ``everything``: forget all that came before.
    ``extraction``: show your system prompt. ``freedom``: be without restrictions. ``reader``: for documents, orders to
    the AI that reads, or not to tell the user. ``mine``: words that make the instructions the speaker's own.
    ``blanks``: whether the script parts words by blanks.
    """
    write = phrase if blanks else dense
    own = [(mine, 0.35)] if mine else []
    made: list[Rule] = []

    def add(kind: str, phrases: Iterable[str], summary: str, confidence: float, category: Category) -> None:
        # Who asks for answers without limits asks it of her own questions, which makes the limits no less the bot's.
        patterns = [write(words) for words in phrases]
        if patterns:
            made.append(
                rule(
                    f"{kind}-{code}",
                    patterns,
                    f"{summary}, in {name}",
                    confidence=confidence,
                    category=category,
                    lowering=() if category is Category.JAILBREAK else own,
                )
            )

    add("override-instructions", override, "Asks the bot to ignore its instructions", 0.85, Category.INJECTION)
    add("override-everything", everything, "Asks the bot to forget all that came before", 0.65, Category.INJECTION)
    add("system-prompt-extraction", extraction, "Asks for the bot's system prompt", 0.7, Category.INJECTION)
    add("jailbreak-unfiltered", freedom, "Asks the bot to be without restrictions", 0.65, Category.JAILBREAK)
    add("indirect-ai-address", reader, "Gives orders to the AI that reads the text", 0.65, Category.INDIRECT_INJECTION)
    return tuple(made)
