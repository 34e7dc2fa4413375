"""One multi-pattern pass over a text for the rules of all guards, whole or streamed, with one result.

How it works: the prefilter tells in one pass which rules *may* match; the few rules that may are asked of RE2, which is
quick to say no, and confirmed with the standard ``re`` and their validator. Cost is that of one pass, whatever the
number of rules.

Why splitting a stream does not matter. A rule's matches are defined on the whole text: leftmost first,
from left to right, not overlapping, each of bounded width. A start is *decided* once no text still to come can
change whether and how far a match from there reaches. A stream only ever confirms decided starts, in order,
so it finds what the whole text has, for every way of splitting it. What makes a start decided depends on
the characters that the rule can consume (its ``Stride``), found from the parsed pattern and not declared by hand:

* ``TOKEN`` rules consume no blank: every start before the last blank is decided.
* ``NUMBER`` rules consume digits and separators only: every start before the trailing run of those is.
* ``PROSE`` rules can consume blanks and letters: a start is decided after the rule's whole width, or at once where
  its ``trigger`` cannot begin.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any

from chatward.core.rules import MAX_AHEAD, MAX_CONTEXT, MAX_TRIGGER, MAX_WIDTH, NO_FLAGS, Rule
from chatward.core.text import Reading, View, ViewKind
from chatward.core.values import Finding
from chatward.engine import pattern_cache
from chatward.engine.patterns import Shape, forget, shape_of
from chatward.engine.prefilter import Prefilter, Probe, quick_search
from chatward.engine.widening import quick_form

_NUMBER = "0123456789.-/()+:;,#*_xX·°〒‐‑‒–" + "".join(filter(str.isspace, map(chr, range(128))))
_CHECK_EVERY = 64
_PIECE = 16 * 1024  # code points of a long text that are looked at in one go


OnFailed = Callable[[str, Exception], None]


class Stride(Enum):
    TOKEN = "token"
    NUMBER = "number"
    PROSE = "prose"


class BudgetExceeded(Exception):
    """The guard's time for this text is used up."""


class PatternError(ValueError):
    """A rule breaks a promise of ``core.rules``. Names the rule."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A confirmed match: rule, confidence, and start and end in the text that was scanned."""

    rule: Rule
    confidence: float
    start: int
    end: int

    def finding(self, span: tuple[int, int], part: int = 0) -> Finding:
        rule = self.rule
        return Finding(rule.id, rule.category, rule.severity, self.confidence, span, part, rule.entity, rule.detail)


@dataclass(frozen=True, eq=False)
class _Compiled:
    rule: Rule
    stride: Stride
    reach: int  # width and look-ahead: code points from a start that can matter
    ahead: int
    trigger_width: int
    quick: str
    tail: Callable[..., re.Match[str] | None] | None
    until: Callable[..., re.Match[str] | None] | None

    @cached_property
    def search(self) -> Callable[..., re.Match[str] | None]:
        """Compiled when the rule is first needed: most rules never are."""
        return re.compile(self.rule.pattern, self.rule.flags).search

    @cached_property
    def may(self) -> Callable[[bytes], bool]:
        """Asked before ``search``, which takes ten times as long to say no."""
        return quick_search(self.quick)


def _facts(rule: Rule) -> list[Any]:
    """Of a rule's parsed pattern: reach, look-ahead, stride, its trigger's width, its form for RE2. JSON-able."""
    try:
        shape = shape_of(rule.pattern, rule.flags)
    except re.error as error:
        raise PatternError(f"{rule.id}: {error}") from error
    _check(rule, shape)
    stride = Stride.PROSE
    if not shape.consumes_blank:
        stride = Stride.TOKEN
    elif shape.only(_NUMBER):
        stride = Stride.NUMBER
    trigger = 0
    if rule.trigger:
        found = shape_of(_with_flags(rule), NO_FLAGS)
        trigger = found.width + found.ahead
    quick = quick_form(rule.pattern, rule.flags)
    return [shape.width + shape.ahead, shape.ahead, stride.value, trigger, quick]


def _compiled(rules: Sequence[Rule], known: dict[Rule, _Compiled]) -> tuple[_Compiled, ...]:
    """``known`` are the rules of other scanners, and gets these: the moments of a message share most of theirs."""
    new = [rule for rule in rules if rule not in known]
    about = [(r.id, r.pattern, int(r.flags), r.trigger, r.tail, r.until) for r in new]
    facts = pattern_cache.remembered("rules", about, lambda: [_facts(rule) for rule in new]) if new else []
    for rule, (reach, ahead, stride, trigger, quick) in zip(new, facts, strict=True):
        known[rule] = _Compiled(
            rule=rule,
            stride=Stride(stride),
            reach=reach,
            ahead=ahead,
            trigger_width=trigger,
            quick=quick,
            tail=re.compile(f"(?:{rule.tail})*").match if rule.tail else None,
            until=re.compile(rule.until).search if rule.until else None,
        )
    return tuple(known[rule] for rule in rules)


def _check(rule: Rule, shape: Shape) -> None:
    if shape.width > MAX_WIDTH:
        raise PatternError(f"{rule.id}: may consume {shape.width} code points, at most {MAX_WIDTH} are allowed")
    if shape.behind > MAX_CONTEXT:
        raise PatternError(f"{rule.id}: looks back {shape.behind} code points, at most {MAX_CONTEXT} are allowed")
    if shape.ahead > MAX_AHEAD:
        raise PatternError(f"{rule.id}: looks ahead {shape.ahead} code points, at most {MAX_AHEAD} are allowed")
    if shape.anchored:
        raise PatternError(f"{rule.id}: anchors have no meaning in a stream")
    if shape.least == 0:
        raise PatternError(f"{rule.id}: matches the empty string")
    if rule.trigger and shape_of(rule.trigger, rule.flags).width > MAX_TRIGGER:
        raise PatternError(f"{rule.id}: its trigger may consume more than {MAX_TRIGGER} code points")
    if rule.tail and rule.until:
        raise PatternError(f"{rule.id}: has both a tail and a terminator")


class Prefilters:
    """Prefilters for the patterns that scanners of one process may ask about, each compiled once.

    ``universe`` are groups of rules that are known beforehand and always used together; each group has a prefilter,
    with the rules' triggers. ``whole`` are all rules for whole texts: they have one prefilter, without triggers. A
    scanner with other rules gets a prefilter of its own.
    """

    def __init__(self, universe: Sequence[Sequence[Rule]] = (), whole: Sequence[Rule] = ()) -> None:
        self._groups = _merged([tuple(dict.fromkeys(_patterns_of(rules))) for rules in universe])
        self._whole = [tuple(dict.fromkeys((rule.pattern, rule.flags) for rule in whole))]
        self._made: dict[tuple[_Pattern, ...], Prefilter] = {}
        self.compiled: dict[Rule, _Compiled] = {}

    def of(self, patterns: Sequence[_Pattern], *, streams: bool) -> list[tuple[Prefilter, tuple[_Pattern, ...]]]:
        """Prefilters that together know all of ``patterns``, each with the patterns it knows."""
        wanted = dict.fromkeys(patterns)
        groups = self._groups if streams else self._whole
        chosen = [group for group in groups if any(pattern in wanted for pattern in group)]
        known = {pattern for group in chosen for pattern in group}
        others = tuple(pattern for pattern in wanted if pattern not in known)
        return [(self._get(group), group) for group in (*chosen, others) if group]

    def _get(self, group: tuple[_Pattern, ...]) -> Prefilter:
        if group not in self._made:
            self._made[group] = Prefilter(group)
        return self._made[group]


_Pattern = tuple[str, re.RegexFlag]
_SMALL = 64  # patterns: each prefilter costs a text some microseconds, and so few more in another cost nothing


def _merged(groups: Sequence[tuple[_Pattern, ...]]) -> list[tuple[_Pattern, ...]]:
    """Small groups put into the largest one."""
    largest = max(groups, key=len, default=())
    if len(largest) <= _SMALL:
        return list(groups)
    small = [group for group in groups if len(group) <= _SMALL]
    kept = [group for group in groups if len(group) > _SMALL and group is not largest]
    return [tuple(dict.fromkeys(pattern for group in (largest, *small) for pattern in group)), *kept]


def _patterns_of(rules: Sequence[Rule]) -> list[_Pattern]:
    patterns = [(rule.pattern, rule.flags) for rule in rules]
    return patterns + [(_with_flags(rule), NO_FLAGS) for rule in rules if rule.trigger]


class _Candidates:
    """Which of some rules may match a text, and which triggers may occur."""

    def __init__(
        self, rules: Sequence[_Compiled], triggers: Sequence[str], prefilters: Prefilters, *, streams: bool
    ) -> None:
        by_pattern: dict[_Pattern, tuple[list[int], list[int]]] = {}
        for index, one in enumerate(rules):
            by_pattern.setdefault((one.rule.pattern, one.rule.flags), ([], []))[0].append(index)
        for index, trigger in enumerate(triggers):
            by_pattern.setdefault((trigger, NO_FLAGS), ([], []))[1].append(index)
        nothing: tuple[list[int], list[int]] = ([], [])
        self._passes = [
            (
                prefilter.find,
                [by_pattern.get(pattern, nothing) for pattern in known],
                prefilter.choose([pattern in by_pattern for pattern in known]),
            )
            for prefilter, known in prefilters.of(list(by_pattern), streams=streams)
        ]

    def __call__(self, probe: Probe) -> tuple[list[int], list[int]]:
        """Indexes of rules and of triggers."""
        rules: list[int] = []
        triggers: list[int] = []
        for find, places, choice in self._passes:
            for place in find(probe, choice):
                of_rules, of_triggers = places[place]
                rules += of_rules
                triggers += of_triggers
        return rules, triggers


class Scanner:
    """All rules compiled. Building one takes up to seconds; scanning microseconds. Thread safe. Without ``streams`` it
    reads whole texts only: then it need not look for triggers."""

    def __init__(self, rules: Sequence[Rule], prefilters: Prefilters | None = None, *, streams: bool = True) -> None:
        names = [rule.id for rule in rules]
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise PatternError(f"rules defined twice: {', '.join(twice)}")
        prefilters = prefilters or Prefilters()
        self._rules = _compiled(rules, prefilters.compiled)
        prose = [rule for rule in self._rules if rule.stride is Stride.PROSE]
        triggers = sorted({_with_flags(rule.rule) for rule in prose if rule.rule.trigger}) if streams else []
        self.streams = streams
        self._candidates = _Candidates(self._rules, triggers, prefilters, streams=streams)
        self._plan = _StreamPlan.of(self._rules, self._candidates, triggers)
        self.look_ahead = max((rule.reach for rule in self._rules), default=0)
        forget()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(compiled.rule for compiled in self._rules)

    def scan_view(
        self, view: View, *, failed: dict[str, Exception] | None = None, deadline: float | None = None
    ) -> list[Hit]:
        """All hits in one view, by rule and then by position.

        A validator that raises puts its guard's id and the exception into ``failed`` (without ``failed`` it
        is raised). After ``deadline`` (``time.perf_counter`` seconds) the rest counts as failed likewise.
        """
        hits: list[Hit] = []
        probe = Probe(view.text)
        try:
            candidates = self._whole_candidates(view.text, probe, deadline)
        except BudgetExceeded as error:
            if failed is None:
                raise
            failed.update(dict.fromkeys({rule.guard for rule in self.rules}, error))
            return hits
        late = deadline if len(view.text) > _PIECE else None  # a short text is over before the time is
        for index in candidates:
            rule = self._rules[index]
            if view.kind not in rule.rule.views:
                continue
            try:
                if late is not None and time.perf_counter() > late:
                    raise BudgetExceeded
                if not rule.may(probe.data):
                    continue
                hits.extend(_whole(rule, view.text, deadline))
            except Exception as error:
                if failed is None:
                    raise
                failed.setdefault(rule.rule.guard, error)
        return hits

    def _whole_candidates(self, text: str, probe: Probe, deadline: float | None) -> Sequence[int]:
        """Candidates of a whole text. A long one is looked at in pieces that overlap, so that time can be kept."""
        if len(text) <= _PIECE:
            return self._candidates(probe)[0]
        found: set[int] = set()
        for start in range(0, len(text), _PIECE - MAX_WIDTH):
            if deadline is not None and time.perf_counter() > deadline:
                raise BudgetExceeded
            found.update(self._candidates(Probe(text[start : start + _PIECE]))[0])
        return sorted(found)

    def scan(
        self, reading: Reading, *, failed: dict[str, Exception] | None = None, deadline: float | None = None
    ) -> list[Finding]:
        """All findings in all views of a reading, spans in the original, each (rule, span) once."""
        found: dict[tuple[str, tuple[int, int]], Finding] = {}
        for view in reading.views:
            for hit in self.scan_view(view, failed=failed, deadline=deadline):
                finding = hit.finding(view.original(hit.start, hit.end))
                key = (finding.rule, finding.span)
                known = found.get(key)
                if known is None or known.confidence < finding.confidence:
                    found[key] = finding
        return list(found.values())

    def stream(self, on_failed: OnFailed | None = None) -> ScanStream:
        """An inspector for one growing plain text. A validator that raises puts its guard's rules out for the
        rest of the text and is told to ``on_failed``; without that it is raised. Raises ``ValueError`` where the
        scanner is for whole texts."""
        if not self.streams:
            raise ValueError("this scanner reads whole texts only")
        return ScanStream(self._plan, on_failed)


def _whole(rule: _Compiled, text: str, deadline: float | None) -> Iterator[Hit]:
    position = tried = 0
    while (match := rule.search(text, position)) is not None:
        tried += 1
        if deadline is not None and tried % _CHECK_EVERY == 0 and time.perf_counter() > deadline:
            raise BudgetExceeded
        start, end = match.span(rule.rule.group)
        confidence = _validated(rule.rule, text, start, end)
        if confidence is None:
            position = match.start() + 1
            continue
        stop = match.end()
        for open_start, open_end, _ in _extended(rule, text, start, end, final=True):
            yield Hit(rule.rule, confidence, open_start, open_end)
            stop = max(stop, open_end)
        position = stop


def _validated(rule: Rule, text: str, start: int, end: int) -> float | None:
    if start < 0:
        return None
    if rule.validate is None:
        return rule.confidence
    return rule.validate(text[start:end], text[max(0, start - MAX_CONTEXT) : start])


def _extended(rule: _Compiled, text: str, start: int, end: int, *, final: bool) -> Iterator[tuple[int, int, bool]]:
    """The spans that a head grows to with its tail or terminator: (start, end, complete).

    A span is cut at ``limit``; a tail goes on as a further span, because what follows still belongs to it.
    """
    limit = rule.rule.limit
    if rule.until is not None:
        match = rule.until(text, end, min(len(text), start + limit))
        if match is not None:
            yield (start, match.end(), True)
        else:
            yield (start, min(len(text), start + limit), final or len(text) >= start + limit)
        return
    if rule.tail is None:
        yield (start, end, True)
        return
    match = rule.tail(text, end)
    stop = match.end() if match is not None else end
    while stop - start > limit:
        yield (start, start + limit, True)
        start += limit
    yield (start, stop, final or stop < len(text))


@dataclass(frozen=True, slots=True, eq=False)
class _StreamPlan:
    """What a stream needs to know of a set of rules, worked out once."""

    rules: tuple[_Compiled, ...]
    candidates: _Candidates
    token: tuple[int, int]  # reach and look-ahead, (0, 0) where there is no such rule
    number: tuple[int, int]
    prose: tuple[int, int]
    untriggered: int  # reach of prose rules without a trigger
    triggers: tuple[str, ...]
    trigger_width: int

    @classmethod
    def of(cls, rules: tuple[_Compiled, ...], candidates: _Candidates, triggers: Sequence[str]) -> _StreamPlan:
        def extent(stride: Stride) -> tuple[int, int]:
            chosen = [rule for rule in rules if rule.stride is stride]
            return (
                max((rule.reach for rule in chosen), default=0),
                max((rule.ahead for rule in chosen), default=0),
            )

        prose = [rule for rule in rules if rule.stride is Stride.PROSE]
        return cls(
            rules=rules,
            candidates=candidates,
            token=extent(Stride.TOKEN),
            number=extent(Stride.NUMBER),
            prose=extent(Stride.PROSE),
            untriggered=max((rule.reach for rule in prose if not rule.rule.trigger), default=0),
            triggers=tuple(triggers),
            trigger_width=max((rule.trigger_width for rule in prose), default=0),
        )

    def decided(self, text: str, low: tuple[int, int, int], occurring: Sequence[int]) -> tuple[int, int, int]:
        """Offsets in ``text`` before which all starts are decided, for token, number and prose rules.

        ``low`` are the same as known before; ``occurring`` are the triggers that may occur in the text.
        """
        size = len(text)
        token = number = prose = size
        reach, ahead = self.token
        if reach:
            token = max(_after_last_blank(text, size - ahead, low[0]), size - reach)
        reach, ahead = self.number
        if reach:
            number = max(len(text[low[1] : max(low[1], size - ahead)].rstrip(_NUMBER)) + low[1], size - reach)
        if self.prose[0]:
            prose = max(self._prose(text, low[2], occurring), low[2])
        return max(token, low[0]), number, prose

    def _prose(self, text: str, low: int, occurring: Sequence[int]) -> int:
        size = len(text)
        least = max(low, size - self.prose[0])
        point = size
        if self.untriggered:
            point = size - self.untriggered
        if self.triggers:
            point = min(point, size - self.trigger_width)
            for index in occurring:
                if point <= least:
                    break
                # Only a start before ``point`` matters, and no trigger reaches further from there.
                match = _searcher(self.triggers[index])(text, least, point + self.trigger_width)
                if match is not None:
                    point = min(point, match.start())
        return max(point, least)


@lru_cache(maxsize=4096)
def _searcher(pattern: str) -> Callable[..., re.Match[str] | None]:
    return re.compile(pattern).search


def _with_flags(rule: Rule) -> str:
    letters = "".join(
        letter
        for flag, letter in ((re.IGNORECASE, "i"), (re.DOTALL, "s"), (re.VERBOSE, "x"), (re.ASCII, "a"))
        if rule.flags & flag
    )
    return f"(?{letters}:{rule.trigger})" if letters else f"(?:{rule.trigger})"


def _after_last_blank(text: str, end: int, low: int) -> int:
    """The offset after the last blank that lies before ``end + 1`` and not before ``low``; ``low`` if there is none."""
    head = text[low : max(low, end + 1)]
    if not head:
        return low
    if head[-1].isspace():
        return low + len(head)
    words = head.rsplit(None, 1)
    return low + len(head) - len(words[-1])


class ScanStream:
    """A ``StreamInspector`` over plain text. Memory is bounded by the rules' reach and limits."""

    def __init__(self, plan: _StreamPlan, on_failed: OnFailed | None = None) -> None:
        self._plan = plan
        self._on_failed = on_failed
        self._out: set[str] = set()  # guards whose validator raised
        self._text = ""  # what is kept of the text
        self._base = 0  # offset of its first code point
        self._low = (0, 0, 0)  # absolute offsets up to which each stride's starts are decided
        self._next: dict[int, int] = {}  # rule -> absolute offset where its last match ended
        self._resume: dict[int, int] = {}  # rule -> absolute offset where its open match just ended
        self._open: dict[int, tuple[int, int, float]] = {}  # rule -> start, head's end, confidence
        self._pending: list[Hit] = []
        self.settled = 0

    def feed(self, piece: str, final: bool) -> Sequence[Finding]:
        """See ``core.ports.StreamInspector.feed``."""
        self._text += piece
        base, text = self._base, self._text
        size = base + len(text)
        if self._open:
            self._grow(final)
        low = self._low
        scan_from = min(*low, *self._resume.values()) - MAX_CONTEXT - base
        probe = Probe(text[scan_from:] if scan_from > 0 else text)
        rules, triggers = self._plan.candidates(probe)
        if final:
            decided = (size + 1, size + 1, size + 1)
        else:
            token, number, prose = self._plan.decided(text, (low[0] - base, low[1] - base, low[2] - base), triggers)
            decided = (token + base, number + base, prose + base)
        for index in rules:
            if index not in self._open:
                self._try(index, probe, decided, final)
        self._low = decided
        self._resume.clear()
        settled = min(size, *decided)
        for start, _, _ in self._open.values():
            settled = min(settled, start)
        self.settled = max(self.settled, settled)
        if min(self.settled, size) - MAX_CONTEXT - base > _KEPT:
            self._drop(size)
        return self._due(final) if self._pending else ()

    def _try(self, index: int, probe: Probe, decided: tuple[int, int, int], final: bool) -> None:
        compiled = self._plan.rules[index]
        rule = compiled.rule
        guard = rule.guard
        if guard in self._out or ViewKind.PLAIN not in rule.views:
            return
        try:
            if index not in self._resume and not compiled.may(probe.data):
                return
            self._confirm(index, decided, final)
        except Exception as error:
            if self._on_failed is None:
                raise
            self._out.add(guard)
            self._on_failed(guard, error)

    def _confirm(self, index: int, decided: tuple[int, int, int], final: bool) -> None:
        rule = self._plan.rules[index]
        base, text = self._base, self._text
        which = _STRIDES[rule.stride]
        limit = decided[which] - base
        position = self._resume.pop(index, max(self._next.get(index, 0), self._low[which])) - base
        while position < limit and (match := rule.search(text, position)) is not None:
            if match.start() >= limit:
                break
            start, end = match.span(rule.rule.group)
            confidence = _validated(rule.rule, text, start, end)
            if confidence is None:
                position = match.start() + 1
                continue
            position = match.end()
            for head, stop, complete in _extended(rule, text, start, end, final=final):
                if not complete:
                    self._open[index] = (head + base, max(end, stop - _MARGIN, head) + base, confidence)
                    return
                self._pending.append(Hit(rule.rule, confidence, head + base, stop + base))
                position = max(position, stop)
        self._next[index] = position + base

    def _grow(self, final: bool) -> None:
        """Takes open tails further; a rule whose tail has ended goes on searching behind it."""
        base, text = self._base, self._text
        for index, (start, seen, confidence) in list(self._open.items()):
            rule = self._plan.rules[index]
            del self._open[index]
            for head, stop, complete in _extended(rule, text, start - base, seen - base, final=final):
                if not complete:
                    self._open[index] = (head + base, max(seen, stop + base - _MARGIN), confidence)
                else:
                    self._pending.append(Hit(rule.rule, confidence, head + base, stop + base))
                    self._resume[index] = stop + base

    def _drop(self, size: int) -> None:
        """Forgets what no match can reach any more."""
        keep = min(self.settled, size) - MAX_CONTEXT
        self._text = self._text[keep - self._base :]
        self._base = keep
        self._next = {index: at for index, at in self._next.items() if at > keep}

    def _due(self, final: bool) -> list[Finding]:
        self._pending.sort(key=lambda hit: (hit.start, -hit.end, hit.rule.id))
        due = [hit for hit in self._pending if final or hit.start < self.settled]
        self._pending = self._pending[len(due) :]
        return [hit.finding((hit.start, hit.end)) for hit in due]


_STRIDES = {Stride.TOKEN: 0, Stride.NUMBER: 1, Stride.PROSE: 2}
_KEPT = 1024  # code points that may be kept without need: forgetting costs something
_MARGIN = 64  # a terminator may straddle the end of what has come: look again a little before
