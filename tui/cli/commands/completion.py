"""``completion bash|zsh|fish``: it needs no fleet, so that :mod:`tui.cli.main` carries it out by itself."""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing
if TYPE_CHECKING:
    from tui.cli.grammar import Adder

__all__ = ["fill"]


def fill(add: Adder) -> None:
    """Make the parser."""
    parser = add(
        "Print what makes a shell complete commands, options, hosts, @groups, environments and sessions. Names\n"
        "come from the configuration and the last snapshots; no host is asked.",
        "  condafleet completion bash > ~/.local/share/bash-completion/completions/condafleet\n"
        "  condafleet completion zsh > ~/.zfunc/_condafleet       with fpath+=~/.zfunc before compinit\n"
        "  condafleet completion fish > ~/.config/fish/completions/condafleet.fish",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish")
