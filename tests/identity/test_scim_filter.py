"""Filters: what is read selects what a slow definition selects, and nothing crashes."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.identity.scim_filter import (
    MAX_DEPTH,
    MAX_FILTER,
    Both,
    Compare,
    Either,
    Filter,
    Not,
    Path,
    Present,
    Where,
    compiled,
    read_filter,
    read_path,
    read_target,
    sort_key,
)
from chatward.identity.scim_schema import GROUP, GROUP_SCHEMA, USER, USER_SCHEMA, ScimError

ANN = {
    "id": "2819",
    "userName": "Ann@Example.com",
    "externalId": "aB1",
    "name": {"familyName": "Other", "givenName": "Ann"},
    "active": True,
    "emails": [
        {"value": "ann@example.com", "type": "work", "primary": True},
        {"value": "ann@home.example", "type": "home"},
    ],
    "meta": {"created": "2026-01-02T03:04:05.000Z", "lastModified": "2026-05-13T04:42:34.000+00:00"},
}


def selects(text: str, resource: dict[str, Any] = ANN) -> bool:
    return compiled(read_filter(text), USER)(resource)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('userName eq "ann@example.com"', True),
        ('USERNAME Eq "ANN@EXAMPLE.COM"', True),
        (f'{USER_SCHEMA}:userName sw "ann"', True),
        (f'{USER_SCHEMA}:name.familyName eq "other"', True),
        (f'{GROUP_SCHEMA}:userName sw "ann"', False),
        ('externalId eq "ab1"', False),
        ('externalId eq "aB1"', True),
        ('id eq "2819"', True),
        ('name.familyName co "the"', True),
        ('userName ew "EXAMPLE.com"', True),
        ("title pr", False),
        ("name pr", True),
        ("emails pr", True),
        ("name.givenName pr", True),
        ("displayName eq null", True),
        ("displayName ne null", False),
        ("emails eq null", False),
        ('displayName ne "x"', True),
        ("active eq true", True),
        ("active eq false", False),
        ("active ne false", True),
        ('active eq "true"', False),
        ('emails eq "ann@home.example"', True),
        ('emails co "home"', True),
        ('emails.type eq "work"', True),
        ('emails[type eq "work" and value ew "home.example"]', False),
        ('emails[type eq "home" and value ew "home.example"]', True),
        ("emails[primary eq true]", True),
        ('emails[type eq "other"] or active eq true', True),
        ('not (userName co "bob")', True),
        ('userName co "bob" and title pr or active eq true', True),
        ('active eq true or userName co "bob" and title pr', True),
        ('(active eq true or userName co "bob") and title pr', False),
        ('meta.lastModified gt "2026-05-13T04:42:33Z"', True),
        ('meta.lastModified eq "2026-05-13T06:42:34+02:00"', True),
        ('meta.lastModified lt "2026-05-13T04:42:34Z"', False),
        ('meta.created ge "2026-01-02T03:04:05"', True),
        ('userName gt "ana"', True),
        ('userName lt "ana"', False),
        ("unknown eq 4", False),
        ("not (unknown eq 4)", True),
        ('unknown[a eq "b"]', False),
        ('userName eq "\\u0061nn@example.com"', True),
    ],
)
def test_what_a_filter_selects(text: str, expected: bool) -> None:
    assert selects(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "userName",
        "userName eq",
        'userName like "x"',
        "userName eq x",
        "userName eq 'x'",
        'userName eq "x',
        'userName eq "x" and',
        'and userName eq "x"',
        '(userName eq "x"',
        'userName eq "x")',
        'emails[type eq "x"',
        "emails[]",
        'not userName eq "x"',
        'emails[type eq "x"].value eq "y"',
        'userName eq "\\ud800"',
        'userName eq "\\x"',
        "userName eq 1.",
        "a.b.c pr",
        'userName[value eq "x"]',
        'name.givenName[value eq "x"]',
        "active gt true",
        "active co true",
        'active gt "x"',
        "userName co 4",
        "userName gt null",
        'meta.created gt "yesterday"',
        "meta.created eq 5",
        "(" * (MAX_DEPTH + 1) + "id pr" + ")" * (MAX_DEPTH + 1),
        "(" * 1900,
        "not (" * 700,
        'id eq "' + "x" * MAX_FILTER + '"',
        'userName eq "x"; drop',
        "userName eq \x00",
    ],
)
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ScimError) as refused:
        selects(text)
    assert refused.value.scim_type == "invalidFilter"
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("members", (Path("", "members"), None, "")),
        ("name.familyName", (Path("", "name", "familyName"), None, "")),
        (f"{USER_SCHEMA}:userName", (Path(USER_SCHEMA, "userName"), None, "")),
        (
            'members[value eq "2819"]',
            (Path("", "members"), Compare(Path("", "value"), "eq", "2819"), ""),
        ),
        ('emails[type eq "work"].value', (Path("", "emails"), Compare(Path("", "type"), "eq", "work"), "value")),
    ],
)
def test_paths(text: str, expected: tuple[Path, Filter | None, str]) -> None:
    target = read_target(text)
    assert (target.path, target.where, target.sub) == expected


@pytest.mark.parametrize(
    "text", ["", "members[", "a.b[c pr]", "members]x", "4", 'emails[type eq "x"]value', "a b", "a.b.c"]
)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ScimError) as refused:
        read_target(text)
    assert refused.value.scim_type == "invalidPath"
    with pytest.raises(ScimError):
        read_path(text)


def test_sorting_puts_those_without_a_value_last() -> None:
    resources = [{"displayName": "b"}, {}, {"displayName": "C"}, {"displayName": "a"}]
    key = sort_key(read_path("displayName"), USER)
    assert [one.get("displayName") for one in sorted(resources, key=key)] == ["a", "b", "C", None]
    with pytest.raises(ScimError):
        sort_key(read_path("nothing"), GROUP)


# --- a filter selects what a slow definition selects

TEXTS = st.sampled_from(["", "a", "A", "ab", "b a", 'q"\\', "é", "É", "ß", "and", "2026"])
STRINGS = [("userName", ""), ("displayName", ""), ("externalId", ""), ("name", "familyName"), ("emails", "")]
STRINGS += [("emails", "value"), ("emails", "type"), ("nobody", ""), ("name", "nobody")]
EXACT = {"externalId"}


def compares(paths: list[tuple[str, str]]) -> st.SearchStrategy[Filter]:
    path = st.sampled_from(paths).map(lambda pair: Path("", *pair))
    text = st.builds(Compare, path, st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]), TEXTS)
    null = st.builds(Compare, path, st.sampled_from(["eq", "ne"]), st.none())
    return text | null | st.builds(Present, path)


WITHIN = compares([("value", ""), ("type", ""), ("nobody", "")]) | st.builds(
    Compare, st.just(Path("", "primary")), st.sampled_from(["eq", "ne"]), st.booleans()
)
LEAVES = (
    compares(STRINGS)
    | st.builds(Compare, st.just(Path("", "active")), st.sampled_from(["eq", "ne"]), st.booleans())
    | st.builds(Where, st.sampled_from([Path("", "emails"), Path("", "nobody")]), WITHIN | st.builds(Not, WITHIN))
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.builds(Not, inner) | st.builds(Both, inner, inner) | st.builds(Either, inner, inner),
    max_leaves=8,
)
USERS = st.fixed_dictionaries(
    {"userName": TEXTS, "active": st.booleans()},
    optional={
        "displayName": TEXTS,
        "externalId": TEXTS,
        "name": st.fixed_dictionaries({}, optional={"familyName": TEXTS}),
        "emails": st.lists(
            st.fixed_dictionaries({}, optional={"value": TEXTS, "type": TEXTS, "primary": st.booleans()}), max_size=3
        ),
    },
)


def written(filter: Filter, draw: Any) -> str:
    """The text of a filter, with no more brackets than it needs, in random case."""

    def word(text: str) -> str:
        return draw(st.sampled_from([text, text.upper(), text.capitalize()]))

    def path(path: Path) -> str:
        return word(path.name) + (f".{word(path.sub)}" if path.sub else "")

    match filter:
        case Present(where):
            return f"{path(where)} {word('pr')}"
        case Compare(where, operator, value):
            return f"{path(where)} {word(operator)} {json.dumps(value)}"
        case Where(where, inner):
            return f"{path(where)}[{written(inner, draw)}]"
        case Not(inner):
            return f"{word('not')} ({written(inner, draw)})"
        case Both(left, right):
            # Read from the left, so a `both` on the right needs brackets to come back as it was.
            one = f"({written(left, draw)})" if isinstance(left, Either) else written(left, draw)
            other = f"({written(right, draw)})" if isinstance(right, Either | Both) else written(right, draw)
            return f"{one} {word('and')} {other}"
        case Either(left, right):
            other = f"({written(right, draw)})" if isinstance(right, Either) else written(right, draw)
            return f"{written(left, draw)} {word('or')} {other}"


def slowly(filter: Filter, resource: dict[str, Any]) -> bool:
    """RFC 7644 section 3.4.2.2, word by word."""
    match filter:
        case Not(inner):
            return not slowly(inner, resource)
        case Both(left, right):
            return slowly(left, resource) and slowly(right, resource)
        case Either(left, right):
            return slowly(left, resource) or slowly(right, resource)
        case Where(path, inner):
            return any(slowly(inner, item) for item in resource.get(path.name, []))
        case Present(path):
            return any(item not in ("", {}, None) and item != {"": ""} for item in whole(path, resource))
        case Compare(path, operator, None):
            return slowly(Present(path), resource) is (operator == "ne")
        case Compare(path, "ne", value):
            return not slowly(Compare(path, "eq", value), resource)
        case Compare(path, operator, value):
            return any(fits(operator, item, value, path.name in EXACT) for item in parts(path, resource))


def whole(path: Path, resource: dict[str, Any]) -> list[Any]:
    if path.sub:
        return parts(path, resource)
    value = resource.get(path.name)
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [
        "x" if isinstance(item, dict) and any(inner not in ("", None) for inner in item.values()) else item
        for item in items
        if not (isinstance(item, dict) and all(inner == "" for inner in item.values()))
    ]


def parts(path: Path, resource: dict[str, Any]) -> list[Any]:
    value = resource.get(path.name)
    items = value if isinstance(value, list) else [] if value is None else [value]
    sub = path.sub or "value"
    return [
        item[sub] if isinstance(item, dict) else item for item in items if not isinstance(item, dict) or sub in item
    ]


def fits(operator: str, found: Any, wanted: Any, exact: bool) -> bool:
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    left, right = (found, wanted) if exact else (found.casefold(), wanted.casefold())
    return {
        "eq": left == right,
        "co": right in left,
        "sw": left[: len(right)] == right,
        "ew": left[len(left) - len(right) :] == right if len(right) <= len(left) else False,
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }[operator]


@given(FILTERS, st.lists(USERS, min_size=1, max_size=4), st.data())
def test_a_filter_is_read_as_it_was_written_and_selects_by_definition(
    filter: Filter, users: list[dict[str, Any]], data: st.DataObject
) -> None:
    read = read_filter(written(filter, data.draw))
    test = compiled(read, USER)
    assert [test(user) for user in users] == [slowly(filter, user) for user in users]


PIECES = st.sampled_from(
    [
        "userName",
        "emails",
        "active",
        ".",
        "value",
        " eq ",
        " pr",
        " and ",
        " or ",
        "not ",
        "(",
        ")",
        "[",
        "]",
        '"',
        "\\",
        "x",
        " ",
        "1",
        "-",
        "e9",
        "true",
        "null",
        "urn:",
        ":",
        USER_SCHEMA,
        "meta.created",
        " gt ",
        "\n",
        "\x00",
        "é",
        "$",
    ]
)


@given(st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=60))
def test_nothing_crashes(text: str) -> None:
    for read in (lambda: compiled(read_filter(text), USER)(ANN), lambda: read_target(text), lambda: read_path(text)):
        with contextlib.suppress(ScimError):
            read()
