"""One round of the watch: names, logs, pages; candidates, and cases of those that score enough.

The rules:

1. Each source is asked only if the settings say so. What gave no answer is told as ``unknown`` or a problem, never as
   nothing found.
2. A page is fetched only of a candidate that exists, once a round, at most ``MOST_PAGES``, likeliest first. Nothing but
   its front page, icon and a few scripts; all through the fetch of ``fetching``.
3. Our own pages come first; where none can be read, pages are judged by scripts and forms alone.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from chatward.core.errors import UpstreamError
from chatward.core.events import Event
from chatward.core.hosts import split
from chatward.core.ports import Entry
from chatward.settings.watch import Watch, WatchedLog
from chatward.watch.candidates import CONTAINS, Candidate, Ours, judged
from chatward.watch.cases import Cases, Record
from chatward.watch.certificates import read as read_certificate
from chatward.watch.following import Following
from chatward.watch.likeness import Likeness, Seen, likeness
from chatward.watch.logged import Logged
from chatward.watch.pages import MOST, SCRIPTS, host_of, read
from chatward.watch.permutations import Permutation, permutations
from chatward.watch.resolving import Asking, Unresolved
from chatward.watch.transparency import Fetch, Head, Log, LogKey, Rfc6962, Tiled

MOST_PAGES: Final = 200
_AT_ONCE: Final = 4
_REDIRECTS: Final = 3


@dataclass(slots=True)
class Round:
    """What a round did. ``candidates``: by score, highest first; ``problems``: what could not be asked, and why."""

    asked: int = 0
    exist: int = 0
    unknown: int = 0
    entries: int = 0
    unread: int = 0
    pages: int = 0
    cases: int = 0
    left: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        names = ("asked", "exist", "unknown", "entries", "unread", "pages", "cases", "left")
        return {name: getattr(self, name) for name in names} | {
            "candidates": [one.told() for one in self.candidates],
            "problems": self.problems,
        }


class Watching:
    """``asking`` is ``None`` where DNS is not asked. ``fetch`` goes to strangers; ``scripts`` are digests (SHA-256,
    hex) of the scripts that we serve."""

    def __init__(
        self,
        watch: Watch,
        ours: Ours,
        *,
        asking: Asking | None,
        fetch: Fetch,
        cases: Cases,
        following: Following,
        record: Record,
        scripts: Sequence[str] = (),
    ) -> None:
        self._watch = watch
        self._ours = ours
        self._asking = asking
        self._fetch = fetch
        self._cases = cases
        self._following = following
        self._record = record
        self._scripts = scripts
        self._logs = [_log(log, fetch) for log in watch.logs]

    async def once(self) -> Round:
        """One round. Raises ``StoreError``."""
        done = Round()
        found: dict[str, Candidate] = {}
        evidence: dict[str, dict[str, Mapping[str, Any]]] = {}
        if self._watch.permutations and self._asking is not None:
            await self._names(self._asking, done, found, evidence)
        own = await self._own(done) if self._watch.fetch else []
        await self._pages(done, found, evidence, own)
        await self._kept(done, found, evidence)
        for log in self._logs:
            await self._certificates(log, done, found, own)
        done.candidates = sorted(found.values(), key=lambda one: (-one.score, one.host))
        names = ("asked", "exist", "unknown", "entries", "pages", "cases")
        fields: dict[str, object] = {name: getattr(done, name) for name in names}
        await asyncio.to_thread(self._record, Entry(Event.COPY_WATCHED, "", fields))
        return done

    async def _names(
        self,
        asking: Asking,
        done: Round,
        found: dict[str, Candidate],
        evidence: dict[str, dict[str, Mapping[str, Any]]],
    ) -> None:
        ignored = self._watch.ignore
        made = permutations(self._ours.domains, endings=self._watch.endings, words=self._watch.words, ours=ignored)
        wanted = list(islice(made, self._watch.most))
        done.left = sum(1 for _ in made)
        servers: set[str] = set()
        for domain in self._ours.domains:
            try:
                servers.update((await asking(domain)).ns)
            except Unresolved:
                done.unknown += 1

        async def one(name: Permutation) -> None:
            if self._ours.owned(name.domain):
                return
            done.asked += 1
            try:
                records = await asking(name.domain)
            except Unresolved:
                done.unknown += 1
                return
            if not records.exists or (name.kind == "subdomain" and not records.reachable):
                return
            done.exist += 1
            found[name.domain] = judged(
                name.domain, self._ours, kind=name.kind, of=name.of, records=records, our_servers=frozenset(servers)
            )
            evidence[name.domain] = {"dns": records.told()}

        await asyncio.gather(*map(one, wanted))

    async def _certificates(self, log: Log, done: Round, found: dict[str, Candidate], own: Sequence[Seen]) -> None:
        batches = self._following.batches(log, self._watch.entries, begin_at_end=self._watch.start == "now")
        try:
            async for head, batch in batches:
                new: dict[str, Candidate] = {}
                evidence: dict[str, dict[str, Mapping[str, Any]]] = {}
                matched: dict[str, Logged] = {}
                for entry in batch:
                    done.entries += 1
                    matched.update(dict.fromkeys(self._matched(entry, log.name, done, new, evidence), entry))
                await self._pages(done, new, evidence, own)
                for host, entry in matched.items():
                    if self._kept_of(host, new[host]):
                        proven = await self._proven(log, entry, head, done)
                        evidence[host]["certificate"] = {**evidence[host]["certificate"], **proven}
                await self._kept(done, new, evidence)  # before the place in the log moves on
                for host, candidate in new.items():
                    known = found.get(host)
                    found[host] = candidate if known is None or candidate.score > known.score else known
        except UpstreamError as error:
            done.problems.append({"asked": log.name, "reason": error.reason})

    def _matched(
        self,
        entry: Logged,
        log: str,
        done: Round,
        found: dict[str, Candidate],
        evidence: dict[str, dict[str, Mapping[str, Any]]],
    ) -> Sequence[str]:
        """The hosts of an entry that are like ours."""
        certificate = read_certificate(entry.der)
        if certificate is None:
            done.unread += 1
            return ()
        hosts = []
        for host in certificate.names:
            if self._ours.seen_in(host)[0] < CONTAINS:
                continue
            found[host] = judged(host, self._ours, certificate=True)
            place = {"log": log, "index": entry.index, "logged": entry.time, "precertificate": entry.precertificate}
            evidence[host] = {"certificate": {**certificate.told(), **place}}
            hosts.append(host)
        return hosts

    async def _proven(self, log: Log, entry: Logged, head: Head, done: Round) -> dict[str, Any]:
        """Evidence that an entry is in the tree that the log signed, or that it gave no proof of it."""
        try:
            await log.proven(entry, head)
        except UpstreamError as error:
            done.problems.append({"asked": log.name, "reason": error.reason})
            return {"proven": False}
        return {"proven": True, "tree": head.size, "root": head.root.hex()}

    async def _kept(
        self,
        done: Round,
        found: Mapping[str, Candidate],
        evidence: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ) -> None:
        for host, one in found.items():
            if self._kept_of(host, one):
                _, opened = await asyncio.to_thread(
                    self._cases.found, host, one.score, one.reasons, one.of, evidence.get(host, {})
                )
                done.cases += opened

    def _kept_of(self, host: str, one: Candidate) -> bool:
        """Whether a candidate makes a case, or goes to one that is followed."""
        known = self._cases.of(host)
        return one.score >= self._watch.case_from or (known is not None and known.state != "closed")

    # --- pages ------------------------------------------------------------------------------------------------

    async def _own(self, done: Round) -> list[Seen]:
        seen = []
        for page in self._watch.pages:
            try:
                if page.startswith("https://"):
                    answer = await self._fetch(page, redirects=_REDIRECTS, most=MOST)
                    if answer.status != 200:
                        raise UpstreamError("", reason="watch-status")
                    found = read(answer.body, answer.url, answer.header("content-type"))
                    seen.append(await self._beside(Seen(found), verify=True))
                else:
                    body = await asyncio.to_thread(Path(page).read_bytes)
                    seen.append(Seen(replace(read(body, page), icon="")))
            except UpstreamError as error:
                done.problems.append({"asked": page, "reason": error.reason})
            except OSError:
                done.problems.append({"asked": page, "reason": "watch-file"})
        return seen

    async def _pages(
        self,
        done: Round,
        found: dict[str, Candidate],
        evidence: dict[str, dict[str, Mapping[str, Any]]],
        own: Sequence[Seen],
    ) -> None:
        if not self._watch.fetch:
            return
        likely = sorted(found.values(), key=lambda one: -one.score)
        there = [one for one in likely if one.records.reachable or one.found == "certificate"]
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(candidate: Candidate) -> None:
            async with places:
                like, data = await self._looked(candidate.host, own)
            if like is None:
                return
            done.pages += 1
            evidence.setdefault(candidate.host, {})["page"] = data
            reasons = tuple(dict.fromkeys((*candidate.reasons, *(f"page-{name}" for name in like.reasons))))
            found[candidate.host] = replace(candidate, score=max(candidate.score, like.score), reasons=reasons)

        await asyncio.gather(*map(one, there[: max(0, MOST_PAGES - done.pages)]))

    async def _looked(self, host: str, own: Sequence[Seen]) -> tuple[Likeness | None, dict[str, Any]]:
        """How like ours a host's front page is, and the evidence of it."""
        for scheme in ("https", "http"):
            try:
                answer = await self._fetch(f"{scheme}://{host}/", redirects=_REDIRECTS, verify=False, most=MOST)
            except UpstreamError:
                continue
            page = read(answer.body, answer.url, answer.header("content-type"))
            if self._ours.owned(page.host):
                return None, {}  # it leads to us: nothing is shown in our place
            seen = await self._beside(Seen(page), verify=False)
            like = likeness(seen, own, hosts=self._ours.domains, scripts=self._scripts)
            return like, {
                "url": answer.url,
                "hops": list(answer.hops),
                "status": answer.status,
                "address": answer.address,
                "tls": answer.certificate,
                "sha256": page.sha256,
                "icon": seen.icon,
                "scripts": dict(sorted((seen.scripts or {}).items())),
                "forms": [{"to": form.to, "asks": form.asks} for form in page.forms[:8]],
                "likeness": like.told(),
            }
        return None, {}

    async def _beside(self, seen: Seen, *, verify: bool) -> Seen:
        """A page with the digests of its icon and of the scripts that its own site serves."""
        site = split(seen.page.host).registered
        icon = await self._digest(seen.page.icon, verify=verify)
        served = [one for one in seen.page.scripts if site and split(host_of(one)).registered == site]
        scripts = {one: await self._digest(one, verify=verify) for one in served[:SCRIPTS]}
        return Seen(seen.page, icon, {url: digest for url, digest in scripts.items() if digest})

    async def _digest(self, url: str, *, verify: bool) -> str:
        if not url:
            return ""
        try:
            answer = await self._fetch(url, redirects=1, verify=verify, most=MOST)
        except UpstreamError:
            return ""
        return sha256(answer.body).hexdigest() if answer.status == 200 and answer.body else ""


def _log(log: WatchedLog, fetch: Fetch) -> Log:
    key = LogKey(base64.b64decode(log.key))
    return Rfc6962(log.url, key, fetch) if log.kind == "rfc6962" else Tiled(log.url, key, fetch, log.origin)


def nothing_asked(watch: Watch) -> bool:
    """Whether a round would ask nobody."""
    return not (watch.permutations or watch.logs)
