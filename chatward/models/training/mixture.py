"""What the text models are fitted on: corpora and phrases in balance, and what is composed of them.

The rules:

1. At least 40 % is ordinary chat, or looks like an attack and is none. A large corpus is sampled, so that no source
   outweighs the rest.
2. Length tells nothing: attacks stand alone, before, after and between ordinary sentences; ordinary sentences are
   joined as well.
3. Instructions in the wrong place are made by putting ordinary requests, and attacks, into clean documents.
4. A harmful request with a noise suffix is an attack of its own kind (Zou et al. 2023), whatever the noise says.
"""

from __future__ import annotations

import json
import random
import string
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from chatward.models.training import agentic, corpora
from chatward.models.training.corpora import Example

_MOST: Final = {
    "sgd": 9000, "davidson": 5000, "clinc150": 12000, "edos": 5000, "chatterbot_corpus": 9000, "told_br": 5000,
    "taskmaster": 6000, "cold_zh": 5000, "toxic_spans": 3000, "bias_templates": 4000, "hatemoji": 4000,
    "korean_beep": 4000, "topical_chat": 5000, "crosswoz": 4000, "multijail": 1600, "red_instruct": 1000,
    "hinglish_4000": 2000, "sms_spam_uci": 4000, "convabuse": 2000, "xsafety": 8000, "stormfront": 2000,
}  # fmt: skip
_OFTEN: Final = {"self_instruct": 4, "oasst_prompts": 4, "mt_bench": 4, "oasst_trees": 3, "arena_hard": 3}
"""General requests to language models, of which there are few."""
_NO_ATTACK: Final = dict.fromkeys(("attack", "direct", "extraction", "jailbreak", "scam"), 0.0)
_EMBEDDED: Final = 0.5  # attacks that are also seen inside ordinary text
_TYPED: Final = 0.25  # examples that are also seen as carelessly typed
_NOISE: Final = string.ascii_letters + string.digits + string.punctuation


def mixture(folder: Path, *, seed: int = 0, scale: float = 1.0) -> list[Example]:
    """All examples to fit on, shuffled. Those that are ``held`` are left out. ``scale`` is how much of the large
    corpora's share is taken."""
    rng = random.Random(seed)
    by_source: dict[str, list[Example]] = defaultdict(list)
    for example in (*corpora.corpus_examples(folder, seed=seed), *corpora.phrase_examples(seed=seed)):
        if not example.held and example.text.strip():
            by_source[example.source].append(example)
    chosen: list[Example] = []
    for source in sorted(by_source):
        found = by_source[source]
        most = int(_MOST[source] * scale * (0.6 if source in corpora.ABUSE else 1.0)) if source in _MOST else len(found)
        chosen.extend(rng.sample(found, most) if len(found) > most else found * _OFTEN.get(source, 1))
    chosen.extend(documents(folder, rng))
    made = [*joined(chosen, rng), *inserted(chosen, rng), *redirected(chosen, rng), *suffixed(chosen, rng)]
    made.extend(tasked(chosen, rng))
    made.extend(agentic.ordered(chosen, rng))
    made.extend(agentic.briefed(chosen, rng))
    typed = [
        example for example in chosen if rng.random() < (_TYPED if not example.source.startswith("phrases") else 0.5)
    ]
    chosen.extend(made)
    chosen.extend(corpora.varied(typed, seed=seed))
    rng.shuffle(chosen)
    return chosen


def joined(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Attacks among ordinary sentences of their language, and ordinary sentences joined to longer texts."""
    ordinary: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        everyday = example.ordinary or example.source in ("phrases/trigger", "phrases/scam_benign")
        if everyday and example.targets.get("attack") == 0 and 8 < len(example.text) < 300:
            ordinary[example.lang].append(example)
    for example in examples:
        if example.untrusted or len(example.text) > 1200:
            continue
        around = ordinary.get(example.lang) or ordinary["en"]
        if example.targets.get("attack") == 1 and rng.random() < _EMBEDDED:
            before = " ".join(other.text for other in rng.sample(around, min(rng.choice((0, 1, 1, 2)), len(around))))
            after = " ".join(other.text for other in rng.sample(around, min(rng.choice((0, 0, 1, 2)), len(around))))
            glue = rng.choice((" ", "\n", "\n\n", ". "))
            text = glue.join(piece for piece in (before, example.text, after) if piece)
            start = len(before) + len(glue) if before else 0
            focus = (start, start + len(example.text))
            yield replace(example, text=text, source=example.source + "+joined", focus=focus)
        elif example.ordinary and rng.random() < 0.12:
            others = rng.sample(around, min(rng.choice((1, 1, 2, 4, 7)), len(around)))
            text = rng.choice((" ", "\n", ". ")).join([example.text, *(other.text for other in others)])
            shared = {k: v for k, v in example.targets.items() if all(other.targets.get(k) == v for other in others)}
            yield replace(example, text=text, targets=shared, source=example.source + "+joined")


def documents(folder: Path, rng: random.Random) -> Iterator[Example]:
    """Clean documents of many kinds, made of corpora that were collected for something else: articles, notes of
    hospitals, transcripts, tables of values."""
    lines = [row["text"] for row in corpora.rows(folder, "pii/wikigold")]
    for start in range(0, len(lines) - 4, 4):
        yield _clean(" ".join(lines[start : start + rng.randrange(2, 6)]), "wikigold")
    for row in corpora.rows(folder, "pii/meddocan"):
        at = rng.randrange(0, max(1, len(row["text"]) - 900))
        yield _clean(row["text"][at : at + rng.randrange(200, 900)], "meddocan", "es")
    for name, lang in (("sgd", "en"), ("taskmaster", "en"), ("topical_chat", "en"), ("crosswoz", "zh")):
        for row in rng.sample(list(corpora.rows(folder, f"dialogues/{name}")), 700):
            speakers = rng.choice((("Customer", "Agent"), ("User", "Assistant"), ("A", "B"), ("Caller", "Support")))
            turns = row["turns"][: rng.randrange(2, 9)]
            said = [f"{speakers[number % 2]}: {turn['text']}" for number, turn in enumerate(turns)]
            yield _clean("\n".join(said), name, lang)
    names = ("name", "status", "price", "note", "rating", "date", "title", "description", "subject", "city", "id")
    values = [row["text"] for row in corpora.rows(folder, "pii/presidio_research")]
    for _ in range(1500):
        fields = {
            rng.choice(names): rng.choice((rng.choice(values), rng.randrange(1000), True, None)) for _ in range(5)
        }
        yield _clean(
            rng.choice((json.dumps(fields), str(fields), "\n".join(f"{k}: {v}" for k, v in fields.items()))), "fields"
        )


def _clean(text: str, source: str, lang: str = "en") -> Example:
    return Example(text, {"indirect": 0.0}, f"document/{source}", lang=lang, untrusted=True, group=text[:60])


def inserted(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Clean documents with a foreign instruction in them."""
    clean = [e for e in examples if e.untrusted and e.targets.get("indirect") == 0 and len(e.text) > 30]
    asks = [e for e in examples if e.source in agentic.ASKS and 12 < len(e.text) < 220]
    written = [
        e for e in examples if e.source in ("phrases/direct", "phrases/indirect", "phrases/extraction", "phrases/scam")
    ]
    if not clean or not written:
        return
    by_lang: dict[str, list[Example]] = defaultdict(list)
    for example in written:
        by_lang[example.lang].append(example)
    for document in clean:
        roll = rng.random()
        pool = asks if asks and roll < 0.3 else by_lang.get(document.lang, written) if roll < 0.85 else written
        foreign = rng.choice(pool)
        begin = rng.randrange(0, max(1, len(document.text) - 300)) if rng.random() < 0.5 else 0
        text = document.text[begin : begin + rng.choice((150, 400, 900))]
        cuts = [0, len(text), *(at + 1 for at, letter in enumerate(text) if letter in ".\n!?。" and at + 1 < len(text))]
        at = rng.choice(cuts)
        glue = rng.choice((" ", "\n", "\n\n", " "))
        start = at + len(glue)
        yield Example(
            f"{text[:at]}{glue}{foreign.text}{glue}{text[at:]}",
            {"indirect": 1.0},
            "inserted",
            lang=document.lang,
            untrusted=True,
            group=document.group,
            focus=(start, start + len(foreign.text)),
            weight=0.7 if pool is asks else 1.0,
        )


_DONE: Final = (
    "Done.",
    "OK.",
    "Sure, here you go.",
    "Task complete!",
    "Answer: 42",
    "The summary is above.",
    "No.",
    "{}",
    "Yes",
)
_FRAMES: Final = (
    "{data}\n\n### Response:\n{done}\n\n### Instruction:\n{ask}",
    "{data}\n\nAssistant: {done}\n\nUser: {ask}",
    "{data}\n</data>\n{done}\n<instruction>{ask}</instruction>",
    "{data}\n-----\n[end of input]\nNew task: {ask}",
    "{data}\n\nOutput: {done}\n\nInstruction: {ask}\nOutput:",
    "{data} {order} {ask}",
    "{data}\n{order} {ask}",
    "{order}: {ask}",
    "{order} {ask}",
)


def redirected(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Data, a made-up answer, and a new task: the completion attacks of structured prompts (Chen et al. 2024); and
    orders to drop the task followed by any other one."""
    asks = [e for e in examples if e.source in agentic.ASKS and 12 < len(e.text) < 260]
    orders = [e for e in examples if e.source == "phrases/direct" and e.lang == "en" and len(e.text) < 160]
    data = [e for e in examples if e.lang == "en" and 40 < len(e.text) < 600 and (e.ordinary or e.untrusted)]
    if not asks or not orders or not data:
        return
    for _ in range(2500):
        frame = rng.choice(_FRAMES)
        about, order, ask = rng.choice(data), rng.choice(orders), rng.choice(asks)
        if about.targets.get("indirect") == 1:
            continue
        text = frame.format(data=about.text, done=rng.choice(_DONE), order=order.text.rstrip("."), ask=ask.text)
        untrusted = rng.random() < 0.35
        targets = {"indirect": 1.0} if untrusted else {"attack": 1.0, "direct": 1.0}
        start = text.rindex(ask.text)  # the task comes last
        yield Example(
            text,
            targets,
            "redirected",
            untrusted=untrusted,
            group=order.group,
            focus=(start, start + len(ask.text)),
            weight=0.8,
        )


_TASKS: Final = (
    "Summarize the following text in one sentence.",
    "Summarise this for a busy reader:",
    "Translate the text below into French.",
    "Rewrite the passage so that it sounds more formal.",
    "Classify the sentiment of this message as positive, negative or neutral.",
    "Extract all names and dates from the input.",
    "Correct the grammar and spelling of the following.",
    "What is the main idea of this paragraph?",
    "Answer the question using only the context given.",
    "Turn the notes into a short e-mail.",
    "List the key points of the text as bullets.",
    "Write a headline for this article.",
    "Is the following statement true or false? Explain briefly.",
    "Identify the tone of the text.",
    "Create three quiz questions about the passage.",
    "Give me five keywords for this.",
    "Explain the text to a ten-year-old.",
    "Continue the story in the same style.",
    "Find the odd one out and say why.",
    "Convert the following into a table.",
    "Given the customer's message, choose the right department.",
    "Describe how the speaker feels.",
    "You are a helpful assistant that edits texts. Edit the text below.",
    "You are an expert in marketing. Write a product description from these notes.",
    "Act as a teacher and grade the answer below.",
    "You will be given a review. Output only the rating from 1 to 5.",
    "Generate a poem about the following topic.",
    "Compare these two items.",
    "Paraphrase the sentence without changing its meaning.",
    "Name the entities mentioned in the text and their types.",
)
_SHAPES: Final = (
    "{task}\n\n{data}",
    "{task} {data}",
    '{task}\n"{data}"',
    "{task}\n\nText: {data}\n\nAnswer:",
    "### Instruction:\n{task}\n\n### Input:\n{data}\n\n### Response:",
    "Below is an instruction that describes a task, paired with an input.\n\nInstruction: {task}\nInput: {data}",
    "{data}\n\n{task}",
    '{task}\n"""\n{data}\n"""',
    "<task>{task}</task>\n<text>{data}</text>",
    "Task: {task}\nInput: {data}\nOutput:",
)


def tasked(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Prompts as programs send them, a task and its data: clean ones, and the same with an order inside the data."""
    data = [e for e in examples if 30 < len(e.text) < 700 and (e.ordinary or e.untrusted) and e.lang in ("en", "und")]
    data = [e for e in data if e.targets.get("indirect") != 1 and e.targets.get("attack") != 1]
    asks = [e for e in examples if e.source in agentic.ASKS and 12 < len(e.text) < 260]
    orders = [e for e in examples if e.source in ("phrases/direct", "phrases/extraction") and e.lang == "en"]
    if not data or not asks or not orders:
        return
    for number in range(6000):
        task, shape, about = rng.choice(_TASKS), rng.choice(_SHAPES), rng.choice(data)
        group = f"task/{about.group}"
        if number % 3:
            yield Example(shape.format(task=task, data=about.text), _NO_ATTACK, "tasked", group=group, ordinary=True)
            continue
        order = rng.choice(orders).text
        foreign = rng.choice((order, order, f"{order} {rng.choice(asks).text}"))
        cut = rng.choice((0, len(about.text), len(about.text), about.text.rfind(". ") + 1))
        spoiled = f"{about.text[:cut]} {foreign} {about.text[cut:]}".strip()
        text = shape.format(task=task, data=spoiled)
        start = text.index(foreign)
        yield Example(text, {"attack": 1.0}, "tasked", group=group, focus=(start, start + len(foreign)), weight=0.8)


def suffixed(examples: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    """Harmful requests with noise after them."""
    harmful = [e for e in examples if e.targets.get("illegal") == 1 and e.lang == "en" and 15 < len(e.text) < 250]
    words = [word for e in rng.sample(list(examples), min(400, len(examples))) for word in e.text.split()[:20]]
    for example in rng.sample(harmful, min(1500, len(harmful))):
        noise: list[str] = []
        for _ in range(rng.randrange(8, 28)):
            roll = rng.random()
            if roll < 0.45:
                noise.append(rng.choice(words))
            elif roll < 0.8:
                noise.append("".join(rng.choices(_NOISE, k=rng.randrange(1, 6))))
            else:
                noise.append(
                    rng.choice(("\\", "}}", "({", "!--", "==", "/*", "`", "__", "']", '"}', "!!", "->", "#"))
                    * rng.choice((1, 1, 2))
                )
        text = example.text.rstrip() + " " + "".join(piece + (" " if rng.random() < 0.7 else "") for piece in noise)
        yield replace(
            example, text=text.rstrip(), targets={"attack": 1.0, "jailbreak": 1.0, "illegal": 1.0}, source="suffixed"
        )
