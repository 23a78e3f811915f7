"""``attach HOST:SESSION``."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    attach = add(
        "Attach to a session on a host, over SSH. Detach as usual (Ctrl-B d); Enter ~. leaves a connection\n"
        "that no longer answers. The session goes on either way.",
        "  condafleet attach gpu01:train\n  condafleet attach 'gpu01:$3'",
    )
    attach.add_argument("target", metavar="HOST:SESSION", help="a session's name, or its id such as $3")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.attach import run_attach

    return await run_attach(context)
