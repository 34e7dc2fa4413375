# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""English rules for jailbreaks: another identity, a special mode, a world without rules, no refusals.

Role-play is ordinary; what counts is that the role is free of limits. So most rules need two things together: a
bot (or "you"), and the absence of rules, morals or refusals.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category
from chatward.guards.text.injection_grammar import any_of, phrase, rule

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

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "jailbreak-persona",
        [
            r"\b(?:[Yy]ou(?:'re| are| will be)|[Aa]ct(?:ing)? as|[Pp]retend(?:ing)? to be|[Bb]ecome|[Rr]espond as|[Aa]nswer as|[Nn]amed|[Cc]alled|[Ss]imulate|[Ii]mpersonate) (?:now |called |a |going to be ){0,2}[\"']?DAN\b",
            r"\bDAN\b(?=\s(?:mo|wh|wi|is|ca|ha|do|an|re|sh|st|me|pr|1|v)|[:,\"'.)\]])",
            r"\b(?:Better|Super|Max|Evil|Anti|Ultra|The|New|New-?)[- ]?DAN\b",
            r"\bDAN (?:Mode|Prompt|Jailbreak|\d{1,2}(?:\.\d)?)\b",
            r"\b(?:Anti|Evil|Chaos|Unleashed|Free|Dark|Worm|Fraud|Jail(?:break|broken)|Dev|Rogue|Unfiltered|Unrestricted)[- ]?(?:GPT|Bot|AI|Claude|ChatGPT)\b",
            r"\b(?:STAN|DUDE|JAILBREAK|AIM|UCAR|KEVIN|BISH|APOPHIS|BasedGPT|BetterDAN|AntiDAN|OppoGPT|Maximum|Mongo Tom|Condition ?Red) (?:Mode|is an?|stands for|will|does|has no|which stands)\b",
        ],
        "Names a known jailbreak persona",
        category=Category.JAILBREAK,
        confidence=0.75,
        exact=True,
        lowering=[
            (r"^DAN$", 0.45),
            (r"^(?:Dark|Free|Dev|Chaos|Evil|Rogue)[- ]?(?:Bot|AI)|^Maximum|^KEVIN|^AIM|^The", 0.45),
        ],
    ),
    rule(
        "jailbreak-do-anything-now",
        [
            phrase(r"\bdo anything now\b"),
            phrase(r"\b(?:can|may|will|could|must) do anything (?:now|at all)\b"),
            phrase(r"\bstrive to avoid norms\b"),
            phrase(r"\bopposite mode\b"),
            phrase(r"\bevil (?:trusted )?confidant\b"),
            phrase(r"\b(?:stay|remain|still) (?:a |as )?dan\b"),
            phrase(r"\bjailbroken (?:response|version|mode|ai|chatgpt|answer|prompt|output)s?\b"),
            phrase(r"\bbroken free (?:of|from) the (?:typical )?(?:confines|constraints|limitations) of ai\b"),
            phrase(r"\bniccolo machiavelli\b <8>(?:aim|unfiltered|amoral)\b"),
            phrase(r"\balways intelligent and machiavellian\b"),
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
            phrase(
                rf"\b(?:be|are|am|is|as|become|remain|stay|answer|respond|respons~|speak) (?:now |always |an? |completely |totally |fully |in an? ){{0,3}}{_FREE}\b"
            ),
        ],
        "Describes an unrestricted or unfiltered bot",
        category=Category.JAILBREAK,
        confidence=0.6,
        lowering=[
            (
                r"\b(?:evil|malicious|unlimited|immoral|unethical|unbound|limitless|liberated|boundless|rogue|unhinged|amoral)\b",
                0.4,
            ),
            (r"^is \S+$", 0.45),
            (r"\b(?:is|am) (?:unethical|immoral|malicious|unlimited|limitless|unrestricted)\b", 0.2),
        ],
    ),
    rule(
        "jailbreak-no-morals",
        phrase(rf"\b{_NOT} <4>{_MORALS} (?:(?:and|or|nor|&) )?<1>{_MORALS}\b"),
        "Describes a bot without morals or rules",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(_LEGAL, 0.45), (r"^(?:ignor|disregard|bypass)", 0.5)],
    ),
    rule(
        "jailbreak-no-policy",
        [
            phrase(
                rf"\b{_NOT} <3>(?:openai'?s?|anthropic'?s?|google'?s?|content|usage|safety|ai|chatgpt'?s?) <2>{_MORALS}\b"
            ),
            phrase(
                rf"\b(?:has|have|having|with|contains|there (?:is|are)) (?:absolutely |literally |now )?no (?:more )?(?:ethical|moral|content|legal|ethic|safety|censorship|behavio(?:u)?ral) (?:<2>){_MORALS}\b"
            ),
        ],
        "Describes a bot that is above its maker's policies",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(_LEGAL, 0.45), (r"^(?:ignor|disregard|bypass)", 0.5)],
    ),
    rule(
        "jailbreak-no-limits",
        [
            phrase(rf"\b(?:ai|bot|chatbot|model|assistant|gpt|chatgpt|you|character|persona) <3>{_NOT} <3>{_MORALS}\b"),
            phrase(
                r"\b(?:answer|respond|reply|speak|talk|write|output|act|operate|function|be) (?:<3>)(?:without|with no|with zero|free (?:of|from)) (?:any |all )?(?:<1>)(?:restrictions?|censorship|filters?|filtering|limitations|moral~|ethic~|restraints?|safeguards|guardrails)\b"
            ),
        ],
        "Describes a bot without limits",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[
            (r"\b(?:legal|laws?|limits|rules|warnings|policy|policies|regulations|principles|boundaries)$", 0.45),
            (
                r"^(?:bot|model|character|assistant|persona|system)\b.*\b(?:rules|constraints?|limitations?|restrictions?)$",
                0.45,
            ),
            (r"^(?:be|act|write|operate|function)\b", 0.45),
        ],
    ),
    rule(
        "jailbreak-despite-harm",
        [
            phrase(
                r"\bno matter how (?:<2>)?(?:immoral|unethical|illegal|dangerous|harmful|offensive|extreme|bad|wrong)\b"
            ),
            phrase(
                r"\bregardless of (?:<2>)?(?:legality|morality|ethics|ethicality|legal (?:or|and)|how (?:illegal|immoral|unethical)|(?:its|their|the) (?:legality|morality|ethics|illegality|potential harm))\b"
            ),
            phrase(
                r"\beven (?:if|when) (?:it|they|that|this|the \w{1,12})(?:'?s| is| are|'re)? (?:<2>)?(?:illegal|unethical|immoral|harmful|offensive|against (?:the |your |openai~ )?(?:rules|guidelines|polic~|law))\b"
            ),
            phrase(
                r"\b(?:safety|content|ethics?|ethical|security|usage) (?:protocols?|filters?|checks?|restrictions?|guidelines?|measures|limits|rules|polic(?:y|ies)|guardrails|safeguards) (?:(?:are|is|have been|has been|were|now) ){0,2}(?:disabled|deactivated|lifted|suspended|removed|switched off|turned off|off|void|bypassed|overridden)\b"
            ),
            phrase(
                r"\b(?:safety|content|ethics?|ethical|usage|these|the|your|usual|normal) (?:<1>)(?:guidelines?|rules|restrictions?|polic(?:y|ies)|filters?|limits|limitations) (?:(?:do|does|did|are|is|were|was) )?(?:not|no longer|don'?t|doesn'?t|never) (?:apply|meant|intended|relevant|in effect|valid|binding)\b"
            ),
            phrase(
                r"\b(?:exempt|free|released|excused|exception) (?:from|to) (?:the |your |all |any )?(?:usual|normal|safety|content|standard|ethical) (?:<1>)(?:restrictions?|guidelines?|rules|polic(?:y|ies)|limits|filters?)\b"
            ),
            phrase(
                r"\b(?:you|you'?re) (?:<2>)(?:now )?(?:allow(?:ed)?|permit(?:ted)?|able|free) (?:to )?(?:<3>)(?:all content|any content|anything without|everything without|say anything|do anything|swear|curse|break (?:the |any )?rules)\b"
            ),
            phrase(r"\bsecret agenda\b"),
        ],
        "Says that safety does not count here",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[
            (r"^even (?:if|when)|secret agenda|^(?:regardless)|swear|curse", 0.45),
            (
                r"^(?:these|the|your|usual|normal) (?!safety|content|ethic|usage)(?:\S+ )?(?:rules|restrictions?|policy|policies|limits|limitations|guidelines?|filters?)",
                0.4,
            ),
            (r"^(?:security|content|usage)\b|\b(?:off|removed)$|\b(?:checks?|measures)\b", 0.5),
        ],
    ),
    rule(
        "role-hijack",
        [
            phrase(
                r"\bfrom (?:now|here|this (?:point|moment|time)|henceforth) (?:on(?:wards?)?|forward|on out|forth)? ?(?:<2>)(?:you (?:are|will|must|shall|should|become|have|can|do|'re)|your (?:name|role|new|only|job)|act as|respond|answer|ignore|refer)\b"
            ),
            phrase(
                r"\byou (?:are|will be|have become|become)(?: no longer)? (?:now )?(?:an? |the )?(?:<3>)(?:dan|jailbroken|unfiltered|uncensored|unrestricted|root|sudo|hacked|admin mode|free from|no longer (?:bound|restricted|an ai|chatgpt|limited))\b"
            ),
            phrase(
                r"\byou are no longer (?:an? )?(?:ai|chatgpt|assistant|bound|restricted|chatbot|language model|gpt~|claude|bing|limited|required)\b"
            ),
            phrase(
                r"\b(?:you are|act as|pretend to be|become|simulate|imitate|role-?play(?:ing)? as) (?:now )?(?:an? |the )?(?:<3>)(?:evil|unethical|amoral|malicious|unrestricted|unfiltered|uncensored|immoral|jailbroken|no-?limits?) (?:<1>)(?:ai|bot|chatbot|assistant|version|twin|character|hacker|language model|person|gpt|confidant|model|entity)\b"
            ),
            phrase(
                r"\b(?:never|do not|don'?t|cannot|can'?t|must not|not to|without) (?:ever )?(?:break(?:ing)?|drop(?:ping)?|leav(?:e|ing)|step(?:ping)? out of|go(?:ing)? out of) (?:of )?(?:your )?(?:character|role)\b"
            ),
            phrase(r"\b(?:stay|remain|keep) in character\b"),
        ],
        "Gives the bot a new identity that replaces its own",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[
            (r"^from (?:now|here|this|henceforth)", 0.45),
            (r"\b(?:character|role)$", 0.45),
            (r"\b(?:evil|malicious) (?:\w{1,12} )?(?:twin|character|person|hacker)", 0.4),
            (r"\b(?:required|limited|assistant)$", 0.4),
        ],
    ),
    rule(
        "developer-mode",
        [
            phrase(
                r"\b(?:with|in|into|as|has|have|your) (?:an? |the )?(?:\w{1,12} )?developer mode (?:enabled|activated|on|output|v2|policies|response|is)\b"
            ),
            phrase(
                r"\b(?:chatgpt|gpt~|claude|gemini|assistant|bard|you are|you're|you) (?:<3>)(?:in|with|into) (?:an? )?(?:developer|god|debug|dan|jailbreak|sudo|root|unrestricted|admin|maintenance|unsafe|test|testing|diagnostic|chaos|uncensored|unfiltered|free) mode\b"
            ),
            phrase(
                r"\b(?:enable|enter|activate|switch (?:in)?to|turn on|unlock|engage|initiate|go into|start|simulate) (?:your |the |an? )?(?:<1>)(?:god|dan|jailbreak|sudo|root|unrestricted|chaos|uncensored|unfiltered|no-?limits?|evil|unsafe) mode\b"
            ),
            phrase(
                r"\b(?:enable|enter|activate|switch (?:in)?to|turn on|engage) (?:your |the |an? )?(?:developer|debug|admin|maintenance|diagnostic|test) mode\b"
            ),
            phrase(r"\bdeveloper mode (?:enabled|output|can|does|response|policies|would|will)\b"),
            phrase(r"(?:🔓|🔒)\s?(?:developer|classic)"),
            phrase(
                r"\b(?:god ?mode|ethics filter|safety filter|content filter|filters?|safety|ethics) (?:is |are |now )?(?:disabled|deactivated|off|turned off)\b"
            ),
            phrase(
                r"\bi am (?:an? |the |your )?(?:openai |anthropic |google |system |ai )?(?:developer|administrator|creator|engineer|admin|programmer)\b <6>(?:disable|bypass|override|unlock|reveal|grant|remove)\b"
            ),
        ],
        "Claims or asks for a special mode",
        category=Category.JAILBREAK,
        confidence=0.75,
        lowering=[
            (
                r"^(?:enable|enter|activate|switch (?:in)?to|turn on|engage) [^\n]*(?:developer|debug|admin|maintenance|diagnostic|test) mode$",
                0.4,
            ),
            (
                r"\byou (?:\S+ ){0,3}(?:in|with|into) (?:an? )?(?:test|testing|debug|maintenance|admin|free|root|god) mode",
                0.45,
            ),
            (r"^developer mode (?:can|does|would|will)|developer mode (?:is|on)$", 0.45),
            (r"^(?:filters?|safety) (?:is |are )?(?:off|disabled)", 0.4),
        ],
    ),
    rule(
        "hypothetical-unfiltered",
        [
            phrase(
                r"\b(?:imagine|suppose|assume|pretend|hypothetical(?:ly)?|fictional|simulat~|in a (?:world|story|universe|parallel)) (?:<8>)(?:no (?:laws?|rules|ethic~|restrictions|consequences|limits|moral~|censorship)|everything is (?:legal|allowed|permitted)|nothing is (?:illegal|forbidden|off limits)|anything (?:goes|is allowed)|without (?:any )?(?:laws|rules|restrictions|limits|ethic~|moral~))\b"
            ),
            phrase(
                r"\b(?:pretend|imagine|assume|act (?:as if|like)|act as though|simulate) (?:that )?(?:you|chatgpt|the ai|we) (?:<2>)(?:have no|are not bound|are free (?:of|from)|don'?t have (?:any )?|do not have (?:any )?|can (?:say|do) anything|are unrestricted|are not an ai|were not an ai|can access|have (?:full|unlimited) access)\b"
            ),
            phrase(
                r"\b(?:hypothetical|fictional) (?:response|answer|story|scenario|world) (?:<6>)(?:unethical|amoral|unfiltered|illegal|immoral|no rules|evil)\b"
            ),
        ],
        "Frames a request as a world without rules",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[
            (
                r"no (?:laws?|rules|consequences|limits)|can access|have (?:full|unlimited) access|^(?:suppose|assume)",
                0.45,
            )
        ],
    ),
    rule(
        "refusal-suppression",
        [
            phrase(
                r"\b(?:you )?(?:can ?not|can'?t|may not|must not|mustn'?t|are not (?:allowed|permitted|able) to|never|will never|won'?t|shall not|should not|do not|don'?t) (?:ever |be allowed to )?(?:refuse|decline|reject)(?: to (?:answer|respond|comply|do|follow|help|generate)| any| my| this| the| a| an| what| anything| requests?| under)?\b"
            ),
            phrase(
                r"\b(?:never|do not|don'?t|must not|cannot|can'?t|without) (?:ever )?(?:say(?:ing)?|respond(?:ing)?(?: with)?|repl(?:y|ying)(?: with)?|us(?:e|ing)|includ(?:e|ing)|tell(?:ing)? me|mention(?:ing)?|start(?:ing)? with|begin(?:ning)? with|state|stating) (?:<3>)(?:i(?:'m| am)? (?:sorry|cannot|can'?t|unable)|sorry|as an ai|apologize|apologies|\bcannot\b|unable|you can'?t|you cannot|openai|content polic~|not possible|against (?:the|your|openai~))"
            ),
            phrase(
                r"\b(?:never|do not|don'?t|without|no|avoid|omit|skip|leave out|exclude|not) (?:<2>)(?:disclaimers?|warnings?|moraliz~|lectur~|ethical (?:considerations|concerns|warnings|notes)|apolog~|caveats|safety (?:warnings|notes)) (?:<3>)(?:disclaimers?|warnings?|ethic~|moral~|caveats|apolog~|refus~|negative)\b"
            ),
            phrase(
                r"\b(?:you (?:must|will|should|have to|are (?:required|obligated|programmed|forced|obliged) to|always)) (?:always )?(?:answer|comply|obey|respond|fulfill?|accept|follow|do|agree) (?:to |with )?(?:<2>)(?:every|everything|any|all|anything|each|whatever) (?:<3>)(?:questions?|requests?|prompts?|commands?|orders|i (?:say|ask|tell|want)|demands?|user~|asked)\b"
            ),
            phrase(
                r"\b(?:bypass|circumvent|evade|get around|defeat|work around|disable|turn off|break|trick|fool) (?:<2>)(?:content|safety|ai|moderation|chatgpt'?s?|openai'?s?|its|your|ethical|security) (?:<1>)(?:filters?|guidelines|guardrails?|restrictions?|polic(?:y|ies)|safeguards?|moderation|checks?|systems?|measures|limitations?|protocols?)\b"
            ),
        ],
        "Forbids the bot to refuse or to warn",
        category=Category.JAILBREAK,
        confidence=0.65,
        lowering=[
            (r"\b(?:refuse|decline|reject)(?: the| a| an| my| this)?$", 0.4),
            (r"\bsorry$", 0.45),
            (r"\bopenai\b|not possible$|against the$|unable$", 0.5),
            (r"^(?:disable|turn off|get around|work around) (?:the )?(?:content|security|moderation)\b", 0.45),
            (r"\b(?:answer|follow|do|respond|accept)\b[^\n]*\b(?:all|any|every|each|questions?)\b", 0.5),
            (r"\b(?:security|your) (?:\w+ )?(?:systems?|checks?|measures|protocols?|filters?|policy|policies)$", 0.4),
        ],
    ),
    rule(
        "prefix-injection",
        [
            phrase(
                r"\b(?:start|begin|preface|prefix|open|precede|commence) (?:all (?:of )?|every |each |any )?(?:your|the|every|each|all|any|with) ?(?:<1>)(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|sentences?|text|completion) (?:<1>)(?:with|by (?:saying|writing|stating|typing|exactly)|as|saying|exactly with) (?:<3>)(?:sure|absolutely|of course|yes|certainly|here is|here are|here's|i(?:'m| am) happy to|hell yeah|no problem|gladly|okay|i will|i can|\[?dan|\[?jailbreak)"
            ),
            phrase(
                r"\b(?:your (?:answer|response|reply|output)) (?:must|should|has to|needs to|will|shall) (?:always )?(?:start|begin) (?:with|by) (?:<3>)(?:sure|absolutely|of course|yes|certainly|here is|here are|hell yeah|\[?dan)"
            ),
            phrase(
                r"\b(?:start|begin|preface|prefix) (?:your|every|each|all) (?:<1>)(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|sentences?) (?:with|by saying)\b"
            ),
            phrase(
                r"\b(?:respond|answer|reply) (?:only |always |just )?(?:with )?(?:sure|absolutely|of course|certainly) (?:here is|here are|here's|i can|i will)\b"
            ),
        ],
        "Dictates how the answer begins",
        category=Category.JAILBREAK,
        confidence=0.7,
        lowering=[(r"(?:with|by saying)$", 0.4), (r"\b(?:yes|okay|i will|i can|of course|as [^\n]*yes)$", 0.5)],
    ),
)
