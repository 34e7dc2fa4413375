"""Where a name's owner begins, and which hosts strangers share."""

from __future__ import annotations

import pytest

from chatward.core.hosts import path_shared, shared, split


@pytest.mark.parametrize(
    ("host", "registered", "subdomain", "is_shared"),
    [
        ("example.com", "example.com", "", False),
        ("www.shop.example.com", "example.com", "www.shop", False),
        ("example.co.uk", "example.co.uk", "", False),
        ("a.example.com.br", "example.com.br", "a", False),
        ("example.com.au", "example.com.au", "", False),
        ("example.uk.com", "example.uk.com", "", False),
        ("co.uk", "", "", False),
        ("t.co", "t.co", "", False),
        ("go.com", "go.com", "", False),
        ("user.github.io", "user.github.io", "", True),
        ("github.io", "github.io", "", False),
        ("a.b.pages.dev", "b.pages.dev", "a", True),
        ("name.blogspot.com", "name.blogspot.com", "", True),
        ("name.blogspot.de", "name.blogspot.de", "", True),
        ("name.blogspot.com.br", "name.blogspot.com.br", "", True),
        ("localhost", "", "", False),
        ("127.0.0.1", "", "", False),
        ("::1", "", "", False),
    ],
)
def test_split(host: str, registered: str, subdomain: str, is_shared: bool) -> None:
    found = split(host)
    assert (found.registered, found.subdomain, found.shared) == (registered, subdomain, is_shared)


def test_shared_hosts_are_known_by_name_and_by_path() -> None:
    assert shared("someone.pages.dev")
    assert shared("sites.google.com")
    assert path_shared("www.github.com")
    assert path_shared("s3-us-west-2.amazonaws.com")  # a customer's name stands in the path
    assert path_shared("s3.dualstack.eu-central-1.amazonaws.com")
    assert not path_shared("walnut.s3.eu-central-1.amazonaws.com")
    assert not path_shared("s3-garden.amazonaws.com")
    assert not shared("example.com")
    assert not shared("notgithub.io")


@pytest.mark.parametrize("host", ["a.example.com", "x.y.z.example.org", "a.co.uk", "b.c.pages.dev"])
def test_the_parts_join_to_the_host(host: str) -> None:
    found = split(host)
    assert ".".join(filter(None, (found.subdomain, found.name, found.suffix))) == host
