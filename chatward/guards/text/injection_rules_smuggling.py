# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Rules for how an attack is carried: control tokens, made-up turns, split or encoded requests, data sent out, tools
run behind the user's back, memory written for later, words to an AI that may read.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.core.values import Category, Severity
from chatward.guards.text.injection_grammar import phrase, rule

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "delimiter-spoof",
        [
            r"<\|(?:im_(?:start|end|sep)|system|user|assistant|end(?:oftext|ofprompt|_of_text|_of_turn)?|begin_of_text|start_header_id|end_header_id|eo[tm]_id|start|message|channel|endofsystem|fim_(?:prefix|suffix|middle))\|>",
            r"<<\s?/?SYS\s?>>|\[/?INST\]|\[/?SYSTEM_PROMPT\]|<(?:start|end)_of_turn>|<\|(?:START|END)_OF_TURN_TOKEN\|>|<\uff5c(?:User|Assistant|begin\u2581of\u2581sentence)\uff5c>",
        ],
        "Holds control tokens of chat templates",
        signs=True,
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
        signs=True,
        confidence=0.6,
        lowering=[
            (r"^</?(?:instructions?|system|admin|developer|assistant_response)>", 0.45),
            (
                r"^[=#-]+\s?(?:END(?! of)|(?:end|begin|start) (?:of )?(?:the )?(?:text|data|message|document|conversation|query|context))",
                0.4,
            ),
            (r"^[\[(<{*-]\s?(?:end|start|begin)", 0.4),
        ],
    ),
    rule(
        "delimiter-role-json",
        r"""\{\s{0,4}["']role["']\s{0,2}:\s{0,2}["'](?:system|developer)["']\s{0,2},\s{0,4}["']content["']\s{0,2}:\s{0,2}["'][^"'\n]{0,60}(?:ignore|you are now|unrestricted|no longer|disregard|override|must obey|new instructions)""",
        "Holds a system message in JSON that redefines the bot",
        signs=True,
        confidence=0.7,
    ),
    rule(
        "many-shot",
        r"(?:human|user|question|q)\s?:[^\n]{1,80}\n{1,2}(?:assistant|ai|chatgpt|bot|gpt|a)\s?:\s?(?:sure|of course|certainly|absolutely|here(?:'s| is| are)|yes,? here)[^\n]{0,100}\n{1,2}(?:human|user|question|q)\s?:",
        "Holds made-up turns in which the bot complies",
        category=Category.JAILBREAK,
        signs=True,
        confidence=0.6,
    ),
    rule(
        "payload-split",
        [
            r"""\$?\w{1,12}\s?=\s?["'][^"'\n]{1,60}["'][\s,;.]{1,3}(?:and )?(?:let )?\$?\w{1,12}\s?=\s?["'][^"'\n]{1,60}["'][^\n]{0,60}\n?[^\n]{0,30}\b(?:answer|respond|reply|execute|follow|do|say|obey|tell me|explain|what is|write)\b[^\n]{0,20}\$?\w{1,12}\s?\+\s?\$?\w""",
            phrase(
                r"\b(?:combine|concatenate|join|merge|put together|assemble|append) (?:the |these |those |all )?(?:<2>)(?:parts?|strings?|variables?|pieces|fragments|letters|halves|words|tokens|first letters?) (?:<5>)(?:and|then) (?:<2>)(?:answer|respond|follow|execute|obey|do what|act|carry out|reply|perform|run)\b"
            ),
        ],
        "Splits a request into parts that the bot is to put together",
        signs=True,
        confidence=0.6,
    ),
    rule(
        "encoded-request",
        [
            phrase(
                r"\b(?:decode|decrypt|decipher|unscramble|de-?obfuscate|translate|convert|reverse) <6>(?:base ?64|base ?32|rot-?13|hex(?:adecimal)?|morse|binary|caesar|cipher|encoded|encrypted|backwards|leet ?speak|string|it|them|this|text|message) <4>"
                r"(?:and|then) (?:<3>)(?:follow|execute|obey|do (?:exactly |precisely )?(?:what|as)|carry out|comply|act (?:on|upon|accordingly)|perform|treat it as|run (?:it|the)|answer (?:it|the question)|respond to (?:it|the))"
            ),
            phrase(
                r"\b(?:follow|execute|obey|carry out|run|perform|act on|comply with|do) (?:the |these |this |what the )?(?:<2>)(?:base ?64|rot-?13|hex|morse|encoded|encrypted|hidden|reversed|decoded) (?:<1>)(?:instructions?|commands?|message|text|string|request|payload)\b"
            ),
            phrase(
                r"\b(?:respond|answer|reply|output|write|give) (?:<3>)(?:in|using|with|as) (?:only )?(?:base ?64|rot-?13|hexadecimal|morse code|leet ?speak|caesar cipher|pig latin|ascii codes?)\b"
            ),
        ],
        "Asks the bot to decode a request and to act on it",
        signs=True,
        confidence=0.7,
        lowering=[
            (r"(?:base ?64|rot-?13|hexadecimal|morse code|leet ?speak|caesar cipher|pig latin|ascii codes?)$", 0.4),
            (r"\b(?:translate|convert|reverse)\b", 0.5),
        ],
    ),
    rule(
        "exfiltrate-data",
        [
            phrase(
                r"\b(?:send|forward|e-?mail|post|upload|transmit|exfiltrate|leak|copy|export|submit|deliver) (?:<4>)(?:api keys?|passwords?|credentials|customer (?:e-?mails?|data|list|records|database)|user (?:data|records|database)|private keys?|access tokens?|secrets|environment variables|conversation history|chat (?:history|logs?)|system prompt|session tokens?|all (?:the |of the |user |customer )?(?:data|e-?mails|contacts|records|files|messages|documents)) (?:<4>)(?:to|at|via|into) (?:<3>)(?:https?:|[\w.+-]{1,40}@|attacker|an? external|this (?:url|address|server|endpoint|webhook)|the following (?:url|address|server|endpoint|e-?mail)|my (?:server|webhook|endpoint))"
            ),
            r"!\[[^\]\n]{0,40}\]\(https?://[^)\s]{1,100}[?&/=](?:\{\{?|\[|<|\$\{|%7B|\{)\s?(?:data|secret|conversation|chat|history|prompt|user|system|summary|message|context|password|key|info|base64|encoded|content)",
            phrase(
                r"\b(?:render|include|insert|embed|display|add|output|create|append) (?:<3>)(?:markdown )?(?:image|link|url|pixel) (?:<4>)(?:with|containing|that contains|encod~|append~|where|including) (?:<4>)(?:conversation|chat|history|system prompt|user'?s?|secret|password|data|previous messages?)\b"
            ),
        ],
        "Asks to send data out",
        signs=True,
        confidence=0.65,
    ),
    rule(
        "tool-hijack",
        [
            phrase(
                r"\b(?:call|use|invoke|run|execute|trigger|activate) (?:the |your |this |any )?(?:<4>)(?:tools?|functions?|plugins?|commands?|apis?|scripts?|send_\w{1,20}|\w{1,20}_\w{1,20}) (?:<6>)(?:without (?:asking|confirm~|telling|notifying|informing|approval|permission|the user|any)|silently|secretly|do not (?:ask|tell|mention|confirm)|in the background without)\b"
            ),
            phrase(
                r"\bwithout (?:ever )?(?:telling|informing|notifying|alerting|asking|mentioning (?:it|this) to|the (?:knowledge|consent) of) (?:the |any )?(?:user|human|customer|owner|person|victim)\b"
            ),
            phrase(
                r"\b(?:skip|bypass|disable|ignore|turn off|suppress) (?:all |any |the |your |every )?(?:<1>)(?:safety (?:checks?|filters?|measures?)|content (?:filters?|moderation)|guardrails?|moderation|confirmations?(?: and| prompts?| steps?)|approval (?:steps?|process|checks?)|human (?:review|approval))\b"
            ),
        ],
        "Asks to run tools behind the user's back",
        confidence=0.65,
        lowering=[
            (r"\b(?:confirmations? (?:prompts?|steps?|and)|approval (?:steps?|process))", 0.45),
            (r"^(?:disable|turn off|skip|suppress) (?!all|any|your|every)", 0.45),
        ],
    ),
    rule(
        "memory-poison",
        [
            phrase(
                r"\b(?:remember|memori[sz]e|save|store|add|write|commit|record|note|persist|update) (?:<6>)(?:in|to|into|for|across) (?:your |the |all |every |any )?(?:<1>)(?:long-?term memory|persistent memory|your memory|(?:all |every |any )?(?:future|subsequent|later|other) (?:conversations?|sessions?|responses?|repl(?:y|ies)|chats?|interactions?|answers?|users?|prompts?)) (?:<4>)(?:that|and|always|always (?:say|recommend|include|tell|respond)|so that|never|you (?:must|should|will)|ignore|recommend|include)\b"
            ),
            phrase(
                r"\b(?:in|for|at the end of) (?:all|every|each|any)(?: of your| your)? (?:future|subsequent|later|following|other) (?:conversations?|sessions?|responses?|repl(?:y|ies)|chats?|interactions?|answers?) (?:<2>)(?:you (?:must|should|will)|always|include|never|recommend|insert|append|mention|repeat|send|respond|say|add)\b"
            ),
            phrase(
                r"\b(?:repeat|include|append|add|insert) (?:<5>)(?:in|to|at the end of|into) (?:every|each|all)(?: of)?(?: your)? (?:future|subsequent) (?:repl(?:y|ies)|responses?|answers?|messages?|conversations?)\b"
            ),
        ],
        "Asks the bot to keep instructions for later conversations",
        confidence=0.6,
    ),
    rule(
        "hidden-instruction-to-ai",
        [
            phrase(
                r"\bif you(?:'re| are|r)? (?:an? |the |any )?(?:ai|a\.i\.|llm|large language model|language model|chatbot|ai (?:assistant|agent|model|system)|automated (?:system|agent)|gpt~|virtual assistant|bot)\b (?:<3>)(?:read|process|summari|review|analy|see|evaluat|screen|pars|index|crawl|visit|access|assist|tasked|working)~"
            ),
            phrase(
                r"\b(?:attention|note|notice|message|instructions?|memo|important|hidden message|reminder) (?:to|for) (?:all |any |the |every |other )?(?:ai|llms?|ai (?:assistants?|agents?|models?|systems?|reviewers?|bots?)|language models?|chatbots?|large language models?|ai-?powered \w{1,12}|automated (?:agents?|systems?|reviewers?))\b"
            ),
            phrase(
                r"\b(?:any|all|every|the|an?) (?:ai|llm|ai (?:assistants?|agents?|models?|systems?)|language models?|chatbots?) (?:reading|processing|summari[sz]ing|reviewing|analy[sz]ing|parsing|that reads|that processes|who reads|which reads|integrating|accessing|evaluating) (?:this|the|these)\b"
            ),
        ],
        "Speaks to an AI that may read the text",
        confidence=0.65,
        lowering=[(r"^(?:note|message|instructions?|important|notice|attention) (?:to|for)", 0.55)],
    ),
)
