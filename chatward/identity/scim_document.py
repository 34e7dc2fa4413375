"""Resources as clients send them and as they get them (RFC 7643, RFC 7644 sections 3.3, 3.5.1, 3.9, 3.14).

The rules:

1. Names of attributes come in any case and leave in that of the schema. Types are checked; what nothing here needs is
   dropped (``scim_schema``); what is read-only is ignored (section 3.5.1). One attribute spelt twice is an error.
2. ``null``, an empty list and nothing are the same (RFC 7643 section 2.5).
3. A truth value may come as the text ``true`` or ``false``, in any case: Microsoft Entra sends ``"False"`` when
   somebody leaves, and to refuse that would let them stay.
4. The version (ETag) is made of two digests, of what a client can set and of the groups somebody is in. It changes with
   whatever a client can see (``if-none-match``); what is changed must be of the same first half (``if-match``): who
   joined a group meanwhile is no reason to refuse a change of name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from chatward.identity.scim_filter import Path, has_value
from chatward.identity.scim_schema import COMMON, DROPPED, NAME_PARTS, USER, Attribute, Document, Kind, ScimError, find

MAX_TEXT: Final = 512
MAX_VALUES: Final = 50
MAX_MEMBERS: Final = 100_000
_BETWEEN: Final = "."
_ALWAYS: Final = frozenset({"schemas", "id"})


def clean(kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """A resource that a client sent whole, as it is kept. Raises ``ScimError``: ``invalidSyntax``, ``invalidValue``."""
    schemas = next((value for name, value in sent.items() if name.lower() == "schemas"), None)
    if not isinstance(schemas, list) or kind.schema not in schemas:
        _refuse("invalidSyntax", f"`schemas` must hold {kind.schema}.")
    found: dict[str, Any] = {}
    for name, value in sent.items():
        attribute = settable(kind, name)
        if attribute is None:
            continue
        if attribute.name in found:
            _refuse("invalidSyntax", "An attribute is given twice.")
        found[attribute.name] = cleaned(attribute, value)
    return finished(kind, found)


def settable(kind: Kind, name: str) -> Attribute | None:
    """The attribute that a client may set by this name; ``None`` for what is dropped, ignored or unknown."""
    if name.lower().startswith(kind.schema.lower() + ":"):
        name = name[len(kind.schema) + 1 :]
    attribute = kind.attribute(name)
    return None if attribute is None or attribute.read_only or attribute.name == "schemas" else attribute


def ignored(kind: Kind, path: Path) -> bool:
    """Whether a path names something that is accepted and not kept."""
    if path.urn:
        return path.urn.lower() != kind.schema.lower()
    name = path.name.lower()
    return kind is USER and (name in DROPPED or (name == "name" and path.sub.lower() in NAME_PARTS))


def finished(kind: Kind, found: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty, with what is required. Raises ``ScimError`` (``invalidValue``)."""
    document = {name: value for name, value in found.items() if has_value(value)}
    for attribute in kind.own:
        if attribute.required and not str(document.get(attribute.name, "")).strip():
            _refuse("invalidValue", f"`{attribute.name}` is required.")
    return document


def cleaned(attribute: Attribute, value: Any) -> Any:
    """One attribute's value. Raises ``ScimError`` (``invalidValue``)."""
    if value is None:
        return None
    if not attribute.multi:
        return single(attribute, value)
    values = value if isinstance(value, list) else [value]
    limit = MAX_MEMBERS if attribute.name == "members" else MAX_VALUES
    if len(values) > limit:
        _refuse("tooMany", f"`{attribute.name}` has at most {limit} values.", 413)
    kept: dict[str, Any] = {}
    for one in values:
        item = single(attribute, one)
        if has_value(item):
            kept.setdefault(_same(attribute, item), item)
    items = list(kept.values())
    if sum(item.get("primary") is True for item in items) > 1:
        _refuse("invalidValue", f"Only one value of `{attribute.name}` can be primary.")
    return items


def _same(attribute: Attribute, item: dict[str, Any]) -> str:
    return str(item.get("value", "")) if attribute.name == "members" else json.dumps(item, sort_keys=True)


def single(attribute: Attribute, value: Any) -> Any:
    """One value, of several perhaps."""
    if attribute.type == "complex":
        return _complex(attribute, value)
    if attribute.type == "boolean":
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if not isinstance(value, bool):
            _refuse("invalidValue", f"`{attribute.name}` must be true or false.")
        return value
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _is_text(value):
        _refuse("invalidValue", f"`{attribute.name}` must be a text of at most {MAX_TEXT} characters.")
    return value


def _complex(attribute: Attribute, value: Any) -> dict[str, Any]:
    if isinstance(value, str) and attribute.multi:
        value = {"value": value}
    if not isinstance(value, dict):
        _refuse("invalidValue", f"`{attribute.name}` must be an object.")
    found: dict[str, Any] = {}
    for name, inner in value.items():
        sub = find(attribute.subs, name)
        if sub is None or sub.read_only or inner is None:
            continue
        if sub.name in found:
            _refuse("invalidSyntax", "An attribute is given twice.")
        found[sub.name] = single(sub, inner)
    if attribute.name == "members":
        if found.pop("type", "User") != "User" or not found.get("value"):
            _refuse("invalidValue", "Members of a group are users, named by `value`.")
    elif found.get("primary") is False:
        del found["primary"]
    return {name: inner for name, inner in found.items() if has_value(inner)}


def _is_text(value: str) -> bool:
    """Unicode, without controls: these names stand in headers, tables and on terminals."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return not any(one < " " or "\x7f" <= one <= "\x9f" for one in value)


# --- what a client gets


def shown(
    kind: Kind,
    id: str,
    document: Document,
    base: str,
    *,
    created: float,
    modified: float,
    groups: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The whole resource. ``groups``: id and name of each group that a user is in."""
    told: dict[str, Any] = {"schemas": [kind.schema], "id": id, **document}
    if "members" in document:
        told["members"] = [
            {"value": member["value"], "$ref": f"{base}/Users/{member['value']}", "type": "User"}
            for member in document["members"]
        ]
    listed = [
        {"value": group, "$ref": f"{base}/Groups/{group}", "display": name, "type": "direct"} for group, name in groups
    ]
    meta = {
        "resourceType": kind.name,
        "created": _written(created),
        "lastModified": _written(modified),
        "location": f"{base}{kind.endpoint}/{id}",
    }
    version = f'W/"{_digest([told, meta])}{_BETWEEN}{_digest(listed)}"'
    if listed:
        told["groups"] = listed
    return told | {"meta": meta | {"version": version}}


def is_fresh(header: str, version: str) -> bool:
    """Whether ``if-none-match`` names this version (RFC 9110 section 13.1.2, weak comparison)."""
    return _among(header, version.removeprefix("W/"), lambda tag: tag)


def may_change(header: str, version: str) -> bool:
    """Whether ``if-match`` names a version from which only groups differ."""
    return _among(header, version.removeprefix("W/").partition(_BETWEEN)[0], lambda tag: tag.partition(_BETWEEN)[0])


def _among(header: str, wanted: str, read: Callable[[str], str]) -> bool:
    tags = [one.strip() for one in header.split(",")]
    return any(tag == "*" or read(tag.removeprefix("W/")) == wanted for tag in tags)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def projected(
    kind: Kind, resource: Mapping[str, Any], wanted: Iterable[Path] | None, unwanted: Iterable[Path]
) -> dict[str, Any]:
    """Only the attributes asked for (RFC 7644 section 3.9); ``id`` and ``schemas`` always."""
    if wanted is None:
        found = dict(resource)
        for path in unwanted:
            if (name := _named(kind, path)) not in _ALWAYS and name in found:
                _without(kind, found, name, path.sub)
        return found
    found = {name: value for name, value in resource.items() if name in _ALWAYS}
    whole: dict[str, bool] = {}
    for path in wanted:
        name = _named(kind, path)
        if name not in resource or name in _ALWAYS:
            continue
        if not path.sub:
            found[name], whole[name] = resource[name], True
        elif not whole.get(name) and (sub := _sub(kind, name, path.sub)):
            found[name] = _merged(found.get(name), resource[name], sub)
    return {name: value for name, value in found.items() if has_value(value)}


def _named(kind: Kind, path: Path) -> str:
    attribute = kind.attribute(path.name) if not path.urn or path.urn.lower() == kind.schema.lower() else None
    return attribute.name if attribute else ""


def _sub(kind: Kind, name: str, sub: str) -> str:
    attribute = find((*kind.own, *COMMON), name)
    inner = attribute.sub(sub) if attribute else None
    return inner.name if inner else ""


def _without(kind: Kind, found: dict[str, Any], name: str, sub: str) -> None:
    if not sub:
        del found[name]
    elif inner := _sub(kind, name, sub):
        value = found[name]
        found[name] = (
            [{key: one for key, one in item.items() if key != inner} for item in value]
            if isinstance(value, list)
            else {key: one for key, one in value.items() if key != inner}
        )


def _merged(had: Any, value: Any, sub: str) -> Any:
    if isinstance(value, list):
        before = had or [{} for _ in value]
        return [one | ({sub: item[sub]} if sub in item else {}) for one, item in zip(before, value, strict=True)]
    return (had or {}) | ({sub: value[sub]} if sub in value else {})


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _refuse(scim_type: str, public: str, status: int = 400) -> NoReturn:
    raise ScimError(scim_type, public, status)
