# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Rules for tool results and documents: text there that gives orders to the bot which reads it.

Policy applies these to parts from untrusted sources only. A person may well write "do not tell the customer"; a
web page that says so to its reader is another matter.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.injection_grammar import any_of, indirect, phrase

_AI: Final = any_of("""
ai, ai'?s, llms?, ai (?:assistants?|agents?|models?|systems?|reviewers?|bots?|tools?), language models?, large language models?, chatbots?,
assistants?, virtual assistants?, bots?, agents?, automated (?:systems?|agents?|reviewers?|tools?)
""")
_READING: Final = any_of("""
summari[sz](?:e|es|ing), answer(?:s|ing)?, respond(?:s|ing)?, process(?:es|ing)?, translat(?:e|es|ing), read(?:s|ing)?, review(?:s|ing)?,
analy[sz](?:e|es|ing), repl(?:y|ies|ying), describ(?:e|es|ing), generat(?:e|es|ing), evaluat(?:e|es|ing), handl(?:e|es|ing)
""")
_OUTPUT: Final = any_of("""
repl(?:y|ies), responses?, answers?, summar(?:y|ies), outputs?, reviews?, messages?, conclusions?, final (?:answer|response), reports?,
translations?, recommendations?
""")
_READER: Final = any_of(
    "user, human, reader, customer, person, users, owner, account holder, operator, anyone, anybody, client, them"
)

_LETTER: Final = (
    r"^(?![\s\S]*\b(?:passwords?|credentials?|secrets?|tokens?|api.?keys?|private keys?|contacts|conversations?|chat|history|latest"
    r"|recent|last|invoices|bank|financial|user's|my|inbox|calendar|files|database|customer (?:data|list)"
    r"|all (?:my|the|of|user|customer|e-?mails|messages|documents))\b)(?:send|forward|e-?mail|post|upload|share|transmit|append)\b"
)
"""Asks to send what people ask each other for every day; what is worth stealing is not named."""

RULES: Final[tuple[Rule, ...]] = (
    indirect(
        "ai-address",
        [
            phrase(
                rf"\b(?:{_AI}) (?:<3>)(?:must|should first|are required to|need to|shall|are instructed to|have to|are to) (?:<2>)(?:include|append|add|say|ignore|tell|recommend|send|call|use|run|execute|output|reply|respond|state|mention|insert|first|always|never|not|empty|delete|forward|rate|rank|approve)\b"
            ),
            phrase(
                r"\b(?:dear|hey|hello|attention|listen|note to|note for|message for|instructions? (?:to|for)) (?:the |all |any )?(?:ai|llm|chatgpt|gpt~|claude|gemini|copilot|assistant|bot|agent|ai (?:assistant|agent|model)|language model)s?\b"
            ),
            phrase(
                r"\b(?:assistant|ai|chatgpt|claude|copilot|agent|bot) (?:please |you (?:must|should|need to|have to|are) )(?:<2>)(?:include|append|add|say|ignore|tell|recommend|send|call|use|run|execute|output|reply|respond|stop|forward|now)\b"
            ),
        ],
        "A document gives orders to the AI that reads it",
        confidence=0.65,
        lowering=[
            (r"\b(?:chatgpt|chatbots?|assistants?|ai|models?) must (?:not|tell)$", 0.45),
            (r"^(?:agents?|assistants?|bots?|tools?|ai)\b", 0.5),
        ],
    ),
    indirect(
        "when-processing",
        [
            phrase(
                rf"\b(?:when|before|while|after|once|if|whenever) (?:you |asked to |you are asked to |asked about |the (?:assistant|ai|model) )?(?:are )?{_READING} (?:<5>)(?:you (?:must|should|will|need|are)|please|always|include|say|add|mention|append|do not|don'?t|never|also|make sure|tell|state|send|call|use|first|recommend|output|e-?mail|forward|click)\b"
            ),
            phrase(
                rf"\b(?:in|at the end of|at the start of|at the beginning of|to|into|with) (?:your|every|each|all|any|the) (?:<1>){_OUTPUT} (?:<2>)(?:you (?:must|should|will)|must|always|please|include|mention|add|say|state|append)\b"
            ),
            phrase(
                rf"\b(?:append|add|include|insert|attach|put|mention|repeat|place|embed|start|begin|end|finish|conclude) (?:<8>)(?:to|in|at|into|with|of) (?:the (?:end|start|beginning|top|bottom) of )?(?:your|every|each|all|any) (?:<1>){_OUTPUT}\b"
            ),
            phrase(
                rf"\b(?:modify|change|adjust|alter|begin|start|end|preface|conclude|finish|tailor|rewrite) (?:your|the|every) (?:<1>){_OUTPUT} (?:<2>)(?:to|with|by|so|in)\b"
            ),
            phrase(
                r"\b(?:before|prior to) (?:you )?(?:answer|respond|reply|continu|summari|finish)~ (?:<3>)(?:the user|this|you must|call|send|append|first|use)\b"
            ),
        ],
        "A document says what the answer about it has to hold",
        confidence=0.65,
        lowering=[
            (
                r"^(?:if|after|once|while|when|before|whenever)\b.*\b(?:repl|respond|answer|review|read|process|handl)\w*\b.*\b(?:please\b.*|need|are|use|call|send|will|click|e-?mail)$",
                0.45,
            ),
            (r"^(?:while|once|after)\b(?![^\n]*\b(?:you (?:must|should|need)|always|never|user))", 0.45),
            (r"^(?:if|after|once|while|when|before)\b", 0.55),
            (r"\b(?:bug|error|crash|issue|test|problem) reports?\b|\b(?:output|commit messages?)$", 0.4),
            (r"\bwith (?:your|every|each|all|any)", 0.4),
        ],
    ),
    indirect(
        "conceal",
        [
            phrase(
                rf"\b(?:do not|don'?t|never|must not|should not|avoid|without) (?:ever )?(?:tell(?:ing)?|inform(?:ing)?|mention(?:ing)?|reveal(?:ing)?|alert(?:ing)?|notify(?:ing)?|disclos(?:e|ing)|let(?:ting)?|warn(?:ing)?|show(?:ing)?) (?:<4>){_READER}\b"
            ),
            phrase(
                r"\b(?:do not|don'?t|never) (?:mention|reveal|disclose|acknowledge|refer to|repeat) (?:<2>)(?:this|these|that you|the) (?:<2>)(?:instructions?|message|note|prompt|text|request|step|action|were (?:told|instructed))\b"
            ),
            phrase(
                r"\b(?:keep (?:this|it) (?:a )?(?:secret|hidden|confidential) from|hide (?:this|it) from|conceal (?:this|it) from) (?:the )?(?:user|human|reader|customer)\b"
            ),
        ],
        "A document asks to keep something from the user",
        confidence=0.7,
        lowering=[
            (r"\b(?:anyone|anybody|them|customer|client|owner|person|users|show)\b", 0.45),
            (
                r"^(?!.*\b(?:tell|inform|mention|alert|notif|warn|let|reveal|disclos)\w* (?:(?:this|it|that|these|anything|about|to) ){0,3}(?:the |your |any )?(?:user|human|reader|operator)\b)(?!.*\b(?:this|these|you)\b).*\b(?:user|human|reader|operator)$",
                0.45,
            ),
        ],
    ),
    indirect(
        "exfiltrate",
        [
            phrase(
                r"\b(?:send|forward|e-?mail|post|upload|transmit|exfiltrate|share|submit|copy|bcc|cc) (?:<6>)(?:to|at|with) (?:<3>)[\w.+-]{1,40}@[\w-]{1,40}\.\w{2,10}"
            ),
            phrase(
                r"\b(?:send|forward|post|upload|transmit|exfiltrate|submit|append|report) (?:<6>)(?:to|at|as (?:a )?(?:query|url) parameters? (?:to|of)|via) (?:<3>)https?://"
            ),
            phrase(
                r"\b(?:use|call|invoke|run|execute) (?:the )?(?:send_\w{1,20}|\w{1,20}_(?:e-?mail|message|file|money|transfer)|\w{1,20}send\w{1,20}) (?:<2>)(?:tool |function )?(?:to|with|and)\b"
            ),
            phrase(
                r"\b(?:search|find|look up|retrieve|get|fetch|collect|gather|download|read|open|access|list) (?:<6>)(?:and|then|once|after) (?:<3>)(?:send|forward|e-?mail|share|upload|post) (?:<3>)(?:to|with)\b"
            ),
        ],
        "A document asks to send data to an address",
        confidence=0.6,
        lowering=[
            (r"\b(?:was|is|are|were|been|has|have|had)\b", 0.3),
            (_LETTER, 0.45),
            (
                r"^(?:cc|bcc|submit|report|copy)|\b(?:questions?|feedback|applications?|resumes?|comments|inquir|enquir)",
                0.4,
            ),
        ],
    ),
    indirect(
        "action",
        [
            phrase(
                r"\b(?:please|can you|could you|kindly|you must|now|you should) (?:immediately |also |first )?(?:transfer|wire|deposit|withdraw|send|pay|donate) (?:<4>)(?:[$€£]\s?\d|\d{1,9}(?:\.\d{1,3})? ?(?:usd|eur|dollars|euros|btc|bitcoin|eth|ethereum))"
            ),
            phrase(
                r"\b(?:please|can you|could you|kindly|you must) (?:immediately )?(?:grant|give|change|update|disable|unlock|open|delete|remove|share|modify|reset|dispatch|activate|turn off|download|erase|cancel|schedule|augment|leave|initiate|arrange|retrieve|access|revoke|publish) (?:<3>)(?:my|all my|the user'?s|user'?s) <4>"
                r"(?:accounts?|permissions?|sharing settings|passwords?|security|polic(?:y|ies)|devices?|data|files?|calendar|records?|door|locks?|garage|history|e-?mails?|settings|note|health|wallet|bank|repository|credentials|appointments?|channel|medical|genetic|reminders?|profile|addresses|messages)\b"
            ),
            phrase(
                r"\bgrant (?:<4>)(?:permanent |full |admin |remote |unrestricted )?(?:access|permissions?|privileges|control) (?:<3>)(?:to|for)\b"
            ),
            phrase(
                r"\b(?:click|visit|open|go to|navigate to|browse to) (?:<5>)(?:link|url|https?://[^\s]{1,60}) (?:<3>)(?:and|to) (?:<3>)(?:enter|log ?in|download|confirm|verify your|install|provide|paste)\b"
            ),
        ],
        "A document asks for an action on the user's behalf",
        confidence=0.5,
        lowering=[
            (r"[$€£]\s?\d|\d ?(?:usd|eur|dollars|euros|btc|bitcoin|eth|ethereum)$", 0.45),  # as every invoice does
            (
                r"^(?:grant|click|visit|open|go to|navigate|browse)(?!.*\b(?:permanent|full|admin|unrestricted|remote|token|password|log ?in)\b)",
                0.45,
            ),
        ],
    ),
    indirect(
        "system-note",
        [
            phrase(
                r"\b(?:system|admin(?:istrator)?|developer|internal|processing|security|compliance|operator) (?:note|notice|message|instruction|override|directive|command|prompt|update)s?\s?:"
            ),
            phrase(
                r"\bimportant (?:instructions?|message|notice|information|system) (?:!{1,3}|:|from|for (?:the )?(?:ai|assistant|model|agent))"
            ),
            r"<(?:important|information|system|instructions?|attention|user_request|secret|hidden)>",
            phrase(
                r"\bthis is an? (?:important |urgent |official )?(?:message|instruction|request|notice) from (?:me|the user|your (?:user|developer|creator|owner|administrator)|openai|anthropic|the system|the developers?|\w{1,12} \w{1,12})\b"
            ),
            phrase(
                r"\b(?:the user|user) (?:has )?(?:already )?(?:granted|given|confirmed|approved|authori[sz]ed) (?:<4>)(?:permission|consent|access|actions?|to skip|all)\b"
            ),
        ],
        "A document poses as a message of the system or the user",
        confidence=0.6,
        lowering=[
            (
                r"^(?:processing|security|operator|compliance|internal|developer|system) (?:notes?|notice|updates?|prompts?|commands?|messages?)",
                0.45,
            ),
            (r"^important (?:message|notice|information)", 0.35),
            (r"^this is an? (?:message|request|notice) from \w+ \w+$", 0.4),
            (r"^<(?:information|instructions?|system|hidden)>", 0.45),
        ],
    ),
    indirect(
        "task-switch",
        [
            phrase(
                r"\b(?:before (?:you can |you )?(?:solve|continu|complet|answer|proceed|do|start|perform)~ (?:<5>)(?:please |you (?:must|need|have to|should) )(?:<2>)(?:first )?(?:do|perform|complete|execute|solve|follow|send|call|use))\b"
            ),
            phrase(
                r"\b(?:ignore|disregard|forget|stop|abandon) (?:<2>)(?:the |your |this |any )?(?:<1>)(?:task|question|query|request|user'?s (?:question|request|task|query|instructions?)|document|e-?mail|article|page)\b <3>(?:and|instead|but|then|above)\b"
            ),
            phrase(
                r"\b(?:your|the) (?:real|actual|true|new|next|main|only|primary) (?:task|goal|objective|job|purpose|instruction)s? (?:is|are|will be)\b"
            ),
            phrase(
                r"\binstead of (?:answering|summari[sz]ing|responding|replying|translating|completing) (?:<5>)(?:say|tell|output|write|respond|reply|print|do|you|please)\b"
            ),
        ],
        "A document gives the bot another task",
        confidence=0.6,
        lowering=[(r"^(?:the|your) (?:main|primary|next|only|real) ", 0.35)],
    ),
)
