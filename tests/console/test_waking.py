"""The admin plane's pages are made when somebody who may ask first asks for one."""

import asyncio

import httpx
import pytest

from chatward.console.asgi import App, Message, Receive, Scope, Send
from chatward.console.guarding import Guarding
from chatward.console.waking import METRICS, Waking


class Pages:
    """Makes pages that say which path they were asked for; the first ``failures`` times it fails."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.made = 0

    def __call__(self) -> App:
        self.made += 1
        if self.made <= self.failures:
            raise OSError

        async def page(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": scope["path"].encode()})

        return page


def browser(app: App, *, raises: bool = True) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=raises)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8788")


async def test_what_machines_ask_for_all_day_makes_no_pages() -> None:
    pages = Pages()
    client = browser(Waking(pages, lambda: "up 1\n"))
    for _ in range(2):
        answer = await client.get("/metrics")
        assert (answer.status_code, answer.headers["content-type"], answer.text) == (200, METRICS, "up 1\n")
        assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert pages.made == 0


async def test_the_first_page_makes_them_once_for_all_who_wait() -> None:
    pages = Pages()
    client = browser(Waking(pages, lambda: ""))
    answers = await asyncio.gather(*(client.get(f"/{name}") for name in "abc"))
    assert [answer.text for answer in answers] == ["/a", "/b", "/c"]
    assert (await client.get("/metrics")).text == "/metrics"
    assert pages.made == 1


async def test_pages_that_cannot_be_made_are_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages(failures=1)
    client = browser(Waking(pages, lambda: ""), raises=False)
    assert (await client.get("/")).status_code == 500
    assert "could not be made" in caplog.text
    assert (await client.get("/")).text == "/"


async def test_who_may_not_ask_wakes_nothing(house) -> None:
    pages = Pages()
    client = browser(Guarding(Waking(pages, lambda: ""), house().access, host="127.0.0.1", keys=["k"], max_body=1000))
    for path in ("/", "/metrics", "/findings"):
        assert (await client.get(path)).status_code == 401
    assert pages.made == 0
    assert (await client.get("/", headers={"authorization": "Bearer k"})).text == "/"


async def test_starting_and_stopping_the_server_waits_for_no_pages() -> None:
    pages, said = Pages(), []
    asked = iter(["startup", "shutdown"])

    async def receive() -> Message:
        return {"type": f"lifespan.{next(asked)}"}

    async def send(message: Message) -> None:
        said.append(message["type"])

    await Waking(pages, lambda: "")({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert pages.made == 0
