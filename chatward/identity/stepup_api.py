"""The HTTP interface of step-up: requests to responses, without a framework, a socket or a loop.

The rules:

1. Everything here belongs to the principal who asks, in its session. What is another's is not there (404), and looks
   the same as what never was. Every proof that is not good gets one and the same answer.
2. Adding or removing a way of proving needs what ``identity.enrolment`` says; where that is a proof, the answer is a
   challenge of the same kind as for a tool call, and the same request with ``x-chatward-challenge`` goes through.
3. Bodies are JSON objects of at most ``MAX_BODY`` bytes, sent as ``application/json``. A browser's request from an
   origin that is neither ours nor listed is refused: these answers are for our own pages and for programs.
4. Answers are never cached. Errors are ``{"error": {"code", "message", "type"}}``, as in the OpenAI dialect.

A challenge that a program is to meet reads as RFC 9470 says (``demanded``): 401, ``www-authenticate`` with
``error="insufficient_user_authentication"`` and ``acr_values``, and in the body the challenge with its links.

``handle`` writes and waits for the disk: from an event loop, call it on a thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from chatward.core import base64url
from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.identity import CHALLENGE_HEADER, Assurance, Challenge, Fields, Kind, Principal, Proof
from chatward.identity.binding import tool_binding
from chatward.identity.challenges import Challenges, State
from chatward.identity.enrolment import Enrolment, Standing, refused_enrolment
from chatward.identity.passkeys import Passkeys
from chatward.identity.proofs import LIFTS, ProofError, Why
from chatward.identity.totp import Totp

PREFIXES: Final = ("/v1/challenges/", "/v1/passkeys", "/v1/totp")
PAGE: Final = "/chat/step-up"
MAX_BODY: Final = 65_536
ACR: Final = {Assurance.STRONG: "urn:chatward:aal3", Assurance.MULTI: "urn:chatward:aal2"}
"""``acr_values`` (RFC 9470 section 3) by assurance."""

Headers = list[tuple[str, str]]
Response = tuple[int, Headers, bytes]
_Handler = Callable[["StepUpApi", "_Asked"], Response]

_ID: Final = r"([A-Za-z0-9_-]{1,1400})"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: ``id`` is what stands for it in the path."""

    method: str
    path: str
    headers: Fields
    body: Mapping[str, Any]
    principal: Principal
    id: str


def demanded(challenge: Challenge, link: str = PAGE) -> tuple[Headers, dict[str, Any]]:
    """What a challenge adds to a 401: headers, and an object for the error's body. ``link`` is where a person can go.

    RFC 9470 section 3; the parameters of our own are ``chatward_challenge`` and ``chatward_link`` (RFC 9110, 11.2)."""
    acr = [ACR[LIFTS[proof]] for proof in challenge.proofs if LIFTS[proof] in ACR]
    told = {
        "error": "insufficient_user_authentication",
        "error_description": "More authentication is needed for this",
        **({"acr_values": " ".join(acr)} if acr else {}),
        "chatward_challenge": challenge.id,
        "chatward_link": f"{link}#{challenge.id}",
    }
    value = "Bearer " + ", ".join(f'{name}="{text}"' for name, text in told.items())
    return [("www-authenticate", value)], {
        **described(challenge),
        "link": told["chatward_link"],
        "resume": CHALLENGE_HEADER,
    }


def described(challenge: Challenge, state: State = State.WAITING) -> dict[str, Any]:
    """A challenge as callers see it. ``used``: it was met, and what it was for has gone through."""
    return {
        "id": challenge.id,
        "state": State.MET.value if state is State.SPENT else state.value,
        "used": state is State.SPENT,
        "proofs": [proof.value for proof in challenge.proofs],
        "action": challenge.action,
        "expires": int(challenge.expires),
        "url": f"/v1/challenges/{challenge.id}",
    }


class StepUpApi:
    """Serves the paths below ``PREFIXES``. ``link``: the address of the step-up page."""

    def __init__(
        self,
        challenges: Challenges,
        passkeys: Passkeys,
        totp: Totp | None,
        enrolment: Enrolment,
        *,
        link: str = PAGE,
    ) -> None:
        self._challenges = challenges
        self._passkeys = passkeys
        self._totp = totp
        self._enrolment = enrolment
        self._link = link

    def handle(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Response:
        """One request to its response. Raises nothing but what is a fault of ours."""
        try:
            found = [(form.fullmatch(path), methods) for form, methods in _ROUTES]
            match, methods = next(((match, methods) for match, methods in found if match), (None, {}))
            if match is None:
                raise ClientError("There is nothing here.", reason="not-found", status=404)
            handler = methods.get(method)
            if handler is None:
                status, given, text = _error(
                    ClientError("Not with this method.", reason="method-not-allowed", status=405)
                )
                return status, [*given, ("allow", ", ".join(methods))], text
            if principal.kind is Kind.ANONYMOUS:
                raise IdentityError("This needs somebody who is known: sign in and send it again.")
            self._check_origin(method, headers)
            values = _object(headers, body) if method == "POST" else {}
            asked = _Asked(method, path, headers, values, principal, match[1] if match.lastindex else "")
            return handler(self, asked)
        except ChatwardError as error:
            return _error(error)

    # --- challenges ----------------------------------------------------------------------------------

    def _state(self, asked: _Asked) -> Response:
        challenge = self._challenges.challenge(asked.id, asked.principal)
        return _answer(200, described(challenge, self._challenges.state(asked.id)))

    def _options(self, asked: _Asked) -> Response:
        nonce = self._challenges.nonce(asked.id, asked.principal)
        return _answer(200, {"publicKey": self._passkeys.request(asked.principal.id, nonce)})

    def _passkey(self, asked: _Asked) -> Response:
        credential = asked.body.get("credential")
        if not isinstance(credential, dict):
            raise _field("credential")

        def verify(signed: bytes) -> None:
            self._passkeys.verify(asked.principal.id, credential, signed)

        return self._proven(asked, Proof.PASSKEY, verify)

    def _code(self, asked: _Asked) -> Response:
        code = _text(asked, "code")
        totp = self._codes()
        return self._proven(asked, Proof.TOTP, lambda _: totp.verify(asked.principal, code))

    def _proven(self, asked: _Asked, proof: Proof, verify: Callable[[bytes], None]) -> Response:
        """Counts the attempt, looks at the proof, and settles the challenge."""
        try:
            verify(self._challenges.attempt(asked.id, asked.principal, proof))
        except ProofError as error:
            self._challenges.failed(asked.id, asked.principal, proof, error.why)
            raise
        except ClientError as error:
            if error.reason == "too-many-attempts":
                self._challenges.failed(asked.id, asked.principal, proof, Why.RATE)
            raise
        self._challenges.settle(asked.id, proof)
        return self._state(asked)

    # --- passkeys ------------------------------------------------------------------------------------

    def _list(self, asked: _Asked) -> Response:
        id = asked.principal.id
        keys = [
            {
                "id": one.id,
                "made": int(one.made),
                "used": None if one.used is None else int(one.used),
                "synced": one.synced,
                "suspended": one.suspended,
            }
            for one in self._passkeys.of(id)
        ]
        totp = self._totp is not None and self._totp.has(id)
        standing = self._enrolment.standing(asked.principal, self._has_proof(id))
        told = {"passkeys": keys, "recovery_codes": self._enrolment.left(id), "totp": totp, "add": standing.value}
        return _answer(200, told)

    def _new(self, asked: _Asked) -> Response:
        standing, challenge = self._may_add(asked, "passkey:register")
        if challenge is not None:
            return challenge
        name = _text(asked, "name") if "name" in asked.body else ""
        return _answer(200, {"publicKey": self._passkeys.registration(asked.principal, standing, name[:64])})

    def _register(self, asked: _Asked) -> Response:
        credential = asked.body.get("credential")
        if not isinstance(credential, dict):
            raise _field("credential")
        made = self._passkeys.register(asked.principal, credential)
        told: dict[str, Any] = {"passkey": {"id": made.id, "made": int(made.made), "synced": made.synced}}
        if not self._enrolment.left(asked.principal.id):
            told["recovery_codes"] = self._enrolment.issue(asked.principal.id)
        return _answer(201, told)

    def _remove(self, asked: _Asked) -> Response:
        challenge = self._needs_proof(asked, "passkey:remove", asked.id)
        if challenge is not None:
            return challenge
        if not self._passkeys.remove(asked.principal.id, asked.id):
            raise ClientError("There is nothing here.", reason="not-found", status=404)
        # Whatever that passkey proved counts no longer.
        self._challenges.revoke(asked.principal.id)
        return _answer(200, {"removed": True})

    def _recovery(self, asked: _Asked) -> Response:
        """With ``code``: spends it. Without: new codes in place of the old, after a proof."""
        if "code" in asked.body:
            return _answer(200, {"until": int(self._enrolment.recover(asked.principal, _text(asked, "code")))})
        challenge = self._needs_proof(asked, "recovery:new", "")
        if challenge is not None:
            return challenge
        return _answer(201, {"recovery_codes": self._enrolment.issue(asked.principal.id)})

    # --- one-time codes ------------------------------------------------------------------------------

    def _totp_new(self, asked: _Asked) -> Response:
        totp = self._codes()
        standing, challenge = self._may_add(asked, "totp:enrol")
        if challenge is not None:
            return challenge
        name = _text(asked, "name") if "name" in asked.body else ""
        made = totp.begin(asked.principal, standing, name[:64])
        return _answer(200, {"secret": made.secret, "uri": made.uri})

    def _totp_confirm(self, asked: _Asked) -> Response:
        self._codes().confirm(asked.principal, _text(asked, "code"))
        return _answer(201, {"totp": True})

    def _totp_remove(self, asked: _Asked) -> Response:
        totp = self._codes()
        challenge = self._needs_proof(asked, "totp:remove", "")
        if challenge is not None:
            return challenge
        if not totp.remove(asked.principal.id):
            raise ClientError("There is nothing here.", reason="not-found", status=404)
        self._challenges.revoke(asked.principal.id)
        return _answer(200, {"removed": True})

    # --- within --------------------------------------------------------------------------------------

    def _codes(self) -> Totp:
        if self._totp is None:
            raise IdentityError("One-time codes are not accepted here.", reason="step-up-unavailable", status=403)
        return self._totp

    def _has_proof(self, principal: str) -> bool:
        return self._passkeys.has(principal) or (self._totp is not None and self._totp.has(principal))

    def _may_add(self, asked: _Asked, action: str) -> tuple[Standing, Response | None]:
        """On what ground somebody adds a way of proving, or the challenge to be met first."""
        standing = self._enrolment.standing(asked.principal, self._has_proof(asked.principal.id))
        if standing is Standing.PROOF:
            return standing, self._needs_proof(asked, action, "")
        if standing is Standing.CODE:
            raise IdentityError("This needs a recovery code first.", reason="recovery-needed", status=403)
        if standing is Standing.NEVER:
            raise refused_enrolment()
        return standing, None

    def _needs_proof(self, asked: _Asked, action: str, what: str) -> Response | None:
        """``None`` once the strongest proof that this principal has was given for this, or the challenge."""
        principal = asked.principal
        binding = tool_binding(f"chatward:{action}", json.dumps([what]), principal.session)
        given = asked.headers.get_all(CHALLENGE_HEADER)
        if len(given) > 1:
            raise ClientError("A header stands twice.", reason="header-invalid")
        if given and self._challenges.met(given[0], principal, binding) is not None:
            return None
        proof = Proof.PASSKEY if self._passkeys.has(principal.id) else Proof.TOTP
        if not self._has_proof(principal.id):
            raise IdentityError("This needs a recovery code first.", reason="recovery-needed", status=403)
        challenge = self._challenges.require(principal, action, binding, (proof,))
        headers, told = demanded(challenge, self._link)
        error = IdentityError("Prove that it is you, and send this again.", reason="step-up-required")
        status, more, body = _error(error, challenge=told)
        return status, [*headers, *more], body

    def _check_origin(self, method: str, headers: Fields) -> None:
        """Fetch Standard: browsers send ``origin`` with everything but GET and HEAD, and a page cannot change it."""
        origins = headers.get_all("origin")
        if method == "GET" or not origins:
            return
        own = len(origins) == 1 and (
            origins[0] in self._passkeys.party.origins or urlsplit(origins[0]).netloc == (headers.get("host") or "-")
        )
        if not own:
            raise IdentityError("Not from that page.", reason="origin-refused", status=403)


_ROUTES: Final[Sequence[tuple[re.Pattern[str], Mapping[str, _Handler]]]] = (
    (re.compile(f"/v1/challenges/{_ID}"), {"GET": StepUpApi._state}),
    (re.compile(f"/v1/challenges/{_ID}/options"), {"POST": StepUpApi._options}),
    (re.compile(f"/v1/challenges/{_ID}/passkey"), {"POST": StepUpApi._passkey}),
    (re.compile(f"/v1/challenges/{_ID}/totp"), {"POST": StepUpApi._code}),
    (re.compile("/v1/passkeys"), {"GET": StepUpApi._list, "POST": StepUpApi._register}),
    (re.compile("/v1/passkeys/options"), {"POST": StepUpApi._new}),
    (re.compile("/v1/passkeys/recovery"), {"POST": StepUpApi._recovery}),
    (re.compile(f"/v1/passkeys/{_ID}"), {"DELETE": StepUpApi._remove}),
    (re.compile("/v1/totp/options"), {"POST": StepUpApi._totp_new}),
    (re.compile("/v1/totp"), {"POST": StepUpApi._totp_confirm, "DELETE": StepUpApi._totp_remove}),
)


def _object(headers: Fields, body: bytes) -> dict[str, Any]:
    if (headers.get("content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise ClientError("The body must be application/json.", reason="content-type", status=415)
    if len(body) > MAX_BODY:
        raise ClientError("The body is too large.", reason="body-too-large", status=413)
    try:
        return base64url.json_object(body or b"{}")
    except ValueError:
        raise ClientError("The body is not a JSON object.", reason="json-invalid") from None


def _text(asked: _Asked, name: str) -> str:
    value = asked.body.get(name)
    if not isinstance(value, str):
        raise _field(name)
    return value


def _field(name: str) -> ClientError:
    return ClientError(f"The field {name} is missing, or of another type.", reason="field-type")


def _answer(status: int, value: Mapping[str, Any]) -> Response:
    return status, [("content-type", "application/json"), ("cache-control", "no-store")], orjson.dumps(value)


def _error(error: ChatwardError, **more: object) -> Response:
    told = {"message": error.public, "type": "authentication_error", "code": error.reason, "param": None}
    return _answer(error.status, {"error": {**told, **({"chatward": more} if more else {})}})
