"""Strict readers of the formats, written from their grammars and not from the code that writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass

# RFC 5424 section 6: the ABNF, rule by rule.
_PRIVAL = r"(?P<pri>0|[1-9]\d?|1[0-8]\d|19[01])"
_FULL_DATE = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)"
_TIMESTAMP = rf"(?P<time>-|{_FULL_DATE}T{_TIME})"
_SD_NAME = r"[!#-<>-\\^-~]{1,32}"  # PRINTUSASCII except = SP ] "
_PARAM = rf' {_SD_NAME}="(?:[^"\\\]]|\\["\\\]])*"'
_ELEMENT = rf"\[{_SD_NAME}(?:{_PARAM})*\]"
_SYSLOG = re.compile(
    rf"<{_PRIVAL}>1 {_TIMESTAMP} (?P<host>[!-~]{{1,255}}) (?P<app>[!-~]{{1,48}}) (?P<proc>[!-~]{{1,128}})"
    rf" (?P<msgid>[!-~]{{1,32}}) (?P<sd>-|(?:{_ELEMENT})+)(?: (?P<msg>.*))?",
    re.DOTALL,
)
_ONE_PARAM = re.compile(rf' ({_SD_NAME})="((?:[^"\\\]]|\\["\\\]])*)"')


@dataclass(frozen=True)
class Syslog:
    facility: int
    severity: int
    time: str
    host: str
    app: str
    msgid: str
    parameters: dict[str, str]
    message: str


def syslog(data: bytes) -> Syslog:
    """One message. ``ValueError`` if it is none."""
    found = _SYSLOG.fullmatch(data.decode("utf-8"))
    if found is None:
        raise ValueError(data)
    parameters = {name: re.sub(r"\\([\"\\\]])", r"\1", value) for name, value in _ONE_PARAM.findall(found["sd"])}
    priority = int(found["pri"])
    return Syslog(
        priority // 8, priority % 8, found["time"], found["host"], found["app"], found["msgid"], parameters,
        found["msg"] or "",
    )  # fmt: skip


@dataclass(frozen=True)
class Cef:
    vendor: str
    product: str
    version: str
    id: str
    name: str
    severity: int
    extension: dict[str, str]


_CEF_HEADER = re.compile(r"CEF:0\|" + r"((?:[^|\\\r\n]|\\[|\\])*)\|" * 6, re.DOTALL)
_CEF_PAIR = re.compile(r"([A-Za-z0-9_]+)=((?:[^=\\\r\n]|\\[=\\nr])*?)(?= [A-Za-z0-9_]+=|$)")


def cef(data: bytes) -> Cef:
    """One event. ``ValueError`` if it is none, if a key comes twice or anything stands between the pairs."""
    text = data.decode("utf-8")
    head = _CEF_HEADER.match(text)
    if head is None:
        raise ValueError(text)
    vendor, product, version, id_, name, severity = (re.sub(r"\\([|\\])", r"\1", part) for part in head.groups())
    rest, found, at = text[head.end() :], {}, 0
    while at < len(rest):
        pair = _CEF_PAIR.match(rest, at)
        if pair is None or pair[1] in found:
            raise ValueError(rest[at:])
        found[pair[1]] = re.sub(r"\\([=\\nr])", lambda one: {"n": "\n", "r": "\r"}.get(one[1], one[1]), pair[2])
        at = pair.end() + 1
    if not severity.isdigit() or not 0 <= int(severity) <= 10:
        raise ValueError(severity)
    return Cef(vendor, product, version, id_, name, int(severity), found)
