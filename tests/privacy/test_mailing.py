"""Links by mail: sent over real SMTP with TLS, good once, and nothing that tells who is known."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from chatward.core.errors import ChatwardError, ClientError, IdentityError
from chatward.core.identity import Presented, Principal
from chatward.core.ports import Entry
from chatward.identity.end_users import EndUsers
from chatward.ledger.events import encode
from chatward.privacy.erasing import Statements
from chatward.privacy.mailing import PER_ADDRESS, Answered, Mailed, Mailer
from chatward.privacy.requests import Requests
from chatward.privacy.standing import Standings
from chatward.seal.register import Register, signer
from chatward.settings.end_users import EndUserSettings
from chatward.settings.rights import Mail
from chatward.stores.database import Database
from tests.browsing import BROWSING, browser, watched
from tests.privacy.test_path import Person, code
from tests.privacy.test_whole import CONFIG, World
from tests.simulators.authority import Authority

__all__ = ["browser"]

ADDRESS = "ann@example.org"
PASSWORD = "a-password-of-the-mail-server"


class _Box:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"

    def token(self) -> str:
        text = message_from_bytes(self.got[-1][1]).get_payload(decode=True)
        assert isinstance(text, bytes)
        found = re.search(rb"#mail=(cwm_[\w-]+)", text)
        assert found is not None
        return found[1].decode()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mail")
    Authority(folder, "ca").make("server", server=True)
    return folder


@pytest.fixture
def box() -> _Box:
    return _Box()


@pytest.fixture
def server(authority: Path, box: _Box) -> Iterator[Controller]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")

    def known(server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
        return AuthResult(success=(auth.login, auth.password) == (b"chatward", PASSWORD.encode()), handled=False)

    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="localhost", port=port, tls_context=context, require_starttls=True,
        authenticator=known, auth_required=True,
    )  # fmt: skip
    controller.start()
    yield controller
    controller.stop()


def settings_of(server: Any, authority: Path, **more: Any) -> Mail:
    return Mail(
        **{
            "host": "localhost", "port": server.port, "ca_file": str(authority / "ca.pem"), "user": "chatward",
            "password": "env:MAIL_PASSWORD", "sender": "privacy@example.com", "url": "https://chat.example.com", **more,
        }
    )  # fmt: skip


# --- the mail itself


def test_mail_goes_over_tls_to_a_server_that_knows_us(
    server: Controller, authority: Path, box: _Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    Mailer(settings_of(server, authority))(ADDRESS, "Your data", "Grüße\n")
    ((to, raw),) = box.got
    message = message_from_bytes(raw)
    assert (to, message["To"], message["From"]) == (ADDRESS, ADDRESS, "privacy@example.com")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@example.com>")
    assert message.get_payload(decode=True) == "Grüße\r\n".encode()


@pytest.mark.parametrize(
    ("password", "more", "error"),
    [
        ("another", {}, smtplib.SMTPAuthenticationError),
        (PASSWORD, {"ca_file": None}, ssl.SSLCertVerificationError),
        (PASSWORD, {"security": "none", "user": ""}, smtplib.SMTPException),
    ],
    ids=["password", "authority", "plain"],
)
def test_nothing_goes_where_it_must_not(
    server: Controller, authority: Path, box: _Box, monkeypatch: pytest.MonkeyPatch,
    password: str, more: dict[str, Any], error: type[Exception],
) -> None:  # fmt: skip
    monkeypatch.setenv("MAIL_PASSWORD", password)
    with pytest.raises(error):
        Mailer(settings_of(server, authority, **more))(ADDRESS, "Your data", "text")
    assert box.got == []


# --- links and sessions


URL = "https://chat.example.com"


class Office:
    """The service, with mail that is kept here. ``now`` is the clock's time."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_770_000_000.0
        self.sent: list[tuple[str, str, str]] = []
        self.entries: list[Entry] = []
        self.asked: list[tuple[str, str, Principal]] = []
        self.database = Database(folder / "privacy.db")
        self.people = EndUsers(EndUserSettings(role="app", space="mail"), b"k" * 32)
        self.fail: Exception | None = None
        self.open()

    def open(self) -> None:
        self.mailed = Mailed(
            self.database, Mail(host="localhost", url=URL, tenants=("default", "acme")), self.people, self.answer,
            send=self.send, record=self.entries.append, clock=lambda: self.now,
        )  # fmt: skip

    def send(self, address: str, subject: str, text: str) -> None:
        if self.fail is not None:
            raise self.fail
        self.sent.append((address, subject, text))

    def answer(self, method: str, path: str, headers: Any, body: bytes, principal: Principal) -> Answered:
        self.asked.append((method, path, principal))
        return 200, [], b"{}"

    def post(self, what: str, body: object) -> Any:
        status, _, answer = self.mailed.handle(presented(), f"/v1/privacy/mailed/{what}", json.dumps(body).encode())
        return status, json.loads(answer)

    def link(self, address: str = ADDRESS) -> str:
        """The token that was mailed; empty where none was."""
        before = len(self.sent)
        self.post("link", {"address": address})
        self.mailed.close()
        self.open()
        return self.sent[-1][2].partition("#mail=")[2].split()[0] if len(self.sent) > before else ""

    def session(self, token: str) -> str:
        return str(self.post("session", {"token": token})[1]["session"])

    def get(self, session: str, path: str = "consents") -> Answered:
        return self.mailed.handle(presented("GET", session), f"/v1/privacy/mailed/{path}", b"")


class Headers(dict[str, str]):
    def get_all(self, key: str) -> list[str]:
        return [self[key]]


def presented(method: str = "POST", token: str = "") -> Presented:
    headers = Headers({"authorization": f"Bearer {token}"} if token else {})
    return Presented(method, "", headers)  # type: ignore[arg-type]


def reason(call: Any) -> str:
    with pytest.raises(ChatwardError) as refused:
        call()
    return refused.value.reason


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.database.close()


def test_who_follows_a_link_is_the_person_of_that_address(desk: Office) -> None:
    session = desk.session(desk.link("Ann@Example.org"))
    assert desk.get(session, "requests")[0] == 200
    ((method, path, principal),) = desk.asked
    assert (method, path) == ("GET", "/v1/privacy/requests")
    assert principal.id == desk.people.subject("default", "key:whatever", ADDRESS)
    assert principal.attributes["verified"] == "mail"
    for entry in desk.entries:
        encode(entry)
        assert ADDRESS not in str(entry.fields)


def test_people_of_other_tenants_get_links_too_and_no_more_of_them(desk: Office) -> None:
    told = [
        desk.post("link", {"address": ADDRESS, "tenant": tenant}) for tenant in ("acme", "unheard-of", *["acme"] * 2)
    ]
    told.append(desk.post("link", {"address": ADDRESS}))  # the fourth that would be mailed
    desk.mailed.close()
    desk.open()
    assert len({json.dumps(one) for one in told}) == 1
    assert len(desk.sent) == PER_ADDRESS
    link = desk.sent[-1][2].split("\n\n")[2]
    assert link.startswith(f"{URL}/chat/privacy?tenant=acme#mail=cwm_")
    desk.get(desk.session(link.partition("#mail=")[2]), "requests")
    ((_, _, principal),) = desk.asked
    assert (principal.tenant, principal.id) == ("acme", desk.people.subject("acme", "", ADDRESS))


def test_a_link_is_good_once_and_for_a_while(desk: Office) -> None:
    token = desk.link()
    desk.session(token)
    assert reason(lambda: desk.session(token)) == "link-invalid"
    late = desk.link()
    desk.now += 3601
    assert reason(lambda: desk.session(late)) == "link-invalid"
    assert reason(lambda: desk.session("cwm_made-up")) == "link-invalid"


def test_a_session_ends_and_a_link_is_none(desk: Office) -> None:
    token = desk.link()
    assert reason(lambda: desk.get(token)) == "not-authenticated"
    session = desk.session(token)
    assert reason(lambda: desk.session(session)) == "link-invalid"
    desk.now += 3601
    assert reason(lambda: desk.get(session)) == "not-authenticated"
    assert reason(lambda: desk.get("")) == "not-authenticated"


def test_a_database_that_was_read_gives_no_session(desk: Office, tmp_path: Path) -> None:
    token = desk.link()
    session = desk.session(token)
    desk.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    data = (tmp_path / "privacy.db").read_bytes()
    for text in (token, session, ADDRESS):
        assert text.encode() not in data


@pytest.mark.parametrize(
    "address",
    ["", "ann", "ann@", "@example.org", "ann@example", "a..b@example.org", "ann@example.org\nBcc: x@y.example",
     "ann@example.org, x@y.example", "<ann@example.org>", "a" * 65 + "@example.org", "ann@" + "a." * 130 + "org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(desk: Office, address: str) -> None:
    assert reason(lambda: desk.post("link", {"address": address})) == "mail-address"


def test_nobody_learns_who_is_known_or_who_had_enough(desk: Office) -> None:
    answers = {json.dumps(desk.post("link", {"address": ADDRESS})) for _ in range(PER_ADDRESS + 2)}
    desk.mailed.close()
    desk.open()
    desk.fail = smtplib.SMTPRecipientsRefused({})
    answers.add(json.dumps(desk.post("link", {"address": "nobody@example.org"})))
    desk.mailed.close()
    desk.open()
    assert len(answers) == 1
    assert len(desk.sent) == PER_ADDRESS
    assert [entry.event for entry in desk.entries] == [*["privacy:mail:sent"] * PER_ADDRESS, "privacy:mail:failed"]
    desk.now += 3601
    desk.fail = None
    assert desk.link()


def test_erasing_somebody_ends_their_links_and_sessions(desk: Office, tmp_path: Path) -> None:
    session, open_ = desk.session(desk.link()), desk.link()
    subject = desk.people.subject("default", "", ADDRESS)
    register = Register(Database(tmp_path / "erasures.db"), signer(tmp_path / "erasures.db"))
    Statements(Standings(desk.database), Requests(desk.database), register).erase_subject("default", subject)
    register.database.close()
    assert reason(lambda: desk.get(session)) == "not-authenticated"
    assert reason(lambda: desk.session(open_)) == "link-invalid"


def test_methods_and_bodies(desk: Office) -> None:
    for method, path in (("GET", "link"), ("DELETE", "session")):
        with pytest.raises(ClientError):
            desk.mailed.handle(presented(method), f"/v1/privacy/mailed/{path}", b"")
    assert reason(lambda: desk.post("link", {"mail": ADDRESS})) == "field-type"
    with pytest.raises(IdentityError):
        desk.mailed.handle(presented(), "/v1/privacy/mailed/requests", b"{}")


# --- a gateway, a mail server, a browser


MAIL = """[identity.end_users]
role = "app"
space = "mail"
[mail]
host = "localhost"
port = {smtp}
ca_file = "{ca}"
user = "chatward"
password = "env:MAIL_PASSWORD"
sender = "privacy@example.com"
url = "http://127.0.0.1:1"
"""


@BROWSING[0]
@BROWSING[1]
def test_a_person_of_an_application_follows_a_link_and_decides(
    server: Controller, authority: Path, box: _Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Any
) -> None:
    monkeypatch.setenv("ROOT_KEYS", "1:" + "cmVhbGx5LTMyLWJ5dGVzLW9mLWEtcm9vdC1rZXkuLi4=")
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    mail = MAIL.format(smtp=server.port, ca=authority / "ca.pem")
    world = World(tmp_path, CONFIG + mail)
    try:
        app = Person(world, world.keys.create("an application", roles=("app",)).key)  # type: ignore[arg-type]
        assert code(app.ask(user=ADDRESS)) == (403, "consent-required")
        with watched(browser, stays=world.gateway.url) as page:
            page.goto(f"{world.gateway.url}/chat/privacy")
            page.get_by_label("Or your mail address").fill(ADDRESS)
            page.get_by_role("button", name="Send me a link").click()
            page.get_by_text("a link is on its way").wait_for()
            for _ in range(100):
                if box.got:
                    break
                page.wait_for_timeout(50)
            page.goto("about:blank")
            page.goto(f"{world.gateway.url}/chat/privacy#mail={box.token()}")
            page.get_by_role("button", name="Consent: support").click()
            page.get_by_role("button", name="Withdraw consent: support").wait_for()
            assert "#" not in page.url
            page.get_by_label("What do you ask for?").select_option("restriction")
            page.get_by_role("button", name="Ask", exact=True).click()
            page.get_by_text("restriction, asked on").wait_for()
        assert app.ask(user=ADDRESS).status_code == 200
        assert code(app.ask(user="bob@example.org")) == (403, "consent-required")
        session = httpx.post(f"{world.gateway.url}/v1/privacy/mailed/session", json={"token": box.token()})
        assert session.status_code == 401
        opened = [one.fields for one in world.gateway.records() if one.event == "subject:request:opened"]
        assert [one["verified"] for one in opened] == ["mail"]
    finally:
        world.stop()
