"""The options that every changing command takes. Standard library only, because ``--help`` is instant."""

from __future__ import annotations

from tui.cli import grammar

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    import argparse

__all__ = ["carry_option", "change_options", "duration", "from_options"]


def change_options() -> grammar.Parser:
    """``--dry-run``, ``--yes``, ``--confirm``, ``--detach``: a parent for :class:`tui.cli.grammar.Adder`."""
    parser = grammar.Parser(add_help=False)
    group = parser.add_argument_group("changing")
    group.add_argument("--dry-run", action="store_true", help="look and say what would be done; change nothing")
    group.add_argument("--yes", "-y", action="store_true", help="answer the ordinary question beforehand")
    group.add_argument(
        "--confirm",
        action="append",
        default=[],
        metavar="NAME",
        help="go on in spite of what guards the environment NAME (in use, files that nothing can rebuild, …); "
        "once for each environment",
    )
    group.add_argument("--detach", action="store_true", help="return once the tasks run on their hosts")
    return parser


def carry_option(parser: argparse.ArgumentParser) -> None:
    """``--carry``, as ``args.carry``."""
    parser.add_argument(
        "--carry",
        choices=("auto", "always", "never"),
        default="auto",
        help="carry the packages from the source's cache through this machine: where the host does not reach their "
        "servers (auto), whatever it reaches, or never",
    )


def from_options(parser: argparse.ArgumentParser) -> None:
    """``-c CHANNEL``, as ``args.channel``."""
    parser.add_argument(
        "-c",
        "--channel",
        action="append",
        default=[],
        metavar="CHANNEL",
        help="in this order; may be given several times",
    )


def duration(text: str) -> float:
    """A duration as an argument; seconds."""
    from argparse import ArgumentTypeError

    from tui.domain.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
