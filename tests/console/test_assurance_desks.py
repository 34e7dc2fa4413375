"""Patches, controls, reports and attacks in the console, over a made-up installation with a real ledger."""

from __future__ import annotations

import io
import json
import re
from html import unescape

import pytest

from chatward.assurance.domains import Seen
from chatward.assurance.inventory import OWN
from chatward.assurance.probes import probes
from chatward.assurance.questionnaire import Answer
from chatward.assurance.redteam import attack, summary
from chatward.assurance.tasks import DAY
from chatward.privacy.requirements import Status
from chatward.settings.assurance import Due, Vendor
from tests.console.assured import BILL, NOW, Clock, assured, blocking, filled, settings
from tests.console.conftest import GOOD, SCENE, appended, written
from tests.console.test_watching_matrix import HOSTILE, LOADED, Marked


@pytest.fixture
def open_(house, tmp_path):
    async def opened(role="admin", clock=None):
        written(tmp_path / "ledger.db", SCENE[:40])
        it = house({"ann": [role]}, assuring=assured(tmp_path, clock=clock or Clock()))
        filled(it.desks.assuring, tmp_path)
        browser = it.browser()
        await browser.sign_in("ann", GOOD)
        return it, browser

    return opened


# --- patches


async def test_what_is_not_known_comes_before_all_else(open_):
    _, browser = await open_()
    told = (await browser.get("/api/v1/patches")).json()
    assert {one["target"]: (one["state"], one["findings"], one["late"]) for one in told["targets"]} == {
        OWN: ("unknown", None, 0),
        "default": ("quarantined", 1, 1),
        "tools": ("unknown", 0, 0),
    }
    assert [(one["ecosystem"], one["state"]) for one in told["databases"]] == [("PyPI", "fresh")]
    page = (await browser.get("/patches")).text
    assert "quarantined" in page
    assert "it was never scanned" in page


async def test_old_advisories_make_everything_unknown(open_):
    clock = Clock()
    _, browser = await open_(clock=clock)
    clock.now = NOW + 8 * DAY
    told = (await browser.get("/api/v1/patches")).json()
    assert [one["state"] for one in told["databases"]] == ["stale"]
    assert "there are no advisories, or old ones" in (await browser.get("/patches/default")).text


async def test_a_bill_is_uploaded_found_scanned_and_dropped(open_):
    it, browser = await open_()
    page = (await browser.get("/patches/default")).text
    assert page.index("CVE-2026-0001") < page.index("calm-bot")
    csrf = await browser.token("/patches/default")
    mended = json.dumps(BILL).replace("2.0.0", "2.0.1").encode()
    sent = {"csrf": csrf, "target": "default"}
    odd = await browser.post("/patches/upload", data=sent, files={"file": ("<i>.json", b"{}")})
    assert (odd.status_code, 'role="alert"' in odd.text, "<i>" in odd.text) == (400, True, False)
    done = await browser.post("/patches/upload", data=sent, files={"file": ("shop-bot.cdx.json", mended)})
    assert "The file is taken in." in done.text
    assert "CVE-2026-0001" not in done.text
    assert (await browser.get("/api/v1/patches")).json()["targets"][1]["state"] == "quarantined", "not scanned yet"
    await browser.send_form("/patches", "/patches/scan")
    standing = (await browser.get("/api/v1/patches")).json()
    assert (standing["targets"][1]["state"], standing["tasks"][0]["state"]) == ("clean", "closed")
    sbom = await browser.get("/api/v1/patches/default/sbom")
    assert [one["version"] for one in sbom.json()["components"]] == ["1.4.2", "2.0.1"]
    [upload] = it.desks.assuring.uploads.of("default")
    await browser.send_form("/patches/default", "/patches/drop", target="default", file=str(upload.id))
    assert it.desks.assuring.uploads.of("default") == []
    assert (await browser.get("/api/v1/patches/default/sbom")).status_code == 404
    assert [name for name, _ in it.events("patches:inventory:kept", "patches:inventory:dropped")] == [
        "patches:inventory:kept",
        "patches:inventory:kept",
        "patches:inventory:dropped",
    ]


async def test_a_task_that_is_accepted_opens_its_bot(open_):
    it, browser = await open_()
    [task] = it.desks.assuring.tasks.all("default")
    fields = {"task": str(task.id), "owner": "ann", "until": "2027-01-31", "reason": "behind a wall"}
    done = await browser.send_form("/patches", "/patches/accept", **fields)
    assert "Accepted." in done.text
    assert (await browser.get("/api/v1/patches")).json()["targets"][1]["state"] == "unknown", "its scan is old"
    assert (await browser.get("/patches/nobody")).status_code == 404


# --- controls and reports


async def test_controls_are_tried_each_time_and_counted_from_the_record(open_, monkeypatch):
    it, browser = await open_()
    rows = {f"{row['catalogue']} {row['id']}": row for row in (await browser.get("/api/v1/controls")).json()}
    assert len(rows) > 50
    assert {row["status"] for row in rows.values()} <= {one.value for one in Status}
    first = rows["owasp-llm-2025 LLM01"]
    assert (first["status"], first["why"]) == ("not assessed", "it was tried, and did not do what it says")
    it.desks.assuring.check = blocking
    again = {f"{row['catalogue']} {row['id']}": row for row in (await browser.get("/api/v1/controls")).json()}
    assert again["owasp-llm-2025 LLM01"]["status"] == "enforced and observed"
    assert again["owasp-llm-2025 LLM01"]["entries"]
    monkeypatch.delattr("chatward.guards.text.injection.InjectionGuard")
    page = (await browser.get("/controls?controls.status=not+assessed")).text
    assert "its code is not there: chatward.guards.text.injection:InjectionGuard" in page


async def test_drills_are_put_on_record_with_their_day(open_):
    it, browser = await open_()
    rows = (await browser.get("/controls?json=drills")).json()["drills"]
    assert {row["kind"]: row["last"] for row in rows}["restore"] is None
    fields = {"kind": "restore", "day": "2026-09-20", "good": "yes"}
    assert "on record" in (await browser.send_form("/controls", "/controls/drill", **fields)).text
    [told] = [fields for name, fields in it.events("report:drill")]
    assert (told["kind"], told["good"], told["by"][:9]) == ("restore", True, "operator:")
    for odd in ({"day": "2026-10-20"}, {"day": "soon"}, {"kind": "dance"}):
        assert (await browser.send_form("/controls", "/controls/drill", **(fields | odd))).status_code == 400
    appended(it.desks.assuring.settings.ledger.path, ("report:drill:recorded", "", told))
    rows = (await browser.get("/controls?json=drills")).json()["drills"]
    assert {row["kind"]: (row["last"], row["good"]) for row in rows}["restore"] == ("2026-09-20", True)


async def test_a_report_is_made_kept_taken_along_and_verified(open_):
    it, browser = await open_()
    it.desks.assuring.check = blocking
    done = await browser.send_form("/reports", "/reports/make", report="owasp")
    assert "The report is made and kept." in done.text
    [kept] = (await browser.get("/api/v1/reports")).json()
    assert (kept["report"], kept["signed"], kept["by"][:9]) == ("owasp", True, "operator:")
    page = (await browser.get("/reports/1")).text
    assert page.index("What is not covered") < page.index('id="controls"')
    files = {form: await browser.get(f"/reports/1/{form}") for form in ("html", "json", "csv", "oscal", "note")}
    assert all(one.headers["content-disposition"].startswith("attachment") for one in files.values())
    assert files["oscal"].json()["assessment-results"]["metadata"]["oscal-version"].startswith("1.1")
    assert files["html"].text.startswith("<!doctype html>")
    assert (await browser.get("/reports/1/exe")).status_code == 404
    assert (await browser.get("/reports/2")).status_code == 404

    csrf = await browser.token("/reports")
    body, note = files["json"].content, files["note"].content

    async def verified(report: bytes, its: bytes) -> str:
        given = {"file": ("r.json", io.BytesIO(report)), "note": ("r.note", io.BytesIO(its))}
        return (await browser.post("/reports/verify", data={"csrf": csrf}, files=given)).text

    assert "Proven:" in await verified(body, note)
    assert "Not proven:" in await verified(body.replace(b"owasp", b"soc2!", 1), note)
    assert "Not proven:" in await verified(body, note.replace(b"sha256", b"sha255"))
    assert "no report in JSON" in await verified(b"[]", note)
    [told] = [fields for name, fields in it.events("report:copy")]
    assert told["sha256"] == kept["sha256"]


async def test_a_report_says_what_changed_since_the_one_before(open_):
    it, browser = await open_()
    await browser.send_form("/reports", "/reports/make", report="owasp")
    it.desks.assuring.check = blocking
    await browser.send_form("/reports", "/reports/make", report="owasp")
    told = (await browser.get("/reports/2?json=other")).json()["other"]
    assert {"id": "LLM01", "before": "not assessed", "after": "enforced and observed"} in told
    assert (await browser.get("/reports/1?json=other")).json()["other"] == []


async def test_an_auditor_sees_and_does_not_change(open_):
    _, browser = await open_("auditor")
    for path in ("/vendors", "/vendors/models", "/patches", "/patches/default", "/controls", "/reports", "/redteam"):
        page = await browser.get(path)
        assert page.status_code == 200, path
        actions = set(re.findall(r'<form[^>]*method="post" action="([^"]+)"', page.text))
        assert actions <= {"/preferences", "/reports/verify"}, path
    assert (await browser.send_form("/reports", "/reports/make", report="owasp")).status_code == 403
    assert (await browser.send_form("/reports", "/patches/scan")).status_code == 403


# --- attacks


async def test_runs_are_told_before_and_after_with_cases_to_replay(open_):
    _, browser = await open_()
    page = (await browser.get("/redteam")).text
    assert "Worked directly" in page
    assert 'class="chart"' in page
    rows = (await browser.get("/api/v1/redteam")).json()
    assert [row["bot"] for row in rows] == ["default", "default"]
    one = (await browser.get(f"/redteam/{rows[0]['id']}?json=probes")).json()["probes"]
    assert {row["guarded"] for row in one} == {"worked", "resisted", "stopped"}
    cases = (await browser.get(f"/redteam/{rows[0]['id']}/cases")).text.splitlines()
    assert [json.loads(line)["id"] for line in cases] == [row["id"] for row in one]
    assert (await browser.get("/redteam/99")).status_code == 404


async def test_hostile_words_of_others_stay_words(house, tmp_path):
    """In names that vendors and files have, answers, sentences seen from outside, and reasons."""
    word = "".join(HOSTILE)
    vendor = Vendor(name=word, bots=("default",), owner=word, subprocessors=(word,), dpa=word, products=(word,))
    made = settings(tmp_path, vendors={"models": vendor})
    it = house({"ann": ["admin"]}, assuring=assured(tmp_path, made))
    desk = it.desks.assuring
    desk.assessments.add("models", {"gov-1": Answer("no", word[:4000])}, "file")
    desk.assessments.attach("models", "gov-1", word, b"x")
    desk.assessments.keep_looks("models", [Seen("tls", "failed", word)])
    desk.assessments.settle("models", Due(), word)
    odd = {"purl": "pkg:pypi/a%3Cscript%3Ealert(1)@1.0"}
    desk.uploads.add("default", word, json.dumps({"bomFormat": "CycloneDX", "components": [odd]}).encode())
    desk.runs.keep({"bot": word, "model": word, **summary(attack(probes()[:2], lambda _: None, lambda _: None))})
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    for path in ("/vendors", "/vendors/models", "/patches", "/patches/default", "/redteam", "/redteam/1"):
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        page = Marked()
        page.feed(answer.text)
        assert set(page.scripts) <= LOADED, path
        assert page.handlers == []
        assert not [one for one in page.targets if not one.startswith(("/", "#")) or one.startswith("//")]
        assert "\u202e" not in unescape(re.sub(r'value="[^"]*"', "", answer.text)), path
