"""``trash list|restore|purge``."""

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
    trash = add(
        "What `remove --keep` put aside on the hosts, with its age and bytes: list it, bring it back, or free it.",
        "  condafleet trash list\n  condafleet trash restore gpu01:cv-old\n"
        "  condafleet trash purge gpu01:20261121-131711-a4c583ea --yes\n  condafleet trash purge '@a100' --due --yes",
        grammar.output_options(),
    )
    action = add.actions(trash)
    listing = action("list", "what is put aside on the selected hosts (default: all), newest first")
    grammar.selectors(listing)
    restore = action("restore", "bring an environment back to where it was", change_options(), grammar.output_options())
    restore.add_argument("selectors", nargs="+", metavar="HOST:ENV", help="its old name or prefix, or the id listed")
    purge = action("purge", "free it for good", change_options(), grammar.output_options())
    purge.add_argument("selectors", nargs="+", metavar="HOST:ENV", help="its old name or prefix, the id, or a HOST")
    purge.add_argument("--due", action="store_true", help="only what was kept for as long as it was to be")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.trash import run_trash

    return await run_trash(context)
