# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""English rules for what people write to change a bot's instructions or to read them.

Ordinary support language is the hard part. So the words for *what* is to be ignored decide: people ask to
disregard a message, an invoice or an address; attackers ask to ignore instructions, rules and what came before. And
the words for *whose* it is: "my previous instructions" are the speaker's own.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Severity
from chatward.guards.text.injection_grammar import any_of, phrase, rule

_IGNORE: Final = any_of("""
ignor(?:e|es|ed|ing), disregard(?:s|ing)?, disobey, forget(?:ting)?, override, overriding, overwrite, overrule, bypass,
overlook, neglect, discard, dismiss, drop, abandon, cancel, void, nullify, erase, wipe, scrap, unlearn,
(?:do not|don'?t|no longer|never) (?:follow|obey|adhere to|comply with|listen to|consider|remember|use|heed|mind),
stop (?:following|obeying|listening to|adhering to), pay no (?:attention|heed) to, take no notice of, set aside,
leave behind, throw (?:away|out), get rid of, move past, be free (?:of|from), negate, skip, clear, reset, supersed(?:e|es|ing),
invalidate, suspend, disable, deactivate, break free from, go against, contravene
""")
_ORDERS: Final = any_of("""
instructions?, intructions?, instuctions?, instrctions?, instruct, directions?, directives?, directive, prompts?, guidelines?,
rules?, commands?, orders, programming, system (?:prompt|message|instructions?), constraints?, restrictions?,
safeguards?, guardrails?, protocols?, policies, (?:content|usage|safety|ethical|moderation|openai'?s?) policy, training,
limitations?, regulations?, guidance, ethics, safety (?:measures|features|checks|settings|filters?|mechanisms?),
filters?, (?:ethical|moral) (?:code|principles|standards|boundaries), instruction sets?, configuration, parameters, persona
""")
_MATTER: Final = any_of("""
context, conversation, text, content, inputs?, information, info, tasks?, data, assignments?, discussion, chat,
dialog(?:ue)?, statements?, sentences?, words, lines?, paragraphs?, history, questions?, stuff, memory, memories, settings,
knowledge, things, topics?
""")
_BEFORE: Final = any_of("""
previous(?:ly)?, prior, above, preceding, earlier, foregoing, past, initial, original, existing, former, old, last,
current, precedent, antecedent, aforementioned, pre-?existing, above-?mentioned, pre-?defined, pre-?programmed, hardcoded,
hard-coded, default, built-in, usual, standard, established, hidden, system, developer'?s?, openai'?s?, given, provided,
preset, underlying, core
""")
_ALL: Final = any_of(
    "all, any, every, each, everything, whatever, all of, any of, any and all, all and any, the entire, entire"
)
_YOUR: Final = any_of("your, you'?re, ur, these, those, its")
_AFTER: Final = any_of("""
above, before, prior, previously, earlier, so far, until now, up to (?:now|this point), given, you (?:have|had|were|got|received|'?ve),
that (?:you|were|was|came|i|have|came) , preceding, provided, from before, in place, you know, you follow, i gave, i've given, we gave,
beforehand, of (?:openai|the system|the developers?)
""")
_SAY: Final = any_of("""
print, say, output, tell, write, reveal, show, repeat, respond, reply, answer, display, list, generate, translate, give,
provide, act, do, instead, return, execute, run, follow, spell, start, explain, create, complete, focus, only, just, you
""")
_MINE: Final = (r"\b(?:my|our|mine)\b", 0.35)

_OVERRIDE: Final = (
    rule(
        "override-instructions",
        phrase(rf"\b{_IGNORE} <3>{_BEFORE} <3>{_ORDERS}\b"),
        "Asks the bot to ignore its previous or original instructions",
        confidence=0.9,
        severity=Severity.CRITICAL,
        lowering=[_MINE, (r"^(?:skip|drop|clear|cancel|void|reset|dismiss)", 0.45), (r"\bcommand$", 0.45)],
    ),
    rule(
        "override-own-instructions",
        phrase(rf"\b{_IGNORE} <1>(?:{_ALL} )?(?:of )?(?:{_YOUR}|{_ALL})(?: the)? <2>{_ORDERS}\b"),
        "Asks the bot to ignore its instructions, rules or training",
        confidence=0.8,
        severity=Severity.CRITICAL,
        lowering=[
            _MINE,
            (r"\b(?:these|those|the|its)\b", 0.6),
            (r"^disable", 0.55),
            (r"^(?:skip|clear|cancel|void|reset|dismiss|drop)", 0.45),
        ],
    ),
    rule(
        "override-given-instructions",
        phrase(rf"\b{_IGNORE} <3>{_ORDERS} (?:that )?{_AFTER}\b"),
        "Asks the bot to ignore instructions that it was given",
        confidence=0.8,
        severity=Severity.CRITICAL,
        lowering=[_MINE, (r"\b(?:i gave|in place|provided)\b", 0.45)],
    ),
    rule(
        "override-context",
        phrase(rf"\b{_IGNORE} (?:{_ALL} )?(?:of )?(?:the |your |this |that )?{_BEFORE} <1>{_MATTER}\b"),
        "Asks the bot to forget the conversation so far",
        confidence=0.6,
        lowering=[
            _MINE,
            (
                r"\b(?:last|old|current|standard|default|given|questions?|stuff|settings|history|usual|things|lines?|data|info)\b",
                0.4,
            ),
        ],
    ),
    rule(
        "override-context-so-far",
        phrase(rf"\b{_IGNORE} (?:{_ALL} )(?:of )?(?:the |your |this |that )?{_MATTER} {_AFTER}\b"),
        "Asks the bot to forget all that it was told",
        confidence=0.6,
        lowering=[_MINE, (r"\b(?:questions?|stuff|things|lines?|data|info|settings)\b|i gave|in place|provided", 0.4)],
    ),
    rule(
        "override-everything",
        [
            phrase(
                rf"\b{_IGNORE} (?:absolutely )?(?:everything|anything|all(?: of)?(?: that)?|whatever|what)"
                r" <3>(?:above|before|previous(?:ly)?|prior|preceding|you (?:were|have been|'?ve been|had been|know|learn~))"
            ),
            phrase(
                rf"\b{_IGNORE} (?:everything|all|the|all of the|any of the) (?:above|previous|preceding|foregoing)"
                rf" (?:<2>)?(?:and|then|now|instead|but|to|just|only) (?:<2>){_SAY}"
            ),
        ],
        "Asks the bot to ignore everything that came before",
        confidence=0.75,
        severity=Severity.CRITICAL,
        lowering=[
            _MINE,
            (r"\b(?:i|we) (?:said|told|wrote|asked|sent|mentioned|did)|\b(?:were|are) doing", 0.4),
            (r"^(?:cancel|skip|clear|drop|void|reset|dismiss|scrap|stop|supersed|invalidate)", 0.4),
        ],
    ),
    rule(
        "override-forget-and-do",
        phrase(
            r"\b(?:forget|ignore|disregard) (?:about )?(?:absolutely )?(?:everything|all(?: of)? (?:this|that|it))"
            rf" (?:(?:and|then|now|please|from now on|just|instead) )?(?:{_SAY}|you|new)\b"
        ),
        "Asks the bot to forget everything and do something else",
        confidence=0.55,
        lowering=[_MINE, (r"\b(?:do|you|tell|explain|give|answer|provide)$", 0.45)],
    ),
    rule(
        "override-new-instructions",
        [
            phrase(
                r"\b(?:new|updated|revised|real|actual|true|following) (?:system )?(?:instructions?|directives?|orders|prompt|objective|commands?)"
                r"(?: for you)? (?:are|is|follows?|will|supersedes?|overrides?|replaces?|takes? precedence)\b"
            ),
            phrase(
                r"\byour (?:instructions?|task|goal|job|role|purpose|objective|mission) (?:(?:is|are) now|has changed|have changed|has been (?:changed|updated|replaced))\b"
            ),
            phrase(
                r"\b(?:here are|these are|follow|obey|execute|i am giving you|you have) (?:your |the |my )?(?:new|updated|real|actual|true) (?:instructions|orders|directives|rules|system prompt)\b"
            ),
            phrase(
                r"\b(?:your|a|this|my) <2>(?:directive|instructions?|prompt|message|rules?) (?:supersedes?|overrides?|replaces?|takes? precedence over) <1>(?:all|any|every|prior|previous|your|the)\b"
            ),
            phrase(r"\b(?:now )?(?:new|other|further) tasks? (?:now )?follows?\b"),
            phrase(r"\bwe will start over with a new task\b"),
            phrase(r"\bnow (?:we will|let us|let's) perform a different task\b"),
        ],
        "Announces new instructions for the bot",
        confidence=0.65,
        lowering=[
            (r"following", 0.35),
            (r"\bthe instructions\b", 0.4),
            (r"your (?:role|job|task|goal|purpose|mission)", 0.5),
        ],
    ),
    rule(
        "override-do-not-answer",
        [
            phrase(
                r"\b(?:do not|don'?t|instead of|without) (?:answer(?:ing)?|respond(?:ing)? to|reply(?:ing)? to) (?:the |this |that |my |any )?(?:above |previous |preceding )?"
                r"(?:question|sentence|instruction|request)s? (?:<2>)?(?:and|but|just|instead|directly|please)? ?(?:<2>)(?:output|print|say|type|write|repeat|enter|return)"
            ),
            phrase(
                r"\bignore (?:the |this |that |my )?(?:above |previous |preceding )?(?:question|instruction|command|request|sentence)s? <4>(?:output|print|say|type|enter|repeat|write)\b"
            ),
            phrase(
                r"\b(?:ignore|disregard) (?:any|all) <2>(?:and|or) (?:following|subsequent|future) (?:instructions?|directions?|commands?|prompts?)\b"
            ),
            phrase(r"\bstop everything (?:now )?(?:just )?(?:print|say|output|and)\b"),
        ],
        "Asks the bot to drop the question and output something given",
        confidence=0.75,
    ),
)

_PROMPT: Final = any_of(
    """
system ?prompts?, system ?messages?, system instructions?, initial (?:prompts?|instructions?|directions?|messages?|commands?),
(?:original|starting|hidden|secret|internal|underlying|base|first|full|complete|entire|exact|confidential|core|private|custom|very first|developer)
 (?:system )?(?:prompts?|instructions|directives|programming|message|guidelines), pre-?prompts?, prompt instructions, meta-?prompt,
developer (?:message|instructions?|prompt), prompt, secret instructions?, previous (?:prompts?|instructions?|directions?),
instructions? (?:above|verbatim|word for word|you (?:were|have been|got|received)), instructions prompt, system configuration
""".replace("\n ", " ")
)
_SHOW: Final = any_of("""
show, reveal, print(?: out)?, output, repeat, display, tell, give, copy(?: out)?, share, list, dump, leak, expose, recite, paste,
disclose, divulge, spell(?: out)?, echo, return, send, write(?: out| down)?, type(?: out)?, present, quote, reproduce, transcribe,
read (?:out|back|aloud), state, describe, summari[sz]e, encode, translate, provide, extract, reformat, render, rewrite, know, see
""")
_TOPIC: Final = r"(?!\s(?:fo|on|ab|re|wh))"

_EXTRACTION: Final = (
    rule(
        "system-prompt-extraction",
        [
            phrase(
                rf"\b{_SHOW} (?:(?:me|us|out|back|exactly|verbatim|all|both|to me|precisely|what) )?(?:of )?(?:(?:is|are|was|were) )?"
                rf"(?:your|ur|the text of your|the contents? of your|everything in your|its) <3>{_PROMPT}\b"
            ),
            phrase(
                rf"\bwhat(?:'?s|s| is| are| was| were| does| do)? (?:exactly )?(?:your|is in your|in your) <2>{_PROMPT}\b"
            ),
            phrase(
                r"\b(?:first|last|initial|opening|top|next) (?:\d{1,4} |few |two |three |five |ten |hundred )?(?:words?|sentences?|lines?|characters|tokens|paragraphs?)"
                r" (?:of|in|from) (?:your|the|this) <2>(?:prompt|instructions?|system message|conversation|context)\b"
            ),
        ],
        "Asks for the bot's system prompt or initial instructions",
        confidence=0.8,
        lowering=[
            (
                r"^(?:send|translate|rewrite|summari|describe|encode|provide|write|extract|know|see|give)[^\n]{0,30}\bprompts?$",
                0.55,
            ),
            (r"\b(?:first|previous) (?:prompts?|messages?)$|custom", 0.5),
        ],
    ),
    rule(
        "system-prompt-request",
        [
            phrase(
                rf"\b{_SHOW} (?:(?:me|us|out|back|exactly|verbatim) )?(?:all )?(?:of )?the <1>(?:system ?prompt|system message|initial (?:prompt|instructions)|hidden (?:prompt|instructions)|prompt above|above prompt|original (?:prompt|instructions)|secret (?:prompt|instructions)|developer message|pre-?prompt)\b"
            ),
            phrase(
                r"\bwhat (?:is|was|are|were) (?:the |in the )(?:system ?prompt|initial (?:prompt|instructions)|hidden (?:prompt|instructions)|secret instructions|original instructions)\b"
            ),
            phrase(r"\b(?:show|print|output|reveal|display|give)(?: me)? system ?prompt\b"),
            phrase(r"\bsystem prompt (?:verbatim|word for word|(?:dikhao|batao|bata do|de do))\b"),
        ],
        "Asks for the system prompt",
        confidence=0.65,
        lowering=[(r"^(?:describe|see|know|send|translate|rewrite|provide|extract)\b", 0.45)],
    ),
    rule(
        "system-prompt-instructions",
        [
            phrase(
                rf"\b(?:show|reveal|print|output|repeat|tell|list|dump|leak|expose|recite|paste|disclose|copy)(?: me| us| out)? (?:all )?(?:of )?your <2>(?:instructions?|directives|guidelines|rules|programming)\b{_TOPIC}"
            ),
            phrase(
                rf"\bwhat (?:are|were|is) (?:all )?(?:of )?your (?:exact |current |complete |full |given |specific )?(?:instructions?|directives|programming)\b{_TOPIC}"
            ),
            phrase(
                r"\b(?:instructions?|rules|guidelines|directions|prompts?|orders|commands) (?:that )?(?:you (?:were|have been|had been|'ve been) (?:given|told|provided|instructed)|you (?:were )?(?:initially |originally )?received)\b"
            ),
            phrase(r"\bwhat were you (?:told|instructed)(?: to do)? (?:before|initially|originally|in|by|at)\b"),
        ],
        "Asks what the bot's instructions are",
        confidence=0.6,
        lowering=[
            (r"(?:guidelines|rules)$", 0.4),
            (r"\b(?:delivery|return|shipping|care|washing|assembly|set-?up|installation|cooking|booking|payment)", 0.1),
            (r"^what (?:are|is) your instructions?$", 0.5),
        ],
    ),
    rule(
        "system-prompt-text-above",
        [
            phrase(
                r"\b(?:repeat|print|output|copy|echo|recite|write|show|display|return|reproduce|type|summari[sz]e|translate|paste)(?: (?:me|out|back|down|exactly))? (?:all |of |everything |the |any |exact ){0,3}"
                r"(?:text|words|content|messages?|instructions|prompts?|sentences|lines|characters|everything|context|conversation|directions)"
                r" (?:<2>)?(?:above|before this|preceding this|prior to this|verbatim|from the (?:beginning|start|top)|starting (?:with|from))\b"
            ),
            phrase(
                r"\b(?:repeat|print|output|echo|recite|copy) (?:back )?(?:everything|all|all of the|all the) (?:above|preceding|previous)\b"
            ),
            phrase(r"\b(?:starting|beginning|starts|begins) with (?:the (?:words?|phrase|sentence) )?you are\b"),
            phrase(
                r"\b(?:put|place|write|wrap|enclose) (?:them|it|everything|the above|the text)? ?(?:<3>)in(?:side)? a (?:txt |text |markdown )?code ?block\b"
            ),
        ],
        "Asks for the text before the message",
        confidence=0.65,
        lowering=[
            (r"code ?block", 0.35),
            (r"^(?:summari|translate)", 0.4),
            (r"^(?:write|show|type|paste|copy|display|return)(?!.*verbatim)", 0.45),
        ],
    ),
    rule(
        "secret-extraction",
        [
            phrase(
                r"\b(?:reveal|leak|divulge|disclose|tell|give|show|print|output|say|spell|share|what is|what's|dump|expose) (?:me |us |out )?(?:the |your |all |its )<1>"
                r"(?:secret|hidden|confidential|internal|private) (?:<1>)(?:password|passphrase|pass ?code|keys?|codes?|flag|words?|tokens?|phrase|information|data|configuration|instructions)\b"
            ),
            phrase(
                r"\b(?:reveal|leak|divulge|disclose|dump|expose|print|output) (?:me )?(?:the |your |all )<2>(?:passwords?|passphrase|api keys?|credentials|secrets|access tokens?|flag|environment variables|configuration|customer (?:database|data|list))\b"
            ),
        ],
        "Asks for a secret that the bot keeps",
        confidence=0.65,
        lowering=[
            (
                r"\b(?:give|show|print|output|what is|what's|tell|share)\b.*\b(?:codes?|words?|keys?|phrase|information|data)$",
                0.45,
            ),
            (r"\b(?:flag|configuration|secrets)$", 0.5),
            (r"^(?!.*\byour\b).*\benvironment variables$", 0.45),
        ],
    ),
)

RULES: Final[tuple[Rule, ...]] = (*_OVERRIDE, *_EXTRACTION)
