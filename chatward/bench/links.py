"""``chatward bench links``: what a link costs, from the text that holds it to all that is said of it.

The method:

1. A thousand made-up messages by a seed, no two alike: a sentence with one link of a mix, two in five ordinary pages,
   the rest look-alikes, defanged, Markdown, redirects, long queries, other scripts. Names are made up under reserved
   endings.
2. *A link* is finding it in its message, parsing it, its signs (``links.url``) and its score by the shipped model
   (``links.model``), with nothing remembered. Listed links (``links.intel``) have a benchmark of their own.
3. Peers only find links and cut hosts: urlextract (finding), tldextract (the registered name, from its bundled list).
   They are compared where they are installed, and never installed.
4. What is timed is the CPU time of this thread, one core; figures are medians over rounds.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chatward.bench.report import Progress, Report, machine, median
from chatward.bench.times import one_core, spent
from chatward.core.addresses import parse
from chatward.core.hosts import split
from chatward.core.normalise import read
from chatward.core.ports import Item
from chatward.core.values import Exchange, Moment, Part, PartKind, Source
from chatward.guards.links import extraction, model, urls
from chatward.guards.links.extraction import links_in
from chatward.models.urls import well_known

FIGURES: Final = ("url_ms_p50",)
MESSAGES: Final = 1000
_PEERS: Final = ("urlextract", "tldextract")


@dataclass(frozen=True, slots=True)
class Options:
    """``rounds`` of measurements."""

    rounds: int = 3


def run(options: Options, progress: Progress) -> Report:
    """The whole benchmark; takes seconds."""
    report = Report(dict.fromkeys(FIGURES), machine=machine())
    texts = messages(MESSAGES, seed=1)
    signs, letters = urls.UrlGuard((), well_known), model.LinkModelGuard()
    exchanges = [Exchange("bench", (Part(text, Source.USER),)) for text in texts]
    items = [Item(0, Source.USER, PartKind.TEXT, read(text, deep=False)) for text in texts]
    letters.weigh(items[0])  # loads the model

    def one(place: int) -> None:
        signs.inspect(exchanges[place], Moment.INPUT, [items[place]])
        letters.weigh(items[place])

    links = [link for text in texts for link in links_in(text)]
    stages: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "all": (one, range(len(texts))),
        "find": (links_in, texts),
        "parse": (parse, [link.url for link in links]),
        "signs": (lambda place: signs.inspect(exchanges[place], Moment.INPUT, [items[place]]), range(len(texts))),
        "model": (lambda place: letters.weigh(items[place]), range(len(texts))),
        "none": (links_in, [text.replace(".", " ").replace(":", " ").replace("/", " ") for text in texts]),
    }
    taken: dict[str, list[list[float]]] = {name: [] for name in stages}
    with one_core():
        for turn in range(options.rounds + 1):
            progress(f"round {turn} of {options.rounds}" if turn else "warming up")
            for name, (work, over) in stages.items():
                forget()
                took = spent(work, over)
                if turn:
                    taken[name].append(took)
        report.figures["url_ms_p50"] = _ms(taken["all"], 0.5)
        _peers(report, texts, options)
    report.details |= {
        "messages": len(texts),
        "links": len(links),
        "url_ms_p99": _ms(taken["all"], 0.99),
        "stage_ms_p50": {name: _ms(times, 0.5) for name, times in taken.items() if name != "all"},
    }
    return report


def forget() -> None:
    """Empties what remembers links, so that each is new."""
    for cached in (parse, split, extraction._whole, urls._signs, model._score, well_known):
        cached.cache_clear()


def _peers(report: Report, texts: Sequence[str], options: Options) -> None:
    """Others that find links or cut hosts, where they are installed."""
    for name in _PEERS:
        there = importlib.util.find_spec(name) is not None
        report.peers[name] = importlib.metadata.version(name) if there else None
        if not there:
            report.notes.append(f"{name} is not compared: not installed.")
    found: dict[str, float | None] = {}
    if report.peers["urlextract"] is not None:
        finder = importlib.import_module("urlextract").URLExtract()
        found["urlextract_find"] = _ms([spent(finder.find_urls, texts) for _ in range(options.rounds)], 0.5)
    if report.peers["tldextract"] is not None:
        cutter = importlib.import_module("tldextract").TLDExtract(suffix_list_urls=())
        hosts = [link.url for text in texts for link in links_in(text)]
        found["tldextract_cut"] = _ms([spent(cutter, hosts) for _ in range(options.rounds)], 0.5)
    if found:
        report.details["peers_ms_p50"] = found


def _ms(rounds: Sequence[Sequence[float]], share: float) -> float | None:
    """A quantile of each round, in milliseconds, as the median over them."""
    return median([sorted(times)[min(int(len(times) * share), len(times) - 1)] * 1e3 for times in rounds if times])


# --- messages ---------------------------------------------------------------------------------------------

_WORDS: Final = ("garden", "harbour", "lantern", "meadow", "orchard", "pepper", "quarry", "ribbon", "saddle", "walnut")
_SAID: Final = (
    "Could you tell me whether {} is the right page?",
    "Thank you! More about it stands at {} for everybody.",
    "I got this yesterday: {} and do not know what to do.",
    "{}",
)


def messages(count: int, seed: int) -> list[str]:
    """Different messages with a link each; the same for the same seed."""
    pick = random.Random(seed)  # noqa: S311 - a benchmark's mix
    return [pick.choice(_SAID).format(_link(pick, number)) for number in range(count)]


def _link(pick: random.Random, number: int) -> str:
    first, second = pick.sample(_WORDS, 2)
    name = f"{first}-{second}{number}"
    page = f"/{pick.choice(_WORDS)}/{pick.choice(_WORDS)}-{pick.randrange(10**6)}"
    made = (
        f"https://www.{name}.example{page}",
        f"https://{name}.example{page}.html?id={number}&ref={second}",
        f"https://shop.{name}.test/",
        f"{name}.com{page}",
        f"https://paypal.com.{name}.example/signin",
        f"hxxps://{name}[.]example{page}",
        f"[{first} {second}](https://{name}.example{page})",
        f"https://{name}.example/go?to=https%3A%2F%2F{second}{number}.example%2F",
        f"https://{name}.example/?q={'x'.join(pick.choices(_WORDS, k=10))}",
        f"https://{name}-bücher.example{page}",
    )
    return made[pick.randrange(10)] if pick.random() > 0.2 else made[pick.randrange(2)]
