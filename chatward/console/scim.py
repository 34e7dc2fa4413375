"""``/scim/v2`` on the admin plane: HTTP around ``identity.scim``.

The rules:

1. Every request presents an API key with the role ``scim`` as bearer token, the descriptions of the service included:
   who has none learns nothing. No other key opens it, and no cookie or other header does.
2. Bodies are ``application/scim+json`` or ``application/json`` (RFC 7644 section 3.1), at most ``MAX_PAYLOAD`` bytes.
3. Every answer is ``application/scim+json`` and not to be kept by anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final, NoReturn

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from chatward.console.asgi import App, Receive, Scope, Send
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.identity import Presented, Principal
from chatward.identity.scim import Answer, Asked, Scim
from chatward.identity.scim_schema import MAX_PAYLOAD, ScimError, error_body

PREFIX: Final = "/scim/v2"
ROLE: Final = "scim"
MEDIA: Final = "application/scim+json"
_TYPES: Final = frozenset({"application/scim+json", "application/json"})
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Identify = Callable[[Presented], Principal | Awaitable[Principal | None] | None]
"""Who presents a credential, as ``core.identity.Authenticator.identify``."""


class _Fields:
    """A request's headers as ``core.identity.Fields``."""

    def __init__(self, request: Request) -> None:
        self._headers = request.headers

    def get(self, key: str, default: str | None = None) -> str | None:
        return self._headers.get(key, default)

    def get_all(self, key: str) -> list[str]:
        return self._headers.getlist(key)

    def __contains__(self, key: str) -> bool:
        return key in self._headers


def scim_router(scim: Scim, identify: Identify, *, base: str = "") -> APIRouter:
    """``base`` is the URL of this plane as clients write it; empty: as each request has it."""
    router = APIRouter(prefix=PREFIX, include_in_schema=False)

    async def endpoint(request: Request) -> Response:
        try:
            principal = await _admitted(request, identify)
            asked = await _asked(request, principal.id)
            place = (base or str(request.base_url)).rstrip("/") + PREFIX
            return _response(await asyncio.to_thread(scim.answer, asked, place))
        except ScimError as error:
            return _error(error.status, error.body())
        except ChatwardError as error:
            return _error(error.status, error_body(error.status, error.public), isinstance(error, IdentityError))

    for path in ("", "/{path:path}"):
        router.add_api_route(path, endpoint, methods=_METHODS)
    return router


def with_directory(plane: App, directory: APIRouter) -> App:
    """The admin plane with SCIM beside it, which has callers, media types and errors of its own."""
    people = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    people.include_router(directory)

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        mine = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{PREFIX}/")
        await (people if mine else plane)(scope, receive, send)

    return both


async def _admitted(request: Request, identify: Identify) -> Principal:
    """Raises ``IdentityError``."""
    fields = _Fields(request)
    values = fields.get_all("authorization")
    if len(values) != 1 or values[0].partition(" ")[0].lower() != "bearer" or "x-api-key" in fields:
        _unknown()
    url = str(request.url.replace(query="", fragment=""))
    client = request.client.host if request.client else ""
    found = identify(Presented(request.method, url, fields, client))
    principal = await found if isawaitable(found) else found
    if principal is None:
        _unknown()
    if ROLE not in principal.roles:
        said = "This key cannot be used for provisioning: it needs the role scim."
        raise IdentityError(said, reason="role-missing", status=403)
    return principal


async def _asked(request: Request, by: str) -> Asked:
    headers = request.headers
    body = None
    if request.method in {"POST", "PUT", "PATCH"}:
        if headers.get("content-type", "").partition(";")[0].strip().lower() not in _TYPES:
            raise ClientError("The body must be application/scim+json.", reason="content-type", status=415)
        body = await _body(request)
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in query:
            raise ScimError("invalidValue", "A parameter is given twice.")
        query[name] = value
    return Asked(
        request.method,
        request.path_params.get("path", ""),
        query,
        body,
        if_match=headers.get("if-match", ""),
        if_none_match=headers.get("if-none-match", ""),
        by=by,
    )


async def _body(request: Request) -> object:
    whole = bytearray()
    async for piece in request.stream():
        whole += piece
        if len(whole) > MAX_PAYLOAD:
            raise ScimError("", f"The body has more than {MAX_PAYLOAD} bytes.", 413)
    try:
        return orjson.loads(whole)
    except orjson.JSONDecodeError as error:
        raise ScimError("invalidSyntax", "The body is not JSON.") from error


def _response(answer: Answer) -> Response:
    headers = {"cache-control": "no-store"}
    if answer.etag:
        headers["etag"] = answer.etag
    if answer.location:
        headers["location"] = answer.location
    content = b"" if answer.body is None else orjson.dumps(answer.body)
    return Response(content, answer.status, headers, MEDIA if content else None)


def _error(status: int, body: dict[str, object], challenge: bool = False) -> Response:
    headers = {"cache-control": "no-store"}
    if challenge:
        headers["www-authenticate"] = 'Bearer realm="SCIM"'
    return Response(orjson.dumps(body), status, headers, MEDIA)


def _unknown() -> NoReturn:
    raise IdentityError("Present an API key with the role scim as bearer token.", reason="not-authenticated")
