"""SCIM 2.0 (RFC 7644) over the people registry: what each request does, without HTTP.

The rules:

1. ``if-match`` is asked for the resource as it is when it is changed, not before (section 3.14).
2. Whoever is disabled becomes active only by ``"active": true``: a PUT that does not mention it leaves it as it is.
3. A list shows at most ``MAX_RESULTS`` resources at once; a request that changes at most ``MAX_OPERATIONS``.
4. Parts of a bulk request may name what earlier parts made (``bulkId:...``); a later one is an error (409).
5. Errors say what is wrong with the request and never what it said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl, urlsplit

from chatward.core.errors import ChatwardError
from chatward.identity.people import PeopleRegistry, Stored
from chatward.identity.scim_document import clean, is_fresh, may_change, projected, shown
from chatward.identity.scim_filter import Compare, Filter, Path, compiled, read_filter, read_path, sort_key
from chatward.identity.scim_patch import patched
from chatward.identity.scim_schema import (
    BULK,
    BULK_ANSWER,
    KINDS,
    LIST,
    MAX_OPERATIONS,
    MAX_RESULTS,
    SEARCH,
    USER,
    Kind,
    ScimError,
    error_body,
    service_document,
)

_QUERY: Final = frozenset({"filter", "sortby", "sortorder", "startindex", "count", "attributes", "excludedattributes"})
_BULK_ID: Final = "bulkId:"


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is ``None`` where there is none. ``location`` is that of a resource that was made."""

    status: int
    body: dict[str, Any] | None = None
    etag: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``path`` is below the base (``/Users/2819``); ``by`` is the id of who asks."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    if_match: str = ""
    if_none_match: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Query:
    filter: Filter | None
    sort: Path | None
    descending: bool
    start: int
    count: int
    wanted: tuple[Path, ...] | None
    unwanted: tuple[Path, ...]


class Scim:
    """Answers requests. Waits for the disk: on a thread."""

    def __init__(self, people: PeopleRegistry) -> None:
        self._people = people

    def answer(self, asked: Asked, base: str) -> Answer:
        """``base`` is the URL of ``/scim/v2`` as clients write it. Raises ``ScimError`` and ``StoreError``."""
        steps = [step for step in asked.path.split("/") if step]
        match asked.method, steps:
            case "GET", ["ServiceProviderConfig"]:
                return Answer(200, service_document(base))
            case "GET", [("ResourceTypes" | "Schemas") as what, *rest] if len(rest) < 2:
                return self._described(what, rest, asked, base)
            case "GET", []:
                return self._search(KINDS, _query(asked.query), base)
            case "POST", [".search"]:
                return self._search(KINDS, _searched(asked.body), base)
            case "POST", ["Bulk"]:
                return self._bulk(asked, base)
            case method, [name, *rest]:
                kind = next((one for one in KINDS if one.endpoint == f"/{name}"), None)
                if kind is not None and len(rest) < 2:
                    return self._resource(kind, method, rest[0] if rest else "", asked, base)
        raise ScimError("", "There is no such address here.", 404)

    def _resource(self, kind: Kind, method: str, id: str, asked: Asked, base: str) -> Answer:
        match method, id:
            case "GET", "":
                return self._search((kind,), _query(asked.query), base)
            case "POST", ".search":
                return self._search((kind,), _searched(asked.body), base)
            case "POST", "":
                document = clean(kind, _object(asked.body))
                if kind is USER:
                    document.setdefault("active", True)
                return self._made(kind, self._people.create(kind, document, asked.by), asked, base)
            case "GET", _:
                stored = self._people.get(kind, id)
                if stored is None:
                    raise ScimError("", "There is no such resource.", 404)
                return self._read(kind, stored, asked, base)
            case (("PUT" | "PATCH"), _) if id:
                return self._change(kind, id, asked, base)
            case "DELETE", _ if id:
                self._people.delete(kind, id, lambda old: self._match(kind, old, asked, base), asked.by)
                return Answer(204)
        raise ScimError("", "This cannot be done here.", 405)

    def _read(self, kind: Kind, stored: Stored, asked: Asked, base: str) -> Answer:
        whole = self._shown(kind, stored, base)
        etag = whole["meta"]["version"]
        if asked.if_none_match and is_fresh(asked.if_none_match, etag):
            return Answer(304, None, etag)
        return Answer(200, _chosen(kind, whole, _query(asked.query)), etag)

    def _made(self, kind: Kind, stored: Stored, asked: Asked, base: str) -> Answer:
        whole = self._shown(kind, stored, base)
        body = _chosen(kind, whole, _query(asked.query))
        return Answer(201, body, whole["meta"]["version"], whole["meta"]["location"])

    def _change(self, kind: Kind, id: str, asked: Asked, base: str) -> Answer:
        sent, query = _object(asked.body), _query(asked.query)

        def change(old: Stored) -> dict[str, Any]:
            self._match(kind, old, asked, base)
            if asked.method == "PATCH":
                return patched(kind, old.document, sent)
            document = clean(kind, sent)
            if kind is USER:
                document.setdefault("active", old.document["active"])
            return document

        whole = self._shown(kind, self._people.change(kind, id, change, asked.by), base)
        return Answer(200, _chosen(kind, whole, query), whole["meta"]["version"])

    def _match(self, kind: Kind, old: Stored, asked: Asked, base: str) -> None:
        if asked.if_match and not may_change(asked.if_match, self._shown(kind, old, base)["meta"]["version"]):
            raise ScimError("", "The resource has changed since. Read it again.", 412)

    def _shown(self, kind: Kind, stored: Stored, base: str) -> dict[str, Any]:
        groups = self._people.teams(stored.id) if kind is USER else ()
        return shown(
            kind, stored.id, stored.document, base, created=stored.created, modified=stored.modified, groups=groups
        )

    # --- lists

    def _search(self, kinds: tuple[Kind, ...], query: _Query, base: str) -> Answer:
        found: list[tuple[Kind, dict[str, Any]]] = []
        for kind in kinds:
            test = compiled(query.filter, kind) if query.filter is not None else None
            shown_ = (self._shown(kind, stored, base) for stored in self._candidates(kind, query.filter))
            chosen = [resource for resource in shown_ if test is None or test(resource)]
            if query.sort is not None:
                chosen.sort(key=sort_key(query.sort, kind), reverse=query.descending)
            found += [(kind, resource) for resource in chosen]
        page = found[query.start - 1 : query.start - 1 + query.count]
        body: dict[str, Any] = {
            "schemas": [LIST],
            "totalResults": len(found),
            "startIndex": query.start,
            "itemsPerPage": len(page),
            "Resources": [_chosen(kind, resource, query) for kind, resource in page],
        }
        return Answer(200, body)

    def _candidates(self, kind: Kind, filter: Filter | None) -> list[Stored]:
        """At least those that the filter selects. What clients ask before each change, whether there is somebody of
        this name, is one look into an index."""
        if isinstance(filter, Compare) and filter.operator == "eq" and isinstance(filter.value, str):
            attribute = kind.attribute(filter.path.name) if not filter.path.urn and not filter.path.sub else None
            if attribute is not None and attribute.name in {
                "externalId",
                "userName" if kind is USER else "displayName",
            }:
                return self._people.named(kind, attribute.name, filter.value)
        return self._people.all(kind)

    def _described(self, what: str, rest: list[str], asked: Asked, base: str) -> Answer:
        """RFC 7644 section 4: these lists know no filter, so that nobody takes a part for the whole."""
        if "filter" in {name.lower() for name in asked.query}:
            raise ScimError("", "Descriptions cannot be filtered.", 403)
        documents = [
            kind.type_document(base) if what == "ResourceTypes" else kind.schema_document(base) for kind in KINDS
        ]
        if rest:
            for document in documents:
                if document["id"] == rest[0]:
                    return Answer(200, document)
            raise ScimError("", "There is no such description.", 404)
        body: dict[str, Any] = {
            "schemas": [LIST],
            "totalResults": len(documents),
            "startIndex": 1,
            "itemsPerPage": len(documents),
            "Resources": documents,
        }
        return Answer(200, body)

    # --- many at once

    def _bulk(self, asked: Asked, base: str) -> Answer:
        sent = _lower(_object(asked.body))
        operations = sent.get("operations")
        if BULK not in _schemas(sent) or not isinstance(operations, list):
            raise ScimError("invalidSyntax", f"`schemas` must hold {BULK}, and `Operations` list what to do.")
        if len(operations) > MAX_OPERATIONS:
            raise ScimError("tooMany", f"A request has at most {MAX_OPERATIONS} operations.", 413)
        limit = sent.get("failonerrors")
        made: dict[str, str] = {}
        answers: list[dict[str, Any]] = []
        failed = 0
        for operation in operations:
            answer = self._operation(operation, made, asked.by, base)
            answers.append(answer)
            failed += int(answer["status"]) >= 400
            if isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit <= failed:
                break
        return Answer(200, {"schemas": [BULK_ANSWER], "Operations": answers})

    def _operation(self, sent: Any, made: dict[str, str], by: str, base: str) -> dict[str, Any]:
        operation = _lower(sent) if isinstance(sent, dict) else {}
        method, path, name = operation.get("method"), operation.get("path"), operation.get("bulkid")
        told: dict[str, Any] = {"method": method if isinstance(method, str) else ""}
        if isinstance(name, str):
            told["bulkId"] = name[:200]
        try:
            answer = self._one(operation, told["method"].upper(), path, made, by, base)
        except ScimError as error:
            return told | {"status": str(error.status), "response": error.body()}
        except ChatwardError as error:
            return told | {"status": str(error.status), "response": error_body(error.status, error.public)}
        location = answer.location or f"{base}{path}"
        if isinstance(name, str) and answer.status == 201:
            made[name] = answer.location.rpartition("/")[2]
        return (
            told
            | {"status": str(answer.status), "location": location}
            | ({"version": answer.etag} if answer.etag else {})
        )

    def _one(
        self, operation: Mapping[str, Any], method: str, path: object, made: Mapping[str, str], by: str, base: str
    ) -> Answer:
        if method not in {"POST", "PUT", "PATCH", "DELETE"} or not isinstance(path, str):
            raise ScimError("invalidSyntax", "An operation needs a method and a path.")
        parts = urlsplit(_resolved(path, made))
        steps = [step for step in parts.path.split("/") if step]
        if not steps or steps[0] in {"Bulk", ".search"} or steps[-1] == ".search":
            raise ScimError("invalidPath", "A part of a bulk request changes one resource.")
        if method == "POST" and not operation.get("bulkid"):
            raise ScimError("invalidSyntax", "What makes a resource needs a `bulkId`.")
        version = operation.get("version")
        return self.answer(
            Asked(
                method,
                parts.path,
                dict(parse_qsl(parts.query)),
                _resolved(operation.get("data"), made),
                if_match=version if isinstance(version, str) else "",
                by=by,
            ),
            base,
        )


def _resolved(value: Any, made: Mapping[str, str]) -> Any:
    """With ids in place of the names of what was made."""
    if isinstance(value, dict):
        return {name: _resolved(inner, made) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, made) for inner in value]
    if not isinstance(value, str) or _BULK_ID not in value:
        return value
    before, _, name = value.partition(_BULK_ID)
    if before not in {"", "/Users/", "/Groups/"}:
        return value
    if name not in made:
        raise ScimError("invalidValue", "A `bulkId` names nothing that was made before.", 409)
    return before + made[name]


def _query(sent: Mapping[str, str]) -> _Query:
    """Raises ``ScimError`` for what cannot be read; unknown parameters are ignored (section 3.4.2)."""
    return _read({name.lower(): value for name, value in sent.items() if name.lower() in _QUERY})


def _searched(body: Any) -> _Query:
    sent = _lower(_object(body))
    if SEARCH not in _schemas(sent):
        raise ScimError("invalidSyntax", f"`schemas` must hold {SEARCH}.")
    return _read({name: value for name, value in sent.items() if name in _QUERY})


def _read(sent: Mapping[str, Any]) -> _Query:
    filter_, sort = _text(sent, "filter"), _text(sent, "sortby")
    wanted, unwanted = _paths(sent.get("attributes")), _paths(sent.get("excludedattributes"))
    if wanted and unwanted:
        raise ScimError("invalidValue", "Either `attributes` or `excludedAttributes`, not both.")
    return _Query(
        read_filter(filter_) if filter_ else None,
        read_path(sort) if sort else None,
        _text(sent, "sortorder").lower() == "descending",
        max(1, _number(sent, "startindex", 1)),
        min(MAX_RESULTS, max(0, _number(sent, "count", MAX_RESULTS))),
        wanted or None,
        unwanted,
    )


def _paths(value: Any) -> tuple[Path, ...]:
    listed = value.split(",") if isinstance(value, str) else value
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > 100 or not all(isinstance(one, str) for one in listed):
        raise ScimError("invalidValue", "Attributes are listed by their names.")
    return tuple(read_path(one.strip()) for one in listed if one.strip())


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ScimError("invalidValue", "`filter`, `sortBy` and `sortOrder` are texts.")
    return value


def _number(sent: Mapping[str, Any], name: str, default: int) -> int:
    value = sent.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, str)) or len(str(value)) > 12:
        _no_number()
    try:
        return int(value)
    except ValueError:
        _no_number()


def _no_number() -> NoReturn:
    raise ScimError("invalidValue", "`startIndex` and `count` are whole numbers.")


def _chosen(kind: Kind, resource: Mapping[str, Any], query: _Query) -> dict[str, Any]:
    return projected(kind, resource, query.wanted, query.unwanted)


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ScimError("invalidSyntax", "The body must be a JSON object.")
    return body


def _lower(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in sent.items()}


def _schemas(sent: Mapping[str, Any]) -> list[Any]:
    value = sent.get("schemas")
    return value if isinstance(value, list) else []
