"""``[genuine.watch]``: the watch for copies (``chatward.watch``).

Nothing is asked of anybody unless it is said here."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from msgspec import Meta

from chatward.settings.base import Fraction, Seconds, Strict

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}")
_ENDING: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)?[a-z][a-z0-9-]{0,62}")
_LOG: Final = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
_WORD: Final = re.compile(r"[a-z0-9]{1,32}")


class WatchedLog(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One log of certificate transparency. What it says counts only if it is signed with its key."""

    url: str
    """Where it is read: for `rfc6962` what stands before `/ct/v1`, for `static` its monitoring prefix."""
    key: str
    """Its public key (DER, base64), as the browsers' lists of logs have it."""
    kind: Literal["rfc6962", "static"] = "static"
    """RFC 6962, or static-ct-api (tiles)."""
    origin: str = ""
    """`static`: the name in its checkpoints, if it is not the host and path of its submission prefix; empty: any."""


class Watch(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A watch for copies of the bot. Runs as `chatward genuine watch`, and never by itself."""

    domains: tuple[str, ...] = ()
    """Domains whose likes are looked for. Empty: those of `genuine.domains`."""
    names: tuple[str, ...] = ()
    """Names in other people's domains that are looked for too: of the brand, of the bot. At least four letters."""
    ignore: tuple[str, ...] = ()
    """Domains of others that are known and harmless: partners, resellers. What is beneath them counts as well."""
    permutations: bool = False
    """Whether DNS is asked which domains that look like these exist."""
    endings: tuple[str, ...] = ()
    """Endings (`shop`, `co.uk`) under which the names are looked for, beside the usual ones."""
    words: tuple[str, ...] = ()
    """Words that stand beside a name in a copy's domain (`parcel`, `refund`), beside the usual ones."""
    nameservers: tuple[str, ...] = ()
    """Addresses of resolvers that are asked. Empty: those of this machine."""
    most: Annotated[int, Meta(ge=1, le=50_000)] = 3000
    """Names that are asked for in a round, at most; the likeliest first."""
    per_second: Annotated[float, Meta(gt=0, le=1000)] = 20.0
    """Questions to DNS in a second, at most."""
    logs: tuple[WatchedLog, ...] = ()
    """Logs of certificate transparency that are read."""
    start: Literal["now", "beginning"] = "now"
    """Where a log is begun that was never read before."""
    entries: Annotated[int, Meta(ge=1)] = 100_000
    """Entries of one log that are read in a round, at most; the next round goes on from there."""
    fetch: bool = False
    """Whether the front page of a candidate is fetched and compared with ours. Its owner sees our address."""
    pages: tuple[str, ...] = ()
    """Our own pages to compare with: files, or https addresses that are fetched."""
    case_from: Fraction = 0.6
    """The score from which a candidate becomes a case."""
    seconds: Seconds = 20.0
    """Seconds that one answer may take in all."""
    every: Seconds = 21_600.0
    """Seconds between two rounds without `--once`."""
    ca_file: str | None = None
    """Authorities (PEM) to trust in place of the system's, for logs and our own pages."""
    path: str = ""
    """The SQLite file with cases and how far logs were read. Empty: `chatward-watch.db` beside the ledger."""


def watch_problems(watch: Watch, owned: tuple[str, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What a watch may not say: the steps below ``genuine.watch`` and a sentence. ``owned``: ``genuine.domains``."""
    for key in ("domains", "ignore"):
        for index, domain in enumerate(getattr(watch, key)):
            if not _DOMAIN.fullmatch(domain):
                yield (key, index), "must be a domain in lower case, such as example.com"
    for index, name in enumerate(watch.names):
        if not _WORD.fullmatch(name) or len(name) < 4:
            yield ("names", index), "must be four letters or digits at least, in lower case"
    for index, ending in enumerate(watch.endings):
        if not _ENDING.fullmatch(ending):
            yield ("endings", index), "must be an ending without a point before it, such as shop or co.uk"
    for index, word in enumerate(watch.words):
        if not _WORD.fullmatch(word):
            yield ("words", index), "must be letters and digits in lower case"
    for index, log in enumerate(watch.logs):
        if not _LOG.fullmatch(log.url):
            yield ("logs", index, "url"), "must be an https address without a user, a query and a fragment"
        try:
            base64.b64decode(log.key, validate=True)
        except (binascii.Error, ValueError):
            yield ("logs", index, "key"), "must be the log's public key, base64"
    for index, page in enumerate(watch.pages):
        if "://" in page and not page.startswith("https://"):
            yield ("pages", index), "must be a file or an https address"
    if (watch.permutations or watch.logs) and not (watch.domains or owned or (watch.names and not watch.permutations)):
        yield ("domains",), "or `genuine.domains` must name the domains whose likes are looked for"
