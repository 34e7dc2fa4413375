"""The policy page: a file is tried whole, applied once and on record, and what it would have decided is not guessed."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from chatward.configuration import load
from chatward.console import policy_change as change
from chatward.console.rejudged import Differing, Rejudged, Shadowed
from chatward.core.errors import ClientError
from chatward.settings import Settings
from tests.console.conftest import GOOD, seen

FILE = """# ours
upstream = "https://bot.example/v1"

[routes.default]  # all of it
guards = ["*"]

[routes.quiet]
models = ["q"]
"""


async def entered(it, name="ann"):
    browser = it.browser()
    assert (await browser.sign_in(name, GOOD)).status_code == 303
    return browser


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "chatward.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def plane(house, watch, file):
    def made(**people):
        more = {"file": file, "settings": lambda: load(file).settings, "origins": lambda: load(file).origins}
        return house(people or {"ann": ["admin"], "eve": ["analyst"]}, watching=watch(**more))

    return made


async def attempt(browser, text):
    csrf = (await browser.get("/api/v1/session")).json()["csrf"]
    answer = await browser.post("/api/v1/policy/try", json={"text": text}, headers={"x-csrf-token": csrf})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_setting_is_shown_with_its_origin(plane):
    browser = await entered(plane())
    told = {one["key"]: one for one in (await browser.get("/api/v1/policy")).json()}
    assert told["bots.default.upstream"]["value"] == '"https://bot.example/v1"'
    assert told["bots.default.upstream"]["origin"].endswith("chatward.toml:2")
    assert told["routes.default.mode"] == {"key": "routes.default.mode", "value": '"enforce"', "origin": "default"}


def test_what_stands_before_an_at_sign_in_an_address_is_not_shown():
    rows = change.shown(Settings(upstream="https://user:hunter2@bot.example/v1"), {})
    assert ("upstream", '"https://…@bot.example/v1"', "default") in rows
    assert "hunter2" not in str(rows)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("upstream = ", 1),
        (FILE + "[servr]\n", 9),
        (FILE.replace('["*"]', "[]"), 5),
        (FILE + "[server]\nport = 99999\n", 10),
    ],
)
async def test_what_is_not_good_is_named_with_its_line(plane, text, line):
    told = await attempt(await entered(plane()), text)
    assert told["good"] is False
    assert told["problems"][0]["line"] == line


async def test_a_dry_run_says_what_would_have_been_decided(plane):
    browser = await entered(plane())
    softer = FILE.replace(
        'guards = ["*"]', 'guards = ["*"]\n[routes.default.rules."text.injection/override"]\nenabled = false'
    )
    told = await attempt(browser, softer)
    moved = {"rule": "text.injection/override", "route": "default", "before": "block", "after": "allow", "findings": 10}
    assert told["dry_run"] == {"days": 7, "findings": 20, "changed": [moved], "unknown": 0}
    told = await attempt(browser, FILE.replace('guards = ["*"]', 'guards = ["*"]\nmode = "monitor"'))
    assert {one["after"] for one in told["dry_run"]["changed"]} == {"allow"}
    assert sum(one["findings"] for one in told["dry_run"]["changed"]) == 20
    told = await attempt(
        browser, FILE.replace('guards = ["*"]', 'guards = ["*"]\n[routes.default.treatments]\npii_input = "block"')
    )
    assert [(one["rule"], one["after"]) for one in told["dry_run"]["changed"]] == [("text.pii/email", "block")]
    told = await attempt(browser, FILE.replace('guards = ["*"]', 'guards = ["text.pii"]'))
    assert [(one["rule"], one["after"]) for one in told["dry_run"]["changed"]] == [("text.injection/override", "allow")]


@pytest.mark.parametrize("setting", ["threshold = 0.9", 'allow = ["*@example.com"]'])
async def test_what_depends_on_text_or_confidence_is_not_guessed(plane, setting):
    told = await attempt(await entered(plane()), FILE.replace('guards = ["*"]', f'guards = ["*"]\n{setting}'))
    assert told["dry_run"]["unknown"] == 20
    assert told["dry_run"]["changed"] == []


async def test_another_route_moves_nothing(plane):
    told = await attempt(await entered(plane()), FILE.replace('models = ["q"]', 'models = ["q"]\nmode = "monitor"'))
    assert told["dry_run"]["changed"] == []
    assert [one["key"] for one in told["changes"]] == ["routes.quiet.mode"]


async def test_applying_writes_the_file_once_keeps_comments_and_goes_back(plane, file):
    it = plane()
    browser = await entered(it)
    new = FILE.replace('models = ["q"]', 'models = ["q"]\nmode = "monitor"')
    base = change.digest(FILE)
    answer = await browser.send_form("/policy", "/policy/apply", text=new.replace("\n", "\r\n"), base=base)
    assert "Applied." in answer.text
    assert file.read_text() == new
    assert tomllib.loads(file.read_text())["routes"]["quiet"]["mode"] == "monitor"
    ((_, about),) = it.events("policy:file:applied")
    assert (about["before"], about["after"], about["keys"]) == (base, change.digest(new), ["routes.quiet.mode"])
    answer = await browser.send_form("/policy", "/policy/back", base=change.digest(new))
    assert file.read_text() == FILE
    assert "The version before is back." in answer.text


async def test_a_file_that_changed_meanwhile_is_left_alone(plane, file):
    it = plane()
    browser = await entered(it)
    file.write_text(FILE + "# by somebody else\n")
    answer = await browser.send_form("/policy", "/policy/apply", text=FILE + "# mine\n", base=change.digest(FILE))
    assert answer.status_code == 409
    assert file.read_text().endswith("# by somebody else\n")
    assert it.events("policy:") == []


async def test_what_is_not_good_is_not_applied(plane, file):
    it = plane()
    browser = await entered(it)
    answer = await browser.send_form("/policy", "/policy/apply", text="upstream = 7\n", base=change.digest(FILE))
    assert answer.status_code == 400
    assert file.read_text() == FILE
    assert it.events("policy:") == []


async def test_without_a_record_nothing_is_written(plane, file):
    it = plane()
    browser = await entered(it)
    csrf = await browser.token("/policy")
    it.ledger.broken = True
    answer = await browser.post(
        "/policy/apply", data={"csrf": csrf, "text": FILE + "# x\n", "base": change.digest(FILE)}
    )
    assert answer.status_code == 503
    assert file.read_text() == FILE


async def test_who_may_not_write_sees_no_editor_and_writes_nothing(plane, file):
    it = plane()
    eve = await entered(it, "eve")
    page = await eve.get("/policy")
    assert page.status_code == 200
    assert "<textarea" not in page.text
    for path in ("/policy/apply", "/policy/back"):
        answer = await eve.send_form("/account", path, text="", base=change.digest(FILE))
        assert answer.status_code == 403
    assert file.read_text() == FILE


def test_a_dry_run_of_the_same_settings_moves_nothing(scene, file):
    settings = load(file).settings
    found = change.dry_run(seen(scene), settings, settings, 7)
    assert (found.findings, list(found.moved), found.unknown) == (20, [], 0)


def test_a_file_too_large_is_refused(file):
    with pytest.raises(ClientError) as raised:
        change.attempt(file, "#" * (change.MOST + 1), load(file), ())
    assert raised.value.reason == "policy-invalid"


def test_a_file_is_not_replaced_by_who_saw_another(file):
    with pytest.raises(ClientError) as raised:
        change.replace(file, "# mine\n", change.digest("another"))
    assert raised.value.reason == "policy-changed"
    assert file.read_text() == FILE
    assert not change.has_before(file)


def test_the_file_keeps_its_mode_and_leaves_nothing_beside_it(file):
    file.chmod(0o640)
    change.replace(file, FILE + "# more\n", change.digest(FILE))
    assert file.stat().st_mode & 0o777 == 0o640
    assert {one.name for one in file.parent.glob("*chatward.toml*")} == {"chatward.toml", "chatward.toml.before"}


async def test_what_a_setting_is_stands_beside_the_editor(house, watch) -> None:
    browser = house({"eve": ["read-only"]}, watching=watch()).browser()
    await browser.sign_in("eve", GOOD)

    async def told(**asked: str):
        return await browser.get("/api/v1/policy/setting", params=asked)

    mode = (await told(section='routes."my route"', key="mode")).json()
    assert (mode["place"], mode["key"], mode["default"]) == ("routes.NAME", "mode", '"enforce"')
    assert mode["meaning"].startswith("`monitor` changes and stops nothing")
    assert "mode" in (await told(section="routes.default")).json()["keys"]
    assert "upstream" in (await told()).json()["keys"]
    assert (await told(section="routes.default", key="nothing")).status_code == 404
    assert (await told(section="a]\n[b")).status_code in {400, 404}
    assert (await told(section="=")).status_code == 400


async def test_a_problem_is_shown_with_its_line_and_days_are_chosen(house, watch, tmp_path) -> None:
    file = tmp_path / "chatward.toml"
    file.write_text('upstream = "https://bot.example/v1"\n')
    browser = house({"ann": ["admin"]}, watching=watch(file=file)).browser()
    await browser.sign_in("ann", GOOD)
    tried = await browser.send_form("/policy", "/policy/try", text='upstream = "https://bot.example/v1"\nbots = 7\n')
    assert 'data-line="2">Line 2</a>' in tried.text
    assert "<code>bots = 7</code>" in tried.text
    good = file.read_text() + "# more\n"
    tried = await browser.send_form("/policy", "/policy/try", text=good, days="30")
    assert "The findings of the last 30 days" in tried.text
    assert "<option selected>30</option>" in tried.text


class Conversations:
    """What judges stored conversations: one message of the scene differs."""

    def __init__(self):
        self.asked = []

    def due(self, days):
        return 12

    def judge(self, current, new, days, route_of):
        self.asked.append((days, route_of("01890a5d-ac96-774b-bcce-000000000005"), route_of("unknown")))
        row = Differing("text.pii/email", "redact", "block", 3, ["01890a5d-ac96-774b-bcce-000000000005"])
        return Rejudged(days, 12, 3, 1, True, [row])


async def test_stored_conversations_are_judged_by_who_may_write_and_on_record_first(house, watch, file):
    stored = Conversations()
    more = {"file": file, "settings": lambda: load(file).settings, "rejudging": stored}
    it = house({"ann": ["admin"], "eve": ["analyst"]}, watching=watch(**more))
    new = FILE + "# another\n"
    browser, eve = await entered(it), await entered(it, "eve")
    answer = await browser.send_form("/policy", "/policy/try", text=new, days="30", conversations="yes")
    assert answer.status_code == 200
    assert 'href="/messages/01890a5d-ac96-774b-bcce-000000000005"' in answer.text
    assert stored.asked == [(30, "default", "")]
    ((_, about),) = it.events("policy:")
    assert (about["days"], about["turns"], about["after"]) == (30, 12, change.digest(new))
    csrf = (await browser.get("/api/v1/session")).json()["csrf"]
    body = {"text": new, "conversations": True}
    told = (await browser.post("/api/v1/policy/try", json=body, headers={"x-csrf-token": csrf})).json()
    assert told["conversations"]["differences"][0]["number"] == 3
    csrf = (await eve.get("/api/v1/session")).json()["csrf"]
    answer = await eve.post("/api/v1/policy/try", json=body, headers={"x-csrf-token": csrf})
    assert (answer.status_code, "not-permitted" in answer.text) == (403, True)
    csrf = await browser.token("/policy")
    it.ledger.broken = True
    said = {"csrf": csrf, "text": new, "conversations": "yes"}
    assert (await browser.post("/policy/try", data=said)).status_code == 503
    assert len(stored.asked) == 2


class Shadows:
    """What casts a shadow: notes what it was asked for."""

    def __init__(self):
        self.begun, self.found = [], None

    def start(self, current, new, *, digest, hours, share):
        self.begun.append((digest, hours, share))
        row = Differing("text.pii/email", "redact", "block", 3, ["01890a5d-ac96-774b-bcce-000000000005"])
        self.found = Shadowed(digest, 1.0, 2.0, share, 9, 3, 1, 2, "", [row])

    def end(self):
        self.found = replace(self.found, ended="operator")
        return True

    def told(self):
        return self.found


async def test_a_shadow_is_begun_and_ended_by_who_may_write_and_shown_to_all(house, watch, file):
    shadows = Shadows()
    more = {"file": file, "settings": lambda: load(file).settings, "shadows": shadows}
    it = house({"ann": ["admin"], "eve": ["analyst"]}, watching=watch(**more))
    browser, eve = await entered(it), await entered(it, "eve")
    new = FILE + "# another\n"
    tried = await browser.send_form("/policy", "/policy/try", text=new)
    assert 'formaction="/policy/shadow"' in tried.text
    answer = await browser.send_form("/policy", "/policy/shadow", text="upstream = 7\n")
    assert (answer.status_code, shadows.begun) == (400, [])
    answer = await browser.send_form("/policy", "/policy/shadow", text=new, hours="24", share="1")
    assert (answer.status_code, shadows.begun) == (303, [(change.digest(new), 24, 0.01)])
    answer = await browser.send_form("/policy", "/policy/shadow", text=new)
    assert (answer.status_code, len(shadows.begun), len(it.events("policy:"))) == (409, 1, 1)
    page = (await eve.get("/policy")).text
    assert 'href="/messages/01890a5d-ac96-774b-bcce-000000000005"' in page
    assert "/policy/shadow-end" not in page
    assert (await eve.get("/api/v1/policy/shadow")).json()["shadow"]["changed"] == 3
    for path in ("/policy/shadow", "/policy/shadow-end"):
        assert (await eve.send_form("/account", path, text=new)).status_code == 403
    assert (await browser.send_form("/policy", "/policy/shadow-end")).status_code == 303
    assert "It was ended." in (await browser.get("/policy")).text
    csrf = (await browser.get("/api/v1/session")).json()["csrf"]
    body = {"text": new, "hours": 2.5, "share": 50}
    answer = await browser.post("/api/v1/policy/shadow", json=body, headers={"x-csrf-token": csrf})
    assert (answer.status_code, shadows.begun[-1][1:]) == (201, (2.5, 0.5))
    assert (await browser.delete("/api/v1/policy/shadow", headers={"x-csrf-token": csrf})).status_code == 200
    assert [event for event, _ in it.events("policy:")] == ["policy:shadow:started", "policy:shadow:ended"] * 2
