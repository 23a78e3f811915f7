"""``install HOST:ENV SPEC…``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import change_options, from_options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    install = add(
        "Install packages into environments.",
        "  condafleet install gpu01:cv-new 'scipy>=1.13' -c conda-forge",
        change_options(),
        grammar.output_options(),
    )
    install.add_argument("selector", metavar="HOST:ENV", help="globs in both parts, or HOST:/absolute/prefix")
    install.add_argument("specs", nargs="+", metavar="SPEC", help="packages as conda takes them")
    from_options(install)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_packages_change

    return await run_packages_change(context, "install")
