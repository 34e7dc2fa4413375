"""``chatward bench genuine``: what a signed reply costs, and whether anything altered passes.

The method:

1. A conversation of ``REPLIES`` made-up replies of 40 to 400 words, each signed and chained to the one before; then
   each proof is read, verified against its own text, and followed in the chain. *Sign and verify* is both of one reply.
2. ``ALTERED`` proofs are altered in the ways below and shown once more: a character changed, put in, taken out or
   swapped; another reply's text; an earlier proof again; one left out; one of another conversation. ``accepted`` is how
   many passed, and has to be 0.
3. What is timed is the CPU time of this thread, one core; figures are medians over rounds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.times import one_core, spent
from chatward.core.values import Part, Source
from chatward.genuine.proof import Chain, Claims, Proof, ProofError, Signer, digests, parse, verify

FIGURES: Final = ("sign_verify_ms_p50",)
REPLIES: Final = 400
ALTERED: Final = 4_000
_ORIGIN: Final = "https://chat.example.com"
_WORDS: Final = ("your", "order", "left", "our", "house", "on", "Monday", "and", "arrives", "between", "nine", "five")
_LETTERS: Final = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",:{}\\= '


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements."""

    rounds: int = 3


@dataclass(frozen=True, slots=True)
class _Reply:
    proof: Proof
    text: str
    parts: tuple[Part, ...]


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes seconds."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    key = Ed25519PrivateKey.generate()
    signer, keys = Signer(key, "one"), {"one": key.public_key()}
    texts = _texts(random.Random(1))  # noqa: S311 - the same replies every time
    signing: list[float] = []
    verifying: list[float] = []
    with one_core():
        for turn in range(options.rounds + 1):
            progress(f"round {turn} of {options.rounds}" if turn else "warming up")
            replies: list[_Reply] = []
            took = spent(partial(_say, signer, replies), texts)
            checked = spent(partial(_check, keys, Chain()), replies)
            if turn:
                signing.append(median(took) or 0.0)
                verifying.append(median(checked) or 0.0)
    sign, check_ = median(signing) or 0.0, median(verifying) or 0.0
    report.figures["sign_verify_ms_p50"] = round(1e3 * (sign + check_), 4)
    progress("altering proofs")
    others: list[_Reply] = []
    for text in texts[:3]:
        others.append(_signed(signer, "other talk", others, text))
    tried, accepted = _altered(replies, others, lambda proof, parts: verify(proof, keys, origin=_ORIGIN, parts=parts))
    report.details |= {
        "sign_us_p50": round(1e6 * sign, 1),
        "verify_us_p50": round(1e6 * check_, 1),
        "altered": tried,
        "accepted": accepted,
    }
    return report


def _say(signer: Signer, before: list[_Reply], text: str) -> None:
    before.append(_signed(signer, "talk", before, text))


def _check(keys: Mapping[str, Ed25519PublicKey], chain: Chain, reply: _Reply) -> None:
    proof = parse(reply.text)
    verify(proof, keys, origin=_ORIGIN, parts=reply.parts)
    chain.follow(proof)


def _texts(chance: random.Random) -> list[str]:
    return [" ".join(chance.choices(_WORDS, k=chance.randint(40, 400))) for _ in range(REPLIES)]


def _signed(signer: Signer, conversation: str, before: list[_Reply], text: str) -> _Reply:
    parts = (Part(text, Source.BOT),)
    last = before[-1].proof.digest() if before else ""
    claims = Claims(_ORIGIN, conversation, len(before) + 1, 1_795_000_000, digests(parts), last)
    proof = signer.sign(claims)
    return _Reply(proof, proof.text(), parts)


def _altered(
    replies: list[_Reply], others: list[_Reply], check: Callable[[Proof, tuple[Part, ...]], object]
) -> tuple[int, int]:
    """How many were tried, and how many passed."""
    chance = random.Random(2)  # noqa: S311 - the same alterations every time
    tried = accepted = 0
    for turn in range(ALTERED):
        at = chance.randrange(2, len(replies) - 2)
        reply = replies[at]
        place = chance.randrange(len(reply.text))
        head, char, rest = reply.text[:place], reply.text[place], reply.text[place + 1 :]
        texts = (
            head + chance.choice(_LETTERS) + rest,
            head + chance.choice(_LETTERS) + char + rest,
            head + rest,
            head + rest[:1] + char + rest[1:],
        )
        shown = {4: replies[at - 1].text, 5: replies[at + 1].text, 6: others[2].text}
        kind = turn % 8
        text = texts[kind] if kind < 4 else shown.get(kind, reply.text)
        if kind < 4 and text == reply.text:
            continue
        tried += 1
        shown_with = {4: replies[at - 1], 5: replies[at + 1], 6: others[2], 7: replies[at + 1]}
        parts = shown_with.get(kind, reply).parts  # of what is replayed, left out or of elsewhere: its own
        last = replies[at - 1].proof
        chain = Chain("talk", last.claims.sequence, last.digest(), last.claims.time)
        try:
            proof = parse(text)
            check(proof, parts)
            chain.follow(proof)
        except ProofError:
            continue
        accepted += 1
    return tried, accepted
