"""Laws of authorization, against the slow definition, for random policies and questions."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from chatward.core.identity import Assurance, Question, Ruling
from chatward.identity.cedar import CedarAuthorizer
from chatward.identity.cedar_policies import PolicyBook, book, schema
from chatward.identity.explain import outcome
from tests.identity.cedar_worlds import ATOMS, GROUPS, ON_ARGUMENTS, ROLES, World, questions, slow, worlds

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def made(world: World) -> PolicyBook:
    return book({"world.cedar": world.policies}, groups=GROUPS, roles=ROLES)


def simply(ruling: Ruling) -> tuple[bool, set[str], bool]:
    return ruling.allowed, set(ruling.policies), ruling.reason == "policy-error"


@EXAMPLES
@given(worlds())
def test_sliced_and_remembered_answers_equal_the_slow_one(world: World) -> None:
    policies = made(world)
    remembers, forgets = CedarAuthorizer(policies), CedarAuthorizer(policies, memory=0)
    for question in world.questions * 2:
        allowed, ids, failed = slow(world.policies, question)
        ruling = remembers.decide(question)
        assert ruling == forgets.decide(question)
        assert ruling.allowed == (allowed and not failed)
        assert (ruling.reason == "policy-error") == failed
        if not failed:
            assert set(ruling.policies) == ids


@EXAMPLES
@given(worlds())
def test_step_up_is_what_would_lift_the_denial(world: World) -> None:
    """The slow definition: every deciding forbid can be lifted, and asked again with all they want, it is permitted."""
    policies = made(world)
    authorizer = CedarAuthorizer(policies)
    for question in world.questions:
        allowed, ids, failed = slow(world.policies, question)
        ruling = authorizer.decide(question)
        if allowed or failed or not ids:
            assert (ruling.step_up, ruling.approval) == (None, False)
            continue
        forbids = [policies.policies[one] for one in ids]
        before = question.principal.assurance, bool(question.context.get("approved", False))
        level = max([before[0], *(one.step_up for one in forbids if one.step_up is not None)])
        consent = before[1] or any(one.approval for one in forbids)
        again, _, wrong = slow(world.policies, question, assurance=level, approved=consent)
        lifted = all(one.liftable for one in forbids) and again and not wrong
        assert ruling.step_up == (level if lifted and level > before[0] else None)
        assert ruling.approval == (lifted and consent and not before[1])
        assert (outcome(ruling) == "deny") == (not lifted)


@EXAMPLES
@given(worlds())
def test_who_brings_what_was_asked_for_is_let_through(world: World) -> None:
    authorizer = CedarAuthorizer(made(world))
    for question in world.questions:
        ruling = authorizer.decide(question)
        if ruling.step_up is None and not ruling.approval:
            continue
        assurance = ruling.step_up or question.principal.assurance
        assert isinstance(assurance, Assurance)
        context = {**question.context, "approved": ruling.approval or bool(question.context.get("approved"))}
        stronger = replace(question.principal, assurance=assurance)
        assert authorizer.decide(replace(question, principal=stronger, context=context)).allowed


@EXAMPLES
@given(worlds(), questions())
def test_what_does_not_read_arguments_does_not_change_with_them(world: World, question: Question) -> None:
    authorizer = CedarAuthorizer(made(world))
    for one in (question, *world.questions):
        if not authorizer.reads_arguments(one):
            other = replace(one, context={**one.context, "arguments": {"amount": "x", "deep": [[1e-9]]}})
            assert authorizer.decide(one) == authorizer.decide(other)


def test_every_atom_of_the_grammar_is_valid_and_the_schema_parses() -> None:
    assert str(schema())
    for atom in ATOMS:
        book({"f": f'@id("a") permit (principal, action, resource) when {{ {atom} }};'})
    for atom in ON_ARGUMENTS:
        book({"f": f'@id("a") permit (principal, action == Action::"tool:call", resource) when {{ {atom} }};'})
