"""The people behind one key: who is named, by whom, and that nobody is taken for somebody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import ClientError
from chatward.core.identity import ANONYMOUS, Kind, Principal
from chatward.identity.end_users import EndUsers
from chatward.settings.end_users import EndUserSettings

KEY = Principal("key:1", Kind.SERVICE, roles=frozenset({"app"}))
OTHER = Principal("key:2", Kind.SERVICE, roles=frozenset({"app"}))
PLAIN = Principal("key:3", Kind.SERVICE)


class Headers(dict[str, str]):
    """As many values as were given, apart by a line feed."""

    def get_all(self, key: str) -> list[str]:
        return self[key].split("\n")


def people(**more: Any) -> EndUsers:
    return EndUsers(EndUserSettings(role="app", **more), b"k" * 32)


def id_of(who: Principal = KEY, body: object = None, header: str | None = None, found: EndUsers | None = None) -> str:
    headers = Headers({} if header is None else {"x-chatward-end-user": header})
    return (found or people()).person(who, headers, b"" if body is None else json.dumps(body).encode()).id


@pytest.mark.parametrize(
    "body", [{"user": "ann"}, {"safety_identifier": "ann"}, {"metadata": {"user_id": "ann"}}, {"user": " ann "}]
)
def test_every_field_names_the_same_person(body: object) -> None:
    assert id_of(body=body) == id_of(header="ann")
    assert id_of(body=body).startswith("user:")
    assert "ann" not in id_of(body=body)


def test_keys_have_names_of_their_own_unless_they_share_a_space() -> None:
    assert id_of(KEY, header="17") != id_of(OTHER, header="17")
    shared = people(space="crm")
    assert id_of(KEY, header="17", found=shared) == id_of(OTHER, header="17", found=shared)
    tenant = Principal("key:1", Kind.SERVICE, "another", frozenset({"app"}))
    assert id_of(tenant, header="17", found=shared) != id_of(KEY, header="17", found=shared)
    assert EndUsers(EndUserSettings(role="app"), b"j" * 32).subject("default", "key:1", "17") != id_of(header="17")


def test_addresses_are_compared_in_lower_case_and_nothing_else_is() -> None:
    assert id_of(header="Ann@Example.org") == id_of(header="ann@example.org")
    assert id_of(header="Ann") != id_of(header="ann")


def test_who_may_not_name_people_names_nobody() -> None:
    assert id_of(PLAIN, {"user": "ann"}, "ann") == "key:3"
    nobody = Principal(ANONYMOUS.id, Kind.ANONYMOUS, roles=frozenset({"app"}))
    assert id_of(nobody, {"user": "ann"}, "ann") == "anonymous"


def test_the_header_counts_before_the_fields() -> None:
    assert id_of(body={"user": "bob"}, header="ann") == id_of(header="ann")


@pytest.mark.parametrize(
    ("body", "header"),
    [
        ({"user": "ann", "safety_identifier": "bob"}, None),
        ({"user": 17}, None),
        ({"user": ["ann"]}, None),
        ({"user": "a" * 513}, None),
        ({"user": "\ud800"}, None),
        (None, "ann\nbob"),
        (None, "a" * 513),
    ],
    ids=["two", "number", "list", "long", "surrogate", "two-headers", "long-header"],
)
def test_what_is_no_name_is_refused(body: object, header: str | None) -> None:
    with pytest.raises(ClientError) as refused:
        id_of(body=body, header=header)
    assert refused.value.reason == "end-user-invalid"


@pytest.mark.parametrize("body", [None, {}, {"user": None}, {"user": ""}, {"user": " "}, [], {"metadata": "x"}])
def test_naming_nobody(body: object) -> None:
    assert id_of(body=body) == "key:1"
    with pytest.raises(ClientError) as refused:
        id_of(body=body, found=people(required=True))
    assert refused.value.reason == "end-user-missing"


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(min_size=1, max_size=5)), max_size=5))
def test_different_people_have_different_ids(names: list[tuple[str, str, str]]) -> None:
    found = people()
    names = [name for name in names if "@" not in name[2] or name[2].islower()]
    ids = {found.subject(*name) for name in names if not any("\ud800" <= c <= "\udfff" for c in "".join(name))}
    assert len(ids) == len({name for name in names if not any("\ud800" <= c <= "\udfff" for c in "".join(name))})
