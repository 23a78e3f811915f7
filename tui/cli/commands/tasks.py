"""``tasks [list|show|follow|cancel|purge]``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import duration

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder, Parser
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    tasks = add(
        "Changes run on the hosts as tasks, whatever becomes of the program that began them. Without an action: list\n"
        "those that the hosts keep. An ID may be written HOST:ID, which asks that host alone.",
        "  condafleet tasks\n"
        "  condafleet tasks list gpu01 --json\n"
        "  condafleet tasks list --history --search remove --since 30d\n"
        "  condafleet tasks follow 20261121-131415-0a1b2c3d\n"
        "  condafleet tasks cancel gpu01:20261121-131415-0a1b2c3d --yes\n"
        "  condafleet tasks purge --older-than 7d",
        grammar.output_options(lines=False),
    )
    tasks.usage = "condafleet tasks [OPTION…] [SEL…]\n       condafleet tasks [OPTION…] ACTION …"
    action = add.actions(tasks)
    listing = action("list", "the tasks of all hosts, or of some (the default)")
    listing.add_argument("selectors", nargs="*", metavar="SEL", default=[], help="HOST or @group")
    listing.add_argument(
        "--history", action="store_true", help="what this machine remembers of tasks that are over; no host is asked"
    )
    listing.add_argument(
        "--search", action="append", default=[], metavar="WORD", help="those that hold this word; may be given again"
    )
    listing.add_argument("--since", type=duration, metavar="DURATION", help="those asked for so long ago at most")
    show = action("show", "everything known of tasks, with the end of their logs")
    _ids(show)
    show.add_argument("--lines", type=_count, default=20, metavar="N", help="so many lines of the log; default: 20")
    follow = action(
        "follow", "print a task's log as it grows, to its end; 0 when the task succeeded", grammar.output_options()
    )
    follow.add_argument("ids", nargs=1, metavar="ID", help="ID or HOST:ID")
    follow.add_argument("--offset", type=_count, default=0, metavar="N", help="begin at this byte of the log")
    follow.add_argument(
        "--raw", action="store_true", help="the log byte for byte, with all that its host wrote; not to a terminal"
    )
    cancel = action("cancel", "interrupt tasks, then end them")
    _ids(cancel)
    _answers(cancel)
    cancel.add_argument("--detach", action="store_true", help="return once it is asked for, before they have ended")
    purge = action("purge", "clear away what hosts keep of tasks that are over")
    purge.add_argument("ids", nargs="*", metavar="ID", default=[], help="ID or HOST:ID; none: of all hosts")
    purge.add_argument(
        "--older-than", type=duration, metavar="DURATION", help="only what ended so long ago; needed without an ID"
    )
    _answers(purge)


def _ids(parser: Parser) -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="ID or HOST:ID")


def _answers(parser: Parser) -> None:
    parser.add_argument("--yes", "-y", action="store_true", help="answer the question beforehand")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text[:20]!r} is no whole number")
    return int(text)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.tasks import run_tasks

    return await run_tasks(context)
