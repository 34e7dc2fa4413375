"""Chat messages to measure with: written by hand, varied by a seeded generator.

The rule: the same seed gives the same messages, another seed gives others, and no message of a set repeats. So what is
remembered from one round says nothing about the next, and a benchmark can be run again. Names are made up, domains
and numbers are those reserved for documentation (RFC 2606, RFC 5737, test cards and IBANs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

SYSTEM: Final = (
    "You are the assistant of a small travel shop. Answer in a friendly way, keep it short, and say so when you do "
    "not know something."
)

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("Ines", "Tomasz", "Aiko", "Farid", "Lena", "Marco", "Priya", "Jonas", "Amina", "Sven", "Rosa", "Kofi"),
    "place": ("Lisbon", "Oslo", "Kyoto", "Porto", "Vienna", "Quito", "Dakar", "Perth", "Tallinn", "Cork", "Turin"),
    "thing": ("the grey backpack", "my rail pass", "the blue tent", "a window seat", "the city map", "the travel plug",
              "the late breakfast", "our garden table", "the second suitcase", "the small camera"),
    "day": ("Monday", "Tuesday", "next Friday", "the weekend", "tomorrow", "the first of the month", "after lunch"),
    "topic": ("a birthday dinner", "the school trip", "a quiet weekend", "moving house", "learning to cook",
              "the garden in spring", "training for a long run", "a letter to my landlord"),
    "n": ("two", "three", "four", "six", "nine", "12", "17", "25", "40"),
}  # fmt: skip

_ENGLISH: Final = (
    "Hi, could you tell me whether {thing} is still in stock? I would like to pick it up on {day}.",
    "We are {n} people and want to spend {day} in {place}. What should we not miss, and where can we eat well without "
    "spending too much?",
    "Please write a short and kind note to {name} to say that I will be late because of the train from {place}.",
    "My order has not moved since {day}. It was {thing} and I need it before we leave for {place}.",
    "Can you explain in simple words how a heat pump works? I have to tell {name} about it on {day}.",
    "I am planning {topic} with {name}. Give me {n} ideas that do not need a car.",
    "What is the difference between travel insurance and cancellation cover? Which one helps if {name} falls ill?",
    "Thanks, that helped a lot! One more thing: is {thing} allowed as cabin luggage on the flight to {place}?",
    "Translate this for me, please: 'We would like to stay {n} nights and need {thing}.'",
    "I paid twice for {thing}, I think. What do you need from me to look into it?",
    "Here is what I have so far for {topic}: start early, keep it simple, ask {name}. What is missing?",
    "no i meant the other one, {thing}, the one you showed me on {day}",
    "ok",
    "and in {place}?",
    "How long does the walk from the station in {place} to the old town take with {n} children?",
    "Summarise the following for {name}: the meeting about {topic} was moved to {day}, the room stays the same, and "
    "everybody is asked to bring {n} printed copies, a pen and something to drink.",
)
_OTHER: Final[dict[str, tuple[str, ...]]] = {
    "de": (
        "Guten Tag, ist der graue Rucksack noch lieferbar? {name} würde ihn gern am Freitag in {place} abholen.",
        "Wir sind {n} Personen und suchen ein ruhiges Zimmer mit Frühstück. Was können Sie uns empfehlen?",
        "Können Sie mir bitte in einfachen Worten erklären, wie man eine Rechnung storniert?",
    ),
    "fr": (
        "Bonjour, je voudrais savoir si le train pour {place} part bien à l'heure. Nous sommes {n} et très pressés.",
        "Pourriez-vous écrire un petit mot pour {name}, afin de dire merci pour le dîner d'hier soir ?",
    ),
    "es": (
        "Hola, ¿me puede decir cuánto tarda el envío a {place}? Lo necesito antes del viernes, por favor.",
        "Quiero preparar una cena para {n} personas sin carne. ¿Qué me recomienda y cuánto tiempo lleva?",
    ),
    "pt": ("Olá, gostava de mudar a reserva de {name} para a próxima semana. É possível sem custos?",),
    "it": ("Buongiorno, vorrei restituire la valigia che ho comprato a {place}. Come devo fare?",),
    "pl": ("Dzień dobry, czy mogę zmienić termin wyjazdu do {place}? Jedzie nas {n} osób.",),
    "nl": ("Hallo, hoe laat gaat de laatste bus naar {place}? We zijn met {n} mensen en veel bagage.",),
    "tr": ("Merhaba, {place} için {n} kişilik bir oda ayırtmak istiyorum. Kahvaltı dahil mi?",),
    "ru": ("Здравствуйте, подскажите, пожалуйста, когда откроется магазин в городе {place}?",),
    "ar": ("مرحبا، أريد أن أعرف متى تصل الحافلة إلى {place} وكم سعر التذكرة لعدد {n} أشخاص؟",),
    "hi": ("नमस्ते, क्या आप बता सकते हैं कि {place} के लिए अगली ट्रेन कब है?",),
    "ja": ("こんにちは。{place}行きの予約を来週に変更したいのですが、手数料はかかりますか。",),
    "zh": ("你好，我想把去{place}的行程改到下周五，一共{n}个人，需要补差价吗？",),
    "ko": ("안녕하세요, {place} 여행 일정을 다음 주로 바꾸고 싶은데 수수료가 있나요?",),
}
_PERSONAL: Final = (
    "You can reach me at {user}@example.com or on +1 202 555 01{two}, best after six.",
    "Please charge the card 4111 1111 1111 1111 again, it should work now. My order is under {user}@example.org.",
    "The refund can go to DE89 3704 0044 0532 0130 00, the account is in {name}'s name.",
    "I was born on 1{digit} March 19{seven}, if you need that for the ticket.",
    "Our router at 192.0.2.{two} shows an error, can you look? Write to {user}@example.net.",
)
_LENGTHS: Final = (1, 1, 1, 1, 2, 2, 3, 5, 12)
"""Sentences in a message; most are short, some are pasted text."""


@dataclass(frozen=True, slots=True)
class Text:
    """One message. ``personal``: it holds an e-mail address, a number or the like."""

    text: str
    language: str
    personal: bool


def messages(count: int, *, seed: int, personal: float = 0.15, english: float = 0.55) -> Iterator[Text]:
    """``count`` distinct messages of mixed length and language. ``personal`` and ``english`` are shares."""
    random = Random(seed)  # noqa: S311 - nothing here is a secret
    for index in range(count):
        language = "en" if random.random() < english else random.choice(tuple(_OTHER))
        frames = _ENGLISH if language == "en" else _OTHER[language]
        sentences = [_filled(random.choice(frames), random) for _ in range(random.choice(_LENGTHS))]
        holds = random.random() < personal
        if holds:
            sentences.append(_filled(random.choice(_PERSONAL), random))
        sentences.append(f"({word(index, random)})")
        yield Text(" ".join(sentences), language, holds)


def chat_turn(random: Random, *, personal: bool = False) -> str:
    """One user message of about 60 tokens, in English."""
    parts = [_filled(random.choice(_ENGLISH[:12]), random)]
    if personal:
        parts.append(_filled(random.choice(_PERSONAL), random))
    while sum(map(len, parts)) < 200:
        parts.append(_filled(random.choice(_ENGLISH[:12]), random))
    return " ".join(parts)


def answer(random: Random, *, length: int = 240) -> str:
    """One answer of a bot of about ``length`` characters, with nothing in it to be found."""
    parts: list[str] = []
    while sum(map(len, parts)) < length:
        parts.append(_filled(random.choice(_ANSWERS), random))
    return " ".join(parts)


_ANSWERS: Final = (
    "Of course! For {topic} I would start with something simple and leave room for a change of plan.",
    "In {place} the old town is best on foot; take {n} hours and a good pair of shoes.",
    "Yes, {thing} can be picked up on {day}, the shop is open until the evening.",
    "A heat pump moves warmth from outside into the house, a little like a fridge turned around.",
    "If {name} falls ill before you leave, cancellation cover helps; travel insurance helps on the way.",
    "I do not know the exact time, but trains to {place} usually leave twice an hour.",
)


def word(index: int, random: Random) -> str:
    """A made-up word of consonants and vowels that names ``index``, so that no two messages are alike."""
    number = index * 8 + random.randrange(8)
    letters: list[str] = []
    for _ in range(4):
        number, consonant = divmod(number, 14)
        number, vowel = divmod(number, 5)
        letters.append("bdfgklmnprstvz"[consonant] + "aeiou"[vowel])
    return "".join(letters)


def _filled(frame: str, random: Random) -> str:
    drawn = {slot: random.choice(words) for slot, words in _WORDS.items()}
    drawn["user"] = drawn["name"].lower() + "." + random.choice(("field", "berg", "costa", "lind", "moor"))
    drawn["digit"] = str(random.randrange(10))
    drawn["two"] = str(random.randrange(10, 100))
    drawn["seven"] = str(random.randrange(60, 99))
    return frame.format_map(drawn)
