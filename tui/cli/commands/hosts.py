"""``hosts [list|add|forget|trust]``."""

from __future__ import annotations

import argparse

from tui.cli import grammar

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.context import Context
    from tui.cli.grammar import Adder
    from tui.cli.reply import Reply

__all__ = ["fill", "run"]


def fill(add: Adder) -> None:
    """Make the parser."""
    hosts = add(
        "The hosts of the fleet. Without an action: try those that SEL means, or all, and show their state.",
        "  condafleet hosts\n"
        "  condafleet hosts gpu01 '@a100' --json          the same as: condafleet hosts list gpu01 …\n"
        "  condafleet hosts add gpu05 --address 192.0.2.15 --user ada --jump bastion\n"
        "  condafleet hosts forget gpu05\n"
        "  condafleet hosts trust gpu05 --fingerprint SHA256:…",
        grammar.output_options(),
    )
    hosts.usage = "condafleet hosts [OPTION…] [SEL…]\n       condafleet hosts [OPTION…] ACTION …"
    action = add.actions(hosts)
    grammar.selectors(action("list", "try the hosts and show their state (the default)", grammar.output_options()))
    adding = action("add", "add a host to the configuration file; a bare name is an alias of ssh_config")
    adding.add_argument("name", metavar="NAME")
    adding.add_argument("--address", metavar="ADDRESS", help="default: the name")
    adding.add_argument("--port", type=_port, metavar="PORT", help="default: as ssh decides")
    adding.add_argument("--user", metavar="USER", help="default: as ssh decides")
    adding.add_argument("--identity", action="append", default=[], metavar="FILE", help="may be given several times")
    adding.add_argument("--jump", metavar="HOST", help="reach it through this host")
    adding.add_argument("--group", action="append", default=[], metavar="GROUP", help="may be given several times")
    forget = action("forget", "take a host out of the configuration file; the host itself is not touched")
    forget.add_argument("name", metavar="NAME")
    trust = action("trust", "accept and save the key of a host that nobody vouched for yet")
    trust.add_argument("name", metavar="HOST")
    trust.add_argument(
        "--fingerprint", required=True, metavar="SHA256:…", help="as the host's administrator told you; must fit"
    )


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no port (1 to 65535)")
    return port


async def run(context: Context) -> Reply:
    """Carry it out."""
    from tui.cli.hosts import run_hosts

    return await run_hosts(context)
