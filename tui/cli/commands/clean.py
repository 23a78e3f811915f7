"""``clean SEL…``."""

from __future__ import annotations

from tui.cli import grammar
from tui.cli.changeoptions import change_options, duration

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    import argparse

    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run", "what_options"]


def fill(add: Adder) -> None:
    """Make the parser."""
    clean = add(
        "Remove parts of package caches, and other tools' caches, on many hosts at once; never an environment.\n"
        "What would come free is counted first, exactly; afterwards the file systems are asked what did.\n"
        "Without tarballs, nothing can be made or rolled back offline.",
        "  condafleet clean @a100 --dry-run\n"
        "  condafleet clean 'gpu*' --what tarballs,packages,pip --older-than 30d --yes\n"
        "  condafleet clean gpu01:/data/conda/pkgs --what packages",
        change_options(),
        grammar.output_options(),
    )
    clean.add_argument("selectors", nargs="+", metavar="SEL", help="HOST, @group, or HOST:/path of a cache or install")
    what_options(clean, "tarballs,index,logs,temp")


def what_options(parser: argparse.ArgumentParser, default: str) -> None:
    """``--what``, ``--older-than`` and ``--markdown``."""
    parser.add_argument(
        "--what",
        action="append",
        default=[],
        metavar="LIST",
        help="tarballs, packages (those that nothing uses), index, logs, temp; pip, uv, hub, hf, torch, triton, wandb, "
        "runs, core, trash, and other (each other folder of ~/.cache, by its name with --confirm); "
        f"default: {default}",
    )
    parser.add_argument(
        "--older-than", type=duration, metavar="DURATION", help="of caches only what was not changed for so long (30d)"
    )
    markdown_option(parser)


def markdown_option(parser: argparse.ArgumentParser) -> None:
    """``--markdown``."""
    parser.add_argument("--markdown", metavar="FILE", help="also write the report there, for a ticket")


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.clean import run_clean

    return await run_clean(context)
