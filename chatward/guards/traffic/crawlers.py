"""Crawlers that say what they are, and the names of the machines that they come from.

The rules:

1. A declared crawler is automated, and honest about it. Whoever runs the site decides by the ladder what it may do.
2. One that publishes the names of its machines is checked: its address's name must end in one of them, and that name
   must lead back to the address (forward-confirmed reverse DNS; Google's and Microsoft's own advice). Else it is faked.

The list is ours, from what these crawlers say of themselves; names of crawlers also after monperrus/crawler-user-agents
(MIT). Pure: looking up is ``chatward.traffic.reverse``'s.
"""

from __future__ import annotations

import re
from typing import Final

_ANY: Final = re.compile(
    r"(?<![Cc][Uu])(?:bot|BOT|Bot)(?:[/;,)\s_-]|$)|[Cc]rawl|[Ss]pider(?!mon)|[Ss]lurp|facebookexternalhit|"
    r"ia_archiver|GoogleOther|Google-InspectionTool|APIs-Google|Mediapartners|Feedfetcher|BingPreview|"
    r"ChatGPT-User|OAI-SearchBot|Claude-User|Claude-SearchBot|Perplexity-User|meta-externalagent|WhatsApp/|"
    r"HeadlessBrowser|[Ff]eed(?:ly|burner|parser)|[Uu]ptime|[Pp]ingdom|HTTrack|heritrix|Nutch",
)
_MACHINES: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = tuple(
    (re.compile(pattern), domains)
    for pattern, domains in (
        (
            r"Googlebot|GoogleOther|AdsBot-Google|Mediapartners|APIs-Google|Google-InspectionTool|Storebot-Google",
            ("googlebot.com", "google.com", "googleusercontent.com"),
        ),
        (r"[Bb]ingbot|BingPreview|msnbot|adidxbot", ("search.msn.com",)),
        (r"Applebot", ("applebot.apple.com",)),
        (r"Baiduspider", ("baidu.com", "baidu.jp")),
        (r"Yandex[A-Z]?\w*", ("yandex.ru", "yandex.net", "yandex.com")),
        (r"Slurp", ("crawl.yahoo.net",)),
        (r"SeznamBot", ("seznam.cz",)),
        (r"Sogou", ("sogou.com",)),
        (r"PetalBot", ("petalsearch.com",)),
        (r"coccocbot", ("coccoc.com",)),
        (r"MojeekBot", ("mojeek.com",)),
        (r"Qwantify|Qwantbot", ("qwant.com",)),
        (r"Pinterestbot", ("pinterest.com",)),
        (r"archive\.org_bot", ("archive.org",)),
    )
)


def declared(agent: str) -> bool:
    """Whether a ``user-agent`` says that it is a crawler's."""
    return _ANY.search(agent[:512]) is not None


def machines(agent: str) -> tuple[str, ...]:
    """The domains of its machines' names; none where nothing is published."""
    for pattern, domains in _MACHINES:
        if pattern.search(agent[:512]):
            return domains
    return ()


def below(name: str, domains: tuple[str, ...]) -> bool:
    """Whether a machine's name stands below one of the domains."""
    name = name.rstrip(".").lower()
    return any(name.endswith("." + domain) for domain in domains)
