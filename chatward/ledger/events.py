"""What the ledger may say: a fixed vocabulary of events, and fields that cannot hold a sentence.

The rule: an entry says *that* something happened, never *what was written*. An event is one of ``Event``
(``subject:object:action``). A field's value is a number, a truth value, ``None``, or an identifier that
matches ``IDENTIFIER`` (or a list of those): letters, digits and ``_ . : / @ * + = -``, no blanks, at most 200
characters. A message does not fit through that, so a mistake in a caller is refused here rather than stored.
It is a second line: a caller still must not pass single words that people wrote. A field ``subject_ref`` must be a
reference that can be made worthless (``references``), never a plain id or its hash.

Refusals name the field and never the value. What was checked is what is written: ``encode`` returns the text
that goes to disk, so a mapping changed later changes nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

import orjson

from chatward.core.ports import Entry
from chatward.ledger.references import FORM


class Event(str, Enum):
    """Everything that the ledger records, as ``subject:object:action``."""

    SERVICE_STARTED = "service:process:started"
    """Reserved: not written yet."""
    SERVICE_STOPPED = "service:process:stopped"
    """Reserved: not written yet."""
    CONFIG_LOADED = "config:file:loaded"
    """Reserved: not written yet."""
    CONFIG_REFUSED = "config:file:refused"
    """Reserved: not written yet."""
    GATE_CLOSED = "gate:state:closed"
    """Entries could not be written, so requests were refused; `reason` says why."""
    GATE_OPENED = "gate:state:opened"
    """Entries can be written again."""
    GUARD_UNAVAILABLE = "guard:state:unavailable"
    """Reserved: not written yet. The entries of a message name the guards that could not run."""

    REQUEST_REFUSED = "request:call:refused"
    """Not served: malformed, too large, not authenticated, not authorized, too many."""
    MESSAGE_RECEIVED = "message:input:received"
    """Reserved: not written yet."""
    MESSAGE_JUDGED = "message:input:judged"
    """A message was refused by policy; no bot was called."""
    UPSTREAM_INTENDED = "upstream:call:intended"
    """A message was judged and will go to a bot. Written before the bot is called."""
    UPSTREAM_ANSWERED = "upstream:call:answered"
    """Reserved: not written yet."""
    UPSTREAM_FAILED = "upstream:call:failed"
    """The bot was called and did not answer as it should."""
    TOOL_INTENDED = "tool:call:intended"
    """Reserved: not written yet."""
    TOOL_JUDGED = "tool:call:judged"
    """Reserved: not written yet."""
    REPLY_STARTED = "reply:output:started"
    """A streamed reply begins. Written before its first byte leaves."""
    REPLY_JUDGED = "reply:output:judged"
    """A whole reply was judged. Written before it leaves."""
    REPLY_DELIVERED = "reply:output:delivered"
    """A streamed reply was delivered to its end."""
    REPLY_ABORTED = "reply:output:aborted"
    """Not delivered to its end: blocked midway, the caller left, the upstream broke."""
    INSPECTION_JUDGED = "inspection:text:judged"
    """A verdict that another program asked for; nothing was forwarded."""
    STEP_UP_REQUIRED = "challenge:step-up:required"
    """Somebody must prove who they are before something goes on; `proofs` says how."""
    STEP_UP_MET = "challenge:step-up:met"
    """They did, with `proof`. Written before it counts."""
    STEP_UP_FAILED = "challenge:step-up:failed"
    """A proof was not good; `reason` says why. `attempts`: the last that the challenge takes."""
    STEP_UP_EXPIRED = "challenge:step-up:expired"
    """Nobody proved anything in time."""
    APPROVAL_REQUIRED = "approval:tool:required"
    """A tool call waits for another person's consent."""
    APPROVAL_GRANTED = "approval:tool:granted"
    """The operator in `approver` agreed. Written before it counts."""
    APPROVAL_REFUSED = "approval:tool:refused"
    """The operator in `approver` did not agree."""
    APPROVAL_EXPIRED = "approval:tool:expired"
    """Nobody decided in time."""
    PASSKEY_REGISTERED = "passkey:credential:registered"
    """A passkey was added; `standing` says on what ground: `first`, `proof` of another, or `right` by a code."""
    PASSKEY_REMOVED = "passkey:credential:removed"
    """A passkey was removed."""
    PASSKEY_SUSPENDED = "passkey:credential:suspended"
    """A good signature came with a counter that went back: there are two copies of the key."""
    RECOVERY_ISSUED = "recovery:codes:issued"
    """New recovery codes in place of the old."""
    RECOVERY_USED = "recovery:codes:used"
    """A recovery code was spent: a passkey may be registered. Written before that is so."""
    RECOVERY_FAILED = "recovery:codes:failed"
    """A recovery code that is none."""
    TOTP_ENROLLED = "totp:secret:enrolled"
    """One-time codes of a new secret are accepted."""
    TOTP_REMOVED = "totp:secret:removed"
    """One-time codes are no longer accepted."""
    OPERATOR_SESSION_OPENED = "operator:session:opened"
    """An operator signed in: `operator`, `session`, `assurance`. Written before the session's cookie leaves."""
    OPERATOR_SESSION_REFUSED = "operator:session:refused"
    """Somebody could not sign in; `reason` says why. `operator` is set where name and password were right."""
    OPERATOR_SESSION_CLOSED = "operator:session:closed"
    """A session was ended by hand (`reason`: log-out, ended, password). Idle ones end without an entry."""
    OPERATOR_CREATED = "operator:account:created"
    """A new account with `roles`. `by` is the operator who made it, `link` (the first admin) or `command-line`."""
    OPERATOR_DISABLED = "operator:account:disabled"
    """An account was disabled; its sessions end at their next request."""
    OPERATOR_CHANGED = "operator:account:changed"
    """Another password, other roles, enabled again, one-time codes set up or removed: `what`. Written before."""
    BREAK_GLASS_USED = "operator:break-glass:used"
    """An alert: somebody signed in with an account for emergencies. Another operator must review it."""
    BREAK_GLASS_REVIEWED = "operator:break-glass:reviewed"
    """The operator in `by` reviewed that use; the account may be used again."""
    PERSON_CREATED = "person:record:created"
    """The company's directory (SCIM) named a new `user`; `by` is its key. Written before they may do anything."""
    PERSON_CHANGED = "person:record:changed"
    """It changed a user, or let them in again (`active`). Written before."""
    PERSON_DISABLED = "person:record:disabled"
    """It shut a user out: they are refused from their next message on."""
    PERSON_DELETED = "person:record:deleted"
    """It deleted a user: the same, and what it said of them is erased."""
    GROUP_CREATED = "group:record:created"
    """The company's directory named a new `group`."""
    GROUP_CHANGED = "group:record:changed"
    """It changed a group's name or members, and so their roles. Written before, where somebody gains by it."""
    GROUP_DELETED = "group:record:deleted"
    """It deleted a group: its members have lost what it gave them."""
    KEY_CREATED = "key:record:created"
    """A new API key, `key`. `by` is who made it: an operator, or `command-line`. Written before anybody has it."""
    KEY_ROTATED = "key:record:rotated"
    """A new version of a key; the one before it is good until `until`. Written before anybody has it."""
    KEY_REVOKED = "key:record:revoked"
    """A key, or the one `version` of it, is no longer good. Written after that is so."""
    CALLER_REFUSED = "identity:caller:refused"
    """Reserved: not written yet."""
    CONVERSATION_REVEALED = "conversation:text:revealed"
    """An auditor reads a stored conversation unmasked. Written before a word is shown; the reason is kept, sealed."""
    CONVERSATION_REVEAL_REFUSED = "conversation:text:reveal-refused"
    """Somebody who may not asked for that."""
    CONVERSATIONS_PURGED = "conversation:record:purged"
    """Stored turns past their retention time, from before `before` (seconds since 1970). Written before they go."""
    SUBJECT_ERASURE_INTENDED = "subject:erasure:intended"
    """A subject will be erased: `subject` is a digest. Written before anything is destroyed."""
    SUBJECT_ERASED = "subject:erasure:done"
    """Their keys are destroyed and their rows deleted in all `stores`, with a signed receipt for each."""
    KEY_ROTATION_STARTED = "seal:rotation:started"
    """A tenant's keys will have another version. Written before it is made."""
    KEY_ROTATION_FINISHED = "seal:rotation:finished"
    """Every sealed field has that version. Written before the older keys are destroyed."""


EVENTS: Final = frozenset(event.value for event in Event)

IDENTIFIER: Final = re.compile(r"[\w.:/@*+=-]{0,200}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_MAX_LIST: Final = 200
_MAX_FIELDS: Final = 64
_MAX_TEXT: Final = 200

_is_identifier = IDENTIFIER.fullmatch
_is_reference = FORM.fullmatch
_is_name = _NAME.fullmatch

_ALLOWED: Final = bytes(code for code in range(128) if IDENTIFIER.fullmatch(chr(code)))
_PLAIN: Final = frozenset({int, bool, type(None)})
_SORTED: Final = orjson.OPT_SORT_KEYS
_names: set[str] = set()
"""Names of fields that were found well-formed before (at most ``_MAX_NAMES``)."""
_MAX_NAMES: Final = 1000


def encode(entry: Entry) -> tuple[str, str, bytes]:
    """Event, exchange id and the fields as compact JSON with sorted keys, once they are allowed.

    Raises ``ValueError`` that names the field, never its value. This is on the way of every message: the
    usual entry is checked as one joined string; whatever that does not settle goes field by field.
    """
    event, fields = entry.event, entry.fields
    if event not in EVENTS:
        raise ValueError("ledger entry: event is not in the vocabulary (chatward.ledger.events.Event)")
    texts = [entry.exchange]
    for value in fields.values():
        kind = type(value)
        if kind is str:
            texts.append(value)  # type: ignore[arg-type]
        elif kind is list or kind is tuple:
            texts += value  # type: ignore[arg-type]
        elif kind not in _PLAIN:
            return _encode_slowly(entry)
    try:
        joined = "".join(texts)
        if (
            joined.encode("ascii").translate(None, _ALLOWED)
            or not fields.keys() <= _names
            or ("subject_ref" in fields and not _is_reference(fields["subject_ref"]))  # type: ignore[call-overload]
            or (len(joined) > _MAX_TEXT and max(map(len, texts)) > _MAX_TEXT)
            or len(texts) > _MAX_LIST
            or len(fields) > _MAX_FIELDS
        ):
            return _encode_slowly(entry)
        name = event if type(event) is str else str.__str__(event)
        return name, texts[0], orjson.dumps(fields, None, _SORTED)
    except (TypeError, UnicodeEncodeError):  # orjson's errors are TypeErrors
        return _encode_slowly(entry)


def _encode_slowly(entry: Entry) -> tuple[str, str, bytes]:
    if not isinstance(entry.exchange, str) or _is_identifier(entry.exchange) is None:
        raise ValueError("ledger entry: exchange is not an identifier")
    if len(entry.fields) > _MAX_FIELDS:
        raise ValueError(f"ledger entry: more than {_MAX_FIELDS} fields")
    plain: dict[str, object] = {}
    for name, value in entry.fields.items():
        if type(name) is not str or _is_name(name) is None:
            raise ValueError("ledger entry: a field's name is not of the form [a-z][a-z0-9_]*")
        plain[name] = _checked(name, value)
    if len(_names) < _MAX_NAMES:
        _names.update(plain)
    return str.__str__(entry.event), str.__str__(entry.exchange), orjson.dumps(plain, option=_SORTED)


def _checked(name: str, value: object) -> object:
    """The value of one field as plain JSON data, or ``ValueError``."""
    if name == "subject_ref" and value is not None and not (isinstance(value, str) and _is_reference(value)):
        raise ValueError("ledger entry: field subject_ref is not a reference (chatward.ledger.references)")
    if isinstance(value, (list, tuple, set, frozenset)):
        if len(value) > _MAX_LIST:
            raise ValueError(f"ledger entry: field {name} holds more than {_MAX_LIST} items")
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [_scalar(name, item) for item in items]
    return _scalar(name, value)


def _scalar(name: str, value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _is_identifier(value) is None:
            raise ValueError(f"ledger entry: field {name} is not an identifier ({IDENTIFIER.pattern})")
        return str.__str__(value)
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 64:
            raise ValueError(f"ledger entry: field {name} does not fit into 64 bits")
        return int(value)
    if isinstance(value, float):
        if value - value != 0:  # infinity and NaN have no JSON
            raise ValueError(f"ledger entry: field {name} is not a finite number")
        return float(value)
    raise ValueError(f"ledger entry: field {name} is neither a number, an identifier nor a list of those")
