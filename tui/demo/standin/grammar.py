"""conda's command line, as much of it as the stand-in knows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["parse"]

_ABOUT = (
    "A stand-in for conda on demo hosts and in tests: small real packages, conda's commands and words. It is no conda."
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.format_usage()}{self.prog}: error: {message}\n")


def _target(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-n", "--name")
    which.add_argument("-p", "--prefix")


def _output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("-y", "--yes", action="store_true")
    parser.add_argument("-d", "--dry-run", action="store_true")
    parser.add_argument("--console", default="classic")


def _solving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--channel", action="append", default=[])
    parser.add_argument("--override-channels", action="store_true")
    parser.add_argument("--strict-channel-priority", action="store_true")
    parser.add_argument("--no-channel-priority", action="store_true")
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--solver", choices=("classic", "libmamba", "rattler"), default="rattler")
    parser.add_argument("--download-only", action="store_true")
    parser.add_argument("--no-default-packages", action="store_true")
    parser.add_argument("--freeze-installed", "--no-update-deps", action="store_true")
    parser.add_argument("--prune", action="store_true")
    parser.add_argument("--override-frozen", action="store_true")


def _changing(commands: argparse._SubParsersAction[_Parser], name: str, *aliases: str) -> _Parser:
    parser = commands.add_parser(name, aliases=aliases, description=_ABOUT)
    _target(parser)
    _output(parser)
    _solving(parser)
    return parser


def _environments(commands: argparse._SubParsersAction[_Parser]) -> None:
    env = commands.add_parser("env", description=_ABOUT).add_subparsers(
        dest="verb", required=True, parser_class=_Parser
    )
    create = _changing(env, "create")
    create.add_argument("-f", "--file", action="append", default=[])
    update = _changing(env, "update")
    update.add_argument("-f", "--file", action="append", default=[])
    export = env.add_parser("export", description=_ABOUT)
    _export(export)
    listing = env.add_parser("list", description=_ABOUT)
    _output(listing)
    listing.add_argument("--size", action="store_true")
    remove = env.add_parser("remove", description=_ABOUT)
    _target(remove)
    _output(remove)
    remove.add_argument("--override-frozen", action="store_true")


def _export(parser: _Parser) -> None:
    _target(parser)
    _output(parser)
    parser.add_argument("--no-builds", "--no-build", action="store_true")
    parser.add_argument("--from-history", action="store_true")
    parser.add_argument("--ignore-channels", action="store_true")
    parser.add_argument("--override-channels", action="store_true")
    parser.add_argument("-c", "--channel", action="append", default=[])
    parser.add_argument("-f", "--file")


def _looking(commands: argparse._SubParsersAction[_Parser]) -> None:
    listing = commands.add_parser("list", description=_ABOUT)
    _target(listing)
    _output(listing)
    listing.add_argument("-e", "--export", action="store_true")
    for option in ("--explicit", "--md5", "--sha256", "--size", "--no-pip", "--full-name", "--revisions"):
        listing.add_argument(option, action="store_true")
    listing.add_argument("--show-channel-urls", action="store_true")
    listing.add_argument("words", nargs="*")
    info = commands.add_parser("info", description=_ABOUT)
    _output(info)
    options: tuple[tuple[str, ...], ...] = (("-e", "--envs"), ("-a", "--all"), ("--base",))
    for each in options:
        info.add_argument(*each, action="store_true")
    config = commands.add_parser("config", description=_ABOUT)
    _output(config)
    config.add_argument("--show", nargs="*")
    config.add_argument("--show-sources", action="store_true")
    config.add_argument("--set", nargs=2)
    config.add_argument("--get", nargs="*")
    search = commands.add_parser("search", description=_ABOUT)
    _output(search)
    _solving(search)
    search.add_argument("words", nargs="*")
    run = commands.add_parser("run", description=_ABOUT)
    _target(run)
    run.add_argument("-v", "--verbose", action="count", default=0)
    run.add_argument("--no-capture-output", "--live-stream", action="store_true")
    run.add_argument("--cwd")
    run.add_argument("words", nargs=argparse.REMAINDER)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """What was asked for. Raises SystemExit with conda's code 2 for what it does not know."""
    parser = _Parser(prog="conda", description=_ABOUT)
    parser.add_argument("-V", "--version", action="store_true")
    commands = parser.add_subparsers(dest="command", parser_class=_Parser)
    create = _changing(commands, "create")
    create.add_argument("--clone")
    install = _changing(commands, "install")
    install.add_argument("--force-reinstall", action="store_true")
    update = _changing(commands, "update", "upgrade")
    update.add_argument("--all", "--update-all", action="store_true")
    for each in (create, install, update):
        each.add_argument("--file", "-f", action="append", default=[])
        each.add_argument("words", nargs="*")
    remove = _changing(commands, "remove", "uninstall")
    remove.add_argument("--all", action="store_true")
    remove.add_argument("--keep-env", action="store_true")
    remove.add_argument("--force", "--force-remove", action="store_true")
    remove.add_argument("words", nargs="*")
    rename = commands.add_parser("rename", description=_ABOUT)
    _target(rename)
    _output(rename)
    rename.add_argument("destination")
    clean = commands.add_parser("clean", description=_ABOUT)
    _output(clean)
    for short, long in (
        *(("-a", "--all"), ("-i", "--index-cache"), ("-p", "--packages"), ("-t", "--tarballs")),
        *(("-f", "--force-pkgs-dirs"), ("-l", "--logfiles")),
    ):
        clean.add_argument(short, long, action="store_true")
    clean.add_argument("-c", "--tempfiles", nargs="*")
    _export(commands.add_parser("export", description=_ABOUT))
    _environments(commands)
    _looking(commands)
    return parser.parse_args(argv)
