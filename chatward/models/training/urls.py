"""Training of the model for URLs (``chatward.models.urls``): lists in; weights, filters, facts and a card out.

    python -m chatward.models.training.urls DATA OUT
    python -m chatward.models.training.urls DATA --measure [--ordinary FILE]

The rules:

1. Fitted on lists whose licence allows it (docs/data.md): phishing seen before 2024-04 and undated lists of domains,
   against links of directories and curated lists and names of popular sites. Feeds whose terms do not allow it are only
   measured on, and all of what they list was seen later (2024-10 to 2025-06).
2. Of each registered name (of each customer's name on a host of many) eight harmful and twenty ordinary links are taken
   at most. A fifth of all names, by digest, is held back with all of their links; half of it sets the threshold, half
   tells the false alarms.
3. Popular names are half the time shown as if nobody knew them, so that the model learns from their letters too.
4. Kinds of hosts are weighed to shares that were set beforehand (``_SHARES``): lists of domains say nothing about how
   often people send each other front pages.

Logistic regression by Adagrad over hashed pieces, in numpy; minutes on one core. Seeds are fixed. ``--measure`` fits
nothing and tells what the shipped model makes of the lists, and of a file of other ordinary links, one a line.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import random
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatward import __version__
from chatward.core.addresses import Address, parse
from chatward.core.brands import brands
from chatward.core.hosts import SHARED, path_shared, split
from chatward.models import urls
from chatward.models.store import write_manifest
from chatward.models.training.curves import Feed, Floats, rounded, threshold

Report = Callable[[str], None]

HARMFUL: Final[Mapping[str, float]] = {
    "phishtank_2020": 2.0,
    "phishtank_2021": 2.0,
    "phishtank_2021b": 2.0,
    "phishtank_2024": 3.0,
    "phishstorm": 0.5,
    "pdd": 0.7,
    "faizann_bad": 0.3,
    "discord_antiscam": 0.3,
    "discord_phishing_links": 0.3,
    "polkadot_phishing": 0.3,
    "eth_phishing_detect": 0.3,
    "chainapsis": 0.3,
}
"""Lists of harmful links, with the weight of one."""
ORDINARY: Final[Mapping[str, float]] = {
    "benign_curated_lists": 4.0,
    "iscx_benign": 0.7,
    "phishstorm": 0.5,
    "pdd": 0.7,
    "eth_phishing_detect": 1.0,
}
"""Lists that have ordinary links, with the weight of one."""
POPULAR: Final[Mapping[str, int]] = {
    "cloudflare-top100k": 1,
    "majestic_million": 2,
    "cloudflare-top10k": 2,
    "alexa": 2,
    "moz-top500": 2,
}
"""Lists of popular names inside ``misp_warninglists``, and how well known they make a name."""
LATER: Final = "openphish_to_2025_06"
_FRONT: Final = ("benign_curated_lists", 3.0)
_SHARES: Final = {1: (0.32, 0.03, 0.20, 0.37, 0.08), 0: (0.02, 0.02, 0.15, 0.36, 0.45)}
"""Shares of ``urls.KINDS`` among harmful and ordinary links."""
_BALANCE: Final = 3.0  # how much more the ordinary ones weigh in all
_CUSTOMERS: Final = 25
_WORD: Final = re.compile(r"[a-z]{4,14}(?:-[a-z]{3,10})?")
_CAPS: Final = {1: 8, 0: 20}
_HELD: Final = 0.2
_UNKNOWN: Final = 0.4
_OF_ONE: Final = 5  # ordinary links of one owner that are measured on
_EPOCHS: Final = 5
_BATCH: Final = 256
_RATE: Final = 0.1
_PULL: Final = 1e-6
ALLOWED: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Row:
    """One link: where it is from, whether it is harmful, its owner's name, when it was seen, and how known that is."""

    source: str
    harmful: int
    owner: str
    address: Address
    seen: str = ""
    known: int = 0


def lists(data: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one list of links."""
    with gzip.open(data / "urls" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def popular(data: Path) -> dict[str, int]:
    """Registered names that very many people visit, and how well known each is."""
    found: dict[str, int] = {}
    with tarfile.open(data / "intel" / "misp_warninglists.tar.gz") as archive:
        for member in archive:
            parts = member.name.split("/")
            fame = POPULAR.get(parts[-2]) if len(parts) > 2 and parts[-1] == "list.json" else None
            file = archive.extractfile(member) if fame else None
            if file is None or fame is None:
                continue
            for name in json.load(file)["list"]:
                address = address_of(name)
                if address is None:
                    continue
                host = address.host.removeprefix("www.")
                cut = split(host)
                if cut.registered and not cut.shared and not path_shared(host):
                    found[cut.registered] = max(found.get(cut.registered, 0), fame)
    return found


def customers(known: Mapping[str, int], seed: int = 0) -> list[str]:
    """Made-up hosts of customers on hosts of many, named like popular sites that are no brands. Lists of ordinary links
    know few of those hosts, so these tell what the model makes of an honest name there."""
    pick = random.Random(seed)
    names = sorted({split(name).name for name in known if _WORD.fullmatch(split(name).name)})
    names = [name for name in names if not any(brand in name for brand in brands().long)]
    return [f"{name}.{suffix}" for suffix in sorted(SHARED) for name in pick.sample(names, min(_CUSTOMERS, len(names)))]


def address_of(text: str) -> Address | None:
    """A listed link, read as HTTP where it has no scheme."""
    text = text.strip()
    address = parse(text if "://" in text[:12] else f"http://{text}")
    return address if address is not None and address.host and address.special else None


def owner_of(address: Address) -> str:
    """Whose link it is: the registered name, or the host where strangers share that."""
    host = address.host.removeprefix("www.")
    cut = split(host)
    return host if cut.shared or not cut.registered else cut.registered


def rows_of(data: Path, known: Mapping[str, int], *, later: bool = False) -> list[Row]:
    """All links, each once. ``later``: only those of the feed that is measured on."""
    found: list[Row] = []
    seen: set[tuple[str, str, str]] = set()

    def add(source: str, text: str, harmful: int, when: str = "") -> None:
        address = address_of(text)
        if address is None:
            return
        host = address.host.removeprefix("www.")
        key = (host, address.path.rstrip("/"), address.query)
        if key not in seen:
            seen.add(key)
            fame = 0 if split(host).shared or path_shared(host) else known.get(split(host).registered, 0)
            found.append(Row(source, harmful, owner_of(address), address, when, fame))

    if later:
        for listed in lists(data, LATER):
            if not listed.get("in_train"):
                add(LATER, listed["url"], 1, listed["first_seen"])
        return found
    for name in ORDINARY:
        for listed in lists(data, name):
            if listed["label"] == "benign":
                add(name, listed["url"], 0)
    for name in sorted(known):
        add("popular", name, 0)
    for row in [one for one in found if one.source in ORDINARY and (len(one.address.path) > 1 or one.address.query)]:
        add(f"front/{row.source}", row.address.host, 0)
    for name in HARMFUL:
        for listed in lists(data, name):
            if listed["label"] != "benign":
                add(name, listed["url"], 1, listed.get("first_seen", ""))
    return found


def place_of(owner: str) -> float:
    """Where an owner falls by digest, 0 to 1."""
    return int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4], "big") / 2**32


class Matrix:
    """Rows of numbers of different lengths, in one array."""

    def __init__(self, found: Sequence[Row], *, forget: bool = False) -> None:
        each = [urls.rows(urls.cut(row.address, 0 if forget else row.known)).astype(np.int32) for row in found]
        self.ends = np.cumsum([0, *map(len, each)])
        self.flat = np.concatenate(each) if each else np.zeros(0, np.int32)

    def __getitem__(self, place: int) -> NDArray[np.int32]:
        return self.flat[self.ends[place] : self.ends[place + 1]]


def taken(found: Sequence[Row], seed: int) -> list[int]:
    """Places of the rows to fit on: not held back, and not too many of one owner."""
    pick = random.Random(seed)
    order = list(range(len(found)))
    pick.shuffle(order)
    count: Counter[tuple[str, int]] = Counter()
    chosen = []
    for place in order:
        row = found[place]
        if place_of(row.owner) < _HELD and row.source != "popular":
            continue
        count[row.owner, row.harmful] += 1
        if count[row.owner, row.harmful] <= _CAPS[row.harmful]:
            chosen.append(place)
    return chosen


def weights_of(found: Sequence[Row], chosen: Sequence[int]) -> Floats:
    """What each row counts, by source and then by kind of host."""
    weights = np.zeros(len(found), np.float32)
    groups: dict[tuple[int, int], list[int]] = {}
    for place in chosen:
        row = found[place]
        table = HARMFUL if row.harmful else ORDINARY
        by_source = _FRONT[1] if row.source == f"front/{_FRONT[0]}" else 2.0 if row.known == 2 else 1.0
        weights[place] = table.get(row.source, by_source)
        groups.setdefault((row.harmful, urls.cut(row.address, row.known).kind), []).append(place)
    for harmful in (0, 1):
        total = sum(float(weights[places].sum()) for (side, _), places in groups.items() if side == harmful)
        for (side, kind), places in groups.items():
            if side == harmful:
                have = float(weights[places].sum()) / total
                weights[places] *= min(10.0, max(0.1, _SHARES[harmful][kind] / have))
    labels = np.array([row.harmful for row in found])
    weights[labels == 0] *= weights[labels == 1].sum() / weights[labels == 0].sum()
    weights /= weights[list(chosen)].mean()
    weights[labels == 0] *= _BALANCE
    return weights


def fit(found: Sequence[Row], seed: int = 0, report: Report = lambda line: None) -> Floats:
    """The weights, as floating point."""
    chosen = np.array(taken(found, seed))
    importance = weights_of(found, chosen.tolist())
    report(f"{len(chosen)} links to fit on")
    popular_places = {place: at for at, place in enumerate(p for p in chosen if found[p].source == "popular")}
    shown = Matrix(found)
    unknown = Matrix([found[place] for place in popular_places], forget=True)
    truth = np.array([row.harmful for row in found], np.float32)
    pick = np.random.default_rng(seed)
    weights = np.zeros(urls.BUCKETS, np.float32)
    gained = np.full(urls.BUCKETS, 1e-3, np.float32)
    for epoch in range(_EPOCHS):
        order = pick.permutation(chosen)
        hidden = pick.random(len(found)) < _UNKNOWN
        loss = 0.0
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            parts = [
                unknown[popular_places[place]] if hidden[place] and place in popular_places else shown[place]
                for place in batch
            ]
            sizes = np.array([len(part) for part in parts])
            flat = np.concatenate(parts)
            spread = (1 / np.sqrt(sizes)).astype(np.float32)
            logits = np.add.reduceat(weights[flat], np.concatenate([[0], np.cumsum(sizes)[:-1]])) * spread
            said = 1 / (1 + np.exp(-logits))
            error = (said - truth[batch]) * importance[batch]
            loss += float(np.abs(error).sum())
            touched, inverse = np.unique(flat, return_inverse=True)
            slope = np.bincount(inverse, np.repeat(error * spread, sizes), len(touched)).astype(np.float32)
            slope += _PULL * _BATCH * weights[touched]
            gained[touched] += slope * slope
            weights[touched] -= _RATE * slope / np.sqrt(gained[touched])
        report(f"epoch {epoch + 1} of {_EPOCHS}: error {loss / len(order):.4f}")
    return weights


def packed(weights: Floats) -> tuple[NDArray[np.int8], float]:
    """Weights in eight bits, and their scale."""
    top = float(np.quantile(np.abs(weights[weights != 0]), 0.9995))
    scale = top / 127
    return np.clip(np.round(weights / scale), -127, 127).astype(np.int8), scale


def held_back(found: Sequence[Row], low: float, high: float) -> list[Row]:
    """Ordinary links that were held back, five of an owner at most: those whose owner falls between two places."""
    count: Counter[str] = Counter()
    chosen = []
    for row in found:
        if row.harmful or row.source not in ORDINARY or not low <= place_of(row.owner) < high:
            continue
        count[row.owner] += 1
        if count[row.owner] <= _OF_ONE:
            chosen.append(row)
    return chosen


def train(data: Path, out: Path, seed: int = 0, report: Report = lambda line: None) -> dict[str, Any]:
    """Fits, calibrates and writes ``urls.npz`` and ``urls.json``; returns the facts."""
    known = popular(data)
    found = rows_of(data, known)
    report(f"{len(found)} links, {len(known)} popular names")
    weights, scale = packed(fit(found, seed, report))
    filters = [urls.bloom(sorted(name for name, fame in known.items() if fame >= least)) for least in (1, 2)]
    raw = urls.UrlModel(weights, filters[0], filters[1], scale, 1.0, 0.0)
    ordinary = np.array([raw.logit(row.address) for row in held_back(found, 0.0, _HELD / 2)], np.float32)
    best = [row for row in found if row.source == "popular" and row.known == 2]
    roots = np.array([raw.logit(row.address) for row in best], np.float32)
    border = max(threshold(ordinary, ALLOWED), float(roots.max()))
    slope = math.log(4) / max(0.2, border - threshold(ordinary, 10 * ALLOWED))
    facts: dict[str, Any] = {
        "version": __version__,
        "seed": seed,
        "scale": scale,
        "slope": slope,
        "shift": -slope * border,
        "sources": dict(sorted(Counter(f"{row.source}/{row.harmful}" for row in found).items())),
        "popular_names": len(known),
        "set_on": len(ordinary),
    }
    model = urls.UrlModel(weights, filters[0], filters[1], scale, slope, facts["shift"])
    model.save(out / "urls.npz")
    facts["measured"] = measure(data, model, found, known)
    (out / "urls.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_manifest(out, __version__)
    return facts


def measure(
    data: Path, model: urls.UrlModel, found: Sequence[Row], known: Mapping[str, int], others: Sequence[str] = ()
) -> dict[str, Any]:
    """Recall on the later feed and false alarms on ordinary links whose owners the model never saw, at shares of false
    alarms and at the threshold that ships. ``others`` are ordinary links from elsewhere, measured in the same way."""
    ordinary = held_back(found, _HELD / 2, _HELD)
    alarms = np.array([model.score(row.address) for row in ordinary], np.float32)
    later = rows_of(data, known, later=True)
    feed = Feed(
        np.array([model.score(row.address) for row in later], np.float32),
        np.array([urls.cut(row.address, model.fame(row.address.host)).kind for row in later]),
        np.array([row.seen >= "2025" for row in later]),
        np.array([row.address.host.endswith(".github.io") for row in later]),
    )
    roots = np.array([model.score(row.address) for row in found if row.source == "popular" and row.known == 2])
    made = [address for name in customers(known) if (address := address_of(name)) is not None]
    honest = np.array([model.score(address) for address in made] or [0.0])
    told = {
        "ordinary": len(ordinary),
        "later": len(feed.scores),
        "curve": feed.curve(alarms),
        "customers_over": {f"{border:g}": rounded((honest > border).mean()) for border in (0.5, 0.8, 0.95)},
        "at_half": {
            "recall": rounded((feed.scores > 0.5).mean()),
            "false_alarms": rounded((alarms > 0.5).mean()),
            "popular_names_over": int((roots > 0.5).sum()),
            "popular_names": len(roots),
            "recall_by_kind": {
                name: [int((feed.kinds == place).sum()), rounded((feed.scores[feed.kinds == place] > 0.5).mean())]
                for place, name in enumerate(urls.KINDS)
                if (feed.kinds == place).any()
            },
        },
    }
    if others:
        new = unseen(others, {row.owner for row in found})
        scores = np.array([model.score(row.address) for row in new], np.float32)
        over = int((scores > 0.5).sum())
        told["others"] = {"links": len(new), "over_half": over, "curve": feed.curve(scores)}
    return told


def unseen(links: Sequence[str], owners: Collection[str]) -> list[Row]:
    """Ordinary links of owners that are not among these, five of one at most."""
    count: Counter[str] = Counter()
    chosen = []
    for address in filter(None, map(address_of, links)):
        owner = owner_of(address)
        count[owner] += 1
        if owner not in owners and count[owner] <= _OF_ONE:
            chosen.append(Row("others", 0, owner, address))
    return chosen


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fits the model for URLs.")
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--measure", action="store_true", help="fit nothing: measure the shipped model")
    parser.add_argument("--ordinary", type=Path, help="other ordinary links to measure on, one a line")
    given = parser.parse_args()
    if given.measure:
        known = popular(given.data)
        others = given.ordinary.read_text(encoding="utf-8").splitlines() if given.ordinary else ()
        told = measure(given.data, urls.shipped(), rows_of(given.data, known), known, others)
    elif given.out is None:
        parser.error("say where the model goes, or --measure")
    else:
        given.out.mkdir(parents=True, exist_ok=True)
        told = train(given.data, given.out, given.seed, lambda line: print(line, flush=True))["measured"]
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
