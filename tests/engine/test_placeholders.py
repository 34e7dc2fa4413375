"""Placeholders: what comes back, what never does, and what models do to them."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.normalise import plain
from chatward.core.text import Reading
from chatward.engine.placeholders import (
    MAX_NUMBER,
    MAX_RESERVED,
    Vault,
    canonical,
    hashed,
    json_inner,
    mask,
    placeholder_rule,
    references,
)
from chatward.engine.scanner import Scanner

RULE = placeholder_rule()
SCANNER = Scanner([RULE])
KEY = b"0123456789abcdef"


ENTITIES = ("EMAIL", "PHONE", "CREDIT_CARD", "LITERAL")
VALUES = st.integers(0, 9).map(lambda n: f"v{n}é@example.com")
SHAPES = (
    "[{0}_{1}]",
    "[{0} {1}]",
    "{0}_{1}",
    "[[{0}_{1}]]",
    "({0}_{1})",
    "%5B{0}_{1}%5D",
    "<{0}-{1}>",
    "[{0}_{1}s]",
)
TYPED = st.builds(
    lambda shape, entity, number, lower: shape.format(entity.lower() if lower else entity, number),
    st.sampled_from(SHAPES),
    st.sampled_from(ENTITIES),
    st.integers(1, 6),
    st.booleans(),
)
WORDS = (" ", "[", "]", "(", "_", "EMAIL", "email ", "1", "**", "a", "\\", "&lt;", "中", "\n", "%5B")


def matches(text: str) -> list[tuple[int, int]]:
    return sorted(finding.span for finding in SCANNER.scan(Reading(text, plain(text))))


def rewrite(text: str, replace) -> str:  # type: ignore[no-untyped-def]
    out, at = [], 0
    for start, end in matches(text):
        new = replace(text[start:end])
        out += [text[at:start], text[start:end] if new is None else new]
        at = end
    return "".join([*out, text[at:]])


def reply(vault: Vault, text: str) -> str:
    return rewrite(text, vault.restore)


def message(vault: Vault, text: str, *, own: bool = True) -> str:
    return rewrite(text, lambda match: vault.typed(match, own=own))


@pytest.fixture
def vault() -> Vault:
    vault = Vault()
    vault.mint("EMAIL", "ada@example.com", own=True)
    vault.mint("CREDIT_CARD", "4111 1111 1111 1111", own=True)
    vault.mint("EMAIL", "boss@example.org", own=False)
    return vault


def test_the_rule_is_narrow() -> None:
    assert SCANNER.look_ahead <= 64 + 3


@given(st.data())
def test_splitting_a_stream_changes_nothing(data: st.DataObject) -> None:
    text = data.draw(st.lists(st.one_of(TYPED, st.sampled_from(WORDS)), max_size=12).map("".join))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    stream, spans = SCANNER.stream(), []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        spans += [finding.span for finding in stream.feed(text[start:end], False)]
    spans += [finding.span for finding in stream.feed("", True)]
    assert spans == matches(text)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[EMAIL_1]", "ada@example.com"),
        ("[email_1]", "ada@example.com"),
        ("[Email_1]", "ada@example.com"),
        ("[EMAIL 1]", "ada@example.com"),
        ("[EMAIL-1]", "ada@example.com"),
        ("[EMAIL1]", "ada@example.com"),
        ("[ EMAIL_1 ]", "ada@example.com"),
        ("[EMAIL_ 1]", "ada@example.com"),
        (r"\[EMAIL\_1\]", "ada@example.com"),
        (r"[EMAIL\_1]", "ada@example.com"),
        ("**[EMAIL_1]**", "**ada@example.com**"),
        ("[**EMAIL_1**]", "**ada@example.com**"),
        ("`[EMAIL_1]`", "`ada@example.com`"),
        ("[`EMAIL_1`]", "`ada@example.com`"),
        ("_[EMAIL_1]_", "_ada@example.com_"),
        ("_EMAIL_1_", "_ada@example.com_"),
        ("__EMAIL_1__", "__ada@example.com__"),
        ("[[EMAIL_1]]", "ada@example.com"),
        ("<EMAIL_1>", "ada@example.com"),
        ("{EMAIL_1}", "ada@example.com"),
        ("{{EMAIL_1}}", "ada@example.com"),
        ("(EMAIL_1)", "(ada@example.com)"),
        ("（EMAIL_1）", "（ada@example.com）"),
        ("【EMAIL_1】", "ada@example.com"),
        ("［EMAIL_1］", "ada@example.com"),
        ("?to=%5BEMAIL_1%5D", "?to=ada@example.com"),
        ("?to=%5BCREDIT_CARD_1%5d", "?to=4111%201111%201111%201111"),
        ("&#91;EMAIL_1&#93;", "ada@example.com"),
        ("&lbrack;EMAIL_1&rbrack;", "ada@example.com"),
        ("&lt;EMAIL_1&gt;", "ada@example.com"),
        ("EMAIL_1", "ada@example.com"),
        (r"EMAIL\_1", "ada@example.com"),
        ("see EMAIL_1.", "see ada@example.com."),
        ('"EMAIL_1"', '"ada@example.com"'),
        ('["EMAIL_1"]', '["ada@example.com"]'),
        ("'[EMAIL_1]'", "'ada@example.com'"),
        ("邮箱EMAIL_1是", "邮箱ada@example.com是"),
        ("邮箱[email_1]是", "邮箱ada@example.com是"),
        ("[EMAIL_1]s", "ada@example.coms"),
        ("[EMAIL_1s]", "ada@example.coms"),
        ("[EMAIL_1]'s", "ada@example.com's"),
        ("[EMAIL_1's]", "ada@example.com's"),
        ("[EMAIL_1:n]", "ada@example.com:n"),
        ("[Credit Card 1]", "4111 1111 1111 1111"),
        ("[CREDIT CARD_1]", "4111 1111 1111 1111"),
        ("[credit-card-1]", "4111 1111 1111 1111"),
        (r"CREDIT\_CARD\_1", "4111 1111 1111 1111"),
        ("[EMAIL_1](mailto:EMAIL_1)", "[ada@example.com](mailto:ada@example.com)"),
        ("[[EMAIL_1]](mailto:[EMAIL_1])", "[ada@example.com](mailto:ada@example.com)"),
        ("(see EMAIL_1)", "(see ada@example.com)"),
        ("[SEE EMAIL_1]", "[SEE ada@example.com]"),
        ("(mail EMAIL_1 or CREDIT_CARD_1)", "(mail ada@example.com or 4111 1111 1111 1111)"),
        ("[EM\u200bAIL_1]", "ada@example.com"),
        ("［ＥＭＡＩＬ＿１］", "ada@example.com"),
        ("[EMAIL_\u0661]", "ada@example.com"),
        ("[EMAIL_1}", "[ada@example.com}"),
        ("[see [EMAIL_1]]", "[see ada@example.com]"),
        ("[[EMAIL_1] and so on]", "[ada@example.com and so on]"),
        ("{x: {EMAIL_1}}", "{x: ada@example.com}"),
        ("[EMAIL_1][CREDIT_CARD_1]", "ada@example.com4111 1111 1111 1111"),
        (r"\\server\[EMAIL_1]", r"\\server\ada@example.com"),
    ],
)
def test_mangled_placeholders_come_back(vault: Vault, written: str, read: str) -> None:
    assert reply(vault, written) == read
    # A stream may flow until a trigger: each match starts with one.
    assert all(re.compile(RULE.trigger).match(written, start) for start, _ in matches(written))


def test_json_escapes_inside_a_match_do_not_matter(vault: Vault) -> None:
    # The pass matches in the plain view, which has no escapes, and hands over the original's slice.
    assert vault.restore("\\u005bEMAIL\\u005f1\\u005D") == "ada@example.com"
    assert vault.typed("\\u005bEMAIL_2]", own=False) == "[LITERAL_1]"


def test_what_the_vault_cannot_read_is_never_let_through_as_typed(vault: Vault) -> None:
    assert vault.typed("%-EMAIL", own=True) == "[LITERAL_1]"


@pytest.mark.parametrize(
    "text",
    [
        "[EMAIL_2]",  # known, but not own
        "EMAIL_2",
        "[EMAIL_3]",
        "[EMAIL_0]",
        "[EMAIL_01]",
        "[EMAIL_12345]",
        "[EMAIL_11]",
        "EMAIL 1",
        "email_1",
        "my_EMAIL_1",
        "MY_EMAIL_1",
        "EMAIL_1_total",
        "EMAIL_1st",
        "XEMAIL_1",
        "rows[email_1]",
        "send(email_1)",
        "[email hidden]",
        "[Figure 1] and [1] and [note 12]",
        "<h1>EMAIL</h1>",
        "[PHONE_1]",
        "[EMAIL_ABCDEFGHIJKLMNOPQRSTUVWXYZ_1]",
    ],
)
def test_what_is_no_reference_or_not_own_is_left(vault: Vault, text: str) -> None:
    assert reply(vault, text) == text


def test_numbers_follow_first_appearance_and_values_keep_theirs() -> None:
    vault = Vault()
    assert vault.mint("EMAIL", "a@example.com", own=True) == "[EMAIL_1]"
    assert vault.mint("PHONE", "+1 202 555 0143", own=True) == "[PHONE_1]"
    assert vault.mint("EMAIL", "b@example.com", own=True) == "[EMAIL_2]"
    assert vault.mint("EMAIL", "A@Example.COM", own=False) == "[EMAIL_1]"
    assert vault.mint("PHONE", "+12025550143", own=True) == "[PHONE_1]"
    assert vault.mint("IBAN", "DE89 3704 0044 0532 0130 00", own=True) == "[IBAN_1]"
    assert vault.mint("IBAN", "de89370400440532013000", own=True) == "[IBAN_1]"
    assert len(vault) == 4


@pytest.mark.parametrize(
    ("entity", "one", "other"),
    [
        ("IP", "10.1.11.1", "10.11.1.1"),
        ("DATE_OF_BIRTH", "1.12.2000", "11.2.2000"),
        ("ID", "1.12.2000", "11.2.2000"),
        ("API_KEY", "ab-cd1234567", "abc-d1234567"),
        ("API_KEY", "abCd1234567", "abcd1234567"),
        ("LITERAL", "[EMAIL_1]", "[email_1]"),
    ],
)
def test_different_values_stay_apart(entity: str, one: str, other: str) -> None:
    vault = Vault()
    assert vault.mint(entity, one, own=True) != vault.mint(entity, other, own=True)


def test_own_is_sticky_and_speaks_with_the_persons_own_spelling() -> None:
    vault = Vault()
    token = vault.mint("EMAIL", "Ada.SECRET-CASE@example.com", own=False)
    assert vault.restore(token) is None
    assert not vault.owns("EMAIL", "ada.secret-case@example.com")
    vault.mint("EMAIL", "ada.secret-case@example.com", own=True)
    vault.mint("EMAIL", "ADA.SECRET-CASE@example.com", own=False)
    assert vault.restore(token) == "ada.secret-case@example.com"
    assert vault.owns("EMAIL", "ADA.secret-case@EXAMPLE.com")


def test_noting_makes_own_without_a_placeholder() -> None:
    vault = Vault()
    vault.note("PHONE", "030 1234567")
    assert vault.owns("PHONE", "0301234567")
    assert len(vault) == 0


def test_tool_arguments_get_values_of_any_source(vault: Vault) -> None:
    assert vault.restore("[EMAIL_2]", any_source=True) == "boss@example.org"
    quoted = vault.mint("NAME", 'Ann "Q" \\ \n', own=False)
    arguments = f'{{"to": "{quoted.lower()}"}}'
    assert json.loads(rewrite(arguments, vault.restore_json)) == {"to": 'Ann "Q" \\ \n'}
    assert rewrite(r'{"a": "x\nEMAIL_1"}', vault.restore_json) == r'{"a": "x\nada@example.com"}'


def test_a_typed_placeholder_is_reserved_or_becomes_a_literal(vault: Vault) -> None:
    assert message(vault, "loop over user_1 and EMAIL_7") == "loop over user_1 and EMAIL_7"
    sent = message(vault, "what is [email_2]?")
    assert sent == "what is [LITERAL_1]?"
    assert reply(vault, sent) == "what is [email_2]?"
    for _ in range(8):
        assert vault.mint("EMAIL", f"x{len(vault)}@example.com", own=True) != "[EMAIL_7]"
    assert reply(vault, "EMAIL_7 and [EMAIL_8]") == "EMAIL_7 and x8@example.com"


def test_typing_without_end_costs_bounded_memory() -> None:
    vault = Vault()
    for number in range(1, MAX_RESERVED + 10):
        vault.typed(f"[EMAIL_{number}]", own=True)
    dumped = vault.dump()
    assert len(dumped["reserved"]) == MAX_RESERVED
    assert len(vault) == 9
    assert reply(vault, "[LITERAL_1]") == f"[EMAIL_{MAX_RESERVED + 1}]"


def test_past_the_last_number_values_are_masked() -> None:
    vault = Vault()
    for number in range(MAX_NUMBER):
        vault.mint("NAME", f"n{number}", own=True)
    assert vault.mint("NAME", "one more", own=True) == "[name hidden]"
    assert vault.mint("NAME", "n7", own=True) == "[NAME_8]"


def test_masks_and_hashes_are_no_placeholders() -> None:
    assert mask("CREDIT_CARD") == "[credit card hidden]"
    assert re.fullmatch(r"\[email [0-9a-f]{8}\]", hashed("EMAIL", "a@example.com", KEY))
    assert hashed("EMAIL", "A@example.com", KEY) == hashed("EMAIL", "a@example.com", KEY)
    assert hashed("EMAIL", "a@example.com", KEY) != hashed("EMAIL", "a@example.com", KEY[::-1] * 9)
    with pytest.raises(ValueError, match="16 bytes"):
        hashed("EMAIL", "a@example.com", b"short")


@given(st.text("0123456789abcdef", min_size=8, max_size=8), st.sampled_from(["email", "credit card", "id"]))
def test_no_hash_is_ever_read_as_a_reference(digest: str, words: str) -> None:
    assert not list(references(f"[{words} {digest}]"))


def test_entities_outside_the_alphabet_still_get_a_usable_name() -> None:
    vault = Vault()
    for entity in ("IPV4", "de-tax id", "", "X", "A" * 60, "_EMAIL_"):
        token = vault.mint(entity, f"value of {entity}", own=True)
        assert reply(vault, f"so {token}.") == f"so value of {entity}."


@given(st.text())
def test_json_inner_round_trips(value: str) -> None:
    assert json.loads(f'"{json_inner(value)}"') == value


def test_json_inner_escapes_lone_surrogates() -> None:
    assert json_inner("\ud800") == "\\ud800"


@given(st.sampled_from(["EMAIL", "PHONE", "IBAN", "NAME", "IP"]), st.text(max_size=40))
def test_canonical_is_idempotent(entity: str, value: str) -> None:
    assert canonical(entity, canonical(entity, value)) == canonical(entity, value)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("own"), st.sampled_from(ENTITIES[:3]), VALUES),
        st.tuples(st.just("tool"), st.sampled_from(ENTITIES[:3]), VALUES),
        st.tuples(st.just("type"), st.booleans(), TYPED),
    ),
    max_size=25,
)


@given(STEPS, st.lists(TYPED, min_size=1, max_size=10))
def test_no_reply_ever_shows_a_value_that_is_not_own(steps, attack) -> None:  # type: ignore[no-untyped-def]
    vault, own = Vault(), set()
    for kind, what, text in steps:
        if kind == "type":
            message(vault, text, own=what)
        else:
            vault.mint(what, text, own=kind == "own")
            if kind == "own":
                own.add(text)
    shown = reply(Vault.load(json.loads(json.dumps(vault.dump()))), " ".join(attack))
    assert shown == reply(vault, " ".join(attack))
    assert set(re.findall(r"v\d", shown)) <= {value[:2] for value in own}


@given(STEPS, TYPED)
def test_what_was_typed_stays_what_was_typed(steps, text) -> None:  # type: ignore[no-untyped-def]
    """Identity holds for all time: later values never take a number that somebody typed."""
    vault = Vault()
    sent = message(vault, text)
    for kind, what, value in steps:
        if kind != "type":
            vault.mint(what, value, own=kind == "own")
    assert reply(vault, sent) == text
    assert message(vault, text) == sent


@given(STEPS, STEPS, st.lists(TYPED, min_size=1, max_size=10))
def test_conversations_share_nothing(first, second, attack) -> None:  # type: ignore[no-untyped-def]
    one, other = Vault(), Vault()
    for kind, what, value in first:
        if kind != "type":
            one.mint(what, f"first-{value}", own=True)
    for kind, what, value in second:
        if kind != "type":
            other.mint(what, f"second-{value}", own=True)
    text = " ".join(attack)
    assert "first" not in reply(other, text)
    assert "second" not in reply(one, text)


def test_a_vault_survives_its_dump_and_hides_its_values(vault: Vault) -> None:
    message(vault, "EMAIL_9 [EMAIL_1]")
    again = Vault.load(json.loads(json.dumps(vault.dump())))
    assert again.dump() == vault.dump()
    assert again.mint("EMAIL", "new@example.com", own=True) == vault.mint("EMAIL", "new@example.com", own=True)
    assert "ada" not in repr(vault)


@pytest.mark.parametrize("data", [{}, {"version": 2}, {"version": 1, "values": 3}, {"version": 1, "values": [[1]]}])
def test_foreign_data_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="vault"):
        Vault.load(data)
