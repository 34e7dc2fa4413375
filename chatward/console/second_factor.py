"""One-time codes of operators at the log-in and on the account page, by ``identity.totp``.

The rules:

1. Who has a way of proving sets up new codes only with a code of the present ones (``identity.enrolment``).
2. Who has lost them begins anew once another operator has taken them away (``reset``).
3. Attempts are counted by where they come from (``operator.session``), so that one who guesses codes with a stolen
   password does not use up the tries of the browser that is known.
"""

from __future__ import annotations

from collections.abc import Callable

from chatward.core.identity import Principal
from chatward.identity.enrolment import Enrolment, Standing, refused_enrolment
from chatward.identity.totp import Totp


class TotpFactor:
    """A ``console.access.SecondFactor``. ``other_proof``: whether somebody has a passkey that works."""

    def __init__(self, totp: Totp, enrolment: Enrolment, other_proof: Callable[[str], bool] = lambda _: False) -> None:
        self._totp = totp
        self._enrolment = enrolment
        self._other_proof = other_proof

    def enrolled(self, operator: str) -> bool:
        return self._totp.has(operator)

    def verify(self, operator: Principal, code: str) -> None:
        self._totp.verify(operator, code)

    def begin(self, operator: Principal, label: str, code: str) -> str:
        has = self._totp.has(operator.id)
        standing = self._enrolment.standing(operator, has or self._other_proof(operator.id))
        if standing is Standing.PROOF and has:
            self._totp.verify(operator, code)
        elif standing not in {Standing.FIRST, Standing.RIGHT}:
            raise refused_enrolment()
        return self._totp.begin(operator, standing, label).uri

    def confirm(self, operator: Principal, code: str) -> None:
        self._totp.confirm(operator, code)

    def reset(self, operator: str) -> bool:
        had = self._totp.remove(operator)
        self._enrolment.forget(operator)
        return had
