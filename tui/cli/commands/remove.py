"""``remove HOST:ENV…``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import change_options, duration

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    remove = add(
        "Remove environments. What is needed to rebuild each is archived on this machine first; what is in use,\n"
        "holds files that nothing can rebuild, or is frozen, is refused unless it is named with --confirm.\n"
        "Packages are taken out of an environment by `condafleet uninstall`.",
        "  condafleet remove gpu01:cv-old --dry-run\n  condafleet remove gpu01:cv-old gpu02:/data/envs/x --yes\n"
        "  condafleet remove 'gpu*:tmp-*' --keep 7d",
        change_options(),
        grammar.output_options(),
    )
    remove.add_argument(
        "selectors", nargs="+", metavar="HOST:ENV", help="globs in both parts, or HOST:/absolute/prefix"
    )
    remove.add_argument(
        "--keep",
        type=duration,
        metavar="DURATION",
        help="put aside for so long (7d, 12h) instead of freeing at once; `condafleet trash` lists and restores it",
    )


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_remove

    return await run_remove(context)
