"""``disk [SEL…]``."""

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
    disk = add(
        "What the disks of the selected hosts (default: all hosts) hold, and what could go: environments, package\n"
        "caches, other tools' caches, counted now, to the block, with hard links understood. ALONE is what removing\n"
        "one thing gives back. HOST:ENV shows that environment; its host is counted whole all the same, because\n"
        "whom an environment shares with decides what it gives back. Nothing is changed.",
        "  condafleet disk\n  condafleet disk gpu01 --all\n  condafleet disk gpu01:cv-resnet50 --json\n"
        "  condafleet disk '@a100' --markdown > ticket.md",
        grammar.output_options(),
    )
    grammar.selectors(disk)
    disk.add_argument("--all", action="store_true", help="show every row, not only the largest")
    disk.add_argument("--markdown", action="store_true", help="write Markdown, for a ticket")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.disk import run_disk

    return await run_disk(context)
