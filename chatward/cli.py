"""The command line: finds the command, runs it, and turns errors into one line.

The rules:

1. ``--help`` is cheap: the list of commands stands here, and a command's module is imported when it is called.
   A command is listed if its module exists.
2. Results go to standard output, everything else to standard error. ``--json`` gives one object (or one a line).
3. An error is one line, ``error: file:line: sentence``, and exit status 2; with ``--json`` also an ``error`` object.
   No traceback unless ``CHATWARD_DEBUG`` is set.

Adding a command: a module in ``chatward.commands`` with a function ``command`` (its parameters are the options, as
typer reads them; what it returns is the exit status) or a typer ``app`` with subcommands, and one line in
``COMMANDS``. A module without typer of its own has its options in ``chatward.commands.options``.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import typer

FAILED: Final = 2
_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Command:
    """``target``: ``module:name`` of a function or a typer app. ``needs``: modules without which it is not listed."""

    name: str
    summary: str
    target: str
    needs: tuple[str, ...] = ()

    @property
    def exists(self) -> bool:
        return all(_exists(module) for module in (self.target.partition(":")[0], *self.needs))


def _command(name: str, summary: str, attribute: str = "command", *needs: str) -> Command:
    return Command(name, summary, f"chatward.commands.{name}:{attribute}", needs)


def _with_options(name: str, summary: str) -> Command:
    return Command(name, summary, f"chatward.commands.options:{name}", (f"chatward.commands.{name}",))


COMMANDS: Final = (
    _with_options("demo", "Try Chatward in front of a small chatbot on this machine"),
    _command("init", "Write chatward.toml for a bot of your own"),
    _command("check", "Say whether a configuration is valid, and what is weak in it"),
    _command("serve", "Run the gateway", "command", "chatward.assembly"),
    _with_options("scan", "Verdicts on text or JSON Lines"),
    _command("replay", "What another configuration would have done"),
    _command("evaluate", "Measure the guards on labelled texts"),
    _command("train", "Make the text models anew"),
    _command("education", "What tips for people led to", "app"),
    _command("feedback", "Mark true and false alarms, and check that they are judged right", "app"),
    _command("bench", "Measure speed"),
    _command("doctor", "Look for what is missing on this machine"),
    _command("config", "Show the settings, where they come from, and their schema", "app"),
    _command("policy", "Check, test and explain what is permitted", "app"),
    _command("certs", "Make certificates for trying TLS; show when those that are configured end", "app"),
    _command("keys", "Make, list, rotate and revoke API keys", "app"),
    _command("users", "Make, list, change and disable operators", "app"),
    _command("genuine", "Keys that sign replies, the manifest, checking a reply", "app"),
    _command("seal", "Rotate keys of what is stored, erase subjects, verify receipts", "app"),
    Command("backup", "Copy ledger, stores and settings, without people's keys", "chatward.commands.backup:backup"),
    Command("restore", "Put a backup back, and verify it", "chatward.commands.backup:restore"),
    _command("privacy", "Answer requests of people, erase, export, register breaches, show requirements", "app"),
    _command("redteam", "Attack a bot of your own, directly and through the gateway"),
    _command("report", "How controls of laws and catalogues stand, with evidence, signed"),
    _command("drill", "Put on record what was practised, and show what is due", "app"),
    _command("vendor", "Third parties: register, checks, assessments, approval", "app"),
    _command("patches", "Known vulnerabilities in Chatward and in bots: scans, tasks, bills of materials", "app"),
    _command("upgrade", "Whether there is a newer release, and whether this one is what was released"),
    _command("files", "Look at a file, and at files that were stopped", "app"),
    _command("intel", "Keep lists of what is harmful up to date, and ask them", "app"),
    _command("monitoring", "Send the record to SIEMs, watch it for attacks, alert people", "app"),
    _command("behaviour", "Show what was unusual, and the incidents that it makes", "app"),
    _command("mcp", "Show and accept tools of MCP servers", "app"),
    _command("ledger", "Verify the record, prove what is in it, show its entries", "app"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Our matrices are small: threads of numpy's BLAS that share one wait for each other longer than they work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return _main(arguments)
    except BrokenPipeError:  # the reader went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if os.environ.get("CHATWARD_DEBUG"):
            raise
        return _report(error, as_json="--json" in arguments)


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help())
        return 0 if arguments else FAILED
    if arguments[0] in {"-V", "--version"}:
        from chatward import __version__  # noqa: PLC0415

        print(f"chatward {__version__}")
        return 0
    name, *rest = arguments
    command = next((one for one in COMMANDS if one.name == name and one.exists), None)
    if command is None:
        return _unknown(name, as_json="--json" in rest)
    status = _run(command, rest)
    sys.stdout.flush()
    return status


def _run(command: Command, arguments: list[str]) -> int:
    import typer  # noqa: PLC0415

    module, _, attribute = command.target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    app = target if isinstance(target, typer.Typer) else _single(target)
    called = typer.main.get_command(app)
    bare = not arguments and hasattr(called, "commands")  # it has subcommands, and none was given: they are listed
    given = ["--help"] if bare else arguments
    result = called(given, prog_name=f"chatward {command.name}", standalone_mode=False)
    return FAILED if bare else result if isinstance(result, int) else 0


def _single(function: Any) -> typer.Typer:
    import typer  # noqa: PLC0415

    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(function)
    return app


def _report(error: Exception, *, as_json: bool) -> int:
    """One line for whatever went wrong. The text of an unforeseen error may quote data, so only its type is told."""
    from chatward.core.errors import ChatwardError, ConfigError  # noqa: PLC0415

    told: dict[str, object] = {}
    if isinstance(error, ChatwardError):
        sentence = str(error)
        told = {"reason": error.reason}
        if isinstance(error, ConfigError):
            told |= {"file": error.file, "line": error.line, "key": error.key}
            others = len(getattr(error, "others", ()))
            sentence += f" (and {others} more; see: chatward check)" if others else ""
    elif callable(usage := getattr(error, "format_message", None)):  # typer's own
        sentence = f"{_one_line(usage())} (see --help)"
        told = {"reason": "usage"}
    elif isinstance(error, OSError) and error.strerror:
        sentence = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        told = {"reason": "system"}
    elif type(error).__name__ == "Abort":
        return _INTERRUPTED
    else:
        sentence = f"an unforeseen {type(error).__name__}; set CHATWARD_DEBUG=1 for details"
        told = {"reason": "internal-error"}
    return _fail(sentence, told, as_json=as_json)


def _fail(sentence: str, told: dict[str, object], *, as_json: bool) -> int:
    print(f"error: {_one_line(sentence)}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": {**told, "message": sentence}}))
    return FAILED


def _unknown(name: str, *, as_json: bool) -> int:
    import difflib  # noqa: PLC0415

    near = difflib.get_close_matches(name, [command.name for command in COMMANDS if command.exists], n=1)
    hint = f"did you mean `{near[0]}`?" if near else "see: chatward --help"
    return _fail(f"no such command: {name}; {hint}", {"reason": "usage"}, as_json=as_json)


def _help() -> str:
    commands = [command for command in COMMANDS if command.exists]
    width = max(len(command.name) for command in commands)
    rows = [f"  {command.name:<{width}}  {command.summary}" for command in commands]
    return "\n".join(
        (
            "Usage: chatward COMMAND [OPTIONS]",
            "",
            "Chatward stands between people and chatbots and inspects what goes in and what comes out.",
            "",
            "Commands:",
            *rows,
            "",
            "chatward COMMAND --help says more. Every command has --json. --version gives the version.",
        )
    )


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
