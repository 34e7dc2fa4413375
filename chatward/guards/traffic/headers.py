"""What the head of a request says of the program that sent it, measured against what it says it is.

The rules:

1. What calls itself a tool is one. What calls itself nothing is one too (RFC 9110 section 10.1.5: a client SHOULD say).
2. What calls itself a browser must look like that browser: the fields that it always sends with a POST of a page
   (``origin``, Fetch Standard 3.2; ``sec-fetch-*``, W3C Fetch Metadata; ``sec-ch-ua`` of Chromium, UA Client Hints;
   ``accept-language`` and ``accept-encoding``), with values that agree with its ``user-agent``, in its order.
3. Fetch metadata and client hints are sent to trustworthy addresses only (HTTPS, loopback); elsewhere their absence
   says nothing. Order is known of direct HTTP/1.1 connections only: a proxy may change it.
4. A browser that is not known is not measured against another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from chatward.core.identity import Fields

MAX_AGENT: Final = 512
_TOOLS: Final = re.compile(
    r"python|curl/|wget|libwww|java/|okhttp|go-http-client|node(?:-fetch|js)?[/ ]|axios|undici|got[ /(]|httpie|aiohttp|"
    r"httpx|requests/|urllib|scrapy|postman|insomnia|restsharp|guzzle|php/|ruby|perl|faraday|apache-httpclient|"
    r"openai|anthropic|langchain|litellm|deno/|bun/|dart[:/ ]|reqwest|ureq|hyper/|winhttp|powershell|zgrab|masscan|"
    r"nmap|nikto|sqlmap|nuclei|dirbuster|feroxbuster|ffuf|selenium|webdriver|puppeteer|playwright|phantomjs|slimerjs|"
    r"cypress",
    re.IGNORECASE,
)
_CHROMIUM: Final = re.compile(r"(?:HeadlessChrome|Chrome|Chromium)/(\d{1,4})")
_FIREFOX: Final = re.compile(r"Firefox/(\d{1,4})")
_SAFARI: Final = re.compile(r"Version/(\d{1,4})[\d.]* (?:Mobile/\S+ )?Safari/")
_BRAND: Final = re.compile(r'"([^"\\]{1,64})";\s*v="(\d{1,4})"')
_PLATFORMS: Final = {
    "Windows": "Windows NT",
    "macOS": "Mac OS X",
    "Linux": "Linux",
    "Android": "Android",
    "Chrome OS": "CrOS",
    "Chromium OS": "CrOS",
}
_ENGINES: Final = frozenset({"Chromium", "HeadlessChrome", "Google Chrome", "Microsoft Edge"})
_HINTS_SINCE: Final = 89
_METADATA_SINCE: Final = {"chromium": 80, "firefox": 90, "safari": 17}
_ORDERS: Final = {
    # Of pairs that are both there, the first comes first. From requests of the browsers themselves.
    "chromium": (
        ("host", "user-agent"),
        ("accept", "origin"),
        ("sec-fetch-site", "sec-fetch-mode"),
        ("sec-fetch-mode", "sec-fetch-dest"),
        ("sec-fetch-dest", "accept-encoding"),
        ("accept-encoding", "accept-language"),
    ),
    "firefox": (
        ("host", "user-agent"),
        ("user-agent", "accept"),
        ("accept", "accept-language"),
        ("accept-language", "accept-encoding"),
        ("sec-fetch-dest", "sec-fetch-mode"),
        ("sec-fetch-mode", "sec-fetch-site"),
    ),
}


class Claim(NamedTuple):
    """What a ``user-agent`` says: ``family`` is ``chromium``, ``firefox``, ``safari``, ``browser`` (another one),
    ``tool`` or ``none``."""

    family: str
    version: int = 0
    headless: bool = False
    mobile: bool = False

    @property
    def browser(self) -> bool:
        return self.family not in {"tool", "none"}


def claim(agent: str) -> Claim:
    """Reads a ``user-agent``."""
    return _claim(agent[:MAX_AGENT])


@lru_cache(maxsize=4096)
def _claim(agent: str) -> Claim:
    if not agent.strip():
        return Claim("none")
    mobile = "Mobile" in agent
    if _TOOLS.search(agent):
        return Claim("tool")
    if found := _CHROMIUM.search(agent):
        return Claim("chromium", int(found[1]), "Headless" in agent, mobile)
    if found := _FIREFOX.search(agent):
        return Claim("firefox", int(found[1]), "Headless" in agent, mobile)
    if found := _SAFARI.search(agent):
        return Claim("safari", int(found[1]), mobile=mobile)
    return Claim("browser" if agent.startswith("Mozilla/") else "tool", mobile=mobile)


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head. ``trustworthy``: HTTPS or this machine (W3C Secure Contexts 3.1). ``names``: the fields in the
    order in which they came; empty where that is not known. ``page``: a page of a browser is to have sent it (POST)."""

    fields: Fields
    trustworthy: bool = False
    names: Sequence[str] = ()


def signals(head: Head) -> Iterator[str]:
    """Names of ``weights.WEIGHTS``."""
    get = head.fields.get
    said = claim(get("user-agent") or "")
    if said.family == "none":
        yield "headers.agent-missing"
        return
    if said.family == "tool":
        yield "headers.agent-tool"
        return
    if said.headless:
        yield "headers.agent-headless"
    if get("origin") is None:
        yield "headers.origin-missing"
    if not get("accept-language"):
        yield "headers.language-missing"
    if not get("accept-encoding"):
        yield "headers.encoding-missing"
    if head.trustworthy:
        yield from _metadata(said, head.fields)
    yield from _hints(said, head)
    if head.names and not in_order(said.family, head.names):
        yield "headers.order"


def _metadata(said: Claim, fields: Fields) -> Iterator[str]:
    since = _METADATA_SINCE.get(said.family)
    mode, dest = fields.get("sec-fetch-mode"), fields.get("sec-fetch-dest")
    if mode is None or dest is None:
        if since is not None and said.version >= since:
            yield "headers.fetch-missing"
    elif dest != "empty" or mode not in {"cors", "same-origin"}:
        yield "headers.fetch-odd"  # a page's script asks; nobody navigates to an API by POST of JSON


def _hints(said: Claim, head: Head) -> Iterator[str]:
    get = head.fields.get
    brands = get("sec-ch-ua")
    if said.family != "chromium":
        if brands is not None and said.family in {"firefox", "safari"}:
            yield "headers.hints-mismatch"
        return
    if brands is None:
        if head.trustworthy and said.version >= _HINTS_SINCE:
            yield "headers.hints-missing"
        return
    found = dict(_BRAND.findall(brands[:MAX_AGENT]))
    if "HeadlessChrome" in found:
        yield "headers.agent-headless"
    engine = next((found[name] for name in found if name in _ENGINES), None)
    platform = (get("sec-ch-ua-platform") or "").strip('"')
    mobile = get("sec-ch-ua-mobile")
    expected = _PLATFORMS.get(platform)
    agent = get("user-agent") or ""
    if (
        (engine is not None and int(engine) != said.version)
        or (expected is not None and expected not in agent)
        or (mobile is not None and (mobile.strip() == "?1") != said.mobile)
    ):
        yield "headers.hints-mismatch"


def in_order(family: str, names: Sequence[str]) -> bool:
    """Whether fields came in the order of this browser; true of one whose order is not known."""
    places = {name: place for place, name in reversed(tuple(enumerate(names)))}
    return all(
        places[first] < places[second]
        for first, second in _ORDERS.get(family, ())
        if first in places and second in places
    )
