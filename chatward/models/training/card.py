"""The models' card: what they are, what they were made of, and what they are not good for (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chatward.models.heads import ENTITIES, HEADS
from chatward.models.store import ModelFiles
from chatward.models.training import corpora


def card(facts: Mapping[str, Any], calibration: Mapping[str, Any], files: ModelFiles, data: Path) -> str:
    """The card as Markdown. Figures on left-out sources are not here: ``chatward evaluate`` makes them anew."""
    lines = [
        "# Model card",
        "",
        f"Text models of Chatward {facts['version']}. {facts['made']}",
        "",
        "## Files",
        "",
        "| file | SHA-256 |",
        "| --- | --- |",
        *(f"| {name} | `{digest}` |" for name, digest in sorted(files.digests.items())),
        "",
        "`vocabulary.txt` and `encoder.onnx` start from all-MiniLM-L6-v2 (Apache-2.0), `tier1.npz` from the static",
        "table of wordllama (MIT), `names.npz` from the words of the encoder. No file holds code or pickles.",
        "",
        "## What they answer",
        "",
        f"Texts: {', '.join(HEADS)}. Words: {', '.join(ENTITIES)}. A score of 0.5 is exceeded by at most this share of",
        "ordinary texts that no model was fitted on:",
        "",
        ", ".join(f"{head} {share:.1%}" for head, share in calibration["alarms"].items()) + ".",
        "",
        "## What they were made of",
        "",
        f"The mixture that `chatward train` composes with seed {facts['seed']}: {facts['examples']} examples at full",
        "size; an epoch of the encoder takes a share of the large sources.",
        "",
        "| source | examples | licence | upstream |",
        "| --- | --- | --- | --- |",
    ]
    entries = {Path(name).name.partition(".")[0]: row for name, row in corpora.manifest(data).items()}
    for source, count in facts["sources"].items():
        row = entries.get(source.rpartition("/")[2], {})
        licence = row.get("licence", "written for this project, Apache-2.0")
        upstream = row.get("upstream", "")
        shown = ", ".join(upstream) if isinstance(upstream, list) else str(upstream)
        lines.append(f"| {source} | {count} | {licence} | {shown} |")
    languages = [f"{name} {count}" for name, count in facts["languages"].items() if count >= 50]
    lines += [
        "",
        f"Languages, by examples: {', '.join(languages)}.",
        "",
        f"Calibrated on {facts['calibration']['ordinary']} ordinary texts (BANKING77, Bitext, held-back phrases),",
        f"{facts['calibration']['look-alikes']} look-alikes and {facts['calibration']['documents']} clean documents.",
        "",
        "## By language",
        "",
        "Held-back phrases at 0.5 and above for `attack` where both tiers read them, and how many there are. They are",
        "in the style of what was trained on: they compare languages and say little of the world.",
        "",
        "| language | ordinary | look-alikes | attacks |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {_share(row['ordinary'])} | {_share(row['look-alikes'])} | {_share(row['attacks'])} |"
            for name, row in facts["by_language"].items()
        ),
        "",
        *_borders(facts["own_borders"]),
        "## Limits",
        "",
        "- The encoder was made for English. Other languages rest on written phrases, machine-translated corpora and",
        "  the n-grams of tier 1; Swedish, Romanian, Ukrainian, Czech, Persian, Bengali, Vietnamese and Thai have",
        "  about half the phrases of the others. Phrases of one region often follow one another.",
        "- A plain request inside a document is an attack only by its place. Documents that give orders to their",
        "  reader are the hardest case.",
        "- Labels of the abuse corpora differ in what they call offensive; dialects are over-represented among their",
        "  positives (Sap et al. 2019). The guard therefore only notes insults.",
        "- Names in lower case, and names that are words, are missed more often.",
    ]
    return "\n".join(lines) + "\n"


def _share(counted: Sequence[float]) -> str:
    count, share = counted
    return f"{share:.1%} of {count:.0f}"


def _borders(gain: Mapping[str, Any]) -> list[str]:
    if not gain:
        return []
    low, high = gain["interval"]
    return [
        "With a border of each language's own, chosen on one half of these phrases and measured on the other, recall",
        f"at 1 to 5 % false alarms would be {gain['own']:.1%} instead of {gain['common']:.1%}",
        f"(difference {low:+.1%} to {high:+.1%}).",
        "",
    ]
