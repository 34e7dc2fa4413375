"""Policy files: what is refused at start-up, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.core.errors import ConfigError
from chatward.core.identity import Assurance
from chatward.identity.cedar_policies import DEFAULT, STEP_UPS, book, load, shipped
from chatward.settings import Authorization

GOOD = '@id("a") permit (principal, action, resource);\n'
FORBID = "forbid (principal, action, resource)"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("permit (principal, action, resource);", None, "policy number 1 needs an @id"),
        (GOOD + "permit (principal, action, resource);", None, "policy number 2 needs an @id"),
        ('@id("") permit (principal, action, resource);', None, "needs an @id"),
        ('@id("A b") permit (principal, action, resource);', 1, "needs an @id"),
        (GOOD + "\n\n" + GOOD, 4, "`a`: there is another policy of that id, in f.cedar"),
        (GOOD + '@id("b")\npermit (principal, action, resource) when { context.rsik == 1 };', 2, "policy `b`: "),
        (GOOD + '@id("b") permit (principal, action, resource) when { context.risk == Risk::"hihg" };', 2, "hihg"),
        (GOOD + '@id("b") permit (principal, action, resource) when { resource.label == "x" };', 2, "`b`: "),
        (GOOD + '@id("b") permit (principal, action, resource) when { context.hour == "9" };', 2, "`b`: "),
        (GOOD + '@id("b") permit (principal, action == Action::"send", resource);', 2, "unrecognized action"),
        (GOOD + '@id("b") permit (principal is Admin, action, resource);', 2, "`b`: "),
        (GOOD + '@id("b") permit (principal == ?principal, action, resource);', None, "templates"),
        (GOOD + '\n@id("b") permit (principal, action resource);\n' + GOOD, 3, "cannot be read"),
        (GOOD + "// a comment; with a semicolon;\n@id(", 3, "cannot be read"),
        (GOOD + f'@id("b") @stepup("totp") {FORBID};', 2, "unknown annotation @stepup"),
        (GOOD + f'@id("b") @step_up("face") {FORBID} when {{ context.assurance < 3 }};', 2, "unknown @step_up"),
        (GOOD + f'@id("b") @step_up("totp") {FORBID};', 2, "does not read context.assurance"),
        (GOOD + f'@id("b") @approval("operator") {FORBID};', 2, "does not read context.approved"),
        (GOOD + f'@id("b") @approval {FORBID} unless {{ context.approved }};', 2, "unknown @approval"),
        ('@id("b") @step_up("totp") permit (principal, action, resource) when { context.assurance < 3 };', 1, "permit"),
        ("", None, "there is no policy"),
        ("// nothing\n", None, "there is no policy"),
        ('@id("a") permit (principal, action, resource) when { ' + "!" * 5 + "true };", 1, ""),
        ('@id("a") permit (principal, action, resource) when { ' + "(1 + " * 150 + "1" + ")" * 150 + " > 0 };", 1, ""),
    ],
)
def test_what_is_refused_and_how_it_is_named(text: str, line: int | None, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        book({"f.cedar": text})
    assert said in caught.value.public
    assert (caught.value.key, caught.value.line) == ("authorization.policies", line)
    assert caught.value.file == ("f.cedar" if text.strip("/ nothig\n") else None)


def test_the_same_id_in_two_files_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"b\.cedar:1: policy `a`: there is another policy of that id, in a\.cedar"):
        book({"a.cedar": GOOD, "b.cedar": GOOD})


def test_annotations_are_read() -> None:
    texts = {
        name: f'@id("{name}") @title("T") @step_up("{name}") {FORBID} when {{ context.assurance < 3 }};'
        for name in STEP_UPS
    }
    policies = book({"f": "\n".join(texts.values())}).policies
    assert {name: one.step_up for name, one in policies.items()} == STEP_UPS
    assert STEP_UPS["passkey"] is Assurance.STRONG
    consent = book({"f": f'@id("c") @approval("operator") {FORBID} unless {{ context.approved }};'}).policies["c"]
    assert (consent.step_up, consent.approval, consent.effect, consent.liftable) == (None, True, "forbid", True)
    assert not book({"f": GOOD}).policies["a"].liftable


# --- files


def test_patterns_are_relative_to_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "policies" / "deep").mkdir(parents=True)
    (tmp_path / "policies" / "one.cedar").write_text(GOOD)
    (tmp_path / "policies" / "deep" / "two.cedar").write_text(GOOD.replace('"a"', '"b"'))
    settings = Authorization(policies=("policies/*.cedar",), default=False)
    assert set(load(settings, tmp_path).policies) == {"a"}
    settings = Authorization(policies=("policies/**/*.cedar",), default=False)
    assert set(load(settings, tmp_path).policies) == {"a", "b"}
    absolute = Authorization(policies=(str(tmp_path / "policies" / "one.cedar"),))
    assert {"a", "chatward/admin"} < set(load(absolute).policies)


def test_a_pattern_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file matches") as caught:
        load(Authorization(policies=("*.cedar",)), tmp_path)
    assert caught.value.reason == "file-missing"


def test_without_any_policy_nothing_starts() -> None:
    with pytest.raises(ConfigError, match="there is no policy"):
        load(Authorization(default=False))


@pytest.mark.parametrize("data", [b"\xff", GOOD.encode() + b" " * 1024 * 1024])
def test_files_that_are_no_policies(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.cedar").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(Authorization(policies=("x.cedar",)), tmp_path)
    assert str(caught.value.file).endswith("x.cedar")


def test_the_default_policies_are_valid_and_named_alike() -> None:
    policies = load(Authorization()).policies
    assert {one.file for one in policies.values()} == {DEFAULT}
    assert all(name.startswith("chatward/") and one.annotations["title"] for name, one in policies.items())
    assert shipped().isascii()


@pytest.mark.parametrize("member", ["refund_*", "Tool:x", "Tools::x", "Tool::", "::x"])
def test_members_of_groups_have_a_type(member: str) -> None:
    with pytest.raises(ConfigError, match=r"authorization\.groups\.g: "):
        book({"f": GOOD}, groups={"g": (member,)})


def test_roles_are_closed_over_what_they_include() -> None:
    roles = book({"f": GOOD}, roles={"a": ("b",), "b": ("c", "a"), "d": ()}).roles
    assert roles == {"a": {"a", "b", "c"}, "b": {"a", "b", "c"}, "d": {"d"}}
