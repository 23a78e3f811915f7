"""``diff SEL SEL…``."""

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
        "What environments differ in. With one selector: all that it means (one name on all hosts, as a rule)\n"
        "against what most of them hold. With several: each of the others against the first.\n"
        "A difference is no failure: the exit code is 0 whenever all were compared, `same` in --json tells.",
        "  condafleet diff gpu01:llm gpu02:llm\n"
        "  condafleet diff '*:llm-train'\n"
        "  condafleet diff gpu01:llm '@a100:llm' --json",
        grammar.output_options(lines=False),
    )
    parser.add_argument(
        "selectors", nargs="+", metavar="SEL", default=[], help="HOST:NAME, HOST:/absolute/prefix, globs, @group:NAME"
    )


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.diff import run_diff

    return await run_diff(context)
