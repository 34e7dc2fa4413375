"""The admin plane: the console, and what other programs ask.

The rule: it shows and answers, and shows no text that a person or a bot wrote: states, counts, and ids of rules,
as the ledger holds them. Asking for a verdict leaves a record before the answer leaves.

Importing this module imports FastAPI and all pages (half a second of a core): ``waking`` does, when they are asked for.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Sequence
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from chatward.console import litellm
from chatward.console.access import AdminAccess
from chatward.console.access_pages import Pages
from chatward.console.asgi import error_body
from chatward.console.login import login_router
from chatward.console.overview import overview_routes
from chatward.console.start_desk import start_routes
from chatward.console.static_desk import static_routes
from chatward.console.verdicts import LedgerRecord, verdict_object
from chatward.console.waking import METRICS
from chatward.console.watch_desk import watch_routes
from chatward.console.watching import Watching
from chatward.core.errors import ChatwardError, ClientError
from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.values import Verdict
from chatward.settings import Route, Settings

ON = "on"
"""The state of a guard that runs on all routes. ``off`` and ``off on ...`` say what the settings left out; every
other state is a fault."""


class WardLike(Protocol):
    """Gives verdicts by the running configuration, and says how its guards are."""

    def check(self, text: str, role: str = "user", *, conversation: str = "") -> Verdict:
        """The verdict on ``text``; its ``text`` is what would be forwarded. ``role``: ``user``, ``assistant``,
        ``tool`` or ``document``."""
        ...

    async def check_file(self, data: bytes, name: str, media_type: str, role: str, conversation: str) -> Verdict:
        """The verdict on a file; its ``text`` is what it says. Raises ``ClientError`` where files are not looked at."""
        ...

    def guards(self) -> Sequence[tuple[str, str, str]]:
        """Id, summary and state of each guard: ``on``, ``off``, ``off on <routes>``, or why it cannot run
        (``not-loaded``, ``error``, ``timeout``)."""
        ...


class LedgerLike(Protocol):
    """The ledger: written as ``core.ports.Ledger`` says, and its newest entries."""

    def append(self, entry: Entry) -> Awaitable[None]: ...

    def tail(self, n: int) -> Sequence[LedgerRecord]:
        """The newest ``n`` entries, oldest first. May block: it is called on a thread."""
        ...


class Meter(Protocol):
    """Metrics in Prometheus' text format, version 0.0.4."""

    def render(self) -> str | bytes: ...


class InspectRequest(BaseModel):
    """One text to judge, or one file."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(default=None, description="a text; a file is given in its place")
    file: str | None = Field(default=None, description="a file, in base64")
    name: str = Field(default="", max_length=255, description="what the file is called")
    media_type: str = Field(default="", max_length=100, description="what the file is declared to be")
    role: Literal["user", "assistant", "tool", "document"] = "user"
    conversation: str = Field(default="", max_length=200)
    id: str = Field(default="", max_length=200)


class FindingAnswer(BaseModel):
    rule: str
    category: str
    severity: str
    confidence: float
    span: tuple[int, int]


class GuardsAnswer(BaseModel):
    ran: list[str]
    unavailable: list[str]


class InspectAnswer(BaseModel):
    """The verdict, as a line of ``chatward scan``."""

    id: str
    action: Literal["allow", "redact", "challenge", "block"]
    text: str
    findings: list[FindingAnswer]
    guards: GuardsAnswer


def _decoded(asked: InspectRequest) -> bytes:
    try:
        return b64decode(asked.file or "", validate=True)
    except ValueError:
        raise ClientError("file must be base64.", reason="field-invalid") from None


def admin_pages(
    ward: WardLike,
    ledger: LedgerLike,
    meter: Meter,
    settings: Settings,
    version: str,
    signing_in: AdminAccess,
    *,
    desks: APIRouter | None = None,
    watching: Watching | None = None,
) -> FastAPI:
    """All pages and calls of the admin plane; nobody may reach them but through ``Guarding``.

    Operators sign in by ``signing_in``; ``desks`` are their pages (``console.desks``), ``watching`` is what the pages
    that show what happened stand on.
    """
    app = FastAPI(title="Chatward", version=version, openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None)
    watched, pages = watching or Watching(), Pages(signing_in)
    refusal = _routes(settings).get("default", Route()).refusal

    async def judge(text: str, role: str, conversation: str) -> Verdict:
        verdict = ward.check(text, role, conversation=conversation)
        await ledger.append(_entry(verdict, role))
        return verdict

    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> Response:
        return Response(meter.render(), media_type=METRICS)

    @app.get("/api/v1/status", summary="Guards, routes and bots")
    async def status() -> dict[str, Any]:
        return _status(ward, settings, version)

    @app.post("/api/v1/inspect", summary="A verdict on one text or file")
    async def inspect(asked: InspectRequest) -> InspectAnswer:
        if (asked.text is None) is (asked.file is None):
            raise ClientError("Give a text or a file.", reason="field-invalid")
        if asked.text is None:
            data = _decoded(asked)
            verdict = await ward.check_file(data, asked.name, asked.media_type, asked.role, asked.conversation)
            await ledger.append(_entry(verdict, asked.role))
            return InspectAnswer.model_validate(verdict_object(verdict, "", id=asked.id))
        verdict = await judge(asked.text, asked.role, asked.conversation)
        return InspectAnswer.model_validate(verdict_object(verdict, asked.text, id=asked.id))

    @app.post(
        "/beta/litellm_basic_guardrail_api",
        summary="LiteLLM's generic guardrail call",
        response_model_exclude_none=True,
    )
    async def guardrail(asked: litellm.GuardrailRequest) -> litellm.GuardrailAnswer:
        texts = asked.texts or []
        verdicts = [await judge(text, asked.role, asked.conversation) for text in (*texts, *asked.arguments)]
        return litellm.answer(texts, verdicts, refusal)

    @app.exception_handler(ChatwardError)
    async def failed(request: Request, error: ChatwardError) -> JSONResponse:
        return JSONResponse(error_body(error), error.status)

    @app.exception_handler(HTTPException)
    async def unserved(request: Request, error: HTTPException) -> JSONResponse:
        said = {"reason": f"http-{error.status_code}", "message": str(error.detail)}
        return JSONResponse({"error": said}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI's own answer quotes the input; this one names the place only.
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        said = {"reason": "field-invalid", "message": f"{where}: {first['type']}"}
        return JSONResponse({"error": said}, 400)

    static_routes(app.router)
    # Not ``include_router``: it makes each route a second time, at the first request.
    app.router.routes.extend(login_router(signing_in).routes)
    start_routes(app.router, pages, watched, judge)
    overview_routes(app.router, pages, watched, lambda: _status(ward, settings, version), ledger.tail)
    watch_routes(app.router, pages, watched, signing_in, ward.guards)
    if desks is not None:
        app.router.routes.extend(desks.routes)
    return app


def _entry(verdict: Verdict, role: str) -> Entry:
    rules = list(dict.fromkeys(finding.rule for finding in verdict.findings))[:100]
    return Entry(
        event=Event.INSPECTION_JUDGED.value,
        exchange=uuid4().hex,
        fields={
            "action": verdict.action.label,
            "would": verdict.would.label,
            "role": role,
            "rule": verdict.rule,
            "rules": rules,
            "unavailable": [missing.guard for missing in verdict.unavailable],
            "policy": verdict.policy,
        },
    )


def _routes(settings: Settings) -> dict[str, Route]:
    return dict(settings.routes) or {"default": Route()}


def _status(ward: WardLike, settings: Settings, version: str) -> dict[str, Any]:
    guards = [
        {"id": id, "summary": summary, "state": state, "fault": state != ON and not state.startswith("off")}
        for id, summary, state in ward.guards()
    ]
    bots = {name: bot.upstream for name, bot in settings.bots.items()}
    if settings.upstream is not None:
        bots.setdefault("default", settings.upstream)
    return {
        "version": version,
        "ok": any(guard["state"] == ON for guard in guards) and not any(guard["fault"] for guard in guards),
        "guards": guards,
        "routes": [
            {
                "name": name,
                "bot": route.bot,
                "mode": route.mode,
                "paths": list(route.paths),
                "models": list(route.models),
                "guards": list(route.guards),
                "on_unavailable": route.on_unavailable,
            }
            for name, route in _routes(settings).items()
        ],
        "bots": [{"name": name, "upstream": _without_credentials(url)} for name, url in bots.items()],
    }


def _without_credentials(url: str) -> str:
    """Scheme, host and path of a URL: what stands before ``@`` or after ``?`` may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
