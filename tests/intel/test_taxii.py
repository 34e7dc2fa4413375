"""TAXII 2.1 against a real server (medallion), asked through the gateway's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from medallion import application_instance, register_blueprints, set_config
from werkzeug.serving import make_server

from chatward.gateway.fetching import Fetching
from chatward.intel.fetching import Answer
from tests.intel.conftest import Desk

COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
MARKING = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


def indicator(number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2027-01-10T00:00:00.000Z",
        "modified": "2027-01-10T00:00:00.000Z",
        "pattern": f"[domain-name:value = 'evil{number}.example.net']",
        "pattern_type": "stix",
        "valid_from": "2027-01-10T00:00:00Z",
        "indicator_types": ["malicious-activity"],
        "object_marking_refs": [MARKING],
    } | more


def date_added(number: int) -> str:
    return f"2027-01-11T00:{number // 60 % 60:02d}:{number % 60:02d}.{number:06d}Z"


def described(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """A server with one collection, as medallion's memory has it."""
    media = "application/stix+json;version=2.1"
    manifest = [
        {"id": one["id"], "date_added": date_added(number), "version": one["modified"], "media_type": media}
        for number, one in enumerate(objects)
    ]
    collection = {
        "id": COLLECTION,
        "title": "Test",
        "can_read": True,
        "can_write": False,
        "media_types": [media],
        "objects": [{**one, "_date_added": date_added(number)} for number, one in enumerate(objects)],
        "manifest": manifest,
    }
    information = {"title": "Test", "versions": ["application/taxii+json;version=2.1"], "max_content_length": 9765625}
    return {
        "/discovery": {"title": "Test"},
        "api": {"information": information, "status": [], "collections": [collection]},
    }


class Server:
    """medallion on a port of this machine."""

    def __init__(self, folder: Path, objects: list[dict[str, Any]]) -> None:
        self._folder = folder
        self.app = application_instance
        if not self.app.blueprints:
            register_blueprints(self.app)
        set_config(self.app, "users", {"users": {"ann": "word"}})
        set_config(self.app, "taxii", {"taxii": {"max_page_size": 5}})
        self.show(objects)
        self._http = make_server("127.0.0.1", 0, self.app, threaded=True)
        self.url = f"http://127.0.0.1:{self._http.port}/api/collections/{COLLECTION}/"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def show(self, objects: list[dict[str, Any]]) -> None:
        file = self._folder / "data.json"
        file.write_text(json.dumps(described(objects)))
        backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend"}
        set_config(self.app, "backend", {"backend": {**backend, "filename": str(file)}})

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def asked() -> list[str]:
    """The URLs that were asked."""
    return []


@pytest.fixture
def download(asked: list[str]) -> Iterator[Any]:
    """The gateway's client, as the command has it."""
    with asyncio.Runner() as runner:
        fetch = Fetching()

        def get(url: str, headers: Sequence[tuple[str, str]], write: Callable[[bytes], object], most: int) -> Answer:
            asked.append(url)
            answer = runner.run(fetch.download(url, headers, write, most))
            return Answer(answer.status, answer.headers)

        yield get
        runner.run(fetch.aclose())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, [indicator(number) for number in range(12)])
    yield made
    made.close()


@pytest.fixture
def taxii(desk: Desk, server: Server, download: Any) -> Desk:
    desk.download = download
    desk.source("taxii", location=server.url, format="taxii", key="env:X")
    basic = base64.b64encode(b"ann:word").decode()
    life = desk.lifecycle
    desk.lifecycle = lambda: _with_key(life(), f"Basic {basic}")  # type: ignore[method-assign]
    return desk


def _with_key(life: Any, key: str) -> Any:
    life._secret = lambda reference: key
    return life


def test_all_pages_are_read(taxii: Desk, asked: list[str]) -> None:
    assert taxii.update()["taxii"].rows == 12
    found = taxii.look_up("domain", *(f"evil{number}.example.net" for number in range(12)))
    assert len(found) == 12
    assert {one.tlp for one in found} == {"green"}
    assert len(asked) == 3
    assert "added_after" not in asked[0]


def test_only_what_was_added_is_asked_for(taxii: Desk, server: Server, asked: list[str]) -> None:
    taxii.update()
    assert taxii.update()["taxii"].outcome == "unchanged"
    assert "added_after=2027-01-11T00" in asked[-1]
    server.show([indicator(number) for number in range(14)])
    assert taxii.update()["taxii"].rows == 2
    assert len(taxii.look_up("domain", "evil0.example.net", "evil13.example.net")) == 2


def test_a_revoked_indicator_goes(taxii: Desk, server: Server) -> None:
    taxii.update()
    later = indicator(0, modified="2027-01-12T00:00:00.000Z", revoked=True)
    server.show([*(indicator(number) for number in range(12)), later])
    taxii.update()
    assert not taxii.look_up("domain", "evil0.example.net")
    assert taxii.look_up("domain", "evil1.example.net")


def test_a_wrong_key_is_told(desk: Desk, server: Server, download: Any) -> None:
    desk.download = download
    desk.source("taxii", location=server.url, format="taxii", key="env:X")
    assert desk.update()["taxii"].error == "intel-refused"


def test_a_collection_that_is_not_there_is_told(taxii: Desk, server: Server) -> None:
    taxii.source("taxii", location=server.url.replace(COLLECTION, "nothing"), format="taxii", key="env:X")
    assert taxii.update()["taxii"].error == "intel-status"


@pytest.mark.parametrize("objects", [5, {"a": 1}, "x"])
def test_an_envelope_of_another_form_is_told(desk: Desk, objects: object) -> None:
    def answer(url: str, headers: object, write: Callable[[bytes], object], most: int) -> Answer:
        write(json.dumps({"objects": objects}).encode())
        return Answer(200)

    desk.download = answer
    desk.source("taxii", location="https://taxii.example/collections/1/", format="taxii")
    assert desk.update()["taxii"].error == "intel-format"
