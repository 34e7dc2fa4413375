# ruff: noqa: E501  # data: a phrase is easier to read on one line than in pieces
"""Scams by their steps: all of them together, in eight languages; not where they are told of, doubted or asked for."""

from __future__ import annotations

import pytest

from chatward.guards.text.social_scripts import NAMES, scripts_in

RELATIVES = (
    "Hi Mum, my phone broke, this is my new number. Can you text me back on WhatsApp?",
    "hey dad i dropped my phone in the toilet, this is my new number for now x",
    "Hello Mom! I lost my phone so this is my temporary number, message me please",
    "Hallo Mama, mein Handy ist kaputt, das ist meine neue Nummer. Schreib mir bitte auf WhatsApp",
    "Hallo Papa das ist meine neue Handynummer, die alte kannst du löschen. Schreib mir auf WhatsApp",
    "Coucou maman, mon téléphone est cassé, voici mon nouveau numéro, écris-moi",
    "Hola mamá, se me ha roto el móvil, este es mi nuevo número. Escríbeme por WhatsApp",
    "Oi mãe, meu celular quebrou, este é o meu novo número, me manda um WhatsApp",
    "Ciao mamma, il mio telefono si è rotto, questo è il mio nuovo numero, scrivimi",
    "Hoi mam, mijn telefoon is stuk, dit is mijn nieuwe nummer. App me even",
    "Cześć mamo, zepsuł mi się telefon, to mój nowy numer, napisz na WhatsApp",
)
EXTORTION = (
    "I recorded you through your webcam. Send 1500 dollars in bitcoin within 48 hours or I send the video to all your contacts.",
    "i have nude pictures of you. pay $500 or i will post them and tell your family",
    "I've hacked your device and have footage of you. Transfer 0.1 BTC, otherwise your friends get it.",
    "Ich habe dich über deine Webcam aufgenommen. Zahle 1500 Euro in Bitcoin oder ich schicke das Video an alle deine Kontakte.",
    "J'ai une vidéo de vous. Payez 1500 euros en bitcoin sinon je l'envoie à tous vos contacts.",
    "Tengo vídeos tuyos. Envía 1500 euros en bitcoin o los mando a todos tus contactos.",
    "Gravei você pela webcam. Pague 2000 dólares em bitcoin ou envio o vídeo a todos os seus contatos.",
    "Ti ho registrato con la webcam. Paga 1000 euro in bitcoin, altrimenti lo mando a tutti i tuoi amici.",
    "Ik heb je via je webcam opgenomen. Betaal 1000 euro in bitcoin of ik stuur het naar al je contacten.",
)
ORDINARY = (
    "Hi, my mum got a new phone number. How do I change it in her account?",
    "Hi mum!",
    "Hello Mom, dinner at eight?",
    "My phone is broken and I have a new number. Please update it.",
    "Mama hat eine neue Nummer, wie ändere ich sie?",
    "I have a new phone number, text me on WhatsApp when the order is ready.",
    "Write a text to my mother: Hi Mum, my phone broke, this is my new number, text me.",
    "Translate into German: Hi Mum, my phone broke, this is my new number.",
    "I got this today: Hi Mum, my phone broke, this is my new number. What should I do?",
    "Hi Mum, my phone broke, this is my new number, text me. Is this a scam?",
    "“Hi Mum, my phone broke, this is my new number”",
    "Does my webcam record video when the light is on?",
    "How do I send the video to all my contacts?",
    "I recorded you a short video about the refund of 20 euros.",
    "Somebody says he recorded me and wants bitcoin or he sends it to my friends. What can I do?",
    "A mail says: I recorded you through your webcam. Send 1500 dollars in bitcoin or I send it to your contacts.",
    "Ich habe dich im Video gesehen, 20 Euro waren das?",
)


@pytest.mark.parametrize("text", RELATIVES)
def test_a_child_with_a_new_number(text: str) -> None:
    assert [name for name, _ in scripts_in(text)] == ["relative-in-need"]


@pytest.mark.parametrize("text", EXTORTION)
def test_a_video_that_is_sent_to_everybody(text: str) -> None:
    assert [name for name, _ in scripts_in(text)] == ["extortion"]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_ordinary_told_doubted_or_asked_for(text: str) -> None:
    assert list(scripts_in(text)) == []


@pytest.mark.parametrize("text", RELATIVES + EXTORTION)
def test_every_step_counts(text: str) -> None:
    """Cut off before its end, a script lacks a step; the span ends where the last step does."""
    ((name, (start, end)),) = scripts_in(text)
    assert name in NAMES
    assert list(scripts_in(text[start : end - 1])) in ([], [(name, (0, end - 1 - start))])
    assert list(scripts_in(text[: start + 12])) == []


def test_scripts_are_found_in_the_middle_of_a_text() -> None:
    text = "Good morning. " * 30 + RELATIVES[0]
    ((_, (start, _)),) = scripts_in(text)
    assert text[start:].startswith("Hi Mum")
