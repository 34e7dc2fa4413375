"""Changing a part of a resource (RFC 7644 section 3.5.2).

The rules:

1. All operations or none: what is returned is a new document, checked as a whole; the old one is not touched.
2. ``add`` to an attribute with several values adds what is not there; ``replace`` of values chosen by a filter needs
   some (``noTarget``); ``remove`` needs a path (``noTarget``) and is content when there is nothing to remove.
3. A value that becomes primary is the only one.
4. What Microsoft Entra and Okta send beside the standard means what they mean by it: operations in any case, names
   with dots as keys of an object, and ``remove`` of ``members`` with the members as its value: those, and not all.
5. ``id``, ``meta`` and ``groups`` do not change (``mutability``). What is accepted and not kept does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, NoReturn

from chatward.identity.scim_document import cleaned, finished, ignored, single
from chatward.identity.scim_filter import Compare, Path, Target, compiled_where, has_value, read_target
from chatward.identity.scim_schema import PATCH, Attribute, Document, Kind, ScimError

MAX_OPERATIONS: Final = 1000
_OPS: Final = frozenset({"add", "remove", "replace"})


def patched(kind: Kind, document: Document, request: Mapping[str, Any]) -> dict[str, Any]:
    """The document after a PATCH request. Raises ``ScimError`` of RFC 7644's table 9."""
    sent = {name.lower(): value for name, value in request.items()}
    operations, schemas = sent.get("operations"), sent.get("schemas")
    if not isinstance(schemas, list) or PATCH not in schemas:
        _refuse("invalidSyntax", f"`schemas` must hold {PATCH}.")
    if not isinstance(operations, list) or not operations:
        _refuse("invalidSyntax", "`Operations` must list what to change.")
    if len(operations) > MAX_OPERATIONS:
        _refuse("tooMany", f"A request has at most {MAX_OPERATIONS} operations.", 413)
    changed = deepcopy(dict(document))
    for operation in operations:
        _apply(kind, changed, operation)
    return finished(kind, {name: _checked(kind, name, value) for name, value in changed.items()})


def _checked(kind: Kind, name: str, value: Any) -> Any:
    attribute = kind.attribute(name)
    return cleaned(attribute, value) if attribute is not None else None


def _apply(kind: Kind, document: dict[str, Any], operation: Any) -> None:
    if not isinstance(operation, dict):
        _refuse("invalidSyntax", "An operation must be an object.")
    sent = {name.lower(): value for name, value in operation.items()}
    op, path = sent.get("op"), sent.get("path")
    if not isinstance(op, str) or op.lower() not in _OPS:
        _refuse("invalidSyntax", "An operation must be add, remove or replace.")
    op = op.lower()
    if path is None or path == "":
        if op == "remove":
            _refuse("noTarget", "`remove` needs a path.")
        _whole(kind, document, op, sent.get("value"))
    elif isinstance(path, str):
        if op != "remove" and "value" not in sent:
            _refuse("invalidValue", "The operation needs a value.")
        _at(kind, document, op, read_target(path), sent.get("value"))
    else:
        _refuse("invalidPath", "The path must be a text.")


def _whole(kind: Kind, document: dict[str, Any], op: str, value: Any) -> None:
    if not isinstance(value, dict):
        _refuse("invalidValue", "Without a path the value must be an object.")
    for name, inner in value.items():
        if name.lower() in {"schemas", "id", "meta"}:
            continue  # Clients send them back as they got them.
        if name.lower() == kind.schema.lower():
            _whole(kind, document, op, inner)
        else:
            _at(kind, document, op, read_target(name), inner)


def _at(kind: Kind, document: dict[str, Any], op: str, target: Target, value: Any) -> None:
    path = target.path
    if ignored(kind, path):
        return
    attribute = kind.attribute(path.name)
    if attribute is None:
        _refuse("invalidPath", "The path names nothing that there is.")
    if attribute.read_only or attribute.name == "schemas":
        _refuse("mutability", f"`{attribute.name}` cannot be changed.")
    if target.where is not None:
        _some(attribute, document, op, target, value)
    elif path.sub:
        _sub(attribute, document, op, path, value)
    elif op == "remove":
        _remove(attribute, document, value)
    else:
        _put(attribute, document, op, value)


def _put(attribute: Attribute, document: dict[str, Any], op: str, value: Any) -> None:
    new = cleaned(attribute, value)
    old = document.get(attribute.name)
    if attribute.multi and op == "add":
        document[attribute.name] = _joined(attribute, old or [], new or [])
    elif attribute.type == "complex" and not attribute.multi and isinstance(old, dict) and new:
        # RFC 7644 section 3.5.2.3: what is not named stays.
        document[attribute.name] = {**old, **new}
    else:
        document[attribute.name] = new


def _joined(attribute: Attribute, old: list[Any], new: list[Any]) -> list[Any]:
    if attribute.name == "members":  # there may be many
        known = {item["value"] for item in old}
        return [*old, *(item for item in new if item["value"] not in known)]
    fresh = [item for item in new if item not in old]
    if any(item.get("primary") for item in fresh):
        old = [_not_primary(item) for item in old]
    return [*old, *fresh]


def _remove(attribute: Attribute, document: dict[str, Any], value: Any) -> None:
    if attribute.required or attribute.type == "boolean":  # nobody is let in by what is not said
        _refuse("mutability", f"`{attribute.name}` cannot be removed.")
    if attribute.multi and value is not None:
        gone = {item.get("value") for item in cleaned(attribute, value)}
        document[attribute.name] = [item for item in document.get(attribute.name, []) if item.get("value") not in gone]
    else:
        document.pop(attribute.name, None)


def _sub(attribute: Attribute, document: dict[str, Any], op: str, path: Path, value: Any) -> None:
    inner = _inner(attribute, path.sub)
    if attribute.multi:
        items = document.get(attribute.name, [])
        if op == "replace" and not items:
            _refuse("noTarget", "There is no value to replace.")
        for item in items:
            _set(item, inner, op, value)
    else:
        holder = document.setdefault(attribute.name, {})
        _set(holder, inner, op, value)


def _some(attribute: Attribute, document: dict[str, Any], op: str, target: Target, value: Any) -> None:
    if not attribute.multi or target.where is None:
        _refuse("invalidPath", "Only an attribute with several values has a filter.")
    test = compiled_where(target.where, attribute)
    items: list[dict[str, Any]] = document.get(attribute.name, [])
    found = [item for item in items if test(item)]
    if op == "remove" and not target.sub:
        document[attribute.name] = [item for item in items if not test(item)]
        return
    if op == "remove":
        inner = _inner(attribute, target.sub)
        for item in found:
            item.pop(inner.name, None)
        return
    if not found:
        made = _implied(target) if op == "add" else None
        if attribute.name == "members" or made is None:
            _refuse("noTarget", "The filter selects nothing.")
        items = document.setdefault(attribute.name, [])
        items.append(made)
        found = [made]
    for item in found:
        if target.sub:
            _set(item, _inner(attribute, target.sub), op, value)
        else:
            new = single(attribute, value)
            if op == "replace":
                item.clear()
            item.update(new)
        if item.get("primary"):
            for other in items:
                if other is not item:
                    other.pop("primary", None)


def _implied(target: Target) -> dict[str, Any] | None:
    """What a value must be for a plain ``type eq "..."`` to select it: Entra adds a first mail address to
    ``emails[type eq "work"].value``."""
    where = target.where
    if isinstance(where, Compare) and where.operator == "eq" and where.path.name.lower() == "type" and target.sub:
        return {"type": where.value} if isinstance(where.value, str) else None
    return None


def _set(holder: dict[str, Any], inner: Attribute, op: str, value: Any) -> None:
    if op == "remove" or not has_value(value):
        holder.pop(inner.name, None)
    else:
        holder[inner.name] = single(inner, value)


def _inner(attribute: Attribute, name: str) -> Attribute:
    inner = attribute.sub(name)
    if inner is None:
        _refuse("invalidPath", "The path names nothing that there is.")
    if inner.mutability != "readWrite":
        _refuse("mutability", f"`{attribute.name}.{inner.name}` cannot be changed.")
    return inner


def _not_primary(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "primary"}


def _refuse(scim_type: str, public: str, status: int = 400) -> NoReturn:
    raise ScimError(scim_type, public, status)
