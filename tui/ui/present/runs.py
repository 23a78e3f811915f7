"""What the panes of sessions run: their own word is ``python``, the processes known of the host tell which script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tui.domain.sessions import Pane, Session
from tui.services.store import HostView

__all__ = ["Processes", "command_line", "known_processes", "programs", "script_of"]

SHELLS = frozenset({"bash", "zsh", "sh", "fish", "dash", "tcsh", "csh", "ksh"})
_PYTHON = re.compile(r"i?python[0-9.]*|pypy[0-9.]*", re.ASCII)
_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})


@dataclass(frozen=True, slots=True)
class Processes:
    """The command lines that are known of a host's processes: those on GPUs and those in environments."""

    by_pid: dict[int, str] = field(default_factory=dict)
    by_session: dict[str, list[str]] = field(default_factory=dict)
    """Of the processes whose session is known, by its id."""


def known_processes(view: HostView) -> Processes:
    """What is known now. What was kept from an earlier start is left out: a pid may be another process's by now."""
    known = Processes()
    if "environments" not in view.stale_parts:
        for each in view.snapshot.environments.value or ():
            known.by_pid.update((use.pid, use.command) for use in each.in_use if use.command)
    if "gpus" not in view.stale_parts:
        for process in (each for gpu in view.snapshot.gpus.value or () for each in gpu.processes):
            if process.command and process.pid is not None:
                known.by_pid[process.pid] = process.command
            if process.command and process.session:
                known.by_session.setdefault(process.session, []).append(process.command)
    return known


def command_line(pane: Pane, session: Session, known: Processes) -> str | None:
    """The command line of what a pane runs, None where it is not known: of the process that it was started with while
    that is in front, or of one on a GPU in its session that no other pane can hold.
    """
    own = _named(known.by_pid.get(pane.pid or 0, ""), pane.command)
    if own is not None:
        return own
    found = {_named(line, pane.command) for line in known.by_session.get(session.id, ())} - {None}
    alike = [each for each in _panes(session) if each.command == pane.command and not each.dead]
    return found.pop() if len(found) == 1 and len(alike) == 1 else None


def script_of(line: str) -> str:
    """What a command line is about, in a word or two: ``train.py``, ``-m torch.distributed.run``, ``nvtop``."""
    words = line.split()
    if not words:
        return line
    name = _base(words[0])
    if not (_PYTHON.fullmatch(name) or name in SHELLS):
        return name
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        word = words[at]
        if word == "-m" and name not in SHELLS:
            return " ".join(words[at : at + 2])
        if word.endswith("c") and not word.startswith("--"):
            return f"{name} -c"
        at += 2 if word in _WITH_VALUE else 1
    return _base(words[at]) if at < len(words) and words[at] != "-" else name


def _named(line: str, command: str | None) -> str | None:
    """*line* with its program's bare name, when that is *command*: what is in front may be another by now."""
    program, space, arguments = line.partition(" ")
    name = _base(program)
    return f"{name}{space}{arguments}" if name and name == command else None


def _panes(session: Session) -> Iterable[Pane]:
    return (pane for window in session.windows for pane in window.panes)


def _base(path: str) -> str:
    return path.rpartition("/")[2] or path


def programs(session: Session, known: Processes) -> Sequence[tuple[str, bool]]:
    """What the living panes of *session* run, each once, and whether it is a shell that waits for somebody."""
    found: dict[tuple[str, bool], None] = {}
    for pane in _panes(session):
        if pane.command and not pane.dead:
            line = command_line(pane, session, known)
            name = pane.command if line is None else script_of(line)
            found[name, name in SHELLS] = None
    return tuple(found)
