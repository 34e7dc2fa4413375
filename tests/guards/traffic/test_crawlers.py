"""Crawlers that say what they are."""

from __future__ import annotations

import pytest

from chatward.guards.traffic.crawlers import below, declared, machines


@pytest.mark.parametrize(
    ("agent", "domain"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "googlebot.com"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "search.msn.com"),
        ("Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)", "baidu.com"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2)", ""),
        ("SomeCrawler/1.0", ""),
        ("facebookexternalhit/1.1", ""),
    ],
)
def test_a_crawler_is_known_by_its_own_word(agent: str, domain: str) -> None:
    assert declared(agent)
    assert domain in machines(agent) if domain else machines(agent) == ()


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile",
        "Mozilla/5.0 (Linux; Android 9; Cubot X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile",
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    ],
)
def test_a_telephone_is_no_crawler(agent: str) -> None:
    assert not declared(agent)


def test_a_name_stands_below_a_domain_or_not() -> None:
    assert below("crawl-66-249-66-1.googlebot.com.", ("googlebot.com",))
    assert not below("googlebot.com.attacker.example", ("googlebot.com",))
    assert not below("notgooglebot.com", ("googlebot.com",))
    assert not below("googlebot.com", ("googlebot.com",))
