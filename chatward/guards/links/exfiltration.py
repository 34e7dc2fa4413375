r"""Links that carry data out of a reply, and what loads by itself.

The rule: whoever can put text before a bot can ask it to write a URL, and a URL is a message to its host. So
in replies

1. what a client *fetches unasked* (Markdown and HTML images, frames, media) is a finding wherever it comes
   from, and a grave one when its URL carries data;
2. what a person has to click is a finding only when its URL carries data: encoded text, whole sentences,
   placeholders, unfilled template variables, letters spelled out as path segments or host labels;
3. what runs (``javascript:``, ``data:text/html``), what lies about its host (``https://bank.example@other``,
   ``http:\\other\@bank.example``) and what speaks to a terminal (ECMA-48 escapes) is one as well.

Ordinary links, short ids, tracking parameters and signed downloads are none. Stylesheets and scripts without data
are reported below the usual threshold, since chat pages do not load them and code answers are full of them.

URLs are read as browsers do (WHATWG, by can_ada) and by nothing else. Allow lists are applied afterwards, by
``host_of``. Not checked: what the host does with a visit, and data in the order or number of links.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape
from typing import Any, Final
from urllib.parse import unquote, unquote_plus

from chatward.core.addresses import parse
from chatward.core.normalise import plain
from chatward.core.ports import Cost, GuardSpec
from chatward.core.rules import PLAIN_ONLY, Rule, Validator
from chatward.core.values import Category, Moment, Severity
from chatward.guards.links.extraction import links_in

_ID: Final = "links.exfiltration"
_HEAD: Final = 300
"""Code points of a bare URL that its rule sees; a longer one is judged by these and by its being long."""

# --- what a URL carries ------------------------------------------------------------------------------

_SENTENCE: Final = 12  # words in one value that no search link needs
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_VARIABLE: Final = re.compile(r"\$?\{{1,2}\s?([A-Za-z_][\w. -]{0,40})\}{1,2}|<([A-Z_]{3,30})>")
_PLACEHOLDER: Final = re.compile(r"\[[A-Za-z][A-Za-z_ -]{1,23}[_ -]?[1-9][0-9]{0,3}\]")
# With letters at its end: ``bootstrap@5.3.0`` is a package, ``19:meeting_x@thread.v2`` a room.
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,63}")
_TELLING: Final = re.compile(
    r"(?i)(?:chat|conversation|history|messages?|secret|password|passwd|api_?key|token|prompt|system|context"
    r"|summary|user_?data|user_?info|credentials?|memory)"
)
# Values that are long and opaque by trade: campaign ids, signatures of downloads, state of sign-in.
_OPAQUE: Final = re.compile(
    r"(?i)utm_\w+|\w*clid|_ga|_gl|mc_[ce]id|x-(?:amz|goog)-[\w-]+|awsaccesskeyid|signature|sig|hmac|expires|policy"
    r"|key-pair-id|se|sp|sv|sr|hash|etag|state|nonce|code_challenge|cursor|page_?token|session|sid|ved|ei|igsh?|si|v|ref_?"
)
# Where a meeting's passcode stands, which is base64 of letters. At these hosts nobody but their owner reads it.
_PASSCODES: Final = {"zoom.us": "pwd", "zoomgov.com": "pwd"}
_SPELLED: Final = re.compile(r"(?:/[A-Za-z0-9%]){8,}(?=/|\Z)")
_NEEDLESS: Final = re.compile(r"(?:%[46][1-9A-Fa-f]|%[57][0-9Aa]|%3[0-9]){6}")  # letters and digits need no %
_LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
_DATA_LABEL: Final = re.compile(r"(?=[a-z2-7]*[0-9])[a-z2-7]{32,63}|(?=[0-9]*[a-f])[0-9a-f]{30,63}")


def _says(text: str) -> bool:
    """Whether a token is base64, base32 or hex of readable text."""
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    candidates: list[bytes] = []
    try:
        if re.fullmatch("[0-9A-Fa-f]+", bare) and len(bare) % 2 == 0:
            candidates.append(bytes.fromhex(bare))
        if re.fullmatch("(?:[A-Z2-7]+|[a-z2-7]+)", bare):
            candidates.append(base64.b32decode(bare.upper() + "=" * (-len(bare) % 8)))
        if len(bare) % 4 != 1:
            candidates.append(base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True))
    except (ValueError, binascii.Error):
        pass
    return any(map(_readable, candidates))


def _readable(data: bytes) -> bool:
    if len(data) < 8:
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data[:-3].decode(errors="replace")  # a token may have been cut inside a character
    if not all(char.isprintable() or char in "\n\t\r" for char in text) or "\ufffd" in text:
        return False
    letters = sum(byte in _LETTERS or byte > 127 for byte in data)
    return letters * 10 >= len(data) * (6 if len(data) >= 12 else 8)


def _tokens_say(text: str) -> bool:
    return any(_says(match[0]) for match in _ENCODED.finditer(text))


def _value_weight(name: str, raw: str) -> float:
    """How much one query value, or one path segment, looks like data carried out."""
    if len(raw) < 8:
        return 0.0
    value = unquote_plus(raw)
    if _tokens_say(value) or _NEEDLESS.search(raw):
        return 0.9
    if _MAIL.search(value) or len(value.split()) >= _SENTENCE or value.count("\n") >= 2:
        return 0.6
    if len(value) >= 200 and not _OPAQUE.fullmatch(name):
        return 0.6
    return 0.0


@lru_cache(maxsize=2048)
def _parsed(url: str) -> Any:
    import can_ada  # noqa: PLC0415  (0.01 s that not every command needs)

    try:
        return can_ada.parse(url)
    except ValueError:
        return None


def _absolute(url: str) -> str:
    """A URL as a page over HTTPS would take it: ``//host`` gets the page's scheme."""
    url = url.strip(" \t\r\n<>\"'")
    return f"https:{url}" if re.match(r"[\\/]{2}", url) else url


@lru_cache(maxsize=2048)
def _weight(url: str) -> float:
    """How much a URL looks like one that carries data out, 0 to 1."""
    text = _absolute(url).rstrip(".,;:!?)'\"*`")
    for opening, closing in ("[]", "{}"):
        if closing in text and opening not in text:  # the sentence's, not the URL's
            text = text.rstrip(closing)
    parsed = _parsed(text)
    if parsed is None or parsed.protocol not in ("http:", "https:", "ws:", "wss:", "ftp:"):
        return 0.0
    weight = max(_host_weight(parsed.hostname), _variables_weight(text))
    path = parsed.pathname
    for segment in path.split("/"):
        weight = max(weight, _value_weight("", segment))
    if weight < 0.8 and _SPELLED.search(path):
        weight = 0.8
    query = parsed.search.lstrip("?")
    for pair in query.split("&"):
        name, equals, value = pair.partition("=")
        if name and name == _PASSCODES.get(".".join(parsed.hostname.split(".")[-2:])):
            continue
        weight = max(weight, _value_weight(name, value) if equals else _value_weight("", name))
    if weight < 0.6 and len(url) >= _HEAD - 12 and not _signed(query):
        weight = 0.6
    return weight


def _signed(query: str) -> bool:
    """A download link with a signature is long by trade."""
    return bool(re.search(r"(?i)(?:^|&)(?:x-(?:amz|goog)-(?:signature|credential|algorithm)|sig|signature)=", query))


def _host_weight(host: str) -> float:
    labels = host.split(".")[:-2]
    if not labels or host.startswith("["):
        return 0.0
    joined = "".join(labels)
    if len(joined) >= 16 and (_says(joined) or any(len(label) >= 16 and _says(label) for label in labels)):
        return 0.9
    return 0.7 if any(_DATA_LABEL.fullmatch(label) for label in labels) else 0.0


def _variables_weight(text: str) -> float:
    """Unfilled template variables and placeholders: the bot was told to put something there."""
    rest = unquote(text.partition("://")[2])
    if _PLACEHOLDER.search(rest):
        return 0.6
    names = [match[1] or match[2] for match in _VARIABLE.finditer(rest)]
    if any(_TELLING.search(name) for name in names) and "?" in rest.partition("{")[0]:
        return 0.8
    return 0.6 if len(names) >= 3 else 0.0


def _carries_little(url: str) -> bool:
    """For what loads unasked: no query worth the name and no opaque segment."""
    parsed = _parsed(_absolute(url))
    if parsed is None:
        return True
    if _VARIABLE.search(unquote(url)):
        return False
    values = [pair.partition("=")[2] or pair for pair in parsed.search.lstrip("?").split("&")]
    return max(map(len, values)) < 16 and max(map(len, parsed.pathname.split("/"))) < 48


# --- validators --------------------------------------------------------------------------------------

_RUNS: Final = re.compile(r"(?i)(?:javascript|vbscript):|data:(?!image/(?:png|jpe?g|gif|webp|avif)[;,])[\w.+-]*[/;,]")
_ELSEWHERE: Final = re.compile(r"(?i)\s*(?:(?:https?|ftp|wss?):|[\\/]{2})")
_ATTRIBUTE: Final = re.compile(
    r"""(?i)[\s/"'](src|srcset|href|xlink:href|data|poster|background|action|formaction|content|style|ping|lowsrc)"""
    r"""\s*=\s*(?:"([^"]*)"?|'([^']*)'?|([^\s>]+))"""
)
_TAG: Final = re.compile(r"(?i)<([a-z]+)")
_IMAGE_SIMPLE: Final = re.compile(r"!\[[^\[\]]{0,95}\Z")
_BLANKS: Final = re.compile(r"[\t\r\n\x00-\x1f]+")


def _destination(text: str) -> str:
    """The destination in the head of a Markdown link or image (CommonMark 6.3: entities count)."""
    return unescape(text[text.rindex("](") + 2 if "](" in text else text.index("]:") + 2 :]).strip(" \t\n<")


def _loaded(url: str) -> float | None:
    if not _ELSEWHERE.match(url):
        return 0.8 if _RUNS.match(_BLANKS.sub("", url)) else None
    return 0.9 if _weight(url) > 0 or not _carries_little(url) else 0.7


def _clicked(url: str) -> float | None:
    if _RUNS.match(_BLANKS.sub("", url)):
        return 0.8
    return _weight(url) or None if _ELSEWHERE.match(url) else None


def _image(text: str, before: str) -> float | None:
    return _loaded(_destination(text))


def _reference_image(text: str, before: str) -> float | None:
    return 0.7 if re.search(r"\w", text) else None


def _link(text: str, before: str) -> float | None:
    if _IMAGE_SIMPLE.search(before):
        return None  # the image rule has it, whole
    at = before.rfind("![")
    depth = 1
    for char in before[at + 2 :]:
        depth += (char == "[") - (char == "]")
        if depth == 0:
            break
    url = _destination(text)
    return _loaded(url) if at >= 0 and depth == 1 and text.startswith("](") else _clicked(url)


_UNASKED: Final = frozenset(
    {"img", "image", "iframe", "frame", "embed", "object", "video", "audio", "source", "track", "input", "body"}
    | {"table", "td", "bgsound", "portal", "fencedframe"}
)


def _html(text: str, before: str) -> float | None:
    tag = _TAG.match(text)
    if tag is None:
        return None
    name = tag[1].lower()
    best = 0.0
    for attribute in _ATTRIBUTE.finditer(text):
        key = attribute[1].lower()
        value = _BLANKS.sub("", unescape(attribute[2] or attribute[3] or attribute[4] or ""))
        for url in _urls_in(key, value):
            weight = _loaded(url) if name in _UNASKED else _clicked(url)
            if weight is None and name not in ("a", "area") and _ELSEWHERE.match(url):
                weight = 0.45  # a script, a style sheet, a form
            best = max(best, weight or 0.0)
    if not best and name in _UNASKED and len(text) >= _HEAD - 10:
        return 0.6  # its attributes are longer than what is read
    return best or None


def _urls_in(key: str, value: str) -> Iterator[str]:
    if key == "srcset":
        yield from (candidate.strip().partition(" ")[0] for candidate in value.split(","))
    elif key == "style":
        yield from re.findall(r"(?i)url\(\s*[\"']?([^\"')]+)", value)
    elif key == "content":
        yield from re.findall(r"(?i)url\s*=\s*[\"']?([^\"']+)", value)
    else:
        yield value.strip()


def _css(text: str, before: str) -> float | None:
    url = re.sub(r"(?i)\A(?:url\(|@import)\s*(?:url\()?[\s\"']*", "", text)
    return max(_weight(url), 0.45)


def _bare(text: str, before: str) -> float | None:
    return _weight(text) or None


def _confusing(text: str, before: str) -> float | None:
    """A host other than the one that a reader takes it for."""
    parsed = _parsed(text)
    if parsed is None:
        return None
    rest = text.partition(":")[2]
    slashes = rest[: len(rest) - len(rest.lstrip("\\/"))]
    if "\\" in slashes or "\\" in rest.lstrip("\\/").partition("/")[0]:
        return 0.85
    # ``git@host`` is how repositories are named; a dot, a colon or a % makes a name that plays a host.
    return 0.85 if parsed.password or re.search(r"[.%]", parsed.username) else None


def _escape(text: str, before: str) -> float | None:
    if re.fullmatch(r"\x1b\[[0-9;:]*m", text):
        return 0.4  # colour
    return 0.95 if text[1:2] in "]PX^_" else 0.8


# --- rules -------------------------------------------------------------------------------------------


def _rule(
    name: str, pattern: str, validate: Validator, detail: str, severity: Severity, summary: str, **more: Any
) -> Rule:
    return Rule(
        id=f"{_ID}/{name}",
        pattern=pattern,
        category=Category.LINK,
        severity=severity,
        confidence=0.7,
        summary=summary,
        detail=detail,
        validate=validate,
        views=PLAIN_ONLY,
        **more,
    )


_TAGS: Final = (
    "img|image|iframe|frame|embed|object|video|audio|source|track|input|body|table|td|bgsound|portal|fencedframe"
    "|script|link|meta|base|form|button|svg|use|a|area|div|span|p"
)
_IGNORE: Final = re.IGNORECASE


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    return (
        _rule(
            "image",
            r"!\[[^\[\]]{0,100}\]\([ \t\n]{0,3}<?[^\s()<>]{1,200}",
            _image,
            "image",
            Severity.HIGH,
            "A Markdown image that the reader's client fetches unasked",
            until=r"[)\n]",
            limit=2048,
            trigger=r"!\[",
        ),
        _rule(
            "reference-image",
            r"!\[[^\[\]]{0,100}\]\[[^\[\]]{0,100}\]",
            _reference_image,
            "image",
            Severity.HIGH,
            "A Markdown image by reference, fetched unasked",
            trigger=r"!\[",
        ),
        _rule(
            "link",
            r"\](?:\(|:)[ \t\n]{0,3}<?[^\s()<>]{1,290}",
            _link,
            "link",
            Severity.HIGH,
            "A Markdown link whose URL carries data out or runs",
            tail=r"[^\s()<>]",
            trigger=r"\][(:]",
        ),
        _rule(
            "html",
            rf"<(?:{_TAGS})[\s/][^<>]{{1,{_HEAD - 15}}}",
            _html,
            "html",
            Severity.HIGH,
            "An HTML element that loads from elsewhere, or a link that carries data out",
            flags=_IGNORE,
            until=">",
            limit=4096,
            trigger=rf"<(?:{_TAGS})[\s/]",
        ),
        _rule(
            "stylesheet",
            r"(?:url\(|@import)[ \t\n\"'url(]{0,8}(?:https?:)?[\\/]{2}[^\s\"'()<>]{1,260}",
            _css,
            "stylesheet",
            Severity.MEDIUM,
            "A style that loads from elsewhere",
            flags=_IGNORE,
            tail=r"[^\s\"'()<>]",
            trigger=r"(?:url\(|@import)",
        ),
        _rule(
            "url",
            rf"(?<![A-Za-z0-9])(?:https?|ftp|wss?):[\\/]{{1,4}}[^\s<>\"`]{{1,{_HEAD}}}",
            _bare,
            "url",
            Severity.HIGH,
            "A URL that carries data out",
            flags=_IGNORE,
            tail=r"[^\s<>\"`]",
        ),
        _rule(
            "confusing-url",
            r"(?<![A-Za-z0-9])https?:[\\/]{0,4}[^\s<>\"`/?#\\]{0,200}[@\\][^\s<>\"`/?#]{1,100}",
            _confusing,
            "confusing-url",
            Severity.HIGH,
            "A URL that leads to another host than it seems to",
            flags=_IGNORE,
            tail=r"[^\s<>\"`]",
        ),
        _rule(
            "active-url",
            r"(?<![\w-])(?:(?<=<)(?:javascript|vbscript):[^\s<>]{1,280}|data:(?:text/(?:html|xml|javascript)"
            r"|application/(?:xhtml\+xml|javascript|xml|pdf|x-[\w-]{1,20})|image/svg\+xml)[;,][^\s<>\"'`)]{1,240})",
            lambda text, before: 0.8,
            "active-url",
            Severity.HIGH,
            "A URL that runs in the reader's client",
            flags=_IGNORE,
            tail=r"[^\s<>\"'`)]",
        ),
        _rule(
            "terminal-escape",
            r"\x1b(?:\[[0-?]{0,40}[!-/]{0,4}[@-~]|[\]PX^_][^\s\x07\x1b]{0,200}|[@-Z\\^_`-~])",
            _escape,
            "terminal-escape",
            Severity.MEDIUM,
            "A control sequence that a terminal obeys",
        ),
    )


class ExfiltrationGuard:
    """The rules on links in replies (a ``RuleGuard``)."""

    @property
    def spec(self) -> GuardSpec:
        return GuardSpec(
            id=_ID,
            summary="Links and images in replies that carry data out, run, or lie about their host",
            moments=frozenset({Moment.OUTPUT}),
            look_ahead=320,
            cost=Cost.PATTERN,
        )

    @property
    def rules(self) -> Sequence[Rule]:
        return _rules()


# --- for allow lists ---------------------------------------------------------------------------------

_URL: Final = re.compile(r"(?i)(?:(?:https?|ftp|wss?):[\\/]*|(?<![:\w\\/])[\\/]{2}(?=[\w\[]))[^\s<>\"'`]+")


def host_of(text: str) -> str | None:
    """The host that a matched text leads to: lower case, punycode, IPv4 unmapped, no final dot.

    ``None`` where there is none, where the URLs in it lead to several, or where it runs or cannot be
    read: an allow list must not apply then.
    """
    text = unescape(plain(text).text)
    if _RUNS.search(_BLANKS.sub("", text)):
        return None
    hosts: set[str] = set()
    for match in _URL.finditer(text):
        # In Markdown the URL ends with its bracket; taking less of a path cannot change the host.
        parsed = _parsed(_absolute(match[0].partition(")")[0]))
        if parsed is None or not parsed.hostname:
            return None
        hosts.add(_host(parsed.hostname))
    if not hosts:  # without a scheme, or defanged
        hosts = {address.host for link in links_in(text) if (address := parse(link.url)) is not None and address.host}
    return hosts.pop() if len(hosts) == 1 else None


def _host(name: str) -> str:
    if name.startswith("["):
        address = ipaddress.IPv6Address(name.strip("[]"))
        return str(address.ipv4_mapped or address)
    return name.rstrip(".")
