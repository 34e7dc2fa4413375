"""PATCH: add, remove and replace, as RFC 7644 section 3.5.2 and as directories really send them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from chatward.identity.scim_patch import patched
from chatward.identity.scim_schema import GROUP, PATCH, USER, USER_SCHEMA, Kind, ScimError

ANN: dict[str, Any] = {
    "userName": "ann",
    "active": True,
    "name": {"familyName": "Other", "givenName": "Ann"},
    "emails": [
        {"value": "a@work.example", "type": "work", "primary": True},
        {"value": "a@home.example", "type": "home"},
    ],
}
TEAM: dict[str, Any] = {"displayName": "Support", "members": [{"value": "1"}, {"value": "2"}]}
EXTENSION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def patch(document: dict[str, Any], *operations: dict[str, Any], kind: Kind = USER) -> dict[str, Any]:
    before = deepcopy(document)
    try:
        return patched(kind, document, {"schemas": [PATCH], "Operations": list(operations)})
    finally:
        assert document == before, "the old document is not touched"


def op(what: str, path: str | None = None, value: Any = ...) -> dict[str, Any]:
    told: dict[str, Any] = {"op": what}
    if path is not None:
        told["path"] = path
    return told if value is ... else told | {"value": value}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        (op("replace", "active", False), {"active": False}),
        (op("Replace", "active", "False"), {"active": False}),  # Entra
        (op("replace", None, {"active": False}), {"active": False}),  # Okta
        (op("replace", f"{USER_SCHEMA}:active", False), {"active": False}),
        (op("replace", None, {USER_SCHEMA: {"active": False}}), {"active": False}),
        (op("add", "displayName", "Ann O."), {"displayName": "Ann O."}),
        (op("replace", "displayName", "Ann O."), {"displayName": "Ann O."}),
        (op("replace", "name.familyName", "Married"), {"name": {"familyName": "Married", "givenName": "Ann"}}),
        (op("add", None, {"name.familyName": "Married"}), {"name": {"familyName": "Married", "givenName": "Ann"}}),
        (op("replace", "name", {"familyName": "M"}), {"name": {"familyName": "M", "givenName": "Ann"}}),
        (op("remove", "name"), {"name": None}),
        (op("remove", "name.givenName"), {"name": {"familyName": "Other"}}),
        (op("remove", "emails"), {"emails": None}),
        (op("remove", 'emails[type eq "home"]'), {"emails": [ANN["emails"][0]]}),
        (op("remove", 'emails[type eq "nothing"]'), {}),
        (op("replace", "emails", []), {"emails": None}),
        (op("replace", "emails", [{"value": "x@y"}]), {"emails": [{"value": "x@y"}]}),
        (op("add", "emails", [{"value": "x@y"}]), {"emails": [*ANN["emails"], {"value": "x@y"}]}),
        (op("add", "emails", ANN["emails"][1]), {}),
        (
            op("add", "emails", [{"value": "x@y", "primary": True}]),
            {
                "emails": [
                    {"value": "a@work.example", "type": "work"},
                    ANN["emails"][1],
                    {"value": "x@y", "primary": True},
                ]
            },
        ),
        (
            op("replace", 'emails[type eq "work"].value', "b@work.example"),
            {"emails": [{**ANN["emails"][0], "value": "b@work.example"}, ANN["emails"][1]]},
        ),
        (
            op("add", 'emails[type eq "other"].value', "o@x"),
            {"emails": [*ANN["emails"], {"type": "other", "value": "o@x"}]},
        ),
        (
            op("replace", 'emails[value ew "home.example"]', {"value": "n@h", "primary": True}),
            {"emails": [{"value": "a@work.example", "type": "work"}, {"value": "n@h", "primary": True}]},
        ),
        (op("add", "phoneNumbers", [{"value": "1"}]), {}),
        (op("replace", 'phoneNumbers[type eq "work"].value', "1"), {}),
        (op("replace", f"{EXTENSION}:department", "Sales"), {}),
        (op("add", None, {EXTENSION: {"department": "Sales"}}), {}),
        (op("replace", "name.honorificPrefix", "Dr."), {}),
        (
            op("replace", None, {"id": "7", "schemas": [USER_SCHEMA], "meta": {}, "userName": "anna"}),
            {"userName": "anna"},
        ),
    ],
)
def test_users(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    expected = {name: value for name, value in {**ANN, **changed}.items() if value is not None}
    assert patch(ANN, operation) == expected


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        (op("add", "members", [{"value": "3"}, {"value": "1"}]), ["1", "2", "3"]),
        (op("Add", "members", {"value": "3", "display": "C", "$ref": "x"}), ["1", "2", "3"]),
        (op("replace", "members", [{"value": "3"}]), ["3"]),
        (op("remove", "members"), []),
        (op("remove", 'members[value eq "1"]'), ["2"]),
        (op("remove", 'members[value eq "1" or value eq "2"]'), []),
        (op("Remove", "members", [{"value": "2"}]), ["1"]),  # Entra: these, not all
        (op("remove", "members", [{"value": "9"}]), ["1", "2"]),
        (op("replace", None, {"members": []}), []),
    ],
)
def test_members_of_a_group(operation: dict[str, Any], members: list[str]) -> None:
    changed = patch(TEAM, operation, kind=GROUP)
    assert [member["value"] for member in changed.get("members", [])] == members


@pytest.mark.parametrize(
    ("operation", "wrong"),
    [
        (op("move", "active", False), "invalidSyntax"),
        (op("add", "userName"), "invalidValue"),
        (op("replace", None, "x"), "invalidValue"),
        (op("remove"), "noTarget"),
        (op("remove", None, {"active": False}), "noTarget"),
        (op("replace", 'emails[type eq "other"]', {"value": "x"}), "noTarget"),
        (op("replace", 'emails[type eq "other"].value', "x"), "noTarget"),
        (op("replace", "id", "1"), "mutability"),
        (op("replace", "groups", []), "mutability"),
        (op("add", "meta.version", "x"), "mutability"),
        (op("remove", "userName"), "mutability"),
        (op("remove", "active"), "mutability"),
        (op("replace", "userName", ""), "invalidValue"),
        (op("replace", "userName", None), "invalidValue"),
        (op("replace", "active", "perhaps"), "invalidValue"),
        (op("replace", "active", 0), "invalidValue"),
        (op("replace", "nothing", "x"), "invalidPath"),
        (op("replace", "name.nothing", "x"), "invalidPath"),
        (op("replace", "emails[", "x"), "invalidPath"),
        (op("replace", 'name[familyName eq "x"]', {}), "invalidPath"),
        (op("add", "emails[primary gt true]", {}), "invalidFilter"),
        ({"op": "add", "path": 4, "value": "x"}, "invalidPath"),
        ("add", "invalidSyntax"),
    ],
)
def test_what_is_refused(operation: Any, wrong: str) -> None:
    with pytest.raises(ScimError) as refused:
        patch(ANN, operation)
    assert refused.value.scim_type == wrong


def test_all_operations_or_none() -> None:
    with pytest.raises(ScimError):
        patch(ANN, op("replace", "active", False), op("replace", "nothing", "x"))
    assert patch(ANN, op("add", "displayName", "x"), op("replace", "displayName", "y"))["displayName"] == "y"


@pytest.mark.parametrize(
    "request_", [{}, {"schemas": [PATCH]}, {"schemas": [], "Operations": [op("remove", "name")]}, {"Operations": []}]
)
def test_what_is_no_patch(request_: dict[str, Any]) -> None:
    with pytest.raises(ScimError) as refused:
        patched(USER, ANN, request_)
    assert refused.value.scim_type == "invalidSyntax"


def test_only_users_are_members() -> None:
    for value in ({"value": "3", "type": "Group"}, {"type": "User"}, {"value": 3}, 3):
        with pytest.raises(ScimError):
            patch(TEAM, op("add", "members", [value]), kind=GROUP)
