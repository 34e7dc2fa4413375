"""Merging, strictness, origins, secrets, and errors that point at the line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.configuration import Loaded, SettingsError, load, locate, resolve, schema
from chatward.core.errors import ConfigError
from chatward.settings import Settings

TODAY = date(2026, 6, 1)
GUARDS = ("text.pii", "text.secrets", "text.injection", "links.exfiltration")
UPSTREAM = 'upstream = "https://bot.example/v1"\n'
SECRET = "sk-" + "made-up-0123456789"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> Path:
        path = tmp_path / "chatward.toml"
        path.write_text(text)
        return path

    return put


def read(path: Path | None, env: dict[str, str] | None = None, overrides: dict[str, object] | None = None) -> Loaded:
    return load(path, env or {}, overrides, guards=GUARDS, today=TODAY)


def refused(path: Path | None, env: dict[str, str] | None = None, over: dict[str, object] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(path, env, over)
    return caught.value


# --- the smallest file and completion --------------------------------------------------------------------


def test_one_line_is_enough(write: Write) -> None:
    loaded = read(write(UPSTREAM))
    assert loaded.settings.bots["default"].upstream == "https://bot.example/v1"
    assert list(loaded.settings.routes) == ["default"]
    assert loaded.settings.routes["default"].mode == "enforce"
    assert loaded.warnings == ()


def test_without_a_bot_the_error_says_the_one_line(write: Write) -> None:
    for path in (write("[server]\nport = 1\n"), None):
        error = refused(path)
        assert error.reason == "no-upstream"
        assert 'upstream = "https://' in error.public


def test_the_short_form_may_have_a_section_for_the_rest(write: Write) -> None:
    loaded = read(write(UPSTREAM + '[bots.default]\napi_key = "env:KEY"\n'))
    assert loaded.settings.bots["default"].api_key == "env:KEY"
    assert str(loaded.origins["bots.default.upstream"]).endswith("chatward.toml:1")


def test_an_upstream_given_twice_is_refused_unless_the_same(write: Write) -> None:
    error = refused(write(UPSTREAM + '[bots.default]\nupstream = "https://other.example"\n'))
    assert (error.line, error.key) == (3, "bots.default.upstream")
    read(write(UPSTREAM + '[bots.default]\nupstream = "https://bot.example/v1"\n'))


def test_the_default_route_comes_last_and_takes_everything(write: Write) -> None:
    text = UPSTREAM + '[routes.default]\nthreshold = 0.4\n[routes.a]\nmodels = ["a*"]\n'
    assert list(read(write(text)).settings.routes) == ["a", "default"]
    error = refused(write(UPSTREAM + '[routes.default]\nthreshold = 0.4\nmodels = ["a*"]\n'))
    assert (error.line, error.key) == (4, "routes.default.models")


def test_the_only_bot_needs_no_mention_but_one_of_two_does(write: Write) -> None:
    one = '[bots.shop]\nupstream = "https://shop.example"\n'
    settings = read(write(one + '[routes.a]\npaths = ["/v1/*"]\n')).settings
    assert {route.bot for route in settings.routes.values()} == {"shop"}
    error = refused(write(one + '[bots.help]\nupstream = "https://help.example"\n'))
    assert error.key == "routes.default.bot"
    assert "shop, help" in error.public


# --- strictness ------------------------------------------------------------------------------------------

BAD: dict[str, tuple[str, int, str, str]] = {
    "unknown section": ("[servr]\nport = 1\n", 2, "servr", "did you mean `server`?"),
    "unknown key": ("[server]\n\n# x\nprot = 1\n", 5, "server.prot", "did you mean `port`?"),
    "dotted": ("server.hots = 'x'\n", 2, "server.hots", "did you mean `host`?"),
    "inline": ("server = { port = 1, max_boddy = 2 }\n", 2, "server.max_boddy", "did you mean `max_body`?"),
    "nothing near": ("xyzzy = 1\n", 2, "xyzzy", "unknown key"),
    "array of tables": (
        '[[routes.a.exceptions]]\nrule="text.pii"\nowner="o"\nexpires="2026-12-31"\nvalue = ["x"]\n',
        6,
        "routes.a.exceptions[0].value",
        "did you mean `values`?",
    ),
    "quoted name": ('[bots."a.b"]\nupstream="http://127.0.0.1"\nkey = 1\n', 4, 'bots."a.b".key', "did you mean"),
    "text for number": ('[server]\nport = "80"\n', 3, "server.port", "must be a whole number, not text"),
    "number range": ("[server]\nport = 70000\n", 3, "server.port", "must be from 0 to 65535"),
    "truth for number": ("[server]\nport = true\n", 3, "server.port", "not true or false"),
    "float for int": ("[server]\nport = 1.5\n", 3, "server.port", "not a number"),
    "zero size": ("[server]\nmax_body = 0\n", 3, "server.max_body", "more than 0"),
    "negative": ("[ledger]\ngroup_wait = -1\n", 3, "ledger.group_wait", "at least 0"),
    "nan": ("[server]\nbody_timeout = nan\n", 3, "server.body_timeout", "finite"),
    "text for list": ('[server]\nkeys = "env:A"\n', 3, "server.keys", "must be a list, not text"),
    "number in list": ("[routes.a]\nmodels = [\n 'a',\n 3]\n", 5, "routes.a.models[1]", "must be text"),
    "text for truth": ("[ledger]\nenabled = 'yes'\n", 3, "ledger.enabled", "must be true or false"),
    "text for section": ("server = 'x'\n", 2, "server", "must be a section, not text"),
    "list for sections": ("[bots]\nx = []\n", 3, "bots.x", "must be a section, not a list"),
    "time": ("[ledger]\npath = 10:00:00\n", 3, "ledger.path", "not a date or time"),
    "choice": ("[routes.a]\nmode = 'enforc'\n", 3, "routes.a.mode", "enforce, monitor; did you mean `enforce`?"),
    "missing": ("[bots.x]\napi_key = 'env:A'\n", 2, "bots.x", "`upstream` is missing"),
    "unknown bot": ("[routes.a]\nbot = 'defualt'\n", 3, "routes.a.bot", "known: default; did you mean `default`?"),
    "no guards": ("[routes.a]\nguards = []\n", 3, "routes.a.guards", '["none"]'),
    "unknown guard": ("[routes.a]\nguards = ['text.pi']\n", 3, "routes.a.guards[0]", "did you mean `text.pii`?"),
    "none and more": ("[routes.a]\nguards = ['none', '*']\n", 3, "routes.a.guards[0]", "alone"),
    "rule of no guard": (
        "[routes.a.rules.'text.pij/x']\nenabled=false\n",
        2,
        'routes.a.rules."text.pij/x"',
        "text.pii",
    ),
    "no owner": (
        "[[routes.a.exceptions]]\nrule='text.pii'\nowner=' '\nexpires=2026-12-31\n",
        4,
        "routes.a.exceptions[0].owner",
        "owner",
    ),
    "no day": (
        "[[routes.a.exceptions]]\nrule='text.pii'\nowner='o'\nexpires='next week'\n",
        5,
        "routes.a.exceptions[0].expires",
        "2030-12-31",
    ),
    "no such day": (
        "[[routes.a.exceptions]]\nrule='text.pii'\nowner='o'\nexpires='2026-02-30'\n",
        5,
        "routes.a.exceptions[0].expires",
        "ISO 8601",
    ),
    "path pattern": ("[routes.a]\npaths = ['v1/*']\n", 3, "routes.a.paths[0]", "start with /"),
    "empty pattern": ("[routes.a]\nmodels = ['']\n", 3, "routes.a.models[0]", "empty"),
    "name": ("[bots.'my bot']\nupstream='http://127.0.0.1'\n", 2, 'bots."my bot"', "letters"),
    "client certificates": ("[server]\nclient_ca = 'ca.pem'\n", 3, "server.client_ca", "server.tls_cert"),
    "half of tls": ("[server]\ntls_cert = 'a.pem'\n", 3, "server.tls_cert", "server.tls_key"),
    "one port": ("[server]\nport = 1\nadmin_port = 1\n", 4, "server.admin_port", "same"),
    "no ledger path": ("[ledger]\npath = ''\n", 3, "ledger.path", "empty"),
    "no host": ("[server]\nhost = ' '\n", 3, "server.host", "empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_with_its_line(write: Write, case: str) -> None:
    text, line, key, said = BAD[case]
    path = write(UPSTREAM + text)
    error = refused(path)
    assert (error.line, error.key, error.file) == (line, key, str(path))
    assert said in error.public
    assert str(error).startswith(f"{path}:{line}: {key}: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = \n", 1), ("a = 1\nb = [1,\n", 2), ('a = 1\n\nb = "x', 3), ("a = 1\na = 2\n", 2), ("[a\n", 1)],
)
def test_what_is_not_toml_is_named_with_its_line(write: Write, text: str, line: int) -> None:
    error = refused(write(text))
    assert error.reason == "config-syntax"
    assert error.line in {line, line + 1}  # at the end of a line the parser may already be on the next
    assert "not TOML" in error.public


def test_all_problems_are_found_at_once_in_order(write: Write) -> None:
    error = refused(write("[server]\nhots = 1\nport = 'x'\n[ledgr]\n"))
    assert isinstance(error, SettingsError)
    assert [error.line, *(other.line for other in error.others)] == [2, 3, 4]


def test_other_files(tmp_path: Path) -> None:
    error = refused(tmp_path / "absent.toml")
    assert error.reason == "config-missing"
    assert "chatward init" in error.public
    assert refused(tmp_path).reason == "config-missing"
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"a = 1\nb = '\xe9'\n")
    assert (refused(latin).line, "UTF-8" in refused(latin).public) == (2, True)
    (tmp_path / "large.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    assert "1 MiB" in refused(tmp_path / "large.toml").public
    (tmp_path / "deep.toml").write_text("a = " + "[" * 20_000 + "]" * 20_000)
    assert refused(tmp_path / "deep.toml").reason == "config-syntax"
    marked = tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + UPSTREAM.encode())
    assert read(marked).settings.upstream


def test_a_bare_toml_day_is_a_day(write: Write) -> None:
    text = UPSTREAM + "[[routes.a.exceptions]]\nrule='text.pii'\nowner='o'\nexpires = 2026-12-31\n"
    assert read(write(text)).settings.routes["a"].exceptions[0].expires == "2026-12-31"


def test_an_exception_that_ended_is_a_warning(write: Write) -> None:
    text = UPSTREAM + "[[routes.a.exceptions]]\nrule='text.pii'\nowner='o'\nexpires = {}\n"
    path = write(text.format("2026-05-31"))
    (warning,) = read(path).warnings
    assert warning.startswith(f"{path}:5: routes.a.exceptions[0].expires: ")
    assert "no effect" in warning
    assert read(write(text.format("2026-06-01"))).warnings == ()  # the last day counts


@pytest.mark.parametrize("guards", ['["*"]', '["none"]', '["text.*"]', '["text.pii", "links.*"]'])
def test_guards_that_are_known(write: Write, guards: str) -> None:
    read(write(f"{UPSTREAM}[routes.a]\nguards = {guards}\n"))


def test_without_a_list_names_of_guards_are_not_checked(write: Write) -> None:
    load(write(UPSTREAM + "[routes.a]\nguards = ['anything']\n"), {})


@pytest.mark.parametrize(
    "url",
    [
        "bot.example",
        "ftp://bot.example",
        "https://",
        "/v1",
        "",
        "https://user:pass@bot.example",
        "https://bot.example/v1?key=1",
        "https://bot.example/#x",
        "https://bot.example/a b",
        "http:\\\\bot.example",
        "https://bücher.example",
        "https://[::1",
    ],
)
def test_upstreams_that_are_no_base_url(write: Write, url: str) -> None:
    error = refused(write(f"upstream = {json.dumps(url)}\n"))
    assert (error.reason, error.line, error.key) == ("upstream-url", 1, "upstream")
    assert "pass" not in error.public.replace("password", "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://bot.example/v1/", "http://[::1]:9/x", "https://a"])
def test_upstreams_that_are(write: Write, url: str) -> None:
    assert read(write(f"upstream = {json.dumps(url)}\n")).settings.upstream == url


# --- order and origins -----------------------------------------------------------------------------------


@given(st.lists(st.none() | st.integers(1, 65535), min_size=3, max_size=3))
def test_the_command_line_wins_over_the_environment_over_the_file(given_ports: list[int | None]) -> None:
    in_file, in_env, on_line = given_ports
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatward.toml"
        path.write_text(UPSTREAM + (f"[server]\nport = {in_file}\n" if in_file else ""))
        loaded = load(
            path,
            {"CHATWARD__SERVER__PORT": str(in_env), "CHATWARD__SERVER__ADMIN_PORT": "0"} if in_env else {},
            {"server.port": on_line, "server.admin_port": 0} if on_line else {"server.admin_port": 0},
            today=TODAY,
        )
    expected, kind = next(
        (value, kind)
        for value, kind in ((on_line, "command line"), (in_env, "environment"), (in_file, "file"), (8787, "default"))
        if value is not None
    )
    assert loaded.settings.server.port == expected
    assert loaded.origins["server.port"].kind == kind


def test_every_value_has_an_origin(write: Write) -> None:
    path = write(
        UPSTREAM + "[server]\nport = 1\n[[routes.a.exceptions]]\nrule='text.pii'\nowner='o'\nexpires=2026-12-31\n"
    )
    env = {"CHATWARD__LEDGER__DURABILITY": "process", "CHATWARD__ROUTES__A__ALLOW": "a@example.com, b@example.com"}
    loaded = read(path, env, {"server.admin_port": "9"})
    told = {key: str(origin) for key, origin in loaded.origins.items() if origin.kind != "default"}
    assert told == {
        "upstream": f"{path}:1",
        "bots.default.upstream": f"{path}:1",
        "server.port": f"{path}:3",
        "server.admin_port": "command line",
        "routes.a.exceptions[0].rule": f"{path}:5",
        "routes.a.exceptions[0].owner": f"{path}:6",
        "routes.a.exceptions[0].expires": f"{path}:7",
        "routes.a.allow": "environment CHATWARD__ROUTES__A__ALLOW",
        "ledger.durability": "environment CHATWARD__LEDGER__DURABILITY",
    }
    assert str(loaded.origins["server.host"]) == "default"
    assert loaded.settings.routes["a"].allow == ("a@example.com", "b@example.com")
    leaves = msgspec.to_builtins(loaded.settings)
    assert {key.partition(".")[0] for key in loaded.origins} == {key for key, value in leaves.items() if value != {}}


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("SERVER__PORT", " 99 ", "port", 99),
        ("SERVER__BEHIND_TLS_PROXY", "TRUE", "behind_tls_proxy", True),
        ("SERVER__BEHIND_TLS_PROXY", "0", "behind_tls_proxy", False),
        ("SERVER__BODY_TIMEOUT", "1.5", "body_timeout", 1.5),
        ("SERVER__KEYS", "env:A,env:B", "keys", ("env:A", "env:B")),
        ("SERVER__KEYS", '["env:A"]', "keys", ("env:A",)),
        ("SERVER__KEYS", "", "keys", ()),
        ("SERVER__TLS_CERT", None, "tls_cert", None),
    ],
)
def test_text_is_read_as_the_type_of_its_key(name: str, text: str | None, key: str, value: object) -> None:
    env = {"CHATWARD__UPSTREAM": "https://bot.example"} | ({} if text is None else {f"CHATWARD__{name}": text})
    assert getattr(read(None, env).settings.server, key) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("SERVER__PROT", "1", "did you mean `port`?"),
        ("SERVR__PORT", "1", "did you mean `server`?"),
        ("SERVER__PORT__X", "1", "server.port is no section"),
        ("SERVER__PORT", "many", "must be a whole number"),
        ("SERVER__PORT", "70000", "from 0 to 65535"),
        ("SERVER__BODY_TIMEOUT", "soon", "must be a number"),
        ("SERVER__BODY_TIMEOUT", "inf", "finite"),
        ("SERVER__BEHIND_TLS_PROXY", "maybe", "true or false"),
        ("SERVER__KEYS", "[1, ", "is not a list"),
        ("SERVER", "{}", "is a section"),
        ("BOTS", "{}", "is a section"),
        ("ROUTES__A__EXCEPTIONS", "[]", "is a section"),
        ("BOTS__", "x", "a name is missing"),
    ],
)
def test_a_bad_variable_is_named(name: str, text: str, said: str) -> None:
    error = refused(None, {"CHATWARD__UPSTREAM": "https://bot.example", f"CHATWARD__{name}": text})
    assert said in error.public
    assert error.line is None
    assert str(error).startswith(f"environment CHATWARD__{name}: ")


def test_variables_find_names_as_the_file_writes_them(write: Write) -> None:
    text = '[bots.Help-Desk]\nupstream = "https://a.example"\n'
    loaded = read(write(text), {"CHATWARD__BOTS__HELP_DESK__UPSTREAM": "https://b.example"})
    assert {name: bot.upstream for name, bot in loaded.settings.bots.items()} == {"Help-Desk": "https://b.example"}


def test_a_variable_may_replace_the_upstream_of_a_file(write: Write) -> None:
    loaded = read(write(UPSTREAM), {"CHATWARD__UPSTREAM": "https://b.example"})
    assert loaded.settings.bots["default"].upstream == "https://b.example"
    assert loaded.origins["bots.default.upstream"].kind == "environment"


@pytest.mark.parametrize("key", ["servr.port", "server.prot"])
def test_an_unknown_key_on_the_command_line(write: Write, key: str) -> None:
    error = refused(write(UPSTREAM), {}, {key: "1"})
    assert str(error).startswith(f"command line: {key}: ")
    assert "did you mean" in error.public


def test_other_programs_variables_are_left_alone() -> None:
    read(None, {"CHATWARD__UPSTREAM": "https://bot.example", "CHATWARD_DEBUG": "1", "CHATWARDX__Y": "1", "PATH": "x"})


def test_locate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate(None, {}) is None
    Path("chatward.toml").write_text(UPSTREAM)
    assert locate(None, {}) == Path("chatward.toml")
    assert locate(None, {"CHATWARD_CONFIG": "/etc/x.toml"}) == Path("/etc/x.toml")
    assert locate("mine.toml", {"CHATWARD_CONFIG": "/etc/x.toml"}) == Path("mine.toml")


# --- secrets and listeners -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"[server]\nkeys = ['env:A', '{SECRET}']\n", "server.keys[1]"),
        (f"[bots.default]\napi_key = '{SECRET}'\n", "bots.default.api_key"),
        (f"[routes.a]\ncanaries = ['{SECRET}']\n", "routes.a.canaries[0]"),
        ("[server]\nkeys = ['env:']\n", "server.keys[0]"),
        ("[server]\nkeys = ['file:relative']\n", "server.keys[0]"),
        ("[server]\nkeys = ['']\n", "server.keys[0]"),
    ],
)
def test_literal_secrets_are_refused_and_not_repeated(write: Write, text: str, key: str) -> None:
    error = refused(write(UPSTREAM + text))
    assert (error.reason, error.key, error.line) == ("secret-literal", key, 3)
    assert SECRET not in str(error)


def test_a_literal_secret_in_a_variable_is_not_repeated() -> None:
    env = {"CHATWARD__UPSTREAM": "https://bot.example", "CHATWARD__SERVER__KEYS": SECRET}
    error = refused(None, env)
    assert error.reason == "secret-literal"
    assert SECRET not in str(error)


def test_resolve(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    assert resolve("env:A", {"A": SECRET}) == SECRET
    assert resolve(f"file:{file}") == SECRET


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("env:ABSENT", "secret-missing"),
        ("env:EMPTY", "secret-missing"),
        ("file:/nonexistent/key", "secret-missing"),
        ("file:relative", "secret-literal"),
        (SECRET, "secret-literal"),
        ("env:", "secret-literal"),
        ("", "secret-literal"),
    ],
)
def test_what_cannot_be_resolved(reference: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(reference, {"EMPTY": " \n"})
    assert caught.value.reason == reason
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe" + SECRET.encode(), b"x" * 70_000, b"\n"])
def test_files_that_hold_no_secret(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        resolve(f"file:{file}")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


HOSTS_HERE = ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]", "::ffff:127.0.0.1", "a.localhost"]
HOSTS_OPEN = [
    "0.0.0.0",  # noqa: S104
    "::",
    "192.0.2.1",
    "2001:db8::1",
    "chat.example.com",
    "127.0.0.1.example.com",
    "::ffff:192.0.2.1",
]
TLS = "tls_cert = 'a.pem'\ntls_key = 'k.pem'\n"
KEYS = "keys = ['env:K']\n"


@pytest.mark.parametrize("key", ["host", "admin_host"])
@pytest.mark.parametrize("host", HOSTS_HERE)
def test_loopback_needs_nothing(write: Write, key: str, host: str) -> None:
    read(write(f"{UPSTREAM}[server]\n{key} = '{host}'\n"))


@pytest.mark.parametrize("key", ["host", "admin_host"])
@pytest.mark.parametrize("host", HOSTS_OPEN)
def test_other_addresses_need_tls_and_known_callers(write: Write, key: str, host: str) -> None:
    """The console is never open there, so it needs TLS alone."""
    for rest, needs in (
        ("", ("TLS", "keys")),
        (KEYS, ("TLS",)),
        (TLS, ("keys",)),
        ("behind_tls_proxy = true\n", ("keys",)),
    ):
        if key == "admin_host" and "TLS" not in needs:
            read(write(f"{UPSTREAM}[server]\n{rest}{key} = '{host}'\n"))
            continue
        error = refused(write(f"{UPSTREAM}[server]\n{rest}{key} = '{host}'\n"))
        assert (error.reason, error.key) == ("unsafe-listener", f"server.{key}")
        assert all(word in error.public for word in needs if word == "TLS" or key == "host")
    read(write(f"{UPSTREAM}[server]\n{TLS}{KEYS}{key} = '{host}'\n"))
    read(write(f"{UPSTREAM}[server]\nbehind_tls_proxy = true\n{KEYS}{key} = '{host}'\n"))


@pytest.mark.parametrize(
    "known",
    [
        "client_ca = 'ca.pem'\n",
        "[identity]\nanonymous = false\n",
        "[identity.oidc.staff]\nissuer = 'https://idp.example'\n",
    ],
    ids=["certificates", "issued keys", "a provider"],
)
def test_any_way_of_being_known_is_enough_for_other_addresses(write: Write, known: str) -> None:
    read(write(f"{UPSTREAM}[server]\nhost = '0.0.0.0'\n{TLS}{known}"))
    error = refused(write(f"{UPSTREAM}[server]\nhost = '0.0.0.0'\n{known}"))
    assert "TLS" in error.public or "tls_cert" in error.public


# --- the schema ------------------------------------------------------------------------------------------


def test_the_schema_knows_every_section_and_refuses_others() -> None:
    made = schema()
    definition = made["$defs"]["Settings"]
    assert set(definition["properties"]) == set(Settings.__struct_fields__)
    assert definition["additionalProperties"] is False
    assert made["$ref"] == "#/$defs/Settings"


def test_the_published_schema_is_current() -> None:
    published = Path(__file__).parents[1] / "docs" / "chatward.schema.json"
    assert json.loads(published.read_text()) == schema(), "run: chatward config schema > docs/chatward.schema.json"


# --- signing in ------------------------------------------------------------------------------------------

STAFF = UPSTREAM + '[identity.oidc.staff]\nissuer = "https://idp.example"\n'


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('client_id = "c"\n[identity.sign_in]\nurl = "https://chat.example/"\n', "identity.sign_in.url"),
        ('client_id = "c"\n[identity.sign_in]\nurl = "https://chat.example/ai"\n', "identity.sign_in.url"),
        ('client_id = "c"\n[identity.sign_in]\nurl = "http://chat.example"\n', "identity.sign_in.url"),
        ('client_id = "c"\n[identity.sign_in]\nurl = "*"\n', "identity.sign_in.url"),
        ('client_id = "c"\n[operators]\nurl = "http://console.example"\n', "operators.url"),
        ('audiences = ["a"]\n[operators.oidc.staff]\nclaim = "g"\nroles = {a = "admin"}\n', "operators.oidc.staff"),
        ('client_id = "c"\n[operators.oidc.stuff]\nclaim = "g"\nroles = {a = "admin"}\n', "operators.oidc.stuff"),
    ],
)
def test_where_browsers_come_back_to_is_an_origin_of_a_provider_that_exists(write: Write, text: str, key: str) -> None:
    assert refused(write(STAFF + text)).key == key


def test_without_an_address_only_this_machine_can_sign_in_and_that_is_said(write: Write) -> None:
    told = 'client_id = "c"\n[server]\nhost = "0.0.0.0"\nbehind_tls_proxy = true\nkeys = ["env:K"]\n'
    assert any("identity.sign_in.url" in str(one) for one in read(write(STAFF + told), {"K": "k"}).warnings)
    told += '[identity.sign_in]\nurl = "https://chat.example"\n[genuine]\norigin = "https://chat.example"\n'
    loaded = read(write(STAFF + told), {"K": "k"})
    assert loaded.warnings == ()
    assert read(write(STAFF + 'client_id = "c"\n[identity.sign_in]\nurl = "http://127.0.0.1:8787"\n')).warnings == ()
