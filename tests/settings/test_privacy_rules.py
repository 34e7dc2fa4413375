"""Profiles: a good configuration loads, and each single change that contradicts a law is refused with key and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from chatward.configuration import Loaded, SettingsError, load
from chatward.core.errors import ConfigError
from chatward.settings import Conversations, Privacy, Purpose, Route, Settings
from chatward.settings.privacy_rules import privacy_on, privacy_problems, profiles, retention_days

TODAY = date(2026, 3, 9)
GOOD = """
upstream = "https://bot.example/v1"
[server]
keys = ["env:CHATWARD_KEY"]
[operators]
second_factor = "required"
[routes.default]
purpose = "support"
[privacy]
profile = [PROFILE]
controller = "Example Ltd"
contact = "privacy@example.com"
minor_role = "minor"
[privacy.notice]
version = "2026-01"
[privacy.purposes.support]
lawful_basis = "contract"
retention_days = 30
[privacy.processors.example]
bots = ["default"]
region = "US"
transfer = "standard-clauses"
contract = "contracts/1.pdf"
contract_until = "2026-12-31"
business_associate = "contracts/2.pdf"
service_provider = "contracts/3.pdf"
"""


def loaded(tmp_path: Path, text: str, profile: str = "gdpr") -> Loaded:
    path = tmp_path / "chatward.toml"
    path.write_text(text.replace("PROFILE", ", ".join(f'"{one}"' for one in profile.split())))
    return load(path, {}, today=TODAY)


def refused(tmp_path: Path, text: str, profile: str = "gdpr") -> list[ConfigError]:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text, profile)
    return [caught.value, *caught.value.others]


@pytest.mark.parametrize(
    "profile",
    ["", "gdpr", "hipaa", "hipaa-strict", "ccpa", "eu-ai-act", "companion", "gdpr hipaa ccpa eu-ai-act companion"],
)
def test_a_good_configuration_loads_under_every_profile(tmp_path: Path, profile: str) -> None:
    assert loaded(tmp_path, GOOD, profile).warnings == ()


KEEP = "[routes.default.treatments]\npii_input = 'keep'\n"
PII = "routes.default.treatments.pii_input"
FOREVER = "[seal]\npassphrase = 'env:PHRASE'\n[conversations]\nretention_days = 0\nstore = true\n"
BA = "privacy.processors.example.business_associate"
CONTRADICTIONS = {
    "gdpr.1": ("gdpr", KEEP, "", PII),
    "gdpr.2": ("gdpr", "", "retention_days = 30\n", "privacy.purposes.support.retention_days"),
    "gdpr.2 stored": ("gdpr", FOREVER, "", "conversations.retention_days"),
    "gdpr.3": ("gdpr", "", 'purpose = "support"\n', "routes.default.purpose"),
    "gdpr.3 basis": ("gdpr", "", 'lawful_basis = "contract"\n', "privacy.purposes.support.lawful_basis"),
    "gdpr.3 record": ("gdpr", "[ledger]\nenabled = false\n", "", "ledger.enabled"),
    "gdpr.6": ("gdpr", "", 'controller = "Example Ltd"\n', "privacy.controller"),
    "gdpr.6 contact": ("gdpr", "", 'contact = "privacy@example.com"\n', "privacy.contact"),
    "gdpr.6 notice": ("gdpr", "", 'version = "2026-01"\n', "privacy.notice.version"),
    "gdpr.12": ("gdpr", "", 'contract = "contracts/1.pdf"\n', "privacy.processors.example.contract"),
    "gdpr.12 nobody": ("gdpr", "", 'bots = ["default"]\n', "privacy.processors"),
    "gdpr.17": ("gdpr", "", 'transfer = "standard-clauses"\n', "privacy.processors.example.transfer"),
    "gdpr.17 region": ("gdpr", "", 'region = "US"\n', "privacy.processors.example.region"),
    "hipaa.1": ("hipaa", "", 'keys = ["env:CHATWARD_KEY"]\n', "identity.anonymous"),
    "hipaa.5": ("hipaa", "[ledger]\nenabled = false\n", "", "ledger.enabled"),
    "hipaa.7": ("hipaa-strict", "", 'second_factor = "required"\n', "operators.second_factor"),
    "hipaa.10": ("hipaa", "", 'business_associate = "contracts/2.pdf"\n', BA),
    "hipaa.10 nobody": ("hipaa", "", 'bots = ["default"]\n', "privacy.processors"),
    "hipaa.11": ("hipaa", KEEP, "", PII),
    "ccpa.1": ("ccpa", "", "retention_days = 30\n", "privacy.purposes.support.retention_days"),
    "ccpa.1 notice": ("ccpa", "", 'version = "2026-01"\n', "privacy.notice.version"),
    "ccpa.3": ("ccpa", "[privacy.purposes.ads]\nuse = 'sale'\n", "", "privacy.purposes.ads.minors"),
    "ccpa.8": ("ccpa", "", 'service_provider = "contracts/3.pdf"\n', "privacy.processors.example.service_provider"),
    "ccpa.8 nobody": ("ccpa", "", 'bots = ["default"]\n', "privacy.processors"),
    "ccpa.9": ("ccpa", "[ledger]\nenabled = false\n", "", "ledger.enabled"),
    "eu-ai-act.1": ("eu-ai-act", "[chat]\ndisclosure = ' '\n", "", "chat.disclosure"),
    "companion.2": ("companion", KEEP.replace("pii_input", "abuse"), "", "routes.default.treatments.abuse"),
    "companion.2 record": ("companion", "[ledger]\nenabled = false\n", "", "ledger.enabled"),
    "companion.2 rule": (
        "companion",
        "[routes.default.rules.'text.abuse/*']\nenabled = false\n",
        "",
        'routes.default.rules."text.abuse/*"',
    ),
    "companion.2 exception": (
        "companion",
        "[[routes.default.exceptions]]\nrule = 'text.abuse/self-harm'\nowner = 'x'\nexpires = '2026-12-31'\n",
        "",
        "routes.default.exceptions[0]",
    ),
    "companion.3": ("companion", "", 'minor_role = "minor"\n', "privacy.minor_role"),
    "eu-ai-act.5": ("eu-ai-act", "[ledger]\nenabled = false\n", "", "ledger.enabled"),
}  # fmt: skip
"""Name -> profile, what is added at the end, what is left out, the key that is named."""

SUPPORT = "privacy.purposes.support."
CHANGED = {
    "gdpr.3 special": (
        "gdpr",
        "retention_days",
        'special = ["health"]\nretention_days',
        "privacy.purposes.support.special_ground",
    ),
    "gdpr.3 explicit": (
        "gdpr",
        "retention_days",
        'special = ["health"]\nspecial_ground = "explicit-consent"\nretention_days',
        "privacy.purposes.support.lawful_basis",
    ),
    "gdpr.6 interest": ("gdpr", '"contract"\nret', '"legitimate-interests"\nret', "privacy.purposes.support.interest"),
    "gdpr.11": ("gdpr", "retention_days", "decides = true\nretention_days", "privacy.purposes.support.human_route"),
    "gdpr.12 ended": ("gdpr", "2026-12-31", "2026-03-08", "privacy.processors.example.contract_until"),
    "gdpr.14": ("gdpr", "https://", "http://", "upstream"),
    "gdpr.15": ("gdpr", "[privacy]", "[privacy]\nbreach_hours = 73", "privacy.breach_hours"),
    "hipaa.8": ("hipaa", "https://", "http://", "upstream"),
    "hipaa.10 ended": (
        "hipaa",
        "business_associate =",
        "business_associate_until = '2026-03-08'\nbusiness_associate =",
        "privacy.processors.example.business_associate_until",
    ),
    "ccpa.6": ("ccpa", "[privacy]", "[privacy]\ngpc = false", "privacy.gpc"),
    "gdpr.16": ("gdpr", "retention_days", "decides = true\nhuman_route = 'x'\nretention_days", SUPPORT + "assessment"),
    "gdpr.16 special": (
        "gdpr",
        "retention_days",
        'special = ["health"]\nspecial_ground = "made-public"\nretention_days',
        SUPPORT + "assessment",
    ),
    "companion.1": ("companion", "[privacy]", "[privacy]\ndisclosure = 'off'", "privacy.disclosure"),
    "companion.2 guards": ("companion", 'purpose = "support"', 'guards = ["text.pii"]', "routes.default.guards"),
    "companion.2 mode": ("companion", 'purpose = "support"', "mode = 'monitor'", "routes.default.mode"),
    "companion.2 models": ("companion", 'purpose = "support"', "detection = 'rules'", "routes.default.detection"),
    "companion.2 help": ("companion", 'purpose = "support"', "help_line = ' '", "routes.default.help_line"),
    "companion.3 reminder": ("companion", "[privacy]", "[privacy]\nreminder = ' '", "privacy.reminder"),
    "eu-ai-act.1 off": ("eu-ai-act", "[privacy]", "[privacy]\ndisclosure = 'off'", "privacy.disclosure"),
    "eu-ai-act.2": ("eu-ai-act", "[privacy]", "[privacy]\nmark = false", "privacy.mark"),
}


@pytest.mark.parametrize("name", [*CONTRADICTIONS, *CHANGED])
def test_what_contradicts_a_profile_is_refused(tmp_path: Path, name: str) -> None:
    if name in CONTRADICTIONS:
        profile, added, left_out, key = CONTRADICTIONS[name]
        assert left_out in GOOD
        text = GOOD.replace(left_out, "") + added
    else:
        profile, before, after, key = CHANGED[name]
        assert before in GOOD
        text = GOOD.replace(before, after, 1)
    (error,) = [one for one in refused(tmp_path, text, profile) if one.key == key]
    assert f"({name.split(maxsplit=1)[0]}: " in error.public
    assert error.reason == "privacy-contradiction"
    assert loaded(tmp_path, text, "").settings  # it is the profile's doing
    assert name != "gdpr.14" or error.line == 2
    assert name != "gdpr.12 ended" or "has ended" in error.public


def test_what_makes_it_lawful_is_accepted(tmp_path: Path) -> None:
    needs = GOOD.replace("retention_days", 'necessary = ["pii", "phi"]\nretention_days')
    assert loaded(tmp_path, needs + KEEP, "gdpr hipaa")
    near = GOOD.replace('region = "US"\ntransfer = "standard-clauses"\n', 'region = "IE"\n')
    assert loaded(tmp_path, near)
    own = GOOD.replace('contract = "contracts/1.pdf"\n', "own = true\n").replace(
        "business_associate", "service_provider"
    )
    assert loaded(tmp_path, own.replace('service_provider = "contracts/2.pdf"\n', ""), "gdpr hipaa ccpa")
    last_day = GOOD.replace("2026-12-31", "2026-03-09")
    assert loaded(tmp_path, last_day)
    local = 'upstream = "http://127.0.0.1:9"\n' + GOOD.split("\n", 2)[2].split("[privacy.processors", maxsplit=1)[0]
    assert loaded(tmp_path, local, "gdpr hipaa ccpa")  # a bot on this machine is nobody else's
    no_phi = GOOD.replace("retention_days", "phi = false\nretention_days").replace('keys = ["env:CHATWARD_KEY"]', "")
    assert loaded(tmp_path, no_phi.replace('business_associate = "contracts/2.pdf"\n', ""), "hipaa")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD.replace('purpose = "support"', 'purpose = "suport"'), "routes.default.purpose"),
        (GOOD.replace('bots = ["default"]', 'bots = ["defalt"]'), "privacy.processors.example.bots[0]"),
        (GOOD + "[privacy.processors.two]\nbots = ['default']\n", "privacy.processors.two.bots[0]"),
        (GOOD.replace('"US"', '"us"'), "privacy.processors.example.region"),
        (GOOD.replace("2026-12-31", "tomorrow"), "privacy.processors.example.contract_until"),
        (GOOD.replace('"2026-01"', '"March 2026"'), "privacy.notice.version"),
        (GOOD + "[privacy.purposes.'to sell']\n", 'privacy.purposes."to sell"'),
        (GOOD.replace('"2026-01"', '""').replace('"contract"', '"consent"'), "privacy.notice.version"),
    ],
)
def test_what_cannot_be_is_refused_without_a_profile(tmp_path: Path, text: str, key: str) -> None:
    (error,) = refused(tmp_path, text, "")
    assert error.key == key
    assert error.line is not None


def test_all_contradictions_are_found_at_once_by_line(tmp_path: Path) -> None:
    text = GOOD.replace('transfer = "standard-clauses"\ncontract = "contracts/1.pdf"\n', "")
    errors = refused(tmp_path, text)
    assert [one.key for one in errors] == ["privacy.processors.example.contract", "privacy.processors.example.transfer"]
    assert {one.line for one in errors} == {text.splitlines().index("[privacy.processors.example]") + 1}


def test_nothing_is_on_by_default() -> None:
    assert not privacy_on(Settings().privacy)
    assert privacy_problems(Settings(), TODAY) == []
    assert privacy_on(Privacy(profile=("gdpr",)))
    assert privacy_on(Privacy(purposes={"a": Purpose()}))
    assert profiles(Privacy(profile=("hipaa-strict",))) == {"hipaa-strict", "hipaa"}


def test_the_shortest_time_of_what_is_served() -> None:
    purposes = {"a": Purpose(retention_days=30), "b": Purpose(retention_days=7), "c": Purpose(retention_days=1)}
    routes = {"default": Route(purpose="a"), "x": Route(purpose="b")}
    privacy = Privacy(purposes=purposes)
    assert retention_days(Settings(routes=routes, privacy=privacy, conversations=Conversations(retention_days=90))) == 7
    assert retention_days(Settings(routes=routes, privacy=privacy, conversations=Conversations(retention_days=3))) == 3
    assert retention_days(Settings(conversations=Conversations(retention_days=0))) is None


MAIL = """
[identity.end_users]
role = "app"
space = "customers"
[mail]
host = "smtp.example.com"
sender = "privacy@example.com"
url = "https://chat.example.com"
"""
RECIPIENT = "[privacy.recipients.crm]\nurl = 'https://crm.example/hook'\nsecret = 'env:HOOK'\n"


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ('space = "customers"\n', "", "identity.end_users.space"),
        ('role = "app"\n', "", "identity.end_users.space"),
        ('privacy@example.com"\nurl', 'privacy"\nurl', "mail.sender"),
        ("https://chat", "http://chat", "mail.url"),
        ("[mail]", "[mail]\nsecurity = 'none'", "mail.security"),
        ("[mail]", "[mail]\nuser = 'u'", "mail.password"),
        ("[mail]", "[mail]\npassword = 'hush'", "mail.password"),
        ("https://crm", "http://crm", "privacy.recipients.crm.url"),
        ("env:HOOK", "whsec_hush", "privacy.recipients.crm.secret"),
    ],
)
def test_what_reaches_people_and_recipients_is_safe(tmp_path: Path, before: str, after: str, key: str) -> None:
    text = GOOD + MAIL + RECIPIENT
    assert loaded(tmp_path, text).settings
    assert before in text
    (error, *_) = [one for one in refused(tmp_path, text.replace(before, after)) if one.key == key]
    assert "hush" not in str(error)
