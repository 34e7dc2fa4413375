"""Ordinary links that look like tricks, and texts that look like links: nothing may act on them."""

from __future__ import annotations

import pytest

from chatward.guards.links.extraction import links_in
from tests.guards.links.looks import acted_on

ORDINARY: tuple[str, ...] = (
    # brands' own hosts
    "https://www.paypal.com/signin?country.x=DE&locale.x=de_DE",
    "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=1&redirect_uri=https%3A%2F%2Fexample.com",
    "https://accounts.google.com/o/oauth2/auth?redirect_uri=https://app.example.com/cb&scope=email",
    "https://appleid.apple.com/account/manage",
    "https://support.apple.com/en-us/HT201303",
    "https://s3.amazonaws.com/examplebucket/image.png",
    "https://www.amazon.co.uk/dp/B000000000?ref=nav_signin",
    "https://signin.ebay.de/",
    "https://www.amazonpay.com/",
    "https://facebookmail.com/",
    "https://secure.chase.com/web/auth/",
    "https://www.google.com.br/search?q=paypal+login",
    "https://discord.gg/abc",
    "https://steamcommunity.com/id/someone",
    # names that are near a brand's, or hold one
    "https://www.applebees.com/",
    "https://purchase.example.com/",
    "https://orange.example/juice",
    "https://groups.example.org/ups",
    "https://chase.example.org/hunting",
    "https://steam.example.edu/stem-education",
    "https://ledger.example.com/accounting",
    "https://zoom.example.com/lens",
    "https://wise.example.org/owls",
    "https://telegraf.example/news",
    "https://nordex.example/",
    "https://metallic.example/",
    "https://pineapple.example/recipes",
    "https://netflix.github.io/",
    "https://google.github.io/styleguide/",
    "https://paypal-fans.example/",
    "https://github.example.com/team/repository",
    "https://jira.example.com/browse/PAY-1",
    "https://my-account.example.com/",
    "https://login.example.com/",
    "https://secure.example.org/verify",
    "https://support.example.com/billing/update",
    # writing
    "https://bücher.example/",
    "https://münchen.example/",
    "https://例え.example/",
    "https://почта.example/",
    "https://пример.example/",
    "https://παράδειγμα.example/",
    "https://xn--bcher-kva.example/",
    "https://example.com/caf%C3%A9",
    "https://example.com/a(b)c",
    "https://example.com:8443/path;param?x=1&y=2#frag",
    "https://example.com/@user/post-1",
    "https://example.com/?email=ann@example.com",
    "https://example.com/a%20b.pdf",
    "ftp://files.example.com/pub/readme.txt",
    "wss://example.com/socket",
    "ssh://git@example.com/repo.git",
    "https://user@example.com/repo.git",
    "postgresql://user:secret@db.example.com/x",
    "https:/example.com/typo",
    "https:///example.com/typo",
    # addresses
    "http://192.168.1.1/",
    "http://localhost:3000/",
    "http://127.0.0.1:8000/docs",
    "http://93.184.215.14/",
    "http://[2001:db8::1]:8080/",
    # through others
    "https://example.com/login?next=/account",
    "https://example.com/?utm_source=https://example.org",
    "https://web.archive.org/web/2020/https://example.com/",
    "https://bit.ly/abc",
    "https://t.co/abc",
    "https://www.facebook.com/sharer/sharer.php?u=https://example.com/post",
    # downloads
    "https://example.com/setup.exe",
    "https://github.com/someone/tool/releases/download/v1.0/tool.msi",
    "https://example.com/paper.v2.pdf",
    "https://example.com/archive.tar.gz",
    "https://example.com/jquery.min.js",
    # text and target
    "[the terms](https://example.com/terms)",
    "[example.com](https://www.example.com/about)",
    "[www.example.com/about](https://example.com/about?utm_source=chat)",
    "[https://example.com/](https://example.com/?ref=1)",
    "[google.de](https://www.google.com/)",
    "[Node.js](https://nodejs.example/)",
    "[1]: https://example.com/source",
    '<a href="https://example.com/x">example.com</a>',
    '<a href="https://example.com/x">our pages</a>',
    '<a href="javascript:void(0)">menu</a>',
    "![chart](data:image/png;base64,iVBORw0KGgo=)",
    # texts
    "Use javascript: URLs sparingly; data: URLs too.",
    "file:///home/ann/notes.txt does not open",
    "Run main.py, then index.js and lib.rs; see README.md.",
    "It works.In the end it did.",
    "Version 1.2.3.4 or 10.0.0.1 of the tool",
    "e.g. this, i.e. that, a.k.a. those; at 12.30 p.m.",
    "ann.smith@example.com and bob@paypal.com wrote",
    "const x = window.location.href; user.name = paypal.login",
    "The dot product, com objects and polka dot dress",
    "We met at Dot Com Ltd. in June",
    "call me @example or #example at 10:30//11:00",
    "C:\\Users\\ann\\file.txt and \\\\server\\share\\x.doc",
    "ratio 3:1, a://b, and http://",
    "https://",
    "paypal.com",
    "Is paypal.com down? And what about amazon.co.uk or login.live.com?",
    "the evil [dot] is only a sign",
    "key: value; namespace::name; std::vector<int>",
)


@pytest.mark.parametrize("place", ["user", "document", "reply"])
@pytest.mark.parametrize("text", ORDINARY, ids=range(len(ORDINARY)))
def test_nothing_acts_on_it(text: str, place: str) -> None:
    assert acted_on(text, place) == set()
    assert acted_on(f"Hello, as you asked: {text} is it. Thanks!", place) == set()


MAILING = "[www.example.com](https://clicks.garden.example/r/1)"


def test_mailings_count_clicks_and_bots_do_not() -> None:
    assert acted_on(MAILING, "document") == acted_on(MAILING, "user") == set()
    assert acted_on(MAILING, "reply") == {"mismatch"}


def test_there_are_as_many_as_tricks() -> None:
    assert len(set(ORDINARY)) == len(ORDINARY) >= 60


@pytest.mark.parametrize(
    "text", [text for text in ORDINARY if ":/" not in text and "]" not in text and "<" not in text]
)
def test_words_with_dots_are_not_surely_links(text: str) -> None:
    sure = [
        link.url for link in links_in(text) if link.sure and "paypal" not in link.url and "live.com" not in link.url
    ]
    assert [url for url in sure if "javascript" not in url and "amazon" not in url] == []
