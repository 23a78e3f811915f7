"""``create HOST:NAME [SPEC…]``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import carry_option, change_options, from_options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    create = add(
        "Create an environment, on one host or on many. One that exists is never overwritten.",
        "  condafleet create gpu01:cv-new python=3.11 'pytorch>=2.3' -c conda-forge\n"
        "  condafleet create @a100:cv-new -f environment.yml --detach\n"
        "  condafleet create gpu02:cv-new --like gpu01:cv-old",
        change_options(),
        grammar.output_options(),
    )
    create.add_argument("target", metavar="HOST:NAME", help="HOST may be a glob or @group; or HOST:/absolute/prefix")
    create.add_argument("specs", nargs="*", metavar="SPEC", default=[], help="packages as conda takes them")
    from_options(create)
    create.add_argument("-f", "--file", metavar="FILE", help="an environment.yml, or an explicit list of addresses")
    create.add_argument("--like", metavar="HOST:ENV", help="the packages of this environment, its versions and builds")
    create.add_argument("--install", metavar="ROOT", help="the install that makes it, where a host has several")
    carry_option(create)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.changing import run_create

    return await run_create(context)
