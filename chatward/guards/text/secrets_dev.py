"""Credentials of code hosting, CI, package registries, secret stores and developer tools."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from chatward.core.values import Severity
from chatward.guards.text.secrets_kinds import UUID, A, B, H, Marked, Named, W

_CRITICAL: Final = Severity.CRITICAL
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62_crc32(text: str, width: int = 6) -> str:
    """The CRC-32 of ``text`` in base 62, as GitHub and npm append it to their tokens."""
    number = crc32(text.encode())
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(width, "0")


def checksum_holds(token: str) -> bool:
    """True where the last six characters are the checksum of the random part (after the mark)."""
    body = token.partition("_")[2]
    return len(body) > 6 and base62_crc32(body[:-6]) == body[-6:]


def chatward_checksum_holds(key: str) -> bool:
    """True where the last six characters are the checksum of all before them (``identity.keys``)."""
    return base62_crc32(key[:-6]) == key[-6:]


MARKED: Final = (
    Marked(
        "chatward-key",
        "cw_[a-z]{2,8}_",
        f"{A}{{12}}_{A}{{16,90}}",
        "Chatward API key",
        severity=_CRITICAL,
        check=chatward_checksum_holds,
    ),
    Marked(
        "github-pat", "ghp_", f"{A}{{36}}", "GitHub personal access token", "TOKEN", _CRITICAL, check=checksum_holds
    ),
    Marked("github-oauth-token", "gho_", f"{A}{{36}}", "GitHub OAuth token", "TOKEN", check=checksum_holds),
    Marked("github-user-token", "ghu_", f"{A}{{36}}", "GitHub App user token", "TOKEN", check=checksum_holds),
    Marked("github-server-token", "ghs_", f"{A}{{36}}", "GitHub App server token", "TOKEN", check=checksum_holds),
    Marked("github-refresh-token", "ghr_", f"{A}{{36,76}}", "GitHub refresh token", "TOKEN", check=checksum_holds),
    Marked(
        "github-fine-grained-pat",
        "github_pat_",
        f"{A}{{22}}_{A}{{59}}",
        "GitHub fine-grained token",
        "TOKEN",
        _CRITICAL,
    ),
    Marked(
        "gitlab-pat", "glpat-", f"{W}{{20}}", "GitLab personal access token", "TOKEN", _CRITICAL, tail="[A-Za-z0-9_.-]"
    ),
    Marked("gitlab-pipeline-trigger", "glptt-", f"{W}{{20,40}}", "GitLab pipeline trigger token", "TOKEN"),
    Marked("gitlab-runner-registration", "GR1348941", f"{W}{{20}}", "GitLab runner registration token", "TOKEN"),
    Marked("gitlab-runner-token", "glrtr?-", f"{W}{{20}}", "GitLab runner token", "TOKEN", tail="[A-Za-z0-9_.-]"),
    Marked("gitlab-deploy-token", "gldt-", f"{W}{{20}}", "GitLab deploy token", "TOKEN", tail="[A-Za-z0-9_.-]"),
    Marked("gitlab-feed-token", "glft-", f"{W}{{20}}", "GitLab feed token", "TOKEN", tail="[A-Za-z0-9_.-]"),
    Marked("gitlab-mail-token", "glimt-", f"{W}{{25}}", "GitLab incoming mail token", "TOKEN"),
    Marked("gitlab-agent-token", "glagent-", f"{W}{{50}}", "GitLab agent for Kubernetes token", "TOKEN"),
    Marked(
        "gitlab-job-token", "glcbt-", f"{A}{{1,5}}_{W}{{20}}", "GitLab CI job token", "TOKEN", tail="[A-Za-z0-9_.-]"
    ),
    Marked("gitlab-oauth-secret", "gloas-", f"{H}{{64}}", "GitLab OAuth application secret"),
    Marked("gitlab-scim-token", "glsoat-", f"{W}{{20}}", "GitLab SCIM token", "TOKEN"),
    Marked("gitlab-feature-flags-token", "glffct-", f"{W}{{20}}", "GitLab feature flags client token", "TOKEN"),
    Marked("gitlab-workspace-token", "glwt-", f"{W}{{20}}", "GitLab workspace token", "TOKEN"),
    Marked("gitlab-session", "_gitlab_session=", f"{H}{{32}}", "GitLab session cookie", "TOKEN", keyed=True),
    Marked("bitbucket-app-password", "ATBB", f"{A}{{32}}", "Bitbucket app password", "PASSWORD"),
    Marked(
        "bitbucket-access-token", "ATCTT3xFfG", f"{W}{{80}}", "Bitbucket access token", "TOKEN", tail="[A-Za-z0-9_=-]"
    ),
    Marked("atlassian-api-token", "ATATT3xFfG", f"{W}{{80}}", "Atlassian API token", "TOKEN", tail="[A-Za-z0-9_=-]"),
    Marked("atlassian-admin-key", "ATOA[A-Z]3xFfG", f"{W}{{40}}", "Atlassian OAuth secret", tail="[A-Za-z0-9_=-]"),
    Marked("circleci-pat", "CCIPAT_", f"{A}{{22}}_{H}{{40}}", "CircleCI personal token", "TOKEN"),
    Marked("circleci-project-token", "CCIPRJ_", f"{A}{{22}}_{H}{{40}}", "CircleCI project token", "TOKEN"),
    Marked("buildkite-token", "bkua_|bkat_|bkct_|bkpt_", f"{A}{{40}}", "Buildkite token", "TOKEN"),
    Marked("npm-token", "npm_", f"{A}{{36}}", "npm access token", "TOKEN", _CRITICAL, check=checksum_holds),
    Marked("npm-legacy-token", '_authToken="?', UUID, "npm access token (legacy)", "TOKEN", keyed=True),
    Marked("npm-auth", '_auth="?', f"{B}{{16,200}}={{0,2}}", "npm registry basic auth", "PASSWORD", keyed=True),
    Marked(
        "pypi-token",
        "pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)",
        f"{W}{{50}}",
        "PyPI upload token",
        "TOKEN",
        _CRITICAL,
        tail="[A-Za-z0-9_-]",
    ),
    Marked("rubygems-key", "rubygems_", f"{H}{{48}}", "RubyGems API key"),
    Marked("nuget-key", "oy2", "[a-z0-9]{43}", "NuGet API key"),
    Marked("crates-token", "cio", f"{A}{{32}}", "crates.io API token", "TOKEN"),
    Marked("clojars-token", "CLOJARS_", "[0-9a-z]{60}", "Clojars deploy token", "TOKEN"),
    Marked("docker-pat", "dckr_pat_", f"{W}{{27}}", "Docker Hub personal access token", "TOKEN"),
    Marked("docker-org-token", "dckr_oat_", f"{W}{{27,32}}", "Docker Hub organisation token", "TOKEN"),
    Marked("docker-swarm-token", "SWMTKN-1-", "[a-z0-9]{50}-[a-z0-9]{25}", "Docker swarm join token", "TOKEN"),
    Marked("docker-swarm-unlock-key", "SWMKEY-1-", f"{B}{{43}}", "Docker swarm unlock key"),
    Marked(
        "vault-service-token",
        r"hvs\.",
        f"{W}{{24}}",
        "HashiCorp Vault service token",
        "TOKEN",
        _CRITICAL,
        tail="[A-Za-z0-9_-]",
    ),
    Marked("vault-batch-token", r"hvb\.", f"{W}{{60}}", "HashiCorp Vault batch token", "TOKEN", tail="[A-Za-z0-9_-]"),
    Marked(
        "vault-recovery-token", r"hvr\.", f"{W}{{24}}", "HashiCorp Vault recovery token", "TOKEN", tail="[A-Za-z0-9_-]"
    ),
    Marked("terraform-token", "", rf"{A}{{14}}\.atlasv1\.{W}{{60,70}}", "HCP Terraform API token", "TOKEN"),
    Marked("boundary-token", "at_", f"{A}{{10}}_{A}{{60}}", "HashiCorp Boundary token", "TOKEN", tail="[A-Za-z0-9]"),
    Marked("sonarqube-token", "squ_|sqa_|sqp_", f"{H}{{40}}", "SonarQube token", "TOKEN"),
    Marked("snyk-token", r"snyk_(?:uat|sat)\.", rf"{H}{{8}}\.{W}{{20}}", "Snyk token", "TOKEN", tail="[A-Za-z0-9_.-]"),
    Marked("artifactory-key", "AKCp", f"{A}{{68,73}}", "JFrog Artifactory API key"),
    Marked("artifactory-reference-token", "cmVmdGtu", f"{A}{{56}}", "JFrog reference token", "TOKEN"),
    Marked(
        "sourcegraph-token",
        "sgp_(?:(?:[0-9a-fA-F]{16}|local)_)?",
        "[0-9a-fA-F]{40}",
        "Sourcegraph access token",
        "TOKEN",
    ),
    Marked("sourcegraph-gateway-key", "sgd_|sgk_|sgs_", f"{H}{{64}}", "Sourcegraph gateway key"),
    Marked("postman-key", "PMAK-", f"{H}{{24}}-{H}{{34}}", "Postman API key"),
    Marked("postman-collection-key", "PMAT-", "[0-9A-Z]{26}", "Postman collection key"),
    Marked("launchdarkly-sdk-key", "(?:sdk|api|rel)-", UUID, "LaunchDarkly key"),
    Marked("doppler-personal-token", r"dp\.pt\.", f"{A}{{40,44}}", "Doppler personal token", "TOKEN"),
    Marked(
        "doppler-service-token", r"dp\.st\.(?:[a-z0-9_\-]{2,35}\.)?", f"{A}{{40,44}}", "Doppler service token", "TOKEN"
    ),
    Marked("doppler-cli-token", r"dp\.ct\.", f"{A}{{40,44}}", "Doppler CLI token", "TOKEN"),
    Marked("doppler-account-token", r"dp\.sa\.", f"{A}{{40,44}}", "Doppler service account token", "TOKEN"),
    Marked("doppler-scim-token", r"dp\.scim\.", f"{A}{{40,44}}", "Doppler SCIM token", "TOKEN"),
    Marked("doppler-audit-token", r"dp\.audit\.", f"{A}{{40,44}}", "Doppler audit token", "TOKEN"),
    Marked(
        "onepassword-service-token",
        "ops_eyJ",
        f"{B}{{200}}",
        "1Password service account token",
        "TOKEN",
        _CRITICAL,
        tail="[A-Za-z0-9+/=]",
    ),
    Marked(
        "onepassword-secret-key",
        "A3-",
        "[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        "1Password secret key",
        severity=_CRITICAL,
    ),
    Marked("infisical-token", r"st\.", rf"{H}{{24}}\.{H}{{32,64}}\.{H}{{32,64}}", "Infisical service token", "TOKEN"),
    Marked("pulumi-token", "pul-", f"{H}{{40}}", "Pulumi access token", "TOKEN"),
    Marked("harness-token", r"(?:pat|sat)\.", rf"{W}{{22}}\.{H}{{24}}\.{A}{{20}}", "Harness token", "TOKEN"),
    Marked("octopus-key", "API-", "[A-Z0-9]{25,32}", "Octopus Deploy API key"),
    Marked("teamcity-token", r"eyJ0eXAiOiAiVENWMiJ9\.", rf"{W}{{36}}\.{W}{{48}}", "TeamCity access token", "TOKEN"),
    Marked("appveyor-token", r"v2\.", "[a-z0-9]{20}", "AppVeyor API token", "TOKEN"),
    Marked("readme-key", "rdme_", "[a-z0-9]{70}", "ReadMe API key"),
    Marked("scalingo-token", "tk-us-", f"{W}{{48}}", "Scalingo API token", "TOKEN"),
    Marked("prefect-key", "pnu_|pnb_", f"{A}{{36}}", "Prefect API key"),
    Marked(
        "planetscale-token", "pscale_(?:tkn|pw|oauth)_", r"[\w=.\-]{32,64}", "PlanetScale token or password", "TOKEN"
    ),
    Marked("rancher-token", "token-[a-z0-9]{5}:", "[a-z0-9]{54}", "Rancher API token", "TOKEN"),
    Marked("openshift-token", "sha256~", f"{W}{{43}}", "OpenShift access token", "TOKEN"),
    Marked("openshift-dpcs-token", "dp1~", f"{W}{{43}}", "OpenShift console token", "TOKEN"),
    Marked("contentful-token", "CFPAT-", f"{W}{{43}}", "Contentful personal access token", "TOKEN"),
    Marked("expo-token", "expo_", f"{A}{{32,40}}", "Expo access token", "TOKEN"),
    Marked("nx-cloud-token", "nx_cloud_", f"{A}{{32,48}}", "Nx Cloud token", "TOKEN"),
    Marked("chromatic-token", "chpt_", f"{A}{{12,24}}", "Chromatic project token", "TOKEN"),
    Marked("depot-token", "depot_(?:org|project|user)_", f"{A}{{40,80}}", "Depot token", "TOKEN"),
    Marked(
        "sentry-org-token", "sntrys_eyJ", f"{B}{{60}}", "Sentry organisation token", "TOKEN", tail="[A-Za-z0-9_+/=]"
    ),
    Marked("sentry-user-token", "sntryu_", f"{H}{{64}}", "Sentry user token", "TOKEN"),
    Marked("sentry-app-token", "sntrya_", f"{H}{{64}}", "Sentry integration token", "TOKEN"),
    Marked("grafana-service-token", "glsa_", f"{A}{{32}}_{H}{{8}}", "Grafana service account token", "TOKEN"),
    Marked("grafana-cloud-token", "glc_", f"{B}{{40}}", "Grafana Cloud token", "TOKEN", tail="[A-Za-z0-9+/=]"),
    Marked("grafana-key", "eyJrIjoi", f"{B}{{60}}", "Grafana API key (legacy)", tail="[A-Za-z0-9+/=]"),
    Marked("databricks-token", "dapi", f"{H}{{32}}(?:-\\d)?", "Databricks access token", "TOKEN"),
    Marked("databricks-oauth-secret", "dose", f"{H}{{32}}", "Databricks OAuth secret"),
    Marked("supabase-token", "sbp_(?:v0_)?", f"{H}{{40}}", "Supabase access token", "TOKEN"),
    Marked("supabase-secret-key", "sb_secret_", f"{W}{{31,36}}", "Supabase secret key", severity=_CRITICAL),
    Marked("neon-key", "napi_", "[a-z0-9]{64}", "Neon API key"),
    Marked("xata-key", "xau_", f"{A}{{28,40}}", "Xata API key"),
    Marked("cockroach-key", "CCDB1_", f"{A}{{22}}_{A}{{40}}", "CockroachDB Cloud API key"),
    Marked("mongodb-atlas-secret", "mdb_sa_sk_", f"{W}{{40}}", "MongoDB Atlas service account secret"),
    Marked("clickhouse-secret", "4b1d", f"{A}{{38}}", "ClickHouse Cloud API secret"),
    Marked("tinybird-token", r"p\.eyJ", rf"{W}{{60,200}}\.{W}{{43}}", "Tinybird token", "TOKEN"),
    Marked("dbt-token", "dbt[cu]_", r"[\w=.\-]{40}", "dbt Cloud token", "TOKEN", tail="[A-Za-z0-9_=-]"),
    Marked("settlemint-token", "sm_(?:pat|aat|sat)_", f"{A}{{16}}", "SettleMint token", "TOKEN"),
    Marked("endor-labs-key", "endr\\+", f"{A}{{16}}", "Endor Labs API key"),
    Marked("gitguardian-token", "ggtt-", f"{W}{{20,60}}", "GitGuardian token", "TOKEN"),
    Marked("pagerduty-oauth-token", r"pdus\+_0XBPWQ_|pdus\+", f"{W}{{20,80}}", "PagerDuty OAuth token", "TOKEN"),
    Marked("dependency-track-key", "odt_", f"(?:{A}{{8}}_)?{A}{{32,36}}", "Dependency-Track API key"),
)

NAMED: Final = (
    Named("vault-legacy-token", "vault", rf"s\.{A}{{24}}", "HashiCorp Vault token (legacy)", "TOKEN"),
    Named(
        "vault-unseal-key",
        "unseal[_ -]?key",
        f"{B}{{43,44}}=?|{H}{{64,66}}",
        "HashiCorp Vault unseal key",
        severity=_CRITICAL,
    ),
    Named("consul-token", "consul", UUID, "HashiCorp Consul token", "TOKEN"),
    Named("nomad-token", "nomad", UUID, "HashiCorp Nomad token", "TOKEN"),
    Named("bitbucket-client-secret", "bitbucket", f"{A}{{32}}", "Bitbucket OAuth secret"),
    Named("circleci-token", "circle[_-]?ci|circle_token", f"{H}{{40}}", "CircleCI API token", "TOKEN"),
    Named(
        "travis-token", "travis_?ci|travis_token|travis_api|travis token", f"{A}{{22}}", "Travis CI API token", "TOKEN"
    ),
    Named("jenkins-token", "jenkins", f"11{H}{{32}}|{H}{{32}}", "Jenkins API token", "TOKEN"),
    Named("drone-token", "drone_token|drone_server|drone_ci|drone ci", f"{A}{{32}}", "Drone CI token", "TOKEN"),
    Named("codecov-token", "codecov", UUID, "Codecov token", "TOKEN"),
    Named("coveralls-token", "coveralls", f"{A}{{33,37}}", "Coveralls repository token", "TOKEN"),
    Named("codeclimate-token", "code_?climate|cc_test_reporter", f"{H}{{64}}", "Code Climate token", "TOKEN"),
    Named("sonar-legacy-token", "sonar", f"{H}{{40}}", "SonarQube or SonarCloud token", "TOKEN"),
    Named("snyk-legacy-token", "snyk", UUID, "Snyk API token", "TOKEN"),
    Named("artifactory-password", "artifactory|jfrog", f"{A}{{64,73}}", "JFrog Artifactory credential"),
    Named("packagist-token", "packagist", f"{A}{{20}}|{H}{{32}}", "Packagist API token", "TOKEN"),
    Named("gitea-token", "gitea|forgejo|codeberg", f"{H}{{40}}", "Gitea or Forgejo token", "TOKEN"),
    Named("github-legacy-token", "github|gh_token|hub_token", f"{H}{{40}}", "GitHub token (legacy format)", "TOKEN"),
    Named(
        "phabricator-token",
        "phabricator|conduit_token|conduit_api",
        "(?:api|cli)-[a-z0-9]{28}",
        "Phabricator Conduit token",
        "TOKEN",
    ),
    Named("browserstack-key", "browserstack", f"{A}{{20}}", "BrowserStack access key"),
    Named("saucelabs-key", "sauce_?labs|sauce_access|sauce_key", UUID, "Sauce Labs access key"),
    Named("cypress-record-key", "cypress_record|cypress_key|cypress record", UUID, "Cypress record key"),
    Named("bitrise-token", "bitrise", f"{W}{{86}}", "Bitrise token", "TOKEN"),
    Named(
        "kubernetes-bootstrap-token",
        "kubeadm",
        r"[a-z0-9]{6}\.[a-z0-9]{16}",
        "Kubernetes bootstrap token",
        "TOKEN",
    ),
    Named("docker-auth", 'index\\.docker\\.io|"auths"', f"{B}{{20,200}}={{0,2}}", "Docker registry auth", "PASSWORD"),
    Named("bitwarden-client-secret", "bw_clientsecret|bitwarden", f"{A}{{30}}", "Bitwarden client secret"),
    Named("duo-secret", "duo_secret|duo_api|duo_skey|duo security", f"{A}{{40}}", "Duo Security secret key"),
    Named("jumpcloud-key", "jumpcloud", f"(?:jca_)?{A}{{36,40}}", "JumpCloud API key"),
    Named("opsgenie-key", "opsgenie", UUID, "Opsgenie API key"),
    Named("pagerduty-key", "pagerduty|pager_duty", f"[A-Za-z0-9+_-]{{20}}|{H}{{32}}", "PagerDuty API key"),
    Named("jira-legacy-token", "jira|atlassian|confluence", f"{A}{{24}}", "Atlassian API token (legacy)", "TOKEN"),
    Named("sidekiq-secret", "contribsys__com", f"{H}{{8}}:{H}{{8}}", "Sidekiq Pro credential"),
    Named("truenas-key", "truenas|freenas", rf"\d{{1,3}}-{A}{{64}}", "TrueNAS API key"),
)
