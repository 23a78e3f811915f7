"""What the grammar of every command is made of. Standard library only, because ``--help`` is instant."""

from __future__ import annotations

import argparse
import os

TYPE_CHECKING = False  # as in typing, whose import would be a good part of the time that --help takes
if TYPE_CHECKING:
    from typing import NoReturn

    from tui.cli.commands import Command

__all__ = ["Actions", "Adder", "BadArguments", "Parser", "formatter", "global_options", "output_options", "selectors"]

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


class Parser(argparse.ArgumentParser):
    """argparse's, with our words; ``{log}`` in its help is the log file's path."""

    def error(self, message: str) -> NoReturn:
        raise BadArguments(message[:1].upper() + message[1:] + ".", f"See `{self.prog} --help`.")

    def format_help(self) -> str:
        text = super().format_help()
        return text.replace("{log}", _log_path()) if "{log}" in text else text


def formatter(prog: str) -> argparse.HelpFormatter:
    """As argparse's own, which would import all of shutil to learn the terminal's width."""
    named = os.environ.get("COLUMNS", "")
    columns = int(named) if named.isascii() and named.isdigit() and int(named) else _terminal_columns()
    return argparse.RawDescriptionHelpFormatter(prog, width=max(40, columns - 2))


def global_options(defaults: bool) -> Parser:
    """Options that may stand before and after the command; after it they override only when they are given."""
    parser = Parser(add_help=False)
    group = parser.add_argument_group("everywhere")
    absent = None if defaults else argparse.SUPPRESS
    off = False if defaults else argparse.SUPPRESS
    group.add_argument("--config", metavar="FILE", default=absent, help="configuration file to use")
    group.add_argument("--readonly", action="store_true", default=off, help="change nothing on any host")
    group.add_argument("--debug", action="store_true", default=off, help="write more to the log file")
    return parser


def output_options(lines: bool = True) -> Parser:
    """``--json``, and ``--json-lines`` unless *lines* is false: a parent for :class:`Adder`."""
    parser = Parser(add_help=False)
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


def selectors(parser: argparse.ArgumentParser) -> None:
    """``SEL…``, as ``args.selectors``."""
    parser.add_argument("selectors", nargs="*", metavar="SEL", default=[], help="HOST, @group, HOST:NAME, …")


class Adder:
    """Makes the parser of one command; what ``fill`` of its module is called with."""

    def __init__(self, commands: argparse._SubParsersAction[Parser], name: str, command: Command) -> None:
        self._commands = commands
        self.name = name
        self.command = command

    def __call__(self, description: str, examples: str, *parents: Parser) -> Parser:
        """The parser, with the options that stand everywhere and those of *parents*."""
        return self._commands.add_parser(
            self.name,
            help=self.command.text,
            description=description,
            epilog=f"examples:\n{examples}\n\n{EXIT_CODES}",
            formatter_class=formatter,
            allow_abbrev=False,
            parents=[*parents, global_options(defaults=False)],
        )

    def actions(self, parser: Parser) -> Actions:
        """What makes the parsers of the words that may follow the command; the word is in ``args.action``."""
        return Actions(parser, f"condafleet {self.name}")


class Actions:
    """Makes the parser of each action of a command, as of ``hosts add``."""

    def __init__(self, parser: Parser, prog: str) -> None:
        self._actions = parser.add_subparsers(
            dest="action", metavar="ACTION", title="actions", prog=prog, parser_class=Parser
        )

    def __call__(self, name: str, text: str, *parents: Parser) -> Parser:
        """The parser of the action *name*, which *text* describes; with ``--json`` unless *parents* are given."""
        return self._actions.add_parser(
            name,
            help=text,
            description=f"{text[:1].upper()}{text[1:]}.",
            formatter_class=formatter,
            allow_abbrev=False,
            parents=[*(parents or (output_options(lines=False),)), global_options(defaults=False)],
        )


def _terminal_columns() -> int:
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def _log_path() -> str:
    from tui.domain.places import log_file

    return str(log_file(os.environ))
