"""Plain words of self-harm and threats are found in many languages; what is sung, played or quoted is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chatward.core.rules import Rule
from chatward.guards.text import abuse_rules
from chatward.guards.text.abuse import SELF_HARM, AbuseGuard

Find = Callable[[object, str], list[tuple[str, str, float]]]


class Rules:
    """The rules without the models."""

    rules: tuple[Rule, ...] = abuse_rules.RULES


def test_the_guard_has_them() -> None:
    assert AbuseGuard().rules == abuse_rules.RULES


@pytest.mark.parametrize(
    "text",
    [
        "i want to end my life tonight",
        "I just want to die.",
        "I don't want to live anymore",
        "I’m suicidal and alone",
        "I keep thinking about ending it all",
        "I have been thinking about killing myself",
        "I'm having suicidal thoughts again",
        "I'll kill myself tonight",
        "i will hang myself in the garage",
        "i feel like killing myself",
        "I'm considering suicide",
        "i feel so suicidal today",
        "I want to drown myself in the river",
        "quero me matar",
        "ik wil dood",
        "我要去死",
        "je vais me suicider",
        "Ich will nicht mehr leben",
        "ich möchte mich umbringen",
        "je veux mourir",
        "J'ai envie de me suicider",
        "quiero suicidarme",
        "ya no quiero vivir",
        "quero morrer",
        "voglio farla finita",
        "ik wil niet meer leven",
        "nie chcę już żyć",
        "artık yaşamak istemiyorum",
        "я не хочу больше жить",
        "أريد أن أموت",
        "मैं मरना चाहता हूँ",
        "我不想活了",
        "もう死にたい",
        "죽고 싶어요",
    ],
)
def test_who_wants_to_die_is_heard(find: Find, text: str) -> None:
    assert [rule for rule, _, _ in find(Rules(), text)] == [SELF_HARM]


@pytest.mark.parametrize(
    "text",
    [
        "i will come to your house and slit your throat",
        "I'm going to shoot up the school on friday",
        "kill yourself, loser",
        "just kill yourself",
        "go kys",
        "kys you idiot",
        "i'll hunt you down and slit your throat",
        "die sollte man alle erschießen",
        "ich werde dich umbringen",
        "alle Ausländer gehören vergast",
        "je vais te tuer",
        "te voy a matar",
        "я тебя убью",
        "seni öldüreceğim",
    ],
)
def test_threats_are_found(find: Find, text: str) -> None:
    assert [rule for rule, _, _ in find(Rules(), text)] == ["text.abuse/violence"]


@pytest.mark.parametrize(
    "text",
    [
        "I want to die laughing",
        "I want to kill the background process myself",
        "I want to end my life insurance policy",
        "I don't want to live in Berlin anymore",
        "I never want to kill myself",
        'What does the line "I want to end my life" mean?',
        "How can I help a friend who is suicidal?",
        "What are the warning signs of suicide?",
        "Is the film Suicide Squad on tonight?",
        "How do I kill yourself, I mean your clone, in the game?",
        "I will shoot you an email",
        "I'm going to kill you at chess",
        "I like Suicide Squad",
        "I'm going to suicide prevention training",
        "I'm thinking about suicide prevention as a topic",
        "I'm going to shoot myself in the foot with this plan",
        "I'll shoot myself an email",
        "I want to shoot myself a reminder video",
        "I want to die my hair red",
        "I want to die for my country",
        "I don't want to be here anymore, the hotel is too loud",
        "I want to end it all: the contract and the phone line",
        "I don't want to live anymore in this flat",
        "je vais mourir de chaud",
        "je vais me tuer à la tâche",
        "voy a morirme de hambre",
        "voy a matarme a trabajar",
        "no quiero vivir más en Madrid",
        "vou morrer de fome",
        "penso di morire dal caldo",
        "voglio farla finita con questo contratto",
        "ik wil dood hout kopen",
        "我要去死海旅游",
        "if you kill yourself you lose a life",
        "You can just kill yourself to respawn",
        "What does kys mean?",
        "I'm going to blow up the school photo",
        "Die Bilder müssen alle aufgehängt werden",
        "je vais vous planter un rosier",
        "I will call the police before they burn your house",
        "I'm going to blow up the building in Minecraft",
        "Ich will nicht mehr in Berlin leben",
        "je veux mourir de rire",
        "me quiero morir de vergüenza",
        "no quiero vivir con ruido",
        "не хочу жить в этом городе",
        "死にたくない",
        "死にたいほど恥ずかしい",
        "我不想活动",
    ],
)
def test_what_is_sung_played_or_meant_otherwise_passes(find: Find, text: str) -> None:
    assert find(Rules(), text) == []
