"""Vendors in the console: what is known of them, and what is done by forms."""

from __future__ import annotations

import json
import re

import pytest

from chatward.assurance.questionnaire import questionnaire
from chatward.assurance.tasks import DAY
from tests.console.assured import NOW, Clock, assured, filled
from tests.console.conftest import GOOD

YES = json.dumps({one.id: "yes" for one in questionnaire().questions}).encode()


@pytest.fixture
async def open_(house, tmp_path):
    async def opened(*roles, clock=None):
        it = house({"ann": roles or ["admin"]}, assuring=assured(tmp_path, clock=clock or Clock()))
        filled(it.desks.assuring, tmp_path)
        browser = it.browser()
        await browser.sign_in("ann", GOOD)
        return it, browser

    return opened


async def test_the_register_says_who_is_approved_and_why_not(open_):
    _, browser = await open_()
    page = (await browser.get("/vendors")).text
    assert re.search(r"models.*?approved", page, re.S)
    rows = {row["vendor"]: row for row in (await browser.get("/api/v1/vendors")).json()}
    assert {name: (row["state"], row["score"], row["lacks"]) for name, row in rows.items()} == {
        "models": ("approved", 96, []),
        "weather": ("not-approved", None, ["it was never assessed"]),
        "feeds": ("registered", None, []),
    }
    assert rows["models"]["next"] == "2026-12-31 iso27001"
    assert "there" not in rows["models"]
    told = (await browser.get("/vendors?json=vendors")).json()["vendors"]
    assert [row["tasks"] for row in told] == [3, 0, 0]
    assert (await browser.get("/vendors/nobody")).status_code == 404


async def test_a_vendor_is_told_with_what_changed(open_):
    _, browser = await open_()
    one = (await browser.get("/api/v1/vendors/models")).json()
    assert {row["question"]: row["before"] for row in one["changes"]}["cont-1"] == "yes"
    assert [(row["name"], row["state"], row["before"]) for row in one["seen"]][:3] == [
        ("tls", "ok", "not-ok"),
        ("certificate", "ok", ""),
        ("headers", "not-ok", ""),
    ]
    assert {row["about"] for row in one["tasks"] if row["state"] in {"open", "late"}} == {
        "question:access-1", "question:cont-1", "look:headers",
    }  # fmt: skip
    first = one["lost"][0]
    assert (first["question"], first["comment"]) == ("cont-1", "")
    page = (await browser.get("/vendors/models", headers={"accept-language": "de"})).text
    assert "Zugelassen: heute fehlt nichts." in page
    assert "soc2-report.pdf" in page


async def test_a_link_answers_score_and_reassessment_open_a_route(open_, tmp_path):
    clock = Clock()
    it, browser = await open_(clock=clock)
    desk = it.desks.assuring
    assert "it was never assessed" in (await browser.get("/vendors/weather")).text
    made = await browser.send_form("/vendors/weather", "/vendors/invite", vendor="weather", days="7")
    token = re.search(rf"{re.escape(it.url)}/assess/([\w-]+)", made.text)[1]
    assert desk.assessments.invited(token) == "weather"
    assert token not in str(it.ledger.records)

    csrf = await browser.token("/vendors/weather")
    sent = {"csrf": csrf, "vendor": "weather"}
    done = await browser.post("/vendors/answers", data=sent, files={"file": ("ours.json", YES)})
    assert "taken in, and scored" in done.text
    assert (await browser.get("/api/v1/vendors/weather")).json()["routes"][0]["state"] == "served"
    clock.now = NOW + 365 * DAY
    late = (await browser.get("/api/v1/vendors/weather")).json()
    assert (late["state"], late["lacks"]) == ("not-approved", ["its assessment has run out"])
    await browser.post("/vendors/answers", data=sent, files={"file": ("ours.json", YES)})
    assert (await browser.get("/api/v1/vendors/weather")).json()["state"] == "approved"
    assert [fields["score"] for name, fields in it.events("vendor:assessment")][-2:] == [100, 100]


async def test_evidence_is_taken_along_by_who_may_export_and_by_nobody_else(open_, house, tmp_path):
    it, browser = await open_()
    csrf = await browser.token("/vendors/models")
    files = {"file": ("<b>.html", b"<script>alert(1)</script>")}
    await browser.post("/vendors/attach", data={"csrf": csrf, "vendor": "models", "question": "gov-1"}, files=files)
    kept = it.desks.assuring.assessments.evidence("models")[-1]
    address = f"/vendors/models/evidence/{kept.id}"
    given = await browser.get(address)
    assert given.content == b"<script>alert(1)</script>"
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"].startswith("attachment")
    assert "<b>" not in (await browser.get("/vendors/models")).text
    assert (await browser.get(f"/vendors/weather/evidence/{kept.id}")).status_code == 404
    it.access.operators.create("rob", GOOD, ["read-only"])
    reader = it.browser()
    await reader.sign_in("rob", GOOD)
    assert (await reader.get(address)).status_code == 403
    assert address not in (await reader.get("/vendors/models")).text
    assert "/vendors/invite" not in (await reader.get("/vendors/models")).text


async def test_looking_makes_tasks_and_one_may_be_lived_with(open_):
    it, browser = await open_()
    looked = await browser.send_form("/vendors/models", "/vendors/look", vendor="models")
    assert "Looked." in looked.text
    task = next(one for one in it.desks.assuring.assessments.tasks.of("models") if one.about == "look:headers")
    fields = {"vendor": "models", "task": str(task.id), "owner": "ann", "until": "2027-01-31", "reason": "soon gone"}
    done = await browser.send_form("/vendors/models", "/vendors/accept", **fields)
    assert "Accepted." in done.text
    (told,) = (fields for name, fields in it.events("vendor:task:accepted"))
    assert (told["about"], told["by"]) == ("look:headers", "ann")
    assert "soon gone" not in str(it.ledger.records)


async def test_what_is_not_good_is_said_on_the_page(open_):
    it, browser = await open_()
    before = len(it.ledger.records)
    accepted = {"owner": "ann", "until": "2027-01-31", "reason": "x"}
    for action, fields, status in (
        ("/vendors/invite", {"days": "91"}, 400),
        ("/vendors/invite", {"days": "x"}, 400),
        ("/vendors/accept", {**accepted, "task": "999"}, 404),
        ("/vendors/accept", {**accepted, "task": "1", "until": "soon"}, 400),
        ("/vendors/look", {"vendor": "nobody"}, 404),
    ):
        answer = await browser.send_form("/vendors/models", action, **{"vendor": "models", **fields})
        assert answer.status_code == status
        assert fields.get("vendor") == "nobody" or 'role="alert"' in answer.text
    assert len(it.ledger.records) == before
