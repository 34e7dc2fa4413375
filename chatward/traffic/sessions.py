"""Whose message this is: sessions, and the cookie that makes one of a browser.

The rules:

1. A session is, in this order: a widget visitor's, a person's, that of our cookie, that of a key or other credential;
   and where there is none of these, a network and a ``user-agent`` (``shared``): many may be behind it, so nothing is
   held against it for longer than one message, and no pass is ever bound to it.
2. The cookie holds a random number and its keyed digest, nothing else: who presents another value presents none. It is
   needed for security alone, for this site alone, and goes with the browser's session.
3. At most ``most`` sessions are remembered, in this process; of more, those are forgotten that were quiet the longest.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from chatward.core.identity import ANONYMOUS, Caller, Fields, Kind

COOKIE: Final = "chatward_visit"
IDLE: Final = 1800.0
_NUMBER: Final = 32
_DIGEST: Final = 32


class Signing:
    """Digests for one purpose each, by one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, *values: object) -> str:
        """32 hexadecimal digits. Values hold no line feed."""
        said = "\n".join((purpose, *map(str, values)))
        return hmac.new(self._key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_DIGEST]

    def good(self, digest: str, purpose: str, *values: object) -> bool:
        return hmac.compare_digest(digest.encode("utf-8", "surrogatepass"), self.sign(purpose, *values).encode())


@dataclass(frozen=True, slots=True)
class Whose:
    """``id`` is safe to record. ``shared``: it may be several people; then ``fresh`` is the number of a session that is
    theirs alone, once they keep its cookie."""

    id: str
    shared: bool = False
    fresh: str = ""


def whose(caller: Caller, signing: Signing) -> Whose:
    """Rule 1."""
    principal, presented = caller.principal, caller.presented
    if principal.kind in {Kind.VISITOR, Kind.PERSON}:
        return Whose(f"{principal.id}/{principal.session}" if principal.session else principal.id)
    number = of_cookie(presented.headers, signing)
    if number is not None:
        return Whose(visit(number))
    if principal.kind is not Kind.ANONYMOUS or principal.id != ANONYMOUS.id:
        return Whose(principal.id)
    agent = presented.headers.get("user-agent") or ""
    return Whose(
        f"shared:{signing.sign('shared', block(presented.address), agent)[:24]}", True, secrets.token_hex(_NUMBER // 2)
    )


def of_cookie(headers: Fields, signing: Signing) -> str | None:
    """The number in a good cookie. Two of them are none."""
    found = [
        value.strip()
        for line in headers.get_all("cookie")
        for name, mark, value in (one.strip().partition("=") for one in line.split(";"))
        if mark and name.strip() in {COOKIE, f"__Host-{COOKIE}"}
    ]
    if len(found) != 1 or len(found[0]) != _NUMBER + _DIGEST:
        return None
    number, digest = found[0][:_NUMBER], found[0][_NUMBER:]
    return number if signing.good(digest, "cookie", number) else None


def visit(number: str) -> str:
    """The id of the session of a cookie."""
    return f"visit:{number}"


def cookie_header(number: str, signing: Signing, *, secure: bool) -> tuple[str, str]:
    """The field that makes a session of this number. ``__Host-`` where TLS is spoken (RFC 6265bis section 4.1.3.2)."""
    value = number + signing.sign("cookie", number)
    name = f"__Host-{COOKIE}" if secure else COOKIE
    return "set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"


def block(address: str) -> str:
    """The network of an address, as one household or site has it: /24 of IPv4, /48 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return f"6:{int(found) >> 80:x}"
        found = found.ipv4_mapped
    return f"4:{int(found) >> 8:x}"


@dataclass(slots=True)
class Session:
    """What is remembered of one. Times are of the clock of ``Sessions``."""

    seen: float
    began: float
    signals: set[str] = field(default_factory=set)
    """Signals of who it is; those of how it behaves are found anew each time."""
    messages: int = 0
    flying: int = 0
    last_asked: float = 0.0
    last_ended: float = 0.0
    openings: deque[float] = field(default_factory=lambda: deque(maxlen=16))
    blocks: dict[str, float] = field(default_factory=dict)
    reports: dict[str, int] = field(default_factory=dict)
    """The number of the last report by page's token."""
    offered: int = 0
    """Cookies that were set and did not come back, of a shared one."""
    pass_until: float = 0.0
    """When the pass ends that was seen last, and how many messages used it."""
    passed: int = 0
    told: str = ""
    """What the ledger was told last."""


class Recently:
    """How often something happened to each of many, the latest ``most`` of them: whether ``often`` times within
    ``within`` seconds."""

    def __init__(self, often: int, within: float, most: int = 10_000) -> None:
        self._often = often
        self._within = within
        self._most = most
        self._kept: OrderedDict[str, deque[float]] = OrderedDict()

    def happened(self, to: str, now: float) -> None:
        self._kept.setdefault(to, deque(maxlen=self._often)).append(now)
        self._kept.move_to_end(to)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def often(self, to: str, now: float) -> bool:
        kept = self._kept.get(to)
        return kept is not None and len(kept) == self._often and now - kept[0] < self._within


class Sessions:
    """All of them. ``clock`` gives seconds of any origin."""

    def __init__(self, most: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, id: str) -> Session:
        now = self._clock()
        session = self._kept.get(id)
        if session is None or (now - session.seen > IDLE and not session.flying):
            session = self._kept[id] = Session(now, now)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        session.seen = now
        self._kept.move_to_end(id)
        return session
