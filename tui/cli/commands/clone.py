"""``clone HOST:ENV HOST:NAME``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import carry_option, change_options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    clone = add(
        "Make the same environment again, on the same host or on others, and compare both at the end.",
        "  condafleet clone gpu01:cv-base gpu01:cv-try2\n  condafleet clone gpu01:cv-base @a100:cv-base --yes",
        change_options(),
        grammar.output_options(),
    )
    clone.add_argument("source", metavar="HOST:ENV")
    clone.add_argument("target", metavar="HOST:NAME", help="HOST may be a glob or @group; or HOST:/absolute/prefix")
    clone.add_argument("--install", metavar="ROOT", help="the install that makes it, where a host has several")
    carry_option(clone)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_clone

    return await run_clone(context)
