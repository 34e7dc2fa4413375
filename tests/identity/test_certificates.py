"""Who shows a certificate: an id that stays, nobody that it does not say, and what policy may know."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import IdentityError
from chatward.core.identity import Assurance, Kind, Presented
from chatward.identity.certificates import Certificates, facts, read, spiffe_id_of
from chatward.ledger.events import IDENTIFIER
from tests.simulators.access import Headers
from tests.simulators.authority import Authority, der

SHOP = "spiffe://example.org/ns/prod/sa/shop"


def presented(file: Path | None) -> Presented:
    return Presented("POST", "https://x/", Headers({}), certificate=None if file is None else der(file))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


def test_a_workload_is_known_by_its_spiffe_id(ours: Authority) -> None:
    cert, _ = ours.make("shop", SHOP)
    found = Certificates().identify(presented(cert))
    assert found is not None
    assert (found.id, found.kind, found.assurance) == (SHOP, Kind.SERVICE, Assurance.SINGLE)
    assert Certificates().identify(presented(None)) is None


def test_a_program_with_a_name_keeps_its_id_when_renewed(ours: Authority, tmp_path: Path) -> None:
    ids = [read(der(ours.make(f"n{number}", subject="billing")[0])).id for number in range(2)]
    assert ids[0] == ids[1]
    assert ids[0].startswith("certificate:")
    assert "billing" not in ids[0]
    others = [
        read(der(ours.make("other", subject="shipping")[0])).id,
        read(der(Authority(tmp_path / "b", "theirs").make("same", subject="billing")[0])).id,
        read(der(ours.make("odd", "https://example.org/x")[0])).id,
    ]
    assert len({ids[0], *others}) == 4


@pytest.mark.parametrize(
    "uris", [(SHOP, "spiffe://example.org/other"), ("spiffe://example.org",), ("https://example.org/shop",)]
)
def test_what_is_no_spiffe_id_is_not_taken_for_one(ours: Authority, uris: tuple[str, ...]) -> None:
    cert, _ = ours.make("odd", *uris)
    assert spiffe_id_of(der(cert)) is None
    assert read(der(cert)).id.startswith("certificate:")


def test_an_authority_is_no_workload(ours: Authority) -> None:
    """X509-SVID section 4.1: a signing certificate stands for a trust domain, whatever its URI says."""
    cert, _ = ours.make("authority", SHOP, ca=True)
    assert spiffe_id_of(der(cert)) is None
    assert read(der(cert)).id != SHOP


def test_one_that_says_nobody_is_refused(ours: Authority) -> None:
    cert, _ = ours.make("nobody")
    with pytest.raises(IdentityError) as refused:
        Certificates().identify(presented(cert))
    assert refused.value.reason == "certificate-nobody"


def test_it_ends_inside_a_stream_too(ours: Authority) -> None:
    cert, _ = ours.make("short", SHOP, days=1)
    ends = read(der(cert)).ends
    now = ends - 1
    known = Certificates(clock=lambda: now)
    found = known.identify(presented(cert))
    assert found is not None
    assert known.valid(found)
    now = ends
    assert not known.valid(found)
    with pytest.raises(IdentityError) as refused:
        known.identify(presented(cert))
    assert refused.value.reason == "certificate-ended"


def test_what_policy_may_know(ours: Authority) -> None:
    cert, _ = ours.make("named", SHOP, subject="shop")
    told = facts(presented(cert))
    assert told is not None
    assert (told["spiffe"], told["subject"], told["issuer"]) == (SHOP, "CN=shop", "CN=ours")
    assert len(told["thumbprint"]) == 64
    assert facts(presented(None)) is None


@given(st.text("ab/.-_", min_size=1, max_size=300))
def test_every_id_may_stand_in_the_ledger(ours: Authority, path: str) -> None:
    cert, _ = ours.make("any", f"spiffe://example.org/{path}")
    assert IDENTIFIER.fullmatch(read(der(cert)).id)
