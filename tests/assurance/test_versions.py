"""The order of versions: each ecosystem's own rules, with the examples of their specifications."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatward.assurance.versions import apk, debian, order, pypi, rpm, same_name, semver


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        # PEP 440, "Summary of permitted suffixes and relative ordering"
        ("PyPI", "0.1-bulbasaur 0.9-ivysaur 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2"),
        ("PyPI", "1.0b2.post345.dev456 1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5"),
        ("PyPI", "1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 1!0.1"),
        # Semantic Versioning 2.0.0, clause 11
        ("npm", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"),
        ("Go", "v0.0.0-20190101000000-abcdefabcdef v0.9.9 v1.2.3 v1.10.0"),
        # Debian Policy 5.6.12, and what security updates look like
        ("Debian", "1.0~~ 1.0~~a 1.0~ 1.0 1.0-0ubuntu1 1.0-1~deb12u1 1.0-1 1.0-1+b1 1.0-10 1.0a 1.0+b 1.0.1-1 1:0.1"),
        ("Debian", "0.99.9 0.99.10 1.0~beta1~svn1245 1.0~beta1 1.0"),
        ("Alpine", "1.0 1.05 1.1_alpha 1.1_alpha2 1.1_beta 1.1_rc1 1.1 1.1-r0 1.1-r2 1.1-r10 1.1_p1 1.1_p2-r0 1.1a"),
        ("Alpine:v3.19", "1.1a 1.1b 1.1.1 1.1.2 1.1.10 1.2 20240101"),
        # rpm's manual, "Version comparison"
        ("Rocky Linux:9", "1.0~rc1~git1 1.0~rc1 1.0~rc1^git1 1.0~rc2 1.0 1.0-0 1.0^git1~pre 1.0^git1 1.0a 1.0aa"),
        ("AlmaLinux:9", "1.0.1 1.0.9 1.0.10 1:0.9-1.el9 1:0.9-1.el9_4 1:0.9-1.1.el9 1:0.9-2 1:0.9-123 2:0.1"),
    ],
    ids=[
        *("pep440-pre", "pep440-post", "pep440-epoch", "semver", "go", "debian", "debian-tilde", "apk", "apk-numbers"),
        *("rpm", "rpm-releases"),
    ],
)  # fmt: skip
def test_what_comes_first(ecosystem: str, ascending: str) -> None:
    key = order(ecosystem)
    assert key is not None
    for lower, higher in pairwise(ascending.split()):
        assert key(lower) < key(higher), (lower, higher)


def test_what_is_the_same() -> None:
    assert pypi("1.0") == pypi("1.0.0") == pypi("v1.0")
    assert semver("1.2.3+build.5") == semver("v1.2.3") != semver("1.2.3-build.5")
    assert semver("1.2") == semver("1.2.0")
    assert rpm("1.0-1") == rpm("0:1.0-01") == rpm("1_0-1.")
    assert debian("1.0") == debian("0:1.0-") == debian("1.00")
    assert same_name("PyPI", "Typing_Extensions.x") == "typing-extensions-x"
    assert same_name("npm", "@Scope/Name") == "@Scope/Name"


def test_what_has_no_order_is_not_given_one() -> None:
    assert order("Maven") is None
    assert order("PyPI", "GIT") is None
    with pytest.raises(ValueError, match="semantic"):
        semver("latest")
    with pytest.raises(ValueError, match="Debian"):
        debian("1.0 beta")
    with pytest.raises(ValueError, match="Alpine"):
        apk("1.0~1")
    with pytest.raises(ValueError, match="rpm"):
        rpm("1:")


@settings(max_examples=60)
@given(
    st.lists(
        st.from_regex(r"([0-9]:)?[0-9][0-9a-z.~+]{0,6}(-[0-9a-z~+.]{1,3})?", fullmatch=True), min_size=3, max_size=3
    )
)
def test_debian_is_an_order(versions: list[str]) -> None:
    one, two, three = map(debian, versions)
    assert (one < two) + (one == two) + (one > two) == 1
    assert not (one <= two <= three) or one <= three
