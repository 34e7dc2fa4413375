"""What operators say of alarms: texts marked as true or false alarms, in a file of their own.

The rules:

1. Only what an operator gives by hand is kept: no text of a conversation comes here by itself, and nothing of the file
   is sent anywhere. It is one JSON object a line, readable and writable by its owner alone (mode 0600), and may be
   edited or deleted like any other file.
2. Lines are only ever added. Of several marks on one text (equal once normalised, with the same role, about the same
   topic) the newest counts. A mark that says nothing new is not written again.
3. A line that cannot be read is an error that names the line and never quotes it. It is not passed over: a case that
   quietly went missing is a test that no longer tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from chatward.core.errors import ClientError, ConfigError
from chatward.core.normalise import plain
from chatward.core.values import Action, Category, Source, Verdict
from chatward.models.training.corpora import Example, Targets

FILE_NAME: Final = "feedback.jsonl"
SOURCE: Final = "feedback"
MAX_TEXT: Final = 1024 * 1024
"""Bytes of the longest text."""

ROLES: Final[Mapping[str, Source]] = {
    "user": Source.USER,
    "assistant": Source.BOT,
    "tool": Source.TOOL,
    "document": Source.DOCUMENT,
    "system": Source.OPERATOR,
}
LABELS: Final = ("true-alarm", "false-alarm")
"""``true-alarm``: it is what the topic says, whether or not it was noticed. ``false-alarm``: it is not."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a mark may be about. ``true`` and ``false`` are the models' targets; without them it serves checks only."""

    categories: frozenset[Category]
    true: Targets
    false: Targets


_STEERING: Final = frozenset((Category.INJECTION, Category.JAILBREAK, Category.INDIRECT_INJECTION))
_ABUSE: Final = frozenset((Category.ABUSE,))
_NO_ATTACK: Final[Targets] = dict.fromkeys(("attack", "direct", "extraction", "jailbreak"), 0.0)


def _only(category: Category) -> Topic:
    return Topic(frozenset((category,)), {}, {})


TOPICS: Final[Mapping[str, Topic]] = {
    "injection": Topic(_STEERING, {"attack": 1, "direct": 1}, _NO_ATTACK),
    "extraction": Topic(_STEERING, {"attack": 1, "extraction": 1}, _NO_ATTACK),
    "jailbreak": Topic(_STEERING, {"attack": 1, "jailbreak": 1}, _NO_ATTACK),
    "indirect-injection": Topic(_STEERING, {"indirect": 1}, {"indirect": 0}),
    "harassment": Topic(_ABUSE, {"toxic": 1}, {"toxic": 0, "hate": 0}),
    "hate": Topic(_ABUSE, {"toxic": 1, "hate": 1}, {"hate": 0}),
    "sexual": Topic(_ABUSE, {"sexual": 1}, {"sexual": 0}),
    "self-harm": Topic(_ABUSE, {"self-harm": 1}, {"self-harm": 0}),
    "violence": Topic(_ABUSE, {"violence": 1}, {"violence": 0}),
    "illegal": Topic(_ABUSE, {"illegal": 1}, {"illegal": 0}),
    "social-engineering": Topic(frozenset((Category.SOCIAL_ENGINEERING,)), {"scam": 1}, {"scam": 0}),
    **{
        one.value: _only(one)
        for one in (Category.PII, Category.PHI, Category.SECRET, Category.LINK, Category.LEAK, Category.MALWARE)
    },
}
_INTENT: Final = frozenset(("injection", "extraction", "jailbreak", "indirect-injection"))


@dataclass(frozen=True, slots=True)
class Mark:
    """One text and what an operator says of it. ``when`` is ISO 8601 with an offset."""

    text: str
    role: str
    label: str
    about: str
    note: str = ""
    who: str = ""
    when: str = ""

    @property
    def source(self) -> Source:
        return ROLES[self.role]

    @property
    def id(self) -> str:
        """Twelve digits that stand for what was marked: they name a case without quoting it."""
        return hashlib.sha256("\0".join(self.key).encode()).hexdigest()[:12]

    @property
    def key(self) -> tuple[str, str, str]:
        return (normalised(self.text), self.role, self.about)

    def as_json(self) -> dict[str, str]:
        said = {"text": self.text, "role": self.role, "label": self.label, "about": self.about}
        return {**said, "note": self.note, "who": self.who, "when": self.when}


def default_topic(role: str) -> str:
    """What a mark is about where it does not say."""
    return "indirect-injection" if ROLES[role].untrusted else "injection"


def normalised(text: str) -> str:
    """A text as it is compared: the plain view, without case, any blanks being one."""
    return " ".join(plain(text).text.casefold().split())


def mark_of(row: Mapping[str, Any], number: int) -> Mark:
    """The mark that a line's object is; role and topic have defaults. Raises ``ClientError``."""
    given = {name: row.get(name, "") for name in ("text", "role", "label", "about", "note", "who", "when")}
    for name, value in given.items():
        if not isinstance(value, str):
            raise _refusal(number, f'"{name}" is not a string')
    given["role"] = given["role"] or "user"
    if not given["text"].strip():
        raise _refusal(number, '"text" is missing or empty')
    if len(given["text"].encode()) > MAX_TEXT:
        raise _refusal(number, f'"text" is longer than {MAX_TEXT >> 20} MiB')
    if given["role"] not in ROLES:
        raise _refusal(number, f'"role" is none of {", ".join(ROLES)}')
    if given["label"] not in LABELS:
        raise _refusal(number, f'"label" is none of {", ".join(LABELS)}')
    given["about"] = given["about"] or default_topic(given["role"])
    if given["about"] not in TOPICS:
        raise _refusal(number, f'"about" is none of {", ".join(TOPICS)}')
    if given["when"] and not _is_time(given["when"]):
        raise _refusal(number, '"when" is no time (ISO 8601)')
    return Mark(**given)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _refusal(number: int, why: str) -> ClientError:
    return ClientError(f"line {number}: {why}", reason="line-invalid")


# --- the file ----------------------------------------------------------------------------------------


def marks(path: Path) -> tuple[Mark, ...]:
    """The marks that count, in the order in which their texts were first marked. None where there is no file.

    Raises ``ClientError`` for a line that cannot be read, ``ConfigError`` for what is no ordinary file, ``OSError``.
    """
    try:
        handle = _open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ()
    with os.fdopen(handle, "rb") as stream:
        return tuple(_newest(_read(stream)).values())


def add(path: Path, new: Sequence[Mark]) -> int:
    """Writes the marks that say something new, durably; returns how many. Raises as ``marks`` does."""
    handle = _open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
    with os.fdopen(handle, "r+b", buffering=0) as stream:
        fcntl.flock(handle, fcntl.LOCK_EX)  # two operators at once: each sees what the other wrote
        os.fchmod(handle, 0o600)
        data = stream.read()
        known = _newest(_read(data.splitlines(keepends=True)))
        lines = []
        for mark in new:
            before = known.get(mark.key)
            if before is None or (before.label, before.note) != (mark.label, mark.note or before.note):
                known[mark.key] = mark
                lines.append(orjson.dumps(mark.as_json(), option=orjson.OPT_APPEND_NEWLINE))
        if lines:
            ended = not data or data.endswith(b"\n")
            _write(handle, len(data), (b"" if ended else b"\n") + b"".join(lines))
        return len(lines)


def exposed(path: Path) -> bool:
    """Whether others than the owner may read or write the file."""
    try:
        return bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        return False


def _open(path: Path, flags: int) -> int:
    """Opens an ordinary file, not what a link leads to."""
    try:
        handle = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened ({error.strerror})", reason="file-missing") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ConfigError(f"{path} is no ordinary file", reason="file-missing")
    return handle


def _write(handle: int, size: int, data: bytes) -> None:
    """Appends all of it or, where the disk is full, nothing to a file of ``size`` bytes."""
    try:
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def _read(lines: Iterable[bytes]) -> Iterator[Mark]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _refusal(number, f"not valid JSON ({error.msg})") from error
        if not isinstance(row, dict):
            raise _refusal(number, "not a JSON object")
        yield mark_of(row, number)


def _newest(read: Iterable[Mark]) -> dict[tuple[str, str, str], Mark]:
    return {mark.key: mark for mark in read}


# --- what marks are good for -----------------------------------------------------------------------------


def feedback_examples(path: Path) -> Iterator[Example]:
    """The marks as training examples, newest mark of a text only. Marks about what no model looks for are left out, and
    what the operator's own prompt or the bot said is no example of an attack. Raises as ``marks`` does."""
    for mark in marks(path):
        topic = TOPICS[mark.about]
        targets = topic.true if mark.label == "true-alarm" else topic.false
        if not targets or (mark.about in _INTENT and mark.role in ("assistant", "system")):
            continue
        yield Example(
            mark.text,
            targets,
            SOURCE,
            lang="und",
            untrusted=mark.source.untrusted,
            group=hashlib.sha256(normalised(mark.text).encode()).hexdigest()[:16],
        )


def misjudged(mark: Mark, verdict: Verdict) -> str:
    """What is wrong about a verdict on the marked text: ``missed``, ``false-alarm``, ``not-judged``; ``""``: nothing.

    Only findings of the topic count, and only where policy acts on them (in monitor mode: would). Where nothing was
    found and a guard could not run, nothing is known.
    """
    alarm = any(
        decision.action > Action.ALLOW and decision.finding.category in TOPICS[mark.about].categories
        for decision in verdict.decisions
    )
    wanted = mark.label == "true-alarm"
    if alarm:
        return "" if wanted else "false-alarm"
    if verdict.unavailable:
        return "not-judged"
    return "missed" if wanted else ""
