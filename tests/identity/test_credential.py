"""The one credential of a request, or a refusal."""

from dataclasses import replace

import pytest

from chatward.core.errors import IdentityError
from chatward.core.identity import Presented
from chatward.identity.credential import Credential, credential, shown
from tests.identity.headers import headers


@pytest.mark.parametrize(
    ("pairs", "found"),
    [
        ([], None),
        ([("authorization", "")], None),
        ([("authorization", "Bearer")], None),
        ([("authorization", "Bearer  ")], None),
        ([("x-api-key", " ")], None),
        ([("authorization", "Bearer a")], Credential("bearer", "a")),
        ([("authorization", "bEaReR   a ")], Credential("bearer", "a")),
        ([("authorization", "DPoP a")], Credential("dpop", "a")),
        ([("authorization", "Basic eDp5")], Credential("other", "Basic eDp5")),
        ([("authorization", "sk-raw")], Credential("other", "sk-raw")),
        ([("x-api-key", "a")], Credential("x-api-key", "a")),
        ([("authorization", "Bearer a"), ("x-api-key", "a")], Credential("bearer", "a")),
        ([("authorization", "Bearer"), ("x-api-key", "a")], Credential("x-api-key", "a")),
        ([("authorization", "Bearer a"), ("x-api-key", "")], Credential("bearer", "a")),
    ],
)
def test_what_is_presented(pairs, found):
    assert credential(headers(*pairs)) == found


@pytest.mark.parametrize(
    "pairs",
    [
        [("authorization", "Bearer a"), ("authorization", "Bearer a")],
        [("authorization", "Bearer a"), ("authorization", "")],
        [("x-api-key", "a"), ("x-api-key", "a")],
        [("authorization", "Bearer a"), ("x-api-key", "a"), ("x-api-key", "a")],
        [("authorization", "Bearer a"), ("x-api-key", "b")],
        [("authorization", "Basic a"), ("x-api-key", "a")],
        [("authorization", "Bearer a"), ("x-api-key", "A")],
    ],
)
def test_what_can_be_read_in_two_ways(pairs):
    with pytest.raises(IdentityError) as caught:
        credential(headers(*pairs))
    assert (caught.value.reason, caught.value.status) == ("credentials-ambiguous", 400)


def test_its_repr_shows_no_secret():
    assert "hush" not in repr(credential(headers(("authorization", "Bearer hush"))))
    assert "hush" not in repr(credential(headers(("authorization", "hush"))))


def test_a_request_is_read_once_and_another_anew():
    presented = Presented("POST", "https://x/", headers(("authorization", "Bearer a")))
    assert shown(presented) is shown(presented)
    assert shown(replace(presented, headers=headers(("authorization", "Bearer b")))) == Credential("bearer", "b")
    assert shown(replace(presented, headers=headers())) is None


def test_what_is_ambiguous_stays_so_when_asked_again():
    presented = Presented("POST", "https://x/", headers(("x-api-key", "a"), ("x-api-key", "b")))
    for _ in range(2):
        with pytest.raises(IdentityError):
            shown(presented)
