"""``find SPEC [SEL…]``."""

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
    parser = add(
        "In which environments of the fleet a package is, at which version. A package is found under all its\n"
        "names: `torch` is `pytorch` too, whether conda or pip installed it. SPEC is one argument: quote it.",
        "  condafleet find numpy\n"
        "  condafleet find 'torch<2.1'\n"
        "  condafleet find 'numpy 1.21.6' '@a100'          exactly this version\n"
        "  condafleet find 'numpy=1.21.6=*mkl*'            and a build\n"
        "  condafleet find pip:torch --json                installed by pip",
        grammar.output_options(),
    )
    parser.add_argument("spec", metavar="SPEC", help="a package, its version and build, as conda writes them")
    grammar.selectors(parser)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.find import run_find

    return await run_find(context)
