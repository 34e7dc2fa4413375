"""The people behind one API key: whom its program names in each request is the person the data are about.

The rules:

1. Only a caller with the role of ``[identity.end_users]`` names people; what others put there says nothing.
2. A person's id here is ``user:`` and a keyed digest (HMAC-SHA-256 under a key of this installation) of tenant, space
   and the name that the program gives. Names stand in no file; those that are addresses are
   compared in lower case. The space is the key's id, so that ``17`` of two
   programs are two people, unless settings give all keys one.
3. Authentication, authorization, revocation and budgets stay the key's: who holds it can name whomever they want. What
   was kept, consent, threads, limits and erasure are the person's.
4. The header counts before the fields; fields are those of the dialects (``user`` and ``safety_identifier``, OpenAI;
   ``metadata.user_id``, Anthropic). Two fields that name two people, or anything but a short text, are refused.
5. A bot has no need to know who that is: in what it gets, the fields hold the person's id here, but on routes that say
   otherwise (``routes.NAME.end_users``). The header never goes there.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatward.core.errors import ClientError
from chatward.core.identity import Caller, Fields, Kind, Principal
from chatward.settings.end_users import EndUserSettings

PREFIX: Final = "user:"
LONGEST: Final = 512
"""Characters of a name."""


def opened(settings: EndUserSettings, secret: bytes) -> EndUsers | None:
    """As settings say, under the key of this installation; ``None`` where they let nobody name people."""
    if not settings.role:
        return None
    return EndUsers(settings, HKDF(SHA256(), 32, salt=None, info=b"chatward end users").derive(secret))


class EndUsers:
    """Finds whom a request is about. ``key``: 16 bytes or more. Raises ``ClientError``: ``end-user-invalid``,
    ``end-user-missing``."""

    def __init__(self, settings: EndUserSettings, key: bytes) -> None:
        self._settings = settings
        self._key = key
        self._fields = tuple(tuple(field.split(".")) for field in settings.fields)

    def subject(self, tenant: str, space: str, name: str) -> str:
        """The id of a person. ``space``: the key's id (``key:…``), which counts where settings give no other."""
        parts = (tenant, self._settings.space or space, name.lower() if "@" in name else name)
        data = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return PREFIX + hmac.digest(self._key, data, "sha256")[:16].hex()

    def named(self, caller: Caller, body: bytes) -> Caller:
        """The caller, for the person that the request is about."""
        found = self.person(caller.principal, caller.presented.headers, body)
        return caller if found is caller.principal else dataclasses.replace(caller, subject=found)

    def person(self, principal: Principal, headers: Fields, body: bytes = b"") -> Principal:
        """The person that the request is about; the principal itself where it names nobody."""
        if self._settings.role not in principal.roles or principal.kind is Kind.ANONYMOUS:
            return principal
        name = self._header(headers) or self._field(body)
        if not name:
            if self._settings.required:
                raise ClientError("Say whose request this is: see [identity.end_users].", reason="end-user-missing")
            return principal
        return dataclasses.replace(principal, id=self.subject(principal.tenant, principal.id, name))

    def veiled(self, caller: Caller, body: bytes) -> bytes:
        """A body for a bot, with the person's id in place of the name that the program gave (rule 5)."""
        if caller.subject is None:
            return body
        document = orjson.loads(body)
        changed = False
        for *steps, last in self._fields:
            container = document
            for step in steps:
                container = container.get(step) if isinstance(container, dict) else None
            if isinstance(container, dict) and isinstance(container.get(last), str):
                container[last] = caller.subject.id
                changed = True
        return orjson.dumps(document) if changed else body

    def _header(self, headers: Fields) -> str:
        given = headers.get_all(self._settings.header) if self._settings.header in headers else []
        if len(given) > 1:
            raise _invalid()
        return _checked(given[0]) if given else ""

    def _field(self, body: bytes) -> str:
        if not body or not self._fields:
            return ""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            try:
                document = json.loads(body)  # which reads lone surrogates, as the dialects do
            except (ValueError, RecursionError):
                return ""  # the dialect has its own word for it
        found = {name for path in self._fields if (name := _at(document, path))}
        if len(found) > 1:
            raise _invalid()
        return found.pop() if found else ""


def _at(document: Any, path: tuple[str, ...]) -> str:
    for step in path:
        if not isinstance(document, Mapping):
            return ""
        document = document.get(step)
    return "" if document is None else _checked(document)


def _checked(name: Any) -> str:
    if not isinstance(name, str) or len(name) > LONGEST:
        raise _invalid()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _invalid() from None
    return name.strip()


def _invalid() -> ClientError:
    return ClientError("The end user is named once, by a text.", reason="end-user-invalid")
