"""National identification numbers of Europe, Turkey and the former Soviet Union. See ``pii_national``."""

from __future__ import annotations

from typing import Final

from chatward.guards.text import pii_checksums as checks
from chatward.guards.text.pii_checksums import stdnum
from chatward.guards.text.pii_national import NationalId

# fmt: off
IDS: Final = (
    NationalId(
        "uk-nino", "UK National Insurance number (HMRC NIM39110)",
        "[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[0-9]{2}[ -]?[A-D]", checks.uk_nino,
        "nino, ni number, ni no, national insurance*", grouped=0.85, bare=0.75, trigger="[A-Z]{2}[ -]?[0-9]{2}",
    ),
    NationalId(
        "uk-nhs", "UK NHS number (mod 11)",
        "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", stdnum("gb.nhs"), "nhs*, chi number, health number, patient*",
        grouped=None, health=True,
    ),
    NationalId(
        "uk-utr", "UK Unique Taxpayer Reference",
        "[0-9]{5} ?[0-9]{5}", stdnum("gb.utr"), "utr, unique taxpayer*, self assessment", grouped=None,
    ),
    NationalId(
        "de-steuer-id", "German tax id (mod 11, 10)",
        "[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", stdnum("de.idnr"), "steuer*, idnr, tin, tax*", grouped=0.8,
        bare=0.3,
    ),
    NationalId(
        "de-id-card", "German identity card or passport number with check digit",
        "[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]", checks.de_document,
        "personalausweis*, ausweis*, reisepass*, id card, passport*", bare=0.3,
    ),
    NationalId(
        "de-pension", "German pension insurance number",
        "[0-9]{2} ?[0-3][0-9][01][0-9][0-9]{2} ?[A-Z] ?[0-9]{2} ?[0-9]", checks.de_pension,
        "rentenversicherung*, sozialversicherung*, versicherungsnummer, svnr, rvnr", grouped=0.85, bare=0.8,
        trigger="[0-9]{2} ?[0-3][0-9][01]",
    ),
    NationalId(
        "at-svnr", "Austrian social insurance number",
        "[1-9][0-9]{3}[ -]?[0-3][0-9][01][0-9]{3}", stdnum("at.vnr"),
        "sozialversicherung*, svnr, sv-nummer, versicherungsnummer, e-card", grouped=0.6, bare=0.3,
    ),
    NationalId(
        "ch-ahv", "Swiss AHV number (EAN-13 of country 756)",
        "756[. ]?[0-9]{4}[. ]?[0-9]{4}[. ]?[0-9]{2}", stdnum("ch.ssn"),
        "ahv*, avs*, navs*, ssn, sozialversicherung*", grouped=0.95, bare=0.85,
    ),
    NationalId(
        "fr-nir", "French social security number (mod 97)",
        "[12378] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", stdnum("fr.nir"),
        "sécurité sociale, sécu, nir, numéro ss, insee, ssn", grouped=0.95, bare=0.85,
        trigger="[12378] ?[0-9]{2} ?[0-9]",
    ),
    NationalId(
        "fr-tax", "French tax reference (SPI)",
        "[0-3][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", stdnum("fr.nif"),
        "numéro fiscal, spi, nif, référence fiscale, tax*", grouped=None,
    ),
    NationalId(
        "es-dni", "Spanish DNI (letter by mod 23)",
        "[0-9]{8}[ -]?[A-HJ-NP-TV-Z]", stdnum("es.dni"), "dni, nif, documento*", grouped=0.85, bare=0.85,
        spaced=0.6, trigger="[0-9]{8}",
    ),
    NationalId(
        "es-nie", "Spanish foreigner's number",
        "[XYZ][ -]?[0-9]{7}[ -]?[A-HJ-NP-TV-Z]", stdnum("es.nie"), "nie, nif, extranjero*", grouped=0.9, bare=0.9,
        trigger="[XYZ][ -]?[0-9]{7}",
    ),
    NationalId(
        "es-social", "Spanish social security number (mod 97)",
        "[0-9]{2}[ /-]?[0-9]{8}[ /-]?[0-9]{2}", checks.es_social, "seguridad social, nuss, naf, afiliación",
        grouped=0.6, bare=0.3,
    ),
    NationalId(
        "it-codice-fiscale", "Italian codice fiscale",
        "[A-Z]{3} ?[A-Z]{3} ?[0-9LMNP-V]{2}[A-EHLMPR-T][0-9LMNP-V]{2} ?[A-Z][0-9LMNP-V]{3} ?[A-Z]",
        stdnum("it.codicefiscale"), "codice fiscale, c.f., cf", grouped=0.95, bare=0.95,
        trigger="[A-Z]{3} ?[A-Z]{3} ?[0-9LMNP-V]{2}[A-EHLMPR-T]",
    ),
    NationalId(
        "pt-nif", "Portuguese NIF (mod 11)",
        "[1-35689][0-9]{2}[ .]?[0-9]{3}[ .]?[0-9]{3}", stdnum("pt.nif"), "nif, contribuinte*, número fiscal",
        grouped=None,
    ),
    NationalId(
        "pt-cc", "Portuguese citizen card",
        "[0-9]{8}[ -]?[0-9][ -]?[A-Z0-9]{2}[0-9]", stdnum("pt.cc"),
        "cartão de cidadão, cartão cidadão, cc, bilhete de identidade", grouped=0.8, trigger="[0-9]{8}",
    ),
    NationalId(
        "nl-bsn", "Dutch BSN (eleven test)",
        "[0-9]{4}[. ]?[0-9]{2}[. ]?[0-9]{2,3}", stdnum("nl.bsn"), "bsn*, burgerservice*, sofi*", grouped=None,
    ),
    NationalId(
        "be-nn", "Belgian national number (mod 97)",
        "[0-9]{2}[. ]?[0-9]{2}[. ]?[0-9]{2}[- ]?[0-9]{3}[. ]?[0-9]{2}", stdnum("be.nn"),
        "rijksregister*, registre national, niss, insz, national number, nationaal nummer", grouped=0.95, bare=0.6,
    ),
    NationalId(
        "lu-matricule", "Luxembourg matricule (Luhn and Verhoeff)",
        "(?:19|20)[0-9]{2} ?[0-9]{4} ?[0-9]{5}", checks.lu_person, "matricule*, cns, sozialversicherung*",
        grouped=0.9, bare=0.85,
    ),
    NationalId(
        "ie-pps", "Irish PPS number",
        "[0-9]{7}[A-W][ABHWTX]?", stdnum("ie.pps"), "pps*, personal public service", bare=0.6,
    ),
    NationalId(
        "pl-pesel", "Polish PESEL (date and check digit)",
        "[0-9]{11}", stdnum("pl.pesel"), "pesel*", bare=0.7,
    ),
    NationalId(
        "pl-id-card", "Polish identity card",
        "[A-Z]{3}[ -]?[0-9]{6}", checks.pl_document,
        "dowód*, dowodu*, dowodem*, numer dowodu, seria i numer, dokument*", grouped=None,
        trigger="[A-Z]{3}[ -]?[0-9]",
    ),
    NationalId(
        "pl-nip", "Polish tax number (NIP)",
        "[0-9]{3}-[0-9]{3}-[0-9]{2}-[0-9]{2}|[0-9]{3}-[0-9]{2}-[0-9]{2}-[0-9]{3}|[0-9]{10}", stdnum("pl.nip"),
        "nip, podatk*", grouped=0.6,
    ),
    NationalId(
        "se-personnummer", "Swedish personal number (Luhn)",
        "(?:19|20)?[0-9]{6}[-+]?[0-9]{4}", stdnum("se.personnummer"),
        "personnummer*, person nr, samordningsnummer, pnr", grouped=0.8, keep_grouping=True,
    ),
    NationalId(
        "no-fodselsnummer", "Norwegian birth number (two mod 11)",
        "[0-7][0-9]{5} ?[0-9]{5}", stdnum("no.fodselsnummer"), "fødselsnummer*, personnummer*, fnr, d-nummer",
        grouped=0.85, bare=0.8,
    ),
    NationalId(
        "dk-cpr", "Danish CPR number (date)",
        "[0-3][0-9][01][0-9]{3}[- ]?[0-9]{4}", checks.dk_person, "cpr*, personnummer*, cpr-nr", grouped=0.4,
        named=0.85,
    ),
    NationalId(
        "fi-hetu", "Finnish personal identity code",
        "[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", stdnum("fi.hetu"),
        "henkilötunnus, hetu, sotu, personbeteckning", grouped=0.9, bare=0.9, keep_grouping=True,
    ),
    NationalId(
        "is-kennitala", "Icelandic kennitala",
        "[0-7][0-9]{5}-?[0-9]{4}", stdnum("is_.kennitala"), "kennitala*, kt", grouped=0.8,
    ),
    NationalId(
        "cz-rodne-cislo", "Czech and Slovak birth number (mod 11)",
        "[0-9]{6}/[0-9]{3,4}|[0-9]{10}", stdnum("cz.rc"), "rodné číslo, rodného čísla, rodne cislo, rč, r.č.",
        grouped=0.85,
    ),
    NationalId(
        "ro-cnp", "Romanian CNP",
        "[1-9][0-9]{12}", stdnum("ro.cnp"), "cnp, cod numeric personal", bare=0.8,
    ),
    NationalId(
        "bg-egn", "Bulgarian EGN",
        "[0-9]{10}", stdnum("bg.egn"), "егн, egn, единен граждански номер", bare=0.3,
    ),
    NationalId(
        "hr-oib", "Croatian OIB (mod 11, 10)",
        "[0-9]{11}", stdnum("hr.oib"), "oib, osobni identifikacijski broj",
    ),
    NationalId(
        "si-emso", "EMŠO and JMBG of the countries of former Yugoslavia",
        "[0-3][0-9][01][0-9]{10}", stdnum("si.emso"), "emšo, emso, jmbg*, јмбг, матичен број, matični broj",
        bare=0.8,
    ),
    NationalId(
        "ee-lt-code", "Estonian isikukood and Lithuanian asmens kodas",
        "[1-6][0-9]{10}", stdnum("ee.ik"), "isikukood*, asmens kod*, a.k., ik", bare=0.4,
    ),
    NationalId(
        "lv-personas-kods", "Latvian personas kods",
        "[0-3][0-9]{5}-?[0-9]{5}", checks.lv_person, "personas kod*, pk", grouped=0.85, bare=0.3,
    ),
    NationalId(
        "gr-amka", "Greek AMKA (date and Luhn)",
        "[0-3][0-9][01][0-9]{8}", stdnum("gr.amka"), "αμκα, α.μ.κ.α., amka", bare=0.6,
    ),
    NationalId(
        "gr-afm", "Greek tax number",
        "[0-9]{9}", stdnum("gr.vat"), "αφμ, α.φ.μ., afm",
    ),
    NationalId(
        "hu-taj", "Hungarian health insurance number (TAJ)",
        "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", checks.hu_health, "taj, taj-szám, társadalombiztosítás*",
        grouped=None, health=True,
    ),
    NationalId(
        "hu-tax", "Hungarian tax id",
        "8[0-9]{9}", checks.hu_tax, "adóazonosító*, adószám*, tax*",
    ),
    NationalId(
        "hu-szemelyi", "Hungarian personal number",
        "[1-8][ -]?[0-9]{6}[ -]?[0-9]{4}", checks.hu_person, "személyi szám*, személyi azonosító*, szem. szám",
        grouped=0.6,
    ),
    NationalId(
        "tr-kimlik", "Turkish identity number (two check digits)",
        "[1-9][0-9]{10}", stdnum("tr.tckimlik"), "kimlik*, tckn, t.c., tc no, tc", bare=0.4,
    ),
    NationalId(
        "ru-snils", "Russian SNILS (mod 101)",
        "[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{3}[- ]?[0-9]{2}", checks.ru_snils, "снилс*, snils, страхов*", grouped=0.9,
        spaced=0.6, bare=0.3,
    ),
    NationalId(
        "ru-inn", "Russian INN of a person (two check digits)",
        "[0-9]{12}", checks.ru_inn_person, "инн, inn", bare=0.4,
    ),
    NationalId(
        "ua-rntrc", "Ukrainian tax number",
        "[0-9]{10}", stdnum("ua.rntrc"), "ідентифікаційний*, іпн, рнокпп, інн, ipn", bare=0.3,
    ),
    NationalId(
        "kz-iin", "Kazakh IIN",
        "[0-9]{12}", checks.kz_person, "иин, жсн, iin", bare=0.4,
    ),
)
# fmt: on
