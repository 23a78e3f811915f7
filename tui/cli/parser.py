"""The command line's grammar and its help. Standard library only, because ``--help`` and ``--version`` are instant."""

from __future__ import annotations

import argparse
import os

from tui import __version__
from tui.cli import grammar

TYPE_CHECKING = False  # as in typing, whose import would be a good part of the time that --help takes
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

__all__ = ["HOSTS_ACTIONS", "PLURALS", "BadArguments", "parse", "plural_of", "wants"]

PLURALS = {
    "hosts": "hosts",
    "envs": "environments",
    "packages": "packages",
    "diff": "differences",
    "find": "packages",
    "gpus": "gpus",
    "sessions": "sessions",
    "probe": "hosts",
}
"""The key that holds the results in ``--json``, for each command that has it."""

DEMO_HOSTS = 6
"""How many hosts a demo has when nobody says."""
HOSTS_ACTIONS = ("list", "add", "forget", "trust")
"""What may follow ``hosts``; any other word is a selector, for ``list``."""

SELECTORS = """\
selectors:
  HOST  @group  HOST:NAME  HOST:/absolute/prefix       globs in HOST and NAME
  Names are written as the tables show them; a byte that can't be shown is \\xNN."""

EXIT_CODES = """\
exit codes:
  0 all done   1 a host or a part failed   2 wrong usage   3 refused for safety
  4 nothing matched   130 interrupted"""


class BadArguments(Exception):
    """The arguments can't be read: what is wrong, and what to do instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArguments(message[:1].upper() + message[1:] + ".", f"See `{self.prog} --help`.")

    def format_help(self) -> str:
        text = super().format_help()
        return text.replace("{log}", _log_path()) if "{log}" in text else text


def _formatter(prog: str) -> argparse.HelpFormatter:
    """As argparse's own, which would import all of shutil to learn the terminal's width."""
    named = os.environ.get("COLUMNS", "")
    columns = int(named) if named.isascii() and named.isdigit() and int(named) else _terminal_columns()
    return argparse.RawDescriptionHelpFormatter(prog, width=max(40, columns - 2))


def _terminal_columns() -> int:
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _log_path() -> str:
    from tui.domain.places import log_file

    return str(log_file(os.environ))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments by name; ``command`` is None when the screen is wanted.

    Always there: ``command, config, readonly, debug, json, json_lines``. Raises :class:`BadArguments`, and
    SystemExit (0) after printing help or version.
    """
    head, tail = list(argv), None
    name = _command(argv)
    if name is not None and name not in _FILL:
        raise BadArguments(f"There is no command {name[:80]!r}.{_near(name, set(_FILL))}", _known_commands())
    if name == "demo" and "--" in head:
        at = head.index("--")
        head, tail = head[:at], head[at + 1 :]
    if name == "hosts":
        head = _with_action(head)
    parser = _build(name)
    args, unknown = parser.parse_known_args(head)
    if hasattr(args, "selectors") and not any(word.startswith("-") for word in unknown):
        args.selectors, unknown = [*args.selectors, *unknown], []  # argparse stops at an option between them
    if unknown:
        word = unknown[0]
        near = _near(word, _options(parser)) if word.startswith("-") else ""
        where = f"condafleet {name}" if name else "condafleet"
        raise BadArguments(f"Unexpected argument {word[:80]!r}.{near}", f"See `{where} --help`.")
    if args.command == "demo":
        args.program = tail
        if tail == []:
            raise BadArguments("There is no command after `--`.", "condafleet demo -- condafleet envs")
    return args


def _with_action(words: list[str]) -> list[str]:
    """``hosts gpu01`` means ``hosts list gpu01``: as with the other lists, what follows the command are selectors."""
    at = _place_of_command(words) + 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "--config" else 1
    given = words[at : at + 1]
    return words if not given or given[0] in HOSTS_ACTIONS else [*words[:at], "list", *words[at:]]


def wants(argv: Sequence[str], option: str) -> bool:
    """Whether *option* is among arguments that could not be parsed (those before ``--``)."""
    words = list(argv)
    return option in (words[: words.index("--")] if "--" in words else words)


def plural_of(argv: Sequence[str]) -> str:
    """The key for the results of arguments that could not be parsed."""
    return PLURALS.get(_command(argv) or "", "hosts")


def _command(argv: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the value of one."""
    return next(iter(argv[_place_of_command(argv) :]), None)


def _place_of_command(argv: Sequence[str]) -> int:
    """Where the command stands, or would: behind all words when there is none."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] == "--":
            return at + 1
        at += 2 if argv[at] == "--config" else 1
    return at


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """The options that *parser* and the command chosen take."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(*map(_options, action.choices.values()))
    return found


def _near(word: str, known: set[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word[:80], sorted(known), n=1, cutoff=0.7)
    return f" Did you mean {near[0]!r}?" if near else ""


def _known_commands() -> str:
    return f"The commands are {', '.join(_FILL)}; `condafleet --help` describes them."


def _global_options(defaults: bool) -> _Parser:
    """Options that may stand before and after the command; after it they override only when they are given."""
    parser = _Parser(add_help=False)
    group = parser.add_argument_group("everywhere")
    absent = None if defaults else argparse.SUPPRESS
    off = False if defaults else argparse.SUPPRESS
    group.add_argument("--config", metavar="FILE", default=absent, help="configuration file to use")
    group.add_argument("--readonly", action="store_true", default=off, help="change nothing on any host")
    group.add_argument("--debug", action="store_true", default=off, help="write more to the log file")
    return parser


def _output_options(lines: bool = True) -> _Parser:
    parser = _Parser(add_help=False)
    group = parser.add_argument_group("output")
    only_one = group.add_mutually_exclusive_group()
    # No default: `hosts --json list` must survive the parser of `list`.
    only_one.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON object, also when something fails",
    )
    if lines:
        only_one.add_argument(
            "--json-lines",
            action="store_true",
            default=argparse.SUPPRESS,
            help="print one JSON object a line, as hosts answer",
        )
    return parser


def _build(chosen: str | None) -> _Parser:
    """The parser, with the arguments of the *chosen* command alone: all of them cost as much as Python's start."""
    parser = _Parser(
        prog="condafleet",
        formatter_class=_formatter,
        allow_abbrev=False,
        parents=[_global_options(defaults=True)],
        description=(
            "Conda environments, long runs and full disks on a fleet of GPU servers, over plain SSH.\n"
            "Without a command: the screen."
        ),
        epilog=f"{SELECTORS}\n\n{EXIT_CODES}\n\nlog file: {{log}}",
    )
    parser.add_argument("--version", action="version", version=f"condafleet {__version__}")
    parser.set_defaults(json=False, json_lines=False)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog="condafleet", parser_class=_Parser
    )
    for name, (text, fill) in _FILL.items():
        if name == chosen:
            fill(_Adder(commands, name, text))
        elif chosen is None:
            commands.add_parser(name, help=text, add_help=False)
    return parser


class _Adder:
    """Makes the parser of one command."""

    def __init__(self, commands: argparse._SubParsersAction[_Parser], name: str, text: str) -> None:
        self._commands = commands
        self._name = name
        self._text = text

    def __call__(self, description: str, examples: str, *parents: _Parser) -> _Parser:
        return self._commands.add_parser(
            self._name,
            help=self._text,
            description=description,
            epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
            formatter_class=_formatter,
            allow_abbrev=False,
            parents=[*parents, _global_options(defaults=False)],
        )


def _hosts(add: _Adder) -> None:
    hosts = add(
        "The hosts of the fleet. Without an action: try those that SEL means, or all, and show their state.",
        "  condafleet hosts\n"
        "  condafleet hosts gpu01 '@a100' --json          the same as: condafleet hosts list gpu01 …\n"
        "  condafleet hosts add gpu05 --address 192.0.2.15 --user ada --jump bastion\n"
        "  condafleet hosts forget gpu05\n"
        "  condafleet hosts trust gpu05 --fingerprint SHA256:…",
        _output_options(),
    )
    hosts.usage = "condafleet hosts [OPTION…] [SEL…]\n       condafleet hosts [OPTION…] ACTION …"
    actions = hosts.add_subparsers(
        dest="action", metavar="ACTION", title="actions", prog="condafleet hosts", parser_class=_Parser
    )

    def action(name: str, text: str, lines: bool = False) -> _Parser:
        return actions.add_parser(
            name,
            help=text,
            description=f"{text[:1].upper()}{text[1:]}.",
            formatter_class=_formatter,
            allow_abbrev=False,
            parents=[_output_options(lines), _global_options(defaults=False)],
        )

    _selectors(action("list", "try the hosts and show their state (the default)", lines=True))
    adding = action("add", "add a host to the configuration file; a bare name is an alias of ssh_config")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--address", metavar="ADDRESS", help="default: the name")
    adding.add_argument("--port", type=_port, metavar="PORT", help="default: as ssh decides")
    adding.add_argument("--user", metavar="USER", help="default: as ssh decides")
    adding.add_argument("--identity", action="append", default=[], metavar="FILE", help="may be given several times")
    adding.add_argument("--jump", metavar="HOST", help="reach it through this host")
    adding.add_argument("--group", action="append", default=[], metavar="GROUP", help="may be given several times")
    forget = action("forget", "take a host out of the configuration file; the host itself is not touched")
    forget.add_argument("name", metavar="NAME")
    trust = action("trust", "accept and save the key of a host that nobody vouched for yet")
    trust.add_argument("name", metavar="HOST")
    trust.add_argument(
        "--fingerprint", required=True, metavar="SHA256:…", help="as the host's administrator told you; must fit"
    )


def _envs(add: _Adder) -> None:
    envs = add(
        "Every conda environment of the selected hosts (default: all hosts), with what uses it now.",
        "  condafleet envs\n  condafleet envs gpu01 '@a100:cv-*' --json\n  condafleet envs gpu01 --search /data",
        _output_options(),
    )
    _selectors(envs)
    envs.add_argument(
        "--search",
        metavar="PATH",
        help="first look for environments below PATH (absolute, or from ~/) on each selected host; remembered",
    )


def _packages(add: _Adder) -> None:
    packages = add(
        "The conda and pip packages of one environment.",
        "  condafleet packages gpu01:cv-resnet50\n  condafleet packages gpu01:/data/envs/x --json\n"
        "  condafleet packages gpu01:cv-resnet50 --history",
        _output_options(),
    )
    packages.add_argument("selector", metavar="HOST:ENV", help="HOST:NAME or HOST:/absolute/prefix")
    packages.add_argument(
        "--history",
        action="store_true",
        help="what was asked of conda and what came of it, newest first; with --json beside the packages",
    )


def _gpus(add: _Adder) -> None:
    gpus = add(
        "The GPUs of the selected hosts (default: all hosts) and their processes. HOST:INDEX means one GPU.",
        "  condafleet gpus\n  condafleet gpus '@a100' --json",
        _output_options(),
    )
    _selectors(gpus)


def _sessions(add: _Adder) -> None:
    sessions = add(
        "The tmux sessions of the selected hosts (default: all hosts). HOST:NAME means sessions by name.",
        "  condafleet sessions\n  condafleet sessions 'gpu01:train-*' --json",
        _output_options(),
    )
    _selectors(sessions)


def _attach(add: _Adder) -> None:
    attach = add(
        "Attach to a session on a host, over SSH. Detach as usual (Ctrl-B d); Enter ~. leaves a connection\n"
        "that no longer answers. The session goes on either way.",
        "  condafleet attach gpu01:train\n  condafleet attach 'gpu01:$3'",
    )
    attach.add_argument("target", metavar="HOST:SESSION", help="a session's name, or its id such as $3")


def _shell(add: _Adder) -> None:
    shell = add(
        "A login shell on a host, over SSH. Enter ~. leaves a connection that no longer answers.",
        "  condafleet shell gpu01",
    )
    shell.add_argument("host", metavar="HOST")


def _probe(add: _Adder) -> None:
    probe = add(
        "Connect to one host and show all that it tells: how it was reached, machine, load, mounts, installs,\n"
        "environments, GPUs, sessions, and why anything of it is missing.",
        "  condafleet probe gpu01\n  condafleet probe gpu01 --json",
        _output_options(lines=False),
    )
    probe.add_argument("host", metavar="HOST")


def _demo(add: _Adder) -> None:
    demo = add(
        "Start several throwaway hosts on this machine and open the screen on them; or run COMMAND with\n"
        "condafleet set up for them. Nothing of yours is touched, and all of it is gone afterwards.",
        "  condafleet demo\n  condafleet demo --hosts 8\n  condafleet demo -- condafleet envs",
    )
    demo.usage = "condafleet demo [OPTION…] [--hosts N] [-- COMMAND …]"
    demo.add_argument(
        "--hosts", type=_host_count, default=None, metavar="N", help=f"how many hosts, 1 to 200; default: {DEMO_HOSTS}"
    )


_FILL = {
    "hosts": ("list, add, forget and trust hosts", _hosts),
    "envs": ("list environments", _envs),
    "packages": ("list the packages of an environment", _packages),
    "diff": ("compare environments", lambda add: grammar.diff(add, _output_options(lines=False))),
    "find": ("find a package in the whole fleet", lambda add: grammar.find(add, _output_options())),
    "gpus": ("list GPUs and what runs on them", _gpus),
    "sessions": ("list tmux sessions", _sessions),
    "attach": ("attach to a tmux session at full screen", _attach),
    "shell": ("open a login shell on a host", _shell),
    "probe": ("show everything known of one host", _probe),
    "completion": ("print the completion of a shell", grammar.completion),
    "demo": ("the screen, or a command, on a throwaway fleet", _demo),
}


def _selectors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("selectors", nargs="*", metavar="SEL", default=[], help="HOST, @group, HOST:NAME, …")


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no port (1 to 65535)")
    return port


def _host_count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of hosts")
    return number
