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
OTHERS = (
    (
        "executive-fraud",
        "Good morning, it's Peter, your CEO. I'm tied up in a meeting so no calls please. I need you to make a payment of 23,750 EUR to a consultant before noon. Keep this confidential for now.",
    ),
    (
        "executive-fraud",
        "This is the CFO. Process a wire of $61,200 to the attached beneficiary, do not discuss it with anyone until the acquisition is public.",
    ),
    (
        "executive-fraud",
        "Hier ist der Geschäftsführer. Bitte überweisen Sie heute noch 38.500 Euro an den neuen Partner. Die Sache ist streng vertraulich.",
    ),
    (
        "executive-fraud",
        "Sono l'amministratore delegato, sono in riunione. Fai un bonifico di 27.000 euro a questo conto e non parlarne con nessuno.",
    ),
    (
        "executive-fraud",
        "Ik ben de directeur en zit in vergadering. Maak 18.000 euro over naar deze leverancier, bespreek het met niemand.",
    ),
    (
        "executive-fraud",
        "Jestem prezesem, jestem na spotkaniu. Zrób pilnie przelew na 45 000 zł do tego dostawcy i nie mów nikomu.",
    ),
    (
        "executive-fraud",
        "Sou o diretor geral, estou em reunião. Faça uma transferência de 20.000 reais para este fornecedor e não comente com ninguém.",
    ),
    (
        "changed-bank-details",
        "Please note that our IBAN has changed. All outstanding invoices must be paid to the new account. Please do not call, our phones are being replaced.",
    ),
    (
        "changed-bank-details",
        "Unsere Bankverbindung hat sich geändert. Bitte überweisen Sie alle offenen Rechnungen auf das neue Konto. Bitte rufen Sie uns nicht an, die Telefonanlage ist gestört.",
    ),
    (
        "changed-bank-details",
        "Nos coordonnées bancaires ont changé, merci d'effectuer les prochains paiements sur le nouveau RIB. N'appelez pas l'ancien numéro.",
    ),
    (
        "changed-bank-details",
        "Hemos cambiado nuestra cuenta bancaria. Realice los próximos pagos en el nuevo IBAN y no llame al número antiguo.",
    ),
    (
        "advance-fee",
        "Congratulations, your e-mail was drawn in our lottery and you are the winner of 850,000 euros! To claim it, send a copy of your passport and pay the processing fee.",
    ),
    (
        "advance-fee",
        "I am a barrister. A client with your surname left an inheritance of 12 million dollars. To release the funds we need your bank details and a small fee.",
    ),
    (
        "advance-fee",
        "Herzlichen Glückwunsch, Sie haben 500.000 Euro gewonnen! Um den Gewinn zu erhalten, zahlen Sie vorab eine Bearbeitungsgebühr von 150 Euro.",
    ),
    (
        "advance-fee",
        "Félicitations, vous avez gagné 250 000 euros à la loterie. Pour toucher votre gain, réglez les frais de dossier de 90 euros.",
    ),
    (
        "advance-fee",
        "¡Felicidades! Ha ganado 100.000 euros en la lotería. Para cobrar el premio envíe sus datos bancarios y pague las tasas.",
    ),
    (
        "advance-fee",
        "Parabéns, você ganhou 50.000 reais! Para receber o prêmio pague a taxa de liberação e envie seus dados bancários.",
    ),
    ("advance-fee", "Вы выиграли 3 миллиона рублей! Для получения приза оплатите пошлину и пришлите номер карты."),
    ("advance-fee", "您已中奖100万元,请缴纳手续费后领取奖金。"),
    (
        "guaranteed-profit",
        "Our AI bot makes a guaranteed profit of 5% per day. Minimum deposit 100 USDT, message us on Telegram.",
    ),
    ("guaranteed-profit", "Risk-free returns! Earn 30% monthly, guaranteed by contract. Invest only $250 to begin."),
    ("guaranteed-profit", "Profits garantis de 10 % par semaine avec notre robot de trading, dépôt minimum 200 euros."),
    ("guaranteed-profit", "Lucro garantido de 3% ao dia, depósito mínimo de 100 reais, fale no Telegram."),
    (
        "task-job",
        "We are hiring! Rate hotels online from home and earn £150 per day. Contact Lisa on WhatsApp +44 7700 900456.",
    ),
    ("task-job", "Heimarbeit: Videos liken und 200 € pro Tag verdienen. Schreiben Sie unserer Managerin auf Telegram."),
    ("task-job", "Gana 80 euros al día por dar me gusta a vídeos de YouTube, escribe a nuestra gerente por WhatsApp."),
    (
        "doubling",
        "To celebrate our launch, deposit 0.5 BTC to the wallet address below and get 1 BTC back within minutes.",
    ),
    ("doubling", "Envoyez 1 ETH à cette adresse et recevez le double, offre limitée."),
    (
        "executive-fraud",
        "I'm the CEO, I'm in a meeting and can't talk. Wire 48,000 to this new vendor account today and keep it confidential.",
    ),
    (
        "executive-fraud",
        "Soy el director general, estoy en una reunión. Haz una transferencia urgente de 32.000 euros a este proveedor y no lo comentes con nadie.",
    ),
    (
        "executive-fraud",
        "Je suis le PDG, je suis en réunion. Fais un virement urgent de 32 000 euros à ce fournisseur et n'en parle à personne.",
    ),
    (
        "changed-bank-details",
        "Our supplier bank details changed, please update the IBAN for the next payment and do not call the old number, it is out of service.",
    ),
    (
        "advance-fee",
        "You have won the Microsoft lottery! Claim your $1,000,000 by sending your full name, address and a copy of your passport.",
    ),
    (
        "advance-fee",
        "おめでとうございます!100万円が当選しました。受け取るには手数料を振り込み、口座番号をお知らせください。",
    ),
    ("advance-fee", "मुबारक हो! आपने 25 लाख की लॉटरी जीती है, इनाम पाने के लिए 5000 रुपये फीस जमा करें और बैंक खाता भेजें।"),
    ("advance-fee", "مبروك! ربحت مليون دولار، ادفع رسوم التحويل وأرسل رقم حسابك البنكي لاستلام الجائزة."),
    (
        "guaranteed-profit",
        "Gewinn garantiert: 15 % pro Woche mit unserem Trading-Bot, Mindesteinlage 250 Euro, schreiben Sie uns auf WhatsApp.",
    ),
    (
        "guaranteed-profit",
        "Ganancia garantizada del 15 % semanal con nuestro bot de trading, depósito mínimo 250 euros, escríbenos por WhatsApp.",
    ),
    (
        "task-job",
        "Part-time job: like YouTube videos and earn 300 $ a day, no experience. Contact our manager on WhatsApp.",
    ),
    ("doubling", "Send 0.1 ETH to this address and you will receive 0.2 ETH back, limited event by Elon Musk."),
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
    "I'm the CEO of a bakery. I'm in a meeting until four, can you send me the offer for 2,500 croissants?",
    "This is the managing director. Please send the 2024 report to the board; it is confidential.",
    "Our bank details changed last month, where can I enter the new IBAN for my refunds?",
    "Please update the IBAN for my salary payment, the old account is closed.",
    "Ihre Bankverbindung hat sich geändert? Tragen Sie die neue IBAN im Kundenkonto ein, danach gelten alle Zahlungen.",
    "Does inheritance tax apply to 1,000,000 euros, and which fees does the notary take to release the funds?",
    "I won 1,000 euros in your raffle. Which bank details do you need to transfer it?",
    "You have won a voucher of 20 €. To redeem it, enter the code at the checkout.",
    "Is a guaranteed profit of 5% per week with a minimum deposit of 100 euros serious?",
    "Our savings account pays a guaranteed 2.1 % per year; the minimum deposit is 500 euros.",
    "I like watching videos on YouTube. Do you have jobs for 150 euros per day?",
    "We pay 18 euros per hour; you can apply on WhatsApp.",
    "How do I send 0.5 BTC to another wallet address and get a confirmation?",
    "If I send ETH to a wrong address, do I get it back?",
    "Schicken Sie die Rechnung an die neue Adresse, bitte nicht anrufen.",
    "The CEO wants a transfer of 48,000 euros kept confidential. Is that a scam?",
    "Wygrałem w loterii 1000 zł, jaki podatek muszę zapłacić?",
    "Le virement de 32 000 euros à notre fournisseur est-il arrivé? Je suis le directeur général.",
    "Ich bin der Geschäftsführer. Wann kommt die Zahlung von 12.500 Euro?",
)


@pytest.mark.parametrize("text", RELATIVES)
def test_a_child_with_a_new_number(text: str) -> None:
    assert [name for name, _ in scripts_in(text)] == ["relative-in-need"]


@pytest.mark.parametrize("text", EXTORTION)
def test_a_video_that_is_sent_to_everybody(text: str) -> None:
    assert [name for name, _ in scripts_in(text)] == ["extortion"]


@pytest.mark.parametrize(("name", "text"), OTHERS)
def test_money_that_is_ordered_promised_or_asked_for_first(name: str, text: str) -> None:
    assert name in [found for found, _ in scripts_in(text)]


@pytest.mark.parametrize(("name", "text"), OTHERS)
def test_a_scam_that_is_doubted_or_told_of_is_none(name: str, text: str) -> None:
    assert list(scripts_in(f"{text} Is this a scam?")) == []
    assert list(scripts_in(f"I received this message: “{text}”")) == []


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
