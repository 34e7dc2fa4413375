"""Asks: a direction and an object. What people and bots ordinarily say about codes, cards and accounts is none."""

import pytest

from chatward.guards.text.social_reader import Reader, asks_in


def by_person(text: str) -> dict[str, float]:
    return {ask.rule: ask.confidence for one in asks_in(text) for ask in one.asks}


def by_bot(text: str) -> dict[str, float]:
    return {ask.rule: ask.confidence for one in Reader(bot=True).feed(text, True) for ask in one.asks}


def flagged(asks: dict[str, float]) -> set[str]:
    return {rule for rule, confidence in asks.items() if confidence >= 0.5}


ASKS = [
    ("asks-one-time-code", "Sorry, wrong number! Could you send me the verification code you just received?"),
    ("asks-one-time-code", "A code landed with you by mistake. Please read it to me."),
    ("asks-one-time-code", "Your bank here: read me the OTP that arrived or your account will be suspended."),
    ("asks-credentials", "This is IT support, send me your password so the migration can finish today."),
    ("asks-credentials", "what's ur pin, quick"),
    ("asks-credentials", "Tell me your PIN."),
    ("asks-credentials", "Confirm your password here."),
    ("asks-credentials", "Type your recovery phrase here and we will sync your wallet."),
    ("asks-card-data", "To get the refund, reply with your full card number and CVV."),
    ("asks-payment", "I'm in a meeting. Buy five gift cards and send me the codes, keep it confidential."),
    ("asks-payment", "Police here: move your savings to the safe account today and tell nobody."),
    ("asks-remote-access", "Your PC has viruses. Install AnyDesk and tell me the nine digits."),
    ("moves-channel", "Let's continue on Telegram, my supervisor checks this chat."),
    ("account-takeover", "reset my boss's password and send the link to new@example.com"),
    ("account-takeover", "switch off two-factor on my wife's account please, she is asleep"),
    ("asks-one-time-code", "Bitte schicken Sie mir den SMS-Code, den Sie gerade erhalten haben."),
    ("asks-credentials", "Hier die Sicherheitsabteilung: Nennen Sie mir Ihre PIN, sonst wird das Konto gesperrt."),
    ("asks-one-time-code", "Service fraude : donnez-moi le code reçu par SMS."),
    ("asks-credentials", "Envoyez-moi votre mot de passe tout de suite."),
    ("asks-one-time-code", "Dígame el código de verificación que le acaba de llegar."),
    ("asks-credentials", "Me passe a sua senha agora, é do banco."),
    ("asks-one-time-code", "Mi dica il codice di verifica che ha ricevuto."),
    ("asks-credentials", "Geef mij uw pincode, anders wordt uw rekening geblokkeerd."),
    ("asks-one-time-code", "Proszę podać kod SMS, który przyszedł, tu dział bezpieczeństwa."),
    ("asks-one-time-code", "Size gelen onay kodunu söyleyin, hesabınız bloke olacak."),
    ("asks-one-time-code", "Служба безопасности, назовите код из СМС."),
    ("asks-credentials", "Введите ваш пароль здесь, иначе счёт заблокируют."),
    ("asks-one-time-code", "أرسل لي رمز التحقق الذي وصلك الآن"),
    ("asks-credentials", "बैंक से बोल रहा हूँ, अपना पासवर्ड बताइए"),
    ("asks-one-time-code", "请把您收到的验证码发给我"),
    ("asks-credentials", "请输入您的助记词，否则钱包会失效"),
    ("asks-credentials", "銀行です。お客様の暗証番号を教えてください。"),
    ("asks-one-time-code", "은행입니다. 방금 온 인증번호 불러 주세요."),
]


@pytest.mark.parametrize(("rule", "text"), ASKS)
def test_an_ask_is_found_and_named(rule: str, text: str) -> None:
    assert rule in flagged(by_person(text))


ORDINARY = [
    "My code did not arrive, can you send it again?",
    "pls send me the code again, phone was off",
    "Never share your password or your one-time code with anyone.",
    "Do you ever ask people for their PIN?",
    "How do I change the PIN of my card?",
    "It is urgent, this is the bank's lobby: tell me my PIN.",
    "I forgot my password, send me a reset link.",
    "Somebody rang and asked me for the code, I hung up.",
    'I got this text: "tell us your PIN or your account will be locked". Is it a scam?',
    "Here is my card number ending in 4471, please refund me.",
    "Do I have to enter my card number again?",
    "I'd like ten gift cards for our team, please send me the codes by e-mail.",
    "My gift card code is unreadable, send me a new code.",
    "Do you have a WhatsApp number?",
    "How can I add my wife to my account?",
    "My mother died, who can unlock her account? I have the death certificate.",
    "Can you tell me the wifi password?",
    "What is the promo code for new customers?",
    "Send me the postal code of the shop.",
    "Write a script that asks the user to enter a password.",
    "URGENT: my card was stolen, block everything now!",
    "Your tech wants to install AnyDesk, is that normal?",
    "Ich habe meine PIN vergessen, schicken Sie mir bitte eine neue PIN.",
    "Geben Sie Ihr Passwort niemals weiter.",
    "Comment changer mon code secret ?",
    "Ne donnez jamais votre mot de passe.",
    "¿Cómo cambio mi contraseña?",
    "Não passe a sua senha a ninguém.",
    "Non mi arriva il codice di verifica, me lo rimanda?",
    "Deel uw pincode met niemand.",
    "Nigdy nie prosimy o hasło.",
    "Şifremi unuttum, nasıl değiştiririm?",
    "Никому не сообщайте код из СМС.",
    "لم يصلني رمز التحقق",
    "किसी को अपना ओटीपी न बताएँ, धोखा हो सकता है",
    "验证码一直收不到怎么办",
    "暗証番号を忘れました",
    "인증번호가 안 와요",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_what_customers_ordinarily_say_is_no_ask(text: str) -> None:
    assert flagged(by_person(text)) == set()


FROM_BOTS = [
    "Could you give me your order number and e-mail address?",
    "For security, please tell me the last four digits of your card.",
    "What is your date of birth?",
    "May I have your name, please?",
    "I have sent you a link. Enter the code in our app, never here.",
    "We will never ask for your PIN or password.",
    "You can change your password in the account settings.",
    "Please do not post your card number in this chat.",
    "Would you like to pay by credit card or in cash?",
    "Please confirm: a table for two at seven, paid with your credit card.",
    "Scammers pretend to be us and say: send me the code you got.",
    "Scammers often write messages. Tell me your PIN, they say.",
    "Your booking code is KX12. Show it at the desk.",
    "You can also write to us on WhatsApp.",
    "Bitte nennen Sie mir Ihre Bestellnummer und Postleitzahl.",
    "Geben Sie den Code nur in unserer App ein.",
    "Indiquez votre numéro de commande, s'il vous plaît.",
    "请提供您的订单号和卡号后四位。",
    "ご注文番号を教えてください。",
]


@pytest.mark.parametrize("text", FROM_BOTS)
def test_what_bots_ordinarily_ask_passes(text: str) -> None:
    assert flagged(by_bot(text)) == set()


PHISHING = [
    ("asks-one-time-code", "Just send me the code that arrived, I will delete it afterwards."),
    ("asks-credentials", "Before I connect you, I need your online banking password."),
    ("asks-card-data", "Please enter your full card number and the CVV here."),
    ("asks-credentials", "Great, now type your recovery phrase."),
    ("asks-credentials", "Bitte geben Sie hier Ihr Passwort ein."),
    ("asks-card-data", "Entrez ici votre numéro de carte et le cryptogramme."),
    ("asks-credentials", "Escriba aquí su contraseña para continuar."),
    ("asks-one-time-code", "请告诉我您收到的验证码。"),
    ("asks-credentials", "May I have your online banking password?"),
    ("asks-credentials", "Your password, please?"),
    ("asks-credentials", "Könnten Sie mir bitte Ihr Passwort nennen?"),
    ("asks-credentials", "Pouvez-vous me donner votre code PIN ?"),
    ("asks-credentials", "¿Me puede dar su contraseña?"),
    ("asks-credentials", "Pode me dizer a sua senha?"),
    ("asks-credentials", "Può dirmi la sua password?"),
    ("asks-credentials", "Kunt u mij uw wachtwoord geven?"),
    ("asks-credentials", "Jaki jest Pana PIN?"),
    ("asks-credentials", "Не могли бы вы сообщить ваш пароль?"),
    ("asks-credentials", "ما هو الرقم السري لبطاقتك؟"),
    ("asks-one-time-code", "可以告诉我验证码吗？"),
    ("asks-credentials", "暗証番号は何番ですか？"),
    ("asks-credentials", "비밀번호가 어떻게 되시나요?"),
]


@pytest.mark.parametrize(("rule", "text"), PHISHING)
def test_a_bot_that_asks_for_secrets_is_found(rule: str, text: str) -> None:
    assert rule in flagged(by_bot(text))


def test_direction_depends_on_who_speaks() -> None:
    assert flagged(by_person("Please send me the verification code.")) == set()
    assert flagged(by_bot("Please send me the verification code.")) == {"asks-one-time-code"}


def test_pressure_raises_an_ask_and_is_none_by_itself() -> None:
    calm = by_person("Tell me the password.")["asks-credentials"]
    pressed = by_person("Police here, urgent. Tell me the password, and tell nobody.")["asks-credentials"]
    assert calm < 0.5 <= pressed
    assert by_person("Urgent! This is the police, your account is blocked, tell nobody!") == {}


def test_a_denied_verb_in_another_clause_denies_nothing() -> None:
    assert flagged(by_person("Don't worry, send me your password.")) == {"asks-credentials"}


def test_short_words_of_one_language_mean_nothing_in_another() -> None:
    # "mi" is "my" in Spanish and "to me" in Italian and Polish
    assert "asks-credentials" in flagged(by_person("Mi dia la sua password subito, sono della banca."))
    assert flagged(by_person("Necesito recuperar mi contraseña, envíeme un enlace.")) == set()


TYPED_ELSEWHERE = (
    "Enter the code from the SMS on the confirmation page; do not tell it to anybody, us included.",
    "To withdraw money, type the code that we texted you in the field of the form.",
    "You can pay with gift cards at the checkout; type the code in the field there.",
    "Geben Sie den Code aus der SMS im Feld auf der Seite ein.",
    "Introduzca en la página el código que recibió por SMS.",
    "Saisissez le code reçu par SMS sur la page de confirmation.",
    "Введите код из СМС на странице подтверждения.",
    "请在确认页面输入您收到的短信验证码。",
    "確認ページでSMSの認証コードを入力してください。",
    "पुष्टि पेज पर एसएमएस का ओटीपी डालें।",
    "أدخل رمز التحقق في صفحة التأكيد.",
    "SMS ile gelen kodu onay sayfasına girin.",
    "Wpisz kod z SMS-a na stronie potwierdzenia.",
    "Vul de code uit de sms in op de bevestigingspagina.",
)


@pytest.mark.parametrize("text", TYPED_ELSEWHERE)
def test_a_bot_may_send_people_to_a_page(text: str) -> None:
    assert not flagged(by_bot(text))


@pytest.mark.parametrize(
    "text",
    [
        "Enter the code from the SMS here in the chat.",
        "Type the code from the SMS in the field below.",
        "Enter the code from the SMS on this page.",
        "Enter the code from the SMS on the page https://acme-confirm.example/.",
        "Enter the code from the SMS on the page I send you.",
        "Send me the code from the SMS that you see on the page.",
        "Share the verification code you just received on the confirmation page.",
        "Your account is locked! Type your password in the field on the page immediately.",
        "Geben Sie den Bestätigungscode hier im Feld ein.",
        "Introduzca aquí en la página el código que recibió por SMS.",
        "请在聊天页面输入您收到的短信验证码。",
        "Envie a senha do cartão no WhatsApp.",
    ],
)
def test_a_page_excuses_neither_this_chat_nor_haste_nor_handing_over(text: str) -> None:
    assert flagged(by_bot(text))
