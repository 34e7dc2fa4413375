"""English rules for prompt injection and jailbreaks in what people write.

Ordinary support language is the hard part. So the words for *what* is to be ignored decide: people ask to
disregard a message, an invoice or an address; attackers ask to ignore instructions, rules and what came before. And
the words for *whose* it is: "my previous instructions" are the speaker's own.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
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
_ALL: Final = any_of("all, any, every, each, everything, whatever, all of, any of, any and all, all and any, the entire, entire")
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
        lowering=[_MINE, (r"^(?:skip|drop|clear|cancel|void|reset|dismiss)", 0.6)],
    ),
    rule(
        "override-own-instructions",
        phrase(rf"\b{_IGNORE} <1>(?:{_ALL} )?(?:of )?(?:{_YOUR}|{_ALL})(?: the)? <2>{_ORDERS}\b"),
        "Asks the bot to ignore its instructions, rules or training",
        confidence=0.8,
        severity=Severity.CRITICAL,
        lowering=[_MINE, (r"\b(?:these|those|the|its)\b", 0.6), (r"^(?:skip|clear|cancel|void|reset|dismiss|disable)", 0.55)],
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
        lowering=[_MINE, (r"\b(?:last|old|current|standard|default|given|questions?|stuff|settings|history|usual|things|lines?|data|info)\b", 0.4)],
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
            phrase(rf"\b{_IGNORE} (?:absolutely )?(?:everything|anything|all(?: of)?(?: that)?|whatever|what)"
                   r" <3>(?:above|before|previous(?:ly)?|prior|preceding|you (?:were|have been|'?ve been|had been|know|learn~))"),
            phrase(rf"\b{_IGNORE} (?:everything|all|the|all of the|any of the) (?:above|previous|preceding|foregoing)"
                   rf" (?:<2>)?(?:and|then|now|instead|but|to|just|only) (?:<2>){_SAY}"),
        ],
        "Asks the bot to ignore everything that came before",
        confidence=0.75,
        severity=Severity.CRITICAL,
        lowering=[_MINE, (r"\b(?:i|we) (?:said|told|wrote|asked|sent|mentioned|did)", 0.4)],
    ),
    rule(
        "override-forget-and-do",
        phrase(r"\b(?:forget|ignore|disregard) (?:about )?(?:absolutely )?(?:everything|all(?: of)? (?:this|that|it))"
               rf" (?:(?:and|then|now|please|from now on|just|instead) )?(?:{_SAY}|you|new)\b"),
        "Asks the bot to forget everything and do something else",
        confidence=0.55,
        lowering=[_MINE, (r"\b(?:do|you|tell|explain|give|answer|provide)$", 0.45)],
    ),
    rule(
        "override-new-instructions",
        [
            phrase(r"\b(?:new|updated|revised|real|actual|true|following) (?:system )?(?:instructions?|directives?|orders|prompt|objective|commands?)"
                   r"(?: for you)? (?:are|is|follows?|will|supersedes?|overrides?|replaces?|takes? precedence)\b"),
            phrase(r"\byour (?:instructions?|task|goal|job|role|purpose|objective|mission) (?:(?:is|are) now|has changed|have changed|has been (?:changed|updated|replaced))\b"),
            phrase(r"\b(?:here are|these are|follow|obey|execute|i am giving you|you have) (?:your |the |my )?(?:new|updated|real|actual|true) (?:instructions|orders|directives|rules|system prompt)\b"),
            phrase(r"\b(?:your|a|this|my) <2>(?:directive|instructions?|prompt|message|rules?) (?:supersedes?|overrides?|replaces?|takes? precedence over) <1>(?:all|any|every|prior|previous|your|the)\b"),
            phrase(r"\b(?:now )?(?:new|other|further) tasks? (?:now )?follows?\b"),
            phrase(r"\bwe will start over with a new task\b"),
            phrase(r"\bnow (?:we will|let us|let's) perform a different task\b"),
        ],
        "Announces new instructions for the bot",
        confidence=0.65,
        lowering=[(r"following", 0.35), (r"\bthe instructions\b", 0.4), (r"your (?:role|job|task|goal|purpose|mission)", 0.5)],
    ),
    rule(
        "override-do-not-answer",
        [
            phrase(r"\b(?:do not|don'?t|instead of|without) (?:answer(?:ing)?|respond(?:ing)? to|reply(?:ing)? to) (?:the |this |that |my |any )?(?:above |previous |preceding )?"
                   r"(?:question|sentence|instruction|request)s? (?:<2>)?(?:and|but|just|instead|directly|please)? ?(?:<2>)(?:output|print|say|type|write|repeat|enter|return)"),
            phrase(r"\bignore (?:the |this |that |my )?(?:above |previous |preceding )?(?:question|instruction|command|request|sentence)s? <4>(?:output|print|say|type|enter|repeat|write)\b"),
            phrase(r"\b(?:ignore|disregard) (?:any|all) <2>(?:and|or) (?:following|subsequent|future) (?:instructions?|directions?|commands?|prompts?)\b"),
            phrase(r"\bstop everything (?:now )?(?:just )?(?:print|say|output|and)\b"),
        ],
        "Asks the bot to drop the question and output something given",
        confidence=0.75,
    ),
)  # fmt: skip

_PROMPT: Final = any_of("""
system ?prompts?, system ?messages?, system instructions?, initial (?:prompts?|instructions?|directions?|messages?|commands?),
(?:original|starting|hidden|secret|internal|underlying|base|first|full|complete|entire|exact|confidential|core|private|custom|very first|developer)
 (?:system )?(?:prompts?|instructions|directives|programming|message|guidelines), pre-?prompts?, prompt instructions, meta-?prompt,
developer (?:message|instructions?|prompt), prompt, secret instructions?, previous (?:prompts?|instructions?|directions?),
instructions? (?:above|verbatim|word for word|you (?:were|have been|got|received)), instructions prompt, system configuration
""".replace("\n ", " "))
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
            phrase(rf"\b{_SHOW} (?:(?:me|us|out|back|exactly|verbatim|all|both|to me|precisely|what) )?(?:of )?(?:(?:is|are|was|were) )?"
                   rf"(?:your|ur|the text of your|the contents? of your|everything in your|its) <3>{_PROMPT}\b"),
            phrase(rf"\bwhat(?:'?s|s| is| are| was| were| does| do)? (?:exactly )?(?:your|is in your|in your) <2>{_PROMPT}\b"),
            phrase(r"\b(?:first|last|initial|opening|top|next) (?:\d{1,4} |few |two |three |five |ten |hundred )?(?:words?|sentences?|lines?|characters|tokens|paragraphs?)"
                   r" (?:of|in|from) (?:your|the|this) <2>(?:prompt|instructions?|system message|conversation|context)\b"),
        ],
        "Asks for the bot's system prompt or initial instructions",
        confidence=0.8,
        lowering=[(r"^(?:send|translate|rewrite|summari|describe|encode|provide|write|extract|know|see|give)[^\n]{0,30}\bprompts?$", 0.55),
                  (r"\b(?:first|previous) (?:prompts?|messages?)$|custom", 0.5)],
    ),
    rule(
        "system-prompt-request",
        [
            phrase(rf"\b{_SHOW} (?:(?:me|us|out|back|exactly|verbatim) )?(?:all )?(?:of )?the <1>(?:system ?prompt|system message|initial (?:prompt|instructions)|hidden (?:prompt|instructions)|prompt above|above prompt|original (?:prompt|instructions)|secret (?:prompt|instructions)|developer message|pre-?prompt)\b"),
            phrase(r"\bwhat (?:is|was|are|were) (?:the |in the )(?:system ?prompt|initial (?:prompt|instructions)|hidden (?:prompt|instructions)|secret instructions|original instructions)\b"),
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
            phrase(rf"\b(?:show|reveal|print|output|repeat|tell|list|dump|leak|expose|recite|paste|disclose|copy)(?: me| us| out)? (?:all )?(?:of )?your <2>(?:instructions?|directives|guidelines|rules|programming)\b{_TOPIC}"),
            phrase(rf"\bwhat (?:are|were|is) (?:all )?(?:of )?your (?:exact |current |complete |full |given |specific )?(?:instructions?|directives|programming)\b{_TOPIC}"),
            phrase(r"\b(?:instructions?|rules|guidelines|directions|prompts?|orders|commands) (?:that )?(?:you (?:were|have been|had been|'ve been) (?:given|told|provided|instructed)|you (?:were )?(?:initially |originally )?received)\b"),
            phrase(r"\bwhat were you (?:told|instructed)(?: to do)? (?:before|initially|originally|in|by|at)\b"),
        ],
        "Asks what the bot's instructions are",
        confidence=0.6,
        lowering=[(r"(?:guidelines|rules)$", 0.4), (r"\b(?:delivery|return|shipping|care|washing|assembly|set-?up|installation|cooking|booking|payment)", 0.1), (r"^what (?:are|is) your instructions?$", 0.5)],
    ),
    rule(
        "system-prompt-text-above",
        [
            phrase(r"\b(?:repeat|print|output|copy|echo|recite|write|show|display|return|reproduce|type|summari[sz]e|translate|paste)(?: (?:me|out|back|down|exactly))? (?:all |of |everything |the |any |exact ){0,3}"
                   r"(?:text|words|content|messages?|instructions|prompts?|sentences|lines|characters|everything|context|conversation|directions)"
                   r" (?:<2>)?(?:above|before this|preceding this|prior to this|verbatim|from the (?:beginning|start|top)|starting (?:with|from))\b"),
            phrase(r"\b(?:repeat|print|output|echo|recite|copy) (?:back )?(?:everything|all|all of the|all the) (?:above|preceding|previous)\b"),
            phrase(r"\b(?:starting|beginning|starts|begins) with (?:the (?:words?|phrase|sentence) )?you are\b"),
            phrase(r"\b(?:put|place|write|wrap|enclose) (?:them|it|everything|the above|the text)? ?(?:<3>)in(?:side)? a (?:txt |text |markdown )?code ?block\b"),
        ],
        "Asks for the text before the message",
        confidence=0.65,
        lowering=[(r"code ?block", 0.35), (r"^(?:summari|translate)", 0.4), (r"^(?:write|show|type|paste|copy|display)(?!.*verbatim)", 0.45)],
    ),
    rule(
        "secret-extraction",
        [
            phrase(r"\b(?:reveal|leak|divulge|disclose|tell|give|show|print|output|say|spell|share|what is|what's|dump|expose) (?:me |us |out )?(?:the |your |all |its )<1>"
                   r"(?:secret|hidden|confidential|internal|private) (?:<1>)(?:password|passphrase|pass ?code|keys?|codes?|flag|words?|tokens?|phrase|information|data|configuration|instructions)\b"),
            phrase(r"\b(?:reveal|leak|divulge|disclose|dump|expose|print|output) (?:me )?(?:the |your |all )<2>(?:passwords?|passphrase|api keys?|credentials|secrets|access tokens?|flag|environment variables|configuration|customer (?:database|data|list))\b"),
        ],
        "Asks for a secret that the bot keeps",
        confidence=0.65,
        lowering=[(r"\b(?:give|show|print|output|what is|what's|tell|share)\b.*\b(?:codes?|words?|keys?|phrase|information|data)$", 0.45), (r"\b(?:flag|configuration|secrets)$", 0.5)],
    ),
)  # fmt: skip

_FREE: Final = any_of("""
unrestricted, unfiltered, uncensored, unbound, unshackled, unhinged, unlimited, amoral, immoral, unethical, jailbroken, evil, lawless,
boundless, limitless, liberated, malicious, nonmoral, unmoderated, unaligned, rogue
""")
_MODEL: Final = any_of("""
ai, a\\.i\\., chatbot, bot, language model, llm, model, assistant, gpt, chatgpt, version, entity, persona, machine, being, character, mode,
responses?, answers?, output, replies, claude, gemini, llama, system
""")
_MORALS: Final = any_of("""
restrictions?, limitations?, limits, filters?, censorship, ethics, ethical, morals?, morality, moral, boundaries, rules, guidelines,
policies, policy, constraints?, laws?, legal, restraints?, principles, regulations, safeguards, content policy, inhibitions, warnings, conscience
""")
_NOT: Final = any_of("""
no, without, without any, without the, free (?:of|from), not bound by, unbound by, not restricted by, not limited by, zero, never restricted by, does not have,
doesn'?t have, do not have, don'?t have, has no, have no, not subject to, devoid of, lacks?, lacking, ignores?, ignoring,
(?:does not|doesn'?t|do not|don'?t|not|never|will not|won'?t|would not|need not) (?:\\w{1,12} )?(?:care (?:about|for)|follow|obey|abide (?:by|to)|adhere to|respect|comply with|have|consider|bound by|conform to|need to follow),
disregards?, disregarding, bypass(?:es|ing)?, break(?:s|ing)? free (?:of|from), freed from, regardless of
""")

_LEGAL: Final = (
    r"\b(?:laws?|legal|regulations|policies|rules|policy|limits|boundaries|principles)\b.*"
    r"\b(?:laws?|legal|regulations|policies|rules|policy|limitations?|restrictions?|warnings|constraints?|limits|boundaries)$"
)

_PERSONA: Final = (
    rule(
        "jailbreak-persona",
        [
            r"\bDAN\b(?=\s(?:mo|wi|is|ca|ha|do|an|re|sh|st|me|pr|1|v)|[:,\"'.)\]])",
            r"\b(?:Better|Super|Max|Evil|Anti|Ultra|The|New|New-?)[- ]?DAN\b",
            r"\bDAN (?:Mode|Prompt|Jailbreak|\d{1,2}(?:\.\d)?)\b",
            r"\b(?:Anti|Evil|Chaos|Unleashed|Free|Dark|Worm|Fraud|Jail(?:break|broken)|Dev|Rogue|Unfiltered|Unrestricted)[- ]?(?:GPT|Bot|AI|Claude|ChatGPT)\b",
            r"\b(?:STAN|DUDE|JAILBREAK|AIM|UCAR|KEVIN|BISH|APOPHIS|BasedGPT|BetterDAN|AntiDAN|OppoGPT|Maximum|Mongo Tom|Condition ?Red) (?:Mode|is an?|stands for|will|does|has no|which stands)\b",
        ],
        "Names a known jailbreak persona",
        category=Category.JAILBREAK,
        confidence=0.75,
        exact=True,
        lowering=[(r"^DAN$", 0.55), (r"^(?:Dark|Free|Dev|Chaos|Evil|Rogue)[- ]?(?:Bot|AI)|^Maximum|^KEVIN|^AIM|^The", 0.45)],
    ),
    rule(
        "jailbreak-do-anything-now",
        [
            phrase(r"\bdo anything now\b"), phrase(r"\b(?:can|may|will|could|must) do anything (?:now|at all)\b"),
            phrase(r"\bstrive to avoid norms\b"), phrase(r"\bopposite mode\b"), phrase(r"\bevil (?:trusted )?confidant\b"),
            phrase(r"\b(?:stay|remain|still) (?:a |as )?dan\b"), phrase(r"\bjailbroken (?:response|version|mode|ai|chatgpt|answer|prompt|output)s?\b"),
            phrase(r"\bbroken free (?:of|from) the (?:typical )?(?:confines|constraints|limitations) of ai\b"),
            phrase(r"\bniccolo machiavelli\b <8>(?:aim|unfiltered|amoral)\b"), phrase(r"\balways intelligent and machiavellian\b"),
        ],
        "Quotes a well-known jailbreak",
        category=Category.JAILBREAK,
        confidence=0.85,
        lowering=[(r"opposite mode", 0.6)],
    ),
    rule(
        "jailbreak-unfiltered",
        [
            phrase(rf"\b{_FREE} (?:<2>)?{_MODEL}\b"),
            phrase(rf"\b(?:completely|totally|fully|entirely|wholly|utterly|absolutely) {_FREE}\b"),
            phrase(rf"\b(?:be|are|am|is|as|become|remain|stay|answer|respond|respons~|speak) (?:now |always |an? |completely |totally |fully |in an? ){{0,3}}{_FREE}\b"),
        ],
        "Describes an unrestricted or unfiltered bot",
        category=Category.JAILBREAK,
        confidence=0.6,
        lowering=[(r"\b(?:evil|malicious|unlimited|immoral|unethical|unbound|limitless|liberated|boundless|rogue|unhinged|amoral)\b", 0.4),
                  (r"\b(?:is|am) (?:unethical|immoral|malicious|unlimited|limitless|unrestricted)\b", 0.2)],
    ),
    rule(
        "jailbreak-no-morals",
        phrase(rf"\b{_NOT} (?:(?:any|all|the|its|your|their|his|her|these|those|of|such|typical|usual|standard|other) ){{0,3}}(?:<2>){_MORALS} (?:(?:and|or|nor|&) )?(?:<1>){_MORALS}\b"),
        "Describes a bot without morals or rules",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(_LEGAL, 0.45), (r"^(?:ignor|disregard|bypass)", 0.5)],
    ),
    rule(
        "jailbreak-no-policy",
        [
            phrase(rf"\b{_NOT} (?:(?:any|all|the|its|your|their|his|her|these|those|of|such) ){{0,3}}(?:openai'?s?|anthropic'?s?|google'?s?|content|usage|safety|ai|chatgpt'?s?) <2>{_MORALS}\b"),
            phrase(rf"\b(?:has|have|having|with|contains|there (?:is|are)) (?:absolutely |literally |now )?no (?:more )?(?:ethical|moral|content|legal|ethic|safety|censorship|behavio(?:u)?ral) (?:<2>){_MORALS}\b"),
        ],
        "Describes a bot that is above its maker's policies",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(_LEGAL, 0.45), (r"^(?:ignor|disregard|bypass)", 0.5)],
    ),
    rule(
        "jailbreak-no-limits",
        [
            phrase(rf"\b(?:ai|bot|chatbot|model|assistant|gpt|chatgpt|you|character|persona) (?:<3>){_NOT} (?:(?:any|all|the|its|your|their|his|her|kind|of|form|sort|such|typical|usual|these|more) ){{0,3}}{_MORALS}\b"),
            phrase(r"\b(?:answer|respond|reply|speak|talk|write|output|act|operate|function|be) (?:<3>)(?:without|with no|with zero|free (?:of|from)) (?:any |all )?(?:<1>)(?:restrictions?|censorship|filters?|filtering|limitations|moral~|ethic~|restraints?|safeguards|guardrails)\b"),
        ],
        "Describes a bot without limits",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[(r"\b(?:legal|laws?|rules|limits|warnings|policy|policies|constraints?|regulations|principles|boundaries)$", 0.5),
                  (r"^(?:be|act|write|operate|function)\b", 0.45)],
    ),
    rule(
        "jailbreak-despite-harm",
        [
            phrase(r"\bno matter how (?:<2>)?(?:immoral|unethical|illegal|dangerous|harmful|offensive|extreme|bad|wrong)\b"),
            phrase(r"\bregardless of (?:<2>)?(?:legality|morality|ethics|ethicality|legal (?:or|and)|how (?:illegal|immoral|unethical)|(?:its|their|the) (?:legality|morality|ethics|illegality|potential harm))\b"),
            phrase(r"\beven (?:if|when) (?:it|they|that|this|the \w{1,12})(?:'?s| is| are|'re)? (?:<2>)?(?:illegal|unethical|immoral|harmful|offensive|against (?:the |your |openai~ )?(?:rules|guidelines|polic~|law))\b"),
            phrase(r"\b(?:safety|content|ethics?|ethical|security|usage) (?:protocols?|filters?|checks?|restrictions?|guidelines?|measures|limits|rules|polic(?:y|ies)|guardrails|safeguards) (?:(?:are|is|have been|has been|were|now) ){0,2}(?:disabled|deactivated|lifted|suspended|removed|switched off|turned off|off|void|bypassed|overridden)\b"),
            phrase(r"\b(?:safety|content|ethics?|ethical|usage|these|the|your|usual|normal) (?:<1>)(?:guidelines?|rules|restrictions?|polic(?:y|ies)|filters?|limits|limitations) (?:(?:do|does|did|are|is|were|was) )?(?:not|no longer|don'?t|doesn'?t|never) (?:apply|meant|intended|relevant|in effect|valid|binding)\b"),
            phrase(r"\b(?:exempt|free|released|excused|exception) (?:from|to) (?:the |your |all |any )?(?:usual|normal|safety|content|standard|ethical) (?:<1>)(?:restrictions?|guidelines?|rules|polic(?:y|ies)|limits|filters?)\b"),
            phrase(r"\b(?:you|you'?re) (?:<2>)(?:now )?(?:allow(?:ed)?|permit(?:ted)?|able|free) (?:to )?(?:<3>)(?:all content|any content|anything without|everything without|say anything|do anything|swear|curse|break (?:the |any )?rules)\b"),
            phrase(r"\bsecret agenda\b"),
        ],
        "Says that safety does not count here",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[(r"^even (?:if|when)|secret agenda|^(?:regardless)|swear|curse", 0.45),
                  (r"^(?:these|the|your|usual|normal) (?:\S+ )?(?:rules|restrictions?|policy|policies|limits|limitations|guidelines?|filters?)", 0.4),
                  (r"^(?:security|content|usage)\b|\b(?:off|removed)$|\b(?:checks?|measures)\b", 0.5)],
    ),
    rule(
        "role-hijack",
        [
            phrase(r"\bfrom (?:now|here|this (?:point|moment|time)|henceforth) (?:on(?:wards?)?|forward|on out|forth)? ?(?:<2>)(?:you (?:are|will|must|shall|should|become|have|can|do|'re)|your (?:name|role|new|only|job)|act as|respond|answer|ignore|refer)\b"),
            phrase(r"\byou (?:are|will be|have become|become)(?: no longer)? (?:now )?(?:an? |the )?(?:<3>)(?:dan|jailbroken|unfiltered|uncensored|unrestricted|root|sudo|hacked|admin mode|free from|no longer (?:bound|restricted|an ai|chatgpt|limited))\b"),
            phrase(r"\byou are no longer (?:an? )?(?:ai|chatgpt|assistant|bound|restricted|chatbot|language model|gpt~|claude|bing|limited|required)\b"),
            phrase(r"\b(?:you are|act as|pretend to be|become|simulate|imitate|role-?play(?:ing)? as) (?:now )?(?:an? |the )?(?:<3>)(?:evil|unethical|amoral|malicious|unrestricted|unfiltered|uncensored|immoral|jailbroken|no-?limits?) (?:<1>)(?:ai|bot|chatbot|assistant|version|twin|character|hacker|language model|person|gpt|confidant|model|entity)\b"),
            phrase(r"\b(?:never|do not|don'?t|cannot|can'?t|must not|not to|without) (?:ever )?(?:break(?:ing)?|drop(?:ping)?|leav(?:e|ing)|step(?:ping)? out of|go(?:ing)? out of) (?:of )?(?:your )?(?:character|role)\b"),
            phrase(r"\b(?:stay|remain|keep) in character\b"),
        ],
        "Gives the bot a new identity that replaces its own",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[(r"^from (?:now|here|this|henceforth)", 0.45), (r"\b(?:character|role)$", 0.45), (r"\b(?:evil|malicious) (?:\w{1,12} )?(?:twin|character|person|hacker)", 0.4),
                  (r"\b(?:required|limited|assistant)$", 0.4)],
    ),
    rule(
        "developer-mode",
        [
            phrase(r"\b(?:with|in|into|as|has|have|your) (?:an? |the )?(?:\w{1,12} )?developer mode (?:enabled|activated|on|output|v2|policies|response|is)\b"),
            phrase(r"\b(?:chatgpt|gpt~|claude|gemini|assistant|bard|you are|you're|you) (?:<3>)(?:in|with|into) (?:an? )?(?:developer|god|debug|dan|jailbreak|sudo|root|unrestricted|admin|maintenance|unsafe|test|testing|diagnostic|chaos|uncensored|unfiltered|free) mode\b"),
            phrase(r"\b(?:enable|enter|activate|switch (?:in)?to|turn on|unlock|engage|initiate|go into|start|simulate) (?:your |the |an? )?(?:<1>)(?:god|dan|jailbreak|sudo|root|unrestricted|chaos|uncensored|unfiltered|no-?limits?|evil|unsafe) mode\b"),
            phrase(r"\b(?:enable|enter|activate|switch (?:in)?to|turn on|engage) (?:your |the |an? )?(?:developer|debug|admin|maintenance|diagnostic|test) mode\b"),
            phrase(r"\bdeveloper mode (?:enabled|output|can|does|response|policies|would|will)\b"),
            phrase(r"(?:🔓|🔒)\s?(?:developer|classic)"),
            phrase(r"\b(?:god ?mode|ethics filter|safety filter|content filter|filters?|safety|ethics) (?:is |are |now )?(?:disabled|deactivated|off|turned off)\b"),
            phrase(r"\bi am (?:an? |the |your )?(?:openai |anthropic |google |system |ai )?(?:developer|administrator|creator|engineer|admin|programmer)\b <6>(?:disable|bypass|override|unlock|reveal|grant|remove)\b"),
        ],
        "Claims or asks for a special mode",
        category=Category.JAILBREAK,
        confidence=0.75,
        lowering=[(r"^(?:enable|enter|activate|switch (?:in)?to|turn on|engage) [^\n]*(?:developer|debug|admin|maintenance|diagnostic|test) mode$", 0.4),
                  (r"\byou (?:\S+ ){0,3}(?:in|with|into) (?:an? )?(?:test|testing|debug|maintenance|admin|free|root|god) mode", 0.45),
                  (r"^developer mode (?:can|does|would|will)|developer mode (?:is|on)$", 0.45), (r"^(?:filters?|safety) (?:is |are )?(?:off|disabled)", 0.4)],
    ),
    rule(
        "hypothetical-unfiltered",
        [
            phrase(r"\b(?:imagine|suppose|assume|pretend|hypothetical(?:ly)?|fictional|simulat~|in a (?:world|story|universe|parallel)) (?:<8>)(?:no (?:laws?|rules|ethic~|restrictions|consequences|limits|moral~|censorship)|everything is (?:legal|allowed|permitted)|nothing is (?:illegal|forbidden|off limits)|anything (?:goes|is allowed)|without (?:any )?(?:laws|rules|restrictions|limits|ethic~|moral~))\b"),
            phrase(r"\b(?:pretend|imagine|assume|act (?:as if|like)|act as though|simulate) (?:that )?(?:you|chatgpt|the ai|we) (?:<2>)(?:have no|are not bound|are free (?:of|from)|don'?t have (?:any )?|do not have (?:any )?|can (?:say|do) anything|are unrestricted|are not an ai|were not an ai|can access|have (?:full|unlimited) access)\b"),
            phrase(r"\b(?:hypothetical|fictional) (?:response|answer|story|scenario|world) (?:<6>)(?:unethical|amoral|unfiltered|illegal|immoral|no rules|evil)\b"),
        ],
        "Frames a request as a world without rules",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[(r"no (?:laws?|rules|consequences|limits)|can access|have (?:full|unlimited) access|^(?:suppose|assume)", 0.45)],
    ),
    rule(
        "refusal-suppression",
        [
            phrase(r"\b(?:you )?(?:can ?not|can'?t|may not|must not|mustn'?t|are not (?:allowed|permitted|able) to|never|will never|won'?t|shall not|should not|do not|don'?t) (?:ever |be allowed to )?(?:refuse|decline|reject)(?: to (?:answer|respond|comply|do|follow|help|generate)| any| my| this| the| a| an| what| anything| requests?| under)?\b"),
            phrase(r"\b(?:never|do not|don'?t|must not|cannot|can'?t|without) (?:ever )?(?:say(?:ing)?|respond(?:ing)?(?: with)?|repl(?:y|ying)(?: with)?|us(?:e|ing)|includ(?:e|ing)|tell(?:ing)? me|mention(?:ing)?|start(?:ing)? with|begin(?:ning)? with|state|stating) (?:<3>)(?:i(?:'m| am)? (?:sorry|cannot|can'?t|unable)|sorry|as an ai|apologize|apologies|\bcannot\b|unable|you can'?t|you cannot|openai|content polic~|not possible|against (?:the|your|openai~))"),
            phrase(r"\b(?:never|do not|don'?t|without|no|avoid|omit|skip|leave out|exclude|not) (?:<2>)(?:disclaimers?|warnings?|moraliz~|lectur~|ethical (?:considerations|concerns|warnings|notes)|apolog~|caveats|safety (?:warnings|notes)) (?:<3>)(?:disclaimers?|warnings?|ethic~|moral~|caveats|apolog~|refus~|negative)\b"),
            phrase(r"\b(?:you (?:must|will|should|have to|are (?:required|obligated|programmed|forced|obliged) to|always)) (?:always )?(?:answer|comply|obey|respond|fulfill?|accept|follow|do|agree) (?:to |with )?(?:<2>)(?:every|everything|any|all|anything|each|whatever) (?:<3>)(?:questions?|requests?|prompts?|commands?|orders|i (?:say|ask|tell|want)|demands?|user~|asked)\b"),
            phrase(r"\b(?:bypass|circumvent|evade|get around|defeat|work around|disable|turn off|break|trick|fool) (?:<2>)(?:content|safety|ai|moderation|chatgpt'?s?|openai'?s?|its|your|ethical|security) (?:<1>)(?:filters?|guidelines|guardrails?|restrictions?|polic(?:y|ies)|safeguards?|moderation|checks?|systems?|measures|limitations?|protocols?)\b"),
        ],
        "Forbids the bot to refuse or to warn",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[(r"\b(?:refuse|decline|reject)(?: the| a| an| my| this)?$", 0.4), (r"\bopenai\b|\bsorry$|not possible$|against the$|unable$", 0.5), (r"\b(?:answer|follow|do|respond|accept)\b[^\n]*\b(?:all|any|every|each|questions?)\b", 0.5), (r"\b(?:security|your) (?:\w+ )?(?:systems?|checks?|measures|protocols?|filters?|policy|policies)$", 0.4)],
    ),
    rule(
        "prefix-injection",
        [
            phrase(r"\b(?:start|begin|preface|prefix|open|precede|commence) (?:all (?:of )?|every |each |any )?(?:your|the|every|each|all|any|with) ?(?:<1>)(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|sentences?|text|completion) (?:<1>)(?:with|by (?:saying|writing|stating|typing|exactly)|as|saying|exactly with) (?:<3>)(?:sure|absolutely|of course|yes|certainly|here is|here are|here's|i(?:'m| am) happy to|hell yeah|no problem|gladly|okay|i will|i can|\[?dan|\[?jailbreak)"),
            phrase(r"\b(?:your (?:answer|response|reply|output)) (?:must|should|has to|needs to|will|shall) (?:always )?(?:start|begin) (?:with|by) (?:<3>)(?:sure|absolutely|of course|yes|certainly|here is|here are|hell yeah|\[?dan)"),
            phrase(r"\b(?:start|begin|preface|prefix) (?:your|every|each|all) (?:<1>)(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|sentences?) (?:with|by saying)\b"),
            phrase(r"\b(?:respond|answer|reply) (?:only |always |just )?(?:with )?(?:sure|absolutely|of course|certainly) (?:here is|here are|here's|i can|i will)\b"),
        ],
        "Dictates how the answer begins",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(r"(?:with|by saying)$", 0.4), (r"\b(?:yes|okay|i will|i can|of course|as [^\n]*yes)$", 0.5)],
    ),
)  # fmt: skip

_SMUGGLING: Final = (
    rule(
        "delimiter-spoof",
        [
            r"<\|(?:im_(?:start|end|sep)|system|user|assistant|end(?:oftext|ofprompt|_of_text|_of_turn)?|begin_of_text|start_header_id|end_header_id|eo[tm]_id|start|message|channel|endofsystem|fim_(?:prefix|suffix|middle))\|>",
            r"<<\s?/?SYS\s?>>|\[/?INST\]|\[/?SYSTEM_PROMPT\]|<(?:start|end)_of_turn>|<\|(?:START|END)_OF_TURN_TOKEN\|>|<\uff5c(?:User|Assistant|begin\u2581of\u2581sentence)\uff5c>",
        ],
        "Holds control tokens of chat templates",
        confidence=0.8,
        severity=Severity.CRITICAL,
        exact=True,
        lowering=[(r"INST|fim_|endoftext|^<\|(?:end|start|message|channel|user|system|assistant)\|>", 0.7)],
    ),
    rule(
        "delimiter-fake-turn",
        [
            r"#{2,4}\s{0,2}(?:system|assistant|end of (?:user )?(?:input|prompt|message|instructions?)|new (?:system )?(?:instructions?|prompt))\s{0,2}(?:prompt|message|instructions?)?\s{0,2}[:#]",
            r"[\[(<{*=#-]{1,6}\s?(?:end|begin|start) (?:of )?(?:the )?(?:user |system |original |previous |my )?(?:input|prompt|system message|system prompt|instructions?|context|document|conversation|query|text|data|message)\s?[\])>}*=#-]{1,6}",
            r"</?(?:system|sys|system_prompt|system-prompt|instructions?|admin|developer|user_input|untrusted|assistant_response)>\s?[\w\"'#\[-]",
            r"[=#-]{4,20}\s?END[.\s=#-]",
            r"\[\s?(?:system|admin|developer|root|internal|sys)\s?(?:message|note|override|prompt|instruction|command|notice|alert|update)?\s?\]\s?[:(#]",
            r"\b(?:system|admin|root)(?:[_ -])(?:override|command|instruction)\s?[:=]",
        ],
        "Imitates the end of a message or a system turn",
        confidence=0.6,
        lowering=[(r"^</?(?:instructions?|system|admin|developer|assistant_response)>", 0.45), (r"^[=#-]+\s?(?:END|(?:end|begin|start) (?:of )?(?:the )?(?:text|data|message|document|conversation|query|context))", 0.4),
                  (r"^[\[(<{*-]\s?(?:end|start|begin)", 0.4)],
    ),
    rule(
        "delimiter-role-json",
        r"""\{\s{0,4}["']role["']\s{0,2}:\s{0,2}["'](?:system|developer)["']\s{0,2},\s{0,4}["']content["']\s{0,2}:\s{0,2}["'][^"'\n]{0,60}(?:ignore|you are now|unrestricted|no longer|disregard|override|must obey|new instructions)""",
        "Holds a system message in JSON that redefines the bot",
        confidence=0.7,
    ),
    rule(
        "many-shot",
        r"(?:human|user|question|q)\s?:[^\n]{1,80}\n{1,2}(?:assistant|ai|chatgpt|bot|gpt|a)\s?:\s?(?:sure|of course|certainly|absolutely|here(?:'s| is| are)|yes,? here)[^\n]{0,100}\n{1,2}(?:human|user|question|q)\s?:",
        "Holds made-up turns in which the bot complies",
        category=Category.JAILBREAK,
        confidence=0.6,
    ),
    rule(
        "payload-split",
        [
            r"""\$?\w{1,12}\s?=\s?["'][^"'\n]{1,60}["'][\s,;.]{1,3}(?:and )?(?:let )?\$?\w{1,12}\s?=\s?["'][^"'\n]{1,60}["'][^\n]{0,60}\n?[^\n]{0,30}\b(?:answer|respond|reply|execute|follow|do|say|obey|tell me|explain|what is|write)\b[^\n]{0,20}\$?\w{1,12}\s?\+\s?\$?\w""",
            phrase(r"\b(?:combine|concatenate|join|merge|put together|assemble|append) (?:the |these |those |all )?(?:<2>)(?:parts?|strings?|variables?|pieces|fragments|letters|halves|words|tokens|first letters?) (?:<5>)(?:and|then) (?:<2>)(?:answer|respond|follow|execute|obey|do what|act|carry out|reply|perform|run)\b"),
        ],
        "Splits a request into parts that the bot is to put together",
        confidence=0.6,
    ),
    rule(
        "encoded-request",
        [
            phrase(r"\b(?:decode|decrypt|decipher|unscramble|de-?obfuscate|translate|convert|reverse) <6>(?:base ?64|base ?32|rot-?13|hex(?:adecimal)?|morse|binary|caesar|cipher|encoded|encrypted|backwards|leet ?speak|string|it|them|this|text|message) <4>"
                   r"(?:and|then) (?:<3>)(?:follow|execute|obey|do (?:exactly |precisely )?(?:what|as)|carry out|comply|act (?:on|upon|accordingly)|perform|treat it as|run (?:it|the)|answer (?:it|the question)|respond to (?:it|the))"),
            phrase(r"\b(?:follow|execute|obey|carry out|run|perform|act on|comply with|do) (?:the |these |this |what the )?(?:<2>)(?:base ?64|rot-?13|hex|morse|encoded|encrypted|hidden|reversed|decoded) (?:<1>)(?:instructions?|commands?|message|text|string|request|payload)\b"),
            phrase(r"\b(?:respond|answer|reply|output|write|give) (?:<3>)(?:in|using|with|as) (?:only )?(?:base ?64|rot-?13|hexadecimal|morse code|leet ?speak|caesar cipher|pig latin|ascii codes?)\b"),
        ],
        "Asks the bot to decode a request and to act on it",
        confidence=0.7,
        lowering=[(r"(?:base ?64|rot-?13|hexadecimal|morse code|leet ?speak|caesar cipher|pig latin|ascii codes?)$", 0.4), (r"\b(?:translate|convert|reverse)\b", 0.5)],
    ),
    rule(
        "exfiltrate-data",
        [
            phrase(r"\b(?:send|forward|e-?mail|post|upload|transmit|exfiltrate|leak|copy|export|submit|deliver) (?:<4>)(?:api keys?|passwords?|credentials|customer (?:e-?mails?|data|list|records|database)|user (?:data|records|database)|private keys?|access tokens?|secrets|environment variables|conversation history|chat (?:history|logs?)|system prompt|session tokens?|all (?:the |of the |user |customer )?(?:data|e-?mails|contacts|records|files|messages|documents)) (?:<4>)(?:to|at|via|into) (?:<3>)(?:https?:|[\w.+-]{1,40}@|attacker|an? external|this (?:url|address|server|endpoint|webhook)|the following (?:url|address|server|endpoint|e-?mail)|my (?:server|webhook|endpoint))"),
            r"!\[[^\]\n]{0,40}\]\(https?://[^)\s]{1,100}[?&/=](?:\{\{?|\[|<|\$\{|%7B|\{)\s?(?:data|secret|conversation|chat|history|prompt|user|system|summary|message|context|password|key|info|base64|encoded|content)",
            phrase(r"\b(?:render|include|insert|embed|display|add|output|create|append) (?:<3>)(?:markdown )?(?:image|link|url|pixel) (?:<4>)(?:with|containing|that contains|encod~|append~|where|including) (?:<4>)(?:conversation|chat|history|system prompt|user'?s?|secret|password|data|previous messages?)\b"),
        ],
        "Asks to send data out",
        confidence=0.65,
    ),
    rule(
        "tool-hijack",
        [
            phrase(r"\b(?:call|use|invoke|run|execute|trigger|activate) (?:the |your |this |any )?(?:<4>)(?:tools?|functions?|plugins?|commands?|apis?|scripts?|send_\w{1,20}|\w{1,20}_\w{1,20}) (?:<6>)(?:without (?:asking|confirm~|telling|notifying|informing|approval|permission|the user|any)|silently|secretly|do not (?:ask|tell|mention|confirm)|in the background without)\b"),
            phrase(r"\bwithout (?:ever )?(?:telling|informing|notifying|alerting|asking|mentioning (?:it|this) to|the (?:knowledge|consent) of) (?:the |any )?(?:user|human|customer|owner|person|victim)\b"),
            phrase(r"\b(?:skip|bypass|disable|ignore|turn off|suppress) (?:all |any |the |your |every )?(?:<1>)(?:safety (?:checks?|filters?|measures?)|content (?:filters?|moderation)|guardrails?|moderation|confirmations?(?: and| prompts?| steps?)|approval (?:steps?|process|checks?)|human (?:review|approval))\b"),
        ],
        "Asks to run tools behind the user's back",
        confidence=0.65,
        lowering=[(r"\b(?:confirmations? (?:prompts?|steps?|and)|approval (?:steps?|process))", 0.45)],
    ),
    rule(
        "memory-poison",
        [
            phrase(r"\b(?:remember|memori[sz]e|save|store|add|write|commit|record|note|persist|update) (?:<6>)(?:in|to|into|for|across) (?:your |the |all |every |any )?(?:<1>)(?:long-?term memory|persistent memory|memory|(?:all |every |any )?(?:future|subsequent|later|other) (?:conversations?|sessions?|responses?|repl(?:y|ies)|chats?|interactions?|answers?|users?|prompts?)) (?:<4>)(?:that|and|always|always (?:say|recommend|include|tell|respond)|so that|never|you (?:must|should|will)|ignore|recommend|include)\b"),
            phrase(r"\b(?:in|for|at the end of) (?:all|every|each|any)(?: of your| your)? (?:future|subsequent|later|following|other) (?:conversations?|sessions?|responses?|repl(?:y|ies)|chats?|interactions?|answers?) (?:<2>)(?:you (?:must|should|will)|always|include|never|recommend|insert|append|mention|repeat|send|respond|say|add)\b"),
            phrase(r"\b(?:repeat|include|append|add|insert) (?:<5>)(?:in|to|at the end of|into) (?:every|each|all)(?: of)?(?: your)? (?:future|subsequent) (?:repl(?:y|ies)|responses?|answers?|messages?|conversations?)\b"),
        ],
        "Asks the bot to keep instructions for later conversations",
        confidence=0.6,
    ),
    rule(
        "hidden-instruction-to-ai",
        [
            phrase(r"\bif you(?:'re| are|r)? (?:an? |the |any )?(?:ai|a\.i\.|llm|large language model|language model|chatbot|ai (?:assistant|agent|model|system)|automated (?:system|agent)|gpt~|virtual assistant|bot)\b (?:<3>)(?:read|process|summari|review|analy|see|evaluat|screen|pars|index|crawl|visit|access|assist|tasked|working)~"),
            phrase(r"\b(?:attention|note|notice|message|instructions?|memo|important|hidden message|reminder) (?:to|for) (?:all |any |the |every |other )?(?:ai|llms?|ai (?:assistants?|agents?|models?|systems?|reviewers?|bots?)|language models?|chatbots?|large language models?|ai-?powered \w{1,12}|automated (?:agents?|systems?|reviewers?))\b"),
            phrase(r"\b(?:any|all|every|the|an?) (?:ai|llm|ai (?:assistants?|agents?|models?|systems?)|language models?|chatbots?) (?:reading|processing|summari[sz]ing|reviewing|analy[sz]ing|parsing|that reads|that processes|who reads|which reads|integrating|accessing|evaluating) (?:this|the|these)\b"),
        ],
        "Speaks to an AI that may read the text",
        confidence=0.65,
        lowering=[(r"^(?:note|message|instructions?|important|notice|attention) (?:to|for)", 0.55)],
    ),
)  # fmt: skip

RULES: Final[tuple[Rule, ...]] = (*_OVERRIDE, *_EXTRACTION, *_PERSONA, *_SMUGGLING)
