"""``demo [--hosts N] [-- COMMAND …]``: a front end of its own, which :mod:`tui.cli.main` starts."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.grammar import Adder

__all__ = ["fill"]

DEMO_HOSTS = 6
"""How many hosts a demo has when nobody says."""


def fill(add: Adder) -> None:
    """Make the parser."""
    demo = add(
        "Start several throwaway hosts on this machine and open the screen on them; or run COMMAND with\n"
        "condafleet set up for them. Nothing of yours is touched, and all of it is gone afterwards.",
        "  condafleet demo\n  condafleet demo --hosts 8\n  condafleet demo -- condafleet envs",
    )
    demo.usage = "condafleet demo [OPTION…] [--hosts N] [-- COMMAND …]"
    demo.add_argument(
        "--hosts", type=_host_count, default=None, metavar="N", help=f"how many hosts, 1 to 200; default: {DEMO_HOSTS}"
    )


def _host_count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of hosts")
    return number
