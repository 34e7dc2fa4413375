"""The values that travel through the house.

Guards *look* and return ``Finding``s. A finding points at text (part index and span in code points of
the original) and never carries it, so no record made of findings can leak what a person wrote.
``Outcome`` is what one guard has to say about one moment: it inspected, or it could not
(``Unavailable``). A guard that cannot run is not a guard that found nothing: the two are different
types, and policy decides what the second means. ``Verdict`` is the answer, ordered
``ALLOW < REDACT < CHALLENGE < BLOCK``; ``|`` keeps the stricter of two. Those that every message makes several of are
named tuples: a frozen dataclass takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from functools import cached_property
from typing import Final, NamedTuple


class Source(str, Enum):
    """Where a part of a message comes from, which decides how far it is trusted."""

    USER = "user"
    OPERATOR = "operator"  # system and developer messages
    BOT = "bot"
    TOOL = "tool"  # tool results
    DOCUMENT = "document"  # retrieved documents, files, e-mails, web pages

    @property
    def untrusted(self) -> bool:
        """True where instructions must not be obeyed: tool results and documents."""
        return self is Source.TOOL or self is Source.DOCUMENT


class PartKind(str, Enum):
    """What a part holds. ``JSON`` is JSON text, such as the arguments of a tool call."""

    TEXT = "text"
    JSON = "json"
    OPAQUE = "opaque"  # image, audio, file bytes or a reference: passed through, not read as text


class Moment(str, Enum):
    """When a guard looks."""

    INPUT = "input"
    OUTPUT = "output"
    TOOL_CALL = "tool-call"


class Category(str, Enum):
    """Categories of findings, as ``chatward scan`` names them."""

    INJECTION = "injection"
    JAILBREAK = "jailbreak"
    INDIRECT_INJECTION = "indirect-injection"
    PII = "pii"
    PHI = "phi"
    SECRET = "secret"
    LINK = "link"
    MALWARE = "malware"
    ABUSE = "abuse"
    SOCIAL_ENGINEERING = "social-engineering"
    LEAK = "leak"
    BOT = "bot"
    ANOMALY = "anomaly"
    POLICY = "policy"


class Severity(IntEnum):
    """How bad it is if the finding is right (confidence says how likely that is)."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @cached_property
    def label(self) -> str:
        return self.name.lower()


class Action(IntEnum):
    """What happens to a message, from mildest to strictest."""

    ALLOW = 0
    REDACT = 1
    CHALLENGE = 2
    BLOCK = 3

    @cached_property
    def label(self) -> str:
        return self.name.lower()


Span = tuple[int, int]
"""Start and end (exclusive) in Unicode code points of a part's original text."""


class Part(NamedTuple):
    """One piece of a message: its text, its source and what it is.

    ``text`` is the empty string for ``OPAQUE`` parts. ``message`` is the index of the message that
    holds the part; parts of one exchange are in reading order. ``name`` is the tool's name for tool
    calls and results, the media type for opaque parts.
    """

    text: str
    source: Source
    kind: PartKind = PartKind.TEXT
    message: int = 0
    name: str = ""


class Message(NamedTuple):
    """A message as the dialect delivered it: a role and the indexes of its parts."""

    role: str
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """What was seen of a file that part ``part`` carries, before the guards of texts look. ``failed`` names guards that
    could not read it, each with its reason (as in ``Unavailable``): then it counts as unread, never as clean."""

    part: int
    findings: tuple[Finding, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyFile:
    """What was seen of a file in a reply. ``failed`` as in ``InspectedFile``; ``text`` is what it says, and ``plain``
    that it is nothing else; ``cleaned`` is the file without metadata, where that is another file."""

    findings: tuple[Finding, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    text: str = field(default="", repr=False)
    plain: bool = False
    cleaned: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PassedFile:
    """What leaves of a file in a reply. ``content`` takes its place, as ``media`` where that is another type; ``None``:
    it leaves as it came. ``text`` is what it says."""

    content: bytes | None = field(default=None, repr=False)
    media: str = ""
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """All that is known of one turn when a guard looks at it.

    ``conversation`` identifies the thread (never guessed across principals), ``new_from`` is the index
    of the first message that was not part of an earlier, already inspected turn. ``earlier`` holds the newest
    parts of turns that this request only refers to (``previous_response_id``). ``files`` says what was seen of files.
    """

    channel: str
    parts: tuple[Part, ...]
    messages: tuple[Message, ...] = ()
    conversation: str = ""
    principal: str = "anonymous"
    tenant: str = "default"
    route: str = "default"
    model: str = ""
    tools: tuple[str, ...] = ()
    stream: bool = False
    new_from: int = 0
    earlier: tuple[Part, ...] = ()
    files: tuple[InspectedFile, ...] = ()


MODEL: Final = "model"
"""``Finding.detail`` of what a model found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a guard saw. ``detail`` is from a fixed vocabulary and never quotes the text.

    ``rule`` is ``<guard id>/<rule>``; ``entity`` names the kind of value for placeholders (``EMAIL``).
    """

    rule: str
    category: Category
    severity: Severity
    confidence: float
    span: Span
    part: int = 0
    entity: str = ""
    detail: str = ""

    @property
    def guard(self) -> str:
        return self.rule.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Inspected:
    """A guard ran to the end. ``scores`` are calibrated model scores by name, if it has any."""

    guard: str
    findings: tuple[Finding, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A guard could not run. ``reason`` is from a fixed vocabulary: ``error``, ``timeout``, ``not-loaded``,
    ``unreadable`` (of a file)."""

    guard: str
    reason: str


Outcome = Inspected | Unavailable


class Treatment(str, Enum):
    """What is done to the text a finding points at."""

    KEEP = "keep"
    MASK = "mask"  # irreversible: "[email hidden]"
    PLACEHOLDER = "placeholder"  # reversible: "[EMAIL_1]", restored on the way back
    HASH = "hash"  # stable keyed digest, irreversible: "[email 5f3a9c21]"
    REMOVE = "remove"
    DEFANG = "defang"  # a link that nobody clicks: "hxxps://example[.]com"
    ANNOTATE = "annotate"  # a link, and the host that it leads to
    RESTORE = "restore"  # a placeholder on its way back
    BLOCK = "block"


WITHHELD: Final = "access.documents/withheld"
"""The rule of a document that was taken out of a message, since its reader may not read it. It has no span: it is
told by number."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy made of one finding, and why (``because`` names the deciding setting)."""

    finding: Finding
    action: Action
    treatment: Treatment
    because: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one moment of one exchange; it can explain itself.

    ``action`` is what takes effect; ``would`` is what enforcement would have done, which differs in
    monitor mode only. ``rule`` names the rule or the missing guard that decided.
    """

    action: Action = Action.ALLOW
    would: Action = Action.ALLOW
    rule: str = ""
    decisions: tuple[Decision, ...] = ()
    ran: tuple[str, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()
    policy: str = ""
    text: str | None = field(default=None, repr=False)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(decision.finding for decision in self.decisions)

    @property
    def blocked(self) -> bool:
        return self.action >= Action.CHALLENGE

    def __or__(self, other: Verdict) -> Verdict:
        strict = other if (other.action, other.would) > (self.action, self.would) else self
        return replace(
            strict,
            would=max(self.would, other.would),
            decisions=self.decisions + other.decisions,
            ran=merge_names(self.ran, other.ran),
            unavailable=tuple(dict.fromkeys(self.unavailable + other.unavailable)),
            scores=tuple(_max_scores(self.scores + other.scores).items()),
        )


def merge_names(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """Both lists in order, each name once."""
    if first == second:
        return tuple(first)
    return tuple(dict.fromkeys((*first, *second)))


def _max_scores(scores: Sequence[tuple[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for name, score in scores:
        best[name] = max(score, best.get(name, 0.0))
    return best


ALLOWED: Final = Verdict()
