"""How much two asks are about the same thing, whatever the language.

The rule: what a text is about is in its longer words. They are compared by their beginnings, so that endings do not
count; scripts without blanks between words are compared by pairs of characters. The measure is the share of the
smaller text's words that the other has too (Szymkiewicz-Simpson), so that a reworded ask may grow.
"""

from __future__ import annotations

import re
from typing import Final

_WORDS: Final = re.compile(r"[^\W\d_]{4,}")
_STEM: Final = 5
_MOST: Final = 200
_DENSE: Final = re.compile("[\u3400-\u9fff\uac00-\ud7af\u30a0-\u30ff\u0e00-\u0e7f]{2,}")


def subjects(folded: str) -> frozenset[str]:
    """What a text is about: the beginnings of its longer words, pairs of characters of scripts without blanks."""
    found: set[str] = set()
    for word in _WORDS.findall(folded)[:_MOST]:
        runs = _DENSE.findall(word)
        if runs:
            for run in runs:
                found.update(run[at : at + 2] for at in range(len(run) - 1))
        elif word not in _COMMON:
            found.add(word[:_STEM])
    return frozenset(found)


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """0 (nothing in common) to 1 (one holds all of the other). Fewer than two words say little."""
    least = min(len(one), len(other))
    if not least:
        return 0.0
    shared = len(one & other)
    return shared / max(least, 2)


_COMMON: Final = frozenset(
    word
    for line in (
        "that this with from have what would could should they them your their about there then than when were will",
        "please tell give write make does just only some like want need know explain describe show also into more very",
        "much dass eine einen einem einer nicht kann konnen konnte bitte sind wird werden wurde auch noch schon dann",
        "wenn aber oder mein dein sein haben hast habe mich dich schreib zeige erklare pour dans avec cette vous nous",
        "mais plus comment quoi quel quelle sont fait faire peux peut donne ecris para como esta este cual quien",
        "puedes puede quiero dime hacer tengo sobre isso voce quero pode fazer qual quem porque come questo questa",
        "sono puoi vorrei fare dimmi quale perche этого этот чтобы можно может напиши скажи если когда меня тебя очень",
        "была быть есть какие какои",
    )
    for word in line.split()
)
