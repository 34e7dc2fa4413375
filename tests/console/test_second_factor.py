"""One-time codes of operators, with the real part behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from chatward.console.second_factor import TotpFactor
from chatward.core.errors import IdentityError
from chatward.identity.enrolment import Enrolment
from chatward.identity.totp import Totp
from chatward.stores.database import Database

GOOD = "correct horse battery"


class Codes:
    """An app that shows codes."""

    def __init__(self, uri: str, clock) -> None:
        self._maker = pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])
        self._clock = clock

    def now(self) -> str:
        return self._maker.at(int(self._clock()))


@pytest.fixture
def real(house, tmp_path: Path):
    """A house whose operators have real one-time codes, and a way to ask for new ones."""
    it = house({"ann": ["admin"]})
    database = Database(tmp_path / "codes.db")
    enrolment = Enrolment(database, lambda entry: None, clock=it.clock)
    totp = Totp(database, b"s" * 32, lambda entry: None, enrolment, clock=it.clock)
    factor = TotpFactor(totp, enrolment)
    object.__setattr__(it.access, "second_factor", factor)
    return it, factor


async def enrol(it, browser) -> Codes:
    page = await browser.send_form("/account", "/account/codes")
    uri = page.text.partition("otpauth://")[2].partition("<")[0].replace("&amp;", "&")
    codes = Codes("otpauth://" + uri, it.clock)
    assert (await browser.send_form("/account", "/account/confirm", code=codes.now())).status_code == 200
    return codes


async def test_codes_are_set_up_and_asked_for_and_work_once(real):
    it, _ = real
    browser = it.browser()
    await browser.sign_in()
    codes = await enrol(it, browser)
    used = codes.now()
    it.clock.now += 60
    assert (await it.browser().sign_in("ann")).status_code == 401
    assert (await it.browser().sign_in("ann", code=used)).status_code == 401
    code = codes.now()
    assert (await it.browser().sign_in("ann", code=code)).status_code == 303
    assert (await it.browser().sign_in("ann", code=code)).status_code == 401


async def test_new_codes_need_a_present_one(real):
    it, _ = real
    browser = it.browser()
    await browser.sign_in()
    codes = await enrol(it, browser)
    it.clock.now += 60
    for code in ("", "000000"):
        answer = await browser.send_form("/account", "/account/codes", code=code)
        assert (answer.status_code, "otpauth" in answer.text) == (403, False)
    answer = await browser.send_form("/account", "/account/codes", code=codes.now())
    assert "otpauth" in answer.text
    it.clock.now += 60
    browser = it.browser()
    assert (await browser.sign_in("ann", code=codes.now())).status_code == 303  # until confirmed, the old ones count


async def test_who_has_a_passkey_alone_does_not_add_codes_by_the_session_alone(real):
    it, factor = real
    principal = it.access.sessions.open(it.access.operators.named("ann"), 1)[1]
    assert factor.begin(principal, "ann", "").startswith("otpauth://")
    factor._other_proof = lambda _: True
    with pytest.raises(IdentityError) as caught:
        factor.begin(replace(principal), "ann", "123456")
    assert caught.value.reason == "enrolment-refused"


async def test_guessing_codes_with_a_stolen_password_tells_nothing_and_keeps_nobody_out(real):
    it, _ = real
    home = it.browser(address="192.0.2.1")
    await home.sign_in()
    codes = await enrol(it, home)
    await home.send_form("/account", "/logout")
    attacker = it.browser(address="203.0.113.7")
    answers = set()
    for _ in range(12):
        it.clock.now += 400
        answer = await attacker.sign_in("ann", code="000000")
        wrong = await attacker.sign_in("bob", code="000000")
        answers |= {answer.status_code, wrong.status_code}
    assert answers == {401}
    assert (await home.sign_in("ann", code=codes.now())).status_code == 303
