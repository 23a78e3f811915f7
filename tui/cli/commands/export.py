"""``export HOST:ENV``."""

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
    export = add(
        "A file that an environment can be made again from: standard output holds exactly that file. It is read from\n"
        "the environment's records; neither conda nor its Python is run. Tokens and passwords are left out of it.\n"
        "What cannot be made again from it, such as sources installed in place, is named on standard error.",
        "  condafleet export gpu01:cv-resnet50 > environment.yml\n"
        "  condafleet export gpu01:cv-resnet50 --from-history         what was asked for, as it was asked for\n"
        "  condafleet export gpu01:cv-resnet50 --explicit             addresses and hashes of the very packages\n"
        "  condafleet export gpu01:cv-resnet50 --json",
        grammar.output_options(lines=False),
    )
    export.add_argument("selector", metavar="HOST:ENV", help="HOST:NAME or HOST:/absolute/prefix")
    export.set_defaults(form="full")
    forms = export.add_mutually_exclusive_group()
    for option, form, text in (
        ("--no-builds", "no_builds", "environment.yml with versions, without builds"),
        ("--from-history", "from_history", "environment.yml with the specs that were asked for, and the pip packages"),
        ("--explicit", "explicit", "an explicit list with hashes, of conda's packages alone"),
        ("--pip", "pip", "what pip installed, as pip freeze lists it"),
    ):
        forms.add_argument(option, action="store_const", const=form, dest="form", help=text)


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.export import run_export

    return await run_export(context)
