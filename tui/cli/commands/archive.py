"""``archive [list|show|restore]``."""

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
    archive = add(
        "What was kept on this machine of environments before they were removed or changed: enough to make them\n"
        "again, without tokens and passwords. Without an action: list all, the newest first.",
        "  condafleet archive\n"
        "  condafleet archive list 'gpu01:cv-*' --json\n"
        "  condafleet archive show 20261121-131415\n"
        "  condafleet archive show 20261121-131415 --file environment.yml > environment.yml\n"
        "  condafleet archive restore 20261121-131415 gpu02:cv-again",
        grammar.output_options(lines=False),
    )
    archive.usage = "condafleet archive [OPTION…] [HOST:ENV…]\n       condafleet archive [OPTION…] ACTION …"
    action = add.actions(archive)
    listing = action("list", "what there is, the newest first (the default)")
    listing.add_argument(
        "selectors", nargs="*", metavar="HOST:ENV", default=[], help="HOST or HOST:NAME, globs; hosts may be gone"
    )
    show = action("show", "what an archive holds, or one file of it")
    show.add_argument("id", metavar="ID", help="an id, or its beginning")
    show.add_argument("--file", metavar="FILE", help="print exactly this file of it")
    restore = action(
        "restore",
        "make the environment of an archive again, where it was or elsewhere",
        change_options(),
        grammar.output_options(),
    )
    restore.add_argument("id", metavar="ID", help="an id, or its beginning")
    restore.add_argument("target", nargs="?", metavar="HOST:NAME", help="default: where it was")
    restore.add_argument("--install", metavar="ROOT", help="the install that makes it, where a host has several")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.archive import run_archive

    return await run_archive(context)
