"""What people say about their data, by HTTP: the service below ``/v1/privacy/``.

The rules:

1. Who asks is who is known by their credential; they speak for themselves alone. A key that stands for many people
   speaks for all of them at once, unless its program names them (``identity.end_users``, by the header).
2. A consent names the version of the notice that the person was shown. A version that is no longer told is refused.
3. Objecting is offered where the law does (GDPR Article 21(1): public task, legitimate interests); consent is
   withdrawn instead. Opting out is offered for purposes that are no service. Restricting (Article 18) always is: what
   follows for the request is for the controller to settle, and until then nothing is processed.
4. Taking a permission away is as easy as giving it (Article 7(3)): withdrawing what was never given, or what is no
   longer offered, is done too.
5. Who is a stranger (a credential that nobody here knows) may speak for themselves too, but is no verified person:
   requests of theirs wait for an operator. With ``privacy.verify = "passkey"`` a request needs a fresh passkey, unless
   its person came by a mailed link (``mailing``), or is a visitor of a widget: they have no passkey, so their requests
   wait for an operator too. Of strangers who have not spoken before, ``STRANGERS`` are heard a
   minute, so that made-up credentials do not fill the disk.
6. Pages of other origins are kept out by the gateway (``gateway.cross_origin``), bodies that are no JSON too.

Called on a thread: it waits for the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from chatward.core.errors import ClientError, IdentityError
from chatward.core.identity import CHALLENGE_HEADER, Assurance, Fields, Principal, Proof
from chatward.core.identity import Kind as PrincipalKind
from chatward.core.ports import Headers
from chatward.identity.access import ChallengedError
from chatward.identity.allowance import Allowance
from chatward.identity.challenges import Challenges
from chatward.identity.end_users import EndUsers
from chatward.identity.stepup_api import PAGE as STEP_UP
from chatward.privacy.gate import says_gpc
from chatward.privacy.notice import notice
from chatward.privacy.requests import Kind, Law, Request, Requests
from chatward.privacy.standing import ALL, EXPLICIT, NOTHING_SAID, Standing, Standings, Word, refusal, somebody
from chatward.settings import Settings

PREFIXES: Final = tuple(f"/v1/privacy/{name}/" for name in ("consents", "choices", "requests"))
"""``/v1/privacy/notice`` is not among them: it is a page that everybody may read."""

STRANGERS: Final = 60
"""Strangers a minute whose first word is taken."""
Answered = tuple[int, Headers, bytes]

_PATH: Final = re.compile(r"/v1/privacy/(consents|choices|requests)(?:/([A-Za-z0-9_*-]{1,64}))?/?")
_CHOICES: Final = {
    "object": Word.OBJECTS,
    "object-no-more": Word.OBJECTS_NO_MORE,
    "restrict": Word.RESTRICTS,
    "restrict-no-more": Word.RESTRICTS_NO_MORE,
    "opt-out": Word.OPTS_OUT,
    "opt-in": Word.OPTS_IN,
}
_OBJECTIONABLE: Final = frozenset({"public-task", "legitimate-interests", None})


class _Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    notice: str
    explicit: bool = False


class _Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    choice: str
    purpose: str = ALL


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Kind
    law: Law = Law.GDPR


class PrivacyApi:
    """The service. ``answer`` raises ``ClientError``, ``IdentityError`` and ``StoreError``."""

    def __init__(
        self, settings: Settings, standings: Standings, requests: Requests, people: EndUsers | None = None
    ) -> None:
        self._challenges: Challenges | None = None
        self._settings = settings
        self._privacy = settings.privacy
        self._standings = standings
        self._requests = requests
        self._people = people
        self._strangers = Allowance(STRANGERS)

    def proving(self, challenges: Challenges) -> None:
        """By what people prove who they are, where ``privacy.verify`` wants a passkey."""
        self._challenges = challenges

    def answer(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered:
        found = _PATH.fullmatch(path)
        handler = _ROUTES.get((method, found[1], found[2] is not None)) if found else None
        if found is None or handler is None:
            known = found is not None and any(key[1] == found[1] for key in _ROUTES)
            if known and method != "OPTIONS":
                raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
            raise ClientError("There is nothing at this address.", reason="not-found", status=404)
        if self._people is not None:
            principal = self._people.person(principal, headers)
        if not somebody(principal):
            raise IdentityError("Sign in first: this is kept for one person.", reason="not-authenticated")
        if method == "POST" and principal.assurance is Assurance.NONE:
            self._meet(principal)
        return handler(self, headers, body, principal, found[2] or "")

    # --- consent

    def _consents(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        standing = self._standings.of(principal.tenant, principal.id)
        return _said(200, self._told(standing, principal, gpc=says_gpc(headers)))

    def _consent(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        asked = _read(body, _Consent)
        known = self._privacy.purposes.get(asked.purpose)
        if known is None:
            raise ClientError("There is no such purpose; the notice lists them.", reason="purpose-unknown", status=404)
        if known.lawful_basis != "consent":
            raise ClientError("This purpose does not rest on consent.", reason="consent-not-asked", status=409)
        if asked.notice != self._privacy.notice.version:
            raise ClientError(
                "That is not the notice that is told now: show the current one.", reason="notice-outdated", status=409
            )
        if known.explicit and not asked.explicit:
            raise ClientError(
                "This purpose is about special categories of data: consent to it expressly (`explicit`).",
                reason="consent-not-explicit",
                status=409,
            )
        self._say(principal, asked.purpose, Word.CONSENTS, asked.notice + (EXPLICIT if asked.explicit else ""))
        return self._consents(headers, body, principal, "")

    def _withdraw(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        given = self._standings.of(principal.tenant, principal.id).consents
        if purpose not in self._privacy.purposes and purpose not in given:
            raise ClientError("There is no such purpose; the notice lists them.", reason="purpose-unknown", status=404)
        self._say(principal, purpose, Word.WITHDRAWS)
        return self._consents(headers, body, principal, "")

    # --- the other rights

    def _choose(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        asked = _read(body, _Choice)
        word = _CHOICES.get(asked.choice)
        if word is None:
            raise ClientError(f"The choice is one of {', '.join(_CHOICES)}.", reason="field-type")
        known = self._privacy.purposes.get(asked.purpose)
        if known is None and asked.purpose != ALL:
            raise ClientError("There is no such purpose; the notice lists them.", reason="purpose-unknown", status=404)
        if known is not None and word is Word.OBJECTS and known.lawful_basis not in _OBJECTIONABLE:
            raise ClientError(
                "This purpose does not rest on interests that can be objected to; consent is withdrawn instead.",
                reason="objection-not-offered",
                status=409,
            )
        if known is not None and word is Word.OPTS_OUT and known.use == "service":
            raise ClientError("This purpose is the service itself.", reason="opt-out-not-offered", status=409)
        names = [asked.purpose]
        if word is Word.OBJECTS and asked.purpose == ALL:  # of what can be objected to, each by itself
            names = [name for name, one in self._privacy.purposes.items() if one.lawful_basis in _OBJECTIONABLE]
        for name in names:
            self._say(principal, name, word)
        return self._consents(headers, body, principal, "")

    # --- requests

    def _ask(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        asked = _read(body, _Asked)
        # Who asks is who the data are about, as surely as their credential says: verified by it, if it is known here.
        verified = "" if principal.assurance is Assurance.NONE else self._proven(principal, headers, asked.kind)
        opened = self._requests.open(
            principal.tenant, principal.id, asked.kind, asked.law, by=principal.id, verified=verified
        )
        return _said(201, _request(opened))

    def _asked(self, headers: Fields, body: bytes, principal: Principal, purpose: str) -> Answered:
        own = self._requests.of(principal.tenant, principal.id)
        return _said(200, {"requests": [_request(one) for one in own]})

    # --- inside

    def _proven(self, principal: Principal, headers: Fields, kind: Kind) -> str:
        """How it is known who asks: as surely as settings want it. Raises ``ChallengedError``."""
        known = principal.attributes.get("verified") or principal.assurance.name.lower()
        if self._privacy.verify == "credential" or known == "mail" or principal.assurance is Assurance.STRONG:
            return known
        if principal.kind is PrincipalKind.VISITOR:
            return ""  # a visitor of a widget has no passkey: an operator finds out who asks
        if self._challenges is None or self._challenges.fresh(principal) is Assurance.STRONG:
            return "passkey" if self._challenges is not None else ""
        action = f"privacy:request:{kind.value}"
        binding = sha256(f"{action}\0{principal.session}".encode()).hexdigest()
        for given in headers.get_all(CHALLENGE_HEADER) if CHALLENGE_HEADER in headers else ():
            if self._challenges.met(given, principal, binding) is not None:
                return "passkey"
        challenge = self._challenges.require(principal, action, binding, (Proof.PASSKEY,))
        raise ChallengedError(challenge, STEP_UP)

    def _meet(self, principal: Principal) -> None:
        """Hears a stranger, unless too many came."""
        known = self._standings.of(principal.tenant, principal.id) != NOTHING_SAID
        if not known and self._strangers.take("strangers"):
            raise ClientError("Too many ask at once; try again later.", reason="too-many-statements", status=429)

    def _say(self, principal: Principal, purpose: str, word: Word, version: str = "") -> None:
        self._standings.say(principal.tenant, principal.id, purpose, word, by=principal.id, notice=version)

    def _told(self, standing: Standing, principal: Principal, *, gpc: bool) -> Mapping[str, Any]:
        privacy = self._privacy
        version = privacy.notice.version
        minor = bool(privacy.minor_role) and privacy.minor_role in principal.roles
        purposes = {}
        for name, purpose in privacy.purposes.items():
            why = refusal(name, purpose, standing, notice=version, minor=minor, gpc=gpc and privacy.gpc)
            purposes[name] = {
                "lawful_basis": purpose.lawful_basis,
                "permitted": not why,
                "reason": why or None,
                "consented": (standing.consents.get(name) or "").removesuffix(EXPLICIT) or None,
            }
        return {
            "notice": notice(self._settings)["version"],
            "purposes": purposes,
            "objected": sorted(standing.objects),
            "restricted": sorted(standing.restricts),
            "opted_out": sorted(standing.opts_out),
            # 11 CCR 7025(c)(6): whether the signal was understood is shown.
            "gpc": {"honoured": privacy.gpc, "seen": gpc},
        }


_Handler = Callable[[PrivacyApi, Fields, bytes, Principal, str], Answered]
_ROUTES: Final[Mapping[tuple[str, str, bool], _Handler]] = {
    ("GET", "consents", False): PrivacyApi._consents,
    ("POST", "consents", False): PrivacyApi._consent,
    ("DELETE", "consents", True): PrivacyApi._withdraw,
    ("GET", "choices", False): PrivacyApi._consents,
    ("POST", "choices", False): PrivacyApi._choose,
    ("GET", "requests", False): PrivacyApi._asked,
    ("POST", "requests", False): PrivacyApi._ask,
}


def _read(body: bytes, form: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.ValidationError:
        fields = ", ".join(form.__struct_fields__)
        raise ClientError(f"The body is an object with {fields}, as the docs say.", reason="field-type") from None
    except msgspec.DecodeError:
        raise ClientError("The body is not a JSON object.", reason="json-invalid") from None


def _request(request: Request) -> Mapping[str, Any]:
    return {
        "id": request.id,
        "kind": request.kind.value,
        "law": request.law.value,
        "state": request.state.value,
        "received": request.received.isoformat(),
        "due": request.due.isoformat(),
    }


def _said(status: int, value: Mapping[str, Any]) -> Answered:
    return status, [("content-type", "application/json"), ("cache-control", "no-store")], msgspec.json.encode(value)
