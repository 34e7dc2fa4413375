"""May this caller do that, now? The one decision point of the data plane: messages, and tool calls in replies.

The rules:

1. Asked anew for every message and every tool call, also inside an open stream: whether the principal is still good,
   what risk there is, and what policy says. Nothing is granted for having been granted.
2. A denial that more assurance or another person's consent would lift becomes a challenge for exactly this message, or
   this tool with these arguments, in this session (``binding``). Nobody in particular is not challenged but refused.
3. Who resends the request with ``x-chatward-challenge`` uses up what was proven, once. A stream may wait for the proof
   instead (``Patience``): on a thread of its own, and the call goes on by itself once the proof is there.
4. A document in a request that says what it is labelled is read only by who may read that label: else it is taken out
   before any guard or bot sees it, and the answer says how many were.
5. What a caller reads of a refusal is one sentence for all reasons; the ledger has the reason and the policies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, Protocol, cast

from chatward.core.errors import ChatwardError, IdentityError
from chatward.core.events import Event
from chatward.core.identity import (
    CHALLENGE_HEADER,
    Assurance,
    Authorizer,
    Caller,
    Challenge,
    Documents,
    Patience,
    Principal,
    Proof,
    Question,
    Ruling,
)
from chatward.core.ports import Entry
from chatward.core.values import WITHHELD, Action, Category, Decision, Finding, Severity, Treatment, Verdict
from chatward.identity.approvals import Approvals
from chatward.identity.binding import message_binding, message_digest, tool_binding
from chatward.identity.certificates import facts
from chatward.identity.challenges import Challenges, Granted, State
from chatward.identity.stepup_api import PAGE, demanded

Risk = Callable[[Principal], str]
"""The band of risk of a principal now: ``unknown``, ``low``, ``raised`` or ``high``. Microseconds."""

_DEVICE: Final = "device="
"""What the word of a posture begins with that names the device."""
_ODD: Final = re.compile(r"[^\w.:/@*+=-]", re.ASCII)
_REVOKED: Final = Ruling(False, (), "revoked")
_PROOFS: Final = {
    Assurance.STRONG: (Proof.PASSKEY,),
    Assurance.MULTI: (Proof.PASSKEY, Proof.TOTP),
    Assurance.SINGLE: (Proof.PASSKEY, Proof.TOTP),
}


def told(verdict: Verdict, withheld: int) -> Verdict:
    """A message's verdict that also says how many documents were taken out of it."""
    if not withheld:
        return verdict
    finding = Finding(WITHHELD, Category.POLICY, Severity.INFO, 1.0, (0, 0), entity="DOCUMENT")
    taken = Decision(finding, Action.REDACT, Treatment.REMOVE, "document:read")
    return replace(
        verdict,
        action=max(verdict.action, Action.REDACT),
        would=max(verdict.would, Action.REDACT),
        rule=verdict.rule or WITHHELD,
        decisions=(*verdict.decisions, *(taken,) * withheld),
    )


class Authorizing(Authorizer, Protocol):
    """An authorizer that knows whether a tool's arguments matter."""

    def reads_arguments(self, question: Question) -> bool: ...


class DeniedError(IdentityError):
    """Policy says no."""

    status = 403
    reason = "not-permitted"

    def __init__(self, ruling: Ruling) -> None:
        super().__init__("This is not permitted to this caller.")
        self.ruling = ruling


class ChallengedError(IdentityError):
    """Something has to be proven first (RFC 9470): the challenge says what, where and until when."""

    reason = "step-up-required"

    def __init__(self, challenge: Challenge, link: str) -> None:
        super().__init__("This needs a stronger proof of who asks: meet the challenge, then send it again.")
        self.challenge = challenge
        self._headers, self._details = demanded(challenge, link)

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [*self._headers, (CHALLENGE_HEADER, self.challenge.id)]

    @property
    def details(self) -> Mapping[str, object]:
        return {"challenge": self._details}


@dataclass(frozen=True, slots=True)
class Where:
    """What a request is sent to."""

    bot: str
    model: str
    route: str
    purpose: str = ""


class Access:
    """Decides for the gateway. ``valid`` says whether a principal is still good; ``link`` is the page for proofs;
    ``approvals`` are where another person's consent to a tool call is asked for; ``network`` names that of an address.
    ``everywhere``: tool calls are ruled on where nothing else is read of a reply, too. ``note`` puts an entry on record
    without waiting, and may be called from any thread."""

    def __init__(
        self,
        authorizer: Authorizing,
        *,
        valid: Callable[[Principal], bool],
        challenges: Challenges | None = None,
        approvals: Approvals | None = None,
        risk: Risk = lambda principal: "unknown",
        network: Callable[[str], str | None] | None = None,
        link: str = PAGE,
        everywhere: bool = False,
        note: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        self.note = note
        self.everywhere = everywhere
        self.authorizer = authorizer
        self.challenges = challenges
        self.approvals = approvals
        self._valid = valid
        self._risk = risk
        self._network = network
        self.link = link

    @property
    def version(self) -> str:
        return self.authorizer.version

    def message(self, caller: Caller, where: Where) -> Ruling:
        """The ruling on one message. See ``settle`` for what follows from a denial."""
        return self.decide(caller, "message:send", ("Bot", where.bot), where, {})

    def settle(self, caller: Caller, where: Where, ruling: Ruling, body: bytes, exchange: str) -> None:
        """What follows from the denial of a message, whose ``body`` is JSON: uses up a proof that the request names, or
        raises. Blocks: call it on a thread. Raises ``ChallengedError``, ``DeniedError`` and what ``Challenges.require``
        raises."""
        if self.challenges is None or (ruling.step_up is None and not ruling.approval):
            raise DeniedError(ruling)
        binding = message_binding(message_digest(body), caller.principal.session)
        granted = self.granted(caller, binding)
        if granted is not None:
            ruling = self.decide(caller, "message:send", ("Bot", where.bot), where, {}, granted)
            if ruling.allowed:
                return
        if ruling.step_up is None:  # approvals are of tool calls: nobody could consent to this
            raise DeniedError(ruling)
        raise ChallengedError(self.challenge(caller, ruling, "message:send", binding, exchange), self.link)

    def documents(self, caller: Caller, where: Where, call: object) -> int:
        """Takes out of a request the labelled documents that the caller may not read (``document:read``); how many.
        What has no label is not asked about, and a request that knows no labels has none."""
        labels = getattr(call, "labels", ())
        if not labels:
            return 0
        readable = {
            label: self.decide(caller, "document:read", ("Document", label), where, {"label": label}).allowed
            for label in dict.fromkeys(labels)
        }
        refused = [at for at, label in enumerate(labels) if not readable[label]]
        cast(Documents, call).withhold(refused)
        return len(refused)

    def gate(self, caller: Caller, where: Where, exchange: str) -> Gate:
        """The gate for the tool calls of one reply."""
        return Gate(self, caller, where, exchange)

    # --- for gates

    def decide(
        self,
        caller: Caller,
        action: str,
        resource: tuple[str, str],
        where: Where,
        more: Mapping[str, object],
        granted: Granted | None = None,
    ) -> Ruling:
        principal = caller.principal
        if not self._valid(principal):
            return _REVOKED
        return self.authorizer.decide(self.question(caller, action, resource, where, more, granted))

    def question(
        self,
        caller: Caller,
        action: str,
        resource: tuple[str, str],
        where: Where,
        more: Mapping[str, object],
        granted: Granted | None = None,
    ) -> Question:
        principal = caller.principal
        if self.challenges is not None:
            principal = self.challenges.lifted(principal)
        context: dict[str, object] = {
            "address": caller.presented.address,
            "bot": where.bot,
            "model": where.model,
            "route": where.route,
            "risk": self._risk(principal),
            **more,
        }
        if where.purpose:
            context["purpose"] = where.purpose
        if caller.presented.posture:
            context["posture"] = posture = sorted(caller.presented.posture)
            devices = [word.removeprefix(_DEVICE) for word in posture if word.startswith(_DEVICE)]
            if len(devices) == 1:
                context["device"] = devices[0]
        if self._network is not None and (network := self._network(caller.presented.address)) is not None:
            context["network"] = network
        certificate = facts(caller.presented)
        if certificate is not None:
            context["certificate"] = certificate
        if granted is not None:
            principal = replace(principal, assurance=max(principal.assurance, granted.assurance))
            context["approved"] = granted.proof is Proof.APPROVAL
        return Question(principal, action, resource, context)

    def granted(self, caller: Caller, binding: str) -> Granted | None:
        presented = caller.presented.headers.get(CHALLENGE_HEADER)
        if self.challenges is None or not presented:
            return None
        return self.challenges.met(presented, caller.principal, binding)

    def challenge(self, caller: Caller, ruling: Ruling, action: str, binding: str, exchange: str) -> Challenge:
        if self.challenges is None:
            raise DeniedError(ruling)
        if ruling.step_up is None and not ruling.approval:
            raise DeniedError(ruling)
        # What needs both is proven first: who consents then sees who really asks.
        proofs = (Proof.APPROVAL,) if ruling.step_up is None else _PROOFS[ruling.step_up]
        return self.challenges.require(caller.principal, action, binding, proofs, exchange=exchange)


class Gate:
    """Implements ``core.identity.ProvingGate`` for one reply."""

    def __init__(self, access: Access, caller: Caller, where: Where, exchange: str) -> None:
        self._access = access
        self._caller = caller
        self._where = where
        self._exchange = exchange
        self.patience: Patience | None = None
        self.on_thread = False
        self.pending: Challenge | None = None

    def begins(self, tool: str) -> Ruling | None:
        access, caller = self._access, self._caller
        question = access.question(caller, "tool:call", ("Tool", tool), self._where, {})
        if access.authorizer.reads_arguments(question):
            return None
        ruling = access.decide(caller, "tool:call", ("Tool", tool), self._where, {})
        # A proof is bound to the arguments, so the call is held until they are there.
        return None if ruling.step_up is not None or ruling.approval else self._told(ruling)

    def calls(self, tool: str, arguments: str) -> Ruling:
        return self._told(self._calls(tool, arguments))

    def _told(self, ruling: Ruling) -> Ruling:
        """The ruling, which goes on record."""
        needs = ruling.step_up is not None or ruling.approval
        action = Action.ALLOW if ruling.allowed else Action.CHALLENGE if needs else Action.BLOCK
        fields = {"principal": self._caller.person.id, "action": action.label, "reason": ruling.reason}
        self._access.note(Entry(Event.TOOL_JUDGED, self._exchange, fields))  # tools' names are texts of others
        return ruling

    def _calls(self, tool: str, arguments: str) -> Ruling:
        access, caller = self._access, self._caller
        more = {"arguments": _arguments(arguments)}
        ruling = access.decide(caller, "tool:call", ("Tool", tool), self._where, more)
        if ruling.allowed or (ruling.step_up is None and not ruling.approval):
            return ruling
        if access.challenges is None or not self.on_thread:
            return ruling
        binding = tool_binding(tool, arguments, caller.principal.session)
        granted = access.granted(caller, binding)
        while granted is not None or self.patience is not None:
            if granted is None:
                granted = self._waited(ruling, tool, arguments, binding)
                if granted is None:
                    return ruling
            after = access.decide(caller, "tool:call", ("Tool", tool), self._where, more, granted)
            if after.allowed or after == ruling:
                return after
            ruling, granted = after, None  # it needs another person's consent as well
        with suppress(ChatwardError):  # where it cannot be asked for, the denial stands
            self.pending = self._challenge(ruling, tool, arguments, binding)
        return ruling

    def demand(self) -> ChallengedError:
        if self.pending is None:
            raise LookupError("nothing is to be proven")
        return ChallengedError(self.pending, self._access.link)

    def described(self, challenge: Challenge) -> Mapping[str, object]:
        return ChallengedError(challenge, self._access.link).details

    def _challenge(self, ruling: Ruling, tool: str, arguments: str, binding: str) -> Challenge:
        """What has to be met for this call: a proof, or another person's consent."""
        access, caller = self._access, self._caller
        if access.approvals is not None and ruling.approval and ruling.step_up is None:
            return access.approvals.ask(
                caller.principal,
                tool,
                arguments,
                exchange=self._exchange,
                bot=self._where.bot,
                policies=ruling.policies,
            )
        return access.challenge(caller, ruling, _action(tool), binding, self._exchange)

    def _waited(self, ruling: Ruling, tool: str, arguments: str, binding: str) -> Granted | None:
        """Asks for a proof and waits for it, on this thread."""
        access, patience = self._access, self.patience
        if access.challenges is None or patience is None:
            return None
        try:
            challenge = self._challenge(ruling, tool, arguments, binding)
        except ChatwardError:
            return None
        self.pending = challenge
        patience.announce(challenge)
        if access.challenges.wait_here(challenge.id, patience.seconds, patience.pause) is not State.MET:
            return None
        self.pending = None
        return access.challenges.met(challenge.id, self._caller.principal, binding)


def _arguments(text: str) -> Any:
    """The arguments as policy reads them. What is no JSON stays text, which no policy can read: it is denied."""
    if not text:
        return {}
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, TypeError, RecursionError):
        return text


def _no_number(name: str) -> NoReturn:
    raise ValueError


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names are there once: of two, nobody knows which one the tool will read."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found


def _action(tool: str) -> str:
    """The action's name in a challenge and in the ledger."""
    return f"tool:{_ODD.sub('_', tool)}"[:200]
