r"""Passwords where programs take them: in URLs, connection strings, credential files and command lines."""

from __future__ import annotations

from typing import Final

from chatward.core.rules import Rule
from chatward.guards.text.secrets_judges import command_value, other_url_password, quoted_password, url_password
from chatward.guards.text.secrets_kinds import secret_rule

_SCHEMES: Final = (
    ("postgres-url", "postgres(?:ql)?(?:\\+[a-z0-9]{2,12})?|pgsql|pg|cockroachdb|redshift", "PostgreSQL"),
    ("mysql-url", "(?:mysql|mariadb)(?:\\+[a-z0-9]{2,12})?", "MySQL"),
    ("mongodb-url", "mongodb(?:\\+srv)?", "MongoDB"),
    ("redis-url", "rediss?|valkeys?", "Redis"),
    ("amqp-url", "amqps?|rabbitmq|stomp", "AMQP"),
    ("mssql-url", "mssql(?:\\+[a-z0-9]{2,12})?|sqlserver", "SQL Server"),
    ("oracle-url", "oracle(?:\\+[a-z_0-9]{2,12})?", "Oracle"),
    ("clickhouse-url", "clickhouse(?:\\+[a-z0-9]{2,12})?", "ClickHouse"),
    ("snowflake-url", "snowflake", "Snowflake"),
    ("ftp-url", "s?ftps?", "FTP"),
    ("mail-url", "smtps?|imaps?|pop3s?", "mail server"),
    ("ldap-url", "ldaps?", "LDAP"),
    ("mqtt-url", "mqtts?|nats(?:-[a-z]{4,6})?|tls", "message broker"),
    ("git-url", "git|git\\+https|git\\+ssh|ssh", "Git"),
    ("proxy-url", "socks[45]h?", "proxy"),
)


def url_rules() -> list[Rule]:
    password = r"://[^\s:@/\"'`<>]{0,80}:([^\s@/\"'`<>]{3,120})@[A-Za-z0-9\[%${<]"
    return [
        *(
            secret_rule(
                name,
                rf"(?<![A-Za-z0-9+.\-])(?i:{schemes}){password}",
                f"Password in a {what} URL",
                "PASSWORD",
                validate=url_password,
                group=1,
            )
            for name, schemes, what in _SCHEMES
        ),
        secret_rule(
            "url-password",
            rf"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{{1,24}}{password}",
            "Password in a URL",
            "PASSWORD",
            validate=other_url_password,
            group=1,
        ),
        secret_rule(
            "jdbc-oracle",
            r"jdbc:oracle:[a-z]{3,5}:[A-Za-z0-9_]{1,40}/([^\s@/\"']{4,60})@",
            "Password in an Oracle JDBC URL",
            "PASSWORD",
            validate=url_password,
            group=1,
        ),
        secret_rule(
            "connection-string",
            r"(?i:(?:uid|user[ ]?id|user|username)[ ]?=[ ]?[^;\"'\n]{1,60};[ ]?(?:password|pwd)[ ]?=[ ]?)"
            r"([^;\"'\s<>]{4,80})",
            "Password in a connection string",
            "PASSWORD",
            validate=url_password,
            group=1,
            trigger="(?i:uid|user[ ]?id|user|username)[ ]?=",
        ),
        secret_rule(
            "pgpass-line",
            r"(?<![A-Za-z0-9.\-])[A-Za-z0-9.*\-]{3,60}:(?:5432|3306|6432):[A-Za-z0-9_*\-]{1,40}:[A-Za-z0-9_\-]{1,40}:"
            r"([^\s\"':]{4,80})",
            "Password in a .pgpass line",
            "PASSWORD",
            validate=url_password,
            group=1,
        ),
        secret_rule(
            "netrc-line",
            r"machine[ \t]{1,4}[A-Za-z0-9.\-]{3,80}\s{1,8}login[ \t]{1,4}\S{1,60}\s{1,8}"
            r"password[ \t]{1,4}([^\s\"']{4,80})",
            "Password in a .netrc file",
            "PASSWORD",
            validate=url_password,
            group=1,
            trigger="machine[ \t]",
        ),
    ]


def command_rules() -> list[Rule]:
    return [
        secret_rule(
            "curl-user",
            r"curl[ ](?:[ -~\t\r\n]{0,120}?[ ])?(?:-u|--user|-U|--proxy-user)[ =]{0,2}[\"']?"
            r"[^\s:\"']{1,60}:([^\s\"'@:]{3,80})",
            "Password on a curl command line",
            "PASSWORD",
            validate=url_password,
            group=1,
            trigger="curl[ ]",
        ),
        secret_rule(
            "command-option",
            r"(?<![A-Za-z0-9])--?(?:password|passwd|pass|pwd|token|secret|api-?key|auth-token|access-token|secret-key|client-secret)"
            r"(?:[ ]{1,2}|=)[\"']?([^\s\"'`<>]{6,120})",
            "Password or token on a command line",
            "PASSWORD",
            validate=command_value,
            group=1,
            trigger="--?(?:p|token|secret|api|auth|access|client)",
        ),
        secret_rule(
            "mysql-option",
            r"(?:mysql|mysqldump|mysqladmin|mariadb)[ ][ -~]{0,80}?(?<= )-p([^\s\"'\-]{5,60})",
            "Password on a mysql command line",
            "PASSWORD",
            validate=command_value,
            group=1,
            trigger="(?:mysql|mariadb)",
        ),
        secret_rule(
            "sshpass-option",
            r"sshpass[ ]{1,2}-p[ ]{0,2}[\"']?([^\s\"']{4,60})",
            "Password on an sshpass command line",
            "PASSWORD",
            validate=url_password,
            group=1,
            trigger="sshpass[ ]",
        ),
        secret_rule(
            "login-option",
            r"(?:docker|podman|helm|oc|az)[ ][a-z ]{0,20}login[ ](?:[ -~]{0,80}?[ ])?-p[ ]{1,2}[\"']?([^\s\"']{6,90})",
            "Password on a login command line",
            "PASSWORD",
            validate=command_value,
            group=1,
            trigger="(?:docker|podman|helm|oc|az)[ ]",
        ),
        secret_rule(
            "sql-password",
            r"(?i:identified[ ]by|with[ ](?:encrypted[ ])?password|set[ ]password[ ]?="
            r"|(?:alter|create)[ ](?:role|user)[ ][A-Za-z0-9_]{1,30}[ ](?:with[ ])?password)"
            r"[ (]{1,2}['\"]?([^\s'\";)]{5,80})(?![^\s'\";)])",
            "Password in an SQL statement",
            "PASSWORD",
            validate=quoted_password,
            group=1,
            trigger="(?i:identified[ ]by|with[ ](?:encrypted|password)|set[ ]password"
            "|(?:alter|create)[ ](?:role|user)[ ])",
        ),
        secret_rule(
            "powershell-secure-string",
            r"(?i:convertto-securestring)[ -~]{0,40}?[ ][\"']([^\s\"']{5,80})[\"']",
            "Password made a secure string",
            "PASSWORD",
            validate=quoted_password,
            group=1,
            trigger="(?i:convertto-securestring)",
        ),
        secret_rule(
            "unix-password-input",
            r"(?i:echo)[ ][\"']?[a-z_][a-z0-9_\-]{0,31}:([^\s\"'|]{5,60})[\"']?[ ]{0,3}\|[ ]{0,3}(?:sudo[ ])?chpasswd",
            "Password given to chpasswd",
            "PASSWORD",
            validate=url_password,
            group=1,
            trigger="(?i:echo)[ ]",
        ),
    ]
