"""Credentials of cloud, hosting and network providers, by the formats that the providers document."""

from __future__ import annotations

from typing import Final

from chatward.core.values import Severity
from chatward.guards.text.secrets_kinds import UUID, A, B, H, Marked, Named, W

_CRITICAL: Final = Severity.CRITICAL
# Azure marks keys in their middle: storage +ASt, Cosmos DB ACDb, Batch +ABa, API Management APIM, DevOps AZDO, Service
# Bus +ASb, Event Hubs +AEh, Relay +ARm, IoT Hub AIoT, Redis AzCa, registries +ACR, AI Search AzSe, Functions AzFu, AI
# services JQQJ99. One rule for all, because each would search all long tokens again.
_Z: Final = "[A-Za-z0-9+/_-]"

MARKED: Final = (
    Marked("aws-access-key", "A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA", "[A-Z0-9]{16}", "AWS access key id"),
    Marked(
        "aws-session-token",
        "IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|AgoJb3JpZ2lu",
        f"{B}{{64}}",
        "AWS session token",
        "TOKEN",
        tail="[A-Za-z0-9+/=]",
    ),
    Marked("aws-bedrock-key", "ABSK", f"{B}{{100}}", "Amazon Bedrock API key", tail="[A-Za-z0-9+/=]"),
    Marked("aws-bedrock-short-term-key", "bedrock-api-key-", f"{B}{{40}}", "Amazon Bedrock key", tail="[A-Za-z0-9+/=]"),
    Marked("aws-mws-token", r"amzn\.mws\.", UUID, "Amazon MWS auth token", "TOKEN"),
    Marked("aws-appsync-key", "da2-", "[a-z0-9]{26}", "AWS AppSync API key"),
    Marked(
        "aws-presigned-url", "X-Amz-Signature=", "[0-9a-f]{64}", "Signature of a presigned AWS URL", "TOKEN", keyed=True
    ),
    Marked("amazon-oauth-secret", r"amzn1\.oa2-cs\.v1\.", "[0-9a-f]{64}", "Login with Amazon client secret"),
    Marked(
        "amazon-lwa-token", r"Atz[ar]\|", r"[A-Za-z0-9_-]{40}", "Amazon access token", "TOKEN", tail="[A-Za-z0-9_-]"
    ),
    Marked("gcp-api-key", "AIza", f"{W}{{35}}", "Google API key"),
    Marked("google-oauth-secret", "GOCSPX-", f"{W}{{28}}", "Google OAuth client secret"),
    Marked("google-access-token", r"ya29\.", f"{W}{{30}}", "Google access token", "TOKEN", tail="[A-Za-z0-9_.-]"),
    Marked("google-refresh-token", "1//0", f"{W}{{40}}", "Google refresh token", "TOKEN", tail="[A-Za-z0-9_-]"),
    Marked("gcp-hmac-key", "GOOG1?", "[A-Z0-9]{20}(?:[A-Z0-9]{36,37})?", "Google Cloud Storage HMAC key id"),
    Marked("firebase-server-key", f"AAAA{W}{{7}}:", f"{W}{{140}}", "Firebase Cloud Messaging server key"),
    Marked(
        "azure-account-key", "AccountKey=", f"{B}{{86}}==", "Azure storage account key", severity=_CRITICAL, keyed=True
    ),
    Marked("azure-shared-access-key", "SharedAccessKey=", f"{B}{{43}}=", "Azure shared access key", keyed=True),
    Marked(
        "azure-service-key",
        "",
        rf"{_Z}{{33}}(?:{_Z}{{43}}(?:(?:\+ASt|ACDb|\+ABa|APIM){_Z}{{5}}[AQgw]==|AZDO{A}{{4}})"
        rf"|(?:\+ASb|\+AEh|\+ARm|AIoT|AzCa){_Z}{{6}}=|{_Z}{{9}}(?:\+ACR|AzSe){A}{{6}}"
        rf"|{_Z}{{11}}AzFu{_Z}{{5}}[AQgw]==|{_Z}{{19}}JQQJ99{A}{{26}})",
        "Key of an Azure service, with the service's signature in it",
        severity=_CRITICAL,
    ),
    Marked("azure-client-secret", "", r"[A-Za-z0-9_~.\-]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}", "Entra ID client secret"),
    Marked(
        "azure-app-configuration-secret",
        r"azconfig\.io;Id=[A-Za-z0-9:+/=_-]{8,60};Secret=",
        f"{B}{{43}}=",
        "Azure App Configuration secret",
        keyed=True,
    ),
    Marked(
        "azure-sas-signature", "sig=", "[A-Za-z0-9%/+]{40,76}(?:%3[Dd]|=)", "Azure SAS signature", "TOKEN", keyed=True
    ),
    Marked("alibaba-access-key", "LTAI", f"{A}{{16,20}}", "Alibaba Cloud access key id"),
    Marked("digitalocean-pat", "dop_v1_", f"{H}{{64}}", "DigitalOcean personal access token", "TOKEN"),
    Marked("digitalocean-oauth-token", "doo_v1_", f"{H}{{64}}", "DigitalOcean OAuth token", "TOKEN"),
    Marked("digitalocean-refresh-token", "dor_v1_", f"{H}{{64}}", "DigitalOcean refresh token", "TOKEN"),
    Marked("digitalocean-spaces-key", "DO00", "[A-Z0-9]{16}", "DigitalOcean Spaces access key"),
    Marked("heroku-key", "HRKU-AA", f"{W}{{58}}", "Heroku API key"),
    Marked("cloudflare-origin-ca-key", r"v1\.0-", f"{H}{{24}}-{H}{{146}}", "Cloudflare Origin CA key"),
    Marked("scaleway-access-key", "SCW", "[A-Z0-9]{17}", "Scaleway access key"),
    Marked("tencent-secret-id", "AKID", f"{A}{{32}}", "Tencent Cloud secret id"),
    Marked("yandex-api-key", "AQVN", f"{W}{{35,38}}", "Yandex Cloud API key"),
    Marked("yandex-iam-token", r"t1\.", rf"{W}{{40,200}}={{0,2}}\.{W}{{80,90}}={{0,2}}", "Yandex IAM token", "TOKEN"),
    Marked("yandex-oauth-token", "y0_|y1_|y2_|y3_", f"{W}{{55}}", "Yandex OAuth token", "TOKEN", tail="[A-Za-z0-9_-]"),
    Marked("baidu-access-key", "ALTAK-?", f"{A}{{21}}", "Baidu AI Cloud access key"),
    Marked("volcengine-access-key", "AKLT", f"{A}{{40}}", "Volcengine access key id", tail="[A-Za-z0-9=]"),
    Marked("backblaze-key", "K00[0-9]", f"{B}{{27}}", "Backblaze B2 application key"),
    Marked("upcloud-token", "ucat_", "[A-Z0-9]{26}", "UpCloud API token", "TOKEN"),
    Marked("exoscale-key", "EXO", f"{H}{{24}}", "Exoscale API key"),
    Marked("fly-token", "fo1_", f"{W}{{43}}", "Fly.io access token", "TOKEN"),
    Marked("fly-macaroon", "fm1r_|fm1a_|fm2_", f"{B}{{80}}", "Fly.io macaroon token", "TOKEN", tail="[A-Za-z0-9+/=,_]"),
    Marked("render-key", "rnd_", f"{A}{{28,32}}", "Render API key"),
    Marked("netlify-token", "nfp_|nfc_|nfo_|nfu_", f"{A}{{36}}", "Netlify access token", "TOKEN"),
    Marked("vercel-blob-token", "vercel_blob_rw_", f"{A}{{16}}_{A}{{30,32}}", "Vercel Blob token", "TOKEN"),
    Marked("vercel-token", "vcp_|vci_|vca_|vcr_|vck_", f"{A}{{24,60}}", "Vercel token", "TOKEN"),
    Marked("deno-deploy-token", "ddp_|ddo_|ddw_", f"{A}{{36}}", "Deno Deploy token", "TOKEN"),
    Marked("modal-token", "ak-|as-", f"{A}{{22}}", "Modal token"),
    Marked("tailscale-key", "tskey-(?:[a-z]{2,12}-)?", f"{A}{{8,24}}-{A}{{16,48}}", "Tailscale key"),
    Marked("defined-networking-key", "dnkey-", r"[a-z0-9=_\-]{26}-[a-z0-9=_\-]{52}", "Defined Networking key"),
    Marked(
        "cloudflare-tunnel-token", "eyJhIjoi", f"{B}{{100}}", "Cloudflare tunnel token", "TOKEN", tail="[A-Za-z0-9+/=]"
    ),
    Marked(
        "openstack-fernet-token", "gAAAAA", f"{W}{{114}}", "Fernet or OpenStack token", "TOKEN", tail="[A-Za-z0-9_=-]"
    ),
    Marked("zerossl-eab-key", "eab_hmac_key[\"':=]{1,4}", f"{W}{{40,90}}", "ACME external account key", keyed=True),
)

NAMED: Final = (
    Named(
        "aws-secret-key",
        "aws_|aws-|aws secret|amazon|secret_?access_?key|secret access key|akia",
        f"{B}{{40}}",
        "AWS secret access key",
        severity=_CRITICAL,
    ),
    Named("google-recaptcha-secret", "recaptcha", f"6L{W}{{38}}", "reCAPTCHA secret key"),
    Named(
        "gcp-private-key-id", "private_key_id", f"{H}{{40}}", "Google service account key id", severity=Severity.MEDIUM
    ),
    Named("alibaba-secret-key", "alibaba|aliyun|alicloud|accesskeysecret", f"{A}{{30}}", "Alibaba Cloud secret key"),
    Named(
        "azure-devops-legacy-pat", "azure[_ -]?devops|vsts|azdo", "[a-z2-7]{52}", "Azure DevOps access token", "TOKEN"
    ),
    Named("azure-openai-key", "azure[_ -]?openai|azure[_ -]?cognitive", f"{H}{{32}}", "Azure OpenAI key"),
    Named("heroku-legacy-key", "heroku", UUID, "Heroku API key"),
    Named("cloudflare-token", "cloudflare|cf[_-]api", f"{W}{{40}}", "Cloudflare API token", "TOKEN"),
    Named("cloudflare-global-key", "cloudflare|cf[_-]api", f"{H}{{37}}", "Cloudflare global API key"),
    Named("fastly-key", "fastly", f"{W}{{32}}", "Fastly API token", "TOKEN"),
    Named("linode-token", "linode", f"{H}{{64}}", "Linode access token", "TOKEN"),
    Named("scaleway-secret-key", "scaleway|scw_secret", UUID, "Scaleway secret key"),
    Named("oracle-auth-token", "oci_|oracle[_ -]?cloud", f"{B}{{43}}=", "Oracle Cloud customer secret key"),
    Named("ibm-cloud-key", "ibm|bluemix", f"{W}{{44}}", "IBM Cloud API key"),
    Named("ibm-cos-secret", "cos_hmac|cloud_object_storage", f"{H}{{48}}", "IBM Cloud Object Storage secret"),
    Named("tencent-secret-key", "tencent|qcloud|secretkey", f"{A}{{32}}", "Tencent Cloud secret key"),
    Named("ovh-secret", "ovh", f"{A}{{32}}", "OVH application secret or consumer key"),
    Named("vultr-key", "vultr", "[A-Z0-9]{36}", "Vultr API key"),
    Named("hetzner-token", "hetzner|hcloud", f"{A}{{64}}", "Hetzner Cloud API token", "TOKEN"),
    Named("huawei-secret-key", "huawei|hwcloud", f"{A}{{40}}", "Huawei Cloud secret key"),
    Named("wasabi-secret-key", "wasabi", f"{A}{{40}}", "Wasabi secret key"),
    Named("vercel-legacy-token", "vercel|zeit", f"{A}{{24}}", "Vercel access token", "TOKEN"),
    Named("railway-token", "railway", UUID, "Railway token", "TOKEN"),
    Named("zerotier-token", "zerotier", f"{A}{{32}}", "ZeroTier API token", "TOKEN"),
    Named("zscaler-key", "zscaler", f"{A}{{12}}", "Zscaler API key"),
    Named("meraki-key", "meraki", f"{H}{{40}}", "Cisco Meraki API key"),
    Named("godaddy-key", "godaddy", f"{A}{{11,13}}_{A}{{21,22}}", "GoDaddy API key"),
    Named("gandi-key", "gandi", f"{A}{{24}}|{H}{{40}}", "Gandi API key"),
    Named("namecheap-key", "namecheap", f"{H}{{32}}", "Namecheap API key"),
    Named("dnsimple-token", "dnsimple", f"(?:dnsimple_[au]_)?{A}{{32}}", "DNSimple token", "TOKEN"),
    Named("yandex-static-key", "yandex|ya_cloud", f"YC{W}{{38}}", "Yandex Cloud static access key"),
    Named("ngrok-token", "ngrok", f"[12]{A}{{26}}_{A}{{21}}|ak_{A}{{27}}", "ngrok authtoken or API key", "TOKEN"),
)
