"""What stands in place of a value that may not leave as it is."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from html import unescape
from typing import Final

from chatward.core.addresses import parse
from chatward.core.values import Action, Category, Decision, Treatment
from chatward.engine.placeholders import hashed, mask
from chatward.engine.plan import HostOf, Plan

_SCHEME: Final = re.compile(r"(?i)\bhttps?(?=:)")
_RUN: Final = re.compile(r"[^\s<>\"`]+\Z")
_ADDRESS: Final = re.compile(r"(?i)(?:https?|ftp|wss?):[\\/]|//[\w.-]|(?:[\w-]+\.)+[a-z][\w-]+(?::[0-9]+)?[/?#]")
_WITH_PATH: Final = re.compile(r"(?i)(?:(?:[a-z]+:)?[\\/]+)?[^\\/?#:]+(?::[0-9]+)?[\\/?#]")
_GONE: Final = {Category.LINK: "[link removed]"}


def vouched(decision: Decision, value: str, plan: Plan, host_of: HostOf) -> Decision:
    """The decision on a link, or leave for it where the route vouches for its host (``allow_links``)."""
    if decision.finding.category is not Category.LINK or decision.action is Action.ALLOW or not plan.allow_links:
        return decision
    if _vouches(value, plan, host_of):
        return Decision(decision.finding, Action.ALLOW, Treatment.KEEP, "allow_links")
    return decision


def _vouches(link: str, plan: Plan, host_of: HostOf) -> bool:
    host = host_of(link)
    return host is not None and any(fnmatchcase(host.lower(), pattern) for pattern in plan.allow_links)


def carried(before: str, plan: Plan, host_of: HostOf) -> bool:
    """Whether what comes after ``before`` goes on with a web address that the route does not vouch for."""
    run = _RUN.search(before)
    if run is None or ("." not in run[0] and "/" not in run[0] and ":" not in run[0]):
        return False
    text = unescape(run[0])
    begin = _ADDRESS.search(text)
    if begin is None:
        return False
    address = text[begin.start() :]
    if text[: begin.start()].endswith("(") and address.count(")") > address.count("("):
        return False  # the destination of a Markdown link that has ended
    # Up to its path a host is not known: ``https://shop.example{EMAIL_1}.other.example``.
    return not (_WITH_PATH.match(address) and plan.allow_links and _vouches(address, plan, host_of))


def replacement(decision: Decision, value: str, key: bytes) -> str:
    """What stands in place of a value that does not come back."""
    finding = decision.finding
    if decision.treatment is Treatment.REMOVE:
        return _GONE.get(finding.category, "")
    if finding.category is Category.LINK and decision.treatment in (Treatment.DEFANG, Treatment.ANNOTATE):
        return defanged(value) if decision.treatment is Treatment.DEFANG else annotated(value)
    entity = finding.entity or finding.category.value
    if decision.treatment is Treatment.HASH:
        return hashed(entity, value, key)
    return mask(entity)


def defanged(link: str) -> str:
    """A link as people pass on bad ones: nobody's program makes it clickable."""
    return _SCHEME.sub(lambda found: found[0].replace("tt", "xx").replace("TT", "XX"), link).replace(".", "[.]")


def annotated(link: str) -> str:
    """A link that nobody clicks, and the host that it leads to as the network knows it."""
    address = parse(link) or parse(f"https://{link}")
    if address is None or not address.host:
        return defanged(link)
    return f"{defanged(link)} [leads to {address.host}]"


def unescaped(text: str) -> str:
    """The text that a piece of a JSON string stands for; the piece itself where it is not one."""
    if "\\" not in text:
        return text
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        return text
    return value if isinstance(value, str) else text
