"""One key has one spelling; every slip of one character is noticed without asking anyone."""

import random
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.guards.text.secrets_dev import base62_crc32
from chatward.identity import keys

ENVIRONMENTS = st.text(string.ascii_lowercase, min_size=2, max_size=8)
KEYS = st.builds(
    lambda env, seed: keys.new(env, choice=random.Random(seed).choice), ENVIRONMENTS, st.integers(0, 1 << 64)
)
CHARACTERS = st.sampled_from(string.printable + "éſＫ\0\u200b") | st.characters()


@given(KEYS)
def test_what_is_made_is_read(key):
    assert keys.parse(key.text) == key
    assert re.fullmatch(r"cw_[a-z]{2,8}_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}", key.text)


@given(KEYS, st.data())
def test_every_slip_of_one_character_is_noticed(key, data):
    at = data.draw(st.integers(0, len(key.text) - 1))
    other = data.draw(CHARACTERS.filter(lambda one: one != key.text[at]))
    before, after = key.text[:at], key.text[at + 1 :]
    assert keys.parse(before + other + after) is None
    assert keys.parse(before + after) is None
    assert keys.parse(before + other + key.text[at:]) is None


def test_every_slip_into_another_digit_is_noticed():
    text = keys.new("live").text
    digits = string.digits + string.ascii_letters + "_"
    slips = [text[:at] + other + text[at + 1 :] for at in range(len(text)) for other in digits if other != text[at]]
    assert len(slips) == len(text) * 62
    assert not any(map(keys.parse, slips))


@given(KEYS, st.integers(0, 70))
def test_neighbours_that_change_places_are_noticed(key, at):
    swapped = list(key.text)
    at %= len(swapped) - 1
    swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
    assert "".join(swapped) == key.text or keys.parse("".join(swapped)) is None


@given(KEYS)
def test_nothing_may_stand_around_it(key):
    for text in (f" {key.text}", f"{key.text}\n", f"{key.text} ", key.text * 2, key.text.upper(), key.text.lower(), ""):
        assert keys.parse(text) is None


@given(st.text(max_size=80))
def test_noise_is_no_key(text):
    assert keys.parse(text) is None
    assert keys.parse("cw_" + text) is None


def test_the_checksum_is_the_one_that_scanners_know():
    body = keys.new("test").text[:-6]
    assert keys.checksum(body) == base62_crc32(body)
    assert keys.checksum("") == "000000"
    assert keys.checksum("123456789") == base62_crc32("123456789")  # CRC-32's check value, cbf43926
    number = 0
    for digit in keys.checksum("123456789"):
        number = number * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(digit)
    assert number == 0xCBF43926


def test_keys_are_random_and_long():
    made = {keys.new("live").text for _ in range(500)}
    assert len({text[9:21] for text in made}) == 500
    assert len({text[22:54] for text in made}) == 500
    assert 62**keys.SECRET_LENGTH > 1 << 190
    assert {character for text in made for character in text[22:54]} == set(string.digits + string.ascii_letters)


@pytest.mark.parametrize("env", ["", "a", "Live", "abcdefghi", "te_st", "t3", "ab\n", "äb"])
def test_environments(env):
    with pytest.raises(ValueError, match="environment"):
        keys.new(env)


@pytest.mark.parametrize("id_", ["", "a" * 11, "a" * 13, "_" * 12, "a" * 11 + "\n"])
def test_ids(id_):
    with pytest.raises(ValueError, match="id"):
        keys.new("live", id_)


def test_its_repr_shows_no_secret():
    key = keys.new("live")
    assert key.text[22:] not in repr(key)
    assert key.id in repr(key)


def test_a_version_keeps_the_id():
    first = keys.new("live")
    second = keys.new("live", first.id)
    assert (first.id, first.env) == (second.id, second.env)
    assert first.digest != second.digest
