"""All parts of step-up on one database and one clock, and somebody who uses them as a browser or a program would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatward.core.identity import Assurance, Kind, Principal
from chatward.core.ports import Entry
from chatward.identity.approvals import Approvals
from chatward.identity.binding import tool_binding
from chatward.identity.challenges import Challenges
from chatward.identity.enrolment import Enrolment
from chatward.identity.passkeys import Passkeys
from chatward.identity.relying_party import RelyingParty
from chatward.identity.stepup_api import StepUpApi
from chatward.identity.totp import Totp
from chatward.ledger.events import encode
from chatward.stores.database import Database
from tests.simulators.authenticator import Authenticator, Lies

ORIGIN = "https://chat.example.org"
PARTY = RelyingParty("example.org", "Example", (ORIGIN,))
NOW = 1_800_000_000.0
ARGUMENTS = '{"to": "DE02", "amount": 100}'


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Records:
    """A ``Record`` that checks entries as the ledger does. ``broken``: nothing can be written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.broken: Exception | None = None

    def __call__(self, entry: Entry) -> None:
        if self.broken is not None:
            raise self.broken
        encode(entry)
        self.entries.append(entry)

    def told(self, event: str) -> list[dict[str, Any]]:
        return [dict(entry.fields) for entry in self.entries if entry.event == event]


class Fields:
    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def get(self, key: str, default: str | None = None) -> str | None:
        return next((value for name, value in self._pairs if name == key), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._pairs if name == key]

    def __contains__(self, key: str) -> bool:
        return any(name == key for name, _ in self._pairs)


def person(name: str = "ann", session: str = "s1", **more: Any) -> Principal:
    given = {"assurance": Assurance.SINGLE, **more}
    return Principal(f"person:{name}", given.pop("kind", Kind.PERSON), session=session, **given)


def transfer(principal: Principal, arguments: str = ARGUMENTS) -> str:
    """The binding of a call that transfers money."""
    return tool_binding("transfer", arguments, principal.session)


class World:
    def __init__(self, path: Path | None = None, *, freshness: float = 0.0, first: Any = "signed-in") -> None:
        self.clock = Clock()
        self.record = Records()
        self.database = Database(path)
        self.challenges = Challenges(self.database, self.record, freshness=freshness, clock=self.clock)
        self.enrolment = Enrolment(self.database, self.record, first=first, clock=self.clock)
        self.passkeys = Passkeys(self.database, PARTY, b"s" * 32, self.record, self.enrolment, clock=self.clock)
        self.totp = Totp(self.database, b"k" * 32, self.record, self.enrolment, clock=self.clock)
        self.approvals = Approvals(self.database, self.challenges, b"k" * 32, clock=self.clock)
        self.api = StepUpApi(self.challenges, self.passkeys, self.totp, self.enrolment)

    def ask(
        self, who: Principal, method: str, path: str, body: Any = None, *headers: tuple[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """One request of a browser on our page: status and body."""
        given = [("content-type", "application/json"), ("origin", ORIGIN), *headers]
        sent = b"" if body is None else json.dumps(body).encode()
        status, told, answer = self.api.handle(method, path, Fields(*given), sent, who)
        assert ("cache-control", "no-store") in told
        return status, json.loads(answer)

    def register(
        self, who: Principal, device: Authenticator, lies: Lies | None = None, *headers: tuple[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Options, ``create``, and what was made of it."""
        status, told = self.ask(who, "POST", "/v1/passkeys/options", {}, *headers)
        assert status == 200, told
        made = device.create(told["publicKey"], origin=ORIGIN, lies=lies)
        return self.ask(who, "POST", "/v1/passkeys", {"credential": made})

    def prove(
        self, who: Principal, id: str, device: Authenticator, lies: Lies | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Options, ``get``, and what was made of it."""
        status, told = self.ask(who, "POST", f"/v1/challenges/{id}/options", {})
        assert status == 200, told
        given = device.get(told["publicKey"], origin=ORIGIN, lies=lies)
        return self.ask(who, "POST", f"/v1/challenges/{id}/passkey", {"credential": given})

    def enrol_totp(self, who: Principal) -> str:
        """A secret whose first code was given; time goes on by two steps, so that the next code is a new one."""
        import pyotp

        status, told = self.ask(who, "POST", "/v1/totp/options", {})
        assert status == 200, told
        code = pyotp.TOTP(told["secret"]).at(self.clock.now)
        assert self.ask(who, "POST", "/v1/totp", {"code": code})[0] == 201
        self.clock.now += 60
        return str(told["secret"])
