"""``packages HOST:ENV``."""

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
    packages = add(
        "The conda and pip packages of one environment.",
        "  condafleet packages gpu01:cv-resnet50\n  condafleet packages gpu01:/data/envs/x --json\n"
        "  condafleet packages gpu01:cv-resnet50 --history",
        grammar.output_options(),
    )
    packages.add_argument("selector", metavar="HOST:ENV", help="HOST:NAME or HOST:/absolute/prefix")
    packages.add_argument(
        "--history",
        action="store_true",
        help="what was asked of conda and what came of it, newest first; with --json beside the packages",
    )


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.packages import run_packages

    return await run_packages(context)
