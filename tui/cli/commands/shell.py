"""``shell HOST``."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    shell = add(
        "A login shell on a host, over SSH. Enter ~. leaves a connection that no longer answers.",
        "  condafleet shell gpu01",
    )
    shell.add_argument("host", metavar="HOST")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.attach import run_shell

    return await run_shell(context)
