"""What the demonstration prints is true: commands that run, an address on a line of its own."""

from __future__ import annotations

import json
import shlex

import pytest

from chatward.demo.tour import ATTACKS, welcome

BASE_URL = "http://127.0.0.1:9999/v1"


def test_one_line_ends_in_the_base_url():
    text = welcome(BASE_URL, "http://127.0.0.1:9998")
    assert BASE_URL in [line.strip() for line in text.splitlines()]
    assert "http://127.0.0.1:9999/chat" in text
    assert "http://127.0.0.1:9998/" in text


def test_anthropics_clients_get_a_base_url_without_v1_which_they_add():
    assert "http://127.0.0.1:9999" in [line.strip() for line in welcome(BASE_URL, "http://127.0.0.1:9998").splitlines()]


def test_it_says_how_to_guard_ones_own_bot():
    text = welcome(BASE_URL, "http://127.0.0.1:9998")
    assert "chatward init --upstream" in text
    guarding = text[text.index("chatward serve") :]
    assert BASE_URL not in guarding  # this port is the demonstration's: `serve` has that of chatward.toml


def test_there_are_three_attacks_and_all_are_printed():
    text = welcome(BASE_URL, "http://127.0.0.1:9998")
    assert len(ATTACKS) == 3
    assert all(attack.command(BASE_URL) in text for attack in ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.title)
def test_a_command_is_one_shell_command_with_a_json_body(attack):
    words = shlex.split(attack.command(BASE_URL))
    assert words[0] == "curl"
    assert f"{BASE_URL}/chat/completions" in words
    body = json.loads(words[words.index("-d") + 1])
    assert body["messages"] == list(attack.messages)
