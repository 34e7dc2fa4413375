"""Rulings: reasons, grants, step-up, what is remembered, and attacks as a table."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cedarpy
import pytest

from chatward.core.identity import ANONYMOUS, Assurance, Grants, Kind, Principal, Question, Ruling
from chatward.identity import cedar
from chatward.identity.cedar import REASONS, CedarAuthorizer
from chatward.identity.cedar_policies import book

PERMIT = '@id("p") permit (principal, action, resource);'
POLICIES = """
@id("message") permit (principal, action == Action::"message:send", resource)
when { context.risk != Risk::"high" };

@id("office") permit (principal in Role::"staff", action == Action::"document:read", resource)
when { context.hour >= 8 && context.hour < 18 && context.weekday <= 5 };

@id("refund") permit (principal is Person, action == Action::"tool:call", resource in Group::"refunds")
when { context.arguments.numbers.hasTag("/amount") && context.arguments.numbers.getTag("/amount") <= 100 };

@id("other-tools") permit (principal, action == Action::"tool:call", resource)
unless { resource in Group::"refunds" };

@id("pay-passkey") @step_up("passkey")
forbid (principal, action == Action::"tool:call", resource == Tool::"pay") when { context.assurance < 3 };

@id("pay-totp") @step_up("totp")
forbid (principal, action == Action::"tool:call", resource in Group::"money") when { context.assurance < 2 };

@id("pay-consent") @approval("operator")
forbid (principal, action == Action::"tool:call", resource in Group::"money") unless { context.approved };

@id("managed") permit (principal, action == Action::"admin:keys:read", resource)
when { principal.hasTag("posture") && principal.getTag("posture") == "managed" };

@id("by-name") permit (principal == Person::"person:1", action == Action::"admin:ledger:read", resource);

@id("overflow") permit (principal, action == Action::"admin:users:read", resource);
@id("overflow-forbid") forbid (principal, action == Action::"admin:users:read", resource)
when { context.assurance + 9223372036854775807 > 0 };

@id("network") permit (principal, action == Action::"admin:metrics:read", resource)
when { context has address && context.address.isInRange(ip("10.0.0.0/8")) };
"""
GROUPS = {"refunds": ("Tool::refund_*",), "money": ("Tool::pay", "Tool::wire")}
BOOK = book({"test.cedar": POLICIES}, groups=GROUPS, roles={"lead": ("senior",), "senior": ("staff", "lead")})
MONDAY_NOON = 1_699_876_800.0

PERSON = Principal("person:1", Kind.PERSON, assurance=Assurance.SINGLE)
SERVICE = Principal("key:1", Kind.SERVICE, assurance=Assurance.SINGLE)


@pytest.fixture
def authorizer() -> CedarAuthorizer:
    return CedarAuthorizer(BOOK, clock=lambda: MONDAY_NOON)


def message(principal: Principal = PERSON, **context: Any) -> Question:
    return Question(principal, "message:send", ("Bot", "default"), context)


def tool(name: str, principal: Principal = PERSON, **context: Any) -> Question:
    return Question(principal, "tool:call", ("Tool", name), context)


def admin(what: str, principal: Principal = PERSON, **context: Any) -> Question:
    return Question(principal, f"admin:{what}", ("AdminArea", what.partition(":")[0]), context)


# --- reasons


def test_permitted_by(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(message()) == Ruling(True, ("message",), "permitted")


def test_nothing_permits(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(message(risk="high")) == Ruling(False, (), "not-permitted")
    assert authorizer.decide(admin("policy:write")) == Ruling(False, (), "not-permitted")


def test_a_policy_that_fails_denies_where_cedar_would_skip_it(authorizer: CedarAuthorizer) -> None:
    """The forbid overflows; Cedar leaves it out and lets the permit decide."""
    alone = cedarpy.is_authorized(
        {"principal": 'Person::"p"', "action": 'Action::"a"', "resource": 'Bot::"b"', "context": {"assurance": 1}},
        "permit (principal, action, resource);"
        "forbid (principal, action, resource) when { context.assurance + 9223372036854775807 > 0 };",
        [],
    )
    assert alone.allowed
    assert authorizer.decide(admin("users:read")) == Ruling(False, ("overflow-forbid",), "policy-error")
    nobody = replace(PERSON, assurance=Assurance.NONE)
    assert authorizer.decide(admin("users:read", nobody)) == Ruling(False, ("overflow-forbid",), "forbidden")


def test_reasons_are_a_fixed_vocabulary() -> None:
    named = {value.reason for value in vars(cedar).values() if isinstance(value, Ruling)}
    assert named <= REASONS.keys()


# --- roles, time, facts


@pytest.mark.parametrize("role", ["staff", "senior", "lead"])
def test_a_role_includes_others_at_any_distance(authorizer: CedarAuthorizer, role: str) -> None:
    person = replace(PERSON, roles=frozenset({role}))
    assert authorizer.decide(Question(person, "document:read", ("Document", "d"))).allowed
    assert not authorizer.decide(Question(PERSON, "document:read", ("Document", "d"))).allowed


@pytest.mark.parametrize(
    ("seconds", "allowed"),
    [(0, True), (-4 * 3600 - 1, False), (-4 * 3600, True), (6 * 3600, False), (5 * 86400, False), (7 * 86400, True)],
)
def test_hour_and_weekday_are_of_now_in_utc(seconds: float, allowed: bool) -> None:
    authorizer = CedarAuthorizer(BOOK, clock=lambda: MONDAY_NOON + seconds)
    person = replace(PERSON, roles=frozenset({"staff"}))
    assert authorizer.decide(Question(person, "document:read", ("Document", "d"))).allowed == allowed


def test_what_was_permitted_at_noon_is_denied_in_the_evening() -> None:
    now = [MONDAY_NOON]
    authorizer = CedarAuthorizer(BOOK, clock=lambda: now[0])
    question = Question(replace(PERSON, roles=frozenset({"staff"})), "document:read", ("Document", "d"))
    assert authorizer.decide(question).allowed
    now[0] += 7 * 3600
    assert not authorizer.decide(question).allowed


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:a01:203", True),
        ("192.0.2.1", False),
        ("fe80::1%eth0", False),
        ("", False),
        (None, False),
    ],
)
def test_addresses(authorizer: CedarAuthorizer, address: str | None, allowed: bool) -> None:
    ruling = authorizer.decide(admin("metrics:read", address=address))
    assert (ruling.allowed, ruling.reason) == (allowed, "permitted" if allowed else "not-permitted")


def test_attributes_of_the_principal(authorizer: CedarAuthorizer) -> None:
    managed = replace(PERSON, attributes={"posture": "managed"})
    assert authorizer.decide(admin("keys:read", managed)).allowed
    assert not authorizer.decide(admin("keys:read", replace(PERSON, attributes={"posture": "own"}))).allowed
    assert not authorizer.decide(admin("keys:read", posture="managed")).allowed  # not the principal's


def test_only_documents_have_labels() -> None:
    """A policy on everything may ask for a label; what a question says of a tool's is not one."""
    text = PERMIT + '@id("f") forbid (principal, action, resource) when { resource has label };'
    authorizer = CedarAuthorizer(book({"f": text}))
    assert not authorizer.decide(Question(PERSON, "document:read", ("Document", "d"), {"label": "x"})).allowed
    assert authorizer.decide(tool("search", label="x")).allowed


# --- grants


@pytest.mark.parametrize(
    ("grants", "context", "allowed"),
    [
        (Grants(), {}, True),
        (Grants(bots=("default",)), {}, True),
        (Grants(bots=("def*", "x")), {}, True),
        (Grants(bots=("Default",)), {}, False),
        (Grants(bots=("other",)), {}, False),
        (Grants(models=("gpt-*",)), {"model": "gpt-5"}, True),
        (Grants(models=("gpt-*",)), {"model": "claude"}, False),
        (Grants(models=("gpt-*",)), {}, False),  # bounded and not named
        (Grants(routes=("a",)), {"route": "b"}, False),
        (Grants(routes=("a",), bots=("default",)), {"route": "a"}, True),
        (Grants(tools=("search",)), {}, True),  # a message calls no tool
        (Grants(models=("*",)), {"model": 5}, False),
    ],
)
def test_grants_bound_messages(
    authorizer: CedarAuthorizer, grants: Grants, context: dict[str, Any], allowed: bool
) -> None:
    question = message(replace(SERVICE, grants=grants), **context)
    assert authorizer.decide(question).allowed == authorizer.decide(question).allowed == allowed


@pytest.mark.parametrize(
    ("grants", "name", "context", "allowed"),
    [
        (Grants(tools=("search",)), "search", {}, True),
        (Grants(tools=("search",)), "delete", {}, False),
        (Grants(tools=("sea[rt]ch",)), "search", {}, True),
        (Grants(bots=("a",)), "search", {}, True),  # not named: the message was bounded
        (Grants(bots=("a",)), "search", {"bot": "b"}, False),
    ],
)
def test_grants_bound_tools(
    authorizer: CedarAuthorizer, grants: Grants, name: str, context: dict[str, Any], allowed: bool
) -> None:
    ruling = authorizer.decide(tool(name, replace(SERVICE, grants=grants), **context))
    assert (ruling.allowed, ruling.reason) == (allowed, "permitted" if allowed else "outside-grants")


def test_a_remembered_ruling_is_not_one_of_other_grants(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(message(SERVICE)).allowed
    assert authorizer.decide(message(replace(SERVICE, grants=Grants(bots=("default",))))).allowed
    assert not authorizer.decide(message(replace(SERVICE, grants=Grants(bots=("x",))))).allowed
    assert authorizer.decide(message(replace(SERVICE, grants=Grants(models=("m",))), model="m")).allowed
    assert not authorizer.decide(message(replace(SERVICE, grants=Grants(models=("m",))), model="n")).allowed
    assert authorizer.decide(message(SERVICE)).allowed


# --- step-up and approval


@pytest.mark.parametrize(
    ("name", "assurance", "context", "expected"),
    [
        ("pay", 1, {}, (("pay-consent", "pay-passkey", "pay-totp"), "step-up-required", 3, True)),
        ("pay", 2, {}, (("pay-consent", "pay-passkey"), "step-up-required", 3, True)),
        ("pay", 3, {}, (("pay-consent",), "approval-required", None, True)),
        ("pay", 1, {"approved": True}, (("pay-passkey", "pay-totp"), "step-up-required", 3, False)),
        ("pay", 3, {"approved": True}, (("other-tools",), "permitted", None, False)),
        ("wire", 1, {"approved": True}, (("pay-totp",), "step-up-required", 2, False)),
        ("wire", 2, {"approved": True}, (("other-tools",), "permitted", None, False)),
    ],
)
def test_step_up(
    authorizer: CedarAuthorizer, name: str, assurance: int, context: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    ruling = authorizer.decide(tool(name, replace(PERSON, assurance=Assurance(assurance)), **context))
    assert (ruling.policies, ruling.reason, ruling.step_up, ruling.approval) == expected


STEP = '@id("s") @step_up("passkey") forbid (principal, action, resource) when { context.assurance < 3 };'


@pytest.mark.parametrize(
    "others",
    [
        "",  # nothing permits it anyhow
        PERMIT + '@id("f") forbid (principal, action, resource);',
        PERMIT + '@id("f") forbid (principal, action, resource) when { context.assurance == 3 };',
        PERMIT + '@id("f") forbid (principal, action, resource) when { context.assurance < 2 };',  # not annotated
        '@id("p") permit (principal, action, resource) when { context.assurance < 3 };',
        PERMIT + '@id("t") @step_up("totp") forbid (principal, action, resource)'
        " when { context.assurance < 3 || context.assurance == 3 };",
    ],
)
def test_nobody_is_asked_for_a_proof_that_changes_nothing(others: str) -> None:
    ruling = CedarAuthorizer(book({"f": STEP + others})).decide(message())
    assert (ruling.allowed, ruling.reason, ruling.step_up) == (False, "forbidden", None)


def test_a_forbid_that_names_less_than_it_wants_is_a_plain_denial() -> None:
    text = PERMIT + STEP.replace("passkey", "totp")
    for assurance in (1, 2):
        ruling = CedarAuthorizer(book({"f": text})).decide(message(replace(PERSON, assurance=Assurance(assurance))))
        assert (ruling.reason, ruling.step_up) == ("forbidden", None)


# --- arguments of tools


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"amount": 100}, "permitted"),
        ({"amount": 100.0}, "permitted"),
        ({"amount": 101}, "not-permitted"),
        ({}, "not-permitted"),
        (None, "not-permitted"),
        ({"amount": None}, "not-permitted"),
        ({"Amount": 1}, "not-permitted"),
        ({"amount": "100"}, "arguments-unreadable"),
        ({"amount": True}, "arguments-unreadable"),
        ({"amount": [100]}, "arguments-unreadable"),
        ({"amount": {"value": 1}}, "arguments-unreadable"),
        ({"amount": 99.5}, "arguments-unreadable"),  # a decimal; no policy reads it as one
        ({"amount": 1e300}, "arguments-unreadable"),
        ({"amount": float("nan")}, "arguments-unreadable"),
        ({"amount": 10**30}, "arguments-unreadable"),
        ('{"amount": 1}', "arguments-unreadable"),
        ([{"amount": 1}], "arguments-unreadable"),
        ({"amount": 1, "note": "x" * 100_000}, "permitted"),  # lost, and nobody reads it
        ({"amount": 1, **{str(number): number for number in range(10_000)}}, "arguments-unreadable"),
        ({"amount": 1, "\ud800": 1}, "arguments-unreadable"),
    ],
)
def test_arguments(authorizer: CedarAuthorizer, arguments: Any, reason: str) -> None:
    assert authorizer.decide(tool("refund_order", arguments=arguments)).reason == reason


def test_what_depends_on_arguments_is_not_remembered(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(tool("refund_order", arguments={"amount": 1})).allowed
    assert not authorizer.decide(tool("refund_order", arguments={"amount": 1000})).allowed
    assert authorizer.decide(tool("refund_order", arguments={"amount": 1})).allowed


def test_whether_arguments_are_read_is_known_before_they_come(authorizer: CedarAuthorizer) -> None:
    assert authorizer.reads_arguments(tool("refund_order"))
    assert not authorizer.reads_arguments(tool("search"))
    assert not authorizer.reads_arguments(tool("refund_order", SERVICE))  # the policy is for people
    assert not authorizer.reads_arguments(message())
    assert authorizer.reads_arguments(Question(PERSON, "tool:call", (["Tool"], "x")))  # type: ignore[arg-type]


def test_a_tool_that_a_scope_names_has_policies_of_its_own() -> None:
    text = PERMIT + "".join(
        f'@id("t{number}") forbid (principal, action == Action::"tool:call", resource == Tool::"t{number}")'
        f' when {{ context.arguments.flags.hasTag("/f{number}") }};'
        for number in range(3)
    )
    authorizer = CedarAuthorizer(book({"f": text}))
    for name in ("t0", "t1", "t2", "t3", "t"):
        question = tool(name, arguments={"f1": True})
        assert authorizer.reads_arguments(question) == (name in {"t0", "t1", "t2"})
        assert authorizer.decide(question).allowed == (name != "t1")


# --- remembering


def test_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    authorizer = CedarAuthorizer(BOOK, memory=3)
    for tenant in ("a", "b", "c", "a", "d"):
        authorizer.decide(message(replace(PERSON, tenant=tenant)))
    assert [key[2] for key in authorizer._kept] == ["c", "a", "d"]  # type: ignore[index]


def test_a_ruling_is_remembered_for_all_who_are_alike(
    authorizer: CedarAuthorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorizer.decide(message())
    monkeypatch.setattr(cedarpy, "is_authorized", None)  # asked again, it would fail
    assert authorizer.decide(message(replace(PERSON, id="person:2", session="s"), purpose="x")).allowed
    assert authorizer.decide(message(risk="low")).reason == "policy-error"


def test_one_person_is_not_another_where_a_policy_names_one(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(admin("ledger:read")).allowed
    assert not authorizer.decide(admin("ledger:read", replace(PERSON, id="person:2"))).allowed


def test_a_failure_is_not_remembered(authorizer: CedarAuthorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(cedarpy, "is_authorized", None)
        assert authorizer.decide(message()).reason == "policy-error"
    assert authorizer.decide(message()).allowed


@pytest.mark.parametrize("answer", [{"decision": "NoDecision"}, {"decision": "Deny", "diagnostics": {"errors": ["x"]}}])
def test_an_answer_that_is_none_is_not_remembered(
    authorizer: CedarAuthorizer, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(cedarpy, "is_authorized", lambda *given: cedarpy.AuthzResult(answer))
        assert authorizer.decide(message()) == Ruling(False, (), "policy-error")
    assert authorizer.decide(message()).allowed


class Panic(BaseException):
    """As a panic in Rust arrives in Python."""


def test_a_panic_denies_and_an_interrupt_passes(authorizer: CedarAuthorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: BaseException) -> Any:
        def is_authorized(*given: Any) -> None:
            raise error

        return is_authorized

    monkeypatch.setattr(cedarpy, "is_authorized", fails(Panic()))
    assert authorizer.decide(message()) == Ruling(False, (), "policy-error")
    monkeypatch.setattr(cedarpy, "is_authorized", fails(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        authorizer.decide(message())


# --- attacks


class Liar(Mapping[str, object]):
    """A context that fails when it is asked."""

    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


ATTACKS: list[tuple[str, Question, str]] = [
    ("unknown action", Question(PERSON, "message:delete", ("Bot", "x")), "unknown-action"),
    ("a group is no action", Question(PERSON, "admin:*:*", ("AdminArea", "x")), "unknown-action"),
    ("action in other letters", Question(PERSON, "Message:Send", ("Bot", "x")), "unknown-action"),
    ("resource of another action", Question(PERSON, "message:send", ("Tool", "x")), "unknown-action"),
    ("resource type injected", Question(PERSON, "message:send", ('Bot::"x" || Bot', "x")), "unknown-action"),
    ("action injected", Question(PERSON, 'message:send", Action::"tool:call', ("Bot", "x")), "unknown-action"),
    ("risk as a number", message(risk=0), "policy-error"),
    ("risk that is no band", message(risk="lowest"), "policy-error"),
    ("risk as an entity", message(risk={"__entity": {"type": "Risk", "id": "low"}}), "policy-error"),
    ("risk as a list", message(risk=["low"]), "policy-error"),
    ("assurance as text", message(replace(PERSON, assurance="3")), "policy-error"),  # type: ignore[arg-type]
    ("assurance as text, read", tool("pay", replace(PERSON, assurance="3")), "policy-error"),  # type: ignore[arg-type]
    ("assurance too high", tool("pay", replace(PERSON, assurance=9)), "policy-error"),  # type: ignore[arg-type]
    ("assurance from the context", tool("pay", assurance=3, approved=True), "step-up-required"),
    ("consent as text", tool("pay", approved="true"), "policy-error"),
    ("consent as a number", tool("pay", approved=1), "policy-error"),
    ("address that is none", admin("metrics:read", address="10.0.0.1/8"), "policy-error"),
    ("address injected", admin("metrics:read", address='10.0.0.1") || ip("10.0.0.1'), "policy-error"),
    ("address as a number", admin("metrics:read", address=167772161), "policy-error"),
    ("tenant that is no text", message(replace(PERSON, tenant=5)), "policy-error"),  # type: ignore[arg-type]
    ("roles that are no set", message(replace(PERSON, roles=["staff"])), "policy-error"),  # type: ignore[arg-type]
    ("a role that is no text", message(replace(PERSON, roles=frozenset({5}))), "policy-error"),  # type: ignore[arg-type]
    ("thousands of roles", message(replace(PERSON, roles=frozenset(map(str, range(5000))))), "policy-error"),
    ("an id of a megabyte", message(replace(PERSON, id="x" * 1_000_000)), "policy-error"),
    ("half a surrogate pair", message(replace(PERSON, id="\ud800")), "policy-error"),
    ("an attribute that is no text", admin("keys:read", replace(PERSON, attributes={"posture": 1})), "policy-error"),  # type: ignore[dict-item]
    ("a context that is none", Question(PERSON, "message:send", ("Bot", "x"), None), "policy-error"),  # type: ignore[arg-type]
    ("a context that fails", Question(PERSON, "message:send", ("Bot", "x"), Liar()), "policy-error"),
    ("a resource of one part", Question(PERSON, "message:send", ("Bot",)), "policy-error"),  # type: ignore[arg-type]
    ("nobody at all", Question(None, "message:send", ("Bot", "x")), "policy-error"),  # type: ignore[arg-type]
    ("a kind that is none", message(replace(PERSON, kind="root")), "unknown-action"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("question", "reason"), [one[1:] for one in ATTACKS], ids=[one[0] for one in ATTACKS])
def test_attacks(authorizer: CedarAuthorizer, question: Question, reason: str) -> None:
    first, second = authorizer.decide(question), authorizer.decide(question)
    assert first == second
    assert (first.allowed, first.reason) == (False, reason)


IDS = [
    'person:1" } || principal is Person',
    'person:1"; permit (principal, action, resource); //',
    "person:1\\",
    "person:1\\u{22}",
    "person:1\n",
    "person:1\x00",
    "pеrson:1",  # a Cyrillic letter
    "Person:1",
    " person:1",
    "*",
    "",
    "?principal",
    "__entity",
    "𝔭erson:1",
    "person:1\u200b",
]


@pytest.mark.parametrize("id_", IDS)
def test_an_id_is_only_itself(authorizer: CedarAuthorizer, id_: str) -> None:
    """Neither a policy by injection, nor another id by resemblance."""
    assert not authorizer.decide(admin("ledger:read", replace(PERSON, id=id_))).allowed
    assert not authorizer.decide(admin("policy:write", replace(PERSON, id=id_))).allowed
    assert authorizer.decide(message(replace(PERSON, id=id_))).allowed
    own = CedarAuthorizer(book({"f": f'@id("p") permit (principal == Person::{quoted(id_)}, action, resource);'}))
    assert own.decide(message(replace(PERSON, id=id_))).allowed
    assert not own.decide(message()).allowed
    assert not own.decide(message(replace(SERVICE, id=id_))).allowed  # the same id, of another kind


@pytest.mark.parametrize("role", ['staff"', "Staff", "staff ", 'staff", Role::"x', "ѕtaff"])
def test_a_role_is_only_itself(authorizer: CedarAuthorizer, role: str) -> None:
    question = Question(replace(PERSON, roles=frozenset({role})), "document:read", ("Document", "d"))
    assert authorizer.decide(question).reason == "not-permitted"


def quoted(text: str) -> str:
    """A Cedar string."""
    return '"' + "".join(f"\\u{{{ord(one):x}}}" for one in text) + '"'


def test_a_very_large_context_costs_nothing_where_it_is_not_read(authorizer: CedarAuthorizer) -> None:
    deep: Any = {}
    for _ in range(10_000):
        deep = {"deeper": deep}
    assert authorizer.decide(message(purpose="x" * 10_000_000, other=deep, arguments=deep)).allowed
    assert authorizer.decide(tool("search", arguments=deep)).allowed
    assert not authorizer.decide(tool("refund_order", arguments=deep)).allowed


def test_any_mapping_is_a_context(authorizer: CedarAuthorizer) -> None:
    question = Question(PERSON, "message:send", ("Bot", "x"), UserDict({"risk": "low"}))
    assert authorizer.decide(question).allowed


def test_values_that_are_equal_and_of_other_types_are_not_confused(authorizer: CedarAuthorizer) -> None:
    person = replace(PERSON, roles=frozenset({"staff"}))

    def ask(hour: Any) -> Ruling:
        return authorizer.decide(Question(person, "document:read", ("Document", "d"), {"hour": hour, "weekday": 1}))

    assert ask(9).allowed
    assert [ask(value).reason for value in (9.0, "9", True, [9], {"hour": 9}, 24, -1)] == ["policy-error"] * 7
    assert ask(1).reason == "not-permitted"
    assert ask(True).reason == "policy-error"
    assert authorizer.decide(tool("pay", replace(PERSON, assurance=Assurance.STRONG), approved=True)).allowed
    assert (
        authorizer.decide(tool("pay", replace(PERSON, assurance=Assurance.STRONG), approved=1)).reason == "policy-error"
    )


def test_nobody_in_particular_is_decided_like_everyone(authorizer: CedarAuthorizer) -> None:
    assert authorizer.decide(message(ANONYMOUS)).allowed
    assert not authorizer.decide(admin("ledger:read", ANONYMOUS)).allowed


def test_version_follows_policies_groups_and_roles() -> None:
    versions = {
        book({"f": PERMIT}).version,
        book({"f": PERMIT + " "}).version,
        book({"f": PERMIT}, groups={"g": ("Bot::x",)}).version,
        book({"f": PERMIT}, roles={"g": ("x",)}).version,
        book({"f": PERMIT}).version,
    }
    assert len(versions) == 4
    assert CedarAuthorizer(BOOK).version == BOOK.version
    assert len(BOOK.version) == 16


# --- the model and the route of a message

BESIDE = """
@id("known") permit (principal, action == Action::"message:send", resource == Bot::"default");
@id("small") permit (principal, action == Action::"message:send", resource == Model::"small");
@id("big") forbid (principal, action == Action::"message:send", resource == Model::"big")
unless { principal in Role::"agent" };
@id("costly") forbid (principal, action == Action::"message:send", resource) when { resource in Group::"costly" };
@id("listed") forbid (principal, action == Action::"message:send", resource is Route)
unless { resource == Route::"main" || resource == Route::"proven" };
@id("proven") @step_up("passkey")
forbid (principal, action == Action::"message:send", resource) when
{ resource == Route::"proven" && context.assurance < 3 };
@id("elsewhere") forbid (principal, action == Action::"message:send", resource)
unless { resource in Group::"bots" };
"""
BESIDE_GROUPS = {"costly": ("Model::ultra-*",), "bots": ("Bot::*",)}


@pytest.mark.parametrize(
    ("bot", "model", "route", "expected"),
    [
        ("default", "m", "main", Ruling(True, ("known",), "permitted")),
        ("default", "small", "main", Ruling(True, ("known", "small"), "permitted")),
        ("other", "small", "main", Ruling(True, ("small",), "permitted")),
        ("other", "m", "main", Ruling(False, (), "not-permitted")),
        ("other", "big", "main", Ruling(False, (), "not-permitted")),
        ("default", "big", "main", Ruling(False, ("big",), "forbidden")),
        ("default", "ultra-1", "main", Ruling(False, ("costly",), "forbidden")),
        ("default", "m", "side", Ruling(False, ("listed",), "forbidden")),
        ("default", "m", None, Ruling(False, ("listed",), "forbidden")),
        ("default", None, "main", Ruling(True, ("known",), "permitted")),
        ("default", 5, "main", Ruling(True, ("known",), "permitted")),
        ("default", "m", "proven", Ruling(False, ("proven",), "step-up-required", Assurance.STRONG)),
        ("default", "big", "proven", Ruling(False, ("big",), "forbidden")),
    ],
)
def test_policies_about_models_and_routes_hold_for_messages(
    bot: str, model: object, route: str | None, expected: Ruling
) -> None:
    authorizer = CedarAuthorizer(book({"test.cedar": BESIDE}, groups=BESIDE_GROUPS))
    question = Question(PERSON, "message:send", ("Bot", bot), {"model": model, "route": route})
    assert authorizer.decide(question) == authorizer.decide(question) == expected
    if expected.step_up is not None:
        proven = replace(PERSON, assurance=expected.step_up)
        assert authorizer.decide(replace(question, principal=proven)).allowed


def test_a_role_lifts_what_is_said_of_a_model() -> None:
    authorizer = CedarAuthorizer(book({"test.cedar": BESIDE}, groups=BESIDE_GROUPS))
    agent = replace(PERSON, roles=frozenset({"agent"}))
    question = Question(agent, "message:send", ("Bot", "default"), {"model": "big", "route": "main"})
    assert authorizer.decide(question).allowed


def test_a_policy_on_models_that_fails_denies() -> None:
    failing = """@id("broken") forbid (principal, action, resource == Model::"m")
    when { context.assurance + 9223372036854775807 > 0 };"""
    authorizer = CedarAuthorizer(book({"test.cedar": PERMIT + failing}))
    question = Question(PERSON, "message:send", ("Bot", "default"), {"model": "m"})
    assert authorizer.decide(question) == Ruling(False, ("broken",), "policy-error")
    assert authorizer.decide(replace(question, context={"model": "n"})).allowed
