"""Impact assessments: where one is needed, and a draft that makes nothing up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatward.cli import main
from chatward.guards.text.abuse import SELF_HARM
from chatward.privacy.assessing import assessed, draft
from chatward.settings import Privacy, Processor, Purpose, Route, Settings, privacy_rules
from chatward.settings.rules import complete

PURPOSES = {
    "support": Purpose(lawful_basis="contract", summary="Answering questions", retention_days=30),
    "credit": Purpose(lawful_basis="contract", decides=True, human_route="phone 17", assessment="files/dpia-3.pdf"),
    "advice": Purpose(special=("health",), special_ground="explicit-consent"),
    "unused": Purpose(decides=True),
}
PROCESSOR = Processor(name="Example AI Inc.", bots=("default",), region="US", transfer="standard-clauses")
SETTINGS = complete(
    Settings(
        upstream="https://bot.example/v1",
        routes={
            "default": Route(purpose="support"),
            "credit": Route(purpose="credit", models=("credit",)),
            "advice": Route(purpose="advice", models=("advice",)),
        },
        privacy=Privacy(purposes=PURPOSES, processors={"example": PROCESSOR}, controller="Example Ltd"),
    )
)


def test_where_one_is_needed() -> None:
    found = {one.purpose: one for one in assessed(SETTINGS)}
    assert set(found) == {"support", "credit", "advice"}
    assert [name for name, one in found.items() if one.needed] == ["credit", "advice"]
    assert [name for name, one in found.items() if one.likely] == ["credit", "advice"]
    assert found["credit"].on_file == "files/dpia-3.pdf"
    young = Settings(routes=SETTINGS.routes, privacy=Privacy(purposes=PURPOSES, minor_role="minor"))
    assert all(one.likely for one in assessed(young))


def test_a_draft_says_what_settings_say_and_asks_the_rest() -> None:
    told = draft(SETTINGS, "credit")
    for part in ("Article 35(7)(a)", "Article 35(7)(b)", "Article 35(7)(c)", "Article 35(7)(d)"):
        assert part in told
    for known in ("Example Ltd", "Example AI Inc., US, transfer by standard-clauses", "phone 17", "placeholder"):
        assert known in told
    assert "Purpose: ?" in told  # nobody has said what it is for
    assert "Purpose: Answering questions" in draft(SETTINGS, "support")
    assert "A decision is wrong" not in draft(SETTINGS, "support")
    with pytest.raises(KeyError):
        draft(SETTINGS, "unused")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "chatward.toml"
    config.write_text('upstream = "http://127.0.0.1:9"\n[routes.default]\npurpose = "a"\n[privacy.purposes.a]\n')
    at = ("-c", str(config))
    assert main(["privacy", "assessment", "--json", *at]) == 0
    (one,) = json.loads(capsys.readouterr().out)["assessments"]
    assert (one["purpose"], one["needed"]) == ("a", False)
    assert main(["privacy", "assessment", "a", *at]) == 0
    assert capsys.readouterr().out.startswith("# Data protection impact assessment: a\n")
    assert main(["privacy", "assessment", "b", *at]) == 2


def test_rules_and_guards_mean_the_same_rule() -> None:
    assert privacy_rules.SELF_HARM == SELF_HARM
