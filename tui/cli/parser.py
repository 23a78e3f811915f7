"""The command line's grammar as a whole: which words mean a command, and what is said about those that mean nothing.

Standard library only, because ``--help`` and ``--version`` are instant; each command's own part of the grammar is in
:mod:`tui.cli.commands`.
"""

from __future__ import annotations

import argparse

from tui import __version__
from tui.cli.commands import COMMANDS, module_of
from tui.cli.grammar import EXIT_CODES, Adder, BadArguments, Parser, formatter, global_options

TYPE_CHECKING = False  # as in typing, whose import would be a good part of the time that --help takes
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BadArguments", "build", "command_of", "parse", "place_of_command", "plural_of", "wants", "with_action"]

SELECTORS = """\
selectors:
  HOST  @group  HOST:NAME  HOST:/absolute/prefix       globs in HOST and NAME
  Names are written as the tables show them; a byte that can't be shown is \\xNN."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments by name; ``command`` is None when the screen is wanted.

    Always there: ``command, config, readonly, debug, json, json_lines``. Raises :class:`BadArguments`, and
    SystemExit (0) after printing help or version.
    """
    head, tail = list(argv), None
    name = command_of(argv)
    if name is not None and name not in COMMANDS:
        raise BadArguments(f"There is no command {name[:80]!r}.{_near(name, set(COMMANDS))}", _known_commands())
    if name == "demo" and "--" in head:
        at = head.index("--")
        head, tail = head[:at], head[at + 1 :]
    head = with_action(head)
    parser = build(name)
    args, unknown = parser.parse_known_args(head)
    for several in ("selectors", "specs"):
        if hasattr(args, several) and not any(word.startswith("-") for word in unknown):
            # argparse stops at an option between them
            setattr(args, several, [*getattr(args, several), *unknown])
            unknown = []
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


def with_action(words: Sequence[str]) -> list[str]:
    """``hosts gpu01`` means ``hosts list gpu01``: as with the other lists, what follows the command are selectors."""
    command = COMMANDS.get(command_of(words) or "")
    if command is None or not command.default:
        return list(words)
    at = place_of_command(words) + 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "--config" else 1
    if at >= len(words) or words[at] in command.actions:
        return list(words)
    return [*words[:at], command.default, *words[at:]]


def wants(argv: Sequence[str], option: str) -> bool:
    """Whether *option* is among arguments that could not be parsed (those before ``--``)."""
    words = list(argv)
    return option in (words[: words.index("--")] if "--" in words else words)


def plural_of(argv: Sequence[str]) -> str:
    """The key for the results of arguments that could not be parsed."""
    command = COMMANDS.get(command_of(argv) or "")
    return command.plural if command else "hosts"


def command_of(argv: Sequence[str]) -> str | None:
    """The first word that is neither an option nor the value of one."""
    return next(iter(argv[place_of_command(argv) :]), None)


def place_of_command(argv: Sequence[str]) -> int:
    """Where the command stands, or would: behind all words when there is none."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        if argv[at] == "--":
            return at + 1
        at += 2 if argv[at] == "--config" else 1
    return at


def build(chosen: str | None) -> Parser:
    """The parser, with the arguments of the *chosen* command alone: all of them cost as much as Python's start."""
    parser = Parser(
        prog="condafleet",
        formatter_class=formatter,
        allow_abbrev=False,
        parents=[global_options(defaults=True)],
        description=(
            "Conda environments, long runs and full disks on a fleet of GPU servers, over plain SSH.\n"
            "Without a command: the screen."
        ),
        epilog=f"{SELECTORS}\n\n{EXIT_CODES}\n\nlog file: {{log}}",
    )
    parser.add_argument("--version", action="version", version=f"condafleet {__version__}")
    parser.set_defaults(json=False, json_lines=False)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", title="commands", prog="condafleet", parser_class=Parser
    )
    if chosen is not None:
        module_of(chosen).fill(Adder(commands, chosen, COMMANDS[chosen]))
    else:
        for name, command in COMMANDS.items():
            commands.add_parser(name, help=command.text, add_help=False)
    return parser


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
    return f"The commands are {', '.join(COMMANDS)}; `condafleet --help` describes them."
