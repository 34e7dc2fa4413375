"""The record of processing follows from the routes."""

from __future__ import annotations

from chatward.privacy.processing import processing
from chatward.settings import Bot, Privacy, Processor, Purpose, Route, Settings, Treatments

SETTINGS = Settings(
    bots={"default": Bot(upstream="https://a.example"), "far": Bot(upstream="https://b.example")},
    routes={
        "vip": Route(purpose="support", bot="far", treatments=Treatments(pii_input="keep")),
        "open": Route(guards=("none",)),
        "default": Route(purpose="support"),
    },
    privacy=Privacy(
        controller="Example Ltd",
        purposes={"support": Purpose(lawful_basis="contract", retention_days=30), "unused": Purpose()},
        processors={
            "far": Processor(name="Far Inc.", bots=("far",), region="US", transfer="adequacy", contract="x"),
            "near": Processor(own=True, bots=("default",), region="IE", transfer="adequacy"),
        },
    ),
)


def test_every_route_is_in_it_under_its_purpose() -> None:
    support, unstated = processing(SETTINGS)
    assert (support["purpose"], support["routes"], support["retention_days"]) == ("support", ["default", "vip"], 30)
    assert support["controller"] == "Example Ltd"
    assert (unstated["purpose"], unstated["lawful_basis"], unstated["routes"]) == (None, None, ["open"])
    assert unstated["security"]["unguarded"] == ["open"]
    assert support["security"]["personal_data_to_bots"] == {"default": "placeholder", "vip": "keep"}


def test_recipients_are_those_of_the_bots_with_their_transfers() -> None:
    support, unstated = processing(SETTINGS)
    near, far = support["recipients"]
    assert near == {"bot": "default", "processor": None, "region": "IE", "transfer": None, "contract": None}
    assert far == {"bot": "far", "processor": "Far Inc.", "region": "US", "transfer": "adequacy", "contract": "x"}
    assert unstated["recipients"] == [near]
