"""Mail to people: a link by which somebody shows that an address is theirs, and what following it gives.

The rules:

1. An address is a person where programs name people by their address, in one space (``[identity.end_users]``): it is
   turned into the person's id at once, and stands in no file and no log. It is compared in lower case. Which tenant's
   they are, the page says (``/chat/privacy?tenant=NAME``): one of ``[mail] tenants``, or nobody is written to.
2. Whoever asks for a link gets one and the same answer, at the same speed: mail is sent afterwards, on a thread. Of one
   address ``PER_ADDRESS`` are heard an hour, whatever the tenant, of all ``EVERYBODY`` a minute.
3. A link's token is 32 random bytes, kept as a digest, good once and for minutes; it stands in the fragment, which no
   server and no proxy sees. Mail programs that look at links spend nothing: the page asks for a session by POST.
4. A session is known to the privacy service alone (``/v1/privacy/mailed/``): nobody chats with it. It ends with time,
   and with its person's erasure.
5. The server's certificate is checked; without TLS there is no mail but on this machine.

Waits for the disk and the mail server: call it on a thread.
"""

from __future__ import annotations

import re
import secrets
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from hashlib import sha256
from typing import Any, Final, Protocol
from urllib.parse import quote

import msgspec

from chatward.configuration import resolve
from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.events import Event
from chatward.core.identity import Assurance, Fields, Kind, Presented, Principal
from chatward.core.ports import Entry, Headers
from chatward.core.sealing import Record
from chatward.identity.allowance import Allowance
from chatward.identity.end_users import EndUsers
from chatward.settings.rights import Mail
from chatward.stores.database import Database, Schema

PREFIX: Final = "/v1/privacy/mailed/"
PAGE: Final = "/chat/privacy"
TOKEN: Final = "cwm_"
PER_ADDRESS: Final = 3
EVERYBODY: Final = 30
QUEUE: Final = 100
"""Links that wait to be mailed."""
HOUR: Final = 3600.0
SCHEMA: Final = Schema(
    "privacy-mailed",
    (
        "CREATE TABLE privacy_mailed (digest BLOB PRIMARY KEY, tenant TEXT NOT NULL, subject TEXT NOT NULL,"
        " session INTEGER NOT NULL, made REAL NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
        "CREATE INDEX privacy_mailed_subject ON privacy_mailed (tenant, subject)",
    ),
)
# The mailbox of RFC 5321 4.1.2 as people have them: no comments, no quoted parts, no address literals.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_ACCEPTED: Final = "If this address can be written to, a link is on its way. It is good once."
_TEXT: Final = """\
Somebody, probably you, asked at {url} to see and decide what happens with your data.

Follow this link to go on; it is good once, for {minutes} minutes:

{link}

If it was not you, do nothing: nothing happens.
"""

Answered = tuple[int, Headers, bytes]


class Service(Protocol):
    """``privacy.api.PrivacyApi.answer``."""

    def __call__(self, method: str, path: str, headers: Fields, body: bytes, principal: Principal) -> Answered: ...


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address: str
    tenant: str = "default"


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str


class Mailer:
    """Sends one message at a time. Raises ``OSError`` and ``smtplib.SMTPException``."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    def __call__(self, address: str, subject: str, text: str) -> None:
        wanted = self._settings
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = wanted.sender, address, subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain=wanted.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers of machines
        message.set_content(text)
        context = ssl.create_default_context(cafile=wanted.ca_file)
        if wanted.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(wanted.host, wanted.port, timeout=wanted.timeout, context=context)
        else:
            server = smtplib.SMTP(wanted.host, wanted.port, timeout=wanted.timeout)
        with server:
            if wanted.security == "starttls":
                server.starttls(context=context)  # raises where the server has none
            if wanted.user:
                server.login(wanted.user, resolve(wanted.password or ""))
            server.send_message(message)


class Mailed:
    """Links and sessions, in the ``Database`` of ``[privacy]``, and the service before ``answer``. ``send`` takes
    address, subject and text. Raises ``ClientError`` (``mail-address``, ``too-many-links``), ``IdentityError``
    (``link-invalid``, ``not-authenticated``) and ``StoreError``."""

    def __init__(
        self,
        database: Database,
        settings: Mail,
        people: EndUsers,
        answer: Service,
        *,
        send: Callable[[str, str, str], None] | None = None,
        record: Record = lambda entry: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database = database
        self._settings = settings
        self._people = people
        self._answer = answer
        self._send = send or Mailer(settings)
        self._record = record
        self._clock = clock
        self._everybody = Allowance(EVERYBODY, clock)
        self._waiting = threading.BoundedSemaphore(QUEUE)
        self._sending = ThreadPoolExecutor(1, "chatward-mail")
        database.adopt(SCHEMA)

    def handle(self, presented: Presented, path: str, body: bytes) -> Answered:
        """The service: ``POST link`` and ``POST session``, and for a session all that ``answer`` answers."""
        rest = path.removeprefix(PREFIX)
        if rest in {"link", "session"}:
            if presented.method != "POST":
                raise ClientError("This method is not allowed here.", reason="method-not-allowed", status=405)
            return self._link(body) if rest == "link" else self._session(body)
        return self._answer(presented.method, f"/v1/privacy/{rest}", presented.headers, body, self._who(presented))

    def close(self) -> None:
        """Waits for mail that is being sent."""
        self._sending.shutdown()

    # --- inside

    def _link(self, body: bytes) -> Answered:
        asked = _read(body, _Asked)
        address = asked.address.strip().lower()
        if len(address) > 254 or not _ADDRESS.fullmatch(address) or ".." in address:
            raise ClientError("That is no mail address.", reason="mail-address")
        if self._everybody.take("everybody"):
            raise ClientError("Too many ask at once; try again later.", reason="too-many-links", status=429)
        if not self._waiting.acquire(blocking=False):
            raise ClientError("Too many ask at once; try again later.", reason="too-many-links", status=429)
        self._sending.submit(self._mail, asked.tenant, address)
        return _said(202, {"message": _ACCEPTED})

    def _mail(self, tenant: str, address: str) -> None:
        """Never raises: nobody is there to hear it. What went wrong is on record."""
        self._waiting.release()
        if tenant not in self._settings.tenants:
            return
        subject = self._people.subject(tenant, "", address)
        fields: dict[str, object] = {"tenant": tenant, "principal": subject}
        try:
            token = self._made(tenant, address, subject)
            if not token:
                return
            page = PAGE if tenant == "default" else f"{PAGE}?tenant={quote(tenant)}"
            link = f"{self._settings.url.rstrip('/')}{page}#mail={token}"
            minutes = self._settings.link_minutes
            text = _TEXT.format(url=self._settings.url, link=link, minutes=minutes)
            self._send(address, "Your data: the link that you asked for", text)
            event = Event.MAIL_SENT
        except (OSError, smtplib.SMTPException, StoreError) as error:
            event = Event.MAIL_FAILED
            fields["reason"] = error.reason if isinstance(error, StoreError) else type(error).__name__
        try:
            self._record(Entry(event, "", fields))
        except StoreError:
            return

    def _made(self, tenant: str, address: str, subject: str) -> str:
        """A new link's token; empty where this address got enough of them."""
        people = [self._people.subject(one, "", address) for one in self._settings.tenants]
        now, token = self._clock(), TOKEN + secrets.token_urlsafe(32)
        with self.database.writing() as connection:
            connection.execute("DELETE FROM privacy_mailed WHERE until < ? AND made < ?", (now, now - HOUR))
            (count,) = connection.execute(
                "SELECT count(*) FROM privacy_mailed WHERE session = 0 AND made > ?"  # noqa: S608 - marks alone
                f" AND subject IN ({', '.join('?' * len(people))})",
                (now - HOUR, *people),
            ).fetchone()
            if count >= PER_ADDRESS:
                return ""
            until = now + self._settings.link_minutes * 60
            connection.execute(
                "INSERT INTO privacy_mailed VALUES (?, ?, ?, 0, ?, ?)",
                (_digest(token), tenant, subject, now, until),
            )
        return token

    def _session(self, body: bytes) -> Answered:
        given, now = _digest(_read(body, _Token).token), self._clock()
        session = TOKEN + secrets.token_urlsafe(32)
        until = now + self._settings.session_minutes * 60
        with self.database.writing() as connection:
            # Spent, not taken out: it still counts among those of the hour.
            row = connection.execute(
                "UPDATE privacy_mailed SET until = 0 WHERE digest = ? AND session = 0 AND until > ?"
                " RETURNING tenant, subject",
                (given, now),
            ).fetchone()
            if row is None:
                raise IdentityError("This link is not good any more: ask for another one.", reason="link-invalid")
            connection.execute(
                "INSERT INTO privacy_mailed VALUES (?, ?, ?, 1, ?, ?)", (_digest(session), *row, now, until)
            )
        return _said(200, {"session": session, "seconds": int(until - now)})

    def _who(self, presented: Presented) -> Principal:
        scheme, _, token = (presented.headers.get("authorization") or "").partition(" ")
        row = None
        if scheme.lower() == "bearer" and token.startswith(TOKEN):
            row = self.database.row(
                "SELECT tenant, subject FROM privacy_mailed WHERE digest = ? AND session = 1 AND until > ?",
                (_digest(token), self._clock()),
            )
        if row is None:
            raise IdentityError("Ask for a link by mail first.", reason="not-authenticated")
        session = _digest(token).hex()[:16]
        attributes = {"verified": "mail"}
        return Principal(
            row[1], Kind.PERSON, row[0], assurance=Assurance.SINGLE, session=session, attributes=attributes
        )


def forget(database: Database, tenant: str, subject: str) -> None:
    """Ends links and sessions of a person who is erased."""
    database.adopt(SCHEMA)
    database.write("DELETE FROM privacy_mailed WHERE tenant = ? AND subject = ?", (tenant, subject))


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _read(body: bytes, form: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=form)
    except msgspec.ValidationError:
        raise ClientError("The body is an object as the docs say.", reason="field-type") from None
    except msgspec.DecodeError:
        raise ClientError("The body is not a JSON object.", reason="json-invalid") from None


def _said(status: int, value: object) -> Answered:
    return status, [("content-type", "application/json"), ("cache-control", "no-store")], msgspec.json.encode(value)
