"""Which program changes an environment, and the exact command line for it. Pure.

No command line that makes an environment holds ``-y``: every tool deletes an environment of that name without another
word then. Without it, and with nothing to read from, each of them answers its own questions with what it would take
for an empty line: yes to going on, no to deleting what stands there. So what the program of the task has looked at
under its lock, the tool decides once more at the last moment, whoever was faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, EnvRef
from tui.domain.environments import Manager
from tui.domain.phrases import phrase
from tui.domain.text import printable

__all__ = [
    "EXPLICIT_FILE",
    "Tool",
    "Toolbox",
    "choose_tool",
    "copied_here",
    "dry_run_argv",
    "explicit_source",
    "pip_argv",
    "shown_argv",
    "tool_argv",
]

EXPLICIT_FILE = "explicit.txt"
"""What the explicit list is called in a task's folder."""
REQUIREMENTS_FILE = "requirements.txt"


@dataclass(frozen=True, slots=True)
class Tool:
    """A package manager on a host."""

    manager: Manager
    program: str
    """Absolute path, raw."""
    root: str
    """The install, or for micromamba the root prefix, that it works for."""
    version: str | None = None
    owned: bool = True
    """False where neither root nor our account owns the program and its directory: it is never run."""

    @property
    def is_mamba(self) -> bool:
        """True where it speaks as libmamba's own programs do: micromamba, and mamba since 2.0."""
        return self.manager is Manager.MICROMAMBA or (self.manager is Manager.MAMBA and not self._is_first_mamba)

    @property
    def _is_first_mamba(self) -> bool:
        """mamba 1 is conda with another solver, in all but its name."""
        major = (self.version or "").partition(".")[0]
        return major in ("0", "1")


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What an install can be changed with, as its host showed it."""

    root: str
    tools: tuple[Tool, ...] = ()
    caches: tuple[str, ...] = ()
    """Package caches that the account may write, the one that is written first."""


_FASTEST = (Manager.MAMBA, Manager.MICROMAMBA, Manager.CONDA)
_THOROUGH = (Manager.CONDA, Manager.MAMBA, Manager.MICROMAMBA)
"""conda's clone brings the files along that no package owns, pip's among them; micromamba's does not. It also tells a
package that is not there from one that was removed."""
_CAREFUL = frozenset({ChangeKind.CLONE, ChangeKind.RENAME, ChangeKind.UNINSTALL})


def choose_tool(box: Toolbox, kind: ChangeKind) -> Tool | Concern:
    """The program for a change of that *kind*: of those that may be run, the fastest that does it well."""
    order = _THOROUGH if kind in _CAREFUL else _FASTEST
    ranked = sorted(
        (each for each in box.tools if each.manager in order and (each.version or each.manager is not Manager.MAMBA)),
        key=lambda each: order.index(each.manager),
    )
    for each in ranked:
        if each.owned:
            return each
    if ranked:
        return Concern.of(
            ConcernKind.FOREIGN_OWNER,
            phrase("{program} belongs to another account, and is not run.", program=printable(ranked[0].program)),
            (printable(each.program) for each in ranked[1:]),
        )
    return Concern.of(
        ConcernKind.NO_TOOL, phrase("{root} has no conda, mamba or micromamba.", root=printable(box.root))
    )


def copied_here(change: Change) -> str | None:
    """The prefix on the same host that the tool itself is to copy; None where a list says what there is to be."""
    source = change.source
    if change.kind is not ChangeKind.CLONE or source is None or source.host != change.host:
        return None
    return None if change.explicit or change.specs else source.prefix


def tool_argv(tool: Tool, change: Change) -> tuple[str, ...]:
    """The command line that makes *change*'s conda part; the task puts the explicit list's file behind it.

    Of a rename it is the making of the copy. Empty where conda has nothing to do.
    """
    kind = change.kind
    source = copied_here(change)
    if source is not None:
        return (*_begin(tool, "create", change.prefix), "--clone", source)
    if kind in (ChangeKind.CREATE, ChangeKind.RECREATE, ChangeKind.CLONE):
        return (*_begin(tool, "create", change.prefix), *_channels(change), *change.specs)
    if kind is ChangeKind.RENAME:
        return (*_begin(tool, "create", change.new_prefix or ""), "--clone", change.prefix)
    verb = {ChangeKind.INSTALL: "install", ChangeKind.UPDATE: "update", ChangeKind.UNINSTALL: "remove"}[kind]
    everything = kind is ChangeKind.UPDATE and not change.specs and not change.pip
    if not change.specs and not change.explicit and not everything:
        return ()
    frozen = ("--override-frozen",) if ConcernKind.FROZEN in change.accepted and not tool.is_mamba else ()
    channels = () if kind is ChangeKind.UNINSTALL else _channels(change)
    words = ("--all",) if everything else change.specs
    return (*_begin(tool, verb, change.prefix), "-y", *frozen, *channels, *words)


def dry_run_argv(tool: Tool, change: Change) -> tuple[str, ...]:
    """What tells beforehand what *change* would do to the packages; empty where nothing would tell.

    An explicit list and a copy are not solved: what they bring is known without asking.
    """
    if change.explicit or change.kind is ChangeKind.RENAME or copied_here(change) is not None:
        return ()
    argv = tool_argv(tool, change)
    if not argv:
        return ()
    return (*(word for word in argv[: argv.index("-p") + 2]), "--dry-run", "--json", *_rest(argv))


def _rest(argv: Sequence[str]) -> tuple[str, ...]:
    rest = argv[argv.index("-p") + 2 :]
    return tuple(rest[1:] if rest[:1] == ("-y",) else rest)


def pip_argv(change: Change, *, python: str | None = None) -> tuple[str, ...]:
    """pip's part, for people; empty where it has none. Which packages conda has, conda installs: pip's come after."""
    if not change.pip:
        return ()
    pip = (python or f"{change.prefix}/bin/python", "-m", "pip")
    if change.kind is ChangeKind.UNINSTALL:
        return (*pip, "uninstall", "-y", *change.pip)
    more = {ChangeKind.UPDATE: ("--upgrade",), ChangeKind.CLONE: ("--no-deps",), ChangeKind.RECREATE: ("--no-deps",)}
    return (*pip, "install", *more.get(change.kind, ()), *change.pip)


def shown_argv(tool: Tool | None, change: Change) -> tuple[str, ...]:
    """The command line of *change* for people to read and copy: conda's where it has a part, else pip's."""
    argv = tool_argv(tool, change) if tool is not None else ()
    if not argv:
        return pip_argv(change)
    return (*argv, "--file", EXPLICIT_FILE) if change.explicit else argv


def explicit_source(change: Change) -> str | None:
    """What writes the file that the shown command line of *change* names; None where it names none.

    The task has that list of its own: no such file lies on the host beforehand.
    """
    if not change.explicit:
        return None
    source = EnvRef(change.host, change.prefix) if change.kind is ChangeKind.RECREATE else change.source
    if source is None:
        return phrase("{file} holds {n} addresses of packages.", file=EXPLICIT_FILE, n=len(change.explicit))
    return phrase(
        "{file} holds {n} addresses of packages: `condafleet export {place} --explicit` writes it.",
        file=EXPLICIT_FILE,
        n=len(change.explicit),
        place=f"{source.host}:{printable(source.prefix)}",
    )


def _begin(tool: Tool, verb: str, prefix: str) -> tuple[str, ...]:
    # Without it, micromamba takes its root from the environment of whoever calls it.
    root = ("-r", tool.root) if tool.is_mamba else ()
    return (tool.program, verb, *root, "-p", prefix)


def _channels(change: Change) -> Iterable[str]:
    if not change.channels:
        return
    # Those named and no others: what the host's configuration adds would make another environment on each host.
    yield "--override-channels"
    for channel in change.channels:
        yield from ("-c", channel)
