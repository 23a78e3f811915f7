"""``gpus [SEL…]``."""

from __future__ import annotations

from tui.cli import grammar

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    gpus = add(
        "The GPUs of the selected hosts (default: all hosts) and their processes. HOST:INDEX means one GPU.",
        "  condafleet gpus\n  condafleet gpus '@a100' --json",
        grammar.output_options(),
    )
    grammar.selectors(gpus)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.listing import LISTINGS, run_listing

    return await run_listing(context, LISTINGS["gpus"])
