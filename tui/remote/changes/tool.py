"""Changes that a package manager makes, as jobs for the task engine: ``scripts/change_tool.sh`` is what runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tui.domain.carrying import Cargo
from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Install
from tui.domain.errors import UsageError
from tui.domain.logins import netrc_text
from tui.domain.packages import canonical_name
from tui.domain.phrases import phrase
from tui.domain.planned import PackagePlan
from tui.domain.proofs import pip_word, planned_words, spec_word
from tui.domain.tasks import TaskSpec
from tui.domain.toolargs import Tool, Toolbox, copied_here, pip_argv, shown_argv, tool_argv
from tui.domain.toolwords import (
    archive_stem,
    check_archives,
    check_channels,
    check_requirements,
    check_specs,
    requirement_name,
    spec_name,
)
from tui.remote.changes.guard import guard_args, guarded
from tui.remote.changes.remove import aside_line
from tui.remote.jobs import Job

__all__ = ["Means", "check_words", "tool_job"]

_KINDS = frozenset(
    {
        *(ChangeKind.CREATE, ChangeKind.CLONE, ChangeKind.RENAME, ChangeKind.RECREATE),
        *(ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL),
    }
)
_COPIES = frozenset({ChangeKind.CLONE, ChangeKind.RENAME, ChangeKind.RECREATE})
_ANEW = frozenset({ChangeKind.RENAME, ChangeKind.RECREATE})
_PINNED = re.compile(r"[A-Za-z0-9._-]+==([A-Za-z0-9.+!_-]+)\Z")
_HOW = {
    ChangeKind.UPDATE: "--upgrade",
    ChangeKind.CLONE: "--no-deps",
    ChangeKind.RENAME: "--no-deps",
    ChangeKind.RECREATE: "--no-deps",
}


@dataclass(frozen=True, slots=True)
class Means:
    """With what a host's environments are changed, and between which places."""

    install: Install
    box: Toolbox
    tool: Tool | None
    """None where pip alone has something to do."""
    roots: tuple[str, ...] = ()
    """All installs of the host."""
    envs_dirs: tuple[str, ...] = ()
    """All its directories of environments."""
    device: int | None = None
    inode: int | None = None
    """Of the directory that was looked at, for a change of one that stands."""
    played: bool = False
    cargo: Cargo | None = None
    """What was carried to the host beforehand."""
    stamp: str = ""
    """Of what was looked at, where the old one goes: :func:`tui.domain.look.stamp_of`."""
    plan: PackagePlan | None = None
    """What the dry run told: it must have come so."""


def check_words(change: Change) -> None:
    """Whether every word of *change* is what it is meant to be. Raises UsageError."""
    check_specs(change.specs)
    check_channels(change.channels)
    check_archives(change.explicit)
    check_requirements(change.pip)
    if change.specs and change.explicit:
        raise UsageError(
            phrase("An explicit list takes no further packages."), phrase("Install them afterwards, or drop the list.")
        )
    nothing = not (change.specs or change.explicit or change.pip)
    if change.kind is ChangeKind.RECREATE and not change.explicit and not change.specs:
        raise UsageError(phrase("It is not known what to make the environment from."))
    if nothing and change.kind in (ChangeKind.INSTALL, ChangeKind.UNINSTALL):
        raise UsageError(phrase("No package is named."), phrase("Name at least one."))


def tool_job(change: Change, means: Means, task_id: str, operator: str) -> Job:
    """What is started on the host for *change*, whatever a package manager has to do with.

    Where something is missing of a copy, the task does the rest, tells of it and fails.
    Raises UsageError where a word is none that could be run.
    """
    check_words(change)
    if change.kind not in _KINDS:
        raise ValueError(f"no package manager does it: {change.kind}")
    argv = tool_argv(means.tool, change) if means.tool is not None else ()
    conda, pip = _names(change)
    conda = (*conda, *planned_words(means.plan))
    args = (
        *guard_args(
            change.prefix,
            device=means.device,
            inode=means.inode,
            stamp=means.stamp if change.kind in _ANEW else "",
            accepted=change.accepted,
            played=means.played,
            roots=means.roots,
            envs_dirs=means.envs_dirs,
        ),
        change.kind.value,
        change.new_prefix or copied_here(change) or "",
        " ".join(conda),
        " ".join(pip),
        "".join(f"{line}\n" for line in ("@EXPLICIT", *change.explicit)) if change.explicit else "",
        "".join(f"{line}\n" for line in (pip if change.kind is ChangeKind.UNINSTALL else change.pip)),
        _HOW.get(change.kind, ""),
        "\n".join(change.missing),
        "".join(f"{line}\n" for line in change.pins),
        task_id,
        aside_line(change.prefix, task_id, operator, change.host),
        str(max(0, round(change.keep_s))),
        *_unloading(means),
        *argv,
    )
    spec = TaskSpec(
        id=task_id,
        kind=change.kind.value,
        target=change.prefix,
        argv=shown_argv(means.tool, change) or pip_argv(change),
        operator=operator,
        places=_places(change, means),
        roots=(means.install.root,),
        summary=_summary(change),
    )
    return Job(spec, _program(), args, as_owner=True, netrc=netrc_text(change.logins))


def _unloading(means: Means) -> tuple[str, str, str]:
    """The cache, how it is laid out, and a line for each archive that waits beside it."""
    cargo = means.cargo
    if cargo is None:
        return "", "", ""
    layout = "mamba" if means.tool is not None and means.tool.is_mamba else "conda"
    lines = (f"{each.staged} {each.file} {each.folder} {each.url}\n" for each in cargo.parcels)
    return cargo.cache, layout, "".join(lines)


def _summary(change: Change) -> str:
    """What the command line alone does not tell."""
    if change.kind is ChangeKind.RENAME:
        return f"rename {change.label} to {change.new_prefix}: copied, looked at, and the old one removed"
    if change.kind is ChangeKind.RECREATE:
        return f"recreate {change.label}: the old one is aside until the new one is there"
    return ""


def _program() -> bytes:
    more = ("change_newplace", "change_trash", "change_env", "change_toolkit", "change_proof", "change_whole")
    return guarded("change_tool", *more, "change_unload", "change_beside", "change_logins")


def _names(change: Change) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """By which packages is seen on the disk whether it is done: words as :mod:`tui.domain.proofs` has them, pip's of a
    copy ``NAME==VERSION``. Of a copy the very version is wanted, of what goes no more than the name."""
    exact = change.kind in _COPIES
    if change.kind is ChangeKind.UNINSTALL:
        gone = {name for spec in change.specs if (name := spec_name(spec)) is not None}
        return tuple(sorted(gone)), tuple(sorted({name for each in change.pip if (name := requirement_name(each))}))
    conda = {word for spec in change.specs if (word := spec_word(spec, exact=exact)) is not None}
    conda |= {f"={stem}" for line in change.explicit if (stem := archive_stem(line)) is not None}
    pip = set()
    for each in change.pip:
        name = requirement_name(each)
        pinned = _PINNED.match(each)
        word = f"{canonical_name(name)}=={pinned[1]}" if name is not None and exact and pinned else pip_word(each)
        if word is not None:
            pip.add(word)
    return tuple(sorted(conda)), tuple(sorted(pip))


def _places(change: Change, means: Means) -> tuple[str, ...]:
    """What is locked: where it is written, and what is read meanwhile."""
    among = (change.prefix, change.new_prefix, copied_here(change))
    changed: Iterable[str] = (each for each in among if each is not None)
    own = next(iter(means.install.envs_dirs), posixpath.join(means.install.root, "envs"))
    folders = (own if each == means.install.root else posixpath.dirname(each) for each in changed)
    caches = means.box.caches if means.tool is not None else ()
    return tuple(dict.fromkeys((*folders, *caches)))
