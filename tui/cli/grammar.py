"""The arguments of the commands that search and compare. Standard library only, as :mod:`tui.cli.parser`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["completion", "diff", "find"]

Add = Callable[..., argparse.ArgumentParser]


def diff(add: Add, output: argparse.ArgumentParser) -> None:
    """``diff SEL SEL…``."""
    parser = add(
        "What environments differ in. With one selector: all that it means (one name on all hosts, as a rule)\n"
        "against what most of them hold. With several: each of the others against the first.\n"
        "A difference is no failure: the exit code is 0 whenever all were compared, `same` in --json tells.",
        "  condafleet diff gpu01:llm gpu02:llm\n"
        "  condafleet diff '*:llm-train'\n"
        "  condafleet diff gpu01:llm '@a100:llm' --json",
        output,
    )
    parser.add_argument(
        "selectors", nargs="+", metavar="SEL", default=[], help="HOST:NAME, HOST:/absolute/prefix, globs, @group:NAME"
    )


def find(add: Add, output: argparse.ArgumentParser) -> None:
    """``find SPEC [SEL…]``."""
    parser = add(
        "In which environments of the fleet a package is, at which version. A package is found under all its\n"
        "names: `torch` is `pytorch` too, whether conda or pip installed it. SPEC is one argument: quote it.",
        "  condafleet find numpy\n"
        "  condafleet find 'torch<2.1'\n"
        "  condafleet find 'numpy 1.21.6' '@a100'          exactly this version\n"
        "  condafleet find 'numpy=1.21.6=*mkl*'            and a build\n"
        "  condafleet find pip:torch --json                installed by pip",
        output,
    )
    parser.add_argument("spec", metavar="SPEC", help="a package, its version and build, as conda writes them")
    parser.add_argument("selectors", nargs="*", metavar="SEL", default=[], help="HOST, @group, HOST:NAME, …")


def completion(add: Add) -> None:
    """``completion SHELL``."""
    parser = add(
        "Print what makes a shell complete commands, options, hosts, @groups, environments and sessions. Names\n"
        "come from the configuration and the last snapshots; no host is asked.",
        "  condafleet completion bash > ~/.local/share/bash-completion/completions/condafleet\n"
        "  condafleet completion zsh > ~/.zfunc/_condafleet       with fpath+=~/.zfunc before compinit\n"
        "  condafleet completion fish > ~/.config/fish/completions/condafleet.fish",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), metavar="bash|zsh|fish")
