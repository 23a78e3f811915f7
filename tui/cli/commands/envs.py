"""``envs [SEL…]``."""

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
    envs = add(
        "Every conda environment of the selected hosts (default: all hosts), with what uses it now.",
        "  condafleet envs\n  condafleet envs gpu01 '@a100:cv-*' --json\n  condafleet envs gpu01 --search /data",
        grammar.output_options(),
    )
    grammar.selectors(envs)
    envs.add_argument(
        "--search",
        metavar="PATH",
        help="first look for environments below PATH (absolute, or from ~/) on each selected host; remembered",
    )


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.listing import LISTINGS, run_listing

    return await run_listing(context, LISTINGS["envs"])
