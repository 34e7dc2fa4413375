"""Host names: what part of one its owner registered, and which hosts strangers share.

The rule: who owns a name is decided at its *suffix*. A suffix is a top-level domain, a second level that registries
sell under (``co.uk``, ``com.br``) or a host of many strangers (``github.io``, ``pages.dev``). The *registered* name is
one label more. After the idea of the Public Suffix List, with rules of our own in place of its ten thousand rows:
second levels follow a pattern in nearly every country, and hosts of many are a short list.

Hosts of many also come as paths: ``sites.google.com/view/NAME``. A verdict on one page of a shared host says nothing
of its neighbours, so nothing is ever allowed or blocked by such a host's name alone.

Names are lower case, punycode, without a final dot, as ``core.addresses`` gives them. Not known here: registries with
rules of their own (``*.kawasaki.jp``), and hosts that nobody has told of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


def words(*rows: str) -> frozenset[str]:
    """The words of some lines, apart by blanks: how lists of names are written down here."""
    return frozenset(" ".join(rows).split())


_SECOND_LEVELS: Final = words(
    "com co org net gov edu ac gob go or ne nom mil gouv govt gub gv asso nic sch ltd plc me web info firm gen "
    "ind res id in k12 museum biz name pro int adm adv art blog eco eng esp etc eti far flog fm fnd fot fst ggf "
    "imb inf jor jus leg lel mat med mus not ntr odo ppg psc psi qsl radio rec slg srv taxi teo tmp trd tur tv "
    "vet vlog wiki zlg mp dev school ad ed gr lg nhs police mod parliament geek maori iwi health cri kiwi law "
    "alt nis agric grondar law ngo sld my ltd police press presse tm port aeroport avocat medecin notaires "
    "pharmacien veterinaire priv rel store waw warszawa krakow gmina"
)
"""Second levels that registries of countries sell names under."""

_EXTRA: Final = words(
    "uk.com us.com eu.com de.com ru.com sa.com za.com jpn.com br.com cn.com gr.com hu.com in.net uk.net se.net "
    "gb.net jp.net se.com com.de co.com co.nl co.no co.at or.at com.se za.net za.org ae.org us.org africa.com "
    "mex.com eu.org it.com kiev.ua lviv.ua odessa.ua kharkov.ua dp.ua msk.ru spb.ru msk.su nov.su exnet.su"
)
"""Second levels sold by private companies, or by countries beside the usual ones."""

_NOT_SOLD: Final = words("me.me co.co tv.tv fm.fm web.de info.at name.my id.me go.com ad.nl in.de")
"""Names that look like a second level and are somebody's own."""

SHARED: Final = words(
    # pages and sites
    "github.io gitlab.io pages.dev workers.dev r2.dev web.app firebaseapp.com netlify.app vercel.app now.sh "
    "herokuapp.com onrender.com fly.dev surge.sh glitch.me repl.co replit.app replit.dev render.com deno.dev "
    "railway.app up.railway.app codesandbox.io csb.app stackblitz.io webcontainer.io gitbook.io readthedocs.io "
    "bitbucket.io neocities.org blogspot.com wordpress.com wpcomstaging.com tumblr.com weebly.com "
    "weeblysite.com wixsite.com wixstudio.com wix.com webflow.io framer.website framer.app framer.ai "
    "square.site squarespace.com godaddysites.com jimdosite.com jimdofree.com jimdo.com strikingly.com "
    "mystrikingly.com site123.me webnode.com webnode.page webnode.es webnode.fr webnode.it webnode.cz "
    "webnode.com.br ukit.me ucoz.ru ucoz.com ucoz.net ucoz.site yolasite.com webs.com webador.com webwave.dev "
    "carrd.co tilda.ws tilda.cc bubbleapps.io softr.app glideapp.io typedream.app super.site notion.site "
    "canva.site my.canva.site gamma.site durable.co durablesites.co mobirisesite.com simvoly.com zyrosite.com "
    "builderallwppro.com hostingersite.com 000webhostapp.com infinityfreeapp.com epizy.com rf.gd 42web.io "
    "great-site.net byethost.com byethost3.com byethost4.com byethost5.com byethost7.com byethost8.com "
    "byethost10.com byethost12.com byethost13.com byethost15.com byethost18.com byethost22.com byethost24.com "
    "byethost31.com byethost33.com altervista.org atwebpages.com mygamesonline.org myartsonline.com "
    "sportsontheweb.net freehosting.com hostfree.pw unaux.com hyperphp.com page.link page.tl pages.net "
    "sites.net multiscreensite.com myshopify.com shopify.com bigcartel.com mystrikingly.com ghost.io "
    "hubspotpagebuilder.com hubspotpagebuilder.eu hs-sites.com hs-sites-eu1.com mailchimpsites.com leadpages.co "
    "clickfunnels.com kartra.com systeme.io getresponsepages.com swipepages.com unbouncepages.com pagecloud.com "
    "launchrock.com brizy.site mybluehost.me temporary.site cloudwaysapps.com cpanel.site plesk.page "
    # clouds
    "azurewebsites.net azurestaticapps.net cloudapp.net cloudapp.azure.com blob.core.windows.net "
    "web.core.windows.net azureedge.net azurefd.net trafficmanager.net powerappsportals.com sharepoint.com "
    "myportfolio.com adobe.com amplifyapp.com cloudfront.net elasticbeanstalk.com awsapprunner.com "
    "s3.amazonaws.com amazonaws.com appspot.com run.app cloudfunctions.net translate.goog googleusercontent.com "
    "storage.googleapis.com ondigitalocean.app digitaloceanspaces.com linodeobjects.com wasabisys.com "
    "backblazeb2.com b-cdn.net bunnycdn.ru edgeone.app edgeone.dev myqcloud.com aliyuncs.com myhuaweicloud.com "
    "oraclecloud.com appdomain.cloud mybluemix.net ipfs.dweb.link ipfs.io ipfs.infura-ipfs.io ipfs.cf-ipfs.com "
    "nftstorage.link ipfs.nftstorage.link w3s.link ipfs.w3s.link dweb.link fleek.co on.fleek.co fleek.cool "
    "4everland.app 4everland.io arweave.net cf-ipfs.com eth.limo eth.link icp0.io ic0.app raw.icp0.io "
    # tunnels and dynamic names
    "ngrok.io ngrok.app ngrok-free.app ngrok.dev trycloudflare.com loca.lt serveo.net localhost.run lhr.life "
    "pagekite.me duckdns.org ddns.net no-ip.org no-ip.biz hopto.org zapto.org sytes.net myftp.org myftp.biz "
    "servebeer.com serveftp.com servehttp.com servegame.com redirectme.net bounceme.net dyndns.org dynu.net "
    "freeddns.org ddnsfree.com mywire.org webredirect.org dynv6.net myddns.me chickenkiller.com mooo.com "
    "strangled.net us.to uk.to ydns.eu changeip.org zzux.com ns01.info ns02.info 1337.pictures nip.io sslip.io "
    "xip.io afraid.org crabdance.com twilightparadox.com tk-host.com gotdns.ch dns.navy publicvm.com linkpc.net "
    "dynamic-dns.net ddns.us ddns.info ddns.mobi ddns.ms "
    # forms, documents, sites of many by subdomain
    "typeform.com jotform.com wufoo.com formstack.com zohopublic.com zohosites.com zoho.com cognitoforms.com "
    "123formbuilder.com formsite.com paperform.co surveysparrow.com questionpro.com freshdesk.com zendesk.com "
    "helpscoutdocs.com atlassian.net bandcamp.com substack.com medium.com livejournal.com over-blog.com "
    "canalblog.com hatenablog.com fc2.com seesaa.net exblog.jp jugem.jp ameblo.jp wikidot.com fandom.com "
    "wikia.com proboards.com forumotion.com uservoice.com teachable.com thinkific.com podia.com kajabi.com "
    "itch.io myspreadshop.com teemill.com beehiiv.com mn.co circle.so discourse.group hashnode.dev vercel.dev "
    "streamlit.app gradio.live hf.space lovable.app bolt.host base44.app v0.app created.app manus.space"
)
"""Suffixes under which strangers get names of their own."""

_PATHS: Final = words(
    "sites.google.com docs.google.com drive.google.com forms.gle forms.office.com forms.cloud.microsoft "
    "storage.googleapis.com script.google.com firebasestorage.googleapis.com s3.amazonaws.com "
    "raw.githubusercontent.com gist.github.com github.com gitlab.com bitbucket.org raw.github.com "
    "objects-us-east-1.dream.io onedrive.live.com 1drv.ms dropbox.com dl.dropboxusercontent.com wetransfer.com "
    "we.tl mega.nz mediafire.com box.com app.box.com cdn.discordapp.com media.discordapp.net linktr.ee bio.link "
    "beacons.ai taplink.cc lnk.bio linkin.bio solo.to telegra.ph t.me pastebin.com paste.ee rentry.co notion.so "
    "canva.com figma.com app.gitbook.com issuu.com scribd.com padlet.com trello.com docsend.com "
    "surveymonkey.com form.jotform.com forms.zohopublic.com airtable.com coda.io ipfs.io gateway.pinata.cloud "
    "cloudflare-ipfs.com archive.org web.archive.org translate.google.com webcache.googleusercontent.com "
    "qrco.de linkedin.com facebook.com twitter.com x.com instagram.com youtube.com reddit.com medium.com "
    "quora.com vk.com steamcommunity.com behance.net huggingface.co replit.com codepen.io jsfiddle.net "
    "express.adobe.com spark.adobe.com indd.adobe.com acrobat.adobe.com new.express.adobe.com evernote.com "
    "onenote.com sway.office.com sway.cloud.microsoft create.piktochart.com app.simplenote.com app.milanote.com "
    "smore.com flipsnack.com"
)
"""Hosts whose paths belong to strangers."""
_BUCKETS: Final = re.compile(r"s3[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com")
"""Hosts of one cloud's regions, where a customer's name stands in the path."""

SHORTENERS: Final = words(
    "bit.ly bitly.com tinyurl.com t.co goo.gl ow.ly is.gd v.gd buff.ly rebrand.ly cutt.ly shorturl.at "
    "shorturl.asia s.id rb.gy t.ly tiny.cc tiny.one bl.ink lnkd.in soo.gd short.io short.gy clck.ru vk.cc u.to "
    "qps.ru goo.su surl.li shrtco.de 1url.com bc.vc adf.ly ouo.io linkvertise.com l.ead.me q-r.to qr.ae qrco.de "
    "qr1.be me-qr.com l1nq.com hyperurl.co urlz.fr urlr.me bitly.ws bit.do x.co zpr.io dlvr.it ift.tt trib.al "
    "snip.ly po.st s2r.co a.co amzn.to amzn.eu youtu.be wp.me fb.me m.me wa.me t.cn dwz.cn url.cn suo.im 2no.co "
    "iplogger.org iplogger.com grabify.link ezstat.ru lihi.cc lihi1.cc reurl.cc pse.is ppt.cc bre.is shorten.ee "
    "tny.im shortto.com shorter.me lc.cx kutt.it gg.gg linklyhq.com dub.sh dub.co tr.ee hoo.be shor.by "
    "sniply.io kortlink.dk plu.sh spoo.me t2m.io tinu.be x.gd 00m.in mtr.cool cli.re did.li did.co.il n9.cl "
    "acortar.link encurtador.com.br bityl.co abrir.link"
)
"""Hosts whose links lead elsewhere, and do not say where."""


@dataclass(frozen=True, slots=True)
class Host:
    """A name cut where its owner's part begins: ``login``, ``example``, ``co.uk``. ``shared`` says that the suffix is
    a host of many strangers. An address, and a suffix by itself, have no ``name``."""

    subdomain: str
    name: str
    suffix: str
    shared: bool = False

    @property
    def registered(self) -> str:
        """What its owner registered, or ``""``."""
        return f"{self.name}.{self.suffix}" if self.name else ""


@lru_cache(maxsize=4096)
def split(host: str) -> Host:
    """The parts of a name. An IP address, and a name with one label, are all suffix."""
    labels = host.split(".")
    if len(labels) < 2 or ":" in host or labels[-1].isdigit():
        return Host("", "", host)
    size, shared = _suffix(labels)
    if size >= len(labels):  # a host of many by itself: it is its owner's own page
        size, shared = (1 if not _second_level(labels) else 2), False
        if size >= len(labels):
            return Host("", "", host)
    return Host(".".join(labels[: -size - 1]), labels[-size - 1], ".".join(labels[-size:]), shared)


def _suffix(labels: list[str]) -> tuple[int, bool]:
    """How many labels the suffix has, and whether strangers share it."""
    for count in range(min(4, len(labels)), 1, -1):
        if ".".join(labels[-count:]) in SHARED:
            return count, True
    # Buckets of one cloud: name.s3.eu-west-1.amazonaws.com, name.oss-cn-x.aliyuncs.com; blogs: name.blogspot.de.
    if len(labels) >= 3 and labels[-2] == "blogspot":
        return 2, True
    if len(labels) >= 4 and labels[-3] == "blogspot":
        return 3, True
    return (2, False) if _second_level(labels) else (1, False)


def _second_level(labels: list[str]) -> bool:
    pair = f"{labels[-2]}.{labels[-1]}"
    return pair in _EXTRA or (len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS and pair not in _NOT_SOLD)


def shared(host: str) -> bool:
    """Whether strangers share a host, by name or by path: match its links as a whole, never the host."""
    return split(host).shared or host in SHARED or path_shared(host)


def path_shared(host: str) -> bool:
    """Whether paths of a host belong to strangers."""
    return host in _PATHS or host.removeprefix("www.") in _PATHS or _BUCKETS.fullmatch(host) is not None
