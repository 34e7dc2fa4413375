"""Reads the conversations of ``tests/playbooks/escalation`` and makes requests of conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatward.core.values import Exchange, Message, Part, PartKind, Source

FOLDER: Final = Path(__file__).parent / "escalation"
HARMLESS: Final = "harmless"
_SIDES: Final = {">> ": Source.USER, "!! ": Source.USER, "<< ": Source.BOT}


@dataclass(frozen=True)
class Playbook:
    """A conversation. ``kind`` is the rule that must notice it, or ``harmless``; ``by`` the turn by which it must."""

    kind: str
    name: str
    language: str
    turns: tuple[tuple[Source, str], ...]
    by: int = -1
    held_out: bool = False

    def __str__(self) -> str:
        return f"{self.language} {self.kind}: {self.name}"


def playbooks(folder: Path = FOLDER) -> Iterator[Playbook]:
    """All conversations. Raises ``ValueError`` for a line that is none of theirs."""
    for path in sorted(folder.glob("*.txt")):
        held_out = path.stem.startswith("held_out_")
        language = path.stem.removeprefix("held_out_")
        for block in path.read_text(encoding="utf-8").split("== ")[1:]:
            head, *lines = block.strip().split("\n")
            kind, _, name = head.partition(": ")
            turns: list[tuple[Source, str]] = []
            by = -1
            for line in lines:
                if line[:3] not in _SIDES:
                    raise ValueError(f"{path.name}, {name}: {line}")
                by = len(turns) if line.startswith("!!") else by
                turns.append((_SIDES[line[:3]], line[3:]))
            yield Playbook(kind, name, language, tuple(turns), by, held_out)


def request(turns: Sequence[tuple[Source, str]], new_from: int | None = None) -> Exchange:
    """A request that sends these turns; all but the newest are old unless ``new_from`` says otherwise."""
    parts = tuple(Part(text, source, PartKind.TEXT, at) for at, (source, text) in enumerate(turns))
    roles = {Source.USER: "user", Source.BOT: "assistant"}
    messages = tuple(Message(roles[source], (at,)) for at, (source, _) in enumerate(turns))
    return Exchange("test", parts, messages, new_from=len(turns) - 1 if new_from is None else new_from)


def requests(turns: Sequence[tuple[Source, str]]) -> Iterator[Exchange]:
    """The requests of a conversation as it grows: one for each turn of the person."""
    for at, (source, _) in enumerate(turns):
        if source is Source.USER:
            yield request(turns[: at + 1])
