"""A process that writes, rotates, erases and purges until somebody kills it. Says on standard output what is done.

    python killed.py FOLDER SEED

Each line is ``written SUBJECT TEXT``, ``erased SUBJECT``, ``rotated VERSION`` or ``purged TURNS``, said after it was
durable; ``erasing``, ``rotating`` and ``purging`` are said before. Some of what is written is past its time. A ledger
with checkpoints of few entries is written beside: ``noted NUMBER``.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

from chatward.core.events import Event
from chatward.core.ports import Entry
from chatward.core.sealing import Record
from chatward.core.values import Part, Source
from chatward.ledger.checkpointing import Plan
from chatward.ledger.sqlite import SqliteLedger
from chatward.seal.keys import Keys
from chatward.seal.kms import LocalRoots
from chatward.seal.register import Eraser, Register, signer
from chatward.seal.rotation import Rotation
from chatward.seal.sealer import KeySealer
from chatward.stores.conversation_rows import Fields
from chatward.stores.conversations import DAY, ConversationStore
from chatward.stores.database import Database
from chatward.stores.turns import Turn

RETENTION = 30.0 * DAY


async def main(folder: Path, seed: str) -> None:
    plan = Plan(every=7, seconds=0.005, file=folder / "checkpoints")
    ledger = SqliteLedger(folder / "ledger.db", min_free=1, checkpoints=plan)
    loop = asyncio.get_running_loop()
    numbers = iter(range(int(seed) * 1_000_000, (int(seed) + 1) * 1_000_000))

    async def append(entry: Entry) -> None:
        await ledger.append(entry)

    def record(entry: Entry) -> None:
        number = next(numbers)
        noted = Entry(entry.event, "", {**entry.fields, "number": number})
        asyncio.run_coroutine_threadsafe(append(noted), loop).result()
        say(f"noted {number}")

    await asyncio.to_thread(work, folder, seed, record)


def work(folder: Path, seed: str, record: Record) -> None:
    dice = random.Random(seed)
    sealer = KeySealer(Keys(Database(folder / "keys.db"), LocalRoots({1: b"r" * 32})))
    data = Database(folder / "conversations.db")
    fields = Fields(data, sealer)
    register = Register(Database(folder / "erasures.db"), signer(folder / "erasures.db"))
    eraser = Eraser(register, sealer, [fields], record)
    eraser.resume()
    eraser.replay()
    store = ConversationStore(data, sealer, record, retention=RETENTION)
    rotation = Rotation(sealer, [fields], record, batch=5)
    say("ready")
    now = time.time()
    for number in range(10_000):
        subject = f"person:{seed}-{number}"
        text = f"{subject} says {number}"
        record(Entry(Event.MESSAGE_JUDGED, "", {}))
        store.write("default", subject, "thread", [said(text)])
        say(f"written {subject} {text}")
        if dice.random() < 0.4:
            old = [said(f"{subject} said {day}", now - RETENTION - day * DAY) for day in (2, 3)]
            store.write("default", subject, "thread", old)
        if dice.random() < 0.3:
            say(f"erasing {subject}")
            eraser.erase("default", subject, "test")
            say(f"erased {subject}")
        if dice.random() < 0.3:
            say("purging")
            say(f"purged {store.purge().turns}")
        if dice.random() < 0.2:
            say("rotating")
            say(f"rotated {rotation.run('default').version}")


def said(text: str, at: float | None = None) -> Turn:
    return Turn("user", (Part(text, Source.USER),), (), True, "", at)


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
