r"""Reversible placeholders: what stands for a person's data while a bot works with it.

The rules:

1. **One value, one placeholder, one conversation.** A ``Vault`` holds the values of one conversation and of no
   other. The same value always gets the same placeholder (``[EMAIL_1]``, numbered by entity in order of
   first appearance); the case of an e-mail address and the separators of a number make no difference.
2. **In text only the person's own values come back.** A value is *own* once it was in one of the person's
   own messages. What a tool or a document brought is never restored in text, whoever asks for it. In a web address
   none comes back, unless the route vouches for its host: ``replacing.carried``.
3. **A typed placeholder is text.** What a person, tool or document types that reads like a placeholder is
   either *reserved* (no value will ever get that number) or, where the number is taken, becomes a value
   itself (``[LITERAL_1]``). Both come back as they were typed, so typing one never reads a value.
4. **Models mangle.** ``placeholder_rule`` finds placeholders in other case, other brackets, with other
   separators, escapes, marks and inflections; ``Vault.restore`` understands what it finds. A reference to
   nothing in the vault is left as it stands.
5. Masks and hashes (``[email hidden]``, ``[email 5f3a9c21]``) cannot be mistaken for placeholders.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from html import escape
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import quote

from chatward.core.normalise import plain
from chatward.core.rules import PLAIN_ONLY, Rule
from chatward.core.values import Category, PartKind, Severity

LITERAL: Final = "LITERAL"
MAX_NUMBER: Final = 9999
MAX_ENTITY: Final = 24
MAX_RESERVED: Final = 4096
"""Reserved numbers one vault keeps; what is typed beyond them becomes a literal."""

# --- what a placeholder looks like when a model has written it ---------------------------------------

# Opening marks and the closing marks that answer them. ``keeps``: the brackets are the sentence's own.
_FAMILIES: Final = (
    # name, opening, closing
    ("square", r"(?:\\{0,2}\[){1,2}", r"(?:\\{0,2}\]){1,2}"),
    ("square", "[\u3010\uff3b\u3014\u27e6]", "[\u3011\uff3d\u3015\u27e7]"),
    ("angle", r"[<\uff1c]", r"[>\uff1e]"),
    ("curly", r"\\?\{{1,2}", r"\\?\}{1,2}"),
    ("round", r"[(\uff08]", r"[)\uff09]"),
    ("percent", "%(?:5[Bb]|7[Bb]|3[Cc])", "%(?:5[Dd]|7[Dd]|3[Ee])"),
    ("markup", "&(?:#91|#[xX]5[bB]|lbrack|lsqb|lt|#60);", "&(?:#93|#[xX]5[dD]|rbrack|rsqb|gt|#62);"),
)
_GAP: Final = "[ \u00a0]?"
_MARK: Final = r"(?:\*{1,3}|`{1,3}|_{1,2})?"
_JOIN: Final = r"_\\ \u00a0\u2010\u2011\-"
_NAME: Final = rf"[A-Za-z][A-Za-z{_JOIN}]{{1,28}}"
_NUMBER: Final = "[1-9][0-9]{0,3}"
_INFLECTION: Final = r"(?:['\u2019:]?[^\W\d_]{1,3})?"

# A bare reference stands alone: no Latin letter or digit touches it, also not across italics' underscores.
# (Other scripts write without blanks. ``\n`` in JSON text is a blank, not a letter.)
_ALNUM: Final = "[0-9A-Za-z\u00c0-\u024f]"
_BARE: Final = (
    rf"(?:(?<=\\[nrt])|(?<!{_ALNUM})(?<!{_ALNUM}_)(?<!{_ALNUM}__))"
    rf"[A-Z][A-Z_\\]{{1,28}}{_NUMBER}(?!{_ALNUM}|_{{1,2}}{_ALNUM})"
)
_OPENING: Final = "|".join(opening for _, opening, _ in _FAMILIES)
_CLOSING: Final = "|".join(closing for _, _, closing in _FAMILIES)
_PATTERN: Final = rf"(?:{_OPENING}){_GAP}{_MARK}{_NAME}{_NUMBER}{_INFLECTION}{_MARK}{_GAP}(?:{_CLOSING})\(?|{_BARE}"
_TRIGGER: Final = "(?:[\\\\\\[{<(%&\u3010\uff3b\u3014\u27e6\uff1c\uff08]|[A-Z][A-Z_\\\\])"

_BARE_FORM: Final = re.compile(_BARE)
_FORMS: Final = tuple(
    (
        family,
        re.compile(
            rf"(?P<open>{opening}){_GAP}(?P<before>{_MARK})(?P<name>{_NAME})(?P<number>{_NUMBER})"
            rf"(?P<inflection>{_INFLECTION})(?P<after>{_MARK}){_GAP}(?P<close>{closing})(?P<link>\(?)"
        ),
    )
    for family, opening, closing in _FAMILIES
)
_JOINS: Final = re.compile(rf"[{_JOIN}]+")
_ENTITY: Final = re.compile(r"[A-Z]+(?:_[A-Z]+)*")
_TOKEN: Final = re.compile(r"\[([A-Z]+(?:_[A-Z]+)*)_([1-9][0-9]{0,3})\]")


@dataclass(frozen=True, slots=True)
class Reference:
    """One reading of a matched text: the placeholder it means and how its value is set in its place.

    ``token`` is the placeholder as minted; ``head`` and ``tail`` are what stays around the value;
    ``family`` says how the value has to be written (``percent``, ``markup`` or anything else: as it is).
    """

    token: str
    head: str = ""
    tail: str = ""
    family: str = "bare"

    def render(self, value: str) -> str:
        if self.family == "percent":
            value = quote(value, safe="@")
        elif self.family == "markup":
            value = escape(value)
        return f"{self.head}{value}{self.tail}"


def references(text: str) -> Iterator[Reference]:
    """The readings of a matched text, the likeliest first; none when it is no placeholder at all.

    ``(SEE EMAIL_1)`` has two: ``SEE_EMAIL_1`` and, inside, ``EMAIL_1``.
    """
    exact = _TOKEN.fullmatch(text)
    if exact is not None:
        if len(exact[1]) <= MAX_ENTITY:
            yield Reference(text)
        return
    yield from _readings(text)
    if "\\" in text or not text.isascii():
        # The pass matched in the plain view; the slice of the original may hold full-width letters, characters
        # that leave no mark, or escapes of JSON.
        seen = plain(text, PartKind.JSON).text
        if seen != text:
            yield from _readings(seen)


def _readings(text: str) -> Iterator[Reference]:
    for family, form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            whole = _bracketed(family, match)
            if whole is not None:
                yield whole
            break
    inner = _BARE_FORM.search(text)
    if inner is not None:
        token = _token(inner[0].rstrip("0123456789"), inner[0])
        if token is not None:
            yield Reference(token, text[: inner.start()], text[inner.end() :])


def _bracketed(family: str, match: re.Match[str]) -> Reference | None:
    name, inflection, opening, closing = match["name"], match["inflection"], match["open"], match["close"]
    if family == "round" and name[:1].islower():  # a call or an aside, not a reference
        return None
    token = _token(name, name + match["number"])
    if token is None:
        return None
    head, tail = match["before"], inflection + match["after"]
    if family == "round":
        return Reference(token, opening + head, tail + closing + match["link"], family)
    if match["link"]:  # the text of a Markdown link
        return Reference(token, f"[{head}", f"{tail}](", family)
    if opening.startswith("\\") and not closing.startswith("\\"):  # the backslash belongs to what precedes
        head = opening[: len(opening) - len(opening.lstrip("\\"))] + head
    # In ``[see [EMAIL_1]]`` the last bracket answers one further left: what is not paired here stays.
    extra = sum(map(opening.count, "[{")) - sum(map(closing.count, "]}"))
    if extra > 0:
        head = opening[:1] * extra + head if not opening.startswith("\\") else "[" + head
    elif extra < 0:
        tail += closing[-1] * -extra
    return Reference(token, head, tail, family)


def _token(name: str, numbered: str) -> str | None:
    """The placeholder meant by ``name`` (as written, with its joins) and the number that ends ``numbered``."""
    entity = _JOINS.sub("_", name)
    words = entity.rstrip("_")
    # Without a join before the number only a single word is a name: "[email abcd1234]" is a hash, not one.
    if not 2 <= len(words) <= MAX_ENTITY or (entity == words and "_" in words):
        return None
    return f"[{words.upper()}_{numbered[len(name) :]}]"


def _is_reference(text: str, before: str) -> float | None:
    first = next(references(text), None)
    if first is None:
        return None
    # ``rows[email_1]`` is an index in code; ``邮箱[EMAIL_1]`` and ``mail[EMAIL_1]`` are not.
    if before and re.match(_ALNUM, before[-1]) and text[:1] == "[" and not any(map(str.isupper, text)):
        return None
    return 1.0


@lru_cache(maxsize=1)
def placeholder_rule() -> Rule:
    """The rule that finds what reads like a placeholder, in messages (rule 3) and in replies (rule 4)."""
    return Rule(
        id="engine.placeholder/reference",
        pattern=_PATTERN,
        category=Category.POLICY,
        severity=Severity.INFO,
        confidence=1.0,
        summary="A reference to a value that was replaced by a placeholder",
        entity=LITERAL,
        detail="placeholder",
        validate=_is_reference,
        trigger=_TRIGGER,
        views=PLAIN_ONLY,
    )


# --- canonical values --------------------------------------------------------------------------------

# Kinds whose letters and digits alone make the value, so that blanks and case may differ.
_NUMBERED: Final = frozenset(
    {"ACCOUNT", "BANK", "CARD", "FAX", "IBAN", "ID", "LICENCE", "LICENSE", "MOBILE", "NATIONAL", "NUMBER"}
    | {"PASSPORT", "PHONE", "SSN", "TAX", "VAT"}
)
_SEPARATORS: Final = str.maketrans("", "", " \t\n\u00a0\u2009\u202f-\u2010\u2011\u2012\u2013./()")
_DIGITS_ONLY: Final = re.compile(r"\+?[0-9]{7,}")
_ALPHANUMERIC: Final = re.compile(r"\+?[0-9A-Za-z]{5,}")
# Values in which a separator carries meaning: 1.12.2000 is not 11.2.2000, 10.1.1.1 is not 101.1.1.0.
_DATE_OR_IP: Final = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?")


@lru_cache(maxsize=1024)
def _entity(name: str) -> tuple[str, str]:
    """The name as placeholders write it, and how its values compare: ``case``, ``number`` or ``digits``."""
    upper = _JOINS.sub("_", re.sub(rf"[^A-Za-z{_JOIN}]", "", name)).strip("_").upper()[:MAX_ENTITY].strip("_")
    if not _ENTITY.fullmatch(upper) or len(upper) < 2:
        upper = "VALUE"
    words = set(upper.split("_"))
    if upper == LITERAL:
        return upper, "exact"
    if "EMAIL" in words or words & {"IP", "IPV", "MAC"}:
        return upper, "case"
    return upper, "number" if words & _NUMBERED else "digits"


def canonical(entity: str, value: str) -> str:
    """The form in which values of ``entity`` are compared. Idempotent; never shown."""
    how = _entity(entity)[1]
    if how == "exact":
        return value
    if not value.isascii():
        value = normalize("NFKC", value)
    value = value.strip()
    if how == "case":
        return value.lower()
    if len(value) > 64 or _DATE_OR_IP.fullmatch(value):
        return value
    bare = value.translate(_SEPARATORS)
    if _DIGITS_ONLY.fullmatch(bare):
        return bare
    return bare.upper() if how == "number" and _ALPHANUMERIC.fullmatch(bare) else value


# --- irreversible forms ------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _words(entity: str) -> str:
    return _entity(entity)[0].lower().replace("_", " ")


def mask(entity: str) -> str:
    """What a reader sees in place of a value that is gone: ``[email hidden]``."""
    return f"[{_words(entity)} hidden]"


def hashed(entity: str, value: str, key: bytes) -> str:
    """A stable, irreversible stand-in, ``[email 5f3a9c21]``: keyed BLAKE2b (RFC 7693) over kind and value.

    Equal values get equal stand-ins under one key; without the key they cannot be found by trying. Raises
    ``ValueError`` for a key under 16 bytes.
    """
    if len(key) < 16:
        raise ValueError("the key of a hash has at least 16 bytes")
    if len(key) > 64:
        key = blake2b(key).digest()
    text = f"{_entity(entity)[0]}\0{canonical(entity, value)}"
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, key=key)
    return f"[{_words(entity)} {digest.hexdigest()}]"


def json_inner(value: str) -> str:
    """``value`` as it stands between the quotes of a JSON string (RFC 8259, section 7)."""
    try:
        value.encode()
    except UnicodeEncodeError:  # lone surrogates have no UTF-8 form, but an escape
        return json.dumps(value)[1:-1]
    return json.dumps(value, ensure_ascii=False)[1:-1]


# --- the vault ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Entry:
    entity: str
    number: int
    value: str
    own: bool

    @property
    def token(self) -> str:
        return f"[{self.entity}_{self.number}]"


class Vault:
    """The values of one conversation (rules 1 to 3). It holds personal data: it ends with the conversation."""

    __slots__ = ("_by_key", "_by_token", "_next", "_own", "_reserved")

    def __init__(self) -> None:
        self._by_token: dict[str, _Entry] = {}
        self._by_key: dict[tuple[str, str], _Entry] = {}
        self._next: dict[str, int] = {}
        self._own: set[tuple[str, str]] = set()
        self._reserved: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_token)

    def __repr__(self) -> str:  # a value must not reach a log
        return f"<Vault of {len(self)} values>"

    def mint(self, entity: str, value: str, *, own: bool) -> str:
        """The placeholder of ``value``. ``own``: it stands in one of the person's own messages.

        After ``MAX_NUMBER`` values of one entity the answer is its mask, which cannot be restored.
        """
        key = (_entity(entity)[0], canonical(entity, value))
        if own:
            self._own.add(key)
        entry = self._by_key.get(key)
        if entry is None:
            return self._mint_new(key, value, own)
        if own and not entry.own:
            # From now on the person reads this value: as they wrote it, not as another source did.
            entry.own, entry.value = True, value
        return entry.token

    def _mint_new(self, key: tuple[str, str], value: str, own: bool) -> str:
        entity = key[0]
        number = self._next.get(entity, 1)
        while f"[{entity}_{number}]" in self._reserved:
            number += 1
        if number > MAX_NUMBER:
            return mask(entity)
        self._next[entity] = number + 1
        return self._put(key, _Entry(entity, number, value, own))

    def _put(self, key: tuple[str, str], entry: _Entry) -> str:
        token = entry.token
        self._by_key[key] = entry
        self._by_token[token] = entry
        return token

    def typed(self, text: str, *, own: bool) -> str:
        """What goes to the bot for ``text``, which ``placeholder_rule`` found in a message (rule 3).

        The text itself while nothing has that number (which is then reserved), else a literal's placeholder.
        """
        tokens = {reference.token for reference in references(text)}
        if tokens and tokens.isdisjoint(self._by_token):
            tokens -= self._reserved
            if len(self._reserved) + len(tokens) <= MAX_RESERVED:
                self._reserved |= tokens
                return text
        return self.mint(LITERAL, text, own=own)

    def note(self, entity: str, value: str) -> None:
        """Remembers that ``value`` is the person's own, without a placeholder for it."""
        key = (_entity(entity)[0], canonical(entity, value))
        self._own.add(key)
        entry = self._by_key.get(key)
        if entry is not None and not entry.own:
            entry.own, entry.value = True, value

    def owns(self, entity: str, value: str) -> bool:
        """Whether ``value``, as a reply holds it, is one that the person gave in this conversation."""
        return bool(self._own) and (_entity(entity)[0], canonical(entity, value)) in self._own

    def find(self, text: str) -> tuple[Reference, str, bool] | None:
        """What a matched text refers to: the reference, its entity, whether the value is own. Else ``None``."""
        for reference in references(text):
            entry = self._by_token.get(reference.token)
            if entry is not None:
                return reference, entry.entity, entry.own
        return None

    def restore(self, text: str, *, any_source: bool = False) -> str | None:
        """The matched text with the value in place of the placeholder; ``None``: leave it (unknown, not own).

        ``any_source`` is for the arguments of tool calls, which the person does not read: there a value
        comes back wherever it is from. In JSON pass the result's value part through ``json_inner`` first:
        that is what ``restore_json`` does.
        """
        entry = self._by_token.get(text)
        if entry is not None:
            return entry.value if entry.own or any_source else None
        for reference in references(text):
            entry = self._by_token.get(reference.token)
            if entry is not None:
                return reference.render(entry.value) if entry.own or any_source else None
        return None

    def restore_json(self, text: str, *, any_source: bool = True) -> str | None:
        """As ``restore``, for a match inside a JSON string: the value is escaped, what surrounds it is not."""
        for reference in references(text):
            entry = self._by_token.get(reference.token)
            if entry is not None:
                return reference.render(json_inner(entry.value)) if entry.own or any_source else None
        return None

    def dump(self) -> dict[str, Any]:
        """The vault as plain JSON-able data (personal data in the clear: seal it before it is stored)."""
        return {
            "version": 1,
            "values": [[e.entity, e.number, e.value, e.own] for e in self._by_token.values()],
            "own": [list(key) for key in sorted(self._own)],
            "next": dict(self._next),
            "reserved": sorted(self._reserved),
        }

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> Vault:
        """The vault that ``dump`` described. Raises ``ValueError`` for anything else."""
        vault = cls()
        try:
            if data["version"] != 1:
                raise ValueError("unknown version")
            for entity, number, value, own in data["values"]:
                vault._put((entity, canonical(entity, value)), _Entry(entity, int(number), value, bool(own)))
            vault._own = {(entity, value) for entity, value in data["own"]}
            vault._next = {entity: int(number) for entity, number in data["next"].items()}
            vault._reserved = set(data["reserved"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError("not the data of a vault") from error
        return vault
