"""A process that writes, rotates and erases until somebody kills it. Says on standard output what it was told is done.

    python killed.py FOLDER SEED

Each line is ``written TEXT``, ``erased SUBJECT`` or ``rotated VERSION``, said after it was durable.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from chatward.core.values import Part, Source
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.register import Eraser, Register, signer
from chatward.seal.rotation import Rotation
from chatward.seal.sealer import KeySealer
from chatward.stores.conversation_rows import Fields
from chatward.stores.conversations import ConversationStore
from chatward.stores.database import Database
from chatward.stores.turns import Turn


def main(folder: Path, seed: str) -> None:
    dice = random.Random(seed)
    sealer = KeySealer(Keys(Database(folder / "keys.db"), LocalRoots({1: b"r" * 32})))
    data = Database(folder / "conversations.db")
    fields = Fields(data, sealer)
    eraser = Eraser(Register(Database(folder / "erasures.db"), signer(folder / "erasures.db")), sealer, [fields])
    eraser.resume()
    eraser.replay()
    store = ConversationStore(data, sealer, lambda entry: None)
    rotation = Rotation(sealer, [fields], batch=5)
    say("ready")
    for number in range(10_000):
        subject = f"person:{seed}-{number}"
        text = f"{subject} says {number}"
        store.write("default", subject, "thread", [Turn("user", (Part(text, Source.USER),), (), True)])
        say(f"written {subject} {text}")
        if dice.random() < 0.3:
            say(f"erasing {subject}")
            eraser.erase("default", subject, "test")
            say(f"erased {subject}")
        if dice.random() < 0.3:
            say(f"rotated {rotation.run('default').version}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
