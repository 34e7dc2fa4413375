"""Receivers and targets that cannot work, or are not safe, stop the start at their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatward.configuration import load
from chatward.core.errors import ConfigError

START = 'upstream = "http://127.0.0.1:9/v1"\n'


def loaded(tmp_path: Path, text: str) -> None:
    path = tmp_path / "chatward.toml"
    path.write_text(START + text)
    load(path, {})


SIEM = '[[siem]]\nkind = "{}"\naddress = "{}"\n'
GOOD = [
    SIEM.format("syslog", "tls://siem.example") + 'format = "rfc5424"\nca_file = "ca.pem"\n',
    SIEM.format("syslog", "udp://[::1]:514"),
    SIEM.format("http", "https://a.example/in") + 'key = "env:A"\nsecret = "file:/run/s"\nformat = "ocsf"\n',
    SIEM.format("otlp", "http://127.0.0.1:4318") + 'attributes = ["rules"]\n',
    SIEM.format("file", "/var/log/out.jsonl") + '[[siem]]\nname = "two"\nkind = "file"\naddress = "b"\n',
    '[[alerts]]\naddress = "https://a.example/"\nsecret = "env:S"\n'
    '[[alerts]]\nname = "b"\nkind = "apprise"\naddress = "env:M"\n',
]
BAD = [
    (SIEM.format("syslog", "siem.example:514"), "siem[0].address"),
    (SIEM.format("syslog", "tcp://user:pw@siem.example"), "siem[0].address"),
    (SIEM.format("syslog", "tcp://siem.example:port"), "siem[0].address"),
    (SIEM.format("syslog", "tcp://siem.example/path"), "siem[0].address"),
    (SIEM.format("http", "http://a.example/"), "siem[0].address"),
    (SIEM.format("http", "https://u:p@a.example/"), "siem[0].address"),
    (SIEM.format("otlp", "http://192.0.2.1:4318"), "siem[0].address"),
    (SIEM.format("file", "https://a.example"), "siem[0].address"),
    (SIEM.format("file", "a") + 'format = "rfc5424"\n', "siem[0].format"),
    (SIEM.format("file", "a") + 'name = "A b"\n', "siem[0].name"),
    (SIEM.format("file", "a") + 'name = "alerts"\n', "siem[0].name"),
    (SIEM.format("file", "a") * 2, "siem[1].name"),
    (SIEM.format("http", "https://a.example") + 'secret = "abc"\n', "siem[0].secret"),
    (SIEM.format("http", "https://a.example") + 'key_header = "A: b"\n', "siem[0].key_header"),
    (SIEM.format("syslog", "tls://a") + 'client_cert = "a.pem"\n', "siem[0].client_key"),
    ('[ledger]\nenabled = false\n' + SIEM.format("file", "a"), "siem[0]"),
    ('[[alerts]]\naddress = "https://a.example/"\n', "alerts[0].secret"),
    ('[[alerts]]\naddress = "http://a.example/"\nsecret = "env:S"\n', "alerts[0].address"),
    ('[[alerts]]\nkind = "apprise"\naddress = "mailto://user:pw@example"\n', "alerts[0].address"),
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD, ids=range(len(GOOD)))
def test_what_can_work_is_taken(tmp_path: Path, text: str) -> None:
    loaded(tmp_path, text)


@pytest.mark.parametrize(("text", "key"), BAD, ids=range(len(BAD)))
def test_what_cannot_work_or_is_not_safe_is_refused(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert caught.value.key == key
    assert ":pw" not in str(caught.value)
