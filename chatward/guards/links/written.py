r"""How a link may be written inside one word: with a scheme, in Markdown or HTML, bare, defanged, spelled out.

The rule: ``scan`` sees a word and what stood before it, and gives every link that a reader or a program may take from
it, each as a URL that the parser of ``core.addresses`` then reads. A pattern here only says where a link begins and
ends, never what it leads to. All patterns are linear in the word, which is bounded by ``extraction.WORD``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import unquote

from chatward.core.hosts import words
from chatward.core.values import Span
from chatward.guards.links.domains import TLDS, WORDLIKE


class Form(str, Enum):
    """How a link is written."""

    URL = "url"
    MARKUP = "markup"  # a destination in Markdown or HTML
    BARE = "bare"
    DEFANGED = "defanged"


class Found(NamedTuple):
    """A link in a view of a word; positions are the view's."""

    url: str
    start: int
    end: int
    form: Form
    label: str = ""
    sure: bool = True


_SCHEMES: Final = (
    r"https?|ftps?|sftp|wss?|file|smb|gopher|ldap|dict|view-source|javascript|vbscript|livescript|data|blob"
)
_URL: Final = re.compile(
    rf"(?i)(?<![A-Za-z0-9+-])(?:(?:{_SCHEMES}):|(?<![A-Za-z0-9:.\\/])[\\/]{{2}}(?=[^\s\\/]{{1,253}}\.))[^\s<>\"`]+"
)
_ACTIVE: Final = re.compile(r"(?i)(?:javascript|vbscript|livescript|data|blob|view-source):")
_ENDS: Final = ".,;:!?'\"*_~)]}>|"
_CJK: Final = re.compile(
    r"[\u1100-\u11ff\u2e80-\u2fdf\u3040-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff\u0e00-\u0eff]"
)
_HOST_PART: Final = re.compile(r"(?i)[a-z][a-z0-9+.-]*:[\\/]*[^\\/?#]*")

# Letters of bare names: those of alphabets that look like Latin, and no ideographs (which stand next to names).
_LETTER: Final = r"a-z0-9\u00c0-\u024f\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u1e00-\u1eff"
_BARE: Final = re.compile(
    rf"(?i)(?<![{_LETTER}@.:/\\_%=-])(?<![{_LETTER}]\.)"
    rf"((?:[{_LETTER}_](?:[{_LETTER}_-]{{0,61}}[{_LETTER}])?[.。]){{1,8}}([{_LETTER}-]{{2,24}}))(?![{_LETTER}_-])"
    r"[.。]?((?::[0-9]{1,5})?(?:[/?#\\][^\s<>\"`]*)?)"
)
_ADDRESS: Final = re.compile(
    r"(?<![\w.:/@\\-])((?:0x[0-9a-fA-F]{1,8}|[0-9]{1,11})(?:\.(?:0x[0-9a-fA-F]{1,8}|[0-9]{1,11})){3}|\[[0-9a-fA-F:.]{3,45}\])"
    r"(?![\w-])(?!\.[0-9])((?::[0-9]{1,5})?(?:[/?#\\][^\s<>\"`]*)?)"
)
_ONE_NUMBER: Final = re.compile(r"(?<![\w.:/@\\-])((?:0x[0-9a-fA-F]{7,8}|[0-9]{8,10}))(/[^\s<>\"`]+)")
_AS_USER: Final = re.compile(
    rf"(?i)(?<![{_LETTER}@.:/\\_%=-])((?:[{_LETTER}_-]{{1,63}}\.){{1,6}}(?:com|net|org|co\.uk|de|fr|gov|edu|io|app))@"
    rf"((?:[{_LETTER}_-]{{1,63}}\.){{1,8}}[{_LETTER}-]{{2,24}}(?:[/?#:\\][^\s<>\"`]*)?)"
)
_LOCAL: Final = re.compile(
    r"(?i)(?<![\w.:/@\\-])((?:localhost|metadata\.google\.internal))((?::[0-9]{1,5})?(?:/[^\s<>\"`]*)?)(?![\w.-])"
)


def scan(text: str, before: str, *, goes_on: bool) -> Iterator[Found]:
    taken: list[Span] = []
    for found in _markup(text, before):
        taken.append((found.start, found.end))
        yield found
    for match in _URL.finditer(text):
        if goes_on and match.start() == 0:
            continue
        yield from _of_url(match[0], match.start(), taken)
        taken.append(match.span())
    yield from _bare(text, taken, goes_on=goes_on)
    yield from _defanged(text, before)


def _of_url(url: str, start: int, taken: list[Span]) -> Iterator[Found]:
    url = _trimmed(url)
    if not url.partition(":")[2].strip("\\/") and not url.startswith(("//", "\\\\")):
        return
    if any(s <= start < e for s, e in taken):
        return
    host = _HOST_PART.match(url)
    ideograph = _CJK.search(url)
    if ideograph is not None:
        # Between ideographs a link ends with the first of them, or goes on: both are readers' guesses.
        short = _trimmed(url[: ideograph.start()])
        if len(short) > 8:
            yield Found(short, start, start + len(short), Form.URL)
        if host is None or ideograph.start() >= host.end() or "." not in host[0][ideograph.start() :]:
            return
    yield Found(url, start, start + len(url), Form.URL)


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it."""
    end = len(url)
    while end and url[end - 1] in _ENDS:
        last = url[end - 1]
        opening = {")": "(", "]": "[", "}": "{"}.get(last)
        if opening is not None and url.count(opening, 0, end) >= url.count(last, 0, end):
            break
        end -= 1
    return url[:end]


def _bare(text: str, taken: list[Span], *, goes_on: bool) -> Iterator[Found]:
    if goes_on:
        return

    def free(start: int) -> bool:
        return not any(s <= start < e for s, e in taken)

    for match in _AS_USER.finditer(text):
        if free(match.start()):
            taken.append(match.span())
            url = _trimmed(match[0])
            sure = any(mark in match[2] for mark in "/?#\\")
            yield Found(f"https://{url}", match.start(), match.start() + len(url), Form.BARE, sure=sure)
    for match in _BARE.finditer(text):
        last = match[2].lower()
        if last not in TLDS and not last.startswith("xn--") and last.isascii():
            continue
        if not last.isascii() and match[1].isascii():
            continue
        if not free(match.start()) or text[match.end() : match.end() + 1] == "@":
            continue
        url = _trimmed(match[0])
        tail = match[3].rstrip(_ENDS)
        sure = bool(tail) or match[1][:4].lower() == "www." or last not in WORDLIKE
        taken.append(match.span())
        yield Found(f"https://{url}", match.start(), match.start() + len(url), Form.BARE, sure=sure)
    for pattern in (_ADDRESS, _ONE_NUMBER, _LOCAL):
        for match in pattern.finditer(text):
            if free(match.start()):
                url = _trimmed(match[0]) if not match[0].startswith("[") else match[0]
                sure = bool(match[2].strip("/:"))
                yield Found(f"http://{url}", match.start(), match.start() + len(url), Form.BARE, sure=sure)


# --- markup ------------------------------------------------------------------------------------------

_DESTINATION: Final = re.compile(r"\]\(<?([^\s()<>]{2,}(?:\([^\s()<>]*\)[^\s()<>]*)*)")
_OPEN_DESTINATION: Final = re.compile(r"\]\(\s*<?\s*\Z")
_REFERENCE: Final = re.compile(r"\[([^\[\]\n]{1,120})\]:\s*<?\s*\Z")
_ATTRIBUTE: Final = re.compile(
    r"(?i)(?<![\w-])(href|src|action|formaction|poster|data|xlink:href|background|ping|srcset)=(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))"
)
_OPEN_ATTRIBUTE: Final = re.compile(
    r"(?i)(?<![\w-])(?:href|src|action|formaction|poster|xlink:href|background|ping)\s{0,4}=\s{0,4}[\"']\Z"
)
_ANCHOR: Final = re.compile(
    r"(?is)<a\s[^<>]{0,300}?href\s*=\s*[\"']?([^\s\"'<>]+)[\"']?[^<>]{0,200}>((?:(?!</?a[\s>]).){1,200})\Z"
)
_TAGS: Final = re.compile(r"<[^<>]*>")
_DEST_WITH_HOST: Final = re.compile(r"(?i)\s*(?:[a-z][a-z0-9+.-]*\s*:|[\\/]{2})")


def _markup(text: str, before: str) -> Iterator[Found]:
    around = before + text
    shift = len(before)
    for match in _DESTINATION.finditer(text):
        url = unescape(match[1])
        if _DEST_WITH_HOST.match(url):
            label = _label(around[: shift + match.start()])
            yield Found(url, match.start(1), match.end(1), Form.MARKUP, label)
    opened = _OPEN_DESTINATION.search(before[-32:])
    if opened is not None:
        url = _trimmed(unescape(text.partition(")")[0].strip("<>")))
        if _DEST_WITH_HOST.match(url):
            start = text.find(url[:4]) if url[:4] in text else 0
            label = _label(before[: before.rindex("](")])
            yield Found(url, start, start + len(text.partition(")")[0]), Form.MARKUP, label)
    else:
        yield from _referenced(text, before)
    if "=" in text or '"' in text or "'" in text or ">" in text:
        yield from _attributes(text, before)
    if "</a" in text or "</A" in text:
        yield from _anchored(text, around, shift)


def _label(upto: str) -> str:
    """The text of a Markdown link that ends here."""
    depth = 1
    for place in range(len(upto) - 1, -1, -1):
        depth += (upto[place] == "]") - (upto[place] == "[")
        if depth == 0:
            return upto[place + 1 :].strip()
    return ""


def _referenced(text: str, before: str) -> Iterator[Found]:
    """``[name]: URL``, seen as the name or as what refers to it."""
    at = 0
    match = _REFERENCE.search(before[-160:])
    if match is None and text.startswith("[") and "]:" in text:
        match = _REFERENCE.search(text[: text.index("]:") + 2])
        at = text.index("]:") + 2
    if match is None:
        return
    url = _trimmed(text[at:].strip("<>"))
    if not _DEST_WITH_HOST.match(url):
        return
    name = match[1]
    used = re.search(rf"\[([^\[\]]{{1,120}})\]\[{re.escape(name)}\]", before)
    start = text.index(url)
    yield Found(url, start, start + len(url), Form.MARKUP, used[1].strip() if used is not None else name)


def _attributes(text: str, before: str) -> Iterator[Found]:
    for match in _ATTRIBUTE.finditer(text):
        group = next(index for index in (2, 3, 4) if match[index] is not None)
        closed = text[match.end() : match.end() + 1] in ('"', "'") or group == 4
        url = unescape(match[group])
        if closed and _DEST_WITH_HOST.match(url):
            yield Found(url, match.start(group), match.end(group), Form.MARKUP)
    quote = max(before.rfind('"'), before.rfind("'"))
    if quote < 0 or before[quote] not in text or "<" in before[quote:] or ">" in before[quote:]:
        return
    if _OPEN_ATTRIBUTE.search(before[max(0, quote - 32) : quote + 1]) is not None:
        rest = text[: text.index(before[quote])]
        url = unescape(before[quote + 1 :] + rest)
        if rest and _DEST_WITH_HOST.match(re.sub(r"[\t\r\n]", "", url)):
            yield Found(url.strip(), 0, len(rest), Form.MARKUP)


def _anchored(text: str, around: str, shift: int) -> Iterator[Found]:
    """``<a href=URL>text</a>``: what is seen, with where it leads."""
    at = re.search(r"(?i)</a", text)
    if at is None:
        return
    match = _ANCHOR.search(around[: shift + at.start()])
    if match is not None:
        label = unescape(_TAGS.sub("", match[2])).strip()
        url = unescape(match[1])
        if "." in label and _DEST_WITH_HOST.match(url):  # else the attribute says all there is to say
            start = max(0, match.start(1) - shift) if match.start(1) >= shift else max(0, match.start(2) - shift)
            yield Found(url, start, at.start(), Form.MARKUP, label)


# --- defanged and spelled out --------------------------------------------------------------------------

_FANGS: Final = re.compile(
    r"(?i)\bh(?:xx|\*\*|xt|tx|\[tt\]|\[xx\]|__|\.\.)p(?=s?\W)|\bf(?:x|\*)p(?=s?:)|\bmeow(?=s?:)|[\[({<](?:[.:/@]+|dot|d0t|punkt|punto|point)[\])}>]"
    r"|\\\.|[\[(]:?//[\])]|\[(?:https?|://)\]|(?<=\w)(?:_dot_|-dot-|\{\.\})(?=\w)"
)
_CODED: Final = re.compile(r"(?i)&(?:#[0-9]{2,5}|#x[0-9a-f]{2,4}|colon|sol|period|commat);|https?%3a%2f")
_SPELLED: Final = re.compile(
    rf"(?i)((?:https?\s?:\s?[/\\]{{2}}\s?)?[{_LETTER}-]{{2,63}}(?:(?:\s?[\[({{](?:\.|dot|d0t)[\])}}]\s?|\s+dot\s+|\s\.\s?|\s?\.\s)[{_LETTER}-]{{1,63}}){{0,4}})"
    r"(?:\s?[\[({](?:\.|dot|d0t)[\])}]\s?|\s+dot\s+|\s\.\s?|\s?\.\s+)\Z"
)
_SPELLED_END: Final = re.compile(rf"(?i)([{_LETTER}]{{2,24}})((?:[/?#:\\][^\s<>\"`]*)?)[.,;:!?)\]'\"]*\Z")
_SPELLED_TLDS: Final = words(
    "com net org info biz xyz top online site shop club live app dev io co me us uk de fr ru cn in br nl it es "
    "eu tk ml ga cf gq link click icu vip work buzz cc ws pw space store tech fun website world pro support "
    "help finance bank"
)


def _refanged(text: str) -> str:
    def whole(match: re.Match[str]) -> str:
        token = match[0].lower()
        if token.startswith("h"):
            return "http"
        if token.startswith("f"):
            return "ftp"
        if token.startswith("meow"):
            return "http"
        if "http" in token or "://" in token:
            return token.strip("[]()")
        inner = token.strip("[](){}<>\\_-")
        return "." if inner in ("dot", "d0t", "punkt", "punto", "point", "") else inner

    return _FANGS.sub(whole, text)


def _defanged(text: str, before: str) -> Iterator[Found]:
    coded = _CODED.search(text) is not None
    if coded or _FANGS.search(text) is not None:
        fanged = _refanged(unquote(unescape(text)) if coded else text)
        if fanged != text:
            for found in (*_urls(fanged), *_bare(fanged, [], goes_on=False)):
                yield Found(found.url, 0, len(text), Form.DEFANGED, sure=found.sure)
                break
    ending = _SPELLED_END.match(text)
    if ending is not None and ending[1].lower() in _SPELLED_TLDS and before:
        opened = _SPELLED.search(before[-200:])
        if opened is not None:
            name = re.sub(r"(?i)[\[({](?:\.|dot|d0t)[\])}]|\bdot\b|\.", " ", opened[1])
            scheme = re.match(r"(?i)https?\s*:\s*[/\\]{2}\s*", opened[1])
            if scheme is not None:
                name = name[scheme.end() :]
            host = ".".join([*name.split(), ending[1]])
            marked = re.search(r"[\[({](?:\.|(?i:dot|d0t))[\])}]|\sdot\s", opened[0]) is not None
            yield Found(f"https://{host}{ending[2]}", 0, ending.end(2), Form.DEFANGED, sure=marked)


def _urls(text: str) -> Iterator[Found]:
    for match in _URL.finditer(text):
        yield from _of_url(match[0], match.start(), [])
