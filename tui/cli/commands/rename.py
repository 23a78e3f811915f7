"""``rename HOST:ENV NAME``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import change_options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    rename = add(
        "Give an environment another name.",
        "  condafleet rename gpu01:cv-old cv-older\n  condafleet rename gpu01:cv-old /data/envs/cv-old",
        change_options(),
        grammar.output_options(),
    )
    rename.add_argument("selector", metavar="HOST:ENV")
    rename.add_argument("name", metavar="NAME", help="a name beside the old one, or an absolute prefix")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_rename

    return await run_rename(context)
