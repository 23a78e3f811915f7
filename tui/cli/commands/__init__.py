"""The commands: one line for each here, and a module of its name beside this one.

The module holds ``fill(add)``, which makes the command's parser (:class:`tui.cli.grammar.Adder`), and ``run(context)``,
which carries it out and gives its reply; whatever ``run`` needs is imported inside it, because ``--help`` is instant.
This table alone is read for the list of commands, so that the module of one command is loaded, or of none.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import would be a good part of the time that --help takes
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["COMMANDS", "Command", "module_of"]


class Command:
    """What is known of a command without its module."""

    __slots__ = ("actions", "default", "makes_config", "plural", "targets", "text")

    def __init__(
        self,
        text: str,
        plural: str = "hosts",
        *,
        targets: str = "",
        actions: tuple[str, ...] = (),
        default: str = "",
        makes_config: tuple[str, ...] = (),
    ) -> None:
        self.text = text
        """What it does, in the list of commands."""
        self.plural = plural
        """The key that holds its results in ``--json``."""
        self.targets = targets
        """What its arguments name, for completion: host, environment, session; ``?``: whole hosts and groups too."""
        self.actions = actions
        """The words of which one may follow it."""
        self.default = default
        """The action that any other word means, being a selector for it; empty: an action must be given."""
        self.makes_config = makes_config
        """The actions that may name a configuration file that isn't there yet."""


COMMANDS = {
    "hosts": Command("list, add, forget and trust hosts", targets="host?",
                     actions=("list", "add", "forget", "trust"), default="list", makes_config=("add",)),
    "envs": Command("list environments", "environments", targets="environment?"),
    "packages": Command("list the packages of an environment", "packages", targets="environment"),
    "diff": Command("compare environments", "differences", targets="environment"),
    "find": Command("find a package in the whole fleet", "packages", targets="environment?"),
    "gpus": Command("list GPUs and what runs on them", "gpus", targets="host?"),
    "sessions": Command("list tmux sessions", "sessions", targets="session?"),
    "attach": Command("attach to a tmux session at full screen", targets="session"),
    "shell": Command("open a login shell on a host", targets="host"),
    "probe": Command("show everything known of one host", targets="host"),
    "create": Command("create an environment, on one host or many", "tasks", targets="host?"),
    "clone": Command("make the same environment again, elsewhere or beside", "tasks", targets="environment"),
    "rename": Command("give an environment another name", "tasks", targets="environment"),
    "recreate": Command("make an environment anew from what it has", "tasks", targets="environment"),
    "install": Command("install packages into environments", "tasks", targets="environment"),
    "update": Command("update packages of environments", "tasks", targets="environment"),
    "uninstall": Command("take packages out of environments", "tasks", targets="environment"),
    "remove": Command("remove environments", "tasks", targets="environment"),
    "export": Command("write a file to make an environment again from", "exports", targets="environment"),
    "archive": Command("what was kept of environments before they went", "archives",
                       actions=("list", "show", "restore"), default="list"),
    "disk": Command("say what the disks hold, exactly, and what could go", "mounts", targets="environment?"),
    "clean": Command("remove parts of package caches, and other tools' caches", "plans", targets="host?"),
    "plan": Command("keep what is to go in a file, and run it later", "plans", actions=("new", "show", "run")),
    "trash": Command("what was put aside: list, restore, purge", "trash", targets="host?",
                     actions=("list", "restore", "purge"), default="list"),
    "tasks": Command("list, follow and end what runs on the hosts", "tasks", targets="host?",
                     actions=("list", "show", "follow", "cancel", "purge"), default="list"),
    "completion": Command("print the completion of a shell"),
    "demo": Command("the screen, or a command, on a throwaway fleet"),
}  # fmt: skip
"""By name, in the order of ``--help``."""


def module_of(name: str) -> ModuleType:
    """The module of the command *name*."""
    from importlib import import_module

    return import_module(f"tui.cli.commands.{name}")
