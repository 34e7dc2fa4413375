"""The schema: what Cedar reads from it is what the tables say."""

from __future__ import annotations

import re

from chatward.core.identity import Kind
from chatward.identity.cedar_policies import book, schema
from chatward.identity.cedar_schema import ACTIONS, AREAS, FIELDS, PRINCIPALS, VERBS, fields_of, schema_text
from chatward.identity.cedar_values import KEYS, VALUES
from chatward.identity.operators import ROLES


def test_cedar_reads_it() -> None:
    assert "Operator" in str(schema())


def test_every_kind_is_a_type() -> None:
    assert set(PRINCIPALS) == {kind.value for kind in Kind}


def test_actions_are_closed_and_grouped() -> None:
    assert len(ACTIONS) == 3 + len(AREAS) * len(VERBS)
    assert list(AREAS) == sorted(set(AREAS))
    for name, action in ACTIONS.items():
        assert f'action "{name}"' in schema_text()
        for group in action.groups:
            book({"f": f'@id("a") permit (principal, action in Action::"{group}", resource);'})


def test_every_field_has_a_form_and_only_tools_have_arguments() -> None:
    assert {field.form for field in FIELDS} <= KEYS.keys() | {"assurance", "arguments"}
    assert KEYS.keys() == VALUES.keys()
    with_arguments = {name for name in ACTIONS if "arguments" in {field.name for field in fields_of(name)}}
    assert with_arguments == {"tool:call"}


def test_the_default_policies_know_every_role_of_operators() -> None:
    from chatward.identity.cedar_policies import shipped

    named = set(re.findall(r'Role::"([^"]+)"', shipped()))
    assert named == set(ROLES)
