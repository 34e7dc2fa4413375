"""The command line: what it lists, what it says, and how it fails."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

from chatward import __version__, cli, reference
from chatward.configuration import load, schema
from chatward.core.ports import Entry
from chatward.ledger.sqlite import SqliteLedger
from chatward.settings import Settings

UPSTREAM = 'upstream = "https://bot.example/v1"\n'
Captured = pytest.CaptureFixture[str]
ALWAYS_JSON = {("ledger", "prove")}
"""Commands whose result is JSON whatever they are asked."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CHATWARD_CONFIG", "CHATWARD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(text: str, name: str = "chatward.toml") -> Path:
    Path(name).write_text(text)
    return Path(name)


def error_line(capsys: Captured) -> str:
    """The one line of an error; nothing may stand beside it."""
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err.removeprefix("error: ").rstrip()


# --- help and dispatch -----------------------------------------------------------------------------------


def test_help_lists_each_command_whose_module_exists(capsys: Captured) -> None:
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert bool(re.search(rf"^  {command.name} ", said, re.MULTILINE)) == command.exists
    assert {"init", "check", "config", "ledger"} <= {c.name for c in cli.COMMANDS if c.exists}


def test_without_a_command_help_and_a_failure(capsys: Captured) -> None:
    assert cli.main([]) == 2
    assert "Commands:" in capsys.readouterr().out


def test_a_command_without_its_subcommand_lists_them(capsys: Captured) -> None:
    assert cli.main(["config"]) == 2
    said = capsys.readouterr().out
    assert "show" in said
    assert "schema" in said


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from chatward import cli; cli.main(['--help']); "
        "heavy = {'typer', 'rich', 'msgspec', 'hyperscan', 'cryptography', 'fastapi', 'asyncio'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("command", [c for c in cli.COMMANDS if c.exists], ids=lambda command: command.name)
def test_every_command_explains_itself(command: cli.Command, capsys: Captured) -> None:
    assert cli.main([command.name, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: chatward {command.name}")
    subcommands = list(getattr(reference.click_command(command), "commands", ()))
    for subcommand in subcommands:
        assert cli.main([command.name, subcommand, "--help"]) == 0
        said_more = capsys.readouterr().out
        assert "--json" in said_more or (command.name, subcommand) in ALWAYS_JSON
    assert subcommands or "--json" in said


def test_version(capsys: Captured) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"chatward {__version__}\n"


def test_an_unknown_command_is_one_line_with_a_suggestion(capsys: Captured) -> None:
    assert cli.main(["chekc"]) == 2
    assert error_line(capsys) == "no such command: chekc; did you mean `check`?"


@pytest.mark.parametrize("arguments", [["check", "--nope"], ["check", "a", "b"], ["init", "--port", "x"]])
def test_wrong_options_are_one_line(arguments: list[str], capsys: Captured) -> None:
    assert cli.main(arguments) == 2
    assert error_line(capsys).endswith("(see --help)")


def use(monkeypatch: pytest.MonkeyPatch, function: object) -> None:
    """Adds a command ``probe``, as others will."""
    module = types.ModuleType("chatward.commands.probe")
    module.command = function  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cli, "COMMANDS", (*cli.COMMANDS, cli.Command("probe", "", "chatward.commands.probe:command")))


def test_a_command_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def probe(number: int = 0) -> int:
        return number

    use(monkeypatch, probe)
    assert cli.main(["probe", "--number", "3"]) == 3
    assert cli.main(["probe"]) == 0


def test_an_unforeseen_error_tells_its_type_alone(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def probe() -> None:
        raise KeyError("what a person wrote")

    use(monkeypatch, probe)
    assert cli.main(["probe"]) == 2
    line = error_line(capsys)
    assert "KeyError" in line
    assert "person" not in line
    monkeypatch.setenv("CHATWARD_DEBUG", "1")
    with pytest.raises(KeyError):
        cli.main(["probe"])


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file", "x.txt"), 2, "error: x.txt: No such file\n"),
    ],
)
def test_interrupts_and_files(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, error: BaseException, status: int, said: str
) -> None:
    def probe() -> None:
        raise error

    use(monkeypatch, probe)
    assert cli.main(["probe"]) == status
    assert capsys.readouterr().err == said


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    write(UPSTREAM)
    command = f"'{sys.executable}' -m chatward.cli config schema | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{", "")


# --- init ------------------------------------------------------------------------------------------------


def test_init_writes_a_file_that_loads_with_the_defaults(capsys: Captured) -> None:
    assert cli.main(["init", "--upstream", "https://bot.example/v1", "--port", "9001", "--admin-port", "9002"]) == 0
    assert "chatward serve" in capsys.readouterr().out
    settings = load("chatward.toml", {}).settings
    assert (settings.server.port, settings.server.admin_port) == (9001, 9002)
    assert settings.bots["default"].upstream == "https://bot.example/v1"
    assert settings.routes["default"] == load(write(UPSTREAM, "small.toml"), {}).settings.routes["default"]
    assert (settings.ledger, settings.conversations) == (Settings().ledger, Settings().conversations)
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


def test_what_the_template_has_commented_out_is_valid_too() -> None:
    assert cli.main(["init", "--upstream", "https://bot.example", "--port", "1", "--admin-port", "2"]) == 0
    text = Path("chatward.toml").read_text("utf-8")
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in text.splitlines()]
    loaded = load(write("\n".join(lines)), {})
    assert loaded.settings.server.keys == ("env:CHATWARD_KEY",)
    assert loaded.settings.bots["default"].api_key == "env:BOT_API_KEY"


def test_init_replaces_only_when_told(capsys: Captured) -> None:
    write("# mine\n")
    assert cli.main(["init", "--upstream", "https://bot.example"]) == 2
    assert "--force" in error_line(capsys)
    assert Path("chatward.toml").read_text() == "# mine\n"
    assert cli.main(["init", "--upstream", "https://bot.example", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["base_url"] == "http://127.0.0.1:8787/v1"
    assert load("chatward.toml", {}).settings.upstream == "https://bot.example"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--upstream", "bot"],
        ["--upstream", 'https://x"\nkey = 1'],
        ["--upstream", "https://a", "--port", "5", "--admin-port", "5"],
    ],
)
def test_init_in_a_pipe_fails_clearly_and_writes_nothing(
    arguments: list[str], capsys: Captured, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert cli.main(["init", *arguments]) == 2
    assert "upstream" in error_line(capsys) or "--port" in arguments
    assert list(folder.iterdir()) == []


def test_init_asks_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    answers = iter(["nonsense", " https://bot.example/v1 "])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    assert cli.main(["init"]) == 0
    assert "must be a URL" in capsys.readouterr().err
    assert load("chatward.toml", {}).settings.upstream == "https://bot.example/v1"


# --- check and config ------------------------------------------------------------------------------------


def test_check_says_what_is_weak(capsys: Captured) -> None:
    write(UPSTREAM + "[routes.default]\nmode = 'monitor'\n")
    assert cli.main(["check"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "chatward.toml: valid"
    assert "high\troutes.default.mode\tMonitor mode" in said.out
    assert cli.main(["check", "--strict"]) == 1
    capsys.readouterr()
    assert cli.main(["check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["valid"] is True
    assert told["weaknesses"][0]["origin"] == "chatward.toml:3"


def test_check_names_every_error_with_its_line(capsys: Captured) -> None:
    path = write(UPSTREAM + "[routes.default]\nmod = 'monitor'\n[servr]\n", "other.toml")
    assert cli.main(["check", str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: other.toml:3: routes.default.mod: unknown key; did you mean `mode`?",
        "error: other.toml:4: servr: unknown key; did you mean `server`?",
    ]
    assert cli.main(["check", str(path), "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert [(error["line"], error["key"]) for error in told["errors"]] == [(3, "routes.default.mod"), (4, "servr")]


def test_check_knows_the_guards(capsys: Captured) -> None:
    write(UPSTREAM + "[routes.default]\nguards = ['text.secretz']\n")
    assert cli.main(["check"]) == 2
    assert "did you mean `text.secrets`?" in error_line(capsys)


def test_check_says_what_this_machine_lacks(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        UPSTREAM + "[server]\nkeys = ['env:CHATWARD_TEST_ABSENT']\ntls_cert='c.pem'\ntls_key='k.pem'\n"
        "[ledger]\npath = 'absent/x.db'\n"
    )
    assert cli.main(["check"]) == 0
    said = capsys.readouterr().err
    assert "warning: chatward.toml:3: server.keys[0]: the environment variable CHATWARD_TEST_ABSENT is not set" in said
    for key in ("server.tls_cert", "server.tls_key", "ledger.path"):
        assert f": {key}: " in said
    monkeypatch.setenv("CHATWARD_TEST_ABSENT", "x" * 20)
    assert cli.main(["check", "--strict"]) == 1
    assert "CHATWARD_TEST_ABSENT" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("[bots.default]\napi_key = {}", "bots.default.api_key"),
        ("[[intel.sources]]\nname = 'one'\nformat = 'hosts'\nlocation = 'https://l.example'\nkey = {}",
         "intel.sources[0].key"),
        ("[routes.default]\ncanaries = ['env:HOME', {}]", "routes.default.canaries[1]"),
    ],
)  # fmt: skip
def test_check_asks_for_every_secret_that_is_named(capsys: Captured, section: str, key: str) -> None:
    text = UPSTREAM + section.format("'env:CHATWARD_TEST_ABSENT'")
    write(text)
    assert cli.main(["check", "--strict"]) == 1
    said = capsys.readouterr()
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "ABSENT" in one)
    told = f"warning: chatward.toml:{line}: {key}: the environment variable CHATWARD_TEST_ABSENT is not set"
    assert told in said.err
    assert said.out.startswith("chatward.toml: valid; it does not start here")
    cli.main(["check", "--json"])
    assert json.loads(capsys.readouterr().out)["starts"] is False


def test_check_reads_the_policies(capsys: Captured) -> None:
    write(UPSTREAM + "[authorization]\npolicies = ['own.cedar']\n")
    write("permit(principal, action", "own.cedar")
    assert cli.main(["check", "--json"]) == 2
    said = capsys.readouterr()
    assert "own.cedar" in said.err
    assert json.loads(said.out)["valid"] is False


@pytest.mark.parametrize("command", [["check"], ["config", "show"]])
def test_a_file_is_given_as_an_argument_or_by_config(capsys: Captured, command: list[str]) -> None:
    write(UPSTREAM, "other.toml")
    assert cli.main([*command, "--config", "other.toml"]) == 0
    assert cli.main([*command, "other.toml"]) == 0
    capsys.readouterr()
    assert cli.main([*command, "other.toml", "--config", "other.toml"]) == 2
    assert error_line(capsys) == "give the configuration once: as FILE or by --config"


def test_an_absent_file(capsys: Captured) -> None:
    assert cli.main(["config", "show", "absent.toml"]) == 2
    assert error_line(capsys).startswith("absent.toml: there is no such file; make one with: chatward init")
    assert cli.main(["config", "show", "absent.toml", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "config-missing"


def test_several_errors_are_one_line_elsewhere(capsys: Captured) -> None:
    write("a = 1\nb = 2\n")
    assert cli.main(["config", "show"]) == 2
    assert error_line(capsys) == "chatward.toml:1: a: unknown key (and 1 more; see: chatward check)"


def test_config_show(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    write(UPSTREAM + "[server]\nport = 9\n")
    monkeypatch.setenv("CHATWARD__SERVER__ADMIN_PORT", "10")
    assert cli.main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert "server.port = 9\n" in shown
    assert load(write(shown, "shown.toml"), {}).settings == load("chatward.toml").settings  # what is shown is TOML
    assert cli.main(["config", "show", "--origin"]) == 0
    rows = dict(line.split("\t", 1) for line in capsys.readouterr().out.splitlines())
    assert rows["server.port"] == "9\tchatward.toml:3"
    assert rows["server.admin_port"] == "10\tenvironment CHATWARD__SERVER__ADMIN_PORT"
    assert rows["server.host"] == '"127.0.0.1"\tdefault'
    assert cli.main(["config", "show", "--origin", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"]["server"]["port"] == 9
    assert told["origins"]["server.port"] == "chatward.toml:3"


def test_config_schema(capsys: Captured) -> None:
    for arguments in (["config", "schema"], ["config", "schema", "--json"]):
        assert cli.main(arguments) == 0
        assert json.loads(capsys.readouterr().out) == schema()


# --- ledger ----------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(folder: Path) -> Path:
    async def fill() -> None:
        made = SqliteLedger(folder / "chatward.db", "process", min_free=1, clock=lambda: 1_700_000_000_123_456_789)
        for number in range(5):
            await made.append(Entry("message:input:judged", "x-1", {"number": number}))
        await made.aclose()

    asyncio.run(fill())
    write(UPSTREAM)
    return folder / "chatward.db"


def test_ledger_verify_finds_the_file_of_the_settings(ledger: Path, capsys: Captured) -> None:
    assert cli.main(["ledger", "verify"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("whole: 5 entries, 1 checkpoint vouches for 5 of them, head 5:")
    head = said.split()[-1]
    assert cli.main(["ledger", "verify", "--expect", head, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.items() >= {"ok": True, "entries": 5, "head": head, "first_bad": None, "problem": None}.items()


def test_ledger_verify_names_the_first_bad_entry(ledger: Path, capsys: Captured) -> None:
    import sqlite3

    connection = sqlite3.connect(ledger)
    connection.executescript("DROP TRIGGER ledger_no_update; UPDATE ledger SET exchange = 'y' WHERE seq = 3;")
    connection.close()
    assert cli.main(["ledger", "verify", str(ledger)]) == 1
    assert capsys.readouterr().out == "broken: entry 3 is changed; 2 entries before it are whole\n"
    assert cli.main(["ledger", "verify", str(ledger), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["first_bad"] == 3


def test_ledger_tail(ledger: Path, capsys: Captured) -> None:
    assert cli.main(["ledger", "tail", "-n", "2"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[1] == ["5", "2023-11-14T22:13:20.123+00:00", "message:input:judged", "x-1", '{"number":4}']
    assert len(rows) == 2
    assert cli.main(["ledger", "tail", "-n", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seq"], told["at_ns"], told["fields"]) == (5, 1_700_000_000_123_456_789, {"number": 4})


@pytest.mark.parametrize("expect", ["5", "5:xyz", "0:" + "0" * 64, "5:00"])
def test_ledger_verify_takes_whole_heads_only(ledger: Path, expect: str, capsys: Captured) -> None:
    assert cli.main(["ledger", "verify", "--expect", expect]) == 2
    assert "NUMBER:HASH" in error_line(capsys)


# --- serve -----------------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What ``assembly.serve`` was called with."""
    calls: list[Settings] = []
    module = types.ModuleType("chatward.assembly")
    module.serve = lambda loaded: calls.append(loaded.settings)  # type: ignore[attr-defined]
    module.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "chatward.assembly", module)
    return calls


def test_serve_takes_the_command_line_over_the_file(served: list[Settings], capsys: Captured) -> None:
    write(UPSTREAM + "[server]\nport = 1\n")
    arguments = [
        "serve",
        "--port",
        "2",
        "--set",
        "routes.default.threshold=0.3",
        "--set",
        "server.admin_port=4",
        "--json",
    ]
    assert cli.main(arguments) == 0
    (settings,) = served
    assert (settings.server.port, settings.server.admin_port) == (2, 4)
    assert settings.routes["default"].threshold == 0.3
    assert json.loads(capsys.readouterr().out) == {"base_url": "http://127.0.0.1:2/v1"}


def test_serve_needs_no_file(served: list[Settings]) -> None:
    assert cli.main(["serve", "--upstream", "https://bot.example"]) == 0
    assert served[0].bots["default"].upstream == "https://bot.example"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is no bot to guard"),
        (["--upstream", "https://a", "--host", "0.0.0.0"], "other machines can reach this address"),  # noqa: S104
        (["--upstream", "https://a", "--set", "server.prot=1"], "did you mean `port`?"),
        (["--upstream", "https://a", "--set", "server.port"], "KEY=VALUE"),
        (["--upstream", "https://a", "--set", "server.keys=env:CHATWARD_TEST_ABSENT"], "is not set"),
    ],
)
def test_serve_refuses_to_start(served: list[Settings], arguments: list[str], said: str, capsys: Captured) -> None:
    assert cli.main(["serve", *arguments]) == 2
    assert said in error_line(capsys)
    assert served == []
