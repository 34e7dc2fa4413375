"""Ordinary links of the kinds that phishing imitates: the signs act on none, and the shipped model on few.

Roots are reserved or well known, paths and tokens made up. No weight and no border was fitted on any of them. The model
was made with lists that have next to no such links, and takes some for harmful, all under names that nobody knows but
one: how many is written down here (and in docs/links.md), and may only become fewer.
"""

from __future__ import annotations

import pytest

from chatward.core.normalise import read
from chatward.core.ports import Item
from chatward.core.values import PartKind, Source
from chatward.guards.links.model import LinkModelGuard
from tests.guards.links.looks import acted_on

LINKS: dict[str, tuple[str, ...]] = {
    "signing in through others": (
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?client_id=4f1c9d3e-8b2a-4c55-9d0e-7a6b5c4"
        "d3e2f&response_type=code&redirect_uri=https%3A%2F%2Fapp.garden.example%2Fauth%2Fcallback&scope=openid%20"
        "profile%20email&state=kT7x9QmZ",
        "https://accounts.google.com/o/oauth2/v2/auth?client_id=407408718192-abc.apps.googleusercontent.com&redir"
        "ect_uri=https%3A%2F%2Fportal.orchard.example%2Foauth%2Fgoogle&response_type=code&scope=email%20profile&p"
        "rompt=consent",
        "https://accounts.google.com/signin/v2/identifier?continue=https%3A%2F%2Fmail.google.com%2Fmail%2F&servic"
        "e=mail&flowName=GlifWebSignIn",
        "https://github.com/login/oauth/authorize?client_id=Iv1.8a61f9b3a7aba766&redirect_uri=https://ci.lantern."
        "example/login/github&state=9f86d081884c7d65",
        "https://appleid.apple.com/auth/authorize?client_id=example.lantern.web&redirect_uri=https%3A%2F%2Flanter"
        "n.example%2Fapple&response_type=code%20id_token&response_mode=form_post",
        "https://www.facebook.com/v19.0/dialog/oauth?client_id=123456789012345&redirect_uri=https%3A%2F%2Fquarry."
        "example%2Ffb%2Fcallback&state=%7Bst%3Dstate123abc%7D",
        "https://discord.com/oauth2/authorize?client_id=157730590492196864&scope=bot%20applications.commands&perm"
        "issions=8",
        "https://slack.com/oauth/v2/authorize?client_id=12345.67890&scope=chat:write&redirect_uri=https%3A%2F%2Fr"
        "ibbon.example%2Fslack",
        "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=3MVG9lKcPoNINVB&redi"
        "rect_uri=https%3A%2F%2Fsaddle.example%2Fsf",
        "https://id.atlassian.com/login?continue=https%3A%2F%2Fstart.atlassian.com%2F&application=jira",
        "https://auth.garden.example/realms/customers/protocol/openid-connect/auth?client_id=web&redirect_uri=htt"
        "ps%3A%2F%2Fgarden.example%2Faccount&response_type=code&nonce=4f2d8a",
        "https://sso.university.example.edu/idp/profile/SAML2/Redirect/SSO?execution=e1s1",
        "https://login.library.example.org/login?url=https://journals.example.org/doi/10.1000/xyz123",
        "https://portal.clinic.example/account/verify-email?token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2ln",
        "https://shop.walnut.example/password/reset/8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a"
        "918?email=ann%40example.com",
        "https://accounts.spotify.com/en/login?continue=https%3A%2F%2Fopen.spotify.com%2F",
        "https://www.linkedin.com/oauth/v2/authorization?response_type=code&client_id=77abc&redirect_uri=https%3A"
        "%2F%2Fjobs.example.com%2Fcallback",
    ),
    "mailings that count clicks": (
        "https://click.mailchimp.com/track/click/30010842/www.garden.example?p=eyJzIjoiUUZ4bTVKIiwidiI6MX0",
        "https://garden.us3.list-manage.com/track/click?u=1f2e3d4c5b6a79880f1e2d3c4&id=9b8a7c6d5e&e=0a1b2c3d4e",
        "https://garden.us3.list-manage.com/unsubscribe?u=1f2e3d4c5b6a7988&id=9b8a7c6d5e&e=0a1b2c3d4e&c=5f4e3d2c1b",
        "https://u12345678.ct.sendgrid.net/ls/click?upn=u001.QmFzZTY0LWxpa2UtdG9rZW4tMDEyMzQ1Njc4OQ-3D-3D",
        "https://links.newsletter.orchard.example/e/c/01HZX3V9K8Q7W6E5R4T3Y2U1I0/b25lLXR3by10aHJlZQ",
        "https://email.news.ribbon.example/c/eJwVjUEOgjAQRU9Dl5OZ6Qx0F11o4jXMMC3YhELT1sDtxeQv3sv7yV-8zTPT4",
        "https://t.newsletter.example.com/r/?id=h1a2b3c4d,5e6f7a8b,9c0d1e2f&p1=summer",
        "https://trk.klclick.com/ls/click?upn=ABCDEF0123456789",
        "https://clicks.harbour.example/f/a/0f9e8d7c6b5a~/AAQxAQA~/RgRnT3JkZXI",
        "https://email.mg.pepper.example/c/eJxNjcsKgzAQRb8mWYbJ5GEWLlpK_6OMmaEGjIZktO3f1y66Pfdw",
        "https://www.pepper.example/?utm_source=newsletter&utm_medium=email&utm_campaign=2025-04_spring&mc_cid=7f"
        "6e5d4c3b&mc_eid=a1b2c3d4e5",
        "https://news.meadow.example/optiext/optiextension.dll?ID=a1B2c3D4e5F6g7H8i9J0",
        "https://mandrillapp.com/track/click/30012345/saddle.example?p=eyJzIjoiYWJjIn0",
        "https://go.pardot.com/e/123456/2025-05-12/4kq7wz/1234567890?h=Zm9vYmFy",
        "https://c.gle/AOvVaw3xYz",
        "https://substack.com/redirect/1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901?j=eyJ1IjoiMWFiY2QifQ",
        "https://www.eventbrite.com/e/spring-garden-walk-tickets-123456789012?aff=ebemoffollowpublishemail&ref=eemail",
    ),
    "storage and networks of delivery": (
        "https://examplebucket.s3.eu-central-1.amazonaws.com/reports/2025/q1/summary.pdf?X-Amz-Algorithm=AWS4-HMA"
        "C-SHA256&X-Amz-Date=20250401T101500Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=9f86d08"
        "1884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "https://s3.amazonaws.com/garden-public-downloads/catalogue-2025.pdf",
        "https://s3-us-west-2.amazonaws.com/lantern-assets/img/0f1e2d3c4b5a/header@2x.png",
        "https://storage.googleapis.com/orchard-exports/user-guide/v3/index.html",
        "https://harbourstore.blob.core.windows.net/invoices/2025/04/INV-20391.pdf?sv=2023-11-03&se=2025-05-01T00"
        "%3A00%3A00Z&sr=b&sp=r&sig=Zm9vYmFyYmF6cXV4%3D",
        "https://cdn.jsdelivr.net/npm/bootstrap@5.3.3/dist/css/bootstrap.min.css",
        "https://cdnjs.cloudflare.com/ajax/libs/jquery/3.7.1/jquery.min.js",
        "https://images.unsplash.com/photo-1506744038136-46273834b3fb?auto=format&fit=crop&w=1350&q=80",
        "https://upload.wikimedia.org/wikipedia/commons/thumb/a/a9/Example.jpg/640px-Example.jpg",
        "https://i.ytimg.com/vi/aBcDeFgHiJk/maxresdefault.jpg",
        "https://scontent.cdninstagram.com/v/t51.2885-15/123456789_0123456789_n.jpg?_nc_ht=scontent.cdninstagram."
        "com&oh=00_AfB1c2D3&oe=66AABBCC",
        "https://media.licdn.com/dms/image/v2/D4E03AQF/profile-displayphoto-shrink_200_200/0/1700000000000?e=1750"
        "000000&v=beta&t=AbCdEf",
        "https://assets.ribbon.example/_next/static/chunks/pages/checkout-5f1c2e3d4b5a6978.js",
        "https://static.saddle.example/build/3f2504e0-4f89-11d3-9a0c-0305e82c3301/account/login.bundle.js?v=20250412",
        "https://d111111abcdef8.cloudfront.net/images/logo.png",
        "https://raw.githubusercontent.com/someone/project/0123456789abcdef0123456789abcdef01234567/install.sh",
        "https://dl.google.com/dl/cloudsdk/channels/rapid/3c/5a/0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778"
        "899aabbccddee/tool-1.2.3-linux-x86_64.tar.gz",
        "https://fonts.gstatic.com/s/roboto/v30/KFOmCnqEu92Fr1Mu4mxK.woff2",
        "https://objects.githubusercontent.com/github-production-release-asset-2e65be/123456789/0f1e2d3c-4b5a-697"
        "8-8796-a5b4c3d2e1f0?X-Amz-Expires=300",
    ),
    "paying, orders, parcels": (
        "https://invoice.stripe.com/i/acct_1AbCdEfGhIjKlMnO/live_YWNjdF8xQWJDZEVm?s=em",
        "https://checkout.stripe.com/c/pay/cs_live_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0#fidkdWxOYHwnPyd1",
        "https://pay.stripe.com/receipts/payment/CAcaFwoVYWNjdF8xQWJDZEVmR2g?s=ap",
        "https://buy.stripe.com/4gw8yz0A1bC2dE3fG4",
        "https://www.paypal.com/invoice/p/#INV2-ABCD-EFGH-JKLM-NPQR",
        "https://www.paypal.com/checkoutnow?token=5AB12345CD678901E",
        "https://www.paypal.com/cgi-bin/webscr?cmd=_flow&SESSION=abc&dispatch=5885d80a13c0db1f8e263663d3faee8d",
        "https://www.paypal.me/annexample/25eur",
        "https://pay.gocardless.com/billing/static/flow?id=BRF0001A2B3C4D5E6F7G8H9J",
        "https://www.klarna.com/pay/order/8f14e45f-ceea-467f-a830-5d1c2e3d4b5a",
        "https://pay.google.com/gp/w/u/0/home/signup",
        "https://checkoutshopper-live.adyen.com/checkoutshopper/checkoutPaymentReturn?gpid=ajfbasljbfaljfe",
        "https://squareup.com/pay-invoice/invtmp:5e22a2c2-47c1-46d6-b061-808764dfe2b9",
        "https://billing.hosting.example/clientarea.php?action=invoices&id=20391",
        "https://my.energy.example/account/billing/pay?invoice=2025-04-88213",
        "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=00340434161094042557",
        "https://www.ups.com/track?loc=en_US&tracknum=1Z12345E0205271688&requester=ST/trackdetails",
        "https://tools.usps.com/go/TrackConfirmAction?tLabels=9400100000000000000000",
        "https://www.fedex.com/fedextrack/?trknbr=123456789012&trkqual=12029~123456789012~FDEG",
        "https://www.royalmail.com/track-your-item#/tracking-results/AB123456789GB",
        "https://www.amazon.de/gp/css/order-details?orderID=302-1234567-1234567&ref=ppx_yo_dt_b_order_details",
        "https://www.ebay.co.uk/signin/?SIGNIN_URL=https%3A%2F%2Fwww.ebay.co.uk%2Fmye%2Fmyebay%2Fpurchase",
        "https://order.pizza.example/track/6f1ed002-ab55-4f1b-8d0e-7a6b5c4d3e2f",
        "https://secure.travel.example/booking/confirm?pnr=X7Q2LM&lastname=Smith",
    ),
    "shops and offices of the world": (
        "https://müller-gärtnerei.example/anmelden",
        "https://kaffee-rösterei.example/warenkorb?artikel=4711",
        "https://boutique-été.example/connexion/mot-de-passe-oublié",
        "https://магазин.example/личный-кабинет/вход",
        "https://カフェ.example/ログイン",
        "https://商店.example/结账/支付",
        "https://متجر.example/تسجيل-الدخول",
        "https://xn--80aaxitdbjk.example/oplata/",
        "https://tienda.flores.example/iniciar-sesion?volver=%2Fcuenta",
        "https://www.loja.example.com.br/minha-conta/pagamento/boleto/23793.38128",
        "https://sklep.ogrod.example.pl/konto/logowanie.html",
        "https://www.bank.example/de/privatkunden/online-banking/anmelden.html",
        "https://banking.sparkasse.example/portal/login?blz=12345678",
        "https://www.gov.uk/log-in-register-hmrc-online-services",
        "https://www.service-public.fr/particuliers/vosdroits/F1342",
        "https://www.elster.de/eportal/login/softpse",
        "https://www.irs.gov/payments/online-account-for-individuals",
        "https://www.impots.gouv.fr/accueil",
    ),
    "names and words that sound like tricks": (
        "https://docs.python.org/3/library/secrets.html#generating-tokens",
        "https://en.wikipedia.org/wiki/Phishing#Account_verification",
        "https://stackoverflow.com/questions/12345678/how-to-verify-paypal-webhook-signature",
        "https://github.com/someone/login-page-template/blob/main/secure/signin.php",
        "https://support.microsoft.com/en-us/account-billing/recover-your-account-b19c02d1-c782-dee4-93c2-dddbcc5d1c7e",
        "https://wordpress.org/plugins/wp-login-security/",
        "https://security.garden.example/advisories/2025/account-takeover",
        "https://web.archive.org/web/20240101000000/https://www.bank.example/login",
        "https://translate.google.com/translate?sl=de&tl=en&u=https://www.walnut.example/konto",
        "https://learn.example.edu/moodle/mod/quiz/attempt.php?attempt=88213&cmid=4711",
    ),
}
MODEL = LinkModelGuard()


ACTS = {
    "signing in through others": 4,
    "mailings that count clicks": 4,
    "storage and networks of delivery": 2,
    "paying, orders, parcels": 4,
    "shops and offices of the world": 4,
    "names and words that sound like tricks": 0,
}
"""How many of each kind the model still acts on."""


def test_there_are_a_hundred() -> None:
    links = [link for group in LINKS.values() for link in group]
    assert len(set(links)) == len(links) >= 100


@pytest.mark.parametrize("kind", LINKS)
def test_the_signs_act_on_none(kind: str) -> None:
    texts = [f"Hello, as you asked: {link} is it." for link in LINKS[kind]]
    assert [text for text in texts if acted_on(text, "user") | acted_on(text, "reply")] == []


@pytest.mark.parametrize("kind", LINKS)
def test_the_model_acts_on_no_more_than_it_did(kind: str) -> None:
    items = [Item(0, Source.USER, PartKind.TEXT, read(f"See {link} now", deep=False)) for link in LINKS[kind]]
    acted = [item for item in items if any(found.confidence >= 0.5 for found in MODEL.weigh(item).findings)]
    assert len(acted) <= ACTS[kind]
