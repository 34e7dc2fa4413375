"""Names that impostors use: brands, their own domains, and the letters that stand in for theirs.

The rule: a name is compared in the form in which a reader sees it. ``skeleton`` folds letters that look alike (after
Unicode Technical Standard 39, section 4, reduced to Latin letters, digits and pairs such as ``rn`` for ``m``), so that
two names with one skeleton can be taken for each other. A brand's own domains are never impostors of it.

The list was written for this project: services that people sign in to or pay through, in many countries. An operator
adds their own (``routes.*.brands``). A brand whose name is an ordinary word (``apple``, ``chase``, ``orange``) is
marked with ``~``: the word alone says nothing, only its own domain inside another name or together with a word of
sign-in does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from chatward.core.confusables import KIN, MARKED, TWINS
from chatward.core.hosts import split, words

_ROWS: Final = """
paypal paypal.com paypal.me paypalobjects.com paypal-corp.com
~apple apple.com icloud.com me.com mzstatic.com cdn-apple.com apple.news
icloud icloud.com apple.com
microsoft microsoft.com microsoftonline.com live.com windows.net office.com office365.com azure.com msn.com
  windows.com microsoft365.com msauth.net msftauth.net sharepoint.com microsoft-edge.com microsoftstore.com
  microsoftonline-p.com
office365 office365.com office.com microsoft.com
outlook outlook.com outlook.office.com live.com office365.com
onedrive onedrive.com live.com microsoft.com
sharepoint sharepoint.com microsoft.com
hotmail hotmail.com live.com
amazon amazon.com amazon.de amazon.co.uk amazon.co.jp amazon.fr amazon.it amazon.es amazon.ca amazon.in
  amazon.com.br amazon.com.au amazon.com.mx amazon.nl amazon.pl amazon.se amazon.sg amazon.ae amazon.sa
  amazon.eg amazon.com.tr amazon.com.be amazon.jobs amazon.work amazonaws.com amazon.dev amazonpay.com
  primevideo.com amazontrust.com amazon.science aboutamazon.com amazonadsystem.com amazon-adsystem.com
  media-amazon.com ssl-images-amazon.com amazonvideo.com amazonmusic.com amazonbrowserapp.com amazon.press
  amazon.care amazon.cn amazonservices.com amazonsmile.com amazonlogistics.eu
google google.com google.de google.co.uk google.fr google.co.in google.co.jp google.com.br google.es google.it
  google.ca google.com.au google.ru google.pl google.nl google.com.mx google.com.tr googleapis.com gstatic.com
  googleusercontent.com googlesource.com google.dev goo.gl googletagmanager.com google-analytics.com
  googleadservices.com googlesyndication.com googlevideo.com withgoogle.com google.org blog.google
  googleblog.com googlecode.com googlegroups.com googlemail.com appspot.com googlecloud.com googlefiber.net
  googlestore.com googleplay.com googleweblight.com googlezip.net
gmail gmail.com google.com googlemail.com
youtube youtube.com youtube-nocookie.com youtu.be youtubekids.com youtubego.com youtubeeducation.com
  youtube.googleapis.com
facebook facebook.com facebook.net fb.com fbcdn.net meta.com facebookmail.com facebookcorewwwi.onion
  facebookblueprint.com
instagram instagram.com cdninstagram.com instagram-brand.com
whatsapp whatsapp.com whatsapp.net wa.me
messenger messenger.com
telegram telegram.org telegram.me t.me telegram.dog telegram.com telegra.ph
linkedin linkedin.com licdn.com lnkd.in linkedin.cn
twitter twitter.com x.com t.co twimg.com
tiktok tiktok.com tiktokcdn.com tiktokv.com tiktokglobalshop.com tiktokshop.com
snapchat snapchat.com
discord discord.com discord.gg discordapp.com discordapp.net discord.media discord.gift discord.new
  discordstatus.com discord.dev discord.co discord.design discord.gifts discord.tools discordmerch.com
netflix netflix.com nflxvideo.net netflix.net netflixinvestor.com netflixtechblog.com
spotify spotify.com scdn.co spotifycdn.com spotify.design spotifyjobs.com
~disney disney.com disneyplus.com go.com disney.co.uk disneyland.com
~steam steampowered.com steamcommunity.com steamstatic.com steamgames.com steamusercontent.com steamcontent.com
steamcommunity steamcommunity.com steampowered.com
steampowered steampowered.com
roblox roblox.com rbxcdn.com robloxlabs.com
epicgames epicgames.com epicgames.dev unrealengine.com
playstation playstation.com playstation.net sonyentertainmentnetwork.com
nintendo nintendo.com nintendo.net nintendo.co.jp nintendo-europe.com nintendo.de nintendo.es nintendo.fr
adobe adobe.com adobe.io adobelogin.com typekit.net adobecc.com adobess.com behance.net adobedtm.com
docusign docusign.com docusign.net
dropbox dropbox.com dropboxusercontent.com dropboxapi.com getdropbox.com
wetransfer wetransfer.com we.tl
github github.com github.io githubusercontent.com githubassets.com githubapp.com github.dev github.blog
  githubstatus.com githubcopilot.com github.community
gitlab gitlab.com gitlab.io gitlab-static.net
cloudflare cloudflare.com cloudflare.net cloudflareinsights.com cloudflare-dns.com cloudflarestatus.com
  cloudflare-ipfs.com
godaddy godaddy.com
namecheap namecheap.com
~zoom zoom.us zoom.com
webex webex.com
slack slack.com slack-edge.com
salesforce salesforce.com force.com
shopify shopify.com myshopify.com shopifycdn.com shopify.dev shopifyinbox.com shopifysvc.com
ebay ebay.com ebay.de ebay.co.uk ebay.fr ebay.it ebay.es ebay.ca ebay.com.au ebaystatic.com ebayimg.com
  ebayinc.com ebay-kleinanzeigen.de kleinanzeigen.de ebay.at ebay.ch ebay.pl ebay.nl ebay.ie ebay.com.hk
aliexpress aliexpress.com aliexpress.ru aliexpress.us alicdn.com
alibaba alibaba.com alibabagroup.com alibabacloud.com alibaba-inc.com
walmart walmart.com walmart.ca walmartimages.com walmart.com.mx walmartlabs.com walmart.org
costco costco.com costco.ca costco.co.uk costco.co.jp costco.com.mx costco.com.au costcotravel.com
mercadolibre mercadolibre.com mercadolibre.com.ar mercadolibre.com.mx mercadolibre.cl mercadolibre.com.co
  mercadolibre.com.pe
mercadolivre mercadolivre.com.br mercadolivre.com
mercadopago mercadopago.com mercadopago.com.br mercadopago.com.ar mercadopago.com.mx mercadopago.cl
shopee shopee.com shopee.com.br shopee.co.id shopee.sg shopee.tw shopee.vn shopee.ph shopee.co.th shopee.com.my
lazada lazada.com lazada.co.id lazada.co.th lazada.com.my lazada.com.ph lazada.sg lazada.vn
rakuten rakuten.co.jp rakuten.com rakuten.de rakuten.fr rakuten-card.co.jp rakuten-sec.co.jp rakuten-bank.co.jp
  rakuten.tv rakuten.ne.jp rakutencard.com rakutenmarketing.com rakuten-static.com
yahoo yahoo.com yahoo.co.jp yahoo.net yahooapis.com yimg.com yahoodns.net yahooinc.com yahoo.com.tw
  yahoosmallbusiness.com
mercari mercari.com mercari.jp
~booking booking.com bstatic.com booking.cn
airbnb airbnb.com airbnb.de airbnb.fr airbnb.es airbnb.it airbnb.co.uk airbnb.ca airbnb.com.br airbnb.com.au
  muscache.com
expedia expedia.com expedia.co.uk expedia.de
~uber uber.com ubereats.com
vinted vinted.com vinted.fr vinted.de vinted.pl vinted.it vinted.es vinted.nl vinted.co.uk vinted.lt vinted.cz
  vinted.net
leboncoin leboncoin.fr
wallapop wallapop.com
allegro allegro.pl allegro.tech allegrostatic.com allegro.cz allegro.sk
olx olx.pl olx.com.br olx.ua olx.pt olx.ro olx.in olx.com olx.bg
dhl dhl.com dhl.de dhl.co.uk dhl.fr dhl.it dhl.es dhl-news.com dhlparcel.nl dhl.pl dhlecommerce.nl
fedex fedex.com
~ups ups.com
usps usps.com usps.gov uspsoig.gov
~dpd dpd.com dpd.de dpd.co.uk dpd.fr dpdgroup.com dpd.pl dpd.nl dpd.at
royalmail royalmail.com
~evri evri.com myhermes.co.uk
correos correos.es correosexpress.com correos.com correosprepago.es
laposte laposte.fr laposte.net lapostemobile.fr
chronopost chronopost.fr
colissimo colissimo.fr laposte.fr
mondialrelay mondialrelay.fr mondialrelay.com
postnord postnord.se postnord.dk postnord.com postnord.no
postnl postnl.nl
bpost bpost.be
swisspost post.ch swisspost.ch swisspost.com
posteitaliane poste.it posteitaliane.it
postepay postepay.it poste.it
auspost auspost.com.au
canadapost canadapost.ca canadapost-postescanada.ca
inpost inpost.pl inpost.it inpost.eu
correios correios.com.br
sagawa sagawa-exp.co.jp
kuronekoyamato kuronekoyamato.co.jp
~chase chase.com jpmorganchase.com chasecdn.com
jpmorgan jpmorgan.com jpmorganchase.com
wellsfargo wellsfargo.com wf.com wellsfargoadvisors.com wellsfargomedia.com
bankofamerica bankofamerica.com bofa.com bac-assets.com
bofa bofa.com bankofamerica.com
citibank citibank.com citi.com citigroup.com citibankonline.com citibank.co.in citibank.com.hk citibank.com.sg
capitalone capitalone.com capitalone.ca capitalone.co.uk capitaloneshopping.com capitalone360.com
usbank usbank.com
americanexpress americanexpress.com aexp-static.com americanexpress.co.jp
amex americanexpress.com amex.com amexgbt.com amex-acc.co.jp
mastercard mastercard.com mastercard.us mastercard.co.uk mastercard.de mastercardservices.com
hsbc hsbc.com hsbc.co.uk hsbc.com.hk hsbc.com.mx hsbc.fr us.hsbc.com hsbc.ca hsbcnet.com hsbc.com.sg hsbc.com.my
  hsbc.ae hsbc.com.cn hsbc.co.in hsbc.com.tw hsbc.com.au hsbc.bm hsbcinnovationbanking.com
barclays barclays.co.uk barclays.com barclaycard.co.uk barclaycardus.com barclays.net barclays.in
lloydsbank lloydsbank.com lloydsbank.co.uk lloydsbankinggroup.com
natwest natwest.com natwestgroup.com natwestinternational.com natwest.co.uk
~halifax halifax.co.uk halifax-online.co.uk
santander santander.com santander.co.uk santander.es bancosantander.es santanderbank.com santander.com.br
  santander.com.mx santander.pl santander.cl santander.pt santander.de santandernet.com.br santanderconsumer.de
  santander.com.ar santanderconsumerusa.com santanderrio.com.ar santander.com.uy
bbva bbva.com bbva.es bbva.mx bbva.pe bbva.com.co bbvanet.com.mx bbva.com.ar bbvacontinental.pe bbva.it bbva.ch
caixabank caixabank.es caixabank.com caixabankconsumer.com caixabankresearch.com caixabank.cat
sabadell bancsabadell.com bancosabadell.com sabadell.com
bankinter bankinter.com bankinter.pt bankinterconsumerfinance.com
bradesco bradesco.com.br bradesco.com banco.bradesco bradescoseguros.com.br bradescard.com.br
  bradescocartoes.com.br
itau itau.com.br itau.com itaucard.com.br itau.cl itau.com.uy itau.com.py
nubank nubank.com.br nubank.com.mx nubank.com.co
bancolombia bancolombia.com grupobancolombia.com bancolombia.com.co bancolombia.com.pa
davivienda davivienda.com davivienda.cr davivienda.com.sv davivienda.com.hn
banorte banorte.com
interbank interbank.pe interbank.com.pe
ingdirect ing.com ingdirect.it ing.de ing.es
rabobank rabobank.nl rabobank.com
abnamro abnamro.nl abnamro.com
sparkasse sparkasse.de sparkasse.at berliner-sparkasse.de sparkasse-koelnbonn.de
volksbank volksbank.de volksbank.at vr.de
raiffeisen raiffeisen.ch raiffeisen.at raiffeisen.ru raiffeisen.hu raiffeisen.ro raiffeisenbank.cz
  rbinternational.com
commerzbank commerzbank.de commerzbank.com
comdirect comdirect.de
postbank postbank.de postbank.bg
deutschebank deutsche-bank.de db.com
bnpparibas bnpparibas bnpparibas.com bnpparibas.fr bnpparibas.net bnpparibas.pl bnpparibasfortis.be
  bnpparibasfortis.com bnpparibascardif.com bnpparibas-am.com
creditagricole credit-agricole.fr ca-pca.fr credit-agricole.com credit-agricole.pl credit-agricole.it
societegenerale societegenerale.fr societegenerale.com sg.fr
labanquepostale labanquepostale.fr labanquepostale.com
creditmutuel creditmutuel.fr creditmutuel.com
caissedepargne caisse-epargne.fr
boursorama boursorama.com boursobank.com
intesasanpaolo intesasanpaolo.com intesasanpaolobank.si intesasanpaolobank.al intesasanpaoloprivatebanking.it
unicredit unicredit.it unicreditgroup.eu unicredit.de unicredit.ro unicreditbank.cz unicreditbank.hu
  unicredit.com
nexi nexi.it nexigroup.com
swedbank swedbank.se swedbank.lt swedbank.ee swedbank.lv swedbank.com
nordea nordea.com nordea.fi nordea.se nordea.dk nordea.no
danskebank danskebank.dk danskebank.com danskebank.fi danskebank.co.uk danskebank.se danskebank.no
mbank mbank.pl mbank.cz mbank.sk
ingbank ing.com ing.pl ingbank.pl ing.com.tr ingbank.com.tr
revolut revolut.com revolut.me
~wise wise.com transferwise.com
n26 n26.com
klarna klarna.com klarna.se klarna.net klarnacdn.net
venmo venmo.com
cashapp cash.app cashapp.com
zelle zellepay.com
westernunion westernunion.com wu.com westernunionbank.com
moneygram moneygram.com
scotiabank scotiabank.com scotiabank.ca scotiaonline.com scotiabank.com.mx scotiabank.cl scotiabankcolpatria.com
desjardins desjardins.com
interac interac.ca
commbank commbank.com.au
westpac westpac.com.au westpac.co.nz
sbibank sbi.co.in onlinesbi.sbi onlinesbi.com
hdfcbank hdfcbank.com hdfc.com hdfcbank.bank.in
icicibank icicibank.com icici.com icicibank.co.in
axisbank axisbank.com axisbank.co.in
paytm paytm.com paytm.in paytmbank.com paytmmoney.com
smbc smbc.co.jp smbc-card.com smbcnikko.co.jp smbcgroup.com smbc-cf.com smbcgroup.com.sg
mufg mufg.jp bk.mufg.jp mufgcard.com mufg.co.jp mufgamericas.com
vpass vpass.ne.jp smbc-card.com
saisoncard saisoncard.co.jp
aeoncard aeon.co.jp aeoncredit.com.my
orico orico.co.jp
jrekinet eki-net.com
ekinet eki-net.com
emirates emirates.com emiratesnbd.com
~binance binance.com binance.us binance.org binance.info binance.vision bnbstatic.com binance.charity
  bnbchain.org binancecnt.com binanceapi.com binance.cloud binance.je binance.bh binance.th binance.tr
  binancezh.com
coinbase coinbase.com cbhq.net
kraken kraken.com krakenfx.com
metamask metamask.io
trustwallet trustwallet.com
blockchain blockchain.com blockchain.info
~ledger ledger.com ledgerwallet.com
trezor trezor.io
opensea opensea.io
uniswap uniswap.org uniswap.io uniswap.info uniswap.exchange
pancakeswap pancakeswap.finance pancakeswap.com
phantomwallet phantom.app phantom.com
walletconnect walletconnect.com walletconnect.org walletconnect.network
~gemini gemini.com
kucoin kucoin.com kucoin.io
bybit bybit.com bybit.eu bytick.com bybitglobal.com
~okx okx.com okex.com
bitfinex bitfinex.com
bitpay bitpay.com
exodus exodus.com exodus.io
etherscan etherscan.io
coinmarketcap coinmarketcap.com
verizon verizon.com verizonwireless.com verizon.net verizonmedia.com verizonconnect.com
xfinity xfinity.com comcast.com comcast.net
comcast comcast.com comcast.net xfinity.com comcastbusiness.net comcastcorporation.com
tmobile t-mobile.com tmobile.com t-mobile.de t-mobile.nl t-mobile.pl t-mobile.cz
vodafone vodafone.com vodafone.de vodafone.co.uk vodafone.it vodafone.es vodafone.pt vodafone.in vodafone.ie
  vodafone.com.au vodafone.ro vodafone.gr vodafone.cz vodafone.hu vodafone.nl vodafone.com.tr vodafone.com.eg
  vodafone-ip.de
telstra telstra.com telstra.com.au telstra.net
optus optus.com.au optusnet.com.au
swisscom swisscom.ch swisscom.com
movistar movistar.es movistar.com movistar.com.ar movistar.cl movistar.co movistarplus.es
proximus proximus.be proximus.com
telekom telekom.de telekom.com telekom.hu telekom.ro telekom.net
btinternet btinternet.com bt.com
centurylink centurylink.com centurylink.net
~att att.com att.net
ameli ameli.fr
impots impots.gouv.fr
hmrc hmrc.gov.uk www.gov.uk
mygov my.gov.au mygov.scot
netbank netbank.com.au commbank.com.au
microsoftonline microsoftonline.com microsoft.com microsoftonline-p.com
zimbra zimbra.com
roundcube roundcube.net
cpanel cpanel.net cpanel.com
wordpress wordpress.com wordpress.org wp.com wordpress.tv wordpress.net wordpressfoundation.org
mailchimp mailchimp.com
hubspot hubspot.com hubspot.net hs-scripts.com
intuit intuit.com intuit.ca intuit.net
quickbooks quickbooks.com intuit.com
turbotax turbotax.com intuit.com turbotax.ca
coinspot coinspot.com.au
openai openai.com chatgpt.com oaistatic.com oaiusercontent.com
chatgpt chatgpt.com openai.com
anthropic anthropic.com claude.ai claude.com
"""

AUTH_WORDS: Final = words(
    "login log signin sign logon secure security secured verify verification verified verifica account accounts "
    "acount auth authenticate authentication update updates support help helpdesk service services servicio "
    "service-client client clients customer billing bill payment payments pay invoice refund refunds wallet "
    "wallets password reset recover recovery recuperar unlock locked suspend suspended restore confirm "
    "confirmation validate validation alert alerts notice notification notifications webmail mail mailbox "
    "portal access my online web app apps id idlogin bank banking netbanking ebanking card cards bonus gift "
    "gifts giveaway nitro free prize reward rewards claim airdrop connect sync dapp staking swap migrate "
    "migration token tokens official center centre case ticket appeal copyright meta business redelivery "
    "delivery track tracking parcel package shipment shipping post customs fee toll tax rebate sso mfa otp 2fa "
    "kyc cuenta conta cliente clientes seguro segura seguridad seguranca acceso acesso ingresar ingreso entrar "
    "konto anmelden anmeldung kunde kunden sicherheit bestaetigung compte espace connexion identification "
    "securite remboursement conto accesso assistenza sicurezza supporto area clienti info weryfikacja platnosc "
    "dostawa verificacion activate activation device devices session renew renewal subscription membership "
    "prime team admin document documents docs file files share shared view viewer secure-login user users "
    "information"
)
"""Words that stand beside a brand's name where somebody is to sign in, pay or fear."""


@dataclass(frozen=True, slots=True)
class Brand:
    """A name, its own registered names and hosts, and whether it is an ordinary word too."""

    name: str
    domains: frozenset[str]
    word: bool = False


class Brands:
    """A set of brands, ready to compare names with."""

    def __init__(self, brands: Iterable[Brand]) -> None:
        merged: dict[str, Brand] = {}
        for brand in brands:
            known = merged.get(brand.name)
            merged[brand.name] = (
                brand if known is None else Brand(brand.name, known.domains | brand.domains, known.word and brand.word)
            )
        self.by_name: Mapping[str, Brand] = merged
        self.by_skeleton: Mapping[str, Brand] = {skeleton(name): brand for name, brand in merged.items()}
        self.owners: Mapping[str, frozenset[str]] = _owners(merged.values())
        longest = {name: brand for name, brand in merged.items() if len(name) >= 5}
        self.long: Mapping[str, Brand] = dict(sorted(longest.items(), key=lambda row: -len(row[0])))
        self._starts = frozenset(name[:5] for name in longest)
        self._deletions: dict[str, list[Brand]] = {}
        for name, brand in merged.items():
            if len(name) >= 6 and not brand.word:
                for form in {name, *_shorter(name)}:
                    self._deletions.setdefault(form, []).append(brand)

    def owns(self, brand: Brand, host: str) -> bool:
        """Whether a host is the brand's own."""
        return _within(host, brand.domains) or split(host).registered in brand.domains

    def owned(self, host: str) -> bool:
        """Whether a host is any brand's own."""
        return split(host).registered in self.owners or _within(host, self.owners)

    def may_hold(self, text: str) -> bool:
        """Whether one of the names of ``long`` may be in a text; where not, none is. Quicker than to ask for each."""
        return not self._starts.isdisjoint([text[at : at + 5] for at in range(len(text) - 4)])

    def near(self, label: str) -> Brand | None:
        """The brand that a label is one slip away from: a letter left out, put in, changed, or two swapped (Damerau
        1964). Names of six letters and more. Many honest names are that near: see ``overlooked``."""
        if len(label) < 5:
            return None
        for form in (label, *_shorter(label)):
            for brand in self._deletions.get(form, ()):
                if brand.name != label and abs(len(brand.name) - len(label)) <= 1 and _one_slip(brand.name, label):
                    return brand
        return None


def _owners(brands: Iterable[Brand]) -> dict[str, frozenset[str]]:
    owners: dict[str, set[str]] = {}
    for brand in brands:
        for domain in brand.domains:
            owners.setdefault(domain, set()).add(brand.name)
    return {domain: frozenset(names) for domain, names in owners.items()}


def _within(host: str, domains: Iterable[str]) -> bool:
    labels = host.split(".")
    known = domains if isinstance(domains, (frozenset, dict)) else frozenset(domains)
    return any(".".join(labels[at:]) in known for at in range(len(labels) - 1))


def _shorter(word: str) -> set[str]:
    return {word[:at] + word[at + 1 :] for at in range(len(word))}


def _one_slip(first: str, second: str) -> bool:
    """Whether two words are one deletion, insertion, change or swap of neighbours apart."""
    if abs(len(first) - len(second)) > 1:
        return False
    at = 0
    while at < min(len(first), len(second)) and first[at] == second[at]:
        at += 1
    a, b = first[at:], second[at:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[2:] == b[2:] and a[:2] == b[1::-1])
    return a[1:] == b if len(a) > len(b) else a == b[1:]


def overlooked(name: str, label: str) -> bool:
    """Whether a slip is one that readers overlook: a letter doubled, two neighbours swapped, or one left out of the
    middle of a long name. A changed or added letter makes too many honest names."""
    if len(label) == len(name):
        return sorted(label) == sorted(name)
    if len(label) == len(name) + 1:
        return any(label[at] == label[at + 1] and label[:at] + label[at + 1 :] == name for at in range(len(name)))
    return len(name) >= 8 and label[:2] == name[:2] and label[-2:] == name[-2:]


def parse_rows(rows: str) -> list[Brand]:
    """Brands from lines of a name and its domains."""
    found = []
    for line in rows.replace("\n ", " ").strip().split("\n"):
        name, *domains = line.split()
        found.append(Brand(name.lstrip("~"), frozenset(domains), name.startswith("~")))
    return found


def brand_of(text: str) -> Brand:
    """The brand that an operator's setting names: a domain (``shop.example``) or a bare name."""
    host = text.strip().lower().partition("/")[0].removeprefix("*.").rstrip(".")
    parts = split(host)
    name = (parts.name or host).replace("-", "")
    return Brand(name, frozenset((parts.registered or host,)), len(name) < 5 or name in AUTH_WORDS)


@lru_cache(maxsize=256)
def brands(own: tuple[str, ...] = ()) -> Brands:
    """The brands of this list, and an operator's own."""
    return Brands([*_known(), *map(brand_of, own)])


@cache
def _known() -> tuple[Brand, ...]:
    return tuple(parse_rows(_ROWS))


# --- letters ----------------------------------------------------------------------------------------------

_SAME: Final = str.maketrans("1i|!0534789q26", "lllloseatbggzb")
_LOOKS: Final = {**KIN, **MARKED, **TWINS}


def latin(text: str) -> str:
    """Letters of other scripts, and with marks, as the Latin letters that they look like."""
    if text.isascii():
        return text
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return bare.translate(_LOOKS).casefold()


def skeleton(text: str) -> str:
    """What a reader may take a name for: look-alikes folded, pairs of letters that look like one joined."""
    folded = latin(text).replace("-", "").translate(_SAME)
    return folded.replace("rn", "m").replace("vv", "w").replace("cl", "d").replace("nn", "m")


def scripts(label: str) -> frozenset[str]:
    """The scripts of a label's letters, by their Unicode names' first word; Japanese and Chinese ones count as one."""
    found = set()
    for char in label:
        if not char.isalpha():
            continue
        word = unicodedata.name(char, "?").partition(" ")[0]
        found.add("HAN" if word in ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO") else word)
    return frozenset(found)
