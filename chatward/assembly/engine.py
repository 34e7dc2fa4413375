"""The gateway's engine: dialects by path, the route of each request, and all who rule on it before it goes on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from chatward.channels.anthropic import Messages
from chatward.channels.anthropic_count import CountTokens
from chatward.channels.dialect import Call, Dialect
from chatward.channels.openai_chat import ChatCompletions
from chatward.channels.openai_embeddings import Embeddings
from chatward.channels.openai_models import Models
from chatward.channels.openai_responses import Responses
from chatward.channels.request import CarriesFiles
from chatward.core.errors import ClientError
from chatward.core.identity import Caller
from chatward.core.values import Exchange, InspectedFile, Verdict
from chatward.engine.engine import Screening
from chatward.identity.access import Access, Where, told
from chatward.judge.consulting import consult, doubts
from chatward.judge.judge import Judge
from chatward.routing import Routing
from chatward.settings import Server
from chatward.ward import Ward

if TYPE_CHECKING:
    from chatward.files.desk import FileDesk, Seen
    from chatward.files.replies import ReplyFiles
    from chatward.keeping import Remembering
    from chatward.privacy.gate import PrivacyGate
    from chatward.shadowing import Shadow
    from chatward.stores.conversations import ConversationStore


def channels(server: Server) -> dict[str, Dialect]:
    """The dialects by path."""
    depth, parts = server.max_depth, server.max_parts
    return {
        "/v1/chat/completions": ChatCompletions(depth, parts),
        "/v1/responses": Responses(depth, parts),
        "/v1/messages": Messages(depth, parts),
        "/v1/messages/count_tokens": CountTokens(depth, parts),
        "/v1/embeddings": Embeddings(depth, parts),
        "/v1/models": Models(),
    }


class RoutedEngine:
    """The gateway's engine: takes the plan of a request's route and screens with it. Its routing can be swapped."""

    def __init__(self, made: Routing) -> None:
        self.routing = made
        self.judge: Judge | None = None
        self.access: Access | None = None
        self.privacy: PrivacyGate | None = None
        self.conversations: ConversationStore | None = None
        """What is stored of conversations, for the console."""
        self.files: FileDesk | None = None
        self.reply_files: Callable[[Exchange, str], ReplyFiles] | None = None
        """What looks at the files of a reply to an exchange and request, where ``files`` looks at those of requests."""
        self.remembering: Remembering | None = None
        self.expand: Callable[[Screening], Awaitable[None]] | None = None
        """Looks where shortened links of a request lead (``expanding.expanded``)."""
        self.shadow: Shadow | None = None

    async def screen(self, call: Call, *, channel: str, path: str, caller: Caller, request_id: str) -> Screening:
        current = self.routing
        plan = current.take(path, call.model)
        person, gate, withheld = caller.person, None, 0
        if self.access is not None:
            where = Where(plan.bot, call.model, plan.route, current.purposes.get(plan.route, ""))
            withheld = self.access.documents(caller, where, call)
            ruling = self.access.message(caller, where)
            if not ruling.allowed:
                await asyncio.to_thread(self.access.settle, caller, where, ruling, call.body({}), request_id)
            if plan.inspects or self.access.everywhere:
                gate = self.access.gate(caller, where, request_id)
        if self.privacy is not None:
            await self.privacy.admit(caller, plan.route, path, channel, call, request_id)
        files: tuple[Seen, ...] = ()
        inspected: tuple[InspectedFile, ...] = ()
        if self.files is not None and isinstance(call, CarriesFiles) and call.files and plan.reads_files:
            files = await self.files.look(call, change=plan.policy.enforces)
            inspected = tuple(one.inspected for one in files)
            if plan.guard_budget < self.files.seconds:  # documents are longer than messages
                plan = dataclasses.replace(plan, guard_budget=self.files.seconds)
        prepared = await current.engine.prepare(call, plan) if plan.inspects else None
        screen = partial(
            current.engine.screen,
            call,
            plan,
            channel=channel,
            principal=person.id,
            tenant=person.tenant,
            prepared=prepared,
            files=inspected,
        )
        if self.remembering is None or not plan.inspects:
            screening = screen()
        else:
            screening = await self.remembering.screen(person, call, lambda vault: screen(vault=vault))
        screening.gate, screening.person = gate, caller.subject
        if self.reply_files is not None and plan.reads_reply_files:
            screening.files = self.reply_files(screening.exchange, request_id)
        if self.expand is not None and plan.inspects and not screening.verdict.blocked:
            await self.expand(screening)
        if self.judge is not None:
            asked = doubts(self.judge, screening.verdict, screening.exchange.parts, screening.edits)
            if asked:
                said = await consult(self.judge, plan.policy, asked)
                current.engine.supplement(screening, said.findings, complete=not said.verdict.unavailable)
                screening.verdict |= said.verdict
        if self.files is not None and files:
            await self.files.settle(files, screening.verdict, screening.exchange, request_id)
        screening.verdict = told(screening.verdict, withheld)
        if (shadow := self.shadow) is not None:
            shadow.see(screening.exchange, path, call.model, request_id)
        return screening


class RunningWard:
    """A ``Ward`` that follows the configuration when it is reloaded."""

    def __init__(self, engine: RoutedEngine) -> None:
        self._engine = engine
        self._made: Ward | None = None
        self._of: Routing | None = None

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        return self._current().check(text, role, conversation=conversation)

    async def check_file(self, data: bytes, name: str, media_type: str, role: str, conversation: str) -> Verdict:
        """The verdict on a file. Raises ``ClientError`` where files are not looked at."""
        if self._engine.files is None:
            raise ClientError("Files are not looked at here: files.enabled is false.", reason="files-off")
        report = await self._engine.files.inspect(data, name, media_type)
        return self._current().check_report(report, role, conversation=conversation)

    def guards(self) -> list[tuple[str, str, str]]:
        return self._current().guards()

    def _current(self) -> Ward:
        if self._made is None or self._of is not self._engine.routing:
            self._of = self._engine.routing
            self._made = Ward(routing_=self._of)
        return self._made
