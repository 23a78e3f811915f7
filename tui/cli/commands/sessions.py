"""``sessions [SEL…]``."""

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
    sessions = add(
        "The tmux sessions of the selected hosts (default: all hosts). HOST:NAME means sessions by name.",
        "  condafleet sessions\n  condafleet sessions 'gpu01:train-*' --json",
        grammar.output_options(),
    )
    grammar.selectors(sessions)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.listing import LISTINGS, run_listing

    return await run_listing(context, LISTINGS["sessions"])
