r"""Credentials that belong to no provider: assignments, tokens and headers, sentences that state a password.

An assignment is a word for a credential, a separator and a value (``api_key: "..."``, ``DB_PASS=...``). The word is
not enough: code is full of ``password = getpass()`` and interfaces of ``"password": "Passwort"``. So the value must
look drawn at random or chosen as a password (``secrets_values``), and what is not quoted must look so more clearly,
because outside quotes stand names and expressions.
"""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule, Validator
from chatward.core.values import Severity
from chatward.guards.text.secrets_judges import (
    bare_password,
    bare_secret,
    basic,
    jwe,
    jwt,
    made_of,
    plain_key,
    quoted_password,
    random_value,
    secret,
    seed_words,
    spoken_password,
    spoken_secret,
)
from chatward.guards.text.secrets_kinds import START, any_of, secret_rule
from chatward.guards.text.secrets_values import split_words

_PASSWORD: Final = split_words(
    """
    password passwd passphrase passwort kennwort passcode contraseña contrasena senha hasło heslo wachtwoord
    lösenord пароль 密码 密碼
    """
)
_SHORT_PASSWORD: Final = ("pass", "pwd", "pw")
_SECRET: Final = split_words(
    """
    secret token api_?key api-key access_?key auth_?key private_?key encryption_?key signing_?key shared_?key
    consumer_?key client_?key secret_?key account_?key master_?key credentials? bearer session_?id signature
    verifier
    """
)
_SHORT_SECRET: Final = ("jwt", "sid", "salt", "nonce", "auth", "authorization", "cookie", "sig")
_OPEN: Final = r"\\{0,3}[\"'`]"
_CLOSE: Final = r"(?=\\{0,3}[\"'`])"
_SUFFIX: Final = r"s?(?:[A-Z_0-9][A-Za-z0-9_]{0,9})?"
_SEPARATOR: Final = r"\\{0,3}[\"'`\])]{0,2}[ \t]{0,16}(?::=|=>|==?|:)[ \t]{0,8}[\[(]?"
_ARGUMENT: Final = r"(?:\\{0,2}[\"'`],[ ]{0,2}|\([ ]{0,2})"
_FIELD: Final = r"\\{0,2}[\"'](?:[ ]{1,3}value[ ]?=[ ]?|,[ ]{0,2}\\{0,2}[\"']value\\{0,2}[\"'][ ]?:[ ]?)"
# What must follow the word, as far as a trigger can say it: it keeps "the token is" from holding a stream.
_NEXT: Final = r"s?(?:[A-Z_0-9\\\"'`\])>(]|[ \t]{1,6}[ \t:=]|[:=])"
_VALUE_QUOTED: Final = r"[^\s\"'`\\<>]{5,200}"
_VALUE_BARE: Final = r"[^\s\"'`\\<>,;&(){}\[\]|]{6,160}"
_BARE_END: Final = r"(?![^\s\"'`\\<,;&)}\]|])"


def _words(long: list[str], short: tuple[str, ...]) -> str:
    """Long words anywhere in a name; short ones only where a word of the name starts."""
    low = "|".join(short)
    title = "|".join(word.capitalize() for word in short)
    upper = "|".join(word.upper() for word in short)
    return f"(?:{any_of(long)}|(?<![A-Za-z])(?:{low}|{title}|{upper})|(?<=[a-z])(?:{title})|(?<=[A-Z])(?:{upper}))"


def _assignments() -> list[Rule]:
    kinds: tuple[tuple[str, str, str, Validator, Validator], ...] = (
        ("password", _words(_PASSWORD, _SHORT_PASSWORD), "PASSWORD", quoted_password, bare_password),
        ("secret", _words(_SECRET, _SHORT_SECRET), "TOKEN", secret(10, 0.8), bare_secret),
    )
    rules = []
    for name, words, entity, quoted, bare in kinds:
        head, trigger = words + _SUFFIX, words + _NEXT
        rules += [
            secret_rule(
                f"{name}-quoted",
                rf"{head}(?:{_SEPARATOR}|{_ARGUMENT}|{_FIELD}){_OPEN}({_VALUE_QUOTED}){_CLOSE}",
                f"Quoted value after a word for a {name}",
                entity,
                Severity.MEDIUM,
                validate=quoted,
                group=1,
                trigger=trigger,
            ),
            secret_rule(
                f"{name}-bare",
                rf"{head}(?:{_SEPARATOR}|>)({_VALUE_BARE}){_BARE_END}",
                f"Unquoted value after a word for a {name}",
                entity,
                Severity.MEDIUM,
                validate=bare,
                group=1,
                trigger=trigger,
            ),
        ]
    rules.append(
        secret_rule(
            "key-quoted",
            rf"(?:key|Key|KEY){_SUFFIX}{_SEPARATOR}{_OPEN}([A-Za-z0-9+/=_\-.]{{20,200}}){_CLOSE}",
            "Quoted random value after the word key",
            "API_KEY",
            Severity.MEDIUM,
            validate=plain_key,
            group=1,
            trigger=rf"(?:key|Key|KEY){_NEXT}",
        )
    )
    return rules


# Words for "password", the words that state one, and what words between them are made of, by script.
_STATED: Final = (
    (
        "password-stated",
        "password|passphrase|passcode|pwd|passwort|kennwort|mot de passe|contraseña|contrasena|clave|senha"
        "|palavra-passe|parola|parolă|wachtwoord|hasło|lösenord|adgangskode|passord|salasana|heslo|jelszó|jelszavam"
        "|şifrem|şifre|parolam|mật khẩu|kata sandi",
        "is|was|=|:|ist|lautet|est|es|é|è|e'|to|är|er|on|je|az|este|là|adalah|-",
        r"[A-Za-z0-9_.'\-À-ÿ]",
    ),
    (
        "password-stated-other-script",
        "пароль|κωδικός|κωδικος|पासवर्ड|كلمة المرور|كلمة السر|密码|密碼|パスワード|비밀번호",
        "это|-|—|:|：|είναι|है|هي|是|为|は|는|은",
        "[\u0370-\uffff]",
    ),
)


# What one calls a credential in a sentence; "key" alone opens doors, caches and databases.
_KEY_NAMES: Final = (
    r"(?i:(?:api|access|secret|auth|private|account|service|bot|license|licence|deploy|admin)[ _\-]?"
    r"(?:key|token|secret)|token|client[ ]secret|api-schlüssel|clé[ ](?:d'|)api"
    r"|clave[ ](?:de[ ])?api|chave[ ](?:de[ ])?api|токен|api-ключ)"
)


def _stated() -> list[Rule]:
    rules = []
    for name, words, verbs, between in _STATED:
        start = any_of(words.split("|"))
        gap = f"(?:[ ]{between}{{1,16}}){{0,3}}?[ ]?"
        rules.append(
            secret_rule(
                name,
                rf"{start}{gap}(?:{verbs})[ ]{{0,2}}[\"'`*“«„「]{{0,3}}([!#-&(-)+-_a-~]{{6,64}})",
                "A sentence that says a password",
                "PASSWORD",
                Severity.MEDIUM,
                validate=spoken_password,
                group=1,
                trigger=start,
            )
        )
    return [
        *rules,
        secret_rule(
            "secret-stated",
            rf"(?<![A-Za-z]){_KEY_NAMES}(?:[ ][A-Za-z0-9.'\-]{{1,16}}){{0,3}}?[ ]?"
            r"(?:is|was|=|:|ist|lautet|est|es|é|è|это)[ ]{1,2}[\"'`*“«„]{0,3}"
            r"([A-Za-z0-9_\-.~+/=]{20,160})(?![A-Za-z0-9_])",
            "A sentence that says a key or a token",
            "TOKEN",
            Severity.MEDIUM,
            validate=spoken_secret,
            group=1,
            trigger=rf"(?<![A-Za-z]){_KEY_NAMES}",
        ),
        secret_rule(
            "seed-phrase",
            r"(?i:(?:seed|recovery|backup|secret)[ _-]?(?:recovery[ ])?(?:phrase|words)|mnemonic(?:[ _-]?phrase)?)"
            r"[ ]?(?:is|are|was)?"
            r"[\s\"'`:=]{1,6}((?:[a-z]{3,8}[ \t\r\n,]{1,2}){11,23}[a-z]{3,8})(?![a-z])",
            "Wallet seed phrase (BIP-39)",
            "SEED_PHRASE",
            Severity.CRITICAL,
            validate=seed_words,
            group=1,
            trigger=r"(?i:(?:seed|recovery|backup|secret)[ _-]?(?:recovery|phrase|words)|mnemonic)",
        ),
    ]


def _tokens() -> list[Rule]:
    return [
        secret_rule(
            "jwt",
            START + r"eyJ[A-Za-z0-9_-]{12,240}\.eyJ[A-Za-z0-9_-]{8,48}",
            "JSON web token (RFC 7519)",
            "TOKEN",
            validate=jwt,
            tail=r"[A-Za-z0-9_.\-]",
        ),
        secret_rule(
            "jwe",
            START + r"eyJ[A-Za-z0-9_-]{12,240}\.(?:[A-Za-z0-9_-]{16}|\.[A-Za-z0-9_-]{8})",
            "Encrypted JSON web token (RFC 7516)",
            "TOKEN",
            validate=jwe,
            tail=r"[A-Za-z0-9_.\-]",
        ),
        secret_rule(
            "basic-auth",
            r"(?i:basic)[ ]{1,2}([A-Za-z0-9+/_-]{8,200}={0,2})(?![A-Za-z0-9+/=])",
            "HTTP Basic credentials (RFC 7617)",
            "PASSWORD",
            validate=basic,
            group=1,
            trigger="(?i:basic)[ ]",
        ),
        secret_rule(
            "bearer-token",
            r"(?i:bearer)(?:[ ]{1,2}|%20|\+)[\"']?([A-Za-z0-9_\-.~+/]{14,240})",
            "Bearer token (RFC 6750)",
            "TOKEN",
            validate=random_value(14, 0.85),
            group=1,
            trigger="(?i:bearer)",
            tail=r"[A-Za-z0-9_\-.~+/=]",
        ),
        secret_rule(
            "api-key-header",
            r"(?i:(?:x-|api)[a-z\-]{0,16}(?:key|token)|authorization:[ ](?:api-?key|token|oauth))[ :=]{1,3}"
            r"([A-Za-z0-9_\-.~+/=]{16,160})(?![A-Za-z0-9_])",
            "API key in a header",
            "API_KEY",
            validate=random_value(16, 0.8),
            group=1,
            trigger="(?i:x-[a-z]|api|authorization:[ ])",
        ),
        secret_rule(
            "okta-token",
            r"SSWS[ ](00[A-Za-z0-9_-]{40})(?![A-Za-z0-9_-])",
            "Okta API token",
            "TOKEN",
            validate=made_of(10, 0.95),
            group=1,
            trigger="SSWS[ ]",
        ),
        secret_rule(
            "session-cookie",
            r"(?i:phpsessid|jsessionid|connect\.sid|sessionid|asp\.net_sessionid|laravel_session|_session_id|auth_token|session)="
            r"([A-Za-z0-9%._+/=\-]{20,200})(?![A-Za-z0-9%])",
            "Session cookie",
            "TOKEN",
            Severity.MEDIUM,
            validate=random_value(20, 0.7),
            group=1,
        ),
        secret_rule(
            "otp-uri",
            r"otpauth://[ht]otp/[^\s\"'<>]{1,150}?[?&]secret=([A-Za-z2-7]{16,64})(?![A-Za-z0-9])",
            "One-time password secret",
            "TOKEN",
            validate=made_of(6, 0.95),
            group=1,
        ),
        secret_rule(
            "otp-secret",
            r"(?i:otp|2fa|mfa|authenticator)[A-Za-z0-9_ -]{0,24}[\"']?[ ]{0,2}(?:[:=]|is)"
            r"[ ]{0,2}[\"']?([A-Z2-7]{16,32})(?![A-Za-z0-9_])",
            "One-time password secret",
            "TOKEN",
            validate=made_of(8, 0.8),
            group=1,
            trigger="(?i:otp|2fa|mfa|authenticator)",
        ),
        secret_rule(
            "laravel-key",
            r"base64:([A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])",
            "Laravel application key",
            "API_KEY",
            validate=made_of(12, 0.85),
            group=1,
        ),
        secret_rule(
            "django-secret-key",
            r"(django-insecure-[^\s\"'`\\]{40,60})",
            "Django secret key",
            "API_KEY",
            validate=made_of(12, 0.9),
        ),
        secret_rule(
            "wordpress-salt",
            r"(?:AUTH|LOGGED_IN|NONCE)_(?:KEY|SALT)['\"],[ ]{0,12}['\"]([ -&(-~]{60,66})['\"]",
            "WordPress key or salt",
            "API_KEY",
            Severity.MEDIUM,
            validate=made_of(20, 0.9),
            group=1,
            trigger="(?:AUTH|LOGGED_IN|NONCE)_(?:KEY|SALT)['\"]",
        ),
    ]


def generic_rules() -> list[Rule]:
    """All rules of this module."""
    return [*_tokens(), *_assignments(), *_stated()]
