"""``recreate HOST:ENV``."""

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
    recreate = add(
        "Make an environment anew from the packages that it has, in its place. The old one is archived first,\n"
        "and stays until the new one is whole.",
        "  condafleet recreate gpu01:cv-broken --dry-run",
        change_options(),
        grammar.output_options(),
    )
    recreate.add_argument("selector", metavar="HOST:ENV")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_recreate

    return await run_recreate(context)
