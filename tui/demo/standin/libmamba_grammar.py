"""The command line of libmamba's programs, as much of it as the stand-in knows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

__all__ = ["parse"]

_ABOUT = "A stand-in for micromamba and mamba on demo hosts and in tests. It is neither."
_SWITCHES = ("--json", "--dry-run", "--offline", "--no-rc")
_SOLVING = ("--no-pin", "--freeze-installed", "-a", "--all", "--prune", "--no-deps", "--strict-channel-priority")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        told = re.sub(r"unrecognized arguments: (.*)", r"The following argument was not expected: \1", message)
        self.exit(109, f"{told}\nRun with --help for more information.\n")


_Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"


def _add(commands: _Commands, name: str, *, target: bool = True, solves: bool = False) -> _Parser:
    made = commands.add_parser(name, description=_ABOUT)
    if target:
        which = made.add_mutually_exclusive_group()
        which.add_argument("-n", "--name")
        which.add_argument("-p", "--prefix")
    made.add_argument("-r", "--root-prefix")
    made.add_argument("-y", "--yes", action="store_true")
    made.add_argument("-q", "--quiet", action="store_true")
    for option in _SWITCHES:
        made.add_argument(option, action="store_true")
    if solves:
        made.add_argument("-c", "--channel", action="append", default=[])
        made.add_argument("--override-channels", action="store_true")
        made.add_argument("-f", "--file", action="append", default=[])
        for option in _SOLVING:
            made.add_argument(option, action="store_true")
        made.add_argument("words", nargs="*")
    return made


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What was asked for. Raises SystemExit with their code 109 for what is not known."""
    parser = _Parser(prog="micromamba", description=_ABOUT)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(dest="command", parser_class=_Parser)
    _add(commands, "create", solves=True).add_argument("--clone")
    for name in ("install", "update", "upgrade", "remove", "uninstall"):
        _add(commands, name, solves=True)
    listing = _add(commands, "list")
    for option in ("--explicit", "--md5", "--sha256", "--no-pip"):
        listing.add_argument(option, action="store_true")
    _add(commands, "info", target=False).add_argument("-e", "--envs", action="store_true")
    clean = _add(commands, "clean", target=False)
    for short, option in (("-a", "--all"), ("-i", "--index-cache"), ("-p", "--packages"), ("-t", "--tarballs")):
        clean.add_argument(short, option, action="store_true")
    clean.add_argument("-l", "--locks", action="store_true")
    run = commands.add_parser("run", description=_ABOUT)
    run.add_argument("-n", "--name")
    run.add_argument("-p", "--prefix")
    run.add_argument("-r", "--root-prefix")
    run.add_argument("words", nargs=argparse.REMAINDER)
    env: _Commands = commands.add_parser("env", description=_ABOUT).add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    _add(env, "list", target=False)
    _add(env, "remove")
    _add(env, "create", solves=True).add_argument("--clone")
    _add(env, "update", solves=True)
    export = _add(env, "export")
    for option in ("--no-build", "--from-history", "--explicit", "--no-md5"):
        export.add_argument(option, action="store_true")
    return parser.parse_args(argv)
