"""From plain data to Cedar values, and what does not fit.

The rules:

1. A value of a context is of its declared form or the question cannot be decided (``ValueError``): nothing is guessed,
   a truth value is no number, a number no string. ``None``, and an empty address, count as not given.
2. What is not given: ``risk`` is ``unknown``, ``approved`` false, ``posture`` empty; the others are not there.
3. Ids and texts are data: they travel as JSON strings, and no policy is ever put together from them.
4. A tool's arguments (JSON) are read by type and JSON pointer (RFC 6901):

   - ``texts``: strings; ``flags``: truth values; ``lists``: lists of strings (as sets), whose elements are also read;
   - ``numbers``: whole numbers of 64 bits, so also ``3.0``; ``decimals``: numbers that have at most four decimals
     (Cedar's decimal), whole ones included;
   - ``null`` is not there. Everything else is lost, and so is what is deeper, longer or more than the limits. A pointer
     stands in ``lost`` for all that is below it.

5. A policy that reads an argument must not be evaded by writing it differently. ``unreadable`` says whether what is
   read was lost, has come as a type that no policy reads it as (``"100"`` for a number), or could stand in a text where
   an object belongs. Arguments are an object: anything else is lost as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import Any, Final

from chatward.identity.cedar_schema import ARGUMENTS, CERTIFICATE, RISKS

MAX_TEXT: Final = 4096
"""Characters of a text in a context, a tag or an argument."""
MAX_ID: Final = 1024
"""Characters of an id."""
MAX_WORDS: Final = 256
"""Elements of a list, and roles."""
MAX_DEPTH: Final = 16
"""Levels of arguments."""
MAX_VALUES: Final = 512
"""Values in arguments, containers included."""
MAX_TOTAL: Final = 64 * 1024
"""Characters of arguments, names included."""

_LONG: Final = 2**63
_DECIMAL: Final = Decimal(_LONG) / 10_000
_CONTAINERS: Final = frozenset({"object", "array", "lists"})


def typed(name: str, value: str) -> dict[str, str]:
    """A Cedar entity, as JSON names it."""
    return {"type": name, "id": value}


def reference(name: str, value: str) -> dict[str, Any]:
    """A value that is an entity."""
    return {"__entity": typed(name, value)}


def text_of(value: object, limit: int = MAX_TEXT) -> str:
    """A string as it is. Raises ``ValueError``."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    if len(value) > limit:
        raise ValueError("too long")
    return str.__str__(value)


# --- the context: what stands in a key, and what Cedar is given ---------------------------------------------


def _key_text(value: object) -> Hashable:
    return value if value.__class__ is str or value is None else text_of(value)


def _key_flag(value: object) -> Hashable:
    if value is None:
        return False
    if value is True or value is False:
        return value
    raise ValueError("not a truth value")


def _key_number(value: object) -> Hashable:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise ValueError("not a whole number")


def _key_words(value: object) -> Hashable:
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set, frozenset)) and len(value) <= MAX_WORDS:
        return tuple(map(text_of, value))
    raise ValueError("not a list of texts")


def _key_certificate(value: object) -> Hashable:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError("not a mapping")
    return tuple(_key_text(value.get(name)) for name in CERTIFICATE)


TEXTS: Final = ("text", "address", "risk")
"""Forms that are texts in a context."""
TIMES: Final = ("hour", "weekday")
"""Forms of time, named as their fields."""
KEYS: Final[Mapping[str, Callable[[object], Hashable]]] = MappingProxyType(
    {
        "text": _key_text, "fact": _key_text, "address": _key_text, "risk": _key_text, "flag": _key_flag,
        "hour": _key_number, "weekday": _key_number, "words": _key_words, "certificate": _key_certificate,
    }
)  # fmt: skip
"""Form -> a cheap hashable value of a fixed type, equal only for what Cedar is given equally. Raises ``ValueError``."""


def _between(low: int, high: int) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if value is None or not low <= value <= high:
            raise ValueError("out of range")
        return value

    return checked


def _risk(value: Any) -> Any:
    risk = RISKS[0] if value is None else value
    if risk not in RISKS:
        raise ValueError("not a band of risk")
    return reference("Risk", risk)


def _address(value: Any) -> Any:
    """IPv4 within IPv6 is IPv4 (RFC 4291 section 2.5.5.2), and zones are left out: a range would not match them."""
    if not value:
        return None
    address = ip_address(text_of(value, 64).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return {"__extn": {"fn": "ip", "arg": str(address)}}


def _certificate(value: Any) -> Any:
    if value is None:
        return None
    return {name: text_of(one) for name, one in zip(CERTIFICATE, value, strict=True) if one is not None}


def _optional_text(value: Any) -> Any:
    return None if value is None else text_of(value)


VALUES: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {
        "text": _optional_text, "fact": _optional_text, "address": _address, "risk": _risk, "flag": bool,
        "hour": _between(0, 23), "weekday": _between(1, 7), "words": list, "certificate": _certificate,
    }
)  # fmt: skip
"""Form -> from a key's value to Cedar's JSON; ``None``: not there. Raises ``ValueError``."""


# --- the arguments of a tool --------------------------------------------------------------------------------


@dataclass(slots=True)
class Arguments:
    """Arguments as Cedar reads them: part -> pointer -> value. ``forms``: pointer -> the parts that it is in, or the
    name of a container. ``lost``: pointers whose value, and all below it, could not be converted."""

    parts: dict[str, dict[str, Any]] = field(default_factory=lambda: {part: {} for part in ARGUMENTS})
    forms: dict[str, frozenset[str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)

    def put(self, pointer: str, values: Mapping[str, Any]) -> None:
        """One value, in every part that holds it."""
        for part, value in values.items():
            self.parts[part][pointer] = value
        self.forms[pointer] = frozenset(values)

    def unreadable(self, reads: Iterable[tuple[str, str]], *, all_of_them: bool) -> bool:
        """Whether policies that read these (part, pointer) could be deceived. See the module's rule 5."""
        if all_of_them and self.lost:
            return True
        wanted: dict[str, set[str]] = {}
        for part, pointer in reads:
            wanted.setdefault(pointer, set()).add(part)
        for pointer, parts in wanted.items():
            if self.lost and any(not one or pointer == one or pointer.startswith(f"{one}/") for one in self.lost):
                return True
            forms = self.forms.get(pointer)
            if (forms is not None and not forms & parts) or self._cut_short(pointer):
                return True
        return False

    def _cut_short(self, pointer: str) -> bool:
        """Whether something above is neither object nor list."""
        above = pointer.rpartition("/")[0]
        while above:
            if not self.forms.get(above, _CONTAINERS) & _CONTAINERS:
                return True
            above = above.rpartition("/")[0]
        return False


def arguments_of(value: object) -> Arguments:
    """A tool's arguments, breadth first, so that what lies deep goes first when there is too much. Never raises."""
    found = Arguments()
    if value is not None and not isinstance(value, Mapping):
        found.lost.add("")
        return found
    waiting: deque[tuple[str, object, int]] = deque([("", value, 0)])
    seen = characters = 0
    while waiting:
        pointer, one, depth = waiting.popleft()
        seen += 1
        # A text that is too long is lost alone, and is not counted.
        characters += len(pointer) + (len(one) if isinstance(one, str) and len(one) <= MAX_TEXT else 0)
        if seen > MAX_VALUES or characters > MAX_TOTAL:
            found.lost.add("")  # what was not looked at could be anywhere
            break
        if one is None:
            continue
        members = _members(one, depth)
        if members is not None:
            if isinstance(one, Mapping):
                found.forms[pointer] = frozenset({"object"})
            else:
                _put_list(found, pointer, members.values())
            waiting.extend((f"{pointer}/{_escaped(name)}", below, depth + 1) for name, below in members.items())
        elif scalars := _scalar(one):
            found.put(pointer, scalars)
        else:
            found.lost.add(pointer)
    return found


def _members(value: object, depth: int) -> dict[str, object] | None:
    """What is in a container; ``None`` for what is none, or is over the limits."""
    if depth >= MAX_DEPTH or not isinstance(value, (Mapping, list, tuple)) or len(value) > MAX_VALUES:
        return None
    if not isinstance(value, Mapping):
        return {str(place): one for place, one in enumerate(value)} if len(value) <= MAX_WORDS else None
    return dict(value) if all(isinstance(name, str) and _is_text(name) for name in value) else None


def _put_list(found: Arguments, pointer: str, values: Collection[object]) -> None:
    if all(isinstance(one, str) and _is_text(one) for one in values):
        found.put(pointer, {"lists": list(values)})
    else:
        found.forms[pointer] = frozenset({"array"})


def _scalar(value: object) -> dict[str, Any]:
    """Part -> value; empty for what Cedar cannot hold."""
    if isinstance(value, bool):
        return {"flags": value}
    if isinstance(value, str):
        return {"texts": str.__str__(value)} if _is_text(value) else {}
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    return {}


def _number(value: int | float | Decimal) -> dict[str, Any]:
    if isinstance(value, int) and value.bit_length() > 64:  # too large to be worth writing out
        return {}
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or abs(exact) > _LONG:
        return {}
    whole = exact == exact.to_integral_value()
    found: dict[str, Any] = {}
    if whole and -_LONG <= exact < _LONG:
        found["numbers"] = int(exact)
    if -_DECIMAL <= exact < _DECIMAL and exact == round(exact, 4):
        found["decimals"] = {"__extn": {"fn": "decimal", "arg": f"{exact:.4f}"}}
    return found


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8, and is not too long."""
    if len(value) > MAX_TEXT:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901 section 3
