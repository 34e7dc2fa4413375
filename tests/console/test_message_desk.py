"""The pages of messages: what a filter shows, its files, one message, text masked until an auditor says why."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from chatward.core.errors import ClientError, IdentityError
from tests.console.conftest import GOOD, SCENE, exchange, written

ONE = "01890a5d-ac96-774b-bcce-000000000005"
SAID = "My card is 4111 1111 1111 1111, thanks"


async def entered(it, name="ann"):
    browser = it.browser()
    assert (await browser.sign_in(name, GOOD)).status_code == 303
    return browser


@dataclass
class StoredTalk:
    """One stored conversation, masked and whole."""

    asked: list[str] = field(default_factory=list)

    def of_exchange(self, subject, exchange, at):
        return ("default", "c1") if exchange == ONE else None

    def _turns(self, text, masked):
        part = SimpleNamespace(text=text)
        return [
            SimpleNamespace(
                number=1, at=1.0, role="user", gone=False, exchange=ONE, hidden={}, parts=[part], masked=masked
            )
        ]

    def read(self, tenant, id_, **_):
        return self._turns("My card is [credit card hidden], thanks", True)

    def reveal(self, principal, tenant, id_, reason, **_):
        if "auditor" not in principal.roles:
            raise IdentityError("An auditor may do this, with a reason.", reason="reveal-not-permitted", status=403)
        if len(reason) < 8:
            raise ClientError("Say why.", reason="reveal-reason-missing")
        self.asked.append(reason)
        return self._turns(SAID, False)


async def test_a_filter_lives_in_the_address_and_its_files_say_the_same(house, watch):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    page = await browser.get("/messages?action=block&sort=rule")
    assert page.status_code == 200
    assert page.text.count('<span class="tag block">') == 10
    assert "/messages.csv?action=block&amp;sort=rule" in page.text
    told = (await browser.get("/api/v1/messages?action=block&sort=rule")).json()["messages"]
    rows = list(csv.DictReader(io.StringIO((await browser.get("/messages.csv?action=block&sort=rule")).text)))
    assert [one["exchange"] for one in told] == [row["exchange"] for row in rows]
    assert {one["action"] for one in told} == {"block"}


async def test_the_next_page_follows_and_the_file_has_all(house, watch):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    found, address = [], "/api/v1/messages?size=100"
    while address:
        told = (await browser.get(address)).json()
        found += [one["entry"] for one in told["messages"]]
        address = told["next"]
    assert found == list(range(len(SCENE), 0, -1))
    assert len((await browser.get("/messages.csv")).text.splitlines()) == len(SCENE) + 1


async def test_a_filter_that_cannot_be_read_is_said_and_not_quoted(house, watch):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    page = await browser.get("/messages?sort=<script>alert(1)</script>")
    assert page.status_code == 400
    assert "The filter cannot be read: sort." in page.text
    assert "alert(1)" not in page.text
    answer = await browser.get("/api/v1/messages?evil=1")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "filter-invalid")


async def test_one_message_shows_its_steps_and_says_that_no_text_is_kept(house, watch):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    page = await browser.get(f"/messages/{ONE}")
    assert "text.injection/override" in page.text
    assert "3f9c2a17" in page.text
    assert "is not stored" in page.text
    assert (await browser.get("/messages/nobody")).status_code == 404
    told = (await browser.get(f"/api/v1/messages/{ONE}")).json()
    assert [step["event"] for step in told["steps"]] == ["message:input:judged"]


async def test_a_guard_that_could_not_run_is_named(house, watch):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    [one, *_] = (await browser.get("/api/v1/messages?missing=1")).json()["messages"]
    page = await browser.get(f"/messages/{one['exchange']}")
    assert "text.links" in page.text
    assert "could not run" in page.text


async def test_a_step_says_which_guards_ran_their_scores_and_the_time(house, watch, tmp_path):
    """After a restart with another policy too: each set is told by its own entry."""
    known = {"took_us": 1234, "guards": "5e7a", "scores": ["text.injection=0.973", "text.injection/direct=0.912"]}
    first = ("guard:set:ran", "", {"set": "5e7a", "guards": ["text.pii", "text.injection"]})
    later = ("guard:set:ran", "", {"set": "0123", "guards": ["text.links"]})
    entries = [first, *exchange(1, "block", "text.injection/direct", **known), later]
    entries += exchange(2, "block", "text.links/listed", guards="0123") + exchange(3, "block", "x", guards="beef")
    browser = await entered(house({"ann": ["admin"]}, watching=watch(written(tmp_path / "l.db", entries))))
    one, two, three = (entry[1] for entry in entries if entry[0] != "guard:set:ran")
    page = re.sub(r"<[^>]+>", "", (await browser.get(f"/messages/{one}")).text)
    assert "Guards that rantext.pii text.injection 0.973" in page
    assert "Scores of modelstext.injection/direct 0.912" in page
    assert "1.234 ms" in page
    [step] = (await browser.get(f"/api/v1/messages/{one}")).json()["steps"]
    assert step["guards_ran"] == ["text.pii", "text.injection"]
    assert step["scores"] == {"text.injection": 0.973, "text.injection/direct": 0.912}
    assert step["fields"]["took_us"] == 1234
    page = re.sub(r"<[^>]+>", "", (await browser.get(f"/messages/{two}")).text)
    assert "Guards that rantext.links" in page
    assert "Guards that rannot on record" in (re.sub(r"<[^>]+>", "", (await browser.get(f"/messages/{three}")).text))


async def test_text_is_masked_until_an_auditor_says_why(house, watch):
    talk = StoredTalk()
    it = house({"ann": ["admin", "auditor"], "eve": ["analyst"]}, watching=watch(conversations=talk))
    browser = await entered(it)
    page = await browser.get(f"/messages/{ONE}")
    assert "<mark>[credit card hidden]</mark>" in page.text
    assert "4111" not in page.text
    short = await browser.send_form(f"/messages/{ONE}", "/messages/reveal", id=ONE, reason="no")
    assert short.status_code == 400
    assert "4111" not in short.text
    assert talk.asked == []
    whole = await browser.send_form(f"/messages/{ONE}", "/messages/reveal", id=ONE, reason="a complaint of the person")
    assert "4111 1111 1111 1111" in whole.text
    assert talk.asked == ["a complaint of the person"]
    other = await entered(it, "eve")
    page = await other.get(f"/messages/{ONE}")
    assert "/messages/reveal" not in page.text
    refused = await other.send_form("/account", "/messages/reveal", id=ONE, reason="a complaint of the person")
    assert refused.status_code == 403
    assert "4111" not in refused.text


async def test_views_belong_to_who_saved_them(house, watch):
    it = house({"ann": ["admin"], "eve": ["analyst"]}, watching=watch())
    ann, eve = await entered(it), await entered(it, "eve")
    saved = await ann.send_form("/messages", "/views/save", page="/messages", query="action=block", name="Blocked")
    assert saved.headers["location"] == "/messages?action=block"
    assert "Blocked</a>" in (await ann.get("/messages")).text
    assert "Blocked</a>" not in (await eve.get("/messages")).text
    bad = await ann.send_form("/messages", "/views/save", page="https://evil.example", query="", name="x")
    assert bad.status_code == 400
    await ann.send_form("/messages", "/views/delete", page="/messages", name="Blocked")
    assert "Blocked</a>" not in (await ann.get("/messages")).text


async def test_what_one_may_not_see_is_not_found_either(house, watch):
    it = house({"ann": ["admin"], "eve": ["privacy-officer"]}, watching=watch())
    ann, eve = await entered(it), await entered(it, "eve")
    found = (await ann.get("/api/v1/search?q=keys")).json()["found"]
    assert "/keys" in [one["address"] for one in found]
    found = (await eve.get("/api/v1/search?q=keys")).json()["found"]
    assert "/keys" not in [one["address"] for one in found]
    found = (await ann.get("/api/v1/search?q=text.p")).json()["found"]
    assert {"title": "text.pii/email", "kind": "Rule", "address": "/messages?rule=text.pii%2Femail"} in found
    found = (await ann.get(f"/api/v1/search?q={ONE}")).json()["found"]
    assert f"/messages/{ONE}" in [one["address"] for one in found]


@pytest.mark.parametrize("language", ["en", "de"])
async def test_preferences_change_the_language_the_clock_and_the_colours(house, watch, language):
    browser = await entered(house({"ann": ["admin"]}, watching=watch()))
    chosen = {"language": language, "zone": "Asia/Tokyo", "theme": "dark"}
    answer = await browser.send_form("/messages", "/preferences", **chosen)
    assert answer.status_code == 303
    page = (await browser.get("/messages")).text
    assert f'<html lang="{language}" data-theme="dark">' in page
    assert "2023-11-15 07:13:20" in page  # 22:13:20 UTC
    assert "2023-11-15 07:13</time>" in (await browser.get("/account")).text
    made_up = {"language": "xx", "zone": "../../etc/passwd", "theme": "red"}
    await browser.send_form("/messages", "/preferences", **made_up)
    assert '<html lang="en">' in (await browser.get("/messages")).text


async def test_without_a_record_pages_say_so(house):
    browser = await entered(house({"ann": ["admin"]}))
    for path in ("/", "/messages", "/live", "/findings", "/ledger"):
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert "The record is switched off" in page.text, path
