"""Which vendors are approved, what shuts their bots, what they answered, and what can be seen of them."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from chatward import cli
from chatward.assurance.answers import from_caiq, read_answers
from chatward.assurance.assessments import LARGEST, Assessments
from chatward.assurance.domains import look
from chatward.assurance.gates import opened_gates
from chatward.assurance.questionnaire import HELD_AT, Answer, changes, checked, questionnaire, scored
from chatward.assurance.tasks import DAY
from chatward.assurance.vendors import VendorGate, lacking
from chatward.configuration import load
from chatward.core.errors import ClientError, ConfigError
from chatward.core.ports import Entry
from chatward.settings import Bot, Privacy, Purpose, Route, Settings
from chatward.settings.assurance import Vendor
from chatward.settings.rules import complete
from chatward.settings.vendors import REASON, vendor_problems
from chatward.stores.database import Database
from tests.assurance.making import NOW, write
from tests.simulators.authority import Authority, context
from tests.simulators.gateway import GUARDS, RunningGateway
from tests.simulators.scenes import Scene
from tests.simulators.upstream import ScriptedUpstream

TODAY = date(2026, 9, 21)
GOOD = Vendor(
    bots=("default",),
    owner="ann",
    data=("public", "personal", "health"),
    regions=("DE",),
    dpa="file 1",
    dpa_until="2026-09-21",
    baa="file 2",
    certificates={"iso27001": "2026-12-31"},
    required=("iso27001",),
    review_until="2026-12-31",
)
ALL_YES = {one.id: Answer("yes") for one in questionnaire().questions}


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def settings(vendor: Vendor = GOOD, *profile: Any, pii: Any = "placeholder", phi: bool = True, **more: Any) -> Settings:
    route = Route(purpose="help", guards=("text.*",))
    route = replace(route, treatments=replace(route.treatments, pii_input=pii))
    purposes = {"help": Purpose(lawful_basis="contract", phi=phi)}
    bots = {"default": Bot(upstream="https://models.example")}
    made = Settings(
        bots=bots,
        routes={"default": route},
        privacy=Privacy(profile=profile, purposes=purposes),
        vendors={"v": vendor},
        **more,
    )
    return complete(made)


def keys(made: Settings, today: date = TODAY) -> list[str]:
    return [str(one.steps[-1]) for one in vendor_problems(made, today)]


def test_a_vendor_with_everything_is_approved() -> None:
    assert keys(settings(GOOD, "gdpr", "hipaa")) == []


@pytest.mark.parametrize(
    ("profile", "without", "key"),
    [
        ((), {"review_until": "2026-09-20"}, "review_until"),
        ((), {"certificates": {"iso27001": "2026-09-20"}}, "iso27001"),
        ((), {"certificates": {}}, "0"),
        (("gdpr",), {"owner": ""}, "owner"),
        (("ccpa",), {"review_until": ""}, "review_until"),
        (("gdpr",), {"dpa": ""}, "dpa"),
        (("gdpr",), {"dpa_until": "2026-09-20"}, "dpa"),
        (("gdpr",), {"regions": ()}, "regions"),
        (("gdpr",), {"regions": ("DE", "US")}, "regions"),
        (("hipaa",), {"baa": ""}, "baa"),
        (("hipaa",), {"baa_until": "2026-09-20"}, "baa"),
        (("hipaa",), {"data": ("public", "personal")}, "data"),
    ],
    ids=str,
)
def test_what_a_profile_demands_is_refused_without_it(profile: Any, without: dict[str, Any], key: str) -> None:
    problems = vendor_problems(settings(replace(GOOD, **without), *profile), TODAY)
    assert [str(one.steps[-1]) for one in problems] == [key]
    assert problems[0].reason == REASON


def test_what_no_profile_demands_is_not_asked_for() -> None:
    bare = Vendor(bots=("default",))
    assert keys(settings(bare)) == []
    assert keys(settings(Vendor(), "gdpr")) == ["default"], "a register has every bot that is elsewhere"
    assert keys(settings(replace(GOOD, regions=("US",), transfer="adequacy"), "gdpr")) == []
    assert keys(settings(replace(GOOD, data=("personal",), baa=""), "hipaa", phi=False)) == []


def test_personal_data_as_written_go_only_where_they_may() -> None:
    assert keys(settings(replace(GOOD, data=("public",)), pii="keep")) == ["data"]
    assert keys(settings(replace(GOOD, data=("public",)), pii="mask")) == []


@pytest.mark.parametrize(
    "odd",
    [{"bots": ("nobody",)}, {"regions": ("Germany",)}, {"domain": "https://x.example"}, {"dpa_until": "soon"}],
    ids=["bot", "region", "domain", "day"],
)
def test_forms(odd: dict[str, Any]) -> None:
    assert vendor_problems(settings(replace(GOOD, **odd)), TODAY)


# --- while it runs -----------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorded() -> list[Entry]:
    return []


@pytest.fixture
def assessments(recorded: list[Entry], clock: Clock) -> Assessments:
    return Assessments(Database(None), recorded.append, clock)


def refused(gate: VendorGate, bot: str = "default") -> bool:
    try:
        gate.check(bot)
    except ClientError as error:
        return (error.reason, error.status) == (REASON, 403)
    return False


def test_a_contract_that_ends_shuts_the_bot_at_midnight(assessments: Assessments, clock: Clock) -> None:
    gate = VendorGate(settings(GOOD, "gdpr"), assessments, clock)
    midnight = datetime(2026, 9, 22, tzinfo=UTC).timestamp()
    clock.now = midnight - 1
    assert not refused(gate)
    clock.now = midnight
    assert refused(gate)
    assert not refused(gate, "another")
    assert not refused(VendorGate(settings(GOOD), assessments, clock)), "no profile demands it"


def test_an_assessment_opens_and_runs_out_and_opens_again(assessments: Assessments, clock: Clock) -> None:
    made = settings(replace(GOOD, least_score=80, assessed_days=30, dpa_until=""))
    gate = VendorGate(made, assessments, clock)
    assert refused(gate)
    assessments.add("v", {"gov-1": Answer("yes")}, "file")
    assert refused(gate)
    assert "demanded" in lacking(made, assessments, clock.now)["v"][0]
    assessments.add("v", ALL_YES, "file")
    assert not refused(gate)
    clock.now = NOW + 30 * DAY - 1
    assert not refused(gate)
    clock.now += 1
    assert refused(gate)
    assessments.add("v", ALL_YES, "file")
    assert not refused(gate)


def test_without_bots_of_vendors_nothing_stands_in_the_way() -> None:
    assert opened_gates(replace(Settings(), vendors={"v": Vendor()})) is None


def test_a_running_gateway_refuses_until_the_vendor_was_assessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATWARD_CONFIG", raising=False)
    with ScriptedUpstream({"plain": Scene("Good morning.")}) as upstream:
        guards = json.dumps(list(GUARDS))
        write(
            tmp_path / "chatward.toml",
            f'upstream = "{upstream.url}"\n[server]\nport = 0\nadmin_port = 0\n[routes.default]\nguards = {guards}\n',
        )
        assert cli.main(["vendor", "add", "v", "--bot", "default", "--owner", "ann"]) == 0
        text = (tmp_path / "chatward.toml").read_text("utf-8") + "least_score = 50\n"
        write(tmp_path / "chatward.toml", text)
        gateway = RunningGateway(load(tmp_path / "chatward.toml").settings, tmp_path)
        try:
            asked = {"model": "bot~plain", "messages": [{"role": "user", "content": "Hello"}]}
            answer = httpx.post(f"{gateway.base_url}/chat/completions", json=asked)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, REASON)
            answers = write(tmp_path / "answers.json", dict.fromkeys(ALL_YES, "yes"))
            capsys.readouterr()
            assert cli.main(["vendor", "assess", "v", str(answers), "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["score"] == 100
            assert httpx.post(f"{gateway.base_url}/chat/completions", json=asked).status_code == 200
            refusals = [
                record.fields["reason"] for record in gateway.records() if "request:call:refused" in record.event
            ]
            assert refusals == [REASON]
            assert not upstream.seen("bot~plain")[1:]
        finally:
            gateway.stop()


# --- questionnaire -------------------------------------------------------------------------------------------


def test_the_questionnaire_is_whole() -> None:
    known = questionnaire()
    ids = [one.id for one in known.questions]
    assert len(ids) == len(set(ids)) >= 40
    assert all(1 <= one.weight <= 3 and one.text.endswith("?") and one.ids for one in known.questions)
    named = {id_ for one in known.questions for id_ in one.ids.get("owasp", ())}
    assert named == {f"LLM{number:02}" for number in range(1, 11)}
    assert known.license == "Apache-2.0"


def test_the_score_is_the_part_of_the_weight_and_says_why() -> None:
    assert scored(ALL_YES).score == 100
    assert scored({}).score == 0
    assert scored({}).unanswered == len(ALL_YES)
    partly = scored({**ALL_YES, "gov-3": Answer("partly")})
    assert partly.lost[0][0] == "gov-3"
    assert 98 <= partly.score < 100
    must = next(one.id for one in questionnaire().questions if one.must)
    held = scored({**ALL_YES, must: Answer("no")})
    assert (held.score, held.held_by) == (HELD_AT, (must,))
    assert scored({**ALL_YES, must: Answer("partly")}).held_by == ()
    assert scored({**ALL_YES, "gov-3": Answer("not-applicable", "nobody works on it")}).score == 100


@pytest.mark.parametrize(
    "answers",
    [{"gov-99": Answer("yes")}, {"gov-1": Answer("not-applicable")}, {"gov-1": Answer("yes", "x" * 5000)}],
    ids=["question", "no-comment", "long"],
)
def test_what_is_no_answer_is_refused(answers: Any) -> None:
    with pytest.raises(ClientError):
        checked(answers)


def test_what_changed_is_told() -> None:
    told = changes({"gov-1": Answer("yes"), "gov-2": Answer("no")}, {"gov-1": Answer("yes"), "gov-2": Answer("yes")})
    assert told == [{"question": "gov-2", "before": "no", "after": "yes"}]


CAIQ = """CAIQ,,,
Question ID,Question,CSP CAIQ Answer,Notes
CEK-03.1,words of theirs,Yes,
DSP-13.1,words of theirs,No,
DSP-14.1,words of theirs,Yes,
SEF-07.1,words of theirs,No,
SEF-07.2,words of theirs,no,
TVM-06.1,words of theirs,NA,
"""


def test_caiq_answers_what_names_its_controls(tmp_path: Path) -> None:
    made = read_answers(write(tmp_path / "caiq.csv", CAIQ))
    said = {name: one.answer for name, one in made.items()}
    assert said["crypto-1"] == "yes"
    assert said["data-5"] == "partly"
    assert said["incident-1"] == "no"
    assert said["vuln-3"] == "not-applicable"
    assert "gov-1" not in said
    assert checked(made)
    assert "words of theirs" not in str(made)
    with pytest.raises(ConfigError):
        from_caiq([["nothing", "of it"]])


def test_other_questionnaires_come_by_a_table(tmp_path: Path) -> None:
    table = write(tmp_path / "table.json", {"tls_ok": "crypto-1", "mfa": "access-1", "mfa_admins": "access-1"})
    theirs = {"tls_ok": "checked", "mfa": "yes", "mfa_admins": "no", "unknown": "yes"}
    made = read_answers(write(tmp_path / "vsaq.json", theirs), table)
    assert {name: one.answer for name, one in made.items()} == {"crypto-1": "yes", "access-1": "partly"}
    listed = [{"id": name, "value": value} for name, value in theirs.items()]
    assert read_answers(write(tmp_path / "list.json", listed), table) == made
    for content in ("[]", "{", '{"gov-1": "maybe"}', '{"gov-1": 3}', "[" * 100_000):
        with pytest.raises(ConfigError):
            read_answers(write(tmp_path / "odd.json", content))
    with pytest.raises(ConfigError, match="gov-2: an answer is one of yes, partly, no, not-applicable"):
        read_answers(write(tmp_path / "odd.json", {"gov-1": "yes", "gov-2": "maybe"}))


def test_a_link_is_worth_one_assessment(assessments: Assessments, clock: Clock, recorded: list[Entry]) -> None:
    token = assessments.invite("v")
    with pytest.raises(ClientError):
        assessments.answer(token, {"no-question": Answer("yes")})
    assert assessments.answer(token, {"gov-1": Answer("yes", "a secret remark")}).source == "link"
    for gone in (token, "x", ""):
        with pytest.raises(ClientError) as caught:
            assessments.answer(gone, ALL_YES)
        assert caught.value.reason == "link-invalid"
    late = assessments.invite("v", days=1)
    clock.now += DAY
    with pytest.raises(ClientError):
        assessments.invited(late)
    assert token not in str(recorded)
    assert "a secret remark" not in str(recorded)


def test_evidence_is_kept_as_it_came(assessments: Assessments, recorded: list[Entry]) -> None:
    kept = assessments.attach("v", "gov-2", "report.pdf", b"%PDF-1.7")
    assert assessments.body("v", kept.id) == b"%PDF-1.7"
    with pytest.raises(ClientError):
        assessments.body("w", kept.id)
    for odd in (b"", b"x" * (LARGEST + 1)):
        with pytest.raises(ClientError):
            assessments.attach("v", "gov-2", "x", odd)
    assert "report.pdf" not in str(recorded)


# --- from outside --------------------------------------------------------------------------------------------

HEADERS = {
    "strict-transport-security": "max-age=1",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "referrer-policy": "no-referrer",
}
TXT = "# Reports\nContact: mailto:security@localhost\nExpires: 2999-01-01T00:00:00Z\n"


class Names:
    def __init__(self, *, signed: bool = True, **known: list[str]) -> None:
        self.known = known
        self.signed = signed
        self.fails = False

    def chained(self, name: str) -> bool:
        if self.fails:
            raise OSError("nobody answers")
        return self.signed

    def records(self, name: str, kind: str) -> list[str]:
        if self.fails:
            raise OSError("nobody answers")
        return self.known.get(kind, [])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., dict[str, tuple[str, str]]]]:
    """``site(...)``: a server with TLS on this machine, looked at."""
    running: list[http.server.HTTPServer] = []

    def start(
        text: str | None = TXT,
        headers: dict[str, str] = HEADERS,
        resolver: Any = None,
        trust: bool = True,
        days: float = 60,
        old: bool = False,
    ) -> Any:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = (text or "").encode() if "security" in self.path else b"hello"
                self.send_response(404 if "security" in self.path and text is None else 200)
                for name, value in {"content-type": "text/plain", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: Any) -> None:
                return

        authority = Authority(tmp_path / "ca", "ours")
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.load_cert_chain(*authority.make("site", server=True, days=days))
        if old:
            shown.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                shown.minimum_version = ssl.TLSVersion.TLSv1
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.socket = shown.wrap_socket(server.socket, server_side=True)
        running.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        seen = look(
            "localhost",
            resolver=resolver,
            context=context(authority.ca) if trust else None,
            address=("127.0.0.1", server.server_address[1]),
        )
        return {one.name: (one.state, one.sentence) for one in seen}

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


GOOD_NAMES = Names(CAA=['0 issue "ours"'], TXT=["v=DMARC1; p=reject"])


def test_a_site_in_order(site: Any) -> None:
    assert {name: state for name, (state, _) in site(resolver=GOOD_NAMES).items()} == dict.fromkeys(
        ("tls", "certificate", "tls-old", "security-txt", "headers", "caa", "dnssec", "dmarc"), "ok"
    )


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"text": None}, "security-txt"),
        ({"text": "Contact: mailto:a@localhost\n"}, "security-txt"),
        ({"text": TXT.replace("2999", "2020")}, "security-txt"),
        ({"text": "Expires: 2999-01-01T00:00:00Z\n"}, "security-txt"),
        ({"text": TXT + "Expires: 2999-01-01T00:00:00Z\n"}, "security-txt"),
        ({"headers": {"content-type": "text/html", **HEADERS}}, "security-txt"),
        ({"headers": {}}, "headers"),
        ({"days": 3}, "certificate"),
        ({"resolver": Names(TXT=["v=DMARC1; p=none"], CAA=["x"])}, "dmarc"),
        ({"resolver": Names(TXT=["v=DMARC1; p=reject"])}, "caa"),
        ({"resolver": Names(TXT=["v=DMARC1; p=reject"], CAA=["x"], signed=False)}, "dnssec"),
        ({"old": True}, "tls-old"),
    ],
    ids=[
        "none",
        "no-expiry",
        "expired",
        "no-contact",
        "twice",
        "html",
        "headers",
        "certificate",
        "dmarc",
        "caa",
        "dnssec",
        "old-tls",
    ],
)
def test_what_is_not_in_order(site: Any, wanted: dict[str, Any], name: str) -> None:
    seen = site(**{"resolver": GOOD_NAMES, **wanted})
    assert [one for one, (state, _) in seen.items() if state == "failed"] == [name]


def test_what_cannot_be_asked_is_unknown(site: Any) -> None:
    silent = Names()
    silent.fails = True
    seen = site(trust=False, resolver=silent)
    assert seen["tls"][0] == "failed"
    assert {seen[name][0] for name in ("security-txt", "headers", "caa", "dnssec", "dmarc")} == {"unknown"}
    gone = {one.name: one.state for one in look("localhost", address=("127.0.0.1", 9))}
    assert gone["tls"] == gone["headers"] == gone["caa"] == "unknown"
