"""The secrets guard: every kind is found by its documented shape, and what only looks like one is not.

The values are drawn here, from a seeded generator, in the shapes of ``secret_shapes.txt``; none is real.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.ports import RuleGuard
from chatward.core.rules import Rule
from chatward.core.text import View
from chatward.core.values import Category, Moment
from chatward.engine.scanner import Scanner
from chatward.guards.text.secrets import ENTITIES, SecretsGuard
from chatward.guards.text.secrets_dev import base62_crc32
from chatward.guards.text.secrets_values import split_words
from chatward.identity import keys

Find = Callable[[RuleGuard, str], list[tuple[str, str, float]]]

GUARD = SecretsGuard()
ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "u": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "w": string.ascii_letters + string.digits + "-_",
    "d": string.digits,
    "t": string.ascii_lowercase + "234567",
    "T": string.ascii_uppercase + "234567",
    "s": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "a": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}


def chance(seed: object) -> random.Random:
    return random.Random(str(seed))


SLOT = re.compile(r"\{(?:([A-Za-z])(\d+)|uuid)\}")


def draw(template: str, luck: random.Random) -> str:
    """A text in the shape of a template of ``secret_shapes.txt``."""

    def one(slot: re.Match[str]) -> str:
        if slot.group(1) is None:
            digits = "".join(luck.choices(ALPHABETS["h"], k=30))
            return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15:18]}-{digits[18:]}"
        letters = ALPHABETS[slot.group(1)]
        edge = letters.replace("-", "").replace("_", "").replace("+", "").replace("/", "")
        size = int(slot.group(2))
        middle = "".join(luck.choices(letters, k=max(0, size - 2)))
        return (luck.choice(edge) + middle + luck.choice(edge))[:size]

    return SLOT.sub(one, template)


def shapes() -> Iterator[tuple[str, str]]:
    for line in (Path(__file__).parent / "secret_shapes.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, template = line.partition(" ")
            yield name, template


SHAPES: dict[str, list[str]] = {}
for _name, _template in shapes():
    SHAPES.setdefault(_name, []).append(_template)
RULES = {rule.id.partition("/")[2]: rule for rule in GUARD.rules}


def drawn(name: str, seed: int = 0) -> tuple[str, str]:
    """The text and the secret in it, for a kind."""
    templates = SHAPES[name]
    text = draw(templates[seed % len(templates)], chance(f"{name} {seed}"))
    before, opened, rest = text.partition("‹")
    secret, _, after = rest.partition("›")
    return (before + secret + after, secret) if opened else (text, text)


@pytest.fixture(name="scan", scope="module")
def scan_fixture() -> Callable[[str], dict[str, str]]:
    """The engine's one pass over all rules: rule name to the text it found (the last, where there are several)."""
    scanner = Scanner(GUARD.rules)

    def scan(text: str) -> dict[str, str]:
        hits = scanner.scan_view(View(text))
        return {hit.rule.id.partition("/")[2]: text[hit.start : hit.end] for hit in hits}

    return scan


def only(name: str) -> RuleGuard:
    """The guard with one rule, so that a test of one kind costs one kind."""

    class One(SecretsGuard):
        @property
        def rules(self) -> list[Rule]:
            return [RULES[name]]

    return One()


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


KEY_BODY = "\n".join(draw("{b64}", chance(n)) for n in range(6))
DASHES = "-" * 5


def block(label: str, body: str = KEY_BODY) -> str:
    kind = f"{label}PRIVATE KEY{' BLOCK' if label == 'PGP ' else ''}"
    return f"{DASHES}BEGIN {kind}{DASHES}\n{body}\n{DASHES}END {kind}{DASHES}"


WRITTEN = {
    "jwt": f"{b64(json.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{b64(json.dumps({'sub': 'ada', 'exp': 1}))}.{'s' * 43}",
    "jwe": f"{b64(json.dumps({'alg': 'dir', 'enc': 'A256GCM'}))}..{draw('{w16}.{w40}.{w22}', chance(1))}",
    "rsa-private-key": block("RSA "),
    "ec-private-key": block("EC "),
    "dsa-private-key": block("DSA "),
    "openssh-private-key": block("OPENSSH "),
    "pkcs8-private-key": block(""),
    "encrypted-private-key": block("ENCRYPTED "),
    "pgp-private-key": block("PGP ", f"Version: 1\n\n{KEY_BODY}"),
    "ssh2-private-key": block("SSH2 ENCRYPTED ", f"Comment: ada\n{KEY_BODY}"),
    "other-private-key": block("ED25519 "),
    "encoded-private-key": base64.b64encode(block("RSA ").encode()).decode(),
    "putty-private-key": (
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: ada\nPrivate-Lines: 1\n"
        f"{draw('{b44}', chance(2))}\nPrivate-MAC: {draw('{h64}', chance(3))}"
    ),
    "openvpn-static-key": (
        f"{DASHES}BEGIN OpenVPN Static key V1{DASHES}\n{draw('{h32}', chance(4))}\n"
        f"{DASHES}END OpenVPN Static key V1{DASHES}"
    ),
}


def test_every_kind_has_a_test_and_there_are_enough() -> None:
    elsewhere = {"basic-auth", "secret-stated", "seed-phrase"}
    assert set(SHAPES) | set(WRITTEN) | elsewhere == set(RULES)
    assert not set(SHAPES) & set(WRITTEN)
    assert len(RULES) >= 600


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_kind_is_found_by_its_documented_shape(name: str, find: Find) -> None:
    for seed in range(max(4, len(SHAPES[name]))):
        text, secret = drawn(name, seed)
        for around in ("{}", "see {} there", '"{}"', "a\n{}\nb"):
            found = [span for _, span, _ in find(only(name), around.replace("{}", text))]
            assert secret in found, (around, found)


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_written_kind_is_found_whole(name: str, find: Find) -> None:
    secret = WRITTEN[name]
    assert [span for _, span, _ in find(only(name), f"here: {secret} and more")] == [secret]


def test_filler_in_the_shape_of_a_marked_kind_is_no_secret(scan: Callable[[str], dict[str, str]]) -> None:
    for text in (
        "ghp_" + "x" * 36,
        "sk_live_" + "YOUR_API_KEY_GOES_HERE12",
        "sk-ant-api03-" + "your-key-" * 11,
        "glpat-" + "x" * 20,
        "xoxb-" + "123456789012-123456789012-" + "X" * 24,
        "SG." + "a" * 22 + "." + "b" * 43,
    ):
        assert scan(text) == {}, text


def test_what_documentation_shows_is_a_weaker_finding(find: Find) -> None:
    for name, text in {
        "aws-access-key": "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "github-pat": "ghp_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    }.items():
        assert [(span, sure) for _, span, sure in find(only(name), text)] == [(text, 0.6)]


def test_a_bare_value_needs_its_providers_name_and_a_word_for_a_credential(find: Find) -> None:
    value = draw("{h32}", chance(7))
    guard = only("datadog-api-key")
    assert find(guard, f"DATADOG_API_KEY={value}")
    assert find(guard, f"the api key for Datadog is {value}")
    assert not find(guard, f"API_KEY={value}")
    assert not find(guard, f"https://img.datadog.example/{value}.png")
    assert not find(guard, f"datadog agent image md5: {value}")
    assert not find(guard, f"datadog {value}")


def test_a_checksum_raises_the_confidence_and_never_refuses(find: Find) -> None:
    body = draw("{A30}", chance(5))
    right = "ghp_" + body + base62_crc32(body)
    wrong = "ghp_" + body + ("0" * 6 if base62_crc32(body) != "0" * 6 else "1" * 6)
    guard = only("github-pat")
    assert find(guard, right) == [("text.secrets/github-pat", right, 0.99)]
    assert [confidence for _, _, confidence in find(guard, wrong.replace("000000", "0a0b0c"))] == [0.95]


def test_keys_of_our_own_are_told_by_their_checksum(find: Find) -> None:
    guard = only("chatward-key")
    for env in ("ab", "live", "abcdefgh"):
        key = keys.new(env, choice=chance(env).choice).text
        assert find(guard, f"my key is {key}.") == [("text.secrets/chatward-key", key, 0.99)]
        assert [confidence for _, _, confidence in find(guard, key[:-1] + "-")] == [0.95]  # cut short
        assert not find(guard, f"x{key}")
    assert not find(guard, "cw_live_" + "x" * 12 + "_" + "x" * 38)


def test_a_token_needs_a_header_with_an_algorithm(find: Find) -> None:
    payload = b64(json.dumps({"sub": "ada", "exp": 2000000000}))
    for header in ('{"typ":"JWT"}', '{"alg":5}', '["alg"]', '{"alg":"HS256"'):
        assert not find(only("jwt"), f"{b64(header)}.{payload}.{'s' * 43}")


def test_basic_credentials(find: Find) -> None:
    guard = only("basic-auth")
    value = base64.b64encode(b"ada:" + b"correct horse").decode()
    assert find(guard, f"Authorization: Basic {value}") == [("text.secrets/basic-auth", value, 0.9)]
    for prose in ("Basic authentication is simple", "BASIC programming language", "basic understanding of it"):
        assert not find(guard, prose)


WORDS = split_words(
    "abandon ability able about above absent absorb abstract absurd abuse access accident "
    "account accuse achieve acid acoustic acquire across act action actor actress actual"
)


@pytest.mark.parametrize("count", [12, 24])
def test_seed_phrase_after_its_name(find: Find, count: int) -> None:
    text = " ".join(WORDS[:count])
    assert [span for _, span, _ in find(only("seed-phrase"), f"my seed phrase is: {text}")] == [text]
    assert not find(only("seed-phrase"), text)


def test_prose_about_a_seed_phrase_is_none(find: Find) -> None:
    text = (
        "seed phrase: never tell anyone that asks you about this with money because they will steal everything from you"
    )
    assert not find(only("seed-phrase"), text)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("my password is Tr0ub4dor&3", "Tr0ub4dor&3"),
        ("The password for the wifi is bluebird47!", "bluebird47!"),
        ("Mein Passwort lautet Igel2Fuchs", "Igel2Fuchs"),
        ("mon mot de passe est Soleil88vert", "Soleil88vert"),
        ("mi contraseña es Gato7negro", "Gato7negro"),
        ("minha senha é Praia2sol9", "Praia2sol9"),
        ("мой пароль от почты: Zima2zima7", "Zima2zima7"),
        ("我的密码是Qx7rt2mm", "Qx7rt2mm"),
        ("パスワードは Neko8inu3z", "Neko8inu3z"),
        ("비밀번호는 Nabi9kot2", "Nabi9kot2"),
    ],
)
def test_a_password_said_in_a_sentence(find: Find, text: str, secret: str) -> None:
    found = [
        span for name in ("password-stated", "password-stated-other-script") for _, span, _ in find(only(name), text)
    ]
    assert found == [secret]


@pytest.mark.parametrize("value", ["5d970ff7e148c1b5c33209cfb519ed843e9952bb", "QqDWqCgp6uyR5ZI6KDTWEZb02hs5AROR"])
@pytest.mark.parametrize(
    "said",
    [
        "my weather token is ",
        "Weather API key: ",
        "the access key for staging is `",
        "Der API-Schlüssel lautet ",
        "мой токен: ",
    ],
)
def test_a_key_said_in_a_sentence(find: Find, said: str, value: str) -> None:
    assert [span for _, span, _ in find(only("secret-stated"), said + value)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "my password is not working",
        "the token address is 0x5d970ff7e148c1b5c33209cfb519ed843e9952bb",
        "the access key hash is 5d970ff7e148c1b5c33209cfb519ed843e9952bb",
        "the api key is stored-in-the-settings-of-your-account",
        "How do I start a password reset?",
        "The password must be at least 12 characters and is checked against a list.",
        "your password is required to be changed every 90days",
        "Mein Passwort ist falsch, was nun?",
        "mot de passe oublié : cliquez ici",
        "olvidé mi contraseña, es urgente",
        "Пароль не подходит, что делать?",
        "我的密码是什么来着？",
        "パスワードを忘れました",
        "The secret of a good soup is time. A token of thanks! The key idea: patience.",
        "token: a unit of text; secret: something hidden; key: a small tool",
        "Bearer of good news; basic questions; the author: Jane",
        "ISBN 978-3-16-148410-0, DOI 10.1000/182, order 2024-118-77",
        "colours #ff8800, #0af and rgba(12, 34, 56, 0.5)",
        "id 3f2504e0-4f89-41d3-9a0c-0305e82c3301 of the order",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 fixes it",
        '"integrity": "sha512-'
        'z1ZAlqS8g5xZ7lVwVYHlqLTxPWlAqGpBGVXrJYbKX3nKlUqF5Tq0Vh3gkzB9v7bZw5vCqTzDq1rVqXo0X4Yt8w=="',
        "image@sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHx"
        "gljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==",
        "AbstractSingletonProxyFactoryBeanConfigurationProviderImplementation2",
        "https://www.example.com/path/to/a/very/long/resource/name-with-many-words-2024?page=2&sort=asc",
        "https://www.example.com:8080/@ada/status/1234567890",
        "ssh://git@git.example.com:22/team/repo.git",
        'password = os.environ["DB_PASSWORD"]',
        "password = getpass.getpass()",
        "const token = await getToken(user2, scope)",
        "API_KEY=${API_KEY}",
        "api_key: YOUR_API_KEY",
        'api_key="<your-api-key-here>"',
        "apiKey: process.env.OPENAI_API_KEY",
        "secret: {{ vault_secret_v2 }}",
        'password: "changeme"',
        'password: "password123"',
        '"password": "********"',
        'token = "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
        "SECRET_KEY = config('SECRET_KEY')",
        'client_secret: "example-client-secret-1234"',
        'api_token = "getUserIdByNameOrEmail"',
        "def login(user: str, password: str) -> Token:",
        "password=password, token=token, secret=secret",
        "$password = $_POST['password'];",
        '"PASSWORD_LABEL": "Kennwort", "password": "Passwort eingeben"',
        '"password": "パスワードを入力してください"',
        'POSTGRES_PASSWORD_FILE="/run/secrets/pg1"',
        "postgresql://user:password@localhost:5432/db",
        "mysql://${DB_USER}:${DB_PASS}@db.example.com/shop",
        "https://user:pass@example.com/",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $ACCESS_TOKEN",
        "<UserSecretsId>79b1f2c4-7a53-4d7b-9a1e-2f6c8d0e4b35</UserSecretsId>",
        '<input name="authenticity_token" value="q7SWaX6oovfBsJFLGPUl2EhkSWPbJhWA">',
        "curl -u user:password https://www.example.com/",
        "the key is stored as -----BEGIN RSA PRIVATE KEY----- in the file",
        "if line.startswith('-----BEGIN PRIVATE KEY-----'):",
        "sk-learn, sk-image and ak-47 are names; SG.1 is a section",
        "xoxo, love; EAA is a pension scheme; hf_hub is a module",
        "Content-Type: application/json; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        "4111 1111 1111 1111",
        "public key: " + "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAIE" + "q" * 40,
    ],
)
def test_benign_look_alikes(scan: Callable[[str], dict[str, str]], text: str) -> None:
    assert scan(text) == {}


def test_the_guard_says_what_it_is() -> None:
    spec = GUARD.spec
    assert spec.id == "text.secrets"
    assert spec.moments == frozenset({Moment.INPUT, Moment.OUTPUT, Moment.TOOL_CALL})
    assert spec.look_ahead is not None
    assert {rule.entity for rule in GUARD.rules} == ENTITIES
    assert all(rule.id.startswith("text.secrets/") and rule.summary for rule in GUARD.rules)
    assert {rule.category for rule in GUARD.rules} == {Category.SECRET}
    assert GUARD.rules is SecretsGuard().rules


def test_every_rule_keeps_its_promises(check_promises: Callable[[Rule], None]) -> None:
    for rule in GUARD.rules:
        check_promises(rule)


TALK = "My Recovery Phrase: " + " ".join(WORDS[:12]) + ". Authorization: Basic YWRhOmxvdmVsYWNl"


def test_matches_start_with_their_trigger(check_trigger: Callable[[Rule, str], None]) -> None:
    for name, rule in RULES.items():
        for seed in range(4):
            check_trigger(rule, WRITTEN.get(name) or (drawn(name, seed)[0] if name in SHAPES else TALK))


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    for rule in GUARD.rules:
        if rule.validate is not None:
            confidence = rule.validate(text, text[:96])
            assert confidence is None or 0 < confidence <= 1


def test_one_pass_over_all_rules_loses_nothing(scan: Callable[[str], dict[str, str]]) -> None:
    for name in [*SHAPES, *WRITTEN]:
        text, secret = (WRITTEN[name], WRITTEN[name]) if name in WRITTEN else drawn(name)
        assert scan(f"it is: {text}").get(name) == secret
