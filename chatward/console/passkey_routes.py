"""Passkeys of operators on the pages of signing in and of one's own account, as JSON for the pages' script.

The rules, besides those of ``identity.operator_passkeys``:

1. What is signed for signing in belongs to the browser that asked (the cookie of ``identity.csrf``), what is signed on
   the account page to its session. Neither is good in the other place.
2. An attempt is charged before a signature is looked at; all failures get one answer (``credentials-wrong``), and the
   record says what was wrong.
3. To add or remove a passkey, the caller proves anew who they are, with what they have: a passkey, a one-time code, or
   without both the password. A passkey also raises the session it is used in, which then has a new token.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from chatward.console.access import (
    AdminAccess,
    AdminCaller,
    SignedIn,
    admitted,
    caller_of,
    entered,
    note,
    refused,
    set_seed,
    set_session,
    set_signed_in,
)
from chatward.console.access_pages import local, retry
from chatward.console.asgi import error_body
from chatward.core.errors import IdentityError
from chatward.core.events import Event
from chatward.core.identity import Assurance
from chatward.identity.operator_passkeys import OperatorPasskeys
from chatward.identity.operators import Operator
from chatward.identity.proofs import ProofError, Why
from chatward.identity.sessions import cookie


class Entry(BaseModel):
    """What ``navigator.credentials.get`` gave, and where to go afterwards."""

    model_config = ConfigDict(extra="forbid")

    credential: dict[str, Any]
    next: str = Field(default="/", max_length=600)


class Fresh(BaseModel):
    """A proof given just now: one of these. ``id`` is the passkey to be taken away."""

    model_config = ConfigDict(extra="forbid")

    credential: dict[str, Any] | None = None
    code: str = Field(default="", max_length=20)
    password: str = Field(default="", max_length=1000)
    id: str = Field(default="", max_length=2000)


class Made(BaseModel):
    """What ``navigator.credentials.create`` gave."""

    model_config = ConfigDict(extra="forbid")

    credential: dict[str, Any]


def passkey_routes(router: APIRouter, access: AdminAccess) -> None:
    """Adds ``/api/v1/session/passkey...``, where passkeys can be used on this plane."""
    keys = access.passkeys
    if keys is None:
        return

    @router.post("/api/v1/session/passkey/options", summary="What a passkey is to sign, for signing in")
    async def sign_in_options(request: Request) -> Response:
        seed = access.csrf.seed(caller_of(request).headers)
        response = JSONResponse({"publicKey": keys.asking(_browser(seed))})
        set_seed(access, response, seed)
        return response

    @router.post("/api/v1/session/passkey", summary="Sign in with a passkey")
    async def sign_in(request: Request, given: Entry) -> Response:
        caller = caller_of(request)
        try:
            signed = await sign_in_by_passkey(access, keys, caller, given.credential)
        except IdentityError as error:
            return retry(error, JSONResponse(error_body(error), error.status))
        response = JSONResponse({"next": local(given.next)})
        set_signed_in(access, response, signed, secrets.token_urlsafe(32))
        return response

    _account_routes(router, access, keys)


def _account_routes(router: APIRouter, access: AdminAccess, keys: OperatorPasskeys) -> None:
    @router.post("/api/v1/session/passkeys/proof", summary="What a passkey of one's own is to sign")
    async def proof(request: Request) -> dict[str, Any]:
        me = caller_of(request).principal
        return {"publicKey": await asyncio.to_thread(keys.asking, _session(me.session), me.id)}

    @router.post("/api/v1/session/passkeys/lift", summary="Prove by a passkey, in the session that there is")
    async def lift(request: Request, given: Made) -> Response:
        caller = caller_of(request)
        await _own(access, keys, caller, given.credential)
        token = await asyncio.to_thread(access.sessions.rotate, caller.principal, assurance=Assurance.STRONG)
        response = JSONResponse({"assurance": int(Assurance.STRONG)})
        set_session(access, response, token)
        return response

    @router.post("/api/v1/session/passkeys/options", summary="Begin to add a passkey, with a fresh proof")
    async def begin(request: Request, given: Fresh) -> dict[str, Any]:
        caller = caller_of(request)
        standing = await asyncio.to_thread(keys.may_add, caller.principal, codes=_has_codes(access, caller))
        await _fresh(access, keys, caller, given)
        return {"publicKey": await asyncio.to_thread(keys.adding, caller.principal, standing)}

    @router.post("/api/v1/session/passkeys", summary="Add the passkey that the device made")
    async def add(request: Request, given: Made) -> dict[str, str]:
        me = caller_of(request).principal
        made = await asyncio.to_thread(keys.add, me, given.credential)
        await note(access, Event.OPERATOR_CHANGED, {"operator": me.id, "what": "passkeys", "by": me.id})
        return {"id": made.id}

    @router.post("/api/v1/session/passkeys/removal", summary="Take a passkey away, with a fresh proof")
    async def remove(request: Request, given: Fresh) -> dict[str, bool]:
        caller = caller_of(request)
        me = caller.principal
        await _fresh(access, keys, caller, given)
        removed = await asyncio.to_thread(keys.remove, me.id, given.id)
        if removed:
            await note(access, Event.OPERATOR_CHANGED, {"operator": me.id, "what": "passkeys", "by": me.id})
        return {"removed": removed}


async def sign_in_by_passkey(
    access: AdminAccess, keys: OperatorPasskeys, caller: AdminCaller, credential: dict[str, Any]
) -> SignedIn:
    """A new session. Raises ``IdentityError``: ``credentials-wrong``, ``too-many-attempts``, ``review-pending``,
    ``tls-needed``."""

    def claimed() -> str:
        try:
            found = keys.claimed(credential)
        except ProofError:
            return ""
        return "" if found is None else found.name

    attempt = await admitted(access, caller, access.lockout.admit_key, await asyncio.to_thread(claimed))
    seed = cookie(caller.headers, access.csrf.cookie)
    try:
        if not seed:
            raise ProofError(Why.NONCE)
        operator = await access.turns.run(keys.prove, credential, _browser(seed))
    except ProofError as error:
        await refused(access, "credentials-wrong", proof=error.why.value)
        raise IdentityError("This passkey was not accepted.", reason="credentials-wrong") from error
    return await entered(access, caller, operator, Assurance.STRONG, attempt)


async def _fresh(access: AdminAccess, keys: OperatorPasskeys, caller: AdminCaller, given: Fresh) -> None:
    """Rule 3. Raises ``IdentityError``: ``proof-refused``, ``credentials-wrong``, ``too-many-attempts``."""
    me, factor = caller.principal, access.second_factor
    if given.credential is not None:
        await _own(access, keys, caller, given.credential)
    elif factor is not None and _has_codes(access, caller):
        await asyncio.to_thread(factor.verify, me, given.code)
    elif any(not one.suspended for one in await asyncio.to_thread(keys.of, me.id)):
        raise IdentityError("Prove it with a passkey that you have.", reason="proof-refused", status=403)
    else:
        await _by_password(access, caller, given.password)


async def _by_password(access: AdminAccess, caller: AdminCaller, password: str) -> None:
    operator = access.operators.get(caller.principal.id)
    if operator is None:
        raise IdentityError("This session has ended. Sign in again.", reason="session-ended")
    attempt = await admitted(access, caller, access.lockout.admit, operator.name)
    if await access.turns.run(access.operators.verify, operator.name, password) is None:
        raise IdentityError("The password is wrong.", reason="credentials-wrong", status=403)
    await asyncio.to_thread(access.lockout.succeeded, attempt)


async def _own(
    access: AdminAccess, keys: OperatorPasskeys, caller: AdminCaller, credential: dict[str, Any]
) -> Operator:
    """The caller, who has proven it by a passkey of their own in this session."""
    attempt = await admitted(access, caller, access.lockout.admit_key, "")
    operator = await access.turns.run(keys.prove, credential, _session(caller.principal.session))
    if operator.id != caller.principal.id:
        raise ProofError(Why.HANDLE)
    await asyncio.to_thread(access.lockout.succeeded, attempt)
    return operator


def _has_codes(access: AdminAccess, caller: AdminCaller) -> bool:
    return access.second_factor is not None and access.second_factor.enrolled(caller.principal.id)


def _browser(seed: str) -> str:
    return f"log-in:{seed}"


def _session(session: str) -> str:
    return f"session:{session}"
