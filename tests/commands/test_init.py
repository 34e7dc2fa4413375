"""``chatward init --tls`` and ``--from-litellm``: files that load and serve, and what could not be taken over."""

from __future__ import annotations

import importlib
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from chatward import cli
from chatward.commands.from_litellm import Carried, read
from chatward.configuration import load
from chatward.core.errors import ConfigError
from chatward.gateway.certificates import check, not_after

Captured = pytest.CaptureFixture[str]
LITELLM = """\
# A proxy of ours
model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_base: "https://second.example/v1", api_key: os.environ/SECOND}
  - model_name: gpt-mini
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet, api_key: sk-ant-a-real-looking-secret}
  - model_name: house
    litellm_params: {model: hosted_vllm/house, api_base: "http://10.0.0.5:8000/v1"}
  - model_name: there
    litellm_params: {model: openai/there, api_base: os.environ/THERE_BASE}
  - model_name: azure-gpt
    litellm_params: {model: azure/gpt, api_base: "https://x.azure.example", api_key: os.environ/AZURE}
  - model_name: odd
    litellm_params: {model: openai/odd, api_base: "https://user:pw@odd.example"}
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    return tmp_path


def carried(text: str, **environment: str) -> Carried:
    path = Path("litellm.yaml")
    path.write_text(text)
    return read(path, environment)


# --- TLS


def test_tls_files_are_made_named_and_explained(capsys: Captured) -> None:
    assert cli.main(["init", "--upstream", "https://bot.example", "--tls", "--tls-name", "chat.example"]) == 0
    said = capsys.readouterr().out
    server = load("chatward.toml", {}).settings.server
    assert server.tls_cert is not None
    assert server.tls_key is not None
    check(Path(server.tls_cert), Path(server.tls_key))
    for words in ("curl --cacert chatward-tls/ca.pem", "NODE_EXTRA_CA_CERTS", "chat.example and nothing else"):
        assert words in said
    assert ssl.create_default_context(cafile="chatward-tls/ca.pem").cert_store_stats()["x509_ca"] == 1
    assert not_after(Path(server.tls_cert)).isoformat()[:10] in said
    assert "https://localhost:8787/v1" in Path("chatward.toml").read_text()


def test_tls_for_programs(capsys: Captured) -> None:
    assert cli.main(["init", "--upstream", "https://bot.example", "--tls", "--port", "9443", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": "chatward.toml", "base_url": "https://localhost:9443/v1", "ca": "chatward-tls/ca.pem"}


def test_without_tls_nothing_is_made(here: Path) -> None:
    assert cli.main(["init", "--upstream", "https://bot.example"]) == 0
    assert [path.name for path in here.iterdir()] == ["chatward.toml"]


# --- LiteLLM


def test_bots_come_from_the_model_list(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THERE_BASE", "https://there.example/v1")
    Path("litellm.yaml").write_text(LITELLM)
    assert cli.main(["init", "--from-litellm", "litellm.yaml"]) == 0
    said = capsys.readouterr()
    text = Path("chatward.toml").read_text()
    settings = load("chatward.toml", {}).settings
    bots = {name: (bot.upstream, bot.api_key) for name, bot in settings.bots.items()}
    assert bots == {
        "api-openai-com": ("https://api.openai.com/v1", "env:OPENAI_API_KEY"),
        "api-anthropic-com": ("https://api.anthropic.com/v1", "env:ANTHROPIC_API_KEY"),
        "10-0-0-5": ("http://10.0.0.5:8000/v1", None),
        "there-example": ("https://there.example/v1", None),
    }
    routes = {name: (route.bot, route.models) for name, route in settings.routes.items()}
    assert routes["default"] == ("api-openai-com", ())
    assert routes["api-anthropic-com"] == ("api-anthropic-com", ("claude-sonnet",))
    assert settings.server.keys == ("env:LITELLM_MASTER_KEY",)
    assert "a-real-looking-secret" not in text + said.out + said.err
    for words in (
        "gpt-4o: only its first deployment is taken",
        "gpt-mini: callers ask for gpt-4o-mini from now on",
        "claude: api_key stands in the file: put it into the environment as ANTHROPIC_API_KEY",
        "azure-gpt: Chatward does not speak to azure itself",
        "odd: its api_base must not hold a user or password",
        "chatward keys create",
    ):
        assert words in said.err, words


def test_json_is_read_without_a_yaml_reader(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    document = {"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/m"}}]}
    Path("litellm.json").write_text(json.dumps(document))
    assert read(Path("litellm.json"), {}).routes == {"api-openai-com": ["m"]}
    Path("litellm.yaml").write_text(LITELLM)
    assert cli.main(["init", "--from-litellm", "litellm.yaml", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["reason"] == "extra-missing"
    assert "json.dump(yaml.safe_load(sys.stdin), sys.stdout)" in told["error"]["message"]
    assert not Path("chatward.toml").exists()


def test_what_matches_everything_is_the_default_route() -> None:
    entry = "  - {{model_name: '{0}', litellm_params: {{model: '{1}', api_base: '{2}'}}}}\n"
    text = "model_list:\n" + entry.format("m", "openai/m", "http://127.0.0.1:1/v1")
    text += entry.format("*", "openai/*", "http://127.0.0.1:2/v1") + entry.format(
        "n", "ollama/n", "http://127.0.0.1:2/v1"
    )
    found = carried(text)
    assert found.routes == {"127-0-0-1": ["m"], "127-0-0-1-2": ["*", "n"]}
    assert found.notes == []
    assert cli.main(["init", "--from-litellm", "litellm.yaml"]) == 0
    routes = load("chatward.toml", {}).settings.routes
    assert {name: route.bot for name, route in routes.items()} == {"127-0-0-1": "127-0-0-1", "default": "127-0-0-1-2"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model_list: []", "no-upstream"),
        ("model_list: [{model_name: a, litellm_params: {model: bedrock/a}}]", "no-upstream"),
        ("model_list: [7, {model_name: a}]", "no-upstream"),
        ("models: []", "config-syntax"),
        ("- a", "config-syntax"),
        ("a: [sk-secret", "config-syntax"),
        ("a: !!python/object/apply:os.system ['echo']", "config-syntax"),
        ("", "config-syntax"),
        ("x" * (1 << 20 | 1), "config-syntax"),
    ],
    ids=["empty", "nothing spoken", "no entries", "no list", "a list", "not yaml", "an object", "nothing", "large"],
)
def test_what_is_none_is_refused_and_not_quoted(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        carried(text)
    assert refused.value.reason == reason
    assert "sk-secret" not in str(refused.value)


def test_a_file_that_is_not_there(capsys: Captured) -> None:
    assert cli.main(["init", "--from-litellm", "absent.yaml"]) == 2
    assert cli.main(["init", "--from-litellm", "absent.yaml", "--upstream", "https://x.example"]) == 2
    assert "not both" in capsys.readouterr().err
