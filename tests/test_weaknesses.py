"""Every weakness has a case, and safe settings have none."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from chatward.configuration import load
from chatward.weaknesses import LEVELS, Weakness, weaknesses

TODAY = date(2026, 6, 1)
SAFE = """
upstream = "https://bot.example/v1"
server.keys = ["env:K"]
"""


def found(tmp_path: Path, text: str, base: str = SAFE) -> list[Weakness]:
    path = tmp_path / "chatward.toml"
    path.write_text(base + text)
    return weaknesses(load(path, {}, today=TODAY).settings, TODAY)


def exception(**changes: str) -> str:
    fields = {"rule": "text.pii/email", "owner": "o", "expires": "2026-12-31", **changes}
    return "[[routes.a.exceptions]]\n" + "".join(f"{key} = '{value}'\n" for key, value in fields.items())


CASES: dict[str, tuple[str, str, str]] = {
    "monitor": ("[routes.a]\nmode = 'monitor'\n", "high", "routes.a.mode"),
    "no guards": ("[routes.a]\nguards = ['none']\n", "high", "routes.a.guards"),
    "some guards": ("[routes.a]\nguards = ['text.pii']\n", "medium", "routes.a.guards"),
    "no models": ("[routes.a]\ndetection = 'rules'\n", "medium", "routes.a.detection"),
    "unavailable": ("[routes.a]\non_unavailable = 'allow'\n", "high", "routes.a.on_unavailable"),
    "threshold": ("[routes.a]\nthreshold = 0.81\n", "medium", "routes.a.threshold"),
    "guard off": ("[routes.a.rules.'text.pii']\nenabled = false\n", "medium", 'routes.a.rules."text.pii".enabled'),
    "all off": ("[routes.a.rules.'*']\nenabled = false\n", "high", 'routes.a.rules."*".enabled'),
    "rule off": ("[routes.a.rules.'text.pii/x']\nenabled = false\n", "low", 'routes.a.rules."text.pii/x".enabled'),
    "rule's threshold": (
        "[routes.a.rules.'text.pii']\nthreshold = 0.95\n",
        "medium",
        'routes.a.rules."text.pii".threshold',
    ),
    "rule kept": ("[routes.a.rules.'text.pii']\ntreatment = 'keep'\n", "medium", 'routes.a.rules."text.pii".treatment'),
    "injection kept": ("[routes.a.treatments]\ninjection = 'keep'\n", "high", "routes.a.treatments.injection"),
    "leak kept": ("[routes.a.treatments]\nleak = 'keep'\n", "high", "routes.a.treatments.leak"),
    "secrets kept": ("[routes.a.treatments]\nsecret_input = 'keep'\n", "medium", "routes.a.treatments.secret_input"),
    "pii kept": ("[routes.a.treatments]\npii_input = 'keep'\n", "medium", "routes.a.treatments.pii_input"),
    "ends soon": (exception(expires="2026-06-15"), "low", "routes.a.exceptions[0].expires"),
    "never ends": (exception(expires="2099-01-01"), "medium", "routes.a.exceptions[0].expires"),
    "everything excepted": (exception(rule="*"), "high", "routes.a.exceptions[0].rule"),
    "all values": ("[routes.a]\nallow = ['x@example.com', '*']\n", "high", "routes.a.allow[1]"),
    "all addresses": ("[routes.a]\nallow = ['*@*']\n", "high", "routes.a.allow[0]"),
    "all of a country": ("[routes.a]\nallow = ['+49*']\n", "high", "routes.a.allow[0]"),
    "all links": ("[routes.a]\nallow_links = ['*.com']\n", "high", "routes.a.allow_links[0]"),
    "long list": (f"[routes.a]\nallow = {[f'{n}@example.com' for n in range(101)]}\n", "low", "routes.a.allow"),
    "no ledger": ("[ledger]\nenabled = false\n", "high", "ledger.enabled"),
    "process": ("[ledger]\ndurability = 'process'\n", "medium", "ledger.durability"),
    "stored": ("[conversations]\nstore = true\n[seal]\npassphrase = 'env:PHRASE'\n", "medium", "conversations.store"),
    "plain bot": ("[bots.b]\nupstream = 'http://192.0.2.1'\n", "high", "bots.b.upstream"),
}


def test_safe_settings_have_none(tmp_path: Path) -> None:
    assert found(tmp_path, "") == []


@pytest.mark.parametrize("case", CASES)
def test_each_weakness(tmp_path: Path, case: str) -> None:
    text, level, key = CASES[case]
    (weakness,) = found(tmp_path, text)
    assert (weakness.level, weakness.key) == (level, key)
    assert weakness.sentence.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "[routes.a]\nthreshold = 0.8\n",
        "[routes.a]\nallow = ['*@example.com', '+49 30 1234*', 'hotline']\n",
        "[routes.a]\nallow_links = ['*.example.com', 'example.com']\n",
        "[bots.b]\nupstream = 'http://127.0.0.1:8080'\n",
        "[bots.b]\nupstream = 'http://[::1]:8080'\n",
        "[routes.a.rules.'text.pii/email']\nthreshold = 0.7\n",
        "[routes.a.treatments]\npii_own = 'keep'\n",
        exception(expires="2026-06-16"),
        exception(expires="2026-05-31"),
        exception(rule="*", values="x").replace("'x'", "['x']"),
    ],
)
def test_what_is_no_weakness(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


@pytest.mark.parametrize(("extra", "level"), [("", "low"), ("server.behind_tls_proxy = true\n", "high")])
def test_no_keys(tmp_path: Path, extra: str, level: str) -> None:
    (weakness,) = found(tmp_path, extra, base='upstream = "https://bot.example"\n')
    assert (weakness.level, weakness.key) == (level, "server.keys")


def test_the_worst_comes_first(tmp_path: Path) -> None:
    text = exception(expires="2026-06-02") + "[ledger]\nenabled = false\n[routes.b]\nguards = ['text.pii']\n"
    levels = [LEVELS.index(weakness.level) for weakness in found(tmp_path, text)]
    assert levels == sorted(levels) == [0, 1, 2]
