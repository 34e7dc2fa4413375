"""Keeping what people and bots write, in the path of a message (``[conversations] store``).

The rules:

1. **Before the effect.** What is new in a request is durable before the bot is asked or the refusal is given; if it
   cannot be kept, nothing is sent.
2. A reply is kept as it went out, after it went out, because its words are already the person's. The next turn of its
   conversation waits for it, so that turns stand in their order. What could not be kept is counted and logged.
3. A reply is read again by the guards before it is stored, as text of the bot: what they find is masked for every
   reader, what they could not read is not shown (``stores.turns``).
4. The subject is the principal. Several anonymous callers are one subject, whom nobody can export or erase alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from chatward.core.errors import StoreError
from chatward.core.identity import Fetch, Kind, Principal
from chatward.core.sealing import Record, SealedFields
from chatward.core.values import Exchange, Finding, Part, Verdict
from chatward.engine.engine import Screening
from chatward.engine.placeholders import Vault
from chatward.seal.opening import Sealing
from chatward.seal.opening import opened as open_sealing
from chatward.seal.register import Register
from chatward.settings import Settings
from chatward.stores.conversations import ConversationStore
from chatward.stores.turns import Turn, new_turns
from chatward.stores.vaults import NOTHING, StaleError, Vaults

_ATTEMPTS: Final = 8
_EMPTY: Final = Vault().dump()
PURGE_EVERY: Final = 3600.0
"""Seconds from one purge to the next."""
Also = Callable[[Register], Sequence[SealedFields]]
"""More stores of people, which are erased with the conversations."""
T = TypeVar("T")

_log = logging.getLogger("chatward.keeping")


class Screened(Protocol):
    """What is needed of the engine's answer to a request."""

    @property
    def exchange(self) -> Exchange: ...

    @property
    def verdict(self) -> Verdict: ...

    @property
    def thread(self) -> str: ...


class Replied(Protocol):
    """What is needed of a reply."""

    def parts(self) -> Sequence[Part]: ...


class Store(Protocol):
    """``stores.conversations.ConversationStore``."""

    def append(self, tenant: str, subject: str, conversation: str, turn: Turn) -> Awaitable[None]: ...


class Keeping:
    """Keeps turns in ``store``. ``read`` looks at a bot's text and may be called from any thread; ``failed`` is told
    the reason where a reply could not be kept."""

    def __init__(
        self, store: Store, read: Callable[[str], Verdict], failed: Callable[[str], None] = lambda reason: None
    ) -> None:
        self._store = store
        self._read = read
        self._failed = failed
        self._replies: dict[tuple[str, str, str], asyncio.Task[None]] = {}

    async def asked(self, request_id: str, principal: Principal, screened: Screened) -> None:
        """Keeps what is new in a request; returns once it is durable. Raises ``StoreError``."""
        verdict = screened.verdict
        turns = new_turns(
            screened.exchange, verdict.findings, inspected=bool(verdict.ran) and not verdict.unavailable, id_=request_id
        )
        if not turns:
            return
        before = self._replies.get((principal.tenant, principal.id, screened.thread))
        if before is not None:
            await asyncio.wait({before})
        await asyncio.gather(
            *[self._store.append(principal.tenant, principal.id, screened.thread or request_id, turn) for turn in turns]
        )

    def replied(self, request_id: str, principal: Principal, screened: Screened, reply: Replied) -> None:
        """Keeps a reply that has left. Returns at once and never raises."""
        parts = tuple(part for part in reply.parts() if part.text)
        if not parts:
            return
        place = (principal.tenant, principal.id, screened.thread)
        task = asyncio.ensure_future(
            self._keep(principal, screened.thread or request_id, parts, request_id, self._replies.get(place))
        )
        self._replies[place] = task

        def done(_: asyncio.Task[None]) -> None:
            if self._replies.get(place) is task:
                del self._replies[place]

        task.add_done_callback(done)

    async def aclose(self) -> None:
        """Waits for replies that are being kept."""
        while self._replies:
            await asyncio.wait(set(self._replies.values()))
            await asyncio.sleep(0)  # what is done takes itself out

    async def _keep(
        self,
        principal: Principal,
        conversation: str,
        parts: tuple[Part, ...],
        request_id: str,
        before: asyncio.Task[None] | None,
    ) -> None:
        try:
            findings, inspected = await asyncio.to_thread(self._looked, parts)
            if before is not None:
                await asyncio.wait({before})
            turn = Turn("assistant", parts, findings, inspected, request_id)
            await self._store.append(principal.tenant, principal.id, conversation, turn)
        except StoreError as error:
            _log.warning("%s a reply was not kept: %s", request_id, error.reason)
            self._failed(error.reason)

    def _looked(self, parts: Sequence[Part]) -> tuple[tuple[Finding, ...], bool]:
        findings: list[Finding] = []
        inspected = True
        for index, part in enumerate(parts):
            try:
                verdict = self._read(part.text)
            except ValueError:  # a lone surrogate: no guard reads that
                inspected = False
                continue
            findings += [replace(one, part=index) for one in verdict.findings]
            inspected = inspected and bool(verdict.ran) and not verdict.unavailable
        return tuple(findings), inspected


class Named(Protocol):
    """What is needed of a request (``core.ports.Request``)."""

    @property
    def conversation(self) -> str: ...

    @property
    def previous(self) -> str: ...


class Remembering:
    """What stands behind placeholders, kept from one turn of a conversation to the next, in whatever process
    (``stores.vaults``). Of callers whom nobody knows nothing is kept: they are one subject. ``failed`` is told the
    reason where what a reply's thread needs could not be kept."""

    def __init__(self, vaults: Vaults, failed: Callable[[str], None] = lambda reason: None) -> None:
        self._vaults = vaults
        self._failed = failed
        self._saving: set[asyncio.Task[None]] = set()

    async def screen(self, principal: Principal, call: Named, screen: Callable[[Vault | None], Screening]) -> Screening:
        """``screen`` with the vault of the conversation. What it added is durable when this returns, where the caller
        names the conversation; a reply's own thread is kept once the reply has left. Raises ``StoreError``
        (``vault-busy``: too many at once in one conversation)."""
        if principal.kind is Kind.ANONYMOUS:
            return screen(None)
        tenant, subject = principal.tenant, principal.id
        name = f"name:{call.conversation}" if call.conversation else f"reply:{call.previous}" if call.previous else ""
        for _ in range(_ATTEMPTS):
            kept = await asyncio.to_thread(self._vaults.load, tenant, subject, name) if name else NOTHING
            screening = screen(None if kept.data is None else Vault.load(kept.data))
            screening.keep = partial(self._later, tenant, subject)
            data = screening.vault.dump() if call.conversation else None
            if data is None or data == (kept.data or _EMPTY):
                return screening
            try:
                await asyncio.to_thread(self._vaults.save, tenant, subject, name, data, kept.state)
            except StaleError:
                continue
            return screening
        raise StoreError("This conversation is busy; try again.", reason="vault-busy")

    def _later(self, tenant: str, subject: str, reply_id: str, vault: Vault) -> None:
        if not len(vault):
            return
        task = asyncio.ensure_future(self._save(tenant, subject, f"reply:{reply_id}", vault.dump()))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, tenant: str, subject: str, name: str, data: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(self._vaults.save, tenant, subject, name, data, NOTHING.state)
        except StaleError:
            pass  # the bot gave one id twice: what came first stays
        except StoreError as error:
            _log.warning("what stands behind a reply's placeholders was not kept: %s", error.reason)
            self._failed(error.reason)

    async def aclose(self) -> None:
        """Waits for what is being kept."""
        while self._saving:
            await asyncio.wait(set(self._saving))


@dataclass(frozen=True, slots=True)
class Kept:
    """What was opened: the store, and what keeps turns in it."""

    keeping: Keeping | None
    remembering: Remembering | None
    store: ConversationStore
    vaults: Vaults
    _sealing: Sealing

    async def purge(self, kept: Callable[[str, str], bool], every: float = PURGE_EVERY) -> None:
        """Takes out what is past its time, now and every ``every`` seconds. ``kept``: of whom nothing is taken."""
        while True:
            try:
                await asyncio.to_thread(self.store.purge, kept)
                await asyncio.to_thread(self.vaults.purge, kept)
            except StoreError as error:  # tried again at the next turn; retention's age is reported
                _log.error("stored conversations were not purged: %s", error.reason)
            await asyncio.sleep(every)

    async def aclose(self) -> None:
        """Writes what was taken, and closes the files."""
        if self.keeping is not None:
            await self.keeping.aclose()
        if self.remembering is not None:
            await self.remembering.aclose()
        await self.store.aclose()
        self._sealing.close()


async def opened(
    settings: Settings,
    record: Record,
    read: Callable[[str], Verdict],
    *,
    fetch: Fetch,
    also: Also = lambda register: (),
    failed: Callable[[str], None] = lambda reason: None,
) -> Kept | None:
    """Opens the store of ``settings``; ``None`` where nothing is kept. Raises ``ConfigError`` and ``StoreError``."""
    wanted = settings.conversations
    if not (wanted.store or wanted.vault):
        return None
    loop = asyncio.get_running_loop()

    def ask(question: Coroutine[Any, Any, T]) -> T:
        """For the threads that seal: the key service is asked on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(question, loop).result()

    sealing = await asyncio.to_thread(partial(open_sealing, settings, record, fetch=fetch, ask=ask, also=also))
    store, vaults = sealing.conversations(), sealing.vaults()
    keeping = Keeping(store, read, failed) if wanted.store else None
    return Kept(keeping, Remembering(vaults, failed) if wanted.vault else None, store, vaults, sealing)
