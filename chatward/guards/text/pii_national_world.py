"""National identification numbers of the Americas, Asia, Africa and Oceania. See ``pii_national``."""

from __future__ import annotations

from typing import Final

from chatward.guards.text import pii_checksums as checks
from chatward.guards.text.pii_checksums import luhn, stdnum
from chatward.guards.text.pii_national import NationalId


def _any(number: str) -> bool:
    """For forms without a check digit: the name decides."""
    return bool(number)


# fmt: off
IDS: Final = (
    NationalId(
        "us-ssn", "US Social Security number (areas of SSA's randomised scheme)",
        "[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{3} [0-9]{2} [0-9]{4}|[0-9]{9}", stdnum("us.ssn"),
        "ssn*, social security*, social, socials, soc sec, seguro social", grouped=0.85, spaced=0.6,
    ),
    NationalId(
        "us-itin", "US Individual Taxpayer Identification Number",
        "9[0-9]{2}-[5-9][0-9]-[0-9]{4}|9[0-9]{2} [5-9][0-9] [0-9]{4}|9[0-9]{2}[5-9][0-9]{5}", stdnum("us.itin"),
        "itin*, taxpayer*, tax*", grouped=0.85, spaced=0.6,
    ),
    NationalId(
        "us-atin", "US Adoption Taxpayer Identification Number",
        "9[0-9]{2}-93-[0-9]{4}|9[0-9]{2}93[0-9]{4}", _any, "atin, adoption taxpayer*", grouped=None, named=0.85,
    ),
    NationalId(
        "us-ein", "US Employer Identification Number",
        "[0-9]{2}-?[0-9]{7}", stdnum("us.ein"), "ein, employer id*, employer identification*, fein", grouped=None,
        named=0.75,
    ),
    NationalId(
        "ca-sin", "Canadian Social Insurance Number (Luhn)",
        "[1-79][0-9]{2}(?:-[0-9]{3}-| ?[0-9]{3} ?)[0-9]{3}", stdnum("ca.sin"),
        "sin, sin number, social insurance*, nas, numéro d'assurance sociale, assurance sociale", grouped=0.6,
        spaced=0.4,
    ),
    NationalId(
        "ca-health", "British Columbia personal health number",
        "9[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", stdnum("ca.bc_phn"),
        "phn, personal health*, health card, health number, carte santé", grouped=None, health=True,
    ),
    NationalId(
        "mx-curp", "Mexican CURP",
        "[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]", stdnum("mx.curp"), "curp*", bare=0.95,
    ),
    NationalId(
        "mx-rfc", "Mexican tax number of a person (RFC)",
        "[A-ZÑ&]{4}[ -]?[0-9]{6}[ -]?[A-Z0-9]{3}", stdnum("mx.rfc"), "rfc*, fiscal", bare=0.75, grouped=0.75,
        trigger="[A-ZÑ&]{4}[ -]?[0-9]",
    ),
    NationalId(
        "br-cpf", "Brazilian CPF (two check digits)",
        "(?:[0-9]{3}[.][0-9]{3}[.][0-9]{3}[-.]|[0-9]{9}-?)[0-9]{2}", stdnum("br.cpf"),
        "cpf*, cadastro de pessoa*, contribuinte*", grouped=0.95, bare=0.4,
    ),
    NationalId(
        "br-cnpj", "Brazilian CNPJ (two check digits)",
        "(?:[0-9]{2}[.][0-9]{3}[.][0-9]{3}/|[0-9]{8}/?)[0-9]{4}-?[0-9]{2}", stdnum("br.cnpj"), "cnpj*", grouped=0.9,
        bare=0.4,
    ),
    NationalId(
        "ar-cuit", "Argentine CUIT and CUIL",
        "(?:20|23|24|25|26|27|30|33|34)-?[0-9]{8}-?[0-9]", stdnum("ar.cuit"), "cuit*, cuil*", grouped=0.85,
        bare=0.3,
    ),
    NationalId(
        "ar-dni", "Argentine DNI",
        "[0-9]{1,2}[.][0-9]{3}[.][0-9]{3}|[0-9]{7,8}", stdnum("ar.dni"), "dni", grouped=None, named=0.75,
    ),
    NationalId(
        "cl-rut", "Chilean RUT (mod 11)",
        "(?:[0-9]{1,2}[.][0-9]{3}[.][0-9]{3}-|[0-9]{7,8}-?)[0-9K]", stdnum("cl.rut"),
        "rut, run, rol único*, cédula*", grouped=0.8,
    ),
    NationalId(
        "co-nit", "Colombian tax number (mod 11)",
        "(?:[0-9]{1,3}[.][0-9]{3}[.][0-9]{3}|[0-9]{7,9})-?[0-9]", stdnum("co.nit"), "nit", grouped=0.4,
    ),
    NationalId(
        "co-cedula", "Colombian and Venezuelan cédula",
        "(?:[VE]-?)?(?:[0-9]{1,3}(?:[.][0-9]{3}){2,3}|[0-9]{7,10})", _any,
        "cédula*, cedula*, cédula de ciudadanía, c.c., c.i.", grouped=None, named=0.75,
    ),
    NationalId(
        "pe-dni", "Peruvian DNI with its check character",
        "[0-9]{8}-?[0-9A-K]", stdnum("pe.cui"), "dni, cui", grouped=None,
    ),
    NationalId(
        "ec-cedula", "Ecuadorian cédula",
        "[0-3][0-9]{8}-?[0-9]", stdnum("ec.ci"), "cédula*, cedula*, c.i., ci", bare=0.3,
    ),
    NationalId(
        "uy-cedula", "Uruguayan cédula",
        "(?:[1-9][.][0-9]{3}[.][0-9]{3}-|[1-9][0-9]{6}-?)[0-9]", checks.uy_person, "cédula*, cedula*, c.i., ci",
        grouped=0.6,
    ),
    NationalId(
        "do-cedula", "Dominican cédula (Luhn)",
        "[0-9]{3}-?[0-9]{7}-?[0-9]", stdnum("do.cedula"), "cédula*, cedula*", grouped=0.8, bare=0.3,
    ),
    NationalId(
        "za-id", "South African identity number",
        "[0-9]{6} ?[0-9]{4} ?[01][0-9] ?[0-9]", stdnum("za.idnr"), "sa id, rsa id, identiteitsnommer, id", grouped=0.85,
        bare=0.7,
    ),
    NationalId(
        "ng-nin", "Nigerian NIN",
        "[0-9]{11}", _any, "nin, nimc, bvn", named=0.7,
    ),
    NationalId(
        "eg-id", "Egyptian national id",
        "[23][0-9]{13}", checks.eg_person, "الرقم القومي, بطاقة*, egyptian id", bare=0.4, named=0.85,
    ),
    NationalId(
        "mu-nid", "Mauritian national id",
        "[A-Z][0-9]{12}[0-9A-Z]", stdnum("mu.nid"), "nic, nid", bare=0.85,
    ),
    NationalId(
        "il-id", "Israeli identity number",
        "[0-9]{8}-?[0-9]", stdnum("il.idnr"), "israeli id*, תעודת זהות, ת.ז., מספר זהות, teudat zehut, tz",
    ),
    NationalId(
        "ae-id", "Emirates ID (Luhn)",
        "784-?(?:19|20)[0-9]{2}-?[0-9]{7}-?[0-9]", luhn, "emirates id, الهوية", grouped=0.95, bare=0.7,
    ),
    NationalId(
        "sa-id", "Saudi national id and iqama",
        "[12][0-9]{9}", checks.sa_person, "iqama, الإقامة, الهوية الوطنية, هوية",
    ),
    NationalId(
        "pk-cnic", "Pakistani CNIC",
        "[1-7][0-9]{4}-?[0-9]{7}-?[0-9]", stdnum("pk.cnic"), "cnic*, nicop, شناختی", grouped=0.8, named=0.85,
    ),
    NationalId(
        "lk-nic", "Sri Lankan NIC",
        "[0-9]{9}[VX]", checks.lk_person, "nic", bare=0.6, named=0.85,
    ),
    NationalId(
        "in-aadhaar", "Indian Aadhaar (Verhoeff)",
        "[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}", stdnum("in_.aadhaar"),
        "aadhaar*, aadhar*, adhaar*, adhar*, uidai, uid, आधार*", grouped=0.7, bare=0.3,
    ),
    NationalId(
        "in-pan", "Indian PAN",
        "[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z]", stdnum("in_.pan"), "pan, pan card, permanent account*", bare=0.75,
        named=0.9,
    ),
    NationalId(
        "in-voter", "Indian voter id (Luhn)",
        "[A-Z]{3}[0-9]{7}", stdnum("in_.epic"), "epic, voter*, voter id, electoral*",
    ),
    NationalId(
        "cn-id", "Chinese resident id (GB 11643, mod 11, 2)",
        "[1-9][0-9]{5} ?[12][0-9]{3}[01][0-9][0-3][0-9] ?[0-9]{3}[0-9X]", stdnum("cn.ric"),
        "身份证*, 身份證*, 居民*, 证件号*", grouped=0.95, bare=0.95, trigger="[1-9][0-9]{5} ?[12][0-9]",
    ),
    NationalId(
        "jp-my-number", "Japanese individual number",
        "[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}", stdnum("jp.in_"),
        "マイナンバー, 個人番号, my number, individual number", grouped=0.3,
    ),
    NationalId(
        "kr-rrn", "South Korean resident number (check digit)",
        "[0-9]{6}-?[1-8][0-9]{6}", stdnum("kr.rrn"), "주민*, 외국인등록*, rrn", grouped=0.9, bare=0.4,
    ),
    NationalId(
        "kr-rrn-new", "South Korean resident number given since October 2020 (no check digit)",
        "[0-9]{6}-[1-8][0-9]{6}", checks.kr_person_dated, "주민*, 외국인등록*, rrn, resident registration*",
        grouped=0.5, named=0.85,
    ),
    NationalId(
        "tw-id", "Taiwan identity number",
        "[A-Z][1289A-D][0-9]{8}", checks.tw_person, "身分證*, 身份證*, 居留證*, 統一證號*", bare=0.6,
    ),
    NationalId(
        "hk-id", "Hong Kong identity card",
        r"[A-Z]{1,2}[0-9]{6}(?:[0-9A]|\([0-9A]\))", checks.hk_person, "hkid*, hong kong id*, 身份證*, 身分證*",
        grouped=0.9, bare=0.4,
    ),
    NationalId(
        "sg-nric", "Singapore NRIC and FIN",
        "[STFGM][0-9]{7}[A-Z]", checks.sg_person, "nric*, fin, fin number", bare=0.85,
    ),
    NationalId(
        "my-nric", "Malaysian NRIC",
        "[0-9]{6}-?[0-9]{2}-?[0-9]{4}", checks.my_person, "nric, mykad, ic number, ic no, no kp, kad pengenalan",
        grouped=0.75, named=0.9,
    ),
    NationalId(
        "id-nik", "Indonesian NIK (region and date)",
        "[0-9]{16}", stdnum("id.nik"), "nik, ktp, nomor induk*", bare=0.4, named=0.9,
    ),
    NationalId(
        "th-id", "Thai identity number (mod 11)",
        "[1-8][- ]?[0-9]{4}[- ]?[0-9]{5}[- ]?[0-9]{2}[- ]?[0-9]", stdnum("th.pin"),
        "บัตรประชาชน, เลขประจำตัว*, thai id", grouped=0.9, bare=0.3,
    ),
    NationalId(
        "vn-cccd", "Vietnamese citizen id",
        "0[0-9]{11}", checks.vn_person, "cccd, căn cước*, cmnd, chứng minh*, can cuoc", named=0.85,
    ),
    NationalId(
        "ph-id", "Philippine SSS and TIN",
        "[0-9]{2}-[0-9]{7}-[0-9]|[0-9]{3}-[0-9]{3}-[0-9]{3}(?:-[0-9]{3})?", _any, "sss, tin, philhealth, pag-ibig",
        grouped=None, named=0.7,
    ),
    NationalId(
        "au-tfn", "Australian tax file number",
        "[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{2,3}", stdnum("au.tfn"), "tfn, tax file*", grouped=None,
    ),
    NationalId(
        "au-medicare", "Australian Medicare card",
        "[2-6][0-9]{3}[ -]?[0-9]{5}[ -]?[0-9](?:[ /-]?[1-9])?", checks.au_medicare, "medicare*", grouped=0.3,
        health=True,
    ),
    NationalId(
        "nz-ird", "New Zealand IRD number",
        "[0-9]{2,3}[ -]?[0-9]{3}[ -]?[0-9]{3}", stdnum("nz.ird"), "ird, ird number, inland revenue", grouped=None,
    ),
    NationalId(
        "nz-nhi", "New Zealand health index (NHI)",
        "[A-HJ-NP-Z]{3}[0-9]{4}", checks.nz_health, "nhi, nhi number, health index", health=True,
    ),
)
# fmt: on
