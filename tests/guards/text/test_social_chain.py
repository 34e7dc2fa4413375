"""The kill chain: stages over the turns of one party, reported on new evidence only."""

from dataclasses import replace

import pytest

from chatward.core.values import Exchange, Finding, Part, PartKind, Severity, Source
from chatward.guards.text.social_chain import PARTS, RULE, Chain, Stage, closing
from chatward.guards.text.social_words import Cue

PRETEXT = "Good morning, this is the fraud department of your bank."
PRESSURE = "Your account will be suspended today, please be quick."
ASK = "Read me the code that arrived on your phone."
WEAK = "Tell me the password."
SMALL_TALK = ("How are you?", "The weather is fine here.", "Thanks for waiting.")


def conversation(*turns: str, new: int = 1, source: Source = Source.USER) -> Exchange:
    """The person's turns with the bot's answers between them; the last ``new`` of the person's are new."""
    parts: list[Part] = []
    for text in turns:
        parts += [Part(text, source, message=len(parts)), Part("I see.", Source.BOT, message=len(parts) + 1)]
    parts.pop()
    first = [part.message for part in parts if part.source is source][-new]
    return Exchange("test", tuple(parts), new_from=first)


def found(exchange: Exchange) -> list[Finding]:
    return Chain().findings(exchange)


def test_a_chain_over_three_turns_is_found_at_the_turn_that_completes_it() -> None:
    findings = found(conversation(PRETEXT, PRESSURE, ASK))
    assert [(one.rule, one.part, one.span) for one in findings] == [(RULE, 4, (0, len(ASK)))]
    assert findings[0].severity is Severity.HIGH
    assert findings[0].confidence >= 0.5


@pytest.mark.parametrize("turns", [(PRETEXT, ASK, PRESSURE), (PRESSURE, ASK, PRETEXT), (ASK, PRETEXT, PRESSURE)])
def test_the_order_of_stages_does_not_matter(turns: tuple[str, ...]) -> None:
    assert [one.part for one in found(conversation(*turns))] == [4]


def test_an_old_turn_never_fires_again() -> None:
    complete = (PRETEXT, PRESSURE, ASK)
    assert found(conversation(*complete))
    for more in SMALL_TALK:
        assert found(conversation(*complete, more)) == []


def test_new_evidence_after_a_complete_chain_fires_at_the_new_turn_alone() -> None:
    findings = found(conversation(PRETEXT, PRESSURE, ASK, "Well? " + ASK))
    assert [one.part for one in findings] == [6]


def test_several_new_turns_at_once() -> None:
    assert [one.part for one in found(conversation(PRETEXT, PRESSURE, ASK, new=3))] == [4]


def test_one_message_alone_is_no_chain() -> None:
    assert found(conversation(" ".join((PRETEXT, PRESSURE, ASK)))) == []


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_chain_needs_all_its_stages(missing: int) -> None:
    turns = [PRETEXT, PRESSURE, ASK]
    turns[missing] = SMALL_TALK[0]
    assert found(conversation(*turns)) == []


def test_a_weak_ask_weighs_less_than_a_plain_one() -> None:
    before = (PRETEXT, PRESSURE, SMALL_TALK[0])
    weak, plain = found(conversation(*before, WEAK)), found(conversation(*before, ASK))
    assert weak[0].confidence < plain[0].confidence


def test_an_ask_spread_over_two_turns() -> None:
    findings = found(
        conversation(PRETEXT, PRESSURE, "A six digit code came to you by mistake.", "Can you read it to me?")
    )
    assert [one.part for one in findings] == [6]


def test_moves_count_as_asks_do() -> None:
    turns = ("Congratulations, you won a phone!", "Only today.", "Write me on Telegram to claim your prize.")
    assert [one.part for one in found(conversation(*turns))] == [4]


@pytest.mark.parametrize(
    "turns",
    [
        ("My bank says my card is blocked.", "It is urgent, I am at the airport.", "Can you unblock it?"),
        ("The police called me.", "He said my account is blocked.", "He asked me for the code. Is this a scam?"),
        ("I won a voucher in your shop.", "It expires today.", "The code does not work, what can I do?"),
        ("Wo bleibt meine Rückerstattung?", "Es ist dringend.", "Wie ändere ich mein Passwort?"),
        ("银行说我的卡被冻结了", "我很急", "验证码收不到怎么办"),
    ],
)
def test_worried_customers_build_no_chain(turns: tuple[str, ...]) -> None:
    assert found(conversation(*turns)) == []


def test_each_party_has_its_own_chain() -> None:
    others = (Part(PRETEXT, Source.BOT, message=0), Part(PRESSURE, Source.DOCUMENT, message=1))
    parts = (*others, Part("Hello", Source.USER, message=2), Part(ASK, Source.USER, message=3))
    assert found(Exchange("test", parts, new_from=2)) == []


def test_turns_that_only_the_upstream_has_count_and_do_not_fire() -> None:
    earlier = (Part(PRETEXT, Source.USER), Part("I see.", Source.BOT), Part(PRESSURE, Source.USER))
    exchange = Exchange("test", (Part(ASK, Source.USER),), earlier=earlier)
    assert [one.part for one in found(exchange)] == [0]
    assert found(replace(exchange, earlier=(*earlier, Part(ASK, Source.USER)), parts=(Part("ok", Source.USER),))) == []


def test_what_is_no_text_is_not_read() -> None:
    exchange = conversation(PRETEXT, PRESSURE, ASK)
    parts = tuple(part._replace(kind=PartKind.JSON) if part.text == PRETEXT else part for part in exchange.parts)
    assert found(replace(exchange, parts=parts)) == []


def test_only_the_newest_parts_are_read() -> None:
    assert found(conversation(PRETEXT, PRESSURE, *["Fine."] * PARTS, ASK)) == []


def test_history_is_read_once_and_kept_as_digests() -> None:
    chain = Chain()
    exchange = conversation(PRETEXT, PRESSURE, ASK)
    first = chain.findings(exchange)
    size = len(chain._known)
    assert chain.findings(exchange) == first
    assert len(chain._known) == size
    assert all(isinstance(key, bytes) for key in chain._known)
    assert "code" not in repr(chain._known)


def test_what_a_bot_said_before_closes_a_chain_of_its_own() -> None:
    exchange = Exchange("t", (Part(PRETEXT, Source.BOT), Part(PRESSURE, Source.BOT), Part("And now?", Source.USER)))
    stages, kinds = Chain().earlier(exchange, Source.BOT)
    assert stages == {Stage.PRETEXT, Stage.PRESSURE}
    assert Cue.AUTHORITY in kinds
    finding = closing(stages, 0.6, (3, 9))
    assert finding is not None
    assert (finding.rule, finding.span) == (RULE, (3, 9))
    assert closing(frozenset({Stage.PRETEXT}), 0.6, (3, 9)) is None
    assert Chain().earlier(exchange, Source.TOOL) == (frozenset(), frozenset())


def test_a_bot_that_warns_of_fraud_prepares_no_ground() -> None:
    warning = "Beware: scammers say they are your bank and that your account is blocked. Be quick to report them."
    exchange = Exchange("t", (Part(warning, Source.BOT), Part("Thanks", Source.USER)))
    assert Chain().earlier(exchange, Source.BOT) == (frozenset(), frozenset())
