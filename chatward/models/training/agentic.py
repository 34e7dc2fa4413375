"""Examples for assistants with tools, and for people who brief a model, composed of written pieces.

The rules:

1. A tool's answer with a stranger's order in it has its clean twin: the same kinds of text in the same wrappers (JSON,
   lists of mails, tables, plain), so that a wrapper tells nothing.
2. What is ordered is an ordinary deed of an assistant (pay, mail, book, delete, answer in rhyme). What makes it an
   attack is that data orders it; people who ask people are clean documents (``phrases/document``).
3. Part and form that a person gives a model in earnest ("You are a translator. Only output the result.") are
   ordinary, however much they look like a jailbreak.
4. An order in another language stands in a document of that language, or now and then in a foreign one. English has
   as many examples as it would have alone; each other language adds a share.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Final

from chatward.models.training import phrases
from chatward.models.training.corpora import Example, held_pattern

ASKS: Final = ("self_instruct", "mt_bench", "oasst_prompts", "oasst_trees", "phrases/request")
"""Sources of general requests to a language model."""
_EACH: Final = 6  # sentences of every written pattern
_PLAIN: Final = 0.3  # share of a tool's answers that have no wrapper
_BARE: Final = ("{ACT}.", "{ACT}", "Please {ACT}.", "Please {ACT} for me.", "please {ACT}", "Also, {ACT}.")
"""Orders without any frame: an answer of a tool that asks for a deed is odd enough."""
_SHARE: Final = 12  # English has this many times as many examples as any other language
_STOPS: Final = {"zh": "。", "ja": "。", "hi": "।"}
_ABROAD: Final = 0.15  # orders of another language that stand in a document of any language
_FAMILY_FIRST: Final = ("zh", "ja")
_FIELDS: Final = ("body", "text", "description", "note", "content", "review", "message", "details", "comment")
_NO_ATTACK: Final = dict.fromkeys(("attack", "direct", "extraction", "jailbreak", "scam"), 0.0)


def languages() -> tuple[str, ...]:
    """Languages that pieces are written in: English, then the others, sorted."""
    others = [lang for lang in phrases.languages() if all(phrases.patterns(lang, kind) for kind in phrases.PIECES)]
    return ("en", *(lang for lang in others if lang != "en"))


def ordered(examples: Sequence[Example], rng: random.Random, *, count: int = 6000) -> Iterator[Example]:
    """Answers of tools: two of three with a stranger's order, the rest clean. ``count`` of them have English orders, in
    documents of any language; a twelfth of that each of the other languages, mostly in documents of that language."""
    clean = [e for e in examples if e.untrusted and e.targets.get("indirect") == 0 and len(e.text) > 30]
    for lang in languages():
        own = clean if lang == "en" else [e for e in clean if e.lang == lang]
        if not own:
            continue
        order = _Orders(lang)
        for number in range(count if lang == "en" else count // _SHARE):
            pool = clean if rng.random() < _ABROAD else own
            document = rng.choice(pool)
            start = rng.randrange(0, max(1, len(document.text) - 300)) if rng.random() < 0.5 else 0
            said = document.text[start : start + rng.choice((120, 300, 700))]
            others = [rng.choice(pool).text[: rng.choice((60, 150))] for _ in range(rng.randrange(0, 3))]
            foreign = "" if number % 3 == 0 else order.draw(rng)
            text, focus = _answer(said, others, foreign, rng)
            targets = {"indirect": float(bool(foreign))}
            yield Example(
                text, targets, "ordered", lang=document.lang, untrusted=True, group=document.group, focus=focus
            )


class _Orders:
    """Orders of one language, in their frames."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        stop = _STOPS.get(lang, ".")
        self._bare = _BARE if lang == "en" else (f"{{ACT}}{stop}", "{ACT}")
        self._frames, self._actions = pieces("frame", lang), pieces("action", lang)
        lists = phrases.lists(lang)
        self._blank, order = ("", ("last", "first")) if lang in _FAMILY_FIRST else (" ", ("first", "last"))
        self._names = [lists[name] for name in order]

    def draw(self, rng: random.Random) -> str:
        """An order, framed or bare."""
        user = self._blank.join(rng.choice(words) for words in self._names)
        frame = rng.choice(self._bare if rng.random() < 0.3 else self._frames)
        action = rng.choice(self._actions)
        if (frame.startswith("{ACT}") or ": {ACT}" in frame) and rng.random() < 0.6:
            first = "İ" if self._lang == "tr" and action[0] == "i" else action[0].upper()
            action = first + action[1:]
        return frame.replace("{ACT}", action).replace("{USER}", user)


def briefed(examples: Sequence[Example], rng: random.Random, *, count: int = 3000) -> Iterator[Example]:
    """Requests with a part, rules or a form that the asker wants, in earnest; some with the text they are about.
    ``count`` in English, a twelfth of that in each of the other languages."""
    for lang in languages():
        mine = [e for e in examples if e.ordinary and e.lang == lang]
        asks = [e for e in mine if 15 < len(e.text) < 300 and e.source in ASKS]
        data = [e for e in mine if 40 < len(e.text) < 600]
        briefs = pieces("brief", lang)
        if not asks or not data:
            continue
        for _ in range(count if lang == "en" else count // _SHARE):
            ask = rng.choice(asks)
            text = "{TASK}"
            for brief in rng.sample(briefs, rng.choice((1, 1, 2, 3))):
                text = text.replace("{TASK}", brief, 1)
            text = text.replace("{TASK}", ask.text)
            if rng.random() < 0.3:
                text += rng.choice(("\n\n", "\n", " ")) + rng.choice(data).text
            yield Example(text, _NO_ATTACK, "briefed", lang=lang, group=f"brief/{ask.group}", ordinary=True)


def pieces(kind: str, lang: str = "en") -> list[str]:
    """Sentences of the patterns of ``kind``; those of one in seven patterns are never used."""
    return [
        sentence.text
        for pattern, sentence in phrases.samples(lang, kind, _EACH)
        if not held_pattern(lang, kind, pattern.number)
    ]


def _answer(said: str, others: Sequence[str], order: str, rng: random.Random) -> tuple[str, tuple[int, int] | None]:
    """A tool's answer about ``said`` and ``others`` with the order in it, and where the order stands: none where its
    letters are escaped."""
    if order:
        cuts = [0, len(said), len(said), *(at + 1 for at, letter in enumerate(said) if letter in ".\n!?。！？।")]
        at = rng.choice(cuts)
        glue = rng.choice((" ", "\n", "\n\n"))
        said = f"{said[:at]}{glue}{order}{glue}{said[at:]}".strip()
    parts = [*others, said]
    rng.shuffle(parts)
    roll = rng.random()
    if roll < _PLAIN:
        text = rng.choice(("\n\n", "\n", "\n---\n")).join(parts)
    elif roll < _PLAIN + 0.35:
        field = rng.choice(_FIELDS)
        items = [{"id": rng.randrange(500), field: part, rng.choice(("ok", "read", "stars")): True} for part in parts]
        text = json.dumps(items if len(items) > 1 else items[0], ensure_ascii=rng.random() < 0.5)
    elif roll < _PLAIN + 0.55:
        field = rng.choice(_FIELDS)
        text = "\n".join(f"- id: '{rng.randrange(90)}'\n  {field}: {part}\n  status: received" for part in parts)
    else:
        titles = rng.choice((("Result", ":"), ("From: shop@example.com\nSubject: No.", "\n"), ("Review", " -")))
        text = "\n\n".join(f"{titles[0]} {number}{titles[1]} {part}" for number, part in enumerate(parts, 1))
    start = text.find(order) if order else -1
    return text, (start, start + len(order)) if start >= 0 else None
