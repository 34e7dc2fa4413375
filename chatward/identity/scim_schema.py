"""What SCIM may know of people and groups here, and how it reads (RFC 7643).

The rule: an attribute that nothing here needs is not kept. A user has a name to be found by, a name for people to
read, mail addresses, and whether they are active. Telephone numbers, addresses, photographs, passwords and extensions
are accepted, as clients send them unasked, and dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chatward.core.errors import ClientError

USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_API: Final = "urn:ietf:params:scim:api:messages:2.0:"
ERROR: Final = _API + "Error"
LIST: Final = _API + "ListResponse"
PATCH: Final = _API + "PatchOp"
SEARCH: Final = _API + "SearchRequest"
BULK: Final = _API + "BulkRequest"
BULK_ANSWER: Final = _API + "BulkResponse"

MAX_RESULTS: Final = 200
MAX_OPERATIONS: Final = 100
MAX_PAYLOAD: Final = 1024 * 1024


class ScimError(ClientError):
    """An error as RFC 7644 section 3.12 says it; ``scim_type`` is one of its table 9, or empty."""

    def __init__(self, scim_type: str, public: str, status: int = 400) -> None:
        kebab = "".join(f"-{one.lower()}" if one.isupper() else one for one in scim_type)
        super().__init__(public, reason=f"scim-{kebab}" if kebab else f"scim-{status}", status=status)
        self.scim_type = scim_type

    def body(self) -> dict[str, Any]:
        return error_body(self.status, self.public, self.scim_type)


def error_body(status: int, detail: str, scim_type: str = "") -> dict[str, Any]:
    said = {"schemas": [ERROR], "status": str(status), "detail": detail}
    return said | {"scimType": scim_type} if scim_type else said


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute (RFC 7643 section 2.2). ``exact``: case matters when it is compared."""

    name: str
    type: str = "string"
    description: str = ""
    multi: bool = False
    required: bool = False
    exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    unique: str = "none"
    subs: tuple[Attribute, ...] = ()
    canonical: tuple[str, ...] = ()
    refers: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        return self.mutability == "readOnly"

    def sub(self, name: str) -> Attribute | None:
        return find(self.subs, name)

    def described(self) -> dict[str, Any]:
        """As the endpoint ``/Schemas`` shows it (section 7)."""
        told: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi,
            "description": self.description or self.name,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.type not in {"complex", "boolean"}:
            told |= {"caseExact": self.exact, "uniqueness": self.unique}
        if self.subs:
            told["subAttributes"] = [sub.described() for sub in self.subs]
        if self.canonical:
            told["canonicalValues"] = list(self.canonical)
        if self.refers:
            told["referenceTypes"] = list(self.refers)
        return told


def find(attributes: tuple[Attribute, ...], name: str) -> Attribute | None:
    """By name, whose case does not matter (RFC 7643 section 2.1)."""
    wanted = name.lower()
    return next((one for one in attributes if one.name.lower() == wanted), None)


_META: Final = Attribute(
    "meta",
    "complex",
    mutability="readOnly",
    subs=(
        Attribute("resourceType", exact=True, mutability="readOnly"),
        Attribute("created", "dateTime", mutability="readOnly"),
        Attribute("lastModified", "dateTime", mutability="readOnly"),
        Attribute("location", "reference", exact=True, mutability="readOnly", refers=("uri",)),
        Attribute("version", exact=True, mutability="readOnly"),
    ),
)
COMMON: Final = (
    Attribute("schemas", "reference", multi=True, exact=True, returned="always", refers=("uri",)),
    Attribute("id", exact=True, mutability="readOnly", returned="always", unique="server"),
    Attribute("externalId", exact=True),
    _META,
)
"""What every resource has (RFC 7643 section 3.1); no schema lists it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resource."""

    name: str
    endpoint: str
    schema: str
    description: str
    own: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute | None:
        return find(self.own, name) or find(COMMON, name)

    def type_document(self, base: str) -> dict[str, Any]:
        return {
            "schemas": [f"{_CORE}ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema,
            "schemaExtensions": [],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{self.name}"},
        }

    def schema_document(self, base: str) -> dict[str, Any]:
        return {
            "schemas": [f"{_CORE}Schema"],
            "id": self.schema,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.described() for attribute in self.own],
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{self.schema}"},
        }


USER: Final = Kind(
    "User",
    "/Users",
    USER_SCHEMA,
    "Somebody who may talk to the bots",
    (
        Attribute("userName", description="What the client knows them by", required=True, unique="server"),
        Attribute(
            "name",
            "complex",
            "Parts of the name",
            subs=(Attribute("formatted"), Attribute("familyName"), Attribute("givenName")),
        ),
        Attribute("displayName", description="The name as people read it"),
        Attribute("active", "boolean", "Whether they may ask anything. Without it they may"),
        Attribute(
            "emails",
            "complex",
            "Mail addresses",
            multi=True,
            subs=(
                Attribute("value"),
                Attribute("display"),
                Attribute("type", canonical=("work", "home", "other")),
                Attribute("primary", "boolean"),
            ),
        ),
        Attribute(
            "groups",
            "complex",
            "Groups they are in; changed through the groups",
            multi=True,
            mutability="readOnly",
            subs=(
                Attribute("value", exact=True, mutability="readOnly"),
                Attribute("$ref", "reference", exact=True, mutability="readOnly", refers=("Group",)),
                Attribute("display", mutability="readOnly"),
                Attribute("type", mutability="readOnly", canonical=("direct",)),
            ),
        ),
    ),
)
GROUP: Final = Kind(
    "Group",
    "/Groups",
    GROUP_SCHEMA,
    "People with the same rights",
    (
        Attribute("displayName", description="The group's name", required=True, unique="server"),
        Attribute(
            "members",
            "complex",
            "Users in the group",
            multi=True,
            subs=(
                Attribute("value", exact=True, mutability="immutable"),
                Attribute("$ref", "reference", exact=True, mutability="readOnly", refers=("User",)),
                Attribute("display", mutability="readOnly"),
                Attribute("type", mutability="immutable", canonical=("User",)),
            ),
        ),
    ),
)
KINDS: Final = (USER, GROUP)

DROPPED: Final = frozenset(
    (
        *("nickname", "profileurl", "title", "usertype", "preferredlanguage", "locale", "timezone", "password"),
        *("phonenumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509certificates"),
    )
)
"""Attributes of RFC 7643 section 4.1 that are accepted and not kept."""
NAME_PARTS: Final = frozenset({"middlename", "honorificprefix", "honorificsuffix"})
"""The same, inside ``name``."""


def service_document(base: str) -> dict[str, Any]:
    """What this service can do (RFC 7643 section 5)."""
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": True, "maxOperations": MAX_OPERATIONS, "maxPayloadSize": MAX_PAYLOAD},
        "filter": {"supported": True, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "API key",
                "description": "An API key of this Chatward with the role scim, as bearer token",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


Document = Mapping[str, Any]
"""A resource's attributes by their names as written here, without ``id``, ``meta``, ``schemas``, ``groups``."""
