"""``probe HOST``."""

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
    probe = add(
        "Connect to one host and show all that it tells: how it was reached, machine, load, mounts, installs,\n"
        "environments, GPUs, sessions, and why anything of it is missing.",
        "  condafleet probe gpu01\n  condafleet probe gpu01 --json",
        grammar.output_options(lines=False),
    )
    probe.add_argument("host", metavar="HOST")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.probe import run_probe

    return await run_probe(context)
