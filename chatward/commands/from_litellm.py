"""LiteLLM's configuration read into Chatward's: which bots there are, where, and which key each gets.

The rules:

1. Read is ``model_list`` (``model_name``; ``litellm_params``: ``model``, ``api_base``, ``api_key``) and the reference
   of ``general_settings.master_key``. Whatever cannot be carried over is said, one line each; nothing is guessed.
2. No secret is copied. ``os.environ/NAME`` becomes ``env:NAME``; a key that stands in the file becomes the name of a
   variable to put it into.
3. Chatward speaks to bots in their own dialect and renames no model: providers with dialects of their own (Azure,
   Bedrock, Vertex) are left out, and a model that had another name for callers is named.
4. YAML needs PyYAML, which Chatward does not bring; LiteLLM's own environment has it. JSON is read without.

LiteLLM's format: https://docs.litellm.ai/docs/proxy/configs
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chatward.core.errors import ConfigError
from chatward.settings.rules import upstream_problem

BASES: Final[Mapping[str, str]] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "deepseek": "https://api.deepseek.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "mistral": "https://api.mistral.ai/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "together_ai": "https://api.together.xyz/v1",
    "xai": "https://api.x.ai/v1",
}
"""Where providers are that speak a dialect Chatward knows, for entries without ``api_base``."""
SPOKEN: Final = frozenset(BASES) | {
    "custom_openai", "hosted_vllm", "litellm_proxy", "lm_studio", "ollama", "ollama_chat", "openai_like", "vllm",
    "text-completion-openai", "xinference", "llamafile", "nvidia_nim", "perplexity", "fireworks_ai", "cerebras",
}  # fmt: skip
"""Providers that do so where ``api_base`` says."""
_MOST: Final = 1 << 20
_ENVIRON: Final = "os.environ/"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONVERT: Final = "python -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)'"


@dataclass(slots=True)
class Carried:
    """What was carried over: ``bots`` by name (upstream and key's reference), ``routes`` by bot (model patterns),
    references of ``keys`` for callers, and ``notes`` on what was not."""

    bots: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    routes: dict[str, list[str]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path, environment: Mapping[str, str]) -> Carried:
    """Raises ``ConfigError``: ``file-missing``, ``extra-missing`` (there is no YAML reader here), ``config-syntax``,
    and ``no-upstream`` where no bot is left. ``environment`` gives addresses that are named by a variable."""
    document = _document(path)
    entries = document.get("model_list")
    if not isinstance(entries, list):
        raise ConfigError("it has no model_list", file=str(path), reason="config-syntax")
    carried, seen = Carried(), set()
    for number, entry in enumerate(entries, 1):
        params = entry.get("litellm_params") if isinstance(entry, dict) else None
        if not isinstance(params, dict) or not isinstance(params.get("model"), str):
            carried.notes.append(f"entry {number} names no model, and is left out")
            continue
        called = str(entry.get("model_name") or params["model"])
        if called in seen:
            carried.notes.append(f"{called}: only its first deployment is taken; Chatward does not balance load")
            continue
        if _carry(carried, called, params, environment):
            seen.add(called)
    if not carried.bots:
        said = "; ".join(carried.notes) or "model_list is empty"
        raise ConfigError(f"no bot could be taken from it: {said}", file=str(path), reason="no-upstream")
    general = document.get("general_settings")
    master = general.get("master_key") if isinstance(general, dict) else None
    if isinstance(master, str) and master:
        carried.keys.append(_reference(carried, "general_settings.master_key", master, "CHATWARD_KEY"))
        carried.notes.append("keys of LiteLLM's database are not carried over; make new ones: chatward keys create")
    return carried


def _carry(carried: Carried, called: str, params: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Adds one model; whether it could be."""
    provider, slash, model = params["model"].partition("/")
    if not slash:
        provider, model = "openai", params["model"]
    base = params.get("api_base")
    if provider not in SPOKEN:
        carried.notes.append(f"{called}: Chatward does not speak to {provider} itself; left out")
        return False
    if isinstance(base, str) and base.startswith(_ENVIRON):
        base = environment.get(base.removeprefix(_ENVIRON), "")
    base = base or BASES.get(provider)
    if not isinstance(base, str) or not base:
        carried.notes.append(f"{called}: its api_base is not known here; left out")
        return False
    problem = upstream_problem(base)
    if problem is not None:
        carried.notes.append(f"{called}: its api_base {problem}; left out")
        return False
    name = _bot(carried, provider, base, called, params.get("api_key"))
    pattern = "*" if model == "*" else model
    carried.routes.setdefault(name, [])
    if pattern not in carried.routes[name]:
        carried.routes[name].append(pattern)
    if called not in {model, "*"} and not called.endswith("/*"):
        carried.notes.append(f"{called}: callers ask for {model} from now on; Chatward renames no model")
    return True


def _bot(carried: Carried, provider: str, base: str, called: str, key: object) -> str:
    """The name of the bot at this address with this key, a new one where there is none."""
    wanted = key if isinstance(key, str) and key else None
    slug = re.sub(r"[^a-z0-9]+", "-", (urlsplit(base).hostname or provider).lower()).strip("-")[:40] or provider
    variable = re.sub(r"[^A-Z0-9]+", "_", f"{provider}_API_KEY".upper())
    reference = None if wanted is None else _reference(carried, f"{called}: api_key", wanted, variable)
    for name, (upstream, known) in carried.bots.items():
        if (upstream, known) == (base, reference):
            return name
    name, number = slug, 1
    while name in carried.bots:
        number += 1
        name = f"{slug}-{number}"
    carried.bots[name] = (base, reference)
    return name


def _reference(carried: Carried, what: str, value: str, variable: str) -> str:
    """A reference to a secret. One that stands in the file itself is not copied."""
    if value.startswith(_ENVIRON) and _NAME.fullmatch(value.removeprefix(_ENVIRON)):
        return f"env:{value.removeprefix(_ENVIRON)}"
    note = f"{what} stands in the file: put it into the environment as {variable}"
    if note not in carried.notes:
        carried.notes.append(note)
    return f"env:{variable}"


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST + 1)
    except OSError as error:
        said = f"it cannot be read: {error.strerror}"
        raise ConfigError(said, file=str(path), reason="file-missing") from None
    if len(data) > _MOST:
        raise ConfigError("it is larger than 1 MiB", file=str(path), reason="config-syntax")
    try:
        found = json.loads(data)
    except ValueError:
        found = _yaml(data, path)
    if not isinstance(found, dict):
        raise ConfigError("it holds no settings", file=str(path), reason="config-syntax")
    return found


def _yaml(data: bytes, path: Path) -> Any:
    try:
        reader: Any = importlib.import_module("yaml")
    except ImportError:
        how = f"{_CONVERT} < {path.name} > litellm.json"
        said = f"YAML is not read here; make it JSON where LiteLLM is installed, and give that file: {how}"
        raise ConfigError(said, file=str(path), reason="extra-missing") from None
    try:
        return reader.safe_load(data)
    except (reader.YAMLError, ValueError, RecursionError):
        # The parser's own words quote the file, and files hold keys.
        raise ConfigError("it is not YAML", file=str(path), reason="config-syntax") from None
