"""``plan new|show|run FILE``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import change_options
from tui.cli.commands.clean import markdown_option, what_options

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    parser = add(
        "What is to go, on any number of hosts, kept in a file: made from a fresh count, read and changed by people,\n"
        "run later. It is counted again before it runs, and what changed meanwhile is refused.",
        "  condafleet plan new friday.yaml @a100\n"
        "  condafleet plan new friday.yaml 'gpu01:tmp-*' gpu01 --what tarballs,packages\n"
        "  condafleet plan run friday.yaml --dry-run\n  condafleet plan run friday.yaml --yes --markdown report.md",
    )
    actions = add.actions(parser)
    new = actions("new", "count, and write a plan of what could go", grammar.output_options(lines=False))
    new.add_argument("file", metavar="FILE", help="YAML, or JSON where its name ends in .json")
    new.add_argument(
        "selectors", nargs="*", metavar="SEL", default=[], help="HOST, @group: what is suggested there; HOST:ENV: that"
    )
    new.add_argument("--force", action="store_true", help="write over FILE")
    what_options(new, "what is suggested")
    show = actions("show", "show what a plan holds; no host is asked", grammar.output_options(lines=False))
    show.add_argument("file", metavar="FILE")
    markdown_option(show)
    run = actions("run", "check a plan against its hosts, and run it", change_options(), grammar.output_options())
    run.add_argument("file", metavar="FILE")
    markdown_option(run)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.plan import run_plan_command

    return await run_plan_command(context)
