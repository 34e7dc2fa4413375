"""What policies read, found statically: every form that is understood, and the whole where one is not."""

from __future__ import annotations

from typing import Any

import cedarpy
import pytest

from chatward.identity.cedar_reads import ALL, Reads, reads_of, union


def reads(policy: str) -> Reads:
    (template,) = cedarpy.policies_to_pst(policy).static_policies.values()
    return reads_of(template)


def when(condition: str) -> Reads:
    return reads(f"permit (principal, action, resource) when {{ {condition} }};")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("true", {}),
        ("context.hour > 5", {"fields": {"hour"}}),
        ("context has address", {"fields": {"address"}}),
        ("context has certificate.spiffe", {"fields": {"certificate"}}),
        ('context.certificate.spiffe like "x*"', {"fields": {"certificate"}}),
        ('if context.approved then context has purpose else context.risk == Risk::"low"',
         {"fields": {"approved", "purpose", "risk"}}),
        ('["a", context.device].contains("x")', {"fields": {"device"}}),
        ("{a: {b: context.bot}}.a.b == \"x\"", {"fields": {"bot"}}),
        ("context.address.isInRange(ip(\"10.0.0.0/8\"))", {"fields": {"address"}}),
        ("-context.hour < 1", {"fields": {"hour"}}),
        ('principal in Role::"x"', {}),
        ('principal in [Role::"x", Tenant::"y"]', {}),
        ("principal is Person", {}),
        ('principal is Person in Role::"x"', {}),
        ("principal.tenant == Tenant::\"x\"", {}),
        ("principal in principal.tenant", {"identity": True}),
        ('principal is Person in Person::"x"', {"identity": True}),
        ('principal == Person::"x"', {"identity": True}),
        ('[principal].contains(Person::"x")', {"identity": True}),
        ("principal has other", {"identity": True}),
        ('principal.hasTag("a") && principal.getTag("b") == "x"', {"tags": {"a", "b"}}),
        ("principal.hasTag(context.purpose)", {"all_tags": True, "fields": {"purpose"}}),
        ('resource == Bot::"x"', {"resource": True}),
        ('resource in Group::"x"', {"resource": True}),
        ("resource is Bot", {"types": {"Bot"}}),
        ('resource is Bot in Group::"x"', {"types": {"Bot"}, "resource": True}),
        ("resource has label && resource.tenant == principal.tenant", {"facts": {"label", "tenant"}}),
        ('action in Action::"admin:*:*"', {"action": True}),
        ("context == context", {"fields": ALL, "all_arguments": True}),
        ('context.arguments.texts.hasTag("/a")', {"fields": {"arguments"}, "arguments": {("texts", "/a")}}),
        ('context.arguments.texts.getTag("/a") == context.arguments.texts.getTag("/b")',
         {"fields": {"arguments"}, "arguments": {("texts", "/a"), ("texts", "/b")}}),
        ("context.arguments.texts.hasTag(context.purpose)",
         {"fields": {"arguments", "purpose"}, "all_arguments": True}),
        ("context.arguments.texts == context.arguments.texts", {"fields": {"arguments"}, "all_arguments": True}),
        ('(if context.approved then context.arguments else context.arguments).texts.hasTag("x")',
         {"fields": {"arguments", "approved"}, "all_arguments": True}),
        ("context.arguments.lost.isEmpty()", {"fields": {"arguments"}}),
        ("context has arguments", {"fields": {"arguments"}}),
    ],
)  # fmt: skip
def test_conditions(condition: str, expected: dict[str, Any]) -> None:
    wanted = {name: frozenset(value) if isinstance(value, set) else value for name, value in expected.items()}
    assert when(condition) == Reads(**wanted)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("principal, action, resource", Reads()),
        ("principal is Person, action, resource is Bot", Reads()),
        ('principal in Role::"x", action, resource', Reads()),
        ('principal is Person in Tenant::"x", action, resource', Reads()),
        ('principal == Person::"x", action, resource', Reads(identity=True)),
        ('principal in Person::"x", action, resource', Reads(identity=True)),
        ('principal, action, resource == Bot::"x"', Reads(resource=True)),
        ('principal, action, resource in Group::"x"', Reads(resource=True)),
        ('principal, action, resource is Bot in Group::"x"', Reads(resource=True)),
        ('principal, action == Action::"x", resource', Reads()),
    ],
)
def test_scopes(scope: str, expected: Reads) -> None:
    assert reads(f"forbid ({scope});") == expected


def test_a_union_is_of_everything() -> None:
    both = union([when("context.hour > 5"), when('principal == Person::"x"'), when("resource has label")])
    assert both == Reads(frozenset({"hour"}), frozenset({"label"}), identity=True)
    assert union([]) == Reads()
